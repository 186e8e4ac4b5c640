"""Modes that the playground's generator covers after 2,000 rounds, under each constraint, over ten seeds.

Run: nice python benchmarks/playground_modes.py

Node trains the very game that the page trains, with its settings at first, on one core. A mode is covered if at least a
tenth of its share of 2,000 generated points lies within four standard deviations of it.
"""

import json
import logging
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tools.book.assets import find_node
from tools.book.results import Experiment, over_seeds, read_results

NAME = "playground_modes"
SEEDS = range(1, 11)
MARKS = (100, 500, 1000, 2000)
DATA = ("eight-gaussians",)
CONSTRAINTS = ("none", "clip", "gp", "lp", "sn")


def train(part: str, seed: int, marks: Sequence[int] = MARKS) -> list[dict[str, float]]:
    """What one game reached, with "DATA, CONSTRAINT" as part."""
    data, constraint = part.split(", ")
    settings = {"data": data, "constraint": constraint, "seed": seed, "marks": marks}
    script = Path(__file__).with_suffix(".mjs")
    ran = subprocess.run(
        [find_node() or "node", script, json.dumps(settings)], check=True, capture_output=True, text=True
    )
    return json.loads(ran.stdout)


PARTS = [f"{data}, {constraint}" for data in DATA for constraint in CONSTRAINTS]
EXPERIMENT = Experiment(NAME, __file__, "eight Gaussians on a ring", SEEDS, PARTS, train)


def main() -> None:
    """Train, write JSON, print a table."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    EXPERIMENT.run()
    results = read_results(NAME)
    for part in PARTS:
        covered = [run[-1]["covered"] for run in over_seeds(results, lambda seed, part=part: seed[part])]
        print(f"{part:32} {covered}")


if __name__ == "__main__":
    main()
