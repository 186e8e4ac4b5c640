"""``wasserstein_1d(x, y)``: W1 of two samples of one size, by sorting."""

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, explained
from ...problem import Case, Cases, Criterion, Outputs, Problem
from ._transport import CENTRE, in_order, ranks

SLOPE = {"gradients": ["x"], "loss": True}


def cases(rng: np.random.Generator) -> Cases:
    yield _case("two points", [1.0, 0.0], [2.0, 3.0], "value")
    yield _case("both sides", [0.0, 4.0, 1.0], [3.0, -1.0, 2.5], "value")
    for n in (1, 2, 5, 12, 40, 1100):
        x, y = rng.normal(size=n), 2.0 * rng.normal(size=n) + 0.1
        yield Case(f"{n} points", {"x": x, "y": y}, criterion="value")
    yield _case("points that come twice", [1.0, 1.0, 0.0, 2.0], [2.0, 4.0, 2.0, -1.0], "value")
    near = {"x": np.array([1.0, 2.0, 3.0]), "y": np.array([3.0, 1.0, 2.0 + 2.0**-10])}
    yield Case("nearly the same points", near, criterion="value", atol=1e-9)
    near = {"x": CENTRE + np.array([0.58, 0.02, 0.31]), "y": CENTRE + np.array([0.11, 0.35, 1.23])}
    yield Case("near each other, far from 0", near, criterion="value")
    yield _case("slope, three points", [0.0, 4.0, 1.0], [3.0, -1.0, 2.5], "gradient", SLOPE)
    x, y = rng.normal(size=7), 2.0 * rng.normal(size=7)
    yield _case("slope, one point has arrived", [3.0, 0.0, 1.0], [0.0, 2.5, 2.0], "gradient", SLOPE)
    yield _case("slope, all have arrived", [3.0, 0.5, 1.0], [1.0, 3.0, 0.5], "gradient", SLOPE)
    yield Case("slope, random points", {"x": x, "y": y}, SLOPE, criterion="gradient")


def _case(name: str, x: list[float], y: list[float], criterion: str, options: dict | None = None) -> Case:
    return Case(name, {"x": np.array(x), "y": np.array(y)}, options or {}, criterion=criterion)


