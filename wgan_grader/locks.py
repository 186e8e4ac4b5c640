"""One run at a time in a course: a lock that the operating system frees when its holder ends, and that names it."""

import getpass
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["BusyError", "hold"]


class BusyError(RuntimeError):
    """Another run holds the course; the message says which one."""


@contextmanager
def hold(folder: Path, what: str) -> Iterator[None]:
    """Hold the lock of a folder while `what` is done.

    Raises
    ------
    BusyError
        Where another run has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock, about = FileLock(folder / "run.lock"), folder / "run.json"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"{_holder(about)} works on this course already. Wait for it to end, or stop it.") from None
    try:
        about.write_text(json.dumps(_self(what)))
        yield
    finally:
        about.unlink(missing_ok=True)
        lock.release()


def _self(what: str) -> dict[str, str]:
    user = ""
    with suppress(KeyError, OSError):
        user = getpass.getuser()
    now = datetime.now(tz=UTC).isoformat(timespec="seconds")
    return {"what": what, "process": str(os.getpid()), "user": user, "host": platform.node(), "since": now}


def _holder(about: Path) -> str:
    try:
        said = json.loads(about.read_text())
        return "{what!r} (process {process} of {user} on {host}, since {since})".format(**said)
    except (OSError, ValueError, KeyError, TypeError):
        return "another run"
