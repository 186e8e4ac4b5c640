"""Constraints on the architecture other than spectral normalisation: unit rows, and orthonormal layers."""

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from .base import Constraint, check_count, check_positive
from .layers import is_convolution, refuse_parametrised, transposed_layer, weight_layers
from .spectral import TINY

RELU_FAMILY = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.CELU, nn.SELU),
    *(nn.GELU, nn.SiLU, nn.Mish, nn.Softplus),
)


class UnitRows(nn.Module):
    """Parametrisation that gives each output's weights a fixed Euclidean norm.

    Parameters
    ----------
    gain : float
        The norm.
    transposed : bool
        Whether the layer is a transposed convolution.
    """

    def __init__(self, gain: float = 1.0, transposed: bool = False):
        super().__init__()
        self.gain, self.dimension = gain, 1 if transposed else 0

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight with rows of norm `gain`.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The trained weight.

        Returns
        -------
        Tensor, shape of `weight`
            gain · w_i/‖w_i‖.
        """
        axes = [axis for axis in range(weight.ndim) if axis != self.dimension]
        return self.gain * weight / torch.linalg.vector_norm(weight, dim=axes, keepdim=True).clamp(min=TINY)


class WeightNormalisation(Constraint):
    """Weight normalisation with a fixed gain: every row of every weight has the same norm.

    Parameters
    ----------
    gain : float
        The norm of a row.

    Raises
    ------
    ValueError
        If the gain is not positive.

    Notes
    -----
    ‖W‖_F = gain · √out, so the spectral norm lies between gain and gain · √out: a loose bound, which is met where W
    has rank one. That is why it pushes critics to low rank. Compared in chapter 8.

    References
    ----------
    Salimans, Kingma, "Weight Normalization", 2016; Miyato et al., 2018, section 3 on what it does to a critic.
    """

    name = "weight_norm"

    def __init__(self, gain: float = 1.0):
        check_positive("gain", gain)
        self.gain = gain

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Parametrise each layer by its rows' directions.

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
            rows = UnitRows(self.gain, transposed_layer(layer))
            parametrize.register_parametrization(layer, "weight", rows, unsafe=True)
        return critic


def bjorck(matrix: Tensor, iterations: int = 15) -> Tensor:
    """Return the nearest matrix with orthonormal rows or columns, by Björck's iteration.

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

    References
    ----------
    Björck, Bowie, "An iterative algorithm for computing the best estimate of an orthogonal matrix", 1971; Anil, Lucas,
    Grosse, "Sorting out Lipschitz function approximation", 2019. Derived in chapter 12.
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
    product = sizes.sum(-1).amax(-1) * sizes.sum(-2).amax(-1)
    return product.sqrt().clamp(min=TINY)[..., None, None]


