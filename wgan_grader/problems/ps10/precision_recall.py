"""``precision_recall(real, fake, k)``: shares of points inside the other sample's neighbourhood balls."""

import numpy as np

from ...formulas import explained
from ...problem import Case, Cases, Criterion, Problem

Pair = dict[str, float]


def cases(rng: np.random.Generator) -> Cases:
    line = {"real": np.array([[0.0], [1.0], [3.0], [10.0]]), "fake": np.array([[0.4], [5.0], [30.0]]), "k": 1}
    yield _case("on a line", line, "precision")
    for name, criterion in (("precision", "precision"), ("recall", "recall")):
        for n, m, k in ((12, 9, 2), (8, 15, 3)):
            clouds = {"real": rng.normal(size=(n, 2)), "fake": 1.5 * rng.normal(size=(m, 2)) + 0.4, "k": k}
            yield _case(f"{name}: {n} real, {m} fake, k = {k}", clouds, criterion)
        edge = {
            "real": np.array([[0.0], [2.0], [5.0], [9.0]]),
            "fake": np.array([[-2.0], [-4.0], [30.0], [31.0]]),
            "k": 1,
        }
        yield _case(f"{name}: on the boundary of a ball", edge, criterion)
    mean = rng.normal(size=(14, 3))
    yield _case("a narrow generator", {"real": mean, "fake": mean[:6] * 0.2, "k": 2}, "recall")
    far = np.concatenate([rng.normal(size=(8, 2)), [[40.0, 0.0]]])
    yield _case(
        "an outlier",
        {"real": far, "fake": np.array([[45.0, 5.0], [0.0, 90.0], [60.0, 0.0], [0.1, 0.2]]), "k": 1},
        "outlier",
    )
    copies = rng.integers(-9, 9, size=(7, 2)).astype(float) + np.arange(7)[:, None] * 20
    yield _case("copies", {"real": copies, "fake": copies[[3, 0, 5, 6]], "k": 1}, "outlier")


def _case(name: str, inputs: dict, criterion: str) -> Case:
    return Case(name, inputs, {"outputs": ["precision", "recall"]}, criterion=criterion)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distance of every pair of rows."""
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))


def radii(x: np.ndarray, k: int) -> np.ndarray:
    """Distance to the k-th nearest other point."""
    return np.sort(distances(x, x), axis=1)[:, k]


def inside(points: np.ndarray, centres: np.ndarray, radius: np.ndarray) -> float:
    """Share of points in some ball."""
    return float((distances(points, centres) <= radius).any(1).mean())


def both(real: np.ndarray, fake: np.ndarray, k: int) -> Pair:
    """Precision and recall."""
    return {"precision": inside(fake, real, radii(real, k)), "recall": inside(real, fake, radii(fake, k))}


def _swapped(real: np.ndarray, fake: np.ndarray, k: int) -> Pair:
    found = both(real, fake, k)
    return {"precision": found["recall"], "recall": found["precision"]}


def _nearest_ball(points: np.ndarray, centres: np.ndarray, k: int) -> float:
    d = distances(points, centres)
    return float((d.min(1) <= radii(centres, k)[d.argmin(1)]).mean())


def _own_balls(real: np.ndarray, fake: np.ndarray, k: int) -> Pair:
    reached = [(distances(a, b) <= radii(a, k)[:, None]).any(1) for a, b in ((fake, real), (real, fake))]
    return {"precision": float(reached[0].mean()), "recall": float(reached[1].mean())}


def _open(real: np.ndarray, fake: np.ndarray, k: int) -> Pair:
    inner = [(distances(a, b) < radii(b, k)).any(1) for a, b in ((fake, real), (real, fake))]
    return {"precision": float(inner[0].mean()), "recall": float(inner[1].mean())}


def _pairs(real: np.ndarray, fake: np.ndarray, k: int) -> Pair:
    return {
        "precision": float((distances(fake, real) <= radii(real, k)).mean()),
        "recall": float((distances(real, fake) <= radii(fake, k)).mean()),
    }


def _mean_radius(real: np.ndarray, fake: np.ndarray, k: int) -> Pair:
    return {"precision": inside(fake, real, radii(real, k).mean()), "recall": inside(real, fake, radii(fake, k).mean())}


def _both_by_real(real: np.ndarray, fake: np.ndarray, k: int) -> Pair:
    balls = distances(fake, real) <= radii(real, k)
    return {"precision": float(balls.any(1).mean()), "recall": float(balls.any(0).mean())}


WRONG = (
    ("swapped", _swapped),
    ("itself", lambda r, f, k: {"precision": inside(f, r, radii(r, k - 1)), "recall": inside(r, f, radii(f, k - 1))}),
    (
        "one-too-far",
        lambda r, f, k: {"precision": inside(f, r, radii(r, k + 1)), "recall": inside(r, f, radii(f, k + 1))},
    ),
    ("nearest-ball", lambda r, f, k: {"precision": _nearest_ball(f, r, k), "recall": _nearest_ball(r, f, k)}),
    ("own-balls", _own_balls),
    ("open-balls", _open),
    ("pairs", _pairs),
    ("one-radius", _mean_radius),
    ("recall-by-real-balls", _both_by_real),
)
MESSAGES = """
swapped: The two have changed places: precision is about the generated points.
itself: Each point is counted as its own first neighbour, so that every ball reaches to the (k−1)-th other point only;
    with k = 1 it has radius 0.
one-too-far: The balls reach to the (k+1)-th other point: count the point itself once, not twice.
nearest-ball: Only the ball of the *nearest* point is looked at. A point may lie outside of that and inside of a larger
    ball further away: *some* ball is enough.
own-balls: The balls are those of the points that are counted. For precision they belong to the real points.
open-balls: Points exactly on the boundary of a ball are left out. The balls are closed: ≤, not <.
pairs: This is the share of *pairs* that are close. A point counts once, however many balls it is in.
one-radius: All balls have the same, mean radius. Each has its own.
recall-by-real-balls: Recall uses the balls of the real points again: it asks which real balls hold a fake point. It
    should use the balls around the fake points.
"""
PROBLEM = Problem(
    key="ps10.precision_recall",
    title="Precision and recall",
    criteria=(
        Criterion("precision", "the share of fake points in the ball of some real one", 1.25),
        Criterion("recall", "the share of real points in the ball of some fake one", 1.25),
        Criterion("outlier", "an outlier's large ball counts; copies are inside", 0.5),
    ),
    cases=cases,
    formula=both,
    pure="precision",
    package_functions=("wgan_course.measures.precision_recall",),
    misconceptions=explained(WRONG, MESSAGES),
)
