"""The Wasserstein distance on the line, where it is an area and costs a sort."""

import torch
from torch import Tensor

from . import _checks


def wasserstein_1d(x: Tensor, y: Tensor, x_weights: Tensor | None = None, y_weights: Tensor | None = None) -> Tensor:
    r"""Exact Wasserstein-1 distance of two samples on the line, of any sizes, with or without weights.

    .. math:: W_1(P,Q)=\int|F(t)-G(t)|\,dt

    Derived in chapter 2 (`thm-w1-one-dimension`). Differentiable in the points, and in the weights where none is 0.

    Parameters
    ----------
    x : Tensor, shape (n,)
        Points of the first sample.
    y : Tensor, shape (m,)
        Points of the second sample.
    x_weights : Tensor, shape (n,), optional
        Probabilities of the points; uniform by default.
    y_weights : Tensor, shape (m,), optional
        Probabilities of the points; uniform by default.

    Returns
    -------
    Tensor, shape ()
        In the unit of the points.

    Raises
    ------
    ValueError
        If a sample is empty, not a vector or not finite, or weights are negative or do not sum to one.
    """
    x, y = _line(x, "x"), _line(y, "y")
    a = _checks.weights(x_weights, x.numel(), x, "x_weights")
    b = _checks.weights(y_weights, y.numel(), y, "y_weights")
    places, order = torch.cat([x, y]).sort()
    surplus = torch.cat([a, -b])[order].cumsum(0)
    return (surplus[:-1].abs() * places.diff()).sum()


def quantiles(x: Tensor, levels: Tensor, x_weights: Tensor | None = None) -> Tensor:
    r"""Quantiles of a sample on the line, :math:`F^{-1}(u)=\inf\{t:F(t)\ge u\}` (chapter 2).

    Parameters
    ----------
    x : Tensor, shape (n,)
        Points of the sample.
    levels : Tensor, shape (k,)
        Levels u, above 0 and at most 1.
    x_weights : Tensor, shape (n,), optional
        Probabilities of the points; uniform by default.

    Returns
    -------
    Tensor, shape (k,)
        One of the points for each level.

    Raises
    ------
    ValueError
        As `wasserstein_1d`; and if a level is outside (0, 1].
    """
    x = _line(x, "x")
    if not bool(((levels > 0) & (levels <= 1)).all()):
        raise ValueError("levels must lie in (0, 1]")
    weights = _checks.weights(x_weights, x.numel(), x, "x_weights")
    places, order = x.sort()
    shares = weights[order].cumsum(0)
    slack = x.numel() * torch.finfo(x.dtype).eps
    index = torch.searchsorted(shares, levels.to(shares) - slack).clamp_max(x.numel() - 1)
    return places[index]


def _line(x: Tensor, name: str) -> Tensor:
    if x.ndim != 1 or x.numel() == 0:
        raise ValueError(f"{name} must be a non-empty vector, got shape {tuple(x.shape)}")
    if not bool(torch.isfinite(x).all()):
        raise ValueError(f"{name} holds NaN or infinite values")
    return x
