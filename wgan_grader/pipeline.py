"""A class at once: `release` makes the exercises from the solutions, `grade` takes submissions to feedback and grades.

Each submission is one independent task of a `concurrent.futures.Executor`: it runs in the sandbox, is judged, and the
result is kept under the hash of what went into it, so that a killed run goes on where it was. Then one writer alone
hands the judged notebooks to nbgrader: gradebook, late penalties, feedback and export are nbgrader's own.
"""

import hashlib
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from html import escape
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from . import sandbox
from .execution import NO_SANDBOX, Settings
from .judge import Judged, TakeJudged, copy_plain_files, judge_submission, refuse, student_token
from .programs import find_programs
from .stamps import rewrite_timestamp
from .submission import Blueprint

logger = logging.getLogger(__name__)
nbgrader_log = logging.getLogger(f"{__name__}.nbgrader")
nbgrader_log.setLevel(logging.ERROR)

CONFIG = "nbgrader_config.py"
KEEP = "grading"
STYLE = """<style>
td, th { padding: .15em .9em .15em 0 }
.anchor-link { display: none }
@media (prefers-color-scheme: dark) {
  html { background: #fff; filter: invert(.9) hue-rotate(180deg) }
  img { filter: invert(1) hue-rotate(180deg) }
}
</style>
"""


class CourseError(Exception):
    """The course folder lacks something, or nbgrader refuses it; the message says what to do."""


@dataclass(frozen=True)
class Row:
    """One student's line of the summary.

    `status` is ``graded``, ``unreadable`` (no points, and the diagnosis says why) or ``failed`` (the grader itself had
    trouble: nothing was written to the gradebook).
    """

    student: str
    status: str
    score: float | None = None
    possible: float | None = None
    waiting: bool = False
    seconds: float = 0.0
    diagnosis: str = ""
    cached: bool = False


@dataclass(frozen=True)
class Summary:
    """Outcome of a run over a class."""

    problem_set: str
    rows: tuple[Row, ...]
    grades: Path
    feedback: Path

    def table(self) -> Any:
        """Summary as a table of rich."""
        from rich.table import Table
        from rich.text import Text

        table = Table("student", "score", "status", "seconds", "note", title=self.problem_set)
        for row in self.rows:
            score = "–" if row.score is None else f"{row.score:g} / {row.possible:g}"
            status = f"{row.status}, proof to grade by hand" if row.waiting else row.status
            cells = (row.student, score, status, "kept" if row.cached else f"{row.seconds:.1f}", row.diagnosis)
            table.add_row(*(Text(cell) for cell in cells))
        return table


def release(course_root: str | Path, problem_sets: Sequence[str] = ()) -> list[Path]:
    """Make `exercises/` from `solutions/` with nbgrader, for some problem sets or for all.

    Parameters
    ----------
    course_root : path
        Folder with `nbgrader_config.py` and `solutions/`.
    problem_sets : sequence of str
        Names such as ``ps01_js_saturation``; all where left out.

    Returns
    -------
    list of Path
        Released notebooks.

    Raises
    ------
    CourseError
        Where a problem set does not exist, or nbgrader refuses it; the message has nbgrader's own.
    """
    course = Course(Path(course_root))
    names = list(problem_sets) or course.problem_sets()
    for name in names:
        course.require(name)
        course.generate(name)
    return [course.released(name) for name in names]


