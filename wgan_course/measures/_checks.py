"""What every measure asks of its batches."""

import torch
from torch import Tensor


def batch(name: str, x: Tensor, minimum: int = 1) -> Tensor:
    """Refuse what is not a batch of at least ``minimum`` finite vectors; return it in float64, on the host."""
    if not isinstance(x, Tensor) or x.is_complex():
        raise TypeError(f"{name} must be a torch.Tensor of real numbers, got {_kind(x)}")
    if x.ndim != 2 or len(x) < minimum or x.shape[1] == 0:
        raise ValueError(f"{name} must have shape (n, d) with n of at least {minimum}, got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinite values; the generator may have diverged")
    return x.detach().cpu().double()


def two_batches(
    real: Tensor, fake: Tensor, minimum: int = 1, names: tuple[str, str] = ("real", "fake")
) -> tuple[Tensor, Tensor]:
    """Refuse two batches whose vectors differ in length."""
    real, fake = batch(names[0], real, minimum), batch(names[1], fake, minimum)
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"{names[1]} must have {real.shape[1]} columns like {names[0]}, got {fake.shape[1]}")
    return real, fake


def floating(name: str, x: Tensor) -> Tensor:
    """Refuse what is not a non-empty batch of finite floating-point samples of any shape; return it as it is."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise TypeError(f"{name} must be a floating-point torch.Tensor, got {_kind(x)}")
    if x.ndim == 0 or x.numel() == 0 or not torch.isfinite(x).all():
        raise ValueError(f"{name} must be a batch of finite samples, got shape {tuple(x.shape)}, or NaN in it")
    return x


def paired(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Refuse two batches that are not of one shape; return them in the type of the first."""
    real, fake = floating("real", real), floating("fake", fake)
    if real.shape != fake.shape:
        raise ValueError(f"fake must have the shape of real, {tuple(real.shape)}, got {tuple(fake.shape)}")
    return real, fake.to(real)


def rows(x: Tensor) -> Tensor:
    """Each sample as one vector."""
    return x.reshape(len(x), -1)


def _kind(x: object) -> str:
    return str(x.dtype) if isinstance(x, Tensor) else type(x).__name__
