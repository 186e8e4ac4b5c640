"""Formulas that the problems of this set share."""

import numpy as np


def unit(x: np.ndarray) -> np.ndarray:
    """Return x / ‖x‖."""
    return x / np.linalg.norm(x)


def iterate(W: np.ndarray, v: np.ndarray, steps: int) -> np.ndarray:
    """Return v after some steps of v ← WᵀWv, normalised."""
    v = unit(v)
    for _ in range(steps):
        v = unit(W.T @ (W @ v))
    return v


def sigma(W: np.ndarray, v: np.ndarray, steps: int) -> float:
    """‖Wv‖ after some steps of the iteration."""
    return float(np.linalg.norm(W @ iterate(W, v, steps)))


def uv_steps(W: np.ndarray, u: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return v and u after some steps of v ← Wᵀu, u ← Wv, normalised."""
    for _ in range(steps):
        v = unit(W.T @ u)
        u = unit(W @ v)
    return v, u


def reshaped(kernel: np.ndarray) -> np.ndarray:
    """One row an output channel."""
    return kernel.reshape(len(kernel), -1)


def norm(W: np.ndarray) -> float:
    """Spectral norm."""
    return float(np.linalg.norm(W, 2))
