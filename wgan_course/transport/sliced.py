"""Sliced distance and displacement interpolation."""

import torch
from torch import Generator, Tensor

from . import _checks
from .one_dimension import wasserstein_1d


def random_directions(count: int, dimension: int, rng: Generator) -> Tensor:
    """Unit vectors, uniform on the sphere (chapter 2).

    Parameters
    ----------
    count : int
        How many.
    dimension : int
        Of the space.
    rng : torch.Generator
        Source of randomness; decides the device.

    Returns
    -------
    Tensor, shape (count, dimension)
        One direction a row.

    Raises
    ------
    ValueError
        If a number is not positive.
    """
    if count < 1 or dimension < 1:
        raise ValueError(f"count and dimension must be positive, got {count} and {dimension}")
    vectors = torch.randn(count, dimension, generator=rng, device=rng.device)
    return torch.nn.functional.normalize(vectors, dim=1)


def sliced_wasserstein(x: Tensor, y: Tensor, directions: Tensor) -> Tensor:
    r"""Mean over directions of the exact distance of the projections; at most :math:`W_1`.

    .. math:: \mathrm{SW}(P,Q)=\mathbb E_u\,W_1(u_\#P,u_\#Q)

    Discussed in chapter 2. Differentiable in the points.

    Parameters
    ----------
    x : Tensor, shape (n, ...)
        First cloud; all axes but the first are one vector of length d.
    y : Tensor, shape (m, ...)
        Second cloud.
    directions : Tensor, shape (k, d)
        Unit vectors, as from `random_directions`.

    Returns
    -------
    Tensor, shape ()
        In the unit of the points.

    Raises
    ------
    ValueError
        If a cloud is empty or not finite, or the dimensions differ.
    """
    x, y = _checks.clouds(x, y)
    if directions.ndim != 2 or directions.shape[1] != x.shape[1] or directions.shape[0] == 0:
        raise ValueError(f"directions must have shape (k, {x.shape[1]}), got {tuple(directions.shape)}")
    projected = zip((directions.to(x) @ x.T), (directions.to(y) @ y.T), strict=True)
    return torch.stack([wasserstein_1d(u, v) for u, v in projected]).mean()


def displacement_interpolation(x: Tensor, y: Tensor, coupling: Tensor, t: float) -> tuple[Tensor, Tensor]:
    r"""Where the mass is at time t if every shipment travels straight: points :math:`(1-t)x_i+t\,y_j`.

    With an optimal plan this is a shortest path between the clouds (chapter 2).

    Parameters
    ----------
    x : Tensor, shape (n, ...)
        Sources.
    y : Tensor, shape (m, ...)
        Targets.
    coupling : Tensor, shape (n, m)
        Plan; at most n + m − 1 entries need be positive.
    t : float
        Time, between 0 and 1.

    Returns
    -------
    points : Tensor, shape (k, d)
        One point a route in use.
    weights : Tensor, shape (k,)
        The mass that travels on it.

    Raises
    ------
    ValueError
        If the shapes do not fit, the plan is negative, or t lies outside [0, 1].
    """
    x, y = _checks.clouds(x, y)
    if coupling.shape != (x.shape[0], y.shape[0]) or not bool((coupling >= 0).all()):
        raise ValueError(f"coupling must be a non-negative matrix of shape {(x.shape[0], y.shape[0])}")
    if not 0 <= t <= 1:
        raise ValueError(f"t must lie in [0, 1], got {t}")
    i, j = coupling.nonzero(as_tuple=True)
    return torch.lerp(x[i], y[j], t), coupling[i, j]
