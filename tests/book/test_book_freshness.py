"""What counts as changed: a page runs again when code that it reaches has changed, and only then."""

import json

import pytest

from tools.book import freshness


@pytest.fixture
def course(tmp_path):
    files = {
        "_config.yml": "title: t\n",
        "_toc.yml": "root: index\n",
        "requirements.lock": "a==1\n",
        "package-lock.json": "{}",
        "book/index.md": "# No code\n",
        "book/page.md": "```{code-cell} ipython3\n:tags: [a]\n\nfrom wgan_course import top\n%matplotlib inline\n```\n",
        "book/lab.ipynb": json.dumps(
            {"cells": [
                {"cell_type": "code", "source": ["import wgan_course.other\n", "!ls\n", "x = 1"]},
                {"cell_type": "markdown", "source": ["from wgan_course import top"]},
            ]}
        ),
        "wgan_course/__init__.py": "",
        "wgan_course/top.py": "def f():\n    from wgan_course import bottom\n",
        "wgan_course/bottom.py": "from .folder import part\n",
        "wgan_course/other.py": "x = 1\n",
        "wgan_course/folder/__init__.py": "",
        "wgan_course/folder/part.py": "from . import data\nfrom ..leaf import y\n",
        "wgan_course/folder/data.txt": "1",
        "wgan_course/leaf.py": "y = 1\n",
    }  # fmt: skip
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def changed(course, name):
    """Pages whose digest another content of a file changes. Two copies, since files are read once in a process."""
    freshness._imports_of_file.cache_clear()
    before = freshness.page_digests(course)
    (course / name).write_text((course / name).read_text() + "# more\n")
    freshness._imports_of_file.cache_clear()
    after = freshness.page_digests(course)
    return {page for page in after if after[page] != before[page]}


def test_pages_without_code_depend_on_nothing(course):
    assert set(freshness.page_digests(course)) == {"page.md", "lab.ipynb"}


@pytest.mark.parametrize(
    ("name", "pages"),
    [
        ("wgan_course/top.py", {"page.md"}),
        ("wgan_course/bottom.py", {"page.md"}),
        ("wgan_course/folder/part.py", {"page.md"}),
        ("wgan_course/folder/data.txt", {"page.md"}),
        ("wgan_course/leaf.py", {"page.md"}),
        ("wgan_course/other.py", {"lab.ipynb"}),
        ("requirements.lock", {"page.md", "lab.ipynb"}),
        ("_config.yml", set()),
        ("book/index.md", set()),
    ],
)
def test_a_change_reaches_the_pages_that_use_it(course, name, pages):
    assert changed(course, name) == pages


def test_a_data_file_beside_a_page_counts(course):
    (course / "book" / "table.json").write_text("{}")
    assert changed(course, "book/table.json") == {"page.md", "lab.ipynb"}


def test_an_unchanged_course_has_the_same_digest(course):
    assert freshness.book_digest(course) == freshness.book_digest(course)
    assert freshness.page_digests(course) == freshness.page_digests(course)


@pytest.mark.parametrize("name", ["_toc.yml", "book/index.md", "wgan_course/other.py", "package-lock.json"])
def test_the_book_is_new_when_any_source_is(course, name):
    before = freshness.book_digest(course)
    (course / name).write_text("changed")
    assert freshness.book_digest(course) != before


def test_a_renamed_page_makes_a_new_book(course):
    before = freshness.book_digest(course)
    (course / "book" / "index.md").rename(course / "book" / "start.md")
    assert freshness.book_digest(course) != before


def test_fetched_scripts_and_caches_do_not_count(course):
    before = freshness.book_digest(course)
    for name in ("book/assets/vendor/x.js", "book/assets/.stamp", "wgan_course/__pycache__/top.pyc"):
        file = course / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    assert freshness.book_digest(course) == before


def test_code_is_taken_without_options_and_magics(course):
    assert freshness.code_of(course / "book" / "page.md").strip() == "from wgan_course import top"
    assert freshness.code_of(course / "book" / "lab.ipynb") == "import wgan_course.other\nx = 1"
    assert freshness.code_of(course / "book" / "index.md") == ""


def test_options_between_dashes_are_no_code(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```{code-cell} ipython3\n---\nmystnb:\n  figure:\n    name: f\n---\nx = 2\n```\n")
    assert freshness.code_of(page) == "x = 2"


def test_other_packages_are_not_followed(course):
    assert freshness.modules_reached(course, "import numpy\nfrom wgan_courses import x\n") == set()


def test_the_real_pages_reach_what_they_import(course_root):
    code = freshness.code_of(course_root / "book" / "02_earth_mover" / "chapter.md")
    reached = {file.relative_to(course_root).as_posix() for file in freshness.modules_reached(course_root, code)}
    assert "wgan_course/divergences.py" in reached
    assert not any(name.startswith("wgan_course/check") for name in reached)
