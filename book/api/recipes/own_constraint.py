"""A constraint of your own: one class with the hook that it needs. This one bounds
gradients on generated samples."""

import torch
from torch import Tensor

from wgan_course import constraints, training
from wgan_course.data import toy
from wgan_course.models import mlp


class R2(constraints.Constraint):
    """Penalty on the squared gradient at generated samples, the mirror image of
    R1."""

    name = "r2"

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def penalty(
        self, critic, real=None, fake=None, rng=None, **conditioning
    ) -> Tensor:
        """Return weight / 2 times the mean of the squared norms; the graph is kept,
        for the loss's gradient."""
        x = fake.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(
            critic(x, **conditioning).sum(), x, create_graph=True
        )
        return self.weight / 2 * gradient.flatten(1).square().sum(1).mean()


def main(steps: int = 2000) -> training.Trainer:
    """Train with it on eight Gaussians."""
    rng = torch.Generator().manual_seed(0)
    batches = training.SampledBatches(toy.make("eight-gaussians").sample, 128, rng)
    return training.train(
        mlp.Generator(8, 2, rng=rng), mlp.Critic(2, rng=rng), batches, R2(), steps
    )
