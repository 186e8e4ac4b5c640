"""``lipschitz_constant(points, values)``: the steepest pair."""

import numpy as np

from ...formulas import explained, given
from ...problem import Cases, Criterion, Problem, case
from ._geometry import distances


def cases(rng: np.random.Generator) -> Cases:
    yield case("line", "three points", points=[[0.0], [3.0], [1.0]], values=[0.0, 1.0, -2.0])
    yield case("line", "a line", points=3 * rng.normal(size=(7, 1)), values=rng.normal(size=7))
    yield case("space", "a triangle", points=[[0.0, 0.0], [3.0, 4.0], [0.0, 4.0]], values=[2.0, 0.0, 1.0])
    for n, d in ((6, 2), (9, 5)):
        yield case("space", f"{n} points, {d} coordinates", points=rng.normal(size=(n, d)), values=rng.normal(size=n))
    far = np.stack([np.full(30, 2.0**20), rng.permutation(64)[:30] / 64 + rng.integers(1, 64, 30) / 2**18], 1)
    yield case("space", "thirty neighbours, far from 0", points=far, values=rng.normal(size=30))
    towns = np.stack([np.where(np.arange(30) % 2, 2.0**20, 1.0), far[:, 1] / 8], 1)
    yield case("space", "thirty neighbours in two places", points=towns, values=rng.normal(size=30))
    close = 1e6 + np.array([[0.58], [0.02], [0.31], [1.23]])
    yield case("line", "near each other, far from 0", points=close, values=[0.2, 0.9, -0.4, 0.6])
    yield case("same", "twice the same point", points=[[0.0], [1.0], [0.0], [3.0]], values=[1.0, 2.0, 1.0, -4.0])
    yield case("same", "twice, in the plane", points=[[1.0, 1.0], [1.0, 1.0], [4.0, 5.0]], values=[3.0, 3.0, 13.0])
    where, height = rng.normal(size=(5, 2)), rng.normal(size=5)
    yield case("same", "twice, random", points=where[[0, 1, 2, 1, 3, 4]], values=height[[0, 1, 2, 1, 3, 4]])
    near = np.array([[0.0], [2.0**-24], [2.0], [5.0]])
    yield case("torn", "near and steep, not torn", points=near, values=rng.normal(size=4))
    nearer = np.array([[0.0], [2.0**-40], [2.0], [5.0]])
    yield case("torn", "nearer, not torn", points=nearer, values=rng.normal(size=4))
    nearest = np.array([[0.0], [2.0**-60], [2.0], [5.0]])
    yield case("torn", "as near as can be, not torn", points=nearest, values=rng.normal(size=4))
    yield case("torn", "torn by a hair", points=[[0.0], [1.0], [0.0]], values=[0.0, 1.0, 2.0**-50])
    yield case("space", "130 points, 40 coordinates", points=rng.normal(size=(130, 40)), values=rng.normal(size=130))
    yield case("torn", "torn, random", points=where[[0, 1, 2, 1]], values=np.append(height[:3], height[1] + 1e-3))
    yield case("same", "a constant", points=[[0.0], [1.0], [1.0]], values=[2.0, 2.0, 2.0])
    yield case("torn", "hardly torn", points=[[0.0], [1.0], [0.0]], values=[0.0, 1.0, 1e-9])
    yield case("torn", "torn", points=[[0.0], [1.0], [0.0], [3.0]], values=[1.0, 2.0, 1.5, -4.0])
    yield case("torn", "torn, in the plane", points=[[2.0, 1.0], [2.0, 1.0], [4.0, 5.0]], values=[3.0, -3.0, 1.0])


def _pairs(points: np.ndarray, values: np.ndarray, order: float = 2) -> tuple[np.ndarray, np.ndarray]:
    """Differences of the values and distances, over i < j."""
    upper = np.triu_indices(len(values), 1)
    return (values[None] - values[:, None])[upper], distances(points, points, order)[upper]


def constant(points: np.ndarray, values: np.ndarray, order: float = 2) -> float:
    """Largest quotient; a pair at one place counts 0 where the values agree, infinity where not."""
    rise, run = _pairs(points, values, order)
    apart = run > 0
    quotients = np.where(apart, abs(rise) / np.where(apart, run, 1), np.where(rise == 0, 0.0, np.inf))
    return float(quotients.max())


def _over(reduce, slope=lambda rise, run: abs(rise) / run, order: float = 2):
    def formula(points: np.ndarray, values: np.ndarray) -> float:
        rise, run = _pairs(points, values, order)
        return reduce(slope(rise, run))

    return formula


def _neighbours(points: np.ndarray, values: np.ndarray, order: np.ndarray | None = None) -> float:
    order = np.arange(len(values)) if order is None else order
    rise, run = np.diff(values[order]), np.linalg.norm(np.diff(points[order], axis=0), axis=1)
    return (abs(rise) / run).max()


