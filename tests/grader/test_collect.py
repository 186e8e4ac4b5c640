"""Downloads of five platforms, by their naming rules, to ``submitted/``; whoever cannot be told is a doubt."""

import io
import json
import shutil
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook
from rich.console import Console

from wgan_cli import teaching
from wgan_grader import collect as collecting
from wgan_grader.download import CollectError, Doubt
from wgan_grader.roster import Clue, Roster, RosterError, Student
from wgan_grader.submission import Blueprint

SETS = ("ps01_js_saturation", "ps06_gradient_penalty")


def blueprint(name):
    cell = new_code_cell("check('x')", metadata={"nbgrader": {"grade_id": f"{name}-check", "grade": True}})
    return Blueprint(name, new_notebook(cells=[cell]))


BLUEPRINTS = [blueprint(name) for name in SETS]
ROSTER = """id,last_name,first_name,email,lms_user_id
doe1,Doe,Jane,jane.doe@uni.example,48211
muel,Müller,Änne Marie,a.mueller@uni.example,48212
lee-a,Lee,Ann,ann@uni.example,48213
lee-b,Lee,Ann,ann2@uni.example,48214
"""


@pytest.fixture
def roster(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(ROSTER, encoding="utf-8")
    return Roster.read(path)


def notebook(name=SETS[0], answer="1"):
    cells = [{"cell_type": "code", "source": answer, "metadata": {"nbgrader": {"grade_id": f"{name}-check"}}}]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def run(tmp_path, roster):
    def work(members, **options):
        path = tmp_path / "download.zip"
        path.write_bytes(zipped(members))
        return collecting.collect(path, roster, BLUEPRINTS, tmp_path / "submitted", **options)

    return work


def collected(outcome):
    return {(entry.student, entry.problem_set): entry for entry in outcome.collected}


# ---- what each platform names -------------------------------------------------------------------------------------


def test_canvas(run, tmp_path):
    outcome = run(
        {
            f"doejane_48211_900100_{SETS[0]}.ipynb": notebook(answer="first"),
            f"doejane_48211_900100_{SETS[0]}-1.ipynb": notebook(answer="again"),
            f"mulleranne_LATE_48212_900101_{SETS[0]}.ipynb": notebook(),
        }
    )
    found = collected(outcome)
    assert set(found) == {("doe1", SETS[0]), ("muel", SETS[0])}
    assert outcome.doubts == ()
    assert b"again" in (tmp_path / "submitted" / "doe1" / SETS[0] / f"{SETS[0]}.ipynb").read_bytes()
    assert found["doe1", SETS[0]].note == "the last of 2"
    assert "late" in found["muel", SETS[0]].note
    assert outcome.missing == {SETS[0]: ("lee-a", "lee-b")}


def test_moodle_in_folders_and_flat(run, tmp_path):
    worksheet = tmp_path / "moodle.csv"
    worksheet.write_text(
        "Identifier,Full name,Email address,Status\n"
        "Participant 771001,Jane Doe,jane.doe@uni.example,Submitted\n"
        "Participant 771002,Änne Marie Müller,a.mueller@uni.example,Submitted\n",
        encoding="utf-8-sig",
    )
    members = {
        f"Jane Doe_771001_assignsubmission_file_/{SETS[0]}.ipynb": notebook(),
        "Jane Doe_771001_assignsubmission_file_/data.csv": b"1,2\n",
        f"Participant_771002_assignsubmission_file_{SETS[1]}.ipynb": notebook(SETS[1]),
    }
    path = tmp_path / "moodle.zip"
    path.write_bytes(zipped(members))
    outcome = collecting.collect(path, Roster.read(worksheet), BLUEPRINTS, tmp_path / "submitted")
    assert set(collected(outcome)) == {
        ("jane.doe@uni.example", SETS[0]),
        ("a.mueller@uni.example", SETS[1]),
    }
    assert (tmp_path / "submitted" / "jane.doe@uni.example" / SETS[0] / "data.csv").read_bytes() == b"1,2\n"


def test_blackboard_with_its_text_files(run, tmp_path):
    about = "Name: Jane Doe (doe1)\nAssignment: PS 1\nDate Submitted: Sunday, March 1, 2026 2:05:22 PM GMT\n"
    outcome = run(
        {
            "PS 1_doe1_attempt_2026-03-01-14-05-22.txt": about.encode(),
            f"PS 1_doe1_attempt_2026-03-01-14-05-22_{SETS[0]}.ipynb": notebook(answer="late one"),
            f"PS 1_doe1_attempt_2026-02-27-09-00-00_{SETS[0]}.ipynb": notebook(answer="early one"),
            f"PS 1_muel_attempt_2026-03-01-15-00-00_{SETS[0]}.ipynb": notebook(),
        },
        zone=ZoneInfo("Europe/Berlin"),
    )
    found = collected(outcome)
    assert found["doe1", SETS[0]].when == datetime(2026, 3, 1, 14, 5, 22, tzinfo=UTC)
    assert found["muel", SETS[0]].when == datetime(2026, 3, 1, 14, 0, 0, tzinfo=UTC)
    folder = tmp_path / "submitted" / "doe1" / SETS[0]
    assert b"late one" in (folder / f"{SETS[0]}.ipynb").read_bytes()
    assert (folder / "timestamp.txt").read_text() == "2026-03-01 14:05:22.000000 UTC\n"


def test_gradescope(run):
    metadata = (
        "submission_8001:\n  :submitters:\n  - :name: Jane Doe\n    :sid: doe1\n    :email: jane.doe@uni.example\n"
        "  :created_at: 2026-03-01 14:05:22.365935000 Z\n"
        "submission_8002:\n  :submitters:\n  - :name: Somebody Else\n    :sid: '99'\n    :email: x@y.example\n"
        "  :created_at: 2026-03-01 14:06:00.000000000 Z\n"
    )
    outcome = run(
        {
            "assignment_55_export/submission_metadata.yml": metadata.encode(),
            f"assignment_55_export/submission_8001/{SETS[0]}.ipynb": notebook(),
            f"assignment_55_export/submission_8002/{SETS[0]}.ipynb": notebook(),
        }
    )
    assert collected(outcome)["doe1", SETS[0]].when == datetime(2026, 3, 1, 14, 5, 22, 365935, tzinfo=UTC)
    assert [doubt.reason for doubt in outcome.doubts] == [
        "whose it is cannot be told: Somebody Else, 99, x@y.example is not in the class list"
    ]


def test_google_classroom(run):
    outcome = run(
        {
            f"Jane Doe - {SETS[0]}.ipynb": notebook(answer="1"),
            f"Jane Doe - {SETS[0]} (1).ipynb": notebook(answer="2"),
            "Änne Marie Müller - Copy of homework.ipynb": notebook(SETS[1]),
            f"Ann Lee - {SETS[0]}.ipynb": notebook(),
        }
    )
    assert set(collected(outcome)) == {("doe1", SETS[0]), ("muel", SETS[1])}
    assert [doubt.reason for doubt in outcome.doubts] == ["whose it is cannot be told: Ann Lee may be lee-a, lee-b"]


def test_folders_named_after_students(run):
    outcome = run({f"class/doe1/{SETS[0]}.ipynb": notebook(), f"class/nobody/{SETS[0]}.ipynb": notebook()})
    assert set(collected(outcome)) == {("doe1", SETS[0])}
    assert "nobody" in outcome.doubts[0].reason


# ---- what students do to their files ------------------------------------------------------------------------------


def test_zips_in_zips_and_renamed_notebooks(run, tmp_path):
    inner = zipped({"hw/answers final.ipynb": notebook(SETS[1]), "hw/picture.png": b"png"})
    outcome = run({"doejane_48211_900100_homework.zip": zipped({"again.zip": inner})})
    assert set(collected(outcome)) == {("doe1", SETS[1])}
    assert (tmp_path / "submitted" / "doe1" / SETS[1] / "picture.png").exists()


def test_a_notebook_that_cannot_be_read_is_kept_for_the_grader_if_its_name_says_what_it_is(run):
    outcome = run(
        {
            f"doejane_48211_1_{SETS[0]}.ipynb": b"not json",
            "mulleranne_48212_2_homework.ipynb": b"not json",
            "mulleranne_48212_3_other.ipynb": json.dumps({"cells": []}).encode(),
        }
    )
    assert set(collected(outcome)) == {("doe1", SETS[0])}
    assert sorted(doubt.reason.split(",")[0].split("(")[0] for doubt in outcome.doubts) == [
        "homework.ipynb is not JSON ",
        "no cell of it belongs to a problem set of this course",
    ]


def test_two_that_nothing_tells_apart_are_a_doubt(run):
    outcome = run(
        {
            f"doejane_48211_1_{SETS[0]}.ipynb": notebook(answer="a"),
            f"doejane_48211_2_{SETS[0]}.ipynb": notebook(answer="b"),
        }
    )
    assert outcome.collected == ()
    assert "which is the later" in outcome.doubts[0].reason


def test_what_was_there_before_is_kept(run, tmp_path):
    run({f"doejane_48211_1_{SETS[0]}.ipynb": notebook(answer="old")})
    run({f"doejane_48211_1_{SETS[0]}.ipynb": notebook(answer="new")})
    run({f"doejane_48211_1_{SETS[0]}.ipynb": notebook(answer="new")})
    kept = sorted((tmp_path / "submitted.replaced" / "doe1").iterdir())
    assert [path.name for path in kept] == [f"{SETS[0]}.1"]
    assert b"old" in (kept[0] / f"{SETS[0]}.ipynb").read_bytes()
    assert sorted(path.name for path in (tmp_path / "submitted" / "doe1").iterdir()) == [SETS[0]]


def test_who_handed_in_something_else_is_told(run):
    outcome = run(
        {
            "Jane Doe_48211_assignsubmission_file/answers.pdf": b"%PDF-1.4",
            "Jane Doe_48211_assignsubmission_file/more.txt": b"x",
            "Änne Marie Müller_48212_assignsubmission_file/ps01_js_saturation.ipynb": notebook(),
            "Änne Marie Müller_48212_assignsubmission_file/photo.png": b"x",
            "readme.txt": b"x",
        }
    )
    assert list(collected(outcome)) == [("muel", SETS[0])]
    assert [(one.path, one.reason) for one in outcome.doubts] == [
        ("Jane Doe_48211_assignsubmission_file/answers.pdf", "doe1 has handed in no notebook, but this")
    ]


def test_only_one_problem_set_if_it_is_asked_for(run):
    members = {f"doejane_48211_1_{name}.ipynb": notebook(name) for name in SETS}
    assert set(collected(run(members, problem_set=SETS[1]))) == {("doe1", SETS[1])}


# ---- hostile downloads --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../../outside.ipynb", "/etc/outside.ipynb", "doe1/../../../outside.ipynb", "doe1\\..\\..\\outside.ipynb"],
)
def test_a_member_leads_nowhere(run, tmp_path, name):
    run({name: notebook()})
    inside = {path for path in tmp_path.rglob("*.ipynb")}
    assert all(path.is_relative_to(tmp_path / "submitted") for path in inside)
    assert not list(tmp_path.parent.glob("outside.ipynb"))


