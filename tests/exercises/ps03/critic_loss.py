"""Versions of ``critic_loss`` that students write."""

import numpy as np
import torch
from torch.nn.functional import relu, softplus

from wgan_course import objectives

from ..registry import Trials


def published(real, fake):
    return torch.mean(relu(1.0 - real)) + torch.mean(relu(1.0 + fake))


def in_place(real, fake):
    real -= fake.mean()
    return -real.mean()


TRIALS = Trials("ps03.critic_loss")
TRIALS.mutants(
    "hinge",
    unchanged=published,
    turned=lambda r, f: published(-r, -f),
    clamped=lambda r, f: (1 - r).clamp(min=0).mean() + (1 + f).clamp(min=0).mean(),
)
TRIALS.mutants("margin-left", margin=lambda r, f: (1 - r).mean() + (1 + f).mean())
TRIALS.mutants(
    "cut-off-left",
    no_margin=lambda r, f: relu(-r).mean() + relu(f).mean(),
    one_side=lambda r, f: relu(f).mean() - r.mean(),
    whole=lambda r, f: relu(f.mean() - r.mean()),
)
TRIALS.mutants(
    "half-hinge", fakes=lambda r, f: relu(1 + f).mean() - r.mean(), real=lambda r, f: relu(1 - r).mean() + f.mean()
)
TRIALS.mutants("ascent", ascent=lambda r, f: r.mean() - f.mean())
TRIALS.mutants("generator", generator=lambda r, f: -f.mean(), fakes_only=lambda r, f: f.mean())
TRIALS.mutants(
    "log-loss",
    softplus=lambda r, f: softplus(-r).mean() + softplus(f).mean(),
    sigmoid=lambda r, f: torch.sigmoid(f).mean() - torch.sigmoid(r).mean(),
)
TRIALS.mutants("squared", targets=lambda r, f: (r - 1).pow(2).mean() + f.pow(2).mean())
TRIALS.mutants("added", added=lambda r, f: f.mean() + r.mean())
TRIALS.mutants("paired", paired=lambda r, f: (f[: len(r)] - r[: len(f)]).mean())
TRIALS.mutants("extremes", extremes=lambda r, f: f.max() - r.min())
TRIALS.mutants(
    "sums",
    sums=lambda r, f: f.sum() - r.sum(),
    by_the_real=lambda r, f: (f.sum() - r.sum()) / len(r),
    joined=lambda r, f: 2 * torch.cat([f, -r]).mean(),
)
TRIALS.mutants("absolute", absolute=lambda r, f: (f.mean() - r.mean()).abs())
TRIALS.mutants("generic:factor", halved=lambda r, f: (f.mean() - r.mean()) / 2)
TRIALS.mutants("generic:refused", package=lambda r, f: objectives.make("wasserstein").critic_loss(r, f))
TRIALS.mutants("absolute", squared_difference=lambda r, f: (f.mean() - r.mean()) ** 2)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    means=lambda r, f: f.mean() - r.mean(),
    negated=lambda r, f: -(r.mean() - f.mean()),
    numpy=lambda r, f: np.mean(f.numpy()) - np.mean(r.numpy()),
    pairs=lambda r, f: (f[None, :] - r[:, None]).mean(),
    sums=lambda r, f: f.sum() / f.numel() - r.sum() / r.numel(),
    dot=lambda r, f: f @ torch.full_like(f, 1 / len(f)) - r @ torch.full_like(r, 1 / len(r)),
)
TRIALS.mutants("real-only", real_only=lambda real, fake: -real.mean())
TRIALS.mutants("median", medians=lambda real, fake: fake.quantile(0.5) - real.quantile(0.5))
TRIALS.mutants("single-precision", single=lambda r, f: f.float().mean() - r.float().mean())
