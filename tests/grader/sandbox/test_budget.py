"""The time of a whole submission: a multiple of what the solution takes, in processor time, and said in words."""

import json
import time
from types import SimpleNamespace

import pytest
from demo_class import NAME, instant_run, solution_notebook
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config
from typer.testing import CliRunner

from wgan_cli.app import app
from wgan_grader import execution, judge, pipeline, sandbox
from wgan_grader.execution import Budget, Run, Settings
from wgan_grader.judged import Judge
from wgan_grader.sandbox import Limits
from wgan_grader.submission import Blueprint


@pytest.mark.parametrize(
    ("reference", "processor", "wall"), [(0, 600, 900.0), (3.0, 180, 360.0), (31.25, 313, 626.0), (500.0, 600, 900.0)]
)
def test_a_submission_has_a_multiple_of_the_solution_s_time(reference, processor, wall):
    limits = Settings().within(reference).limits
    assert (limits.processor, limits.wall) == (processor, wall)


def test_what_was_asked_for_decides():
    assert Settings(multiple=2.5, least=20).within(10.0).limits.processor == 25
    assert Settings(limits=Limits(processor=7)).within(10.0).limits.processor == 7
    for wrong in ({"multiple": 0.0}, {"least": -1}):
        with pytest.raises(ValueError, match="must be positive"):
            Settings(**wrong)


def test_the_released_notebook_says_what_the_solution_takes(monkeypatch, tmp_path):
    notebook, given = solution_notebook(), []
    notebook.metadata["wgan_course"] = {"seconds": 40.0}
    monkeypatch.setattr(judge, "run_notebook", lambda nb, space, settings: given.append(settings.limits) or Run(nb))
    for released in (notebook, solution_notebook()):
        judge.judge_notebook(released, tmp_path, Blueprint(NAME, released), Settings())
    assert [limits.processor for limits in given] == [400, 600]


def test_nbgrader_s_own_commands_take_the_multiple_from_the_configuration():
    assert Judge(config=Config({"Judge": {"multiple": 3.0}})).settings().multiple == 3.0


def test_the_command_line_hands_it_on(monkeypatch, tmp_path):
    given = {}
    monkeypatch.setattr(pipeline, "grade", lambda *_, **options: given.update(options) or 1 / 0)
    CliRunner().invoke(app, ["grade", NAME, "--course", str(tmp_path), "--multiple", "3.5"])
    assert given["settings"] == Settings(multiple=3.5)


def run(monkeypatch, *outcomes):
    """Run a notebook whose attempts end so: cell that ended the kernel, why, processor time, seconds, those waited."""
    left = iter(outcomes)

    def attempt(run, workspace, settings, budget):
        index, reason, processor, wall, starved = next(left)
        budget.processor += processor
        budget.starved += starved
        budget.began -= wall
        return None if index is None else (index, reason)

    monkeypatch.setattr(execution, "_attempt", attempt)
    monkeypatch.setattr(execution, "run_to_end", lambda work: work)
    space = SimpleNamespace(remember=lambda: None, restore=lambda: None)
    notebook = new_notebook(cells=[new_code_cell("1") for _ in range(9)])
    return execution.run_notebook(notebook, space, Settings(provisioner="wgan-container").within(3.0))


def test_when_it_is_over_nothing_else_runs_and_the_message_names_it(monkeypatch):
    done = run(monkeypatch, (4, "it ended its own process", 100, 0, 0), (6, "killed", 80, 0, 0))
    assert judge._fatal_notes(done) == [
        "Cell 5 ended the kernel (it ended its own process); it was left out, and the rest ran without it.",
        "Cell 7 ended the kernel (a submission of this set has 180 seconds of processor time for all of its cells, "
        "which were over); no cell after it ran.",
    ]
    assert (done.processor, done.timed_out) == (180, False)


def test_time_by_the_clock_is_tried_once_more_alone_and_waiting_does_not_count(monkeypatch):
    done = run(monkeypatch, (4, "killed", 1, 360, 0))
    assert "360 seconds for all of its cells" in done.fatal[4]
    assert done.timed_out
    done = run(monkeypatch, (4, "it ended", 1, 360, 300), (None, "", 1, 10, 0))
    assert done.fatal == {4: "it ended"}
    assert not done.timed_out
    assert not done.stopped


def test_after_three_ends_of_the_kernel_nothing_is_said_to_have_run(monkeypatch):
    done = run(monkeypatch, *((index, "it ended", 1, 0, 0) for index in (2, 3, 4)))
    assert ["no cell after it ran" in note for note in judge._fatal_notes(done)] == [False, False, True]


def test_the_watchdog_gives_back_what_the_kernel_waited(monkeypatch):
    monkeypatch.setattr(sandbox, "family", lambda pid: [])
    dog = sandbox.Watchdog(0, SimpleNamespace(writable=list), Limits(wall=10.0), entered=1)
    monkeypatch.setattr(sandbox, "starved", lambda pid: 5.0)
    dog._began = time.monotonic() - 13
    assert dog.excess() == ""
    monkeypatch.setattr(sandbox, "starved", lambda pid: 1e9)  # a neighbour's load has an end as well
    dog._began = time.monotonic() - 31
    assert "10 seconds" in dog.excess()


def test_no_process_waits_before_it_is_there():
    assert sandbox.starved(None) == 0.0
    assert Budget(Limits()).spent == ""


def test_release_measures_the_solution_and_both_notebooks_say_so(course, monkeypatch):
    made = pipeline.Course(course)
    before = json.loads(made.source(NAME).read_text())

    def timed(notebook, workspace, settings):
        done = instant_run(notebook, workspace, settings)
        done.processor = 3.14
        return done

    monkeypatch.setattr(judge, "run_notebook", timed)
    pipeline.release(course, measure=True)
    after = json.loads(made.source(NAME).read_text())
    assert after["metadata"].pop("wgan_course") == {"seconds": 3.1}
    assert after == before
    pipeline.release(course)
    assert Blueprint.read(made.released(NAME)).seconds == 3.1


def test_a_solution_that_loses_points_is_told_and_stays(course, instant_kernel):
    made = pipeline.Course(course)
    text = made.source(NAME).read_text().replace(json.dumps("terms.sum()")[1:-1], "terms.mean()")
    assert text != made.source(NAME).read_text()
    made.source(NAME).write_text(text)
    with pytest.raises(pipeline.CourseError, match=r"does not earn all points: ps01\.kl"):
        pipeline.release(course, measure=True)
    assert made.source(NAME).read_text() == text


def test_every_solution_of_the_course_has_been_measured(course_root):
    for source in sorted(course_root.glob("solutions/*/*.ipynb")):
        released = course_root / "exercises" / source.parent.name / source.name
        seconds = [Blueprint.read(path).seconds for path in (source, released)]
        assert seconds[0] == seconds[1] > 0, source.name
