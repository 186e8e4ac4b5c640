"""Versions of ``r1_field`` that students write."""

import math
from collections import namedtuple

import numpy as np
import torch

from ..registry import Trials


def right(theta, psi, weight):
    s = torch.sigmoid(-psi * theta)
    return -psi * s, theta * s - weight * psi


def looped(theta, psi, weight):
    pairs = []
    for t, p in zip(theta.tolist(), psi.tolist(), strict=True):
        x = p * t
        s = 1 / (1 + math.exp(x)) if x < 0 else math.exp(-x) / (1 + math.exp(-x))
        pairs.append((-p * s, t * s - weight * p))
    return [p[0] for p in pairs], [p[1] for p in pairs]


def by_autograd(theta, psi, weight):
    t, p = theta.clone().requires_grad_(), psi.clone().requires_grad_()
    game = -torch.nn.functional.softplus(-p * t).sum()
    d_theta, d_psi = torch.autograd.grad(game, (t, p))
    return -d_theta, d_psi - weight * psi


def by_numpy(theta, psi, weight):
    t, p = theta.numpy(), psi.numpy()
    with np.errstate(over="ignore"):
        s = 1 / (1 + np.exp(p * t))
    return -p * s, t * s - weight * p


def by_tanh(theta, psi, weight):
    s = 0.5 * (1 - torch.tanh(psi * theta / 2))
    return torch.stack([-psi * s, theta * s - weight * psi]).unbind(0)


def with_parts(slope=lambda x: torch.sigmoid(-x), theta_sign=-1.0, psi_sign=1.0, force=lambda t, p, w: -w * p):
    def field(theta, psi, weight):
        s = slope(psi * theta)
        return theta_sign * psi * s, psi_sign * theta * s + force(theta, psi, weight)

    return field


def other_convention(theta, psi, weight):
    s = torch.sigmoid(psi * theta)
    return psi * s, -theta * s - weight * psi


def non_saturating(theta, psi, weight):
    return -psi * torch.sigmoid(psi * theta), theta * torch.sigmoid(-psi * theta) - weight * psi


def log_itself(theta, psi, weight):
    loss = torch.nn.functional.logsigmoid(psi * theta)
    return -psi * loss, theta * loss - weight * psi


def on_both(theta, psi, weight):
    a, b = right(theta, psi, weight)
    return a - weight * theta, b


def on_theta(theta, psi, weight):
    a, b = right(theta, psi, 0.0)
    return a - weight * psi, b


def swapped(theta, psi, weight):
    return right(theta, psi, weight)[::-1]


def summed(theta, psi, weight):
    return tuple(v.sum() for v in right(theta, psi, weight))


def mean_loss(theta, psi, weight):
    t, p = theta.clone().requires_grad_(), psi.clone().requires_grad_()
    game = (-torch.nn.functional.softplus(-p * t) - weight * p**2 / 2).mean()
    d_theta, d_psi = torch.autograd.grad(game, (t, p))
    return -d_theta, d_psi


def naive(theta, psi, weight):
    x = psi * theta
    s = torch.exp(-x) / (1 + torch.exp(-x))
    return -psi * s, theta * s - weight * psi


def in_place(theta, psi, weight):
    s = torch.sigmoid(-psi * theta)
    velocity = theta * s - weight * psi
    psi *= -s
    return psi, velocity


Pair = namedtuple("Pair", "theta psi")


def dotted(theta, psi, weight):
    slope = torch.sigmoid(-(psi @ theta))
    return -psi * slope, theta * slope - weight * psi


TRIALS = Trials("ps09.r1_field")
TRIALS.mutants("one-product", dotted=dotted)
TRIALS.mutants("generator-climbs", climbs=with_parts(theta_sign=1.0))
TRIALS.mutants("critic-descends", descends=with_parts(psi_sign=-1.0))
TRIALS.mutants("other-convention", real=other_convention)
TRIALS.mutants("derivative", sigmoid=with_parts(slope=torch.sigmoid))
TRIALS.mutants(
    "critic-derivative",
    rising=lambda t, p, w: (right(t, p, w)[0], t * torch.sigmoid(p * t) - w * p),
)
TRIALS.mutants("second-derivative", second=with_parts(slope=lambda x: torch.sigmoid(x) * torch.sigmoid(-x)))
TRIALS.mutants("linearised", linear=with_parts(slope=lambda x: torch.full_like(x, 0.5)))
TRIALS.mutants("no-derivative", wasserstein=with_parts(slope=torch.ones_like))
TRIALS.mutants("non-saturating", both=non_saturating)
TRIALS.mutants("value-not-force", log=log_itself)
TRIALS.mutants("penalty-sign", pushes=with_parts(force=lambda t, p, w: w * p))
TRIALS.mutants(
    "penalty-factor",
    twice=with_parts(force=lambda t, p, w: -2 * w * p),
    half=with_parts(force=lambda t, p, w: -0.5 * w * p),
)
TRIALS.mutants(
    "penalty-value",
    value=with_parts(force=lambda t, p, w: -0.5 * w * p**2),
    no_half=with_parts(force=lambda t, p, w: -w * p**2),
)
TRIALS.mutants(
    "penalty-shape",
    sign=with_parts(force=lambda t, p, w: -w * torch.sign(p)),
    size=with_parts(force=lambda t, p, w: -w * p.abs()),
)
TRIALS.mutants(
    "penalty-on-generator", both_players=on_both, generator=on_theta, theta=with_parts(force=lambda t, p, w: -w * t)
)
TRIALS.mutants("no-penalty", none=with_parts(force=lambda t, p, w: 0 * p))
TRIALS.mutants("order", swapped=swapped)
TRIALS.mutants("batch", summed=summed, mean=mean_loss)
TRIALS.mutants("overflow", naive=naive)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(right=right, looped=looped, by_autograd=by_autograd, by_numpy=by_numpy, by_tanh=by_tanh)
TRIALS.alternatives(
    rows=lambda *a: torch.stack([torch.as_tensor(one) for one in right(*a)]), named=lambda *a: Pair(*right(*a))
)
