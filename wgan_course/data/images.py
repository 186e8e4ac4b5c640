"""Images to learn from, by name or by path: `load` says where it found them.

Fashion-MNIST and the emoji come with this package; torchvision's sets by name, folders and npz files by path.
"""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wgan_course._checks import check_count, key_of
from wgan_course.data import arrays, fashion, folder, idx, published
from wgan_course.data.fashion import ASSETS, CLASSES, CONTENT_MD5, DEBIAN_FOLDER, NATIVE_SIZE, SOURCES
from wgan_course.data.pixels import RawImages, downsample, from_unit, recolour, resize, to_unit

__all__ = [
    "ASSETS",
    "CLASSES",
    "CONTENT_MD5",
    "DEBIAN_FOLDER",
    "EMOJI_FILE",
    "NAMES",
    "NATIVE_SIZE",
    "SOURCES",
    "SPLITS",
    "ImageData",
    "downsample",
    "emoji",
    "from_unit",
    "is_known",
    "load",
    "recolour",
    "resize",
    "to_unit",
]

log = logging.getLogger(__name__)

NAMES = ("fashion-mnist", "emoji", *published.SETS)
SPLITS = ("train", "test")
EMOJI_FILE = ASSETS / "noto_emoji.npz"
EMOJI_MD5 = {
    "images": "167df874815d3066b5f0c013583a4d36",
    "labels": "2385f85e38b3e8a07c4493aeb4571748",
    "classes": "2f7d8e57bc88443d2fb088764af308b2",
    "codes": "3062c665fdaa904aad75487e07a5b5d9",
}
EMOJI_CURE = "install the package again, or run python -m wgan_course.data.make_emoji"


@dataclass(frozen=True)
class ImageData:
    """Images with their labels, and where they came from.

    Attributes
    ----------
    images : Tensor of float32, shape (n, c, s, s)
        Levels in [-1, 1].
    labels : Tensor of int64, shape (n,)
        Indices into ``classes``.
    source : str
        Of Fashion-MNIST ``"path"``, ``"debian"``, ``"torchvision"`` or ``"embedded"``, as of the other sets.
    origin : str
        The folder or file that was read.
    split : str
    classes : tuple of str
        Names; one alone means that there are no labels to learn from.
    skipped : tuple of (str, str)
        Files that were left out, each with the reason.
    """

    images: Tensor
    labels: Tensor
    source: str
    origin: str = ""
    split: str = "train"
    classes: tuple[str, ...] = CLASSES
    skipped: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def of_class(self, label: int | str) -> "ImageData":
        """Keep the images of one class, given by its name or its index.

        Raises
        ------
        ValueError
            No such class.
        """
        index = self.classes.index(label) if isinstance(label, str) and label in self.classes else label
        if not isinstance(index, int) or not 0 <= index < len(self.classes):
            raise ValueError(f"label must be one of {self.classes} or its index, got {label!r}")
        return self._kept(self.labels == index)

    def take(self, n: int, rng: torch.Generator | None = None) -> "ImageData":
        """Keep ``n`` images: the first ones, or, with a generator, a draw without replacement.

        Raises
        ------
        ValueError
            ``n`` is not between 1 and ``len(self)``.
        """
        if not 1 <= n <= len(self):
            raise ValueError(f"n must be between 1 and {len(self)}, got {n}")
        check_count("n", n)
        return self._kept(torch.arange(n) if rng is None else torch.randperm(len(self), generator=rng)[:n])

    def _kept(self, keep: Tensor) -> "ImageData":
        return replace(self, images=self.images[keep], labels=self.labels[keep])


def _known(name: str | Path) -> str | None:
    """The name of a set as `NAMES` has it, whatever its hyphens and capitals; None for a path."""
    plain = {known.replace("-", ""): known for known in NAMES}
    return plain.get(key_of(name).replace("-", "")) if isinstance(name, str) else None


def is_known(name: str | Path) -> bool:
    """Say whether something is the name of a set, and no path."""
    return _known(name) is not None


