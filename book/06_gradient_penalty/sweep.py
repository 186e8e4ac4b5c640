"""Gradient penalties of every kind and weight on 8 Gaussians: the experiment behind chapter 6's table and figures.

The same small networks, the same 250 generator steps and the same learning rates for all. Run it in the course's
folder: ``python book/06_gradient_penalty/sweep.py`` (about seven minutes on one core). It writes
``book/results/06_sweep.json``.
"""

import logging
import warnings

import torch
from torch import nn

from tools.book import results
from wgan_course import constraints, norms, objectives, transport
from wgan_course.constraints import penalties
from wgan_course.data import toy
from wgan_course.models import mlp
from wgan_course.training import SampledBatches, Trainer, TrainingConfig, TrainingDivergedError

STEPS, WIDTH, BATCH, POINTS, LOOK = 250, 48, 128, 400, 50
ALL, SOME = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0), (0.1, 1.0, 10.0, 100.0)
# name of the arm: (constraint, weights, norm in the critic, objective, critic steps a generator step)
ARMS = {
    "two-sided": ("gp", ALL, "none", "wasserstein", 3),
    "one-sided": ("lp", ALL, "none", "wasserstein", 3),
    "two-sided, layer norm": ("gp", SOME, "layer", "wasserstein", 3),
    "two-sided, batch norm": ("gp", SOME, "batch", "wasserstein", 3),
    "two-sided, 10 critic steps": ("gp", (10.0,), "none", "wasserstein", 10),
    "DRAGAN": ("dragan", (1.0, 10.0), "none", "wasserstein", 3),
    "DRAGAN, log loss": ("dragan", (1.0, 10.0), "none", "non-saturating", 3),
    "R1": ("r1", (0.1, 1.0, 10.0), "none", "wasserstein", 3),
    "R1, log loss": ("r1", (0.1, 1.0, 10.0), "none", "non-saturating", 3),
}


def rng(number):
    """Generator of random numbers."""
    return torch.Generator().manual_seed(number)


def make_critic(norm, seed):
    """Critic of two hidden layers; with batch norm it is built here, because the package refuses to."""
    if norm != "batch":
        return mlp.Critic(2, (WIDTH, WIDTH), norm=norm, rng=rng(2 + 10 * seed))
    torch.manual_seed(2 + 10 * seed)
    hidden = [
        layer for width in (2, WIDTH) for layer in (nn.Linear(width, WIDTH), nn.BatchNorm1d(WIDTH), nn.LeakyReLU(0.2))
    ]
    return nn.Sequential(*hidden, nn.Linear(WIDTH, 1), nn.Flatten(0))


def distance(real, fake):
    """Exact W1, or None where the generator's points are not finite."""
    return float(transport.wasserstein(real, fake)) if bool(fake.isfinite().all()) else None


def one_run(constraint, weight, norm, objective, n_critic, seed):
    """Train, look every 50 steps, and measure the critic at the end."""
    mixture = toy.make("eight-gaussians")
    trainer = Trainer(
        mlp.Generator(2, 2, (WIDTH, WIDTH), rng=rng(1 + 10 * seed)),
        make_critic(norm, seed),
        SampledBatches(mixture.sample, BATCH, rng(3 + 10 * seed)),
        constraints.make(constraint, weight=weight),
        objective=objectives.make(objective),
        config=TrainingConfig(
            device="cpu", lr_critic=2e-3, lr_generator=1e-3, betas=(0.5, 0.9), n_critic=n_critic, seed=seed
        ),
    )
    real, path = mixture.sample(POINTS, rng(8)), []

    def look(running, _record):
        if running.step % LOOK == 0:
            path.append(distance(real, running.sample(POINTS, seed=9)))

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", penalties.CoupledSamplesWarning)
            trainer.fit(STEPS, after=look)
    except TrainingDivergedError:
        path.append(None)
    fake = trainer.sample(POINTS, seed=9)
    return {"path": path, "modes": reached(fake, mixture.modes)} | of_critic(trainer.critic.eval(), real, fake, norm)


def reached(samples, modes):
    """Modes with more than a fiftieth of the samples within half a unit."""
    near = torch.cdist(samples, modes.float()) < 0.5
    return int((near.float().mean(0) > 0.02).sum())


def of_critic(critic, real, fake, norm):
    """Estimate, gradient norms on random segments, and the two ends of the Lipschitz interval where there are any."""
    if norm == "batch" or not bool(fake.isfinite().all()):
        return {}
    at = penalties.interpolate(real, fake, torch.rand(POINTS, generator=rng(4)))
    sizes = penalties.sample_norms(penalties.input_gradient(critic, at, create_graph=False))
    points = torch.cat([real[:40], fake[:40]])
    numbers = {"norm": sizes.mean(), "steepest": sizes.max(), "low": norms.lipschitz_lower(critic, points, rng=rng(3))}
    if norm == "none":
        numbers["high"] = norms.lipschitz_upper(critic, (2,))
    with torch.no_grad():
        numbers["estimate"] = critic(real).mean() - critic(fake).mean()
    return {name: float(number) for name, number in numbers.items()}


def one_seed(seed):
    """Every arm with every weight."""
    return {
        arm: {str(weight): one_run(constraint, weight, *rest, seed) for weight in weights}
        for arm, (constraint, weights, *rest) in ARMS.items()
    }


def main():
    """Run five seeds and write the results with their provenance."""
    torch.set_num_threads(1)
    words = f"8 Gaussians, {STEPS} generator steps of batches of {BATCH}, exact W1 of {POINTS} points a side"
    results.run_seeds("06_sweep", one_seed, range(5), results.provenance(__file__, words))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
