"""W1 on the line, in closed form."""

import torch
from torch import Tensor

from ._checks import check_finite, check_weights, of_one_type, wide


def wasserstein_1d(x: Tensor, y: Tensor, x_weights: Tensor | None = None, y_weights: Tensor | None = None) -> Tensor:
    r"""Exact :math:`W_1` of two weighted samples on the line, shape (...); differentiable in points and weights.

    .. math:: W_1(P,Q)=\int_{-\infty}^{\infty}|F(t)-G(t)|\,dt

    with the distribution functions F and G. One sort, so :math:`O(n\log n)`. Where points coincide the distance has a
    kink, and the gradient is one of the subgradients. Chapter 2, ``thm-w1-one-dimension``.

    Parameters
    ----------
    x, y : Tensor, shapes (..., n) and (..., m)
        Points; leading axes are a batch of problems.
    x_weights, y_weights : Tensor, shapes (..., n) and (..., m), optional
        Non-negative, of sum 1; uniform by default.
    """
    x, y = _check_lines(x, y)
    if x_weights is None and y_weights is None and x.shape[-1] == y.shape[-1]:
        return (x.sort(-1).values - y.sort(-1).values).abs().mean(-1)
    a = check_weights("x_weights", x_weights, x.shape[-1], wide(x)).expand(x.shape)
    b = check_weights("y_weights", y_weights, y.shape[-1], wide(y)).expand(y.shape)
    return _area_between(torch.cat((x, y), -1), torch.cat((a, -b), -1)).to(x.dtype)


def _check_lines(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    x, y = check_finite("x", x), check_finite("y", y)
    if x.ndim == 0 or y.ndim == 0 or x.shape[:-1] != y.shape[:-1]:
        raise ValueError(f"x and y must have shapes (..., n) and (..., m), got {tuple(x.shape)} and {tuple(y.shape)}")
    return of_one_type(x, y)


def _area_between(points: Tensor, signed_mass: Tensor) -> Tensor:
    """Integrate the absolute value of the step function that jumps by the masses at the points."""
    points, order = points.sort(stable=True, dim=-1)
    difference = signed_mass.gather(-1, order).cumsum(-1)[..., :-1]
    return (difference.abs() * points.diff(dim=-1)).sum(-1)
