"""`check` and `failing_input`: what students call."""

import logging
import os
from pathlib import Path
from typing import Any

from . import report
from .exchange import ExchangeError, read_observations, read_request, write_observations
from .limits import BUTTON, Stopped
from .observe import observe_all, words
from .progress import Progress
from .reference import OBSERVE_IN, judge

OBSERVE_OUT = "WGAN_COURSE_OBSERVE_OUT"
logger = logging.getLogger(__name__)
_failing: dict[str, str] = {}


class Inputs(tuple):
    """Arguments of a call, in their order: ``function(*inputs)`` repeats it."""

    kwargs: dict[str, Any]

    @property
    def args(self) -> tuple[Any, ...]:
        """Those by position."""
        return tuple(self)


def check(key: str, function: Any = None) -> float:
    """Try a function of yours, show criterion by criterion what it does, and return the points.

    It never raises, whatever the function does. In a grader's sandbox it only records what the function returns.

    Parameters
    ----------
    key : str
        The graded function, such as ``"ps01.kl"``.
    function : callable
        Yours.

    Returns
    -------
    float
        Points earned; 0.0 for an exercise that is still open.

    Raises
    ------
    KeyboardInterrupt
        Where you stop it.
    """
    with BUTTON.watching():
        try:
            if os.environ.get(OBSERVE_IN):
                return report.Points(_record(key, function))
            return report.Points(_judge_here(key, function))
        except BaseException as error:
            if BUTTON.pressed:
                report.note(f"{_named(key)}: stopped. Nothing was judged.")
                raise Stopped from None
            logger.debug("check(%r) failed", key, exc_info=True)
            report.note(f"{_named(key)}: 0 points, because the check could not run: {words(error)[:400]}")
            return report.Points(0.0)


def failing_input(key: str) -> Inputs:
    """Return the arguments on which your function failed when you last checked it, made anew for each call.

    They are the objects behind the “smallest failing input” of the table: ``function(*failing_input(key))`` repeats the
    call, and ``breakpoint()`` or ``%debug`` looks inside it.

    Parameters
    ----------
    key : str
        The graded function, such as ``"ps01.kl"``.

    Returns
    -------
    Inputs
        A tuple, in the order of the function's arguments.

    Raises
    ------
    LookupError
        Where nothing has failed: it was not checked since the kernel began, is still open, or passes.
    """
    if type(key) is not str or key not in _failing:
        raise LookupError(f"{_named(key)} was not checked in this kernel: run its check first")
    if not _failing[key]:
        raise LookupError(f"{_named(key)} has no failing input: its last check passed, or it is still open")
    args, kwargs = judge().inputs(key, _failing[key])
    found = Inputs(args)
    found.kwargs = kwargs
    return found


def _judge_here(key: str, function: Any) -> float:
    with Progress(key) as progress:
        verdict = judge().try_out(key, function, progress.told)
        BUTTON.obey()
    _failing[key] = verdict.debugging.failing if verdict.debugging else ""
    report.show(verdict)
    return float(verdict.points)


def _record(key: str, function: Any) -> float:
    observations = observe_all(function, read_request(os.environ[OBSERVE_IN], key))
    folder = os.environ[OBSERVE_OUT]
    open_now = all(seen.status == "not-attempted" for seen in observations)
    if not (open_now and _has_attempt(folder, key)):
        write_observations(key, observations, folder)
    report.recorded(key)
    return 0.0


def _has_attempt(folder: str | Path, key: str) -> bool:
    """Whether an earlier cell of the notebook has left observations of a function that was written."""
    try:
        return any(seen.status != "not-attempted" for seen in read_observations(folder, key))
    except ExchangeError:
        return False


def _named(key: Any) -> str:
    return key[:80] if type(key) is str else f"(a key of type {type(key).__name__})"
