"""Spectral normalisation and its relatives: W/σ(W) in the graph, after the step, and for the true operator.

One warm-started power iteration is made for each new value of a weight, which in training is one a step: the first
forward after an optimiser step makes it, and further forwards in that step find the weight unchanged and use the same
u and v.
"""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from .base import Constraint, check_count
from .layers import as_matrix, is_convolution, refuse_parametrised, transposed_layer, weight_layers

START_STEPS = 15
TINY = 1e-12


def _working(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _unit(x: Tensor, otherwise: Tensor) -> Tensor:
    """Normalise, or keep the old vector where the new one is zero."""
    norm = torch.linalg.vector_norm(x)
    return torch.where(norm > 0, x / norm.clamp(min=TINY), otherwise)


def _full_precision_region(weight: Tensor):
    return torch.autocast(weight.device.type if not weight.is_meta else "cpu", enabled=False)


class PowerIteration(nn.Module):
    """Left and right singular vectors of a weight, kept by warm-started power iteration.

    Parameters
    ----------
    weight : Tensor, shape (out, in, \\*)
        The weight to start from.
    transposed : bool
        Whether it belongs to a transposed convolution.
    rng : torch.Generator
        Draws the start vectors; a fixed seed of its own by default, never the global state.

    Notes
    -----
    v ← Wᵀu/‖Wᵀu‖, u ← Wv/‖Wv‖, σ = uᵀWv, at rate (σ₂/σ₁)² a step. u and v are buffers: they are saved, moved and
    copied with the layer. They are replaced, never differentiated. Derived in chapter 7 (``thm-power-iteration``,
    ``prop-warm-start``).
    """

    def __init__(self, weight: Tensor, transposed: bool = False, rng: torch.Generator | None = None):
        super().__init__()
        self.transposed = transposed
        rows, columns = as_matrix(weight.detach(), transposed).shape
        rng = torch.Generator().manual_seed(0) if rng is None else rng
        self.register_buffer("u", _random_unit((rows,), weight, rng))
        self.register_buffer("v", _random_unit((columns,), weight, rng))
        self.iterate_(weight, START_STEPS)

    def apply_weight(self, weight: Tensor, v: Tensor) -> Tensor:
        """Return W v.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The weight.
        v : Tensor, shape (columns,)
            A vector.

        Returns
        -------
        Tensor, shape (rows,)
            W v, differentiable.
        """
        return as_matrix(weight, self.transposed) @ v

    def apply_adjoint(self, weight: Tensor, u: Tensor) -> Tensor:
        """Return Wᵀ u.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The weight.
        u : Tensor, shape (rows,)
            A vector.

        Returns
        -------
        Tensor, shape (columns,)
            Wᵀ u.
        """
        return as_matrix(weight, self.transposed).mT @ u

    def follow_(self, weight: Tensor) -> None:
        """Bring u and v to the weight's device and type, if a saved state has left them elsewhere.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The weight as it is now.
        """
        if (self.v.device, self.v.dtype) != (weight.device, weight.dtype):
            self.u, self.v = self.u.to(weight), self.v.to(weight)

    @torch.no_grad()
    def iterate_(self, weight: Tensor, steps: int = 1) -> None:
        """Take some steps of power iteration, from where the last one ended.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The weight as it is now.
        steps : int
            How many.
        """
        weight, u, v = _working(weight.detach()), _working(self.u), _working(self.v)
        with _full_precision_region(weight):
            for _ in range(steps):
                v = _unit(self.apply_adjoint(weight, u), v)
                u = _unit(self.apply_weight(weight, v), u)
        self.u.copy_(u)
        self.v.copy_(v)

    def sigma(self, weight: Tensor) -> Tensor:
        """Return σ = uᵀWv, differentiable in W, with u and v constant.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The weight.

        Returns
        -------
        Tensor, shape ()
            The estimate, in float32 or better; its gradient is u vᵀ. Copies of u and v enter the graph, so that a later
            step of the iteration does not spoil the backward of an earlier forward.
        """
        u, v = _working(self.u.clone()), _working(self.v.clone())
        u, v = _unit(u, u), _unit(v, v)
        with _full_precision_region(weight):
            return (u * self.apply_weight(_working(weight), v)).sum()


def _random_unit(shape: tuple[int, ...], weight: Tensor, rng: torch.Generator) -> Tensor:
    with torch.inference_mode(False):  # a tensor that is made in inference mode could never be changed outside
        vector = torch.randn(shape, generator=rng, device=rng.device)
        return (vector / torch.linalg.vector_norm(vector)).to(device=weight.device, dtype=weight.dtype)


class OperatorPowerIteration(PowerIteration):
    """Singular vectors of a convolution as an operator on images, not of its reshaped kernel.

    Parameters
    ----------
    layer : Module
        A convolution, transposed or not; its geometry (stride, padding, dilation, groups) is read from it.
    rng : torch.Generator
        Draws the start vectors; a fixed seed of its own by default.

    Notes
    -----
    The norm depends on the input's size, which the layer sees at its first forward: `see` makes u and v then, and
    again if the size changes. Before that there are none. Derived in chapter 7 (``prop-reshaped-bound``).
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
        if self.v is not None and self.v.shape[1:] == shape:
            return
        with torch.inference_mode(False), torch.no_grad():
            self.v = _random_unit((1, *shape), weight, self._rng)
            self.u = torch.zeros_like(self.apply_weight(weight.detach(), self.v))
        self._first(weight)

    @torch.no_grad()
    def _first(self, weight: Tensor) -> None:
        weight = _working(weight.detach())
        with _full_precision_region(weight):
            self.u.copy_(_unit(self.apply_weight(weight, _working(self.v)), self.u))
        self.iterate_(weight, START_STEPS)

    def apply_weight(self, weight: Tensor, v: Tensor) -> Tensor:
        """Return the convolution of one image, without bias.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The kernel.
        v : Tensor, shape (1, in, \\*)
            An image.

        Returns
        -------
        Tensor, shape (1, out, \\*)
            Its image, differentiable.
        """
        return self._operate(v, weight)

    def apply_adjoint(self, weight: Tensor, u: Tensor) -> Tensor:
        """Return the adjoint of the convolution, applied to one image.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The kernel.
        u : Tensor, shape (1, out, \\*)
            An image on the output's side.

        Returns
        -------
        Tensor, shape (1, in, \\*)
            An image on the input's side.
        """
        with torch.enable_grad():
            return torch.func.vjp(lambda v: self._operate(v, weight), _working(self.v))[1](u)[0]

    def _load_from_state_dict(self, state_dict, prefix, *arguments):
        for name in ("u", "v"):
            saved = state_dict.get(prefix + name)
            setattr(self, name, None if saved is None else torch.empty_like(saved))
        super()._load_from_state_dict(state_dict, prefix, *arguments)


class _Operation:
    """A convolution without bias, by its geometry alone: picklable, and it holds no weight."""

    def __init__(self, layer: nn.Module):
        self.transposed = transposed_layer(layer)
        self.function = getattr(nn.functional, _FUNCTIONS[type_of(layer)])
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


def type_of(layer: nn.Module) -> type:
    """Return which of PyTorch's convolutions a layer is, subclasses included.

    Parameters
    ----------
    layer : Module
        A convolution.

    Returns
    -------
    type
        ``nn.Conv1d`` to ``nn.ConvTranspose3d``.
    """
    return next(kind for kind in _FUNCTIONS if isinstance(layer, kind))


class SpectralNorm(nn.Module):
    """Parametrisation W ↦ W/σ(W), with the gradient through σ and u, v constant.

    Parameters
    ----------
    power : PowerIteration
        Keeps u and v.
    steps : int
        Power-iteration steps for each new value of the weight.

    Notes
    -----
    ∂L/∂W = (∂L/∂W̄ − ⟨∂L/∂W̄, W̄⟩ u vᵀ)/σ, by ``prop-sn-gradient``, derived in chapter 8. In evaluation mode nothing is
    iterated. In compiled code each training forward iterates, since a new weight can't be told from an old one there.
    """

    def __init__(self, power: PowerIteration, steps: int = 1):
        super().__init__()
        self.power, self.steps = power, steps
        self._seen: int | None = None

    def forward(self, weight: Tensor) -> Tensor:
        """Return the normalised weight.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The trained weight.

        Returns
        -------
        Tensor, shape of `weight`
            W/σ, or W itself before a convolution has seen an input.
        """
        if self.power.v is None:
            return weight
        self.power.follow_(weight)
        if self.training:
            self.refresh_(weight)
        sigma = self.power.sigma(weight).clamp(min=TINY)
        return (_working(weight) / sigma).to(weight.dtype)

    def refresh_(self, weight: Tensor) -> None:
        """Iterate if the weight has changed since the last time.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The trained weight.
        """
        if torch.compiler.is_compiling():
            self.power.iterate_(weight, self.steps)
        elif self.power.v is None or torch._C._functorch.is_functorch_wrapped_tensor(weight):
            return
        elif self._seen is None:
            self._seen = weight._version
        elif self._seen != weight._version:
            self.advance_(weight)

    def advance_(self, weight: Tensor) -> None:
        """Iterate, whether or not the weight's version tells of a change: a fused optimiser leaves it as it was.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The trained weight.
        """
        if self.power.v is not None:
            self.power.follow_(weight)
            self.power.iterate_(weight, self.steps)
            self._seen = weight._version

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_seen": None}

    def _apply(self, *arguments, **options):
        self._seen = None
        return super()._apply(*arguments, **options)

    def _load_from_state_dict(self, *arguments):
        self._seen = None
        super()._load_from_state_dict(*arguments)


@contextlib.contextmanager
def held(critic: nn.Module) -> Iterator[None]:
    """Keep every u and v as it is for a while, whatever mode the critic is in.

    Parameters
    ----------
    critic : Module
        Any network.

    Yields
    ------
    None
        The network's spectral normalisation iterates again afterwards, where it did before.
    """
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

    Parameters
    ----------
    steps : int
        Power-iteration steps for each new value of the weight.

    Raises
    ------
    ValueError
        If there are no steps.

    Notes
    -----
    A convolution's true norm can be larger by up to √(k_h k_w) (``prop-reshaped-bound``, chapter 7); `sn_conv` divides
    by that one. Derived in chapter 8 (``thm-sn-lipschitz``).

    σ is an estimate from below. One step a weight is enough where weights move slowly, as with Adam at 1e-4; after
    large steps it lags for some steps, and the layer's norm is above 1 by as much. More `steps` shorten that.

    References
    ----------
    Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018, algorithm 1.
    """

    name = "sn"

    def __init__(self, steps: int = 1):
        check_count("steps", steps)
        self.steps = steps

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Normalise each layer's weight in its forward.

        Parameters
        ----------
        critic : Module
            The critic; its layers are parametrised in place.

        Returns
        -------
        Module
            The same critic.

        Raises
        ------
        ValueError
            If a layer is parametrised already.
        """
        refuse_parametrised(critic)
        for _, layer in weight_layers(critic):
            self._parametrise(layer)
        return critic

    def _parametrise(self, layer: nn.Module) -> None:
        power = PowerIteration(layer.weight, transposed_layer(layer))
        parametrize.register_parametrization(layer, "weight", SpectralNorm(power, self.steps), unsafe=True)

    def project_(self, critic: nn.Module) -> None:
        """Bring u and v up to date with the new weights, so that evaluation and checkpoints are.

        Parameters
        ----------
        critic : Module
            The critic that `prepare` returned. Its weights stay as they are.
        """
        for module in critic.modules():
            if isinstance(module, parametrize.ParametrizationList) and isinstance(module[0], SpectralNorm):
                module[0].advance_(module.original)


class ConvSpectralNormalisation(SpectralNormalisation):
    """Spectral normalisation by the norm of the convolution as an operator, at the size of the images it meets.

    Parameters
    ----------
    steps : int
        Power-iteration steps for each new value of the weight.

    Raises
    ------
    ValueError
        If there are no steps.

    Notes
    -----
    Linear layers are normalised as in `sn`. A convolution learns its input's size at the first forward; until then it
    is not normalised. Derived in chapters 7 and 8.

    References
    ----------
    Sedghi, Gupta, Long, "The Singular Values of Convolutional Layers", 2019; Farnia, Zhang, Tse, "Generalizable
    Adversarial Training via Spectral Normalization", 2019.
    """

    name = "sn_conv"

    def _parametrise(self, layer: nn.Module) -> None:
        if not is_convolution(layer):
            super()._parametrise(layer)
            return
        power = OperatorPowerIteration(layer)
        parametrize.register_parametrization(layer, "weight", SpectralNorm(power, self.steps), unsafe=True)
        layer.register_forward_pre_hook(_see_input, with_kwargs=True)


def _see_input(layer: nn.Module, arguments: tuple, named: dict) -> None:
    weights = layer.parametrizations.weight
    shape = (arguments[0] if arguments else named["input"]).shape[1 - weights.original.ndim :]
    weights[0].power.see(weights.original, shape)


class ProjectedSpectralNormalisation(Constraint):
    """W ← W/σ(W) after each step, outside the graph: what a Keras ``kernel_constraint`` does.

    Parameters
    ----------
    steps : int
        Power-iteration steps after each optimiser step, warm-started.

    Raises
    ------
    ValueError
        If there are no steps.

    Notes
    -----
    Not spectral normalisation: the gradient does not know of the division (``prop-projection-differs``, chapter 8).
    """

    name = "sn_projected"

    def __init__(self, steps: int = 1):
        check_count("steps", steps)
        self.steps = steps

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Give each layer its power iteration, and project the initial weights.

        Parameters
        ----------
        critic : Module
            The critic; buffers are added and weights changed in place.

        Returns
        -------
        Module
            The same critic.
        """
        attach_power_iterations(critic)
        self.project_(critic)
        return critic

    @torch.no_grad()
    def project_(self, critic: nn.Module) -> None:
        """Divide every weight by its spectral norm.

        Parameters
        ----------
        critic : Module
            The critic that `prepare` returned; its weights are changed in place.

        Raises
        ------
        ValueError
            If the critic was not prepared.
        """
        pairs = power_iterations(critic)
        if not pairs:
            raise ValueError("the critic has no power iterations: call critic = constraint.prepare(critic) first")
        for layer, power in pairs:
            power.iterate_(layer.weight, self.steps)
            layer.weight.div_(power.sigma(layer.weight).clamp(min=TINY).to(layer.weight.dtype))


def attach_power_iterations(critic: nn.Module) -> nn.Module:
    """Give each layer a child ``power_iteration`` that keeps its u and v.

    Parameters
    ----------
    critic : Module
        Any network; changed in place.

    Returns
    -------
    Module
        The same network.

    Raises
    ------
    ValueError
        If a layer is parametrised, or has one already.
    """
    refuse_parametrised(critic)
    for _, layer in weight_layers(critic):
        layer.add_module("power_iteration", PowerIteration(layer.weight, transposed_layer(layer)))
    return critic


def power_iterations(critic: nn.Module) -> list[tuple[nn.Module, PowerIteration]]:
    """List the layers that have a power iteration attached.

    Parameters
    ----------
    critic : Module
        A network, wrapped or not.

    Returns
    -------
    list of (Module, PowerIteration)
        Layer and its power iteration.

    Raises
    ------
    TypeError
        If the critic is no module.
    """
    if not isinstance(critic, nn.Module):
        raise TypeError(f"critic must be a torch.nn.Module, got {type(critic).__name__}")
    children = ((layer, layer._modules.get("power_iteration")) for layer in critic.modules())
    return [(layer, power) for layer, power in children if isinstance(power, PowerIteration)]
