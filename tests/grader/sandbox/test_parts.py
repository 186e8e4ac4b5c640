"""The parts of sandbox and execution that need no kernel: commands, folders, processes, limits, messages."""

import json
import os
import signal
import stat
import subprocess
import sys
import types

import pytest
from demo_class import graded, solution_notebook
from nbformat.v4 import new_code_cell

from wgan_grader import execution, sandbox, warm
from wgan_grader.execution import BoundedClient, Settings
from wgan_grader.sandbox import ContainerProvisioner, Limits, Workspace


@pytest.fixture
def space():
    made = Workspace.create()
    yield made
    made.remove()


def after(command, word):
    """Words that follow each occurrence of an option."""
    return [command[index + 1] for index, found in enumerate(command) if found == word]


# --- limits and folders ----------------------------------------------------------------------------------------------


def test_every_limit_has_its_name_in_the_operating_system():
    import resource

    limits = Limits(address_space=5, processor=7, processes=11, open_files=13, file_size=17).rlimits()
    assert all(hasattr(resource, name) for name in limits)
    assert sorted(limits.values()) == [0, 5, 7, 11, 13, 17]


def test_socket_paths_are_short_enough(space):
    assert len(str(space.sockets / "s-10")) < 107


def test_only_three_folders_can_be_written(space):
    assert set(space.writable()) == {space.sockets, space.outputs, space.work}
    assert space.inputs not in space.writable()


def test_giving_a_workspace_away_keeps_the_rest(space):
    (space.work / "deep").mkdir()
    (space.work / "deep" / "file").touch()
    (space.work / "link").symlink_to(space.root / "empty")
    given = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox.os, "chown", lambda path, user, group, follow_symlinks: given.append((path, user)))
        space.give_to(4321)
    assert {user for _, user in given} == {4321}
    assert {path.name for path, _ in given} == {"k", "out", "work", "deep", "file", "link"}
    assert stat.S_IMODE(space.root.stat().st_mode) == 0o711


def test_restoring_brings_back_the_submission_and_nothing_else(space):
    (space.work / "data.csv").write_text("1")
    space.remember()
    (space.work / "data.csv").write_text("changed")
    (space.work / "new").write_text("x")
    (space.outputs / "ps01.kl.safetensors").write_text("forged")
    (space.sockets / "kernel.json").symlink_to("/etc/passwd")
    space.restore()
    assert [path.name for path in space.work.iterdir()] == ["data.csv"]
    assert (space.work / "data.csv").read_text() == "1"
    assert list(space.outputs.iterdir()) == list(space.sockets.iterdir()) == []


def test_two_workspaces_share_nothing(space):
    other = Workspace.create()
    try:
        assert not other.root.is_relative_to(space.root)
        assert not space.root.is_relative_to(other.root)
        assert stat.S_IMODE(other.root.stat().st_mode) == 0o700
    finally:
        other.remove()


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.fixture
def bubblewrap(monkeypatch):
    monkeypatch.setattr(sandbox, "require_bubblewrap", lambda: "bwrap")


@pytest.mark.parametrize("user", [0, 1234567])
def test_the_command_closes_every_door(bubblewrap, space, user):
    command = sandbox.bubblewrap_command(space, Limits(), ["kernel", "x"], user)
    words = {"--die-with-parent", "--new-session", "--clearenv"}
    assert words <= set(command)
    assert command[-2:] == ["kernel", "x"]
    assert "--share-net" not in command
    alone = "--unshare-all" in command or {"--unshare-net", "--unshare-pid", "--unshare-ipc"} <= set(command)
    assert alone


def test_without_root_there_is_a_user_namespace_and_no_second_one(bubblewrap, space):
    command = sandbox.bubblewrap_command(space, Limits(), ["kernel"], 0)
    assert {"--unshare-user", "--disable-userns"} <= set(command)
    assert after(command, "--uid") == after(command, "--gid") == [str(sandbox.NOBODY)]


