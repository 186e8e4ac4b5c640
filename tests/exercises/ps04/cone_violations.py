"""Versions of ``cone_violations`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def right(x, f, slope, tip):
    return (f - f[tip]).abs() > slope * (x - x[tip]).abs()


def loop(x, f, slope, tip):
    return [abs(float(f[j] - f[tip])) > slope * abs(float(x[j] - x[tip])) for j in range(len(x))]


def two_halves(x, f, slope, tip):
    rise, reach = f - f[tip], slope * (x - x[tip]).abs()
    return (rise > reach) | (rise < -reach)


def quotient(x, f, slope, tip):
    return ((f - f[tip]) / (x - x[tip])).abs() > slope


def in_place(x, f, slope, tip):
    x -= x[tip].clone()
    return (f - f[tip]).abs() > slope * x.abs()


TRIALS = Trials("ps04.cone_violations")
TRIALS.mutants(
    "outside", complement=lambda *a: ~right(*a), below=lambda x, f, k, i: (f - f[i]).abs() < k * (x - x[i]).abs()
)
TRIALS.mutants("signed-run", signed_run=lambda x, f, k, i: (f - f[i]).abs() > k * (x - x[i]))
TRIALS.mutants(
    "one-half",
    above=lambda x, f, k, i: f - f[i] > k * (x - x[i]).abs(),
    below=lambda x, f, k, i: f < f[i] - k * (x - x[i]).abs(),
)
TRIALS.mutants("both-signed", no_abs=lambda x, f, k, i: f - f[i] > k * (x - x[i]))
TRIALS.mutants("other-axis", on_its_side=lambda x, f, k, i: (x - x[i]).abs() > k * (f - f[i]).abs())
TRIALS.mutants("slope-ignored", unit_cone=lambda x, f, k, i: (f - f[i]).abs() > (x - x[i]).abs())
TRIALS.mutants(
    "at-the-origin", origin=lambda x, f, k, i: f.abs() > k * x.abs(), first=lambda x, f, k, i: right(x, f, k, 0)
)
TRIALS.mutants(
    "tip-as-place",
    place=lambda x, f, k, i: (f - f[i]).abs() > k * (x - i).abs(),
    nearest=lambda x, f, k, i: right(x, f, k, (x - i).abs().argmin()),
)
TRIALS.mutants("reduced", count=lambda *a: right(*a).sum(), any_of=lambda *a: bool(right(*a).any()))
TRIALS.mutants("not-a-mask", indices=lambda *a: torch.nonzero(right(*a)).flatten(), chosen=lambda *a: a[0][right(*a)])
TRIALS.mutants("all-pairs", every_tip=lambda x, f, k, i: (f[:, None] - f).abs() > k * (x[:, None] - x).abs())
TRIALS.mutants(
    "not-strict",
    at_least=lambda x, f, k, i: (f - f[i]).abs() >= k * (x - x[i]).abs(),
    tip_too=lambda x, f, k, i: ~((f - f[i]).abs() < k * (x - x[i]).abs()),
)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    right=right,
    loop=loop,
    two_halves=two_halves,
    quotient=quotient,
    numpy=lambda x, f, k, i: np.abs(f.numpy() - f[i].item()) > k * np.abs(x.numpy() - x[i].item()),
    zeros_and_ones=lambda *a: right(*a).double(),
    complement=lambda x, f, k, i: torch.logical_not((f - f[i]).abs() <= k * (x - x[i]).abs()),
    squared=lambda x, f, k, i: (f - f[i]) ** 2 > (k * (x - x[i])) ** 2,
)
TRIALS.mutants(
    "generic:yes-or-no",
    single=lambda x, values, slope, tip: right(x.float(), values.float(), slope, tip),
    tolerant=lambda x, values, slope, tip: (values - values[tip]).abs() > slope * (x - x[tip]).abs() + 1e-8,
)
TRIALS.mutants(
    "not-squared", squares=lambda x, values, slope, tip: (values - values[tip]) ** 2 > slope * (x - x[tip]) ** 2
)
TRIALS.mutants(
    "single-precision",
    single_slope=lambda x, values, slope, tip: right(x, values, torch.tensor(slope, dtype=torch.float32), tip),
)
