"""Versions of ``non_saturating_gradient`` that students write."""

import torch
from torch.nn import functional

from ..registry import Trials
from .saturating_gradient import loop, sigmoid, stable, through


def in_place(t):
    return t.neg_().sigmoid().neg()


TRIALS = Trials("ps01.non_saturating_gradient")
TRIALS.mutants("sign", positive=lambda t: sigmoid(-t), complement=lambda t: 1 - sigmoid(t))
TRIALS.mutants("other-loss", other=lambda t: -sigmoid(t), other_positive=sigmoid)
TRIALS.mutants("with-respect-to-d", no_chain_rule=lambda t: -1 / sigmoid(t))
TRIALS.mutants(
    "sigmoid-slope",
    slope=lambda t: sigmoid(t) * (1 - sigmoid(t)),
    negative_slope=through(lambda t: -sigmoid(t).sum()),
)
TRIALS.mutants(
    "mean", of_the_mean=through(lambda t: functional.softplus(-t).mean()), by_rows=lambda t: -sigmoid(-t) / len(t)
)
TRIALS.mutants("reduced", summed=lambda t: -sigmoid(-t).sum(), averaged=lambda t: -sigmoid(-t).mean())
TRIALS.mutants("the-loss", loss=lambda t: -torch.log(sigmoid(t)), stable_loss=lambda t: functional.softplus(-t))
TRIALS.mutants("logit-as-probability", reciprocal=lambda t: -1 / t, minus_one=lambda t: t - 1)
TRIALS.mutants(
    "unstable",
    ratio=lambda t: -torch.exp(-t) / (1 + torch.exp(-t)),
    naive_autograd=through(lambda t: -torch.log(sigmoid(t)).sum()),
    chain=lambda t: -1 / sigmoid(t) * sigmoid(t) * (1 - sigmoid(t)),
)
TRIALS.mutants(
    "cancellation",
    minus_one=lambda t: sigmoid(t) - 1,
    complement=lambda t: -(1 - sigmoid(t)),
    quotient=lambda t: 1 / (1 + torch.exp(-t)) - 1,
)
TRIALS.mutants(
    "clamped",
    clamp=lambda t: sigmoid(t).clamp(1e-7, 1 - 1e-7) - 1,
    clamped_logit=lambda t: -sigmoid(-t.clamp(-100, 100)),
    eps=through(lambda t: -torch.log(sigmoid(t) + 1e-8).sum()),
)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:factor", doubled=lambda t: -2 * sigmoid(-t))
TRIALS.alternatives(
    sigmoid=lambda t: -sigmoid(-t),
    stable=lambda t: stable(-t),
    loop=lambda t: loop(-t),
    autograd=through(lambda t: -functional.logsigmoid(t).sum()),
    softplus=through(lambda t: functional.softplus(-t).sum()),
    quotient=lambda t: -1 / (1 + torch.exp(t)),
    exponential=lambda t: -torch.exp(functional.logsigmoid(-t)),
    softplus_exponential=lambda t: -torch.exp(-functional.softplus(t)),
    float32=lambda t: -sigmoid(-t.float()),
    numpy=lambda t: (-sigmoid(-t)).numpy(),
)
TRIALS.mutants("asymptote", from_8=lambda t: torch.where(t > 8, -torch.exp(-t), sigmoid(t) - 1))
TRIALS.mutants("generic:precision", linear_from_10=torch.func.grad(lambda t: functional.softplus(-t, 1, 10).sum()))


def switched(cut):
    """The exponential from a cut on, and before it a difference that has lost its digits there."""
    return lambda t: torch.where(t > cut, -torch.exp(-t), sigmoid(t) - 1)


TRIALS.mutants("cancellation", **{f"from_{cut}": switched(cut) for cut in (30, 36, 39.9)})
TRIALS.mutants("asymptote", from_28=switched(28))
TRIALS.mutants("cancellation", float32=lambda t: sigmoid(t.float()) - 1)
