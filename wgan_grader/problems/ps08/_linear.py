"""Formulas that the problems of this set share."""

from collections.abc import Callable

import numpy as np

from ...problem import Formula


def when_square(wrong: Formula, right: Formula) -> Formula:
    """Wrong for square matrices, where nothing complains, and right for others; the first argument tells."""
    return lambda W, *rest: (wrong if len(W) == W.shape[1] else right)(W, *rest)


def unit(x: np.ndarray) -> np.ndarray:
    """Return x / ‖x‖."""
    return x / np.linalg.norm(x)


def step(W: np.ndarray, u: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """One step from u: σ̂ = uᵀWv, the new u, and v."""
    v = unit(W.T @ u)
    u = unit(W @ v)
    return float(u @ W @ v), u, v


def through(G: np.ndarray, W: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Gradient of ⟨G, W/uᵀWv⟩ in W, with u and v constant."""
    sigma = u @ W @ v
    return (G - (G * W).sum() / sigma * np.outer(u, v)) / sigma


def any_unit(rng: np.random.Generator, W: np.ndarray, sigma: float) -> dict[str, np.ndarray]:
    """Unit vectors that no iteration has made, and the matrix scaled so that uᵀWv is the given number."""
    u, v = unit(rng.normal(size=len(W))), unit(rng.normal(size=W.shape[1]))
    W = W + (0.5 - u @ W @ v) * np.outer(u, v)
    return {"W": 2 * sigma * W, "u": u, "v": v}


def numeric(function: Callable[[np.ndarray], float], W: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Gradient of a function of a matrix by central differences."""
    gradient = np.zeros_like(W)
    for place in np.ndindex(*W.shape):
        E = np.zeros_like(W)
        E[place] = h
        gradient[place] = (function(W + E) - function(W - E)) / (2 * h)
    return gradient


def top(W: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Largest singular value with its vectors, from an SVD."""
    U, s, Vt = np.linalg.svd(W)
    return float(s[0]), U[:, 0], Vt[0]


def start(rng: np.random.Generator, rows: int) -> np.ndarray:
    """A random unit vector."""
    return unit(rng.normal(size=rows))
