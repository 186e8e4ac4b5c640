"""A feedback page that takes too long: it is made in a process of its own, within a time, and else shown as plain text.

Rendering Markdown and colouring code take the square of the length of some texts. What a student writes is cut where it
is shown (`submission`, `execution`); what gets past that costs its own page, and holds up nobody else's.
"""

import ctypes
import gc
import os
import pickle
import select
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from html import escape
from typing import Any

from nbconvert.filters import strip_ansi
from nbformat import NotebookNode

__all__ = ["PLAIN", "SECONDS", "TooLongError", "apart", "plain_page"]

SECONDS = 20.0
WAIT = 20  # how many times as long by the clock: the machine may have much else to do
END_WITH_PARENT = 1
PLAIN = "The feedback page took too long to render: it is plain text."


class TooLongError(Exception):
    """The work took more than its time."""


def apart(work: Callable[[], object], seconds: float) -> None:
    """Do work that ends in files, in a fork of this process with so much processor time; here where none can be had.

    Raises
    ------
    TooLongError
        Where its time was over.
    Exception
        What the work raised.
    """
    if not hasattr(os, "fork"):
        work()
        return
    ours, theirs = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer Pythons warn where other threads run: the fork has this one alone
        child = os.fork()
    if not child:
        _do(work, theirs, seconds)
    os.close(theirs)
    try:
        said = _read(ours, time.monotonic() + WAIT * seconds)
    finally:
        os.close(ours)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not said:
        raise TooLongError(f"it took more than {seconds:g} seconds")
    if (error := pickle.loads(said)) is not None:
        raise error


def _do(work: Callable[[], object], answer: int, seconds: float) -> None:
    """Be the fork: it ends with its parent, by the operating system when its time is over, and never returns."""
    error: BaseException | None = None
    try:
        with suppress(OSError, AttributeError):  # elsewhere than on Linux
            ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGKILL)
        gc.disable()  # it would copy what the parent has, page after page
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever stops the parent stops it
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        work()
    except BaseException as raised:
        error = raised
    try:
        os.write(answer, _packed(error))
    finally:
        os._exit(0)


def _packed(error: BaseException | None) -> bytes:
    with suppress(Exception):
        packed = pickle.dumps(error)
        pickle.loads(packed)  # some errors cannot be made anew
        if len(packed) < select.PIPE_BUF:
            return packed
    return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error!s:.500}"))


def _read(pipe: int, until: float) -> bytes:
    """What the fork says before it ends; nothing where it says nothing in time."""
    parts = []
    while select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0] and (part := os.read(pipe, 2**16)):
        parts.append(part)
    return b"".join(parts)


def plain_page(name: str, notebook: NotebookNode, points: Mapping[str, str], comments: Mapping[str, str]) -> str:
    """Page of a judged notebook without formulas, colours and pictures.

    Parameters
    ----------
    name : str
    notebook : NotebookNode
    points, comments : mapping
        What stands in the gradebook, by grade id.
    """
    about = "Rendered, this page took more time than a page may, so it is shown as plain text. That costs no points."
    parts = [f"<h1>{escape(name)}</h1><p>{about}</p>"]
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if grade_id in points:
            parts.append(f"<h2>{escape(grade_id)}: {escape(points[grade_id])}</h2>")
        parts += [f"<pre>{escape(text)}</pre>" for text in (cell.source, *_outputs(cell)) if text]
        if comments.get(grade_id):
            parts.append(f"<p><b>Comment:</b></p><pre>{escape(comments[grade_id])}</pre>")
    style = "<style>pre { white-space: pre-wrap; overflow-wrap: anywhere }</style>"
    head = f"<head><meta charset='utf-8'><title>{escape(name)}</title>{style}</head>"
    return f"<!doctype html><html lang='en'>{head}<body>{''.join(parts)}</body></html>"


def _outputs(cell: NotebookNode) -> Iterator[str]:
    for output in cell.get("outputs", []):
        data: Mapping[str, Any] = output.get("data", {})
        verdict = next((value["text"] for value in data.values() if isinstance(value, dict) and "text" in value), "")
        text = output.get("text") or "\n".join(output.get("traceback", [])) or verdict or data.get("text/plain", "")
        yield strip_ansi(text)
