"""Fashion-MNIST, wherever it can be found: `load` says which copy it took.

70,000 grey images of clothes, 28 by 28 pixels, ten classes, MIT licence, in place of MNIST's digits.

References
----------
H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms*,
arXiv:1708.07747.
"""

import contextlib
import logging
import os
import socket
import threading
import urllib.request
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from wgan_course.data import idx

__all__ = ["CLASSES", "SOURCES", "ImageData", "downsample", "from_unit", "load", "resize", "to_unit"]

log = logging.getLogger(__name__)

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SOURCES = ("path", "debian", "torchvision", "embedded")
SPLITS = ("train", "test")
NATIVE_SIZE = 28
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
ASSETS = Path(__file__).parent / "assets"
EMBEDDED_FILE = ASSETS / "fashion_mnist_5k.npz"
MIRROR = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
CONTENT_MD5 = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
CURES = {
    "path": "give another path, or fetch the files again",
    "debian": "apt-get install --reinstall dataset-fashion-mnist, or load(..., source='embedded')",
    "torchvision": "delete this file, so that it is downloaded again, or load(..., source='embedded')",
    "embedded": "install the package again, or run python -m wgan_course.data.make_subset",
}


@dataclass(frozen=True)
class ImageData:
    """Images with their labels, and where they came from.

    Attributes
    ----------
    images : Tensor of float32, shape (n, 1, s, s)
        Grey levels in [-1, 1]; the background is -1.
    labels : Tensor of int64, shape (n,)
        Indices into ``classes``.
    source : str
        ``"path"``, ``"debian"``, ``"torchvision"`` or ``"embedded"``.
    origin : str
        The folder or file that was read.
    split : str
        ``"train"`` or ``"test"``.
    classes : tuple of str
        The names of the classes.
    """

    images: torch.Tensor
    labels: torch.Tensor
    source: str
    origin: str = ""
    split: str = "train"
    classes: tuple = field(default=CLASSES)

    def __len__(self):
        """Return the number of images."""
        return len(self.labels)

    def of_class(self, label):
        """Keep the images of one class.

        Parameters
        ----------
        label : int or str
            An index into ``classes`` or a name from it.

        Returns
        -------
        ImageData

        Raises
        ------
        ValueError
            No such class.
        """
        index = self.classes.index(label) if label in self.classes else label
        if not isinstance(index, int) or not 0 <= index < len(self.classes):
            raise ValueError(f"label must be one of {self.classes} or its index, got {label!r}")
        keep = self.labels == index
        return replace(self, images=self.images[keep], labels=self.labels[keep])

    def take(self, n, rng=None):
        """Keep ``n`` images: the first ones, or, with a generator, a draw without replacement.

        Parameters
        ----------
        n : int
            How many, from 1 to ``len(self)``.
        rng : torch.Generator, optional
            Source of randomness.

        Returns
        -------
        ImageData

        Raises
        ------
        ValueError
            ``n`` is not between 1 and ``len(self)``.
        """
        if not 1 <= n <= len(self):
            raise ValueError(f"n must be between 1 and {len(self)}, got {n}")
        keep = torch.arange(n) if rng is None else torch.randperm(len(self), generator=rng)[:n]
        return replace(self, images=self.images[keep], labels=self.labels[keep])


def to_unit(images):
    """Turn bytes into grey levels in [-1, 1]: x / 127.5 - 1.

    Parameters
    ----------
    images : ndarray or Tensor of uint8, shape (n, s, s)

    Returns
    -------
    Tensor of float32, shape (n, 1, s, s)

    Raises
    ------
    TypeError
        Another type than uint8.
    """
    images = torch.as_tensor(images)
    if images.dtype != torch.uint8:
        raise TypeError(f"images must be of type uint8, got {images.dtype}; they may be scaled already")
    return images[:, None].to(torch.float32).div_(127.5).sub_(1.0)


def from_unit(images):
    """Turn grey levels in [-1, 1] back into bytes, clipping what lies outside: the inverse of `to_unit`.

    Parameters
    ----------
    images : Tensor, shape (n, 1, s, s)

    Returns
    -------
    Tensor of uint8, shape (n, s, s)

    Raises
    ------
    ValueError
        Another shape than (n, 1, s, s).
    """
    _check_images(images)
    if images.shape[1] != 1:
        raise ValueError(f"images must have one channel, shape (n, 1, s, s), got {tuple(images.shape)}")
    return images[:, 0].add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def _check_images(images):
    if images.ndim != 4 or images.shape[-1] != images.shape[-2]:
        raise ValueError(f"images must have shape (n, channels, s, s), got {tuple(images.shape)}")


