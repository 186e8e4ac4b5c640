"""The judge: what the sandbox recorded becomes points, in the grader's process and from the grader's notebook."""

import json
import shutil

import pytest
from demo_class import KEY, NAME, OPEN, PARTIAL, PROOF, RIGHT, cell_of, make_course, solution_notebook
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from traitlets.config import Config

from wgan_course.check import report
from wgan_grader import folders, judge, sandbox
from wgan_grader.execution import Run, Settings
from wgan_grader.judge import Judge, Judged, TakeJudged, judge_notebook, judge_submission, refuse
from wgan_grader.submission import Blueprint, rebuild, student_cells

CHECK = "check-ps01-kl"


@pytest.fixture(scope="module")
def blueprint():
    notebook = solution_notebook()
    cell_of(notebook, "kl").source = OPEN
    return Blueprint(NAME, notebook)


def answer(blueprint, source, *more):
    """Rebuilt notebook with this answer, and more cells at its end."""
    notebook = rebuild([], blueprint)
    cell_of(notebook, "kl").source = source
    notebook.cells += more
    return notebook


def points_of(judged):
    """Points as nbgrader will read them: the one result of the check cell."""
    outputs = cell_of(judged.notebook, CHECK).outputs
    results = [output for output in outputs if output.output_type == "execute_result"]
    assert len(results) == 1
    assert outputs[-1] is results[0]
    return float(results[0].data["text/plain"])


def text_of(judged):
    return cell_of(judged.notebook, CHECK).outputs[0].data[report.CHECK]["text"]


@pytest.mark.parametrize(("source", "points"), [(RIGHT, 3.0), (PARTIAL, 1.0), (OPEN, 0.0), ("kl = 3", 0.0)])
def test_points_are_the_cell_s_result(instant_kernel, blueprint, tmp_path, source, points):
    judged = judge_notebook(answer(blueprint, source), tmp_path, blueprint, Settings())
    assert points_of(judged) == points
    assert judged.points == {KEY: points}


@pytest.mark.parametrize("seed", [None, 7])
def test_feedback_has_criteria_misconception_and_a_public_example(instant_kernel, blueprint, tmp_path, seed):
    judged = judge_notebook(answer(blueprint, PARTIAL), tmp_path, blueprint, Settings(), seed)
    shown = repr(cell_of(judged.notebook, CHECK).outputs)
    assert "an atom with p = 0 contributes 0" in shown
    assert "was left to the computer" in shown
    assert "smallest failing input: p=[1., 0.], q=[0.25, 0.75]" in shown
    assert "expected: 1.386294" in shown


def test_what_the_cell_itself_printed_is_replaced(instant_kernel, blueprint, tmp_path):
    notebook = answer(blueprint, OPEN)
    cell_of(notebook, CHECK).outputs = [new_output("execute_result", {"text/plain": "3.0"})]
    assert points_of(judge_notebook(notebook, tmp_path, blueprint, Settings())) == 0.0


def test_points_are_never_more_than_the_cell_has(instant_kernel, tmp_path):
    released = solution_notebook()
    cell_of(released, CHECK).metadata.nbgrader["points"] = 2
    less = Blueprint(NAME, released)
    assert points_of(judge_notebook(answer(less, RIGHT), tmp_path, less, Settings())) == 2.0


def test_a_graded_cell_without_a_known_check_earns_nothing(instant_kernel, tmp_path):
    released = solution_notebook()
    cell_of(released, CHECK).source = "3.0"
    other = Blueprint(NAME, released)
    judged = judge_notebook(answer(other, RIGHT), tmp_path, other, Settings())
    assert cell_of(judged.notebook, CHECK).outputs[-1].data["text/plain"] == "0.0"
    assert judged.points == {}


def test_the_proof_is_left_to_a_person(instant_kernel, blueprint, tmp_path):
    notebook = answer(blueprint, RIGHT)
    cell_of(notebook, "proof").source = PROOF
    judged = judge_notebook(notebook, tmp_path, blueprint, Settings())
    assert cell_of(judged.notebook, "proof").source == PROOF
    assert "outputs" not in cell_of(judged.notebook, "proof")


def requests(monkeypatch, blueprint, folder, seed=None):
    """Bytes of the request that one run writes."""
    found = []

    def run(notebook, workspace, settings):
        found.append((workspace.inputs / f"{KEY}.safetensors").read_bytes())
        return Run(notebook)

    monkeypatch.setattr(judge, "run_notebook", run)
    judge_notebook(answer(blueprint, RIGHT), folder, blueprint, Settings(), seed)
    return found[0]


def test_each_run_has_inputs_of_its_own(monkeypatch, blueprint, tmp_path):
    first, second = (requests(monkeypatch, blueprint, tmp_path) for _ in range(2))
    assert first != second
    assert requests(monkeypatch, blueprint, tmp_path, 7) == requests(monkeypatch, blueprint, tmp_path, 7)


