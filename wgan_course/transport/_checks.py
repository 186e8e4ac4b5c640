"""Refusals, conversions and distances that the transport functions share."""

import torch
from torch import Tensor

from wgan_course._checks import HALF, check_count, check_floating, check_positive, of_one_type, wide

__all__ = [
    "check_cost",
    "check_count",
    "check_finite",
    "check_pair",
    "check_points",
    "check_positive",
    "check_weights",
    "distances",
    "of_one_type",
    "wide",
]

MASS_TOLERANCE = 1e-4


def check_finite(name: str, values: Tensor) -> Tensor:
    """Refuse what is no tensor of real numbers, is empty, or holds NaN or infinity; raise half precision."""
    raised = check_floating(name, values)
    if values.numel() == 0:
        raise ValueError(f"{name} must not be empty, got shape {tuple(values.shape)}")
    if not bool(torch.isfinite(values).all()):
        raise ValueError(f"{name} must be finite, got NaN or infinity; look for the step that made it")
    return raised


def check_points(name: str, points: Tensor) -> Tensor:
    """Refuse what is no finite, non-empty (n, d) tensor."""
    raised = check_finite(name, points)
    if points.ndim != 2 or points.shape[1] == 0:
        raise ValueError(f"{name} must have shape (n, d), got {tuple(points.shape)}; use [:, None] or .flatten(1)")
    return raised


def check_pair(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    """Refuse two sets of points that do not lie in one space; return them in one type."""
    x, y = check_points("x", x), check_points("y", y)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x and y must have the same dimension, got {x.shape[1]} and {y.shape[1]}")
    return of_one_type(x, y)


def check_cost(cost: Tensor) -> Tensor:
    """Refuse what is no finite matrix."""
    raised = check_finite("cost", cost)
    if cost.ndim != 2:
        raise ValueError(f"cost must be a matrix of shape (n, m), got {tuple(cost.shape)}")
    return raised


def check_weights(name: str, weights: Tensor | None, n: int, like: Tensor) -> Tensor:
    """Return weights (..., n) of sum one in the type of `like`: uniform for None, refused if negative or far from it.

    They are divided by their sum, which may differ from one by rounding: two distributions of different mass have no
    coupling, and a difference of masses far from the origin would pass for a distance.
    """
    if weights is None:
        return torch.full((n,), 1 / n, dtype=like.dtype, device=like.device)
    check_finite(name, weights)
    if weights.ndim == 0 or weights.shape[-1] != n:
        raise ValueError(f"{name} must have one weight for each of the {n} points, got shape {tuple(weights.shape)}")
    if bool((weights < 0).any()):
        raise ValueError(f"{name} must be non-negative, got {weights.min():g}")
    raised = weights.to(torch.promote_types(weights.dtype, like.dtype))
    mass = raised.sum(-1, keepdim=True)
    tolerance = torch.finfo(weights.dtype).eps if weights.dtype in HALF else MASS_TOLERANCE
    if bool(((mass - 1).abs() > max(tolerance, MASS_TOLERANCE)).any()):
        raise ValueError(f"{name} must sum to 1, got {mass.flatten()[0]:g}; divide by the sum")
    return (raised / mass).to(like)


def distances(x: Tensor, y: Tensor, p: float = 2.0) -> Tensor:
    """Return the distances (..., n, m) of points, from their differences.

    The shortcut by inner products loses all digits far from the origin. Points whose squares would leave the numbers
    of their type are brought near one first, by a power of two, which rounds nothing.
    """
    size = torch.cat((x.detach().flatten(), y.detach().flatten())).abs().amax()
    limits = torch.finfo(x.dtype)
    safe = (size == 0) | ((size > limits.tiny**0.4) & (size < limits.max**0.4))
    factor = torch.where(safe, 1.0, size.log2().floor().exp2()).to(x)
    return factor * torch.cdist(x / factor, y / factor, p=p, compute_mode="donot_use_mm_for_euclid_dist")
