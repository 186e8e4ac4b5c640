"""Refusals that the toy distributions and the pairs share."""

import math
import numbers

import torch

from wgan_course._checks import check_count


def finite(name: str, value: object, minimum: float = -math.inf) -> None:
    """Refuse what is not a finite number of at least ``minimum``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value) or value < minimum:
        bound = "" if minimum == -math.inf else f" of at least {minimum}"
        raise ValueError(f"{name} must be a finite number{bound}, got {value}")


def generator(rng: object) -> None:
    """Refuse what is not a torch.Generator: nothing here draws from the global state."""
    if not isinstance(rng, torch.Generator):
        raise TypeError(
            f"rng must be a torch.Generator, got {type(rng).__name__}; try torch.Generator().manual_seed(0)"
        )


def draw(n: int, rng: object) -> None:
    """Refuse a bad request for ``n`` points."""
    check_count("n", n)
    generator(rng)


def points(name: str, x: object, dim: int | None = None) -> None:
    """Refuse what is not a batch of finite points, of ``dim`` coordinates where that is given."""
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(x).__name__}")
    if x.ndim != 2 or (dim is not None and x.shape[1] != dim) or x.numel() == 0:
        raise ValueError(f"{name} must have shape (n, {dim or 'd'}) with n of 1 or more, got {tuple(x.shape)}")
    if dim is not None and not x.is_floating_point():
        raise TypeError(f"{name} must be a floating-point tensor, got {x.dtype}; convert with .float()")
    _finite_values(name, x)


def vector(name: str, x: object, length: int) -> None:
    """Refuse what is not a vector of so many finite numbers."""
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(x).__name__}")
    if x.shape != (length,):
        raise ValueError(f"{name} must have shape ({length},), got {tuple(x.shape)}")
    _finite_values(name, x)


def _finite_values(name: str, x: torch.Tensor) -> None:
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinite values; look where they come from first")
