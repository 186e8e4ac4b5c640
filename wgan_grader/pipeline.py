"""A class at once: `release` makes the exercises from the solutions, `grade` takes submissions to feedback and grades.

Each submission is one independent task (`tasks`). As results come, this process alone hands them to nbgrader
(`course`), so that memory does not grow with the class. What has not changed since the last run is left as it is.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wgan_course._files import atomic_write

from . import locks, sandbox
from .course import CONFIG, KEEP, Course, CourseError, Standing, database_trouble
from .execution import NO_SANDBOX, Settings
from .feedback import PLAIN
from .folders import hash_tree
from .judged import Judged
from .late import read_rule
from .submission import Blueprint
from .tasks import BROKEN, Task, run_all, run_task

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One student's line of the summary.

    `status` is ``graded``, ``unreadable`` (no points, and the diagnosis says why), ``failed`` (the grader itself had
    trouble: nothing was written to the gradebook) or ``missing`` (of the class list, and nothing was handed in).
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


def release(course_root: str | Path, problem_sets: Sequence[str] = (), *, measure: bool = False) -> list[Path]:
    """Make `exercises/` from `solutions/` with nbgrader, for some problem sets or for all.

    Parameters
    ----------
    course_root : path
        Folder with `nbgrader_config.py` and `solutions/`.
    problem_sets : sequence of str
        Names such as ``ps01_js_saturation``; all where left out.
    measure : bool
        Grade each solution first, and write into it the processor time that it takes: a submission's limit follows.

    Returns
    -------
    list of Path
        Released notebooks.

    Raises
    ------
    CourseError
        Where a problem set does not exist, or nbgrader refuses it; the message has nbgrader's own. Where a solution
        that is measured does not earn all points.
    """
    course = Course(Path(course_root))
    names = list(problem_sets) or course.problem_sets()
    with locks.hold(course.root / KEEP, "wgan-course release"):
        for name in names:
            course.require(name)
            course.generate(name)
            if measure:
                _measure(course, name)
                course.generate(name)
    return [course.released(name) for name in names]


def _measure(course: Course, name: str) -> None:
    from . import judge  # it imports torch

    source = course.source(name)
    judged = judge.judge_submission(source.parent, Blueprint.read(course.released(name)), Settings())
    lost = [key for key, found in judged.findings.items() if found["points"] < found["possible"]]
    if lost or judged.diagnosis:
        said = " ".join([judged.diagnosis, *judged.notes]).strip()
        raise CourseError(f"the solution of {name} does not earn all points: {', '.join(lost)} {said}".rstrip())
    notebook = json.loads(source.read_text(encoding="utf-8"))
    notebook["metadata"].setdefault("wgan_course", {})["seconds"] = round(judged.processor, 1)
    atomic_write(source, (json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


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
    dask: str = "",
    db: str = "",
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
        Where the tasks run; local processes where left out.
    dask : str
        Address of a Dask scheduler, whose workers get the files with the tasks.
    db : str
        Address of the gradebook, such as ``postgresql://host/name``; SQLite in the course's folder where left out.
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
        Where the course lacks the problem set or submissions of it, or its gradebook cannot be used.
    """
    settings = _chosen(settings or Settings(), no_sandbox)
    course = Course(Path(course_root), db)
    if settings.sandboxed:
        sandbox.require_unseen(course.root)
        sandbox.require_same_package()
    course.require(problem_set)
    with locks.hold(course.root / KEEP, f"wgan-course grade {problem_set}"), _cluster(dask) as cluster, _in_words():
        course.sweep()
        course.generate_if_changed(problem_set)
        rows = _grade(course, problem_set, students, settings, force, _Engine(workers, executor, cluster), console)
        course.export()
    summary = Summary(problem_set, tuple(rows), course.root / "grades.csv", course.folder("feedback"))
    if console is not None:
        console.print(summary.table())
    return summary


@dataclass(frozen=True)
class _Engine:
    """Where tasks run: local processes, an executor that was given, or a cluster."""

    workers: int
    executor: Executor | None
    cluster: Any

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, str]]:
        """Run the tasks; each with what went wrong."""
        if self.cluster is None:
            return run_all(tasks, self.workers, self.executor)
        at_once = max(1, sum(self.cluster.nthreads().values()))
        return run_all(tasks, at_once, self.cluster.get_executor(pure=False, retries=2), remote=True)


@contextmanager
def _cluster(address: str, seconds: float = 20) -> Iterator[Any]:
    """Connect to a Dask scheduler, where one is named."""
    if not address:
        yield None
        return
    from distributed import Client

    try:
        client = Client(address, timeout=seconds)
    except (OSError, TimeoutError) as error:
        raise CourseError(f"there is no Dask scheduler at {address}: {error!s:.200}") from error
    with client:
        yield client


@contextmanager
def _in_words() -> Iterator[None]:
    """What the gradebook's database means, as a CourseError."""
    try:
        yield
    except (CourseError, OSError):
        raise
    except Exception as error:
        said = database_trouble(error)
        if not said:
            raise
        raise CourseError(said) from error


