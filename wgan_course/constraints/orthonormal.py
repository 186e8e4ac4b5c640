"""Constraints on the architecture other than spectral normalisation: unit rows, and orthonormal layers."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from wgan_course._checks import check_count, check_positive
from wgan_course.models.layers import GroupSort
from wgan_course.norms import reshaped_factor

from .base import Constraint, full_precision
from .layers import is_convolution, refuse_parametrised, transposed_layer, weight_layers

RELU_FAMILY = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.CELU, nn.SELU),
    *(nn.GELU, nn.SiLU, nn.Mish, nn.Softplus),
)


class UnitRows(nn.Module):
    """Parametrisation that gives each output's weights a fixed Euclidean norm.

    Parameters
    ----------
    transposed : bool
        Whether the layer is a transposed convolution.
    """

    def __init__(self, gain: float = 1.0, transposed: bool = False):
        super().__init__()
        self.gain, self.dimension = gain, 1 if transposed else 0

    def forward(self, weight: Tensor) -> Tensor:
        """Return gain · w_i/‖w_i‖ for each row."""
        axes = [axis for axis in range(weight.ndim) if axis != self.dimension]
        peak = weight.detach().abs().amax(axes, keepdim=True)  # a row's scale does not matter, but its squares' range
        rows = weight / torch.where(peak > 0, peak, 1.0)
        return self.gain * rows / torch.linalg.vector_norm(rows, dim=axes, keepdim=True).clamp(min=0.5)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Take ``layer.weight = weight`` as the trained weight."""
        return weight


class WeightNormalisation(Constraint):
    """Weight normalisation with a fixed gain: every row of every weight has the same norm.

    ‖W‖_F = gain · √out, so the spectral norm lies between gain and gain · √out: a loose bound, which is met where W
    has rank one. That is why it pushes critics to low rank. Compared in chapter 8.

    Source: Salimans, Kingma, "Weight Normalization", 2016; Miyato et al., 2018, section 3 on what it does to a critic.

    Parameters
    ----------
    gain : float
        The norm of a row, above 0.
    """

    name = "weight_norm"

    def __init__(self, gain: float = 1.0):
        check_positive("gain", gain)
        self.gain = gain

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Parametrise each layer by its rows' directions; one that is parametrised already is refused."""
        refuse_parametrised(critic)
        for _, layer in weight_layers(critic):
            rows = UnitRows(self.gain, transposed_layer(layer))
            parametrize.register_parametrization(layer, "weight", rows, unsafe=True)
        return critic


def bjorck(matrix: Tensor, iterations: int = 15) -> Tensor:
    """Return the nearest matrix with orthonormal rows or columns, by Björck's iteration.

    Source: Björck, Bowie, "An iterative algorithm for computing the best estimate of an orthogonal matrix", 1971; Anil,
    Lucas, Grosse, "Sorting out Lipschitz function approximation", 2019. Derived in chapter 12.

    Parameters
    ----------
    matrix : Tensor, shape (..., m, n)
        One matrix or a batch, of full rank.
    iterations : int
        How many steps of W ← W(3I − WᵀW)/2.

    Returns
    -------
    Tensor, shape (..., m, n)
        Its singular values are 1 to the order of (1 − σ)² after each step, and never above 1: the start is scaled by
        √(‖W‖₁‖W‖_∞) ≥ ‖W‖₂.

    Raises
    ------
    ValueError
        If it is no matrix, or there are no iterations.
    """
    check_count("iterations", iterations)
    if matrix.ndim < 2:
        raise ValueError(f"matrix must have two axes or more, got shape {tuple(matrix.shape)}")
    wide = matrix.shape[-2] < matrix.shape[-1]
    w = matrix.mT if wide else matrix
    w = w / _norm_bound(w)
    for _ in range(iterations):
        w = 1.5 * w - 0.5 * w @ (w.mT @ w)
    return w.mT if wide else w


def _norm_bound(matrix: Tensor) -> Tensor:
    sizes = matrix.detach().abs()
    bound = sizes.sum(-1).amax(-1).sqrt() * sizes.sum(-2).amax(-1).sqrt()
    return torch.where(bound > 0, bound, 1.0)[..., None, None]