def test_with_root_only_the_rights_to_give_up_root_are_kept(bubblewrap, space):
    command = sandbox.bubblewrap_command(space, Limits(), ["kernel"], 99)
    assert after(command, "--cap-add") == ["CAP_SETUID", "CAP_SETGID"]
    given = json.loads(command[command.index(warm.TEXT) + 1])
    assert given["user"] == 99
    assert given["limits"] == Limits().rlimits()


def test_only_the_run_s_own_folders_are_writable(bubblewrap, space):
    command = sandbox.bubblewrap_command(space, Limits(), ["kernel"], 0)
    assert set(after(command, "--bind")) == {str(path) for path in space.writable()}
    assert after(command, "--remount-ro")[-1] == "/"
    assert "--dev-bind" not in command


def test_temporary_folders_have_a_size(bubblewrap, space, monkeypatch):
    monkeypatch.setattr(sandbox, "covered_paths", lambda: (["/usr/local/secrets"], []))
    command = sandbox.bubblewrap_command(space, Limits(temporary=12345), ["kernel"], 0)
    mounts = [index for index, word in enumerate(command) if word == "--tmpfs"]
    sizes = {command[index + 1]: command[index - 1] for index in mounts}
    assert {sizes[path] for path in ("/tmp", "/dev/shm", sandbox.HOME)} == {"12345"}
    assert sizes["/usr/local/secrets"] == "4096"


def test_a_course_under_tmp_is_mounted_over_the_empty_folder(bubblewrap, space):
    command = sandbox.bubblewrap_command(space, Limits(), ["kernel"], 0)
    mounts = [command[index + 1] for index, word in enumerate(command) if word == "--tmpfs"]
    assert mounts[:3] == ["/tmp", "/dev/shm", sandbox.HOME]
    assert command.index(sandbox.HOME) < command.index("--ro-bind")


def test_the_environment_is_made_of_nothing_of_the_grader_s(monkeypatch):
    monkeypatch.setenv("COURSE_PASSWORD", "hunter2")
    made = sandbox.environment()
    assert "hunter2" not in repr(made)
    assert made["HOME"] == sandbox.HOME
    assert set(os.environ) & set(made) <= set(made)
    assert made["WGAN_COURSE_OBSERVE_IN"] != made["WGAN_COURSE_OBSERVE_OUT"]


def test_no_visible_path_is_inside_of_another():
    paths = sandbox.visible_paths()
    assert str(sandbox.PACKAGE) in paths
    plain = [path for path in paths if not os.path.islink(path)]
    assert [(a, b) for a in plain for b in plain if a != b and a.startswith(b + "/")] == []


def test_the_course_itself_is_not_visible():
    assert str(sandbox.PACKAGE.parent) not in sandbox.visible_paths()


def test_parents_come_before_children():
    parents = sandbox._parents(["/a/b/c", "/a/d"])
    assert parents.index("/a") < parents.index("/a/b")
    assert "/" not in parents


