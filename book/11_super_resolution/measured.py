"""Numbers that the text of chapter 11 takes from its stored results; one for each seed."""

import numpy as np

from tools.book.results import over_seeds, read_results

_SMALL = ("weight 0.005", "weight 0.01")


def _further():
    """Fréchet distance with a critic of small weight over that of the pixel loss."""
    runs = read_results("11_restoration")
    return np.ravel(
        [over_seeds(runs, lambda seed, w=w: seed[w]["frechet"] - seed["pixels"]["frechet"]) for w in _SMALL]
    )


def nearer():
    """By how much the runs are nearer that are."""
    return -_further()[_further() < 0]


def further():
    """By how much the others are further."""
    return _further()[_further() >= 0]
