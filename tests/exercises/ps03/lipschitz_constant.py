"""Versions of ``lipschitz_constant`` that students write."""

import itertools
import math

import numpy as np
import torch

from ..registry import Trials


def loop(points, values):
    steepest = 0.0
    for i, j in itertools.combinations(range(len(values)), 2):
        rise = abs(float(values[i] - values[j]))
        run = math.dist(points[i].tolist(), points[j].tolist())
        if run > 0:
            steepest = max(steepest, rise / run)
        elif rise > 0:
            return math.inf
    return steepest


def table(points, values):
    return (values[:, None] - values).abs(), torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")


def pairs(points, values, p=2):
    i, j = torch.triu_indices(len(values), len(values), 1)
    return values[i] - values[j], (points[i] - points[j]).norm(p=p, dim=1)


def masked(points, values):
    rise, run = table(points, values)
    quotient = torch.where(run > 0, rise / run, torch.where(rise > 0, torch.inf, 0.0))
    return quotient.max()


def with_eye(points, values):
    rise, run = table(points, values)
    return (rise / (run + torch.eye(len(values)))).max()


def filtered(points, values):
    rise, run = pairs(points, values)
    return (rise.abs()[run > 0] / run[run > 0]).max()


def infinite(points, values):
    rise, run = pairs(points, values)
    return math.inf if bool((run == 0).any()) else (rise.abs() / run).max()


def averaged(points, values):
    rise, run = pairs(points, values)
    return (rise.abs() / run).mean()


def signed(points, values):
    i, j = torch.triu_indices(len(values), len(values), 1)
    return ((values[j] - values[i]) / (points[i] - points[j]).norm(dim=1)).max()


def neighbours(points, values):
    return (values.diff().abs() / points.diff(dim=0).norm(dim=1)).max()


def extremes(points, values):
    i, j = values.argmax(), values.argmin()
    return (values[i] - values[j]) / (points[i] - points[j]).norm()


def over(quotient, reduce=torch.max, p=2):
    return lambda points, values: reduce(quotient(*pairs(points, values, p)))


def in_place(points, values):
    found = masked(points, values)
    values -= values.mean()
    return found


def quotients(x, f, limit, beyond):
    run, rise = (x[:, None] - x).norm(dim=-1), (f[:, None] - f).abs()
    return torch.where(run < limit, torch.where(rise > 0, beyond, 0.0), rise / run).max()


TRIALS = Trials("ps03.lipschitz_constant")
TRIALS.mutants("neighbours", neighbours=neighbours)
TRIALS.mutants("signed", signed=signed)
TRIALS.mutants("average", mean=averaged)
TRIALS.mutants("minimum", minimum=over(lambda rise, run: rise.abs() / run, torch.min))
TRIALS.mutants(
    "squared",
    no_root=over(lambda rise, run: rise.abs() / run**2),
    all_squared=over(lambda rise, run: rise**2 / run**2),
)
TRIALS.mutants(
    "other-norm",
    sum_norm=over(lambda rise, run: rise.abs() / run, p=1),
    largest_coordinate=over(lambda rise, run: rise.abs() / run, p=math.inf),
)
TRIALS.mutants("inverted", inverted=over(lambda rise, run: run / rise.abs()))
TRIALS.mutants(
    "spread",
    extremes=extremes,
    spread=lambda points, values: (values.max() - values.min()) / torch.pdist(points).max(),
)
TRIALS.mutants("zero-over-zero", eye=with_eye, pairs=over(lambda rise, run: rise.abs() / run))
TRIALS.mutants("always-infinite", infinite=infinite)
TRIALS.mutants("torn-dropped", filtered=filtered)
TRIALS.mutants(
    "smoothed",
    added=over(lambda rise, run: rise.abs() / (run + 1e-8)),
    clamped=over(lambda rise, run: rise.abs() / run.clamp(min=1e-12)),
)
TRIALS.mutants("zero-over-zero", whole_table=lambda points, values: torch.div(*table(points, values)).max())
TRIALS.mutants("generic:shape", no_maximum=lambda points, values: torch.div(*table(points, values)).amax(1))
TRIALS.mutants(
    "near-as-one",
    near_dropped=lambda x, f: quotients(x, f, 1e-6, 0.0),
    near_torn=lambda x, f: quotients(x, f, 1e-6, torch.inf),
)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    loop=loop,
    masked=masked,
    numpy=lambda points, values: np.float64(masked(points, values)),
    nan_to_num=lambda points, values: torch.nan_to_num(torch.div(*table(points, values)), 0.0, posinf=torch.inf).max(),
    nanmax=lambda points, values: np.nanmax(torch.div(*table(points, values)).numpy()),
    combinations=lambda points, values: max(
        0.0 if values[i] == values[j] else float((values[i] - values[j]).abs() / (points[i] - points[j]).norm())
        for i, j in itertools.permutations(range(len(values)), 2)
    ),
)


def by_products(points, values):
    quotients = (values[:, None] - values).abs() / torch.cdist(points, points)
    return quotients[~quotients.isnan()].max()


TRIALS.mutants("generic:infinite", by_products=by_products)


def careful_neighbours(points, values):
    slopes = values.diff().abs() / points.diff(dim=0).norm(dim=1)
    return slopes.nan_to_num(0.0, math.inf).max()


def careful_city_block(points, values):
    slopes = (values[:, None] - values).abs() / torch.cdist(points, points, p=1)
    return slopes[~slopes.isnan()].max()


TRIALS.mutants("neighbours", careful_neighbours=careful_neighbours)
TRIALS.mutants("other-norm", careful_city_block=careful_city_block)


def about_the_mean(points, values):
    distances = torch.cdist(points - points.mean(0), points - points.mean(0))
    slopes = (values[:, None] - values).abs() / distances
    torn = (values[:, None] != values) & (points[:, None] == points).all(2)
    return math.inf if torn.any() else slopes[slopes.isfinite()].max()


TRIALS.mutants("generic:direction", about_the_mean=about_the_mean)
TRIALS.mutants("single-precision", places=lambda points, values: masked(points.float().double(), values))
