"""What a run leaves behind: a log in JSON lines, and pictures."""

import io
import json
import logging
import os
import shutil
from pathlib import Path

import torch
from torch import Tensor

from wgan_course._files import atomic_write, naming_full_disk

__all__ = ["RunLog", "point_picture", "read", "save_picture", "set_aside"]

REMAINS = ("options.json", "log.jsonl", "timing.jsonl", "checkpoint.pt", "samples.png", "samples")


_log = logging.getLogger(__name__)


class RunLog:
    """A file of JSON lines that can be cut back to where a checkpoint was taken.

    Parameters
    ----------
    path : path
        Made if need be; an existing file is continued.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()

    def write(self, record: dict) -> None:
        """Append one record.

        Parameters
        ----------
        record : dict
            Finite numbers and strings.

        Raises
        ------
        DiskFullError
            If there is no room.
        """
        with naming_full_disk(self.path):
            self._append(json.dumps(record, allow_nan=False).encode() + b"\n")

    def sync(self) -> int:
        """Wait until everything is on the disk.

        Returns
        -------
        int
            Length of the file in bytes.
        """
        with naming_full_disk(self.path), self.path.open("ab") as file:
            os.fsync(file.fileno())
        return self.path.stat().st_size

    def cut(self, size: int) -> None:
        """Forget what was written after a checkpoint.

        Parameters
        ----------
        size : int
            Length in bytes, from `sync`.
        """
        os.truncate(self.path, min(size, self.path.stat().st_size))

    def _append(self, line: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(line)


def set_aside(folder: Path) -> None:
    """Move what a run has left in its folder to ``previous``, in the place of what was there.

    Parameters
    ----------
    folder : Path
    """
    if not _holds_a_run(folder):
        return
    previous = folder / "previous"
    shutil.rmtree(previous, ignore_errors=True)
    previous.mkdir()
    for name in REMAINS:
        if (folder / name).exists():
            (folder / name).replace(previous / name)
    _log.warning("%s held an older run; it is in %s now", folder, previous)


def _holds_a_run(folder: Path) -> bool:
    log = folder / "log.jsonl"
    return any((folder / name).exists() for name in ("checkpoint.pt", "samples")) or (
        log.is_file() and log.stat().st_size > 0
    )


def read(path: str | os.PathLike) -> list[dict]:
    """Read a log; a last line that a crash cut short is left out.

    Parameters
    ----------
    path : path

    Returns
    -------
    list of dict
    """
    lines = Path(path).read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1]]


def save_picture(path: str | os.PathLike, images: Tensor, columns: int = 8) -> Path:
    """Save a grid of images as a PNG, atomically.

    Parameters
    ----------
    path : path
    images : Tensor, shape (n, 1 or 3, height, width)
        Grey or colour levels in [-1, 1]; what lies outside is cut off.
    columns : int

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If the shape is another one, or the batch is empty.
    """
    if images.dim() != 4 or images.shape[1] not in (1, 3) or not len(images):
        raise ValueError(f"images must have shape (n, 1 or 3, height, width), got {tuple(images.shape)}")
    from torchvision.utils import save_image

    buffer = io.BytesIO()
    grid = images.detach().float().cpu()
    save_image(grid, buffer, format="png", nrow=columns, normalize=True, value_range=(-1, 1), pad_value=1.0)
    return atomic_write(path, buffer.getvalue())


def point_picture(real: Tensor, fake: Tensor, size: int = 256, reach: float | None = None) -> Tensor:
    """Draw points in the plane without a plotting library: real ones light grey discs, generated ones dark crosses.

    Parameters
    ----------
    real, fake : Tensor, shape (n, 2)
    size : int
        Side of the picture in pixels.
    reach : float, optional
        Largest coordinate shown; that of the real points and a quarter more when absent.

    Returns
    -------
    Tensor, shape (1, 1, size, size)
        Levels in [-1, 1].

    Raises
    ------
    ValueError
        If the points are not in the plane.
    """
    if real.dim() != 2 or fake.dim() != 2 or real.shape[1] != 2 or fake.shape[1] != 2:
        raise ValueError(f"real and fake must have shape (n, 2), got {tuple(real.shape)} and {tuple(fake.shape)}")
    reach = 1.25 * float(real.abs().max()) if reach is None else reach
    picture = torch.ones(size, size)
    _stamp(picture, real, reach, 0.5, [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    _stamp(picture, fake, reach, -1.0, [(0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)])
    return picture[None, None]


def _stamp(picture: Tensor, points: Tensor, reach: float, level: float, shape: list[tuple[int, int]]) -> None:
    """Put a mark at each point, in place; points outside are left out."""
    size = len(picture)
    place = ((points.detach().float().cpu() / reach + 1) * size / 2).floor().long()
    for i, j in shape:
        row, column = size - 1 - place[:, 1] + i, place[:, 0] + j
        inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
        picture[row[inside], column[inside]] = level
