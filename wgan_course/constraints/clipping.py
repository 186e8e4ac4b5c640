"""Constraints on the weights after each step: clipping, and projection onto a Frobenius ball."""

import torch
from torch import nn
from torch.nn.utils import parametrize

from .base import Constraint, check_positive
from .layers import weight_layers


class Clip(Constraint):
    """Weight clipping: every parameter stays in [-c, c].

    Parameters
    ----------
    clip : float
        The bound c.

    Raises
    ------
    ValueError
        If the bound is not positive.

    Notes
    -----
    Bounds the Lipschitz constant by ``prop-clipping-bound``, and by how much depends on the widths. Derived in chapter
    5.

    References
    ----------
    Arjovsky, Chintala, Bottou, "Wasserstein Generative Adversarial Networks", 2017, algorithm 1.
    """

    name = "clip"

    def __init__(self, clip: float = 0.01):
        check_positive("clip", clip)
        self.clip = clip

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Clip the initial weights, so that the bound holds from the first step on.

        Parameters
        ----------
        critic : Module
            The critic; its weights are changed in place.

        Returns
        -------
        Module
            The same critic.

        Raises
        ------
        ValueError
            If a weight is parametrised: what is stored would be bounded then, and not what the layer computes with.
        """
        _refuse_parametrised(critic)
        self.project_(critic)
        return critic

    @torch.no_grad()
    def project_(self, critic: nn.Module) -> None:
        """Clamp every parameter to [-c, c].

        Parameters
        ----------
        critic : Module
            The critic; its weights are changed in place.
        """
        for parameter in critic.parameters():
            parameter.clamp_(-self.clip, self.clip)


class FrobeniusClip(Constraint):
    """Projection of every weight matrix onto the ball ‖W‖_F ≤ radius.

    Parameters
    ----------
    radius : float
        The largest Frobenius norm of a layer; since ‖W‖₂ ≤ ‖W‖_F, it bounds the spectral norm too.

    Raises
    ------
    ValueError
        If the radius is not positive.

    Notes
    -----
    The bound is the one behind weight decay as a Lipschitz regulariser (``prop-frobenius``, derived in chapter 4).
    Biases stay free: they do not enter a Lipschitz constant.

    Formula: W ← W · min(1, radius / ‖W‖_F), the nearest point of the ball.
    """

    name = "frobenius_clip"

    def __init__(self, radius: float = 1.0):
        check_positive("radius", radius)
        self.radius = radius

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Project the initial weights, so that the bound holds from the first step on.

        Parameters
        ----------
        critic : Module
            The critic; its weights are changed in place.

        Returns
        -------
        Module
            The same critic.

        Raises
        ------
        ValueError
            If a weight is parametrised: what is stored would be bounded then, and not what the layer computes with.
        """
        _refuse_parametrised(critic)
        self.project_(critic)
        return critic

    @torch.no_grad()
    def project_(self, critic: nn.Module) -> None:
        """Scale every weight that lies outside the ball back to its surface.

        Parameters
        ----------
        critic : Module
            The critic; its weights are changed in place.
        """
        for _, layer in weight_layers(critic):
            norm = torch.linalg.vector_norm(layer.weight)
            layer.weight.mul_(self.radius / norm.clamp(min=self.radius))


def _refuse_parametrised(critic: nn.Module) -> None:
    """Any layer will do here, also one that `weight_layers` does not know."""
    for name, layer in critic.named_modules():
        if parametrize.is_parametrized(layer):
            raise ValueError(f"layer {name!r} is parametrised: what it computes with would not be clipped")
