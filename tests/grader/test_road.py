"""From a class list to the tables of a platform: nothing known is lost, and what stops the road is said in words."""

import asyncio
import csv
import io
import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import SimpleNamespace

import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.fixtures.demo_class import NAME, REPOSITORY, make_course
from wgan_cli import teaching
from wgan_grader import course as courses
from wgan_grader import execution, locks, pipeline, sandbox, tasks
from wgan_grader.messages import cleaned
from wgan_grader.report import ClassReport, Line, canvas, moodle
from wgan_grader.roster import Roster, RosterError, Student

TABLE = "id;last_name;email\nanna;Älpha;a@x.org\nben;Bo;\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("cp1252"),
        TABLE.encode("utf-16"),
        TABLE.replace(";", "\t").replace("\n", "\r\n").encode("utf-16"),
        b"sep=;\r\n" + TABLE.encode(),
        b"\r\n\n" + TABLE.encode(),
        TABLE.replace("Bo", '"Bo"').encode(),
    ],
)
def test_a_class_list_as_a_spreadsheet_saves_it(tmp_path, content):
    (tmp_path / "class.csv").write_bytes(content)
    read = [(one.id, one.last, one.email) for one in Roster.read(tmp_path / "class.csv").students]
    assert read == [("anna", "Älpha", "a@x.org"), ("ben", "Bo", "")]


def test_a_name_may_have_a_line_break_and_an_open_quotation_mark_takes_nobody_along(tmp_path):
    path = tmp_path / "class.csv"
    path.write_text('id,last_name\nanna,"Al\npha"\nben,Bo\n')
    assert [one.id for one in Roster.read(path).students] == ["anna", "ben"]
    path.write_text('id,last_name\nanna,"Alpha\nben,Bo\n')
    with pytest.raises(RosterError, match="quotation mark"):
        Roster.read(path)


def test_a_second_class_list_takes_away_nothing_that_the_first_one_told(tmp_path):
    shutil.copyfile(REPOSITORY / courses.CONFIG, tmp_path / courses.CONFIG)
    for text in ("id,first_name,last_name,email\nanna,Anna,Alpha,a@x.org\n", "id,last_name\nanna,Beta\n"):
        (tmp_path / "class.csv").write_text(text)
        teaching.roster(tmp_path / "class.csv", tmp_path)
    (anna,) = courses.Course(tmp_path).roster().students
    assert (anna.first, anna.last, anna.email) == ("Anna", "Beta", "a@x.org")


def test_students_whose_ids_differ_in_case_or_accents_alone_keep_their_own_scores():
    scores = {"anna": 1.0, "Anna": 2.0, "jose": 3.0, "josé": 4.0}
    lines = tuple(Line(name, "", "graded", score, 5.0) for name, score in scores.items())
    roster = Roster(tuple(Student(name, last=name, platform=f"p-{name}") for name in scores))
    report = ClassReport(NAME, lines, (), (), "")
    for text, column in ((canvas(report, roster), "SIS Login ID"), (moodle(report, roster), "ID number")):
        rows = [row for row in csv.DictReader(io.StringIO(text)) if row[column]]
        assert [(row[column], float(row[NAME])) for row in rows] == list(scores.items())


def test_what_is_pending_is_a_zero_in_no_table():
    report = ClassReport(NAME, (Line("anna", "", "graded", 0.0, 5.0, pending=2.0),), (), (), "")
    roster = Roster((Student("anna"), Student("ben")))
    for text, blank in ((canvas(report, roster), ""), (moodle(report, roster), "-")):
        rows = [row for row in csv.DictReader(io.StringIO(text)) if "anna" in row.values() or "ben" in row.values()]
        assert [row[NAME] for row in rows] == [blank, blank]


def submission(student, score, pending):
    grades = [
        SimpleNamespace(
            name=name,
            score=given,
            max_score=most,
            needs_manual_grade=open_,
            auto_score=given,
            manual_score=None,
            extra_credit=None,
        )
        for name, given, most, open_ in (("code", score, 3.0, False), ("proof", 0.0, 2.0, pending))
    ]
    notebook = SimpleNamespace(grades=grades, comments=[])
    return SimpleNamespace(
        student_id=student, notebooks=[notebook], late_submission_penalty=None, timestamp="2026-01-05", score=score
    )


