"""Sphinx extension: the map of the chapters, an arrow from each to those that use its results.

A line of the directive's content is a chapter: its number, its short name (``/`` begins a second line), its column and
row, and the chapters that it leans on. What follows through others is not drawn::

    ```{chapter-map}
    :alt: What there is to see.
    1 Saturation @ 0,0
    2 The earth / mover @ 0,1 < 1
    ```
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

__all__ = ["ChapterMap", "Place", "draw", "needed_by", "read_map", "setup"]

LINE = re.compile(r"(\d+) ([^@]+?) @ (\d),(\d)(?: < (\d+(?:, \d+)*))?")
WIDTH, HEIGHT, BOX = 132, 74, (122, 50)  # of a place, and of the box in it
ARROW = (
    '<defs><marker id="map-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z"/></marker></defs>'
)


@dataclass(frozen=True)
class Place:
    """A chapter on the map.

    Attributes
    ----------
    number : int
    name : str
    column, row : int
    needs : tuple of int
        Numbers of the chapters that it leans on.
    """

    number: int
    name: str
    column: int
    row: int
    needs: tuple[int, ...] = ()

    @property
    def left(self) -> float:
        """Left edge of the box."""
        return self.column * WIDTH + (WIDTH - BOX[0]) / 2

    @property
    def top(self) -> float:
        """Upper edge of the box."""
        return self.row * HEIGHT + 1


def read_map(lines: Iterable[str]) -> dict[int, Place]:
    """The places of a map, by the numbers of their chapters.

    Parameters
    ----------
    lines : iterable of str
        The content of the directive.

    Returns
    -------
    places : dict of int to Place

    Raises
    ------
    ValueError
        If a line is not a chapter, or a chapter does not stand below those that it leans on.
    """
    places = {}
    for line in filter(str.strip, lines):
        found = LINE.fullmatch(line.strip())
        if found is None:
            raise ValueError(f"not a chapter of the map: {line!r}")
        needs = tuple(int(number) for number in found[5].split(", ")) if found[5] else ()
        place = Place(int(found[1]), found[2], int(found[3]), int(found[4]), needs)
        if not all(number in places and places[number].row < place.row for number in needs):
            raise ValueError(f"chapter {place.number} does not stand below, and after, those that it leans on")
        places[place.number] = place
    return places


def needed_by(places: dict[int, Place], number: int) -> set[int]:
    """All chapters that one leans on, directly or through others.

    Parameters
    ----------
    places : dict of int to Place
    number : int

    Returns
    -------
    numbers : set of int
    """
    direct = set(places[number].needs)
    return direct.union(*(needed_by(places, one) for one in direct))


def draw(places: dict[int, Place], links: dict[int, str], alt: str) -> str:
    """The map as SVG.

    Parameters
    ----------
    places : dict of int to Place
    links : dict of int to str
        Where the chapters are; a chapter without a link has none.
    alt : str
        What there is to see.

    Returns
    -------
    svg : str
    """
    width = WIDTH * (1 + max(place.column for place in places.values()))
    height = HEIGHT * max(place.row for place in places.values()) + BOX[1] + 2
    arrows = "".join(_arrow(places[one], place) for place in places.values() for one in place.needs)
    boxes = "".join(_box(place, links.get(place.number)) for place in places.values())
    return (
        f'<div class="chapter-map"><svg viewBox="0 0 {width} {height}" role="group" aria-label="{escape(alt)}">'
        f"{ARROW}{arrows}{boxes}</svg></div>"
    )


def _arrow(start: Place, end: Place) -> str:
    x1, y1 = start.left + BOX[0] / 2, start.top + BOX[1]
    x2, y2 = end.left + BOX[0] / 2, end.top - 2
    bend = y1 + (y2 - y1) * (0.5 if end.row - start.row == 1 else 0.65)  # a long arrow first goes down, past others
    curve = f"M{x1} {y1}C{x1} {bend} {x2} {bend} {x2} {y2}"
    return f'<path class="map-arrow" d="{curve}" marker-end="url(#map-tip)"/>'


def _box(place: Place, link: str | None) -> str:
    lines = f"{place.number} {place.name}".split(" / ")
    first = place.top + BOX[1] / 2 + 5 - 9 * (len(lines) - 1)
    words = "".join(
        f'<text x="{place.left + BOX[0] / 2}" y="{first + 18 * index}">{escape(line)}</text>'
        for index, line in enumerate(lines)
    )
    body = f'<rect x="{place.left}" y="{place.top}" width="{BOX[0]}" height="{BOX[1]}" rx="7"/>{words}'
    return f'<a href="{escape(link)}">{body}</a>' if link else f"<g>{body}</g>"


class ChapterMap(SphinxDirective):
    """The map, with links to the chapters."""

    has_content: ClassVar[bool] = True
    option_spec: ClassVar = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """The map as it is drawn.

        Returns
        -------
        found : list of Node
        """
        if not self.options.get("alt"):
            raise self.error("the map of the chapters needs :alt:")
        try:
            places = read_map(self.content)
        except ValueError as error:
            raise self.error(str(error)) from error
        up = "../" * self.env.docname.count("/")
        chapters = sorted(name for name in self.env.found_docs if re.fullmatch(r"\d\d_[^/]+/chapter", name))
        links = {int(name[:2]): f"{up}{name}.html" for name in chapters}
        return [nodes.raw("", draw(places, links, self.options["alt"]), format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive.

    Parameters
    ----------
    app : Sphinx

    Returns
    -------
    metadata : dict
    """
    app.add_directive("chapter-map", ChapterMap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
