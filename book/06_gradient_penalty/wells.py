"""What keeps a critic in the wrong well of a two-sided penalty: the experiment behind chapter 6's second well.

Real points: 8 Gaussians. Generated points: a standard normal, fixed. Nothing but the critic is trained. It starts at
random, or *upside down*: trained with a one-sided penalty first, and its last layer's signs turned then, so that its
gradient has the right length and the wrong direction. Both starts go on under both penalties, three weights and three
rates. Run it in the course's folder: ``python book/06_gradient_penalty/wells.py`` (about fifteen minutes on one core).
It writes ``book/results/06_wells.json``.
"""

import functools
import logging
from functools import partial

import torch
from scipy.optimize import linear_sum_assignment
from torch import nn
from torch.nn import functional

from tools.book import results
from wgan_course import constraints, transport
from wgan_course.constraints import penalties
from wgan_course.data import toy
from wgan_course.models import mlp
from wgan_course.training import fit_critic

WEIGHTS, RATES = (1.0, 10.0, 100.0), (5e-4, 2e-3, 8e-3)
STARTS, PENALTIES = ("random", "upside down"), ("gp", "lp")
LOOK_AT = (0, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 450, 700, 1000)
BATCH, WIDTH, POINTS = 128, 48, 400
BEFORE, RATE_BEFORE, WEIGHT_BEFORE = 400, 2e-3, 10.0


def rng(number):
    """Generator of random numbers."""
    return torch.Generator().manual_seed(number)


def normal(n, source):
    """Generated points."""
    return torch.randn(n, 2, generator=source)


@functools.cache
def problem():
    """Points to measure at, their exact W1, and the direction in which the plan sends each generated point."""
    real, fake = toy.make("eight-gaussians").sample(POINTS, rng(8)), normal(POINTS, rng(9))
    cost = transport.cost_matrix(fake.double(), real.double()).numpy()
    rows, columns = linear_sum_assignment(cost)  # some optimal plan is a permutation (chapter 2)
    return real, fake, functional.normalize(real[columns] - fake, dim=1), float(cost[rows, columns].mean())


def measure(critic, real, fake, direction):
    """Estimate of W1, agreement of the gradient with the plan, and gradient norms on random segments."""
    gradient = penalties.input_gradient(critic, fake, create_graph=False)
    at = penalties.interpolate(real, fake, torch.rand(POINTS, generator=rng(4)))
    norms = penalties.sample_norms(penalties.input_gradient(critic, at, create_graph=False))
    with torch.no_grad():
        estimate = critic(real).mean() - critic(fake).mean()
    numbers = {
        "estimate": estimate,
        "cosine": functional.cosine_similarity(gradient, direction).mean(),
        "norm": norms.mean(),
        "steepest": norms.max(),
    }
    return {key: round(float(number), 5) for key, number in numbers.items()}


def adam(rate):
    """The optimiser of all runs, at a rate."""
    return partial(torch.optim.Adam, lr=rate, betas=(0.5, 0.9))


def started(start, seed, mixture):
    """A critic at random, or a trained one upside down."""
    critic = mlp.Critic(2, (WIDTH, WIDTH), rng=rng(2 + 10 * seed))
    if start == "random":
        return critic
    kind, source = constraints.make("lp", weight=WEIGHT_BEFORE), rng(7 + 10 * seed)
    critic = fit_critic(critic, kind, (mixture, normal), BEFORE, adam(RATE_BEFORE), rng=source, batch=BATCH).critic
    last = [layer for layer in critic.modules() if isinstance(layer, nn.Linear)][-1]
    with torch.no_grad():
        for parameter in last.parameters():
            parameter.neg_()
    return critic


def one_run(start, name, weight, rate, seed, look_at=LOOK_AT):
    """Train a critic against the fixed generator, and measure it on the way."""
    mixture = toy.make("eight-gaussians").sample
    critic, at = started(start, seed, mixture), problem()[:3]
    path = [{"step": 0} | measure(critic, *at)]

    def look(run, _record):
        if run.step in look_at:
            path.append({"step": run.step} | measure(run.critic, *at))

    kind, pair = constraints.make(name, weight=weight), (mixture, normal)
    fit_critic(critic, kind, pair, max(look_at), adam(rate), rng=rng(5 + 10 * seed), batch=BATCH, after=look)
    return path


def name_of(start, name, weight, rate):
    """A run among the parts."""
    return f"{start}, {name}, λ = {weight:g}, rate {rate:g}"


GRID = {
    name_of(start, name, weight, rate): (start, name, weight, rate)
    for rate in RATES
    for start in STARTS
    for name in PENALTIES
    for weight in WEIGHTS
}


def one_part(part, seed):
    """One start, penalty, weight and rate."""
    return one_run(*GRID[part], seed)


def upside_down_until(path):
    """The last look at which the estimate was negative; None where there was none."""
    return max((look["step"] for look in path if look["estimate"] < 0), default=None)


WORDS = f"8 Gaussians against a standard normal, exact W1 of {POINTS} points a side {problem()[3]:.3f}"
EXPERIMENT = results.Experiment("06_wells", __file__, WORDS, range(5), list(GRID), one_part)

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    EXPERIMENT.run()
