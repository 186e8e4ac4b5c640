"""``power_iteration(W, v, steps)``: the estimate of the spectral norm from a given start."""

import numpy as np

from ...formulas import explained, squared
from ...problem import Case, Cases, Criterion, Problem
from ._linear import iterate, norm, sigma, slow, unit


def cases(rng: np.random.Generator) -> Cases:
    small = np.array([[1.0, 2.0], [0.0, 1.0]])
    yield Case("2×2, one step", {"W": small, "v": np.array([0.6, 0.8]), "steps": 1}, criterion="value")
    for size, steps in ((3, 1), (5, 2), (6, 3)):
        start = unit(rng.normal(size=size))
        yield Case(
            f"{size}×{size}", {"W": rng.normal(size=(size, size)), "v": start, "steps": steps}, criterion="value"
        )
    for shape in ((5, 3), (2, 6), (1, 4), (4, 1), (131, 70)):
        inputs = {"W": rng.normal(size=shape), "v": unit(rng.normal(size=shape[1])), "steps": 1}
        yield Case(f"{shape[0]}×{shape[1]}", inputs, criterion="shapes")
    yield Case("no step", {"W": small, "v": np.array([3.0, 4.0]), "steps": 0}, criterion="start")
    long_start = {"W": rng.normal(size=(4, 3)), "v": 700 * unit(rng.normal(size=3)), "steps": 0}
    yield Case("no step, long start", long_start, criterion="start")
    yield Case("no step, short start", long_start | {"v": 1e-12 * long_start["v"]}, criterion="start")
    yield Case("1×4, no step", {"W": rng.normal(size=(1, 4)), "v": rng.normal(size=4), "steps": 0}, criterion="start")
    for scale, size in ((50.0, "large"), (1e-3, "small")):
        inputs = {"W": scale * rng.normal(size=(4, 3)), "v": unit(rng.normal(size=3)), "steps": 300}
        yield Case(f"300 steps, {size} entries", inputs, criterion="long")
    for second, share, steps in ((0.995, 1e-2, 300), (0.9985, 1e-2, 900), (0.5, 1e-7, 60)):
        W, v = slow(second, share)
        yield Case(f"{steps} steps from near v₂", {"W": W, "v": v, "steps": steps}, criterion="long")


def _unnormalised(divide: bool):
    def formula(W: np.ndarray, v: np.ndarray, steps: int) -> float:
        for _ in range(steps):
            v = W.T @ (W @ v)
        return float(np.linalg.norm(W @ v) / (np.linalg.norm(v) if divide else 1))

    return formula


def _with_unit(size):
    """With vectors of length 1 in another norm, which ‖Wv‖ at the end is then not divided by."""

    def formula(W: np.ndarray, v: np.ndarray, steps: int) -> float:
        v = v / size(v)
        for _ in range(steps):
            v = W.T @ (W @ v) / size(W.T @ (W @ v))
        return float(np.linalg.norm(W @ v))

    return formula


def _half_step(W: np.ndarray, v: np.ndarray, steps: int) -> float:
    before = iterate(W, v, max(steps - 1, 0))
    return float(np.linalg.norm(W.T @ unit(W @ before) if steps else W @ before))


def _with_w(W: np.ndarray, v: np.ndarray, steps: int) -> float:
    for _ in range(steps):
        v = unit(W @ v)
    return float(np.linalg.norm(W @ v))


