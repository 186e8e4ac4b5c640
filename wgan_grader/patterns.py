"""Observers of pattern: true sentences about answers that are wrong in a way which no misconception names.

Each observer of `VALUES` takes the wrong answers and returns a sentence that holds for every one of them, or nothing.
`which_inputs` says what the failing cases have in common and the others lack.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from .trials import Answer, Trial

RTOL = 1e-4
COSTS = (
    "A constant added for safety, a value cut off, too coarse a search or a difference quotient, float32, or a "
    "difference of nearly equal numbers can cost digits."
)
Answers = Sequence[Answer]


def names_in_words(names: Sequence[str], called: Mapping[str, str] | None = None) -> str:
    """Outputs as a reader knows them: ``gradient:W`` is the gradient in W; `called` has a case's own words."""
    kinds = {"gradient": "the gradient in {}", "after": "{} afterwards", "now": "{} afterwards"}
    said = []
    for name in names:
        kind, _, rest = name.partition(":")
        words = kinds[kind].format(rest) if rest and kind in kinds else "the value" if name == "value" else name
        said.append((called or {}).get(name, words))
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


# -- what the numbers are -------------------------------------------------------------------------------------------


def not_a_number(answers: Answers) -> str:
    """NaN where a number is expected."""
    if not all(np.any(np.isnan(_floats(a.seen))) and not np.any(np.isnan(_floats(a.expected))) for a in answers):
        return ""
    whole = all(np.all(np.isnan(_floats(a.seen))) for a in answers)
    return "The result is not a number (NaN)." if whole else "There is NaN (not a number) in the result."


def infinite(answers: Answers) -> str:
    """Infinity where a finite number is expected, or the other way round."""
    if not _same_shapes(answers):
        return ""
    pairs = [(_floats(a.seen), _floats(a.expected)) for a in answers]
    if all(np.any(np.isinf(seen) & np.isfinite(right)) for seen, right in pairs):
        return "It is infinite where the right answer is finite."
    if all(np.any(np.isfinite(seen) & np.isinf(right)) for seen, right in pairs):
        return "It is finite where the right answer is infinite."
    if all(np.any(np.isinf(seen) & np.isinf(right) & (seen != right)) for seen, right in pairs):
        return "It is infinite, as it should be, with the wrong sign."
    return ""


def handed_back(answers: Answers) -> str:
    """An input comes back as it went in."""
    for name, value in answers[0].case.inputs.items():
        if isinstance(value, np.ndarray) and all(_is_input(a, name) for a in answers):
            return f"What comes back is {name}, as it went in."
    return ""


def sign(answers: Answers) -> str:
    """The negative of the right answer; what is right but for a tiny number where 0 is wanted is no such thing."""
    if not _same_shapes(answers) or not all(_flipped(a) for a in answers):
        return ""
    if len(answers) == 1 and answers[0].expected.size == 1 and answers[0].expected.dtype.kind in "iu":
        return ""  # a count, and the -1 that stands for none
    if all(_near(a.seen, -_floats(a.expected), a) for a in answers):
        return "The sign is the wrong way round."
    if all(_near(np.abs(_floats(a.seen)), np.abs(_floats(a.expected)), a) for a in answers):
        return "It is right up to the sign, which is wrong in places."
    return ""


def transposed(answers: Answers) -> str:
    """Rows and columns exchanged."""
    matrices = all(a.seen.ndim == a.expected.ndim == 2 for a in answers)
    if matrices and all(_near(_floats(a.seen).T, _floats(a.expected), a) for a in answers):
        return "It is the transpose of the right answer."
    return ""


def permuted(answers: Answers) -> str:
    """The right numbers in another order."""
    if any(a.seen.size != a.expected.size or a.seen.size < 2 for a in answers):
        return ""
    flat = [(a, _floats(a.seen).ravel(), _floats(a.expected).ravel()) for a in answers]
    if any(_near(seen, right, a) for a, seen, right in flat):
        return ""  # what is off by a little is not in another order
    if all(_near(seen[::-1], right, a) for a, seen, right in flat):
        return "The right numbers come in the reverse order."
    if all(_near(np.sort(seen), np.sort(right), a) for a, seen, right in flat):
        return "These are the right numbers in another order."
    return ""


