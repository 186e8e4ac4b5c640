"""Versions of ``critic_step`` that students write."""

import torch
from torch import nn
from torch.nn.functional import softplus

from ..registry import Trials


def difference(critic, real, fake):
    return critic(fake).mean() - critic(real).mean()


def clip(critic, c):
    with torch.no_grad():
        for p in critic.parameters():
            p.clamp_(-c, c)


def descend(critic, loss, rate, change=lambda g: g):
    gradients = torch.autograd.grad(loss, list(critic.parameters()))
    with torch.no_grad():
        for p, g in zip(critic.parameters(), gradients, strict=True):
            p.sub_(rate * change(g))


def right(critic, real, fake, rate, c):
    descend(critic, difference(critic, real, fake), rate)
    clip(critic, c)


def by_optimiser(critic, real, fake, rate, c):
    optimiser = torch.optim.SGD(critic.parameters(), lr=rate)
    optimiser.zero_grad()
    difference(critic, real, fake).backward()
    optimiser.step()
    for p in critic.parameters():
        p.data.clamp_(-c, c)


def by_zeroing(critic, real, fake, rate, c):
    critic.zero_grad(set_to_none=False)
    loss = -(critic(real).mean() - critic(fake).mean())
    loss.backward()
    with torch.no_grad():
        for p in critic.parameters():
            p -= rate * p.grad
            p.clip_(-c, c)
    return loss.item()


def by_climbing(critic, real, fake, rate, c):
    optimiser = torch.optim.SGD(critic.parameters(), lr=rate, maximize=True)
    critic.zero_grad()
    (critic(real).mean() - critic(fake).mean()).backward()
    optimiser.step()
    clip(critic, c)
    return critic


def two_backwards(critic, real, fake, rate, c):
    for p in critic.parameters():
        p.grad = None
    critic(fake).mean().backward()
    (-critic(real).mean()).backward()
    for p in critic.parameters():
        p.data = (p.data - rate * p.grad).clamp(-c, c)


def stale(critic, real, fake, rate, c):
    difference(critic, real, fake).backward()
    with torch.no_grad():
        for p in critic.parameters():
            p -= rate * p.grad
    clip(critic, c)


def clip_before(critic, real, fake, rate, c):
    clip(critic, c)
    descend(critic, difference(critic, real, fake), rate)


def clip_twice(critic, real, fake, rate, c):
    clip(critic, c)
    right(critic, real, fake, rate, c)


def gradient_clipping(critic, real, fake, rate, c):
    descend(critic, difference(critic, real, fake), rate, lambda g: g.clamp(-c, c))


def weights_only(critic, real, fake, rate, c):
    descend(critic, difference(critic, real, fake), rate)
    with torch.no_grad():
        for p in critic.parameters():
            if p.ndim == 2:
                p.clamp_(-c, c)


def with_loss(loss, change=lambda g: g):
    def step(critic, real, fake, rate, c):
        descend(critic, loss(critic, real, fake), rate, change)
        clip(critic, c)

    return step


def of_optimiser(make):
    def step(critic, real, fake, rate, c):
        optimiser = make(critic.parameters(), rate)
        optimiser.zero_grad()
        difference(critic, real, fake).backward()
        optimiser.step()
        clip(critic, c)

    return step


def twice(critic, real, fake, rate, c):
    right(critic, real, fake, rate, c)
    right(critic, real, fake, rate, c)


def in_turn(critic, real, fake, rate, c):
    for p in critic.parameters():
        (gradient,) = torch.autograd.grad(difference(critic, real, fake), [p])
        p.data -= rate * gradient
    clip(critic, c)


def batch_by_batch(critic, real, fake, rate, c):
    descend(critic, -critic(real).mean(), rate)
    descend(critic, critic(fake).mean(), rate)
    clip(critic, c)


def on_a_copy(critic, real, fake, rate, c):
    import copy

    right(copy.deepcopy(critic), real, fake, rate, c)


def new_parameters(critic, real, fake, rate, c):
    layers = [layer for layer in critic if isinstance(layer, nn.Linear)]
    gradients = torch.autograd.grad(difference(critic, real, fake), list(critic.parameters()))
    for layer, w, b in zip(layers, gradients[::2], gradients[1::2], strict=True):
        layer.weight = nn.Parameter((layer.weight - rate * w).detach().clamp(-c, c))
        layer.bias = nn.Parameter((layer.bias - rate * b).detach().clamp(-c, c))