def test_the_request_holds_neither_seed_nor_expected_values(monkeypatch, blueprint, tmp_path):
    content = requests(monkeypatch, blueprint, tmp_path, 123456789)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    names = {name.split("/")[-1] for name in header if name != "__metadata__"}
    assert names == {"p", "q"}
    assert b"123456789" not in content
    assert b"seed" not in content


def test_two_functions_of_a_run_do_not_share_inputs():
    assert judge._rng(5, "a").random() != judge._rng(5, "b").random()
    assert judge._rng(5, "a").random() == judge._rng(5, "a").random()


def test_without_a_record_there_are_no_points_and_a_reason(monkeypatch, blueprint, tmp_path):
    monkeypatch.setattr(judge, "run_notebook", lambda notebook, *rest: Run(notebook))
    judged = judge_notebook(answer(blueprint, RIGHT), tmp_path, blueprint, Settings())
    assert points_of(judged) == 0.0
    assert "left no record" in text_of(judged)


def test_who_ended_the_kernel_is_told_which_cell_did(monkeypatch, blueprint, tmp_path):
    monkeypatch.setattr(judge, "run_notebook", lambda notebook, *rest: Run(notebook, {2: "it printed <b>*x*</b>"}))
    judged = judge_notebook(answer(blueprint, RIGHT), tmp_path, blueprint, Settings())
    assert "Cell 3 ended the kernel" in text_of(judged)
    note = judged.notebook.cells[0]
    assert note.cell_type == "markdown"
    assert "<b>" not in note.source
    assert "Cell 3 ended the kernel" in note.source


def test_a_record_that_cannot_be_judged_costs_its_own_points_only(instant_kernel, monkeypatch, blueprint, tmp_path):
    def broken(*_):
        raise ArithmeticError("odd")

    monkeypatch.setattr(judge.verdict, "assess", broken)
    judged = judge_notebook(answer(blueprint, RIGHT), tmp_path, blueprint, Settings())
    assert points_of(judged) == 0.0
    assert "cannot be judged: odd" in text_of(judged)


def test_the_workspace_is_gone_even_after_trouble(monkeypatch, blueprint, tmp_path):
    seen = []

    def run(notebook, workspace, settings):
        seen.append(workspace.root)
        raise sandbox.SandboxError("none")

    monkeypatch.setattr(judge, "run_notebook", run)
    with pytest.raises(sandbox.SandboxError):
        judge_notebook(answer(blueprint, RIGHT), tmp_path, blueprint, Settings())
    assert not seen[0].exists()


def test_a_submission_is_read_and_never_written_to(instant_kernel, blueprint, tmp_path):
    notebook = answer(blueprint, RIGHT, new_code_cell("(FOLDER / 'data.csv').write_text('changed')"))
    (tmp_path / f"{NAME}.ipynb").write_text(json.dumps(notebook))
    (tmp_path / "data.csv").write_text("1,2")
    judged = judge_submission(tmp_path, blueprint, Settings())
    assert judged.points == {KEY: 3.0}
    assert (tmp_path / "data.csv").read_text() == "1,2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", f"{NAME}.ipynb"]


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "is empty"), (b'{"cells": [{"cell_type": "code"}]}', "holds none of the cells")]
)
def test_what_cannot_be_read_is_refused_with_a_diagnosis(blueprint, tmp_path, content, words):
    (tmp_path / f"{NAME}.ipynb").write_bytes(content)
    judged = judge_submission(tmp_path, blueprint, Settings())
    assert words in judged.diagnosis
    assert points_of(judged) == 0.0
    assert words in judged.notebook.cells[0].source


def test_a_refused_submission_has_every_released_cell(blueprint):
    judged = refuse(blueprint, "why [not](x)")
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in judged.notebook.cells]
    assert ids == [None, "set-up", "kl", CHECK, "proof"]
    assert judged.points == {KEY: 0.0}
    assert "[not](x)" not in judged.notebook.cells[0].source


def test_a_judged_submission_can_be_kept_and_taken_back(instant_kernel, blueprint, tmp_path):
    judged = judge_notebook(answer(blueprint, PARTIAL), tmp_path, blueprint, Settings(), notes=["renamed"])
    assert Judged.from_json(judged.to_json()) == judged


# --- files beside the notebook ---------------------------------------------------------------------------------------


def test_half_a_character_is_kept_nowhere():
    """An error's message may have one, and no page could be written with it."""
    cell = new_code_cell("", outputs=[new_output("display_data", {"text/html": "x\ud800 \u00e9 \U0001f600"})])
    judged = Judged(new_notebook(cells=[cell]), ("\udfff",), "\ud800", findings={"a": {"b": "\ud8ff"}})
    again = Judged.from_json(judged.to_json())
    assert again.notebook.cells[0].outputs[0].data["text/html"] == "x? \u00e9 \U0001f600"
    assert (again.notes, again.diagnosis, again.findings) == (("?",), "?", {"a": {"b": "?"}})