def digits(answers: Answers) -> str:
    """Right to some digits only."""
    if not _same_shapes(answers) or not all(_finite(a) for a in answers):
        return ""
    error = max(_relative_error(a) for a in answers)
    if not 0 < error < 1e-3:
        return ""
    own = max(_own_error(a) for a in answers)
    kept = min(15, math.floor(-math.log10(own if 0 < own < 1e-3 else error)))
    if error < min(a.case.rtol for a in answers):
        said = f"It is right to about {kept} digits of the largest number, and much smaller numbers are not right"
    elif 0 < own < 1e-3:
        said = f"It is right to about {kept} digits; this case asks for more"
    else:
        said = f"It is right to about {kept} digits of the largest number, and some smaller numbers are less exact"
    return f"{said}. {COSTS}"


def few_digits(answers: Answers) -> str:
    """Right to two digits, where nothing better can be said."""
    if not _same_shapes(answers) or not all(_finite(a) for a in answers):
        return ""
    own = max(_own_error(a) for a in answers)
    return f"It is right to about 2 digits; this case asks for more. {COSTS}" if 0 < own < 1e-2 else ""


def factor(answers: Answers) -> str:
    """One number that all are too large by."""
    ratios = _ratios(answers)
    if ratios is None or ratios.size < 2 or not _constant(ratios):
        return ""
    if ratios[0] == 0:
        return "It is 0."
    return f"It is {_number(ratios[0])} times the right answer." if 1e-4 < abs(ratios[0]) < 1e4 else ""


def factor_of_size(answers: Answers) -> str:
    """A factor that is a size, or a number among the inputs; or a power of one."""
    each = [_ratios([a]) for a in answers]
    if len(answers) < 2 or not all(r is not None and r.size and _constant(r) for r in each):
        return ""
    ratios = np.array([float(r[0]) for r in each if r is not None])
    for words, sizes in _sizes(answers):
        for power, form in POWERS:
            if np.ptp(sizes) > 0 and np.all(sizes > 0) and np.allclose(ratios, sizes**power, rtol=RTOL):
                return f"It is the right answer {form.format(words)}."
    return ""


def proportional(answers: Answers) -> str:
    """In each case a multiple of the right answer."""
    each = [_ratios([a]) for a in answers]
    if all(r is not None and r.size > 1 and _constant(r) and r[0] != 0 for r in each):
        if len({a.name for a in answers}) > 1:
            return (
                "An output that is wrong has its entries in the right proportion: it is too large or small by a factor."
            )
        return "Its entries are in the right proportion, but all of one case are too large or too small by one factor."
    return ""


def offset(answers: Answers) -> str:
    """One number that is added to all, or in each case one."""
    if not _same_shapes(answers) or not all(_finite(a) for a in answers):
        return ""
    gaps = [(_floats(a.seen) - _floats(a.expected)).ravel() for a in answers]
    scale = max(float(np.abs(_floats(a.expected)).max(initial=0.0)) for a in answers)
    every = np.concatenate(gaps)
    right = np.concatenate([_floats(a.expected).ravel() for a in answers])
    if every.size > 1 and np.ptp(every) <= RTOL * abs(every[0]) + 1e-14 * scale < abs(every[0]) and np.ptp(right) > 0:
        return f"It is {_number(abs(every[0]))} too {'large' if every[0] > 0 else 'small'}."
    if all(gap.size > 2 and np.ptp(gap) <= RTOL * abs(gap[0]) for gap in gaps):
        if len({a.name for a in answers}) > 1:
            return (
                "All entries of an output that is wrong are off by the same amount, another for each output and case."
            )
        return "All entries are off by the same amount, another in each case."
    return ""


