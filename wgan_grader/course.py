"""A course folder, and nbgrader's part of it: release, gradebook, late penalties, feedback, export.

Only one process writes: the one that owns a `Course`.
"""

import contextlib
import csv
import hashlib
import io
import json
import logging
import os
import re
import shutil
import tempfile
import threading
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import nbformat

from wgan_course._files import atomic_write

from . import feedback, handmarking, sandbox
from .execution import Settings
from .folders import (
    FolderError,
    copy_plain_files,
    hash_folder,
    hash_tree,
    name_trouble,
    no_room,
    require_own_folder,
    shown,
)
from .judged import Judged, TakeJudged, student_token
from .programs import find_programs
from .recording import ReadGrades, SaveGrades
from .roster import Roster, Student
from .stamps import rewrite_timestamp
from .submission import grade_id_of
from .tasks import Task

logger = logging.getLogger(__name__)
_NBGRADER = threading.Lock()  # its converters change the folder and the environment of the whole process
nbgrader_log = logging.getLogger(f"{__name__}.nbgrader")
nbgrader_log.setLevel(logging.ERROR)

__all__ = ["CONFIG", "KEEP", "Course", "CourseError", "Refused", "Standing", "database_trouble"]

CONFIG = "nbgrader_config.py"
KEEP = "grading"
STAMP = "timestamp.txt"
GRADES = ["assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score"]
GRADES += ["late_submission_penalty", "score", "max_score", "pending"]
NOTHING = {"raw_score": 0.0, "late_submission_penalty": 0.0, "score": 0.0, "pending": 0.0}
# What PostgreSQL's driver says of a server that is not there, or that goes.
GONE = ("connection to server", "could not connect", "server closed the connection", "terminating connection")
GONE += ("connection already closed", "in recovery mode", "starting up")
STYLE = """<style>
td, th { padding: .15em .9em .15em 0 }
div.nbgrader_cell .panel-heading { height: auto; overflow: hidden }
.wgan-check pre { border: 0 }
@media (max-width: 600px) {
  body > .container, #notebook-container { padding: 0 .3em }
  .panel-body { padding: .3em }
  pre { white-space: pre-wrap; overflow-wrap: anywhere }
}
@media (prefers-color-scheme: dark) {
  html { background: #fff; filter: invert(.9) hue-rotate(180deg) }
  img { filter: invert(1) hue-rotate(180deg) }
}
</style>
"""


class CourseError(Exception):
    """The course folder lacks something, or nbgrader refuses it; the message says what to do."""


@dataclass(frozen=True)
class Refused:
    """A folder in ``submitted/`` that can be no student's."""

    name: str
    reason: str


@dataclass(frozen=True)
class Standing:
    """What the gradebook says of a submission.

    `open` has the points that a person has still to give, by grade id, `hand` is a digest of everything that a person
    has set, `graded` says whether any part has points, `plain` whether the feedback page could not be rendered.
    """

    score: float
    possible: float
    open: Mapping[str, float]
    penalty: float
    hand: str
    graded: bool = True
    plain: bool = False

    @property
    def pending(self) -> float:
        """Points that a person has still to give."""
        return sum(self.open.values(), 0.0)

    @property
    def waiting(self) -> bool:
        """Whether a part is still to be graded by hand."""
        return self.pending > 0


