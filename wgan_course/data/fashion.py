"""Fashion-MNIST: 70,000 grey images of clothes, 28 by 28 pixels, ten classes, MIT licence; wherever it can be found.

References
----------
H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms*,
arXiv:1708.07747.
"""

import logging
from pathlib import Path

from wgan_course.data import arrays, cache, idx, published
from wgan_course.data.pixels import RawImages

__all__ = ["CLASSES", "SOURCES", "complete", "read", "read_idx"]

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
NATIVE_SIZE = 28
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
ASSETS = Path(__file__).parent / "assets"
EMBEDDED_FILE = ASSETS / "fashion_mnist_5k.npz"
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


def _existing(folder: Path, name: str) -> Path | None:
    """Return the plain or the gzipped file called ``name``, or None."""
    candidates = (folder / name, folder / f"{name}.gz")
    return next((file for file in candidates if file.is_file()), None)


def complete(folder: Path, split: str) -> bool:
    """Say whether a folder has the two idx files of a split."""
    return all(_existing(folder, name) for name in FILES[split])


def read_idx(folder: str | Path, split: str, source: str = "path", classes: tuple[str, ...] | None = None) -> RawImages:
    """Read a split's two idx files; the checksum is demanded of every copy but the reader's own.

    Parameters
    ----------
    folder : str or Path
    split : {"train", "test"}
    source : str
        Whose checksum and cure to take.
    classes : tuple of str, optional

    Returns
    -------
    RawImages

    Raises
    ------
    FileNotFoundError
        A file is missing.
    """
    paths = {name: _existing(Path(folder), name) for name in FILES[split]}
    if missing := [name for name, path in paths.items() if path is None]:
        raise FileNotFoundError(f"{folder} has no {' and no '.join(missing)} (plain or .gz). Cure: {CURES[source]}.")
    sums = {} if source == "path" else CONTENT_MD5
    pixels, labels = (idx.read(path, sums.get(name), CURES[source]) for name, path in paths.items() if path)
    return arrays.from_arrays(pixels, labels, classes, str(folder))


def _read_path(path: str | Path, split: str) -> RawImages:
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"path {path} does not exist. Cure: {CURES['path']}.")
    return read_idx(path, split, "path", CLASSES) if path.is_dir() else _read_npz(path, split, "path")


def _read_npz(file: Path, split: str, source: str) -> RawImages:
    found = arrays.read_npz(file, split, CURES[source], CLASSES)
    if found.pixels.shape[1] != 1:
        raise idx.BadFileError(f"{file}: Fashion-MNIST is grey, these images have colours; give the file as the data")
    return found


def _from_debian(split: str, _download: bool) -> tuple[Path, RawImages] | None:
    if not complete(DEBIAN_FOLDER, split):
        return None
    return DEBIAN_FOLDER, read_idx(DEBIAN_FOLDER, split, "debian", CLASSES)


def _from_torchvision(split: str, download: bool) -> tuple[Path, RawImages] | None:
    folder = cache.folder() / "FashionMNIST" / "raw"
    if not complete(folder, split):
        if not download:
            return None
        try:
            published.fetch("FashionMNIST")
        except (FileNotFoundError, ModuleNotFoundError) as error:
            log.info("fashion-mnist: %s", error)
            return None
    return folder, read_idx(folder, split, "torchvision", CLASSES)


def _from_embedded(split: str, _download: bool) -> tuple[Path, RawImages]:
    if not EMBEDDED_FILE.is_file():
        raise FileNotFoundError(f"{EMBEDDED_FILE} is missing. Cure: {CURES['embedded']}.")
    return EMBEDDED_FILE, _read_npz(EMBEDDED_FILE, split, "embedded")


_READERS = {"debian": _from_debian, "torchvision": _from_torchvision, "embedded": _from_embedded}


def read(
    split: str, path: str | Path | None = None, source: str | None = None, download: bool = True
) -> tuple[RawImages, str, str]:
    """Read a split from the first place that has it.

    Parameters
    ----------
    split : {"train", "test"}
    path : str or Path, optional
        A folder with the idx files, or an npz file; no other place is tried.
    source : str, optional
        Take this source and no other.
    download : bool

    Returns
    -------
    RawImages
    source, origin : str

    Raises
    ------
    ValueError
        An unknown source, or one that contradicts ``path``.
    FileNotFoundError
        The source asked for has no images.
    """
    if source is not None and source not in SOURCES:
        raise ValueError(f"source must be one of {', '.join(map(repr, SOURCES))}, got {source!r}")
    if source is not None and (source == "path") != (path is not None):
        raise ValueError(f"source={source!r} and path={path!r} contradict each other; give one of them")
    if path is not None:
        return _read_path(path, split), "path", str(path)
    for candidate in (source,) if source else SOURCES[1:]:
        if (found := _READERS[candidate](split, download)) is not None:
            return found[1], candidate, str(found[0])
        log.info("fashion-mnist: nothing found in %s", candidate)
    raise FileNotFoundError(f"no Fashion-MNIST in source {source!r}; leave source out, or take source='embedded'")
