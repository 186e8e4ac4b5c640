"""The experiment behind chapter 5's parameter penalty: what λ times the sum of squared weights does to a WGAN's critic.

Run it in the course's folder: ``python book/05_weight_clipping/parameter_penalty.py``. It writes
``book/results/05_parameter_penalty.json`` seed by seed.
"""

import logging

import torch

from tools.book.results import provenance, run_seeds
from wgan_course.data import toy
from wgan_course.models.mlp import Critic

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


def readings(penalty, weight, seed, steps=STEPS):
    """E_P f - E_Q f on a fixed sample, every few steps."""
    rng = torch.Generator().manual_seed(seed)
    critic = Critic(2, (64, 64, 64), act="relu", rng=rng)
    matrices = [p for p in critic.parameters() if p.ndim == 2]
    with torch.no_grad():
        for W in matrices:
            W.mul_(0.5)
    optimiser = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.0, 0.9))
    x, y = pair(1000, rng)
    found = []
    for step in range(steps + 1):
        if step % EVERY == 0:
            with torch.no_grad():
                found.append(float(critic(x).mean() - critic(y).mean()))
        real, fake = pair(BATCH, rng)
        loss = critic(fake).mean() - critic(real).mean() + weight * penalty(matrices)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
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
