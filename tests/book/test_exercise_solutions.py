"""Solutions for instructors: one for each ungraded exercise, readable with its formulas, and out of students' sight."""

import re

import numpy as np
import pytest
from docutils.utils.math import latex2mathml

from tools.book.pages import text_pages

EXERCISE = re.compile(r"^`{3,}\{exercise\}([^\n]*)\n:label:\s*(\S+)", re.M)
SECTION = re.compile(r"^### (ex-\S+)\n(.*?)(?=^##|\Z)", re.M | re.S)
FORMULA = re.compile(r"\$\$(.*?)\$\$|(?<!\$)\$([^$]+)\$(?!\$)", re.S)
LABEL = re.compile(r"`((?:prop|thm|lem|def|cor|fig|ex)-[\w-]+)`")


@pytest.fixture(scope="module")
def page(course_root):
    return (course_root / "solutions" / "exercises.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pages(course_root):
    return dict(text_pages(course_root))


def test_each_ungraded_exercise_has_one_solution_in_the_order_of_the_book(page, pages):
    found = [pair for text in pages.values() for pair in EXERCISE.findall(text)]
    ungraded = [label for title, label in found if "graded" not in title]
    assert len(found) > len(ungraded) > 40
    assert [label for label, _ in SECTION.findall(page)] == ungraded


def test_no_solution_is_empty_or_unfinished(page):
    for label, body in SECTION.findall(page):
        assert len(body.split()) >= 25, label
        assert not re.search(r"TODO|^[A-Z]{3,}$", body, re.M), label


def test_solutions_stand_under_their_chapters(page):
    for chapter in page.split("\n## Chapter ")[1:]:
        number = int(chapter.split("\n", 1)[0])
        assert {label[3:7] for label in re.findall(r"^### (ex-\S+)", chapter, re.M)} == {f"ch{number:02d}"}


def test_every_formula_can_be_shown_without_a_script(page):
    for block, inline in FORMULA.findall(page):
        latex2mathml.tex2mathml((block or inline).strip(), as_block=bool(block))


def test_what_a_solution_refers_to_is_in_the_book(page, pages):
    known = set(re.findall(r"^:label:\s*(\S+)|^label:\s*(\S+)", "\n".join(pages.values()), re.M))
    missing = set(LABEL.findall(page)) - {label for pair in known for label in pair}
    assert missing == set()


def test_students_do_not_get_it(page, course_root):
    listed = (course_root / "_toc.yml").read_text(encoding="utf-8")
    assert "solutions/exercises" not in listed
    title = page.splitlines()[0]
    for folder in ("exercises", "book"):
        for file in (course_root / folder).rglob("*"):
            if file.suffix in {".md", ".ipynb"}:
                assert title not in file.read_text(encoding="utf-8"), file


def test_steps_of_a_fresh_rmsprop_to_the_bound():
    """ex-ch05-slow: 98 for c = 0.01, hardly fewer than 20 000 for c = 1."""
    lengths = 5e-5 / np.sqrt(1 - 0.99 ** np.arange(1, 20_001))
    way = np.cumsum(lengths)
    assert 1 + np.argmax(way >= 0.01) == 98
    assert 19_800 < 1 + np.argmax(way >= 1) < 20_000