WRONG = (
    ("squared", squared(sigma)),
    ("iterates-w", _with_w, lambda W, v, s: _with_w(W, v, 2 * s)),
    ("other-side", lambda W, v, s: sigma(W.T, v, s), lambda W, v, s: np.linalg.norm(W @ iterate(W.T, v, s))),
    ("one-more", lambda W, v, s: sigma(W, v, s + 1)),
    ("one-less", lambda W, v, s: sigma(W, v, max(s - 1, 0))),
    ("half-step", _half_step),
    ("exact", lambda W, v, s: norm(W)),
    ("frobenius", lambda W, v, s: np.linalg.norm(W)),
    ("half-step-more", lambda W, v, s: np.linalg.norm(W.T @ unit(W @ iterate(W, v, s)))),
    ("other-count", lambda W, v, s: sigma(W, v, 2 * s), lambda W, v, s: sigma(W, v, s // 2)),
    ("other-count", *(lambda W, v, s, k=k: sigma(W, v, min(s, k)) for k in (10, 20, 50, 100, 200, 500))),
    ("other-count", *(lambda W, v, s, k=k: sigma(W, v, k) for k in (1, 10, 100))),
    ("other-norm", _with_unit(lambda x: np.abs(x).max()), _with_unit(lambda x: np.abs(x).sum())),
    ("start-ignored", lambda W, v, s: sigma(W, np.ones_like(v), s)),
    ("length-of-step", lambda W, v, s: np.linalg.norm(W.T @ W @ iterate(W, v, s))),
    ("length-of-step", lambda W, v, s: np.linalg.norm(W.T @ W @ iterate(W, v, max(s - 1, 0)))),
    ("start-length", lambda W, v, s: np.linalg.norm(W @ v) if s == 0 else sigma(W, v, s)),
    ("at-least-one", lambda W, v, s: sigma(W, v, max(s, 1))),
    ("never-normalised", _unnormalised(True), _unnormalised(False)),
)
MESSAGES = """
squared: This is vᵀWᵀWv, the estimate of the *eigenvalue* σ². The norm is its square root, ‖Wv‖.
iterates-w: The step applies W twice or alone, not WᵀW. That looks for eigenvalues of W, which need not have anything to
    do with its norm. Apply W, then its transpose.
other-side: This iterates with WWᵀ. A start on the side of the inputs, like this v, takes WᵀW: first W, then Wᵀ.
one-more: This takes one step more than asked for.
one-less: This takes one step less than asked for: is the estimate computed before the last step? It comes after it.
half-step: The estimate uses the u of before the last v: uᵀWv with that u is ‖Wᵀu‖, half a step behind. Compute ‖Wv‖
    with the final v.
exact: This is the exact norm, from an SVD. The estimate after that many steps was asked for: it is smaller.
frobenius: This is the Frobenius norm, an upper bound of what the iteration estimates.
half-step-more: This is ‖Wᵀu‖ with the u of after the last v: half a step more than asked for. Compute ‖Wv‖.
other-count: The number of steps is not `steps`: it is fixed, capped, doubled or halved.
other-norm: v is divided by its largest entry, or by the sum of sizes. Its *Euclidean* length is to be 1.
start-ignored: The start that was given is not used: it begins at (1, …, 1).
length-of-step: This is ‖WᵀWv‖, the length before normalising. It tends to σ², not to σ.
start-length: The start is used as it came. Without a step its length goes straight into ‖Wv‖: normalise it first.
at-least-one: Asked for no step, it takes one. ‖Wv‖ of the normalised start is the answer then.
never-normalised: v is not normalised at each step. Its entries grow or shrink like σ to the power 2k, so that a long
    run ends in inf, 0 or NaN: divide by the norm every time.
"""
PROBLEM = Problem(
    key="ps07.power_iteration",
    title="Power iteration from a given start",
    criteria=(
        Criterion("value", "‖W v‖ after exactly that many steps of v ← WᵀWv/‖WᵀWv‖", 1.5),
        Criterion("shapes", "for matrices that are not square", 0.5),
        Criterion("start", "a start of any length; no step at all", 1),
        Criterion("long", "hundreds of steps neither overflow nor underflow", 1),
    ),
    cases=cases,
    formula=sigma,
    scales=((1e6, "W"), (1e-6, "W"), (1e3, "v"), (1e-9, "v")),
    pure="value",
    package_functions=("wgan_course.norms.power_iteration",),
    misconceptions=explained(WRONG, MESSAGES),
)
