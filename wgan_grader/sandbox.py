"""Where a submission runs: a kernel that sees its own folder, the libraries, and nothing else.

Two kernel provisioners of jupyter_client, both entry points of this package. `BubblewrapProvisioner` starts the kernel
under bubblewrap: own namespaces, no network, read-only system, empty home, a user of no rights, limits on memory,
processes, open files, file sizes, processor and wall time. `ContainerProvisioner` asks Docker or Podman for the same.
The kernel talks to the grader through unix sockets in a folder that both see.

The library `wgan_course` is mounted, and nothing else of the course. Where both packages are installed side by side, an
empty folder covers this one, which has the problems, the judge and the answers.
"""

import asyncio
import functools
import json
import logging
import os
import secrets
import select
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Bool, Dict, Unicode

import wgan_course

from . import inside, syscalls, warm

logger = logging.getLogger(__name__)

PACKAGE = Path(wgan_course.__file__).resolve().parent
GRADER = Path(__file__).resolve().parent
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "fonts", "localtime", "mime.types", "alternatives")
HOME, WORK, INPUTS, OUTPUTS = "/home/nobody", "/submission", "/exchange/in", "/exchange/out"
NOBODY = 65534
INSTALL = "install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap)"


class SandboxError(Exception):
    """No sandbox can be had on this machine, or the one asked for cannot be built."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Sizes in bytes, times in seconds; `address_space` is virtual, `memory` resident.

    `processor` is the time of all of its processes together, `wall` that by the clock in which its kernel did not wait
    for a processor, `grader` what its messages may take of our own memory.
    """

    memory: int = 4 * 2**30
    address_space: int = 32 * 2**30
    processes: int = 96
    open_files: int = 512
    file_size: int = 96 * 2**20
    folder: int = 256 * 2**20
    files: int = 4096
    temporary: int = 256 * 2**20
    processor: int = 600
    wall: float = 900.0
    grader: int = 2**30

    def __post_init__(self) -> None:
        """Refuse what is not positive."""
        for entry in fields(self):
            if getattr(self, entry.name) <= 0:
                raise ValueError(f"{entry.name} must be positive, got {getattr(self, entry.name)}")

    def rlimits(self) -> dict[str, int]:
        """Limits that the kernel of the operating system keeps, by their names in `resource`."""
        return {
            "RLIMIT_AS": self.address_space,
            "RLIMIT_CPU": self.processor,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_CORE": 0,
        }


@dataclass(frozen=True)
class Workspace:
    """Folders of one run, on the grader's side: the kernel's sockets, inputs, outputs, and a copy of the submission.

    What a submission may write to is in `box`. With the rights of root that is a file system of a fixed size, so that
    files without a name, or on their way through a socket, fill nothing else; without, the watchdog alone counts.
    """

    root: Path

    @classmethod
    def create(cls, limits: Limits | None = None) -> "Workspace":
        """Make the folders in a new temporary one with a short name (socket paths have 107 characters at most)."""
        _sweep(Path(tempfile.gettempdir()))
        self = cls(Path(tempfile.mkdtemp(prefix=PREFIX)))
        OWNED[self.root] = FileLock(self.root / "owner")
        OWNED[self.root].acquire()
        self.box.mkdir()
        _mount(self.box, limits or Limits())
        for folder in (self.sockets, self.inputs, self.outputs, self.work):
            folder.mkdir()
        (self.root / "empty").touch()
        return self

    @property
    def box(self) -> Path:
        """All that the submission may write to."""
        return self.root / "box"

    @property
    def sockets(self) -> Path:
        """Folder of the kernel's sockets and its connection file."""
        return self.box / "k"

    @property
    def inputs(self) -> Path:
        """Folder of the requests, read-only inside."""
        return self.root / "in"

    @property
    def outputs(self) -> Path:
        """Folder of the observations."""
        return self.box / "out"

    @property
    def work(self) -> Path:
        """Copy of the submission, where the kernel runs."""
        return self.box / "work"

    def writable(self) -> tuple[Path, ...]:
        """Folders that the submission may write to."""
        return self.sockets, self.outputs, self.work

    def give_to(self, user: int) -> None:
        """Make the writable folders, and what is in them, the user's; others may pass through the root only."""
        self.root.chmod(0o711)
        self.box.chmod(0o711)
        self.inputs.chmod(0o755)
        for folder in self.writable():
            for path in (folder, *folder.rglob("*")):
                os.chown(path, user, user, follow_symlinks=False)

    def remember(self) -> None:
        """Keep a copy of the submission as it is now, for `restore`."""
        shutil.copytree(self.work, self.root / "kept", symlinks=True)

    def restore(self) -> None:
        """Undo what a run has done: empty the writable folders, and copy the submission again."""
        for folder in self.writable():
            _delete(folder)
            folder.mkdir(exist_ok=True)
        shutil.copytree(self.root / "kept", self.work, symlinks=True, dirs_exist_ok=True)

    def remove(self) -> None:
        """Delete everything."""
        _unmount(self.box)
        _delete(self.root)
        owner = OWNED.pop(self.root, None)
        if owner is not None:
            owner.release()


