"""A second drawing of each figure, for telephones: panels under each other, legends below, large letters.

A figure seven inches wide, shrunk to the width of a hand, has letters that nobody can read. While the book is built,
each figure is therefore drawn twice. The narrow drawing travels inside the wide one, in a private chunk of its PNG file
that every program skips; `tools.book.pictures` takes it out and lets the browser choose.
"""

from __future__ import annotations

import os
import re
import struct
import textwrap
import zlib
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import numpy as np

from . import drawing

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec
    from matplotlib.legend import Legend

SWITCH = "WGAN_COURSE_NARROW_FIGURES"
SCREEN = "(max-width: 576px)"
WIDTH = 4.6
DPI = 160
LEAST_HEIGHT = 2.1
TITLE = 44
ROW = 0.27
TICKS = 7
CHUNK = b"naRw"
END = 12


def wanted() -> bool:
    """Whether figures are to be drawn twice: the book's build says so, by an environment variable."""
    return os.environ.get(SWITCH) == "1"


def attach(wide: bytes, narrow: bytes) -> bytes:
    """Put one PNG file, which programs skip, into another, which looks as before."""
    body = CHUNK + narrow
    chunk = struct.pack(">I", len(narrow)) + body + struct.pack(">I", zlib.crc32(body))
    return wide[:-END] + chunk + wide[-END:]


def detach(picture: bytes) -> tuple[bytes, bytes | None]:
    """Take a PNG file apart again: the file without the one inside, and the file inside or None."""
    start = 8
    while start + END <= len(picture):
        (length,) = struct.unpack(">I", picture[start : start + 4])
        stop = start + END + length
        if picture[start + 4 : start + 8] == CHUNK:
            return picture[:start] + picture[stop:], picture[start + 8 : stop - 4]
        start = stop
    return picture, None


def render(figure: Figure) -> bytes:
    """Lay a finished figure out for a narrow screen and draw it as a PNG file; the figure is changed by this.

    Its axes lie on one grid, each in one cell of it; a figure of another make keeps its layout.
    """
    return drawing.png(stack(figure), DPI)


def twice(figure: Figure, dpi: float) -> bytes:
    """Draw a figure wide, and where the book is built, inside that file, narrow, which changes the figure."""
    wide = drawing.png(figure, dpi)
    return attach(wide, render(figure)) if wanted() else wide


def stack(figure: Figure) -> Figure:
    """Put a figure's panels under each other and its legends where they cover nothing."""
    cells = _cells(figure)
    if cells is None:
        return figure
    names = [_shared_labels(axes[0], cells) for axes in cells.values()]
    heights = [_height(figure, spec) for spec in cells]
    _move(figure, cells, heights)
    for axes, labels in zip(cells.values(), names, strict=True):
        axes[0].set(**labels)
        for ax in axes:
            _fit_panel(ax)
    figure.set_size_inches(WIDTH, sum(heights))
    rows = _gather_legends(figure, alone=len(cells) == 1)
    figure.set_size_inches(WIDTH, sum(heights) + ROW * rows)
    return figure


def _cells(figure: Figure) -> dict[SubplotSpec, list[Axes]] | None:
    """Axes by cell of the outermost grid, row by row; None where there is no such order."""
    tops = [(ax, _outermost(ax)) for ax in figure.axes if ax.get_subplotspec() is not None]
    grids = {id(top.get_gridspec()) for _, top in tops}
    if len(grids) != 1 or any(top.num1 != top.num2 for _, top in tops):
        return None
    by_number: dict[int, list[Axes]] = {}
    for ax, top in tops:
        by_number.setdefault(top.num1, []).append(ax)
    grid = tops[0][1].get_gridspec()
    return {grid[number]: by_number[number] for number in sorted(by_number)}


def _own(ax: Axes) -> SubplotSpec:
    spec = ax.get_subplotspec()
    if spec is None:
        raise ValueError("these axes lie on no grid")
    return spec


def _outermost(ax: Axes) -> SubplotSpec:
    return _own(ax).get_topmost_subplotspec()


def _height(figure: Figure, spec: SubplotSpec) -> float:
    """Inches for a panel: its proportions kept, or nearly, and never much lower than it was."""
    grid, (width, height) = spec.get_gridspec(), figure.get_size_inches()
    rows, columns = np.asarray(grid.get_height_ratios()), np.asarray(grid.get_width_ratios())
    high = float(height * rows[spec.rowspan.start] / rows.sum())
    wide = float(width * columns[spec.colspan.start] / columns.sum())
    return max(min(LEAST_HEIGHT, high), min(high, 1.15 * WIDTH * high / wide))


def _move(figure: Figure, cells: dict[SubplotSpec, list[Axes]], heights: list[float]) -> None:
    column = figure.add_gridspec(len(cells), 1, height_ratios=heights)
    for number, axes in enumerate(cells.values()):
        for ax in axes:
            _hang(ax, column[number])


def _hang(ax: Axes, cell: SubplotSpec) -> None:
    """Give an axes, or the outermost of the grids that it lies in, a new cell."""
    grid: Any = _own(ax).get_gridspec()
    if not hasattr(grid, "_subplot_spec"):
        ax.set_subplotspec(cell)
        return
    while hasattr(grid._subplot_spec.get_gridspec(), "_subplot_spec"):
        grid = grid._subplot_spec.get_gridspec()
    grid._subplot_spec = cell


