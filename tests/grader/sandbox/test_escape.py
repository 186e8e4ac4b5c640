"""Ways out of the sandbox that need no kernel to be tried: each is refused by the operating system."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from wgan_grader import sandbox, syscalls
from wgan_grader.sandbox import Limits, Watchdog, Workspace

pytestmark = [pytest.mark.sandbox, pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")]
CALL = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    ctypes.set_errno(0)
    result = getattr(libc, name)(*arguments)
    print("allowed" if result != -1 else errno.errorcode[ctypes.get_errno()])
"""


@pytest.fixture(scope="module")
def space():
    made = Workspace.create()
    yield made
    made.remove()


def inside(space, code):
    """Run Python code in the sandbox; what it printed."""
    user = 2**20 + os.getpid() if sandbox.drops_user() else 0
    name = user or sandbox.NOBODY
    (space.root / "passwd").write_text(f"nobody:x:{name}:{name}:nobody:/:/x\n")
    if user:
        space.give_to(user)
    command = sandbox.bubblewrap_command(space, Limits(), [sys.executable, "-c", code], user)
    environment = {"COURSE_PASSWORD": "hunter2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("unshare", "0x10000000"),
        ("unshare", "0x10020000"),
        ("mount", "b'none', b'/tmp', b'tmpfs', 0, None"),
        ("mount", "None, b'/', None, 0x1020, None"),
        ("umount2", f"{bytes(sandbox.PACKAGE / 'check')!r}, 2"),
        ("umount2", f"{bytes(sandbox.PACKAGE / '__init__.py')!r}, 2"),
        ("ptrace", "16, 1, 0, 0"),
        ("process_vm_readv", "1, None, 0, None, 0, 0"),
        ("memfd_create", "b'x', 0"),
        ("shmget", "0, 1 << 20, 0o1600"),
        ("msgget", "0, 0o1600"),
        ("socket", "40, 1, 0"),
        ("socket", "38, 5, 0"),
        ("socket", "17, 3, 0"),
    ],
)
def test_calls_without_a_use_are_refused(space, name, arguments):
    assert inside(space, f"{CALL}\ncall({name!r}, {arguments})") == "EPERM"


@pytest.mark.skipif(syscalls.platform.machine() != "x86_64", reason="the numbers are those of x86_64")
@pytest.mark.parametrize(("number", "error"), [(250, "EPERM"), (321, "EPERM"), (425, "EPERM"), (435, "ENOSYS")])
def test_calls_without_a_name_are_refused(space, number, error):
    assert inside(space, f"{CALL}\ncall('syscall', {number}, 0, 0, 0, 0)") == error


def test_a_new_user_namespace_by_clone_is_refused(space):
    code = f"{CALL}\ncall('clone', ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 0), None, 0x10000000 | 17, None)"
    stack = code.replace("None, 0x1", "ctypes.byref(ctypes.create_string_buffer(65536), 65520), 0x1")
    assert inside(space, stack) == "EPERM"


def test_threads_processes_and_unix_sockets_still_work(space):
    code = """
import os, socket, subprocess, threading
ran = []
thread = threading.Thread(target=ran.append, args=(1,)); thread.start(); thread.join()
socket.socketpair()
spawned = os.posix_spawn("/bin/true", ["true"], {})
print(ran, subprocess.run(["true"]).returncode, os.waitpid(spawned, 0)[1])
"""
    assert inside(space, code) == "[1] 0 0"


def test_no_right_is_left_and_none_can_be_had_back(space):
    code = """
import os
lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
lines = {name: int(text, 16) for name, text in lines.items() if name[:3] in ("Cap", "NoN", "Sec")}
print([lines[name] for name in ("CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp")])
try: os.setuid(0)
except PermissionError: print("stays")"""
    assert inside(space, code).split("\n") == ["[0, 0, 0, 1, 2]", "stays"]


def test_no_file_of_the_grader_is_open(space):
    code = "import os; print([fd for fd in map(int, os.listdir('/proc/self/fd')) if fd > 3])"
    assert inside(space, code) == "[]"


def test_the_grader_s_environment_is_nowhere(space):
    code = """
import glob, os
found = repr(dict(os.environ))
for path in glob.glob("/proc/[0-9]*/environ"):
    try: found += open(path).read()
    except OSError: pass
print("hunter2" in found, len(found) > 50)"""
    assert inside(space, code) == "False True"


