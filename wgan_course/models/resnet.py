"""Residual generator and critic for images of 28, 32 or 64 pixels, the critic without batch norm.

=====  ====  ======  =================  =====================  ========================
size   base  stages  receptive field    critic's parameters    generator's parameters
=====  ====  ======  =================  =====================  ========================
28     7     2       32 pixels          189,633                361,089
32     4     3       68 pixels          267,649                302,081
64     4     4       140 pixels         345,665                380,353
=====  ====  ======  =================  =====================  ========================

Counts are those of one channel, ``width=64`` and 64 latent numbers, without classes; receptive fields are
those of one place before the mean.
"""

from typing import Any

import torch
from torch import Tensor, nn

from wgan_course.models.dcgan import SHAPES, check_images
from wgan_course.models.layers import (
    AvgPool2d,
    LayerNorm,
    Maps,
    ProjectionCritic,
    ResidualBlock,
    activation,
    initialise_,
)
from wgan_course.models.mlp import append_class, check_norm, check_sizes

__all__ = ["Critic", "Generator"]


class Critic(ProjectionCritic):
    r"""Residual critic: blocks that halve the resolution, one that keeps it, the mean over places, a linear layer.

    All blocks have the same width. Parameters and receptive fields: see the module's table. Weights start as He's,
    biases at 0.

    Source: Gulrajani et al., 2017, and Miyato et al., "Spectral normalization for generative adversarial networks",
    2018, appendix on architectures. Used in chapter 10.

    Parameters
    ----------
    size : int
        Side of the images: 28, 32 or 64.
    norm : {"none", "layer"}
        Layer norm before the activations, but on the first block; never batch norm.
    classes : int, optional
        Number of classes, for a projection critic.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 1,
        width: int = 64,
        *,
        act: str = "relu",
        norm: str = "none",
        classes: int | None = None,
        rng: torch.Generator | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        check_images(size, channels, width)
        check_norm(norm)
        base, stages = SHAPES[size]
        common = {"act": act, "device": device, "dtype": dtype}
        normed = {**common, "norm": LayerNorm if norm == "layer" else None}
        first = ResidualBlock(channels, width, resample="down", first=True, **common)
        down = [ResidualBlock(width, width, resample="down", **normed) for _ in range(stages - 1)]
        ending = [ResidualBlock(width, width, **normed), activation(act), AvgPool2d(base), nn.Flatten()]
        super().__init__(nn.Sequential(first, *down, *ending), width, classes, device=device, dtype=dtype)
        initialise_(self, "he", rng)


class Generator(nn.Module):
    r"""Residual generator: a linear layer, blocks that double the resolution, batch norm, ReLU, 3x3 convolution, tanh.

    Batch norm is allowed here: it couples generated samples, not the critic's scores. Parameters: see the module's
    table. Weights start as He's, biases at 0.

    Source: Gulrajani et al., 2017. Used in chapter 10.

    Parameters
    ----------
    classes : int, optional
        Number of classes; an embedding of the label is appended to z.
    """

    def __init__(
        self,
        latent: int = 64,
        size: int = 32,
        channels: int = 1,
        width: int = 64,
        *,
        classes: int | None = None,
        rng: torch.Generator | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_images(size, channels, width)
        check_sizes(latent=latent)
        base, stages = SHAPES[size]
        where = {"device": device, "dtype": dtype}
        self.latent, self.classes = latent, classes
        self.embedding = nn.Linear(classes, latent, bias=False, **where) if classes else None
        opening = [
            nn.Linear(latent * (2 if classes else 1), width * base**2, **where),
            Maps(width, base, base),
        ]
        blocks = [ResidualBlock(width, width, resample="up", norm=nn.BatchNorm2d, **where) for _ in range(stages)]
        last = nn.Conv2d(width, channels, 3, padding=1, **where)
        ending = [nn.BatchNorm2d(width, **where), activation("relu"), last, nn.Tanh()]
        self.network = nn.Sequential(*opening, *blocks, *ending)
        initialise_(self, "he", rng)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Make images from z, shape (n, latent), and labels of int64, shape (n,), if and only if there are classes."""
        return self.network(append_class(z, labels, self.classes, self.embedding))
