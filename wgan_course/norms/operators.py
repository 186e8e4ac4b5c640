"""Linear operators given by what they do, and power iteration on them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from .matrices import check_matrix


@dataclass(frozen=True)
class LinearOperator:
    r"""A linear map given by `apply` and `adjoint`, with :math:`\langle Ax,u\rangle=\langle x,A^\top u\rangle`.

    Used in chapter 7.

    Attributes
    ----------
    apply : callable
        Maps a Tensor of shape (n, \*in_shape) to one of shape (n, \*out_shape), a batch at a time.
    adjoint : callable
        Maps a Tensor of shape (n, \*out_shape) back to shape (n, \*in_shape).
    in_shape : tuple of int
        Shape of one input.
    dtype : torch.dtype
        Of the inputs.
    device : torch.device or str
        Where they live.
    """

    apply: Callable[[Tensor], Tensor]
    adjoint: Callable[[Tensor], Tensor]
    in_shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32
    device: torch.device | str = "cpu"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of one output."""
        return tuple(self.apply(torch.zeros((1, *self.in_shape), dtype=self.dtype, device=self.device)).shape[1:])

    def dense(self) -> Tensor:
        """Return the matrix of the operator, shape (outputs, inputs); for small sizes and for tests."""
        size = math.prod(self.in_shape)
        units = torch.eye(size, dtype=self.dtype, device=self.device).reshape(size, *self.in_shape)
        return self.apply(units).flatten(1).T


class SingularTriplet(NamedTuple):
    """What `power_iteration` returns.

    Attributes
    ----------
    sigma : Tensor, shape ()
        Estimate of the norm, from below.
    u : Tensor, shape out_shape
        Left singular vector, of norm 1.
    v : Tensor, shape in_shape
        Right singular vector, of norm 1.
    """

    sigma: Tensor
    u: Tensor
    v: Tensor


def matrix_operator(W: Tensor) -> LinearOperator:
    """Wrap a matrix as an operator on vectors; used in chapter 7.

    Parameters
    ----------
    W : Tensor, shape (m, n)

    Raises
    ------
    ValueError
        If W is no matrix, is empty, or is not finite.
    """
    check_matrix(W)
    if W.ndim != 2:
        raise ValueError(f"W must be one matrix, got shape {tuple(W.shape)}")
    return LinearOperator(lambda x: x @ W.T, lambda u: u @ W, (W.shape[1],), W.dtype, W.device)


@torch.no_grad()
def power_iteration(
    operator: LinearOperator | Tensor,
    u: Tensor | None = None,
    v: Tensor | None = None,
    steps: int = 20,
    rng: torch.Generator | None = None,
) -> SingularTriplet:
    r"""Estimate the norm of a matrix or an operator by power iteration, from a start of your choice.

    .. math:: u\leftarrow\frac{Av}{\|Av\|},\quad v\leftarrow\frac{A^\top u}{\|A^\top u\|},\ \sigma=\langle u,Av\rangle

    The relative error falls like :math:`(\sigma_2/\sigma_1)^{4k}` after k steps (its square root, the angle, like
    :math:`(\sigma_2/\sigma_1)^{2k}`), and the estimate never exceeds :math:`\|A\|_2`. Handing in the last `v` (or `u`)
    is the warm start. Derived in chapter 7 (``thm-power-iteration``, ``prop-power-tie``, ``prop-uv-form``,
    ``prop-warm-start``).

    Source: Golub and Van Loan, "Matrix computations", section 8.2. Miyato et al., "Spectral normalization for
    generative adversarial networks", 2018, algorithm 1.

    Parameters
    ----------
    operator : LinearOperator, or Tensor of shape (m, n)
    u : Tensor, shape out_shape, optional
        Start on the side of the outputs; the first act is then :math:`v\leftarrow A^\top u`, as in the SN paper, and
        the first step ends with :math:`u\leftarrow Av`.
    v : Tensor, shape in_shape, optional
        Start on the side of the inputs.
    steps : int
        Steps, at least 0, or 1 from u; a step applies the operator once and its adjoint once.
    rng : torch.Generator, optional
        Draws the start where neither u nor v is given; one of them has to be.

    Returns
    -------
    SingularTriplet
        ``(sigma, u, v)``; all of it constant to autograd. The gradient of ``u @ W @ v`` in W is :math:`uv^\top`.

    Raises
    ------
    ValueError
        If there is no start or two, it has the wrong shape, is zero or not finite, or `steps` is negative.
    """
    operator = _as_operator(operator)
    taken = int(u is not None)
    if steps < taken:
        raise ValueError(f"steps must be at least {taken} from this start, got {steps}")
    v = _start(operator, u, v, rng)
    for _ in range(steps - taken):
        image = operator.apply(v)
        v = _unit(operator.adjoint(_unit(image, image)), v)
    image = operator.apply(v)
    u = _unit(image, _first_unit(image))
    return SingularTriplet((u * image).sum(), u[0], v[0])


def _as_operator(operator: LinearOperator | Tensor) -> LinearOperator:
    if isinstance(operator, LinearOperator):
        return operator
    if not isinstance(operator, Tensor):
        raise TypeError(f"operator must be a LinearOperator or a matrix, got {type(operator).__name__}")
    return matrix_operator(operator)


def _start(operator: LinearOperator, u: Tensor | None, v: Tensor | None, rng: torch.Generator | None) -> Tensor:
    """Return the unit vector, shape (1, *in_shape), that the first step starts from."""
    if sum(start is not None for start in (u, v, rng)) != 1:
        raise ValueError("give exactly one of u, v (a start) and rng (to draw one), so that the result is repeatable")
    if rng is not None:
        v = torch.randn(operator.in_shape, generator=rng, device=rng.device, dtype=torch.float64)
    name, start, shape = ("u", u, operator.out_shape) if u is not None else ("v", v, operator.in_shape)
    assert start is not None
    if tuple(start.shape) != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {tuple(start.shape)}")
    if not bool(torch.isfinite(start).all()) or not bool((start != 0).any()):
        raise ValueError(f"{name} must be finite and not zero: power iteration never leaves zero")
    start = start.to(dtype=operator.dtype, device=operator.device)[None]
    return _unit(start, start) if u is None else _from_left(operator, _unit(start, start))


def _from_left(operator: LinearOperator, u: Tensor) -> Tensor:
    v = operator.adjoint(u)
    return _unit(v, _first_unit(v))


def _unit(x: Tensor, otherwise: Tensor) -> Tensor:
    """Normalise, or keep the other vector where this one is zero (the operator is, or the start was in its kernel)."""
    peak = torch.linalg.vector_norm(x, torch.inf)  # the squares of what is very large or small leave the range
    scaled = x / peak
    return scaled / torch.linalg.vector_norm(scaled) if bool(peak > 0) else otherwise


def _first_unit(x: Tensor) -> Tensor:
    unit = torch.zeros_like(x)
    unit.view(-1)[0] = 1
    return unit
