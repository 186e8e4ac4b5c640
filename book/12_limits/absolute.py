"""The experiment behind chapter 12's figure on |x| with norm-bounded layers, by depth.

Run it in the course's folder: ``python book/12_limits/absolute.py``. It writes ``book/results/12_absolute.json``.
"""

import itertools
import logging

import torch
from torch import nn

from tools.book import results
from wgan_course import constraints
from wgan_course.models.layers import GroupSort, ReLU

SEEDS = range(5)
DEPTHS = (1, 2, 4, 8)
ACTIVATIONS = {"ReLU": ReLU, "GroupSort": GroupSort}
WIDTH, STEPS, RATE = 8, 200, 3e-2


def network(depth, act, rng):
    """`depth` hidden layers whose matrices all have spectral norm at most one."""
    widths = [1, *[WIDTH] * depth]
    layers = [layer for a, b in itertools.pairwise(widths) for layer in (nn.Linear(a, b), ACTIVATIONS[act]())]
    net = nn.Sequential(*layers, nn.Linear(WIDTH, 1))
    for parameter in net.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=rng) / 4)
    return constraints.make("orthonormal", group_sort=False).prepare(net)


def fit(depth, act, seed):
    """Fit |x| on [-1, 1] in the mean square; return the largest error on a fine grid and the two mean slopes."""
    rng = torch.Generator().manual_seed(100 * seed + depth)
    net = network(depth, act, rng)
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, STEPS)
    x = torch.linspace(-1, 1, 65)[:, None]
    for _ in range(STEPS):
        loss = (net(x) - x.abs()).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        y = net(x)[:, 0]
    error = float((y - x[:, 0].abs()).abs().max())
    return {"error": error, "left": float(y[32] - y[0]), "right": float(y[-1] - y[32]), "curve": y[::2].tolist()}


def one_seed(seed):
    """Both activations, every depth."""
    return {act: {str(depth): fit(depth, act, seed) for depth in DEPTHS} for act in ACTIVATIONS}


def main():
    """Run every seed, and write the results with their provenance."""
    torch.set_num_threads(1)
    data = f"|x| at 65 points of [-1, 1]; width {WIDTH}, orthonormal layers, {STEPS} steps of Adam"
    results.run_seeds("12_absolute", one_seed, SEEDS, results.provenance(__file__, data))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