def test_the_launcher_takes_the_limits_and_becomes_the_kernel():
    given = {"limits": {"RLIMIT_NOFILE": 40, "RLIMIT_CORE": 0}, "user": 0, "filter": ""}
    code = "import os, resource; print(resource.getrlimit(resource.RLIMIT_NOFILE), oct(os.umask(0)))"
    words = [sys.executable, "-I", "-S", "-c", warm.TEXT, json.dumps(given), sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split("\n")[0] == "(40, 40) 0o77"


# --- containers ------------------------------------------------------------------------------------------------------


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """An engine that writes down what it is asked for."""
    script = tmp_path / "podman"
    script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "asked"


@pytest.fixture
def container(engine, space, monkeypatch):
    monkeypatch.setattr(sandbox.os, "chown", lambda *a, **k: None)
    made = ContainerProvisioner(workspace=str(space.root), engine="podman", image="img")
    return made, made.confine(["kernel"])


def test_a_container_has_a_name_of_its_own(container):
    made, command = container
    assert after(command, "--name") == [made.container]
    assert made.container.startswith("wgan-")
    assert made.confine(["kernel"]) != command


def test_a_container_is_stopped_by_its_name(container, engine):
    made, _ = container
    execution.run_to_end(made.send_signal(2))
    execution.run_to_end(made.kill())
    execution.run_to_end(made.send_signal(0))
    assert engine.read_text().splitlines() == [f"kill --signal 2 {made.container}", f"kill {made.container}"]


def test_a_container_is_never_root(container):
    _, command = container
    assert after(command, "--user") != ["0"]
    assert "--privileged" not in command


# --- processes -------------------------------------------------------------------------------------------------------


def test_a_family_ends_with_its_parent():
    code = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as top:
        child = int(top.stdout.readline())
        assert {top.pid, child} <= {process.pid for process in sandbox.family(top.pid)}
        sandbox.kill_tree(top.pid)
    assert top.returncode == -9
    assert sandbox.family(top.pid) == []


def test_who_is_gone_has_no_family():
    process = subprocess.Popen(["true"])
    process.wait()
    assert sandbox.family(process.pid) == []
    sandbox.kill_tree(process.pid)


def test_a_kernel_that_has_ended_takes_no_signal(space):
    process = subprocess.Popen(["true"])
    process.wait()
    made = sandbox.BubblewrapProvisioner(workspace=str(space.root))
    made.entered = process.pid
    execution.run_to_end(made.send_signal(signal.SIGINT))


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", ""), (b"one\n\ntwo\n", "two"), (b"\xff bad", "\ufffd bad"), (b"x" * 5000, "x" * 300)],
)
def test_last_words(space, content, expected):
    (space.root / "kernel.log").write_bytes(content)
    made = sandbox.BubblewrapProvisioner(workspace=str(space.root))
    assert made.last_words() == expected


def test_there_may_be_no_last_words(space):
    assert sandbox.BubblewrapProvisioner(workspace=str(space.root)).last_words() == ""


def test_settings_of_a_kernel_without_a_sandbox_have_no_limits(space):
    spec = sandbox.kernel_spec(space, Limits(), "local-provisioner")
    assert spec.metadata["kernel_provisioner"] == {"provisioner_name": "local-provisioner", "config": {}}


# --- running cells ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        (graded("code", "set-up", "import torch"), 90),
        (graded("code", "kl", "x", solution=True), 5),
        (graded("code", "check", "x", points=1), 5),
        (new_code_cell("x"), 5),
    ],
)
def test_only_the_course_s_own_cells_have_longer(cell, seconds):
    assert execution._time_for(cell, Settings(cell_timeout=5, setup_timeout=90)) == seconds


def client(*sizes):
    """Client that has taken messages of these sizes for one cell; the cell's outputs, and which were taken."""
    made = BoundedClient(solution_notebook())
    cell = new_code_cell("x")
    cell.outputs = []
    taken = [made._room({"content": {"text": "x" * size}}, cell) for size in sizes]
    return made, cell, taken


def test_output_is_taken_up_to_the_limit(monkeypatch):
    monkeypatch.setattr(execution, "MAX_CELL_OUTPUT", 100)
    monkeypatch.setattr(execution, "LEAST_WEIGHT", 1)
    _, cell, taken = client(60, 40, 1, 1)
    assert taken == [True, True, False, False]
    assert [output["text"] for output in cell.outputs] == [execution.TRUNCATED]


def shown_by(messages):
    """How many outputs are kept of a cell's messages, as a kernel sends them."""
    made, cell = BoundedClient(solution_notebook()), new_code_cell("x", outputs=[])
    made.clear_before_next_output = False  # as at the beginning of a cell
    for kind, content in messages:
        sent = {"msg_type": kind, "header": {"msg_type": kind}, "parent_header": {}, "content": content}
        made.process_message(sent, cell, 0)
    execution.clean_outputs(cell)
    return cell.outputs


