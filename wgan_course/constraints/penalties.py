"""Constraints on the loss: gradient penalties and spectral regularisation, from small public functions.

The penalty of a WGAN-GP is four of them in a row: `interpolate`, `input_gradient`, `sample_norms`, `two_sided`.
"""

import warnings
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from wgan_course._checks import check_count, check_positive
from wgan_course.models.double_backward import cheap_double_backward, input_gradient_alone

from .base import Constraint, full_precision
from .layers import WeightLayer
from .spectral import PowerIteration, attach_power_iterations, held, power_iterations
from .together import Divide

COUPLING_TOLERANCE = 1e-4
NO_GRADIENT = (
    "the critic's score does not depend on its input through differentiable operations (is it detached, or computed "
    "under torch.no_grad?), so its gradient is not defined"
)
_LOOKED_AT: weakref.WeakKeyDictionary[Any, set[Any]] = weakref.WeakKeyDictionary()  # critic -> modes
Critic = Callable[..., Tensor]


class CoupledSamplesWarning(UserWarning):
    """One sample's score depends on another sample, so a gradient penalty per sample is not defined."""


def interpolate(real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """Return points on the segments between paired samples, x̂ = ε x + (1 − ε) x̃.

    Source: Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, section 4. Derived in chapter 6.

    Parameters
    ----------
    real : Tensor, shape (n, \\*)
    fake : Tensor, shape (n, \\*)
    epsilon : Tensor, shape (n,) or (n, 1, ...)
        One weight ε a sample.

    Raises
    ------
    ValueError
        If ε has not one entry a sample, or the samples differ in shape.
    """
    if real.shape != fake.shape:
        raise ValueError(f"real and fake must have the same shape, got {tuple(real.shape)} and {tuple(fake.shape)}")
    if epsilon.ndim == 0 or epsilon.numel() != len(real) or len(epsilon) != len(real):
        raise ValueError(
            f"epsilon must have one entry a sample, shape ({len(real)},), got {tuple(epsilon.shape)}: one ε for the "
            "whole batch samples a single slice of the segments"
        )
    epsilon = epsilon.to(real).reshape(-1, *[1] * (real.ndim - 1))
    return epsilon * real + (1 - epsilon) * fake.to(real.dtype)


def input_gradient(critic: Critic, x: Tensor, create_graph: bool = True, **conditioning: Any) -> Tensor:
    """Return the gradient ∇f(x) of each sample's score with respect to that sample.

    The scores are summed, not averaged, so that the gradient does not carry a factor 1/n (which would underflow in half
    precision). Inside ``torch.compile`` the gradient is taken with ``torch.func.grad``. Derived in chapter 6.

    Parameters
    ----------
    critic : Module or callable
        Maps a batch to one score a sample, of shape (n,) or (n, 1).
    x : Tensor, shape (n, \\*)
        Where the gradient is taken. It is detached: no gradient flows into whatever made it.
    create_graph : bool
        Whether the result can be differentiated again, with respect to the critic's weights.
    **conditioning
        Further arguments of the critic, by name.
    """
    gradient, scores, _ = _scored_gradient(critic, x, create_graph, conditioning)
    if scores is not None:
        refuse_static_graph(critic)
        refuse_single_use(scores, gradient)
    return gradient


def _scored_gradient(
    critic: Critic, x: Tensor, create_graph: bool, conditioning: dict[str, Any]
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return ∇f(x), and the scores and the point that it was taken of and at, or None for both in compiled code."""
    if torch.compiler.is_compiling():
        return torch.func.grad(lambda at: full_precision(critic(at, **conditioning)).sum())(x.detach()), None, None
    if torch.is_inference_mode_enabled():
        raise RuntimeError(
            "a gradient with respect to the input cannot be taken in torch.inference_mode: use torch.no_grad, in which "
            "the penalty is computed and carries no graph"
        )
    with torch.enable_grad(), cheap_double_backward():
        point = (x.clone() if x.is_inference() else x.detach()).requires_grad_(True)
        scores = critic(point, **conditioning)
        if not isinstance(scores, Tensor) or scores.numel() != len(point):
            got = tuple(scores.shape) if isinstance(scores, Tensor) else f"a {type(scores).__name__}"
            raise ValueError(
                f"the critic must return one score a sample, shape ({len(point)},) or ({len(point)}, 1), got {got}: "
                "average a map of scores over its places first"
            )
        if not scores.requires_grad:
            raise ValueError(NO_GRADIENT)
        total = scores.sum(dtype=torch.promote_types(scores.dtype, torch.float32))
        with input_gradient_alone():
            (gradient,) = torch.autograd.grad(
                total, point, create_graph=create_graph, retain_graph=True, allow_unused=True
            )
    if gradient is None:
        raise ValueError(NO_GRADIENT)
    return gradient, scores, point


def _look_once(critic: Any, gradient: Tensor, scores: Tensor, point: Tensor) -> None:
    """Look at a critic at its first use in each mode; a bound method is known by its object and function."""
    mode = (getattr(critic, "__func__", None), getattr(critic, "training", True))
    try:
        seen = _LOOKED_AT.setdefault(getattr(critic, "__self__", critic), set())
    except TypeError:  # it takes no weak reference: look each time
        seen = set()
    if (*mode, gradient.requires_grad) not in seen:
        refuse_static_graph(critic)
        refuse_single_use(scores, gradient)
        seen.add((*mode, gradient.requires_grad))
    if mode in seen or len(point) < 2 or point.is_meta:
        return
    seen.add(mode)
    if couples_samples(scores, point):
        warnings.warn(
            "the critic couples samples: the score of one depends on another (batch normalisation does that), so the "
            "gradient penalty, which is defined per sample, constrains something else. Use layer normalisation or none",
            CoupledSamplesWarning,
            stacklevel=4,
        )


def refuse_static_graph(critic: object) -> None:
    """Refuse a critic in DistributedDataParallel with a static graph.

    Raises
    ------
    RuntimeError
        If it is wrapped with ``static_graph=True``: with a penalty, gradients would silently never be synchronised.
    """
    parts = critic.modules() if isinstance(critic, nn.Module) else ()
    if any(isinstance(part, DistributedDataParallel) and part.static_graph for part in parts):
        raise RuntimeError(
            "DistributedDataParallel(static_graph=True) silently never synchronises the gradients of a critic that is "
            "differentiated with respect to its input: wrap the critic with static_graph=False, and take one "
            "backward of the sum of loss and penalty"
        )


def refuse_single_use(scores: Tensor, gradient: Tensor) -> None:
    """Refuse a gradient that is to be differentiated again and cannot be.

    Parameters
    ----------
    scores : Tensor, shape (n,)
        The critic's output, with its graph.
    gradient : Tensor, shape (n, \\*)
        Its gradient, with a graph or without.

    Raises
    ------
    RuntimeError
        If a compiled function is in the graph, or an operation whose backward has no derivative.
    """
    if not gradient.requires_grad:
        return
    if any(type(node).__name__ == "CompiledFunctionBackward" for node in graph_nodes(scores)):
        raise RuntimeError(
            "the critic was compiled by torch.compile, whose backward cannot be differentiated again, as a gradient "
            "penalty must: pass the critic that is not compiled (for a compiled module, its _orig_mod), or compile the "
            "penalty as a whole with constraints.penalties.compile_penalty(constraint, critic)"
        )
    if any(node.name() == "torch::autograd::NotImplemented" for node in graph_nodes(gradient)):
        raise RuntimeError(
            "the critic uses an operation whose backward cannot be differentiated again, as a gradient penalty must. "
            "Fused attention: run forward and backward within "
            "torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH). Recurrent layers on a GPU: within "
            "torch.backends.cudnn.flags(enabled=False)"
        )


def graph_nodes(output: Tensor) -> list[Any]:
    """List the nodes of an output's autograd graph, each once.

    Parameters
    ----------
    output : Tensor, any shape
    """
    seen: dict[Any, None] = {}
    stack: list[Any] = [output.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and node not in seen:
            seen[node] = None
            stack += [parent for parent, _ in node.next_functions]
    return list(seen)


def sample_norms(gradient: Tensor) -> Tensor:
    """Return each sample's Euclidean norm ‖∇f(x_i)‖₂, over all axes but the first.

    Why the norm is per sample is ``prop-unit-gradient-coupling``, derived in chapter 6.

    Parameters
    ----------
    gradient : Tensor, shape (n, \\*)
        One gradient a sample.

    Returns
    -------
    Tensor, shape (n,)
        In float32 or better. At a zero gradient its own derivative is 0, never NaN.
    """
    squares = squared_norms(gradient)
    positive = squares > 0
    return torch.where(positive, squares, 1.0).sqrt() * positive


def squared_norms(gradient: Tensor) -> Tensor:
    """Return each sample's squared norm ‖∇f(x_i)‖₂², shape (n,), in float32 or better.

    Parameters
    ----------
    gradient : Tensor, shape (n, \\*)
        One gradient a sample.
    """
    return full_precision(gradient).reshape(len(gradient), -1).square().sum(1)


def two_sided(norms: Tensor) -> Tensor:
    """Return (‖∇f‖ − 1)², a sample's two-sided penalty.

    Source: Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, equation 3. Derived in chapter 6.

    Parameters
    ----------
    norms : Tensor, shape (n,)
    """
    return (norms - 1).square()


def one_sided(norms: Tensor) -> Tensor:
    """Return max(0, ‖∇f‖ − 1)², a sample's one-sided penalty.

    Source: Petzka, Fischer, Lukovnicov, "On the regularization of Wasserstein GANs", 2018. Derived in chapter 6.

    Parameters
    ----------
    norms : Tensor, shape (n,)
    """
    return (norms - 1).relu().square()


def couples_samples(scores: Tensor, point: Tensor) -> bool:
    """Tell whether one sample's score depends on another sample.

    The parts compared are those whose number has a 1, or a 0, as its k-th binary digit, for each k: any two samples are
    apart in one of these splits, so groups of a few samples are found too. This is what batch normalisation does to a
    critic: ``prop-batch-norm-couples``, derived in chapter 6.

    Parameters
    ----------
    scores : Tensor, shape (n,) or (n, 1)
        The critic's scores at `point`, with their graph, which is kept.
    point : Tensor, shape (n, \\*)
        The batch, requiring a gradient.

    Returns
    -------
    bool
        True if the scores of one part of the batch have a gradient with respect to the other part. False for a batch of
        one, which cannot tell.
    """
    number = torch.arange(len(point), device=point.device)
    digits = [(number >> k) % 2 == 1 for k in range((len(point) - 1).bit_length())]
    return any(_leaves(scores, point, part) or _leaves(scores, point, ~part) for part in digits)


def _leaves(scores: Tensor, point: Tensor, part: Tensor) -> bool:
    """Tell whether the scores of a part of the batch depend on the rest."""
    chosen = part.to(scores.dtype).reshape(scores.shape)  # no new operation: the caller may be under torch.no_grad
    with input_gradient_alone():
        (gradient,) = torch.autograd.grad(scores, point, chosen, retain_graph=True, materialize_grads=True)
    size = gradient.detach().abs().reshape(len(point), -1).amax(1)
    return bool(size[~part].max() > COUPLING_TOLERANCE * size.max())


def _check_batches(**batches: Any) -> None:
    """Refuse batches at which no gradient can be taken, by their names."""
    for name, batch in batches.items():
        if not isinstance(batch, Tensor) or not batch.is_floating_point():
            got = batch.dtype if isinstance(batch, Tensor) else type(batch).__name__
            raise TypeError(f"{name} must be a floating-point tensor, got {got}")
        if batch.ndim == 0 or batch.numel() == 0:
            raise ValueError(f"{name} must hold at least one sample, got shape {tuple(batch.shape)}")
        if not torch.compiler.is_compiling() and batch.device.type == "cpu" and not batch.detach().isfinite().all():
            raise ValueError(f"{name} holds NaN or infinity: if it is the generator's output, training has diverged")


def _one_batch(real: Any, fake: Any) -> Tensor:
    _check_batches(real=real, fake=fake)
    if real.shape != fake.shape:
        raise ValueError(f"real and fake must have the same shape, got {tuple(real.shape)} and {tuple(fake.shape)}")
    return torch.cat((real, fake.to(real.dtype)))


def _draw(
    draw_from: Callable[..., Tensor], shape: tuple[int, ...], like: Tensor, rng: torch.Generator | None
) -> Tensor:
    """Draw random numbers on the generator's device and move them to a batch's."""
    if not isinstance(rng, torch.Generator):
        raise TypeError(f"rng must be a torch.Generator, got {rng!r}: a penalty never draws from the global state")
    dtype = torch.float64 if like.dtype == torch.float64 else torch.float32
    return draw_from(shape, generator=rng, device=rng.device, dtype=dtype).to(like, non_blocking=True)


class GradientPenalty(Constraint):
    """Two-sided gradient penalty on segments between paired real and generated samples (WGAN-GP).

    λ E (‖∇f(x̂)‖ − 1)² with x̂ = ε x + (1 − ε) x̃, one ε ~ U[0, 1] a sample. Derived in chapter 6.

    Under DDP pass the wrapped critic and take one backward of loss plus penalty. Under autocast the norm and the mean
    are taken in float32.

    Source: Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, algorithm 1.

    Parameters
    ----------
    weight : float
        The penalty's weight λ, 0 or more.
    """

    name = "gp"

    def __init__(self, weight: float = 10.0):
        check_positive("weight", weight, zero=True)
        self.weight = weight

    def penalty(
        self,
        critic: Critic,
        real: Tensor | None = None,
        fake: Tensor | None = None,
        rng: torch.Generator | None = None,
        *,
        epsilon: Tensor | None = None,
        **conditioning: Any,
    ) -> Tensor:
        """Return λ times the mean penalty, without a graph under ``torch.no_grad``; both batches are detached.

        Without ``epsilon``, shape (n,), one weight a sample is drawn from ``rng``.
        """
        with torch.no_grad():
            points = self.points(real, fake, rng, epsilon)
        gradient, scores, point = _scored_gradient(critic, points, torch.is_grad_enabled(), conditioning)
        if scores is not None and point is not None:
            _look_once(critic, gradient, scores, point)
        return self.weight * self.charge(gradient).mean()

    def points(self, real: Any, fake: Any, rng: torch.Generator | None, epsilon: Tensor | None) -> Tensor:
        """Return where the gradient is taken, shape (n, \\*)."""
        _check_batches(real=real, fake=fake)
        epsilon = _draw(torch.rand, (len(real),), real, rng) if epsilon is None else epsilon
        return interpolate(real, fake, epsilon)

    def charge(self, gradient: Tensor) -> Tensor:
        """Return what each sample's gradient, shape (n, \\*), is charged: shape (n,)."""
        return two_sided(sample_norms(gradient))


class OneSidedPenalty(GradientPenalty):
    """One-sided gradient penalty (WGAN-LP), λ E max(0, ‖∇f(x̂)‖ − 1)²: only norms above 1 are charged.

    Pairs drawn independently are not optimally coupled, so norms below 1 are right there. Derived in chapter 6
    (``prop-two-sided-minimiser``).

    Source: Petzka, Fischer, Lukovnicov, "On the regularization of Wasserstein GANs", 2018.

    Parameters
    ----------
    weight : float
        The penalty's weight λ, 0 or more.
    """

    name = "lp"

    def charge(self, gradient: Tensor) -> Tensor:
        """Charge norms above 1."""
        return one_sided(sample_norms(gradient))


class R1Penalty(GradientPenalty):
    """Zero-centred penalty on real samples: ½ γ E_P ‖∇f(x)‖²; with ``fakes``, plus R2, ½ γ E_Q ‖∇f(x̃)‖².

    It bounds no Lipschitz constant; it makes the Dirac-GAN converge (``prop-dirac-r1``, chapter 9). Needs no
    randomness.

    Source: Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?", 2018, equations 9 and
    10.

    Parameters
    ----------
    weight : float
        The penalty's weight γ, 0 or more.
    fakes : bool
        Charge generated samples too, as many as there are real ones.
    """

    name = "r1"

    def __init__(self, weight: float = 10.0, fakes: bool = False):
        super().__init__(weight)
        self.fakes = fakes

    def penalty(
        self,
        critic: Critic,
        real: Tensor | None = None,
        fake: Tensor | None = None,
        rng: torch.Generator | None = None,
        *,
        epsilon: Tensor | None = None,
        **conditioning: Any,
    ) -> Tensor:
        """Return the penalty on real samples, and on generated ones where these are charged too."""
        if self.fakes:
            real, fake = _one_batch(real, fake), None
            conditioning = {name: torch.cat((value, value)) for name, value in conditioning.items()}
        charged = super().penalty(critic, real, fake, rng, epsilon=epsilon, **conditioning)
        return 2 * charged if self.fakes else charged  # the sum of two means, of twice as many

    def points(self, real: Any, fake: Any, rng: torch.Generator | None, epsilon: Tensor | None) -> Tensor:
        """Return the real samples."""
        _check_batches(real=real)
        return real

    def charge(self, gradient: Tensor) -> Tensor:
        """Charge half the squared norm."""
        return 0.5 * squared_norms(gradient)


class DraganPenalty(GradientPenalty):
    """Two-sided gradient penalty around the real samples (DRAGAN).

    λ E (‖∇f(x + δ)‖ − 1)² with δ ~ N(0, (radius · std(x))²). Compared with the others in chapter 6.

    Source: Kodali, Abernethy, Hays, Kira, "On Convergence and Stability of GANs", 2017.

    Parameters
    ----------
    weight : float
        The penalty's weight λ, 0 or more.
    radius : float
        Standard deviation of the noise, above 0, in units of the batch's own standard deviation.
    """

    name = "dragan"

    def __init__(self, weight: float = 10.0, radius: float = 0.5):
        super().__init__(weight)
        check_positive("radius", radius)
        self.radius = radius

    def points(self, real: Any, fake: Any, rng: torch.Generator | None, epsilon: Tensor | None) -> Tensor:
        """Return the real samples with noise."""
        _check_batches(real=real)
        deviation = full_precision(real).std(correction=0).to(real.dtype)
        return real + self.radius * deviation * _draw(torch.randn, tuple(real.shape), real, rng)


class SpectralRegularisation(Constraint):
    """Penalty on the squared spectral norms of all weights: ½ λ Σ σ(W)².

    Its gradient is λ σ u vᵀ. It works on any network, a classifier too: data are not needed. Derived in chapter 8.

    Source: Yoshida, Miyato, "Spectral Norm Regularization for Improving the Generalizability of Deep Learning", 2017,
    equation 2.

    Parameters
    ----------
    weight : float
        The penalty's weight λ, 0 or more.
    """

    name = "spectral_regularisation"

    def __init__(self, weight: float = 0.1, steps: int = 1):
        check_positive("weight", weight, zero=True)
        check_count("steps", steps)
        self.weight, self.steps = weight, steps

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Give each layer the vectors u and v of its power iteration."""
        return attach_power_iterations(critic)

    def penalty(
        self,
        critic: Critic,
        real: Tensor | None = None,
        fake: Tensor | None = None,
        rng: torch.Generator | None = None,
        **conditioning: Any,
    ) -> Tensor:
        """Return ½ λ Σ σ(W)² of a prepared network, wrapped or not; samples are not used."""
        squares = [self._squared(layer, power) for layer, power in power_iterations(critic)]
        return 0.5 * self.weight * torch.stack(squares).sum()

    def _squared(self, layer: WeightLayer, power: PowerIteration) -> Tensor:
        iterating = torch.is_grad_enabled() and layer.training
        return power.sigma(layer.weight, self.steps if iterating else 0).square()


def compile_penalty(constraint: GradientPenalty, critic: nn.Module, **options: Any) -> Callable[..., Tensor]:
    """Compile a gradient penalty as a whole, where that is right.

    Parameters
    ----------
    constraint : GradientPenalty
        The penalty: ``gp``, ``lp`` or ``r1``.
    critic : Module
        The critic, not compiled itself. Its spectral normalisation takes no power iteration inside compiled code, where
        nothing can be changed during a gradient: the forwards of the critic's loss take it.

    Returns
    -------
    callable
        ``function(real, fake, epsilon) -> Tensor, shape ()``. Its first call also runs the critic uncompiled, to look
        at its graph; it raises a RuntimeError if the critic uses an autograd Function of its own: compiled together
        with the nested gradient, such a Function can give the right loss and a wrong gradient, silently.

    Raises
    ------
    TypeError
        If the constraint is no gradient penalty on given points: DRAGAN draws its own, from a generator that compiled
        code can't use.
    """
    if not isinstance(constraint, GradientPenalty) or isinstance(constraint, DraganPenalty):
        raise TypeError(f"constraint must be one of gp, lp and r1 to be compiled, got {constraint!r}")
    looked: list[bool] = []

    def of_batch(real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
        return constraint.penalty(critic, real, fake, epsilon=epsilon)

    compiled = torch.compile(of_batch, fullgraph=True, **options)

    def penalty(real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
        if not looked:
            _refuse_custom_functions(critic, real)
            constraint.penalty(critic, real, fake, epsilon=epsilon)  # looks for coupled samples
            looked.append(True)
        with held(critic), cheap_double_backward():
            return compiled(real, fake, epsilon)

    return penalty


def _refuse_custom_functions(critic: nn.Module, x: Tensor) -> None:
    """Refuse a critic with an autograd Function that is not built in."""
    gradient, scores, _ = _scored_gradient(critic, x, True, {})
    nodes = [node for output in (scores, gradient) if output is not None for node in graph_nodes(output)]
    own = [node for node in nodes if isinstance(node, torch.autograd.function.BackwardCFunction)]
    own = [node for node in own if not isinstance(node, Divide._backward_cls)]  # is never compiled
    if own:
        raise RuntimeError(
            f"the critic uses the autograd Function {type(own[0]).__name__.removesuffix('Backward')!r}: compiled, "
            "a gradient of a gradient through it can be wrong without a word. Write it with built-in operations, or "
            "leave the penalty uncompiled"
        )
