"""From what a learning platform lets a teacher download to ``submitted/STUDENT/PROBLEM_SET/``.

`download` reads the files, `platforms` knows how each platform names them, `roster` says whose a name is. Only a
notebook of the course and the plain files beside it are written, each submission whole or not at all.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from .download import CollectError, Doubt, Found, files_of
from .platforms import NOTEBOOKS, HandedIn, names_a_student, recognise, records_of
from .roster import Roster
from .submission import Blueprint, UnreadableError, cells_of_bytes

__all__ = ["Collected", "Outcome", "collect", "read_download", "zone_of"]

UNTIMED = ", which gives no time: nothing is taken off, unless you write one into a timestamp.txt beside the notebook"


@dataclass(frozen=True)
class Collected:
    """One submission that was laid into ``submitted/``."""

    student: str
    problem_set: str
    folder: Path
    when: datetime | None
    platform: str
    note: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a download."""

    collected: tuple[Collected, ...]
    doubts: tuple[Doubt, ...]
    missing: Mapping[str, tuple[str, ...]]


def collect(
    download: str | Path,
    roster: Roster,
    blueprints: Sequence[Blueprint],
    submitted: str | Path,
    *,
    zone: tzinfo = UTC,
    problem_set: str = "",
) -> Outcome:
    """Lay what a platform's download holds into ``submitted/STUDENT/PROBLEM_SET/``.

    Parameters
    ----------
    download : path
        A zip or a folder, as the platform gives it.
    roster : Roster
        Who may hand in.
    blueprints : sequence of Blueprint
        The released notebooks; which one a submission answers is read off its cells.
    submitted : path
        nbgrader's folder. What was there before and differs is kept beside it, in ``submitted.replaced/``.
    zone : tzinfo
        Of times that the platform writes without one.
    problem_set : str
        Take only this one.

    Returns
    -------
    Outcome
        What was collected, what is in doubt, and who of the roster is missing, by problem set.
    """
    handed_in, others, doubts = _read(download, zone)
    doubts.extend(_without_notebook(handed_in, others, roster))
    latest: dict[tuple[str, str], list[HandedIn]] = {}
    for item in handed_in:
        student, name, trouble = _assign(item, roster, blueprints, problem_set)
        if trouble:
            doubts.append(Doubt(item.path, trouble))
        elif name:
            latest.setdefault((student, name), []).append(item)
    collected, more = _lay_all(latest, Path(submitted))
    sets = sorted({entry.problem_set for entry in collected} | ({problem_set} - {""}))
    missing = {
        name: tuple(student.id for student in roster.students if not (Path(submitted) / student.id / name).is_dir())
        for name in sets
    }
    return Outcome(tuple(collected), tuple(doubts + more), missing)


def read_download(download: str | Path, zone: tzinfo = UTC) -> tuple[list[HandedIn], list[Doubt]]:
    """Every notebook of a download with its clues, and what could not be read.

    Raises
    ------
    CollectError
        Where there is no such file, or it is neither a folder nor a zip.
    """
    notebooks, _, doubts = _read(download, zone)
    return notebooks, doubts


def _read(download: str | Path, zone: tzinfo) -> tuple[list[HandedIn], list[HandedIn], list[Doubt]]:
    """Notebooks, other files, and what could not be read."""
    files, doubts = files_of(Path(download), names_a_student)
    records = records_of(files, zone)
    notebooks = [file for file in files if file.path.name.lower().endswith(NOTEBOOKS)]
    others = [recognise(file, records, zone) for file in files if file not in notebooks]
    return [replace(recognise(file, records, zone), beside=_beside(file, files)) for file in notebooks], others, doubts


def _without_notebook(notebooks: Iterable[HandedIn], others: Iterable[HandedIn], roster: Roster) -> Iterator[Doubt]:
    """Of each student who has handed in files, and no notebook among them, the first one."""
    seen = {student for item in notebooks for student in roster.match(item.clue)}
    for item in others:
        whose = roster.match(item.clue)
        if len(whose) == 1 and whose[0] not in seen:
            seen.add(whose[0])
            yield Doubt(item.path, f"{whose[0]} has handed in no notebook, but this")


# ---- whose, and of which problem set --------------------------------------------------------------------------------


