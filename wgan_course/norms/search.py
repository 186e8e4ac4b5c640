"""Lower bounds of a network's Lipschitz constant, by search: gradients, pairs, ascent."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

_JITTER = 1e-6  # off the kinks, where automatic differentiation may return what is no gradient
_APART = 1e-3  # pairs that are closer than this share of the spread say more of rounding than of slope
_SAFETY = 1 - 1e-9  # rounds the lower bound down
_STRIDE = 0.1  # of the spread, for a step of the ascent

Function = Callable[[Tensor], Tensor]


def jacobian_norms(function: Function, x: Tensor, create_graph: bool = False) -> Tensor:
    r"""Spectral norm of a function's Jacobian at each point, (n,): :math:`\|\nabla f(x)\|` where f is real-valued.

    One backward for each output. Derived in chapter 4 (``thm-gradient-lipschitz``).

    Parameters
    ----------
    function : callable
        Maps (n, ...) to (n,) or (n, outputs), each sample by itself.
    x : Tensor, shape (n, ...)
    create_graph : bool
        Whether the norms can be differentiated again.
    """
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        outputs = function(x).reshape(len(x), -1).unbind(1)
        rows = [_row(y, x, create_graph or i + 1 < len(outputs), create_graph) for i, y in enumerate(outputs)]
        jacobian = torch.stack(rows, 1)
        return jacobian[:, 0].norm(dim=1) if len(rows) == 1 else torch.linalg.matrix_norm(jacobian, 2)


def _row(y: Tensor, x: Tensor, retain: bool, create_graph: bool) -> Tensor:
    if not y.requires_grad:
        return torch.zeros_like(x).flatten(1)
    (g,) = torch.autograd.grad(y.sum(), x, retain_graph=retain, create_graph=create_graph, materialize_grads=True)
    return g.flatten(1)


def pair_slopes(function: Function, x: Tensor, y: Tensor) -> Tensor:
    r"""Slopes between pairs of points, :math:`\|f(x)-f(y)\|/\|x-y\|`, shape (n,); used in chapter 4.

    Parameters
    ----------
    function : callable
        Maps (n, ...) to (n,) or (n, outputs).
    x : Tensor, shape (n, ...)
    y : Tensor, shape (n, ...)

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if x.shape != y.shape:
        raise ValueError(f"x and y must have the same shape, got {tuple(x.shape)} and {tuple(y.shape)}")
    rise = (function(x) - function(y)).reshape(len(x), -1).norm(dim=1)
    run = (x - y).flatten(1).norm(dim=1)
    return torch.where(run > 0, rise / run.clamp_min(torch.finfo(run.dtype).tiny), 0.0)


def evaluation_copy(network: nn.Module) -> nn.Module:
    """Copy a network, in float64 and evaluation mode, so that measuring changes nothing.

    Raises
    ------
    TypeError
        If it is no module.
    """
    if not isinstance(network, nn.Module):
        raise TypeError(f"network must be a torch.nn.Module, got {type(network).__name__}")
    return copy.deepcopy(network).double().eval().requires_grad_(False)


def lipschitz_lower(
    network: nn.Module, points: Tensor, rng: torch.Generator, steps: int = 30, labels: Tensor | None = None
) -> float:
    """Lower bound of a network's Lipschitz constant: the steepest slope that a search finds.

    It takes Jacobians at the points and between them, slopes of pairs, and an ascent on the Jacobian's norm (by its
    gradient where there is one, else at random). Computed in float64, in evaluation mode, on a copy. Derived in chapter
    4 (``thm-gradient-lipschitz``).

    Parameters
    ----------
    network : Module
        Maps (n, ...) to (n,) or (n, outputs).
    points : Tensor, shape (n, ...)
        Where the search starts; at least two.
    steps : int
        Steps of the ascent; 0 for none.
    labels : Tensor of int64, shape (n,), optional
        Classes of the points, for a conditional critic; a pair is compared under the first one's class.

    Raises
    ------
    ValueError
        If there are fewer than two points, a point is not finite, or `steps` is negative.
    """
    if points.ndim < 2 or len(points) < 2 or not bool(torch.isfinite(points).all()):
        raise ValueError(f"points must be at least two finite samples, got shape {tuple(points.shape)}")
    if steps < 0:
        raise ValueError(f"steps must be at least 0, got {steps}")
    network, x = evaluation_copy(network), points.detach().double()

    def function(z: Tensor) -> Tensor:
        return network(z) if labels is None else network(z, labels)

    spread = (x - x.mean(0)).flatten(1).norm(dim=1).max().clamp_min(1.0)
    other = x[torch.randperm(len(x), generator=rng, device=rng.device).to(x.device)]
    start = _mixed(x, other, rng) + _JITTER * spread * _unit_noise(x, rng)
    with parametrize.cached():  # weights that a constraint computes do not change during the search
        best = max(_steepest_pair(function, x, other, spread), float(_ascend(function, start, spread, steps, rng)))
    return best * _SAFETY


def _mixed(x: Tensor, other: Tensor, rng: torch.Generator) -> Tensor:
    """Move half of the points to somewhere between them and another."""
    share = torch.rand((len(x), *[1] * (x.ndim - 1)), generator=rng, device=rng.device, dtype=x.dtype).to(x.device)
    share[::2] = 0
    return x + share * (other - x)


def _unit_noise(x: Tensor, rng: torch.Generator) -> Tensor:
    noise = torch.randn(x.shape, generator=rng, device=rng.device, dtype=x.dtype).to(x.device)
    return _directions(noise)


def _directions(x: Tensor) -> Tensor:
    return x / x.flatten(1).norm(dim=1).clamp_min(1e-300).reshape(-1, *[1] * (x.ndim - 1))


def _steepest_pair(function: Function, x: Tensor, y: Tensor, spread: Tensor) -> float:
    far = (x - y).flatten(1).norm(dim=1) > _APART * spread
    slopes = pair_slopes(function, x, y)
    return float(slopes[far].max()) if bool(far.any()) else 0.0


def _ascend(function: Function, x: Tensor, spread: Tensor, steps: int, rng: torch.Generator) -> Tensor:
    """Climb: keep a step where the norm grew; the step's length shrinks as time goes on."""
    norms = jacobian_norms(function, x).detach()
    for step in range(steps):
        length = _STRIDE * spread * (1 - step / steps)
        trial = x + length * _climb(function, x, rng)
        reached = jacobian_norms(function, trial).detach()
        better = reached > norms
        x = torch.where(better.reshape(-1, *[1] * (x.ndim - 1)), trial, x)
        norms = torch.maximum(norms, reached)
    return norms.max()


def _climb(function: Function, x: Tensor, rng: torch.Generator) -> Tensor:
    """Direction of steepest ascent of the norm, plus noise, which is all there is for piecewise linear networks."""
    noise = _unit_noise(x, rng)
    x = x.detach().requires_grad_()
    norms = jacobian_norms(function, x, create_graph=True)
    if not norms.requires_grad:
        return noise
    (gradient,) = torch.autograd.grad(norms.sum(), x, materialize_grads=True)
    return _directions(_directions(gradient.nan_to_num()) + 0.3 * noise)
