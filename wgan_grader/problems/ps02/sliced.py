"""``sliced(x, y, directions)``: the mean of the one-dimensional distances along directions."""

import numpy as np

from ...formulas import averaged, explained, largest, root, squared, summed
from ...problem import Case, Cases, Criterion, Problem
from ._transport import CENTRE, in_order


def cases(rng: np.random.Generator) -> Cases:
    x, y = np.array([[0.0, 2.0], [1.0, -1.0], [3.0, 0.5]]), np.array([[2.5, 0.0], [-1.0, 1.0], [0.0, 4.0]])
    yield Case("along the axes", {"x": x, "y": y, "directions": np.eye(2)}, criterion="value")
    for n, d, k in ((6, 3, 4), (9, 2, 5), (40, 2, 3), (5, 3, 3)):
        yield Case(f"{k} directions in dimension {d}", _random(rng, n, d, k), criterion="value")
    lines = np.array([[0.6, -0.8], [0.8, -0.6], [0.6, 0.8]])
    yield Case("three directions, the last not the largest", {"x": x, "y": y, "directions": lines}, criterion="count")
    alike = np.array([[0.6, 0.8], [0.6, 0.8], [1.0, 0.0]])
    yield Case("two directions alike", {"x": x, "y": y, "directions": alike}, criterion="count")
    opposite = np.array([[0.6, 0.8], [-0.6, -0.8], [1.0, 0.0]])
    yield Case("two directions opposite", {"x": x, "y": y, "directions": opposite}, criterion="count")
    near = {"x": CENTRE + x / 9, "y": CENTRE + y / 9, "directions": np.eye(2)}
    yield Case("near each other, far from 0", near, criterion="value")
    yield Case("one direction", _random(rng, 7, 4, 1), criterion="count")
    yield Case("more directions than points", _random(rng, 3, 5, 11), criterion="count")
    yield Case("70 directions in dimension 40", _random(rng, 130, 40, 70), criterion="count")
    yield Case("1100 points", _random(rng, 1100, 2, 2), criterion="value")


def _random(rng: np.random.Generator, n: int, d: int, k: int) -> dict[str, np.ndarray]:
    lines = rng.normal(size=(k, d))
    lines /= np.linalg.norm(lines, axis=1, keepdims=True)
    return {"x": rng.normal(size=(n, d)), "y": 1.5 * rng.normal(size=(n, d)) + 0.3, "directions": lines}


