"""A folder of pictures as one array of bytes: found, decoded, and kept as one file for the next time.

Class folders (``flags/a.png``, as torchvision's ImageFolder wants them) make the set labelled; a flat folder is one
class. What can't be read is named and left out.
"""

import functools
import hashlib
import logging
import os
import stat
import statistics
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import PIL
from PIL import Image, ImageOps
from tqdm.auto import tqdm

from wgan_course.data import cache
from wgan_course.data.idx import BadFileError
from wgan_course.data.pixels import RawImages

__all__ = ["SUFFIXES", "Found", "find", "printable", "read"]

T = TypeVar("T")
log = logging.getLogger(__name__)

SUFFIXES = frozenset((
    ".apng", ".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".mpo",
    ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
))  # fmt: skip
# By content, whatever the suffix; nothing that calls another program (EPS) or has no signature (TGA).
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF")
GREY_MODES = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "F"))
SPLIT_FOLDERS = {"train": ("train", "training"), "test": ("test", "testing", "val", "valid", "validation")}
LARGEST_OWN_SIZE = 128
COLOURS = {1: "L", 3: "RGB"}


@dataclass
class Found:
    """What lies in a folder.

    Attributes
    ----------
    folder : Path
    files : list of Path
        What is called like a picture.
    refused : list of (str, str)
        What was left out, with the reason.
    others : Counter
        Suffixes of the files that are not called like pictures.
    lasting : bool
        Whether a second reading would fail at the same files: no, when the system could not read one.
    """

    folder: Path
    files: list[Path] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    lasting: bool = True

    def name(self, path: str | Path) -> str:
        """Path inside the folder, for messages."""
        return printable(Path(path).relative_to(self.folder))

    def class_of(self, file: Path) -> str:
        """Name of the class folder, and ``""`` for what lies beside the class folders."""
        parts = file.relative_to(self.folder).parts
        return printable(parts[0]) if len(parts) > 1 else ""


def printable(path: str | Path) -> str:
    """Spell a path in letters that can be printed, whatever the bytes of its name."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def find(folder: Path) -> Found:
    """Look for pictures in a folder and in all below it, each real folder once.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Found
        Files in the order of their names.
    """
    found = Found(folder)
    _walk(folder, found, set())
    found.files.sort(key=os.fsencode)
    return found


def _mode(path: Path) -> int:
    """What a link leads to, or 0 where it leads nowhere or may not be seen."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _walk(folder: Path, found: Found, seen: set[str]) -> None:
    seen.add(os.path.realpath(folder))
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_symlink(), os.fsencode(entry.name)))
    except OSError as error:
        found.refused.append((found.name(folder), f"can't be looked into: {_reason(error)}"))
        return
    for entry in entries:
        if not entry.name.startswith((".", "__MACOSX")):
            _sort_in(Path(entry.path), found, seen)


def _sort_in(path: Path, found: Found, seen: set[str]) -> None:
    if stat.S_ISDIR(_mode(path)):
        if os.path.realpath(path) in seen:
            found.refused.append((found.name(path), "a link to a folder that is read already"))
        else:
            _walk(path, found, seen)
    elif path.suffix.lower() not in SUFFIXES:
        found.others[printable(path.suffix.lower()) or "no suffix"] += 1
    elif stat.S_ISREG(_mode(path)):
        found.files.append(path)
    else:
        found.refused.append((found.name(path), "no file, a link that leads nowhere, or not to be seen by you"))


def _reason(error: Exception) -> str:
    """One clear sentence for what Pillow and the system say."""
    if isinstance(error, BadFileError):
        return str(error)
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"too large, over Pillow's limit of {Image.MAX_IMAGE_PIXELS:,} pixels (PIL.Image.MAX_IMAGE_PIXELS)"
    if isinstance(error, PIL.UnidentifiedImageError):
        return "no picture that Pillow can read"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"damaged or not understood: {error}" if str(error) else f"damaged: {type(error).__name__}"


def _open(path: Path) -> Image.Image:
    if path.stat().st_size == 0:
        raise BadFileError("the file is empty")
    return Image.open(path, formats=_formats())


