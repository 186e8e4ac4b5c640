"""DCGAN's generator and critic for images of 28, 32 or 64 pixels, the critic without batch norm.

=====  ====  ======  =================  =====================  ========================
size   base  stages  receptive field    critic's parameters    generator's parameters
=====  ====  ======  =================  =====================  ========================
28     7     2       10 pixels          138,561                540,225
32     4     3       22 pixels          660,929                923,713
64     4     4       46 pixels          2,762,689              3,288,385
=====  ====  ======  =================  =====================  ========================

Counts are those of one channel, ``width=64`` and 64 latent numbers, without classes; receptive fields are those of the
last convolution, before a linear layer that sees them all.
"""

from typing import Any

import torch
from torch import Tensor, nn

from wgan_course.models.layers import Conv2d, LayerNorm, Maps, ProjectionCritic, activation, initialise_
from wgan_course.models.mlp import append_class, check_norm, check_sizes

__all__ = ["SHAPES", "Critic", "Generator"]

SHAPES = {28: (7, 2), 32: (4, 3), 64: (4, 4)}
"""For each image size, the side of the smallest map and the number of stages that halve or double."""


def check_images(size: int, channels: int, width: int) -> None:
    """Refuse sizes that these networks do not make.

    Raises
    ------
    ValueError
        If one of them is something else.
    """
    if size not in SHAPES:
        raise ValueError(f"size must be one of {', '.join(map(str, SHAPES))}, got {size!r}: resize the images first")
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3, got {channels!r}")
    check_sizes(width=width)


def _down(n_in: int, n_out: int, act: str, norm: str, where: dict[str, Any]) -> list[nn.Module]:
    """One stage of the critic: halve the resolution."""
    normed = [LayerNorm(n_out, **where)] if norm == "layer" else []
    return [Conv2d(n_in, n_out, 4, 2, 1, **where), *normed, activation(act)]


def _up(n_in: int, n_out: int, where: dict[str, Any]) -> list[nn.Module]:
    """One stage of the generator: batch norm, ReLU, double the resolution."""
    return [nn.BatchNorm2d(n_in, **where), activation("relu"), nn.ConvTranspose2d(n_in, n_out, 4, 2, 1, **where)]


class Critic(ProjectionCritic):
    r"""Convolutional critic: stages of 4x4 convolutions of stride 2 that double the width, then one linear layer.

    Receptive fields after 1, 2, 3, 4 stages: 4, 10, 22, 46 pixels. Parameters: see the module's table. Weights start
    as :math:`\mathcal N(0, 0.02^2)` as in DCGAN, or as He's; biases at 0.

    Source: Radford, Metz and Chintala, 2016; without batch norm as in Gulrajani et al., 2017. Used in chapter 10.

    Parameters
    ----------
    size : int
        Side of the images: 28, 32 or 64.
    norm : {"none", "layer"}
        Layer norm in all stages but the first; never batch norm.
    classes : int, optional
        Number of classes, for a projection critic.
    """

    def __init__(
        self,
        size: int = 28,
        channels: int = 1,
        width: int = 64,
        *,
        act: str = "leaky_relu",
        norm: str = "none",
        classes: int | None = None,
        init: str = "he",
        rng: torch.Generator | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        check_images(size, channels, width)
        check_norm(norm)
        base, stages = SHAPES[size]
        where = {"device": device, "dtype": dtype}
        widths = [channels, *(width << i for i in range(stages))]
        norms = ["none", *[norm] * (stages - 1)]
        layers = [m for i in range(stages) for m in _down(widths[i], widths[i + 1], act, norms[i], where)]
        super().__init__(nn.Sequential(*layers, nn.Flatten()), widths[-1] * base**2, classes, **where)
        initialise_(self, init, rng)


class Generator(nn.Module):
    r"""Convolutional generator: a linear layer, then stages that double the resolution and halve the width, then tanh.

    Batch norm is allowed here: it couples generated samples, not the critic's scores. Parameters: see the module's
    table. Weights start as :math:`\mathcal N(0, 0.02^2)`, biases at 0.

    Source: Radford, Metz and Chintala, 2016. Used in chapter 10.

    Parameters
    ----------
    size, channels, width : int
        As for `Critic`; ``width`` is the number of channels before the last stage.
    classes : int, optional
        Number of classes; an embedding of the label is appended to z.
    """

    def __init__(
        self,
        latent: int = 64,
        size: int = 28,
        channels: int = 1,
        width: int = 64,
        *,
        classes: int | None = None,
        init: str = "dcgan",
        rng: torch.Generator | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_images(size, channels, width)
        check_sizes(latent=latent)
        base, stages = SHAPES[size]
        where = {"device": device, "dtype": dtype}
        widths = [*(width << i for i in reversed(range(stages))), channels]
        self.latent, self.classes = latent, classes
        self.embedding = nn.Linear(classes, latent, bias=False, **where) if classes else None
        opening = nn.Linear(latent * (2 if classes else 1), widths[0] * base**2, **where)
        layers = [m for i in range(stages) for m in _up(widths[i], widths[i + 1], where)]
        self.network = nn.Sequential(opening, Maps(widths[0], base, base), *layers, nn.Tanh())
        initialise_(self, init, rng)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Make images from z, shape (n, latent), and labels of int64, shape (n,), if and only if there are classes."""
        return self.network(append_class(z, labels, self.classes, self.embedding))
