"""Refusals that the toy distributions and the pairs share."""

import math
import numbers

import torch


def positive_int(name, value):
    """Refuse what is not an integer of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be 1 or more, got {value}")


def finite(name, value, minimum=-math.inf):
    """Refuse what is not a finite number of at least ``minimum``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value) or value < minimum:
        bound = "" if minimum == -math.inf else f" of at least {minimum}"
        raise ValueError(f"{name} must be a finite number{bound}, got {value}")


def generator(rng):
    """Refuse what is not a torch.Generator: nothing here draws from the global state."""
    if not isinstance(rng, torch.Generator):
        raise TypeError(
            f"rng must be a torch.Generator, got {type(rng).__name__}; try torch.Generator().manual_seed(0)"
        )


def draw(n, rng):
    """Refuse a bad request for ``n`` points."""
    positive_int("n", n)
    generator(rng)


def points(name, x, dim):
    """Refuse what is not a batch of finite points of ``dim`` coordinates."""
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(x).__name__}")
    if x.ndim != 2 or x.shape[1] != dim or len(x) == 0:
        raise ValueError(f"{name} must have shape (n, {dim}) with n of 1 or more, got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinite values; look where they come from first")
