"""Power iteration of many weights at once, and each weight divided by its norm in one node of the graph.

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


def iterate(matrices: Sequence[Tensor], u: list[Tensor], v: list[Tensor], steps: int) -> tuple[Any, Any, Tensor]:
    """Take some steps of power iteration, which change u and v; keep them as they are if there are none.

    Parameters
    ----------
    matrices : list of Tensor, shape (rows, columns)
        Of one type and device.
    u, v : list of Tensor, shape (rows,) and (columns,)
    steps : int

    Returns
    -------
    u : tuple of Tensor, shape (rows,)
        Wv/‖Wv‖.
    v : tuple of Tensor, shape (columns,)
    sigma : Tensor, shape (number of matrices,)
        ‖Wv‖, and 1 where it is zero.
    """
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


class Divide(torch.autograd.Function):
    """W/σ(W), given σ = ‖Wv‖ and u = Wv/‖Wv‖, with v constant.

    ∂L/∂W = (∂L/∂W̄ − ⟨∂L/∂W̄, W̄⟩ u vᵀ)/σ, by ``prop-sn-gradient``, derived in chapter 8. It may be differentiated again.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, sigma: Tensor, u: Tensor, v: Tensor, transposed: bool) -> Tensor:
        """Divide.

        Parameters
        ----------
        weight : Tensor, shape (out, in, \\*)
        sigma : Tensor, shape ()
        u, v : Tensor, shape (rows,) and (columns,)
        transposed : bool
            Whether the weight belongs to a transposed convolution.
        """
        normalised = weight / sigma
        ctx.transposed = transposed
        ctx.save_for_backward(weight, normalised, sigma, u, v)
        return normalised

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the gradient by the weight, of its shape, from that by W/σ."""
        weight, normalised, sigma, u, v = ctx.saved_tensors
        with torch.autocast(sigma.device.type, enabled=False):
            if torch.is_grad_enabled():  # to be differentiated again, so σ has to depend on W
                image = torch.dot(u, as_matrix(weight, ctx.transposed) @ v)
                sigma = torch.where(image > 0, image, sigma)
            gradient = gradient.contiguous()  # copied once, if at all
            along = torch.dot(gradient.reshape(-1), normalised.reshape(-1))
            matrix = torch.addr(as_matrix(gradient, ctx.transposed), u * along, v, alpha=-1).div_(sigma)
        if not ctx.transposed:
            return matrix.reshape(normalised.shape), None, None, None, None
        return matrix.reshape(normalised.transpose(0, 1).shape).transpose(0, 1), None, None, None, None
