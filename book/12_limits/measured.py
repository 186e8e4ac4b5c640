"""Numbers that the text of chapter 12 takes from its stored results; one for each seed."""

import functools

from tools.book.results import over_seeds, read_results

_read = functools.cache(read_results)


def penalised_plane():
    """What a penalised critic reports in dimension 2, where the truth is 1."""
    return over_seeds(_read("12_critic_gap"), lambda seed: seed["2"]["gradient penalty"]["value"])


def frechet_exact():
    """Distance in the features, generator that follows the exact distance of mini-batches."""
    return over_seeds(_read("12_better_w1"), lambda seed: seed["exact"]["frechet"])


def frechet_critic():
    """The same, generator that follows a critic."""
    return over_seeds(_read("12_better_w1"), lambda seed: seed["critic"]["frechet"])


def one_layer():
    """Largest error of a ReLU network with one hidden layer on the absolute value."""
    return over_seeds(_read("12_absolute"), lambda seed: seed["ReLU"]["1"]["error"])


def eight_layers():
    """The same with eight hidden layers."""
    return over_seeds(_read("12_absolute"), lambda seed: seed["ReLU"]["8"]["error"])


def sorting():
    """The same with GroupSort, at every depth."""
    return over_seeds(_read("12_absolute"), lambda seed: [run["error"] for run in seed["GroupSort"].values()])
