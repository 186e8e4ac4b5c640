"""``eigenvalues(J)``: both eigenvalues of a real 2×2 matrix, as real and imaginary parts."""

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, explained
from ...problem import Case, Cases, Criterion, Outputs, Problem, case, close
from ._dirac import GAME
from ._dirac import eigenvalues as both

ATOL = 1e-5
HALF = 2e-3  # a general solver is right to half the digits at a double eigenvalue: in float32 to three


def cases(rng: np.random.Generator) -> Cases:
    yield case("complex", "a turn", J=[[0.0, -0.5], [0.5, 0.0]], atol=ATOL)
    a, b, c = rng.uniform(0.5, 1.5, size=3)
    yield case("complex", "a damped turn", J=[[-0.3, -a], [b, -0.3 - 0.4 * c]], atol=ATOL)
    yield case("complex", "a growing turn", J=[[0.2, 2 * b], [-a, 0.1 + 0.3 * c]], atol=ATOL)
    yield case("complex", "a weakly damped turn", J=[[-0.005, -0.5], [0.5, 0.0]], atol=ATOL)
    yield case("complex", "a fast damped turn", J=[[-30.0, -200.0], [300.0, -60.0]], atol=1e-3)
    yield case("real", "overdamped", J=[[0.0, -0.5], [0.5, -1.0 - a]], atol=ATOL)
    yield case("real", "both signs", J=[[0.3, 1.0 + a], [0.5 + b, -c]], atol=ATOL)
    yield case(
        "real", "the larger one below", J=[[-1.0 - a, 0.3], [0.2, 0.5 + b]], atol=ATOL
    )  # most solvers give it last
    yield case("double", "critical", J=[[0.0, -0.5], [0.5, -1.0]], atol=HALF)
    yield case("double", "nothing but 0", J=np.zeros((2, 2)), atol=HALF)
    yield case("real", "a triangle", J=[[0.5, 3.0 * b], [0.0, -1.0 - c]], atol=ATOL)
    yield case("real", "a diagonal", J=[[-2.0, 0.0], [0.0, -0.5]], atol=ATOL)
    for k in range(2):
        yield case("double", f"drawn, {k + 1}", J=_double(rng), atol=HALF)


def _double(rng: np.random.Generator) -> np.ndarray:
    """Matrix with a double eigenvalue, of entries so short that no rounding divides it into two."""
    middle, half = rng.choice([-1, 1], size=2) * rng.integers(1, 13, size=2) / 8
    stretch = rng.choice([-2.0, -1.0, 1.0, 2.0])
    return np.array([[middle + half, stretch * half], [-half / stretch, middle - half]])


def parts(values: np.ndarray) -> np.ndarray:
    """One row each: real part, imaginary part."""
    return np.stack([np.real(values), np.imag(values)], axis=-1)


def formula(J: np.ndarray) -> np.ndarray:
    """Rows (real, imaginary), the larger real part first, then the larger imaginary part."""
    return parts(both(J))


def _from(trace, det):
    def wrong(J: np.ndarray) -> np.ndarray:
        T, D = trace(J), det(J)
        root = np.sqrt(complex(T * T / 4 - D))
        return parts(np.array([T / 2 + root, T / 2 - root]))

    return wrong


def _roots(centre, square):
    def wrong(J: np.ndarray) -> np.ndarray:
        T, D = np.trace(J), np.linalg.det(J)
        root = np.sqrt(complex(square(T, D)))
        return parts(np.array([centre(T) + root, centre(T) - root]))

    return wrong


def _layout(change):
    return lambda J: change(formula(J))


