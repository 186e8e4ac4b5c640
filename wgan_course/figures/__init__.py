"""Plotting helpers: data and an ``ax`` go in, the same ``ax`` comes out, and nothing is ever shown.

Every series differs from the others in three ways at once, in colour, dash and marker, so that a figure still reads in
greyscale, with any kind of colour vision, and on either page theme (figures keep their own white ground). The six
colours are at least three times darker than white, which is what the accessibility guidelines ask of a line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

SURFACE_COLOURS = "cividis"
HEAT_COLOURS = "Greys"

_STYLE: dict[str, Any] = {
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
    """How one series is drawn: colour, dash and marker together.

    Parameters
    ----------
    colour : str
        Hexadecimal colour.
    dash : str or tuple
        Line style in matplotlib's notation.
    marker : str
        Marker in matplotlib's notation.
    """

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
    """Give the stroke of series number `index`; the cycle starts again after the last.

    Parameters
    ----------
    index : int
        Number of the series, from 0.

    Returns
    -------
    Stroke

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

    with mpl.rc_context({**_STYLE, **{_setting(name): value for name, value in overrides.items()}}):
        yield


def use_style() -> None:
    """Draw with the course's settings from here on (first cell of a lab); for the book, each figure twice."""
    import matplotlib as mpl

    from wgan_course.figures import narrow

    mpl.rcParams.update(_STYLE)
    narrow.install()


def _setting(name: str) -> str:
    import matplotlib as mpl

    matches = [key for key in mpl.rcParams if key.replace(".", "_") == name]
    if not matches:
        raise ValueError(f"{name!r} is no matplotlib setting; write its name with _ for . (font_size).")
    return matches[0]


