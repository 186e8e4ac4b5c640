"""What a person needs who marks proofs: the marking scheme beside the answer, and formulas without a network.

The formgrader shows the scheme from ``solutions/``; it is put into the page alone, and not into a file that feedback is
made from. MathJax is the one that the book brings. It may load nothing, so that a formula of a student's runs nothing.
"""

import os
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor

__all__ = ["BringMathJax", "MarkingScheme", "find_templates", "mathjax_source"]

MATHJAX = Path("node_modules", "mathjax", "es5", "tex-svg.js")
BESIDE = "mathjax.js"
KEEP = "grading"
_STYLE = "border-left:.3em solid #33669b;background:#f2f4f7;color:#1c1c1c;padding:.5em 1em;margin:.5em 0"


def find_templates() -> None:
    """Let nbconvert find the templates of this folder first."""
    here, known = str(Path(__file__).parent / "share"), os.environ.get("JUPYTER_PATH", "")
    if here not in known.split(os.pathsep):
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [here, known]))


@cache
def mathjax_source(_: str = "") -> str:
    """Text of MathJax, fit to stand in a page; empty where the book's scripts have not been fetched."""
    path = _mathjax(Path.cwd())
    return path.read_text(encoding="utf-8").replace("</script", "<\\/script") if path else ""


class MarkingScheme(Preprocessor):
    """Shows the solution's text below each answer that a person reads, in the formgrader alone."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Add the cells."""
        if "submission_id" not in resources:
            return nb, resources
        schemes = self._schemes(resources["assignment_id"], resources["notebook_id"])
        cells = []
        for cell in nb.cells:
            cells.append(cell)
            if scheme := schemes.get(_name_of_answer(cell)):
                cells.append(new_markdown_cell(_shown(scheme)))
        nb.cells = cells
        return nb, resources

    def _schemes(self, assignment: str, notebook: str) -> dict[str, str]:
        course = CourseDirectory(config=self.config)
        path = Path(course.root, course.format_path(course.source_directory, ".", assignment), f"{notebook}.ipynb")
        with suppress(OSError, ValueError):
            cells = nbformat.read(str(path), as_version=4).cells
            return {name: cell.source for cell in cells if (name := _name_of_answer(cell))}
        return {}


class BringMathJax(NbGraderPreprocessor):
    """Puts MathJax beside a feedback page, which asks no other place for it."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Link the file, or copy it where it cannot be linked."""
        course, names = CourseDirectory(config=self.config), resources["nbgrader"]
        root = Path(course.root)
        folder = course.format_path(course.feedback_directory, names["student"], names["assignment"])
        target = root / folder / BESIDE
        if target.is_dir() and not target.is_symlink():  # a student has handed in something of this name
            shutil.rmtree(target)
        target.unlink(missing_ok=True)
        if (source := _mathjax(root)) is not None:
            target.parent.mkdir(parents=True, exist_ok=True)  # nbgrader makes it where it has other files to lay there
            _link(_kept(source, root), target)
        return nb, resources


def _mathjax(root: Path) -> Path | None:
    folders = (root, Path(__file__).parents[1])
    return next((folder / MATHJAX for folder in folders if (folder / MATHJAX).is_file()), None)


def _kept(source: Path, root: Path) -> Path:
    """The course's own copy, which can be linked to from anywhere in it."""
    kept = root / KEEP / BESIDE
    if not kept.is_file() or kept.stat().st_size != source.stat().st_size:
        kept.parent.mkdir(parents=True, exist_ok=True)
        draft = kept.with_suffix(f".{os.getpid()}.draft")
        shutil.copyfile(source, draft)
        draft.replace(kept)
    return kept


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _name_of_answer(cell: NotebookNode) -> str:
    known = cell.metadata.get("nbgrader", {})
    read = cell.cell_type == "markdown" and known.get("grade") and known.get("solution")
    return known.get("grade_id", "") if read else ""


def _shown(scheme: str) -> str:
    return f"<div style='{_STYLE}'>\n\n**Marking scheme** (no student sees this)\n\n{scheme}\n\n</div>"
