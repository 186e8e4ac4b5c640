"""Numbers that the text of chapter 12 takes from its stored results; one for each seed."""

import functools

from tools.book.results import over_seeds, read_results

_read = functools.cache(read_results)


def penalised_plane():
    """What a penalised critic reports in dimension 2, where the truth is 1."""
    return over_seeds(_read("12_critic_gap"), lambda seed: seed["2"]["gradient penalty"]["value"])


def penalised_end():
    """The same at the end of the longer runs."""
    return _ends("12_critic_steps", "gradient penalty, 2", "value")


def _runs(name, part):
    """One part of every seed that has it."""
    kept = _read(name)
    return [seed[part] for seed in (kept["seeds"] | kept.get("unfinished", {})).values() if part in seed]


def _ends(name, part, key):
    """What the last look of each seed says."""
    return [run[max(run, key=int)][key] for run in (run.get("looks", run) for run in _runs(name, part))]


def frechet_exact():
    """Distance in the features, generator that follows the exact distance of mini-batches."""
    return _ends("12_convolutional", "exact", "frechet")


def frechet_critic():
    """The same, generator that follows a critic."""
    return _ends("12_convolutional", "critic", "frechet")


def recall_exact():
    """Share of real images that lie among the samples of the first."""
    return _ends("12_convolutional", "exact", "recall")


def precision_exact():
    """Share of its samples that lie among real images."""
    return _ends("12_convolutional", "exact", "precision")


def precision_critic():
    """The same of the second."""
    return _ends("12_convolutional", "critic", "precision")


def relu_low():
    """Last value of norm-bounded ReLU critics in dimensions 2 and 16."""
    return [value for dim in (2, 16) for value in _ends("12_critic_steps", f"spectral norm, ReLU, {dim}", "value")]


def relu_gain():
    """How much higher that is than after 250 steps."""
    parts = [f"spectral norm, ReLU, {dim}" for dim in (2, 16)]
    looks = [run.get("looks", run) for part in parts for run in _runs("12_critic_steps", part)]
    return [run[max(run, key=int)]["value"] - run["250"]["value"] for run in looks]


def sorting_low():
    """The same of sorting critics with orthonormal layers."""
    return [value for dim in (2, 16) for value in _ends("12_critic_steps", f"orthonormal, GroupSort, {dim}", "value")]


def high():
    """Last value of all critics in dimension 128."""
    parts = [f"{name}, 128" for name in ("gradient penalty", "spectral norm, ReLU", "orthonormal, GroupSort")]
    return [value for part in parts for value in _ends("12_critic_steps", part, "value")]


def one_layer():
    """Largest error of a ReLU network with one hidden layer on the absolute value."""
    return over_seeds(_read("12_absolute"), lambda seed: seed["ReLU"]["1"]["error"])


def eight_layers():
    """The same with eight hidden layers."""
    return over_seeds(_read("12_absolute"), lambda seed: seed["ReLU"]["8"]["error"])


def sorting():
    """The same with GroupSort, at every depth."""
    return over_seeds(_read("12_absolute"), lambda seed: [run["error"] for run in seed["GroupSort"].values()])