@functools.cache
def _formats() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _header(path: Path) -> tuple[bool, tuple[int, int]]:
    """Whether a picture is grey, and its size, without decoding it."""
    with _open(path) as picture:
        return picture.mode in GREY_MODES, picture.size


def _decode(path: Path, size: int, channels: int) -> np.ndarray:
    """First frame, upright, on white, cut to the square in its middle: bytes of shape (channels, size, size)."""
    with _open(path) as picture:
        picture.draft(None, (2 * size, 2 * size))
        plain = _eight_bits(ImageOps.exif_transpose(picture))
        if plain.has_transparency_data:
            plain = plain.convert("RGBA")
            plain = Image.alpha_composite(Image.new("RGBA", plain.size, "white"), plain)
        if plain.mode == "LAB":  # Pillow makes no grey of it
            plain = plain.convert("RGB")
        fitted = ImageOps.fit(plain.convert(COLOURS[channels]), (size, size), Image.Resampling.BICUBIC)
    return np.asarray(fitted).reshape(size, size, channels).transpose(2, 0, 1)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Scale deeper greys to 0 to 255, where Pillow's own conversion would clip them."""
    if picture.mode not in ("I", "I;16", "I;16B", "I;16L", "F"):
        return picture
    values = np.asarray(picture).astype(np.float64)
    top = 1.0 if picture.mode == "F" else 65535.0
    if not (values.min() >= 0 and values.max() <= top):
        raise BadFileError(f"values from {values.min():g} to {values.max():g}, where 0 to {top:g} are understood")
    return Image.fromarray((values * 255 / top).round().astype(np.uint8))


def _for_each(
    action: Callable[[Path], T], found: Found, files: list[Path], bar: str, quiet: bool | None
) -> Iterator[tuple[Path, T]]:
    """Yield each file with what the action makes of it; note and leave out those where it fails."""

    def attempt(path: Path) -> T | Exception:
        try:
            return action(path)
        except Exception as error:  # decoders of damaged files raise errors of any kind
            return error

    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            results: Iterable[T | Exception] = pool.map(attempt, files)
            for path, result in zip(tqdm(files, desc=bar, unit="file", disable=quiet), results, strict=True):
                if isinstance(result, Exception):
                    found.lasting &= getattr(result, "errno", None) is None
                    found.refused.append((found.name(path), _reason(result)))
                else:
                    yield path, result
        finally:
            pool.shutdown(cancel_futures=True)


def _chosen(headers: list[tuple[bool, tuple[int, int]]], size: int | None, channels: int | None) -> tuple[int, int]:
    """Size and channels: as asked for, else the pictures' own, else 64 or 32 pixels."""
    shapes = {shape for _, shape in headers}
    short = statistics.median_low(min(shape) for _, shape in headers)
    if size is None:
        alike = len(shapes) == 1 and len(set(*shapes)) == 1 and 4 <= short <= LARGEST_OWN_SIZE
        size = short if alike else 64 if short >= 64 else 32
        if not alike:
            log.info("pictures of %d different shapes, cut to squares of %d by %d pixels", len(shapes), size, size)
    return size, channels or (1 if all(grey for grey, _ in headers) else 3)


def _split_folder(folder: Path, split: str) -> Path:
    """The folder of a split, where there is one for training; otherwise all is for training."""

    def first(names: tuple[str, ...]) -> Path | None:
        return next((folder / name for name in names if (folder / name).is_dir()), None)

    if (train := first(SPLIT_FOLDERS["train"])) is None and split == "train":
        return folder
    chosen = train if split == "train" else first(SPLIT_FOLDERS["test"])
    if train is None or chosen is None:
        raise FileNotFoundError(f"{folder} has no folders train and {split}, so all its pictures are for training")
    return chosen


