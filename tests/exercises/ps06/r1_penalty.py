"""Versions of ``r1_penalty`` that students write."""

import torch

from ..registry import Trials
from .gradient_norms import by_vmap, gradient, loop
from .gradient_norms import right as norms


def right(critic, real, weight):
    return weight / 2 * gradient(critic, real).flatten(1).square().sum(1).mean()


def of(squares):
    """Half the weight times something of the gradient."""
    return lambda c, x, w: w / 2 * squares(gradient(c, x).flatten(1))


TRIALS = Trials("ps06.r1_penalty")
TRIALS.mutants("no-half", whole=lambda c, x, w: w * norms(c, x).square().mean())
TRIALS.mutants(
    "centred-at-one",
    gp=lambda c, x, w: w * (norms(c, x) - 1).square().mean(),
    half_gp=of(lambda g: (g.norm(dim=1) - 1).square().mean()),
)
TRIALS.mutants("not-squared", length=of(lambda g: g.norm(dim=1).mean()))
TRIALS.mutants(
    "early-mean", norms=of(lambda g: g.norm(dim=1).mean() ** 2), gradients=of(lambda g: g.mean(0).square().sum())
)
TRIALS.mutants("sum", total=of(lambda g: g.square().sum()), one_norm=of(lambda g: g.norm() ** 2))
TRIALS.mutants("mean-over-coordinates", mean=of(lambda g: g.square().mean()))
TRIALS.mutants("mean-scores", mean=lambda c, x, w: w / 2 * gradient(c, x, mean=True).flatten(1).square().sum(1).mean())
TRIALS.mutants("no-weight", ten=lambda c, x, w: right(c, x, 10), one=lambda c, x, w: right(c, x, 1))
TRIALS.mutants("the-score", score=lambda c, x, w: w / 2 * c(x).square().mean())
TRIALS.mutants("one-less", one_less=of(lambda g: g.square().sum() / max(1, len(g) - 1)))
TRIALS.mutants("other-norm", sizes=of(lambda g: g.abs().sum(1).square().mean()))
TRIALS.mutants("one-of-them", most=of(lambda g: g.square().sum(1).max()))
TRIALS.mutants("rooted", root=of(lambda g: g.square().sum(1).mean().sqrt()))
TRIALS.mutants("fourth-power", fourth=of(lambda g: g.square().sum(1).square().mean()))
TRIALS.mutants("some-axes", one_axis=lambda c, x, w: w / 2 * gradient(c, x).square().sum(1).mean())
TRIALS.mutants("negated", negated=lambda *a: -right(*a))
TRIALS.mutants("not-reduced", each=of(lambda g: g.square().sum(1)))
TRIALS.mutants(
    "no-graph",
    no_graph=lambda c, x, w: w / 2 * gradient(c, x, graph=False).flatten(1).square().sum(1).mean(),
    detached=lambda *a: right(*a).detach(),
)
TRIALS.alternatives(
    right=right,
    of_norms=lambda c, x, w: 0.5 * w * (norms(c, x) ** 2).mean(),
    of_a_loop=lambda c, x, w: 0.5 * w * loop(c, x).square().mean(),
    of_vmap=lambda c, x, w: 0.5 * w * by_vmap(c, x).square().mean(),
    total=lambda c, x, w: w * gradient(c, x).square().sum() / (2 * len(x)),
    dot=lambda c, x, w: w / 2 * torch.einsum("nd,nd->n", *[gradient(c, x).flatten(1)] * 2).mean(),
)
