"""Does the Wasserstein loss prevent mode collapse? One change at a time: the loss, the constraint, the critic's rate.

8 Gaussians, one network, one budget. Run it in the course's folder: ``python book/09_training_dynamics/modes.py``
(about four minutes on one core). It writes ``book/results/09_modes.json``.
"""

import logging

import torch

from tools.book import results
from wgan_course import constraints, objectives
from wgan_course.data import toy
from wgan_course.models import mlp
from wgan_course.training import SampledBatches, Trainer, TrainingConfig, TrainingDivergedError

STEPS, CRITIC_STEPS, WIDTH, BATCH, POINTS, LOOK = 250, 3, 48, 128, 1000, 25
CONSTRAINTS = {"none": ("none", {}), "LP": ("lp", {"weight": 10.0}), "SN": ("sn", {})}
LOSSES, RATES, RATE_GENERATOR = ("non-saturating", "wasserstein"), (5e-4, 2e-3, 8e-3), 1e-3
NEAR, SHARE = 0.5, 0.02


def rng(number):
    """Generator of random numbers."""
    return torch.Generator().manual_seed(number)


def reached(samples, modes):
    """Modes with more than a fiftieth of the samples within half a unit."""
    near = torch.cdist(samples, modes.float()) < NEAR
    return int((near.float().mean(0) > SHARE).sum())


def name_of(constraint, loss, rate):
    """A run among the parts."""
    return f"{constraint}, {loss}, rate {rate:g}"


GRID = {
    name_of(constraint, loss, rate): (constraint, loss, rate)
    for constraint in CONSTRAINTS
    for loss in LOSSES
    for rate in RATES
}


def one_run(constraint, loss, rate, seed, steps=STEPS):
    """Number of modes with samples at every look, up to where a run stops because it is no longer finite."""
    mixture, (kind, options) = toy.make("eight-gaussians"), CONSTRAINTS[constraint]
    config = TrainingConfig(
        device="cpu", lr_critic=rate, lr_generator=RATE_GENERATOR, betas=(0.5, 0.9), n_critic=CRITIC_STEPS, seed=seed
    )
    trainer = Trainer(
        mlp.Generator(2, 2, (WIDTH, WIDTH), rng=rng(1 + 10 * seed)),
        mlp.Critic(2, (WIDTH, WIDTH), rng=rng(2 + 10 * seed)),
        SampledBatches(mixture.sample, BATCH, rng(3 + 10 * seed)),
        constraints.make(kind, **options),
        objective=objectives.make(loss),
        config=config,
    )
    counts = []

    def look(running, _record):
        if running.step % LOOK == 0:
            counts.append(reached(running.sample(POINTS, seed=9), mixture.modes))

    try:
        trainer.fit(steps, after=look)
    except TrainingDivergedError:
        counts.append(0)
    return counts


def one_part(part, seed):
    """One constraint, loss and rate."""
    return one_run(*GRID[part], seed)


WORDS = f"8 Gaussians, {STEPS} generator steps of batches of {BATCH}; modes counted among {POINTS} samples"
EXPERIMENT = results.Experiment("09_modes", __file__, WORDS, range(5), list(GRID), one_part)

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    EXPERIMENT.run()
