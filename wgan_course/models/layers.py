"""Layers that the course's networks share.

The activations and the pooling here give the same values and the same gradients as PyTorch's own, but their *double*
backward does no work. PyTorch's ReLU, leaky ReLU and average pooling send a tensor of zeros through the whole graph
when a gradient penalty differentiates a gradient; written as ``x`` times a detached mask, or as a plain mean, they send
nothing at all (chapter 6 measures the difference).
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

__all__ = [
    "ACTIVATIONS",
    "AvgPool2d",
    "GroupSort",
    "LayerNorm",
    "LeakyReLU",
    "ProjectionCritic",
    "ReLU",
    "ResidualBlock",
    "activation",
    "initialise_",
    "parameter_count",
    "receptive_field",
]


class ReLU(nn.ReLU):
    r"""Rectifier :math:`\max(x, 0)`, written as ``x`` times a detached mask.

    Values and gradients equal those of ``torch.nn.ReLU`` bit for bit, the slope at 0 being 0. The second derivative
    is zero by construction rather than by a tensor of zeros. 1-Lipschitz.

    References
    ----------
    The cost of the double backward is measured in chapter 6.
    """

    def __init__(self) -> None:
        super().__init__(inplace=False)

    def forward(self, x: Tensor) -> Tensor:
        """Rectify.

        Parameters
        ----------
        x : Tensor, any shape

        Returns
        -------
        Tensor, shape of ``x``
        """
        return x * (x.detach() > 0).to(x.dtype)


class LeakyReLU(nn.LeakyReLU):
    r"""Leaky rectifier: :math:`x` above 0 and :math:`a x` below, written as ``x`` times a detached slope.

    Values and gradients equal those of ``torch.nn.LeakyReLU`` bit for bit in single and double precision; in half
    precision the slope itself is rounded. Lipschitz constant :math:`\max(1, |a|)`.

    Parameters
    ----------
    negative_slope : float
        The slope :math:`a`; 0.2 as in DCGAN.

    References
    ----------
    Radford, Metz and Chintala, "Unsupervised representation learning with deep convolutional generative adversarial
    networks", 2016. The cost of the double backward is measured in chapter 6.
    """

    def __init__(self, negative_slope: float = 0.2) -> None:
        super().__init__(negative_slope, inplace=False)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the two slopes.

        Parameters
        ----------
        x : Tensor, any shape

        Returns
        -------
        Tensor, shape of ``x``
        """
        return x * torch.where(x.detach() > 0, x.new_ones(()), x.new_full((), self.negative_slope))