class Course:
    """A course folder.

    Parameters
    ----------
    root : Path
        Folder with `nbgrader_config.py`.
    db : str, optional
        Address of the gradebook, such as ``postgresql://host/name``; the configuration's where left out.
    """

    def __init__(self, root: Path, db: str = "") -> None:
        from nbgrader.coursedir import CourseDirectory

        self.root = root.resolve()
        self.config = _load_config(self.root)
        if db:  # the driver is named, since which one is taken otherwise depends on SQLAlchemy's version
            self.config.CourseDirectory.db_url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", db)
        find_programs()
        self.directory = CourseDirectory(config=self.config)
        self.converters: dict[type, Any] = {}

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
        """Release a problem set and enter it into the gradebook; where nbgrader refuses, the old release stays."""
        from nbgrader.converters import GenerateAssignment

        self._require_same_cells(problem_set)
        with _or_as_before(self.released(problem_set).parent, self.root / KEEP):
            self._convert(GenerateAssignment, problem_set, ".", create_assignment=True)
        self._mark(problem_set).parent.mkdir(parents=True, exist_ok=True)
        self._mark(problem_set).write_text(self._version(problem_set))

    def _require_same_cells(self, problem_set: str) -> None:
        """Raise CourseError where cells were added or removed after submissions came, which no gradebook can take."""
        from nbgrader import utils
        from nbgrader.api import MissingEntry

        with self.gradebook() as book:
            try:
                notebook = book.find_notebook(problem_set, problem_set)
            except MissingEntry:
                return
            known = {cell.name for cell in notebook.source_cells} if notebook.submissions else None
        if known is None:
            return
        cells = nbformat.read(str(self.source(problem_set)), as_version=4).cells
        kinds = (utils.is_grade, utils.is_solution, utils.is_locked)
        now = {grade_id_of(cell) for cell in cells if any(kind(cell) for kind in kinds)}
        if known != now:
            raise CourseError(
                f"{problem_set} has submissions, so no cell may be added or removed: {', '.join(sorted(known ^ now))}. "
                "The old release stays. Undo that, or give the new version another name; all its grades would go with "
                f"`nbgrader db assignment remove {problem_set} --force`"
            )

    def generate_if_changed(self, problem_set: str) -> None:
        """Release a problem set unless that has been done with this solution and this configuration."""
        mark = self._mark(problem_set)
        current = mark.exists() and mark.read_text() == self._version(problem_set)
        if not (current and self.released(problem_set).exists() and self._in_gradebook(problem_set)):
            self.generate(problem_set)

    # ---- what was handed in -------------------------------------------------------------------------------------

    def tasks(self, problem_set: str, students: Sequence[str], settings: Settings) -> list[Task]:
        """Tasks for what was handed in, one a student; CourseError where there is nothing."""
        submitted = self.folder("submitted")
        chosen = [name for name in self.handed_in(problem_set) if not students or name in students]
        if not chosen:
            raise CourseError(f"there are no submissions of {problem_set} in {submitted}/STUDENT/{problem_set}/")
        kept = self.root / KEEP / "judged" / problem_set
        kept.mkdir(parents=True, exist_ok=True)
        common = self._what_decides(problem_set, settings)
        return [self._task(submitted / name, problem_set, settings, kept, common) for name in chosen]

    def handed_in(self, problem_set: str) -> list[str]:
        """Students with something in ``submitted/STUDENT/PROBLEM_SET``, in alphabetical order."""
        found = [one.name for one in _folders(self.folder("submitted")) if os.path.lexists(Path(one.path, problem_set))]
        return sorted(name for name in found if not name_trouble(name))

    def refused(self, problem_set: str) -> list[Refused]:
        """Folders in ``submitted/`` with this problem set that no student can have."""
        found = [entry.name for entry in _folders(self.folder("submitted"))]
        named = {name: name_trouble(name) for name in sorted(found)}
        submitted = self.folder("submitted")
        return [
            Refused(shown(name), f"The folder in {submitted.name}/ was left alone: {why}. Please rename it.")
            for name, why in named.items()
            if why and os.path.lexists(submitted / name / problem_set)
        ]

    def _task(self, path: Path, problem_set: str, settings: Settings, kept: Path, common: str) -> Task:
        folder = path / problem_set
        content, refusal = _content(folder)
        key = hashlib.sha256("\n".join([path.name, content, common]).encode()).hexdigest()
        return Task(path.name, folder, self.released(problem_set), settings, kept / f"{key}.json", refusal, content)

    def resubmitted(self, problem_set: str) -> set[str]:
        """Students whose submission is another one now than that which was graded last."""
        submitted = self.folder("submitted")
        graded = {name: about["content"] for name, about in self.notes(problem_set).items() if about.get("content")}
        return {
            name
            for name in self.handed_in(problem_set)
            if name in graded and graded[name] != _content(submitted / name / problem_set)[0]
        }

    def _what_decides(self, problem_set: str, settings: Settings) -> str:
        """Everything but the submission that decides about its grade."""
        released = hash_tree(self.released(problem_set))
        return "\n".join([released, hash_tree(sandbox.PACKAGE / "check"), hash_tree(sandbox.GRADER), repr(settings)])

    # ---- gradebook ----------------------------------------------------------------------------------------------

    def record(self, task: Task, judged: Judged) -> Standing:
        """Hand a judged submission to nbgrader's autograde and feedback; what the gradebook says of it then.

        Raises
        ------
        CourseError
            Where nbgrader refuses it.
        """
        with _NBGRADER:
            try:
                return self._record(task, judged)
            except Exception as error:
                logger.exception("nbgrader could not record %r", task.student)
                said = no_room(error) or database_trouble(error) or f"nbgrader could not record it: {error!s:.300}"
                raise CourseError(said) from error
            finally:
                shutil.rmtree(self._staged, ignore_errors=True)

    def _record(self, task: Task, judged: Judged) -> Standing:
        problem_set = task.released.stem
        before = self._graded_by_hand(problem_set, task.student)
        self._stage(task, judged)
        self._autograde(problem_set, task.student)
        self._flag_only_changes(problem_set, task.student, before)
        return self._feedback(problem_set, task.student)

    def hand_out(self, problem_set: str, student: str) -> Standing:
        """Bring the late penalty and the feedback page up to date with what a person has graded."""
        from nbgrader.preprocessors import AssignLatePenalties

        step = AssignLatePenalties(config=self._config())
        names = {"notebook": problem_set, "assignment": problem_set, "student": student}
        about: Any = {"nbgrader": names | {"db_url": self.directory.db_url}}
        with _NBGRADER:
            step.preprocess(nbformat.v4.new_notebook(), about)
            return self._feedback(problem_set, student)

    def standings(self, problem_set: str) -> dict[str, Standing]:
        """What the gradebook says of each submission of a problem set, by student."""
        with self.gradebook() as book:
            return {found.student_id: _standing(found) for found in book.assignment_submissions(problem_set)}

    def standing(self, problem_set: str, student: str) -> Standing:
        """What the gradebook says of one submission."""
        with self.gradebook() as book:
            return _standing(book.find_submission(problem_set, student))

    def students(self) -> dict[str, str]:
        """Names of the students of the gradebook, by id."""
        with self.gradebook() as book:
            return {one.id: f"{one.first_name or ''} {one.last_name or ''}".strip() for one in book.students}

    def roster(self) -> Roster:
        """The class as the gradebook has it."""
        with self.gradebook() as book:
            known = [(one.id, one.first_name, one.last_name, one.email, one.lms_user_id) for one in book.students]
        made = (
            Student(name, first or "", last or "", email or "", platform=lms or "")
            for name, first, last, email, lms in known
        )
        return Roster(tuple(made))

    def shares(self, problem_set: str, without: Collection[str] = ()) -> dict[str, tuple[float, float | None, int]]:
        """Of each graded cell: its points, the mean share that was earned, and how many wait for a person."""
        found: dict[str, list[Any]] = {}
        with self.gradebook() as book:
            for submission in book.assignment_submissions(problem_set):
                if submission.student_id in without:
                    continue
                for grade in (one for notebook in submission.notebooks for one in notebook.grades):
                    score = None if grade.needs_manual_grade else grade.score
                    found.setdefault(grade.name, []).append((grade.max_score, score))
        return {name: _share(pairs) for name, pairs in found.items()}

    def due(self, problem_set: str) -> str:
        """When a problem set is due, as the gradebook has it; empty where it is not."""
        with self.gradebook() as book:
            return str(book.find_assignment(problem_set).duedate or "")

    def gradebook(self) -> Any:
        """Open the gradebook, as a context manager."""
        from nbgrader.api import Gradebook

        return Gradebook(self.directory.db_url, self.directory.course_id)

    def export(self) -> None:
        """Write all grades to `grades.csv`, with `pending`: points that a person has still to give.

        Where there are such points, `score` is blank. Names are quoted, which nbgrader's own export leaves out.
        """
        text = io.StringIO()
        writer = csv.DictWriter(text, GRADES, restval="", lineterminator="\n")
        writer.writeheader()
        with self.gradebook() as book:
            writer.writerows(_grades(book))
        atomic_write(self.root / "grades.csv", text.getvalue().encode())

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

    # ---- what the last run left ---------------------------------------------------------------------------------

    def notes(self, problem_set: str) -> dict[str, dict[str, Any]]:
        """What the runs have noted of each student's submission."""
        found = {}
        for path in (self.root / KEEP / "noted" / problem_set).glob("*.json"):
            with suppress(OSError, ValueError, KeyError):
                plain = json.loads(path.read_text())
                found[plain["student"]] = plain
        return found

    def note(self, problem_set: str, student: str, about: Mapping[str, Any]) -> None:
        """Note what became of a student's submission, for the next run and for the report."""
        path = self.root / KEEP / "noted" / problem_set / f"{student_token(student)}.json"
        atomic_write(path, json.dumps({"student": student, **about}).encode())

    def _stage(self, task: Task, judged: Judged) -> None:
        """Lay out one clean submission for nbgrader, away from what the student handed in."""
        problem_set = task.released.stem
        staged = self._staged
        shutil.rmtree(staged, ignore_errors=True)
        folder = staged / "submitted" / task.student / problem_set
        folder.mkdir(parents=True)
        if not task.refusal and task.folder.is_dir():
            ours = [task.released.name, f"{problem_set}.html", handmarking.BESIDE]
            ours += [STAMP] * (task.folder / STAMP).is_dir()
            copy_plain_files(task.folder, folder, reserved=tuple(ours))
        rewrite_timestamp(folder / STAMP)
        shutil.copyfile(task.released, folder / task.released.name)
        (staged / "judged").mkdir()
        (staged / "judged" / f"{student_token(task.student)}.json").write_text(judged.to_json(), encoding="utf-8")

    @property
    def _staged(self) -> Path:
        """Where the one submission lies that is being recorded."""
        return self.root / KEEP / "staged-to-record"

    def sweep(self) -> None:
        """Remove what a killed run has left staged; only the holder of the course's lock may."""
        for path in (self.root / KEEP).glob("staged*"):
            shutil.rmtree(path, ignore_errors=True)

    def _graded_by_hand(self, problem_set: str, student: str) -> dict[str, str]:
        """Answers that a person has graded, as they were then, by grade id."""
        from nbgrader.api import MissingEntry

        with self.gradebook() as book:
            try:
                submission = book.find_submission(problem_set, student)
            except MissingEntry:
                return {}
            done = [
                grade.name
                for notebook in submission.notebooks
                for grade in notebook.grades
                if grade.manual_score is not None and not grade.needs_manual_grade
            ]
        answers = self._answers(problem_set, student)
        return {name: answers[name] for name in done if name in answers}

    def _answers(self, problem_set: str, student: str) -> dict[str, str]:
        """What stands in the autograded notebook for each graded cell: a text its own, a check all that was written."""
        path = self.folder("autograded", student, problem_set) / f"{problem_set}.ipynb"
        try:
            cells = nbformat.read(str(path), as_version=4).cells
        except (OSError, ValueError, nbformat.ValidationError):
            return {}
        known = {cell.metadata.nbgrader.grade_id: cell for cell in cells if cell.metadata.get("nbgrader")}
        written = "\0".join(cell.source for cell in known.values() if cell.metadata.nbgrader.get("solution"))
        return {name: _text(cell) if cell.cell_type == "markdown" else written for name, cell in known.items()}

    def _flag_only_changes(self, problem_set: str, student: str, before: Mapping[str, str]) -> None:
        """Take back that nbgrader wants each hand-graded part read again, where the answer is what was read."""
        now = self._answers(problem_set, student) if before else {}
        same = {name for name, text in before.items() if now.get(name) == text}
        if not same:
            return
        with self.gradebook() as book:
            for notebook in book.find_submission(problem_set, student).notebooks:
                for grade in notebook.grades:
                    grade.needs_manual_grade = grade.needs_manual_grade and grade.name not in same
            book.db.commit()

    def _autograde(self, problem_set: str, student: str) -> None:
        """Put the staged submission into the gradebook; what is staged is ours, so that nothing is to be sanitised."""
        from nbgrader import preprocessors as steps
        from nbgrader.converters import Autograde

        config = self._config()
        config.CourseDirectory.submitted_directory = str((self._staged / "submitted").relative_to(self.root))
        config.TakeJudged.folder = str(self._staged / "judged")
        config.Autograde.sanitize_preprocessors = []
        order = [TakeJudged, steps.LimitOutput, SaveGrades, steps.AssignLatePenalties]
        config.Autograde.autograde_preprocessors = order
        self._convert(Autograde, problem_set, student, config, keep=True, create_student=True)

    def _feedback(self, problem_set: str, student: str) -> Standing:
        """Write the page, and say in it what a person has still to grade; nbgrader would write that it earned 0."""
        from nbgrader.converters import GenerateFeedback

        self._get_ready(problem_set)
        page = self.folder("feedback", student, problem_set) / f"{problem_set}.html"
        try:
            feedback.apart(lambda: self._convert(GenerateFeedback, problem_set, student, keep=True), feedback.SECONDS)
        except feedback.TooLongError:
            logger.warning("the feedback page of %r took too long to render, and is plain text", student)
            return replace(self._plain_feedback(problem_set, student, page), plain=True)
        standing = self.standing(problem_set, student)
        text = page.read_text(encoding="utf-8").replace("</head>", f"{STYLE}</head>", 1)
        page.write_text(_with_pending(text, standing.open), encoding="utf-8")
        return standing

    def _get_ready(self, problem_set: str) -> None:
        """Have the converter that writes feedback, with its templates and modules, before a fork."""
        from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
        from nbconvert.writers.files import FilesWriter
        from nbgrader.converters import GenerateFeedback
        from nbgrader.preprocessors import GetGrades

        if GenerateFeedback in self.converters:
            return
        config = self._config()
        wanted = config.GenerateFeedback.get("preprocessors") or [GetGrades, CSSHTMLHeaderPreprocessor]
        config.GenerateFeedback.preprocessors = [ReadGrades if step is GetGrades else step for step in wanted]
        converter = self.converters[GenerateFeedback] = _converter(GenerateFeedback, config, {})
        converter.writer = FilesWriter(parent=converter, config=converter.config)
        converter.exporter = converter.exporter_class(parent=converter, config=converter.config)
        with suppress(Exception):  # then each fork does for itself what this does for all
            _render_blank(converter.exporter, self.released(problem_set))
        for step in converter.preprocessors:
            converter.exporter.register_preprocessor(step)

    def _plain_feedback(self, problem_set: str, student: str, page: Path) -> Standing:
        """Write the page as plain text, with the gradebook's points and comments."""
        with self.gradebook() as book:
            submission = book.find_submission(problem_set, student)
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            comments = {one.name: one.comment or "" for notebook in submission.notebooks for one in notebook.comments}
            points = {grade.name: _points(grade) for grade in grades}
            standing = _standing(submission)
        judged = self.folder("autograded", student, problem_set) / f"{problem_set}.ipynb"
        text = feedback.plain_page(problem_set, nbformat.read(str(judged), as_version=4), points, comments)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
        return standing

    def _convert(
        self, kind: Any, problem_set: str, student: str, config: Any = None, *, keep: bool = False, **options: Any
    ) -> None:
        """Run one of nbgrader's converters; its log goes to ours, and its refusal becomes a CourseError.

        With `keep`, one that has done its work is there for the next student, with the templates that it has read.
        """
        from nbgrader.converters import NbGraderException

        converter = self.converters.pop(kind, None)
        known = converter is not None
        if converter is None:
            converter = _converter(kind, config or self._config(), options)
        converter.coursedir.assignment_id, converter.coursedir.student_id = problem_set, student
        converter.init_notebooks = lambda: _one_submission(converter, problem_set, student)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _again(converter) if known else converter.start()
        except (SystemExit, NbGraderException) as error:
            raise CourseError(f"nbgrader stopped at {problem_set}; its log says why. {error}") from error
        if keep:
            self.converters[kind] = converter

    def _config(self) -> Any:
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


