"""Which of a problem's named misconceptions an answer shows: one that agrees with all that was observed, or none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wgan_course.check.exchange import Observation

from .problem import Formula, Misconception, Problem, as_outputs, close
from .trials import Trial

AGREES, EXPLAINS, BREAKS, SILENT, CONTRADICTS = "agrees", "explains", "breaks", "silent", "contradicts"


@dataclass(frozen=True, order=True)
class Evidence:
    """How well a misconception fits: with the other failing cases too, with how many cases, how early it is listed."""

    whole: bool
    agreeing: int
    place: int
    telling: bool = field(compare=False)
    misconception: Misconception = field(compare=False)


def explain(problem: Problem, failing: Sequence[Trial], trials: Sequence[Trial]) -> Misconception | None:
    """The misconception that explains every failing case of a criterion and is contradicted by no other observation.

    Of several, the one that agrees with the most cases; of equals, the first that the problem lists. What rests on one
    round number or a single yes is believed only if nothing else would explain it.
    """
    found = [
        evidence
        for rank, misconception in enumerate(problem.misconceptions)
        for evidence in _evidence(problem, misconception, -rank, failing, trials)
    ]
    if not found:
        return None
    best = max(found)
    rivals = {evidence.misconception.id for evidence in found if evidence.agreeing >= best.agreeing}
    return best.misconception if best.telling or (best.whole and len(rivals) == 1) else None


def _evidence(
    problem: Problem, misconception: Misconception, place: int, failing: Sequence[Trial], trials: Sequence[Trial]
) -> Iterator[Evidence]:
    for formula in misconception.formulas:
        made = {trial.case.name: _compared(formula, trial) for trial in trials}
        if _fits(made, failing, trials):
            explained = [trial for trial in trials if made[trial.case.name] == EXPLAINS]
            whole, agreeing = (
                CONTRADICTS not in made.values(),
                sum(word in (AGREES, EXPLAINS) for word in made.values()),
            )
            yield Evidence(whole, agreeing, place, _telling(formula, explained), misconception)
    if misconception.detect is not None and _detected(problem, misconception.detect, failing, trials):
        held = [_holds(misconception.detect, trial, trial.seen) for trial in trials if not trial.passed]
        yield Evidence(all(held), sum(held), place, True, misconception)


def _fits(made: Mapping[str, str], failing: Sequence[Trial], trials: Sequence[Trial]) -> bool:
    """Whether it explains the criterion's failures, or stops where the function did, and no passing case objects."""
    own = [made[trial.case.name] for trial in failing]
    objections = any(made[trial.case.name] == CONTRADICTS for trial in trials if trial.passed)
    return EXPLAINS in made.values() and all(word in (EXPLAINS, BREAKS) for word in own) and not objections


def _compared(formula: Formula, trial: Trial) -> str:
    """Whether the wrong formula gives what was observed. Where it gives the right answer, it explains nothing."""
    try:
        predicted = as_outputs(formula, trial.case)
    except Exception:
        return BREAKS if trial.seen.status == "error" else CONTRADICTS
    if not trial.ok:
        return CONTRADICTS
    shared = [name for name in predicted if name in trial.seen.outputs]
    if not shared:
        return SILENT
    pairs = [(trial.seen.outputs[name], predicted[name]) for name in shared]
    if not all(close(*pair, trial.case, slack=10.0, equal_nan=True) for pair in pairs):
        return CONTRADICTS
    wrong = [name for name in shared if not _right(predicted[name], trial.expected.get(name), trial)]
    return AGREES if trial.passed or not wrong else EXPLAINS


def _right(predicted: np.ndarray, expected: np.ndarray | None, trial: Trial) -> bool:
    return expected is not None and close(predicted, expected, trial.case, equal_nan=True)


def _telling(formula: Formula, explained: Sequence[Trial]) -> bool:
    """Whether the agreement could hardly be chance: two numbers at least, or one that is not round.

    NaN says only that something broke, which many formulas do.
    """
    values: set[float] = set()
    for trial in explained:
        for name, array in as_outputs(formula, trial.case).items():
            if name in trial.seen.outputs:
                wrong = array.astype(float).ravel()
                values.update(float(f"{value:.6g}") for value in wrong[np.isfinite(wrong)])
    return len(values) > 1 or any(value != round(value, 1) for value in values) or len(explained) > 1


def _detected(problem: Problem, detect: Any, failing: Sequence[Trial], trials: Sequence[Trial]) -> bool:
    """Whether a detector holds for all failing cases, and says something about the answer rather than the case.

    One that would accuse any answer must at least divide the cases that fail from those that do not, and not merely
    name a criterion.
    """
    if not all(_holds(detect, trial, trial.seen) for trial in failing):
        return False
    if problem.reached is not None or not any(_blind(detect, trial) for trial in failing):
        return True
    accused = {trial.case.name for trial in trials if _holds(detect, trial, trial.seen)}
    named = {
        criterion.id: {t.case.name for t in trials if t.case.criterion == criterion.id}
        for criterion in problem.criteria
    }
    return accused == {t.case.name for t in trials if not t.passed} and accused not in named.values()


def _blind(detect: Any, trial: Trial) -> bool:
    """Whether the detector would say the same of the right answer, of an arbitrary one, or of an unrelated error."""
    if not trial.ok:
        return _holds(detect, trial, Observation(trial.case.name, trial.seen.status, error="ZeroDivisionError: probe"))
    right = {**trial.seen.outputs, **trial.expected}
    noise = {name: _scrambled(array) for name, array in right.items()}
    return any(_holds(detect, trial, Observation(trial.case.name, "ok", outputs)) for outputs in (right, noise))


def _scrambled(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "b":
        return array
    steps = np.linspace(0.37, 1.19, max(array.size, 1)).reshape(array.shape) if array.size else array
    return np.where(np.isfinite(array.astype(float)), array, 1.0) * 1.37 + steps


def _holds(detect: Any, trial: Trial, seen: Observation) -> bool:
    try:
        return bool(detect(trial.case, seen, trial.expected))
    except Exception:
        return False
