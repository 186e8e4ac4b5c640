"""A table of numbers and categories: numbers standardised, categories as one-hot
vectors that a softmax generates."""

import torch
from torch import Tensor, nn

from wgan_course import constraints, training
from wgan_course.models import mlp


class Table(nn.Module):
    """A generator of rows: some numbers, then for each category column a point of
    its simplex."""

    def __init__(self, numbers: int, levels: list[int], latent: int = 32) -> None:
        super().__init__()
        self.latent, self.sizes = latent, [numbers, *levels]
        self.body = mlp.Generator(latent, sum(self.sizes))

    def forward(self, z: Tensor) -> Tensor:
        """Return rows, shape (n, columns)."""
        numbers, *logits = self.body(z).split(self.sizes, dim=1)
        return torch.cat([numbers, *(part.softmax(1) for part in logits)], dim=1)


def main(
    numbers: Tensor, categories: Tensor, steps: int = 5000
) -> tuple[Tensor, Tensor]:
    """Train on numbers, shape (n, a), and categories, int64 of shape (n, b); return
    as many new rows of both."""
    levels = [int(column.max()) + 1 for column in categories.T]
    mean, std = numbers.mean(0), numbers.std(0)
    one_hot = [
        nn.functional.one_hot(column, k)
        for column, k in zip(categories.T, levels, strict=True)
    ]
    rows = torch.cat([(numbers - mean) / std, *one_hot], dim=1)
    batches = training.TensorBatches(
        rows, min(256, len(rows)), torch.Generator().manual_seed(0)
    )
    networks = Table(numbers.shape[1], levels), mlp.Critic(rows.shape[1])
    made = (
        training.train(*networks, batches, constraints.make("gp"), steps)
        .sample(len(rows))
        .cpu()
    )
    new, *simplices = made.split([numbers.shape[1], *levels], dim=1)
    return new * std + mean, torch.stack(
        [part.argmax(1) for part in simplices], dim=1
    )
