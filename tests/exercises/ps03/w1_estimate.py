"""Versions of ``w1_estimate`` that students write."""

import math
import statistics

import numpy as np
import torch

from ..registry import Trials


def pooled(real, fake, k):
    signs = torch.cat([torch.ones_like(real), -torch.ones_like(fake)])
    return (signs * torch.cat([real, fake])).mean() / k


def hinge(real, fake, k):
    return (torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()) / k


def in_place(real, fake, k):
    real /= k
    fake /= k
    return real.mean() - fake.mean()


TRIALS = Trials("ps03.w1_estimate")
TRIALS.mutants(
    "loss",
    loss=lambda r, f, k: (f.mean() - r.mean()) / k,
    loss_without_k=lambda r, f, k: f.mean() - r.mean(),
)
TRIALS.mutants("without-k", ignored=lambda r, f, k: r.mean() - f.mean())
TRIALS.mutants("times-k", times=lambda r, f, k: k * (r.mean() - f.mean()))
TRIALS.mutants(
    "half-divided",
    precedence=lambda r, f, k: r.mean() - f.mean() / k,
    first_only=lambda r, f, k: r.mean() / k - f.mean(),
)
TRIALS.mutants("sums", sums=lambda r, f, k: (r.sum() - f.sum()) / k)
TRIALS.mutants("pooled", pooled=pooled, one_length=lambda r, f, k: (r.sum() - f.sum()) / len(r) / k)
TRIALS.mutants(
    "paired", zipped=lambda r, f, k: sum(a - b for a, b in zip(r, f, strict=False)) / min(len(r), len(f)) / k
)
TRIALS.mutants(
    "no-negative",
    absolute=lambda r, f, k: (r.mean() - f.mean()).abs() / k,
    clamped=lambda r, f, k: torch.relu(r.mean() - f.mean()) / k,
)
TRIALS.mutants("hinge", hinge=hinge)
TRIALS.mutants("median", median=lambda r, f, k: (np.median(r) - np.median(f)) / k)
TRIALS.mutants("generic:error", elementwise=lambda r, f, k: (r - f).mean() / k)
TRIALS.mutants("generic:shape", no_mean=lambda r, f, k: (r[:, None] - f) / k)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("k-changed", whole=lambda r, f, k: (r.mean() - f.mean()) / (k + 1))
TRIALS.mutants("added", added=lambda r, f, k: (r.mean() + f.mean()) / k)
TRIALS.mutants("one-bag", real_only=lambda r, f, k: r.mean() / k)
TRIALS.mutants("extremes", extremes=lambda r, f, k: (r.max() - f.min()) / k)
TRIALS.mutants("one-less", one_less=lambda r, f, k: (r.sum() / max(1, len(r) - 1) - f.sum() / max(1, len(f) - 1)) / k)
TRIALS.alternatives(
    means=lambda r, f, k: (r.mean() - f.mean()) / k,
    first_divided=lambda r, f, k: r.mean() / k - f.mean() / k,
    all_pairs=lambda r, f, k: (r[:, None] - f[None, :]).mean() / k,
    sums=lambda r, f, k: (r.sum() / len(r) - f.sum() / len(f)) / k,
    plain=lambda r, f, k: (math.fsum(r.tolist()) / len(r) - math.fsum(f.tolist()) / len(f)) / k,
    statistics=lambda r, f, k: (statistics.fmean(r.tolist()) - statistics.fmean(f.tolist())) / k,
)
TRIALS.mutants("generic:direction", each_once=lambda real, fake, k: (real.unique().mean() - fake.unique().mean()) / k)
TRIALS.mutants("median", torch_median=lambda r, f, k: (r.median() - f.median()) / k)
TRIALS.mutants("single-precision", single=lambda r, f, k: (r.float().mean() - f.float().mean()) / k)
