"""Sliced W1: the mean of the one-dimensional distances along directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ._checks import check_finite, check_pair
from .one_dimension import wasserstein_1d

if TYPE_CHECKING:
    import numpy as np

_UNIT_TOLERANCE = 1e-3


def random_directions(n: int, d: int, rng: torch.Generator | np.random.Generator) -> Tensor:
    """Draw directions uniformly from the unit sphere; used in chapter 2.

    Parameters
    ----------
    n : int
        How many.
    d : int
        Dimension of the space.
    rng : torch.Generator or numpy.random.Generator
        Source of the randomness.

    Returns
    -------
    Tensor, shape (n, d)
        Unit vectors in float64, on the generator's device.

    Raises
    ------
    TypeError
        If `rng` is no generator.
    ValueError
        If n or d is below 1.
    """
    if n < 1 or d < 1:
        raise ValueError(f"n and d must be at least 1, got {n} and {d}")
    if isinstance(rng, torch.Generator):
        drawn = torch.randn((n, d), generator=rng, device=rng.device, dtype=torch.float64)
    else:
        drawn = torch.from_numpy(_of_numpy(rng).standard_normal((n, d)))
    return drawn / drawn.norm(dim=1, keepdim=True)


def _of_numpy(rng: object) -> np.random.Generator:
    import numpy as np

    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a torch.Generator or a numpy Generator, got {type(rng).__name__}")
    return rng


def sliced_wasserstein(
    x: Tensor, y: Tensor, directions: Tensor, x_weights: Tensor | None = None, y_weights: Tensor | None = None
) -> Tensor:
    r"""Mean of the exact one-dimensional :math:`W_1` along given directions; differentiable in the points.

    .. math:: SW_1(P,Q)=\frac1k\sum_{i=1}^kW_1(\langle\theta_i,\cdot\rangle_\#P,\ \langle\theta_i,\cdot\rangle_\#Q)

    It is at most :math:`W_1(P,Q)`.

    Compared with the exact distance in chapter 2.

    Parameters
    ----------
    x : Tensor, shape (n, d)
        Points of P.
    y : Tensor, shape (m, d)
        Points of Q.
    directions : Tensor, shape (k, d)
        Unit vectors, see `random_directions`; converted to the points' type and device.
    x_weights : Tensor, shape (n,), optional
        Of sum 1; uniform by default.
    y_weights : Tensor, shape (m,), optional
        Likewise.

    Returns
    -------
    Tensor, shape ()
        The mean distance.

    Raises
    ------
    TypeError
        If an argument is no floating-point tensor.
    ValueError
        If the points or weights are as `wasserstein_1d` refuses them, or the directions are no unit vectors of the
        points' dimension.

    References
    ----------
    Bonneel et al., "Sliced and Radon Wasserstein barycenters of measures", 2015.
    """
    check_pair(x, y)
    check_finite("directions", directions)
    if directions.ndim != 2 or directions.shape[1] != x.shape[1]:
        raise ValueError(f"directions must have shape (k, {x.shape[1]}), got {tuple(directions.shape)}")
    if bool(((directions.norm(dim=1) - 1).abs() > _UNIT_TOLERANCE).any()):
        raise ValueError("directions must be unit vectors; divide each by its norm")
    lines = directions.to(x)
    return wasserstein_1d(lines @ x.T, lines @ y.T, x_weights, y_weights).mean()
