"""``penalty_field(theta, psi, weight, target, one_sided)``: gradient penalties on the Wasserstein game."""

import numpy as np

from ...formulas import Detected, explained, flipped
from ...problem import Case, Cases, Criterion, Problem
from ._dirac import GAME, pair

NAMES = {"outputs": ["theta", "psi"]}


def cases(rng: np.random.Generator) -> Cases:
    yield _case("one state", np.array([0.5]), np.array([2.0]), 3.0, 1.2, False, "two")
    psi = rng.uniform(0.2, 2, size=6) * np.array([1, -1, 1, -1, 1, -1])
    yield _case("both signs", rng.normal(size=6), psi, 1.7, 0.9, False, "two")
    yield _case("forty states", rng.normal(size=40), rng.normal(size=40), 1.7, 0.9, False, "two")
    yield _case("1300 states", rng.normal(size=1300), rng.normal(size=1300), 0.03, 0.9, False, "two")
    yield _case("1200 states, one-sided", rng.normal(size=1200), rng.normal(size=1200), 0.3, 0.9, True, "one")
    psi = np.array([0.4, -0.4, 1.5, -1.5]) * rng.uniform(0.9, 1.1, size=4)
    yield _case("below and above", rng.normal(size=4), psi, 2.3, 0.8, True, "one")
    yield _case("all below", rng.normal(size=3), np.array([0.3, -0.2, 0.6]), 1.3, 0.8, True, "one")
    yield _case("slope 0", np.array([0.7, -1.1]), np.array([0.0, 0.0]), 1.5, 0.6, False, "zero")
    yield _case("slope 0, one-sided", np.array([-0.4, 2.0]), np.array([0.0, 0.0]), 1.5, 0.6, True, "zero")
    small = np.array([0.02, -1e-3, 1e-9, -1e-14])
    yield _case("slopes near 0", np.array([0.3, -0.8, 0.5, 1.1]), small, 1.5, 0.6, False, "zero")
    for one_sided in (False, True):
        psi, weight = np.array([0.0, rng.uniform(-2, 2), 0.0]), float(rng.uniform(0.5, 3))
        name = f"slope 0 beside another{', one-sided' if one_sided else ''}"
        yield _case(name, rng.normal(size=3), psi, weight, 0.6, one_sided, "zero")
    yield _case("a steep target", np.array([0.0, -2.0, 0.0]), np.array([0.4, -3.0, 9.0]), 2.0, 7.0, False, "two")
    for one_sided, criterion in ((False, "two"), (True, "one")):
        name = f"target 0{', one-sided' if one_sided else ''}"
        yield _case(name, np.array([0.5, -2.0]), np.array([0.4, -3.0]), 2.0, 0.0, one_sided, criterion)
    yield _case("no penalty", np.array([0.5, -2.0]), np.array([0.4, -3.0]), 0.0, 1.0, False, "two")
    yield _case("a heavy penalty", np.array([0.5, -2.0]), np.array([0.4, -3.0]), 4e3, 1.0, False, "two")


def _case(name: str, theta, psi, weight: float, target: float, one_sided: bool, criterion: str) -> Case:
    inputs = {"theta": theta, "psi": psi, "weight": weight, "target": target, "one_sided": one_sided}
    return Case(name, inputs, NAMES, criterion=criterion)


def field(theta, psi, weight: float, target: float, one_sided: bool):
    """(-psi, theta - weight (|psi| - target) sign psi), cut off below the target when one-sided."""
    return -psi, theta - weight * _excess(psi, target, one_sided) * np.sign(psi)


def _excess(psi: np.ndarray, target: float, one_sided: bool) -> np.ndarray:
    excess = np.abs(psi) - target
    return np.maximum(excess, 0) if one_sided else excess


def _force(force):
    return pair(lambda t, p, w, g, one: (-p, t - force(p, w, g, one)))


def _signed(p):
    return np.where(p >= 0, 1.0, -1.0)


def _cut(values: np.ndarray, one: bool) -> np.ndarray:
    return np.maximum(values, 0) if one else values


def _signed_excess(p: np.ndarray, target: float) -> np.ndarray:
    return (np.abs(p) - target) * np.sign(p)


def _length(p: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sum(p**2))


