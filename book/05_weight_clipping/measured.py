"""Numbers that the text of chapter 5 takes from its stored results; one for each seed unless it says otherwise."""

import functools

import numpy as np

from tools.book.results import load_script, over_seeds, read_results

_read = functools.cache(read_results)


def _by_layer(name, when):
    return over_seeds(_read("05_depth"), lambda seed: seed[f"deep: {name}"][when])


def _across(name, when):
    runs = _by_layer(name, when)
    return 10 ** np.abs(runs[:, 0] - runs[:, -1])


def _within(*names):
    runs = np.concatenate([_by_layer(f"gp{name}", "800") for name in names])
    return 10 ** (runs.max(1) - runs.min(1))


def _charged(part, key):
    return over_seeds(_read("05_parameter_penalty"), lambda seed: np.ravel(seed[part][key])[-1])


def piled():
    """Share of weights on the bound after training."""
    return over_seeds(_read("05_depth"), lambda seed: seed["shallow: 0.1"]["piled"])


def he_grown():
    """By what factor twelve layers enlarge gradients after training, c = 0.1, from He's start."""
    return _across("0.1, He's start", "400")


def uneven():
    """Largest over smallest gradient within a penalised critic at the end, unbalanced starts."""
    return _within(", small start", ", large start", ", uneven start")


def even():
    """The same, He's start."""
    return _within("")


def factor_changed():
    """By how much the clipped critic's reading over the distance falls while the noise is led from 2 to 0.6.

    At the least noise the distance of 500 points is mostly the error of sampling.
    """
    ratio = over_seeds(_read("05_tracking"), lambda seed: np.divide(seed["led"]["clip"], seed["led"]["distance"]))
    return ratio[:, 0] / ratio[:, load_script("05_weight_clipping/tracking").NOISE.index(0.6)]


def excess():
    """Reading at the end under the charge on the excess, strengths from 1 on."""
    return np.concatenate([_charged(f"excess, λ = {strength}", "readings") for strength in (1, 3, 10, 30, 100)])


def over():
    """Largest norm of a matrix at the end, by how much it is above the threshold 1."""
    runs = [over_seeds(_read("05_parameter_penalty"), lambda seed, s=s: seed[f"excess, λ = {s}"]["frobenius"])
            for s in (1, 3, 10, 30, 100)]  # fmt: skip
    return np.max(runs) - 1


def product():
    """Reading at the end under the charge on the product."""
    return _charged("product, λ = 0.1", "readings")


def decoupled_ten():
    """Reading at the end, decoupled decay 10."""
    return _charged("decoupled, λ = 10", "readings")


def decoupled_ten_bound():
    """Its product of spectral norms."""
    return _charged("decoupled, λ = 10", "spectral")