PREFIX = "wgan-run-"
NO_DEVICES, DETACH = 2 | 4, 2  # neither rights by files nor devices; unmount now, and forget when the last one is done
YOUNG = 60.0
MAX_STARVED = 2
# Where groups are made: with a place for each kind (cgroups v1), or one for all (v2).
GROUPS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))
# Held as long as the process lives, however it ends.
OWNED: dict[Path, FileLock] = {}


def _sweep(temporary: Path) -> None:
    """Delete what a grader that was killed has left; the lock in a folder says whether its owner still lives."""
    for folder in temporary.glob(f"{PREFIX}*"):
        with suppress(OSError, Timeout):
            about = folder.lstat()
            if about.st_uid == os.getuid() and stat.S_ISDIR(about.st_mode) and time.time() - about.st_mtime > YOUNG:
                with FileLock(folder / "owner", timeout=0):
                    _unmount(folder / "box")
                    _delete(folder)
    for group in (one for place in GROUPS for one in place.glob(f"{PREFIX}*") if not (temporary / one.name).exists()):
        with suppress(OSError):  # it is in use, by a run whose folder is elsewhere
            group.rmdir()


def own_share(name: str, top: int, *others: int) -> Path | None:
    """Group in which a sandbox has one share of the processors, however many processes it starts.

    Parameters
    ----------
    name : str
    top : int
        Process at the top of the sandbox; what it has started comes with it.
    *others : int

    Returns
    -------
    Path or None
        Folder of the operating system's group; None where none may be made.
    """
    for place in GROUPS:
        folder = place / name
        with suppress(OSError):
            folder.mkdir()
            if any((folder / file).exists() for file in ("cpu.shares", "cpu.weight")):
                for pid in (top, *others):
                    (folder / "cgroup.procs").write_text(str(pid))
                moved: set[int] = set()
                while new := {one.pid for one in family(top)} - moved:  # what was started before its parent was moved
                    for pid in new:
                        with suppress(OSError):
                            (folder / "cgroup.procs").write_text(str(pid))
                    moved |= new
                return folder
        with suppress(OSError):
            folder.rmdir()
    return None


def _mount(folder: Path, limits: Limits) -> None:
    """Put a file system of a fixed size there, a little more than the watchdog allows, where the rights are there."""
    about = f"size={limits.folder * 5 // 4},nr_inodes={2 * limits.files},mode=0711"
    if os.getuid() == 0 and inside.libc.mount(b"wgan", bytes(folder), b"tmpfs", NO_DEVICES, about.encode()):
        logger.info("what submissions write is on the disk, and no file system of a fixed size")


def _unmount(folder: Path) -> None:
    """Take it away, whoever still has files open in it."""
    if os.getuid() == 0:
        inside.libc.umount2(bytes(folder), DETACH)


