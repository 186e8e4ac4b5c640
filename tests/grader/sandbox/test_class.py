"""A class whose submissions do as they like with folders, names and times; with a kernel that takes no time."""

import os
import shutil

import pytest
from demo_class import KEY, NAME, PARTIAL, PROOF, RIGHT, answered, cell_of, grade_at_once, hand_in
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from wgan_grader import judge, locks, pipeline, registry
from wgan_grader import report as reporting
from wgan_grader.execution import Run

PAGE = f"{NAME}.html"


def beside(course):
    """Hand in what must not be disturbed."""
    hand_in(course, "zoe", answered(course, RIGHT))


def rows_of(course, **options):
    return {row.student: row for row in grade_at_once(course, **options).rows}


def deep(folder):
    """Folders so deep that no path can name the last one."""
    here, name = os.open(folder, os.O_RDONLY), "n" * 100
    for _ in range(200):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def folder_for_stamp(folder):
    (folder / "timestamp.txt").unlink()
    (folder / "timestamp.txt").mkdir()
    (folder / "timestamp.txt" / "x").write_text("1")


def folder_for_notebook(folder):
    (folder / f"{NAME}.ipynb").rename(folder / "mine.ipynb")
    (folder / f"{NAME}.ipynb").mkdir()
    (folder / f"{NAME}.ipynb" / "x.csv").write_text("1")


def folder_for_page(folder):
    (folder / PAGE / "x").mkdir(parents=True)
    (folder / "mathjax.js").mkdir()


def odd_name(folder):
    os.makedirs(os.fsencode(folder) + b"/\xff\xfe")
    (folder / "a\nb").write_text("1")


def long_path(folder):
    (folder / ("a" * 200) / ("b" * 200)).mkdir(parents=True)
    (folder / ("a" * 200) / ("b" * 200) / "c.csv").write_text("1")


def pipe(folder):
    os.mkfifo(folder / "pipe.csv")


@pytest.fixture(scope="module")
def odd_class(released_course, tmp_path_factory):
    """One class with each kind of odd folder in it, graded once; the course and its rows."""
    course = shutil.copytree(released_course, tmp_path_factory.mktemp("odd") / "course")
    beside(course)
    for make in (deep, folder_for_stamp, folder_for_notebook, folder_for_page, odd_name, long_path, pipe):
        make(hand_in(course, make.__name__, answered(course, RIGHT)))
    hand_in(course, "line\nbreak", answered(course, RIGHT))
    odd = hand_in(course, "odd", answered(course, RIGHT)).parent
    os.rename(os.fsencode(odd), os.fsencode(odd.with_name("odd")) + b"\xff")
    (course / "submitted" / "link-of-set").mkdir()
    (course / "submitted" / "link-of-set" / NAME).symlink_to(course / "submitted" / "zoe" / NAME)
    hand_in(course, "link-of-file", b"")
    path = course / "submitted" / "link-of-file" / NAME / f"{NAME}.ipynb"
    path.unlink()
    path.symlink_to(course / "solutions" / NAME / f"{NAME}.ipynb")
    (course / "submitted" / "a-file").mkdir()
    (course / "submitted" / "a-file" / NAME).write_text("no folder")
    return course, rows_of(course)


@pytest.mark.parametrize(
    "student", ["zoe", "deep", "folder_for_stamp", "folder_for_page", "odd_name", "long_path", "pipe"]
)
def test_an_odd_folder_costs_nobody_anything(odd_class, student):
    _, rows = odd_class
    assert (rows[student].status, rows[student].score) == ("graded", 3.0)


def test_what_is_left_out_is_named(odd_class):
    _, rows = odd_class
    assert "Left out" in rows["long_path"].diagnosis
    assert "\\n" in rows["odd_name"].diagnosis


@pytest.mark.parametrize(
    ("student", "why"),
    [
        ("link-of-set", "is a link"),
        ("link-of-file", "is a link"),
        ("a-file", "no folder but a file"),
        ("folder_for_notebook", "is no file"),
    ],
)
def test_links_and_folders_in_the_place_of_files_earn_nothing(odd_class, student, why):
    course, rows = odd_class
    assert (rows[student].status, rows[student].score) == ("unreadable", 0.0)
    assert why in rows[student].diagnosis
    assert (course / "feedback" / student / NAME / PAGE).is_file()


def test_a_folder_that_can_be_no_student_s_is_a_row_of_its_own(odd_class):
    _, rows = odd_class
    for name in ("line\\nbreak", "odd\\xff"):
        assert rows[name].status == "failed"
        assert "Please rename it" in rows[name].diagnosis


def test_an_unchanged_class_is_left_as_it_is(odd_class, monkeypatch):
    course, rows = odd_class
    monkeypatch.setattr(pipeline.Course, "record", lambda *_: pytest.fail("written again"))
    assert {name: row.score for name, row in rows_of(course).items()} == {name: row.score for name, row in rows.items()}


# --- hand grades -----------------------------------------------------------------------------------------------------


def by_hand(course, student, points):
    """Grade the proof as formgrader does."""
    with pipeline.Course(course).gradebook() as book:
        grade = book.find_grade("proof", NAME, NAME, student)
        grade.manual_score, grade.needs_manual_grade = points, False
        book.db.commit()


