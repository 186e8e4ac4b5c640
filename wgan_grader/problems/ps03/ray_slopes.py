"""``ray_slopes(f_x, f_y, x, y)``: how steeply a critic climbs from y to x, pair by pair."""

import numpy as np

from ...formulas import absolute, averaged, explained, largest, negated
from ...problem import Case, Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield case(
        "line", "a line", f_x=[2.0, 0.0, 1.0], f_y=[1.0, 3.0, 0.5], x=[[1.0], [4.0], [3.0]], y=[[3.0], [2.0], [2.0]]
    )
    yield _random(rng, 5, 1, "line")
    yield case(
        "space", "a plane", f_x=[2.0, 1.0], f_y=[0.5, 6.0], x=[[0.0, 0.0], [1.0, 1.0]], y=[[3.0, 4.0], [1.0, 3.0]]
    )
    yield _random(rng, 4, 3, "space")
    yield _random(rng, 6, 2, "space")
    yield _random(rng, 40, 5, "space")
    yield _random(rng, 1030, 70, "space")
    across = {"x": [[1.0, 2.0], [3.0, 4.0]], "y": [[-1.0, -2.0], [4.0, 3.0]]}  # of equal norms, and not one point
    yield case("space", "on one circle", f_x=[3.0, -1.0], f_y=[1.0, 2.0], **across)
    corner = 2.0**20 + rng.integers(0, 64, size=(2, 30, 2)) / 2**6 + np.array([0.0, 2.0]).reshape(2, 1, 1)
    far = dict(zip(("f_x", "f_y", "x", "y"), [*rng.normal(size=(2, 30)), *corner], strict=True))
    yield case("space", "thirty neighbours, far from 0", **far)
    stays = _random(rng, 4, 2, "stays")
    stays.inputs["y"][2], stays.inputs["f_y"][2] = stays.inputs["x"][2], stays.inputs["f_x"][2]
    yield stays
    yield case("stays", "one stays", f_x=[2.0, 1.0], f_y=[2.0, 3.0], x=[[1.5], [4.0]], y=[[1.5], [3.0]])


def _random(rng: np.random.Generator, n: int, d: int, criterion: str) -> Case:
    inputs = {name: rng.normal(size=n) for name in ("f_x", "f_y")} | {k: rng.normal(size=(n, d)) for k in "xy"}
    return case(criterion, f"{n} pairs, {d} coordinates, {criterion}", **inputs)


def slopes(f_x: np.ndarray, f_y: np.ndarray, x: np.ndarray, y: np.ndarray, order: float = 2) -> np.ndarray:
    """Rise over run, and 0 for a pair that has not moved."""
    run = np.linalg.norm(x - y, ord=order, axis=1)
    return np.where(run > 0, (f_x - f_y) / np.where(run > 0, run, 1), 0.0)


def _run(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x - y, axis=1)


SMOOTHING = tuple(10.0**-k for k in range(1, 13))  # as a least length the first seven tell: shorter rays are not tried
WRONG = (
    ("downhill", negated(slopes)),
    ("absolute", absolute(slopes)),
    ("squared", lambda a, b, x, y: (a - b) / _run(x, y) ** 2),
    ("not-divided", lambda a, b, x, y: a - b),
    ("inverted", lambda a, b, x, y: _run(x, y) / (a - b)),
    ("other-norm", lambda a, b, x, y: (a - b) / np.linalg.norm(x - y, ord=1, axis=1)),
    ("other-norm", lambda a, b, x, y: (a - b) / np.linalg.norm(x - y, ord=np.inf, axis=1)),
    ("other-norm", lambda a, b, x, y: (a - b) / (x - y).sum(1)),
    ("one-norm", lambda a, b, x, y: (a - b) / np.linalg.norm(x - y)),
    ("all-pairs", lambda a, b, x, y: (a[:, None] - b) / np.linalg.norm(x[:, None] - y, axis=2)),
    ("all-pairs", lambda a, b, x, y: (a - b) / _run(x, y)[:, None]),
    ("reduced", averaged(slopes), largest(slopes)),
    ("zero-over-zero", lambda a, b, x, y: (a - b) / _run(x, y)),
    ("smoothed", *(lambda a, b, x, y, e=e: (a - b) / (_run(x, y) + e) for e in SMOOTHING)),
    ("smoothed", *(lambda a, b, x, y, e=e: (a - b) / np.maximum(_run(x, y), e) for e in SMOOTHING[:7])),
)
MESSAGES = """
downhill: The sign is the wrong way round: the critic climbs from the generated point y to the real point x, so f(x) −
    f(y).
absolute: Absolute values hide pairs along which the critic *falls*.
squared: The squared distance is in the denominator: a root is missing.
not-divided: The rise is not divided by the way: a long ray would look steep.
inverted: The quotient is upside down: rise over run.
other-norm: The distance is not the Euclidean one (a sum of coordinates, or the largest, without squares).
one-norm: One norm over the whole batch divides every pair. Each pair has its own length: take the norm over the
    coordinates only, dim=1.
all-pairs: All pairs were formed. Pair i is (x[i], y[i]), nothing else: one number a pair.
reduced: One number comes back for all pairs. One for each was asked for: their spread is what we look at.
zero-over-zero: NaN or ∞ where a pair has not moved: 0/0 was left to the computer. Return 0 there, with torch.where.
smoothed: A constant added to the length, or below which no length goes, makes short rays look flat.
"""
PROBLEM = Problem(
    key="ps03.ray_slopes",
    title="Slopes along rays",
    criteria=(
        Criterion("line", "(f(x) − f(y)) / |x − y|, pair by pair, with its sign", 1),
        Criterion("space", "the same with Euclidean distances in any dimension", 1),
        Criterion("stays", "0 for a pair that has not moved", 0.5),
    ),
    cases=cases,
    formula=slopes,
    scales=((1e6, "f_x f_y x y"), (1e6, "f_x f_y"), (2.0**-36, "f_x f_y x y")),
    pure="line",
    single=("f_x f_y x y",),
    misconceptions=explained(WRONG, MESSAGES),
)
