"""Quoted results, references and the glossary: clean on the course, and each check able to find its fault."""

import ast
import json

import pytest

from tools.book import extension, freshness, pages, sources

AUTHOR = "  author = {A},\n"
BIB = "@misc{a2020,\n  author = {A},\n  title = {T},\n  year = {2020},\n  eprint = {2001.00001},\n}\n"
ENTRY = {"id": "a", "value": 22.29, "text": "22.29 ± .06", "what": "w", "paper": "p", "version": "v", "where": "t"}
CHECKS = (sources.references, sources.literal_results, sources.glossary_links)


@pytest.fixture
def course(tmp_path):
    """A small course without faults."""
    files = {
        "book/references.bib": BIB,
        "book/ledger.json": json.dumps([ENTRY | {"mark": "V"}]),
        "book/01_one/chapter.md": "# C\n\nAs {cite:t}`a2020` find, {ledger}`a`; $K=22.3$.\n",
        "book/appendices/glossary.md": "# G\n\nterm\n: Meaning. [Chapter 1](../01_one/chapter.md).\n",
    }
    for name, text in files.items():
        write(tmp_path, name, text)
    return tmp_path


def write(root, name, text):
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("check", CHECKS)
def test_the_course_has_no_fault(check, course_root):
    assert check(course_root) == []


@pytest.mark.parametrize("check", CHECKS)
def test_a_course_without_fault_has_no_finding(check, course):
    assert check(course) == []


FAULTS = {
    "an entry without a year": (sources.references, "book/references.bib", BIB.replace("year", "yeer"), "lacks year"),
    "an entry without an author": (sources.references, "book/references.bib", BIB.replace(AUTHOR, ""), "author"),
    "an entry without a title": (sources.references, "book/references.bib", BIB.replace("{T}", "{}"), "title"),
    "an entry without a place": (sources.references, "book/references.bib", BIB.replace("eprint", "note"), "a venue"),
    "an entry that stands twice": (sources.references, "book/references.bib", BIB + BIB, "stands twice"),
    "an entry that nobody cites": (sources.references, "book/01_one/chapter.md", "# C\n", "nobody cites a2020"),
    "a citation of nothing": (sources.references, "book/01_one/chapter.md", "{cite:p}`a2020,b2021`", "cites b2021"),
    "a typed result": (sources.literal_results, "book/x.md", "They reach 22.29 ± .06 there.", "22.29"),
    "a typed result, set closely": (sources.literal_results, "book/x.md", "They reach 22.29±.06 there.", "22.29"),
    "a typed score": (sources.literal_results, "book/x.md", "with an FID of 12.3 at the end", "FID of 12.3"),
    "a typed Inception score": (sources.literal_results, "book/x.md", "an Inception score of $8.1$", "nception"),
    "a term without a chapter": (sources.glossary_links, "book/appendices/glossary.md", "t\n: Meaning.\n", "no link"),
    "a term that leads nowhere": (
        sources.glossary_links, "book/appendices/glossary.md", "t\n: M. [x](../02/chapter.md).\n", "not there",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault, course):
    check, name, text, said = FAULTS[fault]
    write(course, name, text)
    assert any(said in finding for finding in check(course)), check(course)


def test_numbers_in_code_and_in_longer_numbers_are_not_quotes(course):
    write(course, "book/x.md", "```{code-cell}\nx = 'FID of 12.3'\n```\n122.29 ± .06\n")
    assert sources.literal_results(course) == []


def test_each_paper_of_the_ledger_is_named_with_its_place(course_root):
    entries = extension.read_ledger(course_root / "book" / "ledger.json").values()
    assert [entry["id"] for entry in entries if not all(str(entry[key]).strip() for key in entry)] == []


def test_the_glossary_is_in_order_and_has_no_term_twice(course_root):
    text = (course_root / "book" / "appendices" / "glossary.md").read_text(encoding="utf-8")
    groups = [[term.lower() for term, _ in sources._terms(part)] for part in text.split("\n## ")[1:]]
    assert all(group == sorted(group) for group in groups), groups
    terms = [term for group in groups for term in group]
    assert len(terms) == len(set(terms)) >= 45


@pytest.fixture(scope="module")
def exhibits(request):
    """Every table of the museum: title and rows, by running its cells."""
    page = request.config.rootpath / "book" / "appendices" / "museum.md"
    cells = [freshness.CELL_OPTIONS.sub("", cell) for cell in pages.code_cells(page.read_text(encoding="utf-8"))]
    names, shown = {}, []
    for cell in cells:
        exec(compile(ast.parse(cell), "museum", "exec"), names)
        if "show" in names and not shown:
            names["show"] = lambda title, rows, head=(): shown.append((title, rows))
    return shown


def test_each_exhibit_of_the_museum_shows_a_difference(exhibits):
    assert len(exhibits) >= 14
    for title, rows in exhibits:
        assert any(str(row[-2]) != str(row[-1]) for row in rows), title


EXPECTED = {
    "Penalty of a perfect critic": ("49.0", "0.0"),
    "Where the generator ends; it should be 3": ("-6.0", "3.0"),
    "Norm of the 3×3 box": ("3.00", "9.00"),
    "Three checks, all failed": ("True", "False"),
    "x + relu(x) at x = (−2, 1)": ("[0.0, 2.0]", "[-2.0, 2.0]"),
}


@pytest.mark.parametrize("title", EXPECTED)
def test_an_exhibit_shows_what_theory_says(title, exhibits):
    rows = dict(exhibits)[title]
    assert tuple(map(str, rows[0][-2:])) == EXPECTED[title]


def test_every_room_has_computed_exhibits(course_root):
    text = (course_root / "book" / "appendices" / "museum.md").read_text(encoding="utf-8")
    rooms = text.split("\n## Room ")[1:]
    assert len(rooms) == 6
    assert all("```{code-cell}" in room for room in rooms)
