"""The map of the chapters: it says what the chapters say, and is drawn so that arrows lead down."""

import re
from xml.etree import ElementTree

import pytest

from tools.book.chapter_map import draw, needed_by, read_map

MAP = re.compile(r"```\{chapter-map\}\n:alt: [^\n]+\n(.*?)```", re.DOTALL)
NEEDS = re.compile(r"\*\*You need\*\*: ([^\n]*)")
NUMBERS = re.compile(r"chapters? (\d+(?:(?:, | and )\d+)*)")


@pytest.fixture(scope="module")
def places(course_root):
    return read_map(MAP.search((course_root / "book" / "index.md").read_text("utf-8"))[1].splitlines())


def said(text):
    """The chapters that a chapter says it needs; what only helps is left out."""
    line = re.split(r"(?<=[.;]) ", NEEDS.search(text)[1])
    lists = [found for part in line if "help" not in part for found in NUMBERS.findall(part)]
    return {int(number) for found in lists for number in re.findall(r"\d+", found)}


def test_the_map_says_what_the_chapters_say(course_root, places):
    chapters = sorted((course_root / "book").glob("[0-9][0-9]_*/chapter.md"))
    assert len(chapters) == len(places) == 12
    for page in chapters:
        number = int(page.parent.name[:2])
        assert said(page.read_text("utf-8")) <= needed_by(places, number), page.parent.name


def test_no_two_chapters_share_a_place(places):
    assert len({(place.column, place.row) for place in places.values()}) == len(places)


def test_no_arrow_is_drawn_that_follows_from_others(places):
    for place in places.values():
        for one in place.needs:
            assert all(one not in needed_by(places, other) for other in place.needs), place


def test_the_drawing_links_the_chapters_and_names_them():
    places = read_map(["1 Saturation @ 0,0", "2 The earth / mover @ 1,1 < 1"])
    drawn = ElementTree.fromstring(draw(places, {2: "02/chapter.html"}, 'a "map"'))
    assert [link.get("href") for link in drawn.iter("a")] == ["02/chapter.html"]
    assert [text.text for text in drawn.iter("text")] == ["1 Saturation", "2 The earth", "mover"]
    arrow = [float(number) for number in re.findall(r"[\d.]+", drawn.find(".//path[@class='map-arrow']").get("d"))]
    top, bottom = (float(box.get("y")) for box in drawn.iter("rect"))
    assert top < arrow[1] < arrow[-1] < bottom


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1 Saturation"], "not a chapter of the map"),
        (["1 One @ 0,1", "2 Two @ 0,1 < 1"], "chapter 2 does not stand below"),
        (["2 Two @ 0,1 < 1", "1 One @ 0,0"], "chapter 2 does not stand below"),
    ],
)
def test_a_faulty_map_is_refused(lines, message):
    with pytest.raises(ValueError, match=message):
        read_map(lines)
