"""Spectral normalisation and its relatives: W/σ(W) in the graph, after the step, and for the true operator.

Each training forward takes a warm-started step of power iteration, whatever changed the weights in between; within
``parametrize.cached()``, which the training loop opens around a step, that is one a step, of all layers at once.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor, peek_interpreter_stack
from torch.autograd import forward_ad
from torch.nn.utils import parametrize

from wgan_course._checks import check_count

from .base import Constraint, full_precision
from .layers import WeightLayer, as_matrix, is_convolution, refuse_parametrised, transposed_layer, weight_layers
from .together import Divide, iterate

START_STEPS = 15


def _unit(x: Tensor, otherwise: Tensor) -> Tensor:
    """Normalise, or keep the other vector where x is zero; the squares of very large or small numbers leave range."""
    peak = torch.linalg.vector_norm(x, torch.inf)
    scaled = x / peak
    return torch.where(peak > 0, scaled / torch.linalg.vector_norm(scaled), otherwise)


class PowerIteration(nn.Module):
    """Left and right singular vectors u and v of a weight, kept by warm-started power iteration.

    v ← Wᵀu/‖Wᵀu‖, u ← Wv/‖Wv‖, σ = ‖Wv‖, at rate (σ₂/σ₁)² a step. u and v are buffers: they are saved, moved and copied
    with the layer. Derived in chapter 7 (``thm-power-iteration``, ``prop-warm-start``).

    Parameters
    ----------
    weight : Tensor, shape (out, in, \\*)
        The weight to start from.
    transposed : bool
        Whether it belongs to a transposed convolution.
    rng : torch.Generator
        Draws the start vectors; a fixed seed of its own by default, never the global state.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor, transposed: bool = False, rng: torch.Generator | None = None):
        super().__init__()
        self.transposed = transposed
        rows, columns = as_matrix(weight.detach(), transposed).shape
        rng = torch.Generator().manual_seed(0) if rng is None else rng
        self.register_buffer("u", _random_unit((rows,), weight, rng))
        self.register_buffer("v", _random_unit((columns,), weight, rng))
        self.iterate_(weight, START_STEPS)

    @property
    def started(self) -> bool:
        """Whether there are vectors."""
        return self._buffers["v"] is not None

    def apply_weight(self, weight: Tensor, v: Tensor) -> Tensor:
        """Return W v, shape (rows,), differentiable."""
        return as_matrix(weight, self.transposed) @ v

    def apply_adjoint(self, weight: Tensor, u: Tensor) -> Tensor:
        """Return Wᵀ u, shape (columns,)."""
        return as_matrix(weight, self.transposed).mT @ u

    def follow_(self, weight: Tensor) -> None:
        """Bring u and v to the weight's device and type, if a saved state has left them elsewhere."""
        if (self.v.device, self.v.dtype) != (weight.device, weight.dtype):
            self.u, self.v = self.u.to(weight), self.v.to(weight)

    @torch.no_grad()
    def iterate_(self, weight: Tensor, steps: int = 1) -> None:
        """Take some steps of power iteration, from where the last one ended."""
        self.sigma(weight, steps)

    def sigma(self, weight: Tensor, steps: int = 0) -> Tensor:
        """Return σ = ‖Wv‖, differentiable in W with v constant, after some steps of power iteration.

        Returns
        -------
        Tensor, shape ()
            The estimate, from below and never negative, in float32 or better; its gradient is u vᵀ with u = Wv/‖Wv‖.
            The graph holds copies of u and v, so that a later step does not spoil the backward of an earlier forward.
        """
        weight = full_precision(weight)
        with torch.autocast("cpu" if weight.is_meta else weight.device.type, enabled=False):
            with torch.no_grad():
                u, v = full_precision(self.u), full_precision(self.v.clone())
                for step in range(steps):
                    u = u if step == 0 else _unit(self.apply_weight(weight, v), u)
                    v = _unit(self.apply_adjoint(weight, u), v)
            image = self.apply_weight(weight, v)
            u = _unit(image.detach(), u)
            if steps:
                self._keep(u, v)
            return (u * image).sum()

    @torch.no_grad()
    def _keep(self, u: Tensor, v: Tensor) -> None:
        self.u.copy_(u)
        self.v.copy_(v)


