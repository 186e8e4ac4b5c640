"""The experiment behind chapter 12's figures on what a critic's value is worth, by dimension.

Run it in the course's folder: ``python book/12_limits/critic_gap.py``. It writes ``book/results/12_critic_gap.json``.
Pairs are MinFunnel pairs, whose distance is exactly 1 and whose optimal critic is known.
"""

import logging
from functools import partial

import torch
from torch.nn import functional

from tools.book import results
from wgan_course import constraints, measures, transport
from wgan_course.data.pairs import MinFunnel
from wgan_course.models.mlp import Critic
from wgan_course.training import fit_critic

SEEDS = range(5)
DIMS = (2, 16, 128)
METHODS = {
    "gradient penalty": ("gp", "leaky_relu"),
    "spectral norm, ReLU": ("sn", "relu"),
    "orthonormal, GroupSort": ("orthonormal", "groupsort"),
}
STEPS, LONG, BATCH, FRESH, EXACT = 250, 1000, 128, 4000, 500
RATE = 5e-3


def generator(*numbers):
    """A source of randomness of its own for each combination of numbers."""
    seed = 0
    for number in numbers:
        seed = (seed * 7919 + number + 1) % 2**31
    return torch.Generator().manual_seed(seed)


def train(pair, method, rng, steps):
    """A critic of two hidden layers of 64, trained on fresh batches; the learning rate falls to a hundredth."""
    constraint, act = METHODS[method]
    critic = Critic(pair.dim, (64, 64), act=act, rng=rng)
    adam = partial(torch.optim.Adam, lr=RATE, betas=(0.0, 0.9))
    falling = partial(torch.optim.lr_scheduler.LinearLR, start_factor=1.0, end_factor=0.01, total_iters=steps)
    run = fit_critic(
        critic, constraints.make(constraint), partial(pair.sample, BATCH), steps, adam, rng=rng, schedule=falling
    )
    return run.critic.eval().requires_grad_(False)


def input_gradients(critic, x):
    """Gradients of the critic at the points."""
    x = x.detach().clone().requires_grad_(True)
    return torch.autograd.grad(critic(x).sum(), x)[0]


def judge(critic, pair, rng):
    """Value on fresh samples; norm and direction of its gradient at generated points; the steepest found."""
    real, fake = pair.sample(FRESH, rng)
    origin, landed = pair.plan(FRESH, rng)
    gradient = input_gradients(critic, landed)
    cosine = functional.cosine_similarity(gradient, origin - landed, dim=1)
    return {
        "value": float(critic(real).mean() - critic(fake).mean()),
        "cosine": float(cosine.mean()),
        "norm": float(gradient.norm(dim=1).mean()),
        "steepest": float(measures.gradient_norms(critic, torch.cat([real, fake, landed])).max()),
    }


def critics(pair, dim, seed, steps):
    """Every method, trained for so many steps and judged."""
    found = {}
    for index, method in enumerate(METHODS):
        rng = generator(seed, dim, index)
        found[method] = judge(train(pair, method, rng, steps), pair, rng)
    return found


def one_dimension(dim, seed):
    """Every method, and the exact distance of two samples, in one dimension."""
    pair = MinFunnel.random(dim, generator(seed, dim))
    found = critics(pair, dim, seed, STEPS)
    real, fake = pair.sample(EXACT, generator(seed, dim, 99), dtype=torch.float64)
    found["exact, two samples"] = {"value": float(transport.wasserstein(real, fake))}
    again = pair.real(EXACT, generator(seed, dim, 98), dtype=torch.float64)
    found["exact, same law"] = {"value": float(transport.wasserstein(real, again))}
    return found


def one_seed(seed):
    """All dimensions, for one seed; in the last one the critics again, trained four times as long."""
    found = {str(dim): one_dimension(dim, seed) for dim in DIMS}
    last = DIMS[-1]
    return found | {"long": critics(MinFunnel.random(last, generator(seed, last)), last, seed, LONG)}


def main():
    """Run every seed, and write the results with their provenance."""
    torch.set_num_threads(1)
    steps = f"{STEPS} (long: {LONG}) steps of {BATCH}"
    data = f"MinFunnel pairs of 4 funnels, W1 = 1; critics 2 x 64, {steps}; exact on {EXACT} points"
    results.run_seeds("12_critic_gap", one_seed, SEEDS, results.provenance(__file__, data))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
