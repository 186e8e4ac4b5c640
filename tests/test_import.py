"""What importing the package brings along; the seconds are in benchmarks/import_cost.py."""

import json
import subprocess
import sys

import pytest

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


@pytest.mark.slow
def test_what_engineers_use_needs_torch_and_no_solver_plotter_or_notebook():
    found = imported_by("; ".join(f"import {name}" for name in EVERYDAY))
    assert "torch" in found
    assert found.isdisjoint(set(HEAVY) - {"torch", "numpy"}), sorted(found & set(HEAVY))
