"""Upper bounds of a network's Lipschitz constant, layer by layer, and the interval that the truth lies in.

A module of your own takes part by one of three protocols: an attribute ``lipschitz`` (a number, for a module whose
constant does not depend on the input's shape); a method ``lipschitz_upper(in_shape) -> number``; or, for one map after
another, a method ``lipschitz_factors() -> list of Module``. The shape that it puts out is found by running it. A
subclass with another ``forward`` must say it again.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .convolution import conv_norm_bound, each
from .matrices import spectral_norm
from .search import evaluation_copy, lipschitz_lower

Shape = tuple[int, ...]
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, *_TRANSPOSED)
_GELU_SLOPE = 1.1289042165  # at x = sqrt(2): Phi(x) + x phi(x), rounded up
_GELU_TANH_SLOPE = 1.1290
_SILU_SLOPE = 1.0998393195  # rounded up
_SELU_SLOPE = 1.0507009873554805 * 1.6732632423543772

_CONSTANT: dict[type, float] = {
    nn.Identity: 1, nn.Flatten: 1, nn.Unflatten: 1, nn.Dropout: 1, nn.Dropout2d: 1, nn.ReLU: 1, nn.ReLU6: 1,
    nn.Tanh: 1, nn.Sigmoid: 0.25, nn.Softplus: 1, nn.Softsign: 1, nn.Hardtanh: 1, nn.LogSigmoid: 1, nn.PixelShuffle: 1,
    nn.PixelUnshuffle: 1, nn.ZeroPad2d: 1, nn.SiLU: _SILU_SLOPE, nn.SELU: _SELU_SLOPE,
}  # fmt: skip
_REFUSED = {
    nn.LayerNorm: "it divides by the sample's own spread, so its slope has no useful bound near constant inputs",
    nn.GroupNorm: "it divides by the sample's own spread, so its slope has no useful bound near constant inputs",
    nn.modules.batchnorm._BatchNorm: "it couples the samples of a batch, so the network is no function of one sample",
    nn.modules.instancenorm._InstanceNorm: "it divides by the sample's own spread, so it has no useful bound",
    nn.MultiheadAttention: "dot-product attention is not Lipschitz on the whole space",
}


class NoLipschitzBoundError(ValueError):
    """A layer has no bound by its type; the message names the layer and the reason. See chapter 4."""


def lipschitz_upper(network: nn.Module, in_shape: Sequence[int]) -> float:
    r"""Upper bound of a network's Lipschitz constant: the product of its layers' bounds.

    .. math:: \operatorname{Lip}(f_L\circ\dots\circ f_1)\le\prod_l\operatorname{Lip}(f_l)

    Computed in float64, in evaluation mode, on a copy. Linear layers by SVD, convolutions by `conv_norm_bound`,
    activations by their largest slope, a residual block by the sum of its paths. Derived in chapter 4
    (``prop-composition``, ``prop-dense-layer``, ``prop-activation``, ``prop-residual``).

    Parameters
    ----------
    network : Module
        Made of layers with a rule, or with the protocol of this module's docstring.
    in_shape : sequence of int
        Shape of one sample, without the batch.
    """
    return math.prod(bound for _, bound in layer_bounds(network, in_shape))


def layer_bounds(network: nn.Module, in_shape: Sequence[int]) -> list[tuple[str, float]]:
    """Return the factors of `lipschitz_upper`, in order; used in chapters 4 and 5.

    Returns
    -------
    list of (str, float)
        Type and bound of each layer of the outermost sequence.
    """
    network, shape, bounds = evaluation_copy(network), tuple(in_shape), []
    _refuse_hooks(network)
    with torch.no_grad():
        for layer in _sequence(network):
            bounds.append((type(layer).__name__, _bound(layer, shape)))
            shape = _out_shape(layer, shape)
    return bounds


def _sequence(network: Any) -> list[nn.Module]:
    """Open sequences, and modules that tell their factors, into layers."""
    if _declares(network, "lipschitz_factors"):
        return [inner for factor in network.lipschitz_factors() for inner in _sequence(factor)]
    if isinstance(network, nn.Sequential) and type(network).forward is nn.Sequential.forward:
        return [inner for layer in network for inner in _sequence(layer)]
    return [network]


def _declares(layer: nn.Module, name: str) -> bool:
    """Tell whether a protocol's name was given to this module, and not only to a base class with another forward."""
    if name in vars(layer):
        return True
    classes = type(layer).__mro__
    told = next((i for i, c in enumerate(classes) if name in vars(c)), len(classes))
    computes = next(i for i, c in enumerate(classes) if "forward" in vars(c))
    return told < len(classes) and told <= computes


