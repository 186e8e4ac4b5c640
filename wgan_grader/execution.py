"""Running a notebook in the sandbox: every cell has its time, its output is bounded, and nothing ends the run."""

import asyncio
import logging
import math
import re
import time
from collections.abc import Collection, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any, TypeVar, cast

import zmq
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete, CellTimeoutError, DeadKernelError
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from traitlets import Bool, Float, Integer

from . import sandbox
from .messages import CarefulClient, count_of
from .pictures import KINDS, is_picture
from .sandbox import Limits, Workspace

logger = logging.getLogger(__name__)
T = TypeVar("T")

MAX_MESSAGE = 16 * 2**20
QUEUE = 32
MAX_CELL_OUTPUT = 2**20
MAX_PRINTED = 16 * 2**20
MAX_NOTEBOOK_OUTPUT = 8 * 2**20
MAX_CELL_SHOWN = 10_000
MAX_SHOWN = 200_000
MAX_COLOURS = 2000
LEAST_WEIGHT = 2048  # of an output: to show one takes time, however little it holds
MAX_STARVED = 10
MAX_RUNS = 3
SHOWN = ("text/plain", "image/png", "image/jpeg")
TRUNCATED = "\n… the rest of this cell's output was left out …\n"
BLANK = re.compile(r"\n(?:[ \t]*\n){3,}")
NO_SANDBOX = "The submission runs WITHOUT a sandbox: it can read and change everything that you can."


@dataclass(frozen=True)
class Settings:
    """How submissions are run.

    Parameters
    ----------
    limits : Limits
        What a submission may use.
    cell_timeout : int
        Seconds for a cell; then it is interrupted, and the next one runs. Time in which it waited for a processor, as
        beside busy neighbours, does not count.
    setup_timeout : int
        Seconds for a released cell that is not graded, such as the one that imports torch.
    grace : float
        Seconds that an interrupted kernel has to come back before it is killed.
    provisioner : str
        ``wgan-bubblewrap``, ``wgan-container`` or ``local-provisioner``, which is no sandbox at all.
    container : dict
        For the container: `engine`, `image`.
    forked : bool
        Whether bubblewrap's kernels are forks of a process that has imported torch, which takes a tenth of the time.
    multiple : float
        Processor time that a whole submission has, in those of the solution.
    least : int
        Seconds of processor time that it has at least: those of three cells that never end.
    """

    limits: Limits = field(default_factory=Limits)
    cell_timeout: int = 60
    setup_timeout: int = 120
    grace: float = 20.0
    provisioner: str = "wgan-bubblewrap"
    container: dict[str, str] = field(default_factory=dict)
    forked: bool = True
    multiple: float = 10.0
    least: int = 180

    def __post_init__(self) -> None:
        """Refuse what is not positive."""
        if not (self.multiple > 0 and self.least > 0):
            raise ValueError(f"multiple and least must be positive, got {self.multiple} and {self.least}")

    def within(self, reference: float) -> "Settings":
        """Settings for a set whose solution takes so many seconds of processor time; 0 where that is not known."""
        if not reference:
            return self
        seconds = min(self.limits.processor, max(self.least, math.ceil(self.multiple * reference)))
        wall = min(self.limits.wall, 2.0 * seconds)
        return replace(self, limits=replace(self.limits, processor=seconds, wall=wall))

    @property
    def sandboxed(self) -> bool:
        """Whether a submission is confined."""
        return self.provisioner != "local-provisioner"


@dataclass
class Run:
    """A notebook after it ran.

    `fatal` says, by index, which cells ended the kernel and how, `stopped` whether nothing ran after the last of them,
    `notes` what else the student should know, `timed_out` whether a time by the clock was over, `processor` the
    seconds that it took.
    """

    notebook: NotebookNode
    fatal: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    timed_out: bool = False
    stopped: bool = False
    processor: float = 0.0


