"""From what was observed to points and messages: the trusted half of a check."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wgan_course.check.exchange import Observation

from .problem import Case, Criterion, Misconception, Outputs, Problem, as_outputs, close

MAX_MESSAGE = 400
MUTATES = "It changes its inputs in place. The caller's tensors are not yours: work on copies (x = x / s, not x /= s)."


@dataclass(frozen=True)
class Diagnosis:
    """What probably went wrong: the misconception's id and the text for the student."""

    id: str
    message: str


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
    """The smallest failing case, for the student's own screen only: never part of a grader's feedback."""

    name: str
    inputs: str
    expected: str
    got: str


@dataclass(frozen=True)
class Verdict:
    """Outcome of one check. `status` is ``graded``, ``not-attempted`` or ``unreadable``."""

    key: str
    title: str
    status: str
    criteria: tuple[CriterionResult, ...]
    example: Example | None = None

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
        """Distinct misconceptions met, in the order of the criteria."""
        found = [criterion.diagnosis for criterion in self.criteria if criterion.diagnosis]
        return tuple(dict.fromkeys(found))

    def as_dict(self, feedback: bool = True) -> dict[str, Any]:
        """Plain dict for JSON; with `feedback`, without inputs and expected values."""
        plain = asdict(self) | {"points": self.points, "possible": self.possible}
        return plain | {"example": None} if feedback else plain


def assess(problem: Problem, cases: Sequence[Case], observations: Sequence[Observation]) -> Verdict:
    """Judge what was observed of a function on these cases; cases that were not observed count as failed."""
    seen = {observation.name: observation for observation in observations}
    found = [seen.get(case.name, Observation(case.name, "error", error="nothing was recorded")) for case in cases]
    if not found or all(observation.status == "not-attempted" for observation in found):
        return blank(problem, "not-attempted")
    trials = [_try(problem, case, observation) for case, observation in zip(cases, found, strict=True)]
    criteria = tuple(_result(problem, criterion, trials) for criterion in problem.criteria)
    example = None if problem.reached else _example(trials)
    return Verdict(problem.key, problem.title, "graded", criteria, example)


def blank(problem: Problem, status: str, message: str = "") -> Verdict:
    """Verdict of no points: nothing was attempted, or nothing could be read (the message says why)."""
    diagnosis = Diagnosis(f"generic:{status}", message) if message else None
    criteria = (CriterionResult(c.id, c.title, c.points, 0.0, False, diagnosis) for c in problem.criteria)
    return Verdict(problem.key, problem.title, status, tuple(criteria))


@dataclass(frozen=True)
class _Trial:
    """A case with what was expected, what was seen, and whether they agree."""

    case: Case
    seen: Observation
    expected: Outputs
    passed: bool


def _try(problem: Problem, case: Case, seen: Observation) -> _Trial:
    expected = problem.reference(case)
    return _Trial(case, seen, expected, seen.status == "ok" and _passes(problem, seen.outputs, expected, case))


def _passes(problem: Problem, outputs: Outputs, expected: Outputs, case: Case) -> bool:
    """Whether the problem's judge accepts the outputs; one that stumbles over them does not."""
    try:
        return bool(problem.judge(outputs, expected, case))
    except Exception:
        return False


def _result(problem: Problem, criterion: Criterion, trials: list[_Trial]) -> CriterionResult:
    own = [trial for trial in trials if trial.case.criterion == criterion.id]
    failing = [trial for trial in own if not trial.passed]
    diagnosis = _diagnose(problem, failing, trials) if failing else None
    if criterion.id == problem.pure and not failing and any(trial.seen.mutated for trial in trials):
        diagnosis = Diagnosis("mutates-input", MUTATES)
    # That a function leaves its inputs alone is worth nothing by itself: one that only raises does so too.
    passed = diagnosis is None and bool(own or (criterion.id == problem.pure and any(t.passed for t in trials)))
    earned = criterion.points if passed else 0.0
    return CriterionResult(criterion.id, _title(problem, criterion, own), criterion.points, earned, passed, diagnosis)


def _title(problem: Problem, criterion: Criterion, own: list[_Trial]) -> str:
    """The criterion in words, and where the problem measures something, what was reached."""
    found = ""
    if problem.reached and own:
        with suppress(Exception):
            found = problem.reached(own[0].case, own[0].seen.outputs)
    return f"{criterion.title}. Yours: {found}" if found else criterion.title


def _diagnose(problem: Problem, failing: list[_Trial], trials: list[_Trial]) -> Diagnosis:
    """Return the misconception that explains every failing case, the one that explains most of the rest first."""
    explained = [
        (sum(map(explains, trials)), -rank, misconception)
        for rank, misconception in enumerate(problem.misconceptions)
        for explains in _explanations(misconception)
        if all(map(explains, failing))
    ]
    if explained:
        best = max(explained, key=lambda entry: entry[:2])[2]
        return Diagnosis(best.id, best.message)
    return _generic(failing)


def _explanations(misconception: Misconception) -> list[Any]:
    found = [lambda trial, f=formula: _predicts(f, trial) for formula in misconception.formulas]
    detect = misconception.detect
    if detect is not None:
        found.append(lambda trial: _holds(lambda t: detect(t.case, t.seen, t.expected), trial))
    return found


