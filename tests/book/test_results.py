"""Results of experiments: whole files, resumed by seed, never mixed between versions of the code."""

import json
import pickle

import pytest

from tools.book import results


@pytest.fixture
def folder(tmp_path, monkeypatch):
    target = tmp_path / "book" / "results"
    target.mkdir(parents=True)
    monkeypatch.setattr(results, "RESULTS", target)
    return target


@pytest.fixture
def origin(folder):
    script = folder.parent / "experiment.py"
    script.write_text("x = 1\n")
    return results.provenance(script, "nothing")


def test_provenance_says_where_a_number_comes_from(origin):
    assert origin["command"] == "python book/experiment.py"
    assert set(origin) == {"command", "source", "package", "torch", "device", "data", "date"}
    assert all(origin.values())


def test_each_seed_runs_once_and_in_order(folder, origin):
    ran = []
    path = results.run_seeds("05_x", lambda seed: ran.append(seed) or {"loss": seed / 2}, range(3), origin)
    results.run_seeds("05_x", lambda seed: ran.append(seed) or {"loss": seed / 2}, range(4), origin)
    assert ran == [0, 1, 2, 3]
    assert path == folder / "05_x.json"
    found = results.read_results("05_x")
    assert results.over_seeds(found, lambda seed: seed["loss"]).tolist() == [0.0, 0.5, 1.0, 1.5]


def test_a_killed_run_goes_on(folder, origin):
    def dies(seed):
        if seed == 2:
            raise KeyboardInterrupt
        return seed

    with pytest.raises(KeyboardInterrupt):
        results.run_seeds("05_x", dies, range(4), origin)
    assert list(results.read_results("05_x")["seeds"]) == ["0", "1"]
    ran = []
    results.run_seeds("05_x", lambda seed: ran.append(seed) or seed, range(4), origin)
    assert ran == [2, 3]


@pytest.mark.parametrize("key", ["source", "package", "torch", "device"])
def test_results_of_other_code_are_not_kept(folder, origin, key):
    results.run_seeds("05_x", lambda seed: "old", range(2), origin)
    results.run_seeds("05_x", lambda seed: "new", range(2), {**origin, key: "another"})
    assert set(results.read_results("05_x")["seeds"].values()) == {"new"}


@pytest.mark.parametrize(("again", "kept"), [(0.51, True), (0.53, False), ("a word", False)])
def test_a_script_that_was_rewritten_keeps_its_results_if_the_first_seed_gives_them_again(folder, origin, again, kept):
    results.run_seeds("05_x", lambda seed: {"w1": [seed + 0.5], "seconds": 1.0}, range(3), origin)
    ran = []
    rewritten = {**origin, "source": "another"}
    results.run_seeds("05_x", lambda seed: ran.append(seed) or {"w1": [again], "seconds": 7.0}, range(3), rewritten)
    content = results.read_results("05_x")
    assert ran == ([0] if kept else [0, 1, 2])
    assert content["provenance"]["source"] == "another"
    assert ("confirmed" in content["provenance"]) is kept
    assert content["seeds"]["0"]["w1"] == ([0.5] if kept else [again])
    ran.clear()
    results.run_seeds("05_x", ran.append, range(3), rewritten)
    assert ran == []


def test_what_json_cannot_hold_leaves_the_file_as_it_was(folder, origin):
    path = results.run_seeds("05_x", lambda seed: seed, range(1), origin)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        results.run_seeds("05_x", lambda seed: float("nan"), range(1, 2), origin)
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in folder.iterdir()) == ["05_x.json"]


def test_seeds_are_stacked_by_number_not_by_letter(folder, origin):
    results.run_seeds("05_x", lambda seed: seed, [10, 9, 2], origin)
    assert results.over_seeds(results.read_results("05_x"), lambda seed: seed).tolist() == [2, 9, 10]


def test_a_missing_file_names_the_ones_there_are(folder, origin):
    results.run_seeds("05_x", lambda seed: seed, range(1), origin)
    with pytest.raises(FileNotFoundError, match="05_x"):
        results.read_results("06_y")


def test_results_may_lie_elsewhere_and_keep_their_letters(tmp_path):
    results.write_results(tmp_path / "table.json", {"provenance": {"data": "2×48"}, "rows": [1.5]})
    text = (tmp_path / "table.json").read_text(encoding="utf-8")
    assert "2×48" in text
    assert text.endswith("}\n")
    assert json.loads(text) == {"provenance": {"data": "2×48"}, "rows": [1.5]}


@pytest.fixture
def script(folder):
    file = folder.parent / "05_x" / "trial.py"
    file.parent.mkdir()
    file.write_text("from dataclasses import dataclass\n\n@dataclass\nclass Point:\n    x: 'int' = 3\n")
    return file


def test_a_script_is_loaded_as_a_module_of_its_own_name(script):
    module = results.load_script("05_x/trial")
    assert module.__file__ == str(script)
    assert module.__name__ == "experiment_05_x_trial"
    assert pickle.loads(pickle.dumps(module.Point())) == module.Point(3)


def test_a_script_is_loaded_as_it_is_now(script):
    before = results.load_script("05_x/trial")
    script.write_text(script.read_text().replace("3", "17"))
    assert (before.Point().x, results.load_script("05_x/trial").Point().x) == (3, 17)


def test_a_script_that_is_not_there_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"05_x/nowhere\.py"):
        results.load_script("05_x/nowhere")


def test_every_stored_result_is_json_with_provenance():
    for path in results.RESULTS.glob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["provenance"], path.name
