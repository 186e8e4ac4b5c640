"""`check`: the one function that students call."""

import logging
import os
from pathlib import Path
from typing import Any

from . import report
from .exchange import ExchangeError, read_observations, read_request, write_observations
from .observe import observe_all, words
from .reference import OBSERVE_IN, judge

OBSERVE_OUT = "WGAN_COURSE_OBSERVE_OUT"
logger = logging.getLogger(__name__)


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
    """
    try:
        if os.environ.get(OBSERVE_IN):
            return _record(key, function)
        return _judge_here(key, function)
    except BaseException as error:
        logger.debug("check(%r) failed", key, exc_info=True)
        name = key[:80] if type(key) is str else f"(a key of type {type(key).__name__})"
        report.note(f"{name}: 0 points, because the check could not run: {words(error)[:400]}")
        return 0.0


def _judge_here(key: str, function: Any) -> float:
    verdict = judge().try_out(key, function)
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
