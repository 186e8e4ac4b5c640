"""The experiment behind chapter 9's comparison with a network: a generator that can only shift, a critic that can bend.

Run it in the course's folder: ``python book/09_training_dynamics/shift.py`` (a quarter of an hour on one core). It
writes ``book/results/09_shift.json``, seed by seed. Real: a narrow Gaussian cloud at 0 in the plane, or a single point;
generated: the same shifted by theta, so that the distance W1 is exactly the length of theta. Plain gradient steps for
both players, alternating, as in the chapter.

Each control changes one thing: the cloud's width to 0, the penalty's target to 0 at the same place and of the same
strength, or the critic's rate to a tenth.
"""

import logging
import math
from functools import partial

import torch
from torch import nn

from tools.book import results
from wgan_course import constraints, objectives
from wgan_course.constraints.penalties import squared_norms
from wgan_course.models.mlp import Critic
from wgan_course.training import SampledBatches, Trainer, TrainingConfig, TrainingDivergedError

SEEDS = range(5)
DATA = "Gaussian cloud of standard deviation 0.05 in the plane, or a point, drawn; no files"
EVERY, TAIL, BATCH, WIDTH, FAR = 10, 100, 64, 0.05, 100.0
RATES = (0.02, 0.05)  # of the critic, of the generator
NOISE, QUIET = 1.0, 0.5  # instance noise falls from the first to 0 in this share of the rounds


class ZeroCentred(constraints.GradientPenalty):
    """GP with the target 0 in place of 1: the same points, the same weight."""

    def charge(self, gradient):
        """Charge the squared norm."""
        return squared_norms(gradient)


# name: (objective, constraint, factor of the critic's rate, noise)
METHODS = {
    "non-saturating": ("non-saturating", "none", {}, 1.0, None),
    "non-saturating, annealed noise": ("non-saturating", "none", {}, 1.0, "annealed"),
    "LSGAN": ("least-squares", "none", {}, 1.0, None),
    "WGAN, none": ("wasserstein", "none", {}, 1.0, None),
    "clip 0.2": ("wasserstein", "clip", {"clip": 0.2}, 1.0, None),
    "GP, weight 1": ("wasserstein", "gp", {"weight": 1.0}, 1.0, None),
    "GP, weight 10": ("wasserstein", "gp", {"weight": 10.0}, 1.0, None),
    "GP, weight 10, rate / 10": ("wasserstein", "gp", {"weight": 10.0}, 0.1, None),
    "target 0, weight 1": ("wasserstein", ZeroCentred, {"weight": 1.0}, 1.0, None),
    "target 0, weight 10": ("wasserstein", ZeroCentred, {"weight": 10.0}, 1.0, None),
    "target 0, weight 10, rate / 10": ("wasserstein", ZeroCentred, {"weight": 10.0}, 0.1, None),
    "LP, weight 1": ("wasserstein", "lp", {"weight": 1.0}, 1.0, None),
    "SN": ("wasserstein", "sn", {}, 1.0, None),
    "R1, log loss": ("non-saturating", "r1", {"weight": 1.0}, 1.0, None),
    "R1, Wasserstein": ("wasserstein", "r1", {"weight": 1.0}, 1.0, None),
}
SETTINGS = {"n=1": {"n_critic": 1, "rounds": 1000}, "n=5": {"n_critic": 5, "rounds": 250}}
ADDED = ("LSGAN", "non-saturating, annealed noise", "GP, weight 10, rate / 10", "target 0, weight 10")
ADDED += ("target 0, weight 10, rate / 10", "target 0, weight 1")
POINT = ("non-saturating", "LSGAN", "GP, weight 1", "R1, log loss", "R1, Wasserstein")
OWN = [name for name in METHODS if name not in ADDED]
# The methods of the chapter with one and five critic steps a round; the controls, and the width 0, with one.
GRID = (
    {f"{name}, {setting}": (name, setting, WIDTH) for name in OWN for setting in SETTINGS}
    | {f"{name}, n=1": (name, "n=1", WIDTH) for name in ADDED}
    | {f"{name}, width 0": (name, "n=1", 0.0) for name in POINT}
)


class Cloud:
    """The cloud that both players draw from: noise on both samples is a wider cloud, since sums of normals are."""

    def __init__(self, width, noise, rounds):
        self.width, self.noise, self.rounds, self.round = width, noise, rounds, 0

    def std(self):
        """Standard deviation in this round."""
        left = max(0.0, 1 - self.round / (QUIET * self.rounds)) if self.noise == "annealed" else 0.0
        return math.hypot(self.width, NOISE * left)

    def __call__(self, n, rng):
        """Points of the cloud."""
        return self.std() * torch.randn(n, 2, generator=rng)


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


def constraint(kind, options):
    """By name, or one of this script's own."""
    return constraints.make(kind, **options) if isinstance(kind, str) else kind(**options)


def players(method, seed, n_critic, cloud):
    """The trainer and the generator's shift."""
    objective, kind, options, factor, _noise = METHODS[method]
    rng = torch.Generator().manual_seed(seed)
    critic, shift = Critic(2, (32, 32), rng=rng), Shift(start(rng))
    rates = (factor * RATES[0], RATES[1])
    trainer = Trainer(
        shift,
        critic,
        SampledBatches(cloud, BATCH, rng),
        constraint(kind, options),
        objective=objectives.make(objective),
        config=TrainingConfig(n_critic=n_critic, device="cpu"),
        optimisers=tuple(partial(torch.optim.SGD, lr=rate) for rate in rates),
        latent=cloud,
        rng=rng,
    )
    return trainer, shift


def run(method, seed, n_critic, rounds, width=WIDTH, until=None):
    """Shift theta before each round, shape (rounds + 1, 2); it ends early where the run has left for good."""
    cloud = Cloud(width, METHODS[method][-1], rounds)
    trainer, shift = players(method, seed, n_critic, cloud)
    path = [shift.theta.detach().clone()]
    for cloud.round in range(until or rounds):
        try:
            trainer.train_step()
        except TrainingDivergedError:
            break
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


def one_part(part, seed):
    """One method with one number of critic steps a round and one width."""
    method, setting, width = GRID[part]
    options = SETTINGS[setting]
    return summary(run(method, seed, **options, width=width), options["rounds"])


EXPERIMENT = results.Experiment("09_shift", __file__, DATA, SEEDS, list(GRID), one_part)

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    EXPERIMENT.run()
