"""Constraints on the weights after each step: clipping, and projection onto a Frobenius ball."""

import torch
from torch import nn
from torch.nn.utils import parametrize

from wgan_course._checks import check_positive

from .base import Constraint
from .layers import weight_layers


class _OnWeights(Constraint):
    """Projects the initial weights too, so that the bound holds from the first step on."""

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Project the initial weights.

        Raises
        ------
        ValueError
            If a weight is parametrised: what is stored would be bounded then, and not what the layer computes with.
        """
        for name, layer in critic.named_modules():  # any layer, also one that `weight_layers` does not know
            if parametrize.is_parametrized(layer):
                raise ValueError(f"layer {name!r} is parametrised: what it computes with would not be clipped")
        self.project_(critic)
        return critic


class Clip(_OnWeights):
    """Weight clipping: every parameter stays in [-c, c].

    Bounds the Lipschitz constant by ``prop-clipping-bound``, and by how much depends on the widths. Derived in chapter
    5.

    Source: Arjovsky, Chintala, Bottou, "Wasserstein Generative Adversarial Networks", 2017, algorithm 1.
    """

    name = "clip"

    def __init__(self, clip: float = 0.01):
        check_positive("clip", clip)
        self.clip = clip

    @torch.no_grad()
    def project_(self, critic: nn.Module) -> None:
        """Clamp every parameter to [-c, c]."""
        for parameter in critic.parameters():
            parameter.clamp_(-self.clip, self.clip)


class FrobeniusClip(_OnWeights):
    """Projection of every weight onto the ball ‖W‖_F ≤ radius: W ← W · min(1, radius / ‖W‖_F).

    The bound is the one behind weight decay as a Lipschitz regulariser (``prop-frobenius``, derived in chapter 4):
    ‖W‖₂ ≤ ‖W‖_F. Biases stay free: they do not enter a Lipschitz constant.

    Parameters
    ----------
    radius : float
        The largest Frobenius norm of a layer, above 0.
    """

    name = "frobenius_clip"

    def __init__(self, radius: float = 1.0):
        check_positive("radius", radius)
        self.radius = radius

    @torch.no_grad()
    def project_(self, critic: nn.Module) -> None:
        """Scale every weight that lies outside the ball back to its surface."""
        for _, layer in weight_layers(critic):
            norm = torch.linalg.vector_norm(layer.weight)
            layer.weight.mul_(self.radius / norm.clamp(min=self.radius))
