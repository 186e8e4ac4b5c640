"""The role of measured numbers: what it renders, what it refuses, and typed-out measurements that the check finds."""

import re
from types import SimpleNamespace

import pytest
from docutils import nodes

from tools.book import lint, measured
from tools.book.pages import text_pages

QUANTITIES = """
import numpy as np
from math import pi
_SEEDS = [0.25, -1.5, 4.0]
def lag(): return np.array(_SEEDS)
def share(): return 0.6249
def tiny(): return 3.3e-7
def ahead(): return (lag() > 0).sum()
def lost(): return float("nan")
"""
HEAD = "---\nkernelspec: 1.5\n---\n\n# C\n\n"
PAGE = f"{HEAD}With $c = 0.01$ it is {{measured}}`lag.max:.1f` in {{measured}}`ahead:word` seeds.\n"


@pytest.fixture
def course(tmp_path):
    """A course with one chapter, whose folder has a measured.py."""
    folder = tmp_path / "book" / "01_one"
    folder.mkdir(parents=True)
    (folder / "measured.py").write_text(QUANTITIES, encoding="utf-8")
    (folder / "chapter.md").write_text(PAGE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("lag.max:.1f", "4.0"), ("lag.min:.2f", "−1.50"), ("lag.median:g", "0.25"), ("share:pct", "62"),
     ("tiny:power", "$10^{-6}$"), ("ahead:word", "two"), ("lag.mean:.3g", "0.917")],
)  # fmt: skip
def test_what_is_rendered(course, asked, shown):
    assert measured.render(course / "book" / "01_one", asked) == shown


@pytest.mark.parametrize(
    "asked", ["nothing:.1f", "_SEEDS:.1f", "pi:.1f", "lag:.1f", "lag.sum:.1f", "lost:.1f", "share:x"]
)
def test_what_is_refused(course, asked):
    with pytest.raises(ValueError):
        measured.render(course / "book" / "01_one", asked)


def test_a_course_without_fault_has_no_finding(course):
    assert measured.bare_numbers(course) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [("It ends at 0.73 in all seeds.", "'0.73'"), ("In 62 % of the runs it does.", "'62 %'"),
     ("It is {measured}`gone:.1f`.", "gone"), ("- and 1.4 to\n  2.2 times as far", "'2.2'")],
)  # fmt: skip
def test_a_number_that_is_typed_out_is_found(course, text, said):
    (course / "book" / "01_one" / "chapter.md").write_text(f"{PAGE}\n{text}\n", encoding="utf-8")
    assert any(said in finding for finding in measured.bare_numbers(course)), measured.bare_numbers(course)


@pytest.mark.parametrize(
    "text",
    ["with $0.73$ and\n$$\nx = 1.5\n$$\n", "95 % intervals", "```{code-cell} ipython3\nx = 0.73\n```", "| 0.73 |",
     ":::{prf:proof}\nIt is 0.73.\n:::", "{ledger}`a-1.5`", "see version 1.2.3", "`rate=0.5`", "## Exercises\n\n0.73"],
)  # fmt: skip
def test_what_is_no_measurement_in_the_text_passes(course, text):
    (course / "book" / "01_one" / "chapter.md").write_text(f"{PAGE}\n{text}\n", encoding="utf-8")
    assert measured.bare_numbers(course) == []


def test_a_page_shows_the_number_and_reports_what_is_missing(course):
    role = measured.MeasuredRole()
    reported = []
    env = SimpleNamespace(srcdir=course / "book", docname="01_one/chapter", note_dependency=reported.append)
    reporter = SimpleNamespace(error=lambda text, line: nodes.system_message(text, level=3, type="ERROR"))
    inliner = SimpleNamespace(
        document=SimpleNamespace(settings=SimpleNamespace(env=env)),
        reporter=reporter,
        problematic=lambda *_: nodes.problematic("", "?"),
    )
    ask = lambda text: role("measured", f"{{measured}}`{text}`", text, 1, inliner)
    (number,), messages = ask("lag.max:.1f")
    assert (number.astext(), messages) == ("4.0", [])
    assert isinstance(ask("tiny:power")[0][0], nodes.math)
    assert isinstance(ask("gone:.1f")[0][0], nodes.problematic)
    assert str(course / "book" / "01_one" / "measured.py") in reported


def test_the_check_is_among_those_of_the_course(course_root):
    assert measured.bare_numbers in lint.CHECKS.values()
    assert measured.bare_numbers(course_root) == []


def test_each_quantity_is_used(course_root):
    for page, text in text_pages(course_root):
        known = measured.quantities((course_root / page).parent) if page.endswith("chapter.md") else {}
        used = {re.split(r"[.:]", asked)[0] for asked in measured.ROLE.findall(text)}
        assert set(known) - used == set(), page
