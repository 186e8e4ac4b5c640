"""Numbers that the text of chapter 11 takes from its stored results; one for each seed."""

import numpy as np

from tools.book.results import over_seeds, read_results

_SMALL = ("weight 0.005", "weight 0.01")


def nearer():
    """By how much the Fréchet distance with a critic of small weight is below that without one, at one rate."""
    runs, control = (
        over_seeds(read_results(f"11_{name}"), pick)
        for name, pick in (
            ("restoration", lambda seed: [seed[weight]["frechet"] for weight in _SMALL]),
            ("rate", lambda seed: [seed["weight 0"]["frechet"]]),
        )
    )
    return np.ravel(control - runs)


def _noisy(pick):
    """What `pick` takes from each seed of the runs with noise and without."""
    return over_seeds(read_results("11_stochastic"), pick)


def lookalike_frechet():
    """Fréchet distance of the training images that look most alike when shrunk."""
    return read_results("11_stochastic")["baselines"]["lookalike"]["frechet"]


def lookalike_error():
    """Mean squared error of these images."""
    return read_results("11_stochastic")["baselines"]["lookalike"]["error"]


def best_frechet():
    """Least Fréchet distance of a network, or of its averages with the mean."""

    def least(run):
        return min(at["frechet"] for at in (run, *run["towards the mean"].values()))

    return _noisy(lambda seed: min(least(run) for run in seed.values() if "kind" in run))


def least_error():
    """Mean squared error of the runs that have the least."""
    return _noisy(lambda seed: seed["without noise, 0.003"]["error"])


def spread_pixels():
    """Conditional variance of a pixel, with noise and the loss on pixels."""
    return _noisy(lambda seed: seed["with noise, 0.03"]["spread"])


def spread_middle():
    """The same with content of the mean."""
    return _noisy(lambda seed: seed["content of the mean, 0.03"]["spread"])


def middle_pixels():
    """Error of the conditional mean, with noise and the loss on pixels."""
    return _noisy(lambda seed: seed["with noise, 0.03"]["error of the mean"])


def middle_middle():
    """The same with content of the mean."""
    return _noisy(lambda seed: seed["content of the mean, 0.03"]["error of the mean"])


def _gain(name, run):
    """By how much the Fréchet distance falls from the network on pixels to a run that begins with it."""
    return over_seeds(read_results(name), lambda seed: seed["mean"]["frechet"] - seed[run]["frechet"])


def control_gain():
    """The fall after as many rounds more on pixels, without a critic."""
    return _gain("11_control", "without noise, 0")


def least_weight_gain():
    """The fall with the least weight of a critic, without noise."""
    return _gain("11_stochastic", "without noise, 0.003")
