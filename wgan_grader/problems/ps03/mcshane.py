"""``mcshane(points, values, lipschitz, x)``: the lowest K-Lipschitz function through given values."""

import numpy as np

from ...formulas import explained, given
from ...problem import Case, Cases, Criterion, Problem
from ._geometry import distances


def cases(rng: np.random.Generator) -> Cases:
    yield _case("a line", [[0.0], [2.0]], [0.0, 1.0], 1.0, [[-1.0], [0.5], [1.25], [4.0]], "unit")
    yield _random(rng, 5, 7, 2, 1.0, "unit")
    near = np.arange(5.0, 25.0, 0.5)
    row, heights = [[0.0], *near[:, None].tolist()], [10.0, *(10.0 - near)]
    yield _case("the highest cone stands behind many nearer points", row, heights, 1.0, [[4.0], [-1.0]], "unit")
    yield _case(
        "a steeper line", [[0.0], [2.0], [5.0]], [0.0, 3.0, 1.0], 2.5, [[1.0], [3.5], [-0.5], [7.0]], "constant"
    )
    yield _random(rng, 6, 4, 3, 0.4, "constant")
    yield _random(rng, 4, 9, 2, 3.0, "constant")
    yield _random(rng, 5, 5, 5, 1.5, "constant")
    yield _random(rng, 5, 3, 2, 0.05, "constant")
    yield _random(rng, 1030, 3, 70, 1.2, "constant")
    yield _random(rng, 4, 1030, 1, 2, "constant")
    far = np.stack([np.full(30, 2.0**20), rng.permutation(64)[:30] / 64 + rng.integers(1, 64, 30) / 2**18], 1)
    inputs = {"points": far, "values": _lipschitz_values(rng, far - far[0], 1.0), "lipschitz": 1.0}
    yield Case("thirty neighbours, far from 0", inputs | {"x": far[::2] + np.array([0.0, 0.125])}, criterion="unit")
    towns = np.stack([np.where(np.arange(30) % 2, 2.0**20, 1.0), far[:, 1]], 1)
    inputs = {"points": towns, "values": towns[:, 1] / 2, "lipschitz": 1.0, "x": towns + np.array([0.0, 0.125])}
    yield Case("thirty neighbours in two places", inputs, criterion="unit")
    close = 1e6 + np.array([[0.02], [0.58], [1.23], [0.31], [0.9]])
    inputs = {"points": close[:3], "values": np.array([0.0, 0.3, 0.1]), "lipschitz": 1.0, "x": close[3:]}
    yield Case("near each other, far from 0", inputs, criterion="unit")
    points = rng.normal(size=(5, 2))
    values = _lipschitz_values(rng, points, 2.0)
    inputs = {"points": points, "values": values, "lipschitz": 2.0, "x": points[[3, 0, 4]].copy()}
    yield Case("at the data", inputs, criterion="data")


def _case(name: str, points: list, values: list, k: float, x: list, criterion: str) -> Case:
    inputs = {"points": np.array(points), "values": np.array(values), "lipschitz": k, "x": np.array(x)}
    return Case(name, inputs, criterion=criterion)


def _lipschitz_values(rng: np.random.Generator, points: np.ndarray, k: float) -> np.ndarray:
    """Values of a function that is K-Lipschitz, with cones of both kinds in it."""
    up, down = (rng.normal(size=(1, points.shape[1])) for _ in range(2))
    return k * (0.55 * distances(points, up)[:, 0] - 0.4 * distances(points, down)[:, 0])


def _random(rng: np.random.Generator, n: int, m: int, d: int, k: float, criterion: str) -> Case:
    points = rng.normal(size=(n, d))
    inputs = {"points": points, "values": _lipschitz_values(rng, points, k), "lipschitz": k}
    return Case(f"{n} points, K = {k:g}", inputs | {"x": 2 * rng.normal(size=(m, d))}, criterion=criterion)


