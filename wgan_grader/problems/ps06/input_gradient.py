"""``input_gradient(critic, real, fake, epsilon)``: the critic's gradient at the interpolates, with its graph."""

from functools import partial

import numpy as np

from ...formulas import Detected, averaged, explained, negated, scaled, summed, swapped
from ...problem import Cases, Criterion, Formula, Outputs, Problem
from ._critic import (
    NO_GRAPH,
    PACKAGE,
    SEEN_BY,
    Array,
    agree,
    all_deeper,
    batches,
    deeper,
    gradient,
    mix,
    score,
    to_weights,
    wrong_way,
)


def cases(rng: np.random.Generator) -> Cases:
    return batches(rng, weighted=False)


def right(w0: Array, b0: Array, w1: Array, b1: Array, real: Array, fake: Array, epsilon: Array) -> Outputs:
    """∇f at the interpolates, and the gradient of its sum in the weights."""
    a = (w0, b0, w1, b1, mix(real, fake, epsilon))
    return {"value": gradient(*a), **to_weights(*a, np.ones_like(real))}


def _at(points: Formula, *a: Array) -> Array:
    return gradient(*a[:4], points(*a[4:]))


def _value(*a: Array) -> Array:
    return _at(mix, *a)


def _quotient(h: float, sides: tuple[float, float]) -> Formula:
    """A difference quotient with this step, over the points shifted by these multiples of it."""

    def formula(*a: Array) -> Array:
        x = mix(*a[4:])
        units = np.eye(x[0].size).reshape(-1, *x.shape[1:])
        ends = [np.stack([score(*a[:4], x + side * h * unit) for unit in units], 1) for side in sides]
        return ((ends[1] - ends[0]) / (h * (sides[1] - sides[0]))).reshape(x.shape)

    return formula


def _column(e: Array, x: Array) -> Array:
    return e.reshape(-1, *[1] * (x.ndim - 1))


WRONG = (
    ("real-only", partial(_at, lambda r, f, e: r)),
    ("fake-only", partial(_at, lambda r, f, e: f)),
    ("one-epsilon", partial(_at, lambda r, f, e: mix(r, f, np.full(len(r), e[0])))),
    ("one-epsilon", partial(_at, lambda r, f, e: mix(r, f, np.full(len(r), e.mean())))),
    ("epsilon-ignored", partial(_at, lambda r, f, e: (r + f) / 2)),
    ("swapped", partial(_at, swapped(mix, "real", "fake"))),
    ("extrapolation", partial(_at, lambda r, f, e: r + _column(e, r) * (r - f))),
    ("extrapolation", partial(_at, lambda r, f, e: f + _column(e, r) * (f - r))),
    ("not-convex", partial(_at, lambda r, f, e: r + _column(e, r) * f)),
    ("not-convex", partial(_at, lambda r, f, e: f + _column(e, r) * r), partial(_at, lambda r, f, e: r + f)),
    ("mean-scores", lambda *a: _value(*a) / len(a[4])),
    ("scaled", scaled(_value, 10), lambda *a: len(a[4]) * _value(*a), scaled(_value, 2), scaled(_value, 0.1)),
    ("of-an-end", lambda *a: _column(a[6], a[4]) * _value(*a), lambda *a: _column(1 - a[6], a[4]) * _value(*a)),
    ("negated", negated(_value)),
    ("normalised", lambda *a: _value(*a) / np.sqrt((_value(*a) ** 2).sum(tuple(range(1, a[4].ndim)), keepdims=True))),
    ("along-epsilon", lambda *a: (_value(*a) * (a[4] - a[5])).reshape(len(a[4]), -1).sum(1)),
    ("along-epsilon", lambda *a: (_value(*a) * (a[4] - a[5])).reshape(len(a[4]), -1).sum(1, keepdims=True)),
    ("the-score", lambda *a: score(*a[:4], mix(*a[4:])), lambda *a: score(*a[:4], mix(*a[4:]))[:, None]),
    ("the-score", lambda *a: score(*a[:4], mix(*a[4:])).sum()),
    ("averaged", averaged(_value, 0), summed(_value, 0)),
    ("quotient", *(_quotient(h, sides) for h in (0.1, 0.01, 1e-3, 1e-4) for sides in ((0, 1), (-1, 0)))),
    ("quotient", *(_quotient(h, (-1, 1)) for h in (0.1, 0.01, 1e-3))),  # a finer one is right
    ("wrong-axis", Detected(wrong_way)),
    NO_GRAPH,
)
MESSAGES = """
real-only: The gradient is taken at the real points. The slope between the points, which the penalty is about, is never
    looked at.
fake-only: The gradient is taken at the generated points only, not between the two.
one-epsilon: One ε serves the whole batch. Each sample has its own.
epsilon-ignored: The given ε plays no part: these are the middles of the segments.
swapped: ε weighs the generated points here. It belongs to the real ones: ε x + (1 − ε) x̃.
extrapolation: The points lie beyond the ends of the segments: x̃ + ε (x − x̃) stays between.
not-convex: The weights of the two points do not add up to 1: ε and 1 − ε.
mean-scores: The scores were averaged before differentiating, so each gradient is divided by n: a critic that obeys the
    penalty would have slope n. Sum the scores (or pass ones as grad_outputs).
scaled: Every gradient is too long or too short by one and the same factor. Nothing is to be multiplied here: not by n,
    not by λ, not by 10.
of-an-end: The gradient was taken in the real points (or in the generated ones): by the chain rule that is ε (or 1 − ε)
    times the gradient in x̂. Make the points first, and let *them* require a gradient.
negated: The sign is the wrong way round: the gradient of f is asked for, not that of −f (the loss of the generator).
normalised: The gradients have been given length 1. Then there is nothing left to penalise.
along-epsilon: This is the derivative in ε, or along the segment: one number a sample. The whole gradient is asked for.
the-score: These are scores, not gradients.
averaged: The gradients of the samples have been added up or averaged. One a sample is asked for.
quotient: This is a difference quotient: its error depends on the step. autograd.grad gives the derivative itself.
wrong-axis: ε meets the wrong axis: reshape it to (n, 1), and for images to (n, 1, 1, 1), before multiplying.
"""
PROBLEM = Problem(
    key="ps06.input_gradient",
    title="The gradient at the interpolates",
    criteria=(
        Criterion("value", "∇f at ε x + (1 − ε) x̃, one gradient a sample, in the samples' shape", 1.5),
        Criterion("graph", "it can be differentiated again, down to the critic's weights", 1.5),
    ),
    cases=cases,
    scales=((1e3, "critic.w1"), (1e-3, "critic.w1")),
    formula=deeper(right, 3),
    compare=agree,
    pure="value",
    observe=SEEN_BY,
    limit=20.0,
    package_functions=PACKAGE,
    single=("real fake epsilon",),
    misconceptions=all_deeper(explained(WRONG, MESSAGES), 3),
)
