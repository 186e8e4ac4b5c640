"""A feedback page is made in a process of its own, within a time; what takes longer is plain text, with its points."""

import os
import re
import signal
import time

import psutil
import pytest
from demo_class import KEY, NAME, PARTIAL, RIGHT, answered, grade_at_once, hand_in
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from wgan_grader import course as courses
from wgan_grader import feedback, recording
from wgan_grader.submission import MAX_RENDERED, MAX_RENDERED_IN_ALL


def spin(seconds=60.0):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_work_is_done_elsewhere_and_its_files_stay(tmp_path):
    kept = []

    def work():
        kept.append(1)
        (tmp_path / "made").write_text(str(os.getpid()))

    feedback.apart(work, 5.0)
    assert int((tmp_path / "made").read_text()) != os.getpid()
    assert kept == []


def test_work_that_takes_too_long_is_ended():
    before = set(psutil.Process().children())  # other tests keep theirs
    with pytest.raises(feedback.TooLongError):
        feedback.apart(spin, 0.2)
    assert set(psutil.Process().children()) <= before


def test_work_that_waits_for_ever_is_ended(monkeypatch):
    monkeypatch.setattr(feedback, "WAIT", 1)
    with pytest.raises(feedback.TooLongError):
        feedback.apart(lambda: time.sleep(60), 0.3)


def test_work_whose_process_is_killed_is_no_work_done():
    with pytest.raises(feedback.TooLongError):
        feedback.apart(lambda: os.kill(os.getpid(), signal.SIGKILL), 5.0)


class OddError(Exception):
    """An error that cannot be made anew, whatever some library has taught pickle about errors."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")
        self.why = lambda: one


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (courses.CourseError("nbgrader stopped"), courses.CourseError, "nbgrader stopped"),
        (OSError(28, "No space left on device"), OSError, "No space left"),
        (OddError("this", "that"), RuntimeError, "OddError: this and that"),
        (ValueError("x" * 10**6), RuntimeError, "ValueError: xxx"),
        (SystemExit(3), SystemExit, "3"),
    ],
)
def test_what_the_work_raised_is_raised_here(error, kind, said):
    def fail():
        raise error

    with pytest.raises(kind, match=said):
        feedback.apart(fail, 5.0)


def test_where_no_process_can_be_forked_the_work_is_done_here(monkeypatch):
    done = []
    monkeypatch.delattr(os, "fork")
    feedback.apart(lambda: done.append(1), 5.0)
    assert done == [1]


def test_a_page_that_takes_long_is_plain_text_and_costs_nobody_anything(course, monkeypatch):
    true = recording.ReadGrades.preprocess

    def slow(self, nb, resources):
        if resources["nbgrader"]["student"] == "ann":
            spin()
        return true(self, nb, resources)

    monkeypatch.setattr(recording.ReadGrades, "preprocess", slow)
    monkeypatch.setattr(feedback, "SECONDS", 1.0)
    for student in ("ann", "ben"):
        hand_in(course, student, answered(course, PARTIAL, "By <b>Jensen</b>."))
    rows = grade_at_once(course).rows
    assert [(row.status, row.score, row.waiting) for row in rows] == [("graded", 1.0, True)] * 2
    assert [feedback.PLAIN in row.diagnosis for row in rows] == [True, False]
    plain, rendered = ((course / "feedback" / row.student / NAME / f"{NAME}.html").read_text() for row in rows)
    for words in ("as plain text", "check-ps01-kl: 1 / 3 points", "proof: not graded yet, 2 points"):
        assert words in plain
        assert words not in rendered
    for words in ("an atom with p = 0 contributes 0", "torch.log(p / q)"):
        assert words in plain
    assert "nbgrader_cell" in rendered
    again = grade_at_once(course)
    assert [(row.cached, feedback.PLAIN in row.diagnosis) for row in again.rows] == [(True, True), (True, False)]


def test_a_plain_page_shows_texts_and_no_markup():
    known = {"nbgrader": {"grade_id": "proof"}}
    outputs = [
        new_output("stream", text="<printed>"),
        new_output("error", ename="E", evalue="e", traceback=["\x1b[31m<trace>\x1b[0m"]),
        new_output("display_data", {"text/plain": "<shown>", "image/png": "AAAA"}),
    ]
    cells = [new_markdown_cell("<script>x()</script>", metadata=known), new_code_cell("1 < 2", outputs=outputs)]
    page = feedback.plain_page("a<b", new_notebook(cells=cells), {"proof": "1 / 2 points"}, {"proof": "<i>good</i>"})
    assert "proof: 1 / 2 points" in page
    for text in ("<printed>", "<trace>", "<shown>", "<script>x()", "<i>good", "1 < 2", "a<b"):
        assert text not in page
        assert text.replace("<", "&lt;").replace(">", "&gt;") in page
    assert "AAAA" not in page
    assert "\x1b" not in page


def test_what_each_page_needs_is_read_before_the_first_fork(course):
    made = courses.Course(course)
    made._get_ready(NAME)
    (converter,) = made.converters.values()
    own = converter.exporter._preprocessors
    converter.exporter._preprocessors = own[: len(own) - len(converter.preprocessors)]
    page = courses._render_blank(converter.exporter, made.released(NAME))
    assert f"<title>{NAME}</title>" in page
    assert "this exercise is still open" in page


@pytest.mark.parametrize("unit", ["[", "|a\n|-\n"])
def test_texts_that_take_the_square_of_their_length_are_short_enough_to_be_rendered(course, unit):
    """At the limits of what is shown; longer texts are cut before (`test_proof_pictures`)."""
    size = MAX_RENDERED_IN_ALL // MAX_RENDERED - 1
    notebook = answered(course, RIGHT, unit * (MAX_RENDERED // len(unit)))
    notebook.cells += [new_markdown_cell(unit * (MAX_RENDERED // len(unit))) for _ in range(size)]
    hand_in(course, "ann", notebook)
    (row,) = grade_at_once(course).rows
    assert (row.status, row.score) == ("graded", 3.0)
    assert feedback.PLAIN not in row.diagnosis
    page = (course / "feedback" / "ann" / NAME / f"{NAME}.html").read_text()
    assert re.search(r"Score: 3\.0 / 3\.0", page)
    assert KEY.partition(".")[2] in page
