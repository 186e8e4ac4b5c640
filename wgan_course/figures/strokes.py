"""The course's settings for figures, and the strokes that tell one series from another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import narrow

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_STYLE: dict[Any, Any] = {
    "figure.figsize": (7.0, 3.6),
    "figure.dpi": 110,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.bbox": "tight",
    "font.size": 11.5,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.labelsize": 11.5,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "legend.fontsize": 10.5,
    "legend.frameon": False,
    "legend.handlelength": 3.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 2.0,
    "figure.constrained_layout.use": True,
    "mathtext.fontset": "dejavusans",
}


@dataclass(frozen=True)
class Stroke:
    """How one series is drawn: hexadecimal colour, dash and marker in matplotlib's notation, together."""

    colour: str
    dash: str | tuple[int, tuple[float, ...]]
    marker: str


STROKES: tuple[Stroke, ...] = (
    Stroke("#00408F", "solid", "o"),
    Stroke("#D55E00", (0, (5, 2)), "s"),
    Stroke("#007A59", (0, (1, 1.3)), "^"),
    Stroke("#8B3A8B", (0, (6, 2, 1, 2)), "D"),
    Stroke("#1A1A1A", (0, (3, 1, 1, 1, 1, 1)), "v"),
    Stroke("#3E8EC4", (0, (9, 3)), "P"),
)


def stroke(index: int) -> Stroke:
    """Give the stroke of series number `index`, from 0; the cycle starts again after the last.

    Raises
    ------
    ValueError
        When `index` is negative.
    """
    if index < 0:
        raise ValueError(f"index must be 0 or more, got {index}; number the series from 0.")
    return STROKES[index % len(STROKES)]


@contextmanager
def style(**overrides: Any) -> Iterator[None]:
    """Draw with the course's settings inside a ``with`` block, and restore the old ones afterwards.

    Parameters
    ----------
    **overrides
        Settings that differ in this block, with ``_`` for ``.`` (``font_size=14``).
    """
    import matplotlib as mpl

    settings: dict[Any, Any] = {**_STYLE, **{_setting(name): value for name, value in overrides.items()}}
    with mpl.rc_context(settings):
        yield


def use_style() -> None:
    """Draw with the course's settings from here on (first cell of a lab); for the book, each figure twice."""
    import matplotlib as mpl

    mpl.rcParams.update(_STYLE)
    narrow.install()


def _setting(name: str) -> str:
    import matplotlib as mpl

    matches = [key for key in mpl.rcParams if key.replace(".", "_") == name]
    if not matches:
        raise ValueError(f"{name!r} is no matplotlib setting; write its name with _ for . (font_size).")
    return matches[0]


def to_numpy(values: Any) -> NDArray[np.float64]:
    """Turn a tensor of any type and device, a list or an array into a float array.

    Parameters
    ----------
    values : array_like or Tensor, any shape
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    return np.asarray(values, dtype=float)


def as_array(values: ArrayLike, name: str, ndim: int) -> NDArray[np.float64]:
    """Turn tensors, lists and arrays into a float array of `ndim` axes, and refuse what can't be drawn.

    Parameters
    ----------
    values : array_like or Tensor, any shape
        A torch tensor is detached and moved to the CPU, half precision raised.
    name : str
        The argument's name, for the message.

    Raises
    ------
    ValueError
        When the array is empty or has another number of axes.
    """
    array = to_numpy(values)
    if array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {array.shape}; reshape it before plotting.")
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}); give at least one value.")
    return array
