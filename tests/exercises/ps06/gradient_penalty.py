"""Versions of ``gradient_penalty`` that students write."""

import torch

from ..registry import Trials
from .input_gradient import (
    by_backward,
    column,
    gradient,
    in_real,
    loop,
    mean_scores,
    mix,
    no_graph,
    no_requires_grad,
    noise,
)


def norms(g):
    return g.flatten(1).norm(dim=1)


def right(critic, real, fake, epsilon, weight):
    return weight * (norms(gradient(critic, mix(real, fake, epsilon))) - 1).square().mean()


def at(points):
    """The right charge at other points."""
    return lambda c, r, f, e, w: w * (norms(gradient(c, points(r, f, e))) - 1).square().mean()


def charge(of):
    """Another charge at the right points."""
    return lambda c, r, f, e, w: w * of(gradient(c, mix(r, f, e)))


def with_gradient(function):
    """The right charge for a gradient that is made in another way."""
    return lambda c, r, f, e, w: w * (norms(function(c, r, f, e)) - 1).square().mean()


def published_framework(critic, real, fake, epsilon, weight):
    x = (epsilon[0] * real + (1 - epsilon[0]) * fake).requires_grad_()
    scores = critic(x)
    g = torch.autograd.grad(scores, x, torch.ones_like(scores), create_graph=True)[0]
    return weight * (g.norm() - 1) ** 2


def stable(critic, real, fake, epsilon, weight):
    g = gradient(critic, mix(real, fake, epsilon)).reshape(len(real), -1)
    return weight * torch.mean((torch.sqrt(torch.sum(g**2, dim=1) + 1e-16) - 1) ** 2)


TRIALS = Trials("ps06.gradient_penalty")
TRIALS.mutants("real-only", real_only=at(lambda r, f, e: r))
TRIALS.mutants("fake-only", fake_only=at(lambda r, f, e: f))
TRIALS.mutants("one-epsilon", first=at(lambda r, f, e: e[0] * r + (1 - e[0]) * f))
TRIALS.mutants("epsilon-ignored", middles=at(lambda r, f, e: (r + f) / 2))
TRIALS.mutants("swapped", swapped=at(lambda r, f, e: mix(f, r, e)))
TRIALS.mutants("extrapolation", beyond=at(lambda r, f, e: r + column(e, r) * (r - f)))
TRIALS.mutants("not-convex", r_plus_e_f=at(lambda r, f, e: r + column(e, r) * f))
TRIALS.mutants("batch-norm-of-gradient", one_norm=charge(lambda g: (g.norm() - 1) ** 2))
TRIALS.mutants("wrong-axis", samples=charge(lambda g: (g.norm(dim=0) - 1).square().mean()))
TRIALS.mutants("early-mean", early=charge(lambda g: (norms(g).mean() - 1) ** 2))
TRIALS.mutants("squared-norm", no_root=charge(lambda g: (g.flatten(1).square().sum(1) - 1).square().mean()))
TRIALS.mutants("no-one", zero_centred=charge(lambda g: g.flatten(1).square().sum(1).mean()))
TRIALS.mutants("fourth-power", fourth=charge(lambda g: (norms(g) - 1).pow(4).mean()))
TRIALS.mutants("absolute", absolute=charge(lambda g: (norms(g) - 1).abs().mean()))
TRIALS.mutants("one-sided", one_sided=charge(lambda g: torch.relu(norms(g) - 1).square().mean()))
TRIALS.mutants("sum", total=charge(lambda g: (norms(g) - 1).square().sum()))
TRIALS.mutants("one-less", one_less=charge(lambda g: (norms(g) - 1).square().sum() / max(1, len(g) - 1)))
TRIALS.mutants(
    "other-norm",
    sizes=charge(lambda g: (g.flatten(1).abs().sum(1) - 1).square().mean()),
    rms=charge(lambda g: (g.flatten(1).square().mean(1).sqrt() - 1).square().mean()),
)
TRIALS.mutants("rooted", root=charge(lambda g: (norms(g) - 1).square().mean().sqrt()))
TRIALS.mutants("one-of-them", most=charge(lambda g: (norms(g) - 1).square().max()))
TRIALS.mutants("below-one", gentle=charge(lambda g: torch.relu(1 - norms(g)).square().mean()))
TRIALS.mutants("halved", halved=charge(lambda g: 0.5 * (norms(g) - 1).square().mean()))
TRIALS.mutants("other-pairs", turned=at(lambda r, f, e: mix(r, f.flip(0), e)))
TRIALS.mutants("the-batches", both=at(lambda r, f, e: torch.cat([r, f])))
TRIALS.mutants("mean-scores", mean_scores=with_gradient(mean_scores))
TRIALS.mutants("of-an-end", in_real=with_gradient(in_real))
TRIALS.mutants("scaled", ten=charge(lambda g: (norms(10 * g) - 1).square().mean()))
TRIALS.mutants(
    "no-weight", always_ten=lambda c, r, f, e, w: right(c, r, f, e, 10), none=lambda c, r, f, e, w: right(c, r, f, e, 1)
)
TRIALS.mutants("negated", negated=lambda *a: -right(*a))
TRIALS.mutants("not-reduced", each=charge(lambda g: (norms(g) - 1).square()))
TRIALS.mutants("wrong-shape-of-epsilon", two_axes=at(lambda r, f, e: e.view(-1, 1) * r + (1 - e.view(-1, 1)) * f))
TRIALS.mutants(
    "no-graph",
    no_graph=with_gradient(no_graph),
    detached=charge(lambda g: (norms(g.detach()) - 1).square().mean()),
    item=lambda *a: right(*a).item(),
)
TRIALS.mutants("left-changed", by_backward=with_gradient(by_backward))
TRIALS.mutants("generic:value", noise=with_gradient(noise), published_framework=published_framework)
TRIALS.mutants("generic:error", no_requires_grad=with_gradient(no_requires_grad))
TRIALS.alternatives(
    right=right,
    loop=with_gradient(loop),
    stable=stable,
    negated_gradient=charge(lambda g: (norms(-g) - 1).square().mean()),
    loss=charge(lambda g: torch.nn.functional.mse_loss(norms(g), torch.ones(len(g), dtype=g.dtype))),
    weighted_inside=lambda c, r, f, e, w: (w * (1 - norms(gradient(c, mix(r, f, e)))).square()).sum() / len(r),
)