def as_array(values: ArrayLike, name: str, ndim: int) -> NDArray[np.float64]:
    """Turn tensors, lists and arrays into a float array, and refuse what can't be drawn.

    Parameters
    ----------
    values : array_like or Tensor
        Numbers; a torch tensor is detached and moved to the CPU.
    name : str
        The argument's name, for the message.
    ndim : int
        Number of axes that the caller needs.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        When the array is empty or has another number of axes.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    array = np.asarray(values, dtype=float)
    if array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {array.shape}; reshape it before plotting.")
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}); give at least one value.")
    return array


def curve(
    ax: Axes, x: ArrayLike, y: ArrayLike, *, label: str | None = None, index: int = 0, markers: int = 8, **options: Any
) -> Axes:
    """Draw one line with its stroke and a few markers along it.

    Parameters
    ----------
    ax : Axes
        Where to draw.
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

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When `x` and `y` differ in length or are empty.
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
    ax : Axes
        Where to draw.
    x : array_like, shape (n,)
        Common abscissa.
    series : mapping of str to array_like, shape (n,)
        Label and values of each line, in order.
    first : int
        Stroke of the first line.
    **options
        Passed to `curve`.

    Returns
    -------
    Axes
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
    ax : Axes
        Where to draw.
    x, centre, low, high : array_like, shape (n,)
        The line and its band.
    label : str, optional
        Name in the legend.
    index : int
        Number of the series.
    **options
        Passed to `curve`.

    Returns
    -------
    Axes

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
    """Mean of several runs and its confidence interval by Student's t.

    Parameters
    ----------
    runs : array_like, shape (seeds, n)
        One row a seed, at least two.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    centre, low, high : ndarray, shape (n,)

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
    ax : Axes
        Where to draw.
    points : array_like, shape (n,)
        Positions.
    height : float
        Ordinate.
    label : str, optional
        Name in the legend.
    index : int
        Number of the series.

    Returns
    -------
    Axes
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


def point_cloud(
    ax: Axes,
    points: ArrayLike,
    *,
    label: str | None = None,
    index: int = 0,
    weights: ArrayLike | None = None,
    size: float = 16.0,
) -> Axes:
    """Draw points of the plane, their area in proportion to their mass.

    Parameters
    ----------
    ax : Axes
        Where to draw; its aspect is set to equal.
    points : array_like, shape (n, 2)
        Positions.
    label : str, optional
        Name in the legend.
    index : int
        Number of the series.
    weights : array_like, shape (n,), optional
        Masses; all the same when left out.
    size : float
        Area of an average marker in points squared.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When the points are not in the plane, or the weights do not fit them.
    """
    points, pen = _plane(points, "points"), stroke(index)
    sizes = np.full(len(points), size)
    if weights is not None:
        weights = as_array(weights, "weights", 1)
        if len(weights) != len(points) or np.any(weights < 0) or weights.sum() <= 0:
            raise ValueError(f"weights must be {len(points)} masses, none negative and not all zero.")
        sizes = size * len(points) * weights / weights.sum()
    ax.scatter(
        *points.T, s=sizes, marker=pen.marker, color=pen.colour, alpha=0.75, edgecolors="white", lw=0.4, label=label
    )
    ax.set_aspect("equal", adjustable="datalim")
    return ax


def _plane(points: ArrayLike, name: str) -> NDArray[np.float64]:
    points = as_array(points, name, 2)
    if points.shape[1] != 2:
        raise ValueError(f"{name} must have shape (n, 2), got {points.shape}; project it to the plane first.")
    return points


def mesh(bounds: Sequence[float], resolution: int = 80) -> tuple[NDArray, NDArray, NDArray]:
    """Lay a regular grid over a rectangle.

    Parameters
    ----------
    bounds : sequence of 4 floats
        Left, right, bottom, top.
    resolution : int
        Points a side, at least 2.

    Returns
    -------
    xs, ys : ndarray, shape (resolution, resolution)
    points : ndarray, shape (resolution**2, 2)
        The same grid as a list of points, row by row.

    Raises
    ------
    ValueError
        When the rectangle is empty or the resolution under 2.
    """
    left, right, bottom, top = bounds
    if not (left < right and bottom < top) or resolution < 2:
        raise ValueError(
            f"bounds must be left < right, bottom < top, resolution at least 2; got {bounds}, {resolution}."
        )
    xs, ys = np.meshgrid(np.linspace(left, right, resolution), np.linspace(bottom, top, resolution))
    return xs, ys, np.stack([xs.ravel(), ys.ravel()], axis=1)


def evaluate(function: Callable, points: NDArray) -> NDArray[np.float64]:
    """Evaluate a critic on an array of points, torch module or plain function alike.

    Parameters
    ----------
    function : callable
        Takes points of shape (n, d), a tensor where it is a torch module and an array otherwise.
    points : ndarray, shape (n, d)
        Where to evaluate.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    ValueError
        When it does not give one value a point.
    """
    values = _call_module(function, points) if hasattr(function, "parameters") else function(points)
    values = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, dtype=float).reshape(-1)
    if len(values) != len(points):
        raise ValueError(f"function must give one value a point: {len(points)} points, {len(values)} values.")
    return values


def _call_module(module: Callable, points: NDArray) -> Any:
    import torch

    first = next(iter(module.parameters()), None)
    where = {"dtype": torch.get_default_dtype()} if first is None else {"dtype": first.dtype, "device": first.device}
    with torch.no_grad():
        return module(torch.as_tensor(points, **where))


def value_surface(
    ax: Axes, function: Callable, bounds: Sequence[float], *, resolution: int = 80, levels: int = 12, bar: bool = False
) -> Axes:
    """Draw the level sets of a critic over a rectangle: light is high, lines are equal values.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    function : callable
        Critic, see `evaluate`.
    bounds : sequence of 4 floats
        Left, right, bottom, top.
    resolution : int
        Grid points a side.
    levels : int
        How many level sets.
    bar : bool
        Add a colour bar with the values.

    Returns
    -------
    Axes
    """
    xs, ys, points = mesh(bounds, resolution)
    values = evaluate(function, points).reshape(xs.shape)
    filled = ax.contourf(xs, ys, values, levels=levels, cmap=SURFACE_COLOURS)
    ax.contour(xs, ys, values, levels=levels, colors="white", linewidths=0.6, alpha=0.8)
    if bar:
        ax.figure.colorbar(filled, ax=ax, shrink=0.85)
    ax.set_aspect("equal")
    ax.grid(visible=False)
    return ax


def arrows(ax: Axes, points: ArrayLike, vectors: ArrayLike, *, index: int = 1, scale: float = 1.0) -> Axes:
    """Draw vectors at points of the plane in data units (a generator's gradients, say).

    Parameters
    ----------
    ax : Axes
        Where to draw.
    points, vectors : array_like, shape (n, 2)
        Feet of the arrows, and the arrows.
    index : int
        Number of the series, for the colour.
    scale : float
        Length of a unit vector in data units.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When the two differ in shape.
    """
    points, vectors = _plane(points, "points"), _plane(vectors, "vectors")
    if points.shape != vectors.shape:
        raise ValueError(f"points and vectors must have one shape, got {points.shape} and {vectors.shape}.")
    ax.quiver(
        *points.T,
        *(scale * vectors).T,
        color=stroke(index).colour,
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.005,
        zorder=5,
    )
    return ax


def plan_heat_map(
    ax: Axes,
    coupling: ArrayLike,
    *,
    rows: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    numbers: bool | None = None,
) -> Axes:
    """Draw a coupling as a table of greys, dark where much mass goes.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    coupling : array_like, shape (n, m)
        Mass from atom i to atom j.
    rows, columns : sequence of str, optional
        Names of the atoms.
    numbers : bool, optional
        Write the masses in the cells; by default when there are at most 64.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When an entry is negative.
    """
    coupling = as_array(coupling, "coupling", 2)
    if np.any(coupling < -1e-12):
        raise ValueError("coupling must not be negative; is this a cost matrix?")
    ax.imshow(coupling, cmap=HEAT_COLOURS, vmin=0, aspect="auto", interpolation="nearest")
    ax.grid(visible=False)
    ax.set_xlabel("to")
    ax.set_ylabel("from")
    _name_cells(ax, coupling.shape, rows, columns)
    if numbers if numbers is not None else coupling.size <= 64:
        _write_cells(ax, coupling)
    return ax


def _name_cells(ax: Axes, shape: tuple[int, int], rows: Sequence[str] | None, columns: Sequence[str] | None) -> None:
    if rows is not None:
        ax.set_yticks(range(shape[0]), rows)
    if columns is not None:
        ax.set_xticks(range(shape[1]), columns)


def _write_cells(ax: Axes, coupling: NDArray) -> None:
    half = coupling.max() / 2
    for (i, j), mass in np.ndenumerate(coupling):
        if mass > 1e-12:
            colour = "white" if mass > half else "black"
            ax.text(j, i, f"{mass:.2g}", ha="center", va="center", color=colour, fontsize=9.5)


def plan_lines(ax: Axes, x: ArrayLike, y: ArrayLike, coupling: ArrayLike, *, colour: str = "#6B6B6B") -> Axes:
    """Join the points between which a coupling moves mass, thicker for more.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x : array_like, shape (n, 2)
        Where the mass comes from.
    y : array_like, shape (m, 2)
        Where it goes.
    coupling : array_like, shape (n, m)
        How much goes from i to j.
    colour : str
        Colour of the lines.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When the coupling does not fit the points.
    """
    x, y, coupling = _plane(x, "x"), _plane(y, "y"), as_array(coupling, "coupling", 2)
    if coupling.shape != (len(x), len(y)):
        raise ValueError(f"coupling must have shape {(len(x), len(y))}, got {coupling.shape}.")
    top = coupling.max()
    for i, j in np.argwhere(coupling > 1e-6 * top):
        width = 0.4 + 1.6 * coupling[i, j] / top
        ax.plot(*np.stack([x[i], y[j]]).T, color=colour, lw=width, alpha=0.7, zorder=1)
    return ax


def infinity_band(ax: Axes, where: ArrayLike, *, level: float, label: str, index: int = 0) -> Axes:
    """Mark abscissas at which a quantity is infinite by a hatched row of its markers at `level`.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    where : array_like, shape (n,)
        Abscissas with an infinite value.
    level : float
        Height at which to draw.
    label : str
        Name in the legend.
    index : int
        Number of the series.

    Returns
    -------
    Axes
    """
    where, pen = as_array(where, "where", 1), stroke(index)
    ax.plot(where, np.full_like(where, level), linestyle="none", marker=pen.marker, color=pen.colour, label=label)
    ax.plot([where.min(), where.max()], [level, level], color=pen.colour, linewidth=1, linestyle=pen.dash)
    return ax


def image_grid(ax: Axes, images: ArrayLike, *, columns: int = 8) -> Axes:
    """Lay grey images with values in [-1, 1] out in rows.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    images : array_like or Tensor, shape (n, 1, height, width)
        The images; -1 is black.
    columns : int
        Images a row.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        When they have more than one channel, or `columns` is under 1.
    """
    images = as_array(images, "images", 4)
    if images.shape[1] != 1 or columns < 1:
        raise ValueError(
            f"images must have shape (n, 1, h, w) and columns be 1 or more; got {images.shape}, {columns}."
        )
    ax.imshow(_tile(images[:, 0], columns), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    return ax


def _tile(images: NDArray, columns: int) -> NDArray:
    rows = math.ceil(len(images) / columns)
    blank = np.full((rows * columns - len(images), *images.shape[1:]), -1.0)
    cells = np.concatenate([images, blank]).reshape(rows, columns, *images.shape[1:])
    return cells.swapaxes(1, 2).reshape(rows * images.shape[1], columns * images.shape[2])


def to_png(figure: Any, dpi: int = 100) -> bytes:
    """Render a figure to PNG bytes and close it: one frame of a slider that needs no kernel.

    Parameters
    ----------
    figure : Figure
        The figure.
    dpi : int
        Dots an inch.

    Returns
    -------
    bytes
    """
    from io import BytesIO

    from matplotlib import pyplot as plt

    from wgan_course.figures import narrow

    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    picture = buffer.getvalue()
    if narrow.wanted():
        picture = narrow.attach(picture, narrow.render(figure))
    plt.close(figure)
    return picture


def frames(
    pictures: Sequence[bytes], labels: Sequence[str], *, description: str, start: int = 0, width: int = 720
) -> Any:
    """Turn precomputed pictures into a slider that also works in the built book, with no kernel.

    The slider and the stack of pictures are tied by ``jslink``, which runs in the page. Each label is the picture's
    alternative text too, so that a screen reader can tell what each position shows.

    Parameters
    ----------
    pictures : sequence of bytes
        PNG images, as `to_png` gives them.
    labels : sequence of str
        What each one shows, in words.
    description : str
        What the slider changes.
    start : int
        Position shown first.
    width : int
        Width of the pictures in CSS pixels; they shrink with a narrow page.

    Returns
    -------
    ipywidgets.VBox

    Raises
    ------
    ValueError
        When there are no pictures, or not one label each.
    """
    import ipywidgets as widgets

    if not pictures or len(pictures) != len(labels):
        raise ValueError(f"pictures and labels must pair up, got {len(pictures)} and {len(labels)}.")
    cards = [widgets.HTML(_card(data, text, width)) for data, text in zip(pictures, labels, strict=True)]
    stack = widgets.Stack(cards, selected_index=start)
    slider = widgets.IntSlider(
        value=start, max=len(pictures) - 1, description=description, style={"description_width": "initial"}
    )
    widgets.jslink((slider, "value"), (stack, "selected_index"))
    return widgets.VBox([slider, stack])


def _card(picture: bytes, label: str, width: int) -> str:
    from base64 import b64encode
    from html import escape

    from wgan_course.figures import narrow

    sources = [f"data:image/png;base64,{b64encode(data).decode()}" for data in narrow.detach(picture) if data]
    choice = "".join(f'<source media="{narrow.SCREEN}" srcset="{source}">' for source in sources[1:])
    text = escape(label, quote=True)
    image = f'<img src="{sources[0]}" alt="{text}" style="width: {width}px; max-width: 100%">'
    return f"<picture>{choice}{image}</picture><p>{text}</p>"
