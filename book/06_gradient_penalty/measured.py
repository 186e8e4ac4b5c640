"""Numbers that the text of chapter 6 takes from its stored results; one for each seed unless it says otherwise."""

import functools

import numpy as np

from tools.book.results import load_script, over_seeds, read_results

_read = functools.cache(read_results)
_WEIGHTS = ("0.1", "0.3", "1.0", "3.0", "10.0", "30.0", "100.0")


def _last(start, weight, rate, key):
    part = load_script("06_gradient_penalty/wells").name_of(start, "gp", weight, rate)
    return over_seeds(_read("06_wells"), lambda seed: seed[part][-1][key])


def _swept(arm, weight, pick):
    return over_seeds(_read("06_sweep"), lambda seed: pick(seed[arm][weight]))


def _classes(arm, key):
    return over_seeds(_read("06_classes"), lambda seed: seed[arm]["16"][key])


def length():
    """Mean length of the gradient on random segments after 1000 steps from upside down, two-sided, weight 100."""
    return _last("upside down", 100.0, 2e-3, "norm")


def small_weight():
    """Two-sided estimates after 1000 steps, weight 1: all seeds, starts and rates."""
    return np.stack([_last(s, 1.0, rate, "estimate") for s in ("random", "upside down") for rate in (5e-4, 2e-3, 8e-3)])


def exact():
    """The exact distance that those estimates should be, of one sample."""
    return float(_read("06_wells")["provenance"]["data"].split()[-1])


def one_sided():
    """Exact distance after training with the one-sided penalty: all seeds and weights."""
    return np.stack([_swept("one-sided", weight, lambda run: run["path"][-1]) for weight in _WEIGHTS])


def two_sided_ten():
    """The same with the two-sided penalty, weight 10."""
    return _swept("two-sided", "10.0", lambda run: run["path"][-1])


def slope_ten():
    """Steepest slope found after training with weight 10, both penalties."""
    return np.stack([_swept(arm, "10.0", lambda run: run["low"]) for arm in ("two-sided", "one-sided")])


def product():
    """Product of the layers' norms after training with λ = 10: all seeds of both penalties."""
    return np.stack([_swept(arm, "10.0", lambda run: run["high"]) for arm in ("two-sided", "one-sided")])


def random_pairs():
    """Slope where mass moves of the conditional critic with random pairs, 16 classes."""
    return _classes("conditional, random pairs", "slope")