WRONG = (
    ("no-sign", _force(lambda p, w, g, one: w * _excess(p, g, one))),
    ("no-modulus", _force(lambda p, w, g, one: w * _cut(p - g, one))),
    ("no-modulus", _force(lambda p, w, g, one: w * _cut(p - g, one) * np.sign(p))),
    ("factor", _force(lambda p, w, g, one: 2 * w * _excess(p, g, one) * np.sign(p))),
    ("factor", _force(lambda p, w, g, one: w / 2 * _excess(p, g, one) * np.sign(p))),
    ("penalty-sign", _force(lambda p, w, g, one: -w * _excess(p, g, one) * np.sign(p))),
    ("value", _force(lambda p, w, g, one: w * _excess(p, g, one) ** 2 / 2)),
    ("value", _force(lambda p, w, g, one: w * _excess(p, g, one) ** 2)),
    ("zero-centred", _force(lambda p, w, g, one: w * p)),
    ("no-penalty", _force(lambda p, w, g, one: 0 * p)),
    ("squared-norm", _force(lambda p, w, g, one: w * _cut(p**2 - g, one) * np.sign(p))),
    ("squared-norm", _force(lambda p, w, g, one: 2 * w * _cut(p**2 - g, one) * p)),
    ("squared-norm", _force(lambda p, w, g, one: 2 * w * _cut(p**2 - g**2, one) * p)),
    ("always-two-sided", _force(lambda p, w, g, one: w * _excess(p, g, False) * np.sign(p))),
    ("always-one-sided", _force(lambda p, w, g, one: w * _excess(p, g, True) * np.sign(p))),
    (
        "wrong-side",
        _force(lambda p, w, g, one: w * np.sign(p) * (np.minimum(np.abs(p) - g, 0) if one else np.abs(p) - g)),
    ),
    ("kinds-exchanged", _force(lambda p, w, g, one: w * np.sign(p) * _excess(p, g, not one))),
    ("cuts-everything", _force(lambda p, w, g, one: w * _cut((np.abs(p) - g) * np.sign(p), one))),
    ("cuts-everything", pair(lambda t, p, w, g, one: (-p, _cut(t - w * (np.abs(p) - g) * np.sign(p), one)))),
    ("critic-descends", pair(lambda t, p, w, g, one: (-p, field(t, p, w, g, one)[1] - 2 * t))),
    ("whole-batch", _force(lambda p, w, g, one: w * _cut(_length(p) - g, one) * np.sign(p))),
    ("whole-batch", _force(lambda p, w, g, one: w * _cut(_length(p) - g, one) * p / _length(p))),
    ("whole-batch", _force(lambda p, w, g, one: w * _cut(np.abs(p).mean() - g, one) * np.sign(p))),
    ("all-or-none", _force(lambda p, w, g, one: w * (not one or (np.abs(p) > g).any()) * _signed_excess(p, g))),
    ("all-or-none", _force(lambda p, w, g, one: w * (not one or (np.abs(p) > g).all()) * _signed_excess(p, g))),
    ("generator-climbs", pair(lambda t, p, w, g, one: (p, field(t, p, w, g, one)[1]))),
    ("order", pair(flipped(field))),
    ("sign-at-zero", _force(lambda p, w, g, one: w * _excess(p, g, one) * _signed(p))),
    ("sign-at-zero", _force(lambda p, w, g, one: w * _excess(p, g, one) * -_signed(-p))),
    ("divides-by-zero", Detected(lambda case, seen, expected: any(np.isnan(a).any() for a in seen.outputs.values()))),
)
MESSAGES = """
no-sign: The sign of ψ is missing. The penalty λ(|ψ| - g₀)²/2 has the derivative λ(|ψ| - g₀) sign ψ: a slope of -3 is
    pushed *up*.
no-modulus: The slope stands without its modulus: -2 is then as far from the target 1 as +4. The norm of the gradient is
    |ψ|.
factor: The penalty here is λ(|ψ| - g₀)²/2, with the ½: its derivative has the factor λ, not 2λ and not λ/2.
penalty-sign: The penalty drives |ψ| *away* from the target. ψ climbs the game minus the penalty.
value: The penalty itself, a square, was subtracted. The field has its derivative.
zero-centred: The target is ignored: this penalty is centred at 0 (a good idea, but another method).
no-penalty: The penalty is missing: this is the field of the bare Wasserstein game.
squared-norm: The *squared* slope was compared with the target. The penalty is (|ψ| - g₀)²/2.
always-two-sided: With one_sided=True slopes below the target must feel nothing: max(|ψ| - g₀, 0).
always-one-sided: With one_sided=False slopes below the target are pushed up to it; only the one-sided penalty lets them
    be.
wrong-side: The wrong side was cut off: the one-sided penalty charges slopes *above* the target.
kinds-exchanged: The two kinds are exchanged: what one_sided=True asks for comes with False, and the other way round.
cuts-everything: max(…, 0) goes around the excess |ψ| - g₀ alone. You cut off the signed force or the whole velocity.
critic-descends: The game's part of ψ's velocity has the wrong sign: ψ climbs ψθ, so it moves along +θ.
whole-batch: The slopes of a batch are put together, to one length or one mean. Each state is a game of its own, with
    its own |ψ|.
all-or-none: One-sided, the force acts on all states of a batch or on none. Each state is a game of its own: max(|ψ| -
    g₀, 0), entry by entry.
generator-climbs: The generator's sign is the wrong way round: θ descends ψθ, so it moves along -ψ.
order: Both are right, but they come back as (ψ, θ). Return θ's first.
sign-at-zero: At ψ = 0 the sign was taken for ±1. The text sets sign 0 = 0 (torch.sign does): no force there.
divides-by-zero: At ψ = 0, ψ/|ψ| is 0/0. Use torch.sign, which gives 0 there.
"""
PROBLEM = Problem(
    key="ps09.penalty_field",
    title="Gradient penalties on the Wasserstein game",
    criteria=(
        Criterion("two", "two-sided: the force on ψ is -λ(|ψ| - g₀) sign ψ, for slopes of both signs", 1),
        Criterion("one", "one-sided: no force while |ψ| ≤ g₀", 0.5),
        Criterion("zero", "at ψ = 0, with sign 0 = 0: no force", 0.5),
    ),
    cases=cases,
    formula=pair(field),
    scales=((1e6, "theta psi target"), (1e-6, "theta psi target")),
    pure="two",
    package_functions=GAME,
    misconceptions=explained(WRONG, MESSAGES),
)
