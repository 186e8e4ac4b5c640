"""A class list from any learning platform, and who of it is meant by what a file's name or a platform's record says.

Nobody is guessed: a submission belongs to a student where one exact mark says so (an id, a login, an address), or where
the whole name fits one student of the list and no other. Everything else is a doubt, for a person to settle.
"""

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Clue", "Roster", "RosterError", "Student"]

# Headings of nbgrader's own export, of Canvas, Moodle, Blackboard, Gradescope and of Google's address book.
HEADINGS = {
    "id": ("id", "student id", "student_id", "username", "user name", "login id", "sis login id", "sid", "idnumber"),
    "lms": ("lms_user_id", "lms user id", "canvas id", "canvas user id", "identifier", "user id"),
    "email": ("email", "email address", "e-mail", "e-mail 1 - value", "mail"),
    "first": ("first_name", "first name", "firstname", "given name"),
    "last": ("last_name", "last name", "lastname", "surname", "family name"),
    "name": ("name", "student", "full name", "student name"),
    "other": ("sis user id", "student number", "section id number", "sis id", "id number"),
}


class RosterError(ValueError):
    """The class list cannot be used; the message says why."""


@dataclass(frozen=True)
class Student:
    """One line of the class list; `id` names the folder in ``submitted/`` and the student in the gradebook.

    `platform` is the platform's own number of the student, `row` the line as it was read.
    """

    id: str
    first: str = ""
    last: str = ""
    email: str = ""
    marks: frozenset[str] = frozenset()
    platform: str = ""
    row: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """First and last name, or what is known of them."""
        return f"{self.first} {self.last}".strip() or self.id


@dataclass(frozen=True)
class Clue:
    """What is known about who handed something in."""

    marks: tuple[str, ...] = ()
    name: str = ""

    def words(self) -> str:
        """The clue as a person reads it."""
        return ", ".join(filter(None, [self.name, *self.marks])) or "nothing"


@dataclass
class Roster:
    """The class list, with an index by everything that names exactly one student."""

    students: tuple[Student, ...]
    _by_mark: dict[str, set[str]] = field(default_factory=dict, repr=False)
    _by_name: dict[str, set[str]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Build the indices; a mark that two students share names neither."""
        for student in self.students:
            for mark in student.marks | {plain(student.id)}:
                self._by_mark.setdefault(mark, set()).add(student.id)
            for name in _spellings(student):
                self._by_name.setdefault(name, set()).add(student.id)

    @classmethod
    def read(cls, path: str | Path) -> "Roster":
        """Read a CSV file with a heading line, as nbgrader or a platform writes it.

        Raises
        ------
        RosterError
            Where the file is missing or no CSV file, has no column that names students, or names one twice.
        """
        rows = _rows(Path(path))
        columns = _columns(rows[0].keys(), path) if rows else {}
        students = tuple(student for row in rows if (student := _student(row, columns)) is not None)
        if not students:
            raise RosterError(f"{path} names no students below its heading line")
        ids = [student.id for student in students]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise RosterError(f"{path} has {', '.join(twice[:5])} more than once; each student needs one line")
        return cls(students)

    def match(self, clue: Clue) -> list[str]:
        """Ids of the students that the clue may mean: one where it is certain, none or several where it is not."""
        found = [self._by_mark[key] for mark in clue.marks if (key := plain(mark)) in self._by_mark]
        if found:
            certain = set.intersection(*found)
            return sorted(certain or set.union(*found))
        return sorted(self._by_name.get(_letters(clue.name), set())) if clue.name else []


def plain(text: str) -> str:
    """Text for comparison: no accents, no case, no surrounding space."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold().strip()


def _letters(name: str) -> str:
    """The letters and digits of a name, its words in alphabetical order."""
    words = "".join(letter if letter.isalnum() else " " for letter in plain(name)).split()
    return " ".join(sorted(words))


def _spellings(student: Student) -> Iterable[str]:
    yield _letters(f"{student.first} {student.last}")
    # Canvas runs the sortable name together: "doejane".
    run_together = "".join(letter for letter in plain(student.last + student.first) if letter.isalnum())
    if run_together:
        yield run_together


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise RosterError(f"there is no class list {path}")
    text = _decoded(path.read_bytes()).lstrip("\r\n")
    if text[:4].lower() == "sep=":  # a line that Excel writes and reads, and that is no heading
        text = text.partition("\n")[2]
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:  # strict, since a quotation mark that is not closed would take the rest of the class with it
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise RosterError(f"{path} is no CSV file: {error}; is a quotation mark left open?") from error
    return [
        {(key or "").strip(): (value or "").strip() for key, value in row.items() if not isinstance(value, list)}
        for row in rows
    ]


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # "Unicode text" of Excel
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _columns(headings: Iterable[str], path: str | Path) -> dict[str, list[str]]:
    known = {heading: plain(heading) for heading in headings}
    columns = {kind: [heading for heading, text in known.items() if text in names] for kind, names in HEADINGS.items()}
    if not any(columns[kind] for kind in ("id", "email", "lms", "other")):
        raise RosterError(
            f"{path} has no column that names students; wanted is one of id, username, email, and the columns are: "
            + ", ".join(known)
        )
    return columns


def _student(row: Mapping[str, str], columns: Mapping[str, list[str]]) -> Student | None:
    def values(kind: str) -> list[str]:
        return [row[heading] for heading in columns[kind] if row.get(heading)]

    marks = [value for kind in ("id", "lms", "email", "other") for value in values(kind)]
    if not marks:
        return None
    email = next(iter(values("email")), "")
    marks += [email.partition("@")[0]] if email else []
    marks += [mark.removeprefix("Participant ") for mark in marks if mark.startswith("Participant ")]
    first, last = next(iter(values("first")), ""), next(iter(values("last")), "")
    if not first and not last:
        first, last = _split(next(iter(values("name")), ""))
    name = next(iter([*values("id"), *([email] if email else []), *values("lms"), *values("other")]))
    platform = next(iter(values("lms")), "") or (row.get("ID", "") if "SIS Login ID" in row else "")
    return Student(_folder_name(name), first, last, email, frozenset(map(plain, marks)), platform, dict(row))


def _split(name: str) -> tuple[str, str]:
    """First and last name of "Doe, Jane" or "Jane Doe"."""
    if "," in name:
        last, _, first = name.partition(",")
        return first.strip(), last.strip()
    first, _, last = name.rpartition(" ")
    return first.strip(), last.strip()


def _folder_name(name: str) -> str:
    """A student's id as the name of a folder."""
    return "".join(letter if letter.isalnum() or letter in "._-@" else "_" for letter in name).strip(".") or "_"
