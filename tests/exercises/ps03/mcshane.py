"""Versions of ``mcshane`` that students write."""

import math

import numpy as np
import torch

from wgan_course import transport

from ..registry import Trials


def away(x, points, p=2.0):
    return torch.cdist(x, points, p=p, compute_mode="donot_use_mm_for_euclid_dist")


def loop(points, values, lipschitz, x):
    heights = []
    for place in x:
        cones = [
            float(v) - lipschitz * math.dist(place.tolist(), a.tolist()) for a, v in zip(points, values, strict=True)
        ]
        heights.append(max(cones))
    return torch.tensor(heights, dtype=torch.float64)


def running(points, values, lipschitz, x):
    best = torch.full((len(x),), -torch.inf, dtype=x.dtype)
    for a, v in zip(points, values, strict=True):
        best = torch.maximum(best, v - lipschitz * (x - a).norm(dim=1))
    return best


def lower(points, values, k, x):
    return (values - k * away(x, points)).amax(1)


def upper(points, values, k, x):
    return (values + k * away(x, points)).amin(1)


def nearest(points, values, k, x):
    run, index = away(x, points).min(1)
    return values[index] - k * run


def in_place(points, values, lipschitz, x):
    points /= 1 / lipschitz
    return (values - away(lipschitz * x, points)).amax(1)


def turned(points, values, k, x):
    return -transport.mcshane_extension(points, -values, k)(x)


TRIALS = Trials("ps03.mcshane")
TRIALS.mutants("upper", upper=upper)
TRIALS.mutants("middle", middle=lambda p, v, k, x: (upper(p, v, k, x) + lower(p, v, k, x)) / 2)
TRIALS.mutants("without-k", ignored=lambda p, v, k, x: lower(p, v, 1.0, x))
TRIALS.mutants("values-too", outside=lambda p, v, k, x: k * lower(p, v, 1.0, x))
TRIALS.mutants("divided", divided=lambda p, v, k, x: (v - away(x, p) / k).amax(1))
TRIALS.mutants("squared", squared=lambda p, v, k, x: (v - k * away(x, p) ** 2).amax(1))
TRIALS.mutants("nearest", nearest=nearest, step=lambda p, v, k, x: v[away(x, p).argmin(1)])
TRIALS.mutants(
    "wrong-extreme",
    minimum=lambda p, v, k, x: (v - k * away(x, p)).amin(1),
    upward=lambda p, v, k, x: (v + k * away(x, p)).amax(1),
)
TRIALS.mutants("separate", separate=lambda p, v, k, x: v.max() - k * away(x, p).amin(1))
TRIALS.mutants("other-norm", sum_norm=lambda p, v, k, x: (v - k * away(x, p, 1.0)).amax(1))
TRIALS.mutants("wrong-axis", axis=lambda p, v, k, x: (v - k * away(x, p)).amax(0))
TRIALS.mutants("generic:error", transposed=lambda p, v, k, x: (v - k * away(p, x)).amax(0))
TRIALS.mutants("generic:refused", package=turned)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    lower=lower,
    loop=loop,
    running=running,
    numpy=lambda p, v, k, x: np.max(v.numpy() - k * np.linalg.norm((x[:, None] - p).numpy(), axis=-1), axis=1),
    other_axis=lambda p, v, k, x: (v[:, None] - k * away(p, x)).amax(0),
    minimum=lambda p, v, k, x: -(k * away(x, p) - v).amin(1),
)


def by_products(points, values, lipschitz, x):
    return (values - lipschitz * torch.cdist(x, points)).amax(1)


TRIALS.mutants("generic:value", by_products=by_products)


def axis_where_both_fit(points, values, k, x):
    return (values[:, None] - k * away(points, x)).amax(1 if len(points) == len(x) else 0)


TRIALS.mutants("generic:value", axis_where_both_fit=axis_where_both_fit)
TRIALS.mutants("one-coordinate", line=lambda p, v, k, x: (v - k * (x[:, :1] - p[:, 0]).abs()).amax(1))
TRIALS.mutants("cut-off", floor=lambda p, v, k, x: (v - k * torch.cdist(x, p)).amax(1).clamp(min=v.min()))


def about_the_mean(p, v, k, x):
    return (v - k * torch.cdist(x - p.mean(0), p - p.mean(0))).amax(1)


TRIALS.mutants("generic:value", about_the_mean=about_the_mean)
TRIALS.mutants(
    "single-precision",
    all_single=lambda p, v, k, x: (v.float() - k * away(x.float(), p.float())).amax(1).double(),
    places=lambda p, v, k, x: (v - k * away(x.float().double(), p.float().double())).amax(1),
)
