"""Judging a submission after it ran: what the sandbox recorded is compared here, where it cannot be reached.

`judge_submission` does the whole of it for one folder. `Judge` is the same as a preprocessor of nbgrader's autograde,
in the place of nbgrader's own `Execute`; `TakeJudged` takes what `wgan-course grade` has judged before.
"""

import hashlib
import json
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Int, Unicode

from wgan_course.check import report
from wgan_course.check.exchange import ExchangeError, read_observations, write_request

from . import own, registry, sandbox, verdict
from .execution import Run, Settings, run_notebook
from .folders import FolderError, copy_plain_files, require_own_folder
from .problem import Case, Problem
from .sandbox import Workspace
from .submission import (
    Blueprint,
    UnreadableError,
    find_notebook,
    grade_id_of,
    has_answers,
    put_back_notes,
    read_cells,
    rebuild,
    student_cells,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judged:
    """A submission with its verdicts.

    Parameters
    ----------
    notebook : NotebookNode
        The released notebook with the student's answers, the outputs, and a verdict in each check cell.
    notes : tuple of str
        What the student should know about how it was graded.
    diagnosis : str
        Why nothing could be graded; empty where it could.
    points : dict
        Points by graded function.
    seconds : float
        How long it took.
    findings : dict
        Verdict of each graded function, as plain data.
    timed_out : bool
        Whether anything ended because its time was over.
    """

    notebook: NotebookNode
    notes: tuple[str, ...] = ()
    diagnosis: str = ""
    points: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    findings: Mapping[str, Any] = field(default_factory=dict)
    timed_out: bool = False

    def to_json(self) -> str:
        """Text to be kept."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Judged":
        """Take back what `to_json` gave."""
        plain = json.loads(text)
        notebook, notes = nbformat.from_dict(plain.pop("notebook")), tuple(plain.pop("notes"))
        return cls(notebook, notes, **plain)


def judge_submission(folder: str | Path, blueprint: Blueprint, settings: Settings, seed: int | None = None) -> Judged:
    """Run and judge one submission.

    Parameters
    ----------
    folder : path
        What the student handed in; it is read, never written to.
    blueprint : Blueprint
        The released notebook.
    settings : Settings
        Limits and sandbox.
    seed : int, optional
        Seed of the inputs; a secret one for this run alone where left out.

    Returns
    -------
    Judged
        Always: a submission that cannot be read gets no points and a diagnosis.

    Raises
    ------
    SandboxError
        Where no sandbox can be had.
    """
    try:
        require_own_folder(Path(folder))
        notebook, notes = _take(folder, blueprint)
    except (UnreadableError, FolderError) as error:
        return refuse(blueprint, str(error))
    except OSError as error:
        return refuse(blueprint, f"The submission cannot be read: {error.strerror or error!s:.200}.")
    return judge_notebook(notebook, folder, blueprint, settings, seed, notes=notes)


def judge_notebook(
    notebook: NotebookNode,
    folder: str | Path,
    blueprint: Blueprint,
    settings: Settings,
    seed: int | None = None,
    *,
    notes: Sequence[str] = (),
) -> Judged:
    """Run and judge a notebook that was rebuilt before, with the files of `folder` beside it."""
    began, seed = time.monotonic(), secrets.randbits(128) if seed is None else seed
    problems = _problems(blueprint)
    cases = {key: problem.make_cases(_rng(seed, key), hidden=True) for key, problem in problems.items()}
    run, verdicts, left = _run_and_assess(notebook, Path(folder), problems, cases, settings)
    broken = _broken_cells(run)
    _write_verdicts(notebook, blueprint, verdicts)
    notes = (*notes, *_fatal_notes(run), *broken, *run.notes, *_left_notes(left))
    if notes:
        notebook.cells.insert(0, _note_cell(notes))
    points = {key: found.points for key, found in verdicts.items()}
    return Judged(
        notebook,
        notes,
        "",
        points,
        time.monotonic() - began,
        json.loads(json.dumps({key: found.as_dict() for key, found in verdicts.items()})),
        run.timed_out or any("timeout" in one.id for found in verdicts.values() for one in found.diagnoses),
    )


def refuse(blueprint: Blueprint, diagnosis: str) -> Judged:
    """Released notebook without answers, no points, and the reason in every check cell and at the top."""
    notebook = rebuild([], blueprint)
    problems = _problems(blueprint)
    verdicts = {key: verdict.blank(problem, "unreadable", diagnosis) for key, problem in problems.items()}
    _write_verdicts(notebook, blueprint, verdicts)
    notebook.cells.insert(0, _note_cell([diagnosis]))
    return Judged(notebook, (), diagnosis, {key: 0.0 for key in verdicts})


def _take(folder: str | Path, blueprint: Blueprint) -> tuple[NotebookNode, list[str]]:
    path, notes = find_notebook(folder, blueprint.name)
    cells = read_cells(path)
    if not has_answers(cells, blueprint):
        raise UnreadableError(
            f"{path.name} holds none of the cells of {blueprint.name}: it is another notebook, or its cells were "
            "copied into a new one. Please write your answers into the notebook that was handed out."
        )
    return rebuild(cells, blueprint), notes + put_back_notes(cells, blueprint)


def _run_and_assess(
    notebook: NotebookNode,
    folder: Path,
    problems: Mapping[str, Problem],
    cases: Mapping[str, Sequence[Case]],
    settings: Settings,
) -> tuple[Run, dict[str, verdict.Verdict], list[str]]:
    workspace = Workspace.create()
    try:
        left = _fill(workspace, folder, problems, cases)
        run = run_notebook(notebook, workspace, settings)
        return run, {key: _verdict(problems[key], cases[key], workspace, run) for key in problems}, left
    finally:
        workspace.remove()


def _problems(blueprint: Blueprint) -> dict[str, Problem]:
    return {key: registry.find(key) for key in dict.fromkeys(blueprint.keys.values())}


def _rng(seed: int, key: str) -> np.random.Generator:
    """Generator of one function's inputs: a run's seed gives each function its own."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def _fill(
    workspace: Workspace, folder: Path, problems: Mapping[str, Problem], cases: Mapping[str, Sequence[Case]]
) -> list[str]:
    for key, problem in problems.items():
        request = problem.request([*cases[key], *own.public_cases(problem)])
        write_request(request, workspace.inputs).chmod(0o644)
    return copy_plain_files(folder, workspace.work)


