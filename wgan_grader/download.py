"""The files of a download, a zip or a folder, with zips inside zips, read as bytes and within limits.

Nothing is unpacked by the name that an archive asks for: a member's name is data, and leads nowhere.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

__all__ = ["CollectError", "Doubt", "Found", "files_of"]

MAX_MEMBER = 128 * 2**20
MAX_TOTAL = 4 * 2**30
MAX_MEMBERS = 50_000
MAX_DEPTH = 4
IGNORED = {"__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "__pycache__"}


class CollectError(Exception):
    """The download cannot be used; the message says what it is."""


@dataclass(frozen=True)
class Doubt:
    """Something in the download that was not collected, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Found:
    """A file of the download: its path in it, and its content."""

    path: PurePosixPath
    content: bytes


def files_of(download: Path, names_a_student: Callable[[str], bool]) -> tuple[list[Found], list[Doubt]]:
    """Every file of a download, and what could not be read.

    A folder that holds everything is dropped, unless its name says whose it is.

    Raises
    ------
    CollectError
        Where there is no such file, or it is neither a folder nor a zip.
    """
    doubts: list[Doubt] = []
    if download.is_dir():
        found = _in_folder(download, doubts)
    elif download.is_file() and zipfile.is_zipfile(download):
        found = _in_zip(download.read_bytes(), PurePosixPath(), doubts, 0)
    elif download.exists():
        raise CollectError(f"{download} is neither a folder nor a zip; download the submissions once more")
    else:
        raise CollectError(f"there is no {download}")
    taken, total = [], 0
    for file in found:
        total += len(file.content)
        if total > MAX_TOTAL or len(taken) >= MAX_MEMBERS:
            doubts.append(Doubt(str(file.path), "the download is larger than the limits; split it"))
            break
        taken.append(file)
    return _without_common_top(taken, names_a_student), doubts


def _in_folder(folder: Path, doubts: list[Doubt]) -> Iterator[Found]:
    for path in sorted(folder.rglob("*")):
        relative = PurePosixPath(path.relative_to(folder).as_posix())
        if IGNORED & set(relative.parts) or path.is_symlink() or not path.is_file():
            continue
        try:
            size = path.stat().st_size
            content = path.read_bytes() if size <= MAX_MEMBER else b""
        except OSError as error:
            doubts.append(Doubt(str(relative), f"cannot be read: {error.strerror}"))
            continue
        if size > MAX_MEMBER:
            doubts.append(Doubt(str(relative), f"is larger than {MAX_MEMBER // 2**20} MiB"))
        elif relative.suffix.lower() == ".zip":
            yield from _in_zip(content, relative.with_suffix(""), doubts, 1)
        else:
            yield Found(relative, content)


def _in_zip(content: bytes, at: PurePosixPath, doubts: list[Doubt], depth: int) -> Iterator[Found]:
    """Members of a zip, and of zips in it, read within limits; names are data and lead nowhere."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = archive.infolist()[:MAX_MEMBERS]
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        doubts.append(Doubt(str(at), f"is no zip that can be read: {error}"))
        return
    for member in members:
        path = at / _inside(member.filename)
        if member.is_dir() or IGNORED & set(path.parts):
            continue
        try:
            body = _read_member(archive, member)
        except Exception as error:  # a damaged or locked member costs itself alone
            doubts.append(Doubt(str(path), f"cannot be read: {error}"))
            continue
        if path.suffix.lower() != ".zip":
            yield Found(path, body)
        elif depth < MAX_DEPTH:
            yield from _in_zip(body, path.with_suffix(""), doubts, depth + 1)
        else:
            doubts.append(Doubt(str(path), "is a zip in too many zips"))


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.file_size > MAX_MEMBER:
        raise ValueError(f"larger than {MAX_MEMBER // 2**20} MiB when unpacked")
    with archive.open(member) as file:
        body = file.read(MAX_MEMBER + 1)
    if len(body) > MAX_MEMBER:
        raise ValueError(f"larger than {MAX_MEMBER // 2**20} MiB when unpacked, against what it says")
    return body


def _inside(name: str) -> PurePosixPath:
    """A member's name as a path that cannot leave its place."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    cleaned = ["".join(letter for letter in part if letter.isprintable()).strip() or "_" for part in parts]
    return PurePosixPath(*cleaned) if cleaned else PurePosixPath("_")


def _without_common_top(files: list[Found], names_a_student: Callable[[str], bool]) -> list[Found]:
    """Drop folders that hold everything: a zip of one folder, or one unpacked into a folder of its name."""
    while files and all(len(file.path.parts) > 1 for file in files):
        tops = {file.path.parts[0] for file in files}
        if len(tops) > 1 or names_a_student(next(iter(tops))):
            break
        files = [replace(file, path=PurePosixPath(*file.path.parts[1:])) for file in files]
    return files
