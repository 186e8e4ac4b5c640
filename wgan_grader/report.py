"""How a class did with a problem set: a page that reads from disk, and tables that Canvas and Moodle import.

What a person has still to grade is pending everywhere, and never a zero.
"""

import csv
import io
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from . import locks
from .course import KEEP, Course
from .roster import Clue, Roster, Student
from .submission import Blueprint

__all__ = ["ClassReport", "Exercise", "Line", "Misconception", "canvas", "gather", "html", "moodle", "write"]

TEMPLATE = Path(__file__).with_name("report.html.j2")
BARS = 10
STATUSES = {
    "graded": "graded",
    "resubmitted": "resubmitted, not yet graded",
    "unreadable": "could not be read",
    "failed": "the grader had trouble",
}

EYES = ("failed", "unreadable", "not graded yet", "resubmitted")


@dataclass(frozen=True)
class Line:
    """One student. `score` is None where there is none; `pending` are the points that a person has still to give."""

    student: str
    name: str
    status: str
    score: float | None = None
    possible: float = 0.0
    pending: float = 0.0
    penalty: float = 0.0
    seconds: float = 0.0
    note: str = ""

    @property
    def final(self) -> bool:
        """Whether the score can be handed on."""
        return self.score is not None and not self.pending


@dataclass(frozen=True)
class Exercise:
    """One graded cell: mean of the share earned by those whose points are known, and who passed each criterion."""

    name: str
    possible: float
    share: float | None
    pending: int
    criteria: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True)
class Misconception:
    """What was said to several students, and to how many."""

    exercise: str
    message: str
    count: int


@dataclass(frozen=True)
class ClassReport:
    """A class and a problem set."""

    problem_set: str
    lines: tuple[Line, ...]
    exercises: tuple[Exercise, ...]
    misconceptions: tuple[Misconception, ...]
    made: str

    @cached_property
    def scores(self) -> list[float]:
        """Scores that are final."""
        return sorted(line.score for line in self.lines if line.final and line.score is not None)

    @property
    def possible(self) -> float:
        """Points that could be earned."""
        return max((line.possible for line in self.lines), default=0.0)

    @property
    def bars(self) -> list[tuple[float, float, int]]:
        """Score distribution: lower edge, upper edge, and the number of students; the last bar has its upper edge."""
        width = self.possible / BARS or 1.0
        found = Counter(min(BARS - 1, math.floor(score / width + 1e-9)) for score in self.scores)
        return [(width * index, width * (index + 1), found[index]) for index in range(BARS)]

    @property
    def mean(self) -> float | None:
        """Mean of the final scores."""
        return statistics.fmean(self.scores) if self.scores else None

    @property
    def median(self) -> float | None:
        """Median of the final scores."""
        return statistics.median(self.scores) if self.scores else None

    @property
    def seconds(self) -> tuple[float, float]:
        """Median and greatest time of a submission."""
        times = [line.seconds for line in self.lines if line.seconds]
        return (statistics.median(times), max(times)) if times else (0.0, 0.0)

    def those(self, *statuses: str) -> list[Line]:
        """Lines of these statuses."""
        return [line for line in self.lines if line.status in statuses]

    @property
    def pending(self) -> list[Line]:
        """Students with something that a person has still to grade."""
        return [line for line in self.lines if line.pending and line.status != "resubmitted"]

    @property
    def eyes(self) -> list[Line]:
        """Submissions that somebody should look at."""
        return [line for line in self.lines if line.status in EYES or line.note]


def gather(course: Course, problem_set: str) -> ClassReport:
    """Collect what gradebook and grader know of a problem set.

    Raises
    ------
    CourseError
        Where there is no such problem set.
    """
    course.require(problem_set)
    course.generate_if_changed(problem_set)
    noted, standings, names = course.notes(problem_set), course.standings(problem_set), course.students()
    here = set(course.handed_in(problem_set))
    students = sorted(set(names) | set(standings) | set(noted) | here)
    again = course.resubmitted(problem_set)
    lines = tuple(
        _again(one, names.get(one, ""), standings.get(one))
        if one in again
        else _line(one, names.get(one, ""), noted.get(one), standings.get(one), one in here)
        for one in students
    )
    findings = [one["findings"] for name, one in noted.items() if one.get("findings") and name not in again]
    blueprint = Blueprint.read(course.released(problem_set))
    exercises = tuple(_exercises(course.shares(problem_set, again), blueprint, findings))
    now = f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M} UTC"
    return ClassReport(problem_set, lines, exercises, tuple(_misconceptions(findings)), now)


def _again(student: str, name: str, standing: Any) -> Line:
    """A student whose graded submission was replaced: the old score is no score any more."""
    possible = standing.possible if standing else 0.0
    return Line(student, name, "resubmitted", possible=possible, pending=possible)


def _line(student: str, name: str, noted: Mapping[str, Any] | None, standing: Any, here: bool) -> Line:
    if noted is not None and "trouble" in noted:
        return Line(student, name, "failed", seconds=noted["seconds"], note=noted["trouble"])
    if standing is None or (noted is None and not standing.graded):
        return Line(student, name, "not graded yet" if here else "missing")
    note = " ".join(filter(None, [noted["diagnosis"], *noted["notes"]])) if noted else ""
    if standing.penalty:
        note = f"{note} Handed in late: {standing.penalty:g} points taken off.".strip()
    return Line(
        student,
        name,
        "unreadable" if noted and noted["diagnosis"] else "graded",
        standing.score,
        standing.possible,
        standing.pending,
        standing.penalty,
        noted["seconds"] if noted else 0.0,
        note,
    )


