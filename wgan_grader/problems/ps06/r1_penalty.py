"""``r1_penalty(critic, real, weight)``: half γ times the mean squared gradient norm at real points."""

from typing import Any

import numpy as np

from ...formulas import explained, negated, scaled
from ...problem import Case, Cases, Criterion, Outputs, Problem
from ._critic import (
    NO_GRAPH,
    PACKAGE,
    SEEN_BY,
    Array,
    agree,
    all_deeper,
    charged,
    critic,
    deep_critic,
    deeper,
    far_out,
    gradient,
    lengths,
    options,
    rows,
    score,
)


def cases(rng: np.random.Generator) -> Cases:
    for criterion in ("value", "graph"):
        for n, shape in ((2, (3,)), (6, (3,)), (4, (1, 2, 3)), (3, (3,)), (3, (2, 4))):
            inputs: dict[str, Any] = critic(rng, int(np.prod(shape)), 4, 1.5) | {"real": rng.normal(size=(n, *shape))}
            inputs["weight"] = round(float(rng.uniform(2.5, 8.0)), 2)
            tail = ", to the weights" if criterion == "graph" else ""
            name = f"{n} points of shape {'×'.join(map(str, shape))}{tail}"
            case = Case(name, inputs, options(len(shape) > 1, loss=True), criterion=criterion)
            yield case
            if n == 6 and criterion == "value":
                yield far_out(case, "real")
    for n, features in ((4, 3), (26, 1), (131, 20)):
        inputs, layers = deep_critic(rng, features)
        inputs |= {"real": rng.normal(size=(n, features)), "weight": 3.5}
        yield Case(f"{n} points, a deeper critic", inputs, layers | {"loss": True}, criterion="value")
    image = critic(rng, 6, 4, 1.5) | {"real": rng.normal(size=(1, 1, 2, 3)), "weight": 2.5}
    yield Case("one image", image, options(True, loss=True), criterion="value")


def right(*a: Array) -> Outputs:
    """½ γ mean ‖∇f‖², and its gradient in the weights."""
    return charged(lambda s: a[5] / 2 * (s**2).mean(), lambda s: a[5] * s / len(s), *a[:5])


def _norms(*a: Array) -> Array:
    return lengths(gradient(*a[:5]))


def _value(*a: Array) -> float:
    return a[5] / 2 * (_norms(*a) ** 2).mean()


WRONG = (
    ("no-half", scaled(_value, 2)),
    ("centred-at-one", lambda *a: a[5] * ((_norms(*a) - 1) ** 2).mean()),
    ("centred-at-one", lambda *a: a[5] / 2 * ((_norms(*a) - 1) ** 2).mean()),
    ("centred-at-one", lambda *a: a[5] / 2 * ((_norms(*a) ** 2 - 1) ** 2).mean()),
    ("not-squared", lambda *a: a[5] / 2 * _norms(*a).mean(), lambda *a: a[5] * _norms(*a).mean()),
    ("early-mean", lambda *a: a[5] / 2 * _norms(*a).mean() ** 2),
    ("early-mean", lambda *a: a[5] / 2 * (gradient(*a[:5]).mean(0) ** 2).sum()),
    ("sum", lambda *a: _value(*a) * len(a[4])),
    ("mean-over-coordinates", lambda *a: a[5] / 2 * (gradient(*a[:5]) ** 2).mean()),
    ("mean-scores", lambda *a: _value(*a) / len(a[4]) ** 2, lambda *a: _value(*a) / len(a[4])),
    ("no-weight", lambda *a: _value(*a) / a[5], lambda *a: 10 * _value(*a) / a[5]),
    ("the-score", lambda *a: a[5] / 2 * (score(*a[:5]) ** 2).mean()),
    ("one-less", lambda *a: a[5] / 2 * (_norms(*a) ** 2).sum() / max(1, len(a[4]) - 1)),
    ("one-less", lambda *a: a[5] / 2 * (_norms(*a) ** 2).sum() / (len(a[4]) - 1)),
    ("other-norm", lambda *a: a[5] / 2 * (np.abs(rows(gradient(*a[:5]))).sum(1) ** 2).mean()),
    ("other-norm", lambda *a: a[5] / 2 * (np.abs(rows(gradient(*a[:5]))).max(1) ** 2).mean()),
    ("one-of-them", lambda *a: a[5] / 2 * _norms(*a).max() ** 2, lambda *a: a[5] / 2 * _norms(*a)[0] ** 2),
    ("one-of-them", lambda *a: a[5] / 2 * np.sort(_norms(*a) ** 2)[(len(a[4]) - 1) // 2]),
    ("rooted", lambda *a: a[5] / 2 * np.sqrt((_norms(*a) ** 2).mean())),
    ("fourth-power", lambda *a: a[5] / 2 * (_norms(*a) ** 4).mean()),
    ("some-axes", lambda *a: a[5] / 2 * (gradient(*a[:5]) ** 2).sum(1).mean()),
    ("some-axes", lambda *a: a[5] / 2 * (gradient(*a[:5]) ** 2).sum(-1).mean()),
    ("negated", negated(_value)),
    ("not-reduced", lambda *a: a[5] / 2 * _norms(*a) ** 2),
    NO_GRAPH,
)
MESSAGES = """
no-half: The factor ½ is missing: R1 is half the mean squared norm.
centred-at-one: This pulls the slopes to 1. R1 pulls them to 0: nothing is subtracted.
not-squared: The norm is not squared: this is γ, or half of it, times the mean *length* of the gradients.
early-mean: The average is taken before the square: over the norms, or over the gradients, which cancel.
sum: The squares are added up over the samples (that is also what one norm over the whole batch does). Divide by the
    number of samples.
mean-over-coordinates: The mean runs over the coordinates too, so the penalty depends on the number of pixels. Sum over
    the coordinates of a sample, average over samples.
mean-scores: The result is divided by n once or twice too often. Were the scores averaged before differentiating? Each
    gradient is then n times too short.
no-weight: The weight γ is missing, or is 10 whatever the argument says.
the-score: This penalises the *score*, not its gradient.
one-less: The sum is divided by n − 1, as for an unbiased variance. The mean divides by n.
other-norm: The length is not the Euclidean one: it sums sizes, or takes the largest.
one-of-them: One sample decides alone: the largest square, the first, or the one in the middle. Take the mean of all.
rooted: A root is taken of the mean square. The mean of the squares itself is asked for.
fourth-power: The length is raised to the fourth power: it was squared twice.
some-axes: The squares are summed over one axis of a sample only, and averaged over the others. Sum over all of them.
negated: The sign is wrong: a penalty is never negative.
not-reduced: One charge a sample comes back. Their mean is asked for.
"""
PROBLEM = Problem(
    key="ps06.r1_penalty",
    title="R1",
    criteria=(
        Criterion("value", "½ γ · mean ‖∇f(x)‖² at the real points, one number", 1.5),
        Criterion("graph", "its gradient in the critic's weights", 0.5),
    ),
    cases=cases,
    scales=((1e3, "weight"), (1e-3, "weight"), (1e3, "critic.w1"), (1e-3, "critic.w1")),
    formula=deeper(right, 2),
    compare=agree,
    pure="value",
    observe=SEEN_BY,
    limit=20.0,
    package_functions=PACKAGE,
    single=("real",),
    misconceptions=all_deeper(explained(WRONG, MESSAGES), 2),
)