def _robust_neighbours(points: np.ndarray, values: np.ndarray) -> float:
    rise, run = np.diff(values), np.linalg.norm(np.diff(points, axis=0), axis=1)
    return np.nan_to_num(abs(rise) / run, nan=0.0, posinf=np.inf).max()


def _ends(points: np.ndarray, values: np.ndarray) -> float:
    top, bottom = values.argmax(), values.argmin()
    return (values[top] - values[bottom]) / np.linalg.norm(points[top] - points[bottom])


def _dropped(points: np.ndarray, values: np.ndarray) -> float:
    rise, run = _pairs(points, values)
    return (abs(rise) / np.where(run > 0, run, np.inf)).max()


def _near(limit: float, beyond: float):
    """Points nearer than the limit are taken for one."""
    return _over(np.max, lambda rise, run: np.where(run < limit, np.where(rise == 0, 0, beyond), abs(rise) / run))


WRONG = (
    ("neighbours", _neighbours, _robust_neighbours),
    ("signed", _over(np.max, lambda rise, run: rise / run), _over(np.max, lambda rise, run: -rise / run)),
    ("average", _over(np.mean), _over(np.median)),
    ("minimum", _over(np.min)),
    ("squared", _over(np.max, lambda rise, run: abs(rise) / run**2)),
    ("squared", _over(np.max, lambda rise, run: (rise / run) ** 2)),
    ("other-norm", _over(np.max, order=1), _over(np.max, order=np.inf)),
    ("other-norm", given(constant, order=1), given(constant, order=np.inf)),
    ("inverted", _over(np.max, lambda rise, run: run / abs(rise)), _over(np.min, lambda rise, run: run / abs(rise))),
    ("spread", lambda points, values: (values.max() - values.min()) / distances(points, points).max(), _ends),
    ("zero-over-zero", _over(np.max), _over(lambda quotients: np.nan)),
    ("always-infinite", _over(np.max, lambda rise, run: np.where(run > 0, abs(rise) / run, np.inf))),
    ("torn-dropped", _dropped),
    ("single-precision", lambda points, values: constant(points.astype(np.float32), values.astype(np.float32))),
    ("near-as-one", *(_near(10.0**-k, beyond) for k in range(4, 13) for beyond in (0.0, np.inf))),
    ("smoothed", *(_over(np.max, lambda a, r, e=10.0**-k: abs(a) / (r + e)) for k in range(5, 17))),
    ("smoothed", *(_over(np.max, lambda a, r, e=10.0**-k: abs(a) / np.maximum(r, e)) for k in range(5, 17))),
)
MESSAGES = """
neighbours: Only neighbours in the list are compared. The steepest pair can be any pair: compare all.
signed: The differences keep their sign, so of each pair only the way up in the order of the list counts. Take absolute
    values.
average: This is a mean, or a median, over the pairs. A function is as steep as its steepest pair: take the maximum.
minimum: This is the *least* steep pair.
squared: The distance is squared: a root is missing, or the squares of the values were compared with it.
other-norm: The distance is not the Euclidean one: it sums coordinates, or takes the largest, without squares.
inverted: The quotient is upside down: rise over run, not run over rise.
spread: The largest difference of values was taken, and a distance for it. A small difference over a still smaller
    distance is steeper: divide first, then take the maximum.
zero-over-zero: NaN: a pair at one place with equal values gives 0/0. Such a pair says nothing; leave it out.
always-infinite: Any pair of points at one place is called infinitely steep. If the values agree too, nothing is torn.
torn-dropped: All pairs at one place are left out. If their values differ, no constant is large enough: return +∞.
single-precision: The points were rounded to float32, which keeps about one decimal of numbers near 10⁶: where points
    lie far from 0 and near each other, their distances are lost. Leave them in float64, as they came.
near-as-one: Points that are merely near each other are taken for one. Their pair may be the steepest: ask whether the
    distance is 0.
smoothed: A small constant keeps the distance from 0, and a torn function gets a large finite number that depends on
    your constant. Ask whether the distance is 0.
"""
PROBLEM = Problem(
    key="ps03.lipschitz_constant",
    title="The steepest pair",
    criteria=(
        Criterion("line", "the largest |difference| / distance over all pairs, on a line", 1),
        Criterion("space", "the same in any dimension, with Euclidean distances", 1),
        Criterion("same", "one point given twice with one value does no harm", 0.5),
        Criterion("torn", "is +∞ where one point has two values, and only there", 0.5),
    ),
    cases=cases,
    formula=constant,
    scales=((1e6, "points"), (1e6, "values"), (2.0**-40, "values")),
    pure="line",
    misconceptions=explained(WRONG, MESSAGES),
)
