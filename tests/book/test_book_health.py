"""The course's own checks: clean on the course, and each able to find the fault it is for."""

import json
import subprocess
from pathlib import Path

import pytest

from tools.book import lint

ENTRY = {"id": "a", "value": 1, "text": "1", "what": "w", "paper": "p", "version": "v", "where": "t", "mark": "V"}
CONTENTS = (
    "root: index\nchapters:\n- file: 01_one/chapter\n  sections:\n  - file: 01_one/lab\n- file: appendices/glossary\n"
)
PROPOSITION = "# C\n\n```{prf:proposition} Name\n:label: prop-known\n\nText.\n```\n"


@pytest.fixture
def course(tmp_path):
    """A small course without faults, under git."""
    files = {
        "_toc.yml": CONTENTS,
        "book/index.md": "# I\n",
        "book/ledger.json": json.dumps([ENTRY]),
        "book/references.bib": "",
        "book/appendices/glossary.md": "# G\n",
        "book/01_one/chapter.md": PROPOSITION + "\n{ledger}`a`\n",
        "book/01_one/lab.ipynb": notebook(),
        "tests/test_one.py": "def test_prop_known():\n    pass\n",
        "solutions/ps01/ps01.ipynb": notebook(),
    }
    for name, text in files.items():
        write(tmp_path, name, text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    return tmp_path


def notebook(**cell):
    code = {"cell_type": "code", "source": ["1"], "metadata": {}, "outputs": [], "execution_count": None} | cell
    return json.dumps({"cells": [code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def write(root, name, text):
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("title", [title for title in lint.CHECKS if "ruff" not in title])
def test_the_course_has_no_fault(title, course_root):
    assert lint.CHECKS[title](course_root) == []


@pytest.mark.parametrize("check", list(lint.CHECKS.values()))
def test_a_course_without_fault_has_no_finding(check, course):
    assert check(course) == []


FAULTS = {
    "a chapter outside the contents": (lint.contents, "book/02_two/chapter.md", "# Two", "02_two/chapter"),
    "an entry that leads nowhere": (lint.contents, "_toc.yml", "root: nowhere\n", "nowhere"),
    "a theorem without test": (
        lint.theorem_tests, "book/01_one/more.md", PROPOSITION.replace("known", "new"), "prop-new",
    ),
    "a theorem without label": (
        lint.theorem_tests, "book/01_one/more.md", "```{prf:theorem} N\n\nText.\n```\n", "has no label",
    ),
    "a colon-fenced theorem": (
        lint.theorem_tests, "book/01_one/more.md", ":::{prf:lemma} N\n:label: lem-new\n\nText.\n:::\n", "lem-new",
    ),
    "a number that nobody knows": (lint.ledger_uses, "book/01_one/more.md", "{ledger}`b`", "no b"),
    "a number from memory": (lint.ledger_uses, "book/ledger.json", json.dumps([ENTRY | {"mark": "M"}]), "mark 'M'"),
    "a number without its place": (
        lint.ledger_uses, "book/ledger.json", json.dumps([{k: ENTRY[k] for k in ENTRY if k != "where"}]), "lacks where",
    ),
    "two numbers of one name": (lint.ledger_uses, "book/ledger.json", json.dumps([ENTRY, ENTRY]), "share an id"),
    "a figure without words": (lint.alt_texts, "book/x.md", "```{figure} a.png\nCaption\n```\n", "no alt text"),
    "an image without words": (lint.alt_texts, "book/x.md", "![](a.png)\n", "no alt text"),
    "a computed figure without words": (
        lint.alt_texts, "book/x.md", "```{code-cell}\n---\nmystnb:\n  figure:\n    name: fig-x\n---\n1\n```\n", "fig-x",
    ),
    "a notebook with outputs": (
        lint.notebooks_without_outputs, "book/01_one/lab.ipynb", notebook(outputs=[{"output_type": "stream"}]), "lab",
    ),
    "a notebook with counts": (
        lint.notebooks_without_outputs, "solutions/ps01/ps01.ipynb", notebook(execution_count=3), "ps01",
    ),
    "a host": (lint.plain_files, "book/index.md", "from https://" + lint.HOSTS[0] + "/simple", lint.HOSTS[0]),
    "a path": (lint.plain_files, "book/index.md", f"see {lint.PATHS[0]}here", lint.PATHS[0]),
    "a style fault": (lint.style, "tests/test_one.py", "import os\n", "F401"),
    "a format fault": (lint.style, "tests/test_one.py", "x = [1,2]\n", "test_one.py"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault, course):
    check, name, text, said = FAULTS[fault]
    write(course, name, text)
    assert any(said in finding for finding in check(course)), check(course)


def test_all_checks_run_under_their_titles(course):
    assert lint.run_all(course) == {title: [] for title in lint.CHECKS}


def test_figures_with_words_pass(course):
    write(course, "book/x.md", "```{figure} a.png\n:alt: A picture.\n\nCaption\n```\n\n![words](a.png)\n")
    assert lint.alt_texts(course) == []


def test_a_test_may_be_split_in_several(course):
    write(course, "tests/test_one.py", "def test_prop_known_in_one_dimension():\n    pass\n")
    assert lint.theorem_tests(course) == []
    write(course, "tests/test_one.py", "def test_prop_knownish():\n    pass\n")
    assert len(lint.theorem_tests(course)) == 1


def test_each_chapter_has_a_lab_and_each_lab_a_chapter(course_root):
    folders = [folder for folder in Path(course_root, "book").glob("[0-9][0-9]_*") if folder.is_dir()]
    assert folders
    assert [folder.name for folder in folders if not (folder / "chapter.md").is_file()] == []


def test_problem_sets_are_released(course_root):
    sources = {file.relative_to(course_root / "solutions") for file in (course_root / "solutions").glob("ps*/*.ipynb")}
    released = {file.relative_to(course_root / "exercises") for file in (course_root / "exercises").glob("ps*/*.ipynb")}
    assert sources
    assert sources == released
