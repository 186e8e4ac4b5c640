"""``sigma_step(W, u)``: one warm step of power iteration, with σ̂ in the graph and the vectors outside it."""

from typing import Any

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, explained
from ...problem import Case, Cases, Criterion, Outputs, Problem, close
from ._linear import numeric, start, step, top, unit, when_square

VALUES = {"outputs": ["sigma", "u", "v"], "constants": ["u", "v"]}
GRADIENT = VALUES | {"gradients": ["W"], "loss": True}


def cases(rng: np.random.Generator) -> Cases:
    small = {"W": np.array([[1.0, 2.0], [0.0, 1.0]]), "u": np.array([0.6, 0.8])}
    yield Case("2×2", small, VALUES, criterion="values")
    for shape in ((4, 4), (3, 5), (6, 2), (1, 4), (131, 2)):
        inputs = {"W": rng.normal(size=shape), "u": start(rng, shape[0])}
        yield Case(f"{shape[0]}×{shape[1]}", inputs, VALUES, criterion="values")
    for shape in ((2, 2), (4, 3), (3, 5), (70, 3)):
        inputs = {"W": rng.normal(size=shape), "u": start(rng, shape[0])}
        yield Case(f"gradient, {shape[0]}×{shape[1]}", inputs, GRADIENT, criterion="gradient")
    tall = {"W": np.array([[1.0], [-2.0], [0.5]]), "u": np.array([0.6, 0.0, 0.8])}
    yield Case("3×1", tall, VALUES, criterion="values")
    yield Case("gradient, 3×1", tall, GRADIENT, criterion="gradient")


def formula(W: np.ndarray, u: np.ndarray) -> dict[str, Any]:
    """σ̂, u, v, and ∂σ̂/∂W = uvᵀ."""
    sigma, u, v = step(W, u)
    return {"sigma": sigma, "u": u, "v": v, "gradient:W": np.outer(u, v)}


def _values(function):
    """Wrong values from a function that returns σ̂, u and v; nothing is said of the gradient."""
    return lambda W, u: dict(zip(("sigma", "u", "v"), function(W, u), strict=True))


def _swapped(W: np.ndarray, u: np.ndarray) -> tuple:
    v = unit(W @ u)
    u = unit(W.T @ v)
    return float(u @ W @ v), u, v


def _lengths(W: np.ndarray, u: np.ndarray) -> tuple:
    _sigma, _new, v = step(W, u)
    return float(np.linalg.norm(W.T @ u)), u, v


def _compare(observed, expected, case: Case) -> bool:
    names = ("sigma", "u", "v") if case.criterion == "values" else ("gradient:W",)
    return all(name in observed and close(observed[name], expected[name], case) for name in names)


def _outside(case: Case, seen: Observation, expected: Outputs) -> bool:
    """The first result is σ̂, without a gradient."""
    return "gradient:W" not in seen.outputs and close(seen.outputs["sigma"], expected["sigma"], case)


WRONG = (
    ("through-the-vectors", lambda W, u: {"gradient:W": numeric(lambda M: step(M, u)[0], W)}),
    ("sigma-outside", Detected(_outside, "gradient", "ok")),
    ("swapped-roles", _values(_swapped), lambda W, u: {"gradient:W": np.outer(*_swapped(W, u)[1:])}),
    ("swapped-roles", when_square(_values(_swapped), formula)),
    ("swapped-roles", when_square(lambda W, u: {"gradient:W": np.outer(*_swapped(W, u)[1:])}, formula)),
    ("swapped-v", _values(lambda W, u: (step(W, u)[0], step(W, u)[2], step(W, u)[1]))),
    ("old-u", _values(_lengths), _values(lambda W, u: (step(W, u)[0], u, step(W, u)[2]))),
    ("old-u", lambda W, u: {"gradient:W": np.outer(u, step(W, u)[2])}),
    ("squared", _values(lambda W, u: (step(W, u)[0] ** 2, *step(W, u)[1:]))),
    ("squared", lambda W, u: {"gradient:W": 2 * step(W, u)[0] * np.outer(*step(W, u)[1:])}),
    ("not-normalised", _values(lambda W, u: (float(W @ W.T @ u @ W @ W.T @ u), W @ W.T @ u, W.T @ u))),
    ("not-normalised", _values(lambda W, u: (step(W, u)[0], W @ step(W, u)[2], step(W, u)[2]))),
    ("not-normalised", _values(lambda W, u: (step(W, u)[0] ** 2, W @ step(W, u)[2], step(W, u)[2]))),
    ("exact", _values(lambda W, u: top(W)), _values(lambda W, u: (top(W)[0], -top(W)[1], -top(W)[2]))),
    ("exact", lambda W, u: {"gradient:W": np.outer(*top(W)[1:])}),
    ("two-steps", _values(lambda W, u: step(W, step(W, u)[1]))),
    ("transposed-gradient", when_square(lambda W, u: {"gradient:W": formula(W, u)["gradient:W"].T}, formula)),
)
MESSAGES = """
through-the-vectors: The gradient runs through u or v as well. Compute both under torch.no_grad() (or detach both), and
    σ̂ from them with the graph on: at the true singular vectors nothing is lost by that, and a backward pass through
    the iteration is saved.
sigma-outside: No gradient of σ̂ reaches W: σ̂ itself was computed under no_grad, detached, or made a number with
    .item(). Only u and v are constants.
swapped-roles: u and v have swapped roles: W is applied to u. u has as many entries as W has rows, so Wᵀ is what can be
    applied to it. On square matrices nothing complains.
swapped-v: The vectors come back in the wrong order: (σ̂, u, v) was asked for, u on the side of the outputs.
old-u: u comes back (or is used) as it went in. The step ends with u ← Wv/‖Wv‖, and σ̂ takes the new u.
squared: This is σ̂², or an estimate of it such as vᵀWᵀWv. Take the root: σ̂ = uᵀWv = ‖Wv‖.
not-normalised: A vector is not normalised. Both have length 1; divide v before it is used.
exact: These are the exact norm and singular vectors. One step from the given u was asked for: no SVD.
two-steps: This takes two steps; one was asked for.
transposed-gradient: The gradient of σ̂ comes out as vuᵀ, or W was used transposed. uᵀWv has the gradient uvᵀ, of W's
    shape.
"""
PROBLEM = Problem(
    key="ps08.sigma_step",
    title="One step, with σ̂ in the graph",
    criteria=(
        Criterion("values", "σ̂ = uᵀWv, and the new u and v, of length 1", 1),
        Criterion("gradient", "the gradient of σ̂ in W is uvᵀ: u and v are constants", 1),
    ),
    cases=cases,
    formula=formula,
    scales=((1e6, "W"), (1e-10, "W")),
    pure="values",
    compare=_compare,
    package_functions=("wgan_course.norms.power_iteration", "wgan_course.norms.spectral_norm"),
    misconceptions=explained(WRONG, MESSAGES),
)
