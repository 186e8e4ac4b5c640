"""``normalised_weight(W, u, steps)``: find the bugs. The roles of u and v are swapped, and σ is called the weight."""

import numpy as np

from ...formulas import explained
from ...problem import Case, Cases, Criterion, Problem
from ._linear import norm, slow, unit, uv_steps


def cases(rng: np.random.Generator) -> Cases:
    small = np.array([[1.0, 2.0], [0.0, 1.0]])
    yield Case("2×2", {"W": small, "u": np.array([0.6, 0.8]), "steps": 1}, criterion="square")
    for size, steps in ((3, 1), (5, 2)):
        inputs = {"W": rng.normal(size=(size, size)), "u": unit(rng.normal(size=size)), "steps": steps}
        yield Case(f"{size}×{size}", inputs, criterion="square")
    for shape, size in (((3, 3), "square"), ((2, 4), "rectangular")):
        W = rng.normal(size=shape)
        inputs = {"W": rng.uniform(0.2, 0.7) * W / norm(W), "u": unit(rng.normal(size=len(W))), "steps": 1}
        yield Case(f"{shape[0]}×{shape[1]}, norm below 1", inputs, criterion=size)
    for shape, steps in (((2, 5), 1), ((6, 4), 2), ((1, 4), 1), ((131, 3), 1), ((3, 70), 1)):
        inputs = {"W": rng.normal(size=shape), "u": unit(rng.normal(size=shape[0])), "steps": steps}
        yield Case(f"{shape[0]}×{shape[1]}", inputs, criterion="rectangular")
    W, u = slow(0.995, 0.3)
    yield Case("4×3, slow", {"W": 1.7 * W.T, "u": u, "steps": 40}, criterion="rectangular")
    tall = {"W": np.array([[1.0], [-2.0], [0.5]]), "u": np.array([0.6, 0.0, 0.8]), "steps": 3}
    yield Case("3×1", tall, criterion="rectangular")


def estimate(W: np.ndarray, u: np.ndarray, steps: int) -> float:
    """Return uᵀWv after some steps."""
    v, u = uv_steps(W, u, steps)
    return float(u @ W @ v)


def normalised(W: np.ndarray, u: np.ndarray, steps: int) -> np.ndarray:
    """W / σ̂."""
    return W / estimate(W, u, steps)


def _swapped(W: np.ndarray, u: np.ndarray, steps: int) -> float:
    """Return the notebook's number: W applied to u, and the result taken for v."""
    v, u = uv_steps(W.T, u, steps)
    return float(u @ W @ v)


def _half_step(W: np.ndarray, u: np.ndarray, steps: int) -> np.ndarray:
    before = uv_steps(W, u, steps - 1)[1] if steps > 1 else u
    return W / np.linalg.norm(W.T @ before)


WRONG = (
    ("unchanged", _swapped),
    ("still-swapped", lambda W, u, s: W / _swapped(W, u, s), lambda W, u, s: W / abs(_swapped(W, u, s))),
    ("only-above-one", lambda W, u, s: W / max(1.0, estimate(W, u, s))),
    ("the-number", estimate),
    ("multiplied", lambda W, u, s: W * estimate(W, u, s)),
    ("squared", lambda W, u, s: W / estimate(W, u, s) ** 2),
    ("root", lambda W, u, s: W / np.sqrt(estimate(W, u, s))),
    ("exact", lambda W, u, s: W / norm(W)),
    ("frobenius", lambda W, u, s: W / np.linalg.norm(W)),
    ("half-step", _half_step),
    ("one-more", lambda W, u, s: normalised(W, u, s + 1), lambda W, u, s: normalised(W, u, s - 1)),
    ("steps-ignored", *(lambda W, u, s, k=k: normalised(W, u, k) for k in (1, 2, 5, 10, 20, 50, 100))),
    ("steps-ignored", *(lambda W, u, s, k=k: normalised(W, u, min(s, k)) for k in (2, 5, 10, 20, 30))),
    ("steps-ignored", lambda W, u, s: normalised(W, u, 2 * s)),
    ("start-ignored", lambda W, u, s: normalised(W, np.ones_like(u), s)),
    ("rank-one", lambda W, u, s: np.outer(*uv_steps(W, u, s)[::-1])),
    ("half-step", lambda W, u, s: W / (u @ W @ uv_steps(W, u, s)[0])),
    ("rows", lambda W, u, s: W / np.linalg.norm(W, axis=1, keepdims=True)),
    ("rows", lambda W, u, s: W / np.linalg.norm(W, axis=0, keepdims=True)),
)
MESSAGES = """
unchanged: Both bugs are still there: W is applied to u, which lives on the side of the outputs, and the number uᵀWv is
    returned as if it were the weight.
still-swapped: It divides now, but u and v still have swapped roles: W is applied to u, and Wᵀ to v. It has to be Wᵀ to
    u, and W to v. With square matrices the mistake makes no noise.
only-above-one: It divides only where σ̂ is above 1. Small weights are divided too, and grow.
the-number: The roles are right, but the number σ̂ comes back. The normalised weight is the matrix W/σ̂.
multiplied: W was multiplied by σ̂. Divide.
squared: W was divided by σ̂². Divide by σ̂ = uᵀWv itself.
root: W was divided by the root of uᵀWv. That is the estimate of σ already; only vᵀWᵀWv needs a root.
exact: This divides by the exact norm. The point of the exercise is to do without an SVD: use the iteration's estimate
    after the given steps.
frobenius: This divides by the Frobenius norm, which makes the layer smaller than it has to be.
half-step: The u in uᵀWv is not the last one: each step ends with u ← Wv.
one-more: The number of steps is off by one.
steps-ignored: The number of steps is not `steps`: it is fixed, capped or doubled.
start-ignored: The u that was given is not used: it begins at (1, …, 1).
rank-one: This is u vᵀ, a matrix of rank 1. W itself is divided by σ̂.
rows: Each row (or column) was divided by its own length: that is weight normalisation, which bounds another norm.
"""
PROBLEM = Problem(
    key="ps07.normalised_weight",
    title="Find the bugs: the normalised weight",
    criteria=(
        Criterion("square", "W / σ̂ with σ̂ = uᵀWv after the given steps", 1),
        Criterion("rectangular", "for matrices that are not square", 1),
    ),
    cases=cases,
    formula=normalised,
    scales=((1e6, "W"), (1e-6, "W")),
    pure="square",
    package_functions=("wgan_course.norms.power_iteration", "wgan_course.norms.spectral_norm"),
    misconceptions=explained(WRONG, MESSAGES),
)
