"""Why a strong two-sided penalty can stop a critic from learning: the experiment behind chapter 6's second well.

Real points: 8 Gaussians. Generated points: a standard normal, fixed. Nothing but the critic is trained. Run it in the
course's folder: ``python book/06_gradient_penalty/wells.py`` (about three minutes on one core). It writes
``book/results/06_wells.json``.
"""

import functools
import logging

import torch
from torch.nn import functional

from tools.book import results
from wgan_course import constraints, transport
from wgan_course.constraints import penalties
from wgan_course.data import toy
from wgan_course.models import mlp
from wgan_course.training import fit_critic

WEIGHTS = (0.1, 1.0, 10.0, 100.0)
LOOK_AT = (30, 100, 300, 700, 1200)
BATCH, WIDTH, POINTS, RATE = 128, 48, 400, 2e-3


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
    solution = transport.solve(transport.cost_matrix(fake.double(), real.double()))
    target = real[solution.coupling.argmax(1)]
    return real, fake, functional.normalize(target - fake, dim=1), float(solution.value)


def measure(critic, real, fake, direction):
    """Estimate of W1, agreement of the gradient with the plan, and gradient norms on random segments."""
    gradient = penalties.input_gradient(critic, fake, create_graph=False)
    at = penalties.interpolate(real, fake, torch.rand(POINTS, generator=rng(4)))
    norms = penalties.sample_norms(penalties.input_gradient(critic, at, create_graph=False))
    with torch.no_grad():
        estimate = critic(real).mean() - critic(fake).mean()
    return {
        "estimate": float(estimate),
        "cosine": float(functional.cosine_similarity(gradient, direction).mean()),
        "norm": float(norms.mean()),
        "steepest": float(norms.max()),
    }


def one_run(name, weight, seed, look_at=LOOK_AT):
    """Train a critic against the fixed generator, and measure it on the way."""
    mixture, source = toy.make("eight-gaussians"), rng(5 + 10 * seed)
    critic = mlp.Critic(2, (WIDTH, WIDTH), rng=rng(2 + 10 * seed))
    constraint = constraints.make(name, weight=weight)
    optimiser = torch.optim.Adam(critic.parameters(), lr=RATE, betas=(0.5, 0.9))
    at, path, pair = problem()[:3], [], (mixture.sample, normal)

    def look(run, _record):
        if run.step in look_at:
            path.append({"step": run.step} | measure(critic, *at))

    fit_critic(critic, constraint, pair, max(look_at), optimiser, rng=source, batch=BATCH, after=look)
    return path


def one_seed(seed):
    """Both penalties with every weight."""
    return {name: {str(weight): one_run(name, weight, seed) for weight in WEIGHTS} for name in ("gp", "lp")}


def main():
    """Run five seeds and write the results with their provenance."""
    torch.set_num_threads(1)
    words = f"8 Gaussians against a standard normal, exact W1 of {POINTS} points a side {problem()[3]:.3f}"
    results.run_seeds("06_wells", one_seed, range(5), results.provenance(__file__, words))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
