"""Couplings: as a table, and as lines between points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .planes import in_plane
from .strokes import as_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

HEAT_COLOURS = "Greys"


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
    coupling : array_like, shape (n, m)
    rows, columns : sequence of str, optional
        Names of the atoms.
    numbers : bool, optional
        Write the masses in the cells; by default when there are at most 64.

    Raises
    ------
    ValueError
        When an entry is negative or not finite.
    """
    coupling = as_array(coupling, "coupling", 2)
    if not (np.isfinite(coupling) & (coupling >= -1e-12)).all():
        raise ValueError("coupling must be finite and not negative; is this a cost matrix?")
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
    x, y : array_like, shapes (n, 2) and (m, 2)
        Where the mass comes from, and where it goes.
    coupling : array_like, shape (n, m)

    Raises
    ------
    ValueError
        When the coupling does not fit the points.
    """
    x, y, coupling = in_plane(x, "x"), in_plane(y, "y"), as_array(coupling, "coupling", 2)
    if coupling.shape != (len(x), len(y)):
        raise ValueError(f"coupling must have shape {(len(x), len(y))}, got {coupling.shape}.")
    top = coupling.max()
    for i, j in np.argwhere(coupling > 1e-6 * top):
        width = 0.4 + 1.6 * coupling[i, j] / top
        ax.plot(*np.stack([x[i], y[j]]).T, color=colour, lw=width, alpha=0.7, zorder=1)
    return ax