def _left_notes(left: Sequence[str]) -> list[str]:
    named = ", ".join(left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
    return [f"Left out, since it is too much or cannot be read: {named}."] if left else []


def _verdict(problem: Problem, cases: Sequence[Case], workspace: Workspace, run: Run) -> verdict.Verdict:
    try:
        observations = read_observations(workspace.outputs, problem.key)
        return verdict.assess(problem, cases, observations, own.public_cases(problem))
    except ExchangeError as error:
        return verdict.blank(problem, "unreadable", _why_missing(problem, run, str(error)))
    except Exception as error:
        logger.warning("what was recorded for %s cannot be judged", problem.key, exc_info=True)
        return verdict.blank(problem, "unreadable", f"What the check recorded cannot be judged: {error!s:.200}")


def _why_missing(problem: Problem, run: Run, error: str) -> str:
    if run.fatal:
        return f"This check left no record. {' '.join(_fatal_notes(run))}"
    broken = _broken_cells(run)
    if broken:
        return f"{' '.join(broken)} So nothing that is defined there exists, and there is nothing to check."
    stopped = [
        f"{output.ename}: {output.evalue:.200}"
        for cell in run.notebook.cells
        if cell.cell_type == "code" and f'"{problem.key}"' in cell.source
        for output in cell.outputs
        if output.output_type == "error"
    ]
    if stopped:
        return f"The check's cell stopped with {stopped[0]}."
    return f"This check left no record that can be read: {error}. Did its cell run to its end?"


def _broken_cells(run: Run) -> list[str]:
    """Say which cells are no Python."""
    return [
        f"Cell {index + 1} has a {output.ename} ({output.evalue:.100})."
        for index, cell in enumerate(run.notebook.cells)
        for output in (cell.get("outputs") or [])
        if output.output_type == "error" and output.ename in ("SyntaxError", "IndentationError", "TabError")
    ]


def _fatal_notes(run: Run) -> list[str]:
    return [
        f"Cell {index + 1} ended the kernel ({reason}); it was left out, and the rest ran without it."
        for index, reason in run.fatal.items()
    ]


def _note_cell(notes: Sequence[str]) -> NotebookNode:
    lines = "\n".join(f"> - {_escape(note)}" for note in notes)
    return new_markdown_cell(f"> **From the grader**\n>\n{lines}")


def _escape(text: str) -> str:
    for mark in "\\`*_{}[]<>#|$!&":
        text = text.replace(mark, f"\\{mark}" if mark not in "<>&" else f"&#{ord(mark)};")
    return text.replace("\n", " ")


def _write_verdicts(notebook: NotebookNode, blueprint: Blueprint, verdicts: Mapping[str, verdict.Verdict]) -> None:
    """Replace the outputs of the graded code cells; one without a known check earns nothing."""
    for cell in notebook.cells:
        settings = cell.metadata.get("nbgrader", {})
        if cell.cell_type != "code" or not settings.get("grade") or settings.get("solution"):
            continue
        found = verdicts.get(blueprint.keys.get(grade_id_of(cell), ""))
        cell.outputs = _outputs(found, float(settings.get("points", 0)))


def _outputs(found: verdict.Verdict | None, most: float) -> list[NotebookNode]:
    """Verdict as a table, then the points as the cell's result, which is how nbgrader stores partial credit."""
    if found is None:
        return [new_output("execute_result", {"text/plain": "0.0"})]
    data = {"text/plain": report.text(found), "text/html": report.html(found)}
    points = min(float(found.points), most)
    return [new_output("display_data", data), new_output("execute_result", {"text/plain": repr(points)})]


class Judge(NbGraderPreprocessor):
    """nbgrader preprocessor that runs a submission in the sandbox and judges it, in the place of `Execute`."""

    cell_timeout = Int(60, help="seconds for a cell").tag(config=True)
    provisioner = Unicode("wgan-bubblewrap", help="wgan-bubblewrap or wgan-container").tag(config=True)
    no_sandbox = Bool(False, help="run submissions with all your rights; never for real submissions").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Run and judge the notebook that nbgrader has sanitised."""
        names = resources["nbgrader"]
        course = CourseDirectory(config=self.config)
        released = course.format_path(course.release_directory, ".", names["assignment"])
        blueprint = Blueprint.read(Path(released) / f"{names['notebook']}.ipynb")
        folder = Path(course.format_path(course.submitted_directory, names["student"], names["assignment"]))
        sandbox.require_unseen(Path(course.root))
        if not self.no_sandbox:
            sandbox.require_same_package()
        judged = judge_notebook(rebuild(student_cells(nb.cells), blueprint), folder, blueprint, self.settings())
        return judged.notebook, resources

    def settings(self) -> Settings:
        """Settings that the configuration asks for."""
        provisioner = "local-provisioner" if self.no_sandbox else self.provisioner
        return Settings(cell_timeout=self.cell_timeout, provisioner=provisioner)


class TakeJudged(NbGraderPreprocessor):
    """nbgrader preprocessor that takes the notebooks that `wgan-course grade` has judged."""

    folder = Unicode("", help="where the judged notebooks are: one JSON file a student").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Put the judged notebook in the place of the sanitised one."""
        path = Path(self.folder) / f"{student_token(resources['nbgrader']['student'])}.json"
        return Judged.from_json(path.read_text()).notebook, resources


def student_token(student: str) -> str:
    """File name for a student, whatever characters the name has."""
    return hashlib.sha256(student.encode("utf-8", "surrogatepass")).hexdigest()[:32]


__all__ = ["Judge", "Judged", "TakeJudged", "judge_notebook", "judge_submission", "refuse"]