def _assign(item: HandedIn, roster: Roster, blueprints: Sequence[Blueprint], wanted: str) -> tuple[str, str, str]:
    """Student and problem set of an item, or what is in doubt about it."""
    name, trouble = _problem_set(item, blueprints)
    if trouble or (wanted and name != wanted):
        return "", "", trouble
    students = roster.match(item.clue)
    if len(students) == 1:
        return students[0], name, ""
    told = item.clue.words()
    reason = f"{told} may be {', '.join(students)}" if students else f"{told} is not in the class list"
    return "", name, f"whose it is cannot be told: {reason}"


def _problem_set(item: HandedIn, blueprints: Sequence[Blueprint]) -> tuple[str, str]:
    try:
        cells = cells_of_bytes(item.content, item.file)
    except UnreadableError as error:
        named = [blueprint.name for blueprint in blueprints if item.file.lower().startswith(blueprint.name.lower())]
        return (named[0], "") if len(named) == 1 else ("", str(error))
    ids = {cell.grade_id for cell in cells if cell.grade_id}
    shared = {blueprint.name: len(ids & set(blueprint.cells)) for blueprint in blueprints}
    best = max(shared.values(), default=0)
    names = [name for name, count in shared.items() if count == best]
    if best == 0:
        return "", "no cell of it belongs to a problem set of this course"
    return (names[0], "") if len(names) == 1 else ("", f"it may belong to {' or '.join(names)}")


def _beside(notebook: Found, files: Iterable[Found]) -> dict[str, bytes]:
    """Plain files in the notebook's own folder, where that folder is one submission's."""
    folder = notebook.path.parent
    if folder == PurePosixPath():
        return {}
    inside = [file for file in files if file.path.is_relative_to(folder) and file.path != notebook.path]
    return {
        file.path.relative_to(folder).as_posix(): file.content
        for file in inside
        if not file.path.name.lower().endswith(".ipynb") and file.path.name != "manifest.json"
    }


# ---- writing --------------------------------------------------------------------------------------------------------


def _lay_all(found: Mapping[tuple[str, str], list[HandedIn]], submitted: Path) -> tuple[list[Collected], list[Doubt]]:
    collected, doubts = [], []
    for (student, name), items in sorted(found.items()):
        if _cannot_be_told_apart(items):
            paths = ", ".join(item.path for item in items)
            doubts.append(Doubt(paths, f"two notebooks of {student} for {name}, and nothing says which is the later"))
            continue
        last = max(items, key=_order)
        note = f"the last of {len(items)}" if len(items) > 1 else ""
        late = f"marked late by the platform{'' if last.when else UNTIMED}" if last.late else ""
        folder = _lay(submitted, student, name, last)
        collected.append(
            Collected(student, name, folder, last.when, last.platform, ", ".join(filter(None, [note, late])))
        )
    return collected, doubts


def _order(item: HandedIn) -> tuple[float, int]:
    return (item.when.timestamp() if item.when else 0.0, item.attempt)


def _cannot_be_told_apart(items: list[HandedIn]) -> bool:
    orders = sorted(map(_order, items))
    return len(items) > 1 and orders[-1] == orders[-2] and len({item.content for item in items}) > 1


def _lay(submitted: Path, student: str, name: str, item: HandedIn) -> Path:
    """Write one submission whole; what stood in its place and differs is kept beside ``submitted``."""
    folder = submitted / student / name
    draft = submitted / student / f".{name}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for relative, content in {**item.beside, f"{name}.ipynb": item.content}.items():
        target = draft / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    if item.when is not None:
        (draft / "timestamp.txt").write_text(f"{item.when.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC\n")
    if folder.exists():
        _keep(folder, draft, submitted)
    draft.rename(folder)
    return folder


def _keep(folder: Path, draft: Path, submitted: Path) -> None:
    if _same(folder, draft):
        shutil.rmtree(folder)
        return
    place = submitted.parent / f"{submitted.name}.replaced" / folder.parent.name
    place.mkdir(parents=True, exist_ok=True)
    number = 1 + sum(1 for _ in place.glob(f"{folder.name}.*"))
    folder.rename(place / f"{folder.name}.{number}")


def _same(one: Path, other: Path) -> bool:
    def contents(folder: Path) -> dict[str, bytes]:
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    return contents(one) == contents(other)


def zone_of(name: str) -> tzinfo:
    """A time zone by its name, such as ``Europe/Berlin``; CollectError where there is none."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError) as error:
        raise CollectError(f"there is no time zone {name!r}; wanted is one such as Europe/Berlin") from error
