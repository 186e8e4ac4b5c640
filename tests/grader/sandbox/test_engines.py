"""A class on other engines: a Dask scheduler with a worker, a gradebook in PostgreSQL; and what their loss costs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from demo_class import NAME, PARTIAL, RIGHT, answered, grade_at_once, hand_in

from wgan_grader import pipeline, recording, tasks
from wgan_grader.execution import Settings
from wgan_grader.tasks import Parcel, Task


@contextmanager
def process(*command, **options):
    """A process of its own group, which is ended with all that it started."""
    made = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield made
    finally:
        os.killpg(made.pid, signal.SIGTERM)
        made.wait(timeout=20)


def wait_for(ready, what, seconds=120):
    last = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < last, what
        time.sleep(0.2)


# --- parcels ---------------------------------------------------------------------------------------------------------


def task_of(folder, released):
    return Task("ann", folder, released, Settings(), folder.parent / "kept.json")


def test_a_parcel_holds_the_files_and_no_link_leads_out(tmp_path):
    folder, released, secret = tmp_path / "in", tmp_path / f"{NAME}.ipynb", tmp_path / "secret"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.csv").write_bytes(b"1")
    released.write_text("{}")
    secret.write_text("x")
    (folder / "link").symlink_to(secret)
    parcel = Parcel.pack(task_of(folder, released))
    (tmp_path / "there").mkdir()
    laid, again = parcel.unpack(tmp_path / "there")
    assert (laid / "deep" / "a.csv").read_bytes() == b"1"
    assert (laid / "link").is_symlink()
    assert not (laid / "link").exists()
    assert again.name == released.name


def test_a_submission_that_is_a_link_is_not_packed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "in").symlink_to(tmp_path / "real")
    (tmp_path / "a.ipynb").write_text("{}")
    with pytest.raises(tasks.FolderError, match="link"):
        Parcel.pack(task_of(tmp_path / "in", tmp_path / "a.ipynb"))


# --- workers ---------------------------------------------------------------------------------------------------------


def ends_once(task):
    """End the worker the first time that this student comes."""
    mark = task.kept.with_name(f"{task.student}.seen")
    if task.student == "ann" and not mark.exists():
        mark.touch()
        os._exit(1)
    return "done"


def test_a_worker_that_ends_costs_nobody_a_grade(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "run_task", ends_once)
    names = ("ann", "ben", "cleo", "dan")
    settings = Settings(forked=False)
    given = [Task(name, tmp_path, tmp_path, settings, tmp_path / f"{name}.json") for name in names]
    assert sorted((task.student, said) for task, said in tasks.run_all(given, 2)) == [(name, "done") for name in names]


def test_what_ran_out_of_time_beside_others_runs_once_more_alone(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(tasks, "run_task", lambda task: seen.append(task.student) or "")
    monkeypatch.setattr(tasks, "_ran_out", lambda task: task.student == "ann" and seen.count("ann") == 1)
    given = [Task(name, tmp_path, tmp_path, Settings(), tmp_path) for name in ("ann", "ben")]
    with ThreadPoolExecutor(2) as executor:
        assert sorted(task.student for task, _ in tasks.run_all(given, 2, executor)) == ["ann", "ben"]
    assert sorted(seen) == ["ann", "ann", "ben"]


def test_those_that_run_once_more_share_a_worker_until_it_ends(tmp_path, monkeypatch):
    """Four come again one after the other; the worker breaks with the second of them."""
    pools, seen = [], []

    class Fragile(ThreadPoolExecutor):
        broken = False

        def submit(self, function, task):
            if self.broken:
                raise BrokenExecutor
            self.broken = seen.count(task.student) == 1 and task.student == "ben"
            seen.append(task.student)
            return super().submit(breaks if self.broken else str)

    def breaks():
        raise BrokenExecutor

    monkeypatch.setattr(tasks, "_pool", lambda workers, of: pools.append(workers) or Fragile(workers))
    monkeypatch.setattr(tasks, "_ran_out", lambda task: seen.count(task.student) == 1)
    names = ("ann", "ben", "cleo", "dan")
    given = [Task(name, tmp_path, tmp_path, Settings(), tmp_path) for name in names]
    found = {task.student: trouble for task, trouble in tasks.run_all(given, 2)}
    assert found == dict.fromkeys(names, "") | {"ben": tasks.BROKEN}
    assert pools == [2, 1, 1]


def test_no_more_is_in_memory_than_workers_need(tmp_path, monkeypatch):
    waiting, most = [], []
    monkeypatch.setattr(tasks, "run_task", lambda task: "")

    class Counting(ThreadPoolExecutor):
        def submit(self, *given):
            waiting.append(given)
            most.append(len(waiting))
            return super().submit(*given)

    given = [Task(str(number), tmp_path, tmp_path, Settings(), tmp_path) for number in range(50)]
    with Counting(2) as executor:
        for _ in tasks.run_all(given, 2, executor):
            waiting.pop()
    assert max(most) <= 2 * 2 + 2


def test_workers_end_with_the_process_that_started_them(tmp_path):
    """A coordinator that is killed leaves no worker behind."""
    code = (
        "import os, time, sys; sys.path.insert(0, sys.argv[2])\n"
        "from wgan_grader.tasks import _pool\n"
        "if __name__ == '__main__':\n"
        "    pool = _pool(1); pid = pool.submit(os.getpid).result()\n"
        "    open(sys.argv[1], 'w').write(str(pid)); time.sleep(600)\n"
    )
    script, told = tmp_path / "coordinator.py", tmp_path / "pid"
    script.write_text(code)
    with subprocess.Popen([sys.executable, script, told, Path(tasks.__file__).parents[1]]) as coordinator:
        wait_for(lambda: told.exists() and told.read_text(), "the worker did not start")
        worker = int(told.read_text())
        coordinator.kill()
    wait_for(lambda: not Path(f"/proc/{worker}").exists(), "the worker lives on", 30)


# --- Dask ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_a_class_is_graded_by_a_worker_of_a_dask_scheduler(course, tmp_path):
    """Scheduler and worker are processes of their own, and see nothing of the course's folder but what they get."""
    pytest.importorskip("distributed")
    for student, answer in (("ann", RIGHT), ("ben", PARTIAL)):
        hand_in(course, student, answered(course, answer))
    (course / "submitted" / "dan").mkdir()
    (course / "submitted" / "dan" / NAME).symlink_to(course / "submitted" / "ann" / NAME)
    told = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m"]
    scheduler = [*dask, "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", told]
    worker = [*dask, "distributed.cli.dask_worker", "--scheduler-file", told, "--nthreads", "1", "--no-dashboard"]
    quiet = {"cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with process(*scheduler, **quiet):
        wait_for(told.exists, "no scheduler")
        address = json.loads(told.read_text())["address"]
        with process(*worker, "--no-nanny", **quiet):
            summary = pipeline.grade(course, NAME, dask=address, settings=Settings(forked=False))
    scores = {row.student: (row.status, row.score) for row in summary.rows}
    assert scores == {"ann": ("graded", 3.0), "ben": ("graded", 1.0), "dan": ("unreadable", 0.0)}


def test_a_scheduler_that_is_not_there_is_named(course):
    pytest.importorskip("distributed")
    with (
        pytest.raises(pipeline.CourseError, match="no Dask scheduler at tcp"),
        pipeline._cluster("tcp://127.0.0.1:9", seconds=1),
    ):
        pass


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def programs():
    """Folder of PostgreSQL's programs; None where it is not installed."""
    found = [shutil.which("initdb"), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")))]
    return next((Path(path).parent for path in found if path), None)


class Server:
    """A server in a folder, reached through a socket there."""

    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.address = f"postgresql://wgan@/postgres?host={folder}"

    def start(self):
        command = [programs() / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses="]
        self.process = subprocess.Popen(command, **self.options)
        wait_for(self.answers, "no server")

    def answers(self):
        import psycopg2

        try:
            psycopg2.connect(self.address, connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True

    def kill(self):
        """All of its processes at once; it has no time to write anything."""
        top = psutil.Process(self.process.pid)
        for one in [top, *top.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait()


@pytest.fixture
def postgres(tmp_path):
    """A server of its own in a temporary folder; it refuses to be root."""
    pytest.importorskip("psycopg2")
    if programs() is None:
        pytest.skip("needs PostgreSQL")
    folder = tmp_path / "pg"
    folder.mkdir()
    for above in tmp_path.parents[:4]:
        if above.is_relative_to(tempfile.gettempdir()) and above != Path(tempfile.gettempdir()):
            above.chmod(0o755)
    tmp_path.chmod(0o755)
    user = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
    if user:
        shutil.chown(folder, **user)
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    subprocess.run([programs() / "initdb", "-D", folder / "data", "-A", "trust", "-U", "wgan"], check=True, **options)
    server = Server(folder, options)
    server.start()
    yield server
    server.kill()


@pytest.mark.slow
def test_the_gradebook_can_be_in_postgresql(course, postgres):
    for student, answer in (("ann", RIGHT), ("ben", PARTIAL)):
        hand_in(course, student, answered(course, answer))
    address = postgres.address
    scores = [{row.student: row.score for row in grade_at_once(course, db=address).rows} for _ in range(2)]
    assert scores == [{"ann": 3.0, "ben": 1.0}] * 2
    assert set(pipeline.Course(course, address).standings(NAME)) == {"ann", "ben"}
    assert pipeline.Course(course).standings(NAME) == {}


@pytest.mark.slow
def test_a_database_that_is_killed_loses_and_doubles_nothing(course, postgres, monkeypatch):
    """First before the points of a submission are committed, then between the points and the feedback."""
    answers = {"ann": (RIGHT, 3.0), "ben": (PARTIAL, 1.0), "cleo": (RIGHT, 3.0)}
    for student, (answer, _) in answers.items():
        hand_in(course, student, answered(course, answer))
    for home, name in ((recording.utils, "determine_grade"), (pipeline.Course, "_feedback")):
        seen, known = [], getattr(home, name)

        def kills(*given, seen=seen, known=known):
            seen.append(given)
            if len(seen) == 2:
                postgres.kill()
            return known(*given)

        with monkeypatch.context() as patch:
            patch.setattr(home, name, kills)
            with pytest.raises(pipeline.CourseError, match="server does not answer; nothing is lost"):
                grade_at_once(course, db=postgres.address)
        assert len(seen) == 2, "nothing goes on without its gradebook"
        postgres.start()
    rows = grade_at_once(course, db=postgres.address).rows
    assert {row.student: row.score for row in rows} == {name: score for name, (_, score) in answers.items()}
    with pipeline.Course(course, postgres.address).gradebook() as book:
        kept = sorted((one.student_id, one.score) for one in book.assignment_submissions(NAME))
    assert kept == sorted((name, score) for name, (_, score) in answers.items())


def test_the_process_that_writes_does_not_import_torch():
    """The coordinator stays small, whatever the class; a worker imports what judging needs."""
    code = "import sys, wgan_grader.pipeline, wgan_grader.late, wgan_grader.report; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"
