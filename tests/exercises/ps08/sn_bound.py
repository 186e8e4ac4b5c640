"""Versions of ``sn_bound`` that students write."""

import math

import numpy as np
import torch

from ..registry import Trials


def right(norms, estimates, skips):
    return (norms / estimates + skips).prod()


def by_loop(norms, estimates, skips):
    bound = 1.0
    for norm, estimate, skip in zip(norms, estimates, skips, strict=True):
        factor = norm / estimate
        bound = bound * (1 + factor if skip else factor)
    return bound


def by_where(norms, estimates, skips):
    ratio = norms / estimates
    return torch.prod(torch.where(skips, 1 + ratio, ratio))


def by_logs(norms, estimates, skips):
    return torch.log(norms / estimates + skips.double()).sum().exp()


def by_numpy(norms, estimates, skips):
    return float(np.prod(norms.numpy() / estimates.numpy() + skips.numpy()))


def by_list(norms, estimates, skips):
    return math.prod(n / e + int(s) for n, e, s in zip(norms.tolist(), estimates.tolist(), skips.tolist(), strict=True))


TRIALS = Trials("ps08.sn_bound")
TRIALS.mutants("one", one=lambda n, e, s: 1.0, twos=lambda n, e, s: 2.0 ** s.sum())
TRIALS.mutants("inverted", inverted=lambda n, e, s: (e / n + s).prod())
TRIALS.mutants("no-division", norms=lambda n, e, s: n.prod(), blocks=lambda n, e, s: (n + s).prod())
TRIALS.mutants("sum", total=lambda n, e, s: (n / e + s).sum(), mean=lambda n, e, s: (n / e).mean())
TRIALS.mutants("largest", largest=lambda n, e, s: (n / e + s).max())
TRIALS.mutants("skips-ignored", ignored=lambda n, e, s: (n / e).prod())
TRIALS.mutants("doubled", doubled=lambda n, e, s: torch.where(s, 2 * n / e, n / e).prod())
TRIALS.mutants("blocks-are-two", two=lambda n, e, s: torch.where(s, torch.tensor(2.0).double(), n / e).prod())
TRIALS.mutants("all-skips", all_blocks=lambda n, e, s: (1 + n / e).prod())
TRIALS.mutants("skips-flipped", flipped=lambda n, e, s: (n / e + ~s).prod())
TRIALS.mutants("one-skip", once=lambda n, e, s: (n / e).prod() + s.sum(), any=lambda n, e, s: (n / e).prod() + s.any())
TRIALS.mutants("per-layer", per_layer=lambda n, e, s: n / e + s)
TRIALS.mutants("mutates-input", in_place=lambda n, e, s: n.div_(e).add_(s).prod())
TRIALS.mutants(
    "at-least-one",
    never_below_one=lambda n, e, s: ((n / e).clamp_min(1) + s).prod(),
    only_large=lambda n, e, s: (n / e.clamp_min(1) + s).prod(),
)
TRIALS.mutants("whole-block-divided", whole=lambda n, e, s: ((n + s) / e).prod())
TRIALS.mutants("root-of-squares", pythagoras=lambda n, e, s: ((n / e) ** 2 + s).sqrt().prod())
TRIALS.mutants("generic:direction", at_most_1000=lambda n, e, s: right(n, e, s).clamp(max=1e3))
TRIALS.alternatives(
    right=right, by_loop=by_loop, by_where=by_where, by_logs=by_logs, by_numpy=by_numpy, by_list=by_list
)


def nearly_no_skip(norms, estimates, skips):
    return (norms / estimates + skips.double().clamp(min=1e-6)).prod()


TRIALS.mutants("generic:precision", nearly_no_skip=nearly_no_skip)
