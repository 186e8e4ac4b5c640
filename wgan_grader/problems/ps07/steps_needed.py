"""``steps_needed(singular_values, tangent, error)``: how many steps the bound promises to be enough."""

import math

import numpy as np

from ...formulas import composed, constant, explained, shifted
from ...problem import Case, Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield _case("two values", [2.0, 1.0], 3.0, 1e-3, "value")
    yield _case("a small gap", [1.0, 0.97, 0.5], 5.0, 1e-4, "value")
    yield _case("two steps, and exactly enough", [2.0, 1.0], 1.0, 2.0**-8, "value")
    yield _case("one step, and exactly enough", [2.0, 1.0], 1.0, 2.0**-4, "value")
    yield _case("nearly enough", [2.0, 1.0], 2.0**0.001, 2.0**-8, "value")
    yield _case("thousands of steps", [0.3, 1.0, 0.9995], 5.0, 1e-6, "value")
    yield _case("tens of thousands of steps", [1.0, 0.9999], 5.0, 1e-4, "value")
    values = np.sort(rng.uniform(0.5, 3, 6))[::-1]
    values[0] = 1.1 * values[1]
    yield _case("six values", values, float(rng.uniform(2, 20)), 1e-5, "value")
    yield _case("in any order", rng.permutation(values), float(rng.uniform(2, 20)), 1e-3, "order")
    yield _case("smallest first", values[::-1], float(rng.uniform(2, 20)), 1e-4, "order")
    yield _case("a tie", [3.0, 3.0, 2.0], 4.0, 1e-3, "tie")
    tied = np.append(values, values[0])
    yield _case("a tie among seven", rng.permutation(tied), float(rng.uniform(2, 20)), 1e-3, "tie")
    yield _case("a tie, largest first", np.sort(tied)[::-1], float(rng.uniform(2, 20)), 1e-4, "tie")
    close = np.array([1.0, 0.3, 1 - 4e-6])  # no tie, but within a tolerance of 1e-5
    yield _case("nearly a tie", close, _tangent(close, 1e-3, 2.7), 1e-3, "tie")
    yield _case("a tiny tangent", [2.0, 1.0], 2e-4, 1e-9, "value")
    yield _case("a triple tie", [2.0, 2.0, 2.0, 1.8, 0.3], 9.0, 1e-4, "tie")
    yield _case("good enough already", [2.0, 1.5, 1.0], 0.01, 1e-2, "enough")
    yield _case("exactly good enough", [4.0, 2.0], 1.0, 1.0, "enough")
    yield _case("far better than asked", [5.0, 1.0], 1e-6, 1e-2, "enough")
    yield _case("just good enough", values, _tangent(values, 1e-3, -0.3), 1e-3, "enough")
    for name, most in (("not quite good enough", 1), ("nearly good enough", 4)):
        yield _case(name, values, _tangent(values, 1e-3, rng.integers(1, most + 1) - 0.3), 1e-3, "enough")
    yield _case("an error above 1", [2.0, 1.8], 5.0, 3.0, "value")


def _case(name: str, values, tangent: float, error: float, criterion: str) -> Case:
    return case(criterion, name, singular_values=np.array(values, dtype=float), tangent=tangent, error=error)


def _tangent(values: np.ndarray, error: float, steps: float) -> float:
    """Start from which the bound says so many steps."""
    return math.sqrt(error / ratio(values) ** (4 * steps))


def ratio(values: np.ndarray) -> float:
    """Largest value below the top one, over the top one."""
    return float(values[values < values.max()].max() / values.max())


def exact(values: np.ndarray, tangent: float, error: float, rate: float = 4, power: float = 2) -> float:
    """Solution of ratio^(rate·k) tangent^power = error."""
    return math.log(tangent**power / error) / (-rate * math.log(ratio(values)))


def needed(values: np.ndarray, tangent: float, error: float) -> int:
    """Least integer k ≥ 0 with (σ'/σ₁)^{4k} tan² ≤ error."""
    return max(0, math.ceil(exact(values, tangent, error)))


def _with(rate: float, power: float):
    return lambda s, t, e: max(0, math.ceil(exact(s, t, e, rate, power)))