def function_of(answers: Answers) -> str:
    """The square, root, reciprocal … of the right answer."""
    if not _same_shapes(answers) or not all(_finite(a) for a in answers):
        return ""
    right, seen = (np.concatenate([_floats(getattr(a, s)).ravel() for a in answers]) for s in ("expected", "seen"))
    if len({float(f"{value:.5g}") for value in right} - {0.0, 1.0, -1.0}) < 3 or np.ptp(seen) == 0:
        return ""  # two numbers, or a constant, are a function of the right answer by chance
    with np.errstate(all="ignore"):
        for words, change in FUNCTIONS:
            if all(_near(_floats(a.seen), change(_floats(a.expected)), a) for a in answers):
                return f"It is {words}."
    return ""


def places(answers: Answers) -> str:
    """Which entries are wrong, where they are the same in all cases."""
    if not _same_shapes(answers) or any(a.expected.size < 2 or a.expected.ndim == 0 for a in answers):
        return ""
    wrong = [(~_entries_right(a), a) for a in answers]
    for words, where in PLACES:
        if all(np.any(w) and not np.all(w) and np.array_equal(w, where(a)) for w, a in wrong):
            return f"All entries are right but {words}."
    for words, where in PLACES:
        if all(np.any(~w) and np.any(w) and np.array_equal(~w, where(a)) for w, a in wrong):
            return f"No entries are right but {words}."
    return ""


def yes_or_no(answers: Answers) -> str:
    """True for False, or the other way round."""
    if not _same_shapes(answers) or not all(a.expected.dtype.kind == "b" for a in answers):
        return ""
    seen, right = (
        np.concatenate([_floats(getattr(a, side)).ravel() for a in answers]) for side in ("seen", "expected")
    )
    if not np.isin(seen, (0.0, 1.0)).all():
        return ""
    if np.all(seen >= right):
        return "It says True where False is right."
    return (
        "It says False where True is right."
        if np.all(seen <= right)
        else "It says True in some places for False, and False in some for True."
    )


def direction(answers: Answers) -> str:
    """Too large throughout, or too small."""
    if not _same_shapes(answers) or any(np.isnan(_floats(a.seen)).any() for a in answers):
        return ""
    gaps = np.concatenate([np.sign(_floats(a.seen) - _floats(a.expected))[~_entries_right(a)].ravel() for a in answers])
    if gaps.size and np.all(gaps > 0):
        return "It is too large." if gaps.size == sum(a.seen.size for a in answers) else "What is wrong is too large."
    if gaps.size and np.all(gaps < 0):
        return "It is too small." if gaps.size == sum(a.seen.size for a in answers) else "What is wrong is too small."
    return ""


VALUES: tuple[tuple[str, Callable[[Answers], str]], ...] = (
    ("nan", not_a_number),
    ("yes-or-no", yes_or_no),
    ("infinite", infinite),
    ("handed-back", handed_back),
    ("precision", digits),
    ("sign", sign),
    ("transposed", transposed),
    ("order", permuted),
    ("factor", factor),
    ("factor", factor_of_size),
    ("offset", offset),
    ("function", function_of),
    ("proportional", proportional),
    ("places", places),
    ("direction", direction),
    ("precision", few_digits),
)
POWERS = (
    (1.0, "times {}"),
    (-1.0, "divided by {}"),
    (0.5, "times the square root of {}"),
    (-0.5, "divided by the square root of {}"),
    (2.0, "times the square of {}"),
    (-2.0, "divided by the square of {}"),
)
FUNCTIONS: tuple[tuple[str, Callable[[np.ndarray], np.ndarray]], ...] = (
    ("the square of the right answer", np.square),
    ("the square root of the right answer", np.sqrt),
    ("the reciprocal of the right answer", np.reciprocal),
    ("1 minus the right answer", lambda right: 1 - right),
    ("the exponential of the right answer", np.exp),
    ("the logarithm of the right answer", np.log),
    ("the absolute value of the right answer", np.abs),
    ("the right answer where that is positive, and 0 elsewhere", lambda right: np.maximum(right, 0)),
    ("the right answer rounded down", np.floor),
    ("the right answer rounded", np.round),
)


