"""Each toy distribution with each constraint at the defaults of ``wgan-course train``: how near it comes, seed by seed.

Run: python benchmarks/defaults.py [--seeds 5] [--data NAME ...] [--constraint NAME ...]

The distance is the exact W1 between 500 generated and 500 fresh real points. From it goes the mean of the same between
two real samples, "truth", where a perfect generator ends in the mean; the rest is told in units of the data's spread. A
pair has worked when five of five seeds end at ``REACH`` or below. Seconds are those of the processor, on one thread.
What an earlier call has measured with the same options is kept, so that the table can be made in parts.
"""

import argparse
import json
import logging
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import torch
from scipy.optimize import linear_sum_assignment

from tools.book.results import RESULTS, provenance, write_results
from wgan_course import constraints
from wgan_course.data import toy
from wgan_course.training.runs import RunOptions, train_from_options

REACH, POINTS, SEEDS = 0.15, 500, 5
CHOSEN = (
    "steps", "batch", "n_critic", "lr_critic", "lr_generator", "latent", "width", "ema", "constraint_options",
)  # fmt: skip
PROMISING = tuple(name for name in constraints.NAMES if name != "none")  # the bare critic is there for comparison
DATA = f"{POINTS} points a sample, defaults of wgan-course train, seeds 0, 1, ..."


def drawn(data: str, seed: int) -> torch.Tensor:
    """A sample of the truth."""
    return toy.make(data).sample(POINTS, torch.Generator().manual_seed(seed))


def exact_w1(x: torch.Tensor, y: torch.Tensor) -> float:
    """W1 between two samples of one size: some optimal plan is a permutation (chapter 2)."""
    cost = torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist").numpy()
    return float(cost[linear_sum_assignment(cost)].mean())


def truth(data: str) -> float:
    """Mean W1 between two samples of the distribution itself."""
    return sum(exact_w1(drawn(data, 1000 + k), drawn(data, 2000 + k)) for k in range(10)) / 10


def options_of(data: str, constraint: str, seed: int = 0, out: Path = Path("run")) -> RunOptions:
    """The run as the command starts it, on a processor."""
    return RunOptions(data=data, constraint=constraint, seed=seed, device="cpu", threads=1, out=out, sample_every=10**6)


def one_run(data: str, constraint: str, seed: int) -> dict[str, float]:
    """Train by the command's own function; the distance that is reached, and the seconds."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        done = train_from_options(options_of(data, constraint, seed, Path(folder)), progress=False)
        seconds = time.process_time() - start
        fake = done.trainer.sample(POINTS, seed=7)
    return {"w1": exact_w1(drawn(data, 3000 + seed), fake), "seconds": seconds}


def spread(data: str) -> float:
    """The root of the data's mean squared distance from their mean."""
    points = drawn(data, 0)
    return float((points - points.mean(0)).square().sum(1).mean().sqrt())


def excesses(content: dict, data: str, constraint: str) -> list[float]:
    """How much farther than the truth each seed ends, in units of the data's spread."""
    runs = content["rows"][data].get(constraint, {})
    return [(run["w1"] - content["truth"][data]) / content["spread"][data] for run in runs.values()]


def has_worked(excess: list[float]) -> bool:
    """Whether each of all the seeds has come within reach of the truth."""
    return len(excess) >= SEEDS and max(excess) <= REACH


def shown(content: dict) -> str:
    """The table as text: the worst seed of each pair, and how many there are where some are missing."""
    lines = [f"{'worst excess':<26}" + "".join(f"{data:>24}" for data in content["rows"])]
    for constraint in constraints.NAMES:
        cells = []
        for data in content["rows"]:
            excess = excesses(content, data, constraint)
            mark = "" if has_worked(excess) else " !" if len(excess) >= SEEDS else f" ({len(excess)} seeds)"
            cells.append(f"{max(excess, default=float('nan')):.2f}{mark}")
        lines.append(f"{constraint:<26}" + "".join(f"{cell:>24}" for cell in cells))
    return "\n".join(lines)


def recipe(data: str, constraint: str) -> dict:
    """The options that a stored number belongs to."""
    plain = asdict(options_of(data, constraint).settled())
    return {name: plain[name] for name in CHOSEN}


def kept(out: Path, data: str, constraint: str) -> dict[str, dict[str, float]]:
    """What a file has of a pair, if it was measured with the present options."""
    if not out.is_file():
        return {}
    before = json.loads(out.read_text(encoding="utf-8"))
    same = before["recipes"].get(data, {}).get(constraint) == json.loads(json.dumps(recipe(data, constraint)))
    return before["rows"].get(data, {}).get(constraint, {}) if same else {}


def main() -> None:
    """Measure what is missing, print the table, write JSON after each pair."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS / "defaults.json")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--data", nargs="*", default=toy.NAMES)
    parser.add_argument("--constraint", nargs="*", default=constraints.NAMES)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    torch.set_num_threads(1)
    content = {
        "provenance": provenance(__file__, DATA),
        "reach": REACH,
        "wanted": SEEDS,
        "truth": {data: truth(data) for data in toy.NAMES},
        "spread": {data: spread(data) for data in toy.NAMES},
        "recipes": {data: {name: recipe(data, name) for name in constraints.NAMES} for data in toy.NAMES},
        "rows": {data: {name: kept(options.out, data, name) for name in constraints.NAMES} for data in toy.NAMES},
    }
    for seed in range(options.seeds):
        for constraint in options.constraint:
            for data in options.data:
                runs = content["rows"][data][constraint]
                if str(seed) not in runs:
                    runs[str(seed)] = one_run(data, constraint, seed)
                    write_results(options.out, content)
    write_results(options.out, content)
    print(shown(content))


if __name__ == "__main__":
    main()
