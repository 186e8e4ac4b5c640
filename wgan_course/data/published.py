"""Published sets by name, by way of torchvision: from its files on disk, or downloaded where a network answers."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wgan_course.data import arrays, cache
from wgan_course.data.idx import BadFileError
from wgan_course.data.pixels import RawImages

__all__ = ["SETS", "fetch", "read"]

SETS = {
    "mnist": "MNIST",
    "kmnist": "KMNIST",
    "usps": "USPS",
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
    "svhn": "SVHN",
    "stl10": "STL10",
}
BY_SPLIT = ("SVHN", "STL10")
PATIENCE = 10.0


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Give up a host that does not answer; torchvision has no option for that."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _make(kind: str, root: Path, split: str, download: bool) -> Any:
    try:
        from torchvision import datasets
    except ModuleNotFoundError as error:
        cure = "pip install '.[images]' in the course's folder"
        raise ModuleNotFoundError(f"torchvision reads these sets: {cure}") from error
    which = {"split": split} if kind in BY_SPLIT else {"train": split == "train"}
    return getattr(datasets, kind)(str(root), download=download, **which)


def fetch(kind: str, split: str = "train", root: Path | None = None) -> Any:
    """Download a set.

    Parameters
    ----------
    kind : str
        Name of a class of ``torchvision.datasets``.
    split : {"train", "test"}
    root : Path, optional

    Returns
    -------
    torchvision.datasets.VisionDataset

    Raises
    ------
    FileNotFoundError
        There is no network, or ``WGAN_COURSE_OFFLINE`` is set.
    """
    if os.environ.get("WGAN_COURSE_OFFLINE"):
        raise FileNotFoundError("nothing downloaded, since WGAN_COURSE_OFFLINE is set")
    try:
        with _socket_timeout(PATIENCE):
            return _make(kind, root or cache.folder(), split, True)
    except (OSError, RuntimeError) as error:
        raise FileNotFoundError(f"the download failed ({' '.join(str(error).split())})") from error


def read(name: str, split: str, root: str | Path | None = None, download: bool = True) -> tuple[RawImages, str]:
    """Read a published set.

    Parameters
    ----------
    name : str
        One of ``SETS``.
    split : {"train", "test"}
    root : str or Path, optional
        Where torchvision's files lie; the folder of `wgan_course.data.cache` when absent.
    download : bool

    Returns
    -------
    RawImages
    origin : str

    Raises
    ------
    FileNotFoundError
        The files are not there, and could not be downloaded.
    BadFileError
        They are damaged.
    """
    root, kind = Path(root).expanduser() if root else cache.folder(), SETS[name]
    try:
        found = _on_disk(kind, root, split)
        if found is None:
            found = fetch(kind, split, root) if download else None
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{name} is not in {root}, and {error}; put torchvision's files there") from error
    if found is None:
        raise FileNotFoundError(f"{name} is not in {root}, and must not be downloaded; put torchvision's files there")
    labels = found.labels if hasattr(found, "labels") else found.targets
    return arrays.from_arrays(found.data, labels, getattr(found, "classes", None), str(root)), str(root)


def _on_disk(kind: str, root: Path, split: str) -> Any:
    try:
        return _make(kind, root, split, False)
    except (RuntimeError, FileNotFoundError):  # what torchvision says where files are missing
        return None
    except ModuleNotFoundError:
        raise
    except Exception as error:  # damaged files: whatever its readers raise
        raise BadFileError(
            f"{root}: torchvision can't read its files of {kind} ({error!r}). Cure: delete them, to fetch them again."
        ) from error
