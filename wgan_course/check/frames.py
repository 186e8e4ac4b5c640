"""The student's own part of a traceback: which of their lines led to an error, and which function is still open."""

import linecache
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

from .reference import StillOpenError

MAX_FRAMES = 6
MAX_LINE = 160
_NAMES = ("stdlib", "platstdlib", "purelib", "platlib")
_FOLDERS = [Path(__file__).parents[1], *(Path(sysconfig.get_path(name)) for name in _NAMES)]
_FOREIGN = tuple({f"{path}{os.sep}" for folder in _FOLDERS for path in (folder, folder.resolve())})


def own_frames(error: BaseException) -> tuple[str, ...]:
    """Where the student's code was when it raised: a line with cell, number and function, and one with the code.

    The middle of a long way, as of a recursion, is left out.
    """
    places = [(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in _own(error)]
    shown = [_place(*place) for place in places]
    if len(shown) > MAX_FRAMES:
        half = MAX_FRAMES // 2
        shown[half:-half] = [[f"… {len(shown) - MAX_FRAMES} more calls …"]]
    return tuple(line for lines in shown for line in lines)


def open_part(error: BaseException, function: Any) -> str:
    """Name of another function that was called and is still open; empty where the function itself is."""
    if type(error) is StillOpenError:
        return error.key
    own = [frame.f_code for frame, _ in _own(error)]
    mine = getattr(function, "__code__", None)
    return own[-1].co_name if own and type(function) is FunctionType and own[-1] is not mine else ""


def _own(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    step = error.__traceback__
    while step is not None:
        if not _is_foreign(step.tb_frame.f_code.co_filename):
            yield step.tb_frame, step.tb_lineno
        step = step.tb_next


def _is_foreign(filename: str) -> bool:
    if filename.startswith("<") and not filename.startswith(("<ipython-input", "<stdin", "<string")):
        return True
    return filename.startswith(_FOREIGN)


def _place(filename: str, line: int, name: str) -> list[str]:
    inside = "" if name == "<module>" else f", in {name}"
    code = linecache.getline(filename, line).strip()
    return [f"{_named(filename)}, line {line}{inside}", *([f"    {code[:MAX_LINE]}"] if code else [])]


def _named(filename: str) -> str:
    """A cell by its number, a file by its name."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    label = shell.compile.format_code_name(filename) if shell is not None and hasattr(shell, "compile") else None
    return " ".join(label) if label else Path(filename).name
