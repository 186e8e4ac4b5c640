"""Files that a power cut cannot halve: temporary file, fsync, rename."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


class DiskFullError(OSError):
    """The disk is full; the message names the file and says what is still whole."""


@contextlib.contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Turn the operating system's "no space left" into an error that names the file.

    Parameters
    ----------
    path : Path
        The file being written.

    Raises
    ------
    DiskFullError
        In place of an ``OSError`` for a full disk or an exhausted quota.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free = shutil.disk_usage(path.parent).free
        raise DiskFullError(
            error.errno,
            f"the disk is full ({free / 1e6:.1f} MB free) while writing {path.name}; what was written before is whole. "
            "Make room and resume from the last checkpoint",
            str(path),
        ) from error


def atomic_write(path: str | os.PathLike, content: bytes) -> Path:
    """Write a file so that it is either the old one or the new one, never half of it.

    Parameters
    ----------
    path : path
        Its folder is made if need be.
    content : bytes

    Returns
    -------
    Path

    Raises
    ------
    DiskFullError
        If there is no room; the old file stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with naming_full_disk(path):
            _write_through(temporary, content)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return path


def _write_through(path: Path, content: bytes) -> None:
    """Write and wait until the bytes are on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where folders can be synced (not on Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
