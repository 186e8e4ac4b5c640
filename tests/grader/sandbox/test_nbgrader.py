"""What is left to nbgrader: its own commands, late penalties, grading again; the formgrader is tried in a browser."""

import csv
import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from demo_class import (
    NAME,
    PARTIAL,
    PROOF,
    RIGHT,
    answered,
    cell_of,
    grade_at_once,
    hand_in,
    make_class,
    make_course,
    released,
)

from wgan_grader import pipeline

needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
PENALTY = """
from nbgrader.plugins import LateSubmissionPlugin

c.AssignLatePenalties.plugin_class = LateSubmissionPlugin
c.LateSubmissionPlugin.penalty_method = "zero"
"""
DUE, LATE = "2026-01-10 12:00:00 UTC", "2026-01-11 12:00:00 UTC"


# `python -m nbgrader`, without the grammar that jsonschema else compiles for a second (see `wgan_cli.main`).
PLAIN = "import runpy, sys; sys.modules['rfc3987_syntax'] = None; runpy.run_module('nbgrader', run_name='__main__')"


def command(root, *words):
    """Run a command of plain nbgrader, as an instructor would; its exit status and its log."""
    folders = {name: str(root / ".jupyter") for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    process = [sys.executable, "-c", PLAIN, *words]
    environment = os.environ | folders | {"PATH": "/usr/bin:/bin"}  # as where the environment is not activated
    done = subprocess.run(process, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stderr


def scores(root):
    """Scores in the gradebook, by student."""
    with pipeline.Course(root).gradebook() as book:
        return {submission.student.id: submission.score for submission in book.assignment_submissions(NAME)}


@pytest.mark.slow
@pytest.mark.sandbox
@needs_bubblewrap
def test_plain_commands_set_a_due_date_and_give_the_same_scores(tmp_path):
    """The first of them makes the gradebook, for which nbgrader calls alembic by name."""
    root = make_course(tmp_path)
    status, log = command(root, "db", "assignment", "add", NAME, "--duedate", DUE)
    assert status == 0, log
    assert pipeline.Course(root).due(NAME) == "2026-01-10 12:00:00"
    status, log = command(root, "generate_assignment", NAME, "--create")
    assert status == 0, log
    assert "NotImplementedError" in cell_of(released(root), "kl").source
    expected = make_class(root, "partial", "raises", "not-a-notebook")  # all six: in test_class
    _, log = command(root, "autograde", NAME, "--create", "--Judge.cell_timeout=4")
    del expected["not-a-notebook"]
    assert {student: score for student, score in scores(root).items() if student in expected} == expected, log
    assert "not-a-notebook" in log
    made = nbformat.read(str(root / "autograded" / "partial" / NAME / f"{NAME}.ipynb"), as_version=4)
    assert "0 · log 0" in repr(cell_of(made, "check-ps01-kl").outputs)


def test_late_penalties_are_nbgrader_s(course):
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(PENALTY)
    pipeline.release(course)
    with pipeline.Course(course).gradebook() as book:
        book.update_or_create_assignment(NAME, duedate=DUE)
    hand_in(course, "early", answered(course, RIGHT))
    hand_in(course, "late", answered(course, RIGHT), LATE)
    summary = grade_at_once(course)
    assert {row.student: row.score for row in summary.rows} == {"early": 3.0, "late": 0.0}
    assert "3 points taken off" in summary.rows[1].diagnosis
    with summary.grades.open() as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert [(rows[name]["raw_score"], rows[name]["score"]) for name in ("early", "late")] == [
        ("3.0", "3.0"),
        ("3.0", "0.0"),
    ]


def test_without_a_penalty_late_costs_nothing(course):
    with pipeline.Course(course).gradebook() as book:
        book.update_or_create_assignment(NAME, duedate=DUE)
    hand_in(course, "late", answered(course, RIGHT), LATE)
    assert grade_at_once(course).rows[0].score == 3.0


def by_hand(root, student):
    """Grade the proof by hand through the gradebook's own objects."""
    with pipeline.Course(root).gradebook() as book:
        grade = book.find_grade("proof", NAME, NAME, student)
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        book.db.commit()


def waits(root, student):
    with pipeline.Course(root).gradebook() as book:
        return book.find_grade("proof", NAME, NAME, student).needs_manual_grade


def test_a_second_grading_keeps_the_hand_s_points_and_asks_again(course):
    hand_in(course, "ann", answered(course, PARTIAL, PROOF))
    assert [(row.score, row.waiting) for row in grade_at_once(course).rows] == [(1.0, True)]
    by_hand(course, "ann")
    shutil.rmtree(course / "submitted" / "ann")
    hand_in(course, "ann", answered(course, RIGHT, PROOF + " And more."))
    again = grade_at_once(course).rows[0]
    assert (again.score, again.cached) == (4.5, False)
    assert waits(course, "ann")


def test_a_proof_that_was_not_begun_waits_for_nobody(course):
    hand_in(course, "ann", answered(course, RIGHT))
    assert grade_at_once(course).rows[0].waiting is False
    assert not waits(course, "ann")