def _content(folder: Path) -> tuple[str, str]:
    """Hash of what was handed in, and why it cannot be read where it cannot."""
    try:
        require_own_folder(folder)
        return hash_folder(folder), ""
    except (FolderError, OSError) as error:
        refusal = f"The submission cannot be read: {error!s:.300}"
        return refusal, refusal


def _folders(submitted: Path) -> list[os.DirEntry]:
    """Folders of students; links and hidden folders are none."""
    try:
        with os.scandir(submitted) as entries:
            return [one for one in entries if not one.name.startswith(".") and one.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _grades(book: Any) -> Iterator[dict[str, Any]]:
    """Lines of `grades.csv`: each student with each problem set."""
    for assignment in book.assignments:
        handed_in = {one.student_id: one for one in assignment.submissions}
        for student in book.students:
            about = {name: getattr(student, name) for name in ("last_name", "first_name", "email")}
            about |= {"assignment": assignment.name, "duedate": assignment.duedate, "student_id": student.id}
            found = handed_in.get(student.id)
            yield about | {"max_score": assignment.max_score} | (NOTHING if found is None else _grade(found))


def _grade(submission: Any) -> dict[str, Any]:
    standing, raw = _standing(submission), submission.score
    final = "" if standing.waiting else standing.score
    known = {"timestamp": submission.timestamp, "raw_score": raw, "late_submission_penalty": standing.penalty}
    return known | {"score": final, "pending": standing.pending}


def _standing(submission: Any) -> Standing:
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    comments = [comment for notebook in submission.notebooks for comment in notebook.comments]
    pending = {grade.name: grade.max_score for grade in grades if grade.needs_manual_grade}
    set_by_hand = [(grade.name, grade.manual_score, grade.extra_credit, grade.needs_manual_grade) for grade in grades]
    said = [(comment.name, comment.manual_comment) for comment in comments]
    digest = hashlib.sha256(repr((sorted(set_by_hand, key=repr), sorted(said, key=repr))).encode()).hexdigest()
    score = sum(grade.score or 0.0 for grade in grades)
    penalty = submission.late_submission_penalty or 0.0
    possible = sum(grade.max_score for grade in grades)
    graded = any(grade.auto_score is not None or grade.manual_score is not None for grade in grades)
    return Standing(max(0.0, score - penalty), possible, pending, penalty, digest, graded)


def _with_pending(page: str, waiting: Mapping[str, float]) -> str:
    """A feedback page that says of parts which a person has still to grade that they are, and not that they earned 0.

    No text of a student's can have the tags that are looked for.
    """
    if not waiting:
        return page
    for name, points in waiting.items():
        said = f"not graded yet, {points:g} points"
        for before in (rf'<a href="#{re.escape(name)}">[^<]*</a> \(', rf'<a name="{re.escape(name)}"></a>.*?'):
            page = re.sub(rf"({before})Score: [\d.]+ / [\d.]+", rf"\g<1>{said}", page, count=1, flags=re.DOTALL)
    total = f"{sum(waiting.values()):g} points are still to be graded by hand"
    return re.sub(r"(<h4>[^<]*\(Score)(: [^<]*)\)</h4>", rf"\1 so far\2; {total})</h4>", page, count=1)


def _render_blank(exporter: Any, released: Path) -> str:
    """A page of the notebook that was handed out: templates, modules and patterns are there from then on."""
    blank = nbformat.read(str(released), as_version=4)
    blank.metadata.pop("language_info", None)  # as in what was graded: another lexer
    for cell in blank.cells:
        cell.metadata.setdefault("nbgrader", {}).update(score=0.0, points=0.0)
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text="0")]
    about = {"notebook": released.stem, "score": 0.0, "max_score": 0.0, "late_penalty": 0.0}
    return exporter.from_notebook_node(blank, resources={"nbgrader": about})[0]


