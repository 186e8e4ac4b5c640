"""``induced_norm(W, p)``: the largest stretch of a matrix in the norms 1 and ∞."""

import numpy as np

from ...formulas import averaged, explained, smallest
from ...problem import Case, Cases, Criterion, Problem


def cases(rng: np.random.Generator) -> Cases:
    given = {
        "two by two": np.array([[1.0, -2.0], [3.0, 4.0]]),
        "wide": np.array([[0.5, -1.0, 2.0], [-3.0, 0.25, 1.0]]),
        "four by thirty": np.where(rng.random((4, 30)) < 0.5, -1.0, 1.0) * rng.uniform(0.5, 1.0, (4, 30)),
        "random, tall": rng.normal(size=(6, 2)),
        "one row": np.array([[2.0, -3.0, 0.5]]),
        "one column": np.array([[2.0], [-3.0], [0.5]]),
        "1030 by 70": rng.normal(size=(1030, 70)),
        "70 by 1030": rng.normal(size=(70, 1030)),
        "random, wide": rng.normal(size=(3, 7)),
    }
    # Not the object math.inf: who asks `p is math.inf` is right about that one alone.
    for p, criterion in ((1.0, "columns"), (float("inf"), "rows")):
        for name, W in given.items():
            yield Case(f"{name}, p = {p:g}", {"W": W, "p": p}, criterion=criterion)


def induced(W: np.ndarray, p: float) -> float:
    """Largest column sum of |W| for p = 1, largest row sum for p = ∞."""
    return np.abs(W).sum(0 if p == 1 else 1).max()


def _sums(W: np.ndarray, p: float) -> np.ndarray:
    return np.abs(W).sum(0 if p == 1 else 1)


def _of_one_axis(axis: int):
    return lambda W, p: np.abs(W).sum(axis).max()


WRONG = (
    ("swapped", lambda W, p: induced(W.T, p)),
    ("one-axis", _of_one_axis(0), _of_one_axis(1)),
    ("signed", lambda W, p: W.sum(0 if p == 1 else 1).max(), lambda W, p: np.abs(W.sum(0 if p == 1 else 1)).max()),
    ("entrywise", lambda W, p: np.abs(W).sum() if p == 1 else np.abs(W).max()),
    ("smallest", smallest(_sums)),
    ("mean", averaged(_sums), lambda W, p: np.abs(W).mean(0 if p == 1 else 1).max(), lambda W, p: np.abs(W).mean()),
    ("spectral", lambda W, p: np.linalg.norm(W, 2)),
    ("frobenius", lambda W, p: np.linalg.norm(W), lambda W, p: np.linalg.norm(W) ** 2),
    ("euclidean-sums", lambda W, p: np.linalg.norm(W, axis=0 if p == 1 else 1).max()),
    ("euclidean-sums", lambda W, p: np.linalg.norm(W, axis=1 if p == 1 else 0).max()),
    ("all-sums", _sums, lambda W, p: _sums(W.T, p)),
    ("largest-entry", lambda W, p: np.abs(W).max()),
    ("largest-entry", lambda W, p: np.abs(W).max(0).sum() if p == 1 else np.abs(W).max(1).sum()),
    ("largest-entry", lambda W, p: np.abs(W).max(1).sum() if p == 1 else np.abs(W).max(0).sum()),
)
MESSAGES = """
swapped: Rows and columns are exchanged. For p = 1 put a unit vector e_j in: out comes *column* j, and its 1-norm is the
    column's sum.
one-axis: p makes no difference here: the same sums are taken for both norms. (`p is math.inf` asks for one object;
    compare numbers with ==.)
signed: Entries of opposite sign cancel: the absolute value comes *before* the sum. The worst input has the signs that
    make all terms add up.
entrywise: The matrix is treated as one long vector: its vector 1-norm, or its largest entry. An induced norm says by
    how much W stretches an input.
smallest: This is the smallest of the sums. The *most* that W stretches is asked for: the largest.
mean: The sums are averaged (or the entries were). The norm is a maximum over inputs.
spectral: This is the spectral norm, the stretch in the *Euclidean* norm, whatever p is.
frobenius: This is the Frobenius norm, or its square. It is no induced norm: the identity has √n, and it stretches
    nothing.
euclidean-sums: The rows or columns are measured by their Euclidean length. Sum the absolute values.
all-sums: All the sums come back. Return one number, the largest.
largest-entry: This is the largest maximum or sum of maxima, not a sum of absolute values along one row or column.
"""
PROBLEM = Problem(
    key="ps04.induced_norm",
    title="Two induced norms",
    criteria=(
        Criterion("columns", "p = 1: the largest stretch in ‖·‖₁", 1),
        Criterion("rows", "p = ∞: the largest stretch in ‖·‖∞", 1),
    ),
    cases=cases,
    formula=induced,
    scales=((1e6, "W"), (2.0**-40, "W")),
    pure="columns",
    package_functions=("wgan_course.norms.induced_norm",),
    stand_in="wgan_course.norms.induced_norm",
    single=("W",),
    misconceptions=explained(WRONG, MESSAGES),
)
