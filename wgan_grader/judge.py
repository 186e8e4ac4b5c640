"""Judging a submission after it ran: what the sandbox recorded is compared here, where it cannot be reached.

`judge_submission` does the whole of it for one folder; `judged` has the same as preprocessors of nbgrader's.
"""

import hashlib
import json
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output

from wgan_course.check import report
from wgan_course.check.exchange import ExchangeError, read_observations, write_request

from . import own, registry, verdict
from .execution import Run, Settings, run_notebook
from .folders import FolderError, copy_plain_files, require_own_folder
from .judged import Judge, Judged, TakeJudged, student_token
from .problem import Case, Problem
from .sandbox import Workspace
from .submission import (
    Blueprint,
    UnreadableError,
    broken_cells,
    find_notebook,
    grade_id_of,
    has_answers,
    put_back_notes,
    read_cells,
    rebuild,
)

logger = logging.getLogger(__name__)


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
    run, verdicts, left = _run_and_assess(notebook, Path(folder), problems, cases, settings.within(blueprint.seconds))
    broken = broken_cells(run.notebook)
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
        run.processor,
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
    workspace = Workspace.create(settings.limits)
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
    broken = broken_cells(run.notebook)
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


def _fatal_notes(run: Run) -> list[str]:
    last = list(run.fatal)[-1:] if run.stopped else []
    then = {index: "no cell after it ran" for index in last}
    return [
        f"Cell {index + 1} ended the kernel ({reason}); "
        f"{then.get(index, 'it was left out, and the rest ran without it')}."
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
    """Verdict as a table, and as text the bare points, which is how nbgrader stores partial credit."""
    if found is None:
        return [new_output("execute_result", {"text/plain": "0.0"})]
    data = {"text/plain": repr(min(float(found.points), most)), "text/html": report.html(found)}
    return [new_output("execute_result", data | {report.CHECK: {"text": report.text(found)}})]


__all__ = ["Judge", "Judged", "TakeJudged", "judge_notebook", "judge_submission", "refuse", "student_token"]
