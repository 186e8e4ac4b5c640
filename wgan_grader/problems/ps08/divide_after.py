"""``divide_after(W, u)``: what a Keras constraint does after the optimiser's step, in place."""

import numpy as np

from ...formulas import Detected, explained, part
from ...problem import Cases, Criterion, Problem, case
from ._linear import start, step, top, unit, when_square

OPTIONS = {"gradients": ["W"], "after": ["W", "u"], "outputs": ["u"], "loss": True}


def cases(rng: np.random.Generator) -> Cases:
    yield case("large", "2×2", W=[[1.0, 2.0], [0.0, 1.0]], u=[0.6, 0.8], options=OPTIONS)
    for shape in ((4, 4), (3, 5), (6, 2), (1, 4), (131, 2)):
        yield case("large", f"{shape[0]}×{shape[1]}", **_random(rng, shape, 1.0), options=OPTIONS)
    yield case("large", "a start far from the top", W=[[3.0, 0.0], [0.1, 1.0]], u=[0.0, 1.0], options=OPTIONS)
    held = OPTIONS | {"stale": True}
    yield case("large", "4×3, with a gradient", **_random(rng, (4, 3), 1.0), options=held)
    for shape in ((3, 3), (2, 4)):
        name = f"{shape[0]}×{shape[1]}, norm below 1"
        yield case("small", name, **_random(rng, shape, 0.05), options=OPTIONS)
    yield case("large", "3×1", W=[[1.0], [-2.0], [0.5]], u=[0.6, 0.0, 0.8], options=OPTIONS)


def _random(rng: np.random.Generator, shape: tuple[int, int], scale: float) -> dict[str, np.ndarray]:
    return {"W": scale * rng.normal(size=shape), "u": start(rng, shape[0])}


def _named(weight, vector=lambda W, u: step(W, u)[1]):
    """What stands in W afterwards, and what comes back."""
    return lambda W, u: {"after:W": weight(W, u), "u": vector(W, u)}


def formula(W: np.ndarray, u: np.ndarray) -> dict[str, object]:
    """W/σ̂ in place, the new u; the old u, and what W is to an optimiser, are what they were; no graph comes back."""
    sigma, new, _v = step(W, u)
    return {"after:W": W / sigma, "u": new, "after:u": u, "trainable": True, "graph": False}


def _swapped(W: np.ndarray, u: np.ndarray) -> tuple[float, np.ndarray]:
    v = unit(W @ u)
    u = unit(W.T @ v)
    return float(u @ W @ v), u


def _of_a_long_v(W: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The new u by torch's `normalize`, from a v that was not normalised: below 1e-12 it stays short."""
    image = W @ (W.T @ u)
    return image / max(float(np.linalg.norm(image)), 1e-12)


SWAPPED = _named(lambda W, u: W / _swapped(W, u)[0], part(_swapped, 1))
WRONG = (
    ("u-changed", Detected(lambda case, seen, expected: not np.array_equal(seen.outputs["after:u"], case.inputs["u"]))),
    ("frozen", Detected(lambda case, seen, expected: not seen.outputs["trainable"])),
    ("graph", Detected(lambda case, seen, expected: bool(seen.outputs["graph"]))),
    ("not-in-place", _named(lambda W, u: W), _named(lambda W, u: W, lambda W, u: W / step(W, u)[0])),
    ("returns-the-weight", _named(lambda W, u: W / step(W, u)[0], lambda W, u: W / step(W, u)[0])),
    ("returns-the-weight", _named(lambda W, u: W / step(W, u)[0], part(step, 0))),
    ("returns-the-weight", _named(lambda W, u: W / step(W, u)[0], part(step, 2))),
    ("old-u", _named(lambda W, u: W / step(W, u)[0], lambda W, u: u)),
    ("only-above-one", _named(lambda W, u: W / max(1.0, step(W, u)[0]))),
    ("cut", _named(lambda W, u: _cut(W))),
    ("exact", _named(lambda W, u: W / top(W)[0]), _named(lambda W, u: W / top(W)[0], lambda W, u: top(W)[1])),
    ("frobenius", _named(lambda W, u: W / np.linalg.norm(W))),
    ("old-sigma", _named(lambda W, u: W / np.linalg.norm(W.T @ u))),
    ("old-sigma", _named(lambda W, u: W / np.linalg.norm(W.T @ u), lambda W, u: u)),
    ("old-sigma", _named(lambda W, u: W / np.linalg.norm(W.T @ u), _of_a_long_v)),
    ("swapped-roles", SWAPPED, when_square(SWAPPED, formula)),
    ("multiplied", _named(lambda W, u: W * step(W, u)[0]), _named(lambda W, u: W / step(W, u)[0] ** 2)),
    ("after-the-division", _named(lambda W, u: W / step(W, u)[0], lambda W, u: step(W, step(W, u)[1])[1])),
    ("after-the-division", _named(lambda W, u: W / step(W, step(W, u)[1])[0], lambda W, u: step(W, step(W, u)[1])[1])),
)
MESSAGES = """
u-changed: The u that was handed over is overwritten. Only W changes in place; return a new u.
frozen: W no longer requires a gradient, so the optimiser will not move it again. Leave requires_grad alone and change W
    under torch.no_grad().
graph: The u that comes back drags a graph behind it. Compute under torch.no_grad().
not-in-place: W is afterwards what it was before. Change the parameter itself (W.div_(…) or W /= … under
    torch.no_grad()), do not make a new one: the optimiser holds this tensor.
returns-the-weight: The weight is changed rightly, but something else than the new u comes back. The caller keeps u for
    the next step.
old-u: The old u comes back. The next step would start where this one did: no warm start.
only-above-one: W was divided only where σ̂ > 1 (division by max(1, σ̂)). That is another constraint: here W is divided
    where σ̂ < 1 as well, and grows.
cut: The singular values above 1 were cut off. That is the nearest-point projection; dividing shrinks all.
exact: This divides by the exact norm. Use the estimate after one step from u.
frobenius: This divides by the Frobenius norm.
old-sigma: σ̂ was computed with the old u (which gives ‖Wᵀu‖). The step ends with u ← Wv/‖Wv‖, and σ̂ = uᵀWv takes the
    new one.
swapped-roles: u and v have swapped roles: Wᵀ is what can be applied to u.
multiplied: W was multiplied by σ̂ (or divided by its square). Divide by σ̂.
after-the-division: The step was made again after the division, or twice: one step, then the division.
"""
PROBLEM = Problem(
    key="ps08.divide_after",
    title="Dividing after the step",
    criteria=(
        Criterion("large", "W is W/σ̂ afterwards, in place; the new u comes back", 1),
        Criterion("small", "also where the norm is below 1: it always divides", 1),
    ),
    cases=cases,
    formula=formula,
    scales=((1e6, "W"), (1e-10, "W")),
    observe="wgan_course.check.observers.ps08.parameter",
    package_functions=("wgan_course.norms.power_iteration", "wgan_course.norms.spectral_norm"),
    misconceptions=explained(WRONG, MESSAGES),
)


def _cut(W: np.ndarray) -> np.ndarray:
    U, s, Vt = np.linalg.svd(W, full_matrices=False)
    return U @ np.diag(np.minimum(s, 1)) @ Vt
