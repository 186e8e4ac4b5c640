"""Versions of ``critic_loss`` that students write."""

import torch

from ..registry import Trials
from . import gradient_penalty as whole
from .input_gradient import mix, no_graph


def first(critic, real, fake):
    return critic(fake).mean() - critic(real).mean()


def right(critic, real, fake, epsilon, weight):
    return first(critic, real, fake) + whole.right(critic, real, fake, epsilon, weight)


def spoilt(penalty):
    """The right first terms with another penalty."""
    return lambda c, r, f, e, w: first(c, r, f) + penalty(c, r, f, e, w)


def terms(of):
    """Other first terms with the right penalty."""
    return lambda c, r, f, e, w: of(c, r, f, e) + whole.right(c, r, f, e, w)


def one_forward(critic, real, fake, epsilon, weight):
    scores = critic(torch.cat([real, fake]))
    return scores[len(real) :].mean() - scores[: len(real)].mean() + whole.right(critic, real, fake, epsilon, weight)


def already_backward(*a):
    loss = right(*a)
    loss.backward(retain_graph=True)
    return loss


def hinge(critic, real, fake, epsilon):
    return torch.relu(1 - critic(real)).mean() + torch.relu(1 + critic(fake)).mean()


TRIALS = Trials("ps06.critic_loss")
TRIALS.mutants("ascent", ascent=terms(lambda c, r, f, e: c(r).mean() - c(f).mean()))
TRIALS.mutants(
    "penalty-subtracted",
    subtracted=lambda c, r, f, e, w: first(c, r, f) - whole.right(c, r, f, e, w),
    objective=lambda *a: -right(*a),
)
TRIALS.mutants("no-penalty", no_penalty=lambda c, r, f, e, w: first(c, r, f))
TRIALS.mutants("penalty-only", penalty_only=whole.right)
TRIALS.mutants("no-weight", always_ten=lambda c, r, f, e, w: right(c, r, f, e, 10.0))
TRIALS.mutants(
    "one-batch", fakes_only=terms(lambda c, r, f, e: c(f).mean()), generators=terms(lambda c, r, f, e: -c(f).mean())
)
TRIALS.mutants("interpolates-scored", mixed=terms(lambda c, r, f, e: c(mix(r, f, e)).mean() - c(r).mean()))
TRIALS.mutants("hinge", hinge=terms(hinge))
TRIALS.mutants(
    "all-weighted",
    all_weighted=lambda c, r, f, e, w: w * right(c, r, f, e, 1.0),
    scores_weighted=lambda c, r, f, e, w: w * first(c, r, f) + whole.right(c, r, f, e, 1.0),
)
TRIALS.mutants("absolute", absolute=terms(lambda c, r, f, e: first(c, r, f).abs()))
TRIALS.mutants("added", added=terms(lambda c, r, f, e: c(f).mean() + c(r).mean()))
TRIALS.mutants(
    "log-loss",
    softplus=terms(
        lambda c, r, f, e: torch.nn.functional.softplus(-c(r)).mean() + torch.nn.functional.softplus(c(f)).mean()
    ),
)
TRIALS.mutants("least-squares", squares=terms(lambda c, r, f, e: (c(r) - 1).square().mean() + c(f).square().mean()))
TRIALS.mutants("first-terms-halved", half=terms(lambda c, r, f, e: 0.5 * first(c, r, f)))
TRIALS.mutants("one-batch-detached", real_detached=terms(lambda c, r, f, e: c(f).mean() - c(r).mean().detach()))
TRIALS.mutants("sums", sums=terms(lambda c, r, f, e: c(f).sum() - c(r).sum()))
TRIALS.mutants(
    "penalty-detached", no_graph=spoilt(whole.with_gradient(no_graph)), item=spoilt(lambda *a: whole.right(*a).item())
)
TRIALS.mutants("only-the-penalty-trains", scores_detached=terms(lambda c, r, f, e: first(c, r, f).detach()))
TRIALS.mutants("no-graph", item=lambda *a: right(*a).item())
for _name, _id, _function in whole.TRIALS.wrong:
    if _id not in ("no-weight", "negated", "not-reduced", "no-graph") and not _id.startswith("generic:"):
        TRIALS.mutants(_id, **{f"penalty_{_name}": spoilt(_function)})
TRIALS.mutants("generic:shape", not_averaged=lambda c, r, f, e, w: c(f) - c(r) + whole.right(c, r, f, e, w))
TRIALS.mutants(
    "left-changed", by_backward=spoilt(whole.with_gradient(whole.by_backward)), already_backward=already_backward
)
TRIALS.alternatives(
    right=right,
    one_forward=one_forward,
    means_of_the_difference=terms(lambda c, r, f, e: (c(f) - c(r)).mean()),
    stable=spoilt(whole.stable),
    fakes_detached=lambda c, r, f, e, w: right(c, r, f.detach(), e, w),
)
