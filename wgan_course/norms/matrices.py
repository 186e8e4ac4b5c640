"""Norms of a matrix, in closed form."""

import math

import torch
from torch import Tensor

_INDUCED = (1, 2, math.inf)


def spectral_norm(W: Tensor) -> Tensor:
    r"""Spectral norm :math:`\|W\|_2=\sigma_1(W)=\max_{\|x\|=1}\|Wx\|`, shape (...), by SVD.

    Differentiable where :math:`\sigma_1>\sigma_2`. Derived in chapters 4 (``prop-dense-layer``) and
    7 (``thm-spectral-eigenvalue``).

    Parameters
    ----------
    W : Tensor, shape (..., m, n)
        Matrix, or a batch of them.
    """
    check_matrix(W)
    return torch.linalg.matrix_norm(W, 2)


def frobenius_norm(W: Tensor) -> Tensor:
    r"""Frobenius norm :math:`\|W\|_F=\sqrt{\sum_{ij}W_{ij}^2}\ge\|W\|_2`. Derived in chapter 4 (``prop-frobenius``).

    Parameters
    ----------
    W : Tensor, shape (..., m, n)
        Matrix, or a batch of them.

    Returns
    -------
    Tensor, shape (...)
        The norm.
    """
    check_matrix(W)
    peak = W.detach().abs().amax((-2, -1), keepdim=True)  # the squares of what is very large or small leave the range
    scale = torch.where(peak > 0, peak, 1.0)
    return torch.linalg.matrix_norm(W / scale, "fro") * scale[..., 0, 0]


def induced_norm(W: Tensor, p: float = 2) -> Tensor:
    r"""Norm induced by a vector norm, :math:`\max_{\|x\|_p=1}\|Wx\|_p`, shape (...), for p in {1, 2, ∞}.

    The largest column sum of absolute values for 1, the largest row sum for ∞, :math:`\sigma_1` for 2. Derived in
    chapter 4 (``prop-induced-norm``).

    Parameters
    ----------
    W : Tensor, shape (..., m, n)
        Matrix, or a batch of them.
    p : {1, 2, inf}
        Order of the vector norm; others have no closed form.

    Raises
    ------
    ValueError
        If W is no matrix, is empty or not finite, or p is another number.
    """
    if p not in _INDUCED:
        raise ValueError(f"p must be 1, 2 or inf, got {p}: other induced norms have no closed form")
    check_matrix(W)
    return torch.linalg.matrix_norm(W, p)


def check_matrix(W: Tensor) -> None:
    """Refuse what is no finite, non-empty matrix of real numbers.

    Parameters
    ----------
    W : Tensor, shape (..., m, n)

    Raises
    ------
    TypeError
        If W is no floating-point tensor.
    ValueError
        If W is no matrix, is empty, or is not finite.
    """
    if not isinstance(W, Tensor) or not W.is_floating_point():
        raise TypeError(f"W must be a floating-point tensor, got {getattr(W, 'dtype', type(W).__name__)}")
    if W.ndim < 2 or W.numel() == 0:
        raise ValueError(f"W must be a non-empty matrix, got shape {tuple(W.shape)}; flatten a kernel with .flatten(1)")
    if not bool(torch.isfinite(W).all()):
        raise ValueError("W must be finite, got NaN or infinity; look for the step that made it")
