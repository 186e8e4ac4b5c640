"""``w1_estimate(real_scores, fake_scores, lipschitz)``: what a critic with a known constant says about W1."""

import numpy as np

from ...formulas import absolute, explained, negated, positive_part
from ...problem import Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield case("value", "two a side", real_scores=[3.0, 2.0], fake_scores=[1.0, 0.5], lipschitz=1.0)
    yield case("value", "six a side", **_scores(rng, 6, 6, 1.0))
    yield case("constant", "K = 4", real_scores=[7.0, 5.0], fake_scores=[2.0, 3.0], lipschitz=4.0)
    yield case("constant", "K is a whole number", real_scores=[7.0, 4.0], fake_scores=[2.0, 2.5], lipschitz=3)
    yield case("constant", "K = 0.3", **_scores(rng, 5, 5, 0.3))
    yield case("sizes", "three and two", real_scores=[3.0, 2.0, 7.0], fake_scores=[1.0, 0.5], lipschitz=2.0)
    yield case("sizes", "eleven and four", **_scores(rng, 11, 4, 2.5))
    yield case("sizes", "forty and 26", **_scores(rng, 40, 26, 1.5))
    yield case("sizes", "1100 and 1030", **_scores(rng, 1100, 1030, 0.8))
    yield case("sizes", "three and eight", **_scores(rng, 3, 8, 0.7))
    yield case("sizes", "scores alike", real_scores=[1.0, 1.0, 4.0], fake_scores=[0.5, 0.5, -3.0, 0.5], lipschitz=2.0)
    far = {"real_scores": [1e7 + 3.0, 1e7 + 2.0, 1e7 + 5.25], "fake_scores": [1e7 + 1.0, 1e7 + 0.5]}
    yield case("sizes", "scores far from 0", **far, lipschitz=2.0)
    yield case("sign", "a wrong critic", real_scores=[0.0, 1.0], fake_scores=[2.0, 4.0], lipschitz=2.0)
    yield case("sign", "a worse one", **_scores(rng, 6, 6, 0.5, shift=-3.0))


def _scores(rng: np.random.Generator, n: int, m: int, k: float, shift: float = 3.0) -> dict:
    return {"real_scores": rng.normal(size=n) + shift, "fake_scores": rng.normal(size=m), "lipschitz": k}


def estimate(real: np.ndarray, fake: np.ndarray, k: float) -> float:
    """Difference of the means over the constant."""
    return (real.mean() - fake.mean()) / k


def _hinge(real: np.ndarray, fake: np.ndarray) -> float:
    return np.maximum(1 - real, 0).mean() + np.maximum(1 + fake, 0).mean()


def _truncated(real: np.ndarray, fake: np.ndarray, k: float) -> float:
    n = min(len(real), len(fake))
    return (real[:n] - fake[:n]).mean() / k


def _lower_median(scores: np.ndarray) -> float:
    """The lower of the two in the middle, as torch.median has it."""
    return np.sort(scores)[(len(scores) - 1) // 2]


WRONG = (
    ("loss", negated(estimate), lambda r, f, k: f.mean() - r.mean()),
    ("without-k", lambda r, f, k: r.mean() - f.mean()),
    ("times-k", lambda r, f, k: (r.mean() - f.mean()) * k, lambda r, f, k: (r.mean() - f.mean()) / k**2),
    ("half-divided", lambda r, f, k: r.mean() / k - f.mean(), lambda r, f, k: r.mean() - f.mean() / k),
    ("k-changed", lambda r, f, k: (r.mean() - f.mean()) / (k + 1), lambda r, f, k: (r.mean() - f.mean()) / max(k, 1)),
    ("k-changed", lambda r, f, k: (r.mean() - f.mean()) / np.sqrt(k), lambda r, f, k: (r.mean() - f.mean()) / int(k)),
    ("k-changed", lambda r, f, k: (r.mean() - f.mean()) // k, lambda r, f, k: r.mean() - f.mean() - k),
    ("added", lambda r, f, k: (r.mean() + f.mean()) / k),
    ("one-bag", lambda r, f, k: r.mean() / k, lambda r, f, k: -f.mean() / k, lambda r, f, k: f.mean() / k),
    ("extremes", lambda r, f, k: (r.max() - f.min()) / k, lambda r, f, k: (r.max() - f.max()) / k),
    ("one-less", lambda r, f, k: (r.sum() / max(1, len(r) - 1) - f.sum() / max(1, len(f) - 1)) / k),
    ("sums", lambda r, f, k: (r.sum() - f.sum()) / k),
    ("pooled", lambda r, f, k: (r.sum() - f.sum()) / (len(r) + len(f)) / k),
    ("pooled", lambda r, f, k: (r.sum() - f.sum()) / len(r) / k, lambda r, f, k: (r.sum() - f.sum()) / len(f) / k),
    ("paired", _truncated),
    ("no-negative", absolute(estimate), positive_part(estimate)),
    ("hinge", lambda r, f, k: _hinge(r, f) / k, lambda r, f, k: -_hinge(r, f) / k, lambda r, f, k: 2 - _hinge(r, f)),
    ("median", lambda r, f, k: (_lower_median(r) - _lower_median(f)) / k),
    ("single-precision", lambda r, f, k: estimate(r.astype(np.float32), f.astype(np.float32), k)),
    ("median", lambda r, f, k: (np.median(r) - np.median(f)) / k),
)
MESSAGES = """
single-precision: The scores were rounded to float32, which has no decimals left near 10⁷: scores may all lie far from
    0, and their difference is what counts. Leave them in float64, as they came.
loss: This is the critic's *loss*, E_Q f − E_P f, which it minimises. The estimate is its negative.
without-k: K is ignored. A critic that may climb K metres per metre measures K · W1: divide by K.
times-k: K is multiplied by, or divided by twice. The difference is K times too large: divide by K, once.
k-changed: The difference is not divided by K itself: K is rounded, cut off at 1, increased, rooted or subtracted.
added: The two means are added. The estimate is their difference.
one-bag: One of the two bags is missing.
extremes: The largest (or smallest) scores are compared, not the means.
one-less: The sums are divided by n − 1 and m − 1. A mean divides by n and m.
half-divided: Only one of the means is divided by K.
sums: Scores are summed, not averaged: twice the batch would be twice the distance.
pooled: One denominator serves both bags. Each expectation is a mean over its own bag.
paired: Scores are paired one by one and the longer bag is cut off. The two expectations are separate; that is the point
    of the dual.
no-negative: Negative estimates lose their sign. W1 is not negative, but this is a lower bound by one critic, and a bad
    critic gives a bad one. Hiding that hides the bad critic.
hinge: This is built from the hinge loss, which cuts scores off at a margin. A distance has no margin.
median: Medians are taken. The dual is about expectations: means.
"""
PROBLEM = Problem(
    key="ps03.w1_estimate",
    title="An estimate with a unit",
    criteria=(
        Criterion("value", "the difference of the mean scores, real minus fake, for K = 1", 1),
        Criterion("constant", "in the unit of W1: divided by K", 1),
        Criterion("sizes", "bags of different sizes", 0.5),
        Criterion("sign", "negative for a critic that prefers the fakes", 0.5),
    ),
    cases=cases,
    formula=estimate,
    scales=(
        (1e6, "real_scores fake_scores"),
        (2.0**-40, "real_scores fake_scores"),
        (2.0**-40, "real_scores fake_scores lipschitz"),
        (1e3, "lipschitz"),
    ),
    pure="value",
    single=("real_scores", "fake_scores"),
    misconceptions=explained(WRONG, MESSAGES),
)