def test_a_link_in_a_folder_is_not_followed(tmp_path, roster):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(notebook())
    (tmp_path / "download" / "doe1").mkdir(parents=True)
    (tmp_path / "download" / "doe1" / f"{SETS[0]}.ipynb").symlink_to(secret)
    outcome = collecting.collect(tmp_path / "download", roster, BLUEPRINTS, tmp_path / "submitted")
    assert outcome.collected == ()


def test_a_link_in_a_zip_is_only_text(run):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(f"doejane_48211_1_{SETS[0]}.ipynb")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    outcome = run({"inner.zip": buffer.getvalue()})
    assert [entry.student for entry in outcome.collected] in ([], ["doe1"])
    for entry in outcome.collected:
        assert b"root:" not in (entry.folder / f"{SETS[0]}.ipynb").read_bytes()


def test_a_bomb_and_a_damaged_zip_cost_themselves(run, monkeypatch):
    monkeypatch.setattr("wgan_grader.download.MAX_MEMBER", 10_000)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.ipynb", b"0" * 10_000_000)
    broken = zipped({"a.ipynb": notebook()})[:-30]
    outcome = run(
        {
            "doejane_48211_1_bomb.zip": bomb.getvalue(),
            "doejane_48211_2_broken.zip": broken,
            f"mulleranne_48212_3_{SETS[0]}.ipynb": notebook(),
        }
    )
    assert set(collected(outcome)) == {("muel", SETS[0])}
    assert len(outcome.doubts) == 2