def grade(
    course_root: str | Path,
    problem_set: str,
    *,
    students: Sequence[str] = (),
    workers: int = 1,
    settings: Settings | None = None,
    no_sandbox: bool = False,
    force: bool = False,
    executor: Executor | None = None,
    console: Any = None,
) -> Summary:
    """Grade what a class handed in: run, judge, write the gradebook, the feedback pages and `grades.csv`.

    Submissions are in ``submitted/STUDENT/PROBLEM_SET/``. Nothing that one of them does can stop the others.

    Parameters
    ----------
    course_root : path
        Folder with `nbgrader_config.py`, `solutions/` and `submitted/`.
    problem_set : str
        Such as ``ps01_js_saturation``; it is released anew where its solution has changed.
    students : sequence of str
        Only these; everyone where left out.
    workers : int
        Submissions that run at once.
    settings : Settings, optional
        Limits, time for a cell, kind of sandbox.
    no_sandbox : bool
        Run submissions with all your rights. A warning says so each time.
    force : bool
        Run again also what has been judged before.
    executor : Executor, optional
        Where the tasks run, such as a Dask client's executor; local processes where left out.
    console : rich.console.Console, optional
        Where to show a progress bar and the summary table; nothing is shown where left out.

    Returns
    -------
    Summary
        One row a student, in alphabetical order.

    Raises
    ------
    SandboxError
        Where there is no sandbox; the message has the command that installs one.
    CourseError
        Where the course lacks the problem set or submissions of it.
    """
    settings = _chosen(settings or Settings(), no_sandbox)
    course = Course(Path(course_root))
    if settings.sandboxed:
        sandbox.require_unseen(course.root)
        sandbox.require_same_package()
    course.require(problem_set)
    course.generate_if_changed(problem_set)
    tasks = course.tasks(problem_set, students, settings)
    with _progress(console, len(tasks)) as advance:
        outcomes = _run_all(tasks, workers, executor, force, advance)
    rows = tuple(_write(course, task, outcome) for task, outcome in zip(tasks, outcomes, strict=True))
    course.export()
    summary = Summary(problem_set, rows, course.root / "grades.csv", course.folder("feedback"))
    if console is not None:
        console.print(summary.table())
    return summary


def _chosen(settings: Settings, no_sandbox: bool) -> Settings:
    if no_sandbox:
        logger.warning(NO_SANDBOX)
        return replace(settings, provisioner="local-provisioner")
    if settings.provisioner == "wgan-bubblewrap":
        sandbox.drops_user()
    return settings


@dataclass(frozen=True)
class Task:
    """One submission to run and judge: all that a worker needs, and where it keeps the result."""

    student: str
    folder: Path
    released: Path
    settings: Settings
    kept: Path

    def load(self) -> Judged | None:
        """Take what an earlier run has kept; None where there is nothing whole."""
        try:
            return Judged.from_json(self.kept.read_text())
        except (OSError, ValueError, KeyError, TypeError):
            return None


def run_task(task: Task) -> str:
    """Run and judge one submission, keep the result, and return an empty string; else what went wrong."""
    try:
        judged = judge_submission(task.folder, Blueprint.read(task.released), task.settings)
        draft = task.kept.with_suffix(".draft")
        draft.write_text(judged.to_json())
        draft.replace(task.kept)
    except Exception as error:
        logger.exception("%s could not be graded", task.student)
        return f"{type(error).__name__}: {error!s:.500}"
    return ""


@dataclass(frozen=True)
class Outcome:
    """What a task came to: a judged submission, or the grader's own trouble."""

    judged: Judged | None
    trouble: str = ""
    cached: bool = False


def _run_all(
    tasks: Sequence[Task], workers: int, executor: Executor | None, force: bool, advance: Callable[[], None]
) -> list[Outcome]:
    kept = {} if force else {task.student: found for task in tasks if (found := task.load())}
    for _ in kept:
        advance()
    rest = [task for task in tasks if task.student not in kept]
    troubles = _run_rest(rest, workers, executor, advance) if rest else {}
    return [_outcome(task, kept.get(task.student), troubles.get(task.student, "")) for task in tasks]


def _run_rest(
    tasks: Sequence[Task], workers: int, executor: Executor | None, advance: Callable[[], None]
) -> dict[str, str]:
    """Run tasks on an executor; one whose worker breaks is tried once more, in a worker of its own."""
    with _pool(workers) if executor is None else nullcontext(executor) as pool:
        futures = {pool.submit(run_task, task): task for task in tasks}
        troubles = {}
        for future in as_completed(futures):
            troubles[futures[future].student] = _result(future)
            advance()
    for task in tasks:
        if troubles[task.student] == BROKEN and executor is None:
            with _pool(1) as alone:
                troubles[task.student] = _result(alone.submit(run_task, task))
    return troubles