def _delete(folder: Path) -> None:
    """Delete a folder, also where a submission has locked folders in it, or nested them deeper than a path can say.

    Folders are moved up before they are looked into, so that no path grows.
    """
    waiting, moved = [str(folder)], 0
    for here in waiting:
        with suppress(OSError):
            os.chmod(here, 0o700)
            with os.scandir(here) as entries:
                for entry in list(entries):
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.path)
                        continue
                    moved += 1
                    os.chmod(entry.path, 0o700)
                    waiting.append(os.path.join(folder, f".{moved}-{secrets.token_hex(8)}"))
                    os.rename(entry.path, waiting[-1])
    for here in reversed(waiting):
        with suppress(OSError):
            os.rmdir(here)


def require_bubblewrap() -> str:
    """Path of bubblewrap; SandboxError, with the command that installs it, where it is missing."""
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxError(f"There is no sandbox on this machine. Please {INSTALL}, or use a container.")
    return found


@functools.cache
def drops_user() -> bool:
    """Whether bubblewrap runs here with the rights of root, which are then given up, or in a user namespace.

    Raises
    ------
    SandboxError
        Where bubblewrap is missing, or the machine lets it make no namespaces.
    """
    tried = []
    for drop in (True, False) if os.getuid() == 0 else (False,):
        command = [require_bubblewrap(), *_namespaces(drop), "--ro-bind", "/", "/", "--proc", "/proc", "true"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if result.returncode == 0:
            return drop
        tried.append(result.stderr.strip())
    raise SandboxError(f"bubblewrap is installed but may not make namespaces here: {'; '.join(tried)}")


def visible_paths() -> list[str]:
    """Paths that are mounted read-only, at their own places: system, Python, its libraries, and this package."""
    python = [sys.base_prefix, sys.prefix, str(Path(sys.executable).resolve().parents[1])]
    paths = [path for path in (*SYSTEM, *python, str(PACKAGE)) if Path(path).exists()]
    kept: list[str] = []
    for path in dict.fromkeys(paths):
        if not any(Path(path).is_relative_to(other) for other in kept if other != path) or Path(path).is_symlink():
            kept.append(path)
    return kept


def covered_paths() -> tuple[list[str], list[str]]:
    """Folders and files to cover where a mounted path holds them: this package, and settings with passwords."""
    libraries = {Path(sysconfig.get_path(kind)) / GRADER.name for kind in ("purelib", "platlib")}
    found = [*sorted(libraries | {GRADER}), *private_settings()]
    inside = [path for path in found if any(path.is_relative_to(place) for place in visible_paths())]
    return [str(path) for path in inside if path.is_dir()], [str(path) for path in inside if path.is_file()]


def private_settings(places: Sequence[str] = ("/usr", "/usr/local", sys.prefix, sys.base_prefix)) -> list[Path]:
    """Settings of tools under the mounted paths, which may hold passwords of package registries or of servers."""
    whole = [Path(place) / "etc" for place in places if place in ("/usr", "/usr/local")]
    parts = [Path(place) / name for place in places for name in ("pip.conf", ".condarc", "etc/jupyter", "etc/pip.conf")]
    kept = whole + [path for path in parts if path.parent not in whole]
    return [path for path in dict.fromkeys(kept) if path.exists() and not path.is_symlink()]


def require_unseen(folder: Path) -> None:
    """Raise SandboxError where a course lies inside of what submissions may read, such as under ``/usr``."""
    for path in visible_paths():
        if folder.resolve().is_relative_to(Path(path).resolve()):
            raise SandboxError(f"submissions can read {path}, and the course {folder} is inside of it; please move it")


@functools.cache
def require_same_package(package: Path = PACKAGE) -> None:
    """Raise SandboxError where submissions would import another copy of this package, or none, and all get 0 points.

    Inside, the packages of this Python are all there is: neither ``PYTHONPATH`` nor the current folder counts.
    """
    find = f"import importlib.util; print(importlib.util.find_spec({package.name!r}).origin)"
    command = [sys.executable, "-c", find]
    found = subprocess.run(command, cwd="/", env=environment(), capture_output=True, text=True, timeout=60, check=False)
    origin = found.stdout.strip()
    if not origin or Path(origin).resolve().parent != package.resolve():
        there = f"would import that of {Path(origin).parent}" if origin else "would not find it"
        raise SandboxError(
            f"the grader's package is {package}, and submissions {there}. Install the one that grades, for example "
            f"with: {sys.executable} -m pip install --no-deps -e {package.parent}"
        )


def bubblewrap_command(workspace: Workspace, limits: Limits, kernel: Sequence[str], user: int) -> list[str]:
    """Build the command that runs `kernel` in the sandbox.

    Parameters
    ----------
    workspace : Workspace
        Folders of the run.
    limits : Limits
        What it may use.
    kernel : sequence of str
        The kernel's command; where there is none, the sandbox waits for a kernel to enter.
    user : int
        User to become when bubblewrap has the rights of root; 0 for a user namespace instead.
    """
    command = [
        require_bubblewrap(),
        *_namespaces(user != 0),
        "--die-with-parent",
        "--new-session",
        "--hostname",
        "course",
    ]
    command += [*_empty_folders(limits), *_system_mounts(), *_course_mounts(workspace), *_environment()]
    return [*command, "--chdir", WORK, "--", *_launcher(limits, user), *kernel]


def _launcher(limits: Limits, user: int) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", warm.TEXT, json.dumps(_confinement(limits, user))]


def _confinement(limits: Limits, user: int) -> dict[str, Any]:
    return {"limits": limits.rlimits(), "user": user, "filter": syscalls.program().hex()}


def _namespaces(drop: bool) -> list[str]:
    if not drop:
        nobody = ["--uid", str(NOBODY), "--gid", str(NOBODY)]
        return ["--unshare-user", "--unshare-all", "--disable-userns", *nobody]
    shared = ["ipc", "pid", "net", "uts", "cgroup-try"]
    rights = ["CAP_SETUID", "CAP_SETGID"]
    return [f"--unshare-{name}" for name in shared] + [word for right in rights for word in ("--cap-add", right)]


def _system_mounts() -> list[str]:
    words = _folders(_parents([*visible_paths(), INPUTS, "/etc/x"]))
    for path in visible_paths():
        link = Path(path).is_symlink() and path in SYSTEM
        words += ["--symlink", os.readlink(path), path] if link else ["--ro-bind", path, path]
    for name in SETTINGS:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return words


def _folders(paths: Sequence[str]) -> list[str]:
    return [word for path in paths for word in ("--perms", "0755", "--dir", path)]


def _parents(paths: Sequence[str]) -> list[str]:
    """Folders above these paths, each before what is in it."""
    above = {str(parent) for path in paths for parent in Path(path).parents}
    return sorted(above - {"/", *visible_paths()}, key=lambda path: (path.count("/"), path))


def _empty_folders(limits: Limits) -> list[str]:
    """Folders of the run's own; they come first, so that a course that lies under ``/tmp`` is mounted over them."""
    sized = ["--perms", "1777", "--size", str(limits.temporary), "--tmpfs"]
    words = ["--proc", "/proc", "--dev", "/dev", *_folders(_parents([HOME]))]
    return words + [word for path in ("/tmp", "/dev/shm", HOME) for word in (*sized, path)]


def _course_mounts(workspace: Workspace) -> list[str]:
    folders, files = covered_paths()
    empty = str(workspace.root / "empty")
    words = [
        word
        for path in folders
        for word in ("--perms", "0555", "--size", "4096", "--tmpfs", path, "--remount-ro", path)
    ]
    words += [word for path in files for word in ("--ro-bind", empty, path)]
    words += (
        ["--ro-bind", str(workspace.root / "passwd"), "/etc/passwd"] if (workspace.root / "passwd").exists() else []
    )
    words += _folders([str(workspace.root), str(workspace.box)])
    words += ["--ro-bind", str(workspace.inputs), INPUTS, "--bind", str(workspace.outputs), OUTPUTS]
    words += ["--bind", str(workspace.sockets), str(workspace.sockets), "--bind", str(workspace.work), WORK]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/"]


def environment() -> dict[str, str]:
    """Environment of the kernel: nothing of the grader's own."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": HOME,
        "USER": "nobody",
        "LOGNAME": "nobody",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
        "IPYTHONDIR": "/tmp/ipython",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "WGAN_COURSE_OBSERVE_IN": INPUTS,
        "WGAN_COURSE_OBSERVE_OUT": OUTPUTS,
    }


def _environment() -> list[str]:
    return ["--clearenv", *(word for name, value in environment().items() for word in ("--setenv", name, value))]


def container_command(
    workspace: Workspace, limits: Limits, kernel: Sequence[str], engine: str, image: str, name: str
) -> list[str]:
    """Build the command that runs `kernel` in a container of Docker or Podman, under the same limits.

    Parameters
    ----------
    workspace : Workspace
        Folders of the run.
    limits : Limits
        What it may use.
    kernel : sequence of str
        The kernel's command.
    engine : str
        ``docker`` or ``podman``.
    image : str
        An image with this machine's version of glibc; Python and its libraries are mounted from this machine.
    name : str
        Name of the container, to stop it by.
    """
    fence = ["--rm", "--init", "--name", name, "--network", "none", "--read-only", "--cap-drop", "ALL"]
    fence += ["--security-opt", "no-new-privileges", "--ipc", "private", "--user", f"{os.getuid() or NOBODY}"]
    command = [engine, "run", *fence, *_container_limits(limits), *_container_mounts(workspace)]
    command += [word for pair in environment().items() for word in ("--env", "=".join(pair))]
    return [*command, "--workdir", WORK, image, *_launcher(limits, 0), *kernel]


def _container_limits(limits: Limits) -> list[str]:
    words = ["--memory", str(limits.memory), "--memory-swap", str(limits.memory)]
    words += ["--pids-limit", str(limits.processes), "--shm-size", str(limits.temporary)]
    for path in ("/tmp", HOME):
        words += ["--tmpfs", f"{path}:rw,mode=1777,size={limits.temporary}"]
    return words


def _container_mounts(workspace: Workspace) -> list[str]:
    folders, files = covered_paths()
    python = [path for path in visible_paths() if path not in SYSTEM]
    words = [word for path in python for word in ("--volume", f"{path}:{path}:ro")]
    words += [word for path in folders for word in ("--tmpfs", f"{path}:ro,size=4096")]
    words += [word for path in files for word in ("--volume", f"{workspace.root / 'empty'}:{path}:ro")]
    pairs = [(workspace.outputs, OUTPUTS), (workspace.sockets, workspace.sockets), (workspace.work, WORK)]
    words += ["--volume", f"{workspace.inputs}:{INPUTS}:ro"]
    return words + [word for source, target in pairs for word in ("--volume", f"{source}:{target}")]


class Watchdog(threading.Thread):
    """Watches what a sandbox uses and stops it when that is too much; `reason` then says why.

    Parameters
    ----------
    pid : int
        Process at the top of the sandbox.
    workspace : Workspace
        Its folders.
    limits : Limits
        What it may use.
    interval : float
        Seconds between two looks.
    entered : int, optional
        A kernel that was forked into the sandbox.
    """

    def __init__(
        self, pid: int, workspace: Workspace, limits: Limits, interval: float = 0.2, entered: int | None = None
    ) -> None:
        super().__init__(name="sandbox-watchdog", daemon=True)
        self.pid, self.workspace, self.limits, self.interval = pid, workspace, limits, interval
        self.entered = entered
        self.reason = ""
        self.processor = self.starved = 0.0
        self._over = threading.Event()
        self._began = time.monotonic()
        self._own = _resident(psutil.Process())

    def run(self) -> None:
        """Look again and again, until stopped or until something is too much."""
        while not self._over.wait(self.interval):
            self.reason = self.excess()
            if self.reason:
                logger.warning("sandbox stopped: %s", self.reason)
                kill_tree(self.pid)
                return

    def stop(self) -> None:
        """Stop watching."""
        self._over.set()

    def excess(self) -> str:
        """What is used too much of, in words; empty when all is well."""
        limits, processes = self.limits, family(self.pid)
        processes += family(self.entered) if self.entered else []
        self.starved = max(self.starved, starved(self.entered))
        if time.monotonic() - self._began > limits.wall + min(self.starved, MAX_STARVED * limits.wall):
            return f"it ran for more than {limits.wall:g} seconds"
        self.processor = max(self.processor, sum(map(_processor, processes)))
        if self.processor > limits.processor:
            return f"its processes took more than {limits.processor} seconds of processor time"
        if _resident(psutil.Process()) - self._own > limits.grader:
            return f"it sent more than {limits.grader // 2**20} MiB at once"
        if sum(map(_threads, processes)) >= limits.processes:
            return f"it had as many as {limits.processes} processes and threads"
        if sum(map(_resident, processes)) > limits.memory < sum(map(_own_part, processes)):
            return f"it used more than {limits.memory // 2**20} MiB of memory"
        return self._disk_excess(processes)

    def _disk_excess(self, processes: Sequence[psutil.Process]) -> str:
        count, size = -1, 0
        for entry in chain([_unlinked(processes)], _files(self.workspace.writable())):
            count, size = count + 1, size + entry
            if count > self.limits.files:
                return f"it wrote more than {self.limits.files} files"
            if size > self.limits.folder:
                return f"it wrote more than {self.limits.folder // 2**20} MiB"
        return ""


def family(pid: int) -> list[psutil.Process]:
    """List a process and everything that descends from it; empty when it is gone."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


def starved(pid: int | None) -> float:
    """Seconds in which a process was ready and no processor was free; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def kill_tree(pid: int) -> None:
    """Kill a process and everything that descends from it."""
    for process in family(pid):
        try:
            process.kill()
        except psutil.Error:
            continue


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _own_part(process: psutil.Process) -> int:
    """Resident memory, each page divided by the number of processes that share it: a fork takes none of its own."""
    try:
        return process.memory_full_info().pss
    except psutil.NoSuchProcess:
        return 0
    except psutil.Error:
        return _resident(process)


def _processor(process: psutil.Process) -> float:
    """Seconds of a process and of those of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system + getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)


