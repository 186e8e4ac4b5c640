"""Seconds that importing the package costs beside importing torch, interleaved.

Run: python benchmarks/import_cost.py --rounds 21 --out book/results/import_cost.json

Each round starts a fresh interpreter for each statement, in turn. Processor seconds (user and system) are what a busy
machine changes least; wall seconds are shown beside them. Nothing is written while the machine is busy.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

STATEMENTS = {
    "torch": "import torch",
    "package": "import torch, wgan_course",
    "everyday": "import torch, wgan_course.divergences, wgan_course.transport, wgan_course.norms, "
    "wgan_course.objectives, wgan_course.constraints, wgan_course.models, wgan_course.training",
}
BUSY = 1.5


def seconds(statement: str) -> tuple[float, float]:
    """Processor and wall time of a fresh interpreter that runs one statement."""
    start = time.perf_counter()
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", statement], os.environ)
    _, status, used = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"{statement!r} failed with status {status}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - start


def measure(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Times over interleaved rounds, after one that is not counted."""
    times = {name: [] for name in STATEMENTS}
    for round_number in range(rounds + 1):
        for name, statement in STATEMENTS.items():
            taken = seconds(statement)
            if round_number:
                times[name].append(taken)
    return times


def summary(times: dict[str, list[tuple[float, float]]]) -> dict[str, dict[str, float]]:
    """Least and median of both clocks, and the cost over torch alone (median of the rounds' ratios)."""
    table = {}
    for name, pairs in times.items():
        processor, wall = zip(*pairs, strict=True)
        ratios = [own / base for (own, _), (base, _) in zip(pairs, times["torch"], strict=True)]
        table[name] = {
            "least processor seconds": min(processor),
            "median processor seconds": statistics.median(processor),
            "least wall seconds": min(wall),
            "median wall seconds": statistics.median(wall),
            "over torch, median of ratios": statistics.median(ratios) - 1,
            "over torch, ratio of least": min(processor) / min(cpu for cpu, _ in times["torch"]) - 1,
        }
    return table


def provenance(rounds: int) -> dict[str, str]:
    """Where the numbers come from."""
    import torch

    return {
        "command": f"python benchmarks/import_cost.py --rounds {rounds}",
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, CPU",
    }


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    table = summary(measure(options.rounds))
    for name, row in table.items():
        median, over = row["median processor seconds"], row["over torch, median of ratios"]
        print(f"{name:10} {median:7.3f} s of the processor   {100 * over:+6.1f} % over torch alone")
    if options.out and load >= BUSY:
        sys.exit(f"not written: the machine's load was {load:.1f}, and is to be below {BUSY}")
    if options.out:
        content = {"seconds": table, "load": load, "provenance": provenance(options.rounds)}
        options.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