def constant(trials: Sequence[Trial]) -> str:
    """The same answer to every input."""
    answers = [trial.answers[0] for trial in trials if trial.ok and trial.answers]
    if len(answers) < 2 or len(answers) < sum(trial.ok for trial in trials):
        return ""
    alike = all(a.seen.shape == answers[0].seen.shape and np.array_equal(a.seen, answers[0].seen) for a in answers)
    first = answers[0]
    varied = any(not np.array_equal(_floats(a.expected), _floats(first.expected)) for a in answers)
    if not alike or not varied or np.isnan(_floats(first.seen)).any():
        return ""
    return (
        f"It is {_number(first.seen.item())} whatever the input."
        if first.seen.size == 1
        else "It does not depend on the input."
    )


# -- how much is wrong ----------------------------------------------------------------------------------------------


def amount(answers: Answers, among: str = "") -> str:
    """How many numbers are right, where some are, and how far off the others are; `among` says of what they are."""
    if not answers or not _same_shapes(answers) or any(a.expected.dtype.kind == "b" for a in answers):
        return ""
    right = np.concatenate([_entries_right(a).ravel() for a in answers])
    count = int(right.sum())
    some = f"{count} of the {right.size} numbers{among} {'is' if count == 1 else 'are'} right." if count else ""
    lost = [a for a in answers if np.isfinite(_floats(a.expected)).all() and not _finite(a)]
    if not lost or len(lost) == len(answers):
        return f"{some} {_distance(answers)}".strip()
    holds = (
        f"{len(lost)} of the {len(answers)} wrong results {'holds' if len(lost) == 1 else 'hold'} an infinity or NaN."
    )
    return f"{some} {holds} {_distance([a for a in answers if _finite(a)])}".strip()


def _distance(answers: Answers) -> str:
    """Largest error of each case: the smallest of them and the largest."""
    if not all(_finite(a) for a in answers):
        return ""
    single = all(a.expected.size == 1 for a in answers)
    said, of = ("It is off by", "") if single else ("The largest error is", " of the largest number")
    if all(a.expected.dtype.kind in "iu" for a in answers):
        gaps = [float(np.abs(_floats(a.seen).reshape(a.expected.shape) - _floats(a.expected)).max()) for a in answers]
        return f"{said} {_span(gaps)}."
    zeros = [float(np.abs(_floats(a.seen)).max()) for a in answers if not _floats(a.expected).any()]
    off = _off([100 * _relative_error(a) for a in answers if _floats(a.expected).any()], said, of)
    if not zeros:
        return off
    return f"Where 0 is right, its size is up to {_span([max(zeros)])}." + (
        f" Elsewhere {off[0].lower()}{off[1:]}" if off else ""
    )


def _off(errors: Sequence[float], said: str, of: str) -> str:
    """The errors of answers of which no right one is 0, in percent."""
    if not errors or not 1e-4 < max(errors) < math.inf:
        return ""
    if min(errors) >= 1000:
        return "It is off by more than ten times the right answer."
    off = _span(errors, " %") if max(errors) < 1000 else _span([min(errors)], " % or more")
    return f"{said} {off}{of}."


def _span(numbers: Sequence[float], unit: str = "") -> str:
    """Smallest and largest, or one of them where they look alike."""
    least, most = (f"{value:.2g}" if value < 99.5 else f"{value:.0f}" for value in (min(numbers), max(numbers)))
    return f"{least}{unit}" if least == most else f"{least} to {most}{unit}"


# -- which inputs fail ----------------------------------------------------------------------------------------------


MIN_CHOICES = {"said": 4, "seen": 200, "measured": 20}
APART = {"a smallest": 100.0, "a largest": 1.5, "a number": 1.4}  # what lies nearer together divides cases by chance


def which_inputs(trials: Sequence[Trial]) -> str:
    """What all failing cases have in common and all others lack, if that is one thing only."""
    failing, passing = sides = [[trial for trial in trials if trial.passed == side] for side in (False, True)]
    if not failing or not passing:
        return ""
    choices = math.comb(len(trials), len(failing))  # ways to fail in so many cases: few may be chance
    found: dict[str, dict[str, str]] = {kind: {} for kind in MIN_CHOICES}
    for kind, subject, words in _common(*([list(_features(trial)) for trial in side] for side in sides)):
        found[kind].setdefault(subject, f"In the cases tried, it fails just where {words}.")
    for subject, words in _beyond(*sides):
        found["measured"].setdefault(subject, words)
    for kind, least in MIN_CHOICES.items():
        if found[kind]:
            return next(iter(found[kind].values())) if len(found[kind]) == 1 and choices >= least else ""
    return ""


