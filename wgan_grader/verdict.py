"""From what was observed to points and messages: the trusted half of a check."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wgan_course.check.exchange import Observation

from . import changes
from .diagnosis import MAX_MESSAGE, Diagnosis, diagnose
from .problem import Case, Criterion, Outputs, Problem, close
from .trials import Trial, attempt

IN_PLACE = "in-place"  # the misconception of a problem whose very mistake is a change of an argument


@dataclass(frozen=True)
class CriterionResult:
    """How one criterion came out."""

    id: str
    title: str
    points: float
    earned: float
    passed: bool
    diagnosis: Diagnosis | None = None


@dataclass(frozen=True)
class Example:
    """The smallest failing case among those that everybody may see."""

    name: str
    inputs: str
    expected: str
    got: str
    failed: bool = False


@dataclass(frozen=True)
class Debugging:
    """What helps to find a fault: the student's own lines that led to an error, and what was printed.

    `failing` is the name of the input that `failing_input` gives back; empty where all is right.
    """

    failing: str = ""
    trace: tuple[str, ...] = ()
    printed: str = ""


@dataclass(frozen=True)
class Verdict:
    """Outcome of one check. `status` is ``graded``, ``not-attempted`` or ``unreadable``.

    `left` says what the function left changed although the exercise does not ask for it; `debugging` is known only in a
    student's own check.
    """

    key: str
    title: str
    status: str
    criteria: tuple[CriterionResult, ...]
    example: Example | None = None
    left: Diagnosis | None = None
    debugging: Debugging | None = None

    @property
    def points(self) -> float:
        """Points earned."""
        return round(sum(criterion.earned for criterion in self.criteria), 6)

    @property
    def possible(self) -> float:
        """Points that could be earned."""
        return round(sum(criterion.points for criterion in self.criteria), 6)

    @property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """Distinct misconceptions met, in the order of the criteria, and what was left changed."""
        found = [*(criterion.diagnosis for criterion in self.criteria), self.left]
        return tuple(dict.fromkeys(filter(None, found)))

    def as_dict(self) -> dict[str, Any]:
        """Plain dict for JSON."""
        return asdict(self) | {"points": self.points, "possible": self.possible}


def assess(
    problem: Problem, cases: Sequence[Case], observations: Sequence[Observation], public: Sequence[Case] | None = None
) -> Verdict:
    """Judge what was observed of a function on these cases; cases that were not observed count as failed.

    The failing example is one of `public`, which decide no points, so that no secret input is shown; of `cases` where
    there are no others.
    """
    seen = {observation.name: observation for observation in observations}
    found = [seen.get(case.name, Observation(case.name, "error", error="nothing was recorded")) for case in cases]
    if not found or all(observation.status == "not-attempted" for observation in found):
        return blank(problem, "not-attempted")
    trials = [attempt(problem, case, observation) for case, observation in zip(cases, found, strict=True)]
    left = _left_changed(trials)
    criteria = tuple(_result(problem, criterion, trials, left) for criterion in problem.criteria)
    if public is not None:
        trials = [attempt(problem, case, seen[case.name]) for case in public if case.name in seen]
    example = None if problem.reached else _example(trials)
    return Verdict(problem.key, problem.title, "graded", criteria, example, left)


def blank(problem: Problem, status: str, message: str = "") -> Verdict:
    """Verdict of no points: nothing was attempted, or nothing could be read (the message says why)."""
    diagnosis = Diagnosis(f"generic:{status}", message) if message else None
    criteria = (CriterionResult(c.id, c.title, c.points, 0.0, False, diagnosis) for c in problem.criteria)
    return Verdict(problem.key, problem.title, status, tuple(criteria))


def _result(problem: Problem, criterion: Criterion, trials: list[Trial], left: Diagnosis | None) -> CriterionResult:
    own = [trial for trial in trials if trial.case.criterion == criterion.id]
    diagnosis = diagnose(problem, criterion, trials)
    if diagnosis is not None and diagnosis.id != IN_PLACE and _spoilt(own):
        diagnosis = left
    pure = criterion.id == (problem.pure or problem.criteria[0].id)
    if pure and diagnosis is None:
        diagnosis = left
    # That a function leaves its inputs alone is worth nothing by itself: one that only raises does so too.
    passed = diagnosis is None and bool(own or (pure and any(trial.passed for trial in trials)))
    earned = criterion.points if passed else 0.0
    return CriterionResult(criterion.id, _title(problem, criterion, own), criterion.points, earned, passed, diagnosis)


def _spoilt(own: list[Trial]) -> bool:
    """Whether in each case that fails an argument was changed: what the values look like may come of that alone."""
    failing = [trial for trial in own if not trial.passed]
    return all(trial.ok and any(code.startswith("value:") for code in _codes(trial)) for trial in failing)


def _left_changed(trials: list[Trial]) -> Diagnosis | None:
    """What the function left changed although the problem does not ask for it."""
    codes = [code for trial in trials if trial.ok for code in _codes(trial)]
    if not codes:
        return None
    in_place = all(code.startswith("value:") for code in codes)
    return Diagnosis("mutates-input" if in_place else "left-changed", changes.message(codes))


def _codes(trial: Trial) -> list[str]:
    """Codes of a case; a graph behind an output counts where that output is right: another may stand in its place."""
    seen, expected = trial.seen.outputs, trial.expected
    wrong = {f"graph:{name}" for name in seen if name in expected and not close(seen[name], expected[name], trial.case)}
    return [code for code in changes.left(trial.case, trial.seen) if code not in wrong]


def _title(problem: Problem, criterion: Criterion, own: list[Trial]) -> str:
    """The criterion in words, and where the problem measures something, what was reached."""
    found = ""
    if problem.reached and own:
        with suppress(Exception):
            found = problem.reached(own[0].case, own[0].seen.outputs)
    return f"{criterion.title}. Yours: {found}" if found else criterion.title


def _example(trials: list[Trial]) -> Example | None:
    failing = [trial for trial in trials if not trial.passed]
    if not failing:
        return None
    smallest = min(failing, key=lambda trial: sum(np.size(value) for value in trial.case.inputs.values()))
    seen = smallest.seen
    got = shown(seen.outputs) if seen.status == "ok" else (seen.error or seen.status)
    inputs = ", ".join(f"{name}={_value(value)}" for name, value in smallest.case.inputs.items())
    return Example(smallest.case.name, inputs, shown(smallest.expected), got[:MAX_MESSAGE], seen.status != "ok")


def shown(outputs: Outputs) -> str:
    """Outputs in one line."""
    parts = [_value(value) if name == "value" else f"{name}={_value(value)}" for name, value in outputs.items()]
    return ", ".join(parts)


def _value(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return repr(value)
    text = np.array2string(value, precision=6, threshold=12, edgeitems=2, separator=", ")
    return " ".join(text.split())
