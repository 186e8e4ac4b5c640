"""The file of the grading benchmark: a part that is measured alone leaves the others as they were."""

import json
import re

from benchmarks import grading


def test_a_size_that_is_measured_alone_joins_the_others():
    known = {
        "engines": {"plain nbgrader": {}},
        "kills": {"runs": 50},
        "growth": [{"size": 10}, {"size": 100, "MiB": 1}],
    }
    found = grading.merged(known, {"growth": [{"size": 100, "MiB": 2}]})
    assert grading.merged(found, {"growth": [{"size": 30}]}) == known | {
        "growth": [{"size": 10}, {"size": 30}, {"size": 100, "MiB": 2}]
    }


def test_another_set_joins_the_others():
    known = {"sets": {"ps01": {"a minute": 1}, "ps02": {"a minute": 3}}, "growth": [{"size": 10}]}
    found = grading.merged(known, {"sets": {"ps01": {"a minute": 2}}})
    assert found == known | {"sets": {"ps01": {"a minute": 2}, "ps02": {"a minute": 3}}}


def test_each_student_of_every_set_is_of_a_kind(course_root):
    for name, (cell, begins, _) in grading.SPOILED.items():
        notebook = json.loads((course_root / "solutions" / name / f"{name}.ipynb").read_text())
        found = [one for one in notebook["cells"] if one["metadata"].get("nbgrader", {}).get("grade_id") == cell]
        assert re.search(f"^{re.escape(begins)}$", "".join(found[0]["source"]), re.MULTILINE), name


def test_the_page_shows_every_row(course_root):
    page = (course_root / "book" / "appendices" / "instructors.md").read_text()
    cells = re.findall(r"```\{code-cell\} ipython3\n.*?\n\n(.*?)```", page, re.DOTALL)
    code = next(cell for cell in cells if "def speed" in cell).replace("Markdown(speed())", "")
    known = {"date": "today", "load": "1.0", "data": "", "device": ""}
    one = {"a minute": 2.0, "seconds": 30.0, "processor seconds": 1.0, "MiB": 1.0}
    rows = [one | {"size": 10, "again": 0.1}, one | {"size": 1000, "again": 2.0, "provenance": known | {"load": "7.0"}}]
    found = {"engines": dict.fromkeys(grading.ENGINES, one), "provenance": known, "growth": rows}
    found["sets"] = {"ps01": one | {"provenance": known | {"load": "9.0"}}}

    class Folder:
        def __truediv__(self, name):
            return self

        def exists(self):
            return True

        def read_text(self):
            return json.dumps(found)

    names = {"RESULTS": Folder(), "json": json}
    exec(code, names)
    shown = names["speed"]()
    assert "| 10 | 30.0 | 1 | 0.1 | today, 1.0 |" in shown
    assert "| 1000 | 30.0 | 1 | 2.0 | today, 7.0 |" in shown
    assert "Over `ps01` two workers grade 2 submissions a minute (, load 9.0, today)." in shown