def test_grades_csv_reads_back_whatever_a_name_holds_and_says_what_is_pending(tmp_path, monkeypatch):
    names = {"anna": "Alpha, Jr.", 'b"e;n': "Bo\nBo", "carl": None}
    students = [SimpleNamespace(id=one, first_name="", last_name=last, email="") for one, last in names.items()]
    handed_in = [submission("anna", 0.0, True), submission('b"e;n', 3.0, False)]
    assignment = SimpleNamespace(name=NAME, duedate=None, max_score=5.0, submissions=handed_in)
    book = SimpleNamespace(assignments=[assignment], students=students)
    monkeypatch.setattr(courses.Course, "gradebook", lambda self: nullcontext(book))
    course = courses.Course.__new__(courses.Course)
    course.root = tmp_path
    course.export()
    rows = list(csv.DictReader(io.StringIO((tmp_path / "grades.csv").read_text())))
    read = [[row[one] for one in ("student_id", "last_name", "raw_score", "score", "pending")] for row in rows]
    assert read == [
        ["anna", "Alpha, Jr.", "0.0", "", "2.0"],
        ['b"e;n', "Bo\nBo", "3.0", "3.0", "0.0"],
        ["carl", "", "0.0", "0.0", "0.0"],
    ]


def test_a_student_who_was_named_and_handed_in_nothing_has_a_line():
    rows = pipeline._missing(("anna", "ben"), {"anna"})
    assert [(row.student, row.status) for row in rows] == [("ben", "missing")]


def refusal(database, statement):
    with pytest.raises(sqlite3.OperationalError) as caught:
        database.execute(statement)
    return caught.value


def test_a_gradebook_that_takes_nothing_is_said_in_words(tmp_path):
    path = tmp_path / "gradebook.db"
    with sqlite3.connect(path, isolation_level=None, timeout=0) as book:
        book.execute("create table grade (score)")
        readonly = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        assert "is read-only" in courses.database_trouble(refusal(readonly, "insert into grade values (1)"))
        other = sqlite3.connect(path, timeout=0)
        book.execute("begin exclusive")
        assert "is locked" in courses.database_trouble(refusal(other, "insert into grade values (1)"))
        book.execute("rollback")
        book.execute("pragma max_page_count = 1")
        assert "no room" in courses.database_trouble(refusal(book, "create table more (score)"))
        assert courses.database_trouble(refusal(book, "no statement")) == ""
    for connection in (book, readonly, other):
        connection.close()


def refused_release(folder, keep, written):
    with courses._or_as_before(folder, keep):
        shutil.rmtree(folder)
        if written:
            folder.mkdir()
            (folder / "set.ipynb").write_text(written)
        raise SystemExit(1)


@pytest.mark.parametrize("written", ["", "half of the new release"])
def test_where_a_release_fails_the_old_one_stays(tmp_path, written):
    folder, keep = tmp_path / "exercises", tmp_path / "grading"
    folder.mkdir()
    (folder / "set.ipynb").write_text("old")
    with pytest.raises(SystemExit):
        refused_release(folder, keep, written)
    assert (folder / "set.ipynb").read_text() == "old"
    assert list(keep.iterdir()) == []


def left_over(temporary, name, age):
    folder = temporary / f"{sandbox.PREFIX}{name}"
    (folder / "work").mkdir(parents=True)
    (folder / "work").chmod(0o500)
    os.utime(folder, (1e9, 1e9) if age == "old" else None)
    return folder


def test_folders_of_a_killed_grader_are_swept_and_those_in_use_are_not(tmp_path):
    killed, young, used = (left_over(tmp_path, *pair) for pair in (("a", "old"), ("b", "young"), ("c", "old")))
    other = tmp_path / "of-somebody-else"
    other.mkdir()
    os.utime(other, (1e9, 1e9))
    with sandbox.FileLock(used / "owner"):
        os.utime(used, (1e9, 1e9))
        sandbox._sweep(tmp_path)
    assert [path.exists() for path in (killed, young, used, other)] == [False, True, True, True]