def test_plain_files_are_copied_and_nothing_else(tmp_path):
    source, target, outside = (tmp_path / name for name in ("source", "target", "outside"))
    for folder in (source / "deep", target, outside):
        folder.mkdir(parents=True)
    (source / "deep" / "data.csv").write_text("1")
    (source / "other.ipynb").write_text("{}")
    (outside / "secret").write_text("x")
    (source / "link").symlink_to(outside / "secret")
    (source / "folder").symlink_to(outside)
    assert folders.copy_plain_files(source, target) == []
    assert [str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()] == ["deep/data.csv"]


def test_a_course_may_lie_behind_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "real" / "data.csv").write_text("1")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    folders.copy_plain_files(tmp_path / "link" / ".", tmp_path / "target")
    assert (tmp_path / "target" / "data.csv").read_text() == "1"


@pytest.mark.parametrize(("name", "most"), [("MAX_FILES", 2), ("MAX_FOLDER", 2)])
def test_too_much_is_left_behind_and_named(tmp_path, monkeypatch, name, most):
    monkeypatch.setattr(folders, name, most)
    (tmp_path / "target").mkdir()
    for number in range(4):
        (tmp_path / "source" / str(number)).mkdir(parents=True)
        (tmp_path / "source" / str(number) / "x").write_text("x")
    assert folders.copy_plain_files(tmp_path / "source", tmp_path / "target") == ["2/x", "3/x"]


# --- as preprocessors of nbgrader ------------------------------------------------------------------------------------


def resources(student="ann"):
    return {"nbgrader": {"assignment": NAME, "notebook": NAME, "student": student}}


@pytest.fixture
def course(tmp_path, blueprint):
    root = make_course(tmp_path)
    shutil.copytree(root / "solutions", root / "exercises")
    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.release_directory = "exercises"
    (root / "submitted" / "ann" / NAME).mkdir(parents=True)
    return config


def test_the_preprocessor_takes_three_things_only(instant_kernel, course, blueprint):
    odd = new_markdown_cell("<script>x()</script>", metadata={"tags": ["evil"]})
    raw = new_raw_cell("<img src=x onerror=x()>", metadata={"raw_mimetype": "text/html"})
    notebook = answer(blueprint, RIGHT, odd, raw)
    cell_of(notebook, CHECK).source = "3.0"
    cell_of(notebook, CHECK).metadata.nbgrader["points"] = 1000
    made, _ = Judge(config=course).preprocess(notebook, resources())
    assert cell_of(made, CHECK).source == f'check("{KEY}", kl)'
    assert cell_of(made, CHECK).metadata.nbgrader["points"] == 3
    assert [cell.metadata for cell in made.cells[-2:]] == [{}, {}]
    assert not any(tag in cell.source for cell in made.cells for tag in ("<script", "<img"))
    assert points_of(Judged(made)) == 3.0


def test_the_preprocessor_asks_for_what_is_configured():
    config = Config()
    config.Judge.cell_timeout, config.Judge.provisioner = 7, "wgan-container"
    settings = Judge(config=config).settings()
    assert (settings.cell_timeout, settings.provisioner, settings.sandboxed) == (7, "wgan-container", True)
    config.Judge.no_sandbox = True
    assert not Judge(config=config).settings().sandboxed


def test_a_course_that_submissions_could_read_is_refused(instant_kernel, course, monkeypatch, tmp_path, blueprint):
    monkeypatch.setattr(sandbox, "visible_paths", lambda: [str(tmp_path.parent)])
    with pytest.raises(sandbox.SandboxError, match="please move it"):
        Judge(config=course).preprocess(answer(blueprint, RIGHT), resources())


def test_judged_notebooks_are_taken_by_student(tmp_path, blueprint):
    for student, words in (("ann", "hers"), ("böb/../x", "his")):
        text = refuse(blueprint, words).to_json()
        (tmp_path / f"{judge.student_token(student)}.json").write_text(text)
    made, _ = TakeJudged(folder=str(tmp_path)).preprocess(None, resources("böb/../x"))
    assert "his" in made.cells[0].source


def test_tokens_are_file_names_and_differ():
    tokens = {judge.student_token(name) for name in ("a", "A", "", "../x", "\ud800", "a" * 5000)}
    assert len(tokens) == 6
    assert all(token.isalnum() and len(token) == 32 for token in tokens)


def test_cells_that_are_none_are_left_out():
    assert student_cells([1, None, "x", {"cell_type": "code", "source": "y"}])[0].source == "y"