def _predicts(formula: Any, trial: _Trial) -> bool:
    """Whether the wrong formula gives just what was observed. Where it gives the right answer, it explains nothing."""
    if trial.seen.status != "ok":
        return False
    try:
        predicted = as_outputs(formula, trial.case)
        names = set(predicted) & set(trial.seen.outputs)
        pairs = [(trial.seen.outputs[name], predicted[name]) for name in names]
        if not trial.passed and all(_same(predicted[name], trial.expected.get(name), trial.case) for name in names):
            return False
        return bool(pairs) and all(close(*pair, trial.case, slack=10.0, equal_nan=True) for pair in pairs)
    except Exception:
        return False


def _same(predicted: np.ndarray, expected: np.ndarray | None, case: Case) -> bool:
    return expected is not None and close(predicted, expected, case, equal_nan=True)


def _generic(failing: list[_Trial]) -> Diagnosis:
    """Return what can be said of any wrong answer, from the bluntest to the finest."""
    for name, test, message in GENERIC:
        if all(_holds(test, trial) for trial in failing):
            return Diagnosis(f"generic:{name}", message.format(error=failing[0].seen.error[:MAX_MESSAGE]))
    worst = next((trial for trial in failing if trial.seen.status != "ok"), None)
    if worst is not None:
        return _generic([worst])
    factor = _common_factor(failing)
    if factor is not None:
        return Diagnosis("generic:factor", f"Every failing answer is {factor:.4g} times the right one.")
    if len(failing) > 1:
        return _generic(failing[:1])
    return Diagnosis("generic:value", "The answer is not the right one.")


def _holds(test: Any, trial: _Trial) -> bool:
    try:
        return bool(test(trial))
    except Exception:
        return False


def _status(status: str) -> Any:
    return lambda trial: trial.seen.status == status


def _shape_differs(trial: _Trial) -> bool:
    pairs = _pairs(trial)
    return any(seen.shape != expected.shape and not seen.size == expected.size == 1 for seen, expected in pairs)


def _pairs(trial: _Trial) -> list[tuple[np.ndarray, np.ndarray]]:
    named = trial.seen.outputs
    return [(named[name], expected) for name, expected in trial.expected.items() if name in named]


def _missing_gradient(trial: _Trial) -> bool:
    """Whether what came back is right, and a gradient is missing: an answer that is wrong has another fault first."""
    if not _close_to(lambda b: b)(trial) and _pairs(trial):
        return False
    return any(name.startswith("gradient:") and name not in trial.seen.outputs for name in trial.expected)


def _close_to(change: Any, slack: float = 1.0) -> Any:
    return lambda trial: bool(_pairs(trial)) and all(close(a, change(b), trial.case, slack) for a, b in _pairs(trial))


def _common_factor(failing: list[_Trial]) -> float | None:
    """Return the one number that all failing answers are too large by, if there is one and it can be told."""
    pairs = [pair for trial in failing for pair in _pairs(trial)]
    if not pairs or any(a.size != b.size for a, b in pairs):
        return None
    seen, expected = (np.concatenate([np.ravel(pair[i]).astype(float) for pair in pairs]) for i in (0, 1))
    with np.errstate(all="ignore"):
        ratios = (seen / expected)[expected != 0]
    if ratios.size < 2 or not np.isfinite(ratios).all() or np.any(seen[expected == 0] != 0):
        return None
    return float(ratios[0]) if np.allclose(ratios, ratios[0], rtol=1e-4) else None


GENERIC = (
    ("not-attempted", _status("not-attempted"), "It raises NotImplementedError here: this part is still open."),
    ("refused", _status("refused"), "{error}"),
    ("timeout", _status("timeout"), "It takes too long: {error}. Does a loop never end?"),
    ("unusable", _status("unusable"), "The result cannot be used: {error}."),
    ("error", _status("error"), "It stops with an error: {error}"),
    ("detached", _missing_gradient, "No gradient reaches the inputs: was the result detached, or made with .item()?"),
    ("shape", _shape_differs, "The result has the wrong shape: was a sum taken over the wrong axis, or not at all?"),
    ("nan", lambda t: any(np.isnan(a).any() for a, b in _pairs(t)), "The result is not a number (NaN)."),
    ("sign", _close_to(np.negative), "The sign is the wrong way round."),
    ("precision", _close_to(lambda b: b, 1e2), "Nearly right: digits are lost. Keep float64 and a stable formula."),
)


def _example(trials: list[_Trial]) -> Example | None:
    failing = [trial for trial in trials if not trial.passed]
    if not failing:
        return None
    smallest = min(failing, key=lambda trial: sum(np.size(value) for value in trial.case.inputs.values()))
    seen = smallest.seen
    got = shown(seen.outputs) if seen.status == "ok" else (seen.error or seen.status)
    inputs = ", ".join(f"{name}={_value(value)}" for name, value in smallest.case.inputs.items())
    return Example(smallest.case.name, inputs, shown(smallest.expected), got[:MAX_MESSAGE])


def shown(outputs: Outputs) -> str:
    """Outputs in one line."""
    parts = [_value(value) if name == "value" else f"{name}={_value(value)}" for name, value in outputs.items()]
    return ", ".join(parts)


def _value(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return repr(value)
    text = np.array2string(value, precision=6, threshold=12, edgeitems=2, separator=", ")
    return " ".join(text.split())
