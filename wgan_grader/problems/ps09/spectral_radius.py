"""``spectral_radius(M)``: the number that decides about steps."""

from collections.abc import Callable

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, explained
from ...problem import Case, Cases, Criterion, Formula, Outputs, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield case("complex", "a round", M=[[1.0, -0.2], [0.3, 1.0]])
    a, b = rng.uniform(0.3, 0.9, size=2)
    yield case("complex", "a damped round", M=[[0.9, -a], [2 * b, 0.4]])
    yield case("real", "a large step", M=[[-1.7 - a, 0.4], [0.3 * b, 0.8]])
    yield case("real", "a shear", M=[[0.5, 3.0], [0.0, -0.6 - 0.3 * b]])
    yield case("larger", "3×3", M=rng.normal(size=(3, 3)))
    yield case("larger", "70×70", M=rng.normal(size=(70, 70)))
    yield case("larger", "5×5", M=rng.normal(size=(5, 5)))
    for name, turn, stretch in (("the pair counts", 1.2, 0.9), ("the real one counts", 0.8, 1.1)):
        core = np.array([[0.1, -turn, 0.0], [turn, 0.1, 0.0], [0.0, 0.0, stretch]])
        basis = np.eye(3) + np.triu(rng.uniform(0.3, 0.9, size=(3, 3)), 1)
        yield case("larger", f"a pair and a real one: {name}", M=basis @ core @ np.linalg.inv(basis))
    yield case("real", "a diagonal", M=[[-0.4, 0.0], [0.0, 0.3]])
    yield case("larger", "1×1", M=[[-0.7]])
    yield case("larger", "4×4", M=rng.normal(size=(4, 4)))
    yield case("real", "nilpotent", M=[[0.0, 3.0], [0.0, 0.0]])
    yield case("larger", "nothing but 0", M=np.zeros((3, 3)))


def radius(M: np.ndarray) -> float:
    """Largest modulus of an eigenvalue."""
    return float(np.abs(np.linalg.eigvals(M)).max())


def _of(pick):
    return lambda M: pick(np.linalg.eigvals(M))


def _no_largest(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether the largest modulus belongs to a complex pair, or all eigenvalues are 0."""
    mu = np.linalg.eigvals(case.inputs["M"])
    return bool(np.abs(mu.imag[np.abs(mu).argmax()]) > 0 or np.abs(mu).max() == 0)


def _quotient(M: np.ndarray, x: np.ndarray) -> float:
    return float(abs(x @ M @ x) / (x @ x))


def _growth(M: np.ndarray, x: np.ndarray) -> float:
    return float(np.linalg.norm(M @ x))


def _iterated(rounds: int, read: Callable[[np.ndarray, np.ndarray], float]) -> Formula:
    """A power iteration from (1, …, 1)."""

    def formula(M: np.ndarray) -> float:
        x = np.ones(len(M))
        for _ in range(rounds):
            x = M @ x
            x = x / np.sqrt(x @ x)
        return read(M, x)

    return formula


WRONG = (
    ("spectral-norm", lambda M: np.linalg.norm(M, 2)),
    ("other-norm", np.linalg.norm, lambda M: np.linalg.norm(M, 1), lambda M: np.linalg.norm(M, np.inf)),
    ("real-part", _of(lambda mu: mu.real.max()), _of(lambda mu: np.abs(mu.real.max()))),
    ("size-of-real-part", _of(lambda mu: np.abs(mu.real).max())),
    ("signed", _of(lambda mu: np.abs(mu[mu.real.argmax()])), _of(lambda mu: np.abs(mu[np.abs(mu.real).argmax()]))),
    ("imaginary-part", _of(lambda mu: np.abs(mu.imag).max())),
    ("determinant", lambda M: np.sqrt(np.abs(np.linalg.det(M))), lambda M: np.abs(np.linalg.det(M)) ** (1 / len(M))),
    ("smallest", _of(lambda mu: np.abs(mu).min())),
    ("summed", _of(lambda mu: np.abs(mu).sum()), _of(lambda mu: np.abs(mu).mean())),
    ("symmetric-solver", lambda M: np.abs(np.linalg.eigvalsh(M)).max()),
    ("symmetric-solver", lambda M: np.abs(np.linalg.eigvalsh((M + M.T) / 2)).max()),
    ("squared", _of(lambda mu: (np.abs(mu) ** 2).max())),
    ("trace", np.trace, lambda M: np.abs(np.trace(M)), lambda M: np.abs(np.trace(M)) / 2, lambda M: np.trace(M) / 2),
    (
        "no-largest",
        *(_iterated(rounds, by) for rounds in (10, 20, 50, 100, 200, 500, 1000) for by in (_quotient, _growth)),
    ),
    ("no-largest", Detected(_no_largest, status="ok")),
    ("two-by-two-only", lambda M: radius(M[:2, :2])),
)
MESSAGES = """
spectral-norm: This is the spectral *norm*, the largest singular value: what one step can stretch at most. In the long
    run the eigenvalues decide, and they can be much smaller.
other-norm: This is a norm of the matrix. It bounds the spectral radius from above, no more.
real-part: This is the largest *real part*, or its size. The largest real part decides about a flow. For steps it is the
    modulus |μ|, imaginary part and all.
size-of-real-part: This is the largest size of a *real part*. The modulus |μ| has the imaginary part in it too.
signed: This is the modulus of *one* eigenvalue, picked by its real part (the largest, or the one farthest from 0). Take
    the modulus of each eigenvalue first, and the largest of these.
imaginary-part: This is the largest imaginary part. The modulus has both parts in it.
determinant: The root of |det| is the modulus of a complex pair, but of nothing else: with real eigenvalues it is their
    geometric mean.
smallest: This is the smallest modulus: the direction that dies first. The largest decides.
summed: The moduli were added, or averaged. The largest alone decides.
symmetric-solver: A solver for symmetric matrices (eigvalsh) reads one triangle only, or (M + Mᵀ)/2 was taken. M is not
    symmetric.
squared: This is the largest |μ|². Take the root of it.
trace: This is the trace or half of it, or the size of these. The trace is the *sum* of the eigenvalues.
no-largest: It fails where the largest modulus belongs to a complex pair, or where all eigenvalues are 0: repeated steps
    (a power iteration) come to no end there. Take the modulus of all eigenvalues, then the largest.
two-by-two-only: A formula for 2×2 matrices was applied to the first corner. Use torch.linalg.eigvals, which takes any
    square matrix.
"""
PROBLEM = Problem(
    key="ps09.spectral_radius",
    title="The spectral radius",
    criteria=(
        Criterion("complex", "a complex pair: its modulus", 0.5),
        Criterion("real", "real eigenvalues of both signs, matrices that are not symmetric", 0.5),
        Criterion("larger", "square matrices of any size", 0.5),
    ),
    cases=cases,
    formula=radius,
    scales=((1e6, "M"), (1e-4, "M")),
    pure="complex",
    misconceptions=explained(WRONG, MESSAGES),
)
