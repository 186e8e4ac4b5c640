"""What a function may leave changed is said in each problem set and on the set-up page, in the grader's own words."""

import json

import pytest

from wgan_grader import changes

SETS = [f"ps{number:02d}" for number in range(1, 11)]


def plain(text):
    return " ".join(text.replace("`", "").split())


@pytest.mark.parametrize("name", SETS)
def test_each_set_says_the_rule_in_its_first_cell(course_root, name):
    (path,) = course_root.glob(f"solutions/{name}_*/*.ipynb")
    first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    assert plain(changes.RULE) in plain("".join(first["source"]))


def test_the_set_up_page_says_it(course_root):
    page = plain((course_root / "book" / "appendices" / "setup.md").read_text(encoding="utf-8"))
    assert "a function leaves everything as it was: its arguments and their requires_grad" in page
    assert "costs the first criterion" in page


@pytest.mark.parametrize("name", SETS)
def test_each_set_ends_with_how_to_hand_in(course_root, name):
    (path,) = course_root.glob(f"exercises/{name}_*/*.ipynb")
    last = json.loads(path.read_text(encoding="utf-8"))["cells"][-1]
    assert f"wgan-course submit exercises/{path.stem}/{path.stem}.ipynb" in "".join(last["source"])
