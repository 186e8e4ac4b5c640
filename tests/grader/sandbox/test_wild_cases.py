"""What went wrong in other courses, from the submission to the page that the student reads."""

import csv
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import nbformat
import pytest
from demo_class import NAME, PROOF, RIGHT, answered, grade_at_once, graded, hand_in

from wgan_grader import course as courses
from wgan_grader import late, pipeline

FILE = f"{NAME}.ipynb"


def in_a_zip(folder, text):
    with zipfile.ZipFile(folder / "homework.zip", "w") as archive:
        archive.writestr(FILE, text)


def nested(folder, text):
    (folder / "homework").mkdir()
    (folder / "homework" / FILE).write_text(text)


ODD = {
    "bom": lambda folder, text: (folder / FILE).write_bytes(b"\xef\xbb\xbf" + text.encode()),
    "json": lambda folder, text: (folder / f"{FILE}.json").write_text(text),
    "txt": lambda folder, text: (folder / f"{FILE}.txt").write_text(text),
    "nested": nested,
    "zip": in_a_zip,
}
PICTURES = {
    "gone": ("![my proof](attachment:proof.png)", {}),
    "heic": ("![](attachment:a.heic)", {"a.heic": {"image/heic": "AAAA"}}),
}


@pytest.fixture(scope="module")
def wild(released_course, tmp_path_factory):
    """A class that hands in under odd names, with pictures that nobody can show, and times with a zone."""
    root = Path(shutil.copytree(released_course, tmp_path_factory.mktemp("wild") / "course"))
    text = json.dumps(answered(root, RIGHT))
    for student, write in ODD.items():
        folder = root / "submitted" / student / NAME
        folder.mkdir(parents=True)
        write(folder, text)
    for student, (proof, attachments) in PICTURES.items():
        notebook = answered(root, RIGHT, f"{proof} and so on")
        next(cell for cell in notebook.cells if proof in cell.source)["attachments"] = attachments
        hand_in(root, student, notebook, "2026-01-05 10:00:00 UTC")
    hand_in(root, "in-time", answered(root, RIGHT), "2026-01-05 12:00:00 +0200")
    hand_in(root, "late", answered(root, RIGHT), "2026-01-05 12:00:00 +0000")
    late.write_rule(root / courses.KEEP, 1.0)
    made = pipeline.Course(root)
    with made.gradebook() as book:
        book.update_or_create_assignment(NAME, duedate="2026-01-05 11:00:00 UTC")
    return root, {row.student: row for row in grade_at_once(root).rows}


@pytest.mark.parametrize("student", [one for one in ODD if one != "zip"])
def test_a_notebook_under_another_name_or_with_a_byte_order_mark_counts(wild, student):
    _, rows = wild
    assert (rows[student].status, rows[student].score) == ("graded", 3.0)
    assert ("it was graded as" in rows[student].diagnosis) is (student != "bom")


def test_a_zip_in_the_place_of_a_notebook_is_named(wild):
    _, rows = wild
    assert rows["zip"].status == "unreadable"
    assert "'homework.zip'" in rows["zip"].diagnosis


@pytest.mark.parametrize("student", sorted(PICTURES))
def test_a_picture_that_cannot_be_shown_stops_no_feedback(wild, student):
    root, rows = wild
    assert (rows[student].status, rows[student].score, rows[student].waiting) == ("graded", 3.0, True)
    page = (root / "feedback" / student / NAME / f"{NAME}.html").read_text()
    assert "a picture that cannot be shown" in page
    assert "and so on" in page


def test_the_zone_of_a_time_stamp_decides_who_is_late(wild):
    _, rows = wild
    assert [(rows[name].score, "late" in rows[name].diagnosis) for name in ("in-time", "late")] == [
        (3.0, False),
        (0.0, True),
    ]


def test_grades_csv_has_what_the_table_has(wild):
    root, rows = wild
    written = {row["student_id"]: row for row in csv.DictReader(io.StringIO((root / "grades.csv").read_text()))}
    known = {name: ("" if row.waiting else str(row.score)) for name, row in rows.items() if row.score is not None}
    assert {name: row["score"] for name, row in written.items()} == known


@pytest.mark.parametrize("change", ["added", "removed"])
def test_cells_that_come_or_go_after_submissions_leave_the_release_and_say_what_to_do(course, change):
    hand_in(course, "ann", answered(course, RIGHT, PROOF))
    grade_at_once(course)
    made = pipeline.Course(course)
    notebook = nbformat.read(str(made.source(NAME)), as_version=4)
    if change == "added":
        notebook.cells.append(graded("markdown", "proof-2", "more", points=2, solution=True))
    else:
        notebook.cells.pop()
    nbformat.write(notebook, str(made.source(NAME)))
    before = made.released(NAME).read_bytes()
    changed = {"added": "proof-2", "removed": "proof"}[change]
    with pytest.raises(pipeline.CourseError, match=re.escape(f"no cell may be added or removed: {changed}. ")):
        grade_at_once(course)
    assert made.released(NAME).read_bytes() == before
    assert made.standing(NAME, "ann").possible == 5.0