def test_many_outputs_are_cut_however_small_they_are():
    """To show one takes time in the process that writes for everybody."""
    display = ("display_data", {"data": {"text/plain": "x"}, "metadata": {}, "transient": {}})
    streams = [("stream", {"name": name, "text": "x"}) for name in ("stdout", "stderr")]
    for messages in ([display] * 3000, streams * 1500):
        shown = shown_by(messages)
        assert 400 < len(shown) < 600
        assert any("left out" in output.get("text", "") for output in shown)


def test_what_is_printed_line_by_line_is_one_text_and_whole():
    lines = [f"line {number}\n" for number in range(execution.MAX_NOTEBOOK_OUTPUT // execution.LEAST_WEIGHT + 1000)]
    (output,) = shown_by([("stream", {"name": "stdout", "text": line}) for line in lines])
    assert output.text == "".join(lines)


def test_a_cell_that_prints_on_is_interrupted_once(monkeypatch):
    interrupted = []
    monkeypatch.setattr(execution, "MAX_PRINTED", 100)
    monkeypatch.setattr(execution.asyncio, "ensure_future", interrupted.append)
    made = BoundedClient(solution_notebook())
    made.km = types.SimpleNamespace(interrupt_kernel=lambda: "stop")
    cell = new_code_cell("x")
    for _ in range(5):
        made._room({"content": "x" * 60}, cell)
    assert interrupted == ["stop"]


@pytest.mark.parametrize(("starved", "more"), [(3.0, True), (0.2, False)])
def test_time_in_which_a_cell_waited_for_a_processor_is_given_back(monkeypatch, starved, more):
    """Beside busy neighbours; the reply then comes in the time that was given."""

    async def reply(milliseconds):
        return True

    made, socket = BoundedClient(solution_notebook()), types.SimpleNamespace(poll=reply)
    made.kc = types.SimpleNamespace(shell_channel=types.SimpleNamespace(socket=socket))
    monkeypatch.setattr(BoundedClient, "_starved", lambda self: starved)
    assert execution.run_to_end(made._has_more_time(4)) is more


def test_each_cell_begins_with_nothing_printed():
    made, _, _ = client(10, 10)
    made.timed_out = True
    execution.run_to_end(made.begin())
    assert (made.timed_out, made.printed, made.kept) == (False, 0, 0)


def test_widgets_are_not_taken():
    assert client()[0].process_message({"msg_type": "comm_open", "content": {}}, new_code_cell(""), 0) is None


@pytest.mark.parametrize(
    ("reason", "said", "error", "expected"),
    [
        ("too much memory", "x", execution.DeadKernelError("Kernel died"), "too much memory"),
        ("", "x", execution.DeadKernelError("it went on"), "it went on"),
        ("", "x", execution.DeadKernelError("Kernel died"), "it ended its own process"),
        ("", "bwrap: no", RuntimeError("y"), "bwrap: no"),
        ("", "", RuntimeError("y" * 500), "y" * 200),
    ],
)
def test_why_a_kernel_ended(reason, said, error, expected):
    provisioner = types.SimpleNamespace(watchdog=types.SimpleNamespace(reason=reason), last_words=lambda: said)
    assert execution._reason(types.SimpleNamespace(provisioner=provisioner), error) == expected


def test_a_cell_out_of_time_says_so():
    cell, asked = new_code_cell("x"), types.SimpleNamespace(asked_exit=False)
    reply = {"content": {"status": "error", "ename": "CellTimeoutError", "evalue": "too long"}}
    execution._look_at_reply(asked, cell, reply, cell_index=0)
    assert [output["text"] for output in cell.outputs] == ["too long\n"]
    execution._look_at_reply(asked, cell, {"content": {"status": "ok", "payload": [{"source": "ask_exit"}]}})
    assert len(cell.outputs) == 1
    assert asked.asked_exit


def test_settings_say_whether_they_confine():
    assert Settings().sandboxed
    assert Settings(provisioner="wgan-container").sandboxed
    assert not Settings(provisioner="local-provisioner").sandboxed
