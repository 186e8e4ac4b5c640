"""How steep a network is: an upper bound by layers, a lower bound by search, and the interval between them.

A module of one's own joins in by a method ``lipschitz_bound(child)``, which returns its bound as a float, where
``child(module)`` gives the bound of a module inside it. A residual block, say, returns
``child(self.shortcut) + child(self.branch)``.
"""

import copy
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from .convolution import conv_norm_bound


class LipschitzInterval(NamedTuple):
    """Bounds between which a network's Lipschitz constant lies (chapter 4).

    Parameters
    ----------
    lower : float
        Steepest slope that a search has found.
    upper : float
        Bound by layers.
    """

    lower: float
    upper: float


class UnboundedLayerError(ValueError):
    """A layer has no useful Lipschitz constant, or none that is known."""


def lipschitz_upper(network: nn.Module, in_shape: Sequence[int]) -> float:
    r"""Upper bound on a network's Lipschitz constant: the product of its layers' bounds.

    .. math:: \operatorname{Lip}(f_L\circ\dots\circ f_1)\le\prod_l\operatorname{Lip}(f_l)

    Derived in chapter 4 (`prop-composition`). Usually far above the truth: layers do not stretch most along the same
    direction.

    Parameters
    ----------
    network : Module
        Taken as in evaluation mode; left as it was.
    in_shape : sequence of int
        Shape of one input, without the batch.

    Returns
    -------
    float
        Not below the Lipschitz constant, in Euclidean norms.

    Raises
    ------
    UnboundedLayerError
        If a layer is unbounded (normalisation by statistics) or unknown, with the reason and what to do.
    """
    frozen = copy.deepcopy(network).double().eval()
    shapes = _record_shapes(frozen, in_shape)

    def bound(module: nn.Module) -> float:
        return _bound(module, bound, shapes)

    with torch.no_grad():
        return bound(frozen)


def lipschitz_lower(
    network: Callable[[Tensor], Tensor], points: Tensor, rng: Generator | None = None, steps: int = 50
) -> float:
    r"""Lower bound on a function's Lipschitz constant: the steepest slope that a search finds.

    Takes the largest of the gradient norms at the points, of the quotients
    :math:`\|f(x)-f(y)\|/\|x-y\|` over pairs, and of the quotients after gradient ascent on both ends (chapter 4).

    Parameters
    ----------
    network : Module or callable
        Maps (n, \*) to one number a sample, or a vector; a module is taken in evaluation mode and in float64.
    points : Tensor, shape (n, \*)
        Where to begin.
    rng : torch.Generator, optional
        Draws the pairs; seeded with 0 by default.
    steps : int
        Steps of ascent; 0 for none.

    Returns
    -------
    float
        Not above the Lipschitz constant, up to rounding.

    Raises
    ------
    ValueError
        If there are fewer than two points, or they are not finite.
    """
    if points.ndim < 2 or points.shape[0] < 2 or not bool(torch.isfinite(points).all()):
        raise ValueError(f"points must be at least two finite inputs, got shape {tuple(points.shape)}")
    function = copy.deepcopy(network).double().eval() if isinstance(network, nn.Module) else network
    start = points.detach().double() if isinstance(network, nn.Module) else points.detach()
    rng = rng if rng is not None else torch.Generator().manual_seed(0)
    partners = start[torch.randperm(len(start), generator=rng, device=rng.device).to(start.device)]
    x, y = _climb(function, start, torch.where(_same(start, partners), start.roll(1, 0), partners), steps)
    found = [_jacobian_norms(function, torch.cat([start, x, y])), _quotients(function, start, partners)]
    return float(torch.cat([*found, _quotients(function, x, y)]).max())


def lipschitz_interval(
    network: nn.Module, points: Tensor, rng: Generator | None = None, steps: int = 50
) -> LipschitzInterval:
    """Interval that holds a network's Lipschitz constant (chapter 4).

    Parameters
    ----------
    network : Module
        Taken in evaluation mode; left as it was.
    points : Tensor, shape (n, \\*)
        Where the search for the lower bound begins.
    rng : torch.Generator, optional
        Draws the pairs of the search.
    steps : int
        Steps of ascent.

    Returns
    -------
    LipschitzInterval
        Lower and upper bound.

    Raises
    ------
    ValueError
        As `lipschitz_lower` and `lipschitz_upper`.
    """
    lower = lipschitz_lower(network, points, rng, steps)
    return LipschitzInterval(lower, lipschitz_upper(network, points.shape[1:]))


