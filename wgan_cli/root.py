"""Where the course lies, and the tools in its folder that no installed package holds."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

__all__ = ["NoCourseError", "find_root", "tool"]


class NoCourseError(RuntimeError):
    """The command needs the course's folder, and was not run inside of it."""


def find_root(start: Path | None = None) -> Path:
    """The course's folder: the nearest one upwards that holds ``_toc.yml`` and ``book``.

    Raises
    ------
    NoCourseError
        If no folder upwards is a course.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "_toc.yml").is_file() and (folder / "book").is_dir():
            return folder
    raise NoCourseError(
        f"no _toc.yml beside a folder 'book' in {start} or above it: run this inside the course's folder"
    )


def tool(name: str) -> ModuleType:
    """Import a module of the course's own ``tools``, such as ``"book.build"``."""
    root = str(find_root())
    if root not in sys.path:
        sys.path.insert(0, root)
    return importlib.import_module(f"tools.{name}")
