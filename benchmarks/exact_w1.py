"""Seconds of exact W1 by each solver against the number of points: which one when.

Run: python benchmarks/exact_w1.py --largest 2000 --out book/results/exact_w1.json

POT's network simplex, SciPy's assignment and, on the line, a sort solve the same problems in turn, for equal weights
and for unequal ones. The table has medians of processor seconds, without the cost matrix; the answers have to agree.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from tools.book.results import provenance
from wgan_course import transport

SIZES = (100, 200, 500, 1000, 2000, 5000, 10_000)
SLOWEST = 5.0  # a solver that took longer than this is left out of larger problems
AGREEMENT = 1e-9

Problem = dict[str, Any]
Solver = Callable[[Problem], float]


def simplex(problem: Problem) -> float:
    """Solve the programme by POT's network simplex."""
    return float(transport.solve(problem["cost"], problem["a"], problem["b"]).value)


def assignment(problem: Problem) -> float:
    """Pair the points by SciPy's shortest augmenting paths; for equal weights only."""
    cost = problem["cost"].numpy()
    return float(cost[linear_sum_assignment(cost)].mean())


def sort(problem: Problem) -> float:
    """Sort; on the line only."""
    x, y = problem["x"][:, 0], problem["y"][:, 0]
    return float(transport.wasserstein_1d(x, y, problem["a"], problem["b"]))


def solvers(dimension: int, equal: bool) -> dict[str, Solver]:
    """Those that apply to a kind of problem."""
    found = {"simplex": simplex}
    if equal:
        found["assignment"] = assignment
    if dimension == 1:
        found["sort"] = sort
    return found


def problem(n: int, dimension: int, equal: bool, seed: int) -> Problem:
    """Two normal clouds of n points, one unit apart along each axis."""
    rng = np.random.default_rng(seed)
    x, y = (torch.from_numpy(rng.normal(size=(n, dimension)) + shift) for shift in (0, 1))
    weights = [None if equal else torch.from_numpy(rng.dirichlet(np.ones(n))) for _ in range(2)]
    return {"x": x, "y": y, "cost": transport.cost_matrix(x, y), "a": weights[0], "b": weights[1]}


def timed(solver: Solver, given: Problem) -> tuple[float, float]:
    """Answer and processor seconds."""
    start = time.process_time()
    value = solver(given)
    return value, time.process_time() - start


def round_of(given: Problem, chosen: dict[str, Solver]) -> dict[str, float]:
    """Seconds of each solver on one problem; an error where two answers differ."""
    answers = {name: timed(solver, given) for name, solver in chosen.items()}
    values = [value for value, _ in answers.values()]
    if values and max(values) - min(values) > AGREEMENT * max(values):
        raise RuntimeError(f"the solvers disagree: {answers}")
    return {name: seconds for name, (_, seconds) in answers.items()}


def measure(dimension: int, equal: bool, sizes: list[int], rounds: int) -> list[dict]:
    """Medians over the rounds, a row a size; who was too slow does not go on."""
    chosen, rows = solvers(dimension, equal), []
    for n in sizes:
        if not chosen:
            break
        made = [round_of(problem(n, dimension, equal, seed), chosen) for seed in range(rounds)]
        medians = {name: statistics.median(row[name] for row in made) for name in chosen}
        rows.append({"n": n, "seconds": medians})
        chosen = {name: solver for name, solver in chosen.items() if medians[name] < SLOWEST}
    return rows


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    sizes, table = [n for n in SIZES if n <= options.largest], []
    for dimension in (1, 2, 10):
        for equal in (True, False):
            rows = measure(dimension, equal, sizes, options.rounds)
            table.append({"dimension": dimension, "weights": "equal" if equal else "unequal", "rows": rows})
            for row in rows:
                told = "   ".join(f"{name} {seconds:9.4f} s" for name, seconds in row["seconds"].items())
                print(f"{dimension:3} dimensions, {table[-1]['weights']:8} n = {row['n']:6}   {told}", flush=True)
    if options.out:
        origin = provenance(__file__, f"normal clouds, {options.rounds} rounds", f"cpu, {os.cpu_count()} processors")
        content = {"table": table, "load": round(os.getloadavg()[0], 1), "provenance": origin}
        options.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
