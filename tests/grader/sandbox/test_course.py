"""The pipeline's bookkeeping, with a kernel that takes no time: what is kept, what runs again, what a trouble costs."""

import io
import re
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from demo_class import KEY, NAME, OPEN, PARTIAL, RIGHT, answered, grade_at_once, hand_in
from hypothesis import example, given
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from rich.console import Console

from wgan_grader import judge, pipeline
from wgan_grader.execution import Settings
from wgan_grader.judge import refuse
from wgan_grader.pipeline import Row, Summary, Task, hash_tree
from wgan_grader.stamps import rewrite_timestamp
from wgan_grader.submission import ACTIVE, LINK, TAG, Blueprint, harmless

# --- hashes ----------------------------------------------------------------------------------------------------------


def test_a_hash_sees_content_names_links_and_folders(tmp_path):
    (tmp_path / "a").write_text("1")
    seen = [hash_tree(tmp_path)]
    for change in (
        lambda: (tmp_path / "a").write_text("2"),
        lambda: (tmp_path / "a").rename(tmp_path / "b"),
        lambda: (tmp_path / "c").symlink_to("b"),
        (tmp_path / "d").mkdir,
        lambda: ((tmp_path / "c").unlink(), (tmp_path / "c").symlink_to("a")),
    ):
        change()
        seen.append(hash_tree(tmp_path))
    assert len(set(seen)) == len(seen)


def test_a_hash_does_not_see_compiled_files(tmp_path):
    (tmp_path / "a").write_text("1")
    before = hash_tree(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "x.pyc").write_text("2")
    assert hash_tree(tmp_path) == before


def test_a_hash_does_not_follow_links(tmp_path):
    (tmp_path / "outside").write_text("1")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "outside")
    before = hash_tree(tmp_path / "in")
    (tmp_path / "outside").write_text("2")
    assert hash_tree(tmp_path / "in") == before


def test_names_and_content_are_kept_apart(tmp_path):
    for folder, name, content in (("x", "ab", "c"), ("y", "a", "bc")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(content)
    assert hash_tree(tmp_path / "x") != hash_tree(tmp_path / "y")


# --- what is kept ----------------------------------------------------------------------------------------------------


def task(tmp_path, **changes):
    settings = {"student": "ann", "folder": tmp_path, "released": tmp_path / "x.ipynb", "settings": Settings()}
    return Task(**settings | {"kept": tmp_path / "kept.json"} | changes)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"notebook": {}}', '{"notebook": {}, "notes": [], "x": 1}'])
def test_a_damaged_result_is_no_result(tmp_path, content):
    (tmp_path / "kept.json").write_text(content)
    assert task(tmp_path).load() is None


def test_a_killed_run_leaves_no_half_result(tmp_path, monkeypatch):
    def dies(self):
        raise OSError("disk full")

    monkeypatch.setattr(judge, "judge_submission", lambda *a: type("Judged", (), {"to_json": dies})())
    monkeypatch.setattr(Blueprint, "read", lambda path: None)
    assert "disk full" in pipeline.run_task(task(tmp_path))
    assert not (tmp_path / "kept.json").exists()


def test_what_decides_about_a_result_is_in_its_name(course):
    hand_in(course, "ann", answered(course, RIGHT))
    made = pipeline.Course(course)
    first = made.tasks(NAME, (), Settings())[0].kept
    assert made.tasks(NAME, (), Settings())[0].kept == first
    assert made.tasks(NAME, (), Settings(cell_timeout=7))[0].kept != first
    (course / "submitted" / "ann" / NAME / "more.csv").write_text("1")
    assert made.tasks(NAME, (), Settings())[0].kept != first


def test_force_runs_again_what_was_kept(course):
    hand_in(course, "ann", answered(course, RIGHT))
    assert [grade_at_once(course, **how).rows[0].cached for how in ({}, {}, {"force": True})] == [False, True, False]


def test_equal_submissions_of_two_students_are_two_results(course):
    for student in ("ann", "ben"):
        hand_in(course, student, answered(course, RIGHT))
    made = pipeline.Course(course)
    assert len({found.kept for found in made.tasks(NAME, (), Settings())}) == 2


def test_a_changed_solution_is_released_again(course):
    made = pipeline.Course(course)
    before = made.released(NAME).read_text()
    made.generate_if_changed(NAME)
    assert made.released(NAME).read_text() == before
    source = made.source(NAME)
    source.write_text(source.read_text().replace("# Demonstration", "# Changed"))
    made.generate_if_changed(NAME)
    assert "# Changed" in made.released(NAME).read_text()


# --- trouble ---------------------------------------------------------------------------------------------------------


class Broken(ThreadPoolExecutor):
    """Executor whose workers end."""

    def submit(self, *_):
        future = Future()
        future.set_exception(RuntimeError("killed"))
        return future


def test_a_worker_that_ends_is_told_apart_from_a_bad_submission(course):
    hand_in(course, "ann", answered(course, RIGHT))
    with Broken(1) as executor:
        row = pipeline.grade(course, NAME, executor=executor).rows[0]
    assert (row.status, row.score, row.diagnosis) == ("failed", None, pipeline.BROKEN)
    page = (course / "feedback" / "ann" / NAME / f"{NAME}.html").read_text()
    assert "has not been graded yet" in page


def test_trouble_is_shown_as_text_not_as_markup(course):
    made = pipeline.Course(course)
    hand_in(course, "ann", answered(course, RIGHT))
    made.write_diagnosis(made.tasks(NAME, (), Settings())[0], "<script>x()</script>")
    assert "<script>" not in (course / "feedback" / "ann" / NAME / f"{NAME}.html").read_text()


