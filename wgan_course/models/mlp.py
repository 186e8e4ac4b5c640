"""Multilayer perceptrons: the critic and the generator of the toy chapters."""

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from wgan_course.models.layers import LayerNorm, ProjectionCritic, activation, check_labels, initialise_

__all__ = ["Critic", "Generator", "append_class"]


def check_sizes(**sizes: int) -> None:
    """Refuse sizes that are not positive whole numbers.

    Parameters
    ----------
    **sizes
        The numbers, by the names that the message gives them.

    Raises
    ------
    ValueError
        If one is not a whole number of 1 or more.
    """
    for name, size in sizes.items():
        if not isinstance(size, int) or size < 1:
            raise ValueError(f"{name} must be a positive whole number, got {size!r}")


def _layer(n_in: int, n_out: int, act: str, norm: str, where: dict[str, Any]) -> list[nn.Module]:
    """One hidden layer: linear, optional layer norm, activation."""
    normed = [LayerNorm(n_out, **where)] if norm == "layer" else []
    return [nn.Linear(n_in, n_out, **where), *normed, activation(act)]


def check_norm(norm: str) -> None:
    """Refuse every normalisation but layer norm: critics use no batch statistics.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if norm not in ("none", "layer"):
        raise ValueError(f"norm must be 'none' or 'layer', got {norm!r}: batch statistics would couple the samples")


class Critic(ProjectionCritic):
    r"""Fully connected critic :math:`f: \mathbb R^d \to \mathbb R`; anything with more dimensions is flattened.

    With widths :math:`d = n_0, n_1, \dots, n_L` it has :math:`\sum_i (n_{i-1} + 1) n_i + n_L + 1` parameters: 33,537
    for ``Critic(2)``. Weights start as He's, biases at 0. It sees its whole input.

    Source: Gulrajani et al., "Improved training of Wasserstein GANs", 2017. Used from chapter 3 on.

    Parameters
    ----------
    hidden : sequence of int
        Widths of the hidden layers; empty for an affine critic.
    norm : {"none", "layer"}
        Layer norm after each hidden linear layer; never batch norm.
    classes : int, optional
        Number of classes for a conditional (projection) critic.
    """

    def __init__(
        self,
        in_features: int,
        hidden: Sequence[int] = (128, 128, 128),
        *,
        act: str = "leaky_relu",
        norm: str = "none",
        classes: int | None = None,
        rng: torch.Generator | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        widths = [in_features, *hidden]
        check_sizes(**{f"width_{i}" if i else "in_features": w for i, w in enumerate(widths)})
        check_norm(norm)
        where = {"device": device, "dtype": dtype}
        pairs = itertools.pairwise(widths)
        layers = [layer for a, b in pairs for layer in _layer(a, b, act, norm, where)]
        super().__init__(nn.Sequential(nn.Flatten(), *layers), widths[-1], classes, **where)
        initialise_(self, "he", rng)


class Generator(nn.Module):
    r"""Fully connected generator :math:`G_\theta: \mathbb R^k \to \mathbb R^d`.

    With widths :math:`k = n_0, \dots, n_L, n_{L+1} = d` it has :math:`\sum_i (n_{i-1} + 1) n_i` parameters: 33,666 for
    ``Generator(2, 2)``. Weights start as He's, biases at 0.

    Source: Gulrajani et al., "Improved training of Wasserstein GANs", 2017. Used from chapter 1 on.

    Parameters
    ----------
    out_features : int or sequence of int
        Dimension of a sample, or its shape (such as ``(1, 28, 28)``), in which case the last layer ends in tanh.
    classes : int, optional
        Number of classes; an embedding of the label, as long as :math:`z`, is appended to :math:`z`.
    """

    def __init__(
        self,
        latent: int,
        out_features: int | Sequence[int],
        hidden: Sequence[int] = (128, 128, 128),
        *,
        act: str = "relu",
        classes: int | None = None,
        rng: torch.Generator | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        shape = (out_features,) if isinstance(out_features, int) else tuple(out_features)
        check_sizes(
            latent=latent, **{f"out_{i}": s for i, s in enumerate(shape)}, **{f"w_{i}": w for i, w in enumerate(hidden)}
        )
        self.latent, self.classes = latent, classes
        where = {"device": device, "dtype": dtype}
        self.embedding = nn.Linear(classes, latent, bias=False, **where) if classes else None
        widths = [latent * (2 if classes else 1), *hidden]
        pairs = itertools.pairwise(widths)
        layers = [layer for a, b in pairs for layer in _layer(a, b, act, "none", where)]
        ending = [nn.Unflatten(1, shape), nn.Tanh()] if len(shape) > 1 else []
        size = int(torch.Size(shape).numel())
        self.network = nn.Sequential(*layers, nn.Linear(widths[-1], size, **where), *ending)
        initialise_(self, "he", rng)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Make samples from z, shape (n, latent), and labels of int64, shape (n,), if and only if there are classes."""
        return self.network(append_class(z, labels, self.classes, self.embedding))


def append_class(z: Tensor, labels: Tensor | None, classes: int | None, embedding: nn.Linear | None) -> Tensor:
    """Append the label's embedding to the latent vector, shape (n, latent) or (n, 2 latent).

    Parameters
    ----------
    z : Tensor, shape (n, latent)
    labels : Tensor of int64, shape (n,), or None
    """
    check_labels(classes, labels)
    if labels is None or embedding is None:
        return z
    return torch.cat((z, embedding.weight.t().index_select(0, labels)), 1)
