"""What ``gradient_penalty`` and ``critic_loss`` share: the penalty from start to end, and its wrong versions."""

from collections.abc import Callable

import numpy as np

from ...formulas import Wrong
from ...problem import Misconception
from ._critic import Array, gradient, lengths, mix

Charge = Callable[[Array], float]


def two_sided(g: Array) -> float:
    """Mean of (‖g‖ − 1)² over the samples."""
    return ((lengths(g) - 1) ** 2).mean()


def penalty(*a: Array, points: Callable = mix, charge: Charge = two_sided) -> float:
    """λ times the charge for the gradients at the points; a = (w0, b0, w1, b1, real, fake, epsilon, weight)."""
    return a[7] * charge(gradient(*a[:4], points(*a[4:7])))


def _column(e: Array, x: Array) -> Array:
    return e.reshape(-1, *[1] * (x.ndim - 1))


def _axis(axis: int) -> Charge:
    return lambda g: ((np.sqrt((g**2).sum(axis)) - 1) ** 2).mean()


# id: (message, wrong places, wrong charges, whether both may occur)
POINTS: dict[str, tuple[str, tuple[Callable, ...]]] = {
    "real-only": (
        "The penalty looks at the real points only, as if ε were 1. The slope *between* the points is what has to be "
        "controlled.",
        (lambda r, f, e: r,),
    ),
    "fake-only": ("The penalty looks at the generated points only, not between the two.", (lambda r, f, e: f,)),
    "one-epsilon": (
        "One ε serves the whole batch. Each sample has its own.",
        (lambda r, f, e: mix(r, f, np.full(len(r), e[0])), lambda r, f, e: mix(r, f, np.full(len(r), e.mean()))),
    ),
    "epsilon-ignored": (
        "The given ε plays no part: the penalty looks at the middles of the segments.",
        (lambda r, f, e: (r + f) / 2,),
    ),
    "swapped": (
        "ε weighs the generated points here. It belongs to the real ones: ε x + (1 − ε) x̃.",
        (lambda r, f, e: mix(f, r, e),),
    ),
    "extrapolation": (
        "The points lie beyond the ends of the segments: x̃ + ε (x − x̃) stays between.",
        (lambda r, f, e: r + _column(e, r) * (r - f), lambda r, f, e: f + _column(e, r) * (f - r)),
    ),
    "not-convex": (
        "The weights of the two points do not add up to 1: ε and 1 − ε.",
        (lambda r, f, e: r + _column(e, r) * f, lambda r, f, e: f + _column(e, r) * r),
    ),
}
CHARGES: dict[str, tuple[str, tuple[Charge, ...]]] = {
    "batch-norm-of-gradient": (
        "One norm is taken over the whole batch. A perfect critic is then charged (√n − 1)²: 49 at batch 64. One norm "
        "for each sample.",
        (lambda g: (np.linalg.norm(g) - 1) ** 2,),
    ),
    "wrong-axis": (
        "The norm runs along the wrong axis: over the samples, or over one of a sample's axes only. All axes but the "
        "first belong together.",
        (_axis(0), _axis(1), _axis(-1)),
    ),
    "early-mean": (
        "The norms (or the gradients) are averaged before the square is taken, so that steep and flat samples cancel.",
        (lambda g: (lengths(g).mean() - 1) ** 2, lambda g: (np.linalg.norm(g.mean(0)) - 1) ** 2),
    ),
    "squared-norm": (
        "The squared norm is compared with 1: a root is missing.",
        (lambda g: ((lengths(g) ** 2 - 1) ** 2).mean(),),
    ),
    "no-one": (
        "Nothing is compared with 1: this penalises the length itself and pulls every slope to 0.",
        (lambda g: (lengths(g) ** 2).mean(), lambda g: lengths(g).mean()),
    ),
    "fourth-power": ("The difference is raised to the fourth power.", (lambda g: ((lengths(g) - 1) ** 4).mean(),)),
    "absolute": (
        "The difference from 1 is not squared.",
        (lambda g: np.abs(lengths(g) - 1).mean(), lambda g: (lengths(g) - 1).mean()),
    ),
    "one-sided": (
        "This is the one-sided penalty. It is the better one, perhaps, but here the two-sided one is asked for.",
        (lambda g: (np.maximum(lengths(g) - 1, 0) ** 2).mean(),),
    ),
    "sum": ("The charges are added up, not averaged.", (lambda g: ((lengths(g) - 1) ** 2).sum(),)),
    "mean-scores": (
        "The scores were averaged before differentiating, so each gradient is n times too short. Sum them.",
        (lambda g: two_sided(g / len(g)),),
    ),
    "scaled": (
        "The gradients are too long by one and the same factor: the scores or gradients were multiplied by something.",
        (lambda g: two_sided(10 * g), lambda g: two_sided(2 * g), lambda g: two_sided(len(g) * g)),
    ),
}


def misconceptions(whole: Callable[..., float]) -> list[Misconception]:
    """Wrong points and wrong charges; ``whole(*a, points=…, charge=…)`` is the function that they spoil."""

    def spoilt(**part: Callable) -> Callable[..., float]:
        return lambda *a: whole(*a, **part)

    found = [Wrong(i, *(spoilt(points=p) for p in wrong)).says(text) for i, (text, wrong) in POINTS.items()]
    return found + [Wrong(i, *(spoilt(charge=c) for c in wrong)).says(text) for i, (text, wrong) in CHARGES.items()]