class BoundedClient(NotebookClient):
    """An nbclient that keeps no more of a cell's output than it must, and notes when a cell ran out of time."""

    timed_out = Bool(False)
    asked_exit = Bool(False)
    printed = Integer(0)
    kept = Integer(0)
    kept_in_all = Integer(0)
    waited = Float(0.0)
    grace = Float(0.0)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Take a message of the kernel, unless the cell has said enough; widgets are not taken at all."""
        if msg["msg_type"] not in {"status", "execute_input", "clear_output"} and not self._room(msg, cell):
            return None
        try:
            return super().process_message(msg, cell, cell_index)
        except CellExecutionComplete:
            raise
        except Exception:
            logger.warning("a message of the kernel could not be used", exc_info=True)
            return None

    async def begin(self) -> None:
        """Forget what the last cell did."""
        self.timed_out, self.asked_exit, self.printed, self.kept = False, False, 0, 0
        self.waited = self._starved()

    async def _recovered(self) -> bool:
        """Whether the kernel, once interrupted, answers again in time."""
        assert self.kc is not None  # a cell has just run
        wanted = self.kc.kernel_info()
        try:
            async with asyncio.timeout(self.grace):
                while True:
                    reply = await self.kc.shell_channel.get_msg(timeout=None)
                    if reply["parent_header"].get("msg_id") == wanted:
                        return True
        except TimeoutError:
            return False

    def _room(self, msg: dict[str, Any], cell: NotebookNode) -> bool:
        size = weight(msg.get("content"))
        least = 0 if _continues(msg, cell) else LEAST_WEIGHT
        before, self.printed = self.printed, self.printed + size
        if before <= MAX_PRINTED < self.printed:
            logger.warning("a cell printed more than %s bytes and was interrupted", MAX_PRINTED)
            manager = cast(AsyncKernelManager, self.km)
            asyncio.ensure_future(manager.interrupt_kernel())  # noqa: RUF006 - the kernel manager outlives it
        kept = max(size, least)
        if self.kept + kept > MAX_CELL_OUTPUT or self.kept_in_all + kept > MAX_NOTEBOOK_OUTPUT:
            self._mark_truncated(cell)
            return False
        self.kept += kept
        self.kept_in_all += kept
        return True

    def _mark_truncated(self, cell: NotebookNode) -> None:
        if self.kept <= MAX_CELL_OUTPUT:
            cell.outputs.append(NotebookNode(output_type="stream", name="stdout", text=TRUNCATED))
            self.kept = MAX_CELL_OUTPUT + 1

    async def _async_handle_timeout(self, timeout: int, cell: NotebookNode | None = None) -> Any:
        if await self._has_more_time(timeout):
            return None
        self.timed_out = True
        reply = await super()._async_handle_timeout(timeout, cell)
        if not await self._recovered():
            raise DeadKernelError(f"it went on after {timeout} seconds although it was interrupted")
        return reply

    async def _has_more_time(self, timeout: int) -> bool:
        """Whether the reply came in the time that the kernel had to wait for a processor, which is given back."""
        given = 0.0
        while (owed := min(self._starved() - self.waited, MAX_STARVED * timeout) - given) > 0.5:
            given += owed
            last = time.monotonic() + owed
            while (left := last - time.monotonic()) > 0:
                assert self.kc is not None  # a cell has just run
                if await self.kc.shell_channel.socket.poll(int(1000 * min(1.0, left)) + 1):
                    return True
                await self._async_check_alive()
        return False

    def _starved(self) -> float:
        """Seconds in which the kernel was ready and no processor was free; 0 where the system does not tell."""
        return sandbox.starved(getattr(getattr(self.km, "provisioner", None), "kernel_pid", None))


def _continues(msg: dict[str, Any], cell: NotebookNode) -> bool:
    """Whether a message goes on with the text that the last output of the cell holds."""
    last = cell.outputs[-1] if cell.outputs else {}
    same = last.get("output_type") == msg.get("msg_type") == "stream"
    return same and last.get("name") == msg["content"].get("name")


def weight(content: Any) -> int:
    """Rough number of characters in a message's content."""
    if isinstance(content, str | bytes):
        return len(content)
    if isinstance(content, dict):
        return sum(map(weight, content.values()))
    return sum(map(weight, content)) if isinstance(content, list) else 8


def run_notebook(notebook: NotebookNode, workspace: Workspace, settings: Settings) -> Run:
    """Run a notebook's cells in a sandboxed kernel; `workspace` gets the files that `check` leaves.

    A cell that raises, or that runs out of time, costs itself alone. A cell that ends the kernel is left out and the
    notebook runs again without it, so that what does not depend on it still counts.

    Raises
    ------
    SandboxError
        Where no sandbox can be had.
    """
    if settings.provisioner == "wgan-bubblewrap":
        sandbox.drops_user()
    if not settings.sandboxed:
        logger.warning(NO_SANDBOX)
    run = Run(notebook)
    workspace.remember()
    budget = Budget(settings.limits)
    for _ in range(MAX_RUNS):
        last = run_to_end(_attempt(run, workspace, replace(settings, limits=budget.left()), budget))
        run.stopped, run.processor = last is not None, budget.processor
        if last is None:
            break
        run.fatal[last[0]] = budget.spent or last[1]
        if budget.spent:
            run.timed_out |= budget.left().wall <= 1.0
            break
        if len(run.fatal) < MAX_RUNS:
            workspace.restore()
    for cell in notebook.cells:
        clean_outputs(cell)
    bound_code(notebook)
    return run


