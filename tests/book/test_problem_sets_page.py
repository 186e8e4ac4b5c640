"""The pages on the problem sets and on teaching say of each set what its notebook says."""

import json
import re

import pytest

from tools.book import problem_sets


def possible(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    graded = [cell["metadata"].get("nbgrader", {}) for cell in cells]
    by_machine = sum(one.get("points", 0) for one in graded if one.get("grade") and not one.get("solution"))
    by_hand = sum(one.get("points", 0) for one in graded if one.get("grade") and one.get("solution"))
    return by_machine, by_hand


@pytest.fixture
def sets(course_root):
    return sorted((course_root / "exercises").glob("ps*/*.ipynb"))


def test_every_set_can_be_downloaded_and_its_points_are_right(sets, course_root):
    page = (course_root / "book" / "appendices" / "problem_sets.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| ([\d.]+) \| \{download\}`ps\d\d <../../([^>]+)>`", page)
    assert {path: float(points) for points, path in rows} == {
        file.relative_to(course_root).as_posix(): sum(possible(file)) for file in sets
    }


def test_points_by_machine_and_by_hand_are_those_of_the_notebooks(sets, course_root):
    page = (course_root / "book" / "appendices" / "teaching.md").read_text(encoding="utf-8")
    told = [(float(a), float(b)) for a, b in re.findall(r"\| ([\d.]+) \+ ([\d.]+) \|$", page, re.M)]
    assert told == [possible(file) for file in sets]


def text_of(cell):
    return "".join(cell["source"])


def pages_of(course_root, notebook):
    """What the pages of a set say, one after the other."""
    pages = problem_sets.own_pages(course_root)
    return [problem_sets.page_text(course_root, *key) for key in pages if key[0] == notebook.stem]


def test_each_set_can_be_read_in_the_book_with_all_its_statements_and_stubs(sets, course_root):
    for notebook in sets:
        told = "\n".join(pages_of(course_root, notebook))
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            body = text_of(cell).partition("\n")[2] if text_of(cell).startswith("#") else text_of(cell)
            assert told.count(body.strip().replace("\n### ", "\n## ")) >= 1, (notebook.stem, body[:80])


def test_pages_of_sets_have_one_title_and_a_download(sets, course_root):
    for notebook in sets:
        for page in pages_of(course_root, notebook):
            assert len(re.findall(r"^# ", re.sub(r"^`{3,}.*?^`{3,}", "", page, flags=re.M | re.S), re.M)) == 1
            assert f"{notebook.parent.name}/{notebook.name}>`" in page


def test_the_capstone_has_a_page_and_the_set_points_to_it(course_root):
    whole = problem_sets.page_text(course_root, "ps10_images")
    alone = problem_sets.page_text(course_root, "ps10_images", "10. Capstone")
    assert alone.startswith("# Capstone")
    assert "def images_generator" in alone
    assert "def images_generator" not in whole
    assert "(capstone.md)" in whole
    assert "How to hand in" in whole
    with pytest.raises(ValueError, match="starts with 'Nothing'"):
        problem_sets.page_text(course_root, "ps10_images", "Nothing")


def test_chapters_link_to_their_sets(course_root):
    for number in range(1, 11):
        chapter = next((course_root / "book").glob(f"{number:02d}_*/chapter.md")).read_text(encoding="utf-8")
        assert f"](../problem_sets/ps{number:02d}.md)" in chapter


def test_the_text_of_a_set_says_the_points_that_are_given(sets):
    for file in sets:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        by_machine, by_hand = possible(file)
        told = re.findall(r"([\d.]+) points: ([\d.]+) by machine", "".join(cells[0]["source"]))
        assert [(float(all_), float(some)) for all_, some in told] == [(by_machine + by_hand, by_machine)], file.name
        heading = ""
        for cell in cells:
            headings = re.findall(r"^#+ .*\(([\d.]+) points?", "".join(cell["source"]), re.M)
            heading = headings[-1] if headings else heading
            about = cell["metadata"].get("nbgrader", {})
            if about.get("grade"):
                assert float(heading) == about["points"], (file.name, about["grade_id"])
