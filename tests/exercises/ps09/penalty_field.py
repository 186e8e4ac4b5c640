"""Versions of ``penalty_field`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def right(theta, psi, weight, target, one_sided):
    excess = psi.abs() - target
    if one_sided:
        excess = excess.clamp(min=0)
    return -psi, theta - weight * excess * psi.sign()


def looped(theta, psi, weight, target, one_sided):
    out = []
    for t, p in zip(theta.tolist(), psi.tolist(), strict=True):
        sign = (p > 0) - (p < 0)
        excess = abs(p) - target
        if one_sided and excess < 0:
            excess = 0.0
        out.append(t - weight * excess * sign)
    return -psi, torch.tensor(out)


def by_autograd(theta, psi, weight, target, one_sided):
    p = psi.clone().requires_grad_()
    excess = p.abs() - target
    if one_sided:
        excess = torch.relu(excess)
    value = (theta * p - weight / 2 * excess**2).sum()
    return -psi, torch.autograd.grad(value, p)[0]


def by_numpy(theta, psi, weight, target, one_sided):
    t, p = theta.numpy(), psi.numpy()
    inside = np.abs(p) <= target
    pull = weight * (p - target * np.sign(p))
    return -p, t - np.where(inside & one_sided, 0.0, pull)


def by_cases(theta, psi, weight, target, one_sided):
    clipped = psi.clamp(-target, target) if one_sided else target * psi.sign()
    return psi.neg(), theta - weight * (psi - clipped)


def with_force(force):
    return lambda theta, psi, weight, target, one_sided: (-psi, theta - force(psi, weight, target, one_sided))


def cut(x, one_sided):
    return x.clamp(min=0) if one_sided else x


def excess(p, g, one):
    return cut(p.abs() - g, one)


def whole_velocity(theta, psi, weight, target, one_sided):
    return -psi, cut(theta - weight * (psi.abs() - target) * psi.sign(), one_sided)


def climbs(*values):
    a, b = right(*values)
    return -a, b


def sign_of_zero(p):
    return torch.where(p >= 0, 1.0, -1.0)


def by_norm(p, w, g, one):
    return w * excess(p, g, one) * p / p.abs()


def in_place(theta, psi, weight, target, one_sided):
    result = right(theta, psi, weight, target, one_sided)
    psi.clamp_(-target, target)
    return result


TRIALS = Trials("ps09.penalty_field")
TRIALS.mutants("no-sign", unsigned=with_force(lambda p, w, g, one: w * excess(p, g, one)))
TRIALS.mutants("no-modulus", bare=with_force(lambda p, w, g, one: w * cut(p - g, one)))
TRIALS.mutants(
    "factor",
    twice=with_force(lambda p, w, g, one: 2 * w * excess(p, g, one) * p.sign()),
    half=with_force(lambda p, w, g, one: w / 2 * excess(p, g, one) * p.sign()),
)
TRIALS.mutants("penalty-sign", away=with_force(lambda p, w, g, one: -w * excess(p, g, one) * p.sign()))
TRIALS.mutants(
    "value",
    value=with_force(lambda p, w, g, one: w / 2 * excess(p, g, one) ** 2),
    square=with_force(lambda p, w, g, one: w * excess(p, g, one) ** 2),
)
TRIALS.mutants("zero-centred", centred=with_force(lambda p, w, g, one: w * p))
TRIALS.mutants("no-penalty", none=with_force(lambda p, w, g, one: torch.zeros_like(p)))
TRIALS.mutants("squared-norm", squared=with_force(lambda p, w, g, one: w * cut(p**2 - g, one) * p.sign()))
TRIALS.mutants("always-two-sided", two=lambda t, p, w, g, one: right(t, p, w, g, False))
TRIALS.mutants("always-one-sided", one=lambda t, p, w, g, one: right(t, p, w, g, True))
TRIALS.mutants("kinds-exchanged", swapped=lambda t, p, w, g, one: right(t, p, w, g, not one))
TRIALS.mutants(
    "wrong-side",
    below=with_force(lambda p, w, g, one: w * p.sign() * ((p.abs() - g).clamp(max=0) if one else p.abs() - g)),
)
TRIALS.mutants(
    "cuts-everything",
    velocity=whole_velocity,
    signed=with_force(lambda p, w, g, one: w * cut((p.abs() - g) * p.sign(), one)),
)
TRIALS.mutants("generator-climbs", climbs=climbs)
TRIALS.mutants("critic-descends", descends=lambda t, p, w, g, one: (-p, right(-t, p, w, g, one)[1]))
TRIALS.mutants(
    "whole-batch",
    norm=with_force(lambda p, w, g, one: w * cut(p.norm() - g, one) * p.sign()),
    mean=with_force(lambda p, w, g, one: w * cut(p.abs().mean() - g, one) * p.sign()),
)
TRIALS.mutants("order", swapped_pair=lambda *v: right(*v)[::-1])
TRIALS.mutants("sign-at-zero", where=with_force(lambda p, w, g, one: w * excess(p, g, one) * sign_of_zero(p)))
TRIALS.mutants("divides-by-zero", norm=with_force(by_norm))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(right=right, looped=looped, by_autograd=by_autograd, by_numpy=by_numpy, by_cases=by_cases)


def all_or_none(theta, psi, weight, target, one_sided):
    force = weight * (psi.abs() - target) * psi.sign()
    if one_sided and bool((psi.abs() <= target).all()):
        force = torch.zeros_like(psi)
    return -psi, theta - force


TRIALS.mutants("all-or-none", all_or_none=all_or_none)
