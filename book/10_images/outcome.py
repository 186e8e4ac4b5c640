"""What the contest has found, as the chapter's tables, figures and sentences take it from the stored file.

An array has one entry for each seed; a run that diverged is infinite in the Fréchet distance and NaN elsewhere.
"""

from functools import cache

import numpy as np

from tools.book.results import read_results

TITLES = {"dcgan": "DCGAN", "resnet": "residual"}
NAMES = {
    "none": "no constraint",
    "log": "log loss",
    "hinge": "hinge, SN",
    "clip": "clipping",
    "gp": "GP",
    "lp": "LP",
    "sn": "SN",
    "sn_conv": "SN, convolution",
    "r1": "log loss, R1",
    "r1r2": "relativistic, R1 + R2",
}


@cache
def contest():
    """The whole file."""
    return read_results("10_contest")


def family(name):
    """What was found with an architecture."""
    return contest()["families"][name]


def seeds(name):
    """The runs of each seed, in order."""
    own = family(name)["seeds"]
    return [own[seed] for seed in sorted(own, key=int)]


def curve(run, key="frechet"):
    """Rounds and values of a run, without what came to be after it had diverged."""
    rows = run["curve"]
    return np.array([row["round"] for row in rows], float), np.array([row[key] for row in rows], float)


def end(name, method, key="frechet"):
    """What each seed's run measured after all rounds."""
    lost = np.inf if key == "frechet" else np.nan
    return np.array([lost if "diverged" in run[method] else run[method]["curve"][-1][key] for run in seeds(name)])


def seconds(name, method):
    """Seconds of the card that a whole run takes."""
    own = family(name)
    return own["rounds"] * own["milliseconds"][method] / 1e3


def same_time(name):
    """Seconds that the quickest contestant's run takes: all others have done so many by then."""
    return min(seconds(name, method) for method in NAMES)


def at_rounds(name, method, rounds):
    """Fréchet distance of each seed after so many rounds, on the straight line between two marks in logarithms."""
    found = []
    for run in seeds(name):
        marks, values = curve(run[method])
        reached = len(marks) and marks[0] <= rounds <= marks[-1] + 1e-6
        found.append(np.exp(np.interp(np.log(rounds), np.log(marks), np.log(values))) if reached else np.inf)
    return np.array(found)


def at_time(name, method, seconds=None):
    """Fréchet distance of each seed after some seconds of the card, `same_time` where none are given."""
    return at_rounds(name, method, 1e3 * (seconds or same_time(name)) / family(name)["milliseconds"][method])


def median_curve(name, method):
    """Rounds, and the median of the seeds' Fréchet distances."""
    runs = [curve(run[method]) for run in seeds(name)]
    return runs[0][0], np.median([values for _, values in runs], axis=0)


def order(name):
    """Contestants by the median of their Fréchet distance after all rounds."""
    return sorted(NAMES, key=lambda method: np.median(end(name, method)))


def pictures(name, method):
    """Twenty images of seed 0 in [-1, 1], shape (20, 1, 28, 28), or None where the run diverged."""
    stored = seeds(name)[0][method].get("images")
    if stored is None:
        return None
    levels = np.array([[int(digit, 16) for digit in image] for image in stored], dtype=np.float32)
    return (levels / 7.5 - 1).reshape(-1, 1, 28, 28)
