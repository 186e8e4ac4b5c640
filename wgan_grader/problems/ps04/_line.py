"""What the exercises on sampled functions of one variable share."""

import numpy as np


def runs_and_rises(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances and differences of all pairs of two different points, once each."""
    i, j = np.triu_indices(len(x), 1)
    return x[j] - x[i], values[j] - values[i]


def slopes(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Slopes of all pairs, with sign."""
    runs, rises = runs_and_rises(x, values)
    return rises / runs


def in_order(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Slopes of pairs that follow each other in the arrays, which need not be neighbours on the line."""
    return np.diff(values) / np.diff(x)
