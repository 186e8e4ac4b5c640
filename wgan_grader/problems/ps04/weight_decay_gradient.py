"""``weight_decay_gradient(W, weight)``: what the Lipschitz penalty in disguise does to a matrix."""

import numpy as np

from ...formulas import explained
from ...problem import Case, Cases, Criterion, Problem


def cases(rng: np.random.Generator) -> Cases:
    yield Case("two by two", {"W": np.array([[1.0, -2.0], [3.0, 0.5]]), "weight": 0.1}, criterion="gradient")
    yield Case("random", {"W": rng.normal(size=(3, 5)), "weight": 0.7}, criterion="gradient")
    yield Case("tall, large", {"W": 10 * rng.normal(size=(6, 2)), "weight": 0.03}, criterion="gradient")
    yield Case("1030 by 70", {"W": rng.normal(size=(1030, 70)), "weight": 2}, criterion="gradient")
    yield Case("no decay", {"W": rng.normal(size=(2, 3)), "weight": 0.0}, criterion="zero", atol=0.0)
    yield Case("zero", {"W": np.zeros((2, 3)), "weight": 0.2}, criterion="zero")
    rows = np.vstack([np.zeros((2, 4)), rng.normal(size=(3, 4)), np.zeros((1, 4))])
    yield Case("rows of zeros", {"W": rows, "weight": 0.4}, criterion="zero")


def gradient(W: np.ndarray, weight: float) -> np.ndarray:
    """∇ λ‖W‖_F² = 2λW."""
    return 2 * weight * W


def _top(W: np.ndarray) -> np.ndarray:
    u, _s, vt = np.linalg.svd(W)
    return np.outer(u[:, 0], vt[0])


WRONG = (
    ("no-two", lambda W, c: c * W),
    ("not-squared", lambda W, c: c * W / np.linalg.norm(W), lambda W, c: 2 * c * W / np.linalg.norm(W)),
    ("not-squared", lambda W, c: c * W / max(np.linalg.norm(W), 1e-300)),
    ("spectral", lambda W, c: 2 * c * np.linalg.norm(W, 2) * _top(W), lambda W, c: c * _top(W)),
    ("spectral", lambda W, c: 2 * c * _top(W)),
    ("absolute", lambda W, c: c * np.sign(W), lambda W, c: 2 * c * np.sign(W)),
    ("signs-lost", lambda W, c: 2 * c * np.abs(W), lambda W, c: c * np.abs(W)),
    ("mean", lambda W, c: 2 * c * W / W.size, lambda W, c: 2 * c * W / len(W)),
    ("the-penalty", lambda W, c: c * (W**2).sum(), lambda W, c: 2 * c * W.sum(), lambda W, c: c * W**2),
    ("the-penalty", lambda W, c: 2 * c * np.linalg.norm(W)),
    ("weight-ignored", lambda W, c: 2 * W, lambda W, c: 2 * c**2 * W, lambda W, c: 2 * W / c, lambda W, c: W),
    ("the-step", lambda W, c: W - 2 * c * W, lambda W, c: W - c * W, lambda W, c: -2 * c * W),
    ("symmetrised", lambda W, c: 2 * c * W.T @ W, lambda W, c: 2 * c * W @ W.T, lambda W, c: 2 * c * W @ W.T @ W),
    ("transposed", lambda W, c: 2 * c * W.T),
)
MESSAGES = """
no-two: The factor 2 is missing: d/dw of λw² is 2λw. (Code that writes λ/2 ‖W‖² means another λ.)
not-squared: This is like the gradient of λ‖W‖_F, without the square: of one length whatever W is, and undefined at 0.
spectral: This is a multiple of u₁v₁ᵀ, as the gradient of a *spectral* penalty is, 2λσ₁u₁v₁ᵀ: it pushes on the steepest
    direction alone. Weight decay shrinks all directions.
absolute: This is like the gradient of λΣ|W| (lasso): every entry is pushed by the same amount. The square pushes large
    entries more.
signs-lost: The signs of the entries are gone. The gradient of w² is 2w, negative where w is: a step against it then
    makes w larger.
mean: The squares were averaged, so the gradient is divided by the number of entries or rows. Sum them.
the-penalty: This is the penalty λ‖W‖_F² itself, its terms λW², or another number. Asked for is its derivative in each
    entry, in the shape of W.
weight-ignored: The weight λ has no effect, or the wrong one: the gradient is in proportion to it.
the-step: This is the matrix *after* a step, W − 2λW, or the step itself. Only the gradient was asked for.
symmetrised: WᵀW or WWᵀ occurs in the result. ‖W‖_F² is the trace of WᵀW; its gradient is 2W.
transposed: The result is transposed: a gradient has the shape of what it is the gradient of.
"""
PROBLEM = Problem(
    key="ps04.weight_decay_gradient",
    title="The gradient of weight decay",
    criteria=(
        Criterion("gradient", "the gradient of λ‖W‖_F² in W, shape of W", 1.5),
        Criterion("zero", "0 at the zero matrix and in rows of zeros, not NaN", 0.5),
    ),
    cases=cases,
    scales=((1e6, "W"), (2.0**-40, "W"), (1e3, "weight")),
    formula=gradient,
    pure="gradient",
    single=("W",),
    misconceptions=explained(WRONG, MESSAGES),
)