def test_what_nbgrader_refuses_costs_one_student(course, monkeypatch):
    for student in ("ann", "ben"):
        hand_in(course, student, answered(course, PARTIAL))
    true = pipeline.Course._autograde

    def picky(self, problem_set, student):
        if student == "ann":
            raise ValueError("no")
        true(self, problem_set, student)

    monkeypatch.setattr(pipeline.Course, "_autograde", picky)
    rows = grade_at_once(course).rows
    assert [(row.status, row.score) for row in rows] == [("failed", None), ("graded", 1.0)]
    assert not list((course / "grading").glob("staged*"))


def test_a_link_in_the_place_of_a_student_is_passed_over(course):
    hand_in(course, "ann", answered(course, OPEN))
    (course / "submitted" / "ben").symlink_to(course / "submitted" / "ann")
    found = pipeline.Course(course).tasks(NAME, (), Settings())
    assert [entry.student for entry in found] == ["ann"]


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ("2026-01-05 12:00:00 UTC", True),
        ("2026-01-05 12:00:00 CET", True),
        ("tomorrow", False),
        ("", False),
        ("9" * 500, False),
    ],
)
def test_only_time_stamps_are_kept(tmp_path, content, kept):
    (tmp_path / "timestamp.txt").write_text(content)
    rewrite_timestamp(tmp_path / "timestamp.txt")
    assert (tmp_path / "timestamp.txt").exists() is kept


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_the_summary_shows_every_row_as_text():
    rows = (
        Row("ann [red]", "graded", 2.5, 5.0, True, 1.25),
        Row("ben", "unreadable", 0.0, 5.0, diagnosis="is [bold]empty", cached=True),
        Row("cleo", "failed", diagnosis="a worker ended"),
    )
    console = Console(file=io.StringIO(), width=160)
    console.print(Summary(NAME, rows, Path("grades.csv"), Path("feedback")).table())
    shown = console.file.getvalue()
    for words in ("ann [red]", "2.5 / 5", "proof to grade by hand", "1.2", "is [bold]empty", "kept", "–", "failed"):
        assert words in shown


def test_a_progress_bar_counts_what_was_kept_too(course):
    hand_in(course, "ann", answered(course, RIGHT))
    for _ in range(2):
        console = Console(file=io.StringIO(), width=160, force_terminal=False)
        grade_at_once(course, console=console)
        assert "100%" in console.file.getvalue()
        assert "3 / 5" in console.file.getvalue()


def test_no_sandbox_has_to_be_asked_for_and_warns(caplog):
    assert pipeline._chosen(Settings(provisioner="wgan-container"), False).sandboxed
    assert "WITHOUT" not in caplog.text
    assert not pipeline._chosen(Settings(), True).sandboxed
    assert "WITHOUT a sandbox" in caplog.text


# --- texts -----------------------------------------------------------------------------------------------------------


@example("<\\href")
@example("\\\\href{javascript:x()}")
@example("[x](javascript:x())")
@given(st.text(alphabet="<>/!?ab $\\hrefquio'\"=\n[]():", max_size=60))
def test_no_tag_survives_and_nothing_else_is_lost(text):
    made = harmless(text)
    assert not TAG.search(made)
    assert not ACTIVE.search(made)
    assert harmless(made) == made
    assert not LINK.search(made)
    assert re.sub(r"[\\ ]", "", made) == re.sub(r"[\\ ]", "", text)


@pytest.mark.parametrize("text", ["$a < b$ and $\\alpha<1$", "\\hbox{x}", "1 < 2 > 0", "no markup", "a<-b"])
def test_formulas_stay_as_they_are(text):
    assert harmless(text) == text


ADDRESSES = [
    "[x](javascript:s())",
    "[x]( JavaScript:s())",
    "[x](&#106;avascript:s())",
    "[x](java\nscript:s())",
    "[x](<javascript:s()>)",
    "[x](data:text/html;base64,PHN2Zz4=)",
    "[x](vbscript:s())",
    "![x](javascript:s())",
    "[x][a]\n\n[a]: javascript:s()",
    "[a]\n\n[a]:javascript:s()",
    "<javascript:s()>",
    "[x](#top)",
    "[x](file:///etc/passwd)",
]


@pytest.mark.parametrize("text", ADDRESSES)
def test_no_link_but_to_a_plain_address_is_rendered(text):
    shown = markdown2html_mistune(harmless(text))
    assert "href" not in shown
    assert "src" not in shown


@pytest.mark.parametrize("text", ["![x](https://a.org/b.png)", "![a [b]](http://127.0.0.1/x)", "![](https://a.org)"])
def test_no_picture_is_fetched_from_elsewhere(text):
    """Who opens the page would tell its address to whoever answers there."""
    assert "<img" not in markdown2html_mistune(harmless(text))


@pytest.mark.parametrize(
    "text", ["[x](https://a.org/b)", "[x](http://a.org)", "![x](attachment:a.png)", "[x](mailto:a@b.org)", "n! $x$"]
)
def test_plain_addresses_are_left_as_they_are(text):
    assert harmless(text) == text


def test_a_refused_submission_says_why_in_each_check(released_course):
    blueprint = Blueprint.read(pipeline.Course(released_course).released(NAME))
    judged = refuse(blueprint, "it is a picture")
    shown = [output for cell in judged.notebook.cells for output in cell.get("outputs", [])]
    assert sum("it is a picture" in repr(output) for output in shown) == len(judged.points) == 1
    assert set(judged.points) == {KEY}