_SLOPES: dict[type[nn.Module], float] = {  # largest |slope| of each activation
    nn.Identity: 1.0,
    nn.ReLU: 1.0,
    nn.ReLU6: 1.0,
    nn.Hardtanh: 1.0,
    nn.Tanh: 1.0,
    nn.Tanhshrink: 1.0,
    nn.Softsign: 1.0,
    nn.Softplus: 1.0,
    nn.LogSigmoid: 1.0,
    nn.Sigmoid: 0.25,
    nn.Hardsigmoid: 1 / 6,
    nn.CELU: 1.0,
    nn.GELU: 1.13,  # 1.1290 at √2, and a little more for the tanh form
    nn.SiLU: 1.09984,
    nn.Mish: 1.08850,
    nn.SELU: 1.75810,
    nn.Hardswish: 1.5,
    nn.Flatten: 1.0,
    nn.Unflatten: 1.0,
    nn.Dropout: 1.0,
    nn.PixelShuffle: 1.0,
    nn.PixelUnshuffle: 1.0,
    nn.ZeroPad2d: 1.0,
    nn.ConstantPad2d: 1.0,
}
_REFUSED = {
    nn.modules.batchnorm._NormBase: "its statistics couple the samples of a batch, so it is no function of one input",
    nn.LayerNorm: "it divides by a deviation that may be as small as its eps, so its slope is bounded by 1/√eps only",
    nn.GroupNorm: "it divides by a deviation that may be as small as its eps, so its slope is bounded by 1/√eps only",
    nn.MultiheadAttention: "dot-product attention is not Lipschitz on unbounded inputs",
}
Shapes = dict[nn.Module, tuple[tuple[int, ...], tuple[int, ...]]]


def _bound(module: nn.Module, child: Callable[[nn.Module], float], shapes: Shapes) -> float:
    if hasattr(module, "lipschitz_bound"):
        return float(module.lipschitz_bound(child))
    if isinstance(module, nn.Sequential):
        return math.prod(child(layer) for layer in module)
    for kind, reason in _REFUSED.items():
        if isinstance(module, kind):
            raise UnboundedLayerError(f"{type(module).__name__} has no useful Lipschitz bound: {reason}; leave it out")
    for kind, rule in _RULES.items():
        if isinstance(module, kind):
            return float(rule(module, *shapes.get(module, ((), ()))))
    for kind, slope in _SLOPES.items():
        if isinstance(module, kind):
            return slope
    raise UnboundedLayerError(f"no bound is known for {type(module).__name__}: give it a method lipschitz_bound(child)")


def _linear(layer: nn.Linear, before: tuple, after: tuple) -> Tensor:
    return torch.linalg.matrix_norm(layer.weight, 2)


def _convolution(layer: nn.Module, before: tuple, after: tuple) -> Tensor:
    if layer.padding_mode not in ("zeros", "circular"):
        raise UnboundedLayerError(f"no bound is known for padding mode {layer.padding_mode!r}: use zeros or circular")
    # strides leave outputs out: what the layer would give without them decides how often a pixel is repeated
    unstrided = (after[0], *(m * s for m, s in zip(after[1:], layer.stride, strict=True)))
    out_shape = unstrided if layer.padding_mode == "circular" else after
    return conv_norm_bound(
        layer.weight, before, layer.dilation, layer.groups, layer.transposed, out_shape, layer.padding_mode
    )