class GroupSort(nn.Module):
    """Sort the features within groups: 1-Lipschitz, and its Jacobian is a permutation, so gradients keep their norm.

    With groups of two this is MaxMin. With orthonormal layers it makes functions whose gradient has norm one, such as
    the absolute value, which norm-bounded ReLU networks cannot make; with rows bounded instead, it reaches any
    1-Lipschitz values on finitely many points (chapter 12).

    Parameters
    ----------
    group_size : int
        Features in a group. Features are those of dimension 1 (channels, for images).

    Raises
    ------
    ValueError
        If ``group_size`` is below 2.

    References
    ----------
    Anil, Lucas and Grosse, "Sorting out Lipschitz function approximation", 2019. Derived in chapter 12.
    """

    def __init__(self, group_size: int = 2) -> None:
        super().__init__()
        if group_size < 2:
            raise ValueError(f"group_size must be 2 or more, got {group_size}: a group of one is left as it is")
        self.group_size = group_size

    def forward(self, x: Tensor) -> Tensor:
        """Sort each group in descending order.

        Parameters
        ----------
        x : Tensor, shape (n, features, ...)

        Returns
        -------
        Tensor, shape of ``x``

        Raises
        ------
        ValueError
            If the number of features is not a multiple of the group size.
        """
        if x.dim() < 2 or x.shape[1] % self.group_size:
            raise ValueError(f"x of shape {tuple(x.shape)} has no groups of {self.group_size} along dimension 1")
        groups = x.unflatten(1, (x.shape[1] // self.group_size, self.group_size))
        order = groups.detach().argsort(dim=2, descending=True, stable=True)
        return groups.gather(2, order).flatten(1, 2) if self.group_size > 2 else _max_min(groups)

    def extra_repr(self) -> str:
        """Show the group size in ``repr``."""
        return f"group_size={self.group_size}"


def _max_min(pairs: Tensor) -> Tensor:
    """Order pairs (n, g, 2, ...) without a sort."""
    first, second = pairs.unbind(2)
    swap = first.detach() < second.detach()
    return torch.stack((torch.where(swap, second, first), torch.where(swap, first, second)), 2).flatten(1, 2)


class AvgPool2d(nn.AvgPool2d):
    r"""Average over disjoint ``k`` by ``k`` squares, as a plain mean.

    Equal to ``torch.nn.AvgPool2d(k)`` up to rounding; its double backward does no work. Operator norm :math:`1/k`.

    Parameters
    ----------
    kernel_size : int
        Side :math:`k` of the squares, and their distance.
    """

    def __init__(self, kernel_size: int = 2) -> None:
        super().__init__(kernel_size)

    def forward(self, x: Tensor) -> Tensor:
        """Average.

        Parameters
        ----------
        x : Tensor, shape (n, channels, height, width)

        Returns
        -------
        Tensor, shape (n, channels, height / k, width / k)

        Raises
        ------
        ValueError
            If height or width is not a multiple of ``k``.
        """
        k = self.kernel_size
        if x.dim() != 4 or x.shape[-1] % k or x.shape[-2] % k:
            raise ValueError(f"x of shape {tuple(x.shape)} does not split into {k} by {k} squares")
        return x.unflatten(-1, (x.shape[-1] // k, k)).unflatten(-3, (x.shape[-2] // k, k)).mean((-3, -1))


class LayerNorm(nn.GroupNorm):
    """Normalise each sample over all its features, with a gain and a bias per channel.

    The normalisation for critics under a gradient penalty: it uses one sample at a time, where batch normalisation
    would couple them. It is *not* Lipschitz with a known constant, so Lipschitz bounds by layers refuse it.

    Parameters
    ----------
    features : int
        Features or channels (dimension 1 of the input).
    device, dtype
        As for PyTorch's modules.

    References
    ----------
    Gulrajani et al., "Improved training of Wasserstein GANs", 2017, section 4. Derived in chapter 6.
    """

    def __init__(self, features: int, device=None, dtype=None) -> None:
        super().__init__(1, features, device=device, dtype=dtype)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "tanh": nn.Tanh,
    "groupsort": GroupSort,
}


def activation(name: str) -> nn.Module:
    """Make an activation by name.

    Parameters
    ----------
    name : str
        One of ``ACTIVATIONS``: relu, leaky_relu, tanh, groupsort.

    Returns
    -------
    Module

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {name!r}")
    return ACTIVATIONS[name]()


class ResidualBlock(nn.Module):
    r"""Sum of a main path and a skip path: :math:`x \mapsto F(x) + S(x)`.

    :math:`F` is [norm] activation conv3x3 [norm] activation conv3x3 [pool]; :math:`S` is the identity, or a 1x1
    convolution (and pooling) where the shape changes. :math:`\operatorname{Lip} \le \operatorname{Lip}(F) +
    \operatorname{Lip}(S)`.

    Parameters
    ----------
    in_channels, out_channels : int
    resample : {"none", "down", "up"}
        Halve the resolution by averaging, double it by repetition, or keep it.
    act : str
        Name of the activation.
    norm : callable or None
        Makes a normalisation from a number of channels: ``LayerNorm`` for critics, batch norm for generators.
    first : bool
        Leave out the opening norm and activation, for a block that sees the image itself.
    device, dtype
        As for PyTorch's modules.

    Raises
    ------
    ValueError
        If ``resample`` is unknown.

    References
    ----------
    He et al., "Identity mappings in deep residual networks", 2016. Bound derived in chapter 4.
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
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        if resample not in _RESAMPLERS:
            raise ValueError(f"resample must be one of {', '.join(_RESAMPLERS)}, got {resample!r}")
        where = {"device": device, "dtype": dtype}
        opening = [] if first else _pre_activation(in_channels, act, norm, where)
        up, down = [nn.Upsample(scale_factor=2)] * (resample == "up"), [AvgPool2d(2)] * (resample == "down")
        conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, **where)
        conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, **where)
        middle = _pre_activation(out_channels, act, norm, where)
        self.main = nn.Sequential(*opening, *up, conv1, *middle, conv2, *down)
        changes = in_channels != out_channels or resample != "none"
        shortcut = [nn.Conv2d(in_channels, out_channels, 1, **where)] if changes else []
        self.skip = nn.Sequential(*up, *shortcut, *down) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Add the two paths.

        Parameters
        ----------
        x : Tensor, shape (n, in_channels, height, width)

        Returns
        -------
        Tensor, shape (n, out_channels, height', width')
        """
        return self.main(x) + self.skip(x)


_RESAMPLERS = ("none", "down", "up")


def _pre_activation(channels: int, act: str, norm: Callable[..., nn.Module] | None, where: dict) -> list[nn.Module]:
    """The normalisation, if any, and the activation that come before a convolution."""
    return [*([norm(channels, **where)] if norm else []), activation(act)]


class ProjectionCritic(nn.Module):
    r"""A critic from features: :math:`f(x) = \langle w, \phi(x)\rangle + b`, or with classes
    :math:`f(x, y) = \langle w + e_y, \phi(x)\rangle + b`.

    Parameters
    ----------
    features : Module
        Maps a batch to vectors, shape (n, width).
    width : int
    classes : int or None
        Number of classes; None for a critic without condition.
    device, dtype
        As for PyTorch's modules.

    References
    ----------
    Miyato and Koyama, "cGANs with projection discriminator", 2018. Used in chapter 10.
    """

    def __init__(self, features: nn.Module, width: int, classes: int | None = None, device=None, dtype=None) -> None:
        super().__init__()
        self.features = features
        self.head = nn.Linear(width, 1, device=device, dtype=dtype)
        self.classes = classes
        self.projection = nn.Linear(width, classes, bias=False, device=device, dtype=dtype) if classes else None

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Score a batch.

        Parameters
        ----------
        x : Tensor, shape (n, ...)
        labels : Tensor of int64, shape (n,), optional
            Classes; required by a conditional critic and refused by one without condition.

        Returns
        -------
        Tensor, shape (n,)

        Raises
        ------
        ValueError
            If labels are missing or not wanted.
        """
        check_labels(self.classes, labels)
        features = self.features(x)
        scores = self.head(features).squeeze(-1)
        if labels is None:
            return scores
        return scores + self.projection(features).gather(1, labels[:, None]).squeeze(1)


def check_labels(classes: int | None, labels: Tensor | None) -> None:
    """Refuse missing labels and labels that nobody wants.

    Parameters
    ----------
    classes : int or None
        Of the network.
    labels : Tensor or None

    Raises
    ------
    ValueError
        If one is given without the other.
    """
    if (classes is None) != (labels is None):
        wanted = (
            "takes no labels: build it with classes=..." if classes is None else f"needs labels in 0..{classes - 1}"
        )
        raise ValueError(f"labels: this network {wanted}")


@torch.no_grad()
def initialise_(module: nn.Module, scheme: str = "he", rng: torch.Generator | None = None) -> nn.Module:
    r"""Set the weights of all linear and convolutional layers in place; biases become 0.

    Parameters
    ----------
    module : Module
    scheme : {"he", "dcgan", "orthogonal"}
        ``he``: :math:`\mathcal N(0, 2/\text{fan-in})`; ``dcgan``: :math:`\mathcal N(0, 0.02^2)`; ``orthogonal``.
    rng : torch.Generator, optional
        On the device of the weights or on the CPU.

    Returns
    -------
    Module
        The same module.

    Raises
    ------
    ValueError
        If the scheme is unknown.

    References
    ----------
    He et al., "Delving deep into rectifiers", 2015; Radford et al., 2016.
    """
    if scheme not in _SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(_SCHEMES)}, got {scheme!r}")
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            _fill(layer, _SCHEMES[scheme], rng)
    return module


