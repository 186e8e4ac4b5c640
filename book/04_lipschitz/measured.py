"""Numbers that the text of chapter 4 takes from its stored results; one for each seed."""

import numpy as np

from tools.book.results import read_results

_STORED = read_results("04_robustness")


def _interval(depth):
    runs = _STORED["depths"][depth]
    return np.mean([run["upper"] for run in runs]) / np.mean([run["lower"] for run in runs])


def _attacked(method):
    at = _STORED["radii"].index(0.5)
    return np.array([run["attacked"][at] for run in _STORED["robustness"][method]])


def looseness_two():
    """Upper over lower end of the Lipschitz interval with two hidden layers, means over seeds."""
    return _interval("2")


def looseness_six():
    """The same with six."""
    return _interval("6")


def plain():
    """Accuracy under attack at radius 0.5, plain training."""
    return _attacked("plain")


def spectral():
    """The same, spectral norms near 1, times 5."""
    return _attacked("spectral norms ≈ 1, times 5")


def slope_found():
    """Slope found by search, plain training."""
    return np.array([run["lower"] for run in _STORED["robustness"]["plain"]])