def _shared_labels(ax: Axes, cells: dict[SubplotSpec, list[Axes]]) -> dict[str, str]:
    """What a panel and its axes are called, where so far only the first of a row or one end of a column said it."""
    firsts = [axes[0] for axes in cells.values()]
    found = {"xlabel": ax.get_xlabel(), "ylabel": ax.get_ylabel()}
    own = _place(ax)
    near_first = sorted(firsts, key=lambda other: _place(other)[0] != own[0])
    rows = [other.get_ylabel() for other in near_first if other.get_shared_y_axes().joined(ax, other)]
    near_first = sorted(firsts, key=lambda other: _place(other)[1] != own[1])
    columns = [other.get_xlabel() for other in near_first if other.get_shared_x_axes().joined(ax, other)]
    if _outermost(ax).get_gridspec().ncols > 1:
        found["ylabel"] = found["ylabel"] or next(filter(None, rows), "")
        found["xlabel"] = found["xlabel"] or next(filter(None, columns), "")
        heads = [_title(other) for other in firsts if _place(other) == (0, own[1])]
        if not _title(ax) and any(heads):
            found["title"] = heads[0]
    return found


def _title(ax: Axes) -> str:
    return next(filter(None, (ax.get_title(loc=place) for place in ("left", "center", "right"))), "")


def _place(ax: Axes) -> tuple[int, int]:
    """Row and column in the outermost grid."""
    spec = _outermost(ax)
    return spec.rowspan.start, spec.colspan.start


def _fit_panel(ax: Axes) -> None:
    """Tick labels that a neighbour showed for it, not too many of them, and titles that fit."""
    from matplotlib.ticker import AutoLocator

    if isinstance(ax.xaxis.get_major_locator(), AutoLocator):
        ax.locator_params(axis="x", nbins=TICKS, steps=[1, 2, 5, 10])
    shared = ax.get_shared_y_axes().get_siblings(ax)
    if len(shared) > 1:
        ax.tick_params(labelleft=True)
    if ax.get_xlabel():
        ax.tick_params(labelbottom=True)
    for place in ("left", "center"):
        ax.set_title(_wrap(ax.get_title(loc=place)), loc=place)


def _wrap(title: str) -> str:
    """Break a title between words, and not inside a formula."""
    if len(_plain(title)) <= TITLE or "\n" in title:
        return title
    sealed = re.sub(r"\$[^$]*\$", lambda formula: formula[0].replace(" ", "\0"), title)
    return textwrap.fill(sealed, TITLE, break_long_words=False, break_on_hyphens=False).replace("\0", " ")


def _plain(text: str) -> str:
    """About as many letters as a label has when it is drawn."""
    return re.sub(r"\\[A-Za-z]+ ?", "x", text).translate(str.maketrans("", "", "${}_^"))


def _gather_legends(figure: Figure, *, alone: bool) -> int:
    """One legend below in place of those that would cover a curve or reach out; how many rows it takes."""
    moved = list(figure.legends)
    for ax in figure.axes:
        legend = ax.get_legend()
        if legend is not None and (_is_outside(legend, ax) or (alone and not legend.get_frame_on())):
            moved.append(legend)
    entries = [entry for legend in moved for entry in _entries(legend)]
    titles = dict.fromkeys(legend.get_title().get_text() for legend in moved)
    for legend in moved:
        legend.remove()
    return _legend_below(figure, entries, ", ".join(filter(None, titles))) if entries else 0


def _entries(legend: Legend) -> list[tuple[Artist, str]]:
    drawn = [handle for handle in legend.legend_handles if handle is not None]
    return list(zip(drawn, (text.get_text() for text in legend.get_texts()), strict=False))


def _is_outside(legend: Legend, ax: Axes) -> bool:
    left = ax.transAxes.inverted().transform(legend.get_bbox_to_anchor().p0)[0]
    return bool(left > 0.95)


def _legend_below(figure: Figure, entries: list[tuple[Artist, str]], title: str) -> int:
    """As many columns as there is room for; how many rows that makes."""
    for columns in range(len(entries), 0, -1):
        look = {"loc": "outside lower center", "ncols": columns, "title": title or None}
        legend = figure.legend(*zip(*entries, strict=True), **look)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            break
        legend.remove()
    return -(-len(entries) // columns) + bool(title)


def install() -> None:
    """Make a notebook attach the narrow drawing to each figure that it shows; elsewhere, do nothing."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None or not wanted():
        return
    from matplotlib import pyplot as plt
    from matplotlib.figure import Figure

    plt.switch_backend(plt.get_backend())  # imports the backend, which chooses the drawer of figures
    formatter = shell.display_formatter.formatters["image/png"]
    formatter.for_type(Figure, _for_a_notebook)


def _for_a_notebook(figure: Figure) -> str | None:
    """Both drawings in base 64; None for an empty figure, as IPython has it."""
    if not figure.axes and not figure.lines:
        return None
    return b64encode(twice(figure, figure.dpi)).decode("ascii")
