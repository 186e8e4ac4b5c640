"""The problem sets as files: what is released, what an unfilled one scores, and what one open exercise costs."""

import itertools
import math
import re
import shutil

import pytest

from wgan_grader import registry

from .notebooks import BEGIN, END, ROOT, checks, filled, problem_sets, read, run, settings, source

SETS = problem_sets()
STUB = re.compile(r'^(\s*)(# YOUR CODE HERE\n\s*)?raise NotImplementedError\((".*")?\)$')


@pytest.fixture(scope="module", autouse=True)
def patience():
    """Give the capstone's training, whose limit is in seconds, the time that a busy machine takes."""
    problems = [registry.find(f"ps10.{name}_generator") for name in ("points", "images")]
    limits = [problem.limit for problem in problems]
    for problem in problems:
        object.__setattr__(problem, "limit", 1000.0)
    yield
    for problem, limit in zip(problems, limits, strict=True):
        object.__setattr__(problem, "limit", limit)


def _stub_cell(key):
    return key.split(".")[1].replace("_", "-")


@pytest.mark.parametrize("name", SETS)
def test_cells_and_problems_agree(name):
    found = checks(name)
    assert sorted(found) == registry.keys(name.split("_")[0])
    assert found == {key: registry.find(key).points for key in found}


@pytest.mark.parametrize("name", SETS)
def test_grade_ids_follow_the_keys_and_are_distinct(name):
    cells = read("solutions", name)
    ids = [settings(cell)["grade_id"] for cell in cells]
    assert len(set(ids)) == len(ids)
    expected = {f"check-{key.replace('.', '-').replace('_', '-')}" for key in checks(name)}
    assert expected == {identity for identity in ids if identity.startswith("check-")}
    assert all(settings(cell)["schema_version"] == 3 for cell in cells)


@pytest.mark.parametrize("name", SETS)
def test_a_proof_is_graded_by_hand_with_a_marking_scheme(name):
    manual = [cell for cell in read("solutions", name) if settings(cell)["grade"] and settings(cell)["solution"]]
    assert manual
    assert all("Marking scheme" in source(cell) and settings(cell)["points"] > 0 for cell in manual)


@pytest.mark.parametrize("name", SETS)
def test_sources_are_committed_without_outputs(name):
    for folder in ("solutions", "exercises"):
        code = [cell for cell in read(folder, name) if cell["cell_type"] == "code"]
        assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.parametrize("name", SETS)
def test_release_and_solution_make_the_source(name):
    """Put each solution where the release has its stub: the source comes back, cell by cell."""
    sources, released = read("solutions", name), read("exercises", name)
    assert len(sources) == len(released)
    for given, stub in zip(sources, released, strict=True):
        assert _refilled(given, source(stub)) == source(given)


def _refilled(given, stub):
    """Return the stub with the solution of the given cell put back."""
    if not settings(given)["solution"]:
        return stub
    if settings(given)["grade"]:
        return source(given) if stub == "*Write your proof here.*" else stub
    before, rest = source(given).split(BEGIN)
    solution, after = rest.split(END)
    head, tail = before.rstrip(" "), after
    assert stub.startswith(head)
    assert stub.endswith(tail)
    hole = stub[len(head) : len(stub) - len(tail)] if tail else stub[len(head) :]
    assert STUB.match(hole), f"between the parts that stay there is more than a stub: {hole!r}"
    return before + BEGIN + solution + END + after


@pytest.mark.parametrize("name", SETS)
def test_nothing_of_a_solution_is_released(name):
    everything = "\n".join(source(cell) for cell in read("exercises", name))
    for cell in read("solutions", name):
        for secret in _secrets(cell):
            assert secret not in everything
    assert "SOLUTION" not in everything
    assert "Marking scheme" not in everything


def _secrets(cell):
    """Return the lines of a solution that could give it away."""
    if not settings(cell)["solution"]:
        return []
    text = source(cell) if settings(cell)["grade"] else source(cell).split(BEGIN)[1].split(END)[0]
    return [line.strip() for line in text.splitlines() if len(line.strip()) > 12]


@pytest.mark.parametrize("name", SETS)
def test_release_has_no_metadata_but_nbgraders(name):
    for cell in read("exercises", name):
        assert set(cell["metadata"]) <= {"nbgrader", "deletable", "editable"}  # the last two lock a cell
        assert set(settings(cell)) <= {
            "cell_type", "checksum", "grade", "grade_id", "locked", "points", "schema_version", "solution", "task",
        }  # fmt: skip


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A course's folder with every release as nbgrader makes it."""
    from wgan_grader.pipeline import release

    root = tmp_path_factory.mktemp("released")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    for name in SETS:
        shutil.copytree(ROOT / "solutions" / name, root / "solutions" / name)
    release(root, SETS)
    return root


@pytest.mark.parametrize("name", SETS)
def test_the_committed_release_is_what_nbgrader_makes(name, released):
    fresh, kept = read("exercises", name, released), read("exercises", name)
    assert [(source(cell), cell["metadata"]) for cell in fresh] == [(source(cell), cell["metadata"]) for cell in kept]


@pytest.mark.parametrize("name", SETS)
def test_solution_scores_everything(name):
    assert run(filled(name, set())) == checks(name)


def _halves(keys):
    """Sets of exercises to leave open: of each two exercises, one is open while the other is solved, and vice versa.

    Each exercise is open in half of the runs, no two in the same ones; these are as few runs as can be (Sperner).
    """
    keys = sorted(keys)
    runs = next(number for number in itertools.count(1) if math.comb(number, number // 2) >= len(keys))
    open_in = dict(zip(keys, itertools.combinations(range(runs), runs // 2), strict=False))
    for number in range(runs):
        yield {key for key in keys if number in open_in[key]}


@pytest.mark.parametrize("count", range(1, 13))
def test_the_halves_tell_each_exercise_from_each_other(count):
    halves = list(_halves(range(count)))
    pairs = {(a, b) for half in halves for a in half for b in set(range(count)) - half}
    assert pairs == {(a, b) for a in range(count) for b in range(count) if a != b}


@pytest.mark.parametrize(("name", "still_open"), [(name, half) for name in SETS for half in _halves(checks(name))])
def test_an_open_exercise_costs_only_its_own_points(name, still_open):
    found = run(filled(name, {_stub_cell(key) for key in still_open}))
    assert found == checks(name) | dict.fromkeys(still_open, 0.0)


@pytest.mark.parametrize("name", SETS)
def test_unfilled_notebook_runs_to_its_end_and_scores_nothing(name):
    """In a student's own kernel: `tests/grader/test_selfcheck.py`."""
    released = [source(cell) for cell in read("exercises", name) if cell["cell_type"] == "code"]
    assert run(released) == dict.fromkeys(checks(name), 0.0)
