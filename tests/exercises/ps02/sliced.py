"""Versions of ``sliced`` that students write."""

import numpy as np
import scipy.stats
import torch

from ..registry import Trials


def right(x, y, directions):
    return ((x @ directions.T).sort(0).values - (y @ directions.T).sort(0).values).abs().mean()


def loop(x, y, directions):
    total = 0.0
    for u in directions:
        total = total + ((x @ u).sort().values - (y @ u).sort().values).abs().mean()
    return total / len(directions)


def slices(x, y, directions):
    return torch.stack([((x @ u).sort().values - (y @ u).sort().values).abs().mean() for u in directions])


def in_place(x, y, directions):
    x -= y.mean(0)
    return right(x, y - y.mean(0), directions)


def by_scipy(x, y, directions):
    return np.mean([scipy.stats.wasserstein_distance(x @ u, y @ u) for u in directions])


TRIALS = Trials("ps02.sliced")
TRIALS.mutants(
    "unsorted",
    unsorted=lambda x, y, u: ((x - y) @ u.T).abs().mean(),
    l1=lambda x, y, u: torch.nn.functional.l1_loss(x @ u.T, y @ u.T),
)
TRIALS.mutants(
    "wrong-axis",
    last_axis=lambda x, y, u: ((x @ u.T).sort().values - (y @ u.T).sort().values).abs().mean(),
    first_axis=lambda x, y, u: ((u @ x.T).sort(0).values - (u @ y.T).sort(0).values).abs().mean(),
)
TRIALS.mutants("sorted-before", early=lambda x, y, u: ((x.sort(0).values - y.sort(0).values) @ u.T).abs().mean())
TRIALS.mutants("largest-slice", largest=lambda x, y, u: slices(x, y, u).max())
TRIALS.mutants(
    "summed",
    slices=lambda x, y, u: slices(x, y, u).sum(),
    trips=lambda x, y, u: right(x, y, u) * len(x),
)
TRIALS.mutants("mean-direction", one_line=lambda x, y, u: right(x, y, u.mean(0, keepdim=True)))
TRIALS.mutants(
    "means",
    of_means=lambda x, y, u: ((x.mean(0) - y.mean(0)) @ u.T).abs().mean(),
    absolute_late=lambda x, y, u: ((x @ u.T).mean(0) - (y @ u.T).mean(0)).abs().mean(),
)
TRIALS.mutants(
    "squared",
    square=lambda x, y, u: ((x @ u.T).sort(0).values - (y @ u.T).sort(0).values).square().mean(),
    root=lambda x, y, u: ((x @ u.T).sort(0).values - (y @ u.T).sort(0).values).square().mean().sqrt(),
)
TRIALS.mutants("no-projection", coordinates=lambda x, y, u: (x.sort(0).values - y.sort(0).values).abs().mean())
TRIALS.mutants("by-direction", vector=slices)
TRIALS.mutants(
    "all-together",
    together=lambda x, y, u: ((x @ u.T).flatten().sort().values - (y @ u.T).flatten().sort().values).abs().mean(),
)
TRIALS.mutants("one-slice", first=lambda x, y, u: slices(x, y, u)[0])
TRIALS.mutants(
    "opposite-orders",
    opposite=lambda x, y, u: ((x @ u.T).sort(0).values - (y @ u.T).sort(0, descending=True).values).abs().mean(),
)
TRIALS.mutants("centred", centred=lambda x, y, u: right(x - x.mean(0), y - y.mean(0), u))
TRIALS.mutants(
    "rounded-off",
    smooth=lambda x, y, u: torch.nn.functional.smooth_l1_loss((x @ u.T).sort(0).values, (y @ u.T).sort(0).values),
)
TRIALS.mutants(
    "single-precision",
    float32=lambda x, y, u: right(x.float(), y.float(), u.float()),
    points_alone=lambda x, y, u: right(x.float().double(), y.float().double(), u),
)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:error", matrix_of_lists=lambda x, y, u: (x.tolist() @ u.T).mean())
TRIALS.alternatives(
    right=right,
    loop=loop,
    by_scipy=by_scipy,
    stacked=lambda x, y, u: slices(x, y, u).mean(),
    rows_of_shadows=lambda x, y, u: ((u @ x.T).sort(1).values - (u @ y.T).sort(1).values).abs().mean(1).mean(),
    numpy=lambda x, y, u: np.abs(np.sort(x.numpy() @ u.numpy().T, 0) - np.sort(y.numpy() @ u.numpy().T, 0)).mean(),
    python_float=lambda x, y, u: float(right(x, y, u)),
)
TRIALS.mutants("generic:value", as_columns=lambda x, y, u: right(x, y, u.T if u.shape[0] == u.shape[1] else u))
TRIALS.mutants("generic:direction", each_once=lambda x, y, directions: right(x, y, directions.unique(dim=0)))
