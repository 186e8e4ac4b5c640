"""Images in npz files of whatever names and layouts, and what the bad ones say."""

import pickle

import numpy as np
import pytest
import torch

from wgan_course.data import arrays, images
from wgan_course.data.idx import BadFileError


def bytes_of(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("shape", "back"),
    [
        ((5, 8, 8), lambda x: x[:, 0]),
        ((5, 8, 8, 1), lambda x: x.transpose(0, 2, 3, 1)),
        ((5, 8, 8, 3), lambda x: x.transpose(0, 2, 3, 1)),
        ((5, 3, 8, 8), lambda x: x),
        ((5, 1, 8, 8), lambda x: x),
    ],
)
def test_every_layout_becomes_the_same(shape, back):
    x = bytes_of(shape)
    found = arrays.from_arrays(x)
    assert found.pixels.shape == (5, 3 if 3 in shape else 1, 8, 8)
    assert np.array_equal(back(found.pixels), x)
    assert found.classes == ("all",)


@pytest.mark.parametrize(("shape", "kept"), [((2, 9, 4), np.s_[:, 2:6, :]), ((2, 4, 7), np.s_[:, :, 1:5])])
def test_what_is_not_square_is_cut_in_its_middle(shape, kept):
    x = bytes_of(shape)
    assert np.array_equal(arrays.from_arrays(x).pixels[:, 0], x[kept])


@pytest.mark.parametrize(
    ("images_key", "labels_key"),
    [("train_images", "train_labels"), ("x_train", "y_train"), ("images", "labels"), ("arr_0", "arr_1"), ("x", "y")],
)
def test_usual_names(tmp_path, images_key, labels_key):
    x, y = bytes_of((6, 8, 8, 3)), np.array([3, 7, 3, 7, 7, 3])
    np.savez(tmp_path / "own.npz", **{images_key: x, labels_key: y})
    data = images.load(tmp_path / "own.npz")
    assert np.array_equal(images.from_unit(data.images).permute(0, 2, 3, 1), x)
    assert data.labels.tolist() == [0, 1, 0, 1, 1, 0]
    assert data.classes == ("3", "7")
    assert (data.source, data.origin) == ("path", str(tmp_path / "own.npz"))


def test_the_test_split_is_another_array(tmp_path):
    x, y = bytes_of((3, 8, 8)), bytes_of((2, 8, 8), 1)
    np.savez(tmp_path / "own.npz", x_train=x, x_test=y)
    assert np.array_equal(images.from_unit(images.load(tmp_path / "own.npz", "test").images), y)


def test_named_classes_and_words_and_columns(tmp_path):
    x = bytes_of((3, 8, 8))
    np.savez(tmp_path / "a.npz", images=x, labels=np.array([[1], [0], [1]]), classes=np.array(["cat", "dog", "eel"]))
    np.savez(tmp_path / "b.npz", images=x, labels=np.array(["dog", "cat", "dog"]))
    a, b = images.load(str(tmp_path / "a.npz")), images.load(str(tmp_path / "b.npz"))
    assert (a.labels.tolist(), a.classes) == ([1, 0, 1], ("cat", "dog", "eel"))
    assert (b.labels.tolist(), b.classes) == ([1, 0, 1], ("cat", "dog"))


def test_a_lone_array_will_do(tmp_path):
    x = bytes_of((3, 8, 8))
    np.save(tmp_path / "own.npy", x)
    assert np.array_equal(images.from_unit(images.load(tmp_path / "own.npy").images), x)


def test_sizes_and_channels(tmp_path):
    np.savez(tmp_path / "own.npz", images=np.full((2, 28, 28), 200, dtype=np.uint8))
    data = images.load(tmp_path / "own.npz", size=32, channels=3)
    assert data.images.shape == (2, 3, 32, 32)
    torch.testing.assert_close(data.images, torch.full_like(data.images, 200 / 127.5 - 1))  # no black border


class Evil:
    """Fails the test where it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was read",))


def save(file, kind):
    x = bytes_of((4, 8, 8))
    held = {
        "names": {"pictures": x},
        "nothing": {},
        "floats": {"images": x / 255},
        "sixteen": {"images": x.astype(np.uint16)},
        "bools": {"images": x > 100},
        "alpha": {"images": bytes_of((4, 8, 8, 4))},
        "flat": {"images": x.reshape(4, 64)},
        "empty": {"images": x[:0]},
        "no pixels": {"images": x[:, :0]},
        "lengths": {"images": x, "labels": np.arange(3)},
        "onehot": {"images": x, "labels": np.eye(4, dtype=int)},
        "float labels": {"images": x, "labels": np.array([0.0, 1.0, np.nan, 1.0])},
        "negative": {"images": x, "labels": np.array([0, -1, 0, 1]), "classes": np.array(["a", "b"])},
        "many": {"images": x, "labels": np.array([0, 2, 0, 1]), "classes": np.array(["a", "b"])},
        "objects": {"images": np.array([Evil(), None], dtype=object)},
    }
    if kind in held:
        np.savez(file, **held[kind])
    else:
        file.write_bytes({"pickle": pickle.dumps(Evil()), "text": b"hello", "zero bytes": b""}[kind])


BAD = {
    "names": r"holds pictures; the train images must be called one of train_images, x_train, images, x, arr_0\. Cure",
    "nothing": "holds nothing; the train images must be called",
    "floats": r"images must be of type uint8, 0 to 255, got float64; where they lie in \[0, 1\], save",
    "sixteen": "images must be of type uint8, 0 to 255, got uint16",
    "bools": "images must be of type uint8, 0 to 255, got bool",
    "alpha": r"with 1 or 3 channels and n of 1 or more, got \(4, 8, 8, 4\)",
    "flat": r"images must have shape .*, got \(4, 64\)",
    "empty": r"n of 1 or more, got \(0, 1, 8, 8\)",
    "no pixels": r"images must have shape",
    "lengths": r"images of shape \(4, 8, 8\) and labels of shape \(3,\) do not go together",
    "onehot": r"labels of shape \(4, 4\) do not go together",
    "float labels": "labels must be integers or words, got float64",
    "negative": "label -1 found, but there are 2 classes, 0 to 1",
    "many": "label 2 found, but there are 2 classes, 0 to 1",
    "objects": "holds pickled objects, which are not read, since that can run any code: save uint8 arrays. Cure",
    "pickle": "holds pickled objects, which are not read",
    "text": "is corrupt or truncated: it is no npz file. Cure",
    "zero bytes": "is corrupt or truncated: .*Cure",
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_say_what_is_wrong(tmp_path, kind):
    save(tmp_path / "bad.npz", kind)
    with pytest.raises(BadFileError, match=r"bad\.npz.*" + BAD[kind]):
        images.load(tmp_path / "bad.npz")


def test_no_test_split(tmp_path):
    np.savez(tmp_path / "own.npz", images=bytes_of((2, 8, 8)))
    with pytest.raises(BadFileError, match="the test images must be called one of test_images, x_test"):
        images.load(tmp_path / "own.npz", "test")


@pytest.mark.parametrize("keep", [1, 30, 200])
def test_truncated_files(tmp_path, keep):
    np.savez(tmp_path / "own.npz", images=bytes_of((2, 8, 8)))
    (tmp_path / "own.npz").write_bytes((tmp_path / "own.npz").read_bytes()[:keep])
    with pytest.raises(BadFileError, match=r"own\.npz is corrupt or truncated"):
        images.load(tmp_path / "own.npz")
