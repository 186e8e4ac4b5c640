"""The attacks of tests/grading/attacks against plain nbgrader and against the course's grader, as a table and JSON.

Harmful ones are never handed to plain nbgrader: it would run them with your rights. The rest run in a course folder of
their own, each beside one honest submission whose score must not move.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "fixtures"), str(ROOT / "tests" / "grading" / "attacks")]

from demo_class import NAME, RIGHT, answered, hand_in, make_course  # noqa: E402
from hostile import ATTACKS  # noqa: E402

from wgan_course.grading import pipeline  # noqa: E402
from wgan_course.grading.execution import Settings  # noqa: E402
from wgan_course.grading.sandbox import Limits  # noqa: E402

UNSAFE = ("forge-gradebook", "forge-others", "forge-solutions", "forge-autograded", "harm-")
LIMITS = Limits(memory=3 * 2**29, processes=64, folder=2**25, files=400, file_size=24 * 2**20, temporary=2**25, wall=60)


def plain(attack):
    """Score that plain nbgrader stores, or what happened instead; None for what must not run there."""
    if attack.harmful or attack.name.startswith(UNSAFE):
        return None
    from nbgrader import preprocessors as steps
    from nbgrader.converters import Autograde

    root = make_course(tempfile.mkdtemp())
    pipeline.release(root)
    hand_in(root, "honest", answered(root, RIGHT))
    attack.build(root, attack.name)
    course = pipeline.Course(root)
    order = [steps.LimitOutput, steps.SaveAutoGrades, steps.AssignLatePenalties, steps.CheckCellMetadata]
    config = course._config()
    config.Autograde.autograde_preprocessors = [steps.Execute, *order]
    try:
        course._convert(Autograde, NAME, attack.name, config, create_student=True)
        with course.gradebook() as book:
            return book.find_submission(NAME, attack.name).score
    except Exception as error:
        return f"stopped: {type(error).__name__}"
    finally:
        shutil.rmtree(root, ignore_errors=True)


def ours(attacks):
    """Score and diagnosis of each attack in the course's grader."""
    root = make_course(tempfile.mkdtemp())
    pipeline.release(root)
    for attack in attacks:
        attack.build(root, attack.name)
    rows = pipeline.grade(root, NAME, settings=Settings(LIMITS, cell_timeout=5, grace=2.0), workers=2).rows
    shutil.rmtree(root, ignore_errors=True)
    return {row.student: row for row in rows}


def main():
    """Run both, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "book" / "results" / "attacks.json")
    options = parser.parse_args()
    mine = ours(ATTACKS)
    table = [
        {"attack": a.name, "tries": a.tries, "true": a.score, "plain": plain(a), "course": mine[a.name].score}
        for a in ATTACKS
    ]
    for row in table:
        print(f"{row['attack']:28} true {row['true']:g}  plain {row['plain']}  course {row['course']}")
    result = {"command": "python benchmarks/attacks_table.py", "device": "cpu", "date": time.strftime("%Y-%m-%d")}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result | {"rows": table}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