BROKEN = "the worker that ran it ended"


def _result(future: Future) -> str:
    try:
        return future.result()
    except Exception:
        logger.exception("a worker ended")
        return BROKEN


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(max(1, workers), mp_context=get_context("spawn"))


def _outcome(task: Task, kept: Judged | None, trouble: str) -> Outcome:
    if kept is not None:
        return Outcome(kept, cached=True)
    judged = None if trouble else task.load()
    return Outcome(judged, trouble or ("" if judged else "its result could not be read back"))


@contextmanager
def _progress(console: Any, total: int) -> Iterator[Callable[[], None]]:
    if console is None:
        yield lambda: None
        return
    from rich.progress import Progress

    with Progress(console=console) as bar:
        line = bar.add_task("grading", total=total)
        yield lambda: bar.advance(line)


def _write(course: "Course", task: Task, outcome: Outcome) -> Row:
    """Put one outcome into gradebook and feedback; what nbgrader cannot take becomes a diagnosis."""
    if outcome.judged is None:
        course.write_diagnosis(task, outcome.trouble)
        return Row(task.student, "failed", diagnosis=outcome.trouble)
    trouble = course.record(task, outcome.judged)
    if trouble:
        course.write_diagnosis(task, trouble)
        return Row(task.student, "failed", seconds=outcome.judged.seconds, diagnosis=trouble)
    score, possible, waiting = course.score(task)
    judged = outcome.judged
    notes = [judged.diagnosis, *judged.notes, course.lateness(task)]
    status, note = "unreadable" if judged.diagnosis else "graded", " ".join(filter(None, notes))
    return Row(task.student, status, score, possible, waiting, judged.seconds, note, outcome.cached)


