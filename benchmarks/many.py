"""Experiments of the book on many processors: every part of every seed is a task of its own, on one thread.

Run: python benchmarks/many.py --out FOLDER --seconds 390 08_spectral_normalisation/race 06_gradient_penalty/wells

Scripts are named by their path inside ``book``; each has an `Experiment` of the name EXPERIMENT. Tasks begin in the
order of the scripts, and within one by seeds. When the time is over, what runs is dropped and what is finished kept:
FOLDER has one file an experiment, of the form that `tools.book.results.run_seeds` writes, with the whole seeds under
"seeds" and the parts of the other ones under "unfinished".
"""

import argparse
import collections
import concurrent.futures
import logging
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from tools.book import results

EVERY = 20.0  # seconds between two writings of the files
START = "spawn"  # torch does not like to be forked
clock = time.monotonic
logger = logging.getLogger(__name__)


class Task(NamedTuple):
    """One part of one seed."""

    script: str
    part: str
    seed: int


def experiment(script: str) -> results.Experiment:
    """The script's experiment."""
    return results.load_script(script).EXPERIMENT


def one_thread() -> None:
    """What each process does first."""
    import torch

    torch.set_num_threads(1)


def work(task: Task) -> tuple[Any, float]:
    """What a part leaves, and the processor seconds that it took."""
    begin = time.process_time()
    return experiment(task.script).one_part(task.part, task.seed), time.process_time() - begin


def tasks_of(script: str) -> list[Task]:
    """All parts, one seed after another."""
    own = experiment(script)
    return [Task(script, part, seed) for seed in own.seeds for part in own.parts]


def content(script: str, found: dict[Task, Any]) -> dict[str, Any]:
    """The result's file: whole seeds, and parts of others."""
    own = experiment(script)
    seeds = {seed: {p: found[t] for p in own.parts if (t := Task(script, p, seed)) in found} for seed in own.seeds}
    whole = {str(seed): parts for seed, parts in seeds.items() if len(parts) == len(own.parts)}
    rest = {str(seed): parts for seed, parts in seeds.items() if 0 < len(parts) < len(own.parts)}
    origin = results.provenance(own.script, own.data)
    return {"provenance": origin, "seeds": whole} | ({"unfinished": rest} if rest else {})


def write(out: Path, scripts: list[str], found: dict[Task, Any]) -> None:
    """One file for each experiment that has begun."""
    begun = {task.script for task in found}
    for script in (s for s in scripts if s in begun):
        results.write_results(out / f"{experiment(script).name}.json", content(script, found))


def run(scripts: list[str], out: Path, seconds: float, processes: int) -> dict[Task, float]:
    """Run all tasks until the time is over; return the processor seconds of those that have ended."""
    until, found, cost = clock() + seconds, {}, {}
    out.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context(START)
    pool = concurrent.futures.ProcessPoolExecutor(processes, mp_context=context, initializer=one_thread)
    waiting = {pool.submit(work, task): task for script in scripts for task in tasks_of(script)}
    while waiting and clock() < until:
        pause = max(0.0, min(EVERY, until - clock()))
        done, _ = concurrent.futures.wait(waiting, pause)  # all of them, or as many as the pause allows
        for future in done:
            task = waiting.pop(future)
            if future.exception() is None:
                found[task], cost[task] = future.result()
            else:
                logger.error("%s failed", task, exc_info=future.exception())
        write(out, scripts, found)
        logger.info("%d tasks done, %d to do", len(found), len(waiting))
    pool.shutdown(wait=False, cancel_futures=True)
    for process in multiprocessing.active_children():
        process.terminate()
    return cost


def report(scripts: list[str], cost: dict[Task, float]) -> None:
    """Log tasks and processor seconds by experiment."""
    spent: dict[str, float] = collections.defaultdict(float)
    count = collections.Counter(task.script for task in cost)
    for task, taken in cost.items():
        spent[task.script] += taken
    for script in scripts:
        logger.info("%s: %d of %d tasks, %.0f s", script, count[script], len(tasks_of(script)), spent[script])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Run experiments of the book on many processors.")
    parser.add_argument("scripts", nargs="+", help="paths inside book/, without .py")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--seconds", type=float, default=390.0, help="when to stop")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    report(given.scripts, run(given.scripts, given.out, given.seconds, given.processes))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
