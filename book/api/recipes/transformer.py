"""Spectral normalisation on a small transformer, and what it does not give.

Each linear map gets norm 1. Attention by dot products has no Lipschitz constant at
all on unbounded inputs (Kim, Papamakarios and Mnih, "The Lipschitz constant of
self-attention", 2021), so the whole critic has no bound by layers, and
``norms.lipschitz_upper`` refuses it rather than return a wrong one.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import softmax

from wgan_course import constraints, norms


class Attention(nn.Module):
    """One head, written with ``nn.Linear``, which the constraint knows;
    ``nn.MultiheadAttention`` is refused."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (
            nn.Linear(width, width) for _ in range(3)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return x, shape (n, tokens, width), with what each token attends to."""
        scores = self.query(x) @ self.key(x).mT / x.shape[-1] ** 0.5
        return x + softmax(scores, -1) @ self.value(x)


class Critic(nn.Module):
    """Scores sequences, shape (n, tokens, d)."""

    def __init__(self, d: int, width: int = 32) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(d, width),
            Attention(width),
            nn.Linear(width, width),
            nn.ReLU(),
        )
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores, shape (n,)."""
        return self.head(self.body(x).mean(1)).squeeze(-1)


def main(steps: int = 50) -> tuple[nn.Module, list[float]]:
    """Return the critic and the spectral norms of its linear layers after some
    steps of power iteration."""
    rng = torch.Generator().manual_seed(0)
    critic = constraints.make("sn").prepare(Critic(4))
    for _ in range(steps):
        critic(torch.randn(8, 10, 4, generator=rng))
    weights = [
        layer.weight
        for layer in critic.eval().modules()
        if isinstance(layer, nn.Linear)
    ]
    return critic, [norms.spectral_norm(weight).item() for weight in weights]