def test_messages_that_fill_the_graders_own_memory_stop_the_sandbox(monkeypatch):
    resident = {"now": 100 * 2**20}
    monkeypatch.setattr(sandbox, "_resident", lambda process: resident["now"] if process == psutil.Process() else 0)
    monkeypatch.setattr(sandbox, "family", lambda pid: [])
    watchdog = sandbox.Watchdog(0, SimpleNamespace(writable=list), sandbox.Limits())
    assert watchdog.excess() == ""
    resident["now"] += sandbox.Limits().grader + 1
    assert "it sent more than 1024 MiB" in watchdog.excess()


def test_a_notebook_keeps_no_more_output_than_its_budget():
    cells = [new_code_cell() for _ in range(12)]
    client = execution.BoundedClient(new_notebook(cells=cells))
    text = "x" * (900 * 2**10)
    content = {"name": "stdout", "text": text}
    said = cleaned({"msg_type": "stream", "header": {}, "parent_header": {}, "content": content})
    client.reset_execution_trackers()
    client.clear_before_next_output = False  # as for each cell that begins
    for index, cell in enumerate(cells):
        with ThreadPoolExecutor(1) as thread:  # another test of this process may have left a loop running
            thread.submit(asyncio.run, client.begin()).result()
        client.process_message(said, cell, index)
    kept = ["".join(output.text for output in cell.outputs) for cell in cells]
    whole = execution.MAX_NOTEBOOK_OUTPUT // len(text)
    assert kept == [text] * whole + [execution.TRUNCATED] * (len(cells) - whole)


@pytest.fixture
def handed_in(tmp_path):
    """A course with submissions of two students."""
    root = make_course(tmp_path)
    for student in ("anna", "ben"):
        (root / "submitted" / student / NAME).mkdir(parents=True)
        (root / "submitted" / student / NAME / f"{NAME}.ipynb").write_text("{}")
    return courses.Course(root)


def test_a_submission_that_was_replaced_since_it_was_graded_is_known(handed_in):
    settings = execution.Settings(provisioner="local-provisioner")
    handed_in.released(NAME).parent.mkdir(parents=True)
    handed_in.released(NAME).write_text("{}")
    for task in handed_in.tasks(NAME, (), settings):
        handed_in.note(NAME, task.student, {"content": task.content})
    assert handed_in.resubmitted(NAME) == set()
    (handed_in.folder("submitted", "anna", NAME) / "proof.png").write_bytes(b"new")
    assert handed_in.resubmitted(NAME) == {"anna"}


def test_nothing_is_changed_under_a_run(handed_in):
    root, rule = handed_in.root, handed_in.root / courses.KEEP / "late.json"
    (root / "class.csv").write_text("id\nanna\n")
    works = (
        lambda: teaching.late(10, root),
        lambda: teaching.due(NAME, "2026-03-01", root),
        lambda: teaching.roster(root / "class.csv", root),
        lambda: teaching.report(NAME, None, root / "reports", root, ""),
    )
    with locks.hold(root / courses.KEEP, "wgan-course grade ps09"):
        for work in works:
            with pytest.raises(locks.BusyError, match="wgan-course grade ps09"):
                work()
    assert not rule.exists()
    assert not (root / "exercises").exists()
    assert not (root / "reports").exists()
    teaching.late(10, root)
    assert rule.exists()


@pytest.mark.parametrize(
    ("error", "said"), [(ValueError("odd"), "ValueError: odd"), (OSError(28, "x"), "no room left")]
)
def test_what_goes_wrong_in_a_worker_is_said_alike_wherever_it_runs(tmp_path, monkeypatch, error, said):
    def fail(*args):
        raise error

    monkeypatch.setattr(tasks, "_judge", fail)
    settings = execution.Settings()
    task = tasks.Task("anna", tmp_path, tmp_path / "set.ipynb", settings, tmp_path / "kept.json")
    assert said in tasks.run_task(task)
    content, trouble = tasks.run_parcel(tasks.Parcel("anna", "set", {}, (), b"{}", settings))
    assert content == ""
    assert trouble == tasks.run_task(task)