def load(
    name: str | Path = "fashion-mnist",
    split: str = "train",
    size: int | None = None,
    path: str | Path | None = None,
    *,
    channels: int | None = None,
    source: str | None = None,
    download: bool = True,
    kept_in: str | Path | None = None,
    progress: bool | None = None,
) -> ImageData:
    """Load images, and say where they came from.

    Parameters
    ----------
    name : str or path
        One of ``NAMES``, or a folder of pictures (`wgan_course.data.folder.read`) or of MNIST's idx files, or an npz
        file (`wgan_course.data.arrays.read_npz`).
    split : {"train", "test"}
        Of Fashion-MNIST 60,000 and 10,000 images, or 4,000 and 1,000 from the embedded subset, which is balanced over
        the classes.
    size, channels : int, optional
        Side of the images and 1 or 3; their own when absent.
    path : path, optional
        Where the files of a named set lie. Of Fashion-MNIST a folder with the idx files, plain or gzipped, or an npz
        file with ``<split>_images`` and ``<split>_labels``.
    source : str, optional
        Take Fashion-MNIST from this source and no other: ``"debian"``, ``"torchvision"`` or ``"embedded"``. With
        ``"embedded"`` the result is the same on every machine; the labs use it.
    download : bool
        Whether torchvision may download. Setting ``WGAN_COURSE_OFFLINE`` in the environment forbids it too.
    kept_in : path, optional
        Where the decoded pictures of a folder are kept for the next time.
    progress : bool, optional
        Show a bar while decoding; on terminals when absent.

    Returns
    -------
    ImageData

    Raises
    ------
    ValueError
        Unknown name, split or source; a source that contradicts ``path``; a size or channels that can't be.

    Notes
    -----
    Fashion-MNIST is taken from the path; else the Debian package ``dataset-fashion-mnist``; else torchvision's cache,
    downloading when a network answers; else the embedded subset. A damaged copy stops the search: going on in silence
    would hand you other images than you think.
    """
    _check_wishes(split, size, channels)
    known = _known(name)
    if source is not None and known != "fashion-mnist":
        raise ValueError(f"source is for fashion-mnist alone, got source={source!r} with {name!r}")
    if known == "fashion-mnist":
        raw, found, origin = fashion.read(split, path, source, download)
    elif known == "emoji":
        raw, found, origin = _read_emoji(split), "embedded", str(EMOJI_FILE)
    elif known:
        (raw, origin), found = published.read(known, split, path, download), "torchvision"
    else:
        raw = _read_own(name, split, size=size, channels=channels, kept_in=kept_in, progress=progress)
        found, origin = "path", folder.printable(name)
    log.info("%s: %d %s images from %s (%s)", folder.printable(name), len(raw.labels), split, found, origin)
    images = to_unit(raw.pixels)
    images = recolour(resize(images, size or images.shape[-1], border=known is not None), channels or images.shape[1])
    return ImageData(images, torch.as_tensor(raw.labels), found, origin, split, raw.classes, raw.skipped)


def emoji(size: int | None = None, channels: int | None = None) -> ImageData:
    """Load the 3,786 Noto emoji: colour on white, 32 by 32 pixels, ten categories of very different sizes.

    Parameters
    ----------
    size, channels : int, optional
        32 and 3 when absent.

    Returns
    -------
    ImageData
    """
    return load("emoji", size=size, channels=channels)


def _check_wishes(split: str, size: int | None, channels: int | None) -> None:
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(map(repr, SPLITS))}, got {split!r}")
    if size is not None:
        check_count("size", size)
        if size < 4:
            raise ValueError(f"size must be 4 or more, got {size}")
    if channels not in (None, 1, 3):
        raise ValueError(f"channels must be 1 or 3, got {channels!r}")


def _read_emoji(split: str) -> RawImages:
    if split != "train":
        raise ValueError("split: the emoji are all for training, got split='test'")
    if not EMOJI_FILE.is_file():
        raise FileNotFoundError(f"{EMOJI_FILE} is missing. Cure: {EMOJI_CURE}.")
    found = arrays.load_npz(EMOJI_FILE, EMOJI_CURE)
    if (sums := {name: idx.md5(found[name].tobytes()) for name in EMOJI_MD5 if name in found}) != EMOJI_MD5:
        raise idx.BadFileError(f"{EMOJI_FILE} holds other arrays than it should ({sums}). Cure: {EMOJI_CURE}.")
    return arrays.from_arrays(found["images"], found["labels"], found["classes"], str(EMOJI_FILE))


def _read_own(name: str | Path, split: str, **wishes: Any) -> RawImages:
    path = Path(name).expanduser()
    if not str(name) or not path.exists():
        raise FileNotFoundError(f"data {str(name)!r} is no file or folder here, and no known set: {', '.join(NAMES)}")
    if path.is_dir() and fashion.complete(path, split):
        return fashion.read_idx(path, split)
    if path.is_dir():
        return folder.read(path, split, **wishes)
    if path.suffix.lower() in (".npz", ".npy"):
        return arrays.read_npz(path, split)
    raise idx.BadFileError(f"{path} is a file; give a folder of pictures, or an .npz file with an array 'images'")
