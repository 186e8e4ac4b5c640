"""What importing the package brings along; the seconds are in benchmarks/import_cost.py."""

import json
import subprocess
import sys

import pytest

from benchmarks import import_cost

HEAVY = ("torch", "numpy", "scipy", "ot", "matplotlib", "sklearn", "pandas", "nbgrader", "ipywidgets", "torchvision")
EVERYDAY = (
    "wgan_course.divergences",
    "wgan_course.transport",
    "wgan_course.norms",
    "wgan_course.objectives",
    "wgan_course.constraints",
    "wgan_course.models",
    "wgan_course.training",
)


def imported_by(statement):
    code = f"import sys, json; {statement}; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout))


def test_the_package_alone_imports_nothing_heavy():
    assert imported_by("import wgan_course").isdisjoint(HEAVY)


def imported_after_torch(*statements):
    """Modules there are with torch alone, and those that each statement adds, in one process."""
    code = "import json, sys, torch; seen = [sorted(sys.modules)]"
    for statement in statements:
        code += f"; {statement}; seen.append(sorted({{*sys.modules}}.difference(*seen)))"
    result = subprocess.run([sys.executable, "-c", f"{code}; print(json.dumps(seen))"], capture_output=True, check=True)
    return [set(found) for found in json.loads(result.stdout)]


@pytest.mark.slow
def test_after_torch_the_package_is_one_module_and_its_everyday_parts_bring_few_others():
    """The reason for the small cost, which no busy machine can blur: hardly anything is left to import.

    Nor do these parts need a solver, a plotter or a notebook, torch included.
    """
    torch, package, everyday = imported_after_torch("import wgan_course", "import " + ", ".join(EVERYDAY))
    assert package == {"wgan_course"}
    others = [name for name in everyday if not name.startswith(("wgan_course", "torch"))]
    assert set(EVERYDAY) <= everyday
    assert {name.split(".")[0] for name in others} <= set(sys.stdlib_module_names)
    found = {name.split(".")[0] for name in torch | everyday}
    assert found.isdisjoint(set(HEAVY) - {"torch", "numpy"}), sorted(found & set(HEAVY))


def test_import_costs_are_summed_up_by_hand():
    times = {"torch": [(2.0, 3.0), (4.0, 9.0), (3.0, 4.0)], "package": [(2.2, 3.0), (4.0, 8.0), (3.6, 5.0)]}
    table = import_cost.summary(times)
    assert table["torch"]["over torch, median of ratios"] == 0
    assert table["package"]["over torch, median of ratios"] == pytest.approx(0.1)
    assert table["package"]["over torch, ratio of least"] == pytest.approx(0.1)
    assert table["package"]["median wall seconds"] == 5.0
    assert table["torch"]["least processor seconds"] == 2.0


def test_a_statement_that_fails_is_an_error_and_a_good_one_takes_time():
    processor, wall = import_cost.seconds("pass")
    assert processor > 0
    assert wall > 0
    with pytest.raises(RuntimeError, match="failed with status"):
        import_cost.seconds("import sys; sys.exit(3)")


def test_nothing_is_written_while_the_machine_is_busy(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(import_cost, "STATEMENTS", {"torch": "pass", "package": "pass"})
    monkeypatch.setattr(sys, "argv", ["import_cost", "--rounds", "1", "--out", str(tmp_path / "cost.json")])
    monkeypatch.setattr(import_cost.os, "getloadavg", lambda: (9.0, 9.0, 9.0))
    with pytest.raises(SystemExit, match="not written"):
        import_cost.main()
    assert not (tmp_path / "cost.json").exists()
    monkeypatch.setattr(import_cost.os, "getloadavg", lambda: (0.1, 9.0, 9.0))
    import_cost.main()
    stored = json.loads((tmp_path / "cost.json").read_text())
    assert set(stored["seconds"]) == {"torch", "package"}
    assert stored["load"] == 0.1
    assert "over torch alone" in capsys.readouterr().out
