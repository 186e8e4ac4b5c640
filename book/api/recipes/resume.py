"""Stop, and go on to the bit: the folder holds weights, optimisers, random states
and the place in the data."""

from pathlib import Path

import torch

from wgan_course import constraints, training
from wgan_course.data import toy
from wgan_course.models import mlp


def trainer(folder: str | Path) -> training.Trainer:
    """Make the trainer, always in the same way; a checkpoint of other settings is
    refused with what differs."""
    rng = torch.Generator().manual_seed(0)
    batches = training.SampledBatches(
        toy.make("eight-gaussians").sample, 128, torch.Generator().manual_seed(1)
    )
    networks = mlp.Generator(8, 2, rng=rng), mlp.Critic(2, rng=rng)
    return training.Trainer(
        *networks, batches, constraints.make("gp"), folder=folder
    )


def main(
    folder: str | Path = "runs/resumed", steps: int = 1000
) -> training.Trainer:
    """Train half of the way, forget everything, and train the rest in a trainer
    that knows only the folder."""
    trainer(folder).fit(steps // 2)
    again = trainer(folder).resume()
    again.fit(steps)
    return again
