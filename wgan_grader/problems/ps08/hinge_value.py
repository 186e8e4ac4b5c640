"""``hinge_value(x, y, K)``: the least hinge loss of a K-Lipschitz critic for two point masses."""

import numpy as np

from ...formulas import constant, explained
from ...problem import Case, Cases, Criterion, Problem

ATOL = 6e-5  # four decimals are enough; pairwise_distance adds 1e-6 to each difference


def cases(rng: np.random.Generator) -> Cases:
    yield Case("3-4-5", {"x": np.array([0.0, 0.0]), "y": np.array([3.0, 4.0]), "K": 0.25}, criterion="near")
    yield Case("one place", {"x": np.array([1.0, -2.0]), "y": np.array([1.0, -2.0]), "K": 3.0}, criterion="near")
    for d, K in ((1, 0.9), (3, 2.5), (5, 0.4), (70, 1.3)):
        yield Case(f"near, dimension {d}", _pair(rng, d, K, 0.2, 0.8), criterion="near", atol=ATOL)
    for x, y in (([1.0], [1.5]), ([0.7], [-0.3])):
        inputs = {"x": np.array(x), "y": np.array(y), "K": 1.2}
        yield Case(f"on a line, from {x[0]:g}", inputs, criterion="near", atol=ATOL)
    steep = {"x": np.array([0.0, 1.0]), "y": np.array([0.3, 1.4]), "K": 3.0}
    yield Case("near, K = 3", steep, criterion="near", atol=ATOL)
    yield Case(
        "a gentle critic",
        {"x": np.array([900.0, -40.0]), "y": np.array([-600.0, 60.0]), "K": 1e-3},
        criterion="near",
        atol=ATOL,
    )
    far = 2.0**26 + np.array([[0.0, 0.0], [0.25, 0.0]])
    yield Case("near, far from 0", {"x": far[0], "y": far[1], "K": 2.0}, criterion="near")
    yield Case("far, in the plane", {"x": np.array([1.0, 0.0]), "y": np.array([0.0, 4.0]), "K": 1.0}, criterion="far")
    for d, K in ((2, 3.0), (4, 0.7)):
        yield Case(f"far, dimension {d}", _pair(rng, d, K, 1.2, 4.0), criterion="far")
    within = _pair(rng, 2, 1.7, 0.93, 0.97)  # 0 for every pair earns nothing
    yield Case("just within", within, criterion="far", atol=ATOL)


def _pair(rng: np.random.Generator, d: int, K: float, least: float, most: float) -> dict[str, object]:
    """Points at a distance of a part (or multiple) of 2/K."""
    x, way = rng.normal(size=d), rng.normal(size=d)
    distance = rng.uniform(least, most) * 2 / K
    return {"x": x, "y": x + distance * way / np.linalg.norm(way), "K": K}


def _d(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.linalg.norm(x - y))


def value(x: np.ndarray, y: np.ndarray, K: float) -> float:
    """2 − min(K‖x − y‖, 2)."""
    return 2 - min(K * _d(x, y), 2)


WRONG = (
    ("not-truncated", lambda x, y, K: 2 - K * _d(x, y)),
    ("the-gain", lambda x, y, K: min(K * _d(x, y), 2), lambda x, y, K: K * _d(x, y)),
    ("cut-at-one", lambda x, y, K: 2 - min(K * _d(x, y), 1), lambda x, y, K: 1 - min(K * _d(x, y), 1)),
    ("half-way", lambda x, y, K: max(0, 1 - K * _d(x, y) / 2), lambda x, y, K: 2 * max(0, 1 - K * _d(x, y))),
    ("k-ignored", lambda x, y, K: 2 - min(_d(x, y), 2), lambda x, y, K: 2 - min(_d(x, y) / K, 2)),
    ("k-ignored", lambda x, y, K: 2 - K * min(_d(x, y), 2), lambda x, y, K: 2 - min(min(K, 1) * _d(x, y), 2)),
    ("cut-at-k", lambda x, y, K: 2 - min(_d(x, y), K), lambda x, y, K: 2 - min(_d(x, y), 2 / K)),
    ("cut-at-k", lambda x, y, K: 2 - min(K * _d(x, y), 2 / K)),
    ("squared", lambda x, y, K: 2 - min(K * _d(x, y) ** 2, 2), lambda x, y, K: max(0, 2 - (K * _d(x, y)) ** 2)),
    ("other-norm", lambda x, y, K: 2 - min(K * np.abs(x - y).sum(), 2)),
    ("other-norm", lambda x, y, K: 2 - min(K * np.abs(x - y).max(), 2)),
    ("largest", lambda x, y, K: 2 - max(K * _d(x, y), 2)),
    ("two-everywhere", constant(2.0), constant(0.0)),
)
MESSAGES = """
not-truncated: This is 2 − K·W₁, without an end. A hinge loss is never negative: once the critic is ±1 at the two points
    more slope gains nothing.
the-gain: This is the truncated distance min(K‖x − y‖, 2) itself. The least *loss* is 2 minus it.
cut-at-one: What the critic gains ends at 1 (K‖x − y‖ cut at 1, or 1 − K‖x − y‖). It may go from −1 to +1, a way of 2.
half-way: Only one of the two terms is counted (or the mean of both), or each as 1 − K‖x − y‖. Each is 1 − K‖x − y‖/2,
    and the loss is their sum.
k-ignored: K has no effect, or the wrong one (is it cut at 1?): a K-Lipschitz critic changes by up to K‖x − y‖.
cut-at-k: The distance is cut at K or at 2/K without the factor K in front of it. The cost is min(K‖x − y‖, 2).
squared: The distance is squared. The Lipschitz condition is about the distance itself.
other-norm: This is another distance (the sum, or the largest, of the differences). Here it is Euclidean.
largest: This takes the larger of the two, max for min: 2 − max(K‖x − y‖, 2) is never positive.
two-everywhere: This is a loss of 2 (or 0) for every pair: that of a constant critic, or of one without a Lipschitz
    constraint.
"""
PROBLEM = Problem(
    key="ps08.hinge_value",
    title="The least hinge loss",
    criteria=(
        Criterion("near", "2 − K‖x − y‖ while the points are within 2/K", 1),
        Criterion("far", "0 beyond: nothing is left to learn from", 1),
    ),
    cases=cases,
    formula=value,
    pure="near",
    misconceptions=explained(WRONG, MESSAGES),
)
