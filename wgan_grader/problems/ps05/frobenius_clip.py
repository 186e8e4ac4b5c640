"""``frobenius_clip(W, radius)``: the nearest matrix in a Frobenius ball."""

import numpy as np

from ...formulas import explained, given
from ...problem import Case, Cases, Criterion, Problem
from ._networks import LIMIT


def cases(rng: np.random.Generator) -> Cases:
    yield Case("2×2", {"W": np.array([[3.0, 0.0], [0.0, 4.0]]), "radius": 1.0}, criterion="outside")
    for shape, radius in (((3, 5), 0.7), ((6, 2), 2.0)):
        yield Case(f"{shape[0]}×{shape[1]}", {"W": rng.normal(size=shape) + 1, "radius": radius}, criterion="outside")
    small = -rng.uniform(0.5, 1.0, size=(5, 4))  # of norm below 1, with no entry beyond the radius, and a sum below it
    small = 0.6 * small / np.linalg.norm(small)
    yield Case("small, and outside", {"W": small, "radius": 0.4}, criterion="outside")
    inside = rng.normal(size=(4, 3))
    inside = 0.6 * inside / np.linalg.norm(inside)
    yield Case("inside", {"W": inside, "radius": 1.5}, criterion="inside")
    yield Case("just inside", {"W": 2 * inside, "radius": 1.25}, criterion="inside")
    yield Case("just outside", {"W": 2 * inside, "radius": 1.125}, criterion="inside")
    yield Case("between its norms", {"W": np.diag([3.0, 4.0]), "radius": 4.5}, criterion="outside")
    for excess in (1.02, 1 + 1e-4):
        yield Case(f"hardly outside, by {excess:g}", {"W": 2 * inside * excess, "radius": 1.2}, criterion="inside")
    yield Case("one row", {"W": np.array([[3.0, -4.0, 12.0]]), "radius": 2}, criterion="outside")
    yield Case("1030×70", {"W": rng.normal(size=(1030, 70)), "radius": 3.0}, criterion="outside")
    signs = rng.choice([-5e-4, 5e-4], size=(40, 50))
    yield Case("many small entries", {"W": signs, "radius": 0.01}, criterion="outside", atol=1e-10)
    yield Case("zeros", {"W": np.zeros((2, 3)), "radius": 1.0}, criterion="zero")
    yield Case("tiny", {"W": 1e-8 * rng.normal(size=(3, 3)), "radius": 2.0}, criterion="zero", atol=0.0)
    yield Case(
        "hardly more than zeros", {"W": 1e-20 * rng.normal(size=(2, 4)), "radius": 1.0}, criterion="zero", atol=0.0
    )
    rows = np.vstack([np.zeros((2, 4)), 1.0 + rng.uniform(size=(3, 4))])
    yield Case("rows of zeros, outside", {"W": rows, "radius": 1.5}, criterion="zero")


def projected(W: np.ndarray, radius: float) -> np.ndarray:
    """W times min(1, radius / ‖W‖_F)."""
    return W * (radius / max(np.linalg.norm(W), radius))


def _with(norm):
    """Scaled by another norm, down only or always."""
    return lambda W, r: W * (r / max(norm(W), r)), lambda W, r: W * r / norm(W)


def _rows(axis: int):
    return lambda W, r: W * (r / np.maximum(np.linalg.norm(W, axis=axis, keepdims=True), r))


def _cut_off(W: np.ndarray, radius: float) -> np.ndarray:
    U, S, V = np.linalg.svd(W, full_matrices=False)
    return U * np.minimum(S, radius) @ V


def _where(outside):
    """Shrunk only where the test says so."""
    return lambda W, r: projected(W, r) if outside(W, r) else W


