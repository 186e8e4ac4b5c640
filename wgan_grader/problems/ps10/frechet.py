"""``frechet(mean_p, cov_p, mean_q, cov_q)``: the Fréchet distance from two means and two covariances."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from ...formulas import explained, root
from ...problem import Case, Cases, Criterion, Problem

SIDES: tuple[Literal["L"], Literal["U"]] = ("L", "U")
Moments = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _covariance(rng: np.random.Generator, d: int, rank: int) -> np.ndarray:
    root = rng.normal(size=(d, rank))
    return root @ root.T


def _case(name: str, moments: Moments, criterion: str, **tolerance: Any) -> Case:
    inputs: dict[str, Any] = dict(zip(("mean_p", "cov_p", "mean_q", "cov_q"), moments, strict=True))
    return Case(name, inputs, criterion=criterion, **tolerance)


def cases(rng: np.random.Generator) -> Cases:
    line = (np.array([0.0]), np.array([[1.0]]), np.array([3.0]), np.array([[4.0]]))
    yield _case("one dimension", line, "commuting")
    diagonals = [np.diag(rng.uniform(0.5, 4, size=3)) for _ in range(2)]
    yield _case("diagonal", (rng.normal(size=3), diagonals[0], rng.normal(size=3), diagonals[1]), "commuting")
    shears = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[5.0, 0.0], [0.0, 1.0]])
    yield _case("2×2", (np.array([0.0, 1.0]), shears[0], np.array([2.0, -1.0]), shears[1]), "general")
    far = np.array([40.0, -25.0]), shears[0], np.array([-30.0, 60.0]), shears[1]
    yield _case("means far out", far, "general")
    small = np.zeros(2), 1e-4 * shears[0], np.zeros(2), 1e-4 * shears[1]
    yield _case("small covariances", small, "general", atol=1e-9)
    for d in (3, 5, 70):
        pair = [_covariance(rng, d, d + 2) for _ in range(2)]
        yield _case(f"dimension {d}", (rng.normal(size=d), pair[0], rng.normal(size=d), pair[1]), "general")
    thin = _covariance(rng, 4, 2), _covariance(rng, 4, 3)
    moments = rng.normal(size=4), thin[0], rng.normal(size=4), thin[1]
    yield _case("singular covariances", moments, "singular", rtol=1e-5, atol=5e-4)  # roots of roots of rounding
    near = (np.array([0.5]), np.zeros((1, 1)), np.array([0.501]), np.zeros((1, 1)))
    yield _case("two points, nearly one", near, "singular", rtol=1e-5, atol=1e-9)
    yield _case("a point", (np.ones(2), np.zeros((2, 2)), np.zeros(2), shears[0]), "singular", rtol=1e-5, atol=1e-5)


def matrix_root(matrix: np.ndarray) -> np.ndarray:
    """Symmetric root of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def overlap(S: np.ndarray, T: np.ndarray) -> float:
    """Trace of (S^½ T S^½)^½: the sum of the singular values of T^½ S^½."""
    return float(np.linalg.svd(matrix_root(T) @ matrix_root(S), compute_uv=False).sum())


def distance(mean_p: np.ndarray, cov_p: np.ndarray, mean_q: np.ndarray, cov_q: np.ndarray) -> float:
    """‖m_P − m_Q‖² + tr S_P + tr S_Q − 2 tr (S_P^½ S_Q S_P^½)^½."""
    return float(np.sum((mean_p - mean_q) ** 2) + np.trace(cov_p) + np.trace(cov_q) - 2 * overlap(cov_p, cov_q))


def _with_cross(cross: Callable[[np.ndarray, np.ndarray], float]) -> Callable[..., float]:
    """Return the distance with another expression in the place of the overlap."""
    return lambda m, S, n, T: float(np.sum((m - n) ** 2) + np.trace(S) + np.trace(T) - 2 * cross(S, T))


def _positive(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, 0)


def _triangle(
    side: Literal["L", "U"], sign: Callable[[np.ndarray], np.ndarray]
) -> Callable[[np.ndarray, np.ndarray], float]:
    """Overlap by a symmetric solver for S T, which looks at one triangle of it."""
    return lambda S, T: float(np.sqrt(sign(np.linalg.eigvalsh(S @ T, side))).sum())


def _roots_of_entries(S: np.ndarray, T: np.ndarray) -> float:
    """The right expression, with each root taken entry by entry and cut off at 0."""
    half = np.sqrt(_positive(S))
    return float(np.trace(np.sqrt(_positive(half @ T @ half))))