def slices(x: np.ndarray, y: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """One-dimensional W1 along each direction, shape (k,)."""
    return in_order(lines @ x.T, lines @ y.T)


def _apart(x: np.ndarray, y: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Differences of the sorted shadows, shape (k, n)."""
    return np.sort(lines @ x.T, -1) - np.sort(lines @ y.T, -1)


def _smooth(x: np.ndarray, y: np.ndarray, lines: np.ndarray) -> float:
    apart = np.abs(_apart(x, y, lines))
    return np.where(apart < 1, apart**2 / 2, apart - 1 / 2).mean()


WRONG = (
    ("rounded-off", _smooth),
    ("single-precision", lambda *given: slices(*(one.astype(np.float32) for one in given)).mean()),
    ("single-precision", lambda x, y, u: slices(x.astype(np.float32).astype(float), y.astype(np.float32), u).mean()),
    ("unsorted", lambda x, y, u: np.abs(u @ (x - y).T).mean()),
    ("wrong-axis", lambda x, y, lines: np.abs(np.sort(lines @ x.T, axis=0) - np.sort(lines @ y.T, axis=0)).mean()),
    ("sorted-before", lambda x, y, lines: np.abs(lines @ (np.sort(x, axis=0) - np.sort(y, axis=0)).T).mean()),
    ("largest-slice", largest(slices)),
    ("summed", summed(slices), lambda x, y, u: slices(x, y, u).mean() * len(x)),
    ("mean-direction", lambda x, y, lines: in_order(x @ lines.mean(0), y @ lines.mean(0))),
    ("means", lambda x, y, u: np.abs(u @ (x.mean(0) - y.mean(0))).mean()),
    ("means", lambda x, y, u: (u @ (x.mean(0) - y.mean(0))).mean()),
    ("squared", lambda x, y, u: ((np.sort(u @ x.T, -1) - np.sort(u @ y.T, -1)) ** 2).mean()),
    ("squared", lambda x, y, u: np.sqrt(((np.sort(u @ x.T, -1) - np.sort(u @ y.T, -1)) ** 2).mean())),
    ("squared", root(averaged(squared(slices))), averaged(squared(slices))),
    ("squared", lambda x, y, u: np.sqrt((_apart(x, y, u) ** 2).mean(-1)).mean()),
    ("squared", lambda x, y, u: np.linalg.norm(_apart(x, y, u), axis=-1).mean()),
    ("squared", lambda x, y, u: np.linalg.norm(_apart(x, y, u), axis=-1).mean() / len(x)),
    ("one-slice", lambda x, y, u: slices(x, y, u)[0], lambda x, y, u: np.sort(slices(x, y, u))[(len(u) - 1) // 2]),
    ("opposite-orders", lambda x, y, u: np.abs(np.sort(u @ x.T, -1) - np.sort(u @ y.T, -1)[:, ::-1]).mean()),
    ("centred", lambda x, y, u: slices(x - x.mean(0), y - y.mean(0), u).mean()),
    ("no-projection", lambda x, y, u: in_order(x.T, y.T).mean(), lambda x, y, u: in_order(x.T, y.T).sum()),
    ("by-direction", slices),
    ("all-together", lambda x, y, u: in_order((u @ x.T).ravel(), (u @ y.T).ravel())),
)
MESSAGES = """
rounded-off: Short distances are squared, and long ones are cut by a constant: Huber's loss (smooth_l1), which rounds
    off the corner of the absolute value. W1 has the absolute value itself.
single-precision: The points were rounded to float32, which keeps about one decimal of numbers near 10⁶: where clouds
    lie far from 0 and near each other, their distance is lost. Leave them in float64, as they came.
unsorted: The shadows are paired as the points come. On each line the cheapest plan is the one in order: sort.
wrong-axis: The sort runs over the directions. On each line the *points* are put in order.
sorted-before: The coordinates are sorted before the projection. The order along a line is another one for each
    direction: project first, then sort.
largest-slice: This is the largest slice (“max-sliced”), another distance. Take the mean over the directions.
summed: The slices, or the trips on a line, are added. Take means, or the value grows with the number of directions or
    points.
mean-direction: The directions are averaged first, and one line is left. Average the *distances*.
means: This compares the projected means: trips in opposite directions cancel. Absolute value first, then mean.
squared: Distances (or slices) are squared on the way, as for W2. For W1 take absolute values and their mean.
one-slice: One direction decides alone, the first or the one in the middle. Take the mean over all.
opposite-orders: The smallest shadow is paired with the largest: that is the dearest plan, not the cheapest.
centred: Both clouds are moved to the origin first. A shift is a distance too.
no-projection: The coordinates are compared one by one, and the directions are not used.
by-direction: One number a direction comes back. Average them.
all-together: The shadows on all lines are thrown together and sorted as one sample. Each line is a problem of its own.
"""
PROBLEM = Problem(
    key="ps02.sliced",
    title="Sliced distance",
    criteria=(
        Criterion("value", "project, sort along each direction, average", 2),
        Criterion("count", "any number of directions, one as well", 1),
    ),
    cases=cases,
    formula=lambda x, y, lines: slices(x, y, lines).mean(),
    scales=((1e6, "x y"), (2.0**-40, "x y")),
    pure="value",
    package_functions=("wgan_course.transport.sliced_wasserstein",),
    stand_in="wgan_course.transport.sliced_wasserstein",
    single=("x y",),
    misconceptions=explained(WRONG, MESSAGES),
)
