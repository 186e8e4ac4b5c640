"""Images in an npz file, or in arrays of whatever layout: checked, and brought to one form."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from wgan_course.data.idx import BadFileError
from wgan_course.data.pixels import RawImages

__all__ = ["from_arrays", "load_npz", "read_npz"]

# Names that Keras' mnist.npz, MedMNIST and np.savez(x) use, and our own.
SPLIT_KEYS = (("{}_images", "{}_labels"), ("x_{}", "y_{}"))
WHOLE_KEYS = (("images", "labels"), ("x", "y"), ("arr_0", "arr_1"))


def load_npz(file: str | Path, cure: str = "give another file") -> dict[str, np.ndarray]:
    """Read all arrays of an npz file; pickles are refused, since reading one can run any code.

    Parameters
    ----------
    file : str or Path
    cure : str
        Ends the error's message.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    BadFileError
        Not an npz file, damaged, or with pickled objects in it.
    """
    try:
        with Path(file).open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            return {name: archive[name] for name in archive.files} if hasattr(archive, "files") else {"images": archive}
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, EOFError, ValueError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise BadFileError(f"{file} {_what_is_wrong(Path(file), error)}. Cure: {cure}.") from error


def _first_byte(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(1)


def _what_is_wrong(file: Path, error: Exception) -> str:
    # NumPy takes whatever it does not know for a pickle.
    pickled = "Object arrays" in str(error) or _first_byte(file) == b"\x80"
    if pickled:
        return "holds pickled objects, which are not read, since that can run any code: save uint8 arrays"
    return "is corrupt or truncated: " + ("it is no npz file" if "pickle" in str(error) else str(error) or "no room")


def read_npz(
    file: str | Path, split: str = "train", cure: str = "give another file", classes: Sequence[str] | None = None
) -> RawImages:
    """Read a split of an npz file.

    Parameters
    ----------
    file : str or Path
        Holds ``<split>_images`` and ``<split>_labels``, or ``x_<split>`` and ``y_<split>``, or, for training,
        ``images`` and ``labels``; labels may be absent. ``classes`` may name the classes.
    split : {"train", "test"}
    cure : str
        Ends the error's message.
    classes : sequence of str, optional
        In place of the file's own.

    Returns
    -------
    RawImages

    Raises
    ------
    BadFileError
        As in `load_npz` and `from_arrays`, or no array of a known name.
    """
    found = load_npz(file, cure)
    keys = [(images.format(split), labels.format(split)) for images, labels in SPLIT_KEYS]
    keys += WHOLE_KEYS if split == "train" else ()
    for images, labels in keys:
        if images in found:
            named = found.get("classes") if classes is None else classes
            return from_arrays(found[images], found.get(labels), named, f"{file}, {images}")
    held, wanted = ", ".join(found) or "nothing", ", ".join(images for images, _ in keys)
    raise BadFileError(f"{file} holds {held}; the {split} images must be called one of {wanted}. Cure: {cure}.")


def from_arrays(
    images: ArrayLike, labels: ArrayLike | None = None, classes: ArrayLike | None = None, origin: str = "arrays"
) -> RawImages:
    """Check arrays, and bring them to the shape (n, c, s, s); what is not square is cut to the square in its middle.

    Parameters
    ----------
    images : array_like of uint8, shape (n, h, w), (n, h, w, c) or (n, c, h, w) with c of 1 or 3
    labels : array_like of integers or str, shape (n,) or (n, 1), optional
    classes : array_like of str, shape (k,), optional
        What the labels count; the labels themselves when absent.
    origin : str
        Begins the error's message.

    Returns
    -------
    RawImages

    Raises
    ------
    BadFileError
        Another type or shape, no image at all, or labels that do not go with the images.
    """
    pixels = _pixels(np.asarray(images), origin)
    if labels is None:
        return RawImages(pixels, np.zeros(len(pixels), dtype=np.int64), ("all",))
    labels = np.asarray(labels)
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.shape != (len(pixels),):
        shapes = f"images of shape {np.shape(images)} and labels of shape {labels.shape}"
        raise BadFileError(f"{origin}: {shapes} do not go together; give arrays of one and the same split")
    return RawImages(pixels, *_numbered(labels, classes, origin))


def _pixels(images: np.ndarray, origin: str) -> np.ndarray:
    if images.dtype != np.uint8:
        raise BadFileError(
            f"{origin}: images must be of type uint8, 0 to 255, got {images.dtype}; "
            "where they lie in [0, 1], save (255 * x).round().astype('uint8')"
        )
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[3] in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    if images.ndim != 4 or images.shape[1] not in (1, 3) or images.size == 0:
        raise BadFileError(
            f"{origin}: images must have shape (n, h, w), (n, h, w, c) or (n, c, h, w) with 1 or 3 channels and n of 1 "
            f"or more, got {images.shape}"
        )
    return np.ascontiguousarray(_square(images))


def _square(images: np.ndarray) -> np.ndarray:
    height, width = images.shape[2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images[:, :, top : top + side, left : left + side]


def _numbered(labels: np.ndarray, classes: ArrayLike | None, origin: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as positions in the classes, and the classes."""
    if labels.dtype.kind not in "iuU":
        raise BadFileError(f"{origin}: labels must be integers or words, got {labels.dtype}")
    if classes is None or labels.dtype.kind == "U":
        names, numbers = np.unique(labels, return_inverse=True)
        return numbers.reshape(-1).astype(np.int64), tuple(map(str, names))
    names = tuple(map(str, np.asarray(classes).reshape(-1)))
    if labels.min() < 0 or labels.max() >= len(names):
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise BadFileError(f"{origin}: label {wrong} found, but there are {len(names)} classes, 0 to {len(names) - 1}")
    return labels.astype(np.int64), names
