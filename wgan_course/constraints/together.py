"""Many weights divided by their spectral norms at once: all vectors are normalised together, in one node of the graph.

A layer by itself costs some forty operations a step, most of them on a handful of numbers. Here the vectors of all
layers lie in the rows of one block, padded with zeros, and the gradient is the closed form of ``prop-sn-gradient``.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .layers import as_matrix


def _block(vectors: Sequence[Tensor], like: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Vectors as the rows of one matrix, and a view of each row without its padding."""
    sizes = [vector.numel() for vector in vectors]
    block = like.new_zeros(len(sizes), max(sizes))
    rows = [row[:size] for row, size in zip(block.unbind(), sizes, strict=True)]
    torch._foreach_copy_(rows, list(vectors))  # pyright: ignore[reportPrivateImportUsage]
    return block, rows


def _multiply(matrices: Sequence[Tensor], vectors: Sequence[Tensor], results: Sequence[Tensor]) -> None:
    for matrix, vector, result in zip(matrices, vectors, results, strict=True):
        torch.mv(matrix, vector, out=result)


def _normalise_(block: Tensor, before: Tensor) -> Tensor:
    """Give each row norm 1, or take the row of before where it is zero; return the norms, in range if they can be."""
    peak = torch.linalg.vector_norm(block, torch.inf, dim=1, keepdim=True)
    scaled = block / peak
    size = torch.linalg.vector_norm(scaled, dim=1, keepdim=True)
    positive = peak > 0
    torch.where(positive, scaled / size, before, out=block)
    return torch.where(positive, peak * size, 1.0).squeeze(1)


def _iterate(matrices: list[Tensor], u: list[Tensor], v: list[Tensor], steps: int) -> tuple[Any, Any, Tensor]:
    """Rows of u and v after some steps of power iteration, which are kept, and σ."""
    (left, rows), (right, columns) = _block(u, matrices[0]), _block(v, matrices[0])
    adjoints = [matrix.mT for matrix in matrices]
    for _ in range(steps):
        before = right.clone()
        _multiply(adjoints, rows, columns)
        _normalise_(right, before)
        before = left.clone()
        _multiply(matrices, columns, rows)
        sigma = _normalise_(left, before)
    if steps:
        torch._foreach_copy_(u + v, rows + columns)  # pyright: ignore[reportPrivateImportUsage]
        return rows, columns, sigma
    before = left.clone()
    _multiply(matrices, columns, rows)
    return rows, columns, _normalise_(left, before)


class NormaliseTogether(torch.autograd.Function):
    """W/σ(W) of several weights of one type and device, and all σ, with u and v constant.

    ∂L/∂W = (∂L/∂W̄ − ⟨∂L/∂W̄, W̄⟩ u vᵀ)/σ + ∂L/∂σ u vᵀ, by ``prop-sn-gradient``, derived in chapter 8. It may be
    differentiated again.
    """

    @staticmethod
    def forward(
        ctx: Any, u: list[Tensor], v: list[Tensor], steps: int, transposed: list[bool], *weights: Tensor
    ) -> tuple[Tensor, ...]:
        """Take some steps of power iteration, which changes u and v, and divide.

        Parameters
        ----------
        u, v : list of Tensor, shape (rows,) and (columns,)
        steps : int
        transposed : list of bool
            Whether each weight belongs to a transposed convolution.
        *weights : Tensor, shape (out, in, \\*)

        Returns
        -------
        tuple of Tensor, shape of each weight, and last all σ, shape (number of weights,)
        """
        with torch.autocast(weights[0].device.type, enabled=False):
            matrices = [as_matrix(weight, t) for weight, t in zip(weights, transposed, strict=True)]
            ctx.u, ctx.v, sigma = _iterate(matrices, u, v, steps)
            normalised = [weight / size for weight, size in zip(weights, sigma.unbind(), strict=True)]
        ctx.transposed = transposed
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*normalised, sigma)
        return (*normalised, sigma)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradient by each weight, of its shape; by ∂L/∂W̄ of each and ∂L/∂σ, shape (number of weights,)."""
        *normalised, sigma = ctx.saved_tensors
        *by_weight, by_sigma = gradients
        with torch.autocast(sigma.device.type, enabled=False):
            slopes = [None] * len(normalised) if by_sigma is None else (by_sigma * sigma).unbind()
            parts = zip(by_weight, normalised, slopes, sigma.unbind(), ctx.u, ctx.v, ctx.transposed, strict=True)
            return (None, None, None, None, *(_gradient(*part) for part in parts))


def _gradient(
    gradient: Tensor | None, normalised: Tensor, slope: Tensor | None, sigma: Tensor, u: Tensor, v: Tensor, swap: bool
) -> Tensor | None:
    if gradient is None and slope is None:
        return None
    gradient = torch.zeros_like(normalised) if gradient is None else gradient.contiguous()  # copied once, if at all
    inner = torch.dot(gradient.reshape(-1), normalised.reshape(-1))
    along = inner if slope is None else inner - slope
    matrix = torch.addr(as_matrix(gradient, swap), u * along, v, alpha=-1).div_(sigma)
    if not swap:
        return matrix.reshape(normalised.shape)
    return matrix.reshape(normalised.transpose(0, 1).shape).transpose(0, 1)
