"""Versions of ``train_shift`` that students write."""

import torch

from ..registry import Trials


def game(critic=1.0, generator=1.0, weight=True, gradient=False, inner=5, **also):
    """The script, with some lines changed."""

    def train_shift(real, z, steps, rate, c):
        theta, w = 0.0, also.get("start", 0.0)
        for _ in range(steps + also.get("more", 0)):
            if also.get("fresh"):
                w = 0.0
            for _ in range(inner):
                g = critic * float((z + theta).mean() - real.mean())
                if gradient:
                    g = min(max(g, -c), c)
                w = w - rate * g
                if weight:
                    w = min(max(w, -c), c)
            theta = theta + generator * rate * w
            if also.get("theta"):
                theta = min(max(theta, -c), c)
        return w if also.get("critic_back") else theta

    return train_shift


def by_autograd(real, z, steps, rate, c):
    theta = torch.zeros((), dtype=torch.float64, requires_grad=True)
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)
    of_critic, of_generator = torch.optim.SGD([w], lr=rate), torch.optim.SGD([theta], lr=rate)
    for _ in range(steps):
        for _ in range(5):
            of_critic.zero_grad()
            ((w * (z + theta.detach())).mean() - (w * real).mean()).backward()
            of_critic.step()
            w.data.clamp_(-c, c)
        of_generator.zero_grad()
        (-(w.detach() * (z + theta)).mean()).backward()
        of_generator.step()
    return theta


def mirrored(real, z, steps, rate, c):
    """The convention of the paper's own code: the critic is -f, and both signs are turned."""
    theta, w = torch.tensor(0.0, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)
    for _ in range(steps):
        for _ in range(5):
            w = (w - rate * (real.mean() - (theta + z).mean())).clamp(-c, c)
        theta = theta - rate * w
    return theta


def clipped_once(real, z, steps, rate, c):
    """Clipping after the five steps is the same here: their gradients are all alike."""
    theta, w = 0.0, 0.0
    for _ in range(steps):
        w = w - 5 * rate * ((z + theta).mean() - real.mean())
        w = torch.clamp(w, -c, c)
        theta = theta + rate * w
    return theta


def by_numpy(real, z, steps, rate, c):
    import numpy as np

    theta, w, gap = 0.0, 0.0, z.numpy().mean() - real.numpy().mean()
    for _ in range(steps):
        for _ in range(5):
            w = np.clip(w - rate * (gap + theta), -c, c)
        theta -= rate * -w
    return np.float64(theta)


def late(real, z, steps, rate, c):
    theta, w = 0.0, 0.0
    for _ in range(steps):
        for _ in range(5):
            w = w - rate * float((z + theta).mean() - real.mean())
        theta = theta + rate * min(max(w, -c), c)
    return theta


def one_end(real, z, steps, rate, c):
    theta, w = 0.0, 0.0
    for _ in range(steps):
        for _ in range(5):
            w = min(w - rate * float((z + theta).mean() - real.mean()), c)
        theta = theta + rate * w
    return theta


def corner(real, z, steps, rate, c):
    theta, w = 0.0, 0.0
    for _ in range(steps):
        for _ in range(5):
            w = w - rate * float((z + theta).mean() - real.mean())
            w = c if w > 0 else -c
        theta = theta + rate * w
    return theta


def sums(real, z, steps, rate, c):
    theta, w = 0.0, 0.0
    for _ in range(steps):
        for _ in range(5):
            w = min(max(w - rate * float((z + theta).sum() - real.sum()), -c), c)
        theta = theta + rate * w
    return theta


TRIALS = Trials("ps05.train_shift")
TRIALS.mutants("unchanged", unchanged=game(generator=-1.0, weight=False, gradient=True))
TRIALS.mutants("sign-left", sign_left=game(generator=-1.0), and_both=game(generator=-1.0, gradient=True))
TRIALS.mutants("gradient-left", gradient_left=game(weight=False, gradient=True))
TRIALS.mutants("both-clipped", both_clipped=game(gradient=True))
TRIALS.mutants("no-clip", no_clip=game(weight=False), no_clip_and_sign=game(weight=False, generator=-1.0))
TRIALS.mutants("sign-left", critic_sign=game(critic=-1.0))
TRIALS.mutants("one-end", one_end=one_end)
TRIALS.mutants("corner", corner=corner)
TRIALS.mutants("generator-clipped", theta=game(theta=True), instead=game(theta=True, weight=False))
TRIALS.mutants("one-critic-step", one_critic_step=game(inner=1))
TRIALS.mutants("fresh-critic", fresh=game(fresh=True))
TRIALS.mutants("the-weight", weight=game(critic_back=True))
TRIALS.mutants("late-clip", late=late)
TRIALS.mutants("off-by-one", more=game(more=1), fewer=game(more=-1))
TRIALS.mutants("generic:direction", warm=game(start=0.1), four_steps=game(inner=4))
TRIALS.mutants("sums", sums=sums)
TRIALS.alternatives(
    right=game(), by_autograd=by_autograd, mirrored=mirrored, clipped_once=clipped_once, by_numpy=by_numpy
)
TRIALS.mutants(
    "generic:direction", a_hundred=lambda real, z, steps, rate, c: by_numpy(real, z, min(steps, 100), rate, c)
)
TRIALS.mutants("generic:which", stays=lambda real, z, steps, rate, c: by_numpy(real, z, min(steps, 60), rate, c))


def moved(real, z, steps, rate, c, inside=False, stops=False, first=False):
    """The generator moves within the critic's steps, before them, or no more once it has arrived."""
    theta = w = 0.0
    for _ in range(steps):
        if stops and theta + z.mean() >= real.mean():
            break
        theta += rate * w if first else 0.0
        for _ in range(5):
            w = min(max(w - rate * float((z + theta).mean() - real.mean()), -c), c)
            theta += rate * w if inside else 0.0
        theta += 0.0 if inside or first else rate * w
    return theta


TRIALS.mutants("generator-inside", generator_inside=lambda *a: moved(*a, inside=True))
TRIALS.mutants("stops-there", stops=lambda *a: moved(*a, stops=True))
TRIALS.mutants("off-by-one", generator_first=lambda *a: moved(*a, first=True))


def cut_batches(real, z, steps, rate, c):
    n = min(len(real), len(z))
    return game()(real[:n], z[:n], steps, rate, c)


def half_box(real, z, steps, rate, c):
    theta = w = 0.0
    for _ in range(steps):
        for _ in range(5):
            w = min(max(0.0, w + rate * float(real.mean() - z.mean() - theta)), c)
        theta += rate * w
    return theta


TRIALS.mutants("cut-batches", cut_batches=cut_batches)
TRIALS.mutants("half-box", half_box=half_box)
