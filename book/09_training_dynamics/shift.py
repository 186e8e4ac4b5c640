"""The experiment behind chapter 9's comparison with a network: a generator that can only shift, a critic that can bend.

Run it in the course's folder: ``python book/09_training_dynamics/shift.py`` (some minutes on one core). It writes
``book/results/09_shift.json``, seed by seed. Real: a narrow Gaussian cloud at 0 in the plane; generated: the same cloud
shifted by theta, so that the distance W1 is exactly the length of theta. Plain gradient steps for both players,
alternating, as in the chapter.
"""

import logging
import math
from functools import partial

import torch
from torch import nn

from tools.book.results import provenance, run_seeds
from wgan_course import constraints, objectives
from wgan_course.models.mlp import Critic
from wgan_course.training import SampledBatches, Trainer, TrainingConfig

SEEDS = range(5)
NAME = "09_shift"
DATA = "Gaussian cloud of standard deviation 0.05 in the plane, drawn; no files"
EVERY, TAIL, BATCH, WIDTH, FAR = 10, 100, 64, 0.05, 100.0
RATES = (0.05, 0.02)
METHODS = {
    "non-saturating": ("non-saturating", "none", {}),
    "WGAN, none": ("wasserstein", "none", {}),
    "clip 0.2": ("wasserstein", "clip", {"clip": 0.2}),
    "GP, weight 1": ("wasserstein", "gp", {"weight": 1.0}),
    "GP, weight 10": ("wasserstein", "gp", {"weight": 10.0}),
    "LP, weight 1": ("wasserstein", "lp", {"weight": 1.0}),
    "SN": ("wasserstein", "sn", {}),
    "R1, log loss": ("non-saturating", "r1", {"weight": 1.0}),
    "R1, Wasserstein": ("wasserstein", "r1", {"weight": 1.0}),
}
SETTINGS = {"n=1": {"n_critic": 1, "rounds": 1000}, "n=5": {"n_critic": 5, "rounds": 250}}


def cloud(n, rng):
    """Points of the cloud."""
    return WIDTH * torch.randn(n, 2, generator=rng)


def start(rng):
    """Two units away from the target, in a random direction."""
    angle = 2 * math.pi * torch.rand((), generator=rng).item()
    return torch.tensor([2 * math.cos(angle), 2 * math.sin(angle)])


class Shift(nn.Module):
    """The generator: what it gets, shifted by theta."""

    def __init__(self, theta):
        super().__init__()
        self.theta = nn.Parameter(theta)

    def forward(self, z):
        """The cloud, shifted."""
        return self.theta + z


def run(method, seed, n_critic, rounds):
    """Shift theta before each round, shape (rounds + 1, 2); it ends early where the run has left for good."""
    objective, name, options = METHODS[method]
    rng = torch.Generator().manual_seed(seed)
    critic, shift = Critic(2, (32, 32), rng=rng), Shift(start(rng))
    trainer = Trainer(
        shift,
        critic,
        SampledBatches(cloud, BATCH, rng),
        constraints.make(name, **options),
        objective=objectives.make(objective),
        config=TrainingConfig(n_critic=n_critic, device="cpu"),
        optimisers=tuple(partial(torch.optim.SGD, lr=rate) for rate in reversed(RATES)),
        latent=cloud,
        rng=rng,
    )
    path = [shift.theta.detach().clone()]
    while trainer.step < rounds:
        trainer.train_step()
        if not shift.theta.detach().norm() < FAR:
            break
        path.append(shift.theta.detach().clone())
    return torch.stack(path)


def summary(path, rounds):
    """Distance along the run, its mean at the end, and the distance of the mean: what averaging the weights gives."""
    found = {"distance": rounded(path.norm(dim=1)[::EVERY])}
    if len(path) <= rounds:
        return found | {"left after": len(path)}
    tail = path[-TAIL:]
    kept = {"end": tail.norm(dim=1).mean(), "average": tail.mean(dim=0).norm()}
    return found | {name: round(float(value), 5) for name, value in kept.items()}


def rounded(values):
    """Plain numbers of five digits."""
    return [float(f"{value:.5g}") for value in values.tolist()]


def one_seed(seed):
    """Every method, with one and with five critic steps a round."""
    return {
        f"{method}, {name}": summary(run(method, seed, **options), options["rounds"])
        for method in METHODS
        for name, options in SETTINGS.items()
    }


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(1)
    run_seeds(NAME, one_seed, SEEDS, provenance(__file__, DATA))
