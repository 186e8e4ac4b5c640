"""``cost_matrix(x, y)``: the Euclidean distance of each source to each target."""

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, explained, squared, transposed
from ...problem import Case, Cases, Criterion, Outputs, Problem
from ._transport import CENTRE, distances


def cases(rng: np.random.Generator) -> Cases:
    yield Case("3-4-5", {"x": np.array([[0.0, 0.0]]), "y": np.array([[3.0, 4.0], [6.0, 8.0]])}, criterion="value")
    for n, m, d in ((3, 4, 2), (6, 2, 3), (5, 7, 1), (4, 1, 3)):
        pair = {"x": rng.normal(size=(n, d)), "y": rng.normal(size=(m, d))}
        yield Case(f"{n} and {m} points in dimension {d}", pair, criterion="value")
    pair = {"x": rng.normal(size=(5, 4)), "y": rng.normal(size=(5, 4))}
    yield Case("5 and 5 points in dimension 4", pair, criterion="value")
    corner = CENTRE + rng.integers(0, 64, size=(4, 2)) / 2**16
    other = CENTRE + rng.integers(0, 64, size=(3, 2)) / 2**16 + 1 / 2**10
    yield Case("neighbours, far from 0", {"x": corner, "y": other}, criterion="precise", atol=0.0)
    many = CENTRE + rng.integers(0, 64, size=(30, 2)) / 2**16
    yield Case("thirty neighbours", {"x": many, "y": 1 / 2**10 + many[:26]}, criterion="precise", atol=0.0)

    ends = np.array([[0.0, 0.0], [1e6, 1e6]])
    pair = {"x": ends, "y": 1 / 2**10 + ends}
    yield Case("neighbours in two places, far from each other", pair, criterion="precise", atol=0.0)
    towns = many - CENTRE + np.where(np.arange(30) % 2, CENTRE, 0.0)[:, None]
    pair = {"x": towns, "y": 1 / 2**10 + towns[:26]}
    yield Case("thirty in two places, far from each other", pair, criterion="precise", atol=0.0)
    pair = {"x": np.array([[1.5, 2.0], [0.0, 1.0]]), "y": np.array([[3.0, 5.0], [1.5, 2.0], [0.0, 1.0]])}
    yield Case("some at one place", pair, criterion="precise", atol=0.0)
    for n, m in ((1030, 3), (2, 1030)):
        pair = {"x": rng.normal(size=(n, 70)), "y": rng.normal(size=(m, 70))}
        yield Case(f"{n} and {m} points in dimension 70", pair, criterion="value")


def _pairs_only(case: Case, seen: Observation, expected: Outputs) -> bool:
    if seen.status == "error":
        return "must match" in seen.error or "broadcast" in seen.error
    return seen.status == "ok" and seen.outputs["value"].ndim == 1


def _rounded(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether the wrong squares are NaN or multiples of a unit far above them: what rounding leaves of huge ones."""
    value, right = seen.outputs["value"], expected["value"]
    if value.shape != right.shape:
        return False
    units = value[~(abs(value - right) <= case.rtol * right)] ** 2 * 2.0**15
    return bool(units.size and (np.isnan(units) | (abs(units - np.round(units)) < 1e-3)).all())


def _mirrored(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    right = distances(x, y)
    return np.triu(right) + np.triu(right, 1).T if len(x) == len(y) else right


WRONG = (
    ("squared", squared(distances)),
    ("manhattan", lambda x, y: np.abs(x[:, None] - y).sum(-1)),
    ("largest-coordinate", lambda x, y: np.abs(x[:, None] - y).max(-1)),
    ("mean-over-coordinates", lambda x, y: distances(x, y) / np.sqrt(x.shape[1])),
    ("transposed", transposed(distances)),
    ("within-x", lambda x, y: distances(x, x), lambda x, y: distances(y, y)),
    ("difference-of-norms", lambda x, y: np.abs(np.linalg.norm(x, axis=1)[:, None] - np.linalg.norm(y, axis=1))),
    ("difference-of-norms", lambda x, y: np.linalg.norm(x, axis=1)[:, None] - np.linalg.norm(y, axis=1)),
    ("pairs-only", Detected(_pairs_only)),
    ("all-differences", lambda x, y: x[:, None] - y, lambda x, y: np.abs(x[:, None] - y)),
    ("all-differences", lambda x, y: (x[:, None] - y) ** 2),
    ("over-points", lambda x, y: np.linalg.norm(x[:, None] - y, axis=1)),
    ("over-points", lambda x, y: np.linalg.norm(x[:, None] - y, axis=0)),
    ("zero-diagonal", lambda x, y: distances(x, y) * (1 - np.eye(len(x), len(y)))),
    ("zero-diagonal", lambda x, y: distances(x, y) * (1 - (len(x) == len(y)) * np.eye(len(x), len(y)))),
    ("one-triangle", _mirrored),
    ("cancellation", lambda x, y: np.sqrt((x**2).sum(-1)[:, None] + (y**2).sum(-1) - 2 * x @ y.T)),
    ("cancellation", Detected(_rounded, "precise", "ok")),
)
MESSAGES = """
squared: The distances are squared: the root is missing. With ‖x − y‖² transport is no longer a metric.
manhattan: This adds up |x_k − y_k| over the coordinates. The course's cost is the Euclidean distance: the root of the
    sum of squares.
largest-coordinate: This is the largest difference of a coordinate, not the Euclidean distance.
mean-over-coordinates: The squares are averaged over the coordinates, not added: the result is too small by √d.
transposed: Rows and columns are exchanged. Entry (i, j) is the cost from x_i to y_j: shape (len(x), len(y)).
within-x: These are distances between the points of one cloud. The cost goes from each x to each y.
difference-of-norms: This is |‖x‖ − ‖y‖|, how differently far the points are from the origin. Take the norm of x − y.
pairs-only: x_i is compared with y_i only, or the shapes do not fit, or an axis of length 1 was squeezed away. Every
    source meets every target: give x a new axis, x[:, None, :] − y[None, :, :], and return all (n, m) distances.
all-differences: The differences come back, with one entry a coordinate. Take the norm over the last axis.
over-points: The norm (or the sum) runs over the points, not over the coordinates. The coordinates are the last axis:
    dim=-1.
zero-diagonal: The entries (i, i) are set to 0. x_i and y_i are two points of two clouds, with a distance of their own.
one-triangle: Only one half of the table is computed, and mirrored. x and y are two clouds: the cost from x_i to y_j is
    not that from x_j to y_i.
cancellation: The digits are gone where points are close together and far from 0. ‖x‖² + ‖y‖² − 2⟨x, y⟩ subtracts huge
    numbers that are nearly equal (torch.cdist does so above 25 points), and float32 cannot hold the points. Stay in
    float64, subtract the points first, then square.
"""
PROBLEM = Problem(
    key="ps02.cost_matrix",
    title="Cost matrix",
    criteria=(
        Criterion("value", "Euclidean distances, rows for x and columns for y", 1),
        Criterion("precise", "keeps its digits for near points that are far from the origin", 1),
    ),
    cases=cases,
    formula=distances,
    scales=((1e6, "x y"), (2.0**-40, "x y")),
    pure="value",
    package_functions=("wgan_course.transport.cost_matrix",),
    stand_in="wgan_course.transport.cost_matrix",
    misconceptions=explained(WRONG, MESSAGES),
)
