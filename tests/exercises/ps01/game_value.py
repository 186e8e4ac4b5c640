"""Versions of ``game_value`` that students write."""

import math

import numpy as np
import scipy.special
import torch
from torch.nn import functional

from ..registry import Trials

xlogy = torch.special.xlogy


def right(d, p, q):
    return (xlogy(p, d) + xlogy(q, 1 - d)).sum()


def loop(d, p, q):
    total = 0.0
    for answer, a, b in zip(d.tolist(), p.tolist(), q.tolist(), strict=True):
        for weight, x in ((a, answer), (b, 1 - answer)):
            if weight > 0:
                total += weight * (math.log(x) if x > 0 else -math.inf)
    return total


def masked(d, p, q):
    return torch.dot(p[p > 0], d[p > 0].log()) + torch.dot(q[q > 0], (1 - d[q > 0]).log())


def in_place(d, p, q):
    value = right(d, p, q)
    d.clamp_(0.4, 0.5)
    return value


TRIALS = Trials("ps01.game_value")
TRIALS.mutants("negated", cross_entropy=lambda d, p, q: -right(d, p, q))
TRIALS.mutants("minus", difference=lambda d, p, q: xlogy(p, d).sum() - xlogy(q, 1 - d).sum())
TRIALS.mutants("swapped", exchanged=lambda d, p, q: right(d, q, p), fake_d=lambda d, p, q: right(1 - d, p, q))
TRIALS.mutants(
    "one-measure",
    both_real=lambda d, p, q: right(d, p, p),
    both_fake=lambda d, p, q: right(d, q, q),
)
TRIALS.mutants("log-d-twice", no_complement=lambda d, p, q: xlogy(p, d).sum() + xlogy(q, d).sum())
TRIALS.mutants("non-saturating", minus_log_d=lambda d, p, q: xlogy(p, d).sum() - xlogy(q, d).sum())
TRIALS.mutants("halved", averaged=lambda d, p, q: torch.stack([xlogy(p, d).sum(), xlogy(q, 1 - d).sum()]).mean())
TRIALS.mutants("base-two", log2=lambda d, p, q: right(d, p, q) / math.log(2))
TRIALS.mutants("mean", mean=lambda d, p, q: (xlogy(p, d) + xlogy(q, 1 - d)).mean())
TRIALS.mutants(
    "unweighted",
    no_weights=lambda d, p, q: d.log().sum() + (1 - d).log().sum(),
    mean_no_weights=lambda d, p, q: d.log().mean() + (1 - d).log().mean(),
)
TRIALS.mutants(
    "zero-times-log",
    naive=lambda d, p, q: (p * d.log()).sum() + (q * (1 - d).log()).sum(),
    dot=lambda d, p, q: p @ torch.log(d) + q @ torch.log1p(-d),
)
TRIALS.mutants(
    "clamped",
    eps=lambda d, p, q: (p * (d + 1e-12).log()).sum() + (q * (1 - d + 1e-12).log()).sum(),
    clamp=lambda d, p, q: right(d.clamp(1e-7, 1 - 1e-7), p, q),
    torch_bce=lambda d, p, q: (
        -functional.binary_cross_entropy(d, torch.ones_like(d), p, reduction="sum")
        - functional.binary_cross_entropy(d, torch.zeros_like(d), q, reduction="sum")
    ),
)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:unusable", printed=lambda d, p, q: None)
TRIALS.alternatives(
    right=right,
    loop=loop,
    masked=masked,
    scipy=lambda d, p, q: np.sum(scipy.special.xlogy(p, d).numpy() + scipy.special.xlog1py(q, -d).numpy()),
    where=lambda d, p, q: torch.where(p > 0, p * d.log(), 0.0).sum() + torch.where(q > 0, q * (1 - d).log(), 0.0).sum(),
    nan_to_zero=lambda d, p, q: (p * d.log()).nansum() + (q * (1 - d).log()).nansum(),
    float32=lambda d, p, q: right(d.float(), p.float(), q.float()),
    item=lambda d, p, q: right(d, p, q).item(),
)


def where_both_live(d, p, q):
    both = (p > 0) & (q > 0)
    return torch.xlogy(p[both], d[both]).sum() + torch.xlogy(q[both], 1 - d[both]).sum()


TRIALS.mutants("generic:direction", where_both_live=where_both_live)
TRIALS.mutants(
    "generic:infinite",
    certain_everywhere=lambda d, p, q: 0.0 * d.sum() if bool(((d == 0) | (d == 1)).all()) else right(d, p, q),
)


def without_small_weights(d, p, q):
    real, fake = p > 1e-9, q > 1e-9
    return (p[real] * d[real].log()).sum() + (q[fake] * (1 - d[fake]).log()).sum()


TRIALS.mutants("generic:infinite", without_small_weights=without_small_weights)
TRIALS.mutants(
    "unweighted",
    visited=lambda d, p, q: d[p > 0].log().mean() + (1 - d[q > 0]).log().mean(),
    visited_summed=lambda d, p, q: d[p > 0].log().sum() + (1 - d[q > 0]).log().sum(),
)
