"""Versions of ``ray_slopes`` that students write."""

import math

import numpy as np
import torch

from ..registry import Trials


def loop(f_x, f_y, x, y):
    slopes = []
    for top, bottom, a, b in zip(f_x, f_y, x, y, strict=True):
        run = math.dist(a.tolist(), b.tolist())
        slopes.append(float(top - bottom) / run if run > 0 else 0.0)
    return slopes


def right(f_x, f_y, x, y):
    run = (x - y).norm(dim=1)
    return torch.where(run > 0, (f_x - f_y) / run, 0.0)


def filled(f_x, f_y, x, y):
    run = (x - y).pow(2).sum(1).sqrt()
    slopes = torch.zeros_like(run)
    moved = run > 0
    slopes[moved] = (f_x - f_y)[moved] / run[moved]
    return slopes


def in_place(f_x, f_y, x, y):
    x -= y
    run = x.norm(dim=1)
    return torch.where(run > 0, (f_x - f_y) / run, 0.0)


def over(run):
    return lambda f_x, f_y, x, y: (f_x - f_y) / run(x - y)


TRIALS = Trials("ps03.ray_slopes")
TRIALS.mutants("downhill", downhill=lambda a, b, x, y: right(b, a, x, y))
TRIALS.mutants("absolute", absolute=lambda a, b, x, y: right(a, b, x, y).abs())
TRIALS.mutants("squared", no_root=over(lambda way: way.pow(2).sum(1)))
TRIALS.mutants("not-divided", rise=lambda a, b, x, y: a - b)
TRIALS.mutants("inverted", inverted=lambda a, b, x, y: (x - y).norm(dim=1) / (a - b))
TRIALS.mutants(
    "other-norm",
    sum_norm=over(lambda way: way.abs().sum(1)),
    largest=over(lambda way: way.abs().amax(1)),
    signed_sum=over(lambda way: way.sum(1)),
)
TRIALS.mutants("one-norm", one_norm=over(lambda way: way.norm()))
TRIALS.mutants(
    "all-pairs",
    cdist=lambda a, b, x, y: (a[:, None] - b) / torch.cdist(x, y),
    keepdim=over(lambda way: way.norm(dim=1, keepdim=True)),
)
TRIALS.mutants("reduced", mean=lambda a, b, x, y: right(a, b, x, y).mean())
TRIALS.mutants("zero-over-zero", plain=over(lambda way: way.norm(dim=1)))
TRIALS.mutants("smoothed", smoothed=over(lambda way: way.norm(dim=1) + 1e-2))
TRIALS.mutants("generic:shape", moved_only=lambda a, b, x, y: right(a, b, x, y)[(x != y).any(1)])
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    right=right,
    loop=loop,
    filled=filled,
    nan_to_num=lambda a, b, x, y: torch.nan_to_num((a - b) / torch.linalg.vector_norm(x - y, dim=-1), nan=0.0),
    numpy=lambda a, b, x, y: np.nan_to_num((a - b).numpy() / np.linalg.norm((x - y).numpy(), axis=1)),
    tiny=lambda a, b, x, y: (a - b) / (x - y).norm(dim=1).clamp(min=1e-12),
    diagonal=lambda a, b, x, y: torch.nan_to_num(
        (a - b) / torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").diagonal(), nan=0.0
    ),
)
TRIALS.mutants(
    "smoothed",
    hardly=over(lambda way: way.norm(dim=1) + 1e-8),
    clamped=over(lambda way: way.norm(dim=1).clamp_min(1e-6)),
)


def by_products(f_x, f_y, x, y):
    run = ((x**2).sum(1) + (y**2).sum(1) - 2 * (x * y).sum(1)).clamp(min=0).sqrt()
    return torch.where(run > 0, (f_x - f_y) / run, torch.zeros_like(run))


TRIALS.mutants("generic:precision", products=by_products)
TRIALS.mutants("squared", careful=lambda f, g, x, y: ((f - g) / (x - y).square().sum(1)).nan_to_num())
