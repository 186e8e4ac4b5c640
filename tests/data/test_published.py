"""Torchvision's sets by name, from small files of their own formats; nothing here touches a network."""

import hashlib
import pickle
import sys

import numpy as np
import pytest
import torchvision.datasets

from tests.data.idx_files import encode
from wgan_course.data import fashion, images, published
from wgan_course.data.idx import BadFileError


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setenv("WGAN_COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("WGAN_COURSE_OFFLINE", "1")


def pixels(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write_mnist(root):
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for k, part in enumerate(("train", "t10k")):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(encode(pixels((20, 28, 28), k)))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(encode(np.arange(20, dtype=np.uint8) % 10))
    return raw


def write_cifar(root, monkeypatch):
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    kind = torchvision.datasets.CIFAR10

    def put(name, held):
        content = pickle.dumps(held)
        (folder / name).write_bytes(content)
        return [name, hashlib.md5(content).hexdigest()]

    rows = [pixels((6, 3 * 32 * 32), seed) for seed in range(2)]
    lists = [[put(name, {"data": rows[k], "labels": [9, 1, 2, 0, 0, 9]})] for k, name in enumerate(("one", "two"))]
    names = ["airplane", *(f"class {k}" for k in range(1, 10))]
    meta = put("meta", {"label_names": names})
    monkeypatch.setattr(kind, "train_list", lists[0])
    monkeypatch.setattr(kind, "test_list", lists[1])
    monkeypatch.setattr(kind, "meta", {"filename": meta[0], "key": "label_names", "md5": meta[1]})
    return rows


@pytest.mark.parametrize(("split", "seed"), [("train", 0), ("test", 1)])
def test_mnist_from_its_files(tmp_path, split, seed):
    write_mnist(tmp_path)
    data = images.load("MNIST", split)
    assert np.array_equal(images.from_unit(data.images), pixels((20, 28, 28), seed))
    assert data.labels.tolist() == [k % 10 for k in range(20)]
    assert data.classes[3] == "3 - three"
    assert (data.source, data.origin) == ("torchvision", str(tmp_path))


@pytest.mark.parametrize("name", ["cifar10", "CIFAR-10", "cifar_10"])
def test_cifar_from_its_files(tmp_path, monkeypatch, name):
    rows = write_cifar(tmp_path / "own", monkeypatch)
    for k, split in enumerate(("train", "test")):
        data = images.load(name, split, path=tmp_path / "own")
        assert np.array_equal(images.from_unit(data.images).flatten(1), rows[k])
        assert data.labels.tolist() == [9, 1, 2, 0, 0, 9]
        assert (len(data.classes), data.classes[0]) == (10, "airplane")


def test_svhn_from_its_files(tmp_path, monkeypatch):
    from scipy.io import savemat

    x = pixels((32, 32, 3, 4))
    savemat(tmp_path / "train_32x32.mat", {"X": x, "y": np.array([[1], [10], [2], [10]])})
    md5 = hashlib.md5((tmp_path / "train_32x32.mat").read_bytes()).hexdigest()
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", {"train": ["", "train_32x32.mat", md5]})
    data = images.load("svhn")
    assert np.array_equal(images.from_unit(data.images), x.transpose(3, 2, 0, 1))
    assert (data.labels.tolist(), data.classes) == ([1, 0, 2, 0], ("0", "1", "2"))


def test_mnist_in_32_pixels_has_a_border(tmp_path):
    write_mnist(tmp_path)
    wide = images.load("mnist", size=32).images
    assert np.array_equal(images.from_unit(wide)[:, 2:-2, 2:-2], pixels((20, 28, 28)))


def test_a_folder_of_idx_files_by_path(tmp_path):
    raw = write_mnist(tmp_path)
    data = images.load(raw, "test")
    assert np.array_equal(images.from_unit(data.images), pixels((20, 28, 28), 1))
    assert data.classes == tuple("0123456789")


@pytest.mark.parametrize("name", published.SETS)
def test_without_files_and_network(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=f"{name} is not in {tmp_path}, and nothing downloaded, since WGAN"):
        images.load(name)
    with pytest.raises(FileNotFoundError, match=f"{name} is not in {tmp_path}, and must not be downloaded"):
        images.load(name, download=False)


def test_a_download_that_fails(tmp_path, monkeypatch):
    monkeypatch.delenv("WGAN_COURSE_OFFLINE")

    def fail(root, train, download):
        raise RuntimeError("Error downloading:\nTried a,\nTried b" if download else "Dataset not found.")

    monkeypatch.setattr(torchvision.datasets, "MNIST", fail)
    with pytest.raises(FileNotFoundError, match=r"the download failed \(Error downloading: Tried a, Tried b\); put"):
        images.load("mnist")


def test_damaged_files(tmp_path):
    raw = write_mnist(tmp_path)
    (raw / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03\0\0")
    with pytest.raises(BadFileError, match=r"torchvision can't read its files of MNIST .* Cure: delete them"):
        images.load("mnist")


def test_without_torchvision(monkeypatch, tmp_path):
    write_mnist(tmp_path)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ModuleNotFoundError, match=r"torchvision reads these sets: pip install '\.\[images\]'"):
        images.load("mnist")
    monkeypatch.delenv("WGAN_COURSE_OFFLINE")
    monkeypatch.setattr(fashion, "DEBIAN_FOLDER", tmp_path / "none")
    assert images.load("fashion-mnist", "test").source == "embedded"
