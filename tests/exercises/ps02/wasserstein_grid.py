"""Versions of ``wasserstein_grid`` that students write."""

import numpy as np
import scipy.stats
import torch

from ..registry import Trials


def right(points, p, q):
    return ((p - q).cumsum(0)[:-1].abs() * points.diff()).sum()


def carried(points, p, q):
    """The man on the road: what passes him from place to place."""
    surplus, bill = 0.0, 0.0
    for k in range(len(points) - 1):
        surplus += float(p[k] - q[k])
        bill += abs(surplus) * float(points[k + 1] - points[k])
    return bill


def from_the_right(points, p, q):
    tails = (p - q).flip(0).cumsum(0).flip(0)[1:]
    return (tails.abs() * points.diff()).sum()


def by_quantiles(points, p, q):
    """Mean of |inverse F - inverse G| over the pieces on which both are constant."""
    points, f, g = points.numpy(), np.cumsum(p.numpy()), np.cumsum(q.numpy())
    cuts = np.unique(np.concatenate([[0.0], f, g]).clip(0, 1))
    middles = (cuts[1:] + cuts[:-1]) / 2
    x, y = (points[np.searchsorted(d, middles).clip(max=len(points) - 1)] for d in (f, g))
    return (np.abs(x - y) * np.diff(cuts)).sum()


def in_place(points, p, q):
    p -= q
    return (p.cumsum(0)[:-1].abs() * points.diff()).sum()


TRIALS = Trials("ps02.wasserstein_grid")
TRIALS.mutants(
    "no-width",
    no_width=lambda t, p, q: (p.cumsum(0) - q.cumsum(0)).abs().sum(),
    loop=lambda t, p, q: sum(abs(float((p - q)[: k + 1].sum())) for k in range(len(p) - 1)),
    as_samples=lambda t, p, q: scipy.stats.wasserstein_distance(np.arange(len(p)), np.arange(len(q)), p, q),
)
TRIALS.mutants(
    "even-width",
    first_gap=lambda t, p, q: (p - q).cumsum(0).abs().sum() * (t[1] - t[0]),
    mean_gap=lambda t, p, q: (p - q).cumsum(0).abs().sum() * t.diff().mean(),
)
TRIALS.mutants(
    "gap-before",
    shifted=lambda t, p, q: ((p - q).cumsum(0)[1:].abs() * t.diff()).sum(),
    prepended=lambda t, p, q: ((p - q).cumsum(0).abs() * torch.diff(t, prepend=t[:1])).sum(),
)
TRIALS.mutants("trapezium", trapezoid=lambda t, p, q: torch.trapezoid((p - q).cumsum(0).abs(), t))
TRIALS.mutants(
    "not-cumulated",
    densities=lambda t, p, q: ((p - q).abs()[:-1] * t.diff()).sum(),
    total_variation=lambda t, p, q: (p - q).abs().sum() / 2,
)
TRIALS.mutants(
    "signed",
    outside=lambda t, p, q: ((p - q).cumsum(0)[:-1] * t.diff()).sum().abs(),
    no_absolute=lambda t, p, q: ((p - q).cumsum(0)[:-1] * t.diff()).sum(),
    of_the_means=lambda t, p, q: ((t * p).sum() - (t * q).sum()).abs(),
)
TRIALS.mutants("largest-gap", kolmogorov=lambda t, p, q: (p - q).cumsum(0).abs().max())
TRIALS.mutants(
    "squared",
    square=lambda t, p, q: ((p - q).cumsum(0)[:-1] ** 2 * t.diff()).sum(),
    cramer=lambda t, p, q: ((p - q).cumsum(0)[:-1] ** 2 * t.diff()).sum().sqrt(),
)
TRIALS.mutants(
    "averaged",
    mean=lambda t, p, q: ((p - q).cumsum(0)[:-1].abs() * t.diff()).mean(),
    by_length=lambda t, p, q: right(t, p, q) / (t[-1] - t[0]),
)
TRIALS.mutants(
    "sorted-weights",
    scipy_samples=lambda t, p, q: scipy.stats.wasserstein_distance(p, q),
    sort=lambda t, p, q: (p.sort().values - q.sort().values).abs().mean(),
)
TRIALS.mutants("places-not-gaps", places=lambda t, p, q: ((p - q).cumsum(0).abs() * t).sum())
TRIALS.mutants("cumulated-twice", twice=lambda t, p, q: right(t, p.cumsum(0), q.cumsum(0)))
TRIALS.mutants("absolute-first", absolute_first=lambda t, p, q: ((p - q).abs().cumsum(0)[:-1] * t.diff()).sum())
TRIALS.mutants("from-the-right", backwards=lambda t, p, q: ((p - q).flip(0).cumsum(0)[:-1].abs() * t.diff()).sum())
TRIALS.mutants(
    "single-precision",
    float32=lambda t, p, q: right(t.float(), p.float(), q.float()).double(),
    places_alone=lambda t, p, q: right(t.float().double(), p, q),
)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:error", widths_do_not_fit=lambda t, p, q: ((p - q).cumsum(0).abs() * t.diff()).sum())
TRIALS.mutants("generic:shape", not_summed=lambda t, p, q: (p - q).cumsum(0)[:-1].abs() * t.diff())
TRIALS.alternatives(
    right=right,
    carried=carried,
    from_the_right=from_the_right,
    by_quantiles=by_quantiles,
    two_sums=lambda t, p, q: ((p.cumsum(0) - q.cumsum(0)).abs()[:-1] * (t[1:] - t[:-1])).sum(),
    scipy=lambda t, p, q: scipy.stats.wasserstein_distance(t, t, p, q),
    numpy=lambda t, p, q: np.abs(np.cumsum(p.numpy() - q.numpy()))[:-1] @ np.diff(t.numpy()),
    dot=lambda t, p, q: torch.dot((p - q).cumsum(0).abs()[:-1], t.diff()),
    appended=lambda t, p, q: ((p - q).cumsum(0).abs() * torch.diff(t, append=t[-1:])).sum(),
)


def thresholded(t, p, q):
    difference = (p - q).cumsum(0)[:-1].abs()
    return (torch.where(difference < 1e-6, 0.0, difference) * t.diff()).sum()


TRIALS.mutants("generic:direction", thresholded=thresholded)
