"""The value of a penalised critic against the steps of its training, for chapter 12: optimisation apart from the rest.

Run it in the course's folder: ``python book/12_limits/critic_steps.py`` (two minutes on one core). It writes
``book/results/12_critic_steps.json``. Pairs, networks, batches and judgement are those of `critic_gap`; the learning
rate falls to a hundredth over `STEPS` steps, and the critic is judged on the way.
"""

import logging
from functools import partial

import torch

from tools.book import results
from wgan_course import constraints
from wgan_course.data.pairs import MinFunnel
from wgan_course.models.mlp import Critic
from wgan_course.training import fit_critic

gap = results.load_script("12_limits/critic_gap")
SEEDS, DIMS = range(3), ("2", "128")
STEPS, LOOKS = 4000, (125, 250, 500, 1000, 2000, 4000)
DATA = f"MinFunnel pairs of 4 funnels, W1 = 1; critics 2 x 64 with gradient penalty, {STEPS} steps of {gap.BATCH}"


def one_part(dim, seed, looks=LOOKS):
    """The judgement after each of some steps."""
    d = int(dim)
    pair, rng = MinFunnel.random(d, gap.generator(seed, d)), gap.generator(seed, d, 0)
    critic, found = Critic(d, (64, 64), rng=rng), {}

    def look(run, _record):
        if run.step in looks:
            judged = gap.judge(run.critic, pair, gap.generator(seed, d, run.step))
            found[str(run.step)] = {name: round(value, 4) for name, value in judged.items()}

    adam = partial(torch.optim.Adam, lr=gap.RATE, betas=(0.0, 0.9))
    falling = partial(torch.optim.lr_scheduler.LinearLR, start_factor=1.0, end_factor=0.01, total_iters=STEPS)
    draw = partial(pair.sample, gap.BATCH)
    fit_critic(critic, constraints.make("gp"), draw, max(looks), adam, rng=rng, schedule=falling, after=look)
    return found


EXPERIMENT = results.Experiment("12_critic_steps", __file__, DATA, SEEDS, list(DIMS), one_part)

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    EXPERIMENT.run()
