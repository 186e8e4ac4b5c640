"""Random masses, points, potentials and distances that several problems of this set share."""

import numpy as np


def masses(rng: np.random.Generator, n: int) -> np.ndarray:
    """Weights of sum 1 that differ from each other."""
    weights = rng.uniform(0.2, 2.0, n)
    return weights / weights.sum()


def distances(x: np.ndarray, y: np.ndarray, order: float = 2) -> np.ndarray:
    """Pairwise distances, shape (n, m)."""
    return np.linalg.norm(x[:, None] - y[None], ord=order, axis=2)


def random_cost(rng: np.random.Generator, n: int, m: int) -> np.ndarray:
    """Distances between random points of the plane."""
    return distances(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)))