def _regularised(eps: float, everywhere: bool) -> Callable[..., float]:
    """A small multiple of the identity is added to both covariances, in the traces as well or in the roots alone."""

    def formula(m: np.ndarray, S: np.ndarray, n: np.ndarray, T: np.ndarray) -> float:
        more = eps * np.eye(len(S))
        if everywhere:
            return distance(m, S + more, n, T + more)
        return _with_cross(lambda A, B: overlap(A + more, B + more))(m, S, n, T)

    return formula


WRONG = (
    ("no-root", _with_cross(lambda S, T: float(np.trace(S @ T)))),
    ("elementwise-root", _with_cross(lambda S, T: float(np.trace(np.sqrt(np.abs(S @ T)))))),
    ("elementwise-root", _with_cross(lambda S, T: float(np.trace(np.sqrt(S @ T))))),
    ("elementwise-root", _with_cross(lambda S, T: float(np.trace(np.sqrt(np.abs(S)) @ np.sqrt(np.abs(T)))))),
    ("elementwise-root", _with_cross(_roots_of_entries)),
    ("root-of-trace", _with_cross(lambda S, T: float(np.sqrt(np.trace(S @ T))))),
    ("regularised", *(_regularised(10.0**-k, both) for k in range(1, 11) for both in (True, False))),
    (
        "diagonals",
        lambda m, S, n, T: float(np.sum((m - n) ** 2) + np.sum((np.sqrt(np.diag(S)) - np.sqrt(np.diag(T))) ** 2)),
    ),
    ("roots-first", _with_cross(lambda S, T: float(np.trace(matrix_root(S) @ matrix_root(T))))),
    ("symmetric-solver", *(_with_cross(_triangle(side, sign)) for side in SIDES for sign in (np.abs, _positive))),
    ("one-cross-term", lambda m, S, n, T: distance(m, S, n, T) + overlap(S, T)),
    ("plus-cross", lambda m, S, n, T: distance(m, S, n, T) + 4 * overlap(S, T)),
    ("mean-not-squared", lambda m, S, n, T: distance(m, S, n, T) - np.sum((m - n) ** 2) + np.linalg.norm(m - n)),
    ("mean-for-sum", lambda m, S, n, T: distance(m, S, n, T) - np.sum((m - n) ** 2) + np.mean((m - n) ** 2)),
    ("root-of-all", root(distance)),
    ("means-only", lambda m, S, n, T: float(np.sum((m - n) ** 2))),
    ("frobenius", lambda m, S, n, T: float(np.sum((m - n) ** 2) + np.sum((S - T) ** 2))),
)
MESSAGES = """
no-root: The last term has no root: it is the trace of the product of the covariances. Take the root of the matrix S_P^½
    S_Q S_P^½ before the trace.
elementwise-root: The root is taken entry by entry. torch.sqrt of a matrix is not the matrix root R with R R = M: use
    the eigenvalues.
root-of-trace: The last term is the root of a trace. It is the trace of a root: the sum of the roots of the eigenvalues.
regularised: A small number is added to the diagonals of the covariances. They may be singular, and their roots exist
    all the same: cut negative eigenvalues off at 0.
diagonals: Only the diagonals of the covariances are used. That ignores every correlation between features.
roots-first: The last term is the trace of S_P^½ S_Q^½. That is right for matrices that commute only. In general it is
    smaller than the trace of (S_P^½ S_Q S_P^½)^½.
symmetric-solver: eigvalsh (or eigh) was used on S_P S_Q, which is not symmetric: it reads one triangle and takes the
    other for granted. Use eigvals there, or eigvalsh of the symmetric S_P^½ S_Q S_P^½.
one-cross-term: The last term has the factor 1. It is 2, as in (a − b)² = a² + b² − 2ab.
plus-cross: The last term is added. It is subtracted: equal covariances must give 0.
mean-not-squared: The means enter by their distance. It is the squared distance.
mean-for-sum: The squared differences of the means are averaged over the features. They are added.
root-of-all: This is the root of what was asked for. The Fréchet distance, as everybody reports it, is a *squared* W₂.
means-only: Only the means are compared; the covariances are missing.
frobenius: The covariances are compared entry by entry, by ‖S_P − S_Q‖_F². Variances are squares already: compare their
    roots.
"""
PROBLEM = Problem(
    key="ps10.frechet",
    title="Fréchet distance from means and covariances",
    criteria=(
        Criterion("commuting", "for diagonal covariances, where roots are taken entry by entry", 1),
        Criterion("general", "for covariances that do not commute", 1.5),
        Criterion("singular", "for singular covariances, a single point included", 0.5),
    ),
    cases=cases,
    formula=distance,
    scales=((1e6, "mean_p mean_q cov_p cov_q"), (1e-6, "mean_p mean_q cov_p cov_q")),
    pure="commuting",
    package_functions=("wgan_course.measures.frechet_distance",),
    misconceptions=explained(WRONG, MESSAGES),
)