def answer(x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Mean of the sorted differences, and its slope: ±1/n at each point."""
    partner = np.sort(y)[ranks(x)]
    return {"value": in_order(x, y), "gradient:x": np.sign(x - partner) / len(x)}


def compare(observed: Outputs, expected: Outputs, case: Case) -> bool:
    """Only the cases of the last criterion look at the slope, which at a kink is any number up to 1/n in size."""
    names = ["value", "gradient:x"] if case.criterion == "gradient" else ["value"]
    if any(name not in observed or observed[name].size != expected[name].size for name in names):
        return False
    seen = {name: observed[name].reshape(expected[name].shape) for name in names}
    if "gradient:x" in seen:
        kinks = (expected["gradient:x"] == 0) & (abs(seen["gradient:x"]) <= 1 / expected["gradient:x"].size + case.atol)
        seen["gradient:x"] = np.where(kinks, 0.0, seen["gradient:x"])
    return all(np.allclose(seen[name], expected[name], case.rtol, case.atol) for name in names)


def _no_gradient(case: Case, seen: Observation, expected: Outputs) -> bool:
    if seen.status == "error":
        return "numpy()" in seen.error or "does not require grad" in seen.error
    return seen.status == "ok" and "gradient:x" not in seen.outputs


def _root(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether the slope is NaN just where a point has arrived."""
    slope = seen.outputs.get("gradient:x", np.zeros(0))
    return slope.shape == expected["gradient:x"].shape and bool(
        np.isnan(slope).any() and np.array_equal(np.isnan(slope), expected["gradient:x"] == 0)
    )


def _rounded_off(width: float):
    """Huber's: half a square over `width` up to there, a straight line beyond."""

    def formula(x: np.ndarray, y: np.ndarray) -> float:
        apart = np.abs(np.sort(x) - np.sort(y))
        return np.where(apart < width, apart**2 / 2 / width, apart - width / 2).mean()

    return formula


WRONG = (
    ("rounded-off", *map(_rounded_off, (1.0, 0.5, 0.1, 0.01))),
    ("single-precision", lambda x, y: in_order(x.astype(np.float32), y.astype(np.float32))),
    ("unsorted", lambda x, y: np.abs(x - y).mean()),
    ("one-sorted", lambda x, y: np.abs(np.sort(x) - y).mean(), lambda x, y: np.abs(x - np.sort(y)).mean()),
    ("opposite-orders", lambda x, y: np.abs(np.sort(x) - np.sort(y)[::-1]).mean()),
    ("sum", lambda x, y: np.abs(np.sort(x) - np.sort(y)).sum()),
    ("means", lambda x, y: abs(x.mean() - y.mean()), lambda x, y: x.mean() - y.mean()),
    ("squared", lambda x, y: ((np.sort(x) - np.sort(y)) ** 2).mean()),
    ("squared", lambda x, y: np.sqrt(((np.sort(x) - np.sort(y)) ** 2).mean())),
    ("squared", lambda x, y: np.linalg.norm(np.sort(x) - np.sort(y))),
    ("all-pairs", lambda x, y: np.abs(x[:, None] - y).mean()),
    ("nearest", lambda x, y: np.abs(x[:, None] - y).min(1).mean(), lambda x, y: np.abs(x[:, None] - y).min(0).mean()),
    ("largest", lambda x, y: np.abs(np.sort(x) - np.sort(y)).max()),
    ("no-gradient", Detected(_no_gradient, "gradient")),
    ("root-of-square", Detected(_root, "gradient", "ok")),
)
MESSAGES = """
rounded-off: Short distances are squared, and long ones are cut by a constant: Huber's loss (smooth_l1), which rounds
    off the corner of the absolute value. W1 has the absolute value itself.
single-precision: The points were rounded to float32, which keeps about one decimal of numbers near 10⁶: where places
    lie far from 0 and near each other, their distances are lost. Leave them in float64, as they came.
unsorted: The points are paired as they come. That is *a* plan, but seldom a cheapest one: sort both samples first.
one-sorted: Only one of the two samples is sorted. The smallest goes to the smallest: sort both.
opposite-orders: The smallest is paired with the largest: that is the dearest plan, not the cheapest.
sum: The distances are added up. Each point carries the mass 1/n: take the mean.
means: This is the distance of the means. Trips to the left and to the right cancel in it; take the absolute value of
    each trip *before* averaging.
squared: The distances are squared: this is W2 (or its square). For W1 take absolute values.
all-pairs: This averages over all pairs (x_i, y_j): the cost of sending everything everywhere.
nearest: Each point goes to the nearest one, so some targets are served twice and others never. That is no coupling: the
    marginal of y is not respected.
largest: This is the longest trip (or the largest gap of the distribution functions), not the mean trip.
root-of-square: The gradient is NaN where a point is where it should be: the derivative of a root at 0 is infinite. Take
    absolute values, not the root of squares.
no-gradient: No gradient reaches the points: .item(), .tolist(), numpy, .detach(), a constant 0 where all have arrived,
    or a step without a derivative (unique, counting) cuts the graph. Stay in torch from the points to the result, in
    steps that have one.
"""
PROBLEM = Problem(
    key="ps02.wasserstein_1d",
    title="W1 on the line, by sorting",
    criteria=(
        Criterion("value", "mean distance of the points, paired in order", 1),
        Criterion("gradient", "a gradient reaches the points: a generator can learn from it", 1),
    ),
    cases=cases,
    formula=answer,
    scales=((1e6, "x y"), (2.0**-40, "x y")),
    pure="value",
    compare=compare,
    package_functions=("wgan_course.transport.wasserstein_1d",),
    stand_in="wgan_course.transport.wasserstein_1d",
    misconceptions=explained(WRONG, MESSAGES),
)
