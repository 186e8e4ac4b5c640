"""Right answers of every graded function, judged with many seeds: none may lose a point.

``python -m tools.every_seed [ps06 ps07.uv_step …] [--seeds 50] [--processes 2] [--seconds 500]`` judges each
alternative of ``tests/exercises`` on the grader's hidden cases with each seed, once with each of torch's default types,
prints a table and what lost points, and writes ``book/results/every_seed.json``, or the file that ``--out`` names. When
the time is over, functions that are not finished keep what the file said of them. Those that train (the capstone's) are
left out: ``book/10_images/capstone.py`` judges them.
"""

import argparse
import concurrent.futures
import itertools
import json
import multiprocessing
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

SEEDS, FIRST, CHUNK = 50, 100_000, 5
TYPES = (torch.float32, torch.float64)
Part = tuple[str, Sequence[int]]


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


def named(names: Sequence[str]) -> dict[str, Trials]:
    """Trials of the sets or functions that are named, or all; without the capstone's."""
    return {
        trials.key: trials
        for trials in all_trials()
        if (not names or {trials.key, trials.key.partition(".")[0]} & set(names))
        and registry.find(trials.key).reached is None
    }


def work(part: Part) -> list[dict[str, Any]]:
    """What a function's alternatives lose at some seeds."""
    torch.set_num_threads(1)
    key, seeds = part
    return list(losses(named([key])[key], seeds))


def judged(parts: Sequence[Part], processes: int, seconds: float | None) -> Iterator[tuple[Part, list[dict[str, Any]]]]:
    """Parts that were judged before the time was over."""
    pool = concurrent.futures.ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    waiting = {pool.submit(work, part): part for part in parts}
    try:
        for future in concurrent.futures.as_completed(waiting, timeout=seconds):
            yield waiting[future], future.result()
    except TimeoutError:
        sys.stderr.write(f"the {seconds:g} seconds are over\n")
    finally:
        children = multiprocessing.active_children()
        pool.shutdown(wait=False, cancel_futures=True)
        for process in children:
            process.terminate()


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the sets or functions that are named; any loss of points is a failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", help="sets or functions; all where left out")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many seeds")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="when to stop; without it, at the end")
    parser.add_argument("--out", type=Path, default=RESULTS / "every_seed.json")
    options = parser.parse_args(arguments)
    path = RESULTS / "every_seed.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["functions"] if path.exists() else {}
    chosen, seeds = named(options.names), range(FIRST, FIRST + options.seeds)
    chunks = [seeds[first : first + CHUNK] for first in range(0, len(seeds), CHUNK)]
    found: dict[str, list[list[dict[str, Any]]]] = {key: [] for key in chosen}
    for (key, _), lost in judged(list(itertools.product(chosen, chunks)), options.processes, options.seconds):
        found[key].append(lost)
        if len(found[key]) == len(chunks):
            kept[key] = _counts(chosen[key], len(seeds), list(itertools.chain(*found[key])))
            _write(options.out, kept)
    return int(any(counts["lost"] for counts in kept.values()))


def _counts(trials: Trials, seeds: int, lost: list[dict[str, Any]]) -> dict[str, Any]:
    """A function's line of the file, printed too."""
    count = len(trials.right) * seeds * len(TYPES)
    sys.stdout.write(f"{trials.key:32} {len(trials.right):3} {count:6} {len(lost):4}\n")
    sys.stdout.writelines(f"    {loss}\n" for loss in lost[:5])
    sys.stdout.flush()
    lost = sorted(lost, key=lambda loss: (loss["seed"], loss["default"], loss["name"]))
    return {"alternatives": len(trials.right), "seeds": seeds, "judged": count, "lost": lost}


def _write(path: Path, functions: dict[str, Any]) -> None:
    whole = {
        "provenance": provenance(__file__, "alternatives of tests/exercises")
        | {"command": "python -m tools.every_seed"},
        "functions": functions,
    }
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