def test_other_runs_cannot_be_seen(space):
    other = Workspace.create()
    try:
        (other.sockets / "kernel.json").write_text('{"key": "secret"}')
        code = f"import glob, os; print(os.path.exists({str(other.root)!r}), len(glob.glob('/tmp/wgan-*')))"
        assert inside(space, code) == "False 1"
    finally:
        other.remove()


def test_the_history_and_the_solutions_are_not_there(space):
    course = sandbox.PACKAGE.parent
    code = f"import os; print(sorted(os.listdir({str(course)!r})))"
    seen = {path.relative_to(course).parts[0] for path in map(type(course), sandbox.visible_paths())
            if path.is_relative_to(course)}  # fmt: skip
    assert inside(space, code) == str(sorted(seen))
    assert not seen & {".git", "solutions", "exercises", "submitted", "gradebook.db", "tests", "book"}


def test_nothing_of_the_grader_can_be_imported(space):
    code = """
import importlib
for name in ("", ".problems.ps01.kl", ".registry", ".verdict", ".judge", ".own"):
    try: found = vars(importlib.import_module("wgan_grader" + name))
    except ImportError: continue
    print(name, [word for word in found if word[0] != "_"])"""
    assert inside(space, code) == ""


def test_settings_with_passwords_are_covered(space, tmp_path, monkeypatch):
    prefix = tmp_path / "prefix"
    (prefix / "etc" / "jupyter").mkdir(parents=True)
    (prefix / "pip.conf").write_text("password")
    assert sandbox.private_settings([str(prefix)]) == [prefix / "pip.conf", prefix / "etc" / "jupyter"]
    code = "import os; print([os.listdir(p) for p in ('/usr/etc', '/usr/local/etc') if os.path.exists(p)])"
    assert set(inside(space, code)) <= set("[], ")


def test_a_copy_among_the_libraries_is_covered(tmp_path, monkeypatch):
    """As where the wheel is installed: both packages side by side, in a folder that submissions see."""
    prefix = tmp_path / "prefix"
    (prefix / "wgan_grader" / "problems").mkdir(parents=True)
    (prefix / "wgan_grader" / "judge.py").write_text("print('the key')")
    monkeypatch.setattr(sandbox.sysconfig, "get_path", lambda kind: str(prefix))
    places = [*sandbox.visible_paths(), str(prefix)]
    monkeypatch.setattr(sandbox, "visible_paths", lambda: places)
    space = Workspace.create()
    try:
        assert inside(space, f"import os; print(os.listdir({str(prefix / 'wgan_grader')!r}))") == "[]"
    finally:
        space.remove()


def test_a_course_inside_of_what_can_be_read_is_refused(tmp_path, monkeypatch):
    sandbox.require_unseen(tmp_path)
    sandbox.require_unseen(sandbox.PACKAGE.parent)
    with pytest.raises(sandbox.SandboxError, match="please move it"):
        sandbox.require_unseen(sandbox.PACKAGE / "course")
    with pytest.raises(sandbox.SandboxError, match="/usr"):
        sandbox.require_unseen(type(tmp_path)("/usr/share/course"))


def test_another_copy_of_the_package_is_refused(tmp_path, monkeypatch):
    """Submissions would import the installed one, or none; the whole class would get 0 points."""
    sandbox.require_same_package()
    with pytest.raises(sandbox.SandboxError, match="would import that of"):
        sandbox.require_same_package(tmp_path / sandbox.PACKAGE.name)
    with pytest.raises(sandbox.SandboxError, match="would not find it"):
        sandbox.require_same_package(tmp_path / "wgan_course_of_nobody")