class Orthonormal(nn.Module):
    """Parametrisation with all singular values 1, or 1/√(k_h k_w) for a convolution of stride 1.

    A convolution's factor is `norms.reshaped_factor`: a safe bound, not a tight one. Padding that repeats pixels is
    refused, since it enlarges the norm (``prop-reshaped-bound``, chapter 7).

    Parameters
    ----------
    layer : Module
        The layer whose weight it is for.
    """

    def __init__(self, layer: Any, iterations: int = 15):
        super().__init__()
        self.iterations, self.transposed = iterations, transposed_layer(layer)
        convolution = is_convolution(layer)
        self.groups = layer.groups if convolution else 1
        self.scale = 1 / _reshaped_factor(layer) if convolution else 1.0

    def forward(self, weight: Tensor) -> Tensor:
        """Return the nearest orthonormal weight, computed in float32 or better, scaled."""
        return self._by_group(weight, lambda matrices: self.scale * bjorck(matrices, self.iterations))

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return the nearest orthonormal weight by SVD as a start, so that the iteration begins where it should end."""
        return weight if weight.is_meta else self._by_group(weight.detach(), _polar)

    def _by_group(self, weight: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Apply a function to the matrix of each group: a grouped convolution is block diagonal."""
        with torch.autocast("cpu" if weight.is_meta else weight.device.type, enabled=False):
            full = full_precision(weight)
            blocks = full.reshape(self.groups, full.shape[0] // self.groups, *full.shape[1:])
            return function(blocks.flatten(2)).reshape(weight.shape).to(weight.dtype)


def _reshaped_factor(layer: Any) -> float:
    if layer.padding_mode not in ("zeros", "circular"):
        raise ValueError(
            f"padding_mode {layer.padding_mode!r} repeats pixels, so the bound fails: use zeros or circular"
        )
    return reshaped_factor(layer.kernel_size, layer.stride, layer.dilation)


def _polar(matrix: Tensor) -> Tensor:
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    return u @ vh


class OrthonormalLayers(Constraint):
    """Orthonormal layers by Björck's iteration, with GroupSort in place of ReLU.

    Every layer is 1-Lipschitz; a convolution through `norms.reshaped_factor`, so its bound is safe and not tight. ReLU
    with norm-bounded layers can't represent \\|x\\|; GroupSort keeps the gradient's norm. Derived in chapter 12.

    Source: Anil, Lucas, Grosse, "Sorting out Lipschitz function approximation", 2019.

    Parameters
    ----------
    iterations : int
        Steps of Björck's iteration in every forward.
    group_sort : bool
        Whether activations of the ReLU family are replaced by `wgan_course.models.layers.GroupSort`.

    Raises
    ------
    ValueError
        If there are no iterations, or a group holds fewer than two.
    """

    name = "orthonormal"

    def __init__(self, iterations: int = 15, group_sort: bool = True, group_size: int = 2):
        check_count("iterations", iterations)
        check_count("group_size", group_size)
        if group_size < 2:
            raise ValueError(f"group_size must be at least 2, got {group_size}: a group of one sorts nothing")
        self.iterations, self.group_sort, self.group_size = iterations, group_sort, group_size

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Parametrise each layer, and replace its activations; a refusal leaves the critic as it was."""
        refuse_parametrised(critic)
        made = [(layer, Orthonormal(layer, self.iterations)) for _, layer in weight_layers(critic)]
        for layer, orthonormal in made:  # all were made before the first is put in: a refusal changes nothing
            parametrize.register_parametrization(layer, "weight", orthonormal, unsafe=True)
        if self.group_sort:
            replace_activations(critic, self.group_size)
        return critic


def replace_activations(critic: nn.Module, group_size: int = 2) -> None:
    """Put GroupSort in place of every activation of the ReLU family, in place."""
    for module in list(critic.modules()):
        for name, child in module._modules.items():  # named_children would leave out one object's second place
            if isinstance(child, RELU_FAMILY):
                setattr(module, name, GroupSort(group_size))
