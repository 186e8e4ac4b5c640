"""A student's own look at a problem set: points are those that the checks returned, and nothing stops the notebook."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from wgan_grader import selfcheck


def graded(source, grade_id, points, make=new_code_cell):
    cell = make(source)
    cell.metadata["nbgrader"] = {"grade": True, "grade_id": grade_id, "points": points}
    return cell


def save(folder, *cells):
    path = folder / "set.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    path = save(
        tmp_path_factory.mktemp("set"),
        new_code_cell("def show(points, text):\n    print(text)\n    return points"),
        graded("show(3.0, '✓ right\\n✗ not finite: the support is ignored')", "check-a", 4),
        graded("show(0, 'not attempted')", "check-b", 2),
        graded("raise RuntimeError('boom')", "check-c", 1),
        graded("show(2.5, '✓ all')", "check-d", 2.5),
        graded("my proof", "proof", 3, new_markdown_cell),
        new_code_cell("raise SystemError('at the end')"),
    )
    before = path.read_bytes()
    found = selfcheck.run_notebook(path)
    assert path.read_bytes() == before
    return found


def test_points_are_added_up(result):
    assert [row.points for row in result.rows] == [3.0, 0.0, 0.0, 2.5, 0.0]
    assert (result.points, result.possible, result.by_hand) == (5.5, 12.5, 3.0)
    assert result.total == "5.5 of 9.5 points here, and up to 3 more from a person"


def test_the_first_fault_is_told(result):
    remarks = {row.name: row.remark for row in result.rows}
    assert "support is ignored" in remarks["check-a"]
    assert "not attempted" in remarks["check-b"]
    assert "boom" in remarks["check-c"]
    assert remarks["check-d"] == ""
    assert remarks["proof"] == selfcheck.BY_HAND


def test_a_cell_that_raises_does_not_stop_the_notebook(result):
    assert result.error == ""
    assert not result.untouched


def test_a_syntax_error_is_called_by_its_name_a_remark_is_the_table_s_and_the_kernel_is_quiet(tmp_path, capfd):
    right = 'from wgan_course.check import check\ncheck("ps01.kl", lambda p, q: (p * (p / q).log()).sum())'
    wrong = graded('check("ps01.kl", kl)', "check-a", 4)
    cells = (new_code_cell("def kl(p q):\n    pass"), graded(right, "check-b", 3), wrong)
    partly, missing = selfcheck.run_notebook(save(tmp_path, *cells)).rows
    assert missing.remark.startswith("✗ Cell 1 has a SyntaxError")
    assert "'kl' is not defined" in missing.remark
    assert partly.points == 1.0
    assert partly.remark.startswith("→")
    assert capfd.readouterr() == ("", "")


def test_a_copied_check_counts_once(tmp_path):
    path = save(tmp_path, graded("1.0", "check-a", 2), graded("0.5", "check-b", 1), graded("2.0", "check-a", 2))
    found = selfcheck.run_notebook(path)
    assert [(row.name, row.points) for row in found.rows] == [("check-a", 2.0), ("check-b", 0.5)]
    assert found.possible == 3.0
    assert found.notes == ("cell 'check-a' is there more than once: only the last one counts",)


def test_a_cell_that_never_ends_does(tmp_path):
    path = save(tmp_path, graded("2.0", "check-a", 2), graded("while True: pass", "check-b", 1))
    found = selfcheck.run_notebook(path, seconds=2)
    assert "stopped early" in found.error
    assert found.points == 2.0


def test_a_kernel_that_dies_does(tmp_path):
    found = selfcheck.run_notebook(save(tmp_path, graded("import os; os._exit(1)", "check-a", 2)))
    assert "stopped early" in found.error


@pytest.mark.parametrize(
    ("text", "words"), [(None, "no file"), ("not json", "not a notebook"), ("{}", "not a notebook")]
)
def test_what_is_no_notebook_is_refused(tmp_path, text, words):
    path = tmp_path / "x.ipynb"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=words):
        selfcheck.run_notebook(path)


def test_a_notebook_without_checks_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no graded cells"):
        selfcheck.run_notebook(save(tmp_path, new_code_cell("1")))


def test_the_unfilled_problem_set_runs_to_its_end(course_root):
    found = selfcheck.run_notebook(course_root / "exercises" / "ps01_js_saturation" / "ps01_js_saturation.ipynb")
    assert found.error == ""
    assert found.points == 0
    assert found.possible > 10
    assert all(row.remark for row in found.rows)
    assert found.untouched
