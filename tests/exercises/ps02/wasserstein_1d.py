"""Versions of ``wasserstein_1d`` that students write."""

import numpy as np
import scipy.stats
import torch

from ..registry import Trials


def right(x, y):
    return (x.sort().values - y.sort().values).abs().mean()


def by_area(x, y):
    """|F - G| times the gaps, for unit masses."""
    points, order = torch.cat([x, y]).sort()
    surplus = torch.cat([torch.ones_like(x), -torch.ones_like(y)])[order].cumsum(0)[:-1] / len(x)
    return (surplus.abs() * points.diff()).sum()


def by_index(x, y):
    total = 0.0
    for i, j in zip(x.argsort().tolist(), y.argsort().tolist(), strict=True):
        total = total + (x[i] - y[j]).abs()
    return total / len(x)


def in_place(x, y):
    y.copy_(y.sort().values)
    return (x.sort().values - y).abs().mean()


def all_pairs(x, y):
    return (x[:, None] - y).abs().mean()


def assigned(x, y):
    from scipy.optimize import linear_sum_assignment

    cost = (x[:, None] - y).abs()
    i, j = linear_sum_assignment(cost.detach().numpy())
    return cost[i, j].mean()


TRIALS = Trials("ps02.wasserstein_1d")
TRIALS.mutants(
    "unsorted",
    as_they_come=lambda x, y: (x - y).abs().mean(),
    sorts_without_keeping=lambda x, y: [x.sort(), y.sort(), (x - y).abs().mean()][-1],
    l1_loss=torch.nn.functional.l1_loss,
)
TRIALS.mutants(
    "one-sorted",
    only_x=lambda x, y: (x.sort().values - y).abs().mean(),
    only_y=lambda x, y: (x - y.sort().values).abs().mean(),
)
TRIALS.mutants(
    "opposite-orders",
    descending=lambda x, y: (x.sort().values - y.sort(descending=True).values).abs().mean(),
    flipped=lambda x, y: (x.sort().values.flip(0) - y.sort().values).abs().mean(),
)
TRIALS.mutants("sum", added=lambda x, y: (x.sort().values - y.sort().values).abs().sum())
TRIALS.mutants(
    "means",
    of_the_means=lambda x, y: (x.mean() - y.mean()).abs(),
    absolute_outside=lambda x, y: (x.sort().values - y.sort().values).mean().abs(),
    signed=lambda x, y: (x.sort().values - y.sort().values).mean(),
)
TRIALS.mutants(
    "squared",
    square=lambda x, y: (x.sort().values - y.sort().values).square().mean(),
    root=lambda x, y: (x.sort().values - y.sort().values).square().mean().sqrt(),
    norm=lambda x, y: (x.sort().values - y.sort().values).norm(),
)
TRIALS.mutants("all-pairs", all_pairs=all_pairs)
TRIALS.mutants(
    "nearest",
    nearest=lambda x, y: (x[:, None] - y).abs().min(1).values.mean(),
    nearest_to_y=lambda x, y: (x[:, None] - y).abs().amin(0).mean(),
)
TRIALS.mutants("largest", largest=lambda x, y: (x.sort().values - y.sort().values).abs().max())
TRIALS.mutants(
    "no-gradient",
    item=lambda x, y: right(x, y).item(),
    detached=lambda x, y: right(x.detach(), y),
    scipy=lambda x, y: scipy.stats.wasserstein_distance(x.detach(), y),
    numpy=lambda x, y: np.abs(np.sort(x.numpy()) - np.sort(y.numpy())).mean(),
    lists=lambda x, y: sum(abs(a - b) for a, b in zip(sorted(x.tolist()), sorted(y.tolist()), strict=True)) / len(x),
)
TRIALS.mutants(
    "rounded-off",
    smooth_l1=lambda x, y: torch.nn.functional.smooth_l1_loss(x.sort().values, y.sort().values),
    huber=lambda x, y: torch.nn.functional.huber_loss(x.sort().values, y.sort().values),
)
TRIALS.mutants(
    "single-precision",
    float32=lambda x, y: right(x.float(), y.float()),
    back_again=lambda x, y: right(x.float(), y.float()).double(),
)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:shape", each_trip=lambda x, y: (x.sort().values - y.sort().values).abs())
TRIALS.alternatives(
    right=right,
    by_area=by_area,
    by_index=by_index,
    assigned=assigned,
    l1_loss=lambda x, y: torch.nn.functional.l1_loss(torch.sort(x)[0], torch.sort(y)[0]),
    both_descending=lambda x, y: (x.sort(descending=True).values - y.sort(descending=True).values).abs().mean(),
    gather=lambda x, y: (x[x.argsort()] - y[y.argsort()]).abs().sum() / x.numel(),
    norm=lambda x, y: torch.linalg.vector_norm(x.msort() - y.msort(), ord=1) / len(x),
)


def smooth_at_zero(x, y):
    return ((x.sort().values - y.sort().values) ** 2 + 1e-8).sqrt().mean()


TRIALS.mutants("generic:direction", smooth_at_zero=smooth_at_zero)
TRIALS.mutants("root-of-square", root=lambda x, y: ((x.sort().values - y.sort().values) ** 2).sqrt().mean())


def arrived(x, y):
    x, y = x.sort().values, y.sort().values
    return torch.tensor(0.0) if torch.equal(x, y) else (x - y).abs().mean()


TRIALS.mutants("no-gradient", arrived=arrived)
