"""Spelling and links: what is wrong is found, and the field's words are not wrong."""

import subprocess

import pytest

from tools.book import words


@pytest.fixture
def course(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "references.bib").write_text("url = {https://one.example/paper}")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)

    def write(text, name="README.md"):
        (tmp_path / name).write_text(text)
        subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
        return tmp_path

    return write


def test_a_misspelt_word_is_found(course):
    wrong = "rec" + "ieve"
    assert wrong in words.spelling(course(f"We {wrong} it.\n"))[0]
    assert words.spelling(course("We receive it; a Lipschitz colour, normalised.\n")) == []


def test_the_field_s_words_are_kept_in_a_list(course):
    root = course("The ot package.\n")
    assert len(words.spelling(root)) == 1
    (root / words.WORDS).write_text("ot\n")
    assert words.spelling(root) == []


@pytest.mark.parametrize(
    "text",
    [
        "[a](lost.md)",
        "![a](lost.png)",
        '<img src="lost.png">',
        '[a](lost.md "title")',
        "[a](/lost.md)",
        "[a](lost.md#part)",
        "[a](lost%20page.md)",
    ],
)
def test_a_lost_link_is_found(course, text):
    assert len(words.lost_links(course(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "[a](README.md#x)",
        "[a](#x)",
        "[a](sec-label)",
        "[a](https://one.example)",
        "`[a](lost.md)`",
        "```\n[a](lost.md)\n```\n",
    ],
)
def test_other_links_are_left_alone(course, text):
    assert words.lost_links(course(text)) == []


def test_addresses_that_do_not_answer_are_named(course):
    root = course("See [it](https://two.example/page). And http://localhost:8000.")
    asked = []
    found = words.dead_links(root, lambda address: asked.append(address) or "one" in address)
    assert sorted(asked) == ["https://one.example/paper", "https://two.example/page"]
    assert found == ["README.md links to https://two.example/page: no answer"]
