"""Layers that the course's networks share.

PyTorch's ReLU, leaky ReLU and average pooling send a tensor of zeros through the whole graph when a gradient penalty
differentiates a gradient. Within `cheap_double_backward`, where penalties run their forward, the layers here take a
form with the same values and gradients that sends nothing (chapter 6 measures the difference); elsewhere they are
PyTorch's own.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from wgan_course.models.double_backward import Conv2d, cheap, cheap_double_backward
from wgan_course.norms import lipschitz_upper

__all__ = [
    "ACTIVATIONS",
    "AvgPool2d",
    "Conv2d",
    "GroupSort",
    "LayerNorm",
    "LeakyReLU",
    "Maps",
    "ProjectionCritic",
    "ReLU",
    "ResidualBlock",
    "activation",
    "channels_last_on_cpu",
    "cheap_double_backward",
    "initialise_",
    "parameter_count",
    "receptive_field",
]


def _times_slope(x: Tensor, slope: float) -> Tensor:
    """A detached slope times x; the slope at each place comes from the fused backward of the activation itself."""
    one = x.new_ones(()).expand_as(x)
    return x * torch.ops.aten.leaky_relu_backward(one, x.detach(), slope, False)


class ReLU(nn.ReLU):
    r"""Rectifier :math:`\max(x, 0)`, 1-Lipschitz; within `cheap_double_backward`, x times a detached mask."""

    def __init__(self) -> None:
        super().__init__(inplace=False)

    def forward(self, x: Tensor) -> Tensor:
        """Rectify x, of any shape."""
        return _times_slope(x, 0.0) if cheap() else functional.relu(x)


class LeakyReLU(nn.LeakyReLU):
    r"""Leaky rectifier: :math:`x` above 0 and :math:`a x` below; Lipschitz constant :math:`\max(1, |a|)`.

    Source: Radford, Metz and Chintala, "Unsupervised representation learning with deep convolutional generative
    adversarial networks", 2016.

    Parameters
    ----------
    negative_slope : float
        The slope :math:`a`; 0.2 as in DCGAN.
    """

    def __init__(self, negative_slope: float = 0.2) -> None:
        super().__init__(negative_slope, inplace=False)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the two slopes to x, of any shape."""
        slope = self.negative_slope
        return _times_slope(x, slope) if cheap() else functional.leaky_relu(x, slope)


