"""A class of six through the pipeline, and what nbgrader keeps of it."""

import csv
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from demo_class import NAME, PROOF, RIGHT, answered, cell_of, hand_in, make_class, make_course, released

from wgan_grader import judge, pipeline, sandbox
from wgan_grader.execution import Settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.xdist_group("sandbox"),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap"),
]
SETTINGS = Settings(cell_timeout=3, grace=3.0)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The demonstration class, graded once: course, expected scores, summary."""
    root = make_course(tmp_path_factory.mktemp("course"))
    pipeline.release(root)
    expected = make_class(root)
    return root, expected, pipeline.grade(root, NAME, settings=SETTINGS)


def test_every_score_is_right(graded):
    _, expected, summary = graded
    assert {row.student: row.score for row in summary.rows} == expected


def test_what_is_no_notebook_gets_a_diagnosis(graded):
    root, _, summary = graded
    row = next(row for row in summary.rows if row.student == "not-a-notebook")
    assert row.status == "unreadable"
    assert "not JSON" in row.diagnosis
    assert "not JSON" in (root / "feedback" / row.student / NAME / f"{NAME}.html").read_text()


def test_feedback_names_criteria_and_shows_a_public_example(graded):
    root, _, _ = graded
    page = (root / "feedback" / "partial" / NAME / f"{NAME}.html").read_text()
    assert "an atom with p = 0 contributes 0" in page
    assert "was left to the computer" in page
    assert "smallest failing input: p=[1., 0.], q=[0.25, 0.75]" in page


def test_feedback_is_for_dark_screens_too(graded):
    root, _, summary = graded
    pages = [(root / "feedback" / row.student / NAME / f"{NAME}.html").read_text() for row in summary.rows]
    assert {page.split("</head>")[0].count("prefers-color-scheme: dark") for page in pages} == {1}


def test_grades_are_exported(graded):
    _, expected, summary = graded
    with summary.grades.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["student_id"]: float(row["raw_score"]) for row in rows} == expected
    assert [(row["student_id"], row["pending"]) for row in rows if not row["score"]] == [("perfect", "2.0")]


def test_only_a_written_proof_waits_for_a_person(graded):
    _, _, summary = graded
    assert [row.student for row in summary.rows if row.waiting] == ["perfect"]


def test_a_second_run_takes_what_was_kept(graded):
    root, _, _ = graded
    again = pipeline.grade(root, NAME, settings=SETTINGS, students=("perfect", "loops"))
    assert [(row.score, row.cached) for row in again.rows] == [(0.0, True), (3.0, True)]


def test_manual_grades_survive_a_regrade(graded):
    root, _, _ = graded
    course = pipeline.Course(root)
    with course.gradebook() as book:
        book.find_grade("proof", NAME, NAME, "perfect").manual_score = 1.5
        book.db.commit()
    again = pipeline.grade(root, NAME, settings=SETTINGS, students=("perfect",))
    assert again.rows[0].score == 4.5


def test_a_changed_submission_runs_again(graded):
    root, _, _ = graded
    shutil.rmtree(root / "submitted" / "empty")
    hand_in(root, "empty", answered(root, RIGHT, PROOF))
    with ThreadPoolExecutor(1) as executor:
        again = pipeline.grade(root, NAME, settings=SETTINGS, students=("empty",), executor=executor)
    assert (again.rows[0].score, again.rows[0].cached) == (3.0, False)


def test_the_release_has_no_solution(graded):
    root, _, _ = graded
    notebook = released(root)
    assert "torch.where" not in repr(notebook)
    assert "NotImplementedError" in cell_of(notebook, "kl").source
    assert all(not cell.get("outputs") for cell in notebook.cells)


def test_unknown_problem_sets_and_students_are_named(graded):
    root, _, _ = graded
    with pytest.raises(pipeline.CourseError, match="ps99"):
        pipeline.grade(root, "ps99")
    with pytest.raises(pipeline.CourseError, match="no submissions"):
        pipeline.grade(root, NAME, students=("nobody",))


def test_a_folder_without_configuration_is_no_course(tmp_path):
    with pytest.raises(pipeline.CourseError, match="no course folder"):
        pipeline.release(tmp_path)


def test_without_a_sandbox_nothing_runs(graded, monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    sandbox.drops_user.cache_clear()
    with pytest.raises(sandbox.SandboxError, match="install bubblewrap"):
        pipeline.grade(graded[0], NAME, settings=SETTINGS)
    sandbox.drops_user.cache_clear()


def test_the_grader_s_own_trouble_is_not_a_zero(graded, monkeypatch):
    root, _, _ = graded
    monkeypatch.setattr(judge, "judge_submission", lambda *a: 1 / 0)
    with ThreadPoolExecutor(1) as executor:
        rows = pipeline.grade(root, NAME, settings=SETTINGS, students=("raises",), executor=executor, force=True).rows
    assert (rows[0].status, rows[0].score) == ("failed", None)
    assert "ZeroDivisionError" in rows[0].diagnosis
