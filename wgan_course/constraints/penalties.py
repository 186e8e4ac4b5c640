"""Constraints on the loss: gradient penalties and spectral regularisation, from small public functions.

The penalty of a WGAN-GP is four of them in a row: `interpolate`, `input_gradient`, `gradient_norms`, `two_sided`.
"""

import warnings
import weakref
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from .base import Constraint, check_count, check_positive
from .spectral import attach_power_iterations, held, power_iterations

COUPLING_TOLERANCE = 1e-4
NO_GRADIENT = (
    "the critic's score does not depend on its input through differentiable operations (is it detached, or computed "
    "under torch.no_grad?), so its gradient is not defined"
)
_CHECKED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # critic -> modes in which it was looked at


class CoupledSamplesWarning(UserWarning):
    """One sample's score depends on another sample, so a gradient penalty per sample is not defined."""


def interpolate(real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """Return points on the segments between paired samples.

    Parameters
    ----------
    real : Tensor, shape (n, \\*)
        Real samples x.
    fake : Tensor, shape (n, \\*)
        Generated samples x̃.
    epsilon : Tensor, shape (n,) or (n, 1, ...)
        One weight ε a sample.

    Returns
    -------
    Tensor, shape (n, \\*)
        x̂ = ε x + (1 − ε) x̃.

    Raises
    ------
    ValueError
        If ε has not one entry a sample, or the samples differ in shape.

    References
    ----------
    Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, section 4. Derived in chapter 6.
    """
    if real.shape != fake.shape:
        raise ValueError(f"real and fake must have the same shape, got {tuple(real.shape)} and {tuple(fake.shape)}")
    if epsilon.ndim == 0 or epsilon.numel() != len(real) or len(epsilon) != len(real):
        raise ValueError(
            f"epsilon must have one entry a sample, shape ({len(real)},), got {tuple(epsilon.shape)}: one ε for the "
            "whole batch samples a single slice of the segments"
        )
    epsilon = epsilon.to(real).reshape(-1, *[1] * (real.ndim - 1))
    return epsilon * real + (1 - epsilon) * fake


def input_gradient(critic: Callable[..., Tensor], x: Tensor, create_graph: bool = True, **conditioning) -> Tensor:
    """Return the gradient of each sample's score with respect to that sample.

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

    Returns
    -------
    Tensor, shape (n, \\*)
        ∇f(x), in the data type of x.

    Raises
    ------
    ValueError
        If there is not one score a sample, or the score does not depend on x.
    RuntimeError
        If the critic is compiled, or wrapped for a static graph, or in inference mode: all are refused with the cure.

    Notes
    -----
    The scores are summed, not averaged, so that the gradient does not carry a factor 1/n (which would underflow in half
    precision). Inside ``torch.compile`` the gradient is taken with ``torch.func.grad``. Derived in chapter 6.
    """
    refuse_static_graph(critic)
    if torch.compiler.is_compiling():
        return _compiled_gradient(critic, x, conditioning)
    return _gradient_at(critic, x, create_graph, conditioning)[0]


def _compiled_gradient(critic: Callable[..., Tensor], x: Tensor, conditioning: dict) -> Tensor:
    return torch.func.grad(lambda point: critic(point, **conditioning).float().sum())(x.detach())


def _gradient_at(critic, x: Tensor, create_graph: bool, conditioning: dict) -> tuple[Tensor, Tensor, Tensor]:
    """Gradient, and the point and the scores that it was taken at."""
    _refuse_inference_mode()
    with torch.enable_grad():
        point = (x.clone() if x.is_inference() else x.detach()).requires_grad_(True)
        scores = critic(point, **conditioning)
        _check_scores(scores, point)
        if create_graph:
            refuse_compiled(scores)
        (gradient,) = torch.autograd.grad(
            _full_precision(scores).sum(), point, create_graph=create_graph, retain_graph=True, allow_unused=True
        )
    if gradient is None:
        raise ValueError(NO_GRADIENT)
    return gradient, point, scores


def _full_precision(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _refuse_inference_mode() -> None:
    if torch.is_inference_mode_enabled():
        raise RuntimeError(
            "a gradient with respect to the input cannot be taken in torch.inference_mode: use torch.no_grad, in which "
            "the penalty is computed and carries no graph"
        )


def _check_scores(scores: Tensor, point: Tensor) -> None:
    got = tuple(scores.shape) if isinstance(scores, Tensor) else f"a {type(scores).__name__}"
    if not isinstance(scores, Tensor) or scores.numel() != len(point):
        raise ValueError(
            f"the critic must return one score a sample, shape ({len(point)},) or ({len(point)}, 1), got {got}: "
            "average a map of scores over its places first"
        )
    if not scores.requires_grad:
        raise ValueError(NO_GRADIENT)


def refuse_static_graph(critic: object) -> None:
    """Refuse a critic in DistributedDataParallel with a static graph.

    Parameters
    ----------
    critic : Module or callable
        The critic as the penalty gets it.

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


def refuse_compiled(scores: Tensor) -> None:
    """Refuse scores that come out of compiled code which cannot be differentiated twice.

    Parameters
    ----------
    scores : Tensor, shape (n,)
        The critic's output, with its graph.

    Raises
    ------
    RuntimeError
        If a compiled function is in the graph.
    """
    if any(type(node).__name__ == "CompiledFunctionBackward" for node in graph_nodes(scores)):
        raise RuntimeError(
            "the critic was compiled by torch.compile, whose backward cannot be differentiated again, as a gradient "
            "penalty must: pass the critic that is not compiled (for a compiled module, its _orig_mod), or compile the "
            "penalty as a whole with constraints.penalties.compile_penalty(constraint, critic)"
        )


def graph_nodes(output: Tensor) -> list:
    """List the nodes of an output's autograd graph.

    Parameters
    ----------
    output : Tensor, any shape
        A tensor with a graph.

    Returns
    -------
    list of Node
        Each node once.
    """
    seen, stack = {}, [output.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and node not in seen:
            seen[node] = None
            stack += [parent for parent, _ in node.next_functions]
    return list(seen)


def gradient_norms(gradient: Tensor) -> Tensor:
    """Return each sample's Euclidean gradient norm, over all axes but the first.

    Parameters
    ----------
    gradient : Tensor, shape (n, \\*)
        One gradient a sample.

    Returns
    -------
    Tensor, shape (n,)
        ‖∇f(x_i)‖₂, in float32 or better. At a zero gradient its own derivative is 0, never NaN.

    Notes
    -----
    Derived in chapter 6; why the norm is per sample is ``prop-unit-gradient-coupling``.
    """
    squares = squared_norms(gradient)
    positive = squares > 0
    return torch.where(positive, squares, 1.0).sqrt() * positive


def squared_norms(gradient: Tensor) -> Tensor:
    """Return each sample's squared gradient norm.

    Parameters
    ----------
    gradient : Tensor, shape (n, \\*)
        One gradient a sample.

    Returns
    -------
    Tensor, shape (n,)
        ‖∇f(x_i)‖₂², in float32 or better.
    """
    return _full_precision(gradient).reshape(len(gradient), -1).square().sum(1)


def two_sided(norms: Tensor) -> Tensor:
    """Return (‖∇f‖ − 1)², a sample's two-sided penalty.

    Parameters
    ----------
    norms : Tensor, shape (n,)
        Gradient norms.

    Returns
    -------
    Tensor, shape (n,)
        One penalty a sample.

    References
    ----------
    Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, equation 3. Derived in chapter 6.
    """
    return (norms - 1).square()


def one_sided(norms: Tensor) -> Tensor:
    """Return max(0, ‖∇f‖ − 1)², a sample's one-sided penalty.

    Parameters
    ----------
    norms : Tensor, shape (n,)
        Gradient norms.

    Returns
    -------
    Tensor, shape (n,)
        One penalty a sample.

    References
    ----------
    Petzka, Fischer, Lukovnicov, "On the regularization of Wasserstein GANs", 2018. Derived in chapter 6.
    """
    return (norms - 1).relu().square()


def couples_samples(scores: Tensor, point: Tensor) -> bool:
    """Tell whether one sample's score depends on another sample.

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

    Notes
    -----
    The parts are those whose number has a 1, or a 0, as its k-th binary digit, for each k: any two samples are apart in
    one of these splits, so groups of a few samples are found too. This is what batch normalisation does to a critic:
    ``prop-batch-norm-couples``, derived in chapter 6.
    """
    number = torch.arange(len(point), device=point.device)
    digits = [(number >> k) % 2 == 1 for k in range((len(point) - 1).bit_length())]
    return any(_leaves(scores, point, part) or _leaves(scores, point, ~part) for part in digits)


def _leaves(scores: Tensor, point: Tensor, part: Tensor) -> bool:
    """Tell whether the scores of a part of the batch depend on the rest."""
    chosen = part.to(scores.dtype).reshape(scores.shape)  # no new operation: the caller may be under torch.no_grad
    (gradient,) = torch.autograd.grad(scores, point, chosen, retain_graph=True, materialize_grads=True)
    size = gradient.detach().abs().reshape(len(point), -1).amax(1)
    return bool(size[~part].max() > COUPLING_TOLERANCE * size.max())


def _warn_once_if_coupled(critic: object, owner: object, scores: Tensor, point: Tensor) -> None:
    key, mode = (critic, critic.training) if isinstance(critic, nn.Module) else (owner, True)
    seen = _CHECKED.setdefault(key, set())
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


def check_batch(name: str, batch: Tensor) -> None:
    """Refuse a batch at which no gradient can be taken.

    Parameters
    ----------
    name : str
        What the batch is called.
    batch : Tensor, shape (n, \\*)
        Samples.

    Raises
    ------
    TypeError
        If it is no floating-point tensor.
    ValueError
        If it is empty, or holds NaN or infinity. That is looked at on the CPU only: on an accelerator the question
        would make every step wait, and a NaN there reaches the loss.
    """
    if not isinstance(batch, Tensor) or not batch.is_floating_point():
        got = batch.dtype if isinstance(batch, Tensor) else type(batch).__name__
        raise TypeError(f"{name} must be a floating-point tensor, got {got}")
    if batch.ndim == 0 or batch.numel() == 0:
        raise ValueError(f"{name} must hold at least one sample, got shape {tuple(batch.shape)}")
    if not torch.compiler.is_compiling() and batch.device.type == "cpu" and not batch.detach().isfinite().all():
        raise ValueError(f"{name} holds NaN or infinity: if it is the generator's output, training has diverged")


def check_pair(real: Tensor, fake: Tensor) -> None:
    """Refuse batches that cannot be paired sample by sample.

    Parameters
    ----------
    real : Tensor, shape (n, \\*)
        Real samples.
    fake : Tensor, shape (n, \\*)
        Generated samples.

    Raises
    ------
    TypeError
        If one is no floating-point tensor.
    ValueError
        If shapes differ, or a batch is empty or not finite.
    """
    check_batch("real", real)
    check_batch("fake", fake)
    if real.shape != fake.shape:
        raise ValueError(
            f"real and fake must have the same shape to be paired, got {tuple(real.shape)} and {tuple(fake.shape)}"
        )


def draw(draw_from: Callable[..., Tensor], shape: tuple[int, ...], like: Tensor, rng: torch.Generator | None) -> Tensor:
    """Draw random numbers on the generator's device and move them to a batch's.

    Parameters
    ----------
    draw_from : callable
        ``torch.rand`` or ``torch.randn``.
    shape : tuple of int
        The shape to draw.
    like : Tensor, any shape
        Tells device and data type.
    rng : torch.Generator
        The only source of randomness.

    Returns
    -------
    Tensor, shape `shape`
        The numbers.

    Raises
    ------
    TypeError
        If there is no generator.
    """
    if not isinstance(rng, torch.Generator):
        raise TypeError(f"rng must be a torch.Generator, got {rng!r}: a penalty never draws from the global state")
    dtype = torch.float64 if like.dtype == torch.float64 else torch.float32
    return draw_from(shape, generator=rng, device=rng.device, dtype=dtype).to(like, non_blocking=True)


class GradientPenalty(Constraint):
    """Two-sided gradient penalty on segments between paired real and generated samples (WGAN-GP).

    Parameters
    ----------
    weight : float
        The penalty's weight λ.

    Raises
    ------
    ValueError
        If the weight is negative.

    Notes
    -----
    λ E (‖∇f(x̂)‖ − 1)² with x̂ = ε x + (1 − ε) x̃, one ε ~ U[0, 1] a sample. Derived in chapter 6. Under DDP pass the
    wrapped critic and take one backward of loss plus penalty. Under autocast the norm and the mean are taken in
    float32.

    References
    ----------
    Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, algorithm 1.
    """

    name = "gp"

    def __init__(self, weight: float = 10.0):
        check_positive("weight", weight, zero=True)
        self.weight = weight

    def penalty(
        self, critic, real=None, fake=None, rng=None, *, epsilon: Tensor | None = None, **conditioning
    ) -> Tensor:
        """Return λ times the mean penalty.

        Parameters
        ----------
        critic : Module or callable
            Maps a batch to one score a sample.
        real : Tensor, shape (n, \\*)
            Real samples; detached here.
        fake : Tensor, shape (n, \\*)
            Generated samples; detached here, so that no gradient reaches the generator.
        rng : torch.Generator
            Draws ε; not needed where `epsilon` is given.
        epsilon : Tensor, shape (n,)
            One weight a sample.
        **conditioning
            Further arguments of the critic, by name, such as ``labels``.

        Returns
        -------
        Tensor, shape ()
            The penalty; without a graph under ``torch.no_grad``.

        Raises
        ------
        TypeError
            If a batch is no floating-point tensor, or there is neither `rng` nor `epsilon`.
        ValueError
            If the batches cannot be paired, are empty or not finite, or the critic gives not one score a sample.
        RuntimeError
            If the critic is compiled, or wrapped for a static graph.
        """
        points = self._points(real, fake, rng, epsilon)
        return self.weight * self._of_gradient(self._gradient(critic, points, conditioning)).mean()

    def _points(self, real: Tensor, fake: Tensor, rng, epsilon: Tensor | None) -> Tensor:
        check_pair(real, fake)
        real, fake = real.detach(), fake.detach()
        epsilon = draw(torch.rand, (len(real),), real, rng) if epsilon is None else epsilon
        return interpolate(real, fake.to(real.dtype), epsilon)

    def _gradient(self, critic, points: Tensor, conditioning: dict) -> Tensor:
        refuse_static_graph(critic)
        if torch.compiler.is_compiling():
            return _compiled_gradient(critic, points, conditioning)
        gradient, point, scores = _gradient_at(critic, points, torch.is_grad_enabled(), conditioning)
        _warn_once_if_coupled(critic, self, scores, point)
        return gradient

    def _of_gradient(self, gradient: Tensor) -> Tensor:
        return two_sided(gradient_norms(gradient))


class OneSidedPenalty(GradientPenalty):
    """One-sided gradient penalty (WGAN-LP): only norms above 1 are charged.

    Parameters
    ----------
    weight : float
        The penalty's weight λ.

    Raises
    ------
    ValueError
        If the weight is negative.

    Notes
    -----
    λ E max(0, ‖∇f(x̂)‖ − 1)². Pairs drawn independently are not optimally coupled, so norms below 1 are right there.
    Derived in chapter 6 (``prop-two-sided-minimiser``).

    References
    ----------
    Petzka, Fischer, Lukovnicov, "On the regularization of Wasserstein GANs", 2018.
    """

    name = "lp"

    def _of_gradient(self, gradient: Tensor) -> Tensor:
        return one_sided(gradient_norms(gradient))


class R1Penalty(GradientPenalty):
    """Zero-centred penalty on real samples: ½ γ E_P ‖∇f(x)‖².

    Parameters
    ----------
    weight : float
        The penalty's weight γ.

    Raises
    ------
    ValueError
        If the weight is negative.

    Notes
    -----
    It bounds no Lipschitz constant; it makes the Dirac-GAN converge (``prop-dirac-r1``, chapter 9). Needs no
    randomness.

    References
    ----------
    Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?", 2018, equation 9.
    """

    name = "r1"

    def _points(self, real: Tensor, fake: Tensor, rng, epsilon) -> Tensor:
        check_batch("real", real)
        return real

    def _of_gradient(self, gradient: Tensor) -> Tensor:
        return 0.5 * squared_norms(gradient)


class DraganPenalty(GradientPenalty):
    """Two-sided gradient penalty around the real samples (DRAGAN).

    Parameters
    ----------
    weight : float
        The penalty's weight λ.
    radius : float
        Standard deviation of the noise, in units of the batch's own standard deviation.

    Raises
    ------
    ValueError
        If the weight is negative, or the radius not positive.

    Notes
    -----
    λ E (‖∇f(x + δ)‖ − 1)² with δ ~ N(0, (radius · std(x))²). Compared with the others in chapter 6.

    References
    ----------
    Kodali, Abernethy, Hays, Kira, "On Convergence and Stability of GANs", 2017.
    """

    name = "dragan"

    def __init__(self, weight: float = 10.0, radius: float = 0.5):
        super().__init__(weight)
        check_positive("radius", radius)
        self.radius = radius

    def _points(self, real: Tensor, fake: Tensor, rng, epsilon) -> Tensor:
        check_batch("real", real)
        real = real.detach()
        deviation = _full_precision(real).std(correction=0).to(real.dtype)
        return real + self.radius * deviation * draw(torch.randn, tuple(real.shape), real, rng)


class SpectralRegularisation(Constraint):
    """Penalty on the squared spectral norms of all weights: ½ λ Σ σ(W)².

    Parameters
    ----------
    weight : float
        The penalty's weight λ.
    steps : int
        Power-iteration steps each time, warm-started.

    Raises
    ------
    ValueError
        If the weight is negative, or there are no steps.

    Notes
    -----
    Its gradient is λ σ u vᵀ. It works on any network, a classifier too: data are not needed. Derived in chapter 8.

    References
    ----------
    Yoshida, Miyato, "Spectral Norm Regularization for Improving the Generalizability of Deep Learning", 2017, equation
    2.
    """

    name = "spectral_regularisation"

    def __init__(self, weight: float = 0.1, steps: int = 1):
        check_positive("weight", weight, zero=True)
        check_count("steps", steps)
        self.weight, self.steps = weight, steps

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Give each layer the vectors u and v of its power iteration.

        Parameters
        ----------
        critic : Module
            Any network; buffers are added to its layers.

        Returns
        -------
        Module
            The same network.
        """
        return attach_power_iterations(critic)

    def penalty(self, critic, real=None, fake=None, rng=None, **conditioning) -> Tensor:
        """Return ½ λ times the sum of squared spectral norms.

        Parameters
        ----------
        critic : Module
            The network that `prepare` returned, wrapped or not.
        real : Tensor, shape (n, \\*)
            Not used.
        fake : Tensor, shape (n, \\*)
            Not used.
        rng : torch.Generator
            Not used.
        **conditioning
            Not used.

        Returns
        -------
        Tensor, shape ()
            The penalty.

        Raises
        ------
        ValueError
            If the network was not prepared.
        """
        pairs = power_iterations(critic)
        if not pairs:
            raise ValueError("the critic has no power iterations: call critic = constraint.prepare(critic) first")
        return 0.5 * self.weight * sum(self._squared(layer, power) for layer, power in pairs)

    def _squared(self, layer: nn.Module, power: nn.Module) -> Tensor:
        if torch.is_grad_enabled() and layer.training:
            power.iterate_(layer.weight, self.steps)
        return power.sigma(layer.weight).square()


def compile_penalty(constraint: GradientPenalty, critic: nn.Module, **options) -> Callable[..., Tensor]:
    """Compile a gradient penalty as a whole, where that is right.

    Parameters
    ----------
    constraint : GradientPenalty
        The penalty: ``gp``, ``lp`` or ``r1``.
    critic : Module
        The critic, not compiled itself. Its spectral normalisation takes no power iteration inside compiled code, where
        nothing can be changed during a gradient: ``project_`` takes it after each step.
    **options
        What ``torch.compile`` takes besides ``fullgraph``.

    Returns
    -------
    callable
        ``function(real, fake, epsilon) -> Tensor, shape ()``. Its first call also runs the critic uncompiled, to look
        at its graph.

    Raises
    ------
    TypeError
        If the constraint is no gradient penalty on given points: DRAGAN draws its own, from a generator that compiled
        code can't use.
    RuntimeError
        At the first call, if the critic uses an autograd Function of its own: compiled together with the nested
        gradient, such a Function can give the right loss and a wrong gradient, silently.
    """
    if not isinstance(constraint, GradientPenalty) or isinstance(constraint, DraganPenalty):
        raise TypeError(f"constraint must be one of gp, lp and r1 to be compiled, got {constraint!r}")
    looked = []

    def of_batch(real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
        return constraint.penalty(critic, real, fake, epsilon=epsilon)

    compiled = torch.compile(of_batch, fullgraph=True, **options)

    def penalty(real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
        if not looked:
            looked.append(_look_before_compiling(constraint, critic, real))
        with held(critic):
            return compiled(real, fake, epsilon)

    return penalty


def _look_before_compiling(constraint: GradientPenalty, critic: nn.Module, x: Tensor) -> None:
    refuse_custom_functions(critic, x)
    _, point, scores = _gradient_at(critic, x, False, {})
    _warn_once_if_coupled(critic, constraint, scores, point)


def refuse_custom_functions(critic: nn.Module, x: Tensor) -> None:
    """Refuse a critic with an autograd Function that is not built in.

    Parameters
    ----------
    critic : Module
        The critic.
    x : Tensor, shape (n, \\*)
        A batch to run it on.

    Raises
    ------
    RuntimeError
        If its graph holds such a Function, or compiled code.
    """
    gradient, _, scores = _gradient_at(critic, x, True, {})
    own = [
        n
        for t in (scores, gradient)
        for n in graph_nodes(t)
        if isinstance(n, torch.autograd.function.BackwardCFunction)
    ]
    if own:
        raise RuntimeError(
            f"the critic uses the autograd Function {type(own[0]).__name__.removesuffix('Backward')!r}: compiled, "
            "a gradient of a gradient through it can be wrong without a word. Write it with built-in operations, or "
            "leave the penalty uncompiled"
        )
