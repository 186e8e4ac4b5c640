"""What the sandbox is made of, and what can be done from inside it."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wgan_grader import sandbox
from wgan_grader.sandbox import Limits, Watchdog, Workspace

SLEEP = "import time; x = bytearray(b'x' * 2**26); time.sleep(60)"
needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")


@pytest.fixture
def space():
    made = Workspace.create()
    yield made
    made.remove()


def inside(space, code, **limits):
    """Run Python code in the sandbox, as a kernel would."""
    user = 2**20 + os.getpid() if sandbox.drops_user() else 0
    name = user or sandbox.NOBODY
    (space.root / "passwd").write_text(f"nobody:x:{name}:{name}:nobody:/:/x\n")
    if user:
        space.give_to(user)
    command = sandbox.bubblewrap_command(space, Limits(**limits), [sys.executable, "-c", code], user)
    return subprocess.run(command, env={"SECRET": "x"}, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", ["memory", "processes", "wall", "folder"])
def test_limits_must_be_positive(name):
    with pytest.raises(ValueError, match=name):
        Limits(**{name: 0})


def test_missing_bubblewrap_names_the_command(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(sandbox.SandboxError, match="apt-get install bubblewrap"):
        sandbox.require_bubblewrap()


def test_the_grader_is_covered_wherever_a_mounted_folder_holds_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "private_settings", lambda: [])
    assert sandbox.covered_paths() == ([], [])
    (tmp_path / "wgan_grader").mkdir()
    monkeypatch.setattr(sandbox.sysconfig, "get_path", lambda kind: str(tmp_path))
    assert sandbox.covered_paths() == ([], [])
    monkeypatch.setattr(sandbox, "visible_paths", lambda: ["/usr", str(tmp_path)])
    assert sandbox.covered_paths() == ([str(tmp_path / "wgan_grader")], [])
    monkeypatch.setattr(sandbox, "visible_paths", lambda: [str(sandbox.GRADER.parent)])
    assert sandbox.covered_paths() == ([str(sandbox.GRADER)], [])


def test_removing_a_workspace_leaves_nothing(space):
    (space.work / "deep").mkdir()
    space.remove()
    assert not space.root.exists()


@needs_bubblewrap
@pytest.mark.sandbox
def test_nothing_can_be_written_but_its_own_folders(space):
    places = ["/x", "/usr/x", "/etc/x", "/dev/x", str(sandbox.PACKAGE / "x"), f"{sandbox.INPUTS}/x", sys.prefix + "/x"]
    own = [f"{sandbox.OUTPUTS}/x", f"{sandbox.WORK}/x", "/tmp/x", f"{sandbox.HOME}/x"]
    code = f"""
for path in {places + own}:
    try: open(path, "w")
    except OSError: continue
    print(path)"""
    assert inside(space, code).stdout.split() == own


@needs_bubblewrap
@pytest.mark.sandbox
def test_nothing_of_the_grader_can_be_seen(space):
    code = f"""
import os, glob
print(sorted(os.environ) == {sorted([*sandbox.environment(), "PWD"])} or sorted(os.environ))
print(os.getuid() != 0, sorted(os.listdir({str(sandbox.PACKAGE.parent)!r})))
print(len(glob.glob("/proc/[0-9]*")) <= 3)"""
    python = Path(sys.prefix)
    beside = sorted({"wgan_course", *({python.name} if python.parent == sandbox.PACKAGE.parent else set())})
    assert inside(space, code).stdout.splitlines() == ["True", f"True {beside}", "True"]


@needs_bubblewrap
@pytest.mark.sandbox
def test_there_is_no_network(space):
    code = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 2)\nexcept OSError as e: print(e)"
    assert "unreachable" in inside(space, code).stdout


@needs_bubblewrap
@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("code", "limits", "error"),
    [
        ("open('big', 'wb').write(b'x' * 2**21)", {"file_size": 2**20}, "File too large"),
        ("open('/tmp/big', 'wb').write(b'x' * 2**21)", {"temporary": 2**20}, "No space left"),
        ("b'x' * 2**31", {"address_space": 2**30}, "MemoryError"),
        ("import os\nkept = [open('/dev/null') for _ in range(99)]", {"open_files": 40}, "Too many open files"),
    ],
)
def test_limits_hold(space, code, limits, error):
    assert error in inside(space, code, **limits).stderr


@needs_bubblewrap
@pytest.mark.sandbox
def test_processes_are_limited(space):
    code = """
