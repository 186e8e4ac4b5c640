"""``jacobian(theta, psi, weight)``: the Jacobian of the R1 field at any state."""

import numpy as np

from ...formulas import constant, explained, flipped, given, scaled, transposed
from ...problem import Cases, Criterion, Problem, case
from ._dirac import GAME, slope
from .r1_field import field


def cases(rng: np.random.Generator) -> Cases:
    for weight in (0.0, 1.4, round(float(rng.uniform(0.3, 2)), 4)):
        yield case("origin", f"(0, 0), weight {weight:g}", theta=0.0, psi=0.0, weight=weight)
    yield case("anywhere", "(1, 2), no penalty", theta=1.0, psi=2.0, weight=0.0)
    for theta, psi in ((0.0, 3.0), (2.0, 0.0)):
        yield case("anywhere", f"on an axis, ({theta:g}, {psi:g})", theta=theta, psi=psi, weight=0.5)
    yield case("anywhere", "whole numbers", theta=1, psi=-2, weight=1)
    for theta, psi in ((8.0, 0.1), (0.05, -12.0), (9.5, 10.0), (-9.5, 10.0)):
        yield case("anywhere", f"far out, ({theta:g}, {psi:g})", theta=theta, psi=psi, weight=0.6)
    for theta, psi, weight in ((3.0, 2.2, 60.0), (-2.5, 2.6, 0.02), (-1.7, -2.3, 0.6)):
        yield case("anywhere", f"farther out, ({theta:g}, {psi:g})", theta=theta, psi=psi, weight=weight)
    for theta, atol in ((4.0, 1e-10), (-4.0, 3e-6)):  # in float32 1 − s has few digits
        name = f"without penalty, ψθ = {3.5 * theta:g}"
        yield case("anywhere", name, theta=theta, psi=3.5, weight=0.0, atol=atol)
    for k in range(3):
        theta, psi = rng.uniform(0.4, 1.6, size=2) * rng.choice([-1, 1], size=2)
        yield case(
            "anywhere", f"a state, {k + 1}", theta=float(theta), psi=float(psi), weight=float(rng.uniform(0.3, 2))
        )


def matrix(theta: float, psi: float, weight: float, first=None, second=None, product: float = 1.0) -> np.ndarray:
    """Rows: derivatives of the velocities of theta and psi."""
    s = slope(psi * theta)
    first = s if first is None else first
    second = -s * (1 - s) if second is None else second
    cross = first + product * psi * theta * second
    return np.array([[-(psi**2) * second, -cross], [cross, theta**2 * second - weight]])


def _with_second(second):
    return lambda t, p, w: matrix(t, p, w, second=second(slope(p * t)))


def _quotient(h: float, sides: tuple[float, float]):
    """Difference quotients of the field with this step, over the states shifted by these multiples of it."""

    def formula(t: float, p: float, w: float) -> np.ndarray:
        columns = [
            [np.array(field(np.asarray(t + side * h * i), np.asarray(p + side * h * j), w)) for side in sides]
            for i, j in ((1, 0), (0, 1))
        ]
        return np.stack([(b - a) / (h * (sides[1] - sides[0])) for a, b in columns], 1)

    return formula


def _penalty(entries):
    return lambda t, p, w: matrix(t, p, 0.0) + w * np.array(entries)