def resize(images, size):
    """Change the size of square images.

    Parameters
    ----------
    images : Tensor, shape (n, c, s, s)
        Grey levels in [-1, 1].
    size : int
        The new side, 4 or more.

    Returns
    -------
    Tensor, shape (n, c, size, size)

    Raises
    ------
    ValueError
        Images that are not square, or ``size`` under 4.

    Notes
    -----
    From 28 to 32 the images get a border of two background pixels (-1), which changes no value. Every other change
    of size is bilinear, with an anti-aliasing filter when it goes down.
    """
    _check_images(images)
    if size < 4:
        raise ValueError(f"size must be 4 or more, got {size}")
    if size == images.shape[-1]:
        return images
    if (images.shape[-1], size) == (28, 32):
        return functional.pad(images, (2, 2, 2, 2), value=-1.0)
    return functional.interpolate(images, size=(size, size), mode="bilinear", antialias=True)


def downsample(images, factor):
    """Average blocks of pixels: how a low-resolution camera would see the images.

    Parameters
    ----------
    images : Tensor, shape (n, c, s, s)
    factor : int
        Side of a block; it divides s.

    Returns
    -------
    Tensor, shape (n, c, s / factor, s / factor)

    Raises
    ------
    ValueError
        ``factor`` is under 1 or does not divide the side.

    Notes
    -----
    Used in chapter 11: the low-resolution image keeps each block's mean, which is what a super-resolved image must
    reproduce.
    """
    _check_images(images)
    if factor < 1 or images.shape[-1] % factor:
        raise ValueError(f"factor must divide the side {images.shape[-1]}, got {factor}")
    return functional.avg_pool2d(images, factor)


def _existing(folder, name):
    """Return the plain or the gzipped file called ``name``, or None."""
    candidates = (folder / name, folder / f"{name}.gz")
    return next((file for file in candidates if file.is_file()), None)


def _complete(folder, split):
    return all(_existing(folder, name) for name in FILES[split])


def _check_pair(images, labels, origin):
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels) or len(labels) == 0:
        shapes = f"images of shape {images.shape} and labels of shape {labels.shape}"
        raise idx.BadFileError(f"{origin}: {shapes} do not go together; give files of one and the same split")
    if labels.max() >= len(CLASSES):
        raise idx.BadFileError(f"{origin}: label {labels.max()} found, Fashion-MNIST has labels 0 to 9")


def _read_folder(folder, split, source):
    """Read a split's two idx files; the checksum is demanded of every copy but the reader's own."""
    missing = [name for name in FILES[split] if _existing(folder, name) is None]
    if missing:
        raise FileNotFoundError(f"{folder} has no {' and no '.join(missing)} (plain or .gz). Cure: {CURES[source]}.")
    sums = {} if source == "path" else CONTENT_MD5
    arrays = [idx.read(_existing(folder, name), sums.get(name), CURES[source]) for name in FILES[split]]
    _check_pair(*arrays, origin=folder)
    return arrays


def _read_npz(file, split, source):
    """Read ``<split>_images`` and ``<split>_labels`` from an npz file."""
    try:
        with Path(file).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = [archive[f"{split}_images"], archive[f"{split}_labels"]]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise idx.BadFileError(f"{file} is corrupt or truncated: {error}. Cure: {CURES[source]}.") from error
    _check_pair(*arrays, origin=file)
    return arrays


