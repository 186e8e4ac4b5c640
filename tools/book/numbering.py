"""Sphinx extension: a chapter's number is the one in its folder's name, whatever stands before it in the table."""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx_external_toc.collectors import TocTreeCollectorWithStyles

FOLDER = re.compile(r"(?:^|/)(\d\d)_[^/]+/")


def chapter_of(docname: str) -> int | None:
    """Chapter that a page belongs to, by its folder.

    Parameters
    ----------
    docname : str
        Path of the page inside the book, such as ``07_power_iteration/lab``.

    Returns
    -------
    int or None
        The chapter's number; None for pages outside of chapters.
    """
    found = FOLDER.search(docname)
    return int(found.group(1)) if found else None


def renumber(env: BuildEnvironment) -> None:
    """Put the folder's number in place of the first one of every section number.

    Parameters
    ----------
    env : BuildEnvironment
        The book's environment, after Sphinx has counted; changed in place.
    """
    for docname, numbers in env.toc_secnumbers.items():
        chapter = chapter_of(docname)
        if chapter is None:
            continue
        for anchor, number in numbers.items():
            numbers[anchor] = number and (chapter, *number[1:])
        for node in (*env.tocs[docname].findall(nodes.reference), env.titles[docname]):
            if node.get("secnumber"):
                node["secnumber"] = [chapter, *node["secnumber"][1:]]


def _patch(app: Sphinx) -> None:
    """Wrap the count of the collector that is in use: sphinx-external-toc's, which calls all the others."""
    count = TocTreeCollectorWithStyles.assign_section_numbers
    if getattr(count, "by_folder", False):
        return

    def assign_section_numbers(self: TocTreeCollectorWithStyles, env: BuildEnvironment) -> list[str]:
        before = env.toc_secnumbers
        count(self, env)
        renumber(env)
        return [docname for docname, numbers in env.toc_secnumbers.items() if numbers != before.get(docname)]

    assign_section_numbers.by_folder = True
    TocTreeCollectorWithStyles.assign_section_numbers = assign_section_numbers


def setup(app: Sphinx) -> dict[str, Any]:
    """Hook in.

    Parameters
    ----------
    app : Sphinx

    Returns
    -------
    metadata : dict
    """
    app.connect("builder-inited", _patch)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
