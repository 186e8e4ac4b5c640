"""``largest_step(weight, alternating)``: how large the steps of R1 may be."""

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, constant, divided, explained, given
from ...problem import Case, Cases, Criterion, Outputs, Problem
from ._dirac import STEPS

RTOL = 1e-4  # bisection is a right way to find it


def cases(rng: np.random.Generator) -> Cases:
    for weight in (0.5, float(rng.uniform(0.1, 0.4)), float(rng.uniform(0.65, 0.95))):
        yield _case(weight, False, "weak")
    for weight in (1.25, float(rng.uniform(1.4, 2)), float(rng.uniform(2.5, 4))):
        yield _case(weight, False, "strong")
    for weight, criterion in ((1 - 5e-7, "weak"), (0.9995, "weak"), (1 + 5e-7, "strong"), (1.0005, "strong")):
        yield _case(weight, False, criterion)
    for weight, criterion in ((1.0, "weak"), (0.1, "weak"), (12.0, "strong")):
        yield _case(weight, False, criterion)
    for weight in (0.1, 12.0):
        yield _case(weight, True, "alternating")
    for weight in (0.75, float(rng.uniform(0.1, 0.5)), float(rng.uniform(1.2, 3))):
        yield _case(weight, True, "alternating")


def _case(weight: float, alternating: bool, criterion: str) -> Case:
    name = f"weight {weight:.8g}, {'alternating' if alternating else 'simultaneous'}"
    return Case(name, {"weight": weight, "alternating": alternating}, criterion=criterion, rtol=RTOL)


def largest(weight: float, alternating: bool) -> float:
    """The step size at which the spectral radius reaches 1."""
    if alternating:
        return 4 * (np.sqrt(weight**2 + 1) - weight)
    return 4 * weight if weight <= 1 else 4 * (weight - np.sqrt(weight**2 - 1))


def _simultaneous(formula):
    return lambda w, alt: largest(w, True) if alt else formula(w)


def _alternating(formula):
    return lambda w, alt: formula(w) if alt else largest(w, False)


def _no_root(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether it is the answer of ``sqrt`` to a negative number, or of ``** 0.5``, or of ``math.sqrt``."""
    if seen.status == "ok":
        return any(np.isnan(a).any() for a in seen.outputs.values())
    said = seen.error or ""
    return "math domain" in said or "nonnegative" in said or (seen.status == "unusable" and "complex" in said)


WRONG = (
    ("complex-formula-everywhere", _simultaneous(lambda w: 4 * w), lambda w, alt: 4 * w),
    ("slow-eigenvalue", _simultaneous(lambda w: 4 * w if w <= 1 else 4 * (w + np.sqrt(w**2 - 1)))),
    ("always-simultaneous", given(largest, alternating=False)),
    ("always-alternating", given(largest, alternating=True)),
    ("swapped-ways", lambda w, alt: largest(w, not alt)),
    ("critic-alone", lambda w, alt: 2 / w, _alternating(lambda w: 2 / w), _simultaneous(lambda w: 2 / w)),
    ("wasserstein", lambda w, alternating: largest(w / 2, alternating) / 2, divided(largest, 4)),
    ("half", divided(largest, 2), _simultaneous(lambda w: largest(w, False) / 2)),
    ("fast-formula-everywhere", _simultaneous(lambda w: 4 * (w - np.sqrt(abs(w**2 - 1))))),
    ("flow", constant(np.inf)),
    ("other-root", _alternating(lambda w: -4 * (np.sqrt(w**2 + 1) + w))),
    ("other-root", _alternating(lambda w: 4 * (np.sqrt(w**2 + 1) + w))),
    ("no-root", Detected(_no_root)),
)
MESSAGES = """
complex-formula-everywhere: 4γ is right as long as the eigenvalues are a complex pair, γ ≤ 1. Beyond, they are real, and
    the *faster* one limits the step: 2/|μ|.
slow-eigenvalue: The slower eigenvalue was taken. The faster one, -γ/2 - √(γ²/4 - ¼), is the first to leave the unit
    circle.
always-simultaneous: This is the limit of simultaneous steps although alternating=True.
always-alternating: This is the limit of alternating steps although alternating=False.
swapped-ways: The two ways are swapped: simultaneous and alternating.
critic-alone: 2/γ is the limit of the critic on its own, with θ held fixed. The generator moves too.
wasserstein: This is the limit for the Wasserstein game, where ω = 1. Here ω = ℓ'(0) = ½.
half: A factor 2 is missing: |1 + hμ| < 1 means h < -2 Re μ/|μ|².
fast-formula-everywhere: The formula for real eigenvalues was used where they are complex: γ² - 1 is negative there.
flow: The flow converges for every γ > 0, but steps have a limit.
other-root: The quadratic h² + 8γh - 16 has a positive and a negative root; the limit is the positive one, 4(√(γ² + 1) -
    γ).
no-root: A number under a root is negative (NaN, an error or a complex result): for γ < 1 the eigenvalues are complex,
    and the limit is 4γ.
"""
PROBLEM = Problem(
    key="ps09.largest_step",
    title="The largest step",
    criteria=(
        Criterion("weak", "simultaneous, γ ≤ 1 (a complex pair)", 0.5),
        Criterion("strong", "simultaneous, γ > 1 (real eigenvalues)", 1),
        Criterion("alternating", "alternating", 1),
    ),
    cases=cases,
    formula=largest,
    pure="weak",
    package_functions=STEPS,
    misconceptions=explained(WRONG, MESSAGES),
)
