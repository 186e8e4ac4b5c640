"""``precision_recall(real, fake, k)``: shares of points inside the other sample's neighbourhood balls."""

from collections.abc import Callable

import numpy as np

from ...formulas import Detected, explained, swapped
from ...problem import Case, Cases, Criterion, Formula, Problem, case

BOTH = {"outputs": ["precision", "recall"]}


def cases(rng: np.random.Generator) -> Cases:
    line = {"real": [[0.0], [1.0], [3.0], [10.0]], "fake": [[0.4], [5.0], [30.0]]}
    yield case("precision", "on a line", **line, k=1, options=BOTH)
    for criterion in ("precision", "recall"):
        for n, m, k in ((12, 9, 2), (8, 15, 3)):
            name, clouds = (
                f"{criterion}: {n} real, {m} fake, k = {k}",
                (rng.normal(size=(n, 2)), rng.normal(size=(m, 2))),
            )
            yield case(criterion, name, real=clouds[0], fake=1.5 * clouds[1] + 0.4, k=k, options=BOTH)
        name, clouds = f"{criterion}: 40 real, 27 fake, k = 9", (rng.normal(size=(40, 2)), rng.normal(size=(27, 2)))
        yield case(criterion, name, real=clouds[0], fake=1.5 * clouds[1] + 0.4, k=9, options=BOTH)
        edge = {"real": [[0.0], [2.0], [5.0], [9.0]], "fake": [[-2.0], [-4.0], [30.0], [31.0]]}
        yield case(criterion, f"{criterion}: on the boundary of a ball", **edge, k=1, options=BOTH)
    many = {"real": rng.normal(size=(66, 2)), "fake": 1.5 * rng.normal(size=(67, 2)) + 0.4}
    yield case("precision", "66 real, 67 fake, k = 12", **many, k=12, options=BOTH)
    for criterion in ("precision", "recall"):
        for name, centres, points in (
            ("two alike", [[0.0], [0.0], [4.0], [10.0]], [[-1.0], [0.0], [20.0]]),
            ("a millionth outside", [[0.0], [2e-6], [5e-6], [9e-6]], [[-2.5e-6], [13.5e-6], [30e-6]]),
            (
                "Euclidean",
                [[0.0, 0.0], [3.0, 4.0], [20.0, 0.0]],
                [[-5.5, 0.0], [-6.0, 0.0], [-3.52, -3.52], [40.0, 40.0]],
            ),
            ("a hair outside", [[0.0], [2.0], [5.0], [9.0]], [[-2.0 - 4e-10], [13.0 + 4e-10], [30.0]]),
            ("on a circle", [[0.0, 0.0], [3.0, 4.0], [30.0, 0.0]], [[-5.0, 0.0], [0.0, -5.0], [60.0, 60.0]]),
            (
                "in space",
                [[0.0, 0.0, 0.0], [0.0, 1.0, 2.0], [9.0, 9.0, 9.0]],
                [[0.2, 0.0, -2.3], [0.0, -1.0, -1.5], [60.0, 60.0, 60.0]],
            ),
            ("far out", [[9.0], [10.0], [11.0]], [[0.0], [50.0], [10.2]]),
        ):
            real, fake = (centres, points) if criterion == "precision" else (points, centres)
            yield case(criterion, f"{criterion}: {name}", real=real, fake=fake, k=1, options=BOTH)
    away = 2.0**26 + np.stack(np.divmod(np.arange(30.0), 6.0), 1) / 4
    near = away[::2] + np.where(np.arange(15) % 3, 0.05, 40.0)[:, None]
    for criterion, pair in (("precision", (away, near)), ("recall", (near, away))):
        name = f"{criterion}: thirty, far from 0"
        yield case(criterion, name, real=pair[0], fake=pair[1] + 1e-3, k=1, options=BOTH)
    corner = 2.0**26 + np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 4.0], [12.0, 0.0]])
    beside = 2.0**26 + np.array([[0.5, 0.5], [-1.5, 0.0], [0.0, 10.0], [40.0, 0.0]])
    for criterion, pair in (("precision", (corner, beside)), ("recall", (beside, corner))):
        yield case(criterion, f"{criterion}: four, farther from 0", real=pair[0], fake=pair[1], k=1, options=BOTH)
    four, six = [[0.0], [1.0], [3.0], [10.0]], [[5.0], [12.0], [17.5], [-9.0], [25.0], [6.0]]
    for criterion, (real, fake) in (("precision", (four, six)), ("recall", (six, four))):
        yield case(criterion, f"{criterion}: k = 3 of four", real=real, fake=fake, k=3, options=BOTH)
    mean = rng.normal(size=(14, 3))
    yield case("recall", "a narrow generator", real=mean, fake=mean[:6] * 0.2, k=2, options=BOTH)
    far = np.concatenate([rng.normal(size=(8, 2)), [[40.0, 0.0]]])
    aims = [[45.0, 5.0], [0.0, 90.0], [60.0, 0.0], [0.1, 0.2]]
    yield case("outlier", "an outlier", real=far, fake=aims, k=1, options=BOTH)
    copies = rng.integers(-9, 9, size=(7, 2)).astype(float) + np.arange(7)[:, None] * 20
    yield case("outlier", "copies", real=copies, fake=copies[[3, 0, 5, 6]], k=1, options=BOTH)
    yield case("precision", "two and three points", real=[[0.0], [2.0]], fake=[[1.5], [4.5], [-1.0]], k=1, options=BOTH)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distance of every pair of rows."""
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))


def radii(x: np.ndarray, k: int) -> np.ndarray:
    """Distance to the k-th nearest other point."""
    return np.sort(distances(x, x), axis=1)[:, k]


def inside(points: np.ndarray, centres: np.ndarray, radius: np.ndarray) -> float:
    """Share of points in some ball."""
    return float((distances(points, centres) <= radius).any(1).mean())


def each(share: Callable[[np.ndarray, np.ndarray, int], float]) -> Formula:
    """Precision and recall by ``share(points, centres, k)``."""
    return lambda real, fake, k: {"precision": share(fake, real, k), "recall": share(real, fake, k)}


def covered(points: np.ndarray, centres: np.ndarray, k: int) -> float:
    """Share of points in the ball of some centre."""
    return inside(points, centres, radii(centres, k))


def _nearest_ball(points: np.ndarray, centres: np.ndarray, k: int) -> float:
    d = distances(points, centres)
    return float((d.min(1) <= radii(centres, k)[d.argmin(1)]).mean())


def _both_by_real(real: np.ndarray, fake: np.ndarray, k: int) -> dict[str, float]:
    balls = distances(fake, real) <= radii(real, k)
    return {"precision": float(balls.any(1).mean()), "recall": float(balls.any(0).mean())}


def _many_far_out(given: Case, *_: object) -> bool:
    clouds = [np.asarray(given.inputs[name]) for name in ("real", "fake")]
    return max(map(len, clouds)) > 25 and min(np.abs(cloud).min() for cloud in clouds) > 1e6


WRONG = (
    ("swapped", each(swapped(covered, "points", "centres"))),
    ("itself", each(lambda p, c, k: covered(p, c, k - 1))),
    ("one-too-far", each(lambda p, c, k: covered(p, c, k + 1))),
    ("nearest-ball", each(_nearest_ball)),
    ("own-balls", each(lambda p, c, k: float((distances(p, c) <= radii(p, k)[:, None]).any(1).mean()))),
    ("open-balls", each(lambda p, c, k: float((distances(p, c) < radii(c, k)).any(1).mean()))),
    ("pairs", each(lambda p, c, k: float((distances(p, c) <= radii(c, k)).mean()))),
    ("mean-radius", each(lambda p, c, k: inside(p, c, np.sort(distances(c, c), 1)[:, 1 : k + 1].mean(1)))),
    ("balls-counted", each(lambda p, c, k: float((distances(p, c) <= radii(c, k)).any(0).mean()))),
    ("one-radius", each(lambda p, c, k: inside(p, c, radii(c, k).mean()))),
    ("recall-by-real-balls", _both_by_real),
    ("by-products", Detected(_many_far_out)),
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
mean-radius: A ball's radius is the mean distance to the k nearest points. It reaches to the k-th of them.
balls-counted: This is the share of *balls* that hold a point, not of points that lie in a ball: any() runs over the
    other axis.
one-radius: All balls have the same, mean radius. Each has its own.
recall-by-real-balls: Recall uses the balls of the real points again: it asks which real balls hold a fake point. It
    should use the balls around the fake points.
by-products: The distances come from products, ‖x‖² − 2⟨x, y⟩ + ‖y‖², as torch.cdist takes them from 26 points on. Far
    from the origin these are differences of huge numbers. Subtract first, or let cdist do so:
    compute_mode="donot_use_mm_for_euclid_dist".
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
    formula=each(covered),
    scales=((1e6, "real fake"), (1e-6, "real fake")),
    pure="precision",
    package_functions=("wgan_course.measures.precision_recall",),
    misconceptions=explained(WRONG, MESSAGES),
)
