"""Super-resolution by a factor of four: a small generator, the projection on what was seen, and three measures.

A low-resolution image keeps the mean of each 4 by 4 block (`wgan_course.data.images.downsample`). The generator adds a
learned detail to the plain interpolation, so that it starts as the interpolation itself.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from wgan_course.models.layers import activation
from wgan_course.models.mlp import check_sizes

__all__ = ["FACTOR", "Generator", "consistent", "enlarge", "psnr", "sharpness"]

FACTOR = 4
"""How many pixels of a restored image, along a side, go into one that was seen."""


def enlarge(low: Tensor) -> Tensor:
    """Interpolate between the pixels that were seen: the restoration that knows nothing of images.

    Parameters
    ----------
    low : Tensor, shape (n, c, s, s)
    """
    _check_batch("low", low)
    return functional.interpolate(low, scale_factor=FACTOR, mode="bicubic", align_corners=False)


def consistent(images: Tensor, low: Tensor) -> Tensor:
    r"""Move images to the nearest ones whose block means are those that were seen.

    .. math:: \hat x \mapsto \hat x + A^{+}(y - A\hat x)

    where :math:`A` takes the mean of each block and :math:`A^{+}` repeats it. Derived in chapter 11
    (``prop-consistency``): the distance to every image that has these block means falls, or stays.

    Parameters
    ----------
    images : Tensor, shape (n, c, 4 s, 4 s)
    low : Tensor, shape (n, c, s, s)

    Raises
    ------
    ValueError
        If the shapes do not go together.
    """
    _check_batch("low", low)
    if images.shape != (*low.shape[:2], FACTOR * low.shape[2], FACTOR * low.shape[3]):
        raise ValueError(
            f"images must have {FACTOR} times the side of low {tuple(low.shape)}, got {tuple(images.shape)}"
        )
    missing = low - functional.avg_pool2d(images, FACTOR)
    return images + missing.repeat_interleave(FACTOR, -1).repeat_interleave(FACTOR, -2)


def psnr(images: Tensor, truth: Tensor, peak: float = 2.0) -> Tensor:
    r"""Peak signal-to-noise ratio of each image, in decibels.

    .. math:: 10\log_{10}\frac{\text{peak}^2}{\text{mean squared error}}

    Parameters
    ----------
    images, truth : Tensor, shape (n, ...)
    peak : float
        Largest difference of two grey levels; 2 for levels in [-1, 1].

    Returns
    -------
    Tensor, shape (n,)
        Infinite where an image is exact. Discussed in chapter 11.

    Raises
    ------
    ValueError
        If the shapes differ, the batch is empty, or `peak` is not positive.
    """
    if images.shape != truth.shape or images.ndim < 2 or len(images) == 0:
        raise ValueError(
            f"images and truth must be batches of one shape, got {tuple(images.shape)}, {tuple(truth.shape)}"
        )
    if not peak > 0:
        raise ValueError(f"peak must be positive, got {peak}")
    error = (images - truth).square().flatten(1).mean(1)
    return 10 * (2 * math.log10(peak) - error.log10())


def sharpness(images: Tensor) -> Tensor:
    """Mean square of the difference between neighbouring pixels, of each image.

    Parameters
    ----------
    images : Tensor, shape (n, c, h, w)

    Returns
    -------
    Tensor, shape (n,)
        0 for a flat image. Compare with the value of real images: noise is sharp too. Used in chapter 11.
    """
    _check_batch("images", images)
    across, down = (images.diff(dim=axis).square().flatten(1).mean(1) for axis in (-1, -2))
    return across + down


def _check_batch(name: str, images: Tensor) -> None:
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(f"{name} must have shape (n, c, h, w), none of them 0, got {tuple(images.shape)}")


class _Block(nn.Module):
    """Two convolutions and a skip path, without any normalisation."""

    def __init__(self, width: int, act: str, where: dict[str, Any]) -> None:
        super().__init__()
        inner = [nn.Conv2d(width, width, 3, padding=1, **where) for _ in range(2)]
        self.body = nn.Sequential(inner[0], activation(act), inner[1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _doubled(width: int, act: str, where: dict[str, Any]) -> list[nn.Module]:
    """Double the resolution: four times the channels, dealt out to 2 by 2 pixels."""
    return [nn.Conv2d(width, 4 * width, 3, padding=1, **where), nn.PixelShuffle(2), activation(act)]


class Generator(nn.Module):
    r"""Restore images of four times the side: :math:`G(y) = \text{bicubic}(y) + g_\theta(y)`.

    With width :math:`w` and :math:`b` blocks it has :math:`(18 b + 72) w^2 + (2 b + 27) w + 1` parameters for one
    channel; :math:`3\times3` convolutions throughout, two pixel shuffles, no batch statistics. The last convolution
    starts at zero, so that :math:`G` starts as the interpolation.

    Source: Ledig et al., "Photo-realistic single image super-resolution using a generative adversarial network", 2017,
    in small, without its batch norm. Used in chapter 11.
    """

    def __init__(
        self,
        channels: int = 1,
        width: int = 16,
        blocks: int = 2,
        *,
        act: str = "leaky_relu",
        rng: torch.Generator | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_sizes(channels=channels, width=width, blocks=blocks)
        where = {"device": device, "dtype": dtype}
        opening = [nn.Conv2d(channels, width, 3, padding=1, **where), activation(act)]
        body = [_Block(width, act, where) for _ in range(blocks)]
        stages = [layer for _ in range(2) for layer in _doubled(width, act, where)]
        self.detail = nn.Sequential(*opening, *body, *stages, nn.Conv2d(width, channels, 3, padding=1, **where))
        self._initialise(rng)

    @torch.no_grad()
    def _initialise(self, rng: torch.Generator | None) -> None:
        """He's weights, biases 0; the last convolution 0."""
        convolutions = [layer for layer in self.modules() if isinstance(layer, nn.Conv2d)]
        for layer in convolutions:
            nn.init.kaiming_normal_(layer.weight, a=0.2, generator=rng)
            if layer.bias is not None:
                layer.bias.zero_()
        convolutions[-1].weight.zero_()

    def forward(self, low: Tensor) -> Tensor:
        """Restore low, shape (n, channels, s, s), to four times the side."""
        return enlarge(low) + self.detail(low)