def test_what_is_no_download_is_named(tmp_path, roster):
    with pytest.raises(CollectError, match="there is no"):
        collecting.read_download(tmp_path / "nothing.zip")
    (tmp_path / "text.zip").write_text("hello")
    with pytest.raises(CollectError, match="neither a folder nor a zip"):
        collecting.read_download(tmp_path / "text.zip")


@settings(max_examples=60, deadline=None)
@given(names=st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=5, unique=True))
def test_no_name_stops_it_or_leads_outside(tmp_path_factory, names):
    place = tmp_path_factory.mktemp("names")
    try:
        (place / "d.zip").write_bytes(zipped({f"{name}.ipynb": notebook() for name in names}))
    except (UnicodeEncodeError, ValueError):
        return  # no zip can hold such a name
    roster = Roster((Student("doe1", "Jane", "Doe"),))
    outcome = collecting.collect(place / "d.zip", roster, BLUEPRINTS, place / "submitted")
    assert all(isinstance(doubt, Doubt) for doubt in outcome.doubts)
    assert {path.name for path in place.iterdir()} <= {"d.zip", "submitted"}


# ---- the class list ------------------------------------------------------------------------------------------------


def test_a_student_is_found_by_each_mark_and_by_a_whole_name(roster):
    for clue in (
        Clue(("48211",)),
        Clue(("DOE1",)),
        Clue(("jane.doe@uni.example",)),
        Clue(("jane.doe",)),
        Clue((), "Doe, Jane"),
        Clue((), "doejane"),
    ):
        assert roster.match(clue) == ["doe1"], clue
    assert roster.match(Clue((), "anne marie muller")) == ["muel"]
    assert roster.match(Clue((), "Jane")) == roster.match(Clue()) == roster.match(Clue(("4821",))) == []
    assert roster.match(Clue((), "Ann Lee")) == ["lee-a", "lee-b"]
    assert roster.match(Clue(("ann2@uni.example",), "Ann Lee")) == ["lee-b"]