def bound_code(notebook: NotebookNode) -> None:
    """Cut long code, once it has run, where it is shown: colouring takes time with the square of its length."""
    budget = MAX_SHOWN
    for cell in notebook.cells:
        if cell.cell_type != "code" or cell.metadata.get("nbgrader", {}).get("locked"):
            continue
        source, room = BLANK.sub("\n\n\n", cell.source), min(MAX_CELL_SHOWN, budget)
        if len(source) > room:
            source = f"{source[:room]}\n# … the rest of this cell is left out here …"
        budget = max(0, budget - len(source))
        cell.source = source


class Budget:
    """What is left of a submission's time, over all of its runs."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.began, self.processor, self.starved = limits, time.monotonic(), 0.0, 0.0

    def left(self) -> Limits:
        """Limits of the next run."""
        wall = max(1.0, self.limits.wall - (time.monotonic() - self.began - self.starved))
        return replace(self.limits, wall=wall, processor=max(1, int(self.limits.processor - self.processor)))

    @property
    def spent(self) -> str:
        """What was over, in words; empty where there is time left."""
        left, whole = self.left(), "for all of its cells, which were over"
        if left.processor <= 1:
            return f"a submission of this set has {self.limits.processor} seconds of processor time {whole}"
        return f"a submission of this set has {self.limits.wall:g} seconds {whole}" if left.wall <= 1.0 else ""


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also where this thread has an event loop going, as in a notebook's cell."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _attempt(run: Run, workspace: Workspace, settings: Settings, budget: Budget) -> tuple[int, str] | None:
    """Run the cells once; index and reason of the one that ended the kernel, or None."""
    manager = _manager(workspace, settings)
    client = BoundedClient(run.notebook, km=manager, **_options(settings))
    client.on_cell_executed = partial(_look_at_reply, client)
    client.resources = {"metadata": {"path": str(workspace.work)}}
    index, interrupted = -1, []
    try:
        await _start(client, manager)
        for index, cell in enumerate(run.notebook.cells):
            await _run_cell(client, cell, index, run.fatal, settings)
            if client.timed_out:
                run.timed_out = True
                interrupted.append(f"Cell {index + 1} ran out of time and was interrupted.")
    except (DeadKernelError, CellTimeoutError) as error:
        run.timed_out |= client.timed_out
        return index, _reason(manager, error)
    finally:
        run.notes = interrupted
        _account(client, manager, run, budget)
        await _stop(client, manager)
    return None


def _account(client: BoundedClient, manager: AsyncKernelManager, run: Run, budget: Budget) -> None:
    """Add up what a run has used, and say what of it was no message of a kernel."""
    watchdog = getattr(manager.provisioner, "watchdog", None)
    budget.processor += watchdog.processor if watchdog else 0.0
    budget.starved += min(watchdog.starved, sandbox.MAX_STARVED * watchdog.limits.wall) if watchdog else 0.0
    dropped = client.kc.dropped if isinstance(client.kc, CarefulClient) and client.kc.channels_running else 0
    if dropped:
        run.notes = [*run.notes, f"{dropped} messages to the grader that no kernel sends were dropped."]


async def _start(client: BoundedClient, manager: AsyncKernelManager) -> None:
    try:
        await client.async_start_new_kernel()
        await client.async_start_new_kernel_client()
    except RuntimeError as error:
        raise sandbox.SandboxError(f"the kernel did not start: {_reason(manager, error)}") from error


async def _run_cell(
    client: BoundedClient, cell: NotebookNode, index: int, skip: Collection[int], settings: Settings
) -> None:
    if index in skip:
        cell.outputs = []
        return
    await client.begin()
    await client.async_execute_cell(cell, index)
    if client.asked_exit:
        raise DeadKernelError("it called exit()")


async def _stop(client: BoundedClient, manager: AsyncKernelManager) -> None:
    """Kill what is left of the kernel, whatever state it is in."""
    if client.kc is not None:
        client.kc.stop_channels()
    if manager.has_kernel:
        await manager.shutdown_kernel(now=True)
    await manager._async_cleanup_resources()


def _reason(manager: AsyncKernelManager, error: Exception) -> str:
    provisioner = manager.provisioner
    watchdog = getattr(provisioner, "watchdog", None)
    if watchdog is not None and watchdog.reason:
        return watchdog.reason
    if isinstance(error, DeadKernelError) and str(error) != "Kernel died":
        return str(error)
    said = getattr(provisioner, "last_words", str)()
    return "it ended its own process" if isinstance(error, DeadKernelError) else said or str(error)[:200]


def _options(settings: Settings) -> dict[str, Any]:
    out_of_time = {
        "ename": "CellTimeoutError",
        "evalue": f"this cell ran for more than {settings.cell_timeout} seconds and was interrupted",
        "traceback": [],
    }
    return {
        "timeout_func": lambda cell: _time_for(cell, settings),
        "startup_timeout": 120,
        "grace": settings.grace,
        "iopub_timeout": 20,  # what a flood has left in the queue must be read before the next cell's output
        "interrupt_on_timeout": True,
        "error_on_timeout": out_of_time,
        "allow_errors": True,
        "record_timing": False,
        "store_widget_state": False,
        "skip_cells_with_tag": "",
        "ipython_hist_file": "",
        "coalesce_streams": False,
    }


def _time_for(cell: NotebookNode, settings: Settings) -> int:
    """Seconds for a cell: one that only sets up, and that no student wrote, has longer."""
    known = cell.metadata.get("nbgrader", {})
    ours = known.get("locked") and not known.get("grade") and not known.get("solution")
    return max(settings.setup_timeout, settings.cell_timeout) if ours else settings.cell_timeout


def _look_at_reply(client: BoundedClient, cell: NotebookNode, execute_reply: dict[str, Any], **_: Any) -> None:
    """Show the error of a cell that ran out of time, which the kernel does not report; note one that ends the kernel.

    After `exit()` the kernel still answers for a while, and a later cell would be blamed for its end.
    """
    content = execute_reply["content"]
    client.asked_exit = bool(content.get("payload"))
    if content.get("status") == "error" and content.get("ename") == "CellTimeoutError":
        cell.outputs.append(NotebookNode(output_type="stream", name="stdout", text=f"{content['evalue']}\n"))


def _manager(workspace: Workspace, settings: Settings) -> AsyncKernelManager:
    """Kernel manager for the course's kernel, whatever kernel the notebook asks for."""
    connection = workspace.sockets / "kernel.json"
    connection.unlink(missing_ok=True)
    manager = AsyncKernelManager(transport="ipc", ip=str(workspace.sockets / "s"), connection_file=str(connection))
    manager.context.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
    manager.context.setsockopt(zmq.RCVHWM, QUEUE)
    config = {"forked": settings.forked} if settings.provisioner == "wgan-bubblewrap" else settings.container
    spec = sandbox.kernel_spec(workspace, settings.limits, settings.provisioner, **config)
    if not settings.sandboxed:
        spec.env = plain_environment(workspace)
    manager._kernel_spec = spec
    manager.client_factory = CarefulClient
    manager.shutdown_wait_time = 1.0
    return manager


