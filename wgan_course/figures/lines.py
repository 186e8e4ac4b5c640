"""Lines over an axis: curves, bands over seeds, points of the real line, infinite values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .strokes import STROKES, as_array, stroke

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray


def curve(
    ax: Axes, x: ArrayLike, y: ArrayLike, *, label: str | None = None, index: int = 0, markers: int = 8, **options: Any
) -> Axes:
    """Draw one line with its stroke and a few markers along it.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        The line; values that are not finite leave a gap.
    label : str, optional
        Name in the legend.
    index : int
        Number of the series.
    markers : int
        About how many markers to set; 0 for none.
    **options
        Passed to ``ax.plot``.

    Raises
    ------
    ValueError
        When `x` and `y` differ in length.
    """
    x, y = as_array(x, "x", 1), as_array(y, "y", 1)
    if x.shape != y.shape:
        raise ValueError(f"x and y must have one length, got {len(x)} and {len(y)}.")
    pen = stroke(index)
    look = {"color": pen.colour, "linestyle": pen.dash, "markersize": 5.5, "markeredgecolor": "white"}
    if markers:
        step = max(1, len(x) // markers)
        look |= {"marker": pen.marker, "markevery": (min(index * step // len(STROKES), len(x) - 1), step)}
    ax.plot(x, y, **{**look, "label": label, **options})
    return ax


def curves(ax: Axes, x: ArrayLike, series: Mapping[str, ArrayLike], *, first: int = 0, **options: Any) -> Axes:
    """Draw several named lines over one axis, each with its own stroke, and the legend.

    Parameters
    ----------
    x : array_like, shape (n,)
        Common abscissa.
    series : mapping of str to array_like, shape (n,)
        Label and values of each line, in order.
    first : int
        Stroke of the first line.
    """
    for offset, (label, values) in enumerate(series.items()):
        curve(ax, x, values, label=label, index=first + offset, **options)
    ax.legend()
    return ax


def curve_with_interval(
    ax: Axes,
    x: ArrayLike,
    centre: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    label: str | None = None,
    index: int = 0,
    **options: Any,
) -> Axes:
    """Draw a line with a band from `low` to `high` (over seeds, say).

    Parameters
    ----------
    x, centre, low, high : array_like, shape (n,)

    Raises
    ------
    ValueError
        When `low` passes `high` anywhere.
    """
    low, high = as_array(low, "low", 1), as_array(high, "high", 1)
    if np.any(low > high):
        raise ValueError("low must not pass high; were the two swapped?")
    ax.fill_between(as_array(x, "x", 1), low, high, color=stroke(index).colour, alpha=0.18, linewidth=0)
    return curve(ax, x, centre, label=label, index=index, **options)


def interval_over_seeds(runs: ArrayLike, level: float = 0.95) -> tuple[NDArray, NDArray, NDArray]:
    """Mean of several runs and its confidence interval by Student's t: centre, low, high, each of shape (n,).

    Parameters
    ----------
    runs : array_like, shape (seeds, n)
        One row a seed, at least two.
    level : float
        Coverage, between 0 and 1.

    Raises
    ------
    ValueError
        With fewer than two runs, or a level outside (0, 1).
    """
    from scipy import stats

    runs = as_array(runs, "runs", 2)
    if len(runs) < 2:
        raise ValueError("runs must hold at least 2 seeds: one run has no spread.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}.")
    centre = runs.mean(axis=0)
    error = runs.std(axis=0, ddof=1) / math.sqrt(len(runs))
    half = stats.t.ppf((1 + level) / 2, len(runs) - 1) * error
    return centre, centre - half, centre + half


def points_on_line(
    ax: Axes, points: ArrayLike, *, height: float = 0.0, label: str | None = None, index: int = 0
) -> Axes:
    """Draw points of the real line as large markers at one height.

    Parameters
    ----------
    points : array_like, shape (n,)
    """
    points, pen = as_array(points, "points", 1), stroke(index)
    ax.plot(
        points,
        np.full_like(points, height),
        linestyle="none",
        marker=pen.marker,
        color=pen.colour,
        markersize=9,
        markeredgecolor="white",
        label=label,
        clip_on=False,
        zorder=4,
    )
    return ax


def infinity_band(ax: Axes, where: ArrayLike, *, level: float, label: str, index: int = 0) -> Axes:
    """Mark abscissas at which a quantity is infinite by a row of its markers at `level`.

    Parameters
    ----------
    where : array_like, shape (n,)
    """
    where, pen = as_array(where, "where", 1), stroke(index)
    ax.plot(where, np.full_like(where, level), linestyle="none", marker=pen.marker, color=pen.colour, label=label)
    return ax
