"""A student's hand-in: the notebook, what lies beside it, and a manifest, in one zip of the right name.

The manifest has hashes, versions and the time, for people who compare; nothing in it decides about a grade.
"""

import hashlib
import json
import platform
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .released import problem_set_of, read_notebook, will_be_put_back
from .selfcheck import NotebookResult

__all__ = ["HandIn", "pack"]

MAX_FILE = 60 * 2**20
MAX_FILES = 50
PACKAGES = ("wgan-course", "torch", "numpy")
SKIPPED = {".ipynb_checkpoints", "__pycache__", ".DS_Store", "Thumbs.db"}


@dataclass(frozen=True)
class HandIn:
    """What was packed."""

    path: Path
    problem_set: str
    files: tuple[str, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def pack(
    path: str | Path, folder: str | Path = ".", *, student: str = "", result: NotebookResult | None = None
) -> HandIn:
    """Write ``PROBLEM_SET.zip`` (or ``PROBLEM_SET-STUDENT.zip``) with the notebook under its right name.

    Parameters
    ----------
    path : path
        The student's notebook, under whatever name.
    folder : path
        Where the zip goes. It is written whole or not at all.
    student : str
        The student's id, where the course wants it inside.
    result : NotebookResult, optional
        What the checks gave here; kept in the manifest for comparison, and trusted by nobody.

    Returns
    -------
    HandIn

    Raises
    ------
    HandInError
        Where the file is no notebook of this course.
    """
    path = Path(path)
    notebook = read_notebook(path)
    name = problem_set_of(notebook, path)
    beside, left_out = _beside(path)
    members = {f"{name}.ipynb": _with_student(path.read_bytes(), student)}
    members |= {str(file.relative_to(path.parent)): file.read_bytes() for file in beside}
    notes = will_be_put_back(notebook)
    manifest = _manifest(name, members, student, notes, result)
    target = Path(folder) / f"{name}{'-' if student else ''}{_plain(student)}.zip"
    _write(target, {**members, "manifest.json": json.dumps(manifest, indent=1).encode()})
    return HandIn(target, name, tuple(members), tuple(left_out), tuple(notes))


def _with_student(content: bytes, student: str) -> bytes:
    """The notebook's bytes, with the student's id in its metadata where one is given."""
    if not student:
        return content
    plain = json.loads(content.decode("utf-8-sig"))
    plain.setdefault("metadata", {}).setdefault("wgan_course", {})["student"] = student
    return (json.dumps(plain, indent=1, ensure_ascii=False) + "\n").encode()


def _beside(path: Path) -> tuple[list[Path], list[str]]:
    """Plain files in the notebook's folder that go with it, and the names of those that are left out."""
    kept, left = [], []
    for file in sorted(path.parent.rglob("*")):
        parts = file.relative_to(path.parent).parts
        if file == path or SKIPPED & set(parts) or any(part.startswith(".") for part in parts) or file.is_dir():
            continue
        if file.suffix in (".ipynb", ".zip"):
            continue
        if file.is_symlink() or file.stat().st_size > MAX_FILE or len(kept) >= MAX_FILES:
            left.append("/".join(parts))
        else:
            kept.append(file)
    return kept, left


def _manifest(
    name: str, members: dict[str, bytes], student: str, notes: Sequence[str], result: NotebookResult | None
) -> dict[str, Any]:
    return {
        "format": 1,
        "problem_set": name,
        "student": student,
        "time": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "sha256": {member: hashlib.sha256(content).hexdigest() for member, content in members.items()},
        "versions": {"python": platform.python_version(), **dict(_versions(PACKAGES))},
        "will_be_put_back": list(notes),
        "own_check": None if result is None else {"points": result.points, "of": result.possible},
    }


def _versions(names: Iterable[str]) -> Iterable[tuple[str, str]]:
    for name in names:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _plain(student: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-@" else "_" for letter in student)


def _write(target: Path, members: dict[str, bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.draft")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