import os
for count in range(1000):
    try:
        if os.fork() == 0: os.read(os.pipe()[0], 1)
    except BlockingIOError: break
print(count)"""
    done = inside(space, code, processes=20)
    assert int(done.stdout.split()[-1]) < 20


@needs_bubblewrap
@pytest.mark.sandbox
def test_processor_time_is_limited(space):
    assert inside(space, "while True: pass", processor=1).returncode != 0


def test_the_container_has_the_same_limits(space):
    limits = Limits(memory=123456, processes=17, temporary=4321)
    command = sandbox.container_command(space, limits, ["kernel"], "podman", "image", "name")
    joined = " ".join(command)
    fence = ["--network none", "--read-only", "--cap-drop ALL", "no-new-privileges", f"{sandbox.INPUTS}:ro"]
    sizes = ["--memory 123456", "--memory-swap 123456", "--pids-limit 17", "size=4321"]
    assert [words for words in fence + sizes if words not in joined] == []
    assert command[:2] == ["podman", "run"]
    assert command[-1] == "kernel"
    assert '"RLIMIT_NPROC": 17' in joined


def test_the_container_hides_what_bubblewrap_hides(space):
    joined = " ".join(sandbox.container_command(space, Limits(), ["kernel"], "docker", "image", "name"))
    folders, files = sandbox.covered_paths()
    assert all(f"--tmpfs {folder}:ro" in joined for folder in folders)
    assert all(f"empty:{file}:ro" in joined for file in files)


def test_a_container_engine_must_exist(space):
    provisioner = sandbox.ContainerProvisioner(workspace=str(space.root), engine="no-such-engine")
    with pytest.raises(sandbox.SandboxError, match="no-such-engine is not installed"):
        provisioner.confine(["kernel"])


def test_the_kernel_is_ours_whatever_is_asked_for(space):
    spec = sandbox.kernel_spec(space, Limits())
    stanza = spec.metadata["kernel_provisioner"]
    assert spec.argv[0] == sys.executable
    assert stanza["provisioner_name"] == "wgan-bubblewrap"
    assert stanza["config"]["workspace"] == str(space.root)


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", SLEEP])
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("limits", "words"),
    [({"wall": 1e-3}, "seconds"), ({"processes": 1}, "processes"), ({"memory": 2**20}, "MiB of memory")],
)
def test_the_watchdog_says_what_is_too_much(space, sleeper, limits, words):
    dog = Watchdog(sleeper.pid, space, Limits(**limits))
    time.sleep(0.01)
    assert words in dog.excess()


@pytest.mark.parametrize(("limits", "words"), [({"files": 3}, "3 files"), ({"folder": 2**20}, "1 MiB")])
def test_the_watchdog_counts_files(space, sleeper, limits, words):
    for number in range(5):
        (space.work / f"{number}").write_bytes(b"x" * 2**19)
    assert words in Watchdog(sleeper.pid, space, Limits(**limits)).excess()


FORKED = """
import os, time
x = bytearray(b'x' * 2**27)
for _ in range(3):
    if not os.fork():
        {then}
        time.sleep(60)
print(flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("then", "found"), [("pass", False), ("x[:] = b'y' * 2**27", True)])
def test_the_watchdog_counts_what_forks_share_once(space, then, found):
    code = FORKED.format(then=then)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        time.sleep(0.5)
        dog = Watchdog(process.pid, space, Limits(memory=2**28))
        assert ("memory" in dog.excess()) == found
        sandbox.kill_tree(process.pid)


def test_the_watchdog_is_content_with_little(space, sleeper):
    assert Watchdog(sleeper.pid, space, Limits()).excess() == ""


def test_the_watchdog_kills(space, sleeper):
    dog = Watchdog(sleeper.pid, space, Limits(wall=1e-3), interval=0.01)
    dog.start()
    dog.join(timeout=20)
    assert sleeper.wait(timeout=20) != 0
    assert "seconds" in dog.reason
