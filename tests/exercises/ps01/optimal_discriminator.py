"""Versions of ``optimal_discriminator`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def right(p, q):
    total = p + q
    return torch.where(total > 0, p / total, 0.5)


def in_place(p, q):
    d = right(p, q)
    p /= p.sum() + 1
    return d


def loop(p, q):
    return [a / (a + b) if a + b > 0 else 0.5 for a, b in zip(p.tolist(), q.tolist(), strict=True)]


def assigned(p, q):
    d = p / (p + q)
    d[torch.isnan(d)] = 0.5
    return d


def masked(p, q):
    d = torch.full_like(p, 0.5)
    seen = (p + q) != 0
    d[seen] = p[seen] / (p + q)[seen]
    return d


def zero_default(p, q):
    d = torch.zeros_like(p)
    seen = (p + q) > 0
    d[seen] = p[seen] / (p[seen] + q[seen])
    return d


TRIALS = Trials("ps01.optimal_discriminator")
TRIALS.mutants("swapped", fake_probability=lambda p, q: q / (p + q), complement=lambda p, q: 1 - right(p, q))
TRIALS.mutants("odds", odds=lambda p, q: p / q)
TRIALS.mutants("logit", logit=lambda p, q: (p / q).log(), log_difference=lambda p, q: p.log() - q.log())
TRIALS.mutants("classifier", decision=lambda p, q: (p > q).double(), rounded=lambda p, q: right(p, q).round())
TRIALS.mutants("normalised", one_sum=lambda p, q: p / (p + q).sum())
TRIALS.mutants("mixture", half_sum=lambda p, q: p / (0.5 * (p + q)))
TRIALS.mutants(
    "sigmoid-of-difference",
    sigmoid=lambda p, q: torch.sigmoid(p - q),
    softmax=lambda p, q: torch.softmax(torch.stack([p, q]), 0)[0],
)
TRIALS.mutants(
    "zero-over-zero",
    naive=lambda p, q: p / (p + q),
    inverse=lambda p, q: p * (p + q) ** -1.0,
    numpy_naive=lambda p, q: p.numpy() / (p + q).numpy(),
)
TRIALS.mutants(
    "smoothed",
    eps=lambda p, q: p / (p + q + 1e-8),
    clamp=lambda p, q: p / (p + q).clamp(min=1e-10),
    clamped_answer=lambda p, q: right(p, q).clamp(1e-8, 1 - 1e-8),
    eps_both=lambda p, q: (p + 1e-10) / (p + q + 2e-10),
)
TRIALS.mutants("nobody-zero", nan_to_num=lambda p, q: (p / (p + q)).nan_to_num(), zero_default=zero_default)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:shape", summed=lambda p, q: right(p, q).mean())
TRIALS.alternatives(
    right=right,
    loop=loop,
    assigned=assigned,
    masked=masked,
    numpy=lambda p, q: np.where(p + q > 0, p.numpy() / (p + q).numpy(), 0.5),
    sigmoid_of_logit=lambda p, q: torch.sigmoid(p.log() - q.log()).nan_to_num(0.5),
    reciprocal=lambda p, q: (1 / (1 + q / p)).nan_to_num(0.5),
    float32=lambda p, q: right(p, q).float(),
)
TRIALS.mutants("classifier", undecided=lambda p, q: torch.heaviside(p - q, torch.full_like(p[:1], 0.5)))
