"""What a misconception computes: a wrong formula is the right one, scaled, transposed, with two arguments exchanged.

A problem says so in these words, and keeps a ``lambda`` for what they cannot say::

    WRONG = (
        ("halved", scaled(value, 0.5)),
        ("swapped", swapped(value, "p", "q")),
    )
    MESSAGES = '''
    halved: The two expectations are averaged; V is their sum.
    swapped: p and q are exchanged: D should be near 1 on real points (p), so log d is averaged under p.
    '''
    misconceptions = explained(WRONG, MESSAGES)

A formula takes numpy arrays and returns a number, an array, a tuple of them, or a dict of named outputs. What these
functions return takes the same arguments, under the same names.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

import numpy as np

from wgan_course.check.exchange import Observation

from .problem import Case, Formula, Misconception, Outputs


def relu(x: np.ndarray) -> np.ndarray:
    """max(x, 0)."""
    return np.maximum(x, 0)


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + e^x), without overflow."""
    return np.logaddexp(0, x)


@dataclass(frozen=True)
class Detected:
    """What no formula can say: ``test(case, seen, expected)``, of one criterion or at one status where told."""

    test: Callable[[Case, Any, Outputs], bool]
    criterion: str = ""
    status: str = ""

    def detect(self, case: Case, seen: Observation, expected: Outputs) -> bool:
        """Whether it is this mistake."""
        told = self.criterion in ("", case.criterion) and self.status in ("", seen.status)
        return told and self.test(case, seen, expected)


def explained(wrong: Sequence[Misconception | tuple[Any, ...]], messages: str) -> tuple[Misconception, ...]:
    """Join wrong formulas and what the student reads, in the order of the formulas.

    Parameters
    ----------
    wrong : sequence of tuple
        Rows of an id and its formulas, or `Detected`. Rows of one id are forms of one mistake. A misconception that
        several problems share, with its message, may stand among them.
    messages : str
        For each id of a row an entry ``id: text``, whose further lines are indented.

    Raises
    ------
    ValueError
        Where a formula has no message, or a message no formula.
    """
    entries = (entry.partition(": ") for entry in re.split(r"\n(?! )", messages.strip()))
    texts = {id: " ".join(text.split()) for id, _, text in entries}
    found: dict[str, Misconception] = {}
    for row in wrong:
        one = row if isinstance(row, Misconception) else _misconception(texts, *row)
        known = found.setdefault(one.id, one)
        if known is not one:
            found[one.id] = replace(one, formulas=known.formulas + one.formulas, detect=one.detect or known.detect)
    ids = {row[0] for row in wrong if not isinstance(row, Misconception)}
    if texts.keys() != ids:
        raise ValueError(f"only formulas, or only messages, have the ids {sorted(texts.keys() ^ ids)}")
    return tuple(found.values())


def _misconception(texts: Mapping[str, str], id: str, *means: Formula | Detected) -> Misconception:
    formulas = tuple(mean for mean in means if not isinstance(mean, Detected))
    detect = next((mean.detect for mean in means if isinstance(mean, Detected)), None)
    return Misconception(id, texts.get(id, ""), formulas, detect)


def composed(function: Callable[[Any], Any], formula: Formula) -> Formula:
    """Apply `function` to the formula's result."""

    @wraps(formula)
    def result(*values: Any, **named: Any) -> Any:
        return function(formula(*values, **named))

    return result


def negated(formula: Formula) -> Formula:
    """−f."""
    return composed(lambda value: -value, formula)


def scaled(formula: Formula, factor: Any) -> Formula:
    """Factor times f."""
    return composed(lambda value: factor * value, formula)


def divided(formula: Formula, divisor: float) -> Formula:
    """Quotient of f and a number."""
    return composed(lambda value: value / divisor, formula)


def shifted(formula: Formula, step: float) -> Formula:
    """f + step."""
    return composed(lambda value: value + step, formula)


