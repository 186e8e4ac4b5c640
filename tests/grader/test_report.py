"""The class report: what is pending is pending everywhere, and what a platform imports has its columns."""

import csv
import io
from dataclasses import replace
from types import SimpleNamespace

import pytest

from wgan_grader import report as reporting
from wgan_grader.report import ClassReport, Exercise, Line, Misconception
from wgan_grader.roster import Roster, Student

LINES = (
    Line("ann", "Ann <b>Lee</b>", "graded", 5.0, 5.0, seconds=2.0),
    Line("ben", "Ben Poe", "graded", 3.0, 5.0, pending=2.0, seconds=4.0),
    Line("cleo", "", "unreadable", 0.0, 5.0, note="<script>x()</script> is not JSON"),
    Line("dan", "Dan Roe", "missing"),
    Line("eve", "Eve Moe", "failed", note="there is no room left on the disk"),
)
EXERCISES = (
    Exercise("Divergence", 3.0, 0.5, 0, (("the value", 1, 2),)),
    Exercise("proof", 2.0, None, 1),
)
MADE = ClassReport(
    "ps01_demo", LINES, EXERCISES, (Misconception("Divergence", "0 · log 0 was left", 2),), "2026-01-05 12:00 UTC"
)
CLASS = [Student(line.student, *line.name.split(" ", 1)) for line in LINES if line.name]
ROSTER = Roster((*CLASS, Student("fay", "Fay", "Doe")))


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_only_final_scores_are_counted():
    assert MADE.scores == [0.0, 5.0]
    assert (MADE.mean, MADE.median, MADE.seconds) == (2.5, 2.5, (3.0, 4.0))


@pytest.mark.parametrize(
    ("scores", "expected"), [([0, 5], {0: 1, 9: 1}), ([0.5, 0.4999, 2.5, 4.5], {0: 1, 1: 1, 5: 1, 9: 1})]
)
def test_bars_hold_each_score_once(scores, expected):
    lines = tuple(Line(str(score), "", "graded", score, 5.0) for score in scores)
    bars = replace(MADE, lines=lines).bars
    assert {index: count for index, (_, _, count) in enumerate(bars) if count} == expected
    assert bars[0][0] == 0
    assert bars[-1][1] == 5.0


def test_an_empty_class_has_a_page():
    page = reporting.html(ClassReport("ps01_demo", (), (), (), "now"))
    assert "No score is final yet" in page
    assert "Everybody has handed in" in page


def test_the_page_asks_nobody_and_shows_names_as_text():
    page = reporting.html(MADE)
    assert "http" not in page
    assert "<script" not in page
    assert "Ann &lt;b&gt;Lee" in page
    for words in ("0 · log 0 was left", "1 of 2", "50 %", "2 of 5", "no room left", "Nothing handed in (1)"):
        assert words in page


def test_a_histogram_has_its_numbers_in_a_table():
    page = reporting.html(MADE)
    assert page.count("<rect") == page.count("<tr><td>from ") == reporting.BARS
    assert 'role="img"' in page


def test_pending_missing_and_failed_are_no_zero_in_canvas():
    found = rows(reporting.canvas(MADE, ROSTER))
    assert list(found[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "ps01_demo"]
    assert found[0]["ps01_demo"] == "5"
    scores = {row["SIS Login ID"]: row["ps01_demo"] for row in found[1:]}
    assert scores == {"ann": "5", "ben": "", "cleo": "0", "dan": "", "eve": "", "fay": ""}


def test_pending_missing_and_failed_are_no_zero_in_moodle():
    found = {row["ID number"]: row for row in rows(reporting.moodle(MADE, ROSTER))}
    assert {name: row["ps01_demo"] for name, row in found.items()} == {
        "ann": "5", "ben": "-", "cleo": "0", "dan": "-", "eve": "-", "fay": "-",
    }  # fmt: skip
    assert "2 points are still to be graded by hand" in found["ben"]["Feedback"]


def test_canvas_gets_back_the_columns_that_it_exported(tmp_path):
    """A gradebook as Canvas exports it, with its second line and its own numbers."""
    exported = tmp_path / "canvas.csv"
    exported.write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,ps01_demo (4711)\n"
        "    Points Possible,,,,,5.00\n"
        '"Lee, Ann",101,S1,ann,Monday,\n"Poe, Ben",102,S2,ben,Monday,\n'
    )
    text = reporting.canvas(replace(MADE, lines=LINES[:2]), Roster.read(exported))
    fixed = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", "ps01_demo (4711)")
    assert [tuple(row[name] for name in fixed) for row in rows(text)] == [
        ("    Points Possible", "", "", "", "", "5"),
        ("Lee, Ann", "101", "S1", "ann", "Monday", "5"),
        ("Poe, Ben", "102", "S2", "ben", "Monday", ""),
    ]


def test_a_submission_that_was_replaced_has_no_score_until_it_is_graded():
    again = replace(MADE, lines=(*LINES, reporting._again("gil", "Gil Poe", SimpleNamespace(possible=5.0, score=4.0))))
    assert again.scores == MADE.scores
    (canvas,) = (row for row in rows(reporting.canvas(again, ROSTER)) if "gil" in row.values())
    assert canvas["ps01_demo"] == ""
    (moodle,) = (row for row in rows(reporting.moodle(again, ROSTER)) if "gil" in row.values())
    assert (moodle["ps01_demo"], moodle["Feedback"]) == ("-", "handed in again and not yet graded")
    assert "resubmitted, not yet graded" in reporting.html(again)