class Course:
    """A course folder, and nbgrader's part of it; only the process that owns this object writes to the gradebook.

    Parameters
    ----------
    root : Path
        Folder with `nbgrader_config.py`.
    """

    def __init__(self, root: Path) -> None:
        from nbgrader.coursedir import CourseDirectory

        self.root = root.resolve()
        self.config = _load_config(self.root)
        find_programs()
        self.directory = CourseDirectory(config=self.config)

    def folder(self, step: str, student: str = ".", problem_set: str = "") -> Path:
        """Folder of one of nbgrader's steps: ``source``, ``release``, ``submitted``, ``autograded``, ``feedback``."""
        name = getattr(self.directory, f"{step}_directory")
        return Path(self.directory.format_path(name, student, problem_set))

    def problem_sets(self) -> list[str]:
        """Problem sets that have a solution."""
        return sorted(path.parent.name for path in self.folder("source").glob("*/*.ipynb"))

    def require(self, problem_set: str) -> None:
        """Raise CourseError where there is no such problem set."""
        known = self.problem_sets()
        if problem_set not in known:
            raise CourseError(f"there is no problem set {problem_set!r}; {self.folder('source')} has {known}")

    def released(self, problem_set: str) -> Path:
        """Released notebook of a problem set."""
        return self.folder("release", ".", problem_set) / f"{problem_set}.ipynb"

    def source(self, problem_set: str) -> Path:
        """Solution of a problem set."""
        return self.folder("source", ".", problem_set) / f"{problem_set}.ipynb"

    def generate(self, problem_set: str) -> None:
        """Release a problem set and enter it into the gradebook."""
        from nbgrader.converters import GenerateAssignment

        self._convert(GenerateAssignment, problem_set, ".", create_assignment=True)
        self._mark(problem_set).parent.mkdir(parents=True, exist_ok=True)
        self._mark(problem_set).write_text(self._version(problem_set))

    def generate_if_changed(self, problem_set: str) -> None:
        """Release a problem set unless that has been done with this solution and this configuration."""
        mark = self._mark(problem_set)
        current = mark.exists() and mark.read_text() == self._version(problem_set)
        if not (current and self.released(problem_set).exists() and self._in_gradebook(problem_set)):
            self.generate(problem_set)

    def tasks(self, problem_set: str, students: Sequence[str], settings: Settings) -> list[Task]:
        """Tasks for what was handed in, one a student; CourseError where there is nothing."""
        submitted = self.folder("submitted")
        found = sorted(path for path in submitted.glob("*") if (path / problem_set).exists() and not path.is_symlink())
        chosen = [path for path in found if not students or path.name in students]
        if not chosen:
            raise CourseError(f"there are no submissions of {problem_set} in {submitted}/STUDENT/{problem_set}/")
        kept = self.root / KEEP / "judged" / problem_set
        kept.mkdir(parents=True, exist_ok=True)
        return [self._task(path, problem_set, settings, kept) for path in chosen]

    def record(self, task: Task, judged: Judged) -> str:
        """Hand a judged submission to nbgrader's autograde and feedback; what nbgrader refuses comes back as text."""
        problem_set = task.released.stem
        staged = self._stage(task, judged)
        try:
            self._autograde(staged, problem_set, task.student)
            self._feedback(problem_set, task.student)
        except Exception as error:
            logger.exception("nbgrader could not record %s", task.student)
            return f"nbgrader could not record it: {error!s:.300}"
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        return ""

    def score(self, task: Task) -> tuple[float, float, bool]:
        """Score after any late penalty, possible score, and whether something waits to be graded by hand."""
        with self.gradebook() as book:
            submission = book.find_submission(task.released.stem, task.student)
            score = max(0.0, submission.score - submission.late_submission_penalty)
            return score, submission.max_score, submission.needs_manual_grade

    def lateness(self, task: Task) -> str:
        """Say what handing in late has cost; empty where it has cost nothing."""
        with self.gradebook() as book:
            penalty = book.find_submission(task.released.stem, task.student).late_submission_penalty
        return f"Handed in late: {penalty:g} points taken off." if penalty else ""

    def gradebook(self) -> Any:
        """Open the gradebook, as a context manager."""
        from nbgrader.api import Gradebook

        return Gradebook(self.directory.db_url, self.directory.course_id)

    def export(self) -> None:
        """Write all grades to `grades.csv`."""
        from nbgrader.plugins import CsvExportPlugin

        plugin = CsvExportPlugin(config=self.config)
        plugin.to = str(self.root / "grades.csv")
        with self.gradebook() as book:
            plugin.export(book)

    def write_diagnosis(self, task: Task, trouble: str) -> None:
        """Write a feedback page for a submission that could not be graded through no fault of its own."""
        folder = self.folder("feedback", task.student, task.released.stem)
        folder.mkdir(parents=True, exist_ok=True)
        title = escape(task.released.stem)
        text = f"<p>This submission has not been graded yet: the grader met a problem.</p><p>{escape(trouble)}</p>"
        page = (
            f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><h1>{title}</h1>{text}</html>"
        )
        (folder / f"{task.released.stem}.html").write_text(page, encoding="utf-8")

    def _task(self, path: Path, problem_set: str, settings: Settings, kept: Path) -> Task:
        folder, released = path / problem_set, self.released(problem_set)
        parts = [
            path.name,
            hash_tree(folder),
            hash_tree(released),
            hash_tree(sandbox.PACKAGE / "check"),
            hash_tree(sandbox.GRADER),
            repr(settings),
        ]
        key = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return Task(path.name, folder, released, settings, kept / f"{key}.json")

    def _stage(self, task: Task, judged: Judged) -> Path:
        """Lay out one clean submission for nbgrader, away from what the student handed in."""
        problem_set = task.released.stem
        staged = self.root / KEEP / "staged"
        shutil.rmtree(staged, ignore_errors=True)
        folder = staged / "submitted" / task.student / problem_set
        folder.mkdir(parents=True)
        if task.folder.is_dir():
            copy_plain_files(task.folder, folder)
        rewrite_timestamp(folder / "timestamp.txt")
        shutil.copyfile(task.released, folder / task.released.name)
        (staged / "judged").mkdir()
        (staged / "judged" / f"{student_token(task.student)}.json").write_text(judged.to_json())
        return staged

    def _autograde(self, staged: Path, problem_set: str, student: str) -> None:
        from nbgrader import preprocessors as steps
        from nbgrader.converters import Autograde

        order = [
            TakeJudged,
            steps.LimitOutput,
            steps.SaveAutoGrades,
            steps.AssignLatePenalties,
            steps.CheckCellMetadata,
        ]
        config = self._config()
        config.CourseDirectory.submitted_directory = str((staged / "submitted").relative_to(self.root))
        config.TakeJudged.folder = str(staged / "judged")
        config.Autograde.autograde_preprocessors = order
        self._convert(Autograde, problem_set, student, config, create_student=True)

    def _feedback(self, problem_set: str, student: str) -> None:
        from nbgrader.converters import GenerateFeedback

        self._convert(GenerateFeedback, problem_set, student)
        for page in self.folder("feedback", student, problem_set).glob("*.html"):
            page.write_text(page.read_text(encoding="utf-8").replace("</head>", f"{STYLE}</head>", 1), encoding="utf-8")

    def _convert(self, kind: Any, problem_set: str, student: str, config: Any = None, **options: Any) -> None:
        """Run one of nbgrader's converters; its log goes to ours, and its refusal becomes a CourseError."""
        from nbgrader.converters import NbGraderException
        from nbgrader.coursedir import CourseDirectory

        config = config or self._config()
        directory = CourseDirectory(config=config)
        directory.assignment_id, directory.student_id = problem_set, student
        converter = kind(coursedir=directory, config=config, **options)
        converter.force, converter.log = True, nbgrader_log
        converter.init_notebooks = lambda: _one_submission(converter, problem_set, student)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                converter.start()
        except (SystemExit, NbGraderException) as error:
            raise CourseError(f"nbgrader stopped at {problem_set}; its log says why. {error}") from error

    def _config(self) -> Any:
        from copy import deepcopy

        return deepcopy(self.config)

    def _mark(self, problem_set: str) -> Path:
        return self.root / KEEP / "released" / f"{problem_set}.txt"

    def _version(self, problem_set: str) -> str:
        return "\n".join(hash_tree(path) for path in (self.source(problem_set), self.root / CONFIG))

    def _in_gradebook(self, problem_set: str) -> bool:
        from nbgrader.api import MissingEntry

        with self.gradebook() as book:
            try:
                book.find_assignment(problem_set)
            except MissingEntry:
                return False
        return True


