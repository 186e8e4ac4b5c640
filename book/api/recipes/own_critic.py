"""A critic of your own: a module that gives one score a sample, without batch
statistics."""

import torch
from torch import Tensor, nn

from wgan_course import constraints, training
from wgan_course.data import toy
from wgan_course.models import mlp


class DeepSet(nn.Module):
    """Scores a point by the mean over its coordinates' features, so that their
    order does not matter."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Linear(1, width), nn.LeakyReLU(0.2), nn.Linear(width, width)
        )
        self.outer = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores, shape (n,), of points, shape (n, d)."""
        return self.outer(self.inner(x[..., None]).mean(1)).squeeze(-1)


def main(steps: int = 2000) -> training.Trainer:
    """Train it with spectral normalisation on eight Gaussians."""
    rng = torch.Generator().manual_seed(0)
    batches = training.SampledBatches(toy.make("eight-gaussians").sample, 128, rng)
    return training.train(
        mlp.Generator(8, 2, rng=rng),
        DeepSet(),
        batches,
        constraints.make("sn"),
        steps,
    )