def _exchanged(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether both rows are right, and stand in each other's place."""
    rows, right = seen.outputs["value"], expected["value"]
    return not close(rows, right, case) and close(rows[::-1], right, case)


WRONG = (
    ("order", Detected(_exchanged, status="ok")),
    ("layout", _layout(lambda rows: rows.T), _layout(lambda rows: rows[:, ::-1])),
    ("absolute", _layout(np.abs)),
    ("imaginary-dropped", _layout(lambda rows: rows * np.array([1, 0]))),
    ("symmetric-solver", lambda J: parts(np.linalg.eigvalsh(J)[::-1].astype(complex))),
    ("symmetric-part", lambda J: parts(np.linalg.eigvalsh((J + J.T) / 2)[::-1].astype(complex))),
    ("trace-not-halved", _roots(lambda T: T, lambda T, D: T * T / 4 - D)),
    ("trace-not-halved", _roots(lambda T: T, lambda T, D: T * T - 4 * D)),
    ("trace-not-halved", _roots(lambda T: T / 2, lambda T, D: T * T - 4 * D)),
    ("trace-sign", _roots(lambda T: -T / 2, lambda T, D: T * T / 4 - D)),
    ("discriminant-sign", _roots(lambda T: T / 2, lambda T, D: T * T / 4 + D)),
    ("determinant", _from(np.trace, lambda J: J[0, 0] * J[1, 1] + J[0, 1] * J[1, 0])),
    ("zero-corner", lambda J: formula(J * [[0, 1], [1, 1]]), lambda J: formula(J * [[1, 1], [1, 0]])),
    ("modulus-of-discriminant", _roots(lambda T: T / 2, lambda T, D: abs(T * T / 4 - D))),
    ("no-complex", Detected(lambda case, seen, expected: any(np.isnan(a).any() for a in seen.outputs.values()))),
    ("modulus-and-phase", lambda J: np.stack([np.abs(both(J)), np.angle(both(J))], axis=-1)),
    ("singular-values", lambda J: parts(np.linalg.svd(J)[1].astype(complex))),
)
MESSAGES = """
order: The eigenvalues are right, in the wrong order: the larger real part first, and of a complex pair the one with the
    positive imaginary part.
layout: The numbers are right, in the wrong places: one row for each eigenvalue, its real part first.
absolute: Signs are lost: these are the sizes of the real and of the imaginary parts.
imaginary-dropped: The imaginary parts are lost. Those are what turns the game.
symmetric-solver: A solver for *symmetric* matrices (eigvalsh) reads one triangle only. The Jacobian of a game is not
    symmetric: use eigvals, or the formula.
symmetric-part: These are the eigenvalues of (J + Jᵀ)/2. The antisymmetric part is what turns.
trace-not-halved: The roots of μ² - Tμ + Δ are T/2 ± √(T²/4 - Δ): halve the trace, and all under the root goes with it.
trace-sign: The characteristic polynomial is μ² - Tμ + Δ, with a minus at the trace.
discriminant-sign: Under the root stands T²/4 - Δ: the determinant comes with a minus.
determinant: The determinant of [[a, b], [c, d]] is ad − bc; here the two products are added.
zero-corner: One corner of J is taken as 0. It is in many of the games here, not in all: T and Δ need all four entries.
modulus-of-discriminant: Where T²/4 - Δ is negative the root is imaginary. You took the root of its size, and made real
    numbers of it.
no-complex: A negative number under the root gives NaN with real numbers. It means a complex pair: the root of its size
    is the imaginary part.
modulus-and-phase: These are modulus and angle. Real and imaginary part were asked for.
singular-values: These are singular values: lengths, never negative and never complex.
"""
PROBLEM = Problem(
    key="ps09.eigenvalues",
    title="Eigenvalues of a 2×2 matrix",
    criteria=(
        Criterion("complex", "a complex pair, as rows (real part, imaginary part)", 1),
        Criterion("real", "two real eigenvalues, the larger first", 0.5),
        Criterion("double", "a double eigenvalue", 0.5),
    ),
    cases=cases,
    formula=formula,
    scales=((1e6, "J"), (1e-6, "J")),
    pure="complex",
    package_functions=GAME,
    misconceptions=explained(WRONG, MESSAGES),
)
