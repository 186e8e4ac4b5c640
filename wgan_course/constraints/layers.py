"""Which layers of a critic carry weights, and which matrix a weight is."""

from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils import parametrize

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
LINEAR = (nn.Linear, nn.Embedding)
MATRIX_DIMENSIONS = 2

WeightLayer = (
    nn.Linear | nn.Embedding | nn.Conv1d | nn.Conv2d | nn.Conv3d
    | nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
)  # fmt: skip


def weight_layers(critic: nn.Module) -> list[tuple[str, WeightLayer]]:
    """List the layers whose weight is a matrix or a kernel, with their names, in the order of ``named_modules``.

    Raises
    ------
    TypeError
        If the critic is no module.
    ValueError
        If it has no linear, embedding or convolution layer; or a parameter with two or more axes elsewhere (attention,
        recurrent, bilinear layers), since a constraint that skipped it would bound nothing; or a layer whose weight
        does not exist yet (a lazy one), or is computed by a hook.
    """
    if not isinstance(critic, nn.Module):
        raise TypeError(f"critic must be a torch.nn.Module, got {type(critic).__name__}")
    layers = [(name, m) for name, m in critic.named_modules() if isinstance(m, LINEAR + CONVOLUTIONS + TRANSPOSED)]
    if not layers:
        raise ValueError("the critic has no linear or convolution layer, so there is no weight to constrain")
    for name, layer in layers:
        _refuse_weight_without_parameter(name, layer)
    _refuse_other_matrices(critic, layers)
    return layers


def _refuse_weight_without_parameter(name: str, layer: nn.Module) -> None:
    weight = layer._parameters.get("weight")
    if isinstance(weight, UninitializedParameter):
        raise ValueError(f"layer {name!r} is lazy and has no weight yet: run one batch through the critic first")
    if weight is None and not parametrize.is_parametrized(layer, "weight"):
        raise ValueError(
            f"the weight of layer {name!r} is no parameter: a hook computes it (torch.nn.utils.spectral_norm, "
            "weight_norm or pruning), and would undo a constraint. Remove the hook"
        )


def _refuse_other_matrices(critic: nn.Module, layers: list[tuple[str, WeightLayer]]) -> None:
    known = {id(parameter) for _, layer in layers for parameter in layer.parameters()}
    for name, parameter in critic.named_parameters():
        if parameter.ndim >= MATRIX_DIMENSIONS and id(parameter) not in known:
            raise ValueError(
                f"parameter {name!r} of shape {tuple(parameter.shape)} belongs to no linear or convolution layer, "
                "so this constraint would leave it free: build the critic of nn.Linear and nn.Conv* layers, or use a "
                "gradient penalty (around attention within torch.nn.attention.sdpa_kernel(SDPBackend.MATH), around "
                "recurrent layers on a GPU within torch.backends.cudnn.flags(enabled=False))"
            )


def refuse_parametrised(critic: nn.Module) -> None:
    """Refuse a critic that has been prepared before.

    Raises
    ------
    ValueError
        If the weight of a layer is parametrised, or has a power iteration.
    """
    for name, layer in weight_layers(critic):
        if parametrize.is_parametrized(layer, "weight") or "power_iteration" in layer._modules:
            raise ValueError(
                f"layer {name!r} is constrained already: prepare a critic once, and with one such constraint"
            )


def is_convolution(layer: nn.Module) -> bool:
    """Tell whether a layer is a convolution, transposed or not."""
    return isinstance(layer, CONVOLUTIONS + TRANSPOSED)


def transposed_layer(layer: nn.Module) -> bool:
    """Tell whether a layer is a transposed convolution."""
    return isinstance(layer, TRANSPOSED)


def as_matrix(weight: Tensor, transposed: bool = False) -> Tensor:
    """Reshape a weight to a matrix with one row an output channel, a view where possible.

    Parameters
    ----------
    weight : Tensor, shape (out, in, \\*), or (in, out, \\*) when transposed
    transposed : bool
        Whether the layer is a transposed convolution.
    """
    return (weight.transpose(0, 1) if transposed else weight).flatten(1)
