"""Right answers of every graded function, judged with many seeds: none may lose a point.

``python -m tools.every_seed [ps06 ps07.uv_step …] [--seeds 50]`` judges each alternative of ``tests/exercises`` on the
grader's hidden cases with each seed, once with each of torch's default types, prints a table and what lost points, and
writes ``book/results/every_seed.json``. The functions that train (the capstone's) are left out: their tests try them.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.exercises.registry import Trials, all_trials
from wgan_course.check.observe import observe_all
from wgan_grader import registry
from wgan_grader.verdict import assess

from .book.results import RESULTS, provenance

SEEDS, FIRST = 50, 100_000
TYPES = (torch.float32, torch.float64)


def losses(trials: Trials, seeds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Every judgement of an alternative that takes points, with the seed and the default type."""
    problem = registry.find(trials.key)
    for seed, dtype in itertools.product(seeds, TYPES):
        cases = problem.make_cases(np.random.default_rng(seed), hidden=True)
        for name, function in trials.right:
            with default(dtype):
                verdict = assess(problem, cases, observe_all(function, problem.request(cases)))
            if verdict.points < verdict.possible:
                lost = [found.id for found in verdict.criteria if not found.passed]
                yield {"name": name, "seed": seed, "default": str(dtype).removeprefix("torch."), "lost": lost}


@contextmanager
def default(dtype: torch.dtype) -> Iterator[None]:
    """Torch's default type for a while."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the sets or functions that are named; any loss of points is a failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", help="sets or functions; all where left out")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many seeds")
    options = parser.parse_args(arguments)
    path = RESULTS / "every_seed.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["functions"] if path.exists() else {}
    for trials in all_trials():
        wanted = not options.names or {trials.key, trials.key.partition(".")[0]} & set(options.names)
        if not wanted or registry.find(trials.key).reached is not None:
            continue
        found = list(losses(trials, range(FIRST, FIRST + options.seeds)))
        judged = len(trials.right) * options.seeds * len(TYPES)
        kept[trials.key] = {"alternatives": len(trials.right), "seeds": options.seeds, "judged": judged, "lost": found}
        sys.stdout.write(f"{trials.key:32} {len(trials.right):3} {judged:6} {len(found):4}\n")
        sys.stdout.writelines(f"    {loss}\n" for loss in found[:5])
        sys.stdout.flush()
        _write(path, kept)
    return int(any(counts["lost"] for counts in kept.values()))


def _write(path: Path, functions: dict[str, Any]) -> None:
    whole = {
        "provenance": provenance(__file__, "alternatives of tests/exercises")
        | {"command": "python -m tools.every_seed"},
        "functions": functions,
    }
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
