"""JupyterLab's Validate and its assignment list: with an exchange they work, and without one nothing complains."""

import json
import shutil

import pytest
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError, ExchangeFactory
from nbgrader.validator import Validator

from tests.fixtures.demo_class import NAME, PARTIAL, answered, make_course, solution_notebook
from wgan_grader.course import _load_config


@pytest.fixture
def course(tmp_path):
    """A course that has been released; an exchange is named and not there."""
    root = make_course(tmp_path / "course")
    (root / "exercises" / NAME).mkdir(parents=True)
    (root / "exercises" / NAME / f"{NAME}.ipynb").write_text(json.dumps(solution_notebook()))
    shutil.copytree(root / "exercises", root / "home")
    return root


@pytest.fixture
def ask(course):
    """Does what a button does."""

    def do(what, **settings):
        config = _load_config(course)
        config.Exchange.root, config.Exchange.cache = str(course / "exchange"), str(course / "cache")
        config.Exchange.assignment_dir = str(course / "home")
        directory = CourseDirectory(config=config)
        directory.assignment_id = NAME
        made = getattr(ExchangeFactory(config=config), what)(
            coursedir=directory, authenticator=Authenticator(config=config), config=config, **settings
        )
        return made.start()

    return do


def test_without_an_exchange_nothing_is_listed_and_handing_in_says_how(ask):
    assert ask("List") == []
    with pytest.raises(ExchangeError, match="wgan-course submit"):
        ask("Submit")


def test_with_an_exchange_a_submission_comes_to_the_instructor(ask, course):
    (course / "exchange").mkdir()
    (course / "exchange").chmod(0o777)
    ask("ReleaseAssignment")
    assert [one["assignment_id"] for one in ask("List")] == [NAME]
    ask("Submit")
    ask("Collect")
    (notebook,) = (course / "submitted").glob(f"*/{NAME}/{NAME}.ipynb")
    assert notebook.read_bytes() == (course / "home" / NAME / f"{NAME}.ipynb").read_bytes()


@pytest.mark.slow
def test_validate_repeats_what_the_check_says(course):
    """nbgrader itself has one sentence for every score that is not full, also for 0."""
    (course / "home" / "mine.ipynb").write_text(json.dumps(answered(course, PARTIAL)))
    found = Validator(config=_load_config(course)).validate(str(course / "home" / "mine.ipynb"))
    (failed,) = found["failed"]
    assert "1 of 3 points" in failed["error"]
    assert "0 · log 0" in failed["error"]
    assert "Partial credit" not in failed["error"]