def _random_unit(shape: tuple[int, ...], weight: Tensor, rng: torch.Generator) -> Tensor:
    with torch.inference_mode(False):  # a tensor that is made in inference mode could never be changed outside
        vector = torch.randn(shape, generator=rng, device=rng.device)
        return (vector / torch.linalg.vector_norm(vector)).to(device=weight.device, dtype=weight.dtype)


class OperatorPowerIteration(PowerIteration):
    """Singular vectors of a convolution as an operator on images, not of its reshaped kernel.

    The norm depends on the input's size, which the layer sees at its first forward: `see` makes u and v then, and
    again if the size changes. Before that there are none. Derived in chapter 7 (``prop-reshaped-bound``).

    Parameters
    ----------
    layer : Module
        A convolution, transposed or not; its geometry (stride, padding, dilation, groups) is read from it.
    rng : torch.Generator
        Draws the start vectors; a fixed seed of its own by default.
    """

    def __init__(self, layer: nn.Module, rng: torch.Generator | None = None):
        nn.Module.__init__(self)
        self._rng = torch.Generator().manual_seed(0) if rng is None else rng
        self._operate = _Operation(layer)
        self.register_buffer("u", None)
        self.register_buffer("v", None)

    def see(self, weight: Tensor, shape: torch.Size) -> None:
        """Learn the size of the input, and start anew if it is another than before.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The weight as it is now.
        shape : torch.Size
            Shape of the input of one sample, (in, \\*).
        """
        if self.started and self.v.shape[1:] == shape:
            return
        with torch.inference_mode(False), torch.no_grad():
            self.v = _random_unit((1, *shape), weight, self._rng)
            image = self.apply_weight(weight.detach(), self.v)
            self.u = _unit(image, torch.zeros_like(image))
        self.iterate_(weight, START_STEPS)

    def apply_weight(self, weight: Tensor, v: Tensor) -> Tensor:
        """Return the convolution of one image, shape (1, out, \\*), without bias."""
        return self._operate(v, weight)

    def apply_adjoint(self, weight: Tensor, u: Tensor) -> Tensor:
        """Return the adjoint of the convolution, applied to one image: shape (1, in, \\*)."""
        with torch.enable_grad():
            return torch.func.vjp(lambda v: self._operate(v, weight.detach()), full_precision(self.v))[1](u)[0]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        for name in ("u", "v"):
            saved = state_dict.get(prefix + name)
            setattr(self, name, None if saved is None else torch.empty_like(saved))
        super()._load_from_state_dict(state_dict, prefix, *arguments)


class _Operation:
    """A convolution without bias, by its geometry alone: picklable, and it holds no weight."""

    def __init__(self, layer: Any):
        self.transposed = transposed_layer(layer)
        self.function = getattr(
            nn.functional, next(name for kind, name in _FUNCTIONS.items() if isinstance(layer, kind))
        )
        self.geometry = {"stride": layer.stride, "dilation": layer.dilation, "groups": layer.groups}
        self.geometry["padding"] = layer.padding if layer.padding_mode == "zeros" else 0
        self.pad = (
            None if layer.padding_mode == "zeros" else (layer._reversed_padding_repeated_twice, layer.padding_mode)
        )
        if self.transposed:
            self.geometry["output_padding"] = layer.output_padding

    def __call__(self, x: Tensor, weight: Tensor) -> Tensor:
        if self.pad is not None:
            x = nn.functional.pad(x, self.pad[0], mode=self.pad[1])
        return self.function(x, weight, **self.geometry)


