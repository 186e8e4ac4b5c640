"""``sn_weight(W, u, v)``: the weight that the layer computes with, and the gradient through the division."""

import numpy as np

from ...formulas import explained, named
from ...problem import Case, Cases, Criterion, Problem, case, close
from ._linear import any_unit, start, step, through, top, unit

GRADIENT = {"gradients": ["W"], "loss": True}


def cases(rng: np.random.Generator) -> Cases:
    yield case("value", "2×2", **_inputs(np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([0.6, 0.8])))
    for shape in ((4, 4), (3, 5), (1, 4)):
        yield case("value", f"{shape[0]}×{shape[1]}", **_random(rng, shape))
    for shape, sigma in (((3, 4), 1.5), ((4, 2), 0.2), ((1, 3), 0.6), ((3, 1), 0.8), ((131, 2), 2.5)):
        name = f"{shape[0]}×{shape[1]}, any unit vectors"
        yield case("value", name, **any_unit(rng, rng.normal(size=shape), sigma))
    for shape in ((2, 2), (3, 3), (5, 2)):
        yield case("gradient", f"gradient, {shape[0]}×{shape[1]}", **_random(rng, shape), options=GRADIENT)
    name = "gradient, 2×3, any unit vectors"
    yield case("gradient", name, **any_unit(rng, rng.normal(size=(2, 3)), 0.7), options=GRADIENT)


def _random(rng: np.random.Generator, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    return _inputs(rng.normal(size=shape) + 0.3, start(rng, shape[0]))


def _inputs(W: np.ndarray, u: np.ndarray) -> dict[str, np.ndarray]:
    _sigma, u, v = step(W, u)
    return {"W": W, "u": u, "v": v}


def _both(scale, gradient):
    """Value W·scale, and the gradient of its sum by a formula."""
    return lambda W, u, v: {"value": W * scale(W, u, v), "gradient:W": gradient(W, u, v)}


def _sigma(W: np.ndarray, u: np.ndarray, v: np.ndarray) -> float:
    return float(u @ W @ v)


def formula(W: np.ndarray, u: np.ndarray, v: np.ndarray) -> dict[str, np.ndarray]:
    """W/uᵀWv, and the gradient of the sum of its entries."""
    return {"value": W / _sigma(W, u, v), "gradient:W": through(np.ones_like(W), W, u, v)}


def _compare(observed, expected, case: Case) -> bool:
    names = ("value",) if case.criterion == "value" else ("value", "gradient:W")
    return all(name in observed and close(observed[name], expected[name], case) for name in names)


def _norm_gradient(W: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    n = np.linalg.norm(W)
    return np.ones_like(W) / n - W.sum() * W / n**3


WRONG = (
    ("sigma-outside", lambda W, u, v: {"gradient:W": np.ones_like(W) / _sigma(W, u, v)}),
    (
        "length",
        lambda W, u, v: {"value": W / np.linalg.norm(W @ v), "gradient:W": through(np.ones_like(W), W, unit(W @ v), v)},
    ),
    ("only-above-one", lambda W, u, v: {"value": W / max(_sigma(W, u, v), 1.0)}),
    ("w-outside", lambda W, u, v: {"gradient:W": -W.sum() / _sigma(W, u, v) ** 2 * np.outer(u, v)}),
    ("exact", lambda W, u, v: {"value": W / top(W)[0]}),
    ("exact", lambda W, u, v: {"value": W / top(W)[0], "gradient:W": through(np.ones_like(W), W, *top(W)[1:])}),
    ("frobenius", _both(lambda W, u, v: 1 / np.linalg.norm(W), _norm_gradient)),
    ("multiplied", _both(_sigma, lambda W, u, v: _sigma(W, u, v) * np.ones_like(W) + W.sum() * np.outer(u, v))),
    ("multiplied", lambda W, u, v: {"value": W * _sigma(W, u, v)}),
    ("squared", lambda W, u, v: {"value": W / _sigma(W, u, v) ** 2}),
    ("squared", lambda W, u, v: {"value": W / np.sqrt(_sigma(W, u, v))}),
    ("the-number", named(_sigma, "value")),
    ("rows", lambda W, u, v: {"value": W / np.linalg.norm(W, axis=1, keepdims=True)}),
    ("rows", lambda W, u, v: {"value": W / np.linalg.norm(W, axis=0, keepdims=True)}),
    ("rank-one", lambda W, u, v: {"value": np.outer(u, v)}),
    ("rank-one", lambda W, u, v: {"value": _sigma(W, u, v) * np.outer(u, v)}),
    ("rank-one", lambda W, u, v: {"value": W - _sigma(W, u, v) * np.outer(u, v)}),
    ("one-more", lambda W, u, v: {"value": W / step(W, u)[0]}),
)
MESSAGES = """
sigma-outside: The value is right, but σ is outside the graph (detached, under no_grad, or .item()): the gradient is
    G/σ, and the term −⟨G, W̄⟩uvᵀ/σ is missing. Keep uᵀWv in the graph.
length: This takes ‖Wv‖ (or a u made of Wv) for σ. The two agree only after a step of the iteration; here u and v are
    any unit vectors, and σ = uᵀWv.
only-above-one: It divides only where σ̂ is above 1. Spectral normalisation always divides: it makes small weights
    larger.
w-outside: The W that is divided is detached, so only σ carries a gradient. Both carry one.
exact: This divides by the exact norm, from an SVD. Use the given u and v: σ̂ = uᵀWv.
frobenius: This divides by the Frobenius norm: the layer becomes flatter than it has to be.
multiplied: W was multiplied by σ̂. Divide.
squared: W was divided by σ̂² (or its root). uᵀWv is the norm's estimate itself.
the-number: The number σ̂ comes back. The normalised weight is the matrix W/σ̂.
rows: Each row (or column) was divided by its own length. That is weight normalisation, and bounds another norm.
rank-one: The rank-one part σ̂uvᵀ (or uvᵀ) comes back, or was taken off. Divide the whole of W.
one-more: Another step of the iteration was made. u and v are given; use them as they are.
"""
PROBLEM = Problem(
    key="ps08.sn_weight",
    title="The normalised weight",
    criteria=(
        Criterion("value", "W / uᵀWv", 1),
        Criterion("gradient", "the gradient in W goes through the division", 1),
    ),
    cases=cases,
    formula=formula,
    scales=((1e6, "W"), (1e-12, "W")),
    pure="value",
    compare=_compare,
    package_functions=("wgan_course.norms.spectral_norm", "wgan_course.norms.power_iteration"),
    misconceptions=explained(WRONG, MESSAGES),
)