WRONG = (
    ("always", lambda W, r: W * r / np.linalg.norm(W), lambda W, r: W * r / max(np.linalg.norm(W), 1e-30)),
    ("zero-over-zero", lambda W, r: W / np.linalg.norm(W) * min(np.linalg.norm(W), r)),
    ("left-outside", lambda W, r: W, _where(lambda W, r: (abs(W) > r).any()), _where(lambda W, r: W.sum() > r)),
    ("left-outside", _where(lambda W, r: np.linalg.norm(W) > 1), _where(lambda W, r: abs(W).max() > 1)),
    ("entrywise", lambda W, r: np.clip(W, -r, r), lambda W, r: np.clip(W, -r / np.sqrt(W.size), r / np.sqrt(W.size))),
    ("spectral", *_with(lambda W: np.linalg.norm(W, 2))),
    ("other-norm", *_with(lambda W: np.abs(W).sum()), *_with(lambda W: np.abs(W).max())),
    ("other-norm", *_with(lambda W: np.linalg.norm(W, 1)), *_with(lambda W: np.linalg.norm(W, np.inf))),
    ("other-norm", *_with(lambda W: np.linalg.norm(W, "nuc"))),
    ("squared", *_with(lambda W: (W**2).sum())),
    ("rows", _rows(1), _rows(0)),
    ("radius-ignored", given(projected, radius=1.0), lambda W, r: W / np.linalg.norm(W)),
    ("radius-misplaced", lambda W, r: W / max(1.0, np.linalg.norm(W)) / r),
    ("radius-misplaced", lambda W, r: W / r if np.linalg.norm(W) > r else W),
    ("radius-misplaced", lambda W, r: W / np.linalg.norm(W) if np.linalg.norm(W) > r else W),
    ("radius-misplaced", lambda W, r: W * min(1.0, 1 / np.linalg.norm(W)) * r, lambda W, r: projected(W, 1.0) * r),
    ("grown", lambda W, r: W * max(1.0, r / np.linalg.norm(W)), lambda W, r: W * np.linalg.norm(W) / r),
    ("grown", lambda W, r: W * max(1.0, r / max(np.linalg.norm(W), 1e-30))),
    ("zeroed", lambda W, r: W if np.linalg.norm(W) <= r else np.zeros_like(W)),
    ("the-number", lambda W, r: np.linalg.norm(W), lambda W, r: r / max(np.linalg.norm(W), r)),
    ("the-number", lambda W, r: min(np.linalg.norm(W), r)),
    ("singular-values", _cut_off),
    ("shifted", *(lambda W, r, e=10.0**-k: W * min(1.0, r / (np.linalg.norm(W) + e)) for k in range(1, 5))),
)
MESSAGES = """
always: The matrix is scaled to the surface also when it lies inside. That is normalisation. Only shrink: the factor is
    min(1, radius/‖W‖_F).
zero-over-zero: NaN for the zero matrix: it is divided by its norm, 0/0. With max(‖W‖_F, radius) below, nothing is.
left-outside: A matrix outside the ball comes back as it is. What decides is whether ‖W‖_F is larger than the radius:
    neither its entries nor their sum, and not whether ‖W‖_F is larger than 1.
entrywise: Every entry is clipped by itself: that is the box. The ball is left by scaling the whole matrix.
spectral: The spectral norm was used. It is another ball, a larger one: ‖W‖₂ ≤ ‖W‖_F.
other-norm: Another norm was used: the sum of the absolute values or of the singular values, the largest absolute value,
    or a row or column sum.
squared: The matrix is divided by the *squared* norm: a root is missing.
rows: Each row (or column) is projected by itself. The ball holds whole matrices.
radius-ignored: The matrix is projected to the ball of radius 1, whatever radius was asked for.
radius-misplaced: The radius divides where it should multiply, or is missing from one side of the comparison.
grown: The factor is the wrong way round: matrices inside are blown up, and those outside stay.
zeroed: Matrices outside the ball become zero. Bring them to its surface.
the-number: The norm, or the factor, comes back. Return the matrix.
singular-values: Each singular value is cut off at the radius: that is the projection to the *spectral* ball.
shifted: A small constant is added to the norm, also where nothing can be divided by zero: with max(‖W‖_F, radius) in
    the denominator none is needed.
"""
PROBLEM = Problem(
    key="ps05.frobenius_clip",
    title="Frobenius clipping",
    criteria=(
        Criterion("outside", "a matrix outside the ball comes to its surface, in the same direction", 1),
        Criterion("inside", "a matrix inside stays as it is, and one just outside does not", 0.5),
        Criterion("zero", "the zero matrix and very small ones stay as they are; rows of zeros do no harm", 0.5),
    ),
    cases=cases,
    formula=projected,
    scales=((1e6, "W radius"), (2.0**-6, "W radius")),
    observe="wgan_course.check.observers.ps05.call",
    limit=LIMIT,
    pure="outside",
    package_functions=("wgan_course.constraints.FrobeniusClip.project_",),
    single=("W",),
    misconceptions=explained(WRONG, MESSAGES),
)