_FUNCTIONS = {
    nn.Conv1d: "conv1d",
    nn.Conv2d: "conv2d",
    nn.Conv3d: "conv3d",
    nn.ConvTranspose1d: "conv_transpose1d",
    nn.ConvTranspose2d: "conv_transpose2d",
    nn.ConvTranspose3d: "conv_transpose3d",
}


class SpectralNorm(nn.Module):
    """Parametrisation W ↦ W/σ(W), with the gradient through σ and u, v constant.

    ∂L/∂W = (∂L/∂W̄ − ⟨∂L/∂W̄, W̄⟩ u vᵀ)/σ, by ``prop-sn-gradient``, derived in chapter 8. In evaluation mode nothing is
    iterated, nor in a functional transform (``torch.func``), which allows no change of a buffer.

    Parameters
    ----------
    steps : int
        Power-iteration steps in each training forward.
    """

    def __init__(self, power: PowerIteration, steps: int = 1):
        super().__init__()
        self.power, self.steps = power, steps

    _given: Callable[[], Tensor] | None = None  # in place of the forward, while the weights are normalised together

    def forward(self, weight: Tensor) -> Tensor:
        """Return W/σ, or W itself where it is zero, or belongs to a convolution that has seen no input."""
        if self._given is not None:
            return self._given()
        if not self.power.started:
            return weight
        self.power.follow_(weight)
        sigma = self.power.sigma(weight, self.steps if self.training and not _transformed(weight) else 0)
        sigma = torch.where(sigma > 0, sigma, 1.0)
        rough = sigma.detach().reciprocal()  # taken out first: in the derivative of 1/σ is a square, which may overflow
        return (full_precision(weight) * (rough / (sigma * rough))).to(weight.dtype)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Take ``layer.weight = weight`` as the trained weight, and bring u and v up to date."""
        if self.power.started:
            self.power.follow_(weight)
            self.power.iterate_(weight, START_STEPS)
        return weight


def _transformed(weight: Tensor) -> bool:
    return not torch.compiler.is_compiling() and is_functorch_wrapped_tensor(weight)


def _normalise_together(critic: nn.Module, _arguments: tuple[Any, ...]) -> None:
    """Before a critic's first forward within ``parametrize.cached()``: put the weights of all layers in the cache.

    Where nothing is cached, or a transform or compiler looks on, each layer normalises its own weight.
    """
    if (
        not cast(Any, parametrize)._cache_enabled
        or torch.compiler.is_compiling()
        or peek_interpreter_stack() is not None
    ):
        return
    if cast(Any, forward_ad)._current_level >= 0:
        return
    groups: dict[tuple[Any, ...], list[tuple[nn.Module, SpectralNorm, Tensor]]] = {}
    for layer in critic.modules():
        part, weight = _own_normalisation(layer)
        if part is not None and not _cached(layer, part):
            kind = (weight.device, full_precision(weight).dtype, part.steps if part.training else 0)
            groups.setdefault(kind, []).append((layer, part, weight))
    for kind, group in groups.items():
        layers, parts, weights = zip(*group, strict=True)
        for layer, part, normalised in zip(layers, parts, _normalised(parts, weights, kind[-1]), strict=True):
            _read(layer, part, lambda normalised=normalised: normalised)


_normalise_together.changes_nothing = True  # as upper bounds by layers ask of a hook


class _NotCachedError(Exception):
    """A weight has not been computed yet."""


def _refuse() -> Tensor:
    raise _NotCachedError


def _read(layer: Any, part: SpectralNorm, given: Callable[[], Tensor]) -> None:
    """Read a layer's weight, from the cache or else as given: the cache's keys, kept across copies, are not public."""
    part._given = given
    try:
        layer.weight  # noqa: B018
    finally:
        part._given = None


def _cached(layer: nn.Module, part: SpectralNorm) -> bool:
    try:
        _read(layer, part, _refuse)
    except _NotCachedError:
        return False
    return True


def _own_normalisation(layer: nn.Module) -> tuple[Any, Any]:
    """The part that normalises a layer's reshaped weight, and the weight, if nothing else changes it."""
    lists = layer._modules.get("parametrizations")
    chain: Any = lists._modules.get("weight") if lists is not None else None
    if chain is None or len(chain) > 1 or type(chain[0]) is not SpectralNorm:
        return None, None
    part, weight = chain[0], chain.original
    ordinary = type(part.power) is PowerIteration and type(weight) in (Tensor, nn.Parameter) and not weight.is_meta
    return (part, weight) if ordinary else (None, None)