def cache_folder():
    """Return the folder that torchvision downloads to.

    Returns
    -------
    Path
        ``$WGAN_COURSE_DATA`` if set, else ``$XDG_CACHE_HOME/wgan-course``, else ``~/.cache/wgan-course``.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("WGAN_COURSE_DATA") or Path(base) / "wgan-course")


def reachable(url=MIRROR, timeout=3.0):
    """Say whether a host answers, and never take longer than about ``timeout`` to say so.

    Parameters
    ----------
    url : str
        What to ask for; a proxy set in the environment is used.
    timeout : float
        Seconds.

    Returns
    -------
    bool

    Notes
    -----
    Asking happens in a thread of its own, because looking a name up has no time limit of its own.
    """
    answers = []

    def ask():
        with contextlib.suppress(OSError, ValueError):
            request = urllib.request.Request(url, method="HEAD")
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                answers.append(reply.status < 400)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    return bool(answers and answers[0])


@contextlib.contextmanager
def _socket_timeout(seconds):
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _fetch(root):
    """Let torchvision download all four files; say whether it could."""
    if os.environ.get("WGAN_COURSE_OFFLINE") or not reachable(MIRROR + "t10k-labels-idx1-ubyte.gz"):
        log.info("fashion-mnist: no network (or WGAN_COURSE_OFFLINE is set), nothing downloaded")
        return False
    from torchvision.datasets import FashionMNIST

    try:
        with _socket_timeout(20.0):
            FashionMNIST(str(root), download=True)
    except (OSError, RuntimeError) as error:
        log.warning("fashion-mnist: the download failed (%s)", error)
        return False
    return True


def _from_path(path, split, _download):
    if path is None:
        return None
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"path {path} does not exist. Cure: {CURES['path']}.")
    read = _read_folder if path.is_dir() else _read_npz
    return path, read(path, split, "path")


def _from_debian(_path, split, _download):
    if not _complete(DEBIAN_FOLDER, split):
        return None
    return DEBIAN_FOLDER, _read_folder(DEBIAN_FOLDER, split, "debian")


def _from_torchvision(_path, split, download):
    root = cache_folder()
    folder = root / "FashionMNIST" / "raw"
    if not _complete(folder, split) and not (download and _fetch(root)):
        return None
    return folder, _read_folder(folder, split, "torchvision")


def _from_embedded(_path, split, _download):
    if not EMBEDDED_FILE.is_file():
        raise FileNotFoundError(f"{EMBEDDED_FILE} is missing. Cure: {CURES['embedded']}.")
    return EMBEDDED_FILE, _read_npz(EMBEDDED_FILE, split, "embedded")


_READERS = {
    "path": _from_path,
    "debian": _from_debian,
    "torchvision": _from_torchvision,
    "embedded": _from_embedded,
}


def _one_of(name, value, allowed):
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")


def _order(path, source):
    """Return the sources to try: the one asked for, the path alone when there is one, else all."""
    if source is not None:
        _one_of("source", source, SOURCES)
        if (source == "path") != (path is not None):
            raise ValueError(f"source={source!r} and path={path!r} contradict each other; give one of them")
        return (source,)
    return ("path",) if path is not None else SOURCES[1:]


def _find(path, split, source, download):
    for candidate in _order(path, source):
        found = _READERS[candidate](path, split, download)
        if found is not None:
            return candidate, *found
        log.info("fashion-mnist: nothing found in %s", candidate)
    raise FileNotFoundError(f"no Fashion-MNIST in source {source!r}; leave source out, or take source='embedded'")


def load(name="fashion-mnist", split="train", size=None, path=None, *, source=None, download=True):
    """Load images, from the first place that has them, and say which it was.

    Parameters
    ----------
    name : str
        ``"fashion-mnist"``.
    split : str
        ``"train"`` or ``"test"``: 60,000 and 10,000 images, or 4,000 and 1,000 from the embedded subset, drawn from
        the training and the test images and balanced over the classes.
    size : int, optional
        Side of the images; 28 when absent (see `resize`).
    path : str or Path, optional
        A folder with the two idx files of the split, plain or gzipped, or an npz file with the arrays
        ``<split>_images`` (n, 28, 28) and ``<split>_labels`` (n,).
    source : str, optional
        Take this source and no other: ``"debian"``, ``"torchvision"`` or ``"embedded"``. With ``"embedded"`` the
        result is the same on every machine; the labs use it.
    download : bool
        Whether torchvision may download. Setting ``WGAN_COURSE_OFFLINE`` in the environment forbids it too.

    Returns
    -------
    ImageData
        Its ``source`` says where the images came from; so does a line in the log.

    Raises
    ------
    ValueError
        Unknown name, split or source; a source that contradicts ``path``.
    FileNotFoundError
        The path does not exist, lacks a file, or the source asked for has no images.
    BadFileError
        A file is corrupt or truncated; the message names it and the cure.

    Notes
    -----
    Sources are tried in this order: the path; the Debian package ``dataset-fashion-mnist``; torchvision's cache in
    `cache_folder`, downloading when a network answers; the embedded subset. A damaged copy stops the search: going
    on in silence would hand you other images than you think.
    """
    _one_of("name", name, ("fashion-mnist",))
    _one_of("split", split, SPLITS)
    found, origin, (images, labels) = _find(path, split, source, download)
    log.info("fashion-mnist: %d %s images from %s (%s)", len(labels), split, found, origin)
    images = resize(to_unit(images), size or images.shape[-1])
    return ImageData(images, torch.as_tensor(labels).long(), found, str(origin), split)
