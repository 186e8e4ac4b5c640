"""A submission's folder, whatever it holds: looked through within bounds, and no link in it is followed.

Names, depths, kinds and permissions are the student's choice. What cannot be looked at is left out and named.
"""

import errno
import hashlib
import os
import shutil
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "FolderError",
    "Found",
    "copy_plain_files",
    "hash_folder",
    "hash_tree",
    "look_through",
    "name_trouble",
    "no_room",
    "shown",
]

MAX_FILES = 500
MAX_FOLDER = 100 * 2**20
MAX_ENTRIES = 5000
MAX_DEPTH = 16
MAX_PATH = 240
MAX_NAME = 128


class FolderError(ValueError):
    """A submission's folder cannot be graded as it is; the message says why, and what to do."""


@dataclass
class Found:
    """Plain files and links of a folder, by their paths in it, and the names of what is left out."""

    files: dict[str, os.stat_result] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def shown(name: str) -> str:
    """A name of a file or of a student as it can be printed, stored and sent: no line breaks, no lone surrogates."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def name_trouble(student: str) -> str:
    """Say why a folder's name can be no student's id; empty where it can."""
    try:
        student.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") for sign in student):
        return "its name has characters that cannot be seen, such as a line break"
    if student != student.strip() or not student.strip("."):
        return "its name begins or ends with a space, or is dots alone"
    return f"its name is longer than {MAX_NAME} characters" if len(student) > MAX_NAME else ""


def require_own_folder(folder: Path) -> None:
    """Refuse a submission that is a link, lies behind one of the student's, or is no folder.

    Raises
    ------
    FolderError
        Naming what is in the folder's place.
    """
    for path in (folder.parent, folder):
        if path.is_symlink():
            raise FolderError(f"{shown(path.name)} is a link to another place, not a folder. Please hand in the files.")
    if not folder.is_dir():
        raise FolderError(f"{shown(folder.name)} is no folder but a file. Please hand in a folder with the notebook.")


def look_through(folder: Path) -> Found:
    """Find the plain files of a folder, nearest first, no deeper and no more than the limits allow."""
    found, waiting, seen = Found(), [(folder, 0)], 0
    for here, depth in waiting:
        for entry in _entries(here, found, folder):
            seen += 1
            if seen > MAX_ENTRIES:
                found.left_out.append(f"all after {MAX_ENTRIES} entries")
                return found
            _take(entry, depth, folder, found, waiting)
    return found


def _entries(here: Path, found: Found, folder: Path) -> Iterator[os.DirEntry]:
    try:
        with os.scandir(here) as entries:
            listed = [entry for entry, _ in zip(entries, range(MAX_ENTRIES + 1), strict=False)]
    except OSError as error:
        found.left_out.append(f"{shown(str(here.relative_to(folder)))} ({error.strerror})")
        return
    yield from sorted(listed, key=lambda entry: entry.name)


def _take(entry: os.DirEntry, depth: int, folder: Path, found: Found, waiting: list[tuple[Path, int]]) -> None:
    path = Path(entry.path)
    relative = os.fspath(path.relative_to(folder))
    try:
        about = entry.stat(follow_symlinks=False)
    except OSError:
        return
    folder_here, file, link = (kind(about.st_mode) for kind in (stat.S_ISDIR, stat.S_ISREG, stat.S_ISLNK))
    strange = len(relative) > MAX_PATH or name_trouble(entry.name) or not (folder_here or file or link)
    if strange or (folder_here and depth >= MAX_DEPTH):
        found.left_out.append(shown(relative)[:MAX_PATH])
    elif link:
        found.links.append(relative)
    elif folder_here:
        waiting.append((path, depth + 1))
    else:
        found.files[relative] = about


def copy_plain_files(source: Path, target: Path, reserved: tuple[str, ...] = ()) -> list[str]:
    """Copy a submission's files; links, notebooks and what lies under a `reserved` name stay behind.

    Returns
    -------
    list of str
        What was left behind because it is too much, or cannot be read.
    """
    found = look_through(source)
    left, size, count = found.left_out, 0, 0
    for relative, about in sorted(found.files.items()):
        if relative.endswith(".ipynb") or relative.partition(os.sep)[0] in reserved:
            continue
        size, count = size + about.st_size, count + 1
        if size > MAX_FOLDER or count > MAX_FILES or not _copied(source / relative, target / relative):
            left.append(relative)
    return left


def _copied(source: Path, target: Path) -> bool:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Neither a link nor a pipe that has taken the file's place since is opened.
        with open(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file, target.open("wb") as out:
            shutil.copyfileobj(file, out)
    except OSError as error:
        if no_room(error):
            raise
        return False
    return True


def no_room(error: BaseException) -> str:
    """Say that the disk takes nothing, which is no submission's fault; empty where that is not the error."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "there is no room left on the disk; nothing is lost: make room, and run the same command again"
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return "the course's folder is read-only; nothing is lost: make it writable, and run the same command again"
    return ""


def hash_folder(folder: Path) -> str:
    """Hash of what counts of a submission, within the limits: files that are too large count by size and time."""
    if folder.is_symlink() or not folder.is_dir():
        return hash_tree(folder)
    digest, found, size = hashlib.sha256(), look_through(folder), 0
    for relative, about in sorted(found.files.items()):
        size += about.st_size
        content = (
            _content(folder / relative) if size <= 2 * MAX_FOLDER else repr((about.st_size, about.st_mtime_ns)).encode()
        )
        digest.update(relative.encode() + b"\0" + content)
    digest.update("\n".join(found.links + found.left_out).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


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
    try:
        if entry.is_symlink():
            return b"link " + os.fsencode(entry.readlink())
        if not entry.is_file():
            return b"folder"
        with entry.open("rb") as file:
            return b"file " + hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        return f"unreadable {error.errno}".encode()
