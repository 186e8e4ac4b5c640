"""What a released notebook says of itself, so that a student's copy can be told without the file that was handed out.

`NameCells` writes at release which problem set it is and which cells it has, beside the processor time of the solution,
where that has been measured; nbgrader leaves a checksum in each locked cell. So it is known which cells the grader will
put back.
"""

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import compute_checksum

from .submission import grade_id_of

__all__ = ["HandInError", "NameCells", "problem_set_of", "read_notebook", "will_be_put_back"]


class HandInError(ValueError):
    """The notebook cannot be handed in as it is; the message says what to do."""


class NameCells(NbGraderPreprocessor):
    """nbgrader preprocessor that writes into a released notebook which problem set it is and which cells it has."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Name the cells."""
        cells = [name for cell in nb.cells if (name := grade_id_of(cell))]
        nb.metadata["wgan_course"] = dict(nb.metadata.get("wgan_course", {})) | {
            "problem_set": resources["nbgrader"]["notebook"],
            "cells": cells,
        }
        return nb, resources


def read_notebook(path: Path) -> NotebookNode:
    """A student's notebook, read as the grader reads it: a byte order mark does no harm.

    Raises
    ------
    HandInError
        Where the file is missing or no notebook.
    """
    if not path.is_file():
        raise HandInError(f"there is no file {path}")
    try:
        return nbformat.reads(path.read_bytes().decode("utf-8-sig"), as_version=4)
    except Exception as error:
        raise HandInError(f"{path} is not a notebook that can be read: {error!s:.300}") from error


def problem_set_of(notebook: NotebookNode, path: Path) -> str:
    """Problem set that a notebook answers.

    Raises
    ------
    HandInError
        Where it is none of this course.
    """
    named = notebook.metadata.get("wgan_course", {})
    name = named.get("problem_set", "") if isinstance(named, dict) else ""
    if not isinstance(name, str) or not name.replace("_", "").isalnum():
        raise HandInError(
            f"{path.name} does not say which problem set it is. Please write your answers into a notebook of "
            "exercises/, and hand that one in"
        )
    return name


def will_be_put_back(notebook: NotebookNode) -> list[str]:
    """What the grader will undo before it runs the notebook: locked cells changed, cells gone or there twice."""
    known = notebook.metadata.get("wgan_course", {}).get("cells", [])
    ids = [name for cell in notebook.cells if (name := grade_id_of(cell))]
    changed = [grade_id_of(cell) for cell in notebook.cells if _is_changed(cell)]
    gone = [name for name in known if name not in ids]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    notes = [f"cell {name!r} is locked and was changed: it will be put back as it was handed out" for name in changed]
    notes += [f"cell {name!r} is missing: it will be put back, unanswered" for name in gone]
    return notes + [f"cell {name!r} is there more than once: only the last one counts" for name in twice]


def _is_changed(cell: NotebookNode) -> bool:
    settings = cell.metadata.get("nbgrader", {})
    checksum = settings.get("checksum")
    if not checksum or not settings.get("locked") or settings.get("solution"):
        return False
    return compute_checksum(cell) != checksum