def complement(formula: Formula) -> Formula:
    """1 − f."""
    return composed(lambda value: 1 - value, formula)


def reciprocal(formula: Formula) -> Formula:
    """1 / f."""
    return composed(lambda value: 1 / value, formula)


def squared(formula: Formula) -> Formula:
    """f²."""
    return composed(lambda value: value**2, formula)


def root(formula: Formula) -> Formula:
    """Square root of f, NaN where f is negative."""
    return composed(np.sqrt, formula)


def absolute(formula: Formula) -> Formula:
    """|f|."""
    return composed(np.abs, formula)


def positive_part(formula: Formula) -> Formula:
    """max(f, 0)."""
    return composed(lambda value: np.maximum(value, 0), formula)


def transposed(formula: Formula) -> Formula:
    """f with its axes in the other order."""
    return composed(np.transpose, formula)


def flipped(formula: Formula) -> Formula:
    """f from its end to its beginning along the first axis; a tuple in the other order."""
    return composed(lambda value: value[::-1], formula)


def summed(formula: Formula, axis: int | None = None) -> Formula:
    """Sum of f over an axis, or over all."""
    return composed(lambda value: np.sum(value, axis), formula)


def averaged(formula: Formula, axis: int | None = None) -> Formula:
    """Mean of f over an axis, or over all."""
    return composed(lambda value: np.mean(value, axis), formula)


def largest(formula: Formula, axis: int | None = None) -> Formula:
    """Largest entry of f along an axis, or of all."""
    return composed(lambda value: np.max(value, axis), formula)


def smallest(formula: Formula, axis: int | None = None) -> Formula:
    """Smallest entry of f along an axis, or of all."""
    return composed(lambda value: np.min(value, axis), formula)


def part(formula: Formula, index: Any) -> Formula:
    """One of several results, by its place or its name."""
    return composed(lambda value: value[index], formula)


def named(formula: Formula, *names: str) -> Formula:
    """Results as a dict: one value under one name, a tuple under several."""
    return composed(lambda value: dict(zip(names, value if len(names) > 1 else (value,), strict=True)), formula)


def only(formula: Formula, *names: str) -> Formula:
    """Of a dict of outputs those of these names."""
    return composed(lambda value: {name: value[name] for name in names}, formula)


def without(formula: Formula, *names: str) -> Formula:
    """Of a dict of outputs all but those of these names."""
    return composed(lambda value: {name: value[name] for name in value if name not in names}, formula)


def constant(value: Any) -> Formula:
    """Whatever the arguments, this value."""
    return lambda *_: value


def given(formula: Formula, **fixed: Any) -> Formula:
    """f with some arguments fixed, whether it is called with them or not: ``given(penalty, weight=10)``."""
    return _rearranged(formula, tuple(fixed), lambda arguments: fixed)


def swapped(formula: Formula, one: str, other: str) -> Formula:
    """f with two arguments exchanged: ``swapped(kl, "p", "q")``."""
    return _rearranged(formula, (one, other), lambda arguments: {one: arguments[other], other: arguments[one]})


def replacing(formula: Formula, **changes: Callable[[Any], Any]) -> Formula:
    """f with some arguments changed first: ``replacing(displacement, t=np.sqrt)``."""
    return _rearranged(
        formula,
        tuple(changes),
        lambda arguments: {name: function(arguments[name]) for name, function in changes.items()},
    )


def _rearranged(
    formula: Formula, names: tuple[str, ...], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> Formula:
    signature = inspect.signature(formula)
    unknown = set(names) - set(signature.parameters)
    if unknown:
        raise TypeError(f"the formula takes {list(signature.parameters)}, not {sorted(unknown)}")

    @wraps(formula)
    def result(*values: Any, **named: Any) -> Any:
        bound = signature.bind_partial(*values, **named)
        bound.apply_defaults()
        bound.arguments.update(change(bound.arguments))
        return formula(*bound.args, **bound.kwargs)

    return result
