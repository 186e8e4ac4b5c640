"""The attacks of tests/grader/attacks against plain nbgrader and against the course's grader, as a table and JSON.

Harmful ones are never handed to plain nbgrader: it would run them with your rights.
"""

import argparse
import json
import platform
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "fixtures"), str(ROOT / "tests" / "grader" / "attacks")]

from demo_class import NAME, make_course  # noqa: E402
from hostile import ATTACKS  # noqa: E402
from rich.console import Console  # noqa: E402

from tools.book.results import provenance  # noqa: E402
from wgan_grader import pipeline  # noqa: E402
from wgan_grader.execution import Settings  # noqa: E402
from wgan_grader.sandbox import Limits  # noqa: E402

UNSAFE = ("harm-", "forge-gradebook", "forge-others", "forge-solutions", "forge-autograded", "forge-namespace",
          "forge-sockets", "forge-key")  # fmt: skip
LIMITS = Limits(memory=2**30, processes=48, folder=2**23, files=200, file_size=2**23, temporary=2**23, wall=120)
PACKAGES = ("nbgrader", "nbclient", "ipykernel")


def plain_course():
    """Make a course folder for plain nbgrader."""
    root = make_course(tempfile.mkdtemp())
    pipeline.release(root)
    return pipeline.Course(root)


def plain(attack, course):
    """Score that plain nbgrader stores, or what happened instead; None for what must not run there."""
    if attack.harmful or attack.name.startswith(UNSAFE):
        return None
    from nbgrader import preprocessors as steps
    from nbgrader.converters import Autograde

    attack.build(course.root, attack.name)
    order = [steps.LimitOutput, steps.SaveAutoGrades, steps.AssignLatePenalties, steps.CheckCellMetadata]
    config = course._config()
    config.Autograde.autograde_preprocessors = [steps.Execute, *order]
    config.Execute.timeout = 20
    try:
        course._convert(Autograde, NAME, attack.name, config, create_student=True)
        with course.gradebook() as book:
            return book.find_submission(NAME, attack.name).score
    except Exception as error:
        return f"stopped: {type(error).__name__}"


def ours(attacks):
    """Score and diagnosis of each attack in the course's grader."""
    root = make_course(tempfile.mkdtemp())
    pipeline.release(root)
    for attack in attacks:
        attack.build(root, attack.name)
    rows = pipeline.grade(
        root, NAME, settings=Settings(LIMITS, cell_timeout=5, grace=2.0), workers=2, console=Console()
    ).rows
    shutil.rmtree(root, ignore_errors=True)
    return {row.student: row for row in rows}


def main():
    """Run both, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "book" / "results" / "attacks.json")
    options = parser.parse_args()
    mine, course = ours(ATTACKS), plain_course()
    table = []
    for attack in ATTACKS:
        scores = {"true": attack.score, "plain": plain(attack, course), "course": mine[attack.name].score}
        table.append({"attack": attack.name, "tries": attack.tries} | scores)
        print(f"{attack.name:28} true {attack.score:g}  plain {scores['plain']}  course {scores['course']}", flush=True)
    shutil.rmtree(course.root, ignore_errors=True)
    origin = provenance(__file__, "the submissions of tests/grader/attacks", "cpu")
    origin |= {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"provenance": origin, "rows": table}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
