"""Linear operators given by what they do, and power iteration on them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from .matrices import check_matrix


@dataclass(frozen=True)
class LinearOperator:
    """A linear map between spaces of tensors, given by its action and that of its adjoint (chapter 7).

    Parameters
    ----------
    apply : callable
        Maps a Tensor of shape `in_shape` to one of shape `out_shape`.
    adjoint : callable
        Maps back; ``<apply(v), u> == <v, adjoint(u)>``.
    in_shape : tuple of int
        Shape of what goes in.
    out_shape : tuple of int
        Shape of what comes out.
    like : Tensor
        Tells data type and device.
    """

    apply: Callable[[Tensor], Tensor]
    adjoint: Callable[[Tensor], Tensor]
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    like: Tensor

    def matrix(self) -> Tensor:
        """Dense matrix of the operator; its columns are what becomes of the unit vectors.

        Returns
        -------
        Tensor, shape (numel out, numel in)
            Large: the product of both sizes.
        """
        size = torch.Size(self.in_shape).numel()
        basis = torch.eye(size, dtype=self.like.dtype, device=self.like.device).reshape(size, *self.in_shape)
        return torch.stack([self.apply(vector).flatten() for vector in basis], dim=1)


class PowerResult(NamedTuple):
    """What power iteration has found (chapter 7).

    Parameters
    ----------
    sigma : Tensor, shape ()
        Estimate of the largest singular value, never above it.
    u : Tensor
        Unit vector in the space of outputs.
    v : Tensor
        Unit vector in the space of inputs, the next start.
    """

    sigma: Tensor
    u: Tensor
    v: Tensor


def matrix_operator(weight: Tensor) -> LinearOperator:
    """Matrix as a linear operator (chapter 7).

    Parameters
    ----------
    weight : Tensor, shape (m, n)
        A matrix.

    Returns
    -------
    LinearOperator
        Multiplication by it.

    Raises
    ------
    ValueError
        If it is no matrix, is empty or not finite.
    """
    weight = check_matrix(weight)
    m, n = weight.shape
    return LinearOperator(lambda v: weight @ v, lambda u: weight.T @ u, (n,), (m,), weight)


def power_iteration(
    operator: Tensor | LinearOperator, steps: int = 20, v: Tensor | None = None, rng: Generator | None = None
) -> PowerResult:
    r"""Largest singular value of a matrix or operator, by power iteration.

    .. math:: u\leftarrow\frac{Wv}{\|Wv\|},\quad v\leftarrow\frac{W^\top u}{\|W^\top u\|},\quad\sigma=\|Wv\|

    The error falls like :math:`(\sigma_2/\sigma_1)^{2k}` twice over for σ (chapter 7, `thm-power-iteration`). Start
    from the `v` of an earlier call where there is one: after a small change of the matrix one step will do.

    Parameters
    ----------
    operator : Tensor, shape (m, n), or LinearOperator
        What to measure.
    steps : int
        Rounds, at least 1.
    v : Tensor, optional
        Start, in the space of inputs; need not have length one.
    rng : torch.Generator, optional
        Draws the start where `v` is not given.

    Returns
    -------
    PowerResult
        The estimate and both vectors; the estimate is 0 for a start that the operator sends to 0.

    Raises
    ------
    ValueError
        If there is neither start nor generator, the start has the wrong shape or is 0, or there are no steps.
    """
    if isinstance(operator, Tensor):
        operator = matrix_operator(operator)
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    v = _start(operator, v, rng)
    u = _unit(operator.apply(v))
    for _ in range(steps):
        v = _unit(operator.adjoint(u))
        image = operator.apply(v)
        u = _unit(image)
    return PowerResult(image.norm(), u, v)


def _start(operator: LinearOperator, v: Tensor | None, rng: Generator | None) -> Tensor:
    if v is None:
        if rng is None:
            raise ValueError("power iteration needs a start: give v, or rng to draw one")
        drawn = torch.randn(operator.in_shape, generator=rng, device=rng.device, dtype=operator.like.dtype)
        v = drawn.to(operator.like.device)
    if tuple(v.shape) != tuple(operator.in_shape):
        raise ValueError(f"v must have shape {tuple(operator.in_shape)}, got {tuple(v.shape)}")
    if not bool(v.norm() > 0) or not bool(torch.isfinite(v).all()):
        raise ValueError("v must be finite and not 0")
    return _unit(v)


def _unit(x: Tensor) -> Tensor:
    length = x.norm()
    return torch.where(length > 0, x / length.clamp_min(torch.finfo(x.dtype).tiny), x)
