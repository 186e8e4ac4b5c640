"""Seconds that importing the package costs beside importing torch, interleaved.

Run: python benchmarks/import_cost.py --rounds 7 --out book/results/import_cost.json
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from wgan_course.book.results import provenance

STATEMENTS = {
    "torch": "import torch",
    "package": "import torch, wgan_course",
    "everyday": "import torch, wgan_course.divergences, wgan_course.transport, wgan_course.norms, "
    "wgan_course.objectives, wgan_course.constraints, wgan_course.models, wgan_course.training",
}


def seconds(statement: str) -> float:
    """Wall time of a fresh interpreter that runs one statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def measure(rounds: int) -> dict[str, float]:
    """Medians over interleaved rounds, after one that is not counted."""
    times = {name: [] for name in STATEMENTS}
    for round_number in range(rounds + 1):
        for name, statement in STATEMENTS.items():
            taken = seconds(statement)
            if round_number:
                times[name].append(taken)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    medians = measure(options.rounds)
    for name, value in medians.items():
        print(f"{name:10} {value:7.3f} s   {value / medians['torch']:.3f} of torch alone")
    if options.out:
        origin = provenance(__file__, f"{options.rounds} rounds, each in a fresh interpreter", "cpu")
        origin |= {"python": platform.python_version(), "load": f"{os.getloadavg()[0]:.1f}"}
        options.out.write_text(json.dumps({"median seconds": medians, "provenance": origin}, indent=1) + "\n")


if __name__ == "__main__":
    main()
