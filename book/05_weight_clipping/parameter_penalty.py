"""The experiment behind chapter 5's parameter penalty: what λ times the sum of squared weights does to a WGAN's critic.

Run it in the course's folder: ``python book/05_weight_clipping/parameter_penalty.py``. It writes
``book/results/05_parameter_penalty.json`` seed by seed.
"""

import logging
from functools import partial

import torch

from tools.book.results import provenance, run_seeds
from wgan_course.constraints import Constraint
from wgan_course.data import toy
from wgan_course.models.mlp import Critic
from wgan_course.training import fit_critic

SEEDS, STEPS, EVERY, BATCH = 5, 600, 25, 128
WEIGHTS = [0.01, 0.1, 0.3, 1.0]


def pair(n, rng):
    """Eight Gaussians, and other points of them plus unit Gaussian noise."""
    noisy = toy.eight_gaussians(n, rng)
    return toy.eight_gaussians(n, rng), noisy + torch.randn(noisy.shape, generator=rng)


def sum_of_squares(matrices):
    """The parameter penalty: what weight decay charges."""
    return sum(W.square().sum() for W in matrices)


def product_of_squares(matrices):
    """The squared product of the Frobenius norms: it grows as fast as the squared reading."""
    return torch.stack([W.square().sum() for W in matrices]).prod()


class ParameterPenalty(Constraint):
    """A penalty on the critic's matrices: a constraint of one's own is one method."""

    def __init__(self, penalty, weight):
        self.of, self.weight = penalty, weight

    def penalty(self, critic, real, fake, rng):
        """The weight times what is charged."""
        return self.weight * self.of([p for p in critic.parameters() if p.ndim == 2])


def readings(penalty, weight, seed, steps=STEPS):
    """E_P f - E_Q f on a fixed sample, every few steps."""
    rng = torch.Generator().manual_seed(seed)
    critic = Critic(2, (64, 64, 64), act="relu", rng=rng)
    with torch.no_grad():
        for W in (p for p in critic.parameters() if p.ndim == 2):
            W.mul_(0.5)
    optimiser = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.0, 0.9))
    x, y = pair(1000, rng)
    found = []

    @torch.no_grad()
    def read(step):
        if step % EVERY == 0:
            found.append(float(critic(x).mean() - critic(y).mean()))

    read(0)
    constraint, after = ParameterPenalty(penalty, weight), lambda run, _record: read(run.step)
    fit_critic(critic, constraint, partial(pair, BATCH), steps, optimiser, rng=rng, after=after)
    return found


def one_seed(seed):
    """Four weights of the sum, one of the product."""
    torch.set_num_threads(1)
    sums = {f"sum, λ = {weight}": readings(sum_of_squares, weight, seed) for weight in WEIGHTS}
    return sums | {"product, λ = 0.1": readings(product_of_squares, 0.1, seed)}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    data = f"8 Gaussians; generated: real plus unit Gaussian noise; {STEPS} steps of batch {BATCH}"
    run_seeds("05_parameter_penalty", one_seed, range(SEEDS), provenance(__file__, data))