def _refuse_hooks(network: nn.Module) -> None:
    """A hook, or a forward put on the instance, may change what a layer computes: its type says nothing then."""
    for name, part in network.named_modules():
        hooks = [*part._forward_hooks.values(), *part._forward_pre_hooks.values()]
        if "forward" in vars(part) or any(not getattr(hook, "changes_nothing", False) for hook in hooks):
            raise NoLipschitzBoundError(
                f"{type(part).__name__} {name!r} has a forward hook or a forward of its own on the instance, which may "
                "change its output: remove it"
            )


def _forward_is_known(layer: nn.Module) -> bool:
    """Tell PyTorch's and the course's own layers, also parametrised, from subclasses that compute something else."""
    return type(layer).forward.__module__.startswith(("torch.nn.", "wgan_course."))


def _out_shape(layer: nn.Module, shape: Shape) -> Shape:
    example = next(layer.parameters(), torch.zeros((), dtype=torch.float64))
    try:
        return tuple(layer(torch.zeros((1, *shape), dtype=torch.float64, device=example.device)).shape[1:])
    except (RuntimeError, ValueError, IndexError) as error:
        raise ValueError(f"in_shape: {type(layer).__name__} can't take samples of shape {shape}: {error}") from None


def _bound(layer: Any, shape: Shape) -> float:
    """Find the rule of one layer: protocol, table of constants, rule by type; else refuse."""
    if _declares(layer, "lipschitz_upper"):
        return float(layer.lipschitz_upper(shape))
    if _declares(layer, "lipschitz") and isinstance(layer.lipschitz, int | float):
        return float(layer.lipschitz)
    for kind, reason in _REFUSED.items():
        if isinstance(layer, kind):
            raise NoLipschitzBoundError(f"{type(layer).__name__} has no Lipschitz bound: {reason}; leave it out")
    if not _forward_is_known(layer):
        raise NoLipschitzBoundError(
            f"{type(layer).__name__} computes by a forward of its own, so no rule for what it inherits from holds: "
            "give it an attribute `lipschitz` or a method `lipschitz_upper(in_shape)`"
        )
    for kind, rule in _RULES.items():
        if isinstance(layer, kind):
            return float(rule(layer, shape))
    constants = [c for kind, c in _CONSTANT.items() if isinstance(layer, kind)]
    if constants:
        return float(constants[0])
    raise NoLipschitzBoundError(
        f"no rule for {type(layer).__name__}: give it an attribute `lipschitz` or a method `lipschitz_upper(in_shape)`"
    )


def _linear(layer: nn.Linear, _shape: Shape) -> Tensor:
    return spectral_norm(layer.weight)


def _convolution(layer: Any, shape: Shape) -> Tensor:
    names = ["stride", "padding", "dilation", "groups", "padding_mode"]
    geometry = {name: getattr(layer, name) for name in names}
    if isinstance(layer, _TRANSPOSED):
        geometry |= {"transposed": True, "output_padding": layer.output_padding}
    return conv_norm_bound(layer.weight, shape, **geometry)


def _leaky(layer: nn.LeakyReLU, _shape: Shape) -> float:
    return max(1.0, abs(layer.negative_slope))


def _prelu(layer: nn.PReLU, _shape: Shape) -> float:
    return max(1.0, float(layer.weight.abs().max()))


