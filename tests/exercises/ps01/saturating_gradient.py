"""Versions of ``saturating_gradient`` that students write."""

import math

import torch
from torch.nn import functional

from ..registry import Trials

sigmoid = torch.sigmoid


def through(loss):
    """Gradient by autograd, as students do it who skip the paper."""

    def gradient(logit):
        t = logit.clone().requires_grad_(True)
        return torch.autograd.grad(loss(t), t)[0]

    return gradient


def stable(t):
    small = torch.exp(-t.abs())
    return -torch.where(t >= 0, 1 / (1 + small), small / (1 + small))


def loop(t):
    values = [-(1 / (1 + math.exp(-x)) if x > -700 else 0.0) for x in t.flatten().tolist()]
    return torch.tensor(values, dtype=torch.float64).reshape(t.shape)


def in_place(t):
    return t.sigmoid_().neg()


TRIALS = Trials("ps01.saturating_gradient")
TRIALS.mutants("sign", positive=sigmoid, forgotten_minus=lambda t: 1 / (1 + torch.exp(-t)))
TRIALS.mutants("other-loss", other=lambda t: sigmoid(t) - 1, other_stable=lambda t: -sigmoid(-t))
TRIALS.mutants("with-respect-to-d", no_chain_rule=lambda t: -1 / (1 - sigmoid(t)))
TRIALS.mutants(
    "sigmoid-slope",
    slope=lambda t: sigmoid(t) * (1 - sigmoid(t)),
    negative_slope=through(lambda t: (1 - sigmoid(t)).sum()),
)
TRIALS.mutants(
    "mean", of_the_mean=through(lambda t: functional.logsigmoid(-t).mean()), by_rows=lambda t: -sigmoid(t) / len(t)
)
TRIALS.mutants("reduced", summed=lambda t: -sigmoid(t).sum(), averaged=lambda t: -sigmoid(t).mean().item())
TRIALS.mutants("the-loss", loss=lambda t: torch.log(1 - sigmoid(t)), stable_loss=lambda t: functional.logsigmoid(-t))
TRIALS.mutants("logit-as-probability", not_squashed=lambda t: -1 / (1 - t))
TRIALS.mutants(
    "unstable",
    ratio=lambda t: -t.exp() / (1 + t.exp()),
    chain=lambda t: -1 / (1 - sigmoid(t)) * sigmoid(t) * (1 - sigmoid(t)),
    naive_autograd=through(lambda t: torch.log(1 - sigmoid(t)).sum()),
)
TRIALS.mutants(
    "cancellation",
    complement=lambda t: 1 / (1 + t.exp()) - 1,
    complement_of_sigmoid=lambda t: sigmoid(-t) - 1,
)
TRIALS.mutants(
    "clamped",
    clamp=lambda t: -sigmoid(t).clamp(1e-7, 1 - 1e-7),
    clamped_logit=lambda t: -sigmoid(t.clamp(-100, 100)),
    eps=through(lambda t: torch.log(1 - sigmoid(t) + 1e-8).sum()),
)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:error", not_a_tensor=lambda t: -1 / (1 + math.exp(-t)))
TRIALS.alternatives(
    sigmoid=lambda t: -sigmoid(t),
    stable=stable,
    loop=loop,
    autograd=through(lambda t: functional.logsigmoid(-t).sum()),
    softplus=through(lambda t: -functional.softplus(t).sum()),
    quotient=lambda t: -1 / (1 + torch.exp(-t)),
    exponential=lambda t: -torch.exp(functional.logsigmoid(t)),
    softmax=lambda t: -torch.softmax(torch.stack([t, torch.zeros_like(t)]), 0)[0],
    float32=lambda t: -sigmoid(t.float()),
    numpy=lambda t: (-sigmoid(t)).numpy(),
    nested_list=lambda t: (-sigmoid(t)).tolist(),
)
TRIALS.mutants("asymptote", from_8=lambda t: torch.where(t < -8, -torch.exp(t), -sigmoid(t)))


def switched(cut):
    """The exponential from a cut on, and before it a difference that has lost its digits there."""
    return lambda t: torch.where(t < -cut, -torch.exp(t), 1 / (1 + t.exp()) - 1)


TRIALS.mutants("cancellation", **{f"from_{cut}": switched(cut) for cut in (30, 36, 39.9)})
TRIALS.mutants("asymptote", from_28=switched(28))
TRIALS.mutants("cancellation", float32=lambda t: sigmoid(-t.float()) - 1)