def _points(grade: Any) -> str:
    if grade.needs_manual_grade:
        return f"not graded yet, {grade.max_score:g} points"
    return f"{grade.score or 0.0:g} / {grade.max_score:g} points"


def _share(pairs: Sequence[tuple[float, float | None]]) -> tuple[float, float | None, int]:
    most = max(possible for possible, _ in pairs)
    known = [score for _, score in pairs if score is not None]
    mean = sum(known) / len(known) / most if known and most else None
    return most, mean, len(pairs) - len(known)


def _text(cell: Any) -> str:
    return repr((cell.source, cell.get("attachments")))


def database_trouble(error: BaseException) -> str:
    """Say in words what a database means that takes nothing."""
    said = f"{error} {error.__cause__ or ''}"
    if "readonly database" in said or "read-only transaction" in said:
        return "the gradebook is read-only; nothing is lost: make it writable, and run the same command again"
    if "disk is full" in said or "No space left" in said:
        return "there is no room left on the disk; nothing is lost: make room, and run the same command again"
    if any(sign in said for sign in GONE):
        return "the gradebook's server does not answer; nothing is lost: start it, and run the same command again"
    return "the gradebook is locked by another program; run the same command again" if "is locked" in said else ""


@contextmanager
def _or_as_before(folder: Path, keep: Path) -> Iterator[None]:
    """Put a folder back as it was where the work on it fails."""
    keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="staged-", dir=keep) as saved:
        copy = Path(saved) / "before"
        if folder.is_dir():
            shutil.copytree(folder, copy)
        try:
            yield
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)  # what nbgrader may have written until then
            if copy.is_dir():
                shutil.copytree(copy, folder)
            raise


def _converter(kind: Any, config: Any, options: Mapping[str, Any]) -> Any:
    """One of nbgrader's converters, whose log goes to ours."""
    from nbgrader.coursedir import CourseDirectory

    made = kind(coursedir=CourseDirectory(config=config), config=config, **options)
    made.force, made.log = True, nbgrader_log
    return made


def _again(converter: Any) -> None:
    """Start a converter once more, without making its exporter anew."""
    converter.init_notebooks()
    with contextlib.chdir(converter.coursedir.root):
        converter.convert_notebooks()


def _one_submission(converter: Any, problem_set: str, student: str) -> None:
    """Name the one folder to convert; nbgrader would search by patterns, in which a name may have a meaning."""
    folder = converter._format_source(problem_set, student)
    names = sorted(path for path in Path(folder).glob("*.ipynb") if path.is_file())
    converter.assignments, converter.notebooks = {folder: [os.path.join(folder, path.name) for path in names]}, []