def test_hand_grades_reach_students_with_the_next_run_and_a_proof_is_flagged_only_where_it_changed(course):
    hand_in(course, "ann", answered(course, RIGHT, PROOF))
    page = course / "feedback" / "ann" / NAME / PAGE
    assert rows_of(course)["ann"].waiting
    said = page.read_text()
    assert said.count("not graded yet, 2 points") == 2, "in the list and above the answer"
    assert "0.0 / 2.0" not in said, "what nobody has read yet has not earned 0"
    assert "Score so far: 3.0 / 5.0; 2 points are still to be graded by hand" in said
    by_hand(course, "ann", 1.5)
    assert [(row.score, row.waiting) for row in rows_of(course).values()] == [(4.5, False)]
    assert "4.5 / 5.0" in page.read_text()
    assert "1.5 / 2.0" in page.read_text()
    assert "graded yet" not in page.read_text()
    shutil.rmtree(course / "submitted" / "ann")
    hand_in(course, "ann", answered(course, PARTIAL, PROOF))
    assert [(row.score, row.waiting) for row in rows_of(course).values()] == [(2.5, False)]
    shutil.rmtree(course / "submitted" / "ann")
    hand_in(course, "ann", answered(course, PARTIAL, f"{PROOF} Indeed."))
    assert rows_of(course)["ann"].waiting


def test_the_report_has_everybody(course):
    hand_in(course, "ann", answered(course, RIGHT, PROOF))
    hand_in(course, "ben", answered(course, PARTIAL))
    hand_in(course, "cleo", b"%PDF")
    made = pipeline.Course(course)
    with made.gradebook() as book:
        book.update_or_create_student("dan", first_name="Dan", last_name="Doe", email="")
    assert rows_of(course)["dan"].status == "missing"
    found = reporting.gather(made, NAME)
    assert {line.student: line.status for line in found.lines} == {
        "ann": "graded", "ben": "graded", "cleo": "unreadable", "dan": "missing",
    }  # fmt: skip
    assert [line.student for line in found.pending] == ["ann"]
    assert found.scores == [0.0, 1.0]
    assert [(one.possible, one.pending) for one in found.exercises] == [(3.0, 0), (2.0, 1)]
    assert found.exercises[0].share == pytest.approx((3 + 1 + 0) / 9)
    assert [count for _, *count in found.exercises[0].criteria if count[0] < count[1]] != []
    assert "0 · log 0" in found.misconceptions[0].message
    paths = reporting.write(made, NAME, course / "reports")
    assert [path.name for path in paths] == [f"{NAME}.html", f"{NAME}.canvas.csv", f"{NAME}.moodle.csv"]


# --- notes ----------------------------------------------------------------------------------------------------------


def test_cells_that_are_put_back_are_named(course):
    notebook = answered(course, RIGHT)
    cell_of(notebook, "set-up").source += "\nimport os"
    notebook.cells.append(cell_of(answered(course, PARTIAL), "kl"))
    notebook.cells.remove(cell_of(notebook, "proof"))
    hand_in(course, "ann", notebook)
    hand_in(course, "ben", answered(course, f"{RIGHT}  \n"))
    rows = rows_of(course)
    assert rows["ben"].diagnosis == ""
    for words in ("put back as handed out: cell 'set-up'", "unanswered: cell 'proof'", "last one counts: cell 'kl'"):
        assert words in rows["ann"].diagnosis


def test_a_syntax_error_is_called_by_its_name():
    error = NotebookNode(output_type="error", ename="SyntaxError", evalue="invalid syntax (1.py, line 3)", traceback=[])
    run = Run(new_notebook(cells=[new_markdown_cell("x"), new_code_cell("def", outputs=[error])]))
    said = judge._why_missing(registry.find(KEY), run, "ps01.kl.safetensors is not there")
    assert "Cell 2 has a SyntaxError (invalid syntax in line 3)." in said
    assert "safetensors" not in said
    name = NotebookNode(output_type="error", ename="NameError", evalue="name 'kl' is not defined", traceback=[])
    run = Run(new_notebook(cells=[new_code_cell(f'check("{KEY}", kl)', outputs=[name])]))
    assert "NameError: name 'kl' is not defined" in judge._why_missing(registry.find(KEY), run, "x")


# --- two runs --------------------------------------------------------------------------------------------------------


def test_a_second_run_is_refused_and_told_who_is_at_it(course):
    hand_in(course, "ann", answered(course, RIGHT))
    with locks.hold(course / "grading", "wgan-course grade ps09"), pytest.raises(locks.BusyError) as refused:
        grade_at_once(course)
    assert "wgan-course grade ps09" in str(refused.value)
    assert f"process {os.getpid()}" in str(refused.value)
    assert not (course / "autograded").exists()
    assert rows_of(course)["ann"].score == 3.0


def test_what_a_killed_run_left_staged_goes(course):
    hand_in(course, "ann", answered(course, RIGHT))
    (course / "grading" / "staged-of-another").mkdir(parents=True)
    grade_at_once(course)
    assert not list((course / "grading").glob("staged*"))