def _exercises(
    shares: Mapping[str, tuple[float, float | None, int]], blueprint: Blueprint, findings: Sequence[Mapping[str, Any]]
) -> Iterable[Exercise]:
    order = [name for name in blueprint.cells if name in shares]
    for name in order:
        possible, share, pending = shares[name]
        seen = [found[key] for found in findings if (key := blueprint.keys.get(name, "")) in found]
        title = seen[0]["title"] if seen else name.replace("-", " ")
        yield Exercise(title, possible, share, pending, tuple(_criteria(seen)))


def _criteria(seen: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, int, int]]:
    titles = dict.fromkeys(one["title"] for found in seen for one in found["criteria"])
    for title in titles:
        passed = [one["passed"] for found in seen for one in found["criteria"] if one["title"] == title]
        yield title, sum(passed), len(passed)


def _misconceptions(findings: Sequence[Mapping[str, Any]]) -> list[Misconception]:
    """Messages by how many students they were shown to, most frequent first."""
    met: Counter[tuple[str, str]] = Counter()
    said: dict[tuple[str, str], Counter[str]] = {}
    for found in (one for finding in findings for one in finding.values()):
        mine = [one["diagnosis"] for one in found["criteria"] if one["diagnosis"]] + [found["left"]] * bool(
            found["left"]
        )
        for about in {one["id"]: one for one in mine if one["id"] != "generic:not-attempted"}.values():
            which = (found["title"], about["id"])
            met[which] += 1
            said.setdefault(which, Counter())[about["message"]] += 1
    return [Misconception(which[0], said[which].most_common(1)[0][0], count) for which, count in met.most_common()]


# ---- page -----------------------------------------------------------------------------------------------------------


def html(report: ClassReport) -> str:
    """The report as one page that asks no other place for anything."""
    from jinja2 import Environment, StrictUndefined

    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"points": _points, "per_cent": _per_cent}
    return made.from_string(TEMPLATE.read_text(encoding="utf-8")).render(report=report, statuses=STATUSES)


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def _per_cent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


# ---- tables for platforms -------------------------------------------------------------------------------------------


def canvas(report: ClassReport, roster: Roster) -> str:
    """Text of a file that Canvas's gradebook imports; a score that is not final is left blank, which changes nothing.

    The columns that Canvas itself exported are kept where the class list is such an export.
    """
    fixed = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
    exported = {name for student in roster.students for name in student.row}
    column = next((name for name in exported if name.split(" (")[0] == report.problem_set), report.problem_set)
    rows = [{"Student": "    Points Possible", column: _points(report.possible)}]
    for student, line in _of_class(report, roster):
        own = {
            "Student": f"{student.last}, {student.first}".strip(", "),
            "ID": student.platform,
            "SIS Login ID": student.id,
        }
        row = {name: student.row.get(name, own.get(name, "")) for name in fixed}
        rows.append({**row, column: _points(line.score) if line.final else ""})
    return _csv([*fixed, column], rows)


def moodle(report: ClassReport, roster: Roster) -> str:
    """Text of a file that Moodle's gradebook imports; ``-`` is Moodle's word for no grade."""
    fixed = ("First name", "Last name", "ID number", "Email address")
    rows = []
    for student, line in _of_class(report, roster):
        own = {
            "First name": student.first,
            "Last name": student.last,
            "ID number": student.id,
            "Email address": student.email,
        }
        row = {name: student.row.get(name) or own[name] for name in fixed}
        said = f"{_points(line.pending)} points are still to be graded by hand" if line.pending else ""
        said = "handed in again and not yet graded" if line.status == "resubmitted" else said
        rows.append({**row, report.problem_set: _points(line.score) if line.final else "-", "Feedback": said})
    return _csv([*fixed, report.problem_set, "Feedback"], rows)


def _of_class(report: ClassReport, roster: Roster) -> Iterable[tuple[Student, Line]]:
    """Students of the class list with their lines, whichever of their marks the gradebook knows them by."""
    ids = {student.id for student in roster.students}
    lines = {line.student: line for line in report.lines if line.student in ids}  # also where another is spelt alike
    others = []
    for line in (one for one in report.lines if one.student not in ids):
        meant = roster.match(Clue((line.student,)))
        if len(meant) == 1 and meant[0] not in lines:
            lines[meant[0]] = line
        else:
            others.append(line)
    for student in roster.students:
        yield student, lines.get(student.id, Line(student.id, student.name, "missing"))
    for line in others:
        yield Student(line.student), line


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write(course: Course, problem_set: str, folder: Path, roster: Roster | None = None) -> list[Path]:
    """Write page and tables of a problem set into a folder; their paths.

    Raises
    ------
    BusyError
        While another run writes to the course.
    """
    with locks.hold(course.root / KEEP, f"wgan-course report {problem_set}"):
        report = gather(course, problem_set)
    roster = roster or course.roster()
    texts = {"html": html(report), "canvas.csv": canvas(report, roster), "moodle.csv": moodle(report, roster)}
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for ending, text in texts.items():
        paths.append(folder / f"{problem_set}.{ending}")
        paths[-1].write_text(text, encoding="utf-8-sig" if ending.endswith("csv") else "utf-8", newline="")
    return paths
