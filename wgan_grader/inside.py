"""What runs inside of a sandbox before any of a submission does; its text is given to a fresh interpreter.

Three ways begin here. `confine` and then a command: a kernel in an interpreter of its own. `confine` and then nothing:
the sandbox waits. `serve`: this process imports what every notebook imports, runs nothing else, and for each order
forks; the fork enters a sandbox that waits, is confined in the same way, and becomes its kernel. So torch is imported
once, and what one submission does to its process another one never sees.

Nothing of the grader may be imported here, and nothing that starts a thread.
"""

import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from typing import Any

READY = b"."
MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "matplotlib_inline.backend_inline",
    "numpy",
    "torch",
    "torch._dynamo",  # what the first torch.func.grad imports
    "matplotlib.pyplot",
    "scipy.optimize",
    "ot",
    "wgan_course.check",
)
NO_NEW_PRIVS, SECCOMP, DROP_BOUND, SUBREAPER, DUMPABLE = 38, 22, 24, 36, 4
OWNER_OF_NAMESPACE, NEW_USER = 0xB701, 0x10000000
LAST_RIGHT = 63
libc = ctypes.CDLL(None, use_errno=True)


class Program(ctypes.Structure):
    """A filter of system calls, as the operating system takes it."""

    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


class Rights(ctypes.Structure):
    """No right at all, in the form of capset(2)."""

    _fields_ = [("words", ctypes.c_uint32 * 6)]


def confine(given: dict[str, Any]) -> None:
    """Take the limits, give up the rights for good, and refuse calls."""
    os.closerange(3, 4096)
    if given["user"]:
        os.setgroups([])
        os.setresgid(*[given["user"]] * 3)
        os.setresuid(*[given["user"]] * 3)
    for name, value in given["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    os.umask(0o077)
    steps = bytes.fromhex(given["filter"])
    libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    if steps:
        libc.prctl(SECCOMP, 2, ctypes.byref(Program(len(steps) // 8, steps)), 0, 0)


def wait() -> None:
    """Say that the sandbox stands, and keep it."""
    os.write(1, READY)
    while True:
        signal.pause()


def serve(door: socket.socket) -> None:
    """Fork a kernel for each order that comes in, until the other side is gone."""
    sys.path[:] = [path for path in sys.path if path]
    for name in MODULES:
        with contextlib.suppress(ImportError):  # it would not be there for a notebook either
            importlib.import_module(name)
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    gc.collect()
    gc.freeze()
    libc.prctl(SUBREAPER, 1, 0, 0, 0)
    while True:
        order, opened, _, _ = socket.recv_fds(door, 2**17, 16)
        if not order:
            return
        try:
            answer = {"pid": start(json.loads(order), opened)}
        except (OSError, ValueError) as error:
            answer = {"error": str(error)}
        for one in opened:
            os.close(one)
        door.send(json.dumps(answer).encode())


def start(order: dict[str, Any], opened: list[int]) -> int:
    """Number of a new process that enters the order's sandbox and becomes its kernel."""
    reap()
    if len(os.listdir("/proc/self/task")) != 1:
        raise OSError("the process to be forked has threads")
    log, *spaces = opened
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            enter(dict(zip(order["spaces"], spaces, strict=True)))
            pid = os.fork()
            if pid == 0:
                become(order, log)
            os.write(tell, str(pid).encode())
        except BaseException as error:
            os.write(tell, str(error).encode()[:500] or b"?")
        finally:
            os._exit(0)
    os.close(tell)
    with os.fdopen(told, "rb") as pipe:
        said = pipe.read(500).decode(errors="replace")
    os.waitpid(child, 0)
    if not said.isdecimal():
        raise OSError(f"the sandbox could not be entered: {said}")
    return int(said)


def reap() -> None:
    """Take note of kernels that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def enter(spaces: dict[str, int]) -> None:
    """Enter a sandbox's namespaces: that of users which owns the others first, its innermost one last."""
    own = os.stat("/proc/self/ns/user").st_ino
    outer = fcntl.ioctl(spaces["mnt"], OWNER_OF_NAMESPACE)
    if os.fstat(outer).st_ino != own:
        join(outer)
    inner = spaces.pop("user")
    for one in [*(spaces[name] for name in spaces if name != "mnt"), spaces["mnt"]]:
        join(one)
    if os.fstat(inner).st_ino not in (own, os.fstat(outer).st_ino):
        join(inner)


def join(space: int) -> None:
    """Enter one namespace."""
    if libc.setns(space, 0):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def become(order: dict[str, Any], log: int) -> None:
    """Become the kernel that is ordered, with nothing left of where this process comes from."""
    try:
        os.setsid()
        nothing = os.open("/dev/null", os.O_RDWR)
        for number, of in enumerate((nothing, nothing, log)):
            os.dup2(of, number)
        os.environ.clear()
        os.environ.update(order["environment"])
        os.chdir(order["folder"])
        for right in range(LAST_RIGHT + 1):
            libc.prctl(DROP_BOUND, right, 0, 0, 0)
        refresh()
        confine(order)
        give_up()
        libc.prctl(DUMPABLE, 1, 0, 0, 0)  # as after the start of a program: it may look at itself
        kernel(order["kernel"])
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def refresh() -> None:
    """What differs between two fresh interpreters differs between two forks; random and uuid see to themselves."""
    import matplotlib
    import numpy as np

    # Not by the function that is named for it: this text is the command line of every kernel, and stays free of the one
    # word that whoever looks around in a sandbox for the secret would search for.
    np.random.set_state(np.random.RandomState().get_state())
    tempfile.tempdir = None
    with contextlib.suppress(OSError):
        os.makedirs(matplotlib.get_configdir())  # it remembers the one of the imports, which is under /tmp


def give_up() -> None:
    """Drop every right that the entering of a namespace of users has given; PermissionError where one stays."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if libc.capset(header, ctypes.byref(Rights())):
        raise PermissionError("rights could not be given up")


def kernel(words: list[str]) -> None:
    """Run the kernel's program, `-m module arguments`, as a fresh interpreter would, and end with it."""
    from ipykernel import kernelapp

    sys.argv = words[1:]
    kernelapp.launch_new_instance()
    os._exit(0)


def main() -> None:
    """Begin as the words of the command say."""
    if len(sys.argv) == 1:
        serve(socket.socket(fileno=0))
        return
    confine(json.loads(sys.argv[1]))
    if len(sys.argv) > 2:
        os.execv(sys.argv[2], sys.argv[2:])
    wait()


if __name__ == "__main__":
    main()