def _visits(layer: nn.Module) -> int:
    """In how many windows one pixel of a pooled image can lie."""
    sizes = zip(_pair(layer.kernel_size), _pair(layer.stride), strict=True)
    return math.prod(-(-kernel // stride) for kernel, stride in sizes)


def _average_pool(layer: nn.AvgPool2d, before: tuple, after: tuple) -> float:
    # ‖A‖₂² ≤ ‖A‖₁ ‖A‖_∞: columns sum to visits/taps, rows to at most 1
    return math.sqrt(_visits(layer) / math.prod(_pair(layer.kernel_size)))


def _adaptive_average_pool(layer: nn.AdaptiveAvgPool2d, before: tuple, after: tuple) -> float:
    ratios = [n / m for n, m in zip(before[1:], after[1:], strict=True)]
    if any(ratio != int(ratio) for ratio in ratios):
        raise UnboundedLayerError(f"adaptive pooling from {before} to {after} overlaps; use sizes that divide")
    return 1 / math.sqrt(math.prod(ratios))


def _max_pool(layer: nn.MaxPool2d, before: tuple, after: tuple) -> float:
    return (
        math.sqrt(_visits(layer)) if _pair(layer.dilation) == (1, 1) else math.sqrt(math.prod(_pair(layer.kernel_size)))
    )


def _nearest(layer: nn.Upsample, before: tuple, after: tuple) -> float:
    if layer.mode != "nearest":
        raise UnboundedLayerError(f"no bound is known for upsampling by {layer.mode!r}: use 'nearest'")
    return math.sqrt(math.prod(-(-m // n) for n, m in zip(before[1:], after[1:], strict=True)))


_RULES: dict[type[nn.Module], Callable[..., Tensor | float]] = {
    nn.Linear: _linear,
    nn.modules.conv._ConvNd: _convolution,
    nn.AvgPool2d: _average_pool,
    nn.AdaptiveAvgPool2d: _adaptive_average_pool,
    nn.MaxPool2d: _max_pool,
    nn.Upsample: _nearest,
    nn.LeakyReLU: lambda layer, *_: max(1.0, abs(layer.negative_slope)),
    nn.ELU: lambda layer, *_: max(1.0, abs(layer.alpha)),
    nn.PReLU: lambda layer, *_: max(1.0, float(layer.weight.abs().max())),
}


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _record_shapes(network: nn.Module, in_shape: Sequence[int]) -> Shapes:
    shapes: Shapes = {}

    def record(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        shapes[module] = (tuple(inputs[0].shape[1:]), tuple(output.shape[1:]))

    kinds = (nn.modules.conv._ConvNd, nn.AdaptiveAvgPool2d, nn.Upsample)
    hooks = [module.register_forward_hook(record) for module in network.modules() if isinstance(module, kinds)]
    if hooks:
        parameter = next(network.parameters(), torch.zeros((), dtype=torch.float64))
        with torch.no_grad():
            network(torch.zeros(2, *in_shape, dtype=torch.float64, device=parameter.device))
    for hook in hooks:
        hook.remove()
    return shapes


def _same(x: Tensor, y: Tensor) -> Tensor:
    return (x == y).flatten(1).all(1).reshape(-1, *[1] * (x.ndim - 1))


def _quotients(function: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    rise = (function(x) - function(y)).reshape(len(x), -1).norm(dim=1)
    run = (x - y).flatten(1).norm(dim=1)
    scale = 1e-6 * (1 + x.flatten(1).norm(dim=1))  # nearer pairs would measure rounding
    return torch.where(run > scale, rise / run.clamp_min(1e-300), 0.0).detach()


def _climb(function: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    if steps == 0:
        return x, y
    ends = [x.clone().requires_grad_(True), y.clone().requires_grad_(True)]
    optimizer = torch.optim.Adam(ends, lr=0.05 * float(x.std(correction=0) + 1e-3))
    for _ in range(steps):
        rise = (function(ends[0]) - function(ends[1])).reshape(len(x), -1).norm(dim=1)
        slope = rise / ((ends[0] - ends[1]).flatten(1).norm(dim=1) + 1e-6)
        for end, gradient in zip(ends, torch.autograd.grad(-slope.sum(), ends), strict=True):
            end.grad = gradient.nan_to_num()
        optimizer.step()
    return ends[0].detach(), ends[1].detach()


def _jacobian_norms(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    x = x.clone().requires_grad_(True)
    outputs = function(x).reshape(len(x), -1)
    rows = [torch.autograd.grad(column.sum(), x, retain_graph=True)[0].flatten(1) for column in outputs.unbind(1)]
    return torch.linalg.matrix_norm(torch.stack(rows, 1), 2).detach()
