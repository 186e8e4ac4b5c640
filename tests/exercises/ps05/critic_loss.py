"""Versions of ``critic_loss`` that students write."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, relu, softplus

from ..registry import HIDDEN, PUBLIC, Trials


def fakes(generator, z):
    with torch.no_grad():
        return generator(z)


def with_scores(loss):
    """Losses of the real and the fake scores, fakes detached."""
    return lambda critic, generator, real, z: loss(critic(real), critic(fakes(generator, z)))


def right(critic, generator, real, z):
    return critic(generator(z).detach()).mean() - critic(real).mean()


def loop(critic, generator, real, z):
    total = 0.0
    for latent in z:
        total = total + critic(generator(latent).detach())[0] / len(z)
    for sample in real:
        total = total - critic(sample)[0] / len(real)
    return total


def together(critic, generator, real, z):
    fake = fakes(generator, z)
    scores = critic(torch.cat([real, fake]))[:, 0]
    weights = torch.cat([torch.full((len(real),), -1 / len(real)), torch.full((len(fake),), 1 / len(fake))])
    return scores @ weights.double()


def frozen(critic, generator, real, z):
    trained = [p for p in generator.parameters() if p.requires_grad]
    generator.requires_grad_(False)
    loss = critic(generator(z)).mean() - critic(real).mean()
    for p in trained:
        p.requires_grad_(True)
    return loss


def thawed(critic, generator, real, z):
    generator.requires_grad_(False)
    loss = critic(generator(z)).mean() - critic(real).mean()
    generator.requires_grad_(True)
    return loss


def left_frozen(critic, generator, real, z):
    for p in generator.parameters():
        p.requires_grad = False
    return -(critic(real).mean() - critic(generator(z)).mean())


def kept_column(critic, generator, real, z):
    return critic(fakes(generator, z)).mean(0) - critic(real).mean(0)


def attached(critic, generator, real, z):
    return critic(generator(z)).mean() - critic(real).mean()


def thrown_away(critic, generator, real, z):
    fake = generator(z)
    fake.detach()
    return critic(fake).mean() - critic(real).mean()


def no_graph(critic, generator, real, z):
    with torch.no_grad():
        return critic(generator(z)).mean() - critic(real).mean()


def a_number(critic, generator, real, z):
    return right(critic, generator, real, z).item()


def log_loss(real, fake):
    return binary_cross_entropy_with_logits(real, torch.ones_like(real)) + softplus(fake).mean()


def halved(which):
    def loss(critic, generator, real, z):
        r, f = critic(real), critic(fakes(generator, z))
        return f.mean() - r.detach().mean() if which == "real" else f.detach().mean() - r.mean()

    return loss


def with_backward(critic, generator, real, z):
    loss = right(critic, generator, real, z)
    loss.backward(retain_graph=True)
    return loss


CANCELS = 100_020  # the value is 0.005, of scores near 2: weights of float32 are wrong in its fifth digit
TRIALS = Trials("ps05.critic_loss", seeds=(PUBLIC, HIDDEN, CANCELS))
TRIALS.mutants("attached", attached=attached, thrown_away=thrown_away)
TRIALS.mutants("detached", no_graph=no_graph, a_number=a_number)
TRIALS.mutants("half-detached", real=halved("real"), fake=halved("fake"))
TRIALS.mutants("ascent", ascent=with_scores(lambda r, f: r.mean() - f.mean()))
TRIALS.mutants(
    "sums",
    sums=with_scores(lambda r, f: f.sum() - r.sum()),
    over_both=with_scores(lambda r, f: (f.sum() - r.sum()) / (len(r) + len(f))),
    over_real=with_scores(lambda r, f: (f.sum() - r.sum()) / len(r)),
)
TRIALS.mutants("hinge", hinge=with_scores(lambda r, f: relu(1 - r).mean() + relu(1 + f).mean()))
TRIALS.mutants(
    "log-loss",
    log_loss=with_scores(log_loss),
    sigmoid=with_scores(lambda r, f: f.sigmoid().mean() - r.sigmoid().mean()),
    tanh=with_scores(lambda r, f: f.tanh().mean() - r.tanh().mean()),
    softplus=with_scores(lambda r, f: softplus(f).mean() - softplus(r).mean()),
)
TRIALS.mutants("least-squares", squares=with_scores(lambda r, f: (r - 1).square().mean() + f.square().mean()))
TRIALS.mutants("one-score", medians=with_scores(lambda r, f: f.flatten().median() - r.flatten().median()))
TRIALS.mutants("one-sided", fakes=with_scores(lambda r, f: f.mean()), real=with_scores(lambda r, f: -r.mean()))
TRIALS.mutants("added", added=with_scores(lambda r, f: f.mean() + r.mean()))
TRIALS.mutants("absolute", absolute=with_scores(lambda r, f: (f.mean() - r.mean()).abs()))
TRIALS.mutants("generic:error", latents=lambda critic, generator, real, z: critic(z).mean() - critic(real).mean())
TRIALS.mutants(
    "generic:shape", per_sample=lambda critic, generator, real, z: critic(fakes(generator, z)) - critic(real).mean()
)
TRIALS.mutants("left-changed", left_frozen=left_frozen, thawed=thawed)
TRIALS.mutants("left-changed", with_backward=with_backward)
TRIALS.alternatives(
    right=right,
    loop=loop,
    together=together,
    frozen=frozen,
    kept_column=kept_column,
    squeezed=with_scores(lambda r, f: torch.mean(f.squeeze(-1)) + torch.mean(-r.squeeze(-1))),
)


def latents_where_they_fit(critic, generator, real, z):
    fake = z if z.shape[1] == real.shape[1] else generator(z).detach()
    return critic(fake).mean() - critic(real).mean()


TRIALS.mutants("generic:direction", latents_where_they_fit=latents_where_they_fit)


def clears_gradients(critic, generator, real, z):
    critic.zero_grad()
    return critic(generator(z).detach()).mean() - critic(real).mean()


TRIALS.mutants("left-changed", clears_gradients=clears_gradients)


def means_first(critic, generator, real, z):
    fake = generator(z).detach()
    return critic(fake.mean(0, keepdim=True)).squeeze() - critic(real.mean(0, keepdim=True)).squeeze()


TRIALS.mutants("mean-sample", means_first=means_first)
