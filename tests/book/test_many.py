"""Experiments on many processors: whole seeds apart from parts of others, and what is late is dropped."""

import json
import sys

import pytest

from benchmarks import many
from tools.book import results

SCRIPT = """
import time
from tools.book import results

def one_part(part, seed):
    if part == "wrong" and seed == 1:
        raise ValueError("a part that fails")
    if part == "late":
        time.sleep(600)
    return {"sum": len(part) + seed}

EXPERIMENT = results.Experiment("05_x", __file__, "nothing", range(2), PARTS, one_part)
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Write a script with these parts where scripts are looked for, by the processes too."""
    file = tmp_path / "book" / "05_x" / "trial.py"
    file.parent.mkdir(parents=True)
    (tmp_path / "book" / "results").mkdir()
    monkeypatch.setattr(results, "RESULTS", tmp_path / "book" / "results")

    def write(*parts):
        file.write_text(f"PARTS = {list(parts)}\n{SCRIPT}")
        return "05_x/trial"

    return write


def tasks(found):
    return {(task.part, task.seed) for task in found}


def test_tasks_are_all_parts_of_one_seed_after_another(script):
    order = [(task.seed, task.part) for task in many.tasks_of(script("a", "bb"))]
    assert order == [(0, "a"), (0, "bb"), (1, "a"), (1, "bb")]


def test_parts_of_seeds_that_are_not_whole_stand_apart(script):
    name = script("a", "bb")
    found = {many.Task(name, part, seed): part for part, seed in (("a", 0), ("bb", 0), ("a", 1))}
    content = many.content(name, found)
    assert content["seeds"] == {"0": {"a": "a", "bb": "bb"}}
    assert content["unfinished"] == {"1": {"a": "a"}}
    assert content["provenance"]["command"] == "python book/05_x/trial.py"


def test_the_file_is_what_one_seed_after_another_would_write(script, tmp_path):
    name = script("a", "bb")
    own = many.experiment(name)
    many.write(tmp_path, [name], {task: many.work(task)[0] for task in many.tasks_of(name)})
    assert json.loads((tmp_path / "05_x.json").read_text()) == json.loads(own.run().read_text())


@pytest.mark.skipif(sys.platform != "linux", reason="the processes find the script through a forked parent")
def test_what_fails_or_is_late_is_left_out(script, tmp_path, monkeypatch):
    monkeypatch.setattr(many, "START", "fork")
    monkeypatch.setattr(many, "EVERY", 0.1)
    now, write = [0.0], many.write

    def time_is_over_after_three(out, scripts, found):
        write(out, scripts, found)
        now[0] = 1e6 if len(found) == 3 else 0.0

    monkeypatch.setattr(many, "clock", lambda: now[0])
    monkeypatch.setattr(many, "write", time_is_over_after_three)
    name = script("a", "wrong", "late")
    cost = many.run([name], tmp_path, 10.0, 4)
    assert tasks(cost) == {("a", 0), ("a", 1), ("wrong", 0)}
    content = json.loads((tmp_path / "05_x.json").read_text())
    assert content["seeds"] == {}
    assert content["unfinished"]["1"] == {"a": {"sum": 2}}
