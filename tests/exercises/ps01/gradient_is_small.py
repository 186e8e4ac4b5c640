"""Versions of ``gradient_is_small`` that students write."""

import numpy as np
import torch
from torch.nn import functional

from ..registry import Trials


def right(d, threshold):
    return d < threshold


def by_autograd(d, threshold):
    logit = torch.logit(d).requires_grad_(True)
    (slope,) = torch.autograd.grad(functional.logsigmoid(-logit).sum(), logit)
    return slope.abs() < threshold


def in_place(d, threshold):
    return d.sub_(threshold) < 0


TRIALS = Trials("ps01.gradient_is_small")
TRIALS.mutants(
    "textbook",
    unchanged=lambda d, t: 1 - d < t,
    rearranged=lambda d, t: d > 1 - t,
    loosely=lambda d, t: d >= 1 - t,
    other_loss=lambda d, t: (d - 1).abs() < t,
)
TRIALS.mutants("comparison", large=lambda d, t: d > t, inverted=lambda d, t: ~(d < t))
TRIALS.mutants("sigmoid-slope", slope=lambda d, t: d * (1 - d) < t, either_end=lambda d, t: torch.minimum(d, 1 - d) < t)
TRIALS.mutants("with-respect-to-d", no_chain_rule=lambda d, t: 1 / (1 - d) < t)
TRIALS.mutants("signed", signed=lambda d, t: -d < t, signed_loss=lambda d, t: torch.log1p(-d) < t)
TRIALS.mutants(
    "the-loss",
    size_of_loss=lambda d, t: torch.log(1 - d).abs() < t,
    other_loss_itself=lambda d, t: -torch.log(d) < t,
)
TRIALS.mutants("reduced", any_of=lambda d, t: (d < t).any(), all_of=lambda d, t: bool((d < t).all()))
TRIALS.mutants(
    "not-a-mask",
    chosen=lambda d, t: d[d < t],
    gradients=lambda d, t: -d,
    indices=lambda d, t: torch.nonzero(d < t).flatten(),
)
TRIALS.mutants("not-strict", at_most=lambda d, t: d <= t)
TRIALS.mutants("generic:yes-or-no", always=lambda d, t: torch.ones_like(d, dtype=torch.bool))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    right=right,
    by_autograd=by_autograd,
    loop=lambda d, t: [x < t for x in d.tolist()],
    less=torch.lt,
    of_the_gradient=lambda d, t: (-d).abs() < t,
    complement=lambda d, t: torch.logical_not(d >= t),
    numpy=lambda d, t: np.less(d.numpy(), t),
    zeros_and_ones=lambda d, t: (d < t).double(),
)


def through_the_logit(d, threshold):
    return torch.sigmoid(torch.log(d / (1 - d))).float() < threshold


TRIALS.mutants("generic:yes-or-no", through_the_logit=through_the_logit)
TRIALS.mutants("sigmoid-slope", both_ends=lambda d, t: (d < t) | (1 - d < t))
TRIALS.mutants("logit", as_logit=lambda d, t: torch.sigmoid(d) < t)
TRIALS.mutants("single-precision", single_threshold=lambda d, t: d < torch.tensor(t, dtype=torch.float32))
TRIALS.mutants("beside-one", complements=lambda d, t: 1 - d > 1 - t)
