"""What a convolution does to the length of its input, and what its reshaped kernel only says that it does."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor
from torch.nn import functional

from .operators import LinearOperator, power_iteration

_CONVOLUTIONS: dict[bool, dict[int, Callable[..., Tensor]]] = {
    False: {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d},
    True: {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d},
}


def conv_operator(
    weight: Tensor,
    in_shape: Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    transposed: bool = False,
    output_padding: int | Sequence[int] = 0,
    padding_mode: str = "zeros",
) -> LinearOperator:
    """Convolution layer, without its bias, as a linear operator on one image (chapter 7).

    Parameters
    ----------
    weight : Tensor, shape (out, in / groups, *kernel), or (in, out / groups, *kernel) when transposed
        Kernel of a convolution in 1, 2 or 3 dimensions.
    in_shape : sequence of int
        Shape of one input, channels first.
    stride, padding, dilation, groups, output_padding : int or sequence of int
        As in PyTorch's layers.
    transposed : bool
        Whether it is a transposed convolution.
    padding_mode : {"zeros", "circular"}
        What lies outside the image.

    Returns
    -------
    LinearOperator
        Its adjoint is exact, by automatic differentiation.

    Raises
    ------
    ValueError
        If kernel and input do not fit, or the padding mode is neither of the two.
    """
    dims = weight.ndim - 2
    if dims not in (1, 2, 3) or weight.numel() == 0:
        raise ValueError(f"weight must be the kernel of a convolution, got shape {tuple(weight.shape)}")
    if padding_mode not in ("zeros", "circular") or (transposed and padding_mode == "circular"):
        raise ValueError(f"padding_mode must be 'zeros', or 'circular' without transposing, got {padding_mode!r}")
    if len(in_shape) != dims + 1:
        raise ValueError(f"in_shape must have channels and {dims} sizes, got {tuple(in_shape)}")
    convolve, extra = _CONVOLUTIONS[transposed][dims], {}
    if transposed:
        extra["output_padding"] = output_padding
    border = _tuple(padding, dims)
    around = [side for side in reversed(border) for _ in range(2)] if padding_mode == "circular" else None

    def apply(x: Tensor) -> Tensor:
        batch = x[None]
        if around is not None:
            batch = functional.pad(batch, around, mode="circular")
        inner = 0 if around is not None else border
        return convolve(batch, weight, None, stride, inner, dilation=dilation, groups=groups, **extra)[0]

    return _with_adjoint(apply, tuple(in_shape), weight)


def conv_norm(
    weight: Tensor, in_shape: Sequence[int], steps: int = 100, rng: Generator | None = None, **options
) -> Tensor:
    """Operator norm of a convolution by power iteration on the operator itself (chapter 7).

    Right for every padding, stride, dilation and grouping, and for transposed convolutions. Approached from below.

    Parameters
    ----------
    weight : Tensor
        Kernel, as for `conv_operator`.
    in_shape : sequence of int
        Shape of one input, channels first.
    steps : int
        Rounds of power iteration.
    rng : torch.Generator, optional
        Draws the start; seeded with 0 by default.
    **options
        As for `conv_operator`.

    Returns
    -------
    Tensor, shape ()
        The largest factor by which the layer stretches an image.

    Raises
    ------
    ValueError
        As `conv_operator` and `power_iteration`.
    """
    operator = conv_operator(weight.detach(), in_shape, **options)
    rng = rng if rng is not None else torch.Generator().manual_seed(0)
    return power_iteration(operator, steps, rng=rng).sigma


def conv_singular_values_fft(
    weight: Tensor, size: int | Sequence[int], dilation: int | Sequence[int] = 1, groups: int = 1
) -> Tensor:
    """All singular values of a circular convolution of stride 1, by Fourier transform and small SVDs.

    Derived in chapter 7 (`thm-circular-fft`): at each frequency the layer is a matrix of channels by channels.

    Parameters
    ----------
    weight : Tensor, shape (out, in / groups, *kernel)
        Kernel.
    size : int or sequence of int
        Size of the image, no smaller than the dilated kernel.
    dilation : int or sequence of int
        Spacing of the kernel's taps.
    groups : int
        Number of independent blocks of channels.

    Returns
    -------
    Tensor, shape (frequencies * groups * min(out, in) / groups,)
        In decreasing order, in float64.

    Raises
    ------
    ValueError
        If the kernel is larger than the image, or the groups do not divide the channels.

    References
    ----------
    Sedghi, Gupta and Long, The singular values of convolutional layers, 2019.
    """
    dims = weight.ndim - 2
    size = _tuple(size, dims)
    kernel = _dilated(weight.detach().double(), _tuple(dilation, dims))
    if any(k > n for k, n in zip(kernel.shape[2:], size, strict=True)):
        raise ValueError(f"the kernel {tuple(kernel.shape[2:])} is larger than the image {size}")
    if groups < 1 or weight.shape[0] % groups:
        raise ValueError(f"groups must divide the {weight.shape[0]} output channels, got {groups}")
    axes = tuple(range(2, 2 + dims))
    spectrum = torch.fft.fftn(kernel, s=size, dim=axes).flatten(2).permute(2, 0, 1)
    blocks = spectrum.reshape(spectrum.shape[0], groups, -1, spectrum.shape[2])
    return torch.linalg.svdvals(blocks).flatten().sort(descending=True).values


def conv_norm_fft(
    weight: Tensor, size: int | Sequence[int], dilation: int | Sequence[int] = 1, groups: int = 1
) -> Tensor:
    """Exact operator norm of a circular convolution of stride 1 (chapter 7, `thm-circular-fft`).

    Parameters
    ----------
    weight : Tensor, shape (out, in / groups, *kernel)
        Kernel.
    size : int or sequence of int
        Size of the image.
    dilation : int or sequence of int
        Spacing of the kernel's taps.
    groups : int
        Number of independent blocks of channels.

    Returns
    -------
    Tensor, shape ()
        The largest singular value.

    Raises
    ------
    ValueError
        As `conv_singular_values_fft`.
    """
    return conv_singular_values_fft(weight, size, dilation, groups)[0].to(weight)


def reshaped_norm(weight: Tensor) -> Tensor:
    r"""Spectral norm of the kernel reshaped to (out, in · kernel), which most libraries take for the layer's norm.

    The layer's own norm can be up to :math:`\sqrt{k_hk_w}` times larger, and smaller too (chapter 7,
    `prop-reshaped-bound`).

    Parameters
    ----------
    weight : Tensor, shape (out, in, *kernel)
        Kernel.

    Returns
    -------
    Tensor, shape ()
        Spectral norm of the matrix.

    Raises
    ------
    ValueError
        If it is no kernel or not finite.
    """
    if weight.ndim < 3 or weight.numel() == 0 or not bool(torch.isfinite(weight).all()):
        raise ValueError(f"weight must be a finite kernel of shape (out, in, *kernel), got {tuple(weight.shape)}")
    return torch.linalg.matrix_norm(weight.flatten(1), 2)


def conv_norm_bound(
    weight: Tensor,
    in_shape: Sequence[int],
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    transposed: bool = False,
    out_shape: Sequence[int] | None = None,
    padding_mode: str = "zeros",
) -> Tensor:
    r"""Guaranteed upper bound on the norm of a convolution with zero or circular padding, of any stride.

    Zero padding is a circular convolution on a larger image with the border cut away, and a stride leaves pixels out;
    neither can stretch. Circular padding that goes on past the image repeats pixels, which is counted. A transposed
    convolution has the norm of the convolution that it transposes. The bound is the smaller one of that and
    :math:`\sqrt{k}` times the reshaped norm, k being the number of taps (chapter 7).

    Parameters
    ----------
    weight : Tensor
        Kernel, as for `conv_operator`.
    in_shape : sequence of int
        Shape of one input, channels first.
    dilation, groups : int or sequence of int
        As in PyTorch's layers.
    transposed : bool
        Whether it is a transposed convolution.
    out_shape : sequence of int, optional
        Shape of one output; needed when transposed or circular.
    padding_mode : {"zeros", "circular"}
        What lies outside the image.

    Returns
    -------
    Tensor, shape ()
        Not below the layer's norm.

    Raises
    ------
    ValueError
        If `out_shape` is missing where it is needed.
    """
    circular = padding_mode == "circular"
    if (transposed or circular) and out_shape is None:
        raise ValueError("out_shape is needed for a transposed or a circular convolution")
    image = tuple(out_shape if transposed else in_shape)[1:]
    dilation = _tuple(dilation, len(image))
    extents = [d * (k - 1) + 1 for k, d in zip(weight.shape[2:], dilation, strict=True)]
    size = image if circular else [n + extent - 1 for n, extent in zip(image, extents, strict=True)]
    repeats = math.prod(-(-m // n) for m, n in zip(out_shape[1:], image, strict=True)) if circular else 1
    return math.sqrt(repeats) * _unrolled_bound(weight.detach(), size, dilation, groups)


def _unrolled_bound(weight: Tensor, size: Sequence[int], dilation: tuple[int, ...], groups: int) -> Tensor:
    taps = math.prod(weight.shape[2:])
    reshaped = max(reshaped_norm(block) for block in weight.chunk(groups, 0)) * math.sqrt(taps)
    return torch.minimum(reshaped, conv_norm_fft(weight, size, dilation, groups))


def _with_adjoint(apply: Callable[[Tensor], Tensor], in_shape: tuple[int, ...], like: Tensor) -> LinearOperator:
    zero = torch.zeros(in_shape, dtype=like.dtype, device=like.device)
    try:
        out_shape = tuple(apply(zero).shape)
    except RuntimeError as error:
        raise ValueError(f"kernel {tuple(like.shape)} and input {in_shape} do not fit: {error}") from error

    def adjoint(u: Tensor) -> Tensor:
        return torch.func.vjp(apply, zero)[1](u)[0]

    return LinearOperator(apply, adjoint, in_shape, out_shape, like)


def _dilated(kernel: Tensor, dilation: tuple[int, ...]) -> Tensor:
    extents = [d * (k - 1) + 1 for k, d in zip(kernel.shape[2:], dilation, strict=True)]
    spread = kernel.new_zeros(*kernel.shape[:2], *extents)
    spread[(..., *(slice(None, None, d) for d in dilation))] = kernel
    return spread


def _tuple(value: int | Sequence[int], dims: int) -> tuple[int, ...]:
    return (value,) * dims if isinstance(value, int) else tuple(value)
