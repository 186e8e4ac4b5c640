"""What every measure asks of its batches."""

import torch


def _batch(name, x, minimum=1):
    """Refuse what is not a batch of at least ``minimum`` finite vectors."""
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(x).__name__}")
    if x.ndim != 2 or len(x) < minimum:
        raise ValueError(f"{name} must have shape (n, d) with n of at least {minimum}, got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinite values; the generator may have diverged")
    return x.detach().double()


def _two_batches(real, fake, minimum=1, names=("real", "fake")):
    real, fake = _batch(names[0], real, minimum), _batch(names[1], fake, minimum)
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"{names[1]} must have {real.shape[1]} columns like {names[0]}, got {fake.shape[1]}")
    return real, fake