def _threads(process: psutil.Process) -> int:
    try:
        return process.num_threads()
    except psutil.Error:
        return 0


def _files(folders: Sequence[Path]) -> Iterator[int]:
    """Sizes of everything in the folders, links not followed; what disappears meanwhile is passed over."""
    waiting = list(map(str, folders))
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    yield entry.stat(follow_symlinks=False).st_blocks * 512
                    waiting += [entry.path] if entry.is_dir(follow_symlinks=False) else []
        except OSError:
            continue


def _unlinked(processes: Sequence[psutil.Process]) -> int:
    """Bytes in files that are open or mapped but have no name any more: they fill the disk, or the memory, unseen."""
    sizes: dict[tuple[int, int], int] = {}
    for process in processes:
        for key, size in _mapped(process.pid):
            sizes[key] = max(size, sizes.get(key, 0))
        for found in _open_files(process.pid):
            if stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
                sizes[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())


def _mapped(pid: int) -> Iterator[tuple[tuple[int, int], int]]:
    """Device and number of files without a name that a process has mapped, and how far."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        if line.endswith("(deleted)") and not line.endswith(" /dev/zero (deleted)"):
            span, _, offset, device, inode = line.split(maxsplit=5)[:5]
            begin, end = (int(edge, 16) for edge in span.split("-"))
            major, minor = (int(part, 16) for part in device.split(":"))
            yield (os.makedev(major, minor), int(inode)), int(offset, 16) + end - begin


def _open_files(pid: int) -> Iterator[os.stat_result]:
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                with suppress(OSError):
                    yield os.stat(entry.path)
    except OSError:
        return


class _Confined(LocalProvisioner):
    """A kernel started by a command of ours, watched, and killed whole."""

    workspace = Unicode(help="root of the run's folders").tag(config=True)
    limits = Dict(help="fields of Limits that differ from the defaults").tag(config=True)
    watchdog: Watchdog | None = None
    forked: Any = False
    entered: int | None = None
    share: Path | None = None

    def confine(self, kernel: list[str]) -> list[str]:
        """Command that runs the kernel confined."""
        raise SandboxError("a provisioner must say how it confines")

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel under the sandbox; nothing of the grader's terminal or environment goes in."""
        kwargs |= {"env": {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}, "cwd": "/", "stdin": subprocess.DEVNULL}
        with self._log_path().open("wb") as log:
            kwargs |= {"stdout": subprocess.PIPE if self.forked else subprocess.DEVNULL, "stderr": log}
            info = await super().launch_kernel(self.confine([] if self.forked else cmd), **kwargs)
            await self.occupy(cmd, log.fileno())
        assert self.process is not None  # it has just been started
        self.share = own_share(self._space().root.name, self.process.pid, *([self.entered] if self.entered else []))
        self.watchdog = Watchdog(self.process.pid, self._space(), self._limits(), entered=self.entered)
        self.watchdog.start()
        return info

    async def occupy(self, kernel: list[str], log: int) -> None:
        """Bring the kernel into a sandbox that waits for it; most are started with it."""

    async def kill(self, restart: bool = False) -> None:
        """Kill the sandbox with all that is in it."""
        self._stop_watching()
        if self.process:
            kill_tree(self.process.pid)

    async def terminate(self, restart: bool = False) -> None:
        """Kill: a submission is not asked whether it wants to stop."""
        await self.kill(restart)

    async def cleanup(self, restart: bool = False) -> None:
        """Make sure that nothing is left running."""
        self._stop_watching()
        if self.process:
            kill_tree(self.process.pid)
            await asyncio.to_thread(self.process.wait)
        await self._leave_share()
        await super().cleanup(restart)

    async def _leave_share(self) -> None:
        """Delete the group once the last of its processes has ended."""
        share, self.share = self.share, None
        for _ in range(50):
            with suppress(OSError):
                return share.rmdir() if share else None
            await asyncio.sleep(0.02)

    @property
    def kernel_pid(self) -> int | None:
        """The kernel itself, inside of the sandbox; None where it is not to be seen."""
        return self.entered or self.first_inside

    @property
    def first_inside(self) -> int | None:
        """The process that was started with the sandbox; None where it is not to be seen."""
        processes = family(self.process.pid) if self.process else []
        return processes[2].pid if len(processes) > 2 else None

    def last_words(self) -> str:
        """Last line that the kernel's process wrote to its error stream."""
        try:
            with self._log_path().open("rb") as log:
                log.seek(max(0, self._log_path().stat().st_size - 2000))
                lines = log.read().decode(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1][:300] if lines else ""

    def _stop_watching(self) -> None:
        if self.watchdog:
            self.watchdog.stop()

    def _space(self) -> Workspace:
        return Workspace(Path(self.workspace))

    def _limits(self) -> Limits:
        return Limits(**self.limits)

    def _log_path(self) -> Path:
        return self._space().root / "kernel.log"


