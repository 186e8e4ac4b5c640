"""Reading submissions: only type, text and grading id are taken, and the released notebook decides the rest."""

import json

import nbformat
import pytest
from demo_class import KEY, NAME, RIGHT, cell_of, solution_notebook
from hypothesis import given, settings
from hypothesis import strategies as st

from wgan_grader.submission import (
    Blueprint,
    StudentCell,
    UnreadableError,
    find_notebook,
    has_answers,
    read_cells,
    rebuild,
)


@pytest.fixture(scope="module")
def blueprint():
    return Blueprint(NAME, solution_notebook())


def written(folder, content, name=f"{NAME}.ipynb"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_keys_come_from_the_released_check_cells(blueprint):
    assert blueprint.keys == {"check-ps01-kl": KEY}


def test_a_check_in_a_comment_is_no_check():
    notebook = solution_notebook()
    cell_of(notebook, "check-ps01-kl").source = f'# check("{KEY}", kl)\n1'
    assert Blueprint(NAME, notebook).keys == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"   \n", "is empty"),
        (b"hello", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"cells": [' + b"9" * 10_000 + b"]}", "not JSON .*digits"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"[]", "no list of cells"),
        (b'{"cells": 3}', "no list of cells"),
        (b"null", "no list of cells"),
    ],
)
def test_what_is_no_notebook_is_named(tmp_path, content, message):
    with pytest.raises(UnreadableError, match=message):
        read_cells(written(tmp_path, content))


def test_too_many_cells_are_refused(tmp_path):
    with pytest.raises(UnreadableError, match="2001 cells"):
        read_cells(written(tmp_path, {"cells": [{"cell_type": "code"}] * 2001}))


def test_links_and_folders_are_refused(tmp_path):
    target = written(tmp_path, {"cells": []}, "elsewhere.txt")
    (tmp_path / "link.ipynb").symlink_to(target)
    (tmp_path / "folder.ipynb").mkdir()
    with pytest.raises(UnreadableError, match="is a link"):
        read_cells(tmp_path / "link.ipynb")
    with pytest.raises(UnreadableError, match="is no file"):
        read_cells(tmp_path / "folder.ipynb")


def test_old_format_is_read(tmp_path):
    sheet = {"cells": [{"cell_type": "code", "input": ["x = 1\n", "y = 2"]}, {"cell_type": "heading", "source": "A"}]}
    found = read_cells(written(tmp_path, {"nbformat": 3, "worksheets": [sheet]}))
    assert [(cell.kind, cell.source) for cell in found] == [("code", "x = 1\ny = 2"), ("markdown", "A")]


def test_the_named_notebook_is_preferred(tmp_path):
    written(tmp_path, {"cells": []}, "other.ipynb")
    named = written(tmp_path, {"cells": []})
    assert find_notebook(tmp_path, NAME) == (named, [])


def test_a_single_other_notebook_is_taken_with_a_note(tmp_path):
    other = written(tmp_path, {"cells": []}, "mine (1).ipynb")
    path, notes = find_notebook(tmp_path, NAME)
    assert path == other
    assert "mine (1).ipynb" in notes[0]


@pytest.mark.parametrize("names", [[], ["a.ipynb", "b.ipynb"]])
def test_none_or_several_others_are_refused(tmp_path, names):
    for name in names:
        written(tmp_path, {"cells": []}, name)
    with pytest.raises(UnreadableError, match="not in the submission"):
        find_notebook(tmp_path, NAME)


def test_rebuilding_the_released_cells_gives_the_released_notebook(blueprint):
    student = [StudentCell(c.cell_type, c.source, c.metadata.get("nbgrader", {}).get("grade_id", ""))
               for c in blueprint.notebook.cells]  # fmt: skip
    made = rebuild(student, blueprint)
    assert [(c.cell_type, c.source, c.metadata) for c in made.cells] == [
        (c.cell_type, c.source, c.metadata) for c in blueprint.notebook.cells
    ]
    nbformat.validate(made)


def test_an_edited_check_is_restored_and_the_answer_kept(blueprint):
    made = rebuild([StudentCell("code", "mine", "kl"), StudentCell("code", "3.0", "check-ps01-kl")], blueprint)
    assert cell_of(made, "kl").source == "mine"
    assert cell_of(made, "check-ps01-kl").source == f'check("{KEY}", kl)'


def test_an_answer_cannot_change_its_type(blueprint):
    made = rebuild([StudentCell("markdown", RIGHT, "kl")], blueprint)
    assert cell_of(made, "kl").cell_type == "code"


def test_the_last_of_several_answers_counts_and_none_is_lost(blueprint):
    made = rebuild([StudentCell("code", "first", "kl"), StudentCell("code", "second", "kl")], blueprint)
    assert cell_of(made, "kl").source == "second"
    assert [cell.source for cell in made.cells].count("first") == 1


def test_missing_cells_are_put_back_in_order(blueprint):
    made = rebuild([StudentCell("code", "mine", "kl")], blueprint)
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in made.cells]
    assert ids == ["set-up", "kl", "check-ps01-kl", "proof"]


def test_photographs_of_proofs_are_kept_and_other_attachments_not(tmp_path, blueprint):
    bundle = {"a.png": {"image/png": "iVBORw0KGgo=", "text/html": "<script>"}}
    metadata = {"nbgrader": {"grade_id": "proof"}}
    cell = {"cell_type": "markdown", "source": "![](attachment:a.png)", "metadata": metadata, "attachments": bundle}
    made = rebuild(read_cells(written(tmp_path, {"cells": [cell]})), blueprint)
    assert cell_of(made, "proof")["attachments"] == {"picture-1": {"image/png": "iVBORw0KGgo="}}


def test_foreign_notebooks_have_no_answers(blueprint):
    assert not has_answers([StudentCell("code", RIGHT)], blueprint)
    assert has_answers([StudentCell("code", RIGHT, "kl")], blueprint)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["cell_type", "source", "metadata", "nbgrader", "grade_id", "attachments"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(anything, max_size=5))
def test_no_cell_breaks_the_reader(tmp_path_factory, cells):
    path = written(tmp_path_factory.mktemp("any"), {"cells": cells})
    made = rebuild(read_cells(path), Blueprint(NAME, solution_notebook()))
    nbformat.validate(made)
    assert {"set-up", "kl", "check-ps01-kl", "proof"} <= {
        cell.metadata.get("nbgrader", {}).get("grade_id") for cell in made.cells
    }
