"""Each toy distribution with each constraint at the defaults of ``wgan-course train``: how near it comes, seed by seed.

Run: python benchmarks/defaults.py [--seeds 5] [--data NAME ...] [--constraint NAME ...]

The distance is the exact W1 between 500 generated and 500 fresh real points. Beside it stands the same between two
real samples, "truth": no generator can be expected to come nearer. A pair of the table has worked when every seed ends
within ``REACH`` of the truth's mean. Seconds are those of the processor, on one thread. What an earlier call has
measured with the same options is kept, so that the table can be made in parts.
"""

import argparse
import json
import logging
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import ot
import torch

from tools.book.results import RESULTS, provenance, write_results
from wgan_course import constraints
from wgan_course.data import toy
from wgan_course.training.runs import RunOptions, train_from_options

REACH, POINTS, SEEDS = 0.2, 500, 5
CHOSEN = (
    "steps", "batch", "n_critic", "lr_critic", "lr_generator", "latent", "width", "ema", "constraint_options",
)  # fmt: skip
BARE = "none"  # promises nothing: it is measured for comparison
DATA = f"{POINTS} points a sample, defaults of wgan-course train, seeds 0, 1, ..."


def drawn(data: str, seed: int) -> torch.Tensor:
    """A sample of the truth."""
    return toy.make(data).sample(POINTS, torch.Generator().manual_seed(seed))


def exact_w1(x: torch.Tensor, y: torch.Tensor) -> float:
    """W1 between two samples of one size, by POT."""
    return float(ot.emd2([], [], ot.dist(x.double().numpy(), y.double().numpy(), metric="euclidean"), numItermax=10**6))


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


def has_worked(runs: dict[str, dict[str, float]], floor: float) -> bool:
    """Whether each of all the seeds has come within reach of the truth."""
    return len(runs) >= SEEDS and all(run["w1"] <= floor + REACH for run in runs.values())


def shown(content: dict) -> str:
    """The table as text: the worst seed of each pair, and the truth below."""
    rows = content["rows"]
    lines = [f"{'worst W1 of its seeds':<26}" + "".join(f"{data:>24}" for data in rows)]
    for constraint in constraints.NAMES:
        cells = []
        for data in rows:
            runs = rows[data].get(constraint, {})
            worst = max((run["w1"] for run in runs.values()), default=float("nan"))
            mark = (
                ""
                if has_worked(runs, content["truth"][data])
                else f" ({len(runs)} seeds)"
                if len(runs) < SEEDS
                else " !"
            )
            cells.append(f"{f'{worst:.2f}{mark}':>24}")
        lines.append(f"{constraint:<26}" + "".join(cells))
    return "\n".join([*lines, f"{'truth':<26}" + "".join(f"{content['truth'][data]:>24.2f}" for data in rows)])


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
        "truth": {data: truth(data) for data in toy.NAMES},
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
    print(shown(content))


if __name__ == "__main__":
    main()