class GroupSort(nn.Module):
    """Sort the features within groups: 1-Lipschitz, and its Jacobian is a permutation, so gradients keep their norm.

    With groups of two this is MaxMin. With orthonormal layers it makes functions whose gradient has norm one, such as
    the absolute value, which norm-bounded ReLU networks cannot make; with rows bounded instead, it reaches any
    1-Lipschitz values on finitely many points (chapter 12).

    Source: Anil, Lucas and Grosse, "Sorting out Lipschitz function approximation", 2019. Derived in chapter 12.

    Parameters
    ----------
    group_size : int
        Features in a group. Features are those of dimension 1 (channels, for images).

    Raises
    ------
    ValueError
        If ``group_size`` is below 2.
    """

    def __init__(self, group_size: int = 2) -> None:
        super().__init__()
        if group_size < 2:
            raise ValueError(f"group_size must be 2 or more, got {group_size}: a group of one is left as it is")
        self.group_size = group_size

    def forward(self, x: Tensor) -> Tensor:
        """Sort each group of x, shape (n, features, ...), in descending order.

        Raises
        ------
        ValueError
            If the number of features is not a multiple of the group size.
        """
        if x.dim() < 2 or x.shape[1] % self.group_size:
            raise ValueError(f"x of shape {tuple(x.shape)} has no groups of {self.group_size} along dimension 1")
        groups = x.unflatten(1, (x.shape[1] // self.group_size, self.group_size))
        if self.group_size == 2:
            return _max_min(groups)
        order = groups.detach().argsort(dim=2, descending=True, stable=True)
        return groups.gather(2, order).flatten(1, 2)

    def lipschitz_upper(self, _in_shape: Sequence[int]) -> float:
        """Return 1: sorting permutes."""
        return 1.0

    def extra_repr(self) -> str:
        """Show the group size in ``repr``."""
        return f"group_size={self.group_size}"


def _max_min(pairs: Tensor) -> Tensor:
    """Order pairs (n, g, 2, ...) without a sort."""
    first, second = pairs.unbind(2)
    swap = first.detach() < second.detach()
    return torch.stack((torch.where(swap, second, first), torch.where(swap, first, second)), 2).flatten(1, 2)


class AvgPool2d(nn.AvgPool2d):
    r"""Average over disjoint ``k`` by ``k`` squares, of operator norm :math:`1/k`.

    Within `cheap_double_backward` it is a sum of slices: equal up to rounding.

    Parameters
    ----------
    kernel_size : int
        Side :math:`k` of the squares, and their distance.
    """

    kernel_size: int

    def __init__(self, kernel_size: int = 2) -> None:
        super().__init__(kernel_size)

    def forward(self, x: Tensor) -> Tensor:
        """Average x, shape (n, channels, height, width), to (n, channels, height / k, width / k).

        Raises
        ------
        ValueError
            If height or width is not a multiple of ``k``.
        """
        k = self.kernel_size
        if x.dim() != 4 or x.shape[-1] % k or x.shape[-2] % k:
            raise ValueError(f"x of shape {tuple(x.shape)} does not split into {k} by {k} squares")
        if not cheap():
            return functional.avg_pool2d(x, k)
        lines = functools.reduce(torch.add, x.unflatten(-2, (x.shape[-2] // k, k)).unbind(-2))
        return functools.reduce(torch.add, lines.unflatten(-1, (x.shape[-1] // k, k)).unbind(-1)) / k**2


class LayerNorm(nn.GroupNorm):
    """Normalise each sample over all its features, with a gain and a bias per channel.

    The normalisation for critics under a gradient penalty: it uses one sample at a time, where batch normalisation
    would couple them. It is *not* Lipschitz with a known constant, so Lipschitz bounds by layers refuse it.

    Source: Gulrajani et al., "Improved training of Wasserstein GANs", 2017, section 4. Derived in chapter 6.

    Parameters
    ----------
    features : int
        Features or channels (dimension 1 of the input).
    """

    def __init__(self, features: int, device: Any = None, dtype: torch.dtype | None = None) -> None:
        super().__init__(1, features, device=device, dtype=dtype)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "tanh": nn.Tanh,
    "groupsort": GroupSort,
}


def activation(name: str) -> nn.Module:
    """Make an activation by its name in `ACTIVATIONS`.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {name!r}")
    return ACTIVATIONS[name]()


def channels_last_on_cpu(x: Tensor) -> Tensor:
    """Lay images out with the channels last on a CPU, whose convolutions and pooling are faster so; else return x.

    Parameters
    ----------
    x : Tensor, shape (n, channels, height, width), or any other
    """
    if x.ndim != 4 or x.device.type != "cpu" or (x.is_contiguous(memory_format=torch.channels_last) and x.shape[1] > 1):
        return x
    return x.clone(memory_format=torch.channels_last)  # .contiguous would leave one channel as it is


class Maps(nn.Unflatten):
    """Vectors (n, channels · height · width) as maps, laid out as `channels_last_on_cpu` does."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__(1, (channels, height, width))

    def forward(self, x: Tensor) -> Tensor:
        """Reshape x, shape (n, features)."""
        return channels_last_on_cpu(super().forward(x))


class ResidualBlock(nn.Module):
    r"""Sum of a main path and a skip path: :math:`x \mapsto F(x) + S(x)`.

    :math:`F` is [norm] activation conv3x3 [norm] activation conv3x3 [pool]; :math:`S` is the identity, or a 1x1
    convolution (and pooling) where the shape changes. :math:`\operatorname{Lip} \le \operatorname{Lip}(F) +
    \operatorname{Lip}(S)`.

    Source: He et al., "Identity mappings in deep residual networks", 2016. Bound derived in chapter 4.

    Parameters
    ----------
    resample : {"none", "down", "up"}
        Halve the resolution by averaging, double it by repetition, or keep it.
    norm : callable or None
        Makes a normalisation from a number of channels: ``LayerNorm`` for critics, batch norm for generators.
    first : bool
        Leave out the opening norm and activation, for a block that sees the image itself.

    Raises
    ------
    ValueError
        If ``resample`` is unknown.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        resample: str = "none",
        act: str = "relu",
        norm: Callable[..., nn.Module] | None = None,
        first: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if resample not in _RESAMPLERS:
            raise ValueError(f"resample must be one of {', '.join(_RESAMPLERS)}, got {resample!r}")
        where = {"device": device, "dtype": dtype}
        opening = [] if first else _pre_activation(in_channels, act, norm, where)
        up, down = [nn.Upsample(scale_factor=2)] * (resample == "up"), [AvgPool2d(2)] * (resample == "down")
        conv1 = Conv2d(in_channels, out_channels, 3, padding=1, **where)
        conv2 = Conv2d(out_channels, out_channels, 3, padding=1, **where)
        middle = _pre_activation(out_channels, act, norm, where)
        self.main = nn.Sequential(*opening, *up, conv1, *middle, conv2, *down)
        changes = in_channels != out_channels or resample != "none"
        shortcut = [Conv2d(in_channels, out_channels, 1, **where)] if changes else []
        self.skip = nn.Sequential(*up, *shortcut, *down) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Add the two paths of x, shape (n, in_channels, height, width)."""
        return self.main(x) + self.skip(x)

    def lipschitz_upper(self, in_shape: Sequence[int]) -> float:
        """Return the sum of the paths' bounds (``prop-residual``)."""
        return lipschitz_upper(self.main, in_shape) + lipschitz_upper(self.skip, in_shape)


_RESAMPLERS = ("none", "down", "up")


def _pre_activation(
    channels: int, act: str, norm: Callable[..., nn.Module] | None, where: dict[str, Any]
) -> list[nn.Module]:
    """The normalisation, if any, and the activation that come before a convolution."""
    return [*([norm(channels, **where)] if norm else []), activation(act)]


class ProjectionCritic(nn.Module):
    r"""A critic from features: :math:`f(x) = \langle w, \phi(x)\rangle + b`, or with classes
    :math:`f(x, y) = \langle w + e_y, \phi(x)\rangle + b`.

    Source: Miyato and Koyama, "cGANs with projection discriminator", 2018. Used in chapter 10.

    Parameters
    ----------
    features : Module
        Maps a batch to vectors, shape (n, width).
    classes : int or None
        Number of classes; None for a critic without condition.
    """

    def __init__(
        self,
        features: nn.Module,
        width: int,
        classes: int | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.features = features
        self.head = nn.Linear(width, 1, device=device, dtype=dtype)
        self.classes = classes
        self.projection = nn.Linear(width, classes, bias=False, device=device, dtype=dtype) if classes else None

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Score a batch x, shape (n, ...): (n,). A conditional critic needs labels of int64, shape (n,)."""
        check_labels(self.classes, labels)
        features = self.features(channels_last_on_cpu(x))
        scores = self.head(features).squeeze(-1)
        if labels is None or self.projection is None:
            return scores
        return scores + self.projection(features).gather(1, labels[:, None]).squeeze(1)

    def lipschitz_factors(self) -> list[nn.Module]:
        """Return the maps that are composed: the features, and the head with its steepest class."""
        return [self.features, _Head(self.head, self.projection)]


class _Head(nn.Module):
    """Last layer of a critic; with classes, the steepest of its rows."""

    def __init__(self, head: nn.Linear, projection: nn.Linear | None) -> None:
        super().__init__()
        self.head, self.projection = head, projection

    def lipschitz_upper(self, _in_shape: Sequence[int]) -> float:
        rows = self.head.weight if self.projection is None else self.head.weight + self.projection.weight
        return float(rows.norm(dim=1).max())

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x).squeeze(-1)


def check_labels(classes: int | None, labels: Tensor | None) -> None:
    """Refuse labels that do not suit a network; their range is looked at on the CPU, where looking is free.

    Parameters
    ----------
    labels : Tensor of int64, shape (n,), or None

    Raises
    ------
    ValueError
        If they are missing, not wanted, or no vector of whole numbers.
    IndexError
        If one is no class.
    """
    if classes is None or labels is None:
        if classes is None and labels is None:
            return
        wanted = (
            "takes no labels: build it with classes=..." if classes is None else f"needs labels in 0..{classes - 1}"
        )
        raise ValueError(f"labels: this network {wanted}")
    if labels.ndim != 1 or labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise ValueError(f"labels must be whole numbers, shape (n,), got {labels.dtype} of shape {tuple(labels.shape)}")
    looking = labels.device.type == "cpu" and not torch.compiler.is_compiling() and labels.numel() > 0
    if looking and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise IndexError(f"labels must lie in 0..{classes - 1}, got {int(labels.min())} to {int(labels.max())}")


@torch.no_grad()
def initialise_(module: nn.Module, scheme: str = "he", rng: torch.Generator | None = None) -> nn.Module:
    r"""Set the weights of all linear and convolutional layers in place; biases become 0.

    A parametrised weight (spectral normalisation, say) is set through its parametrisation.

    Source: He et al., "Delving deep into rectifiers", 2015; Radford et al., 2016.

    Parameters
    ----------
    scheme : {"he", "dcgan", "orthogonal"}
        ``he``: :math:`\mathcal N(0, 2/\text{fan-in})`; ``dcgan``: :math:`\mathcal N(0, 0.02^2)`; ``orthogonal``.
    rng : torch.Generator, optional
        On the device of the weights or on the CPU.

    Raises
    ------
    ValueError
        If the scheme is unknown, or a hook computes a layer's weight.
    """
    if scheme not in _SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(_SCHEMES)}, got {scheme!r}")
    layers = [(n, m) for n, m in module.named_modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
    for name, layer in layers:
        if "weight" not in layer._parameters and not parametrize.is_parametrized(layer, "weight"):
            raise ValueError(
                f"the weight of layer {name!r} is computed by a hook, which would undo this: remove it first"
            )
    for _, layer in layers:
        _fill(layer, _SCHEMES[scheme], rng)
    return module


def _he(weight: Tensor, rng: torch.Generator | None) -> None:
    nn.init.kaiming_normal_(weight, generator=rng)


def _dcgan(weight: Tensor, rng: torch.Generator | None) -> None:
    nn.init.normal_(weight, std=0.02, generator=rng)


def _orthogonal(weight: Tensor, rng: torch.Generator | None) -> None:
    nn.init.orthogonal_(weight, generator=rng)


_SCHEMES = {"he": _he, "dcgan": _dcgan, "orthogonal": _orthogonal}


def _fill(
    layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d,
    fill: Callable[[Tensor, torch.Generator | None], None],
    rng: torch.Generator | None,
) -> None:
    """Fill one layer; draw on the generator's device, so that a seed gives the same weights on every device."""
    weight = layer.weight
    if weight.device.type != "meta":
        drawn = torch.empty(weight.shape, dtype=weight.dtype, device=rng.device if rng else weight.device)
        fill(drawn, rng)
        if parametrize.is_parametrized(layer, "weight"):
            layer.weight = drawn.to(weight.device)
        else:
            weight.copy_(drawn)
    if layer.bias is not None:
        layer.bias.zero_()


def parameter_count(module: nn.Module) -> int:
    """Count the trainable numbers of a network."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def receptive_field(stages: Sequence[tuple[int, int]]) -> int:
    r"""Side in pixels of the input square that one output sees, :math:`1 + \sum_i (k_i - 1) \prod_{j<i} s_j`.

    Raises
    ------
    ValueError
        If a kernel or stride is below 1.
    """
    side, jump = 1, 1
    for kernel, stride in stages:
        if kernel < 1 or stride < 1:
            raise ValueError(f"stages must be pairs of kernel and stride, 1 or more, got {(kernel, stride)}")
        side, jump = side + (kernel - 1) * jump, jump * stride
    return side
