"""The tutorial for a problem of one's own, followed step by step: its blocks make an exercise that names mistakes."""

import importlib
import re
import sys

import pytest

import wgan_grader.problems
from wgan_course.check import check
from wgan_grader import registry

BLOCK = re.compile(r"^```\{code-block\} python\n:caption: (\S[^\n]*)\n(.*?)^```", re.M | re.S)
exercises = pytest.importorskip("tests.exercises.registry")


@pytest.fixture
def blocks(course_root):
    text = (course_root / "book" / "appendices" / "teaching.md").read_text(encoding="utf-8")
    return dict(BLOCK.findall(text))


@pytest.fixture
def written(blocks, tmp_path, monkeypatch):
    """The tutorial's files, beside those of the course for as long as a test lasts."""
    import tests.exercises

    for name, text in blocks.items():
        if name.endswith(".py"):
            file = tmp_path / name
            file.parent.mkdir(parents=True)
            (file.parent / "__init__.py").touch()
            file.write_text(text, encoding="utf-8")
    for package, folder in ((wgan_grader.problems, "wgan_grader/problems"), (tests.exercises, "tests/exercises")):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / folder)])
    importlib.invalidate_caches()
    yield importlib.import_module("tests.exercises.ps11.entropy").TRIALS
    for name in [name for name in sys.modules if ".ps11" in name]:
        del sys.modules[name]


def test_step_1_and_2_the_problem_is_found_and_names_the_mistake(written, blocks, capsys):
    assert registry.find("ps11.entropy").points == 2
    exec(blocks["in a notebook or a terminal"], {"check": check})
    assert "log₂ is used" in capsys.readouterr().out


def test_step_3_every_wrong_version_draws_its_message_and_every_right_one_passes(written):
    assert len(written.wrong) >= exercises.MIN_MUTANTS
    assert len(written.right) >= exercises.MIN_ALTERNATIVES
    complaints = {name: found for name, id_, f in written.wrong if (found := exercises.refused(written, id_, f))}
    complaints |= {name: found for name, f in written.right if (found := exercises.accepted(written, f))}
    assert complaints == {}
    drawn = {id_ for _, id_, _ in written.wrong}
    assert {m.id for m in registry.find("ps11.entropy").misconceptions} <= drawn


def test_the_course_itself_is_as_before(written, course_root):
    assert not (course_root / "wgan_grader" / "problems" / "ps11").exists()
