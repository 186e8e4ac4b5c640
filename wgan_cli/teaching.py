"""The commands between a class and its grades: hand in, collect, class list, due dates, late penalties."""

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wgan_cli.root import find_root

__all__ = ["register"]

console = Console()
DOUBTS = (
    "These were left alone: complete the class list and collect again, or lay them into submitted/STUDENT/PROBLEM_SET/."
)
COURSE = typer.Option(help="Folder with nbgrader_config.py and submitted/.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(rich_help_panel="Learn")(submit)
    for command in (collect, roster, due, late, report):
        app.command(rich_help_panel="Teach")(command)


def submit(
    notebook: Annotated[Path, typer.Argument(help="Your notebook, under whatever name.")],
    student: Annotated[str, typer.Option(help="Your id, where the course wants it in the file.")] = "",
    out: Annotated[Path, typer.Option(help="Folder for the zip.")] = Path(),
    no_check: Annotated[bool, typer.Option("--no-check", help="Pack without running the set once more.")] = False,
) -> None:
    """Run a problem set as the grader will, say what will be put back, and write the zip to hand in."""
    from wgan_grader import handin, selfcheck

    result = None
    if not no_check:
        with console.status("running the whole set in a fresh kernel"):
            result = selfcheck.run_notebook(notebook)
        console.print(f"{notebook.name}: {result.total}", highlight=False)
        if result.untouched:
            console.print("[yellow]![/yellow] no exercise in it has been attempted: is it the right file?")
        if result.error:
            console.print(f"[yellow]![/yellow] {escape(result.error)}", highlight=False, soft_wrap=True)
    done = handin.pack(notebook, out, student=student, result=result)
    for note in done.notes:
        console.print(f"[yellow]![/yellow] {escape(note)}", highlight=False, soft_wrap=True)
    for name in done.left_out:
        console.print(f"[yellow]![/yellow] {escape(name)} is left out (a link, or too large)", highlight=False)
    console.print(f"[green]✓[/green] {escape(str(done.path))}: upload this file", highlight=False, soft_wrap=True)


def collect(
    download: Annotated[Path, typer.Argument(help="What the platform let you download: a zip or a folder.")],
    roster: Annotated[Path, typer.Option(help="The class list, a CSV file of nbgrader or of the platform.")],
    problem_set: Annotated[str, typer.Option(help="Only this one; read off each notebook otherwise.")] = "",
    zone: Annotated[str, typer.Option(help="Zone of times without one, such as Europe/Berlin.")] = "UTC",
    course: Annotated[Path | None, COURSE] = None,
) -> None:
    """Lay what Canvas, Moodle, Blackboard, Gradescope or Google Classroom exports into [cyan]submitted/[/cyan].

    A submission is a student's where an id, a login, an address or the whole name says so; all else is listed as a
    doubt and left alone. Ends with 1 where there are doubts.
    """
    from wgan_grader import collect as collecting
    from wgan_grader.pipeline import Course
    from wgan_grader.roster import Roster
    from wgan_grader.submission import Blueprint

    where, listed = Course(course or find_root()), Roster.read(roster)
    names = {student.id: student.name for student in listed.students}
    blueprints = [Blueprint.read(path) for name in where.problem_sets() if (path := where.released(name)).is_file()]
    zoned = collecting.zone_of(zone)
    with _alone(where.root, "collect"):
        outcome = collecting.collect(
            download, listed, blueprints, where.folder("submitted"), zone=zoned, problem_set=problem_set
        )
    table = Table("student", "problem set", "handed in", "from", "note")
    for row in outcome.collected:
        when = f"{row.when:%Y-%m-%d %H:%M} UTC" if row.when else "no time given"
        table.add_row(*map(escape, (row.student, row.problem_set, when, row.platform, row.note)))
    console.print(table)
    for name, students in outcome.missing.items():
        told = escape(", ".join(f"{one} ({names[one]})" if names[one] != one else one for one in students))
        console.print(f"{name}: {len(students)} handed in nothing: {told}", highlight=False, soft_wrap=True)
    for doubt in outcome.doubts:
        console.print(
            f"[yellow]?[/yellow] {escape(doubt.path)}: {escape(doubt.reason)}", highlight=False, soft_wrap=True
        )
    if outcome.doubts:
        console.print(f"  {DOUBTS}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if outcome.doubts else 0)


def roster(
    path: Annotated[Path, typer.Argument(help="The class list, a CSV file of nbgrader or of the platform.")],
    course: Annotated[Path | None, COURSE] = None,
) -> None:
    """Enter a class list into the gradebook; who is in it already is brought up to date, and nobody is removed."""
    from wgan_grader.pipeline import Course
    from wgan_grader.roster import Roster

    students, where = Roster.read(path).students, Course(course or find_root())
    with _alone(where.root, "roster"), where.gradebook() as book:
        for student in students:
            told = {
                "first_name": student.first,
                "last_name": student.last,
                "email": student.email,
                "lms_user_id": student.platform,
            }
            # What this list leaves out, such as addresses, stays as an earlier one had it.
            book.update_or_create_student(student.id, **{name: text for name, text in told.items() if text})
    console.print(f"[green]✓[/green] {len(students)} students are in the gradebook", highlight=False)


def due(
    problem_set: Annotated[str, typer.Argument(help="Such as ps01_js_saturation.")],
    when: Annotated[str, typer.Argument(help='Such as "2026-03-01 18:00 Europe/Berlin"; "never" removes it.')],
    course: Annotated[Path | None, COURSE] = None,
) -> None:
    """Set when a problem set is due; a time without a zone is UTC."""
    from wgan_grader.pipeline import Course
    from wgan_grader.stamps import parse_time

    where = Course(course or find_root())
    where.require(problem_set)
    moment = None if when == "never" else parse_time(when)
    with _alone(where.root, f"due {problem_set}"):
        where.generate_if_changed(problem_set)
        _set_due(where, problem_set, moment)
    shown = "has no due date" if moment is None else f"is due {moment:%Y-%m-%d %H:%M} UTC"
    console.print(f"[green]✓[/green] {problem_set} {shown}", highlight=False)


def late(
    per_day: Annotated[float, typer.Argument(help="Per cent of the score for each day begun, from 0 to 100.")],
    course: Annotated[Path | None, COURSE] = None,
) -> None:
    """Set what handing in late costs; the next [cyan]grade[/cyan] counts with it."""
    from wgan_grader.late import write_rule
    from wgan_grader.pipeline import KEEP

    root = course or find_root()
    with _alone(root, "late"):
        write_rule(root / KEEP, per_day / 100)
    console.print(f"[green]✓[/green] each day late costs {per_day:g} % of the score", highlight=False)


def report(
    problem_set: Annotated[str, typer.Argument(help="Such as ps01_js_saturation.")],
    roster: Annotated[
        Path | None, typer.Option(help="The class list as the platform exported it; the gradebook's otherwise.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the page and the tables.")] = Path("reports"),
    course: Annotated[Path | None, COURSE] = None,
    db: Annotated[str, typer.Option(help="Address of the gradebook, where it is not in the course's folder.")] = "",
) -> None:
    """Write how a class did: a page that reads from disk, and tables that Canvas and Moodle import.

    What a person has still to grade is pending everywhere, never zero.
    """
    from wgan_grader import report as reporting
    from wgan_grader.pipeline import Course
    from wgan_grader.roster import Roster

    listed = None if roster is None else Roster.read(roster)
    for path in reporting.write(Course(course or find_root(), db), problem_set, out, listed):
        console.print(f"[green]✓[/green] {escape(str(path))}", highlight=False, soft_wrap=True)


def _alone(root: Path, what: str) -> AbstractContextManager[None]:
    """Hold the course's lock, so that nothing is changed under a run."""
    from wgan_grader import locks
    from wgan_grader.pipeline import KEEP

    return locks.hold(root / KEEP, f"wgan-course {what}")


def _set_due(course: Any, problem_set: str, moment: datetime | None) -> None:
    naive = None if moment is None else moment.replace(tzinfo=None)
    with course.gradebook() as book:
        book.update_or_create_assignment(problem_set, duedate=naive)
