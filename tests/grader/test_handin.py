"""A student's hand-in: one zip of the right name, whatever the notebook is called; what will be put back is said."""

import hashlib
import io
import json
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.utils import compute_checksum
from rich.console import Console

from wgan_cli import teaching
from wgan_grader import collect, handin, released, selfcheck
from wgan_grader.roster import Roster, Student
from wgan_grader.submission import Blueprint

NAME = "ps01_js_saturation"


def cell(name, source, *, locked=False, solution=False, grade=False):
    settings = {"grade_id": name, "locked": locked, "solution": solution, "grade": grade, "schema_version": 3}
    settings |= {"points": 2} if grade else {}
    made = new_code_cell(source, metadata={"nbgrader": {**settings, "cell_type": "code", "task": False}})
    made.metadata.nbgrader["checksum"] = compute_checksum(made)
    return made


def notebook():
    cells = [
        cell("setup", "x = 1", locked=True),
        cell("kl", "def kl(p, q): return 0", solution=True),
        cell("check-kl", "2.0", locked=True, grade=True),
    ]
    made = new_notebook(cells=cells)
    made, _ = released.NameCells().preprocess(made, {"nbgrader": {"notebook": NAME}})
    return made


def written(folder, made, name=f"{NAME}.ipynb"):
    folder.mkdir(exist_ok=True)
    path = folder / name
    nbformat.write(made, str(path))
    return path


def test_a_renamed_notebook_is_packed_under_its_right_name(tmp_path):
    path = written(tmp_path / "mine", notebook(), "Copy (2) of ps01.ipynb")
    (path.parent / "weights.safetensors").write_bytes(b"w")
    (path.parent / ".secret").write_text("s")
    (path.parent / "old.ipynb").write_text("{}")
    done = handin.pack(path, tmp_path)
    assert done.path == tmp_path / f"{NAME}.zip"
    with zipfile.ZipFile(done.path) as archive:
        assert sorted(archive.namelist()) == sorted([f"{NAME}.ipynb", "weights.safetensors", "manifest.json"])
        manifest = json.loads(archive.read("manifest.json"))
        assert archive.read(f"{NAME}.ipynb") == path.read_bytes()
    assert manifest["sha256"][f"{NAME}.ipynb"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["problem_set"] == NAME
    assert manifest["time"].endswith("+00:00")
    assert {"python", "torch"} <= set(manifest["versions"])
    assert done.notes == done.left_out == ()


def test_what_will_be_put_back_is_named():
    made = notebook()
    assert released.will_be_put_back(made) == []
    made.cells[0].source = "import os"
    made.cells[1].source = "def kl(p, q): return 1"
    made.cells.append(made.cells[1].copy())
    del made.cells[2]
    notes = released.will_be_put_back(made)
    assert [note.split(":")[0] for note in notes] == [
        "cell 'setup' is locked and was changed",
        "cell 'check-kl' is missing",
        "cell 'kl' is there more than once",
    ]


def test_the_own_check_says_it_too(tmp_path):
    made = notebook()
    made.cells[0].source = "import os"
    result = selfcheck.run_notebook(written(tmp_path, made))
    assert result.points == 2
    assert "'setup'" in result.notes[0]


@pytest.mark.parametrize(("remark", "asked"), [("not attempted", True), ("✗ infinite", False)])
def test_a_notebook_in_which_nothing_was_attempted_is_asked_about(tmp_path, monkeypatch, remark, asked):
    rows = (selfcheck.Row("check-kl", 0, 2, remark), selfcheck.Row("proof", 0, 1, selfcheck.BY_HAND))
    monkeypatch.setattr(selfcheck, "run_notebook", lambda path: selfcheck.NotebookResult(rows))
    monkeypatch.setattr(teaching, "console", Console(file=(said := io.StringIO()), width=200))
    teaching.submit(written(tmp_path, notebook()), out=tmp_path)
    assert ("is it the right file?" in said.getvalue()) is asked
    assert "0 of 2 points here, and up to 1 more from a person" in said.getvalue()


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = written(tmp_path, notebook())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert selfcheck.run_notebook(path).points == 2
    handin.pack(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "not a notebook"), (b"{}", "not a notebook"), (json.dumps(new_notebook()).encode(), "does not say which")],
)
def test_what_is_no_notebook_of_the_course_is_refused(tmp_path, content, words):
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    with pytest.raises(released.HandInError, match=words):
        handin.pack(path, tmp_path)
    with pytest.raises(released.HandInError, match="no file"):
        handin.pack(tmp_path / "none.ipynb", tmp_path)


def test_a_full_disk_leaves_no_half_zip(tmp_path, monkeypatch):
    path = written(tmp_path / "mine", notebook())
    handin.pack(path, tmp_path)
    before = (tmp_path / f"{NAME}.zip").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="No space"):
        handin.pack(path, tmp_path)
    assert [file.name for file in tmp_path.glob("*.zip*")] == [f"{NAME}.zip"]
    assert (tmp_path / f"{NAME}.zip").read_bytes() == before


def test_what_is_packed_with_a_name_is_collected_by_it(tmp_path):
    """The whole road: pack, upload as it is, collect."""
    made = notebook()
    made.cells.append(new_markdown_cell("a proof"))
    path = written(tmp_path / "mine", made, "whatever.ipynb")
    done = handin.pack(path, tmp_path / "download", student="doe1")
    assert done.path.name == f"{NAME}-doe1.zip"
    roster = Roster((Student("doe1", "Jane", "Doe"),))
    blueprint = Blueprint(NAME, notebook())
    outcome = collect.collect(tmp_path / "download", roster, [blueprint], tmp_path / "submitted")
    assert [(entry.student, entry.problem_set) for entry in outcome.collected] == [("doe1", NAME)]
    assert outcome.doubts == ()


def test_each_set_ends_with_how_to_hand_in_and_advises_no_package_that_no_index_has(course_root):
    for path in sorted(course_root.glob("exercises/*/*.ipynb")):
        cells = nbformat.read(str(path), as_version=4).cells
        assert "## How to hand in" in cells[-1].source, path.name
        assert "wgan-course submit" in cells[-1].source, path.name
        assert not any("pip install" in one.source for one in cells), path.name
