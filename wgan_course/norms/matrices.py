"""Norms of matrices."""

import torch
from torch import Tensor


def frobenius_norm(weight: Tensor) -> Tensor:
    r"""Frobenius norm, :math:`\|W\|_F=(\sum_{ij}W_{ij}^2)^{1/2}`; never below the spectral norm (chapter 4).

    Parameters
    ----------
    weight : Tensor, shape (m, n)
        A matrix.

    Returns
    -------
    Tensor, shape ()
        At least the spectral norm, at most √rank times it.

    Raises
    ------
    ValueError
        If it is no matrix, is empty or not finite.
    """
    return torch.linalg.matrix_norm(check_matrix(weight))


def spectral_norm(weight: Tensor) -> Tensor:
    r"""Spectral norm :math:`\|W\|_2=\max_{x\ne0}\|Wx\|/\|x\|`, the largest singular value, exactly by SVD.

    Derived in chapter 7 (`thm-spectral-eigenvalue`).

    Parameters
    ----------
    weight : Tensor, shape (m, n)
        A matrix.

    Returns
    -------
    Tensor, shape ()
        Differentiable where the largest singular value is simple.

    Raises
    ------
    ValueError
        If it is no matrix, is empty or not finite.
    """
    return torch.linalg.matrix_norm(check_matrix(weight), 2)


def induced_norm(weight: Tensor, p: float) -> Tensor:
    r"""Matrix norm induced by the vector norm :math:`\|\cdot\|_p` for p = 1, 2 or ∞.

    The largest absolute column sum, singular value, or absolute row sum; derived in chapter 4 (`prop-induced-norm`).

    Parameters
    ----------
    weight : Tensor, shape (m, n)
        A matrix.
    p : {1, 2, inf}
        Order of the vector norm on both sides.

    Returns
    -------
    Tensor, shape ()
        The most by which the matrix stretches a vector in that norm.

    Raises
    ------
    ValueError
        If it is no matrix, is empty or not finite, or p is another number (NP-hard to compute in general).
    """
    if p not in (1, 2, float("inf")):
        raise ValueError(f"p must be 1, 2 or inf, got {p}")
    return torch.linalg.matrix_norm(check_matrix(weight), p)


def check_matrix(weight: Tensor) -> Tensor:
    """Return a finite, non-empty matrix unchanged.

    Parameters
    ----------
    weight : Tensor, shape (m, n)
        To be checked.

    Returns
    -------
    Tensor, shape (m, n)
        The same.

    Raises
    ------
    ValueError
        If it is no matrix, is empty or not finite.
    """
    if weight.ndim != 2 or weight.numel() == 0:
        raise ValueError(f"a non-empty matrix is needed, got shape {tuple(weight.shape)}; reshape kernels first")
    if not bool(torch.isfinite(weight).all()):
        raise ValueError("the matrix holds NaN or infinite values")
    return weight
