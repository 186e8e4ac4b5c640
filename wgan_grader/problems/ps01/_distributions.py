"""Inputs and formulas that the problems of this set share."""

import numpy as np


def distribution(rng: np.random.Generator, atoms: int) -> np.ndarray:
    """Strictly positive probabilities, shape (atoms,)."""
    return rng.dirichlet(np.ones(atoms)) * 0.9 + 0.1 / atoms


def with_holes(rng: np.random.Generator, atoms: int, holes: int) -> np.ndarray:
    """Probabilities of which the first `holes` are 0, shape (atoms,)."""
    return np.concatenate([np.zeros(holes), distribution(rng, atoms - holes)])


def x_log_ratio(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """p log(p/q) atom by atom: 0 where p is 0, infinite where only q is 0."""
    safe = np.where(p > 0, p, 1.0)
    ratio = np.log(safe) - np.log(np.where(p > 0, q, 1.0))
    return np.where(p > 0, safe * ratio, 0.0)


def kl(p: np.ndarray, q: np.ndarray) -> float:
    """KL(p‖q), natural logarithm."""
    return float(x_log_ratio(p, q).sum())
