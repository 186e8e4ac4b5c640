"""Chapter 10's short runs again, with a minute of one processor for each run in place of four seconds.

Run it in the course's folder: ``python book/10_images/minute.py dcgan``; half an hour. It writes
``book/results/10_minute_dcgan.json``, seed by seed, and goes on where a killed run stopped. Networks, settings and
measures are those of `experiments`, nothing is tuned again.
"""

import argparse
import logging
from functools import partial

import experiments
import torch

from tools.book.results import provenance, run_seeds

SECONDS = 60  # of one thread, for the training of one run
STOPS = (4, 15, 30, 45, 60)  # seconds after which a run is measured


def run(family, constraint, seed, stops=STOPS):
    """Train within the budget and measure at each stop; seed 0 keeps some images."""
    current = experiments.trainer(family, constraint, seed, **experiments.METHODS[constraint])
    steps = experiments.rounds(family, constraint, current.config.n_critic, SECONDS)
    curve = []
    for seconds in stops:
        record = current.fit(steps * seconds // SECONDS)
        curve.append({"seconds": seconds, "step": current.step, **experiments.measure(current, seed)})
    found = {"curve": curve, "estimate": round(record["estimate"], 4)}
    return found | ({"images": experiments.thumbnails(current)} if seed == 0 else {})


def methods(family, seed):
    """Each constraint with one seed."""
    return {name: run(family, name, seed) for name in experiments.METHODS}


def main():
    """Run the families that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("families", nargs="+", choices=experiments.FAMILIES)
    parser.add_argument("--seeds", type=int, default=experiments.SEEDS, help="how many, from 0")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    given = parser.parse_args()
    for family in given.families:
        origin = provenance(__file__, experiments.DATA)
        origin["command"] += f" {family}"
        run_seeds(f"10_minute_{family}", partial(methods, family), range(given.seeds), origin)


if __name__ == "__main__":
    main()
