"""Kernels that are forked, not started: one process has imported torch, and a fork of it enters each sandbox.

`inside` is what that process runs. It holds nothing of the grader, sees no submission, and hands out forks alone.
"""

import atexit
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

__all__ = ["Template", "WarmError", "template"]

TEXT = Path(__file__).with_name("inside.py").read_text(encoding="utf-8")
SPACES = ("user", "ipc", "uts", "net", "pid", "cgroup", "mnt")
PATIENCE = 120.0  # seconds for the imports, on a machine that does much else
_lock = threading.Lock()
_known: dict[int, "Template"] = {}


class WarmError(Exception):
    """No fork can be had; the message says why, and a kernel can be started instead."""


class Template:
    """A process that has imported what every notebook imports, and that is forked.

    It ends with this one, whose end of the socket then closes. The folder that imports may write to is deleted by it.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.scratch = tempfile.mkdtemp(prefix="wgan-run-template-", dir="/tmp")  # there is one in each sandbox
        self.door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.door.settimeout(PATIENCE)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        known = self.environment | dict.fromkeys(("TMPDIR", "MPLCONFIGDIR", "HOME"), self.scratch)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", TEXT], cwd="/", env=known, stdin=theirs.fileno(), **quiet
            )

    def fork(self, sandbox: int, kernel: Sequence[str], folder: str, confinement: Mapping[str, Any], log: int) -> int:
        """Number of a new process that is the kernel, in the sandbox in which process `sandbox` waits.

        Raises
        ------
        WarmError
            Where there is none.
        """
        known = self.environment | {"PWD": folder}
        order = {"spaces": SPACES, "kernel": [*kernel], "folder": folder, "environment": known, **confinement}
        opened = [log]
        try:
            opened += [os.open(f"/proc/{sandbox}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in SPACES]
            with _lock:
                socket.send_fds(self.door, [json.dumps(order).encode()], opened)
                answer = json.loads(self.door.recv(4096) or b'{"error": "it has ended"}')
        except (OSError, ValueError) as error:
            raise WarmError(f"{type(error).__name__}: {error}") from error
        finally:
            for one in opened[1:]:
                os.close(one)
        if "pid" not in answer:
            raise WarmError(answer.get("error", "no answer"))
        return answer["pid"]

    def close(self) -> None:
        """End it."""
        self.door.close()
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)


def template(environment: Mapping[str, str]) -> Template:
    """This process's template; a new one where there is none, or where the old one has ended."""
    with _lock:
        found = _known.get(os.getpid())
        if found is None or found.process.poll() is not None or found.environment != dict(environment):
            if found is not None:
                atexit.unregister(found.close)
                found.close()
            found = _known[os.getpid()] = Template(environment)
            atexit.register(found.close)
        return found
