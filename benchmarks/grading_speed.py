"""Seconds a submission: the sandboxed grader beside plain nbgrader, interleaved on the same submissions.

Both run the same right notebook, one after the other, several times; the table has the medians. Plain nbgrader executes
and scores by the printed points; ours also builds the sandbox, observes on secret inputs and judges.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "fixtures"))

from demo_class import NAME, PROOF, RIGHT, answered, hand_in, make_course  # noqa: E402

from tools.book.results import provenance  # noqa: E402
from wgan_grader import pipeline  # noqa: E402
from wgan_grader.judge import Judge  # noqa: E402

PACKAGES = ("nbgrader", "nbclient", "ipykernel")


def autograde(course, student, judge):
    """Autograde one submission with nbgrader's own command class; seconds that it took."""
    from nbgrader import preprocessors as steps
    from nbgrader.converters import Autograde

    config = course._config()
    order = [steps.LimitOutput, steps.SaveAutoGrades, steps.AssignLatePenalties, steps.CheckCellMetadata]
    config.Autograde.autograde_preprocessors = [judge, *order]
    began = time.perf_counter()
    course._convert(Autograde, NAME, student, config, create_student=True)
    return time.perf_counter() - began


def measure(rounds):
    """Seconds of each grader, one pair a round."""
    from nbgrader.preprocessors import Execute

    root = make_course(tempfile.mkdtemp())
    pipeline.release(root)
    hand_in(root, "student", answered(root, RIGHT, PROOF))
    course = pipeline.Course(root)
    return [(autograde(course, "student", Execute), autograde(course, "student", Judge)) for _ in range(rounds)]


def main():
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=ROOT / "book" / "results" / "grading_speed.json")
    options = parser.parse_args()
    pairs = measure(options.rounds + 1)[1:]
    plain, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(second / first for first, second in pairs)
    origin = provenance(__file__, f"one right submission, {options.rounds} rounds", f"cpu, {os.cpu_count()} processors")
    origin |= {"python": platform.python_version(), "load": f"{os.getloadavg()[0]:.1f}"}
    origin |= {name: version(name) for name in PACKAGES}
    result = {"plain_seconds": plain, "sandboxed_seconds": ours, "ratio": ratio, "provenance": origin}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(f"plain nbgrader {plain:.2f} s, sandboxed {ours:.2f} s, ratio {ratio:.2f} (median of {options.rounds})")


if __name__ == "__main__":
    main()
