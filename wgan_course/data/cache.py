"""Decoded pictures as one file, so that the next run need not decode them again."""

import hashlib
import json
import logging
import os
import re
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from wgan_course.data.pixels import RawImages

__all__ = ["folder", "place", "read", "write"]

log = logging.getLogger(__name__)


def folder() -> Path:
    """Where downloads and decoded pictures are kept: ``$WGAN_COURSE_DATA``, else the platform's place for caches."""
    if own := os.environ.get("WGAN_COURSE_DATA"):
        return Path(own).expanduser()
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "wgan-course"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", tempfile.gettempdir())) / "wgan-course"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "wgan-course"


def place(kept_in: str | Path | None, source: Path, settings: str) -> Path:
    """Return the file for a folder of pictures under given settings; one that has changed takes the same file.

    Parameters
    ----------
    kept_in : str or Path or None
        `folder` when None.
    source : Path
    settings : str

    Returns
    -------
    Path
    """
    key = hashlib.sha256(os.fsencode(os.path.realpath(source)) + b"\0" + settings.encode()).hexdigest()[:16]
    name = re.sub(r"[^\w-]", "_", source.resolve().name, flags=re.ASCII)[:40]
    return Path(kept_in or folder() / "pictures").expanduser() / f"{name}-{key}.safetensors"


def _check_sum(arrays: dict[str, np.ndarray]) -> str:
    return " ".join(str(zlib.crc32(arrays[name].data)) for name in sorted(arrays))


def read(file: Path, content: str) -> RawImages | None:
    """Read what `write` kept; None where there is nothing, or something older or damaged.

    Parameters
    ----------
    file : Path
    content : str
        As given to `write`; another means that the pictures have changed.

    Returns
    -------
    RawImages or None
    """
    if not file.is_file():
        return None
    try:
        return _read(file, content)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        log.warning("%s is damaged and will be made again: %s", file, error)
        return None


def _read(file: Path, content: str) -> RawImages | None:
    with safe_open(file, "numpy") as kept:
        told = json.loads((kept.metadata() or {})["told"])
        if told["content"] != content:
            return None
        arrays = {name: kept.get_tensor(name) for name in ("pixels", "labels")}
    if told["check_sum"] != _check_sum(arrays):
        raise ValueError("its check sum is wrong")
    skipped = tuple((name, why) for name, why in told["skipped"])
    return RawImages(**arrays, classes=tuple(told["classes"]), skipped=skipped)


def write(file: Path, raw: RawImages, content: str) -> None:
    """Keep decoded pictures, all or nothing; where there is no room or permission, say so and go on.

    Parameters
    ----------
    file : Path
    raw : RawImages
    content : str
        What tells these pictures from changed ones.
    """
    arrays = {"pixels": np.ascontiguousarray(raw.pixels), "labels": raw.labels}
    told = {
        "content": content,
        "check_sum": _check_sum(arrays),
        "classes": raw.classes,
        "skipped": raw.skipped,
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".making-") as room:
            save_file(arrays, Path(room) / "new", {"told": json.dumps(told)})
            os.replace(Path(room) / "new", file)
    except (OSError, SafetensorError) as error:
        log.warning("the decoded pictures could not be kept in %s: %s", file, error)
