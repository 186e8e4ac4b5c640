"""The demonstration class, importable, and a kernel that takes no time."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fixtures"))

from wgan_course.grading import judge
from wgan_course.grading.execution import Run


@pytest.fixture
def instant_kernel(monkeypatch):
    """Run cells in this process, in the place of a sandboxed kernel; for notebooks of the tests' own only."""

    def run(notebook, workspace, settings):
        monkeypatch.setenv("WGAN_COURSE_OBSERVE_IN", str(workspace.inputs))
        monkeypatch.setenv("WGAN_COURSE_OBSERVE_OUT", str(workspace.outputs))
        names = {"FOLDER": workspace.work}
        for cell in notebook.cells:
            if cell.cell_type == "code":
                exec(cell.source, names)
        return Run(notebook)

    monkeypatch.setattr(judge, "run_notebook", run)