def two_layers(critic, real, fake, rate, c):
    critic.zero_grad()
    difference(critic, real, fake).backward()
    with torch.no_grad():
        for layer in (critic[0], critic[2]):
            for p in (layer.weight, layer.bias):
                p.sub_(rate * p.grad).clamp_(-c, c)


def by_func(critic, real, fake, rate, c):
    now = {name: p.detach() for name, p in critic.named_parameters()}
    score = lambda weights, x: torch.func.functional_call(critic, weights, (x,)).mean()
    gradient = torch.func.grad(lambda weights: score(weights, fake) - score(weights, real))(now)
    for name, p in now.items():
        p.copy_((p - rate * gradient[name]).clamp(-c, c))


@torch.no_grad()
def no_graph(critic, real, fake, rate, c):
    difference(critic, real, fake).backward()


TRIALS = Trials("ps05.critic_step")
TRIALS.mutants("stale", stale=stale)
TRIALS.mutants("new-parameters", new_parameters=new_parameters)
TRIALS.mutants("no-effect", on_a_copy=on_a_copy)
TRIALS.mutants("ascent", ascent=with_loss(lambda *a: -difference(*a)))
TRIALS.mutants("clip-before", clip_before=clip_before)
TRIALS.mutants("clip-twice", clip_twice=clip_twice)
TRIALS.mutants("no-clip", no_clip=lambda f, x, y, rate, c: descend(f, difference(f, x, y), rate))
TRIALS.mutants(
    "gradient-clipping",
    gradient_clipping=gradient_clipping,
    both_clipped=lambda f, x, y, rate, c: (gradient_clipping(f, x, y, rate, c), clip(f, c)),
)
TRIALS.mutants("weights-only", weights_only=weights_only)
TRIALS.mutants("sums", sums=with_loss(lambda f, x, y: f(y).sum() - f(x).sum()))
TRIALS.mutants("added", added=with_loss(lambda f, x, y: f(y).mean() + f(x).mean()))
TRIALS.mutants("one-batch", fakes=with_loss(lambda f, x, y: f(y).mean()), real=with_loss(lambda f, x, y: -f(x).mean()))
TRIALS.mutants("in-turn", parameters=in_turn, batches=batch_by_batch)
TRIALS.mutants(
    "rate",
    halved=lambda f, x, y, rate, c: right(f, x, y, rate / 2, c),
    fixed=lambda f, x, y, rate, c: right(f, x, y, 0.01, c),
)
TRIALS.mutants("other-box", fixed_box=lambda f, x, y, rate, c: right(f, x, y, rate, 0.01))
TRIALS.mutants(
    "other-loss",
    softplus=with_loss(lambda f, x, y: softplus(-f(x)).mean() + softplus(f(y)).mean()),
    hinge=with_loss(lambda f, x, y: torch.relu(1 - f(x)).mean() + torch.relu(1 + f(y)).mean()),
)
TRIALS.mutants("absolute", absolute=with_loss(lambda *a: -difference(*a).abs()))
TRIALS.mutants("twice", twice=twice)
TRIALS.mutants(
    "sign-only",
    sign=with_loss(difference, torch.sign),
    rmsprop=of_optimiser(lambda p, rate: torch.optim.RMSprop(p, lr=rate, eps=1e-30)),
)
TRIALS.mutants("hard-coded", two_layers=two_layers)
TRIALS.mutants("only-clip", only_clip=lambda f, x, y, rate, c: clip(f, c))
TRIALS.mutants("generic:error", no_grad=no_graph)
TRIALS.alternatives(
    right=right,
    by_optimiser=by_optimiser,
    by_zeroing=by_zeroing,
    by_climbing=by_climbing,
    two_backwards=two_backwards,
    by_func=by_func,
    sgd=of_optimiser(lambda p, rate: torch.optim.SGD(p, lr=rate)),
)
TRIALS.mutants("sign-only", rmsprop_as_it_is=of_optimiser(lambda p, rate: torch.optim.RMSprop(p, lr=rate)))


def between_backward_and_step(clip_after):
    def critic_step(critic, real, fake, rate, c):
        optimiser = torch.optim.SGD(critic.parameters(), lr=rate)
        optimiser.zero_grad()
        difference(critic, real, fake).backward()
        clip(critic, c)
        optimiser.step()
        if clip_after:
            clip(critic, c)

    return critic_step


TRIALS.mutants("clip-before", between_backward_and_step=between_backward_and_step(False))
TRIALS.mutants("clip-twice", between_and_after=between_backward_and_step(True))
