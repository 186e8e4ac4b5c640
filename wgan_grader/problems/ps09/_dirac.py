"""Formulas that the problems of this set share."""

from typing import Any

import numpy as np

from ...formulas import named
from ...problem import Formula

GAME = ("wgan_course.dynamics.Variant", "wgan_course.dynamics.derivatives")
STEPS = ("wgan_course.dynamics.simulate", "wgan_course.dynamics.update_matrix", "wgan_course.dynamics.Variant")


def slope(t: Any) -> Any:
    """1 / (1 + exp(t)) without overflow."""
    return np.exp(-np.logaddexp(0.0, t))


def pair(formula: Formula) -> Formula:
    """Name the two parts of what a formula returns."""
    return named(formula, "theta", "psi")


def eigenvalues(matrix: np.ndarray) -> np.ndarray:
    """Both, complex, the one with the larger real part first and then the larger imaginary part."""
    (a, b), (c, d) = matrix
    root = np.sqrt(complex(((a - d) / 2) ** 2 + b * c))
    return np.array([(a + d) / 2 + root, (a + d) / 2 - root])
