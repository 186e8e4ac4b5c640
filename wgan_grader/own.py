"""A judge for a student's own check: the problems of the course, on inputs that everybody sees."""

import zlib
from dataclasses import replace
from typing import Any

import numpy as np

from wgan_course.check.observe import observe_all

from .problem import Case, Problem
from .registry import find
from .verdict import Verdict, assess


def public_seed(key: str) -> int:
    """Seed of the inputs that everybody sees: the same for a key on every machine."""
    return zlib.crc32(key.encode())


def try_out(key: str, function: Any) -> Verdict:
    """Observe a function here and judge it; UnknownProblemError where no problem has this key."""
    problem = find(key)
    cases = problem.make_cases(np.random.default_rng(public_seed(key)))
    return assess(problem, cases, observe_all(function, problem.request(cases)))


def public_cases(problem: Problem) -> list[Case]:
    """Cases of the inputs that everybody sees, named apart from others; none where a function trains for each case."""
    if problem.reached is not None:
        return []
    cases = problem.make_cases(np.random.default_rng(public_seed(problem.key)))
    return [replace(case, name=f"public: {case.name}") for case in cases]


def stand_in(key: str) -> str:
    """Where the package has an implementation of the graded function; empty where it has none."""
    return find(key).stand_in