def read(
    folder: str | Path,
    split: str = "train",
    size: int | None = None,
    channels: int | None = None,
    *,
    kept_in: str | Path | None = None,
    progress: bool | None = None,
) -> RawImages:
    """Read a folder of pictures, from the file that an earlier reading left where nothing has changed since.

    Animations count with their first frame; EXIF's rotation is followed; transparency is put on white; what is not
    square is cut to the square in its middle.

    Parameters
    ----------
    folder : str or Path
        Pictures, or a folder for each class, or folders ``train`` and ``test`` (or ``val``) of either.
    split : {"train", "test"}
    size : int, optional
        Side; when absent the pictures' own where all are squares of one size up to 128, else 64, or 32 for small ones.
    channels : {1, 3}, optional
        When absent 1 where all pictures are grey, else 3.
    kept_in : str or Path, optional
        Folder of the kept file; that of `wgan_course.data.cache` when absent.
    progress : bool, optional
        Show a bar; on terminals when absent.

    Returns
    -------
    RawImages

    Raises
    ------
    BadFileError
        No picture, or none that can be read.
    FileNotFoundError
        No such split.
    """
    folder = _split_folder(Path(folder), split)
    found = find(folder)
    file = cache.place(kept_in, folder, f"{size}-{channels}")
    content = _fingerprint(found)
    kept = cache.read(file, content)
    raw = kept or _decoded(found, size, channels, None if progress is None else not progress)
    if kept is None and found.lasting:
        cache.write(file, raw, content)
    _tell(found, raw)
    return raw


def _fingerprint(found: Found) -> str:
    """Changes when a file comes, goes, is written or moved; the time of its last change can't be set by hand."""
    digest = hashlib.sha256(f"1 {PIL.__version__}".encode())
    for file in found.files:
        state = file.stat()
        line = f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"
        digest.update(os.fsencode(file.relative_to(found.folder)) + b"\0" + line.encode() + b"\0")
    digest.update(repr(found.refused).encode())
    return digest.hexdigest()


def _decoded(found: Found, size: int | None, channels: int | None, quiet: bool | None) -> RawImages:
    files = found.files
    if size is None or channels is None:
        headers = dict(_for_each(_header, found, files, "looking", quiet))
        files = list(headers)
        if headers:
            size, channels = _chosen(list(headers.values()), size, channels)
    if size is None or channels is None or not files:
        raise BadFileError(_nothing(found))
    pixels, good = np.empty((len(files), channels, size, size), dtype=np.uint8), []
    decode = functools.partial(_decode, size=size, channels=channels)
    for path, picture in _for_each(decode, found, files, "decoding", quiet):
        pixels[len(good)] = picture
        good.append(path)
    if not good:
        raise BadFileError(_nothing(found))
    return RawImages(pixels[: len(good)], *_labels(found, good), tuple(found.refused))


def _nothing(found: Found) -> str:
    place = printable(found.folder)
    if found.refused:
        return f"{place} has no picture that can be read: {_listed(found.refused)}"
    others = ", ".join(f"{count} {suffix}" for suffix, count in found.others.most_common(5))
    return f"{place} has no pictures (.png, .jpg, .webp, ...); it holds {others or 'no files'}"


def _listed(refused: Iterable[tuple[str, str]], most: int = 10) -> str:
    told = [f"{name} ({why})" for name, why in refused]
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")


def _labels(found: Found, files: list[Path]) -> tuple[np.ndarray, tuple[str, ...]]:
    names = [found.class_of(file) for file in files]
    classes = sorted(set(names))
    if "" in classes and len(classes) > 1:
        log.warning(
            "%s: pictures beside the class folders: %d, so that all %d are taken as one class",
            printable(found.folder), names.count(""), len(names),
        )  # fmt: skip
    if "" in classes:
        return np.zeros(len(files), dtype=np.int64), (printable(found.folder.name) or "all",)
    return np.array([classes.index(name) for name in names], dtype=np.int64), tuple(classes)


def _tell(found: Found, raw: RawImages) -> None:
    place = printable(found.folder)
    log.info("%s: pictures of shape %s in %d classes", place, raw.pixels.shape, len(raw.classes))
    if raw.skipped:
        log.warning("%s: left out %d: %s", place, len(raw.skipped), _listed(raw.skipped))
    if found.others:
        log.info("%s: other files, not looked at: %s", place, dict(found.others))
