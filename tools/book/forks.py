"""Kernels that are forked, not started: one process imports what most pages import, and each page gets a fork of it."""

import multiprocessing
import os
import threading
import uuid
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

__all__ = ["ForkedKernelManager"]

# Not the backend of the figures, which asks for its notebook when it is imported.
MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "matplotlib.pyplot",
    "torch",
    "torch._dynamo",  # what the first optimiser imports, for more than a second
    "torch.fx.experimental.symbolic_shapes",
    "torchvision.utils",
    "ipywidgets",
    "scipy.stats",
    "ot",
    "wgan_course.figures",
    "wgan_course.training",
    "tools.book.results",
)


class _Kernel(ForkServerProcess):
    """A forked kernel, with what its provisioner asks of a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, words: Sequence[str], folder: str, environment: Mapping[str, str]) -> None:
        super().__init__()
        self.words, self.folder, self.environment = [*words], folder, dict(environment)

    def run(self) -> None:
        import numpy as np
        import torch
        from ipykernel import kernelapp

        os.setsid()
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        np.random.seed()  # a fork has the state of what it is forked from
        torch.seed()
        threading.Thread(target=_end_with_the_build, daemon=True).start()
        options = {"parent_handle": os.getppid(), "log_level": "ERROR"}  # it warns that it talks to this machine alone
        kernelapp.launch_new_instance(argv=[*self.words, *(f"--IPKernelApp.{k}={v}" for k, v in options.items())])

    def poll(self) -> int | None:
        return self.exitcode

    def wait(self) -> int | None:
        self.join()
        return self.exitcode

    def send_signal(self, number: int) -> None:
        if self.pid is not None:
            os.kill(self.pid, number)


def _end_with_the_build() -> None:
    build = multiprocessing.parent_process()
    if build is not None:
        build.join()
        os._exit(1)


class _Provisioner(LocalProvisioner):
    """Forks the kernel for which others start a program."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        words = cmd[cmd.index("ipykernel_launcher") + 1 :]
        kernel = _Kernel(words, kwargs.get("cwd") or os.getcwd(), kwargs["env"])
        kernel.start()
        self.process, self.pid, self.pgid = kernel, kernel.pid, kernel.pid
        return self.connection_info


class ForkedKernelManager(AsyncKernelManager):
    """Manages a kernel that is a fork; the process to be forked is made with the first one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        multiprocessing.set_forkserver_preload([*MODULES])
        self.provisioner = _Provisioner(parent=self, kernel_id=str(uuid.uuid4()), kernel_spec=self.kernel_spec)
