"""``spectral_penalty(W1, W2, u1, u2, strength)``: λ Σσ̂², with the gradient 2λσ̂uvᵀ."""

import numpy as np

from ...formulas import Detected, constant, explained, part, without
from ...problem import Case, Cases, Criterion, Problem, case, close
from ._linear import numeric, start, step, top

GRADIENT = {"gradients": ["W1", "W2"], "loss": True}


def cases(rng: np.random.Generator) -> Cases:
    first = {"W1": np.array([[1.0, 2.0], [0.0, 1.0]]), "W2": np.array([[3.0, 0.0]])}
    yield case("value", "2×2 and 1×2", **first, u1=[0.6, 0.8], u2=[1.0], strength=0.5)
    alike = {"W1": [[1.0, 2.0], [0.0, 1.0]], "W2": [[3.0, 0.0], [1.0, 1.0]], "u1": [0.6, 0.8], "u2": [0.8, -0.6]}
    yield case("value", "two of one size", **alike, strength=0.5)
    for shapes, strength in ((((3, 4), (2, 3)), 0.1), (((5, 2), (4, 5)), 2.0)):
        name = " and ".join(f"{m}×{n}" for m, n in shapes)
        yield case("value", name, **_random(rng, shapes, strength))
        yield case("gradient", f"gradient, {name}", **_random(rng, shapes, strength), options=GRADIENT)
    for shapes in (((1, 3), (3, 1)), ((2, 5), (5, 2)), ((131, 2), (1, 131))):
        name = " and ".join(f"{m}×{n}" for m, n in shapes)
        yield case("value", name, **_random(rng, shapes, 1.0))
    yield case("gradient", "gradient, 70×3 and 2×70", **_random(rng, ((70, 3), (2, 70)), 0.3), options=GRADIENT)
    yield case("gradient", "gradient, 3×2 and 1×3", **_random(rng, ((3, 2), (1, 3)), 0.7), options=GRADIENT)
    small = _random(rng, ((3, 2), (4, 3)), 0.7)
    small |= {name: 1e-10 * np.asarray(small[name]) for name in ("W1", "W2")}
    yield case("value", "3×2 and 4×3, small", **small, atol=0.0)


def _random(rng: np.random.Generator, shapes, strength: float) -> dict[str, object]:
    W1, W2 = (rng.normal(size=shape) for shape in shapes)
    return {"W1": W1, "W2": W2, "u1": start(rng, len(W1)), "u2": start(rng, len(W2)), "strength": strength}


def _total(size, gradient=None):
    """Penalty from a size of a matrix with its vector, and its gradient (by differences where none is given)."""

    def formula(W1, W2, u1, u2, strength):
        grad = gradient or (lambda W, u: numeric(lambda M: size(M, u), W))
        value = strength * (size(W1, u1) + size(W2, u2))
        return {"value": value, "gradient:W1": strength * grad(W1, u1), "gradient:W2": strength * grad(W2, u2)}

    return formula


def _square(W: np.ndarray, u: np.ndarray) -> float:
    return step(W, u)[0] ** 2


def _slope(W: np.ndarray, u: np.ndarray) -> np.ndarray:
    sigma, u, v = step(W, u)
    return 2 * sigma * np.outer(u, v)


def _top_slope(W: np.ndarray, u: np.ndarray) -> np.ndarray:
    sigma, u, v = top(W)
    return 2 * sigma * np.outer(u, v)


def _scaled(factor):
    right = _total(_square, _slope)
    return lambda *a: {name: factor(*a) * value for name, value in right(*a).items()}


def _compare(observed, expected, case: Case) -> bool:
    names = ("value",) if case.criterion == "value" else ("value", "gradient:W1", "gradient:W2")
    return all(name in observed and close(observed[name], expected[name], case) for name in names)


WRONG = (
    ("not-squared", _total(part(step, 0), lambda W, u: np.outer(*step(W, u)[1:]))),
    ("half", _scaled(constant(0.5))),
    ("frobenius", _total(lambda W, u: (W**2).sum(), lambda W, u: 2 * W)),
    ("exact", _total(lambda W, u: top(W)[0] ** 2, _top_slope)),
    ("exact", lambda W1, W2, u1, u2, s: {"value": s * (top(W1)[0] ** 2 + top(W2)[0] ** 2)}),
    ("product", lambda W1, W2, u1, u2, s: {"value": s * _square(W1, u1) * _square(W2, u2)}),
    ("product", lambda W1, W2, u1, u2, s: {"value": s * step(W1, u1)[0] * step(W2, u2)[0]}),
    ("square-of-sum", lambda W1, W2, u1, u2, s: {"value": s * (step(W1, u1)[0] + step(W2, u2)[0]) ** 2}),
    ("strength", _scaled(lambda *a: 1 / a[-1]), _scaled(lambda *a: a[-1])),
    ("strength", lambda W1, W2, u1, u2, s: {"value": _square(W1, u1) + s * _square(W2, u2)}),
    ("one-layer", lambda W1, W2, u1, u2, s: {"value": s * _square(W1, u1)}),
    ("one-layer", lambda W1, W2, u1, u2, s: {"value": s * _square(W2, u2)}),
    ("excess", _total(lambda W, u: (step(W, u)[0] - 1) ** 2), _total(lambda W, u: max(step(W, u)[0] - 1, 0) ** 2)),
    ("old-u", _total(lambda W, u: float(np.linalg.norm(W.T @ u)) ** 2)),
    ("through-the-vectors", without(_total(_square), "value")),
    (
        "detached",
        Detected(lambda case, seen, right: not {"gradient:W1", "gradient:W2"} & {*seen.outputs}, "gradient", "ok"),
    ),
)
MESSAGES = """
not-squared: The norms are summed, not their squares.
half: This is half of it: a factor ½ (as in the package and in the paper), or a mean over the two layers. Here λ stands
    in front of a sum.
frobenius: This is weight decay: squared Frobenius norms. It shrinks all singular values; the penalty asked for is about
    the largest.
exact: This takes the exact norms. Use the estimate after one step from the given u: no SVD in training.
product: The norms are multiplied. The product is the network's bound; the penalty is a sum over the layers.
square-of-sum: The sum of the norms is squared. Square each norm, then add.
strength: The strength λ has no effect, or the wrong one.
one-layer: Only one of the two layers is penalised.
excess: The norms are compared with 1 before they are squared. The penalty asked for is λσ̂², which pulls them to 0.
old-u: The step is not finished: σ̂ was computed with the old u (which gives ‖Wᵀu‖). The step ends with u ← Wv/‖Wv‖.
through-the-vectors: The value is right, but the gradient runs through u or v as well. Compute both under
    torch.no_grad().
detached: The value is right, but no gradient reaches the weights: the penalty does nothing. Only u and v are constants;
    uᵀWv stays in the graph.
"""
PROBLEM = Problem(
    key="ps08.spectral_penalty",
    title="The spectral penalty",
    criteria=(
        Criterion("value", "λ(σ̂₁² + σ̂₂²), each σ̂ after one step from its u", 1),
        Criterion("gradient", "the gradient in each weight is 2λσ̂uvᵀ: u and v are constants", 2),
    ),
    cases=cases,
    formula=_total(_square, _slope),
    scales=((1e6, "W1 W2"), (1e-6, "W1 W2"), (1e3, "strength"), (1e-3, "strength")),
    pure="value",
    compare=_compare,
    package_functions=("wgan_course.norms.power_iteration", "wgan_course.norms.spectral_norm"),
    misconceptions=explained(WRONG, MESSAGES),
)
