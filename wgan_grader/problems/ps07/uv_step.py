"""``uv_step(W, u)``: one step of power iteration in the order of the SN paper."""

import numpy as np

from ...formulas import explained, flipped, given
from ...problem import Case, Cases, Criterion, Problem
from ._linear import unit, uv_steps

NAMES = {"outputs": ["v", "u"], "constants": ["v", "u"]}


def cases(rng: np.random.Generator) -> Cases:
    small = np.array([[1.0, 2.0], [0.0, 1.0]])
    yield Case("2×2", {"W": small, "u": np.array([0.6, 0.8])}, NAMES, criterion="square")
    for size in (3, 5):
        inputs = {"W": rng.normal(size=(size, size)), "u": unit(rng.normal(size=size))}
        yield Case(f"{size}×{size}", inputs, NAMES, criterion="square")
    for shape in ((2, 5), (6, 3), (1, 4), (4, 1), (131, 2), (3, 70)):
        W, u = rng.normal(size=shape), unit(rng.normal(size=shape[0]))
        if 1 in shape:  # the new vector of length 1 is −1: one that is always 1 shows
            u = -u * np.sign(u[0] if len(u) == 1 else W[:, 0] @ u)
        yield Case(f"{shape[0]}×{shape[1]}", {"W": W, "u": u}, NAMES, criterion="rectangular")


def step(W: np.ndarray, u: np.ndarray) -> dict[str, np.ndarray]:
    """Compute v ← Wᵀu, u ← Wv, each normalised."""
    v, u = uv_steps(W, u, 1)
    return {"v": v, "u": u}


def _named(formula):
    """Wrong step from a function that returns v and u."""
    return lambda W, u: dict(zip(("v", "u"), formula(W, u), strict=True))


def _divided_by(size):
    def formula(W: np.ndarray, u: np.ndarray):
        v = W.T @ u / size(W.T @ u)
        return v, W @ v / size(W @ v)

    return _named(formula)


WRONG = (
    ("swapped-roles", _named(lambda W, u: uv_steps(W.T, u, 1))),
    ("returned-order", _named(flipped(given(uv_steps, steps=1)))),
    ("not-normalised", _named(lambda W, u: (W.T @ u, W @ (W.T @ u)))),
    ("not-normalised", _named(lambda W, u: (W.T @ u, unit(W @ W.T @ u)))),
    ("not-normalised", _named(lambda W, u: (unit(W.T @ u), W @ unit(W.T @ u)))),
    ("not-normalised", _named(lambda W, u: (unit(W.T @ u), W @ W.T @ u))),
    ("squared-norm", _divided_by(lambda x: x @ x)),
    ("squared-norm", _named(lambda W, u: (W.T @ u / (W.T @ u @ W.T @ u), unit(W @ W.T @ u)))),
    ("other-norm", _divided_by(lambda x: np.abs(x).max()), _divided_by(lambda x: np.abs(x).sum())),
    ("something-added", *(_divided_by(lambda x, k=k: np.linalg.norm(x) + k) for k in 10.0 ** np.arange(-9, -1))),
    ("u-unchanged", _named(lambda W, u: (uv_steps(W, u, 1)[0], u))),
    ("two-steps", _named(given(uv_steps, steps=2))),
    ("half-step-more", _named(lambda W, u: (uv_steps(W, u, 2)[0], uv_steps(W, u, 1)[1]))),
    ("exact", _named(lambda W, u: (np.linalg.svd(W)[2][0], np.linalg.svd(W)[0][:, 0]))),
    ("exact", _named(lambda W, u: (-np.linalg.svd(W)[2][0], -np.linalg.svd(W)[0][:, 0]))),
)
MESSAGES = """
swapped-roles: u and v have swapped roles: W is applied to u. u lives on the side of the outputs (as many entries as W
    has rows), so it is Wᵀ that can be applied to it. On square matrices nothing complains, and the result is wrong.
returned-order: Both vectors are right, but they come back as (u, v). Return v first.
not-normalised: A vector is not normalised. Both are unit vectors: divide each by its norm, v before it is used.
squared-norm: The vectors are divided by the *squared* norm. Take the root.
other-norm: The vectors are divided by another norm (the largest entry, or the sum of sizes). Use the Euclidean one.
something-added: A constant is added to the norms. To a small W it is not small: the vectors come out shorter than 1.
u-unchanged: u comes back as it went in: its update u ← Wv is missing.
two-steps: This takes two steps; one was asked for.
half-step-more: v was computed again from the new u. In one step each vector is computed once: v from the old u, u from
    v.
exact: These are the singular vectors themselves, from an SVD. One step from the given u was asked for.
"""
PROBLEM = Problem(
    key="ps07.uv_step",
    title="One step in the u, v form",
    criteria=(
        Criterion("square", "v ← Wᵀu/‖Wᵀu‖, then u ← Wv/‖Wv‖; returned as (v, u)", 1),
        Criterion("rectangular", "for matrices that are not square", 1),
    ),
    cases=cases,
    formula=step,
    scales=((1e6, "W"), (1e-6, "W")),
    pure="square",
    package_functions=("wgan_course.norms.power_iteration",),
    misconceptions=explained(WRONG, MESSAGES),
)
