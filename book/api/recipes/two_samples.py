"""How far apart are two samples, and could it be chance? The exact distance and a
permutation test."""

import torch
from torch import Tensor

from wgan_course import transport


def main(
    x: Tensor, y: Tensor, permutations: int = 200, seed: int = 0
) -> dict[str, float]:
    """Return W1 of samples, shapes (n, d) and (m, d), its mean over random splits
    of all points, and the share of splits that are at least as far apart.

    W1 between samples is above 0 even where their distributions are equal, the more
    so in high dimension (chapter 12): the second number tells how much is that.
    """
    rng = torch.Generator().manual_seed(seed)
    found, together = transport.wasserstein(x, y), torch.cat((x, y))
    splits = (
        together[torch.randperm(len(together), generator=rng)]
        for _ in range(permutations)
    )
    chance = torch.stack(
        [
            transport.wasserstein(split[: len(x)], split[len(x) :])
            for split in splits
        ]
    )
    share = (1 + (chance >= found).sum()) / (1 + permutations)
    return {
        "w1": float(found),
        "by chance": float(chance.mean()),
        "p": float(share),
    }
