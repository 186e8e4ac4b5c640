"""Versions of ``is_lipschitz`` that students write."""

import itertools

import numpy as np
import torch

from ..registry import Trials


def table(x, f, slope):
    return (f[:, None] - f).abs() <= slope * (x[:, None] - x).abs()


def dictionary(x, f, slope):
    pairs = itertools.product(range(len(x)), repeat=2)
    return {(i, j): bool((f[i] - f[j]).abs() <= slope * (x[i] - x[j]).abs()) for i, j in pairs}


def in_order(x, f):
    return f.diff() / x.diff()


def early_return(x, f, slope):
    for i, j in itertools.combinations(range(len(x)), 2):
        return bool((f[i] - f[j]).abs() <= slope * (x[i] - x[j]).abs())


def sorted_neighbours(x, f, slope):
    order = torch.argsort(x)
    return bool((f[order].diff().abs() <= slope * x[order].diff()).all())


def loop(x, f, slope):
    kept = True
    for i, j in itertools.permutations(range(len(x)), 2):
        kept = kept and bool(f[i] - f[j] <= slope * (x[i] - x[j]).abs())
    return kept


def rises_only(x, f, slope):
    pairs = itertools.combinations(range(len(x)), 2)
    return all(bool(f[j] - f[i] <= slope * (x[j] - x[i]).abs()) for i, j in pairs)


def in_place(x, f, slope):
    kept = loop(x, f, slope)
    x.mul_(2)
    return kept


TRIALS = Trials("ps04.is_lipschitz")
TRIALS.mutants(
    "always-true",
    unchanged=lambda x, f, k: np.all(dictionary(x, f, k).values()),
    wrapped=lambda x, f, k: bool(np.all(dictionary(x, f, k).values())),
    any_of=lambda x, f, k: any(dictionary(x, f, k).values()),
    keys=lambda x, f, k: len(dictionary(x, f, k)) > 0,
)
TRIALS.mutants(
    "always-false",
    strict_diagonal=lambda x, f, k: bool(((f[:, None] - f).abs() < k * (x[:, None] - x).abs()).all()),
)
TRIALS.mutants("inverted", inverted=lambda x, f, k: not all(dictionary(x, f, k).values()))
TRIALS.mutants("signed", rises_only=rises_only, signed_slopes=lambda x, f, k: bool((in_order(x, f) <= k).all()))
TRIALS.mutants("order", neighbours=lambda x, f, k: bool((in_order(x, f).abs() <= k).all()))
TRIALS.mutants(
    "ends",
    ends=lambda x, f, k: bool((f[-1] - f[0]).abs() <= k * (x[-1] - x[0]).abs()),
    extremes=lambda x, f, k: bool(f.max() - f.min() <= k * (x.max() - x.min())),
)
TRIALS.mutants(
    "one-point",
    first=lambda x, f, k: bool(table(x, f, k)[0].all()),
    early_return=early_return,
)
TRIALS.mutants(
    "mean",
    mean=lambda x, f, k: bool(in_order(x, f).abs().mean() <= k),
    sums=lambda x, f, k: bool((f[:, None] - f).abs().sum() <= k * (x[:, None] - x).abs().sum()),
)
TRIALS.mutants("slope-ignored", unit=lambda x, f, k: all(dictionary(x, f, 1.0).values()))
TRIALS.mutants(
    "not-one-answer",
    table=table,
    steepest=lambda x, f, k: ((f[:, None] - f) / (x[:, None] - x)).abs().nan_to_num(0.0).max(),
)
TRIALS.mutants(
    "strict",
    strict=lambda x, f, k: bool((((f[:, None] - f) / (x[:, None] - x)).abs().nan_to_num(0.0) < k).all()),
)
TRIALS.mutants("slack", slack=lambda x, f, k: bool(table(x, f, 1.05 * k).all()))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    repaired=lambda x, f, k: all(dictionary(x, f, k).values()),
    listed=lambda x, f, k: np.all(list(dictionary(x, f, k).values())),
    table=lambda x, f, k: table(x, f, k).all(),
    loop=loop,
    sorted_neighbours=sorted_neighbours,
    steepest=lambda x, f, k: bool(((f[:, None] - f) / (x[:, None] - x)).abs().nan_to_num(0.0).max() <= k),
    one_or_zero=lambda x, f, k: int(sorted_neighbours(x, f, k)),
    no_violation=lambda x, f, k: not any(not kept for kept in dictionary(x, f, k).values()),
)
TRIALS.mutants("generic:yes-or-no", the_first_twenty=lambda x, f, slope: bool(table(x[:20], f[:20], slope).all()))
TRIALS.mutants(
    "single-precision",
    single_slope=lambda x, f, k: bool(
        ((f[:, None] - f).abs() <= torch.tensor(k, dtype=torch.float32) * (x[:, None] - x).abs()).all()
    ),
)