class BubblewrapProvisioner(_Confined):
    """Starts kernels under bubblewrap.

    The kernel specification's ``metadata.kernel_provisioner.config`` gives `workspace` (the root of a `Workspace`),
    `limits` (fields of `Limits`) and `forked`: whether the sandbox is entered by a fork of a process that has imported
    torch. Where none can be had, the kernel is started in an interpreter of its own.
    """

    forked = Bool(True, help="whether kernels are forked").tag(config=True)
    handle: int | None = None
    user = 0

    def confine(self, kernel: list[str]) -> list[str]:
        """Command that runs the kernel under bubblewrap, as a user that exists for this run alone."""
        self.user = 2**20 + secrets.randbelow(2**20) if drops_user() else 0
        space = self._space()
        name = self.user or NOBODY
        (space.root / "passwd").write_text(f"nobody:x:{name}:{name}:nobody:{HOME}:/usr/sbin/nologin\n")
        if self.user:
            space.give_to(self.user)
        return bubblewrap_command(space, self._limits(), kernel, self.user)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the sandbox, and in it the kernel."""
        try:
            return await super().launch_kernel(cmd, **kwargs)
        except warm.WarmError:
            logger.warning("no kernel could be forked, so it is started", exc_info=True)
        await self.cleanup()
        self.forked = False
        return await super().launch_kernel(cmd, **kwargs)

    async def occupy(self, kernel: list[str], log: int) -> None:
        """Fork the kernel into the sandbox."""
        if self.forked:
            self.entered = await asyncio.to_thread(self._enter, kernel, log)
            self.handle = os.pidfd_open(self.entered)

    def _enter(self, kernel: list[str], log: int) -> int:
        assert self.process is not None  # it has just been started
        assert self.process.stdout is not None
        with self.process.stdout as stands:
            first = self.first_inside if stands.read(1) == inside.READY else None
        if first is None:
            raise warm.WarmError(f"the sandbox does not stand: {self.last_words()}")
        known = _confinement(self._limits(), self.user)
        return warm.template(environment()).fork(first, kernel[1:], WORK, known, log)

    async def poll(self) -> int | None:
        """Whether the kernel, or the sandbox around it, has ended: None, or how."""
        ended = self.handle is not None and bool(select.select([self.handle], [], [], 0)[0])
        return await super().poll() if not ended else 1

    async def cleanup(self, restart: bool = False) -> None:
        """Make sure that nothing is left running."""
        await super().cleanup(restart)
        handle, self.handle, self.entered = self.handle, None, None
        if handle is not None:
            os.close(handle)

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel itself, not to the sandbox around it; killing ends both."""
        if signum == signal.SIGKILL:
            return await self.kill()
        if signum and (pid := self.kernel_pid) is not None:
            with suppress(ProcessLookupError):  # it has ended, and the start of another kernel has cleared it away
                os.kill(pid, signum)
        return None


