"""Chapters are numbered by their folders, also where some of them are still missing."""

from types import SimpleNamespace

import pytest
from docutils import nodes

from tools.book.numbering import chapter_of, renumber


@pytest.mark.parametrize(
    ("docname", "chapter"),
    [("07_power_iteration/lab", 7), ("12_limits/chapter", 12), ("appendices/museum", None), ("index", None)],
)
def test_the_folder_tells_the_chapter(docname, chapter):
    assert chapter_of(docname) == chapter


def environment(docname):
    reference = nodes.reference("", "", secnumber=[5, 2], anchorname="#tie")
    toc = nodes.bullet_list("", nodes.list_item("", nodes.paragraph("", "", reference)))
    return SimpleNamespace(
        toc_secnumbers={docname: {"": (5,), "#tie": (5, 2), "#unnumbered": None}},
        tocs={docname: toc},
        titles={docname: nodes.title("", "Power iteration", secnumber=[5])},
    )


def test_sections_titles_and_table_of_contents_agree():
    docname = "07_power_iteration/chapter"
    env = environment(docname)
    renumber(env)
    assert env.toc_secnumbers[docname] == {"": (7,), "#tie": (7, 2), "#unnumbered": None}
    assert env.titles[docname]["secnumber"] == [7]
    assert [node["secnumber"] for node in env.tocs[docname].findall(nodes.reference)] == [[7, 2]]


def test_pages_outside_of_chapters_keep_their_numbers():
    env = environment("appendices/museum")
    renumber(env)
    assert env.titles["appendices/museum"]["secnumber"] == [5]


def test_the_built_book_says_chapter_by_folder(built_book, course_root):
    for folder in sorted((course_root / "book").glob("[0-9][0-9]_*")):
        page = (built_book / folder.name / "chapter.html").read_text(encoding="utf-8")
        assert f'<span class="section-number">{int(folder.name[:2])}. </span>' in page, folder.name
