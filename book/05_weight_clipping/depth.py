"""The experiment behind chapter 5's gradients by layer: a critic with 12 hidden layers, and where its weights end.

Run it in the course's folder: ``python book/05_weight_clipping/depth.py``. It writes ``book/results/05_depth.json``
seed by seed. Swiss roll against Swiss roll plus unit Gaussian noise, with a fixed generator, as in figure 1 of the
WGAN-GP paper. The gradient penalty starts balanced (He's start), and as a control from three starts that are not: all
weights small, all weights large, and He's with its layers times 4 and 1/4 in turn. The clipped critic has a control
too: He's start, cut to the box.
"""

import logging
import math
from functools import partial

import torch
from torch import nn

from tools.book import results
from wgan_course import constraints
from wgan_course.data import toy
from wgan_course.models.mlp import Critic
from wgan_course.training import fit_critic

SEEDS, STEPS, LONG, BATCH, DEPTH, WIDTH = 5, 400, 800, 128, 12, 64
CLIPS = {0.3: 1e-3, 0.1: 1e-3, 0.01: 1e-4, 0.001: 1e-5}
BINS = 40


def pair(n, rng):
    """Points of the Swiss roll, and other ones with noise."""
    noisy = toy.swiss_roll(n, rng)
    return toy.swiss_roll(n, rng), noisy + torch.randn(noisy.shape, generator=rng)


def spread_(critic, clip, rng):
    """Draw all parameters anew, uniform on [-clip, clip]: inside the box, and piled nowhere."""
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.copy_(clip * (2 * torch.rand(parameter.shape, generator=rng) - 1))


def uneven_(critic, factor=4.0):
    """Multiply ten hidden matrices by a factor and by its inverse in turn, so that the product of the norms stays."""
    with torch.no_grad():
        for number, matrix in enumerate([p for p in critic.parameters() if p.ndim == 2][1:-2]):
            matrix.mul_(factor if number % 2 == 0 else 1 / factor)


# name: how the penalised critic starts; None is He's start
STARTS = {
    "gp": None,
    "gp, small start": lambda critic, rng: spread_(critic, 0.1, rng),
    "gp, large start": lambda critic, rng: spread_(critic, 0.5, rng),
    "gp, uneven start": lambda critic, _rng: uneven_(critic),
}


def setting(name, depth, rng):
    """Critic, constraint and optimiser: clipped, or with a gradient penalty."""
    critic = Critic(2, (WIDTH,) * depth, act="relu", rng=rng)
    if name in STARTS:
        if (start := STARTS[name]) is not None:
            start(critic, rng)
        return critic, constraints.make("gp", weight=10.0), torch.optim.Adam(critic.parameters(), 5e-4, (0.0, 0.9))
    clip = clip_of(name)
    constraint = constraints.make("clip", clip=clip)
    if name.endswith("He's start"):
        constraint.prepare(critic)
    else:
        spread_(critic, clip, rng)
    return critic, constraint, torch.optim.RMSprop(critic.parameters(), lr=CLIPS[clip])


def clip_of(name):
    """The bound that a clipped critic's name begins with; None for the penalty."""
    return None if name in STARTS else float(name.split(",")[0])


def train(critic, constraint, optimiser, steps, rng):
    """Critic steps against the fixed generator; the last loss comes back."""
    run = fit_critic(critic, constraint, partial(pair, BATCH), steps, optimiser, rng=rng, log_every=1)
    return run.record["critic_loss"] + run.record["penalty"]


def gradients_by_layer(critic, points):
    """log10 of the root mean square of the gradient's length at the input and behind each activation."""
    seen = []
    hooks = [
        layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(output))
        for layer in critic.modules()
        if isinstance(layer, nn.ReLU)
    ]
    points = points.clone().requires_grad_()
    total = critic(points).sum()
    for hook in hooks:
        hook.remove()
    gradients = torch.autograd.grad(total, [points, *seen])
    sizes = [float(g.double().square().sum(1).mean().sqrt()) for g in gradients]
    return [round(math.log10(max(size, 1e-300)), 3) for size in sizes]


def weights(critic):
    """All entries of all matrices."""
    return torch.cat([p.detach().flatten() for p in critic.parameters() if p.ndim == 2])


def histogram(critic, reach):
    """Shares of the weights in equal bins from -reach to reach; what lies outside is counted in the outer bins."""
    counts = torch.histc(weights(critic).clamp(-reach, reach), BINS, -reach, reach)
    return [round(float(share), 5) for share in counts / counts.sum()]


def piled(critic, clip):
    """Share of the weights that sit on the bound."""
    return float((weights(critic).abs() >= 0.999 * clip).float().mean())


def deep(name, seed, looks=None):
    """Gradients of the 12-layer critic before training and at some steps; the estimate at the last."""
    rng = torch.Generator().manual_seed(seed)
    critic, *how = setting(name, DEPTH, rng)
    points = pair(256, rng)[0]
    found, done, loss = {"0": gradients_by_layer(critic, points)}, 0, None
    for step in looks or ((50, STEPS, LONG) if name in STARTS else (50, STEPS)):
        loss = train(critic, *how, step - done, rng)
        found[str(step)], done = gradients_by_layer(critic, points), step
    clip = clip_of(name)
    return found | {"loss": loss} | ({} if clip is None else {"piled": piled(critic, clip)})


def shallow(name, seed, steps=STEPS):
    """Where the weights of a critic with three hidden layers end."""
    rng = torch.Generator().manual_seed(100 + seed)
    critic, *how = setting(name, 3, rng)
    clip = clip_of(name)
    reach = clip or 0.5
    before = histogram(critic, reach)
    train(critic, *how, steps, rng)
    found = {"reach": reach, "before": before, "after": histogram(critic, reach)}
    return found | ({} if clip is None else {"piled": piled(critic, clip)})


DEEP = [*map(str, CLIPS), "0.1, He's start", *STARTS]
SHALLOW = ["0.1", "gp"]
PARTS = [*(f"deep: {name}" for name in DEEP), *(f"shallow: {name}" for name in SHALLOW)]


def one_part(part, seed):
    """A deep or a shallow critic."""
    kind, name = part.split(": ")
    return deep(name, seed) if kind == "deep" else shallow(name, seed, 2 * STEPS)


WORDS = f"Swiss roll; generated: real plus unit Gaussian noise; {DEPTH} hidden layers of {WIDTH}, {STEPS} steps"
EXPERIMENT = results.Experiment("05_depth", __file__, WORDS, range(SEEDS), PARTS, one_part)

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    EXPERIMENT.run()