def _normalised(parts: Sequence[SpectralNorm], weights: Sequence[Tensor], steps: int) -> list[Tensor]:
    powers = [part.power for part in parts]
    for power, weight in zip(powers, weights, strict=True):
        power.follow_(weight)
    full = [full_precision(weight) for weight in weights]
    with torch.no_grad(), torch.autocast(full[0].device.type, enabled=False):
        matrices = [as_matrix(weight, power.transposed) for weight, power in zip(full, powers, strict=True)]
        vectors = iterate(matrices, [power.u for power in powers], [power.v for power in powers], steps)
    swaps = [power.transposed for power in powers]
    left, right, sigma = vectors
    divided = (cast(Any, Divide.apply)(*given) for given in zip(full, sigma.unbind(), left, right, swaps, strict=True))
    return [result.to(_working_type(weight)) for result, weight in zip(divided, weights, strict=True)]


def _working_type(weight: Tensor) -> torch.dtype:
    """The type that a layer computes in: inside a graph autocast finds it done, and does not convert every forward."""
    kind = weight.device.type
    if kind == "cuda" and torch.cuda.is_current_stream_capturing() and torch.is_autocast_enabled(kind):
        return torch.get_autocast_dtype(kind)
    return weight.dtype


@contextlib.contextmanager
def _normalised_beside(critic: nn.Module) -> Iterator[None]:
    """Normalise all weights in a branch of the graph that is being captured; it ends where the context does."""
    stream, branch = torch.cuda.current_stream(), torch.cuda.Stream()
    branch.wait_stream(stream)
    with torch.cuda.stream(branch):
        _normalise_together(critic, ())
    yield
    stream.wait_stream(branch)
    for layer in critic.modules():
        if _own_normalisation(layer)[0] is not None:
            cast(Tensor, layer.weight).record_stream(stream)  # in use there until the backward, which frees it


@contextlib.contextmanager
def held(critic: nn.Module) -> Iterator[None]:
    """Keep every u and v as it is for a while, whatever mode the critic is in."""
    iterating = [part for part in critic.modules() if isinstance(part, SpectralNorm) and part.training]
    for part in iterating:
        part.training = False
    try:
        yield
    finally:
        for part in iterating:
            part.training = True


class SpectralNormalisation(Constraint):
    """Spectral normalisation: each layer computes with W/σ(W), kernels reshaped to matrices.

    A convolution's true norm can be larger by up to √(k_h k_w) (``prop-reshaped-bound``, chapter 7); `sn_conv` divides
    by that one. Derived in chapter 8 (``thm-sn-lipschitz``).

    σ is an estimate from below. One step is enough where weights move slowly, as with Adam at 1e-4; after large steps
    it lags for some forwards, and the layer's norm is above 1 by as much. More `steps` shorten that. After a change of
    the weights from outside, run some training forwards before the critic is used in evaluation mode; assigning
    ``layer.weight = ...`` does it by itself.

    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018, algorithm 1.

    Parameters
    ----------
    steps : int
        Power-iteration steps in each training forward.
    """

    name = "sn"

    def __init__(self, steps: int = 1):
        check_count("steps", steps)
        self.steps = steps

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Normalise each layer's weight in its forward; a layer that is parametrised already is refused."""
        refuse_parametrised(critic)
        for _, layer in weight_layers(critic):
            power = self._power(layer)
            parametrize.register_parametrization(layer, "weight", SpectralNorm(power, self.steps), unsafe=True)
            if isinstance(power, OperatorPowerIteration):
                layer.register_forward_pre_hook(_see_input, with_kwargs=True)
        critic.register_forward_pre_hook(_normalise_together)
        return critic

    def beside(self, critic: nn.Module) -> contextlib.AbstractContextManager[None]:
        """Normalise the weights on a stream of their own, where a CUDA graph is being captured."""
        capturing = torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()
        return _normalised_beside(critic) if capturing else contextlib.nullcontext()

    def _power(self, layer: WeightLayer) -> PowerIteration:
        return PowerIteration(layer.weight, transposed_layer(layer))


