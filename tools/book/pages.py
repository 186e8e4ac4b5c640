"""The book's text pages, and the code cells in them."""

import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["code_cells", "text_pages", "without_code"]

CODE_CELL = re.compile(r"^(`{3,}|~{3,})\{code-cell\}[^\n]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
SKIPPED = {"assets", "vendor", ".ipynb_checkpoints"}


def text_pages(root: Path) -> Iterator[tuple[str, str]]:
    """The Markdown pages under ``book``, in the order of their paths; what others wrote is left out.

    Parameters
    ----------
    root : Path
        The course's folder.

    Yields
    ------
    name : str
        The page's path in the course's folder.
    text : str
        What it says.
    """
    for page in sorted((root / "book").rglob("*.md")):
        name = page.relative_to(root)
        if not SKIPPED & set(name.parts):
            yield name.as_posix(), page.read_text(encoding="utf-8")


def code_cells(text: str) -> list[str]:
    """The cells of a text page that are run: their options and code, without the fences.

    Parameters
    ----------
    text : str
        A page in MyST Markdown.

    Returns
    -------
    cells : list of str
    """
    return [cell[2] for cell in CODE_CELL.finditer(text)]


def without_code(text: str) -> str:
    """A text page without the cells that are run.

    Parameters
    ----------
    text : str
        A page in MyST Markdown.

    Returns
    -------
    prose : str
    """
    return CODE_CELL.sub("", text)
