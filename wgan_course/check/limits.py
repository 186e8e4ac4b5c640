"""How long a function may take, by the time of its processor, and the stop button, which stops at once.

A busy machine costs no time: what counts is the time in which a thread ran or slept, and not that in which it waited
for a processor. Where the system does not tell the two apart, waiting counts an eighth.
"""

import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
IMPORTS = 60.0  # seconds that a function's imports may take beyond its limit
AGAIN = 0.1  # seconds after which one who swallowed the end is told again
_LOOK = 0.5  # seconds after which a signal that came just before the function fell asleep is seen
_UNKNOWN = 1 / 8
_IMPORTER = "<frozen importlib._bootstrap>"


class TimeLimitError(BaseException):
    """Raised inside the student's function when its time is up; no ``except Exception`` swallows it."""


class Stopped(KeyboardInterrupt):
    """The stop button was pressed during a check; a notebook shows one word of it, and runs no further cell."""

    def _render_traceback_(self) -> list[str]:
        return ["KeyboardInterrupt"]


class Stopwatch:
    """Measures the time that this thread takes from now on, or another of this process, which is known less well."""

    def __init__(self, other: bool = False) -> None:
        self._known = not other and _queued() is not None
        self._clock = time.process_time if other else time.thread_time
        self._begun = self._now()

    def taken(self) -> float:
        """Seconds in which it ran or slept."""
        wall, ran, queued = (now - then for now, then in zip(self._now(), self._begun, strict=True))
        waited = max(0.0, wall - ran)
        return ran + (max(0.0, waited - queued) if self._known else _UNKNOWN * waited)

    def _now(self) -> tuple[float, float, float]:
        return time.monotonic(), self._clock(), (_queued() or 0.0) if self._known else 0.0


class StopButton:
    """What an interrupt from the keyboard does during a check: end the student's function, and then the check.

    In the main thread alone. Between two calls, where settings are put back, it waits until that is done.
    """

    def __init__(self) -> None:
        self.pressed = False
        self.alarmed = False  # whether an alarm of `time_limit` tells again one who has swallowed the end
        self._inside = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take interrupts from here to the end of the block."""
        if self._inside or threading.current_thread() is not threading.main_thread():
            yield
            return
        self.pressed = False
        before = signal.signal(signal.SIGINT, self._press)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before or signal.default_int_handler)
            self.pressed = False  # what is observed outside of a check is not stopped by a check that was

    @contextmanager
    def open(self) -> Iterator[None]:
        """Let the button end this block at whatever point it is."""
        self._inside = True
        try:
            self.obey()
            yield
        finally:
            self._inside = False
        self.obey()

    def obey(self) -> None:
        """Raise `Stopped` where the button was pressed."""
        if self.pressed:
            raise Stopped

    def _press(self, number: int, frame: Any) -> None:
        self.pressed = True
        if not self._inside:
            return
        if self.alarmed:
            signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
        if not (self.alarmed and _importing(frame)):
            self._inside = False
            raise Stopped


BUTTON = StopButton()


def run_within(work: Callable[[], T], seconds: float) -> T:
    """Do `work`, in its time.

    Raises
    ------
    TimeLimitError
        When the time is up.
    Stopped
        When the stop button is pressed.
    """
    if not within_this_thread():
        return _run_in_thread(work, seconds)
    with time_limit(seconds), BUTTON.open():
        return work()


def within_this_thread() -> bool:
    """Whether `run_within` does the work here, and not in a thread of its own."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeLimitError` in the block after `seconds`; in the main thread of a Unix system only.

    An import is not interrupted, for that would leave a broken module behind; after it the time begins anew. The first
    use of ``torch.func``, say, imports for some seconds.
    """
    watch, last, imported, within = Stopwatch(), time.monotonic() + seconds + IMPORTS, False, False

    def ring(number: int, frame: Any) -> None:
        nonlocal watch, imported
        if not within:
            return
        importing = time.monotonic() < last and _importing(frame)
        if BUTTON.pressed and not importing:
            raise Stopped
        if importing:
            imported = True
            return
        if imported:
            watch, imported = Stopwatch(), False
        left = seconds - watch.taken()
        if left <= 0:
            raise TimeLimitError
        signal.setitimer(signal.ITIMER_REAL, min(max(left, 0.01), _LOOK), AGAIN)

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, min(seconds, _LOOK), AGAIN)
        BUTTON.alarmed = True
        try:
            within = True  # an alarm before or after ends nothing
            yield
        finally:
            within = False
    finally:
        BUTTON.alarmed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _run_in_thread(work: Callable[[], T], seconds: float) -> T:
    """Where no alarm can be set: wait for a thread as long as the limit, then tell it to stop and leave it behind."""
    results: list[T] = []
    errors: list[BaseException] = []

    def collect() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread, watch = threading.Thread(target=collect, daemon=True), Stopwatch(other=True)
    thread.start()
    while thread.is_alive() and not BUTTON.pressed and watch.taken() < seconds:
        thread.join(AGAIN)
    if errors:
        raise errors[0]
    if results:
        return results[0]
    why: type[BaseException] = Stopped if BUTTON.pressed else TimeLimitError
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(why))
    raise why


def _queued() -> float | None:
    """Seconds in which this thread was ready and no processor was free; None where the system does not tell."""
    try:
        with open("/proc/thread-self/schedstat", "rb") as file:  # not by a Path: it is read twice for each case
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


def _importing(frame: Any) -> bool:
    """Whether what the frame belongs to executes an import; what has called the check does not count."""
    while frame is not None and frame.f_code.co_filename not in (_IMPORTER, __file__):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename == _IMPORTER
