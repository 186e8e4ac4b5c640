"""The pages on the problem sets and on teaching say of each set what its notebook says."""

import json
import re

import pytest


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