def _elu(layer: nn.ELU, _shape: Shape) -> float:
    return max(1.0, abs(layer.alpha))


def _gelu(layer: nn.GELU, _shape: Shape) -> float:
    return _GELU_SLOPE if layer.approximate == "none" else _GELU_TANH_SLOPE


def _max_pool(layer: Any, shape: Shape) -> float:
    """Square root of the number of windows that one pixel can win."""
    dims = len(shape) - 1
    options = zip(*(each(v, dims) for v in (layer.kernel_size, layer.stride, layer.dilation)), strict=True)
    counts = [max([d * t % s for t in range(k)].count(r) for r in range(s)) for k, s, d in options]
    return math.sqrt(math.prod(counts))


def _separable(line: Callable[[Tensor, int], Tensor], sizes: Sequence[int]) -> float:
    """Product over the axes of the norms of a map that acts on each axis alone."""
    return math.prod(
        float(spectral_norm(line(torch.eye(n, dtype=torch.float64)[:, None], i)[:, 0])) for i, n in enumerate(sizes)
    )


def _avg_pool(layer: Any, shape: Shape) -> float:
    kernel, stride, padding = (each(v, len(shape) - 1) for v in (layer.kernel_size, layer.stride, layer.padding))

    def line(x: Tensor, i: int) -> Tensor:
        return functional.avg_pool1d(x, kernel[i], stride[i], padding[i], layer.ceil_mode, layer.count_include_pad)

    override = getattr(layer, "divisor_override", None)
    if override and not layer.count_include_pad:
        raise NoLipschitzBoundError("no rule for average pooling with divisor_override and count_include_pad=False")
    return _separable(line, shape[1:]) * (math.prod(kernel) / override if override else 1)


def _adaptive(layer: Any, shape: Shape) -> float:
    sizes = each(layer.output_size, len(shape) - 1)
    return _separable(lambda x, i: functional.adaptive_avg_pool1d(x, sizes[i] or shape[1 + i]), shape[1:])


def _upsample(layer: nn.Upsample, shape: Shape) -> float:
    """Norm of repeating pixels; smooth interpolation acts on each axis alone too."""
    modes = {"nearest": "nearest", "bilinear": "linear", "linear": "linear", "trilinear": "linear"}
    if layer.mode not in modes:
        raise NoLipschitzBoundError(f"no rule for Upsample with mode {layer.mode!r}; use nearest or bilinear")
    out, mode = _out_shape(layer, shape)[1:], modes[layer.mode]
    corners: dict[str, Any] = {} if mode == "nearest" else {"align_corners": layer.align_corners}
    return _separable(lambda x, i: functional.interpolate(x, size=out[i], mode=mode, **corners), shape[1:])


_RULES: dict[type | tuple[type, ...], Callable[..., Tensor | float]] = {
    nn.Linear: _linear,
    _CONVOLUTIONS: _convolution,
    nn.LeakyReLU: _leaky,
    nn.PReLU: _prelu,
    nn.ELU: _elu,
    nn.GELU: _gelu,
    (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d): _max_pool,
    (nn.AvgPool1d, nn.AvgPool2d): _avg_pool,
    (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d): _adaptive,
    nn.Upsample: _upsample,
}


def lipschitz_interval(
    network: nn.Module, points: Tensor, rng: torch.Generator, steps: int = 30, labels: Tensor | None = None
) -> tuple[float, float]:
    """Interval that holds the network's Lipschitz constant: search from below, layers from above.

    Derived in chapter 4. It is for evaluation mode, and changes nothing in the network.

    Parameters
    ----------
    points : Tensor, shape (n, ...)
        Where the search starts; at least two.
    labels : Tensor of int64, shape (n,), optional
        Classes of the points, for a conditional critic.

    Returns
    -------
    lower : float
        A slope that the network has.
    upper : float
        A slope that it has not more than.
    """
    upper = lipschitz_upper(network, points.shape[1:])
    return lipschitz_lower(network, points, rng, steps=steps, labels=labels), upper
