"""The README's claims of speed are those of the stored results."""

import re

import pytest

from tools.book.results import read_results

TIMES = {"twice": 2, "three times": 3, "four times": 4, "five times": 5}


def test_the_readme_s_program_runs_as_it_stands(course_root):
    text = (course_root / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert "2000)" in program
    names = {}
    exec(program.replace("2000)", "2)"), names)
    assert names["trainer"].step == 2
    assert names["points"].shape == (512, 2)


def test_the_pace_of_grading_is_the_one_that_was_measured(course_root):
    told = re.search(
        r"at (\w+ times|twice) plain nbgrader's pace", (course_root / "README.md").read_text(encoding="utf-8")
    )
    engines = read_results("grading")["engines"]
    measured = engines["two workers"]["a minute"] / engines["plain nbgrader"]["a minute"]
    assert told is not None
    assert TIMES[told[1]] == pytest.approx(measured, rel=0.1)
