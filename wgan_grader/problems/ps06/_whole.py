"""What ``gradient_penalty`` and ``critic_loss`` share: the penalty from start to end, and its wrong versions."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...formulas import averaged, divided, explained, largest, root, scaled, squared, summed, swapped
from ...problem import Misconception
from ._critic import Array, gradient, lengths, mix, rows

Charge = Callable[[Array], Any]


def two_sided(g: Array) -> float:
    """Mean of (‖g‖ − 1)² over the samples."""
    return ((lengths(g) - 1) ** 2).mean()


def penalty(*a: Array, points: Callable = mix, charge: Charge = two_sided) -> Any:
    """λ times the charge for the gradients at the points; a = (w0, b0, w1, b1, real, fake, epsilon, weight)."""
    return a[7] * charge(gradient(*a[:4], points(*a[4:7])))


def _column(e: Array, x: Array) -> Array:
    return e.reshape(-1, *[1] * (x.ndim - 1))


def _each(g: Array) -> Array:
    """Charge of each sample."""
    return (lengths(g) - 1) ** 2


def _with(size: Callable[[Array], Array]) -> Charge:
    """The right charge of another length of each sample's gradient."""
    return lambda g: ((size(np.abs(rows(g))) - 1) ** 2).mean()


def _axis(axis: int) -> Charge:
    return lambda g: ((np.sqrt((g**2).sum(axis)) - 1) ** 2).mean()


