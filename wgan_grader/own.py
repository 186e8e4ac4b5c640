"""A judge for a student's own check: the problems of the course, on inputs that everybody sees."""

import functools
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wgan_course.check.exchange import Observation
from wgan_course.check.limits import BUTTON
from wgan_course.check.observe import arguments, observe_all

from .problem import Case, Problem
from .registry import find
from .trials import attempt
from .verdict import Debugging, Verdict, assess


def public_seed(key: str) -> int:
    """Seed of the inputs that everybody sees: the same for a key on every machine."""
    return zlib.crc32(key.encode())


def try_out(key: str, function: Any, told: Callable[[int, int], None] | None = None) -> Verdict:
    """Observe a function here and judge it; UnknownProblemError where no problem has this key."""
    problem, cases = _tried(key)
    seen = observe_all(function, problem.request(cases), told)
    with BUTTON.open():
        verdict = assess(problem, cases, seen)
    if verdict.status != "graded":
        return verdict
    return replace(verdict, debugging=_debugging(problem, cases, seen, verdict))


def inputs(key: str, name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments of the case of this name, made anew."""
    problem, cases = _tried(key)
    return arguments(problem.request(cases), next(case for case in cases if case.name == name))


@functools.cache
def _tried(key: str) -> tuple[Problem, list[Case]]:
    """A problem with the cases that everybody sees; drawn once, for a check is asked for again and again."""
    problem = find(key)
    return problem, problem.make_cases(np.random.default_rng(public_seed(key)))


def _debugging(problem: Problem, cases: Sequence[Case], seen: Sequence[Observation], verdict: Verdict) -> Debugging:
    """Of the case that is shown, else of the first that fails, else of the first; an error's lines whichever it is."""
    name = verdict.example.name if verdict.example else ""
    if not name and verdict.points < verdict.possible:
        failing = (case for case, one in zip(cases, seen, strict=True) if not attempt(problem, case, one).passed)
        name = next(failing, cases[0]).name
    shown = sorted(seen, key=lambda one: one.name != name)
    trace = next((one.trace for one in shown if one.trace), ())
    return Debugging(name, trace, next((one.printed for one in shown if one.printed), ""))


def public_cases(problem: Problem) -> list[Case]:
    """Cases of the inputs that everybody sees, named apart from others; none where a function trains for each case."""
    if problem.reached is not None:
        return []
    return [replace(case, name=f"public: {case.name}") for case in _tried(problem.key)[1]]


def stand_in(key: str) -> str:
    """Where the package has an implementation of the graded function; empty where it has none."""
    return find(key).stand_in
