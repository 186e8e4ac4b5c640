"""What ``two_sided`` and ``one_sided`` share: bags of norms, and the wrong formulas that people write for either."""

from collections.abc import Callable

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, averaged, divided, explained, root, scaled, squared, summed
from ...problem import Case, Cases, Misconception, Outputs

Array = np.ndarray
Penalty = Callable[[Array], float]


def cases(rng: np.random.Generator) -> Cases:
    """Norms on both sides of 1 whose mean is near it; a flat critic; a steep one; slopes that are differentiated."""
    first = {"norms": np.array([0.5, 1.5, 1.0, 2.0])}
    yield Case("four norms", first, SLOPES, criterion="value")
    yield Case("five norms", {"norms": rng.uniform(0.1, 2.5, 5)}, SLOPES, criterion="value")
    yield Case("forty norms", {"norms": rng.uniform(0.1, 2.5, 40)}, SLOPES, criterion="value")
    yield Case("131 norms", {"norms": rng.uniform(0.1, 2.5, 131)}, SLOPES, criterion="value")
    yield Case("gentle", {"norms": rng.uniform(0.1, 0.9, 6)}, SLOPES, criterion="value")
    yield Case("steep", {"norms": 3 + rng.exponential(4, 3)}, SLOPES, criterion="value")
    yield Case("a perfect critic", {"norms": np.ones(4)}, SLOPES, criterion="value")
    yield Case("nearly perfect", {"norms": np.array([1.005, 0.996, 1.002])}, SLOPES, criterion="value", atol=1e-9)
    yield Case("flat in one place", {"norms": np.array([0.0, 0.5, 2.0])}, SLOPES, criterion="slope")
    for n in (4, 7):
        yield Case(f"{n} norms, to the norms", {"norms": rng.uniform(0.2, 2.8, n)}, SLOPES, criterion="slope")


SLOPES = {"gradients": ["norms"], "loss": True}


def _detached(case: Case, seen: Observation, expected: Outputs) -> bool:
    return seen.status == "ok" and "gradient:norms" in expected and "gradient:norms" not in seen.outputs


def _each(own: Penalty) -> Callable[[Array], Array]:
    return lambda s: np.array([own(s[i : i + 1]) for i in range(len(s))])


MESSAGES = """
early-mean: The norms are averaged before they are compared with 1. Slopes of ½ and 3/2 cancel, and a critic that is
    wrong everywhere pays nothing. Square first, average last.
squared-norm: The squared norm is compared with 1: (‖g‖² − 1)². It has its zero at the right place and another slope
    everywhere else. The function is given norms; they need not be squared.
no-one: Nothing is compared with 1: this is the mean of ‖g‖² (or of ‖g‖), which pulls every slope to 0. R1 does that, on
    purpose.
absolute: The difference from 1 is not squared (or its absolute value is taken).
fourth-power: This is the fourth power of the difference: it was squared twice.
sum: The penalties are added up, not averaged: the price would depend on the batch size.
weighted: λ is in it (10 perhaps), or a factor ½. Here the mean alone is asked for.
not-reduced: One penalty a sample comes back. Their mean is asked for: one number.
detached: No gradient leads back to the norms: was the result detached, or made with .item()? Then it cannot train
    anything.
"""


def common(own: Penalty, other: Penalty, about_other: str) -> tuple[Misconception, ...]:
    """Misconceptions of both penalties; `own` is the right one, `other` the one of the other kind."""
    each = _each(own)
    wrong = (
        ("early-mean", lambda s: own(np.array([s.mean()]))),
        ("squared-norm", lambda s: own(s**2)),
        ("no-one", lambda s: (s**2).mean(), lambda s: s.mean()),
        ("absolute", averaged(root(each)), lambda s: (s - 1).mean(), lambda s: np.abs(s - 1).mean()),
        ("fourth-power", averaged(squared(each))),
        ("sum", summed(each), divided(summed(each), 2)),
        ("weighted", scaled(own, 10), divided(own, 2), scaled(own, 2)),
        ("not-reduced", each, lambda s: s - 1),
        ("detached", Detected(_detached)),
    )
    return Misconception("other-kind", about_other, (other,)), *explained(wrong, MESSAGES)