Feature = tuple[str, str, str, bool]


def _common(failing: Sequence[list[Feature]], passing: Sequence[list[Feature]]) -> Iterator[tuple[str, str, str]]:
    bad, good = ([{words: holds for *_, words, holds in features} for features in side] for side in (failing, passing))
    for kind, subject, words, holds in failing[0]:
        if holds and all(found.get(words) for found in bad) and not any(found.get(words) for found in good):
            yield kind, subject, words


def _features(trial: Trial) -> Iterator[Feature]:
    """Kind, subject, a sentence about a case's inputs, and whether it is true; the most telling kind first."""
    inputs = trial.case.inputs
    arrays = {name: value for name, value in inputs.items() if isinstance(value, np.ndarray) and "." not in name}
    for name, value in inputs.items():
        if isinstance(value, bool | str) or value is None:
            yield "said", name, trial.case.options.get("told", {}).get(name, f"{name} is {value!r}"), True
        elif isinstance(value, int | float):
            yield "said", name, f"{name} is 0", value == 0
            yield "said", name, f"{name} is negative", value < 0
            yield "said", name, f"{name} is infinite", math.isinf(value)
    for name, value in arrays.items():
        yield from _of_array(name, value)
    for a, b in combinations([name for name, value in arrays.items() if value.ndim], 2):
        yield "said", f"{a}, {b}", f"{a} and {b} have different lengths", len(arrays[a]) != len(arrays[b])
    yield "said", "gradients", "gradients are asked for", bool(trial.case.options.get("gradients"))
    numbers = np.concatenate([_floats(array).ravel() for array in trial.expected.values()] or [np.zeros(0)])
    if numbers.size == 1:
        yield "seen", "answer", "the right answer is infinite", bool(np.isinf(numbers[0]))
        yield "seen", "answer", "the right answer is 0", bool(numbers[0] == 0)
        yield "seen", "answer", "the right answer is negative", bool(numbers[0] < 0)


def _of_array(name: str, value: np.ndarray) -> Iterator[Feature]:
    numbers = _floats(value).ravel()
    finite = numbers[np.isfinite(numbers)]
    if value.ndim == 2:
        yield "said", f"{name} shape", f"{name} is square", value.shape[0] == value.shape[1]
        yield "said", f"{name} shape", f"{name} is not square", value.shape[0] != value.shape[1]
        yield "said", f"{name} shape", f"{name} has more rows than columns", value.shape[0] > value.shape[1]
        yield "said", f"{name} shape", f"{name} has more columns than rows", value.shape[0] < value.shape[1]
        yield "said", f"{name} columns", f"{name} has one column", value.shape[1] == 1
        yield "said", f"{name} columns", f"{name} has more than one column", value.shape[1] > 1
    if value.ndim:
        yield "said", f"{name} rows", f"{name} has one {'row' if value.ndim > 1 else 'entry'}", len(value) == 1
        yield "said", f"{name} rows", f"{name} has more than one {'row' if value.ndim > 1 else 'entry'}", len(value) > 1
    yield "said", f"{name} axes", f"{name} has more than two axes", value.ndim > 2
    yield "said", f"{name} type", f"{name} is float32", value.dtype == np.float32
    yield "said", f"{name} infinities", f"there is an infinity in {name}", bool(np.isinf(numbers).any())
    yield "said", f"{name} zeros", f"there is a 0 in {name}", bool((numbers == 0).any())
    yield "seen", f"{name} sign", f"there are negative numbers in {name}", bool((finite < 0).any())
    yield "seen", f"{name} sign", f"all of {name} is negative", bool(finite.size and (finite < 0).all())
    yield "seen", f"{name} ties", f"{name} has equal entries", np.unique(finite).size < finite.size
    if value.ndim == 1 and value.dtype != bool:
        yield "seen", f"{name} order", f"{name} is not sorted", bool((np.diff(numbers) < 0).any())


