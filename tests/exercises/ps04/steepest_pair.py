"""Versions of ``steepest_pair`` that students write."""

import itertools

import numpy as np
import torch

from ..registry import Trials


def table(x, f):
    """Slopes of all pairs, NaN on the diagonal."""
    return (f[:, None] - f) / (x[:, None] - x)


def right(x, f):
    order = torch.argsort(x)
    return (f[order].diff() / x[order].diff()).abs().max()


def loop(x, f):
    best = 0.0
    for i, j in itertools.combinations(range(len(x)), 2):
        best = max(best, abs(float(f[i] - f[j])) / abs(float(x[i] - x[j])))
    return best


def masked(x, f):
    run = (x[:, None] - x).abs()
    rise = (f[:, None] - f).abs()
    return (rise[run > 0] / run[run > 0]).max()


def sorts_x_only(x, f):
    return (f.diff() / x.sort().values.diff()).abs().max()


def in_place(x, f):
    order = torch.argsort(x)
    x[:], f[:] = x[order].clone(), f[order].clone()
    return (f.diff() / x.diff()).abs().max()


def apart(x, f):
    return (f[:, None] - f).abs().max() / x.sort().values.diff().min()


TRIALS = Trials("ps04.steepest_pair")
TRIALS.mutants(
    "order",
    neighbours=lambda x, f: (f.diff() / x.diff()).abs().max(),
    numpy_neighbours=lambda x, f: np.abs(np.diff(f.numpy()) / np.diff(x.numpy())).max(),
)
TRIALS.mutants(
    "signed",
    signed=lambda x, f: table(x, f).nan_to_num(-torch.inf).max(),
    signed_neighbours=lambda x, f: (f.diff() / x.diff()).max(),
)
TRIALS.mutants(
    "ends",
    ends=lambda x, f: ((f[-1] - f[0]) / (x[-1] - x[0])).abs(),
    extremes=lambda x, f: (f.max() - f.min()) / (x.max() - x.min()),
)
TRIALS.mutants("apart", apart=apart)
TRIALS.mutants("rise", rise=lambda x, f: (f[:, None] - f).abs().max())
TRIALS.mutants("inverse", inverse=lambda x, f: (x.diff() / f.diff()).abs().max())
TRIALS.mutants("mean", mean=lambda x, f: table(x, f).abs().nanmean())
TRIALS.mutants("one-point", first=lambda x, f: ((f - f[0])[1:] / (x - x[0])[1:]).abs().max())
TRIALS.mutants("centred", gradient=lambda x, f: np.abs(np.gradient(f.numpy(), x.numpy())).max())
TRIALS.mutants("smallest", smallest=lambda x, f: (f.diff() / x.diff()).abs().min())
TRIALS.mutants("diagonal", with_itself=lambda x, f: table(x, f).abs().max())
TRIALS.mutants("all-slopes", slopes=lambda x, f: (f.diff() / x.diff()).abs())
TRIALS.mutants("mutates-input", sorts_in_place=in_place)
TRIALS.mutants(
    "left-behind",
    sorts_x_only=sorts_x_only,
    all_pairs=lambda x, f: table(x.sort().values, f).abs().nan_to_num(0.0).max(),
    sorts_both=lambda x, f: (f.sort().values.diff() / x.sort().values.diff()).abs().max(),
)
TRIALS.alternatives(
    right=right,
    loop=loop,
    masked=masked,
    nan_aware=lambda x, f: table(x, f).abs().nan_to_num(0.0).max(),
    numpy=lambda x, f: np.nanmax(np.abs(table(x, f).numpy())),
    complex_pairs=lambda x, f: max(
        abs((b - d) / (a - c)) for (a, b), (c, d) in itertools.permutations(zip(x, f, strict=True), 2)
    ),
    both_signs=lambda x, f: torch.maximum(table(x, f).nan_to_num(-1e9).max(), -table(x, f).nan_to_num(1e9).min()),
)


def slopes(x, values):
    order = x.argsort()
    return (values[order].diff() / x[order].diff()).abs()


def from_a_thousandth(x, values):
    return max(1e-3, float(slopes(x, values).max()))


def one_for_many(x, values):
    return max(float(len(x) > 20), float(slopes(x, values).max()))


TRIALS.mutants("generic:direction", from_a_thousandth=from_a_thousandth)
TRIALS.mutants("generic:direction", one_for_many=one_for_many)
TRIALS.mutants("generic:direction", the_first_thirty=lambda x, f: right(x[:30], f[:30]))
TRIALS.mutants("single-precision", single=lambda x, f: right(x.float(), f.float()))