def test_files_without_a_name_are_counted(space):
    code = (
        "import os, time\nf = open('x', 'wb'); os.unlink('x'); f.write(b'x' * 2**22); f.flush(); print(1, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code + "time.sleep(60)"], cwd=space.work, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        assert sandbox._unlinked([psutil.Process(process.pid)]) >= 2**22
        assert "wrote more than 1 MiB" in Watchdog(process.pid, space, Limits(folder=2**20)).excess()
        assert Watchdog(process.pid, space, Limits(folder=2**23)).excess() == ""
    finally:
        process.kill()
        process.communicate()


IN_FLIGHT = """
import errno, os, socket
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
sent = 0
try:
    while sent < 40:
        with open(os.path.join(PLACE, "x"), "wb", buffering=0) as file:
            os.unlink(file.name)
            if file.write(bytes(2**19)) < 2**19: raise OSError(errno.ENOSPC, "cut")
            socket.send_fds(ours, [b"x"], [file.fileno()])
        sent += 1
except OSError as error:
    print(errno.errorcode[error.errno], sent)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="needs the rights of root")
@pytest.mark.parametrize("place", ["work", "outputs", "sockets"])
def test_files_that_no_process_has_open_fill_no_more_than_their_own_room(place):
    """A file without a name, on its way through a socket, is seen by no watchdog; the file system has an end."""
    space = Workspace.create(Limits(folder=2**21))
    inside_of = {"work": sandbox.WORK, "outputs": sandbox.OUTPUTS, "sockets": str(space.sockets)}[place]
    try:
        said, sent = inside(space, f"PLACE = {inside_of!r}\n{IN_FLIGHT}").split()
    finally:
        space.remove()
    assert said == "ENOSPC"
    assert 1 <= int(sent) <= 5
    assert str(space.root) not in Path("/proc/mounts").read_text()


@pytest.mark.skipif(os.getuid() != 0, reason="needs the rights of root")
def test_what_a_killed_grader_left_is_unmounted_and_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox.tempfile, "tempdir", str(tmp_path))
    left = Workspace.create()
    (left.work / "file").write_text("x")
    sandbox.OWNED.pop(left.root).release()  # as the operating system does when its owner is killed
    monkeypatch.setattr(sandbox, "YOUNG", -1.0)
    other = Workspace.create()
    assert not left.root.exists()
    assert str(left.root) not in Path("/proc/mounts").read_text()
    other.remove()
    assert list(tmp_path.iterdir()) == []


def test_locked_folders_are_deleted_and_links_in_them_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)
    folder = tmp_path / "folder"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "link").symlink_to(outside)
    (folder / "a" / "b").chmod(0)
    (folder / "a").chmod(0)
    sandbox._delete(folder)
    assert not folder.exists()
    assert outside.stat().st_mode & 0o777 == 0o500


# --- the filter itself -----------------------------------------------------------------------------------------------


def verdict(machine, number, argument=0, audit=None):
    """Run the filter's steps as the operating system would; what it returns for this call."""
    known = syscalls.MACHINES[machine]
    fields = {syscalls.NUMBER: number, syscalls.ARCHITECTURE: audit or known.audit, syscalls.FIRST_ARGUMENT: argument}
    steps, at, value = list(syscalls.instructions(known)), 0, 0
    holds = {
        syscalls.EQUAL: lambda a, b: a == b,
        syscalls.AT_LEAST: lambda a, b: a >= b,
        syscalls.HAS_BIT: lambda a, b: a & b,
    }
    while True:
        operation, yes, no, constant = steps[at]
        at += 1
        if operation == syscalls.RETURN:
            return constant
        if operation == syscalls.LOAD:
            value = fields[constant]
        else:
            at += yes if holds[operation](value, constant) else no


@pytest.mark.parametrize("machine", sorted(syscalls.MACHINES))
def test_the_filter_decides_as_it_says(machine):
    known = syscalls.MACHINES[machine]
    refused = {*known.refused, *syscalls.EVERYWHERE.values()}
    usual = set(range(450)) - refused - {syscalls.CLONE3, known.socket}
    assert {verdict(machine, number) for number in refused} == {syscalls.REFUSE}
    assert {verdict(machine, number) for number in usual} == {syscalls.ALLOW}
    assert verdict(machine, syscalls.CLONE3) == syscalls.UNKNOWN
    allowed = [family for family in range(50) if verdict(machine, known.socket, family) == syscalls.ALLOW]
    assert allowed == list(syscalls.FAMILIES)
    assert verdict(machine, known.clone, syscalls.NEW_USER | 17) == syscalls.REFUSE
    assert verdict(machine, known.clone, 0x3D0F00) == syscalls.ALLOW


@pytest.mark.parametrize("machine", sorted(syscalls.MACHINES))
def test_other_kinds_of_call_do_not_get_round_it(machine):
    assert verdict(machine, 1, audit=0x40000003) == syscalls.REFUSE
    assert verdict(machine, syscalls.OTHER_ABI + 1) == syscalls.REFUSE


def test_an_unknown_processor_has_no_filter():
    assert syscalls.program("riscv64") == b""
    assert len(syscalls.program("x86_64")) % 8 == 0
