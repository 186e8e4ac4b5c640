"""The rules by which Canvas, Moodle, Blackboard, Gradescope and Google Classroom name what a teacher downloads."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from pathlib import PurePosixPath

from .download import CollectError, Found
from .roster import Clue

__all__ = ["HandedIn", "names_a_student", "recognise", "records_of"]

CANVAS = re.compile(r"^(?P<name>[^_/]+)(?P<late>_LATE)?_(?P<user>\d+)_(?P<submission>\d+)_(?P<file>.+)$")
MOODLE = re.compile(r"^(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?/?(?P<file>.*)$")
BLACKBOARD = re.compile(
    r"^(?P<title>.+)_(?P<user>[^_/]+)_attempt_(?P<when>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?P<rest>_.+|\.txt)$"
)
GRADESCOPE = re.compile(r"^submission_(?P<id>\d+)/(?P<file>.+)$")
CLASSROOM = re.compile(r"^(?P<name>[^/]+?) [-–] (?P<file>[^/]+)$")
AGAIN = re.compile(r"^(?P<stem>.+?)(?:-(?P<canvas>\d{1,3})| ?\((?P<browser>\d{1,3})\))$")
NOTEBOOKS = (".ipynb", ".ipynb.json", ".ipynb.txt")


@dataclass(frozen=True)
class HandedIn:
    """One notebook of the download with what the platform's names say about it."""

    path: str
    file: str
    content: bytes
    clue: Clue
    platform: str
    when: datetime | None = None
    attempt: int = 0
    late: bool = False
    beside: Mapping[str, bytes] = field(default_factory=dict)


Records = dict[str, tuple[Clue, datetime | None]]
Rule = Callable[[HandedIn, PurePosixPath, Records, tzinfo], HandedIn | None]


def recognise(file: Found, records: Records, zone: tzinfo) -> HandedIn:
    """What the first naming rule that fits says about a notebook; the rules go from the strictest to the loosest."""
    base = HandedIn(file.path.as_posix(), file.path.name, file.content, Clue(), "a folder")
    for rule in RULES:
        if (found := rule(base, file.path, records, zone)) is not None:
            return found
    raise AssertionError("the last rule fits everything")


def names_a_student(top: str) -> bool:
    """Whether a folder's name says by itself whose it is."""
    return any(pattern.match(f"{top}/x") for pattern in (MOODLE, GRADESCOPE)) or bool(CANVAS.match(f"{top}_x"))


def _as_gradescope(base: HandedIn, path: PurePosixPath, records: Records, zone: tzinfo) -> HandedIn | None:
    match = GRADESCOPE.match(path.as_posix())
    if match is None:
        return None
    clue, when = records.get(match["id"], (Clue(), None))
    return replace(base, platform="Gradescope", clue=clue, when=when)


def _as_moodle(base: HandedIn, path: PurePosixPath, records: Records, zone: tzinfo) -> HandedIn | None:
    match = MOODLE.match(path.as_posix())
    if match is None:
        return None
    name = "" if match["name"] == "Participant" else match["name"]
    return replace(base, platform="Moodle", clue=Clue((match["id"],), name), attempt=_attempt(path.name))


def _as_blackboard(base: HandedIn, path: PurePosixPath, records: Records, zone: tzinfo) -> HandedIn | None:
    match = BLACKBOARD.match(path.parts[0])
    if match is None:
        return None
    clue, when = records.get(f"{match['user']} {match['when']}", (Clue(), None))
    file = match["rest"].lstrip("_") if len(path.parts) == 1 else path.name
    clue = Clue((match["user"],), clue.name)
    return replace(
        base, platform="Blackboard", clue=clue, when=when or _blackboard_time(match["when"], zone), file=file
    )


def _as_canvas(base: HandedIn, path: PurePosixPath, records: Records, zone: tzinfo) -> HandedIn | None:
    match = CANVAS.match(path.parts[0])
    if match is None:
        return None
    file = match["file"] if len(path.parts) == 1 else path.name
    clue, late = Clue((match["user"],), match["name"]), bool(match["late"])
    return replace(base, platform="Canvas", clue=clue, late=late, file=file, attempt=_attempt(match["file"]))