class ContainerProvisioner(_Confined):
    """Starts kernels in a container, for machines that have Docker or Podman but no bubblewrap.

    Besides what `BubblewrapProvisioner` takes, `engine` and `image` choose the container. The engine keeps memory and
    processes within their limits; the watchdog watches wall time and disk.
    """

    engine = Unicode("docker", help="docker or podman").tag(config=True)
    image = Unicode("debian:bookworm-slim", help="image with this machine's glibc").tag(config=True)
    container = ""

    def confine(self, kernel: list[str]) -> list[str]:
        """Command that runs the kernel in a container."""
        engine = shutil.which(self.engine)
        if engine is None:
            raise SandboxError(f"{self.engine} is not installed; {INSTALL}, or choose docker or podman")
        self.container = f"wgan-{secrets.token_hex(8)}"
        space = self._space()
        if os.getuid() == 0:
            space.give_to(NOBODY)
        return container_command(space, self._limits(), kernel, engine, self.image, self.container)

    async def send_signal(self, signum: int) -> None:
        """Send a signal through the engine."""
        if signum == signal.SIGKILL:
            return await self.kill()
        if signum:
            await asyncio.to_thread(self._ask, "kill", "--signal", str(int(signum)), self.container)
        return None

    async def kill(self, restart: bool = False) -> None:
        """Kill the container, then the client that waits for it."""
        await asyncio.to_thread(self._ask, "kill", self.container)
        await super().kill(restart)

    def _ask(self, *words: str) -> None:
        subprocess.run([self.engine, *words], capture_output=True, timeout=30, check=False)


def kernel_spec(workspace: Workspace, limits: Limits, provisioner: str = "wgan-bubblewrap", **config: Any) -> Any:
    """Specification of the course's one kernel, to be started by the named provisioner.

    Parameters
    ----------
    workspace : Workspace
        Folders of the run.
    limits : Limits
        What it may use.
    provisioner : str
        ``wgan-bubblewrap``, ``wgan-container``, or ``local-provisioner`` for no sandbox at all.
    **config : Any
        For bubblewrap: `forked`. For the container: `engine`, `image`.
    """
    from jupyter_client.kernelspec import KernelSpec

    settings = {"workspace": str(workspace.root), "limits": asdict(limits)} | config
    stanza = {"provisioner_name": provisioner, "config": {} if provisioner == "local-provisioner" else settings}
    argv = [
        sys.executable,
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
        "--HistoryManager.hist_file=:memory:",
    ]
    return KernelSpec(argv=argv, display_name="Course", language="python", metadata={"kernel_provisioner": stanza})
