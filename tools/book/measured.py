"""Measured numbers in a chapter's text come from its stored results, by the role ``{measured}``.

A chapter's ``measured.py`` has one function for each quantity, of no argument, that returns a number or one for each
seed. `` {measured}`lag.max:.2f` `` renders what ``lag()`` returns: the greatest, with two decimals. Between name and
format there may be ``min``, ``max``, ``mean`` or ``median``. A format is Python's, or ``pct`` (a
whole per cent, without its sign), ``power`` (the nearest power of ten, as a formula) or ``word`` (a small count).
"""

import functools
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

from tools.book.pages import text_pages, without_code

__all__ = ["MeasuredRole", "bare_numbers", "quantities", "render", "setup"]

NAME = "measured.py"
WORDS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
STATISTICS: dict[str, Callable[[Any], Any]] = {
    "": np.asarray,
    "min": np.min,
    "max": np.max,
    "mean": np.mean,
    "median": np.median,
}
ROLE = re.compile(r"\{measured\}`([^`]+)`")
ANY_ROLE = re.compile(r"\{\w[\w:-]*\}`[^`]*`")
# Boxes hold statements, proofs, questions and settings; what was measured stands in the text between them.
BOXES = r"quiz|prf:\w+|exercise|admonition|dropdown|figure|table|div|math"
BOX = re.compile(rf"^(:{{3,}}|`{{3,}})\{{(?:{BOXES})\}}.*?^\1\s*$", re.M | re.S)
FENCE = re.compile(r"^```.*?^```\s*$", re.M | re.S)
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`", re.S)
HEAD, ROW = re.compile(r"\A---\n.*?^---\n", re.M | re.S), re.compile(r"^\|.*$", re.M)
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?!\.?\d)|\b\d+(?:\.\d+)? %")
ALLOWED = {"95 %"}  # the level of every interval in the book


@functools.cache
def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"measured_{path.parent.name}", path)
    assert spec is not None  # as it is for every file that ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def quantities(folder: Path) -> dict[str, Callable[[], Any]]:
    """What a chapter's ``measured.py`` can compute, by name.

    Parameters
    ----------
    folder : Path
        The chapter's.
    """
    path = folder / NAME
    if not path.is_file():
        return {}
    module = _module(path)
    own = {name: found for name, found in vars(module).items() if getattr(found, "__module__", "") == module.__name__}
    return {name: found for name, found in own.items() if callable(found) and not name.startswith("_")}


def render(folder: Path, text: str) -> str:
    """The number that a role asks for, as the page shows it; a formula begins with a dollar.

    Parameters
    ----------
    folder : Path
        The chapter's.
    text : str
        Name, statistic and format, such as ``lag.max:.2f``.

    Raises
    ------
    ValueError
        If there is no such quantity, statistic or format, or what is asked for is not one number.
    """
    (name, _, statistic), form = text.partition(":")[0].partition("."), text.partition(":")[2]
    known = quantities(folder)
    if name not in known:
        raise ValueError(f"{folder.name}/{NAME} has no quantity {name!r}")
    if statistic not in STATISTICS:
        raise ValueError(f"{text!r}: the statistic is one of {', '.join(filter(None, STATISTICS))}")
    value = np.asarray(STATISTICS[statistic](known[name]()))
    if value.size != 1 or not np.isfinite(value).all():
        raise ValueError(
            f"{text!r} is {value.size} numbers, and one finite number is wanted; add .min, .max or the like"
        )
    return _formatted(float(value.reshape(())), form)


def _formatted(value: float, form: str) -> str:
    if form == "power":
        return f"$10^{{{round(np.log10(abs(value)))}}}$"
    if form == "word":
        return WORDS[round(value)]
    shown = f"{100 * value:.0f}" if form == "pct" else f"{value:{form}}"
    return shown.replace("-", "−")


class MeasuredRole(SphinxRole):
    """A number from the chapter's stored results."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The number, or an error for a quantity that the chapter does not have.

        Returns
        -------
        found, messages : list of Node, list of system_message
        """
        folder = (Path(self.env.srcdir) / self.env.docname).parent
        for path in (folder / NAME, *(Path(self.env.srcdir) / "results").glob(f"{folder.name[:2]}_*.json")):
            self.env.note_dependency(str(path))
        try:
            shown = render(folder, self.text)
        except (ValueError, IndexError) as error:
            message = self.inliner.reporter.error(str(error), line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        if shown.startswith("$"):
            return [nodes.math(shown[1:-1], shown[1:-1])], []
        return [nodes.inline(shown, shown, classes=["measured"])], []


def bare_numbers(root: Path) -> list[str]:
    """Numbers of a chapter's text that are neither measured by role, nor quoted by role, nor in a formula.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str

    Notes
    -----
    Looked at are chapters with a ``measured.py``: a decimal number or a percentage in their text is a measurement, and
    comes by a role, or a setting or a consequence of a formula, and stands in a formula. Boxes, tables, captions and
    code are not looked at.
    """
    findings = []
    for page, text in text_pages(root):
        folder = (root / page).parent
        if not (folder / NAME).is_file():
            continue
        for asked in ROLE.findall(text):
            try:
                render(folder, asked)
            except (ValueError, IndexError) as error:
                findings.append(f"{page}: {error}")
        bare = (found for found in NUMBER.findall(_prose(text)) if found not in ALLOWED)
        findings += [f"{page}: {found!r} is typed out; a measurement is a role, a setting a formula" for found in bare]
    return findings


def _prose(text: str) -> str:
    text = re.split(r"^## Exercises", HEAD.sub("", without_code(text)), flags=re.M)[0]
    for pattern in (BOX, FENCE, ANY_ROLE, FORMULA, ROW):
        text = pattern.sub("", text)
    return text


def setup(app: Sphinx) -> None:
    """Register the role.

    Parameters
    ----------
    app : Sphinx
    """
    app.add_role("measured", MeasuredRole())