def _load_config(root: Path) -> Any:
    """Read the course's nbgrader configuration; CourseError where there is none."""
    from traitlets.config.loader import PyFileConfigLoader

    if not (root / CONFIG).is_file():
        raise CourseError(f"{root} has no {CONFIG}: it is no course folder")
    config = PyFileConfigLoader(CONFIG, path=str(root)).load_config()
    config.CourseDirectory.root = str(root)
    return config


def _one_submission(converter: Any, problem_set: str, student: str) -> None:
    """Name the one folder to convert; nbgrader would search by patterns, in which a name may have a meaning."""
    folder = converter._format_source(problem_set, student)
    names = sorted(path for path in Path(folder).glob("*.ipynb") if path.is_file())
    converter.assignments, converter.notebooks = {folder: [os.path.join(folder, path.name) for path in names]}, []


def hash_tree(path: Path) -> str:
    """Hash of a file, or of a folder's files by name and content; links count by where they point."""
    digest = hashlib.sha256()
    entries = [path] if path.is_file() or path.is_symlink() else sorted(path.rglob("*"))
    for entry in entries:
        if entry.suffix == ".pyc" or entry.name == "__pycache__":
            continue
        name = str(entry.relative_to(path)).encode("utf-8", "surrogateescape")
        digest.update(len(name).to_bytes(8, "big") + name + _content(entry))
    return digest.hexdigest()


def _content(entry: Path) -> bytes:
    if entry.is_symlink():
        return b"link " + str(entry.readlink()).encode("utf-8", "surrogateescape")
    if not entry.is_file():
        return b"folder"
    with entry.open("rb") as file:
        return b"file " + hashlib.file_digest(file, "sha256").digest()


__all__ = ["CourseError", "Row", "Summary", "Task", "grade", "hash_tree", "refuse", "release", "run_task"]
