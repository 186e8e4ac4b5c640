"""``kernel_mmd(x, y)``: the unbiased estimate of the squared maximum mean discrepancy with the cubic kernel."""

from collections.abc import Callable

import numpy as np

from ...formulas import absolute, divided, explained, positive_part, root
from ...problem import Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield case("value", "two and three numbers", x=[[0.0], [1.0]], y=[[1.0], [2.0], [4.0]])
    for n, m, d in ((4, 6, 3), (7, 3, 2)):
        clouds = {"x": rng.normal(size=(n, d)), "y": rng.normal(size=(m, d)) + 0.5}
        yield case("value", f"{n} and {m} points in dimension {d}", **clouds, atol=1e-5)  # float32: the means cancel
    yield case("value", "numbers far out", x=[[15.0], [20.0]], y=[[-12.0], [30.0], [25.0]])
    yield case(
        "value",
        "two points alike",
        x=[[1.0, 2.0], [1.0, 2.0], [0.0, 1.0]],
        y=[[0.5, -1.0], [1.0, 0.0], [0.2, 0.7], [-1.0, 0.4]],
    )
    alike = [[0.5, -1.0], [1.0, 0.0], [0.5, -1.0], [-1.0, 0.4]]
    yield case("value", "two of y alike", x=[[1.0, 2.0], [0.0, 1.0]], y=alike)
    yield case("negative", "the same two points", x=[[0.0], [2.0]], y=[[2.0], [0.0]])
    twice = rng.normal(size=(3, 2))
    yield case("negative", "nearly the same three points", x=twice, y=twice[::-1] + 0.01)
    clouds = {"x": rng.normal(size=(131, 1)), "y": rng.normal(size=(3, 1))}
    yield case("value", "131 points and three", **clouds, atol=1e-5)
    clouds = {"x": rng.normal(size=(5, 70)), "y": rng.normal(size=(4, 70)) + 1}
    yield case("value", "five and four points in dimension 70", **clouds, atol=1e-5)
    clouds = {"x": rng.normal(size=(30, 2)), "y": rng.normal(size=(140, 2)) + 1}
    yield case("value", "thirty and 140 points", **clouds, atol=1e-5)
    yield case(
        "value", "three and four, square", x=rng.normal(size=(3, 3)), y=1 + rng.normal(size=(4, 4))[:, :3], atol=1e-5
    )


def kernel(a: np.ndarray, b: np.ndarray, degree: float = 3, offset: float = 1.0) -> np.ndarray:
    """(a · b / d + 1)³ for every pair of rows."""
    return (a @ b.T / a.shape[1] + offset) ** degree


def off_diagonal(k: np.ndarray) -> float:
    """Mean over pairs of different points."""
    n = len(k)
    return float((k.sum() - np.trace(k)) / (n * (n - 1)))


def estimate(x: np.ndarray, y: np.ndarray, **options: float) -> float:
    """Means over pairs: within x, within y, minus twice between."""
    return off_diagonal(kernel(x, x, **options)) + off_diagonal(kernel(y, y, **options)) - 2 * _cross(x, y, **options)


def _cross(x: np.ndarray, y: np.ndarray, **options: float) -> float:
    return float(kernel(x, y, **options).mean())


def _within(part: Callable[[np.ndarray], float], cross: float = 2.0) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda x, y: part(kernel(x, x)) + part(kernel(y, y)) - cross * _cross(x, y)


def _plain_dot(x: np.ndarray, y: np.ndarray) -> float:
    d = x.shape[1]
    return estimate(x * np.sqrt(d), y * np.sqrt(d))


def _off_sum(k: np.ndarray) -> float:
    return k.sum() - np.trace(k)


def _no_cross_diagonal(x: np.ndarray, y: np.ndarray) -> float:
    """The pairs with i = j are left out of the cross term too."""
    k = kernel(x, y)
    kept = k.sum() - np.trace(k)
    own = off_diagonal(kernel(x, x)) + off_diagonal(kernel(y, y))
    return own - 2 * float(kept / (k.size - min(k.shape)))


WRONG = (
    ("biased", _within(lambda k: float(k.mean()))),
    ("divides-by-square", _within(lambda k: float((k.sum() - np.trace(k)) / k.size))),
    ("half-the-pairs", _within(divided(off_diagonal, 2))),
    ("one-cross-term", _within(off_diagonal, cross=1.0)),
    ("cross-diagonal", _no_cross_diagonal),
    ("cross-diagonal", lambda x, y: (_no_cross_diagonal if len(x) == len(y) else estimate)(x, y)),
    ("clamped", positive_part(estimate), absolute(estimate)),
    ("wrong-degree", lambda x, y: estimate(x, y, degree=2), lambda x, y: estimate(x, y, degree=1)),
    ("no-division-by-d", _plain_dot),
    ("no-one", lambda x, y: estimate(x, y, offset=0.0)),
    ("root", root(positive_part(estimate)), root(estimate)),
    ("sums", lambda x, y: kernel(x, x).sum() + kernel(y, y).sum() - 2 * kernel(x, y).sum()),
    ("sums", lambda x, y: _off_sum(kernel(x, x)) + _off_sum(kernel(y, y)) - 2 * kernel(x, y).sum()),
)
MESSAGES = """
biased: The diagonals are kept: every point is compared with itself, so the estimate is too large on average. Leave them
    out and divide by n(n−1).
divides-by-square: The diagonal is left out of the sum, but the sum is divided by n² and not by the number of its terms,
    n(n−1).
half-the-pairs: Each pair within a sample is counted once, and the sum divided by n(n−1), which is twice their number.
one-cross-term: The term between the samples has the factor 1. It is 2.
cross-diagonal: Pairs with i = j are left out between the samples as well. There x_i and y_i are different points, and
    all pairs count.
clamped: Negative values are cut off at 0, or lose their sign. That puts a bias back: an unbiased estimate of 0 must be
    negative now and then.
wrong-degree: The kernel has another degree. It is (x·y/d + 1)³.
no-division-by-d: x·y is not divided by the dimension d.
no-one: The kernel lacks the + 1, and with it every moment of lower order.
root: This is the root. The *squared* discrepancy is what has an unbiased estimate.
sums: Sums stand where means were asked for.
"""
PROBLEM = Problem(
    key="ps10.kernel_mmd",
    title="Kernel distance without bias",
    criteria=(
        Criterion("value", "the mean over pairs of different points, minus twice the mean between the samples", 2),
        Criterion("negative", "below 0 where that is the answer", 1),
    ),
    cases=cases,
    formula=estimate,
    scales=((1e2, "x y"),),
    pure="value",
    package_functions=("wgan_course.measures.kernel_distance",),
    misconceptions=explained(WRONG, MESSAGES),
)
