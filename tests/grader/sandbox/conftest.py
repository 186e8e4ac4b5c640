"""The demonstration class, importable, and a kernel that takes no time."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fixtures"))


@pytest.fixture(scope="session")
def released_course(tmp_path_factory):
    """Course that has been released, which takes nbgrader a few seconds; to be copied, not changed."""
    import demo_class

    from wgan_grader import pipeline

    root = demo_class.make_course(tmp_path_factory.mktemp("released"))
    pipeline.release(root)
    return root


@pytest.fixture
def course(released_course, tmp_path):
    """A copy of the released course, to be changed at will."""
    return Path(shutil.copytree(released_course, tmp_path / "course"))


@pytest.fixture
def instant_kernel(monkeypatch):
    """Run cells in this process, in the place of a sandboxed kernel; for notebooks of the tests' own only."""
    import demo_class

    from wgan_grader import judge

    monkeypatch.setattr(judge, "run_notebook", demo_class.instant_run)
