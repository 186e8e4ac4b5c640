"""Where images come from, in what order, and what a damaged copy says."""

import gzip
import hashlib
import json
import logging
import socket

import numpy as np
import pytest
import torch
from PIL import Image

from tests.data.idx_files import encode
from wgan_course.data import cache, fashion, idx, images, make_subset

HAS_DEBIAN = fashion.complete(fashion.DEBIAN_FOLDER, "train")
needs_debian = pytest.mark.skipif(not HAS_DEBIAN, reason="apt-get install dataset-fashion-mnist")


def small_split(split, n=20, seed=0):
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
    return dict(zip(fashion.FILES[split], (pictures, (np.arange(n) % 10).astype(np.uint8)), strict=True))


def write_folder(folder, split="train", packed=True, **options):
    folder.mkdir(parents=True, exist_ok=True)
    arrays = small_split(split, **options)
    for name, array in arrays.items():
        content = encode(array)
        (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)
    return arrays


def checksums(arrays):
    return {name: hashlib.md5(encode(array)).hexdigest() for name, array in arrays.items()}


def fake_torchvision(monkeypatch, action):
    import torchvision.datasets

    monkeypatch.delenv("WGAN_COURSE_OFFLINE", raising=False)
    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", action)


def no_network(root, train, download):
    raise OSError("no network")


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No Debian package, an empty cache, no network."""
    monkeypatch.setattr(fashion, "DEBIAN_FOLDER", tmp_path / "no-debian")
    monkeypatch.setenv("WGAN_COURSE_DATA", str(tmp_path / "cache"))
    fake_torchvision(monkeypatch, no_network)
    return tmp_path


# --- the embedded subset ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("split", "n"), [("train", 4000), ("test", 1000)])
def test_embedded_subset_is_balanced_and_scaled(split, n):
    data = images.load("fashion-mnist", split, source="embedded")
    assert data.images.shape == (n, 1, 28, 28)
    assert data.images.dtype == torch.float32
    assert data.labels.bincount().tolist() == [n // 10] * 10
    assert (data.images.min().item(), data.images.max().item()) == (-1.0, 1.0)
    assert (data.source, data.split, len(data)) == ("embedded", split, n)


def test_embedded_subset_matches_its_provenance():
    record = json.loads(fashion.EMBEDDED_FILE.with_suffix(".json").read_text())
    with np.load(fashion.EMBEDDED_FILE) as archive:
        found = {name: hashlib.md5(archive[name].tobytes()).hexdigest() for name in archive.files}
    assert found == record["array_md5"]
    assert record["input_md5_of_uncompressed_content"] == images.CONTENT_MD5
    assert "wgan_course.data.make_subset" in record["command"]


def test_embedded_subset_is_small_and_has_its_licence():
    assert fashion.EMBEDDED_FILE.stat().st_size < 2.4e6
    notice = (images.ASSETS / "fashion_mnist_LICENSE.txt").read_text()
    assert "Zalando SE" in notice
    assert "Permission is hereby granted, free of charge" in notice


@needs_debian
def test_embedded_images_are_the_originals():
    for split in images.SPLITS:
        full = images.load(split=split, source="debian")
        with np.load(fashion.EMBEDDED_FILE) as archive:
            where = torch.from_numpy(archive[f"{split}_indices"]).long()
        part = images.load(split=split, source="embedded")
        assert torch.equal(full.images[where], part.images)
        assert torch.equal(full.labels[where], part.labels)


@needs_debian
def test_making_the_subset_again_gives_the_same(tmp_path):
    assert make_subset.main(["--target", str(tmp_path / "again.npz")]) == 0
    made = json.loads((tmp_path / "again.json").read_text())
    assert made == json.loads(fashion.EMBEDDED_FILE.with_suffix(".json").read_text())


def test_a_small_subset_holds_the_images_it_says(tmp_path, monkeypatch):
    full = {split: write_folder(tmp_path, split, n=60, seed=k) for k, split in enumerate(images.SPLITS)}
    monkeypatch.setattr(fashion, "CONTENT_MD5", checksums(full["train"] | full["test"]))
    monkeypatch.setattr(make_subset, "PER_CLASS", {"train": 4, "test": 1})
    assert make_subset.main(["--folder", str(tmp_path), "--target", str(tmp_path / "made.npz")]) == 0
    with np.load(tmp_path / "made.npz") as made:
        for split, (pictures, labels) in ((split, full[split].values()) for split in images.SPLITS):
            keep = made[f"{split}_indices"]
            assert made[f"{split}_images"].dtype == made[f"{split}_labels"].dtype == np.uint8
            assert np.array_equal(made[f"{split}_images"], pictures[keep])
            assert np.array_equal(made[f"{split}_labels"], labels[keep])
            assert np.bincount(labels[keep]).tolist() == [make_subset.PER_CLASS[split]] * 10


def test_balanced_indices_against_counting():
    labels = np.array([2, 0, 1, 1, 0, 2, 2, 1, 0, 0])
    keep = make_subset.balanced_indices(labels, 3, np.random.default_rng(0))
    assert len(set(keep.tolist())) == 9
    assert np.bincount(labels[keep]).tolist() == [3, 3, 3]
    assert (np.diff(keep) > 0).all()


def test_too_many_of_a_class():
    with pytest.raises(ValueError, match="per_class must be at most 2"):
        make_subset.balanced_indices(np.array([0, 0, 1, 1, 1]), 3, np.random.default_rng(0))


# --- the order of the sources ----------------------------------------------------------------------------------------


def test_without_anything_the_embedded_subset_is_taken_and_said(nowhere, caplog):
    with caplog.at_level(logging.INFO):
        data = images.load(split="test")
    assert data.source == "embedded"
    assert "nothing found in debian" in caplog.text
    assert "the download failed (no network)" in caplog.text
    assert "1000 test images from embedded" in caplog.text


@pytest.mark.parametrize("packed", [True, False])
def test_debian_comes_before_the_cache(nowhere, monkeypatch, packed):
    arrays = write_folder(nowhere / "no-debian", packed=packed)
    write_folder(nowhere / "cache" / "FashionMNIST" / "raw", seed=1)
    monkeypatch.setattr(fashion, "CONTENT_MD5", checksums(arrays))
    data = images.load()
    assert (data.source, data.origin) == ("debian", str(nowhere / "no-debian"))
    assert np.array_equal(images.from_unit(data.images).numpy(), arrays["train-images-idx3-ubyte"])


def test_the_cache_comes_before_the_embedded_subset(nowhere, monkeypatch):
    arrays = write_folder(nowhere / "cache" / "FashionMNIST" / "raw", packed=False)
    monkeypatch.setattr(fashion, "CONTENT_MD5", checksums(arrays))
    data = images.load()
    assert (data.source, len(data)) == ("torchvision", 20)


def test_a_path_comes_first_and_needs_no_checksum(tmp_path):
    arrays = write_folder(tmp_path / "own", "test", n=30)
    data = images.load(split="test", path=tmp_path / "own")
    assert (data.source, len(data)) == ("path", 30)
    assert data.labels.tolist() == arrays["t10k-labels-idx1-ubyte"].tolist()


def test_a_path_to_an_npz_file(tmp_path):
    pictures, labels = small_split("train").values()
    np.savez(tmp_path / "own.npz", train_images=pictures, train_labels=labels)
    data = images.load(path=tmp_path / "own.npz")
    assert data.source == "path"
    assert np.array_equal(images.from_unit(data.images).numpy(), pictures)


@needs_debian
@pytest.mark.parametrize(("split", "n"), [("train", 60000), ("test", 10000)])
def test_debian_package(split, n):
    data = images.load(split=split, source="debian")
    assert data.images.shape == (n, 1, 28, 28)
    assert data.labels.bincount().tolist() == [n // 10] * 10


def test_download_where_there_is_a_network(nowhere, monkeypatch):
    arrays = small_split("train")
    monkeypatch.setattr(fashion, "CONTENT_MD5", checksums(arrays))
    roots = []

    def download(root, train, download):
        roots.append((root, download, socket.getdefaulttimeout()))
        write_folder(nowhere / "cache" / "FashionMNIST" / "raw")

    fake_torchvision(monkeypatch, download)
    assert images.load().source == "torchvision"
    assert images.load().source == "torchvision"
    assert roots == [(str(nowhere / "cache"), True, 10.0)]
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize("error", [OSError("line cut"), RuntimeError("File not found or corrupted.")])
def test_a_download_that_fails_falls_through(nowhere, monkeypatch, caplog, error):
    def download(root, train, download):
        raise error

    fake_torchvision(monkeypatch, download)
    with caplog.at_level(logging.INFO):
        assert images.load(split="test").source == "embedded"
    assert f"the download failed ({error})" in caplog.text


def test_a_download_with_wrong_content_is_refused(nowhere, monkeypatch):
    fake_torchvision(
        monkeypatch, lambda root, train, download: write_folder(nowhere / "cache" / "FashionMNIST" / "raw")
    )
    with pytest.raises(idx.BadFileError, match="Cure: delete this file, so that it is downloaded again"):
        images.load()


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_downloading_can_be_forbidden(nowhere, monkeypatch, how):
    def download(root, train, download):
        raise AssertionError("it downloaded")

    fake_torchvision(monkeypatch, download)
    if how == "environment":
        monkeypatch.setenv("WGAN_COURSE_OFFLINE", "1")
    assert images.load(split="test", download=how != "argument").source == "embedded"


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("WGAN_COURSE_DATA", str(tmp_path / "here"))
    assert cache.folder() == tmp_path / "here"
    monkeypatch.delenv("WGAN_COURSE_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache.folder() == tmp_path / "cache" / "wgan-course"


# --- damage ----------------------------------------------------------------------------------------------------------


def damage(file, how):
    content = bytearray(file.read_bytes())
    if how == "truncated":
        content = content[: len(content) // 2]
    elif how == "flipped":
        content[len(content) // 2] ^= 0xFF
    elif how == "emptied":
        content = b""
    else:
        content = b"<html>not found</html>"
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("how", ["truncated", "flipped", "emptied", "replaced"])
@pytest.mark.parametrize("which", [0, 1])
def test_damaged_debian_file_is_named_with_its_cure(nowhere, monkeypatch, how, which):
    arrays = write_folder(nowhere / "no-debian")
    monkeypatch.setattr(fashion, "CONTENT_MD5", checksums(arrays))
    file = nowhere / "no-debian" / f"{fashion.FILES['train'][which]}.gz"
    damage(file, how)
    with pytest.raises(idx.BadFileError, match=f"{file} is corrupt.*apt-get install --reinstall dataset-fashion-mnist"):
        images.load()


@pytest.mark.parametrize("how", ["truncated", "flipped", "emptied", "replaced"])
def test_damaged_npz_is_named_with_its_cure(tmp_path, monkeypatch, how):
    copy = tmp_path / "subset.npz"
    copy.write_bytes(fashion.EMBEDDED_FILE.read_bytes())
    damage(copy, how)
    monkeypatch.setattr(fashion, "EMBEDDED_FILE", copy)
    with pytest.raises(idx.BadFileError, match=r"subset\.npz is corrupt or truncated: .*Cure: install the package"):
        images.load(source="embedded")


def test_missing_embedded_file(tmp_path, monkeypatch):
    monkeypatch.setattr(fashion, "EMBEDDED_FILE", tmp_path / "gone.npz")
    with pytest.raises(FileNotFoundError, match=r"gone\.npz is missing. Cure: install the package again"):
        images.load(source="embedded")


def test_half_a_folder(tmp_path):
    write_folder(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"has no train-labels-idx1-ubyte \(plain or \.gz\)\. Cure: give another"
    ):
        images.load(path=tmp_path)


def test_labels_of_another_split(tmp_path):
    write_folder(tmp_path)
    write_folder(tmp_path, "test", n=7)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").replace(tmp_path / "train-labels-idx1-ubyte.gz")
    with pytest.raises(idx.BadFileError, match=r"\(20, 28, 28\) and labels of shape \(7,\) do not go together"):
        images.load(path=tmp_path)


def test_labels_out_of_range(tmp_path):
    write_folder(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(encode(np.full(20, 11, dtype=np.uint8)))
    with pytest.raises(idx.BadFileError, match="label 11 found"):
        images.load(path=tmp_path)


def test_npz_without_the_split(tmp_path):
    np.savez(tmp_path / "own.npz", other=np.zeros(3))
    with pytest.raises(idx.BadFileError, match="train_images"):
        images.load(path=tmp_path / "own.npz")


# --- arguments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "emoji", "source": "embedded"},
            "source is for fashion-mnist alone, got source='embedded'",
        ),
        ({"size": 28.0}, "size must be a whole number, got 28.0"),
        ({"channels": 2}, "channels must be 1 or 3, got 2"),
        ({"size": True}, "size must be a whole number, got True"),
        ({"split": "valid"}, "split must be one of 'train', 'test', got 'valid'"),
        ({"source": "web"}, "source must be one of 'path', 'debian', 'torchvision', 'embedded', got 'web'"),
        ({"source": "path"}, "contradict"),
        ({"source": "embedded", "path": "somewhere"}, "contradict"),
        ({"source": "embedded", "size": 3}, "size must be 4 or more, got 3"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        images.load(**arguments)


def test_path_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing does not exist\. Cure: give another path"):
        images.load(path=tmp_path / "nothing")


@pytest.mark.parametrize("source", ["debian", "torchvision"])
def test_source_that_has_nothing(nowhere, source):
    with pytest.raises(FileNotFoundError, match=f"no Fashion-MNIST in source '{source}'"):
        images.load(source=source)


# --- pixels ----------------------------------------------------------------------------------------------------------


def test_scaling_by_hand_and_back():
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)
    scaled = images.to_unit(levels)
    assert scaled[0, 0, 0, 0] == -1
    assert scaled[0, 0, -1, -1] == 1
    assert scaled[0, 0, 3, 3].item() == pytest.approx(51 / 127.5 - 1, abs=1e-6)
    assert torch.equal(images.from_unit(scaled), levels)


def test_out_of_range_levels_are_clipped():
    assert images.from_unit(torch.tensor([[[[-3.0, 3.0], [0.0, 1.0]]]])).flatten().tolist() == [0, 255, 128, 255]


def test_scaling_twice_is_refused():
    with pytest.raises(TypeError, match=r"uint8, got torch\.float32; they may be scaled already"):
        images.to_unit(torch.zeros(1, 28, 28))


def test_size_32_is_a_border():
    data = images.load(split="test", source="embedded")
    wide = images.load(split="test", source="embedded", size=32)
    assert wide.images.shape == (1000, 1, 32, 32)
    assert torch.equal(wide.images[..., 2:-2, 2:-2], data.images)
    border = wide.images.clone()
    border[..., 2:-2, 2:-2] = -1
    assert (border == -1).all()


@pytest.mark.parametrize("size", [14, 16, 64])
def test_other_sizes_keep_constants_and_range(size):
    data = images.load(split="test", source="embedded", size=size).take(20)
    assert data.images.shape == (20, 1, size, size)
    assert data.images.min() >= -1.0001
    assert data.images.max() <= 1.0001
    constant = images.resize(torch.full((1, 1, 28, 28), 0.3), size)
    torch.testing.assert_close(constant, torch.full((1, 1, size, size), 0.3))


def test_downsampling_by_hand():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert images.downsample(x, 2).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert torch.equal(images.downsample(x, 1), x)


def test_downsampling_keeps_the_mean():
    x = images.load(split="test", source="embedded", size=32).images[:50]
    low = images.downsample(x, 4)
    assert low.shape == (50, 1, 8, 8)
    torch.testing.assert_close(low.mean((1, 2, 3)), x.mean((1, 2, 3)))


@pytest.mark.parametrize("factor", [0, -1, 3, 5])
def test_factors_that_do_not_divide(factor):
    with pytest.raises(ValueError, match="factor must divide the side 28"):
        images.downsample(torch.zeros(1, 1, 28, 28), factor)


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (1, 1, 28, 27)])
def test_shapes_that_are_no_images(shape):
    for action in (lambda x: images.resize(x, 32), lambda x: images.downsample(x, 2), images.from_unit):
        with pytest.raises(ValueError, match="images must have shape"):
            action(torch.zeros(shape))


def test_colours_to_levels_and_back():
    levels = torch.randint(0, 256, (2, 3, 5, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(images.from_unit(images.to_unit(levels)), levels)


def test_channels_that_stand_last_are_refused():
    with pytest.raises(ValueError, match=r"or \(n, 1 or 3, s, s\), got \(2, 8, 8, 3\)"):
        images.to_unit(torch.zeros(2, 8, 8, 3, dtype=torch.uint8))


def test_grey_as_pillow_makes_it():
    levels = torch.randint(0, 256, (1, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    grey = images.from_unit(images.recolour(images.to_unit(levels), 1))[0]
    pillow = np.asarray(Image.fromarray(levels[0].permute(1, 2, 0).numpy()).convert("L"))
    assert np.abs(grey.numpy().astype(int) - pillow).max() <= 1


def test_grey_repeated_thrice_is_grey_again():
    data = images.load(split="test", source="embedded").take(5)
    wide = images.load(split="test", source="embedded", channels=3).take(5)
    assert wide.images.shape == (5, 3, 28, 28)
    torch.testing.assert_close(images.recolour(wide.images, 1), data.images)


# --- selections ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [5, "Sandal"])
def test_one_class(label):
    data = images.load(split="test", source="embedded").of_class(label)
    assert len(data) == len(data.images) == 100
    assert data.labels.unique().tolist() == [5]


@pytest.mark.parametrize("label", [10, -1, "Hat", 2.5])
def test_no_such_class(label):
    with pytest.raises(ValueError, match="label must be one of"):
        images.load(split="test", source="embedded").of_class(label)


def test_first_and_random_images():
    data = images.load(split="test", source="embedded")
    assert torch.equal(data.take(7).images, data.images[:7])
    drawn = [data.take(50, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert torch.equal(drawn[0].images, drawn[1].images)
    assert not torch.equal(drawn[0].images, drawn[2].images)
    whole = data.take(1000, torch.Generator().manual_seed(0))
    assert whole.labels.bincount().tolist() == [100] * 10


def test_half_an_image_is_refused():
    with pytest.raises(TypeError, match=r"n must be a whole number, got 2\.5"):
        images.load(split="test", source="embedded").take(2.5)


@pytest.mark.parametrize("name", ["Fashion-MNIST", "fashion_mnist", "FashionMNIST"])
def test_names_may_be_written_in_several_ways(name):
    assert len(images.load(name, "test", source="embedded")) == 1000


@pytest.mark.parametrize("n", [0, 1001])
def test_too_few_or_too_many(n):
    with pytest.raises(ValueError, match=f"n must be between 1 and 1000, got {n}"):
        images.load(split="test", source="embedded").take(n)
