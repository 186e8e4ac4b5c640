"""Numbers that the text of chapter 8 takes from its stored results; one for each seed unless it says otherwise."""

import functools

import numpy as np

from tools.book.results import load_script, over_seeds, read_results

_read = functools.cache(read_results)
_race = functools.cache(lambda: load_script("08_spectral_normalisation/race"))
_regularisation = functools.cache(lambda: load_script("08_spectral_normalisation/regularisation"))


def _ends(method):
    """Distances at the end on 8 Gaussians, at the rate that the two other seeds chose."""
    race, toy = _race(), _read("08_race_toy")
    return np.array(race.ends(toy, method, race.SEEDS, race.chosen(toy, method)))


def _of(method, key):
    race, toy = _race(), _read("08_race_toy")
    part = race.name_of(method, race.chosen(toy, method))
    return np.array([toy["seeds"][str(seed)][part][key] for seed in race.SEEDS])


def _on_images(method):
    return over_seeds(_read("08_race_images"), lambda seed: seed["methods"][method]["distance"][-1])


def _under_attack(kind, strength, radius=0.75):
    """Accuracy on the second half of the test images."""
    at = _regularisation().RADII.index(radius)
    runs = [run for seed in _read("08_regularisation")["seeds"].values() for run in seed["runs"]]
    return np.array([run["attacked"][at][1] for run in runs if (run["kind"], run["strength"]) == (kind, strength)])


def behind_sn():
    """By how much the best one-sided penalty ends above SN on 8 Gaussians."""
    return _ends("one-sided, λ = 10") - _ends("SN")


def common_default():
    """Where the two-sided penalty with weight 10 ends."""
    return _ends("two-sided, λ = 10")


def slope_penalty():
    """Steepest slope found, one-sided penalty with weight 10."""
    return _of("one-sided, λ = 10", "lower")


def bound_penalty():
    """Its product bound."""
    return _of("one-sided, λ = 10", "upper")


def slope_sn():
    """Steepest slope found, SN."""
    return _of("SN", "lower")


def bound_sn():
    """Its product bound."""
    return _of("SN", "upper")


def estimate_sn():
    """What SN's critic reports."""
    return _of("SN", "estimate")


def bound_clip():
    """Product bound, clipping at 0.03."""
    return _of("clip, c = 0.03", "upper")


def lag():
    """By how much dividing after the step ends above dividing in the graph, on 8 Gaussians."""
    return _ends("SN after the step") - _ends("SN")


def _lag_images():
    """Distance on images after the step over that in the graph, least first."""
    return np.sort(_on_images("sn_projected") / _on_images("sn"))


def lag_images_higher():
    """The same in the four seeds in which it is above 1."""
    return _lag_images()[1:]


def lag_images_lower():
    """The same in the fifth."""
    return _lag_images()[0]


def attacked_chosen():
    """Accuracy at radius 0.75, gradient penalty at the chosen strength."""
    return _under_attack("gradient", _regularisation().chosen(_read("08_regularisation"), "gradient"))


def attacked_stronger():
    """The same at the stronger one."""
    return _under_attack("gradient", max(_regularisation().GRID["gradient"]))
