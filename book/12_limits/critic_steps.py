"""The value of critics against the steps of their training, for chapter 12: optimisation apart from the rest.

Run it in the course's folder: ``python book/12_limits/critic_steps.py`` (half an hour on one core; all parts at once:
``benchmarks/many.py``). It writes ``book/results/12_critic_steps.json``. Pairs, networks, batches and judgement are
those of `critic_gap`; the learning rate falls to a hundredth over all steps, and the critic is judged on the way.
"""

import logging
from functools import partial

import torch

from tools.book import results
from wgan_course import constraints
from wgan_course.data.pairs import MinFunnel
from wgan_course.models.mlp import Critic
from wgan_course.training import fit_critic, frozen

gap = results.load_script("12_limits/critic_gap")
SEEDS = range(5)
STEPS, LOOKS = {2: 4000, 16: 4000, 128: 8000}, (125, 250, 500, 1000, 2000, 4000, 8000)
PARTS = {f"{method}, {dim}": (method, dim) for dim in gap.DIMS for method in gap.METHODS}
DATA = f"MinFunnel pairs of 4 funnels, W1 = 1; critics 2 x 64, batches of {gap.BATCH}; steps by dimension: {STEPS}"


def one_part(part, seed, looks=LOOKS):
    """The judgement after each of some steps, of one method in one dimension."""
    method, dim = PARTS[part]
    kind, act = gap.METHODS[method]
    pair = MinFunnel.random(dim, gap.generator(seed, dim))
    rng = gap.generator(seed, dim, list(gap.METHODS).index(method))
    critic, found = Critic(dim, (64, 64), act=act, rng=rng), {}

    def look(run, _record):
        if run.step in looks:
            with frozen(run.critic) as still:
                judged = gap.judge(still, pair, gap.generator(seed, dim, run.step))
            found[str(run.step)] = {name: round(value, 4) for name, value in judged.items()}

    adam = partial(torch.optim.Adam, lr=gap.RATE, betas=(0.0, 0.9))
    falling = partial(torch.optim.lr_scheduler.LinearLR, start_factor=1.0, end_factor=0.01, total_iters=STEPS[dim])
    draw = partial(pair.sample, gap.BATCH)
    last, constraint = min(max(looks), STEPS[dim]), constraints.make(kind)
    fit_critic(critic, constraint, draw, last, adam, rng=rng, schedule=falling, after=look)
    return found


EXPERIMENT = results.Experiment("12_critic_steps", __file__, DATA, SEEDS, list(PARTS), one_part)

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    EXPERIMENT.run()
