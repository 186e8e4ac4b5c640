"""Norms of convolutions: of the operator, by FFT and by power iteration, and of the reshaped kernel."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .matrices import spectral_norm
from .operators import LinearOperator, power_iteration

_CONV = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}
_MODES = ("zeros", "circular", "reflect", "replicate")


def conv_operator(
    weight: Tensor,
    in_shape: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    transposed: bool = False,
    output_padding: int | Sequence[int] = 0,
    padding_mode: str = "zeros",
) -> LinearOperator:
    r"""A convolution, without its bias, as a linear operator on images of a given size.

    The adjoint comes from automatic differentiation, so it is exact for every geometry. Derived in chapter 7.

    Parameters
    ----------
    weight : Tensor, shape (out, in / groups, \*kernel), or (in, out / groups, \*kernel) when transposed
        The kernel, with one to three spatial axes.
    in_shape : sequence of int
        Shape (in, \*size) of one input.
    stride : int or sequence of int
        As in PyTorch; so are the others.
    transposed : bool
        Whether it is a transposed convolution.
    padding_mode : {"zeros", "circular", "reflect", "replicate"}
        What is padded; zeros only when transposed.

    Returns
    -------
    LinearOperator
        The operator, in the kernel's type and on its device.

    Raises
    ------
    ValueError
        If the weight is no finite kernel, or the geometry does not fit the input.
    """
    check_kernel(weight)
    dims, weight = weight.ndim - 2, weight.detach()
    if len(in_shape) != dims + 1:
        raise ValueError(f"in_shape must be (channels, *{dims} sizes), got {tuple(in_shape)}")
    if padding_mode not in _MODES or (transposed and padding_mode != "zeros"):
        raise ValueError(f"padding_mode must be one of {', '.join(_MODES)} (zeros if transposed), got {padding_mode!r}")
    geometry = {"stride": stride, "dilation": dilation, "groups": groups}
    if transposed:
        extra = {"padding": padding, "output_padding": output_padding}

        def apply(x: Tensor) -> Tensor:
            return _TRANSPOSED[dims](x, weight, **geometry, **extra)
    else:
        pads = _pad_pairs(padding, weight.shape[2:], dilation)

        def apply(x: Tensor) -> Tensor:
            return _CONV[dims](pad(x, pads, padding_mode), weight, **geometry)

    return _checked_operator(apply, tuple(in_shape), weight)


def _checked_operator(apply, in_shape: tuple[int, ...], weight: Tensor) -> LinearOperator:
    example = torch.zeros((1, *in_shape), dtype=weight.dtype, device=weight.device)
    try:
        apply(example)
    except (RuntimeError, ValueError, TypeError) as error:
        raise ValueError(f"in_shape {in_shape} does not fit a kernel of shape {tuple(weight.shape)}: {error}") from None

    def adjoint(u: Tensor) -> Tensor:
        with torch.enable_grad():
            start = example.expand(len(u), *in_shape)
            return torch.func.vjp(apply, start)[1](u)[0]

    return LinearOperator(apply, adjoint, in_shape, weight.dtype, weight.device)


def check_kernel(weight: Tensor) -> None:
    r"""Refuse what is no finite kernel with one to three spatial axes.

    Parameters
    ----------
    weight : Tensor, shape (out, in, \*kernel)

    Raises
    ------
    TypeError
        If the weight is no floating-point tensor.
    ValueError
        If it has the wrong number of axes, is empty or not finite.
    """
    if not isinstance(weight, Tensor) or not weight.is_floating_point():
        raise TypeError(
            f"weight must be a floating-point tensor, got {getattr(weight, 'dtype', type(weight).__name__)}"
        )
    if weight.ndim not in (3, 4, 5) or weight.numel() == 0:
        raise ValueError(f"weight must have shape (out, in, *kernel), got {tuple(weight.shape)}")
    if not bool(torch.isfinite(weight).all()):
        raise ValueError("weight must be finite, got NaN or infinity")


def each(value: int | Sequence[int], dims: int) -> tuple[int, ...]:
    """Repeat a number for each spatial axis, or return the sequence as a tuple.

    Parameters
    ----------
    value : int or sequence of int
        One for all axes, or one for each.
    """
    return (value,) * dims if isinstance(value, int) else tuple(value)


def _pad_pairs(padding, kernel: Sequence[int], dilation) -> list[tuple[int, int]]:
    """Return what is added before and after on each axis; "same" adds the odd one after, as PyTorch does."""
    spans = [d * (k - 1) for d, k in zip(each(dilation, len(kernel)), kernel, strict=True)]
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if padding == "same":
        return [(span // 2, span - span // 2) for span in spans]
    if isinstance(padding, str):
        raise ValueError(f"padding must be numbers, 'same' or 'valid', got {padding!r}")
    return [(p, p) for p in each(padding, len(kernel))]


def pad(x: Tensor, pairs: Sequence[tuple[int, int]], mode: str) -> Tensor:
    r"""Pad each spatial axis before and after.

    Parameters
    ----------
    x : Tensor, shape (n, channels, \*size)
    pairs : sequence of (int, int)
        Before and after, for each spatial axis.
    """
    if not any(map(any, pairs)):
        return x
    flat = [p for pair in reversed(pairs) for p in pair]
    return functional.pad(x, flat, "constant" if mode == "zeros" else mode)


def conv_singular_values(weight: Tensor, size: int | Sequence[int], dilation: int | Sequence[int] = 1) -> Tensor:
    r"""All singular values of a circular convolution of stride 1: those of the kernel's Fourier transform.

    At each frequency the operator is a small matrix, :math:`\hat W(\omega)\in\mathbb C^{\text{out}\times\text{in}}`.
    Kernels larger than the image wrap around. Derived in chapter 7 (``thm-circular-fft``).

    Source: Sedghi, Gupta and Long, "The singular values of convolutional layers", 2019.

    Parameters
    ----------
    weight : Tensor, shape (out, in, \*kernel)
    size : int or sequence of int
        Size of the image on each axis.

    Returns
    -------
    Tensor, shape (\*size, min(out, in))
        The singular values at each frequency, largest first; differentiable in the kernel.

    Raises
    ------
    ValueError
        If the weight is no finite kernel, or the size does not fit its axes.
    """
    check_kernel(weight)
    size = each(size, weight.ndim - 2)
    if len(size) != weight.ndim - 2 or min(size) < 1:
        raise ValueError(f"size must be positive on each of {weight.ndim - 2} axes, got {size}")
    spectrum = torch.fft.fftn(_on_torus(weight, size, each(dilation, len(size))), dim=tuple(range(2, weight.ndim)))
    return torch.linalg.svdvals(spectrum.movedim((0, 1), (-2, -1)))


def _on_torus(weight: Tensor, size: tuple[int, ...], dilation: tuple[int, ...]) -> Tensor:
    """Write the kernel on an image of the given size; taps that leave it come back on the other side."""
    torus = weight.new_zeros((*weight.shape[:2], *size))
    places = [
        d * torch.arange(k, device=weight.device) % n for d, k, n in zip(dilation, weight.shape[2:], size, strict=True)
    ]
    grid = torch.meshgrid(*places, indexing="ij")
    flat = torch.zeros_like(grid[0])
    for place, n in zip(grid, size, strict=True):
        flat = flat * n + place
    return torus.flatten(2).index_add(2, flat.flatten(), weight.flatten(2)).reshape(torus.shape)


def conv_norm_fft(weight: Tensor, size: int | Sequence[int], dilation: int | Sequence[int] = 1) -> Tensor:
    r"""Operator norm of a circular convolution of stride 1, exact: :math:`\max_\omega\|\hat W(\omega)\|_2`.

    Derived in chapter 7 (``thm-circular-fft``).

    Parameters
    ----------
    weight : Tensor, shape (out, in, \*kernel)
    size : int or sequence of int
        Size of the image on each axis.
    """
    return conv_singular_values(weight, size, dilation).max()


def conv_norm(
    weight: Tensor,
    in_shape: Sequence[int],
    *,
    steps: int = 200,
    v: Tensor | None = None,
    rng: torch.Generator | None = None,
    **geometry,
) -> Tensor:
    r"""Operator norm of a convolution of any geometry, by power iteration on the operator; from below.

    Derived in chapter 7.

    Parameters
    ----------
    weight : Tensor, shape (out, in / groups, \*kernel), or (in, out / groups, \*kernel) when transposed
    in_shape : sequence of int
        Shape (in, \*size) of one input.
    v : Tensor, shape in_shape, optional
        A start, such as the last answer's.
    rng : torch.Generator, optional
        Draws the start otherwise; of seed 0 by default.
    **geometry
        ``stride``, ``padding``, ``dilation``, ``groups``, ``transposed``, ``output_padding``, ``padding_mode``, as
        `conv_operator`.
    """
    operator = conv_operator(weight, in_shape, **geometry)
    if v is None and rng is None:
        rng = torch.Generator().manual_seed(0)
    return power_iteration(operator, v=v, rng=rng, steps=steps).sigma


def reshaped_norm(weight: Tensor, transposed: bool = False) -> Tensor:
    r"""Spectral norm of the kernel flattened to one row an output channel: what most code takes for the norm.

    The operator's norm is at most this times `reshaped_factor`. Derived in chapter 7 (``prop-reshaped-bound``).

    Source: Miyato et al., 2018, footnote 3.

    Parameters
    ----------
    weight : Tensor, shape (out, in, \*kernel), or (in, out, \*kernel) when transposed
    transposed : bool
        Whether it belongs to a transposed convolution.
    """
    check_kernel(weight)
    return spectral_norm((weight.transpose(0, 1) if transposed else weight).flatten(1))


def reshaped_factor(kernel: Sequence[int], stride: int | Sequence[int] = 1, dilation: int | Sequence[int] = 1) -> float:
    r"""How far the operator's norm can exceed the reshaped kernel's: :math:`\sqrt{k_hk_w}` at stride 1.

    An input pixel is seen by at most :math:`\lceil k/s\rceil` windows on each axis (k where the taps are dilated), so
    the patches together hold at most that much more than the image. Derived in chapter 7 (``prop-reshaped-bound``).

    Raises
    ------
    ValueError
        If a number is below 1.
    """
    dims = len(kernel)
    axes = list(zip(kernel, each(stride, dims), each(dilation, dims), strict=True))
    if not axes or min(map(min, axes)) < 1:
        raise ValueError(f"kernel, stride and dilation must be at least 1, got {tuple(kernel)}, {stride}, {dilation}")
    return math.sqrt(math.prod(_windows(*axis) for axis in axes))


def _windows(kernel: int, stride: int, dilation: int) -> int:
    """Count the taps at one place, over all windows: at most this many start at multiples of the stride."""
    residues = [dilation * tap % stride for tap in range(kernel)]
    return max(residues.count(r) for r in residues)


def conv_norm_bound(
    weight: Tensor,
    in_shape: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    transposed: bool = False,
    output_padding: int | Sequence[int] = 0,
    padding_mode: str = "zeros",
) -> Tensor:
    r"""Upper bound of a convolution's operator norm, of any geometry; the truth for a circular one of stride 1.

    On a torus as large as the padded image the convolution is circular; the real one is a part of it (fewer inputs,
    fewer outputs), so its norm is at most that of the torus, times the norm of the padding. Power iteration comes from
    below and can't certify anything; this can. The reshaped bound is taken where it is smaller. Derived in chapter 7.

    Parameters
    ----------
    weight : Tensor, shape (out, in / groups, \*kernel), or (in, out / groups, \*kernel) when transposed
    in_shape : sequence of int
        Shape (in, \*size) of one input.
    """
    operator = conv_operator(
        weight, in_shape, stride=stride, padding=padding, dilation=dilation, groups=groups, transposed=transposed,
        output_padding=output_padding, padding_mode=padding_mode,
    )  # fmt: skip
    kernel, image = weight.shape[2:], operator.out_shape if transposed else operator.in_shape
    pairs = _pad_pairs(padding, kernel, dilation)
    size, gain = _torus(image[1:], pairs, kernel, dilation, padding_mode)
    blocks = weight.detach().chunk(groups)
    factor = reshaped_factor(kernel, 1 if padding_mode == "circular" else stride, dilation)
    bounds = [min(conv_norm_fft(w, size, dilation), reshaped_norm(w) * factor) for w in blocks]
    return gain * torch.stack(bounds).max()


def _torus(image: Sequence[int], pairs, kernel: Sequence[int], dilation, mode: str) -> tuple[list[int], float]:
    """Return a torus on which the windows of the padded image are windows, and the norm of getting there."""
    spans = [d * (k - 1) for d, k in zip(each(dilation, len(kernel)), kernel, strict=True)]
    circular = zip(image, pairs, spans, strict=True)
    if mode == "circular" and all(sum(p) <= span for _, p, span in circular):
        return list(image), 1.0
    gain = math.prod(_padding_norm(n, pair, mode) for n, pair in zip(image, pairs, strict=True))
    return [n + sum(pair) for n, pair in zip(image, pairs, strict=True)], gain


def _padding_norm(n: int, pair: tuple[int, int], mode: str) -> float:
    """Norm of padding a line: the square root of how often the most copied pixel appears."""
    if mode == "zeros" or not any(pair):
        return 1.0
    places = pad(torch.arange(n, dtype=torch.float64)[None, None], [pair], mode)
    return math.sqrt(int(places.long().flatten().bincount().max()))
