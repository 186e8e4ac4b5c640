"""The plane: clouds of points, level sets of a critic, arrows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .strokes import as_array, stroke, to_numpy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

SURFACE_COLOURS = "cividis"


def point_cloud(
    ax: Axes,
    points: ArrayLike,
    *,
    label: str | None = None,
    index: int = 0,
    weights: ArrayLike | None = None,
    size: float = 16.0,
) -> Axes:
    """Draw points of the plane, their area in proportion to their mass, with equal aspect.

    Parameters
    ----------
    points : array_like, shape (n, 2)
    weights : array_like, shape (n,), optional
        Masses; all the same when left out.
    size : float
        Area of an average marker in points squared.

    Raises
    ------
    ValueError
        When the weights do not fit the points.
    """
    points, pen = in_plane(points, "points"), stroke(index)
    sizes = np.full(len(points), size)
    if weights is not None:
        weights = as_array(weights, "weights", 1)
        if len(weights) != len(points) or not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
            raise ValueError(f"weights must be {len(points)} masses, none negative and not all zero.")
        sizes = size * len(points) * weights / weights.sum()
    ax.scatter(
        *points.T, s=sizes, marker=pen.marker, color=pen.colour, alpha=0.75, edgecolors="white", lw=0.4, label=label
    )
    ax.set_aspect("equal", adjustable="datalim")
    return ax


def in_plane(points: ArrayLike, name: str) -> NDArray[np.float64]:
    """Refuse what is not a list of points of the plane.

    Parameters
    ----------
    points : array_like, shape (n, 2)

    Raises
    ------
    ValueError
        When it has another shape.
    """
    points = as_array(points, name, 2)
    if points.shape[1] != 2:
        raise ValueError(f"{name} must have shape (n, 2), got {points.shape}; project it to the plane first.")
    return points


def mesh(bounds: Sequence[float], resolution: int = 80) -> tuple[NDArray, NDArray, NDArray]:
    """Lay a regular grid over a rectangle: xs and ys, and the same grid as points, shape (resolution**2, 2), by rows.

    Parameters
    ----------
    bounds : sequence of 4 floats
        Left, right, bottom, top.
    resolution : int
        Points a side, at least 2.

    Raises
    ------
    ValueError
        When the rectangle is empty or the resolution under 2.
    """
    left, right, bottom, top = bounds
    if not (-np.inf < left < right < np.inf and -np.inf < bottom < top < np.inf) or resolution < 2:
        raise ValueError(
            f"bounds must be left < right, bottom < top, resolution at least 2; got {bounds}, {resolution}."
        )
    xs, ys = np.meshgrid(np.linspace(left, right, resolution), np.linspace(bottom, top, resolution))
    return xs, ys, np.stack([xs.ravel(), ys.ravel()], axis=1)


def evaluate(function: Callable, points: NDArray) -> NDArray[np.float64]:
    """Evaluate a critic on an array of points, torch module or plain function alike: shape (n,).

    Parameters
    ----------
    function : callable
        Takes a tensor where it is a torch module and an array otherwise.
    points : ndarray, shape (n, d)

    Raises
    ------
    ValueError
        When it does not give one value a point.
    """
    values = _call_module(function, points) if hasattr(function, "parameters") else function(points)
    values = to_numpy(values).reshape(-1)
    if len(values) != len(points):
        raise ValueError(f"function must give one value a point: {len(points)} points, {len(values)} values.")
    return values


def _call_module(module: Any, points: NDArray) -> Any:
    import torch

    first = next(iter(module.parameters()), torch.empty(0))
    with torch.no_grad():
        return module(torch.as_tensor(points, dtype=first.dtype, device=first.device))


def value_surface(
    ax: Axes, function: Callable, bounds: Sequence[float], *, resolution: int = 80, levels: int = 12, bar: bool = False
) -> Axes:
    """Draw the level sets of a critic over a rectangle: light is high, lines are equal values.

    Parameters
    ----------
    function : callable
        See `evaluate`.
    bounds : sequence of 4 floats
        Left, right, bottom, top.
    bar : bool
        Add a colour bar with the values.
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
    points, vectors : array_like, shape (n, 2)
    scale : float
        Length of a unit vector in data units.

    Raises
    ------
    ValueError
        When the two differ in shape.
    """
    points, vectors = in_plane(points, "points"), in_plane(vectors, "vectors")
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
