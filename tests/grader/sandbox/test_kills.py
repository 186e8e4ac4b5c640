"""A grader that is killed at a fixed moment, a disk that is full, a gradebook that is read-only, a clock that jumps."""

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from demo_class import NAME, PARTIAL, RIGHT, answered, grade_at_once, hand_in

from wgan_grader import course as courses
from wgan_grader import pipeline, tasks

HERE = Path(__file__).resolve()
# What a grader does for each submission, and where it is killed the second time: after one result was kept, between the
# gradebook and the feedback, before its note is written.
STEPS = {"keep": tasks.Task, "_feedback": courses.Course, "note": courses.Course}
ANSWERS = {"ann": (RIGHT, 3.0), "ben": (PARTIAL, 1.0), "cleo": (RIGHT, 3.0)}


@pytest.fixture
def a_class(course):
    for student, (answer, _) in ANSWERS.items():
        hand_in(course, student, answered(course, answer))
    return course


def gradebook(course):
    """Scores of every submission that the gradebook holds."""
    with pipeline.Course(course).gradebook() as book:
        return sorted((one.student_id, one.score) for one in book.assignment_submissions(NAME))


def grade_and_be_killed(root, step):
    """Grade in a fork of this process, with a kernel that takes no time; its status."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other threads run: the fork has this one alone
        child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        known, seen = getattr(STEPS[step], step), []

        def dies(*given):
            seen.append(given)
            if len(seen) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return known(*given)

        setattr(STEPS[step], step, dies)
        grade_at_once(root)
    finally:
        os._exit(1)


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_grader_loses_and_doubles_nothing(a_class, step, monkeypatch):
    monkeypatch.setattr(courses.Course, "_what_decides", lambda *_: "nothing else")  # the package may be edited
    assert grade_and_be_killed(a_class, step) == -signal.SIGKILL
    kept = len(list((a_class / "grading" / "judged" / NAME).glob("*.json")))
    ran = []
    monkeypatch.setattr(tasks, "run_task", lambda task, known=tasks.run_task: ran.append(task.student) or known(task))
    rows = grade_at_once(a_class).rows
    expected = sorted((student, score) for student, (_, score) in ANSWERS.items())
    assert sorted((row.student, row.score) for row in rows) == expected == gradebook(a_class)
    assert len(ran) == len(ANSWERS) - kept, "what was judged before the kill is not run again"
    pages = [a_class / "feedback" / student / NAME / f"{NAME}.html" for student in ANSWERS]
    assert all(page.is_file() for page in pages)


def test_a_read_only_gradebook_is_named_and_the_next_run_records_all(a_class, monkeypatch):
    """As SQLite says it; root may write to files without the right to, so that the refusal is made here."""

    def refuse(*_):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    with monkeypatch.context() as patch:
        patch.setattr(courses.Course, "_autograde", refuse)
        rows = grade_at_once(a_class).rows
    assert [(row.status, row.score) for row in rows] == [("failed", None)] * 3
    assert all("the gradebook is read-only" in row.diagnosis for row in rows)
    assert {row.student: row.score for row in grade_at_once(a_class).rows} == {"ann": 3.0, "ben": 1.0, "cleo": 3.0}


def test_a_full_disk_is_named_and_the_next_run_goes_on(a_class, monkeypatch):
    def full(self, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(tasks.Task, "keep", full)
        rows = grade_at_once(a_class).rows
    assert [(row.status, row.score) for row in rows] == [("failed", None)] * 3
    assert all("no room" in row.diagnosis for row in rows)
    assert {row.student: row.score for row in grade_at_once(a_class).rows} == {"ann": 3.0, "ben": 1.0, "cleo": 3.0}


def fill(path):
    """Write until there is no room."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


def rows_or_none(root):
    """What a run says; no rows where the course's own files have no room, which ends it."""
    try:
        return grade_at_once(root).rows
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return ()


@pytest.mark.skipif(os.getuid() != 0, reason="needs the rights of root")
def test_on_a_disk_that_is_really_full_nothing_is_lost(a_class, tmp_path):
    """The course on a file system of a few MiB that something else fills."""
    from wgan_grader.inside import libc

    small = tmp_path / "small"
    small.mkdir()
    if libc.mount(b"small", bytes(small), b"tmpfs", 0, b"size=4m"):
        pytest.skip("may not mount")
    try:
        root = Path(shutil.copytree(a_class, small / "course"))
        fill(small / "filler")
        rows = rows_or_none(root)
        assert all(row.status == "failed" and "no room" in row.diagnosis for row in rows)
        (small / "filler").unlink()
        assert {row.student: row.score for row in grade_at_once(root).rows} == {"ann": 3.0, "ben": 1.0, "cleo": 3.0}
        assert [score for _, score in gradebook(root)] == [3.0, 1.0, 3.0]
    finally:
        libc.umount2(bytes(small), 2)


@pytest.mark.parametrize("jump", [-1e7, 1e7])
def test_a_clock_that_jumps_decides_about_no_grade(a_class, monkeypatch, jump):
    known, calls = time.time, []
    monkeypatch.setattr(time, "time", lambda: known() + jump * (len(calls) % 2) + (calls.append(1) or 0))
    rows = grade_at_once(a_class).rows
    monkeypatch.undo()
    assert {row.student: row.score for row in rows} == {"ann": 3.0, "ben": 1.0, "cleo": 3.0}
    assert all(row.cached for row in grade_at_once(a_class).rows)


RUNNING = """
import os, sys
sys.path.insert(0, sys.argv[2])
from nbformat.v4 import new_code_cell, new_notebook
from wgan_grader import warm
from wgan_grader.execution import Settings, run_notebook
from wgan_grader.sandbox import Workspace

for name in ("torch", "torch._dynamo", "scipy.optimize", "ot", "wgan_course.check"):  # no cell here needs them
    warm.TEXT = warm.TEXT.replace(f'    "{name}",', "")
space = Workspace.create()
write = f"open({str(space.sockets / 'on')!r}, 'w').close(); import time; time.sleep(500)"
open(sys.argv[1], "w").write(str(space.sockets / "on"))
run_notebook(new_notebook(cells=[new_code_cell(write)]), space, Settings(cell_timeout=600, forked=sys.argv[3] == "yes"))
"""


@pytest.mark.sandbox
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
@pytest.mark.parametrize("forked", ["yes", "no"])
def test_nothing_lives_on_after_a_grader_that_is_killed(tmp_path, forked):
    """Neither the sandbox, nor the kernel in it, nor the process that kernels are forked from."""
    told = tmp_path / "told"

    def until(ready, what):
        last = time.monotonic() + 120
        while not ready():
            assert time.monotonic() < last, what
            time.sleep(0.1)

    with subprocess.Popen([sys.executable, "-c", RUNNING, told, HERE.parents[3], forked]) as grader:
        until(lambda: told.exists() and told.read_text() and Path(told.read_text()).exists(), "the cell does not run")
        started = psutil.Process(grader.pid).children(recursive=True)
        grader.kill()
    assert len(started) >= 3
    until(lambda: not any(one.is_running() and one.status() != "zombie" for one in started), f"{started} live on")
    space = Path(told.read_text()).parents[1]
    subprocess.run(["umount", "--lazy", space], capture_output=True, check=False)
    shutil.rmtree(space.parent, ignore_errors=True)  # another test's grader may have swept what the dead one left
