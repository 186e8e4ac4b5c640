"""The demonstration class, importable, and a kernel that takes no time."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fixtures"))


@pytest.fixture
def instant_kernel(monkeypatch):
    """Run cells in this process, in the place of a sandboxed kernel; for notebooks of the tests' own only."""
    import demo_class

    from wgan_course.grading import judge

    monkeypatch.setattr(judge, "run_notebook", demo_class.instant_run)
