"""What ``two_sided`` and ``one_sided`` share: bags of norms, and the wrong formulas that people write for either."""

from collections.abc import Callable

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, averaged, divided, explained, largest, root, scaled, squared, summed
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
    yield Case("flat in one place", {"norms": np.array([0.0, 0.5, 2.5])}, SLOPES, criterion="slope")
    yield Case("all below 1, to the norms", {"norms": np.array([0.5, 0.875, 0.25])}, SLOPES, criterion="slope")
    for n in (4, 7):
        yield Case(f"{n} norms, to the norms", {"norms": rng.uniform(0.2, 2.8, n)}, SLOPES, criterion="slope")


SLOPES = {"gradients": ["norms"], "loss": True}


def _detached(case: Case, seen: Observation, expected: Outputs) -> bool:
    return seen.status == "ok" and "gradient:norms" in expected and "gradient:norms" not in seen.outputs


def _each(own: Penalty) -> Callable[[Array], Array]:
    return lambda s: np.array([own(s[i : i + 1]) for i in range(len(s))])


def _unbiased(excess: Array) -> float:
    """Variance with n − 1 below, and the square of the mean."""
    centre = excess.mean()
    return ((excess - centre) ** 2).sum() / (len(excess) - 1) + centre**2


def _straightened(each: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Huber's loss with its bend at 1: half the square within, and a line beyond."""
    return lambda s: np.where(each(s) < 1, each(s) / 2, np.sqrt(each(s)) - 0.5)


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
one-less: The sum is divided by n − 1, as for an unbiased variance. The mean divides by n.
around-the-mean: This is a variance: each norm is compared with the mean of the norms, not with 1.
rooted: A root is taken at the end: of the mean of the squares, or of their sum (that is what .norm() does). The squares
    themselves are averaged.
one-of-them: One sample decides alone: the largest charge, the one in the middle, or the first. Take the mean of all.
huber: The charge is cut down to a straight line where the difference is large (Huber's loss, smooth_l1). It is the
    square everywhere.
steep-only: The mean is taken over the norms above 1 only. Divide by the number of all samples.
weighted: λ is in it (10 perhaps), or a factor ½. Here the mean alone is asked for.
not-reduced: One penalty a sample comes back. Their mean is asked for: one number.
detached: No gradient leads back to the norms: was the result detached, or made with .item()? Then it cannot train
    anything.
"""


def common(own: Penalty, other: Penalty, about_other: str) -> tuple[Misconception, ...]:
    """Misconceptions of both penalties; `own` is the right one, `other` the one of the other kind."""
    each = _each(own)
    wrong = (
        ("early-mean", *(lambda s, of=of: of(np.array([s.mean()])) for of in (own, other))),
        ("squared-norm", lambda s: own(s**2)),
        ("no-one", lambda s: (s**2).mean(), lambda s: s.mean()),
        ("absolute", averaged(root(each)), lambda s: (s - 1).mean(), lambda s: np.abs(s - 1).mean()),
        ("fourth-power", averaged(squared(each))),
        ("sum", summed(each), divided(summed(each), 2)),
        ("one-less", lambda s: each(s).sum() / (len(s) - 1), lambda s: each(s).sum() / max(1, len(s) - 1)),
        ("around-the-mean", lambda s: ((s - s.mean()) ** 2).mean()),
        ("around-the-mean", lambda s: ((s - s.mean()) ** 2).sum() / (len(s) - 1)),
        ("rooted", root(own), root(summed(each)), lambda s: np.sqrt(each(s).sum()) / len(s)),
        ("one-of-them", largest(each), lambda s: np.sort(each(s))[(len(s) - 1) // 2], lambda s: each(s)[0]),
        ("huber", averaged(_straightened(each)), scaled(averaged(_straightened(each)), 2)),
        ("steep-only", *(lambda s, none=none: own(s[s > 1]) if (s > 1).any() else none for none in (0.0, np.nan))),
        ("one-less", lambda s: _unbiased(s - 1), lambda s: _unbiased(np.maximum(s - 1, 0))),
        ("weighted", scaled(own, 10), divided(own, 2), scaled(own, 2)),
        ("not-reduced", each, lambda s: s - 1),
        ("detached", Detected(_detached)),
    )
    return Misconception("other-kind", about_other, (other,)), *explained(wrong, MESSAGES)
