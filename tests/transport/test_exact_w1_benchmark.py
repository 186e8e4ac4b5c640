"""The benchmark of exact solvers: they solve the same problems, agree, and are left out when they are too slow."""

import pytest

from benchmarks import exact_w1
from wgan_course import transport


@pytest.mark.parametrize(
    ("dimension", "equal", "names"),
    [
        (1, True, {"simplex", "assignment", "sort"}),
        (1, False, {"simplex", "sort"}),
        (2, True, {"simplex", "assignment"}),
        (10, False, {"simplex"}),
    ],
)
def test_each_solver_that_applies_finds_the_distance(dimension, equal, names):
    given = exact_w1.problem(30, dimension, equal, 0)
    expected = float(transport.wasserstein(given["x"], given["y"], given["a"], given["b"]))
    chosen = exact_w1.solvers(dimension, equal)
    assert set(chosen) == names
    assert {name: solver(given) for name, solver in chosen.items()} == pytest.approx(dict.fromkeys(names, expected))
    (row,) = exact_w1.measure(dimension, equal, [30], rounds=2)
    assert row["n"] == 30
    assert set(row["seconds"]) == names


def test_answers_that_differ_stop_the_benchmark():
    given = exact_w1.problem(5, 2, True, 0)
    with pytest.raises(RuntimeError, match="disagree"):
        exact_w1.round_of(given, {"one": lambda _: 1.0, "other": lambda _: 1.001})


def test_who_is_too_slow_does_not_go_on(monkeypatch):
    monkeypatch.setattr(exact_w1, "SLOWEST", 0.0)
    rows = exact_w1.measure(1, True, [3, 4], rounds=1)
    assert [row["n"] for row in rows] == [3]
    assert set(rows[0]["seconds"]) == {"simplex", "assignment", "sort"}
