"""The experiment behind chapter 5's gradients by layer: a critic with 12 hidden layers, and where its weights end.

Run it in the course's folder: ``python book/05_weight_clipping/depth.py``. It writes ``book/results/05_depth.json``
seed by seed. Swiss roll against Swiss roll plus unit Gaussian noise, with a fixed generator, as in figure 1 of the
WGAN-GP paper.
"""

import logging
import math
from functools import partial

import torch
from torch import nn

from tools.book.results import provenance, run_seeds
from wgan_course import constraints
from wgan_course.data import toy
from wgan_course.models.mlp import Critic
from wgan_course.training import fit_critic

SEEDS, STEPS, BATCH, DEPTH, WIDTH = 5, 400, 128, 12, 64
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


def setting(clip, depth, rng):
    """Critic, constraint and optimiser: clipped, or with a gradient penalty where there is no clip."""
    critic = Critic(2, (WIDTH,) * depth, act="relu", rng=rng)
    if clip is None:
        return critic, constraints.make("gp", weight=10.0), torch.optim.Adam(critic.parameters(), 5e-4, (0.0, 0.9))
    spread_(critic, clip, rng)
    return critic, constraints.make("clip", clip=clip), torch.optim.RMSprop(critic.parameters(), lr=CLIPS[clip])


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


def deep(clip, seed, steps=STEPS):
    """Gradients of the 12-layer critic before, early and late in training."""
    rng = torch.Generator().manual_seed(seed)
    critic, *how = setting(clip, DEPTH, rng)
    points = pair(256, rng)[0]
    found = {"0": gradients_by_layer(critic, points)}
    early = train(critic, *how, 50, rng)
    found["50"] = gradients_by_layer(critic, points)
    if steps > 50:
        early = train(critic, *how, steps - 50, rng)
        found[str(steps)] = gradients_by_layer(critic, points)
    return found | {"loss": early} | ({} if clip is None else {"piled": piled(critic, clip)})


def shallow(clip, seed, steps=STEPS):
    """Where the weights of a critic with three hidden layers end."""
    rng = torch.Generator().manual_seed(100 + seed)
    critic, *how = setting(clip, 3, rng)
    reach = clip or 0.5
    before = histogram(critic, reach)
    train(critic, *how, steps, rng)
    found = {"reach": reach, "before": before, "after": histogram(critic, reach)}
    return found | ({} if clip is None else {"piled": piled(critic, clip)})


def one_seed(seed):
    """The deep critics under each clip and under the penalty; the shallow ones under one clip and the penalty."""
    torch.set_num_threads(1)
    names = {**{str(clip): clip for clip in CLIPS}, "gp": None}
    return {
        "deep": {name: deep(clip, seed) for name, clip in names.items()},
        "shallow": {name: shallow(names[name], seed, 2 * STEPS) for name in ("0.1", "gp")},
    }


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    data = f"Swiss roll; generated: real plus unit Gaussian noise; {DEPTH} hidden layers of {WIDTH}, {STEPS} steps"
    run_seeds("05_depth", one_seed, range(SEEDS), provenance(__file__, data))