def _as_classroom(base: HandedIn, path: PurePosixPath, records: Records, zone: tzinfo) -> HandedIn | None:
    match = CLASSROOM.match(path.as_posix())
    if match is None:
        return None
    attempt = _attempt(match["file"])
    return replace(base, platform="Google Classroom", clue=Clue((), match["name"]), file=match["file"], attempt=attempt)


def _as_folder(base: HandedIn, path: PurePosixPath, records: Records, zone: tzinfo) -> HandedIn | None:
    """A folder named after the student, or a notebook that names its student itself."""
    if len(path.parts) > 1:
        return replace(base, clue=Clue((path.parts[0],), path.parts[0]), attempt=_attempt(path.name))
    student = _manifest_student(base.content)
    return replace(base, clue=Clue((student,)) if student else Clue(), attempt=_attempt(path.name))


RULES: tuple[Rule, ...] = (_as_gradescope, _as_moodle, _as_blackboard, _as_canvas, _as_classroom, _as_folder)


def _manifest_student(content: bytes) -> str:
    """The student that a notebook handed in by ``wgan-course submit --student`` names, kept in its metadata."""
    try:
        named = json.loads(content)["metadata"]["wgan_course"]["student"]
    except (ValueError, KeyError, TypeError):
        return ""
    return named if isinstance(named, str) else ""


def _attempt(name: str) -> int:
    """Number of a resubmission: "ps01-2.ipynb" of Canvas, "ps01 (2).ipynb" of a browser; 0 for the first."""
    match = AGAIN.match(name.rsplit(".", 1)[0])
    return int(match["canvas"] or match["browser"]) if match else 0


def records_of(files: Iterable[Found], zone: tzinfo) -> Records:
    """What Gradescope's metadata and Blackboard's text files say, by submission."""
    records: Records = {}
    for file in files:
        if file.path.name == "submission_metadata.yml":
            records |= _gradescope(file.content)
        elif (match := BLACKBOARD.match(file.path.name)) and match["rest"] == ".txt":
            records[f"{match['user']} {match['when']}"] = _blackboard(file, zone)
    return records


def _gradescope(content: bytes) -> Records:
    import yaml

    try:
        plain = yaml.safe_load(content.decode("utf-8", "replace"))
    except yaml.YAMLError as error:
        raise CollectError(f"submission_metadata.yml cannot be read: {error}") from error
    found: Records = {}
    for key, entry in plain.items() if isinstance(plain, dict) else ():
        if not isinstance(entry, dict):
            continue
        submitters = entry.get(":submitters") or entry.get("submitters") or [{}]
        person = {str(name).lstrip(":"): str(value) for name, value in (submitters[0] or {}).items() if value}
        marks = tuple(person[name] for name in ("sid", "email") if name in person)
        when = _gradescope_time(entry.get(":created_at") or entry.get("created_at"))
        number = str(key).rpartition("_")[2]
        found[number] = (Clue(marks, person.get("name", "")), when)
    return found


def _gradescope_time(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(str(value).replace(" Z", "+00:00").replace(" UTC", "+00:00")).astimezone(UTC)
    except ValueError:
        return None


def _blackboard_time(text: str, zone: tzinfo) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d-%H-%M-%S").replace(tzinfo=zone).astimezone(UTC)


def _blackboard(file: Found, zone: tzinfo) -> tuple[Clue, datetime | None]:
    text = file.content.decode("utf-8-sig", "replace")
    name = re.search(r"^Name:\s*(.+?)\s*(?:\((.+?)\))?\s*$", text, re.MULTILINE)
    when = re.search(r"^Date Submitted:\s*(?:\w+, )?(.+?)\s*$", text, re.MULTILINE)
    clue = Clue((name[2],) if name and name[2] else (), name[1] if name else "")
    return clue, _written_time(when[1], zone) if when else None


def _written_time(text: str, zone: tzinfo) -> datetime | None:
    """A time such as "March 1, 2026 2:05:22 PM GMT"; without a zone that Python knows, that of the course."""
    match = re.match(r"(\w+ \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M)\s*(\w+)?", text)
    if not match:
        return None
    plain = datetime.strptime(match[1], "%B %d, %Y %I:%M:%S %p")
    known = UTC if match[2] in ("GMT", "UTC") else zone
    return plain.replace(tzinfo=known).astimezone(UTC)
