"""One submission is one task of an executor: local processes, or a Dask cluster, which gets the files with the task.

A result is kept under the hash of what went into it, so that a killed run goes on where it was. Workers end with the
process that started them.
"""

import logging
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import psutil

from . import warm
from .execution import Settings
from .folders import FolderError, look_through, no_room, require_own_folder
from .judged import Judged
from .sandbox import environment, family
from .submission import Blueprint

logger = logging.getLogger(__name__)

__all__ = ["BROKEN", "Parcel", "Task", "run_all", "run_parcel", "run_task"]

BROKEN = "the worker that ran it ended"
MAX_PARCEL = 256 * 2**20
MAX_KEPT = 256 * 2**20


@dataclass(frozen=True)
class Task:
    """One submission to run and judge, and where its result is kept.

    `refusal` says why it cannot be run, `content` is the hash of what was handed in.
    """

    student: str
    folder: Path
    released: Path
    settings: Settings
    kept: Path
    refusal: str = ""
    content: str = ""

    def load(self) -> Judged | None:
        """Take what an earlier run has kept; None where there is nothing whole."""
        try:
            if self.kept.stat().st_size > MAX_KEPT:
                return None
            return Judged.from_json(self.kept.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def keep(self, content: str) -> None:
        """Keep a result: whole, or not at all."""
        draft = self.kept.with_suffix(f".{os.getpid()}.draft")
        try:
            draft.write_text(content, encoding="utf-8")
            draft.replace(self.kept)
        finally:
            draft.unlink(missing_ok=True)


@dataclass(frozen=True)
class Parcel:
    """A task with its files, for a worker that does not see the course's folder."""

    student: str
    name: str
    files: dict[str, bytes]
    links: tuple[str, ...]
    released: bytes
    settings: Settings

    @classmethod
    def pack(cls, task: Task) -> "Parcel":
        """Read a task's files.

        Raises
        ------
        FolderError
            Where the submission is a link, or larger than any that is honest.
        """
        require_own_folder(task.folder)
        found, files, size = look_through(task.folder), {}, 0
        for relative, about in found.files.items():
            size += about.st_size
            if size > MAX_PARCEL:
                raise FolderError(f"the submission is larger than {MAX_PARCEL // 2**20} MiB")
            files[relative] = (task.folder / relative).read_bytes()
        return cls(
            task.student, task.released.stem, files, tuple(found.links), task.released.read_bytes(), task.settings
        )

    def unpack(self, root: Path) -> tuple[Path, Path]:
        """Lay the files out; the submission's folder, and the released notebook. Links lead nowhere."""
        folder, released = root / "submission", root / f"{self.name}.ipynb"
        folder.mkdir()
        for relative, content in self.files.items():
            (folder / relative).parent.mkdir(parents=True, exist_ok=True)
            (folder / relative).write_bytes(content)
        for relative in self.links:
            (folder / relative).parent.mkdir(parents=True, exist_ok=True)
            (folder / relative).symlink_to("nowhere")
        released.write_bytes(self.released)
        return folder, released


def run_task(task: Task) -> str:
    """Run and judge one submission, keep the result, and return an empty string; else what went wrong."""

    def work() -> str:
        task.keep(_judge(task.folder, task.released, task.settings, task.refusal))
        return ""

    return _outcome(task.student, work)[1]


def run_parcel(parcel: Parcel) -> tuple[str, str]:
    """Run and judge a submission that came with its files; the result as text, and what went wrong."""
    with tempfile.TemporaryDirectory(prefix="wgan-parcel-", ignore_cleanup_errors=True) as root:
        return _outcome(parcel.student, lambda: _judge(*parcel.unpack(Path(root)), parcel.settings, ""))


def _outcome(student: str, work: Callable[[], str]) -> tuple[str, str]:
    try:
        return work(), ""
    except Exception as error:
        logger.exception("%r could not be graded", student)
        return "", no_room(error) or f"{type(error).__name__}: {error!s:.500}"


def _judge(folder: Path, released: Path, settings: Settings, refusal: str) -> str:
    from . import judge  # it imports torch: a matter of the workers

    blueprint = Blueprint.read(released)
    if refusal:
        return judge.refuse(blueprint, refusal).to_json()
    return judge.judge_submission(folder, blueprint, settings).to_json()


def run_all(
    tasks: Sequence[Task], workers: int, executor: Executor | None = None, *, remote: bool = False
) -> Iterator[tuple[Task, str]]:
    """Run tasks as places become free, and give each with what went wrong, in the order in which they end.

    One whose worker breaks, or that ran out of time beside others, runs once more alone, so that no neighbour decides
    about its points.

    Parameters
    ----------
    tasks : sequence of Task
    workers : int
        Tasks that are handed out at once.
    executor : Executor, optional
        Where they run; local processes where left out.
    remote : bool
        Whether its workers do not see the course's folder.
    """
    again: list[Task] = []
    waiting = list(reversed(tasks))
    while waiting:  # a pool that has lost a worker takes no more, and the rest goes to a new one
        with _pool(workers, tasks) if executor is None else nullcontext(executor) as pool:
            for task, trouble in _run(waiting, pool, max(1, workers), remote):
                if (trouble == BROKEN and executor is None) or (workers > 1 and not trouble and _ran_out(task)):
                    again.append(task)
                else:
                    yield task, trouble
    yield from _one_by_one(again, executor, remote)


def _one_by_one(tasks: Sequence[Task], executor: Executor | None, remote: bool) -> Iterator[tuple[Task, str]]:
    """Run each task with none beside it, in one worker for as long as that lives."""
    waiting = list(reversed(tasks))
    while waiting:
        with _pool(1, tasks) if executor is None else nullcontext(executor) as pool:
            trouble = ""
            while waiting and trouble != BROKEN:
                for task, trouble in _run([waiting.pop()], pool, 1, remote):
                    yield task, trouble


def _ran_out(task: Task) -> bool:
    judged = task.load()
    return judged is not None and judged.timed_out


def _run(waiting: list[Task], pool: Executor, at_once: int, remote: bool) -> Iterator[tuple[Task, str]]:
    """Run tasks from the end of the list until there is none, or the pool is broken."""
    running: dict[Future, Task] = {}
    while waiting or running:
        while waiting and len(running) < 2 * at_once:  # one in reserve for each worker, and no more in memory
            future = _submit(waiting[-1], pool, remote)
            if future is None:
                break
            running[future] = waiting.pop()
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            task = running.pop(future)
            yield task, _result(future, task)


def _submit(task: Task, pool: Executor, remote: bool) -> Future | None:
    """Hand a task out; None where the pool has lost a worker and takes nothing any more."""
    try:
        if remote and not task.refusal:
            return pool.submit(run_parcel, Parcel.pack(task))
        return _done(run_task(task)) if remote else pool.submit(run_task, task)
    except BrokenExecutor:
        return None
    except FolderError as error:
        return _done(run_task(replace(task, refusal=str(error))))
    except Exception as error:
        logger.exception("%r could not be handed out", task.student)
        return _done(no_room(error) or f"it could not be handed out: {error!s:.200}")


def _done(trouble: str) -> Future:
    future: Future = Future()
    future.set_result(trouble)
    return future


def _result(future: Future, task: Task) -> str:
    try:
        given = future.result()
        if isinstance(given, str):
            return given
        content, trouble = given
        if not trouble:
            task.keep(content)
        return trouble
    except Exception as error:
        logger.exception("the worker of %r ended", task.student)
        return no_room(error) or BROKEN


def _pool(workers: int, tasks: Sequence[Task] = ()) -> ProcessPoolExecutor:
    forked = any(task.settings.forked and task.settings.provisioner == "wgan-bubblewrap" for task in tasks)
    context = get_context("spawn")
    return ProcessPoolExecutor(max(1, workers), context, initializer=_begin, initargs=(os.getpid(), forked))


def _begin(parent: int, forked: bool) -> None:
    """Prepare a worker: it ends, with what it runs, soon after the process that started it; kernels will be forked."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        for process in reversed(family(os.getpid())):
            with suppress(psutil.Error):
                process.kill()

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the coordinator stops its workers, and the terminal does not
    threading.Thread(target=watch, daemon=True, name="ends-with-its-parent").start()
    if forked:
        warm.template(environment())  # its imports go on beside those of the worker
