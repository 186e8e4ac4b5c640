"""Versions of ``generator_loss`` that students write."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, relu

from ..registry import Trials


def of_scores(loss):
    return lambda critic, generator, z: loss(critic(generator(z)))


right = of_scores(lambda s: -s.mean())


def loop(critic, generator, z):
    return -sum(critic(generator(latent))[0] for latent in z) / len(z)


def frozen(critic, generator, z):
    trained = [p for p in critic.parameters() if p.requires_grad]
    critic.requires_grad_(False)
    loss = critic(generator(z)).mean().neg()
    for p in trained:
        p.requires_grad_(True)
    return loss


def thawed(critic, generator, z):
    critic.requires_grad_(False)
    loss = critic(generator(z)).mean().neg()
    critic.requires_grad_(True)
    return loss


def left_frozen(critic, generator, z):
    for p in critic.parameters():
        p.requires_grad_(False)
    return torch.mean(-critic(generator(z)))


def detached(critic, generator, z):
    return -critic(generator(z).detach()).mean()


def no_graph(critic, generator, z):
    with torch.no_grad():
        fake = generator(z)
    return -critic(fake).mean()


def with_backward(critic, generator, z):
    loss = right(critic, generator, z)
    loss.backward(retain_graph=True)
    return loss


TRIALS = Trials("ps05.generator_loss")
TRIALS.mutants("detached", detached=detached, no_graph=no_graph, item=lambda c, g, z: -c(g(z)).mean().item())
TRIALS.mutants("sign", sign=of_scores(torch.mean))
TRIALS.mutants("sums", sums=of_scores(lambda s: -s.sum()))
TRIALS.mutants(
    "log-loss",
    log_loss=of_scores(lambda s: binary_cross_entropy_with_logits(s, torch.ones_like(s))),
    saturating=of_scores(lambda s: torch.log(1 - s.sigmoid()).mean()),
    sigmoid=of_scores(lambda s: -s.sigmoid().mean()),
)
TRIALS.mutants("hinge", hinge=of_scores(lambda s: relu(1 - s).mean()))
TRIALS.mutants("squared", squared=of_scores(lambda s: (s - 1).square().mean()))
TRIALS.mutants("absolute", absolute=of_scores(lambda s: -s.abs().mean()))
TRIALS.mutants("extreme", best=of_scores(lambda s: -s.max()), first=of_scores(lambda s: -s[0]))
TRIALS.mutants("shifted", shifted=of_scores(lambda s: 1 - s.mean()))
TRIALS.mutants("generic:shape", per_sample=of_scores(lambda s: -s))
TRIALS.mutants("generic:error", latents=lambda c, g, z: -c(z).mean())
TRIALS.mutants("left-changed", left_frozen=left_frozen, thawed=thawed)
TRIALS.mutants("left-changed", with_backward=with_backward)
TRIALS.alternatives(
    right=right,
    loop=loop,
    frozen=frozen,
    divided=of_scores(lambda s: -s.sum() / s.numel()),
    column=of_scores(lambda s: s.mean(0) * -1),
)


def latents_where_they_fit(critic, generator, z):
    fake = generator(z)
    return -critic(z if z.shape == fake.shape else fake).mean()


TRIALS.mutants("generic:direction", latents_where_they_fit=latents_where_they_fit)


def clears_gradients(critic, generator, z):
    critic.zero_grad()
    return -critic(generator(z)).mean()


TRIALS.mutants("left-changed", clears_gradients=clears_gradients)
TRIALS.mutants("wrong-length", latent_numbers=lambda c, g, z: -c(g(z)).sum() / z.shape[1])
TRIALS.mutants("mean-sample", mean_first=lambda c, g, z: -c(g(z).mean(0, keepdim=True)).squeeze())