def _grade(
    course: Course,
    problem_set: str,
    students: Sequence[str],
    settings: Settings,
    force: bool,
    engine: _Engine,
    console: Any,
) -> list[Row]:
    tasks = course.tasks(problem_set, students, settings)
    writer = _Writer(course, problem_set)
    rows, rest = [], []
    with _progress(console, len(tasks)) as advance:
        for task in tasks:
            if force or not task.kept.exists() or (row := writer.again(task)) is None:
                rest.append(task)
                continue
            rows.append(row)
            advance()
        for task, trouble in engine.run(rest):
            rows.append(writer.write(task, trouble))
            advance()
    if not students:
        rows += [Row(one.name, "failed", diagnosis=one.reason) for one in course.refused(problem_set)]
    rows += _missing(students or course.students(), {row.student for row in rows})
    return sorted(rows, key=lambda row: row.student)


def _missing(wanted: Iterable[str], present: set[str]) -> list[Row]:
    absent = sorted(set(wanted) - present)
    return [Row(student, "missing", diagnosis="Nothing was handed in.") for student in absent]


def _chosen(settings: Settings, no_sandbox: bool) -> Settings:
    if no_sandbox:
        logger.warning(NO_SANDBOX)
        return replace(settings, provisioner="local-provisioner")
    if settings.provisioner == "wgan-bubblewrap":
        sandbox.drops_user()
    return settings


class _Writer:
    """Puts results into gradebook and feedback; what nbgrader cannot take becomes a diagnosis."""

    def __init__(self, course: Course, problem_set: str) -> None:
        self.course, self.problem_set = course, problem_set
        self.noted, self.standings = course.notes(problem_set), course.standings(problem_set)
        rule = read_rule(course.root / KEEP)
        self.common = [course.due(problem_set), repr(rule), hash_tree(course.root / CONFIG)]

    def again(self, task: Task) -> Row | None:
        """Row of a submission that an earlier run has judged; None where its result is not whole."""
        noted, standing = self.noted.get(task.student), self.standings.get(task.student)
        if noted is None or standing is None or noted.get("written") != self._version(task) or not self._page(task):
            judged = task.load()
            return None if judged is None else self._record(task, judged, cached=True)
        if noted.get("hand") != standing.hand:
            standing = self.course.hand_out(self.problem_set, task.student)
            self.course.note(self.problem_set, task.student, {**noted, "hand": standing.hand})
        return _row(task.student, noted, standing, cached=True)

    def write(self, task: Task, trouble: str) -> Row:
        """Row of a submission that has just been run."""
        judged = None if trouble else task.load()
        if judged is None:
            return self._failed(task, trouble or "its result could not be read back")
        return self._record(task, judged, cached=False)

    def _record(self, task: Task, judged: Judged, cached: bool) -> Row:
        try:
            standing = self.course.record(task, judged)
        except CourseError as error:
            return self._failed(task, str(error), judged.seconds)
        noted = {
            "written": self._version(task),
            "content": task.content,
            "hand": standing.hand,
            "diagnosis": judged.diagnosis,
            "notes": [*judged.notes, *[PLAIN] * standing.plain],
            "seconds": judged.seconds,
            "findings": judged.findings,
        }
        self.course.note(self.problem_set, task.student, noted)
        return _row(task.student, noted, standing, cached)

    def _failed(self, task: Task, trouble: str, seconds: float = 0.0) -> Row:
        try:
            self.course.write_diagnosis(task, trouble)
            self.course.note(self.problem_set, task.student, {"trouble": trouble, "seconds": seconds})
        except OSError:
            logger.exception("the trouble with %r could not be written down", task.student)
        return Row(task.student, "failed", seconds=seconds, diagnosis=trouble)

    def _version(self, task: Task) -> str:
        return "\n".join([task.kept.stem, *self.common])

    def _page(self, task: Task) -> bool:
        return (self.course.folder("feedback", task.student, self.problem_set) / f"{self.problem_set}.html").is_file()


def _row(student: str, noted: Mapping[str, Any], standing: Standing, cached: bool) -> Row:
    late = f"Handed in late: {standing.penalty:g} points taken off." if standing.penalty else ""
    note = " ".join(filter(None, [noted["diagnosis"], *noted["notes"], late]))
    status = "unreadable" if noted["diagnosis"] else "graded"
    return Row(student, status, standing.score, standing.possible, standing.waiting, noted["seconds"], note, cached)


@contextmanager
def _progress(console: Any, total: int) -> Iterator[Callable[[], None]]:
    if console is None:
        yield lambda: None
        return
    from rich.progress import Progress

    with Progress(console=console) as bar:
        line = bar.add_task("grading", total=total)
        yield lambda: bar.advance(line)


__all__ = [
    "BROKEN",
    "Course",
    "CourseError",
    "Row",
    "Summary",
    "Task",
    "grade",
    "hash_tree",
    "release",
    "run_task",
]
