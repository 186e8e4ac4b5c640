"""Running cells: each costs itself alone, and the output stays bounded."""

import json
import re
import shutil

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from wgan_grader import execution
from wgan_grader.execution import Settings, clean_outputs, run_notebook, weight
from wgan_grader.sandbox import Limits, Workspace

pytestmark = pytest.mark.xdist_group("sandbox")
needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")


def run(*sources, cell_timeout=2, **options):
    """Run cells of these sources; returns the run and each cell's text."""
    space = Workspace.create()
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    try:
        done = run_notebook(notebook, space, Settings(cell_timeout=cell_timeout, grace=3.0, **options))
    finally:
        space.remove()
    return done, [repr(cell.outputs) for cell in notebook.cells]


@needs_bubblewrap
@pytest.mark.sandbox
def test_errors_loops_and_inputs_cost_their_own_cell():
    done, texts = run("1 / 0", "while True: pass", "input()", "raise SystemExit", "6 * 7")
    assert done.fatal == {}
    assert [
        word in text for word, text in zip(["ZeroDivision", "", "Stdin", "SystemExit", "42"], texts, strict=True)
    ] == [True] * 5


@needs_bubblewrap
@pytest.mark.sandbox
def test_a_cell_that_ends_the_kernel_is_left_out():
    done, texts = run("x = 40", "import os; os._exit(0)", "x + 2")
    assert list(done.fatal) == [1]
    assert "ended its own process" in done.fatal[1]
    assert "42" in texts[2]


@needs_bubblewrap
@pytest.mark.sandbox
def test_a_flood_is_cut_and_the_next_cell_runs(monkeypatch):
    monkeypatch.setattr(execution, "MAX_PRINTED", 2**20)
    flood = "import time\nwhile True:\n    print('x' * 100_000)\n    time.sleep(0.001)"
    done, texts = run(flood, "6 * 7")
    assert len(texts[0]) < 2 * execution.MAX_CELL_OUTPUT
    assert "left out" in texts[0]
    assert "42" in texts[1]
    assert done.fatal == {}


def test_no_sandbox_warns_each_time(caplog):
    _, texts = run("6 * 7", provisioner="local-provisioner")
    assert "42" in texts[0]
    assert "WITHOUT a sandbox" in caplog.text


@pytest.mark.parametrize(
    ("content", "expected"), [("abc", 3), (b"ab", 2), ({"a": "xx", "b": ["y", "z"]}, 4), (None, 8), ([1, 2.5], 16)]
)
def test_weight(content, expected):
    assert (sum(map(weight, content)) if isinstance(content, list) else weight(content)) == expected


def test_only_text_and_pictures_are_kept():
    bundle = {"text/html": "<script>", "text/plain": "x", "image/svg+xml": "<svg/>", "image/png": "iVBORw0KGgo="}
    cell = new_code_cell(
        "", outputs=[new_output("display_data", bundle), new_output("display_data", {"text/html": "<script>"})]
    )
    clean_outputs(cell)
    assert [sorted(output["data"]) for output in cell.outputs] == [["image/png", "text/plain"]]


@pytest.mark.parametrize(
    "output",
    [
        new_output("stream", text="\x1b[mx" * 10_000),
        new_output("error", ename="E", evalue="v", traceback=["\x1b[31mx" * 200] * 100),
        new_output("display_data", {"text/plain": "\x1b[1mx" * 10_000}),
    ],
)
def test_colours_without_end_are_left_out_and_the_text_stays(output):
    """To show them takes time with the square of their number."""
    cell = new_code_cell("", outputs=[output])
    clean_outputs(cell)
    kept = json.dumps(cell.outputs[0])
    assert "u001b" not in kept
    assert kept.count("x") >= 10_000


def test_colours_of_an_honest_error_stay():
    cell = new_code_cell("", outputs=[new_output("error", ename="E", evalue="v", traceback=["\x1b[31mx\x1b[0m"] * 20)])
    clean_outputs(cell)
    assert cell.outputs[0].traceback == ["\x1b[31mx\x1b[0m"] * 20


@pytest.mark.parametrize("data", ["AAAA", 'iVBORw0KGgo=" onload="x()', "", "é", "PHN2Zz4="])
def test_what_is_no_picture_is_not_kept_as_one(data):
    cell = new_code_cell("", outputs=[new_output("display_data", {"image/png": data})])
    clean_outputs(cell)
    assert cell.outputs == []


@pytest.mark.parametrize("count", ["<script>", -1, [1], True])
def test_a_cell_s_number_is_a_number(count):
    cell = new_code_cell("1")
    cell.execution_count = count
    clean_outputs(cell)
    assert cell.execution_count is None


@pytest.mark.parametrize("source", ["x" * 20_000, "\n " * 20_000, '"""' * 9000])
def test_long_code_is_cut_where_it_is_shown(source):
    notebook = new_notebook(cells=[new_code_cell("1"), new_code_cell(source)])
    execution.bound_code(notebook)
    assert notebook.cells[0].source == "1"
    assert len(notebook.cells[1].source) < execution.MAX_CELL_SHOWN + 100
    assert not re.search(r"(\n[ ]*){6}", notebook.cells[1].source)


@needs_bubblewrap
@pytest.mark.sandbox
def test_a_call_of_exit_costs_its_own_cell_and_no_later_one():
    done, texts = run("x = 40", "exit()", "x + 1", "x + 2")
    assert list(done.fatal) == [1]
    assert "exit()" in done.fatal[1]
    assert "42" in texts[3]


@needs_bubblewrap
@pytest.mark.sandbox
def test_processes_of_a_cell_share_one_budget_and_there_is_no_second_one():
    busy = "import subprocess, sys\n[subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(3)]"
    done, _ = run(busy, "import time; time.sleep(200)", cell_timeout=250, limits=Limits(processor=4))
    assert "processor time" in next(iter(done.fatal.values()))
    assert len(done.fatal) == 1


def test_a_budget_is_shared_by_all_runs_of_a_submission():
    budget = execution.Budget(Limits(wall=50.0, processor=10))
    budget.began -= 30
    budget.processor = 4.0
    assert budget.left().wall == pytest.approx(20, abs=2)
    assert budget.left().processor == 6
    assert not budget.spent
    budget.began -= 30
    assert budget.spent


def test_a_result_becomes_a_display_so_that_it_cannot_be_taken_for_points():
    cell = new_code_cell("", outputs=[new_output("execute_result", {"text/plain": "3.0"})])
    clean_outputs(cell)
    assert [output.output_type for output in cell.outputs] == ["display_data"]


def test_surrogates_do_not_survive():
    cell = new_code_cell("", outputs=[NotebookNode(output_type="stream", name="odd", text="a\ud800b")])
    clean_outputs(cell)
    assert cell.outputs[0]["name"] == "stdout"
    assert cell.outputs[0]["text"].encode() == b"a?b"


async def _twice(x):
    return 2 * x


def test_a_coroutine_runs_where_an_event_loop_runs_already():
    """As in a notebook's cell, and under Playwright."""

    async def inside():
        return execution.run_to_end(_twice(21))

    assert execution.run_to_end(inside()) == execution.run_to_end(_twice(21)) == 42