@pytest.mark.parametrize(
    ("text", "students"),
    [
        ('Student,ID,SIS User ID,SIS Login ID,Section\n"Doe, Jane",48211,S1,jdoe,1\n', [("48211", "Jane", "Doe")]),
        ("Last Name;First Name;Username\nDoe;Jane;jdoe\n", [("jdoe", "Jane", "Doe")]),
        ("name\temail\nJane Doe\tj@x.example\n", [("j@x.example", "Jane", "Doe")]),
    ],
)
def test_lists_of_other_platforms(tmp_path, text, students):
    path = tmp_path / "list.csv"
    path.write_text(text)
    assert [(s.id, s.first, s.last) for s in Roster.read(path).students] == students


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour,shape\nred,round\n", "no column that names students"),
        ("id,email\n", "names no students"),
        ("id\na\na\n", "more than once"),
    ],
)
def test_a_list_that_cannot_be_used_says_why(tmp_path, text, words):
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(RosterError, match=words):
        Roster.read(path)
    with pytest.raises(RosterError, match="no class list"):
        Roster.read(Path(tmp_path / "none.csv"))


def test_zones_have_names():
    assert collecting.zone_of("") is UTC
    assert str(collecting.zone_of("Europe/Berlin")) == "Europe/Berlin"
    with pytest.raises(CollectError, match="Europe/Berlin"):
        collecting.zone_of("Middle/Earth")


# ---- what the command says -----------------------------------------------------------------------------------------


def test_the_command_says_what_is_missing_in_doubt_and_late_and_what_to_do(tmp_path, course_root, monkeypatch):
    for folder in ("solutions", "exercises"):
        shutil.copytree(course_root / folder / SETS[0], tmp_path / folder / SETS[0])
    shutil.copyfile(course_root / "nbgrader_config.py", tmp_path / "nbgrader_config.py")
    answers = (tmp_path / "exercises" / SETS[0] / f"{SETS[0]}.ipynb").read_bytes()
    names = ("doejane_LATE_48211_900100", "muellerannemarie_48212_900101", "smithx_49999_900102")
    (tmp_path / "download.zip").write_bytes(zipped({f"{name}_{SETS[0]}.ipynb": answers for name in names}))
    (tmp_path / "class.csv").write_text(ROSTER, encoding="utf-8")
    said = io.StringIO()
    monkeypatch.setattr(teaching, "console", Console(file=said, width=400))
    with pytest.raises(typer.Exit) as ended:
        teaching.collect(tmp_path / "download.zip", tmp_path / "class.csv", course=tmp_path)
    assert ended.value.exit_code == 1
    assert "2 handed in nothing: lee-a (Ann Lee), lee-b (Ann Lee)" in said.getvalue()
    assert "marked late by the platform, which gives no time" in said.getvalue()
    assert said.getvalue().index("49999 is not in the class list") < said.getvalue().index(teaching.DOUBTS)
