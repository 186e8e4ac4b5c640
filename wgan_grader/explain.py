"""Which of a problem's named misconceptions an answer shows: one that agrees with all that was observed, or none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wgan_course.check.exchange import Observation

from .problem import Formula, Misconception, Outputs, Problem, as_outputs, close
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

    One that other failing cases contradict (there may be a second fault) has to explain half of all that fail. Of
    several, the one that agrees with the most cases; of equals, the first that the problem lists. What rests on one
    round number or a single yes is believed only if it agrees with all cases, and nothing else would explain them.
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
        made = _made(formula, failing, trials)
        words = [word for word, _ in made]
        whole, agreeing = CONTRADICTS not in words, words.count(AGREES) + words.count(EXPLAINS)
        numbers = set().union(*(values for word, values in made if word == EXPLAINS))
        half = 2 * words.count(EXPLAINS) >= sum(not trial.passed for trial in trials)
        if EXPLAINS in words and (whole or (half and words.count(EXPLAINS) > 1 and len(numbers) > 1)):
            yield Evidence(whole, agreeing, place, _telling(numbers), misconception)
    if misconception.detect is not None and _detected(problem, misconception.detect, failing, trials):
        held = [_holds(misconception.detect, trial, trial.seen) for trial in trials if not trial.passed]
        if all(held) or len(failing) > 1:
            yield Evidence(all(held), sum(held), place, True, misconception)


def _made(formula: Formula, failing: Sequence[Trial], trials: Sequence[Trial]) -> list[tuple[str, set[float]]]:
    """What a wrong formula makes of every case, or nothing where it does not explain the criterion's failures.

    Where the function stopped with an error the formula may do so too; a case that passes must not contradict it.
    """
    made, own = [], {trial.case.name for trial in failing}
    for trial in sorted(trials, key=lambda trial: (trial.case.name not in own, not trial.passed)):
        compared = _compared(formula, trial)
        made.append(compared)
        if trial.case.name in own and compared[0] not in (EXPLAINS, BREAKS):
            return []
        if trial.passed and compared[0] == CONTRADICTS:
            return []
    return made


def _compared(formula: Formula, trial: Trial) -> tuple[str, set[float]]:
    """Whether the wrong formula gives what was observed, and its wrong numbers.

    Where it gives the right answer, it explains nothing.
    """
    try:
        made = as_outputs(formula, trial.case)
    except Exception:
        return (BREAKS if trial.seen.status == "error" else CONTRADICTS), set()
    predicted = {name: _defined(array, name, trial) for name, array in made.items()}
    looked_at = trial.judged or tuple(predicted)
    shared = [name for name in predicted if name in trial.seen.outputs and name in looked_at]
    if not trial.ok or not shared:
        return (SILENT if trial.ok else CONTRADICTS), set()
    pairs = [(trial.seen.outputs[name], predicted[name]) for name in shared]
    if not all(close(*pair, trial.case, slack=10.0, equal_nan=True) for pair in pairs):
        return CONTRADICTS, set()
    wrong = [name for name in shared if not _right(predicted[name], trial.expected.get(name), trial)]
    if trial.passed or not wrong:
        return (AGREES if all(predicted[name] is made[name] for name in shared) else SILENT), set()
    return EXPLAINS, {value for name in wrong for value in _numbers(predicted[name], trial.expected.get(name), trial)}


def _defined(predicted: np.ndarray, name: str, trial: Trial) -> np.ndarray:
    """What a wrong formula gives, and where it has 0/0 and the answer is right, the right one: that can be handled."""
    seen, expected = trial.seen.outputs.get(name), trial.expected.get(name)
    if seen is None or expected is None or not predicted.shape == seen.shape == expected.shape:
        return predicted
    with np.errstate(all="ignore"):
        handled = np.isnan(predicted.astype(float)) & (seen == expected) & np.isfinite(expected.astype(float))
    return np.where(handled, expected, predicted) if handled.any() else predicted


def _right(predicted: np.ndarray, expected: np.ndarray | None, trial: Trial) -> bool:
    return expected is not None and close(predicted, expected, trial.case, equal_nan=True)


def _numbers(predicted: np.ndarray, expected: np.ndarray | None, trial: Trial) -> set[float]:
    """The least and the greatest of the finite entries that differ from the right ones."""
    wrong = predicted.astype(float)
    if expected is not None and expected.shape == predicted.shape:
        wrong = wrong[~np.isclose(wrong, expected.astype(float), rtol=trial.case.rtol, atol=trial.case.atol)]
    wrong = wrong[np.isfinite(wrong)]
    return {float(f"{value:.6g}") for value in (wrong.min(), wrong.max())} if wrong.size else set()


def _telling(numbers: set[float]) -> bool:
    """Whether the agreement could hardly be chance: several wrong numbers, or one that is not round."""
    return len(numbers) > 1 or any(value != round(value, 1) for value in numbers)


def _detected(problem: Problem, detect: Any, failing: Sequence[Trial], trials: Sequence[Trial]) -> bool:
    """Whether a detector holds for all failing cases, and says more of them than that they fail.

    One that looks at the inputs alone must divide the cases that fail from those that do not, and not name a criterion.
    """
    if not all(_holds(detect, trial, trial.seen) for trial in failing):
        return False
    if problem.reached is not None:
        return True
    if any(_vague(detect, trial) for trial in failing):
        return False
    if not any(trial.ok and _holds(detect, trial, _as_seen(trial, {})) for trial in failing):
        return True
    accused = {trial.case.name for trial in trials if _holds(detect, trial, trial.seen)}
    groups = [{t.case.name for t in trials if t.case.criterion == c.id} for c in problem.criteria]
    return accused == {t.case.name for t in trials if not t.passed} and accused not in [*groups, set().union(*groups)]


def _vague(detect: Any, trial: Trial) -> bool:
    """Whether the detector would say the same of an unrelated error, or whichever output is spoilt."""
    if not trial.ok:
        return _holds(detect, trial, Observation(trial.case.name, trial.seen.status, error="ZeroDivisionError: probe"))
    if _holds(detect, trial, _as_seen(trial, {})):
        return False
    spoilt = ({name: _scrambled(array)} for name, array in trial.expected.items())
    return all(_holds(detect, trial, _as_seen(trial, outputs)) for outputs in spoilt)


def _as_seen(trial: Trial, outputs: Outputs) -> Observation:
    """What would be seen of the right answer, but for some outputs."""
    return Observation(trial.case.name, "ok", {**trial.seen.outputs, **trial.expected, **outputs})


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
