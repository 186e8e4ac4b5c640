"""Folders of any names, kinds and depths: they are looked through, and only plain files go on."""

import errno
import os
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wgan_grader import folders
from wgan_grader.folders import copy_plain_files, hash_folder, look_through, name_trouble, no_room, shown

NAMES = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.sampled_from([b"timestamp.txt", b"a.ipynb", b"n" * 250, b"..a", b" ", b"\xff", b"a\nb", "ü".encode(), b"-rf"]),
).filter(lambda name: name not in (b".", b"..") and not set(name) & {0, 47})
KINDS = st.sampled_from(["file", "link", "loop", "pipe", "folder", "locked"])


def make(kind, path):
    if kind == "file":
        with open(path, "wb") as file:
            file.write(b"1")
    elif kind == "link":
        os.symlink(b"/etc/passwd", path)
    elif kind == "loop":
        os.symlink(os.path.dirname(path), path)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        os.mkdir(path, 0o000 if kind == "locked" else 0o700)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(KINDS, NAMES, st.booleans()), max_size=8))
def test_any_folder_is_looked_through_and_only_plain_files_are_copied(entries):
    with tempfile.TemporaryDirectory() as source, tempfile.TemporaryDirectory() as target:
        here, plain = os.fsencode(source), 0
        for kind, name, inside in entries:
            path = os.path.join(here, name)
            if os.path.lexists(path):
                continue
            make(kind, path)
            plain += kind == "file"
            here = path if kind == "folder" and inside else here
        found = look_through(Path(source))
        assert len(found.files) <= plain
        copy_plain_files(Path(source), Path(target))
        copied = [path for path in Path(target).rglob("*") if not path.is_dir()]
        assert all(path.is_file() and not path.is_symlink() and path.read_bytes() == b"1" for path in copied)
        assert hash_folder(Path(source)) == hash_folder(Path(source))
        for folder in Path(source).rglob("*"):
            if folder.is_dir() and not folder.is_symlink():
                folder.chmod(0o700)


@pytest.mark.parametrize("name", ["ann", "ü", "doe, jane", "a@b.org", "x" * 128, "[a]*", "..a", "a{b}", "-rf"])
def test_names_that_a_student_may_have(name):
    assert name_trouble(name) == ""


@pytest.mark.parametrize("name", ["a\nb", "a\x00", "\udcff", " a", "a ", ".", "..", "x" * 129, "a\u202eb", "a\u2028b"])
def test_names_that_no_student_has(name):
    assert name_trouble(name)


@pytest.mark.parametrize("name", ["a\nb", "\udcff", "a\u202eb", "plain"])
def test_any_name_can_be_shown(name):
    shown(name).encode("utf-8")
    assert shown(name).isprintable()
    assert shown("plain") == "plain"


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "no room"), (errno.EDQUOT, "no room"), (errno.EROFS, "read-only"), (errno.EIO, "")],
)
def test_a_disk_that_takes_nothing_is_named(code, words):
    said = no_room(OSError(code, "x"))
    assert words in said
    assert bool(said) is bool(words)


def test_what_is_too_deep_or_too_many_is_left_out_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MAX_DEPTH", 2)
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").write_text("1")
    (tmp_path / "a" / "b" / "c" / "y").write_text("1")
    found = look_through(tmp_path)
    assert (sorted(found.files), found.left_out) == (["a/b/x"], ["a/b/c"])
    monkeypatch.setattr(folders, "MAX_ENTRIES", 1)
    assert look_through(tmp_path).left_out == ["all after 1 entries"]


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("/x/doejane_12345_67890_ps06_gradient_penalty.ipynb", "doejane"),
        ("/x/doejane_LATE_12345_67890_ps06_gradient_penalty-2.ipynb", "doejane"),
        ("/x/Jane Doe_4711_assignsubmission_file_ps06_gradient_penalty.ipynb", "Jane Doe"),
        ("/x/Jane Doe_4711_assignsubmission_file_/ps06_gradient_penalty (1).ipynb", "Jane Doe"),
        ("/x/notes.ipynb", None),
    ],
)
def test_zip_collect_knows_the_names_of_canvas_and_moodle(course_root, path, student):
    text = (course_root / "nbgrader_config.py").read_text()
    parts = re.findall(r'r"(.*)"', text[text.index("named_regexp") :])
    match = re.match("".join(parts), path)
    assert (match and match["student_id"]) == student
    assert match is None or match["file_id"] == "ps06_gradient_penalty"