def extension(points: np.ndarray, values: np.ndarray, lipschitz: float, x: np.ndarray, order: float = 2) -> np.ndarray:
    """Highest of the downward cones under the data."""
    return (values - lipschitz * distances(x, points, order)).max(1)


def _upper(points: np.ndarray, values: np.ndarray, k: float, x: np.ndarray) -> np.ndarray:
    return (values + k * distances(x, points)).min(1)


def _single(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32)


def _nearest(points: np.ndarray, values: np.ndarray, k: float, x: np.ndarray, slope: bool = True) -> np.ndarray:
    away = distances(x, points)
    return values[away.argmin(1)] - slope * k * away.min(1)


WRONG = (
    ("upper", _upper),
    ("middle", lambda p, v, k, x: (_upper(p, v, k, x) + extension(p, v, k, x)) / 2),
    ("without-k", given(extension, lipschitz=1.0)),
    ("values-too", lambda p, v, k, x: k * extension(p, v, 1.0, x)),
    ("divided", lambda p, v, k, x: extension(p, v, 1 / k, x)),
    ("squared", lambda p, v, k, x: (v - k * distances(x, p) ** 2).max(1)),
    ("nearest", _nearest, given(_nearest, slope=False)),
    ("wrong-extreme", lambda p, v, k, x: (v - k * distances(x, p)).min(1)),
    ("wrong-extreme", lambda p, v, k, x: (v + k * distances(x, p)).max(1)),
    ("separate", lambda p, v, k, x: v.max() - k * distances(x, p).min(1)),
    ("other-norm", given(extension, order=1), given(extension, order=np.inf)),
    ("one-coordinate", lambda p, v, k, x: extension(p[:, :1], v, k, x[:, :1])),
    ("cut-off", lambda p, v, k, x: np.maximum(extension(p, v, k, x), v.min())),
    ("single-precision", lambda p, v, k, x: extension(_single(p), _single(v), k, _single(x))),
    ("wrong-axis", lambda p, v, k, x: (v - k * distances(x, p)).max(0)),
)
MESSAGES = """
upper: This is the *upper* extension, the lowest of the upward cones: min(v + K‖x − a‖). The lower one was asked for.
middle: This is the mean of the lower and the upper extension. It is an extension too, and not the lowest.
without-k: The cones have slope 1 whatever K is: multiply the distances by lipschitz.
values-too: K multiplies the whole bracket, the values too. It belongs to the distance alone.
divided: The distances are divided by K. A larger constant allows steeper cones: multiply.
squared: The distances are squared. Paraboloids have no largest slope; a cone needs the distance itself.
nearest: Only the nearest data point is used. A higher cone further away may be the one that counts.
wrong-extreme: Maximum and minimum, or the cones' direction, are mixed up: downward cones go with a maximum.
separate: The highest value and the shortest distance are taken separately. They need not belong to one data point.
other-norm: The distance is not the Euclidean one.
one-coordinate: Only the first coordinate is looked at. The distance is that of the whole points.
cut-off: The values are not let below the least of the data. The cones go on: the lowest function falls without end.
single-precision: The points were rounded to float32, which keeps about one decimal of numbers near 10⁶: where points
    lie far from 0 and near each other, their distances are lost. Leave them in float64, as they came.
wrong-axis: The maximum runs over the places x: one number for each *data point* comes out.
"""
PROBLEM = Problem(
    key="ps03.mcshane",
    title="The lower extension",
    criteria=(
        Criterion("unit", "the highest of the downward cones, for K = 1", 1),
        Criterion("constant", "cones of slope K", 0.5),
        Criterion("data", "keeps the given values where they are given", 0.5),
    ),
    cases=cases,
    formula=extension,
    scales=((1e6, "points values x"), (2.0**-40, "points values x"), (1e3, "values lipschitz")),
    pure="unit",
    package_functions=("wgan_course.transport.mcshane_extension", "wgan_course.transport.potential_critic"),
    single=("x", "points values"),
    misconceptions=explained(WRONG, MESSAGES),
)
