"""Versions of ``kl`` that students write."""

import math

import numpy as np
import scipy.special
import scipy.stats
import torch
from torch.nn import functional

from ..registry import Trials


def in_place(p, q):
    q = q.clone()
    p.clamp_(min=1e-300)
    terms = torch.where(p > 1e-299, p * torch.log(p / q), 0.0)
    p /= p.sum() * 1.5
    return terms.sum()


def loop(p, q):
    total = 0.0
    for a, b in zip(p.tolist(), q.tolist(), strict=True):
        if a > 0:
            total += math.inf if b == 0 else a * math.log(a / b)
    return total


def masked_where(p, q):
    terms = torch.where(p > 0, p * (p.log() - q.log()), torch.zeros_like(p))
    return terms.flip(0).sum()


def loop_skips(p, q):
    return sum(a * math.log(a / b) for a, b in zip(p.tolist(), q.tolist(), strict=True) if a > 0 and b > 0)


TRIALS = Trials("ps01.kl")
TRIALS.mutants(
    "reversed",
    swapped=lambda p, q: torch.special.xlogy(q, q).sum() - torch.special.xlogy(q, p).sum(),
    torch_order=lambda p, q: functional.kl_div(p.log(), q, reduction="sum"),
    average_under_q=lambda p, q: (q * (q / p).log()).sum(),
)
TRIALS.mutants(
    "base-two",
    log2=lambda p, q: (p * (p / q).log2()).sum(),
    scipy_base=lambda p, q: scipy.stats.entropy(p.numpy(), q.numpy(), base=2),
)
TRIALS.mutants("base-ten", log10=lambda p, q: (p * torch.log10(p / q)).sum())
TRIALS.mutants(
    "mean",
    mean=lambda p, q: scipy.special.rel_entr(p.numpy(), q.numpy()).mean(),
    torch_mean=lambda p, q: functional.kl_div(q.log(), p, reduction="mean"),
)
TRIALS.mutants("absolute", absolute=lambda p, q: torch.special.xlogy(p, p / q).abs().sum())
TRIALS.mutants("unweighted", no_weights=lambda p, q: (p / q).log().sum())
TRIALS.mutants("cross-entropy", cross_entropy=lambda p, q: -(p * q.log()).sum())
TRIALS.mutants(
    "zero-times-log",
    naive=lambda p, q: (p * (p / q).log()).sum(),
    torch_kl_div=lambda p, q: functional.kl_div(q.log(), p, reduction="sum"),
    difference_of_logs=lambda p, q: torch.sum(p * (torch.log(p) - torch.log(q))),
    numpy_naive=lambda p, q: np.sum(p.numpy() * np.log(p.numpy() / q.numpy())),
)
TRIALS.mutants(
    "smoothed",
    eps_both=lambda p, q: (p * ((p + 1e-12) / (q + 1e-12)).log()).sum(),
    eps_below=lambda p, q: torch.special.xlogy(p, p / (q + 1e-8)).sum(),
    clamp=lambda p, q: (p * (p.clamp(min=1e-10) / q.clamp(min=1e-10)).log()).sum(),
)
TRIALS.mutants("dropped", only_common=loop_skips)
TRIALS.mutants("small-dropped", small_masses_dropped=lambda p, q: torch.where(p > 1e-3, p * (p / q).log(), 0.0).sum())
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("left-changed", with_gradient=lambda p, q: masked_where(p.requires_grad_(), q))
TRIALS.mutants("generic:sign", negated=lambda p, q: -masked_where(p, q))
TRIALS.mutants("generic:factor", doubled=lambda p, q: 2 * masked_where(p, q))
TRIALS.mutants("generic:shape", not_summed=lambda p, q: torch.special.xlogy(p, p / q))
TRIALS.mutants("generic:unusable", printed=lambda p, q: print(masked_where(p, q)))
TRIALS.mutants("generic:error", wrong_name=lambda p, q: p.no_such_method())
TRIALS.alternatives(
    loop=loop,
    where=masked_where,
    scipy=lambda p, q: scipy.special.rel_entr(p.numpy(), q.numpy()).sum(),
    scipy_entropy=lambda p, q: scipy.stats.entropy(p.numpy(), q.numpy()),
    mask=lambda p, q: (p[p > 0] * torch.log(p[p > 0] / q[p > 0])).sum(),
    python_float=lambda p, q: float(masked_where(p, q)),
    float32=lambda p, q: masked_where(p, q).float(),
    one_entry=lambda p, q: masked_where(p, q).reshape(1),
    xlogy=lambda p, q: (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum(),
)