POINTS = (
    ("real-only", lambda r, f, e: r),
    ("fake-only", lambda r, f, e: f),
    ("one-epsilon", lambda r, f, e: mix(r, f, np.full(len(r), e[0]))),
    ("one-epsilon", lambda r, f, e: mix(r, f, np.full(len(r), e.mean()))),
    ("epsilon-ignored", lambda r, f, e: (r + f) / 2),
    ("swapped", swapped(mix, "real", "fake")),
    ("extrapolation", lambda r, f, e: r + _column(e, r) * (r - f), lambda r, f, e: f + _column(e, r) * (f - r)),
    ("not-convex", lambda r, f, e: r + _column(e, r) * f, lambda r, f, e: f + _column(e, r) * r),
    ("other-pairs", lambda r, f, e: mix(r, f[::-1], e), lambda r, f, e: mix(r, f, e[::-1])),
    ("other-pairs", lambda r, f, e: mix(r, f, np.sort(e))),
    ("the-batches", lambda r, f, e: np.concatenate([r, f])),
    ("the-batches", lambda r, f, e: np.concatenate([r, f, mix(r, f, e)])),
)
ABOUT_POINTS = """
real-only: The penalty looks at the real points only, as if ε were 1. The slope *between* the points is what has to be
    controlled.
fake-only: The penalty looks at the generated points only, not between the two.
one-epsilon: One ε serves the whole batch. Each sample has its own.
epsilon-ignored: The given ε plays no part: the penalty looks at the middles of the segments.
swapped: ε weighs the generated points here. It belongs to the real ones: ε x + (1 − ε) x̃.
extrapolation: The points lie beyond the ends of the segments: x̃ + ε (x − x̃) stays between.
not-convex: The weights of the two points do not add up to 1: ε and 1 − ε.
other-pairs: Points and ε do not belong together: one of the three was reversed or sorted. Sample i, its partner and its
    ε all stand at place i.
the-batches: The penalty looks at the points of both batches themselves. It is taken between them, once for each pair.
"""
CHARGES = (
    ("batch-norm-of-gradient", lambda g: (np.linalg.norm(g) - 1) ** 2),
    ("wrong-axis", _axis(0), _axis(1), _axis(-1)),
    ("early-mean", lambda g: (lengths(g).mean() - 1) ** 2, lambda g: (np.linalg.norm(g.mean(0)) - 1) ** 2),
    ("squared-norm", lambda g: ((lengths(g) ** 2 - 1) ** 2).mean()),
    ("no-one", averaged(squared(lengths)), averaged(lengths)),
    ("fourth-power", lambda g: ((lengths(g) - 1) ** 4).mean()),
    ("absolute", lambda g: np.abs(lengths(g) - 1).mean(), lambda g: (lengths(g) - 1).mean()),
    ("one-sided", lambda g: (np.maximum(lengths(g) - 1, 0) ** 2).mean()),
    ("sum", summed(_each)),
    ("one-less", lambda g: _each(g).sum() / (len(g) - 1), lambda g: _each(g).sum() / max(1, len(g) - 1)),
    ("other-norm", _with(lambda s: s.sum(1)), _with(lambda s: s.max(1)), _with(lambda s: np.sqrt((s**2).mean(1)))),
    ("rooted", root(averaged(_each)), root(summed(_each)), lambda g: np.sqrt(_each(g).sum()) / len(g)),
    ("one-of-them", largest(_each), lambda g: np.sort(_each(g))[(len(g) - 1) // 2], lambda g: _each(g)[0]),
    ("below-one", lambda g: (np.maximum(1 - lengths(g), 0) ** 2).mean()),
    ("halved", divided(averaged(_each), 2), scaled(averaged(_each), 2)),
    ("mean-scores", lambda g: two_sided(g / len(g))),
    ("scaled", lambda g: two_sided(10 * g), lambda g: two_sided(2 * g), lambda g: two_sided(len(g) * g)),
)
ABOUT_CHARGES = """
batch-norm-of-gradient: One norm is taken over the whole batch. A perfect critic is then charged (√n − 1)²: 49 at batch
    64. One norm for each sample.
wrong-axis: The norm runs along the wrong axis: over the samples, or over one of a sample's axes only. All axes but the
    first belong together.
early-mean: The norms (or the gradients) are averaged before the square is taken, so that steep and flat samples cancel.
squared-norm: The squared norm is compared with 1: a root is missing.
no-one: Nothing is compared with 1: this penalises the length itself and pulls every slope to 0.
fourth-power: The difference is raised to the fourth power.
absolute: The difference from 1 is not squared.
one-sided: This is the one-sided penalty. It is the better one, perhaps, but here the two-sided one is asked for.
sum: The charges are added up, not averaged.
one-less: The sum of the charges is divided by n − 1, as for an unbiased variance. The mean divides by n.
other-norm: The length is not the Euclidean one: it sums sizes, takes the largest, or averages squares.
rooted: A root is taken at the end: of the mean of the charges, or of their sum (that is what .norm() does).
one-of-them: One sample decides alone: the largest charge, the one in the middle, or the first. Take the mean of all.
below-one: Only slopes below 1 are charged, and steeper ones go free. Both are charged.
halved: The penalty is half, or twice, as large as asked for: there is no such factor beside λ.
mean-scores: The scores were averaged before differentiating, so each gradient is n times too short. Sum them.
scaled: The gradients are too long by one and the same factor: the scores or gradients were multiplied by something.
"""
WRONG_POINTS, WRONG_CHARGES = explained(POINTS, ABOUT_POINTS), explained(CHARGES, ABOUT_CHARGES)


def of_an_end(whole: Callable[..., float]) -> Misconception:
    """Gradients in the real or in the generated points, which are those in x̂ times ε or 1 − ε."""
    message = (
        "The gradient was taken in the real points (or in the generated ones), so that each comes out ε (or 1 − ε) "
        "times as long. Differentiate in x̂ itself: make the points first, and let *them* require a gradient."
    )
    real = lambda *a: whole(*a, charge=lambda g: two_sided(_column(a[6], g) * g))  # noqa: E731
    fake = lambda *a: whole(*a, charge=lambda g: two_sided(_column(1 - a[6], g) * g))  # noqa: E731
    return Misconception("of-an-end", message, (real, fake))


def spoilt(whole: Callable[..., float]) -> list[Misconception]:
    """Wrong points and wrong charges in ``whole(*a, points=…, charge=…)``."""
    parts = [("points", one) for one in WRONG_POINTS] + [("charge", one) for one in WRONG_CHARGES]
    return [of_an_end(whole)] + [
        replace(one, formulas=tuple(partial(whole, **{part: wrong}) for wrong in one.formulas)) for part, one in parts
    ]
