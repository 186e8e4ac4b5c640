"""``sn_gradient(G, W, u, v)``: the gradient through W/σ in closed form."""

import numpy as np

from ...formulas import explained
from ...problem import Case, Cases, Criterion, Problem
from ._linear import any_unit, start, step, through, top, unit, when_square


def cases(rng: np.random.Generator) -> Cases:
    small = {"G": np.array([[1.0, 0.0], [0.0, 2.0]])} | _given(np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([0.6, 0.8]))
    yield Case("2×2", small, criterion="square")
    for size in (3, 5):
        yield Case(f"{size}×{size}", _random(rng, (size, size)), criterion="square")
    yield Case("4×4, any unit vectors", _free(rng, (4, 4), 0.6), criterion="square")
    for shape in ((2, 5), (6, 3), (1, 4)):
        yield Case(f"{shape[0]}×{shape[1]}", _random(rng, shape), criterion="rectangular")
    yield Case("3×3, a small σ", _free(rng, (3, 3), 0.02), criterion="square")
    yield Case("131×2, any unit vectors", _free(rng, (131, 2), 0.9), criterion="rectangular")
    yield Case("3×4, any unit vectors", _free(rng, (3, 4), 1.4), criterion="rectangular")
    yield Case("3×1", _random(rng, (3, 1)), criterion="rectangular")


def _random(rng: np.random.Generator, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    return {"G": rng.normal(size=shape)} | _given(rng.normal(size=shape), start(rng, shape[0]))


def _free(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> dict[str, np.ndarray]:
    return {"G": rng.normal(size=shape)} | any_unit(rng, rng.normal(size=shape), sigma)


def _given(W: np.ndarray, u: np.ndarray) -> dict[str, np.ndarray]:
    _sigma, u, v = step(W, u)
    return {"W": W, "u": u, "v": v}


def _s(W: np.ndarray, u: np.ndarray, v: np.ndarray) -> float:
    return float(u @ W @ v)


def _transposed(G: np.ndarray, W: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return (G - (G * W).sum() / _s(W, u, v) * np.outer(v, u)) / _s(W, u, v)


WRONG = (
    ("length", lambda G, W, u, v: through(G, W, unit(W @ v), v)),
    ("length", lambda G, W, u, v: (G - (G * W).sum() / np.linalg.norm(W @ v) * np.outer(u, v)) / np.linalg.norm(W @ v)),
    ("no-second-term", lambda G, W, u, v: G / _s(W, u, v)),
    ("raw-weight", lambda G, W, u, v: (G - (G * W).sum() * np.outer(u, v)) / _s(W, u, v)),
    ("raw-weight", lambda G, W, u, v: G / _s(W, u, v) - (G * W).sum() * np.outer(u, v)),
    ("not-divided", lambda G, W, u, v: G - (G * W).sum() / _s(W, u, v) * np.outer(u, v)),
    ("divided-twice", lambda G, W, u, v: (G - (G * W).sum() / _s(W, u, v) * np.outer(u, v)) / _s(W, u, v) ** 2),
    ("divided-twice", lambda G, W, u, v: (G - (G * W).sum() / _s(W, u, v) ** 2 * np.outer(u, v)) / _s(W, u, v)),
    ("transposed", when_square(_transposed, through)),
    ("plus", lambda G, W, u, v: (G + (G * W).sum() / _s(W, u, v) * np.outer(u, v)) / _s(W, u, v)),
    ("sphere", lambda G, W, u, v: (G - (G * W).sum() / (W**2).sum() * W) / _s(W, u, v)),
    ("sphere", lambda G, W, u, v: (G - (G * W).sum() / (W**2).sum() * W) / np.linalg.norm(W)),
    ("sphere", lambda G, W, u, v: (G - (G * W).sum() / _s(W, u, v) ** 2 * W) / _s(W, u, v)),
    ("of-the-vectors", lambda G, W, u, v: (G - (u @ G @ v) * np.outer(u, v)) / _s(W, u, v)),
    ("of-the-vectors", lambda G, W, u, v: (G - (u @ G @ v) * W / _s(W, u, v)) / _s(W, u, v)),
    ("matrix-product", lambda G, W, u, v: (G - G * W / _s(W, u, v) * np.outer(u, v)) / _s(W, u, v)),
    ("matrix-product", lambda G, W, u, v: (G - np.trace(G @ W) / _s(W, u, v) * np.outer(u, v)) / _s(W, u, v)),
    ("matrix-product", lambda G, W, u, v: (G - (G @ W.T) @ np.outer(u, v) / _s(W, u, v)) / _s(W, u, v)),
    ("matrix-product", lambda G, W, u, v: (G - (G * W).mean() / _s(W, u, v) * np.outer(u, v)) / _s(W, u, v)),
    ("exact", lambda G, W, u, v: (G - (G * W).sum() / top(W)[0] * np.outer(u, v)) / top(W)[0]),
    ("another-step", lambda G, W, u, v: through(G, W, *step(W, u)[1:])),
    ("exact", lambda G, W, u, v: through(G, W, *top(W)[1:])),
)
MESSAGES = """
length: This takes ‖Wv‖ (or a u made of Wv) for σ. The two agree only after a step of the iteration; here u and v are
    any unit vectors, and σ = uᵀWv.
no-second-term: This is G/σ: the gradient with σ held constant. σ depends on W; subtract ⟨G, W̄⟩uvᵀ before dividing.
raw-weight: The factor is ⟨G, W⟩. It should be ⟨G, W̄⟩ = ⟨G, W⟩/σ, with the normalised weight.
not-divided: The division by σ in front is missing: the gradient of W/σ has 1/σ in it.
divided-twice: A power of σ too many: G is divided by σ once, ⟨G, W⟩uvᵀ by σ².
transposed: The outer product is vuᵀ. The gradient of uᵀWv in W is uvᵀ: u along the rows of W's outputs.
plus: The second term is added. Growing σ makes every entry of W̄ smaller: subtract.
sphere: This takes out the component of G along W: the gradient of W/‖W‖_F, or a projection on the tangent of a sphere.
    The norm here is the spectral one, whose gradient is uvᵀ and not W/‖W‖_F.
of-the-vectors: The factor is uᵀGv, the component of G along uvᵀ. What counts is how much the loss would gain from
    growing all of W̄: ⟨G, W̄⟩.
matrix-product: A product of matrices or of entries, or a mean of these, stands where the inner product ⟨G, W̄⟩ =
    Σ GᵢⱼW̄ᵢⱼ belongs: one number, a sum.
another-step: A step of the iteration was made first. u and v are given; use them as they are.
exact: σ, or u and v, come from an SVD. Use the given u and v, with σ = uᵀWv.
"""
PROBLEM = Problem(
    key="ps08.sn_gradient",
    title="The gradient in closed form",
    criteria=(
        Criterion("square", "(G − ⟨G, W̄⟩uvᵀ)/σ with σ = uᵀWv", 1),
        Criterion("rectangular", "for matrices that are not square", 1),
    ),
    cases=cases,
    formula=through,
    scales=((1e6, "G W"), (1e-10, "G W")),
    pure="square",
    package_functions=("wgan_course.norms.spectral_norm", "wgan_course.norms.power_iteration"),
    misconceptions=explained(WRONG, MESSAGES),
)
