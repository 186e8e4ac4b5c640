"""A case with what was expected and what was seen: the material of every diagnosis."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from wgan_course.check.exchange import Observation

from .problem import Case, Outputs, Problem, close


@dataclass(frozen=True)
class Answer:
    """One output of one case: what came back and what is right."""

    name: str
    seen: np.ndarray
    expected: np.ndarray
    case: Case

    @property
    def right(self) -> bool:
        """Whether the two agree within the case's tolerance."""
        return close(self.seen, self.expected, self.case)


@dataclass(frozen=True)
class Trial:
    """A case, what was seen, what was expected, and whether the judge accepts it.

    `judged` names the outputs that the judge compares with `expected`; none where many answers are right.
    """

    case: Case
    seen: Observation
    expected: Outputs
    passed: bool
    judged: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the function came back with something that can be compared."""
        return self.seen.status == "ok"

    @property
    def answers(self) -> list[Answer]:
        """The judged outputs that were seen."""
        named = [name for name in self.judged if self.ok and name in self.seen.outputs]
        return [Answer(name, self.seen.outputs[name], self.expected[name], self.case) for name in named]

    @property
    def wrong(self) -> list[Answer]:
        """Those of `answers` that are not right."""
        return [answer for answer in self.answers if not answer.right]

    @property
    def missing(self) -> tuple[str, ...]:
        """Judged outputs that were not seen."""
        return tuple(name for name in self.judged if self.ok and name not in self.seen.outputs)


def attempt(problem: Problem, case: Case, seen: Observation) -> Trial:
    """Compare what was seen with what is right."""
    expected = problem.reference(case)
    passed = seen.status == "ok" and _accepts(problem, seen.outputs, expected, case)
    judged = case.once(_judged, lambda: _judged(problem, expected, case))
    return Trial(case, seen, expected, passed, judged)


def _accepts(problem: Problem, outputs: Outputs, expected: Outputs, case: Case) -> bool:
    """Whether the problem's judge accepts the outputs; one that stumbles over them does not."""
    try:
        return bool(problem.judge(outputs, expected, case))
    except Exception:
        return False


def _judged(problem: Problem, expected: Outputs, case: Case) -> tuple[str, ...]:
    """Outputs that a problem's own comparison looks at, found by spoiling one at a time."""
    if problem.compare is None:
        return tuple(expected)
    if problem.reached is not None or _many_are_right(problem, expected, case):
        return ()
    spoiled = {name: {**expected, name: _shifted(expected[name], 1.0 + _largest(expected))} for name in expected}
    return tuple(name for name, outputs in spoiled.items() if not _accepts(problem, outputs, expected, case))


def _many_are_right(problem: Problem, expected: Outputs, case: Case) -> bool:
    """Whether the judge accepts the right answer with a constant added, or taken off, as it does for potentials."""
    names: Sequence[str] = tuple(expected)[:3]
    size = 1.0 + _largest(expected)
    signs = (dict(zip(names, found, strict=True)) for found in product((size, -size), repeat=len(names)))
    moved = ({name: _shifted(array, by.get(name, size)) for name, array in expected.items()} for by in signs)
    return any(_accepts(problem, outputs, expected, case) for outputs in moved)


def _largest(outputs: Outputs) -> float:
    finite = [array[np.isfinite(array.astype(float))].astype(float) for array in outputs.values()]
    return max((float(np.abs(array).max(initial=0.0)) for array in finite), default=0.0)


def _shifted(array: np.ndarray, by: float) -> np.ndarray:
    return np.where(np.isfinite(array.astype(float)), array.astype(float) + by, 0.0)
