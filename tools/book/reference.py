"""Links between the pages of the library's reference and the chapters, in both directions.

A docstring names a statement by its label (``prop-sparse-plan``) and a chapter by its number: both become links. A
chapter names a function in plain code (``transport.solve``): that becomes a link to its place in the reference.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

from tools.book.lint import LABEL, STATEMENT
from tools.book.pages import text_pages

__all__ = ["link_code", "link_docstring", "own_all", "setup"]

LABELLED = re.compile(r"``((?:thm|prop|lem|cor|def)-[\w-]+)``")
CHAPTER = re.compile(r"\b([Cc]hapter\s+)(\d{1,2})\b")
SPAN = re.compile(r"(``.*?``|(?::[\w:]+:)?`.*?`)")
NAME = re.compile(r"(?:wgan_course\.)?([a-z_]+(?:\.\w+)+)(?:\(.*\))?\Z")


def link_docstring(text: str, labels: set[str], chapters: dict[int, str]) -> str:
    """Turn labels of statements and numbers of chapters into links.

    Parameters
    ----------
    text : str
        A docstring, in reStructuredText.
    labels : set of str
        Labels that the book has; others stay as they are.
    chapters : dict of int to str
        Pages by number.
    """
    text = "\n".join(_plain_bars(text.split("\n")))
    text = LABELLED.sub(lambda found: f":prf:ref:`{found[1]}`" if found[1] in labels else found[0], text)

    def chapter(found: re.Match[str]) -> str:
        page = chapters.get(int(found[2]))
        return f":doc:`{found[0]} </{page}>`" if page else found[0]

    return CHAPTER.sub(chapter, text)


def _plain_bars(lines: list[str]) -> Iterator[str]:
    """Escape bars of absolute values, which would be substitutions, outside of code and formulas."""
    inside: int | None = None  # indentation of the directive or the literal block that we are in
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if inside is not None and line.strip() and indent <= inside:
            inside = None
        if inside is None and (line.rstrip().endswith("::") or line.lstrip().startswith(".. ")):
            inside = indent
        if inside is not None:
            yield line
            continue
        parts = SPAN.split(line)
        parts[::2] = [re.sub(r"(?<!\\)\|", r"\\|", part) for part in parts[::2]]
        yield "".join(parts)


def _read_book(app: Sphinx) -> None:
    """Find the labels and the chapters once, before the pages are read (an event handler of Sphinx)."""
    book = Path(app.srcdir)
    statements = (body for _, text in text_pages(book.parent) for _, body in STATEMENT.findall(text))
    found = (LABEL.search(body) for body in statements)
    labels = {next(filter(None, label.groups())) for label in found if label}
    pages = sorted(book.glob("[0-9][0-9]_*/chapter.md"))
    chapters = {int(page.parent.name[:2]): f"{page.parent.name}/chapter" for page in pages}

    def handle(_app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
        lines[:] = link_docstring("\n".join(lines), labels, chapters).split("\n")

    if "sphinx.ext.autodoc" in app.extensions:
        app.connect("autodoc-process-docstring", handle, priority=900)


def link_code(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link plain code that is the name of something in the reference (an event handler of Sphinx)."""
    objects: dict[str, Any] = getattr(app.env.get_domain("py"), "objects", {})
    for literal in list(doctree.findall(nodes.literal)):
        found = NAME.match(literal.astext())
        place = objects.get(f"wgan_course.{found[1]}") if found else None
        if place is None or isinstance(literal.parent, nodes.reference):
            continue
        link = make_refnode(app.builder, docname, place.docname, place.node_id, literal.deepcopy())
        literal.replace_self(link)


def own_all(app: Sphinx, doctree: nodes.document) -> None:
    """Make a page the document of all its nodes (an event handler of Sphinx).

    Nodes of a docstring have a document of their own, and that has the whole environment: with it, a page of the
    reference takes hundreds of times its room.
    """
    for node in doctree.findall():
        node.document = doctree


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what happens to docstrings and to code in the text."""
    app.connect("builder-inited", _read_book)
    app.connect("doctree-read", own_all)
    app.connect("doctree-resolved", link_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