def _beyond(failing: Sequence[Trial], passing: Sequence[Trial]) -> Iterator[tuple[str, str]]:
    """Numbers that are larger in every failing case than in each that passes, or smaller."""
    measured = [dict(_measures(trial)) for trial in failing], [dict(_measures(trial)) for trial in passing]
    for words in measured[0][0]:
        bad, good = ([found[words] for found in side if words in found] for side in measured)
        if len(bad) < len(failing) or len(good) < len(passing) or (len(set(good)) == 1 and not _whole(bad + good)):
            continue  # one number that passes is no border of those that do, but where numbers are counts
        apart = next((factor for begin, factor in APART.items() if words.startswith(begin)), 1.0)
        if min(bad) > apart * max(good):
            up = f"In the cases tried, it is right up to {words} {_number(max(good))}, and fails from"
            yield words, f"{up} {_number(min(bad))} on."
        if apart * max(bad) < min(good):
            down = f"In the cases tried, it is right down to {words} {_number(min(good))}, and fails from"
            yield words, f"{down} {_number(max(bad))} down."


def _whole(numbers: Sequence[float]) -> bool:
    return all(number == round(number) for number in numbers)


def _measures(trial: Trial) -> Iterator[tuple[str, float]]:
    for name, value in trial.case.inputs.items():
        if isinstance(value, bool | str) or value is None or "." in name:
            continue
        if isinstance(value, int | float):
            yield f"{name} =", float(value)
        elif isinstance(value, np.ndarray) and value.size:
            yield (
                f"a number of {'rows' if value.ndim > 1 else 'entries'} in {name} of",
                float(len(value) if value.ndim else 1),
            )
            if value.ndim == 2:
                yield f"a number of columns in {name} of", float(value.shape[1])
            finite = np.abs(_floats(value)[np.isfinite(_floats(value)) & (_floats(value) != 0)])
            if finite.size:
                yield f"a largest magnitude in {name} of", float(finite.max())
                yield f"a smallest magnitude in {name} of", float(finite.min())
    for name, layers in trial.case.options.get("modules", {}).items():
        yield f"a number of linear layers in {name} of", float(sum(layer[0] == "linear" for layer in layers))


# -- helpers --------------------------------------------------------------------------------------------------------


def _floats(array: Any) -> np.ndarray:
    return np.asarray(array).astype(np.float64)


def _number(value: float) -> str:
    return f"{value + 0.0:.4g}"  # no -0


def _same_shapes(answers: Answers) -> bool:
    return all(a.seen.shape == a.expected.shape or a.seen.size == a.expected.size == 1 for a in answers)


def _flipped(answer: Answer) -> bool:
    products = np.sign(_floats(answer.seen)) * np.sign(_floats(answer.expected))
    return bool((products.ravel()[~_entries_right(answer).ravel()] < 0).all())


def _finite(answer: Answer) -> bool:
    return bool(np.isfinite(_floats(answer.seen)).all() and np.isfinite(_floats(answer.expected)).all())


def _near(seen: np.ndarray, wanted: np.ndarray, answer: Answer) -> bool:
    if seen.size != wanted.size or (seen.shape != wanted.shape and seen.size != 1):
        return False
    return bool(
        np.allclose(
            _floats(seen).ravel(), _floats(wanted).ravel(), rtol=10 * answer.case.rtol, atol=10 * answer.case.atol
        )
    )


def _entries_right(answer: Answer) -> np.ndarray:
    seen = _floats(answer.seen).reshape(answer.expected.shape)
    return np.isclose(seen, _floats(answer.expected), rtol=answer.case.rtol, atol=answer.case.atol)


def _is_input(answer: Answer, name: str) -> bool:
    value = answer.case.inputs.get(name)
    return isinstance(value, np.ndarray) and value.shape == answer.seen.shape and np.array_equal(value, answer.seen)


