"""The two generators of `better_w1.py`, trained for longer: does a smaller distance still go with worse pictures?

Run it in the course's folder: ``python book/12_limits/longer.py``. It writes ``book/results/12_longer.json``. Both get
about the same processor time, some five times that of the other experiment.
"""

import logging

import torch

from tools.book import results

SEEDS = range(5)
STEPS = {"exact": 4000, "critic": 1000}
experiment = results.load_script("12_limits/better_w1")


def one_seed(seed):
    """Both generators, for one seed; and the first steps of each alone, which the test repeats."""
    sets, found = experiment.load(), {}
    for method, steps in STEPS.items():
        found[method] = experiment.trained(method, sets, seed, steps)
        found[f"{method}, start"] = experiment.trained(method, sets, seed, steps // 20)
        del found[f"{method}, start"]["images"]
        if seed:
            del found[method]["images"]
    return found


def main():
    """Run every seed, and write the results with their provenance."""
    torch.set_num_threads(1)
    data = f"as 12_better_w1, but steps {STEPS}"
    results.run_seeds("12_longer", one_seed, SEEDS, results.provenance(__file__, data))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
