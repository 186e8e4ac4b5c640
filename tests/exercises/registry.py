"""One place for the wrong and the right versions of every graded function; see README.md."""

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wgan_course.check.observe import observe_all
from wgan_grader import registry
from wgan_grader.own import public_seed
from wgan_grader.problem import Case, Problem
from wgan_grader.verdict import Verdict, assess

MIN_MUTANTS, MIN_ALTERNATIVES = 8, 4
PUBLIC, HIDDEN = None, 20_011  # the seed of what everybody sees, and one of a grader


@dataclass
class Trials:
    """Mutants (wrong, each with the id of the message it must draw) and alternatives (right) of one graded function.

    Each is tried on all cases that every one of `seeds` draws, and judged by those that a student sees and by all.
    """

    key: str
    seeds: tuple[int | None, ...] = (PUBLIC,)
    wrong: list[tuple[str, str, Callable]] = field(default_factory=list)
    right: list[tuple[str, Callable]] = field(default_factory=list)

    def mutants(self, misconception: str, **functions: Callable) -> None:
        """Register wrong versions that must be refused with this misconception."""
        self.wrong += [(name, misconception, function) for name, function in functions.items()]

    def alternatives(self, **functions: Callable) -> None:
        """Register right versions that must get full marks."""
        self.right += list(functions.items())


@dataclass
class Count:
    """How the trials of one key came out, for the table."""

    refused: int = 0
    mutants: int = 0
    accepted: int = 0
    alternatives: int = 0


COUNTS: dict[str, Count] = {}


def all_trials() -> list[Trials]:
    """Return the trials of every module ``psNN/NAME.py`` beside this one."""
    found = []
    for folder in sorted(Path(__file__).parent.glob("ps[0-9][0-9]")):
        for module in pkgutil.iter_modules([str(folder)]):
            found.append(importlib.import_module(f"{__package__}.{folder.name}.{module.name}").TRIALS)
    return found


@functools.lru_cache(maxsize=8)
def _cases(problem: Problem, seed: int | None) -> list[Case]:
    """All cases, drawn once for all versions of a function; nobody changes them."""
    rng = np.random.default_rng(public_seed(problem.key) if seed is None else seed)
    return problem.make_cases(rng, hidden=True)


def _seen_by_all(problem: Problem, seed: int | None) -> list[Case]:
    return [case for case in _cases(problem, seed) if not case.hidden]


def grade(key: str, function: Callable, seed: int | None = None) -> Verdict:
    """Judge a function as `check` does, or with hidden cases where a grader's seed is given."""
    problem = registry.find(key)
    cases = _seen_by_all(problem, None) if seed is None else _cases(problem, seed)
    return assess(problem, cases, observe_all(function, problem.request(cases)))


def _verdicts(trials: Trials, function: Callable) -> Iterator[tuple[str, Verdict]]:
    """What a student's own check and a grader would say at each seed, of one observation: theirs are cases of his."""
    problem = registry.find(trials.key)
    for seed in trials.seeds:
        cases = _cases(problem, seed)
        seen = observe_all(function, problem.request(cases))
        yield f"seed {seed}, a grader", assess(problem, cases, seen)
        own = _seen_by_all(problem, seed)
        if len(own) < len(cases):
            yield f"seed {seed}, the student", assess(problem, own, seen)


def refused(trials: Trials, misconception: str, function: Callable) -> list[str]:
    """Return what is wrong with the judgement of a mutant; nothing where it is refused with its message."""
    complaints = []
    for which, verdict in _verdicts(trials, function):
        ids = [diagnosis.id for diagnosis in verdict.diagnoses]
        if verdict.points >= verdict.possible or misconception not in ids:
            complaints.append(f"{which}: {verdict.points:g}/{verdict.possible:g} points, diagnosed {ids}")
    return complaints


def accepted(trials: Trials, function: Callable) -> list[str]:
    """Return what is wrong with the judgement of an alternative; nothing where it gets full marks."""
    complaints = []
    for which, verdict in _verdicts(trials, function):
        if verdict.points < verdict.possible:
            complaints.append(f"{which}: {verdict.points:g}/{verdict.possible:g}: {verdict.example}")
    return complaints
