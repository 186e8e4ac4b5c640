"""Refusals that the transport functions share."""

import torch
from torch import Tensor

MASS_TOLERANCE = 1e-4


def check_finite(name: str, values: Tensor) -> None:
    """Refuse what is no tensor of real numbers, is empty, or holds NaN or infinity."""
    if not isinstance(values, Tensor) or not values.is_floating_point():
        kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
        raise TypeError(
            f"{name} must be a floating-point tensor, got {kind}; convert with torch.as_tensor and .float()"
        )
    if values.numel() == 0:
        raise ValueError(f"{name} must not be empty, got shape {tuple(values.shape)}")
    if not bool(torch.isfinite(values).all()):
        raise ValueError(f"{name} must be finite, got NaN or infinity; look for the step that made it")


def check_points(name: str, points: Tensor) -> None:
    """Refuse what is no finite, non-empty (n, d) tensor."""
    check_finite(name, points)
    if points.ndim != 2:
        raise ValueError(f"{name} must have shape (n, d), got {tuple(points.shape)}; use [:, None] or .flatten(1)")


def check_pair(x: Tensor, y: Tensor) -> None:
    """Refuse two sets of points that do not lie in one space."""
    check_points("x", x)
    check_points("y", y)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x and y must have the same dimension, got {x.shape[1]} and {y.shape[1]}")


def check_cost(cost: Tensor) -> None:
    """Refuse what is no finite matrix."""
    check_finite("cost", cost)
    if cost.ndim != 2:
        raise ValueError(f"cost must be a matrix of shape (n, m), got {tuple(cost.shape)}")


def check_weights(name: str, weights: Tensor | None, n: int, like: Tensor) -> Tensor:
    """Return weights (..., n) that sum to one: uniform for None, refused if negative or not normalised."""
    if weights is None:
        return torch.full((n,), 1 / n, dtype=like.dtype, device=like.device)
    check_finite(name, weights)
    if weights.ndim == 0 or weights.shape[-1] != n:
        raise ValueError(f"{name} must have one weight for each of the {n} points, got shape {tuple(weights.shape)}")
    if bool((weights < 0).any()):
        raise ValueError(f"{name} must be non-negative, got {weights.min():g}")
    mass = weights.sum(-1)
    if bool(((mass - 1).abs() > MASS_TOLERANCE).any()):
        raise ValueError(f"{name} must sum to 1, got {mass.flatten()[0]:g}; divide by the sum")
    return weights.to(like)


def check_positive(name: str, value: float) -> None:
    """Refuse a number that is not positive and finite."""
    if not 0 < float(value) < float("inf"):
        raise ValueError(f"{name} must be positive and finite, got {value}")