class ConvSpectralNormalisation(SpectralNormalisation):
    """Spectral normalisation by the norm of the convolution as an operator, at the size of the images it meets.

    Linear layers are normalised as in `sn`. A convolution learns its input's size at the first forward; until then it
    is not normalised. Derived in chapters 7 and 8.

    Source: Sedghi, Gupta, Long, "The Singular Values of Convolutional Layers", 2019; Farnia, Zhang, Tse, "Generalizable
    Adversarial Training via Spectral Normalization", 2019.
    """

    name = "sn_conv"

    def _power(self, layer: WeightLayer) -> PowerIteration:
        return OperatorPowerIteration(layer) if is_convolution(layer) else super()._power(layer)


def _see_input(layer: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    weights = cast(Any, layer.parametrizations).weight
    shape = (arguments[0] if arguments else named["input"]).shape[1 - weights.original.ndim :]
    weights[0].power.see(weights.original, shape)


_see_input.changes_nothing = True  # as upper bounds by layers ask of a hook


class ProjectedSpectralNormalisation(Constraint):
    """W ← W/σ(W) after each step, outside the graph: what a Keras ``kernel_constraint`` does.

    Not spectral normalisation: the gradient does not know of the division (``prop-projection-differs``, chapter 8).

    Parameters
    ----------
    steps : int
        Power-iteration steps after each optimiser step, warm-started.
    """

    name = "sn_projected"

    def __init__(self, steps: int = 1):
        check_count("steps", steps)
        self.steps = steps

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Give each layer its power iteration, and project the initial weights."""
        attach_power_iterations(critic)
        self.project_(critic)
        return critic

    @torch.no_grad()
    def project_(self, critic: nn.Module) -> None:
        """Divide every weight by its spectral norm; a critic that was not prepared is refused."""
        for layer, power in power_iterations(critic):
            sigma = power.sigma(layer.weight, self.steps)
            layer.weight.div_(torch.where(sigma > 0, sigma, 1.0).to(layer.weight.dtype))


def attach_power_iterations(critic: nn.Module) -> nn.Module:
    """Give each layer a child ``power_iteration`` that keeps its u and v; return the same network."""
    refuse_parametrised(critic)
    for _, layer in weight_layers(critic):
        layer.add_module("power_iteration", PowerIteration(layer.weight, transposed_layer(layer)))
    return critic


def power_iterations(critic: Any) -> list[tuple[WeightLayer, PowerIteration]]:
    """List the layers of a network, wrapped or not, that have a power iteration attached, each with it.

    Raises
    ------
    TypeError
        If the critic is no module.
    ValueError
        If it has none.
    """
    if not isinstance(critic, nn.Module):
        raise TypeError(f"critic must be a torch.nn.Module, got {type(critic).__name__}")
    children = ((cast(Any, layer), layer._modules.get("power_iteration")) for layer in critic.modules())
    pairs = [(layer, power) for layer, power in children if isinstance(power, PowerIteration)]
    if not pairs:
        raise ValueError("the critic has no power iterations: call critic = constraint.prepare(critic) first")
    return pairs