def _he(weight: Tensor, rng: torch.Generator | None) -> None:
    nn.init.kaiming_normal_(weight, generator=rng)


def _dcgan(weight: Tensor, rng: torch.Generator | None) -> None:
    nn.init.normal_(weight, std=0.02, generator=rng)


def _orthogonal(weight: Tensor, rng: torch.Generator | None) -> None:
    nn.init.orthogonal_(weight, generator=rng)


_SCHEMES = {"he": _he, "dcgan": _dcgan, "orthogonal": _orthogonal}


def _fill(layer: nn.Module, fill: Callable[[Tensor, torch.Generator | None], None], rng) -> None:
    """Fill one layer; draw on the generator's device, so that a seed gives the same weights on every device."""
    weight = layer.weight
    if weight.device.type != "meta":
        drawn = torch.empty(weight.shape, dtype=weight.dtype, device=rng.device if rng else weight.device)
        fill(drawn, rng)
        weight.copy_(drawn)
    if layer.bias is not None:
        layer.bias.zero_()


def parameter_count(module: nn.Module) -> int:
    """Count the trainable numbers of a network.

    Parameters
    ----------
    module : Module

    Returns
    -------
    int
    """
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def receptive_field(stages: Sequence[tuple[int, int]]) -> int:
    r"""Side of the input square that one output sees, :math:`1 + \sum_i (k_i - 1) \prod_{j<i} s_j`.

    Parameters
    ----------
    stages : sequence of (kernel size, stride)

    Returns
    -------
    int
        In pixels.

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
