"""``critical_weight(J)``: the penalty at which a game stops turning."""

import numpy as np

from ...formulas import Detected, constant, explained
from ...problem import Case, Cases, Criterion, Problem


def cases(rng: np.random.Generator) -> Cases:
    for omega in (0.5, float(rng.uniform(1, 3))):
        yield _case(f"a turn of speed {omega:.3g}", omega, omega, 0.0, "turn")
    for k in range(2):
        a, b = rng.uniform(0.3, 0.9), rng.uniform(1.5, 3)
        yield _case(f"unequal players, {k + 1}", *((a, b) if k else (b, a)), 0.0, "unequal")
    yield _case("one player hardly moves", 2.0, 1e-8, 0.0, "unequal")
    for k in range(2):
        a, b = rng.uniform(1.1, 2, size=2)
        yield _case(f"damped already, {k + 1}", a, b, float(rng.uniform(0.3, 0.8)), "damped")
    yield _case("damped already, a fast turn", 40.0, 30.0, 15.0, "damped")


def _case(name: str, a: float, b: float, d: float, criterion: str) -> Case:
    return Case(name, {"J": np.array([[0.0, -a], [b, -d]])}, criterion=criterion)


def _entries(J: np.ndarray) -> tuple[float, float, float]:
    return -J[0, 1], J[1, 0], -J[1, 1]


def weight(J: np.ndarray) -> float:
    """2 sqrt(ab) - d."""
    a, b, d = _entries(J)
    return 2 * np.sqrt(a * b) - d


def _of(formula):
    return lambda J: formula(*_entries(J))


WRONG = (
    ("half", _of(lambda a, b, d: np.sqrt(a * b)), _of(lambda a, b, d: np.sqrt(a * b) - d)),
    ("not-rooted", _of(lambda a, b, d: 4 * a * b), _of(lambda a, b, d: 4 * a * b - d), _of(lambda a, b, d: a * b)),
    ("arithmetic-mean", _of(lambda a, b, d: a + b - d), _of(lambda a, b, d: a + b)),
    ("one-entry", _of(lambda a, b, d: 2 * a - d), _of(lambda a, b, d: 2 * b - d), _of(lambda a, b, d: 2 * a)),
    ("one-entry", _of(lambda a, b, d: 2 * b), _of(lambda a, b, d: 2 * max(a, b) - d)),
    ("one-entry", _of(lambda a, b, d: 2 * min(a, b) - d)),
    ("own-damping-ignored", _of(lambda a, b, d: 2 * np.sqrt(a * b))),
    ("own-damping-added", _of(lambda a, b, d: 2 * np.sqrt(a * b) + d)),
    ("own-damping-factor", _of(lambda a, b, d: 2 * np.sqrt(a * b) - 2 * d)),
    ("own-damping-factor", _of(lambda a, b, d: 2 * np.sqrt(a * b) - d / 2)),
    ("own-damping-factor", _of(lambda a, b, d: 2 * np.sqrt(a * b + d**2 / 4) - d)),
    ("own-damping-factor", _of(lambda a, b, d: np.sqrt(max(4 * a * b - d**2, 0)))),
    ("always-one", constant(1.0)),
    ("rate-not-weight", _of(lambda a, b, d: -np.sqrt(a * b))),
    ("negative", _of(lambda a, b, d: -2 * np.sqrt(a * b) - d), _of(lambda a, b, d: -2 * np.sqrt(a * b) + d)),
    ("no-real-root", Detected(lambda case, seen, expected: any(np.isnan(a).any() for a in seen.outputs.values()))),
)
MESSAGES = """
half: A factor 2 is missing: μ² + (γ + d)μ + ab has a double root at γ + d = 2√(ab).
not-rooted: A root is missing: 4ab (or ab) stands where 2√(ab) belongs. The discriminant (γ + d)² - 4ab has to be 0.
arithmetic-mean: a + b is right for a = b only: the characteristic polynomial contains the *product* ab.
one-entry: Only one of the two entries went in. Both players turn the game: ω² = ab.
own-damping-ignored: The game has a damping d of its own, and γ comes on top of it: γ + d = 2√(ab).
own-damping-added: The game's own damping d (the last entry is -d) *helps*: subtract it.
own-damping-factor: The game's own damping enters as it is: γ + d = 2√(ab).
always-one: γ = 1 is right for the log loss, where ℓ'(0) = ½. Compute it from J.
rate-not-weight: This is the double eigenvalue itself, or its size. The weight γ was asked for.
negative: A sign went astray, of an entry or of the whole: J holds -a and -d, and the weight is 2√(ab) - d ≥ 0.
no-real-root: A root of a negative number: the product of the two entries off the diagonal is negative, -ab.
"""
PROBLEM = Problem(
    key="ps09.critical_weight",
    title="The critical penalty",
    criteria=(
        Criterion("turn", "a pure turn: γ = 2ω", 0.5),
        Criterion("unequal", "players of unequal strength", 1),
        Criterion("damped", "a game that has some damping already", 0.5),
    ),
    cases=cases,
    formula=weight,
    scales=((2e1, "J"), (1e-6, "J")),
    pure="turn",
    package_functions=("wgan_course.dynamics.Variant",),
    misconceptions=explained(WRONG, MESSAGES),
)