def plain_environment(workspace: Workspace) -> dict[str, str]:
    """What a kernel without a sandbox needs to know."""
    folders = {"WGAN_COURSE_OBSERVE_IN": str(workspace.inputs), "WGAN_COURSE_OBSERVE_OUT": str(workspace.outputs)}
    return folders | {"OMP_NUM_THREADS": "1"}


def clean_outputs(cell: NotebookNode) -> None:
    """Keep text and pictures of a cell's outputs; markup and scripts would run in the grader's browser."""
    if cell.cell_type == "code":
        cell.outputs = [made for output in _joined(cell.outputs) if (made := _clean(output)) is not None]
        cell.execution_count = count_of(cell.get("execution_count"))
        cell.metadata.pop("execution", None)


def _joined(outputs: Iterable[NotebookNode]) -> Iterator[NotebookNode]:
    """Outputs in which a stream's texts that follow each other are one."""
    for (kind, name), group in groupby(outputs, lambda one: (one.get("output_type"), one.get("name"))):
        if kind == "stream":
            yield NotebookNode(output_type=kind, name=name, text="".join(_plain(one.get("text")) for one in group))
        else:
            yield from group


def _clean(output: NotebookNode) -> NotebookNode | None:
    kind = output.get("output_type")
    if kind == "stream":
        return NotebookNode(output_type="stream", name=_stream(output), text=_coloured(output.get("text")))
    if kind == "error":
        lines = _without_colours([_plain(line) for line in output.get("traceback") or []][:100])
        return NotebookNode(
            output_type="error", ename=_plain(output.get("ename")), evalue=_plain(output.get("evalue")), traceback=lines
        )
    data = {name: _coloured(value) for name, value in (output.get("data") or {}).items() if name in SHOWN}
    data = {name: value for name, value in data.items() if name not in KINDS or is_picture(name, value)}
    return NotebookNode(output_type="display_data", data=NotebookNode(data), metadata=NotebookNode()) if data else None


def _stream(output: NotebookNode) -> str:
    return "stderr" if output.get("name") == "stderr" else "stdout"


def _coloured(value: Any) -> str:
    return _without_colours([_plain(value)])[0]


def _without_colours(texts: list[str]) -> list[str]:
    """Texts without their colours where there are too many: to show them takes the square of their number."""
    return texts if sum(text.count("\x1b") for text in texts) <= MAX_COLOURS else list(map(strip_ansi, texts))


def _plain(value: Any) -> str:
    text = "".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.encode("utf-8", "replace").decode()
