"""Sliced W1: the mean of the one-dimensional distances along directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ._checks import check_count, check_finite, check_pair
from .one_dimension import wasserstein_1d

if TYPE_CHECKING:
    import numpy as np

_UNIT_TOLERANCE = 1e-3


def random_directions(n: int, d: int, rng: torch.Generator | np.random.Generator) -> Tensor:
    """Draw n directions uniformly from the unit sphere: shape (n, d), float64, on the generator's device. Chapter 2."""
    check_count("n", n)
    check_count("d", d)
    if isinstance(rng, torch.Generator):
        kind = torch.float32 if rng.device.type == "mps" else torch.float64
        drawn = torch.randn((n, d), generator=rng, device=rng.device, dtype=kind)
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

    It is at most :math:`W_1(P,Q)`. Chapter 2; Bonneel et al., "Sliced and Radon Wasserstein barycenters of measures",
    2015.

    Parameters
    ----------
    x, y : Tensor, shapes (n, d) and (m, d)
    directions : Tensor, shape (k, d)
        Unit vectors, see `random_directions`.
    x_weights, y_weights : Tensor, shapes (n,) and (m,), optional
        Of sum 1; uniform by default.

    Raises
    ------
    ValueError
        If the directions are no unit vectors of the points' dimension.
    """
    x, y = check_pair(x, y)
    lines = check_finite("directions", directions).to(x)
    if lines.ndim != 2 or lines.shape[1] != x.shape[1]:
        raise ValueError(f"directions must have shape (k, {x.shape[1]}), got {tuple(lines.shape)}")
    if bool(((lines.norm(dim=1) - 1).abs() > _UNIT_TOLERANCE).any()):
        raise ValueError("directions must be unit vectors; divide each by its norm")
    return wasserstein_1d(lines @ x.T, lines @ y.T, x_weights, y_weights).mean()
