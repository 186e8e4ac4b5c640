"""A network for flow matching on images: in goes an image and a time, out comes a velocity of the image's shape."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from wgan_course.models.layers import Conv2d, LayerNorm, initialise_
from wgan_course.models.mlp import check_sizes

__all__ = ["VelocityField"]

FREQUENCIES = 8


def _waves(t: Tensor) -> Tensor:
    """Sines and cosines of a time of shape (n,), at octaves: shape (n, 16)."""
    angles = t[:, None] * math.pi * 2.0 ** torch.arange(FREQUENCIES, dtype=t.dtype, device=t.device)
    return torch.cat((angles.sin(), angles.cos()), 1)


class _Stage(nn.Module):
    """A convolution, the time's share of each channel, layer norm, SiLU."""

    def __init__(self, n_in: int, n_out: int, stride: int, where: dict[str, Any]) -> None:
        super().__init__()
        self.convolution = Conv2d(n_in, n_out, 3, stride, 1, **where)
        self.time = nn.Linear(2 * FREQUENCIES, n_out, **where)
        self.norm, self.act = LayerNorm(n_out, **where), nn.SiLU()

    def forward(self, x: Tensor, waves: Tensor) -> Tensor:
        return self.act(self.norm(self.convolution(x) + self.time(waves)[:, :, None, None]))


class VelocityField(nn.Module):
    r"""Small U-Net :math:`v_\theta(x,t)` on patches of 2 × 2 pixels: one stage down, one there, one up, with a skip.

    Source: Ronneberger, Fischer and Brox, "U-Net", 2015, much reduced. Used in chapter 10.

    Parameters
    ----------
    channels : int
        Of the images, whose side must be a multiple of 4.
    width : int
        Channels at half the side; twice as many at a quarter.
    """

    def __init__(
        self,
        channels: int = 1,
        width: int = 32,
        *,
        rng: torch.Generator | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_sizes(channels=channels, width=width)
        where = {"device": device, "dtype": dtype}
        self.first = _Stage(4 * channels, width, 1, where)
        self.down = _Stage(width, 2 * width, 2, where)
        self.middle = _Stage(2 * width, 2 * width, 1, where)
        self.up = _Stage(3 * width, width, 1, where)
        self.last = Conv2d(width, 4 * channels, 3, 1, 1, **where)
        initialise_(self, "he", rng)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Give the velocity, shape (n, channels, side, side), at images of that shape and times of shape (n,)."""
        waves = _waves(t)
        kept = self.first(functional.pixel_unshuffle(x, 2), waves)
        low = self.middle(self.down(kept, waves), waves)
        joined = torch.cat((functional.interpolate(low, scale_factor=2.0), kept), 1)
        return functional.pixel_shuffle(self.last(self.up(joined, waves)), 2)
