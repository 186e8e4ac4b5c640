"""Sphinx extension: the problem sets as pages of the book, from the notebooks in ``exercises``; nothing is run.

A page holds one line, `` {problem-set}`ps06_gradient_penalty` ``, and becomes the notebook's text with its stubs and a
link to download it. A heading after the name, `` {problem-set}`ps10_images#10. Capstone` ``, takes that exercise alone,
and the page of the set then points to it.
"""

import json
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

__all__ = ["own_pages", "page_text", "setup"]

PLACE = re.compile(r"^\{problem-set\}`([^`#]+)(?:#([^`]+))?`$", re.MULTILINE)
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
LEAD = """{{download}}`Download the notebook <../../exercises/{name}/{name}.ipynb>`. It goes with
[chapter {number}](../{chapter}/chapter.md); [for students](../appendices/students.md) says how to set up and work."""
Cell = dict[str, Any]


def own_pages(root: Path) -> dict[tuple[str, str], str]:
    """The pages of problem sets: from a set's name and the start of a heading, or nothing, to the page's name.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    pages : dict of (str, str) to str
    """
    found = {}
    for file in sorted((root / "book" / "problem_sets").glob("*.md")):
        for place in PLACE.finditer(file.read_text(encoding="utf-8")):
            found[place[1], place[2] or ""] = file.stem
    return found


def page_text(root: Path, name: str, heading: str = "") -> str:
    """The Markdown of a problem set's page.

    Parameters
    ----------
    root : Path
        The course's folder.
    name : str
        Such as ``ps06_gradient_penalty``.
    heading : str
        How the heading of the only exercise that is wanted starts; all but those with pages of their own when empty.

    Returns
    -------
    text : str
    """
    cells = json.loads((root / "exercises" / name / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    parts = _exercises(cells)
    if heading:
        return _one(parts, heading, _lead(root, name))
    elsewhere = {start: page for (owner, start), page in own_pages(root).items() if owner == name and start}
    texts = []
    for title, part in parts:
        page = next((page for start, page in elsewhere.items() if title.startswith(start)), None)
        texts += [f"## {title}\n\nOn [a page of its own]({page}.md)."] if page else [_markdown(cell) for cell in part]
    top, _, rest = texts[0].partition("\n")
    return "\n\n".join([top, _lead(root, name), rest.strip(), *texts[1:]]) + "\n"


def _one(parts: list[tuple[str, list[Cell]]], heading: str, lead: str) -> str:
    part = next((part for title, part in parts if title.startswith(heading)), None)
    if part is None:
        raise ValueError(f"no exercise of the set starts with {heading!r}")
    first, *more = (_markdown(cell) for cell in part)
    top, _, rest = first.partition("\n")
    title = top.removeprefix("## ").partition(". ")[2]
    return "\n\n".join([f"# {title}", lead, rest.strip(), *more]).replace("\n### ", "\n## ") + "\n"


def _lead(root: Path, name: str) -> str:
    number = name[2:4]
    chapter = next((root / "book").glob(f"{number}_*")).name
    return LEAD.format(name=name, number=int(number), chapter=chapter)


def _exercises(cells: list[Cell]) -> list[tuple[str, list[Cell]]]:
    """The cells by exercise: each with the title of the heading that it starts with; before the first, none."""
    parts: list[tuple[str, list[Cell]]] = [("", [])]
    for cell in cells:
        found = HEADING.match("".join(cell["source"])) if cell["cell_type"] == "markdown" else None
        if found:
            parts.append((found[1], []))
        parts[-1][1].append(cell)
    return parts


def _markdown(cell: Cell) -> str:
    text = "".join(cell["source"])
    return text if cell["cell_type"] == "markdown" else f"`````python\n{text}\n`````"


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the notebook in the place of its name (a handler of Sphinx)."""
    if not docname.startswith("problem_sets/"):
        return
    root = Path(app.srcdir).parent

    def notebook(found: re.Match[str]) -> str:
        app.env.note_dependency(str(root / "exercises" / found[1] / f"{found[1]}.ipynb"))
        return page_text(root, found[1], found[2] or "")

    source[0] = PLACE.sub(notebook, source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what happens to the pages before they are read.

    Parameters
    ----------
    app : Sphinx

    Returns
    -------
    metadata : dict
    """
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