def _relative_error(answer: Answer) -> float:
    """Largest error against the largest entry of the right answer; infinite where that is 0."""
    right = _floats(answer.expected)
    scale = float(np.abs(right).max(initial=0.0))
    error = float(np.abs(_floats(answer.seen).reshape(right.shape) - right).max(initial=0.0))
    return error / scale if scale else math.inf


def _own_error(answer: Answer) -> float:
    """Largest error of a number against that number; what is within the absolute tolerance has none."""
    right = _floats(answer.expected)
    gaps = np.abs(_floats(answer.seen).reshape(right.shape) - right)
    with np.errstate(all="ignore"):
        return float(np.where(gaps <= answer.case.atol, 0.0, gaps / np.abs(right)).max(initial=0.0))


def _ratios(answers: Answers) -> np.ndarray | None:
    """Entry by entry what was seen over what is right; None where an entry is infinite, or only the right one is 0."""
    if not _same_shapes(answers) or not all(_finite(a) for a in answers):
        return None
    seen, right = (
        np.concatenate([_floats(getattr(a, side)).ravel() for a in answers]) for side in ("seen", "expected")
    )
    tiny = np.abs(right) <= 1e-12 * np.abs(right).max(initial=0.0)
    if np.any(np.abs(seen[tiny]) > 1e-9 * np.abs(seen).max(initial=0.0)):
        return None
    return seen[~tiny] / right[~tiny]


def _constant(ratios: np.ndarray) -> bool:
    return bool(np.allclose(ratios, ratios[0], rtol=RTOL, atol=0)) and abs(float(ratios[0]) - 1) > 1e-3


def _sizes(answers: Answers) -> Iterator[tuple[str, np.ndarray]]:
    """Sizes and numbers that every case has, with what they are called."""
    measured = [dict(_case_sizes(a.case.inputs)) for a in answers]
    for words in measured[0]:
        if all(words in found for found in measured):
            yield words, np.array([found[words] for found in measured])


def _case_sizes(inputs: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in inputs.items():
        if isinstance(value, np.ndarray) and value.ndim and "." not in name:
            rows = "rows" if value.ndim > 1 else "entries"
            yield f"the number of {rows} of {name}", float(len(value))
            yield f"the number of {rows} of {name} less one", len(value) - 1.0
            if value.ndim > 1:
                yield f"the number of columns of {name}", float(value.shape[1])
                yield f"the number of entries of {name}", float(value.size)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield name, float(value)


def _at(answer: Answer, chosen: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Entries of a vector by their number; none where it is a matrix."""
    shape = answer.expected.shape
    return chosen(np.arange(*shape)) if len(shape) == 1 else np.zeros(shape, bool)


def _along(answer: Answer, axis: int, index: int) -> np.ndarray:
    """Entries of a matrix in its first or last row or column; none where it is no matrix."""
    where = np.zeros(answer.expected.shape, bool)
    if answer.expected.ndim == 2:
        np.moveaxis(where, axis, 0)[index] = True
    return where


def _diagonal(answer: Answer) -> np.ndarray:
    shape = answer.expected.shape
    return np.eye(*shape, dtype=bool) if len(shape) == 2 else np.zeros(shape, bool)


PLACES: tuple[tuple[str, Callable[[Answer], np.ndarray]], ...] = (
    ("the first", lambda a: _at(a, lambda i: i == 0)),
    ("the last", lambda a: _at(a, lambda i: i == a.expected.size - 1)),
    ("the first and the last", lambda a: _at(a, lambda i: (i == 0) | (i == a.expected.size - 1))),
    ("the first row", lambda a: _along(a, 0, 0)),
    ("the last row", lambda a: _along(a, 0, -1)),
    ("the first column", lambda a: _along(a, -1, 0)),
    ("the last column", lambda a: _along(a, -1, -1)),
    ("the first and the last column", lambda a: _along(a, -1, 0) | _along(a, -1, -1)),
    ("those on the diagonal", _diagonal),
    ("those where 0 is right", lambda a: _floats(a.expected) == 0),
    ("those where the right answer is negative", lambda a: _floats(a.expected) < 0),
    ("those where the right answer is infinite", lambda a: np.isinf(_floats(a.expected))),
)
