"""Refusals that the transport modules share."""

import torch
from torch import Tensor

_MASS_TOLERANCE = 1e-6


def points(x: Tensor, name: str) -> Tensor:
    """Return a finite, non-empty cloud with one row a point."""
    if x.ndim < 2 or x.shape[0] == 0:
        raise ValueError(f"{name} must have shape (n, d) with n > 0, got {tuple(x.shape)}; give one row a point")
    if not bool(torch.isfinite(x).all()):
        raise ValueError(f"{name} holds NaN or infinite values")
    return x.flatten(1)


def clouds(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return two clouds in one space."""
    x, y = points(x, "x"), points(y, "y")
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x and y must lie in one space, got dimensions {x.shape[1]} and {y.shape[1]}")
    return x, y


def weights(values: Tensor | None, count: int, like: Tensor, name: str) -> Tensor:
    """Return weights that sum to one; uniform ones where none are given."""
    if values is None:
        return torch.full((count,), 1.0 / count, dtype=like.dtype, device=like.device)
    if values.shape != (count,):
        raise ValueError(f"{name} must have shape ({count},), one weight a point, got {tuple(values.shape)}")
    if not bool((torch.isfinite(values) & (values >= 0)).all()):
        raise ValueError(f"{name} must be finite and non-negative")
    total = float(values.detach().double().sum())
    if abs(total - 1) > max(_MASS_TOLERANCE, count * torch.finfo(like.dtype).eps):
        raise ValueError(f"{name} must sum to 1, got {total:g}; divide by the sum")
    return values.to(like)


def cost(values: Tensor) -> Tensor:
    """Return a finite, non-empty matrix of costs."""
    if values.ndim != 2 or values.numel() == 0:
        raise ValueError(f"cost must be a non-empty matrix, got shape {tuple(values.shape)}")
    if not bool(torch.isfinite(values).all()):
        raise ValueError("cost holds NaN or infinite values")
    return values
