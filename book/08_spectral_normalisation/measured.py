"""Numbers that the text of chapter 8 takes from its stored results; one for each seed unless it says otherwise."""

import functools

import numpy as np

from tools.book.results import load_script, over_seeds, read_results

_read = functools.cache(read_results)
_race = functools.cache(lambda: load_script("08_spectral_normalisation/race"))
_classifiers = functools.cache(lambda: load_script("08_spectral_normalisation/classifiers"))


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


@functools.cache
def _of_classifiers(method, goal, measure):
    """Of the five networks of chapter 8's study that are chosen for a goal."""
    study, stored = _classifiers(), _read("08_classifiers")
    runs = study.runs(stored, method, *study.chosen(stored, method, study.GOALS[goal]))
    return np.array([study.reached(run, measure) for run in runs])


def _dearer(method, strength, measure):
    """Of five networks with a stronger setting, at the rate 0.0015."""
    study = _classifiers()
    runs = study.runs(_read("08_classifiers"), method, strength, 1.5e-3)
    return np.array([study.reached(run, measure) for run in runs])


def _certified(method, goal="certificate"):
    return _of_classifiers(method, goal, ("certified", 0.25))


def _attacked(method):
    return _of_classifiers(method, "attack", ("attacked", 0.5))


def _clean(method):
    return _of_classifiers(method, "certificate", "clean")


_ON_NORMS = ("spectral penalty", "SN", "orthonormal, ReLU", "orthonormal, GroupSort")


def behind_sn():
    """By how much the best one-sided penalty ends above SN on 8 Gaussians."""
    return _ends("one-sided, λ = 10") - _ends("SN")


def common_default():
    """Where the two-sided penalty with weight 10 ends."""
    return _ends("two-sided, λ = 10")


def slope_sn():
    """Steepest slope found, SN."""
    return _of("SN", "lower")


def bound_sn():
    """Its product bound."""
    return _of("SN", "upper")


def estimate_sn():
    """What SN's critic reports."""
    return _of("SN", "estimate")


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


def certified_none():
    """Share certified at radius 0.25, chosen for that: no constraint."""
    return _certified("none")


def certified_stopped():
    """Share certified at radius 0.25, chosen for that: stopped early."""
    return _certified("stopped early")


def certified_chosen():
    """Medians of the share certified at radius 0.25, of the four contestants that act on spectral norms."""
    return np.array([np.median(_certified(method)) for method in _ON_NORMS])


def clean_chosen():
    """Medians of their accuracy on clean images and of that without a constraint."""
    return np.array([np.median(_clean(method)) for method in (*_ON_NORMS, "none")])


def certified_norms():
    """The same of the four contestants that act on spectral norms, together."""
    return np.concatenate([_certified(method) for method in _ON_NORMS])


def certified_others():
    """The same of the six others."""
    return np.concatenate([_certified(method) for method in _classifiers().METHODS if method not in _ON_NORMS])


def attacked_none():
    """Accuracy under attack at radius 0.5, chosen for that: no constraint."""
    return _attacked("none")


def attacked_stopped():
    """Accuracy under attack at radius 0.5, chosen for that: stopped early."""
    return _attacked("stopped early")


def attacked_loss():
    """Accuracy under attack at radius 0.5, chosen for that: gradient of the loss."""
    return _attacked("gradient of the loss")


def attacked_margin():
    """Accuracy under attack at radius 0.5, chosen for that: gradient of the margin."""
    return _attacked("gradient of the margin")


def attacked_groupsort():
    """Accuracy under attack at radius 0.5, chosen for that: orthonormal layers with GroupSort."""
    return _attacked("orthonormal, GroupSort")


def slope_groupsort():
    """Steepest slope found of orthonormal layers with GroupSort, chosen for attacks."""
    return _of_classifiers("orthonormal, GroupSort", "attack", "lower")


def certified_when_attacked():
    """Share certified at radius 0.25, gradient of the loss, chosen for attacks."""
    return _certified("gradient of the loss", "attack")


def bound_loss():
    """Product of norms of the same networks."""
    return _of_classifiers("gradient of the loss", "attack", "upper")


def dearer_groupsort():
    """Accuracy under attack at radius 0.5, orthonormal layers with GroupSort and the factor 2."""
    return _dearer("orthonormal, GroupSort", 2.0, ("attacked", 0.5))


def dearer_certified():
    """Share certified at radius 0.25 of the same networks."""
    return _dearer("orthonormal, GroupSort", 2.0, ("certified", 0.25))


def margin_beats_stopping():
    """Seeds in which it is ahead of the early stop under attack: gradient of the margin."""
    return (_attacked("gradient of the margin") > _attacked("stopped early")).sum()


def sn_beats_stopping():
    """Seeds in which it is ahead of the early stop under attack: SN."""
    return (_attacked("SN") > _attacked("stopped early")).sum()


def spectral_beats_stopping():
    """Seeds in which it is ahead of the early stop under attack: spectral penalty."""
    return (_attacked("spectral penalty") > _attacked("stopped early")).sum()