def _of(quotient):
    def formula(values: np.ndarray, tangent: float, error: float) -> float:
        slope = -4 * np.log(np.float64(quotient(values)))
        return max(0.0, float(np.ceil(np.log(tangent**2 / error) / slope))) if slope else np.inf

    return formula


WRONG = (
    ("plain-rate", _with(1, 2), _with(1, 1)),
    ("vector-rate", _with(2, 2)),
    ("tangent-not-squared", _with(4, 1)),
    ("root-of-the-bound", _with(2, 1)),
    ("fourth-power-of-rho", _with(8, 2), _with(8, 1)),
    ("floor", lambda s, t, e: max(0, math.floor(exact(s, t, e))), lambda s, t, e: max(0, round(exact(s, t, e)))),
    ("strict", lambda s, t, e: max(0, math.floor(exact(s, t, e)) + 1)),
    ("not-whole", exact, lambda s, t, e: max(0.0, exact(s, t, e))),
    ("one-more", shifted(needed, 1)),
    ("assumes-sorted", _of(lambda s: s[1] / s[0]), _of(lambda s: s[-2] / s[-1])),
    ("smallest", _of(lambda s: s.min() / s.max()), _of(lambda s: s[-1] / s[0])),
    ("tie-never", lambda s, t, e: np.inf if np.sort(s)[-2] == s.max() else needed(s, t, e), constant(-1)),
    ("tie-never", constant(np.nan), constant(np.inf)),
    ("tie-at-once", lambda s, t, e: 0 if np.sort(s)[-2] == s.max() else needed(s, t, e)),
    ("negative", composed(math.ceil, exact)),
    ("at-least-one", lambda s, t, e: max(1, needed(s, t, e))),
)
MESSAGES = """
plain-rate: This takes σ₂/σ₁ as the rate. A step applies WᵀW, so the *vector* gains (σ₂/σ₁)², and the error of the
    *value* is the square of that: (σ₂/σ₁)⁴.
vector-rate: This takes (σ₂/σ₁)², the rate of the vector. The error of the value falls with its square, (σ₂/σ₁)⁴ a step.
tangent-not-squared: The tangent enters the bound squared: tan²θ₀.
root-of-the-bound: This compares the *root* of the bound, (σ'/σ₁)^(2k) tan θ₀, with the error (or the bound with the
    error's square). The bound itself is to be at most the error.
fourth-power-of-rho: The exponent is too large: ρ = (σ₂/σ₁)² already holds a square, and the bound is ρ^(2k).
floor: The number is rounded down (or to the nearest): after that many steps the bound is not yet small enough. Round
    up.
strict: Where the bound is exactly the error, that is enough: at most, ≤, not <. Rounding down and adding 1 goes one
    step too far there; ceil does not.
not-whole: Steps are whole numbers: round up.
one-more: This is one step more than the least number.
assumes-sorted: Two entries at one end of the list are taken for σ₁ and σ₂. The singular values come in any order: sort
    them.
smallest: The quotient is that of the smallest to the largest singular value. The slowest part to die is the *second*
    largest.
tie-never: With a tie it answers that no number of steps is enough (or an error comes of log 1 = 0). A tie does not slow
    the value down: use the first singular value below the top one.
tie-at-once: With a tie it answers 0. Only when *all* singular values agree is every start right at once.
negative: Where the start is good enough already the formula is negative. No number of steps is: return 0.
at-least-one: Where the start is good enough already, no step is needed: return 0.
"""
PROBLEM = Problem(
    key="ps07.steps_needed",
    title="How many steps are enough",
    criteria=(
        Criterion("value", "the least k with (σ₂/σ₁)^(4k) tan²θ₀ ≤ error", 1),
        Criterion("order", "singular values in any order", 0.5),
        Criterion("tie", "with a tie at the top, the first value *below* it sets the rate", 1),
        Criterion("enough", "0 where the start is good enough, and only there", 0.5),
    ),
    cases=cases,
    formula=needed,
    scales=((1e6, "singular_values"), (1e-9, "singular_values"), (1e-6, "error")),
    pure="value",
    misconceptions=explained(WRONG, MESSAGES),
)
