"""What a round of training costs, by method and by the width of the networks.

Run it in the course's folder: ``python book/08_spectral_normalisation/step_cost.py``. It writes
``book/results/08_step_cost.json``. A round is five critic steps and one generator step; the methods take turns, and a
"seed" is one repetition. Processor time is measured, so that a busy machine disturbs it less than it would a clock.
"""

import logging
import time

import torch

from tools.book import results
from wgan_course import constraints
from wgan_course.data import toy
from wgan_course.models import mlp
from wgan_course.training import SampledBatches, Trainer, TrainingConfig

SEEDS = range(5)
WIDTHS = (32, 128, 512)
METHODS = ("none", "clip", "gp", "sn")


def trainer(method, width, seed):
    """Networks of three hidden layers of this width, batches of 256."""
    rng = torch.Generator().manual_seed(seed)
    generator, critic = mlp.Generator(2, 2, (width,) * 3, rng=rng), mlp.Critic(2, (width,) * 3, rng=rng)
    batches = SampledBatches(toy.eight_gaussians, 256, rng)
    return Trainer(generator, critic, batches, constraints.make(method), config=TrainingConfig(device="cpu"))


def milliseconds(run, rounds):
    """Processor time of a round, in milliseconds."""
    start = time.process_time()
    run.fit(run.step + rounds)
    return round((time.process_time() - start) / rounds * 1e3, 3)


def one_seed(seed, rounds=2):
    """Time of a round for each width and method: the median of three turns."""
    table = {}
    for width in WIDTHS:
        runs = {method: trainer(method, width, seed) for method in METHODS}
        for run in runs.values():
            run.fit(1)
        turns = [{method: milliseconds(run, rounds) for method, run in runs.items()} for _ in range(3)]
        table[str(width)] = {method: sorted(turn[method] for turn in turns)[1] for method in METHODS}
    return table


def main():
    """Run everything, and write the results with their provenance."""
    torch.set_num_threads(1)
    origin = results.provenance(__file__, "8 Gaussians, batches of 256")
    results.run_seeds("08_step_cost", one_seed, SEEDS, origin)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
