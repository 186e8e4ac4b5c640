"""Versions of ``training_round`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def right(theta, psi, step_g, step_d, n_critic, clip, alternating):
    old = psi
    for _ in range(n_critic):
        psi = (psi + step_d * theta).clamp(-clip, clip)
    return theta - step_g * (psi if alternating else old), psi


def looped(theta, psi, step_g, step_d, n_critic, clip, alternating):
    thetas, psis = [], []
    for t, p in zip(theta.tolist(), psi.tolist(), strict=True):
        new = p
        for _ in range(n_critic):
            new = max(-clip, min(clip, new + step_d * t))
        thetas.append(t - step_g * (new if alternating else p))
        psis.append(new)
    return torch.tensor(thetas), torch.tensor(psis)


def by_numpy(theta, psi, step_g, step_d, n_critic, clip, alternating):
    t, p = theta.numpy(), psi.numpy().copy()
    seen = p.copy()
    for _ in range(n_critic):
        p += step_d * t
        np.clip(p, -clip, clip, out=p)
    if alternating:
        seen = p
    return t - step_g * seen, p


def by_jump(theta, psi, step_g, step_d, n_critic, clip, alternating):
    """The first step from anywhere; the rest cannot turn, so one clip is enough for them."""
    first = (psi + step_d * theta).clamp(-clip, clip)
    new = (first + (n_critic - 1) * step_d * theta).clamp(-clip, clip)
    seen = new if alternating else psi
    return torch.add(theta, seen, alpha=-step_g), new


def on_clones(theta, psi, step_g, step_d, n_critic, clip, alternating):
    theta, psi = theta.clone(), psi.clone()
    before = psi.clone()
    for _ in range(n_critic):
        psi.add_(step_d * theta).clamp_(min=-clip).clamp_(max=clip)
    theta.sub_(step_g * torch.where(torch.tensor(alternating), psi, before))
    return theta, psi


def changed(**changes):
    def play(theta, psi, step_g, step_d, n_critic, clip, alternating):
        values = {"step_g": step_g, "step_d": step_d, "n_critic": n_critic, "clip": clip, "alternating": alternating}
        return right(theta, psi, **values | {name: change(values) for name, change in changes.items()})

    return play


def generator_first(theta, psi, step_g, step_d, n_critic, clip, alternating):
    theta = theta - step_g * psi
    for _ in range(n_critic):
        psi = (psi + step_d * theta).clamp(-clip, clip)
    return theta, psi


def both_n_times(theta, psi, step_g, step_d, n_critic, clip, alternating):
    for _ in range(n_critic):
        theta, psi = right(theta, psi, step_g, step_d, 1, clip, alternating)
    return theta, psi


def clip_once(theta, psi, step_g, step_d, n_critic, clip, alternating):
    old = psi
    for _ in range(n_critic):
        psi = psi + step_d * theta
    psi = psi.clamp(-clip, clip)
    return theta - step_g * (psi if alternating else old), psi


def clip_late(theta, psi, step_g, step_d, n_critic, clip, alternating):
    old = psi
    for _ in range(n_critic):
        psi = psi + step_d * theta
    return theta - step_g * (psi if alternating else old), psi.clamp(-clip, clip)


def clip_before(theta, psi, step_g, step_d, n_critic, clip, alternating):
    old = psi
    for _ in range(n_critic):
        psi = psi.clamp(-clip, clip) + step_d * theta
    return theta - step_g * (psi if alternating else old), psi


def clip_gradient(theta, psi, step_g, step_d, n_critic, clip, alternating):
    old = psi
    for _ in range(n_critic):
        psi = psi + step_d * theta.clamp(-clip, clip)
    return theta - step_g * (psi if alternating else old), psi


def clip_above(theta, psi, step_g, step_d, n_critic, clip, alternating):
    old = psi
    for _ in range(n_critic):
        psi = (psi + step_d * theta).clamp(max=clip)
    return theta - step_g * (psi if alternating else old), psi


def clip_start(theta, psi, step_g, step_d, n_critic, clip, alternating):
    return right(theta, psi.clamp(-clip, clip), step_g, step_d, n_critic, clip, alternating)


def in_place(theta, psi, step_g, step_d, n_critic, clip, alternating):
    result = right(theta, psi, step_g, step_d, n_critic, clip, alternating)
    psi.copy_(result[1])
    return result[0], psi


TRIALS = Trials("ps09.training_round")
TRIALS.mutants("always-simultaneous", simultaneous=changed(alternating=lambda v: False))
TRIALS.mutants("always-alternating", alternating=changed(alternating=lambda v: True))
TRIALS.mutants("swapped-ways", swapped=changed(alternating=lambda v: not v["alternating"]))
TRIALS.mutants("generator-first", generator_first=generator_first)
TRIALS.mutants("rates-swapped", rates=changed(step_g=lambda v: v["step_d"], step_d=lambda v: v["step_g"]))
TRIALS.mutants("one-rate", one_rate=changed(step_d=lambda v: v["step_g"]))
TRIALS.mutants("generator-sign", plus=changed(step_g=lambda v: -v["step_g"]))
TRIALS.mutants("critic-sign", minus=changed(step_d=lambda v: -v["step_d"]))
TRIALS.mutants("one-critic-step", one=changed(n_critic=lambda v: 1))
TRIALS.mutants("generator-too-often", both=both_n_times)
TRIALS.mutants(
    "one-step-less",
    less=changed(n_critic=lambda v: v["n_critic"] - 1),
    more=changed(n_critic=lambda v: v["n_critic"] + 1),
)
TRIALS.mutants("no-clip", no_clip=changed(clip=lambda v: float("inf")))
TRIALS.mutants("clip-once", once=clip_once)
TRIALS.mutants("clip-too-late", late=clip_late)
TRIALS.mutants("clip-before", before=clip_before)
TRIALS.mutants("clips-the-step", gradient=clip_gradient)
TRIALS.mutants("clip-above-only", above=clip_above)
TRIALS.mutants("clips-the-start", start=clip_start)
TRIALS.mutants("order", order=lambda *v: right(*v)[::-1])
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(right=right, looped=looped, by_numpy=by_numpy, by_jump=by_jump, on_clones=on_clones)


def five_steps(theta, psi, step_g, step_d, n_critic, clip, alternating):
    return right(theta, psi, step_g, step_d, min(n_critic, 5), clip, alternating)


def bounded(theta, psi, step_g, step_d, n_critic, clip, alternating):
    theta, psi = right(theta, psi, step_g, step_d, n_critic, clip, alternating)
    return theta.clamp(-4 * clip, 4 * clip), psi


TRIALS.mutants("generic:which", five_steps=five_steps)
TRIALS.mutants("generic:parts", bounded=bounded)