WRONG = (
    ("transposed", transposed(matrix)),
    ("hessian", scaled(matrix, np.array([[-1], [1]])), scaled(matrix, np.array([[1], [-1]]))),
    ("hessian", lambda t, p, w: matrix(t, p, 0.0) * np.array([[-1], [1]]) + w * np.array([[0, 0], [0, 1]])),
    ("rows-swapped", flipped(matrix)),
    ("at-the-origin", given(matrix, theta=0.0, psi=0.0)),
    ("no-second-derivative", given(matrix, second=0.0)),
    ("no-product-rule", given(matrix, product=0.0), lambda t, p, w: matrix(t, p, w) - matrix(t, p, 0.0, second=0.0)),
    ("quotient", *(_quotient(h, sides) for h in (0.1, 0.01, 1e-3, 1e-4) for sides in ((0, 1), (-1, 0)))),
    ("quotient", *(_quotient(h, (-1, 1)) for h in (0.1, 0.01, 1e-3))),  # a finer one is right
    ("second-sign", _with_second(lambda s: s * (1 - s))),
    ("second-derivative", _with_second(constant(-0.25)), _with_second(lambda s: -s), _with_second(lambda s: -(s**2))),
    ("second-derivative", _with_second(lambda s: s * (1 - s) * (1 - 2 * s))),
    ("derivative", lambda t, p, w: matrix(-t, p, w) * np.array([[1, 1], [1, 1]])),
    ("derivative", lambda t, p, w: matrix(t, p, w, slope(-p * t), slope(-p * t) * (1 - slope(-p * t)))),
    ("wasserstein", given(matrix, first=1.0, second=0.0)),
    ("penalty-sign", _penalty([[0, 0], [0, 1]])),
    ("penalty-place", _penalty([[-1, 0], [0, 0]]), _penalty([[-1, 0], [0, -1]]), _penalty([[0, 0], [-1, 0]])),
    ("penalty-place", _penalty([[0, -1], [0, 0]])),
    ("penalty-missing", given(matrix, weight=0.0), lambda t, p, w: matrix(t, p, w * p)),
    ("penalty-factor", lambda t, p, w: matrix(t, p, 2 * w), lambda t, p, w: matrix(t, p, w / 2)),
    (
        "diagonal",
        lambda t, p, w: (
            matrix(t, p, w) + (p**2 - t**2) * slope(p * t) * (slope(p * t) - 1) * np.array([[1, 0], [0, 1]])
        ),
    ),
)
MESSAGES = """
transposed: The matrix is transposed. Rows: which velocity; columns: with respect to what. The entry in row 1, column 2
    is the derivative of θ's velocity with respect to ψ.
hessian: This is (up to sign) the Hessian of the game, which is symmetric. The two players move in opposite senses: θ
    descends, so the first row has the other sign.
rows-swapped: The rows are swapped: the velocity of θ comes first.
at-the-origin: This is the Jacobian at (0, 0), whatever the state.
no-second-derivative: The factor ℓ'(ψθ) depends on the state too: the product rule brings in ℓ''.
no-product-rule: Off the diagonal a term is missing: the derivative of ψ ℓ'(ψθ) in ψ is ℓ' + ψθ ℓ''.
quotient: This is a difference quotient: its error depends on the step. Differentiate by hand, or by autograd.
second-sign: The sign of ℓ'' is wrong. ℓ' = 1/(1 + exp(t)) falls, so ℓ'' = -ℓ'(1 - ℓ').
second-derivative: ℓ'' is not right. With s = ℓ'(t), ℓ'' = -s(1 - s), at t = ψθ: -1/4 only at 0.
derivative: ℓ' is 1/(1 + exp(t)) and not 1/(1 + exp(-t)). At 0 one cannot see the difference.
wasserstein: The loss is missing: with ℓ' = 1 and ℓ'' = 0 this is the Wasserstein game.
penalty-sign: The penalty's entry is -γ: it damps.
penalty-place: The penalty's force -γψ is a part of ψ's velocity and depends on ψ: it belongs to the last corner alone.
penalty-missing: The penalty is missing, or enters with its force -γψ in place of the derivative -γ.
penalty-factor: The penalty is γψ²/2: its entry is -γ, no factor 2 and no ½.
diagonal: The diagonal is mixed up: ψ² belongs to θ's own entry and θ² to ψ's.
"""
PROBLEM = Problem(
    key="ps09.jacobian",
    title="The Jacobian of the R1 field",
    criteria=(
        Criterion("origin", "at (0, 0): the turn, and -γ in the last corner", 1),
        Criterion("anywhere", "at any other state", 2),
    ),
    cases=cases,
    formula=matrix,
    package_functions=GAME,
    misconceptions=explained(WRONG, MESSAGES),
)
