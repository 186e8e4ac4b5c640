"""Where images come from, in what order, and what a damaged copy says."""

import gzip
import hashlib
import json
import logging
import socket
import threading
import time

import numpy as np
import pytest
import torch

from wgan_course.data import idx, images, make_subset

HAS_DEBIAN = images._complete(images.DEBIAN_FOLDER, "train")
needs_debian = pytest.mark.skipif(not HAS_DEBIAN, reason="apt-get install dataset-fashion-mnist")


def small_split(split, n=20, seed=0):
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
    return dict(zip(images.FILES[split], (pictures, (np.arange(n) % 10).astype(np.uint8)), strict=True))


def write_folder(folder, split="train", packed=True, **options):
    folder.mkdir(parents=True, exist_ok=True)
    arrays = small_split(split, **options)
    for name, array in arrays.items():
        content = idx.encode(array)
        (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)
    return arrays


def checksums(arrays):
    return {name: hashlib.md5(idx.encode(array)).hexdigest() for name, array in arrays.items()}


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No Debian package, an empty cache, no network."""
    monkeypatch.setattr(images, "DEBIAN_FOLDER", tmp_path / "no-debian")
    monkeypatch.setenv("WGAN_COURSE_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(images, "reachable", lambda *_: False)
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
    record = json.loads(images.EMBEDDED_FILE.with_suffix(".json").read_text())
    with np.load(images.EMBEDDED_FILE) as archive:
        found = {name: hashlib.md5(archive[name].tobytes()).hexdigest() for name in archive.files}
    assert found == record["array_md5"]
    assert record["input_md5_of_uncompressed_content"] == images.CONTENT_MD5
    assert "wgan_course.data.make_subset" in record["command"]


def test_embedded_subset_is_small_and_has_its_licence():
    assert images.EMBEDDED_FILE.stat().st_size < 2.4e6
    notice = (images.ASSETS / "fashion_mnist_LICENSE.txt").read_text()
    assert "Zalando SE" in notice
    assert "Permission is hereby granted, free of charge" in notice


@needs_debian
def test_embedded_images_are_the_originals():
    for split in images.SPLITS:
        full = images.load(split=split, source="debian")
        with np.load(images.EMBEDDED_FILE) as archive:
            where = torch.from_numpy(archive[f"{split}_indices"]).long()
        part = images.load(split=split, source="embedded")
        assert torch.equal(full.images[where], part.images)
        assert torch.equal(full.labels[where], part.labels)


@needs_debian
def test_making_the_subset_again_gives_the_same(tmp_path):
    assert make_subset.main(["--target", str(tmp_path / "again.npz")]) == 0
    made = json.loads((tmp_path / "again.json").read_text())
    assert made == json.loads(images.EMBEDDED_FILE.with_suffix(".json").read_text())


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
    assert "no network" in caplog.text
    assert "1000 test images from embedded" in caplog.text


@pytest.mark.parametrize("packed", [True, False])
def test_debian_comes_before_the_cache(nowhere, monkeypatch, packed):
    arrays = write_folder(nowhere / "no-debian", packed=packed)
    write_folder(nowhere / "cache" / "FashionMNIST" / "raw", seed=1)
    monkeypatch.setattr(images, "CONTENT_MD5", checksums(arrays))
    data = images.load()
    assert (data.source, data.origin) == ("debian", str(nowhere / "no-debian"))
    assert np.array_equal(images.from_unit(data.images).numpy(), arrays["train-images-idx3-ubyte"])


def test_the_cache_comes_before_the_embedded_subset(nowhere, monkeypatch):
    arrays = write_folder(nowhere / "cache" / "FashionMNIST" / "raw", packed=False)
    monkeypatch.setattr(images, "CONTENT_MD5", checksums(arrays))
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


def fake_torchvision(monkeypatch, action):
    import torchvision.datasets

    monkeypatch.setattr(images, "reachable", lambda *_: True)
    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", action)


def test_download_where_there_is_a_network(nowhere, monkeypatch):
    arrays = small_split("train")
    monkeypatch.setattr(images, "CONTENT_MD5", checksums(arrays))
    roots = []

    def download(root, download):
        roots.append((root, download, socket.getdefaulttimeout()))
        write_folder(nowhere / "cache" / "FashionMNIST" / "raw")

    fake_torchvision(monkeypatch, download)
    assert images.load().source == "torchvision"
    assert images.load().source == "torchvision"
    assert roots == [(str(nowhere / "cache"), True, 20.0)]
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize("error", [OSError("line cut"), RuntimeError("File not found or corrupted.")])
def test_a_download_that_fails_falls_through(nowhere, monkeypatch, caplog, error):
    def download(root, download):
        raise error

    fake_torchvision(monkeypatch, download)
    assert images.load(split="test").source == "embedded"
    assert f"the download failed ({error})" in caplog.text


def test_a_download_with_wrong_content_is_refused(nowhere, monkeypatch):
    fake_torchvision(monkeypatch, lambda root, download: write_folder(nowhere / "cache" / "FashionMNIST" / "raw"))
    with pytest.raises(idx.BadFileError, match="Cure: delete this file, so that it is downloaded again"):
        images.load()


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_downloading_can_be_forbidden(nowhere, monkeypatch, how):
    def download(root, download):
        raise AssertionError("it downloaded")

    fake_torchvision(monkeypatch, download)
    if how == "environment":
        monkeypatch.setenv("WGAN_COURSE_OFFLINE", "1")
    assert images.load(split="test", download=how != "argument").source == "embedded"


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("WGAN_COURSE_DATA", str(tmp_path / "here"))
    assert images.cache_folder() == tmp_path / "here"
    monkeypatch.delenv("WGAN_COURSE_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert images.cache_folder() == tmp_path / "cache" / "wgan-course"


# --- the network -----------------------------------------------------------------------------------------------------


@pytest.fixture
def no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")


def serve(reply):
    """Listen on a free port, answer one request with ``reply`` (with nothing at all when it is None)."""
    server = socket.create_server(("127.0.0.1", 0))
    held = []

    def answer():
        connection, _ = server.accept()
        held.append(connection)
        if reply is not None:
            connection.recv(1000)
            connection.sendall(reply)
            connection.close()

    threading.Thread(target=answer, daemon=True).start()
    return server, f"http://127.0.0.1:{server.getsockname()[1]}/", held


@pytest.mark.parametrize(("status", "expected"), [(b"200 OK", True), (b"404 Not Found", False)])
def test_reachable_host(no_proxy, status, expected):
    server, url, _ = serve(b"HTTP/1.0 " + status + b"\r\nContent-Length: 0\r\n\r\n")
    with server:
        assert images.reachable(url) is expected


def test_unreachable_host(no_proxy):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
    assert images.reachable(url) is False


def test_silent_host_is_given_up(no_proxy):
    server, url, held = serve(None)
    with server:
        assert images.reachable(url, timeout=0.2) is False
        held[0].close()


def test_slow_name_lookup_is_given_up(no_proxy, monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: released.wait(60) and [])
    start = time.monotonic()
    assert images.reachable("http://example.invalid/", timeout=0.2) is False
    waited = time.monotonic() - start
    released.set()
    assert waited < 30


def test_nonsense_url_is_unreachable():
    assert images.reachable("no address") is False


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
    monkeypatch.setattr(images, "CONTENT_MD5", checksums(arrays))
    file = nowhere / "no-debian" / f"{images.FILES['train'][which]}.gz"
    damage(file, how)
    with pytest.raises(idx.BadFileError, match=f"{file} is corrupt.*apt-get install --reinstall dataset-fashion-mnist"):
        images.load()


@pytest.mark.parametrize("how", ["truncated", "flipped", "emptied", "replaced"])
def test_damaged_npz_is_named_with_its_cure(tmp_path, monkeypatch, how):
    copy = tmp_path / "subset.npz"
    copy.write_bytes(images.EMBEDDED_FILE.read_bytes())
    damage(copy, how)
    monkeypatch.setattr(images, "EMBEDDED_FILE", copy)
    with pytest.raises(idx.BadFileError, match=r"subset\.npz is corrupt or truncated: .*Cure: install the package"):
        images.load(source="embedded")


def test_missing_embedded_file(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "EMBEDDED_FILE", tmp_path / "gone.npz")
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
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(idx.encode(np.full(20, 11, dtype=np.uint8)))
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
        ({"name": "mnist"}, "name must be one of 'fashion-mnist', got 'mnist'"),
        ({"split": "valid"}, "split must be one of 'train', 'test', got 'valid'"),
        ({"source": "web"}, "source must be one of 'path', 'debian', 'torchvision', 'embedded', got 'web'"),
        ({"source": "path"}, "contradict"),
        ({"source": "embedded", "path": "somewhere"}, "contradict"),
        ({"source": "embedded", "size": 3}, "size must be 4 or more, got 3"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
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


def test_colour_images_are_not_turned_into_bytes():
    with pytest.raises(ValueError, match="one channel"):
        images.from_unit(torch.zeros(2, 3, 4, 4))


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


@pytest.mark.parametrize("n", [0, 1001])
def test_too_few_or_too_many(n):
    with pytest.raises(ValueError, match=f"n must be between 1 and 1000, got {n}"):
        images.load(split="test", source="embedded").take(n)
