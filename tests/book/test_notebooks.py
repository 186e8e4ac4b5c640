"""Notebooks that are taken away say how to get the package, and launch buttons need a repository."""

import importlib.util
from types import SimpleNamespace

import nbformat
import pytest

from tools.book import notebooks

COLUMNS = 84


def made(minor=5, code="import wgan_course"):
    """A notebook; before version 4.5 its cells have no ids."""
    cells = [nbformat.v4.new_markdown_cell("# Lab"), nbformat.v4.new_code_cell(code)]
    for cell in cells if minor < 5 else ():
        del cell["id"]
    return {"nbformat": 4, "nbformat_minor": minor, "metadata": {}, "cells": cells}


def test_the_cell_comes_first_and_once():
    notebook = made()
    assert notebooks.add_first_cell(notebook, "code")
    assert not notebooks.add_first_cell(notebook, "code")
    assert [cell["source"] for cell in notebook["cells"]] == ["code", "# Lab", "import wgan_course"]
    nbformat.validate(nbformat.from_dict(notebook))


def test_a_notebook_without_the_package_is_left_alone():
    notebook = made(code="print(1)")
    assert not notebooks.add_first_cell(notebook, "code")
    assert len(notebook["cells"]) == 2


def test_code_of_labs_and_recipes_fits_the_pages_column(course_root):
    shown = {path: path.read_text(encoding="utf-8") for path in (course_root / "book/api/recipes").glob("*.py")}
    for path in course_root.glob("book/*/lab.ipynb"):
        cells = nbformat.read(path, 4).cells
        shown[path] = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    wide = [(path.name, line) for path, text in shown.items() for line in text.splitlines() if len(line) > COLUMNS]
    assert len(shown) == 22
    assert wide == []


def test_an_old_notebook_stays_valid():
    notebook = made(minor=4)
    assert notebooks.add_first_cell(notebook, "code")
    nbformat.validate(nbformat.from_dict(notebook))


@pytest.mark.parametrize(
    ("repository", "advice"),
    [("", "'./course[lab,grade]'"), ("https://example.org/c", "git+https://example.org/c@main'")],
)
def test_the_cell_advises_where_the_package_is_missing(monkeypatch, repository, advice):
    code = notebooks.first_cell(repository)
    exec(code, {})  # it is here
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError) as said:
        exec(code, {})
    assert advice in str(said.value)
    assert "restart the kernel" in str(said.value)


@pytest.mark.parametrize(("repository", "kept"), [("", {}), ("https://example.org/c", {"colab_url": "https://c"})])
def test_launch_buttons_need_a_repository(repository, kept):
    theme = {"repository_url": repository, "launch_buttons": {"colab_url": "https://c"}}
    notebooks._launch(None, SimpleNamespace(html_theme_options=theme))
    assert theme["launch_buttons"] == kept


def test_a_lab_links_its_notebook_and_other_pages_do_not():
    context = {"body": "<h1>Lab</h1><p>Text", "sourcename": "01_a/lab.ipynb", "pathto": lambda path, _: f"../{path}"}
    notebooks._offer(None, "01_a/lab", "page.html", context, None)
    assert 'href="../_sources/01_a/lab.ipynb" download' in context["body"]
    before = dict(context)
    notebooks._offer(None, "01_a/chapter", "page.html", context, None)
    assert context == before