def overlap(layer: nn.Module) -> int:
    """Return in how many patches of a convolution one pixel can lie.

    Parameters
    ----------
    layer : Module
        A convolution, transposed or not, with zero or circular padding.

    Returns
    -------
    int
        The product over the axes of ⌈k / (s / gcd(s, d))⌉, k the kernel's size, s the stride, d the dilation. The
        operator's norm is at most its root times the reshaped kernel's.

    Raises
    ------
    ValueError
        If the padding repeats pixels, which enlarges the norm.

    Notes
    -----
    Derived in chapter 7 (``prop-reshaped-bound``).
    """
    if layer.padding_mode not in ("zeros", "circular"):
        raise ValueError(
            f"padding_mode {layer.padding_mode!r} repeats pixels, so the bound fails: use zeros or circular"
        )
    axes = zip(layer.kernel_size, layer.stride, layer.dilation, strict=True)
    return math.prod(math.ceil(k / (s // math.gcd(s, d))) for k, s, d in axes)


class Orthonormal(nn.Module):
    """Parametrisation with all singular values 1, or 1/√overlap for a convolution.

    Parameters
    ----------
    layer : Module
        The layer whose weight it is for.
    iterations : int
        Steps of Björck's iteration.

    Raises
    ------
    ValueError
        If the layer's padding repeats pixels.
    """

    def __init__(self, layer: nn.Module, iterations: int = 15):
        super().__init__()
        self.iterations, self.transposed = iterations, transposed_layer(layer)
        convolution = is_convolution(layer)
        self.groups = layer.groups if convolution else 1
        self.scale = 1 / math.sqrt(overlap(layer)) if convolution else 1.0

    def forward(self, weight: Tensor) -> Tensor:
        """Return the orthonormal weight.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The trained weight.

        Returns
        -------
        Tensor, shape of `weight`
            The nearest orthonormal one, computed in float32 or better, scaled.
        """
        return self._by_group(weight, lambda matrices: self.scale * bjorck(matrices, self.iterations))

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return an orthonormal start, so that the iteration begins where it should end.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
            The weight that the layer was initialised with.

        Returns
        -------
        Tensor, shape of `weight`
            The nearest orthonormal weight, by SVD.
        """
        return weight if weight.is_meta else self._by_group(weight.detach(), _polar)

    def _by_group(self, weight: Tensor, function) -> Tensor:
        """Apply a function to the matrix of each group: a grouped convolution is block diagonal."""
        with torch.autocast("cpu" if weight.is_meta else weight.device.type, enabled=False):
            full = weight.float() if weight.dtype in (torch.float16, torch.bfloat16) else weight
            blocks = full.reshape(self.groups, full.shape[0] // self.groups, *full.shape[1:])
            return function(blocks.flatten(2)).reshape(weight.shape).to(weight.dtype)


def _polar(matrix: Tensor) -> Tensor:
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    return u @ vh


class OrthonormalLayers(Constraint):
    """Orthonormal layers by Björck's iteration, with GroupSort in place of ReLU.

    Parameters
    ----------
    iterations : int
        Steps of Björck's iteration in every forward.
    group_sort : bool
        Whether activations of the ReLU family are replaced by `wgan_course.models.layers.GroupSort`.
    group_size : int
        Features in a group.

    Raises
    ------
    ValueError
        If there are no iterations, or a group holds fewer than two.

    Notes
    -----
    Every layer is 1-Lipschitz; a convolution through its overlap (`overlap`), so its bound is safe and not tight. ReLU
    with norm-bounded layers can't represent \\|x\\|; GroupSort keeps the gradient's norm. Derived in chapter 12.

    References
    ----------
    Anil, Lucas, Grosse, "Sorting out Lipschitz function approximation", 2019.
    """

    name = "orthonormal"

    def __init__(self, iterations: int = 15, group_sort: bool = True, group_size: int = 2):
        check_count("iterations", iterations)
        check_count("group_size", group_size)
        if group_size < 2:
            raise ValueError(f"group_size must be at least 2, got {group_size}: a group of one sorts nothing")
        self.iterations, self.group_sort, self.group_size = iterations, group_sort, group_size

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Parametrise each layer, and replace its activations.

        Parameters
        ----------
        critic : Module
            The critic; changed in place.

        Returns
        -------
        Module
            The same critic.

        Raises
        ------
        ValueError
            If a layer is parametrised already, or a convolution's padding repeats pixels.
        """
        refuse_parametrised(critic)
        made = [(layer, Orthonormal(layer, self.iterations)) for _, layer in weight_layers(critic)]
        for layer, orthonormal in made:  # all were made before the first is put in: a refusal changes nothing
            parametrize.register_parametrization(layer, "weight", orthonormal, unsafe=True)
        if self.group_sort:
            replace_activations(critic, self.group_size)
        return critic


def replace_activations(critic: nn.Module, group_size: int = 2) -> None:
    """Put GroupSort in place of every activation of the ReLU family.

    Parameters
    ----------
    critic : Module
        The critic; changed in place.
    group_size : int
        Features in a group.
    """
    from wgan_course.models.layers import GroupSort

    for module in list(critic.modules()):
        for name, child in module._modules.items():  # named_children would leave out one object's second place
            if isinstance(child, RELU_FAMILY):
                setattr(module, name, GroupSort(group_size))
