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


def slow(second: float, share: float) -> tuple[np.ndarray, np.ndarray]:
    """A 3×4 matrix of norm 1 with this second value, and a start near its direction: v₂ and `share` times v₁."""
    left, right = (np.eye(n) - 2 * np.outer(h, h) for n in (3, 4) for h in [unit(np.arange(1.0, n + 1))])
    return left @ np.diag([1.0, second, 0.1]) @ right[:3], unit(right[1] + share * right[0])


def nearly_alike() -> np.ndarray:
    """2×2 matrix of norm 3 on which power iteration is slow from any start, and blind from (1, 1)."""
    turn, left = np.array([[1.0, 1.0], [-1.0, 1.0]]) / np.sqrt(2), np.array([[0.8, -0.6], [0.6, 0.8]])
    return left @ np.diag([3.0, 2.99]) @ turn.T
