"""Inputs and formulas that the problems of this set share."""

import numpy as np

CENTRE = 1e6  # where the far-away cloud stands whose distances lose digits if squares are subtracted


def weights(rng: np.random.Generator, atoms: int) -> np.ndarray:
    """Strictly positive weights of sum 1, shape (atoms,)."""
    return rng.dirichlet(np.ones(atoms)) * 0.8 + 0.2 / atoms


def distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Euclidean distances, shape (n, m)."""
    return np.sqrt(((x[:, None] - y[None]) ** 2).sum(-1))


def in_order(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """W1 of two samples of one size along the last axis."""
    return np.abs(np.sort(x, axis=-1) - np.sort(y, axis=-1)).mean(axis=-1)


def ranks(x: np.ndarray) -> np.ndarray:
    """Place of each entry in the sorted order, along the last axis."""
    return np.argsort(np.argsort(x, axis=-1), axis=-1)
