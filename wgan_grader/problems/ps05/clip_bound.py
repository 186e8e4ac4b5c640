"""``clip_bound(widths, c)``: the Lipschitz bound of a critic whose weights are clipped."""

from itertools import pairwise
from math import prod, sqrt

import numpy as np

from ...formulas import composed, constant, explained
from ...problem import Case, Cases, Criterion, Problem
from ._networks import LIMIT


def cases(rng: np.random.Generator) -> Cases:
    yield _case([4, 1], 0.5, "one")
    yield _case([9, 1], 0.01, "one")
    yield _case([int(rng.integers(10, 90)), int(rng.integers(2, 9))], round(float(rng.uniform(0.05, 0.4)), 3), "one")
    yield _case([2, 64, 1], 0.1, "several")
    widths = [int(w) for w in rng.integers(3, 40, 4)]
    yield _case([*widths, 1], round(float(rng.uniform(0.05, 0.4)), 3), "several")
    yield _case([5, 3, 7, 2], 0.7, "several")
    yield _case([2, *[64] * 12, 1], 0.01, "deep")
    yield _case([2, 8, 8, 8, 1], 1e-4, "deep")
    yield _case([900, *[1000] * 14, 1], 1.0, "deep")  # beyond float32, and its whole numbers beyond 64 bits
    yield _case([1, 1, 1], 0.5, "several")
    yield _case([3, 1, 40, 1, 2], 1, "several")
    yield _case([6, *[7] * 18, 30], 0.3, "deep")
    yield _case([1] * 20, 0.02, "deep")
    yield _case([784, 512, 256, 128, 1], 0.001, "deep")
    yield _case([2, *map(int, rng.integers(100, 300, 9)), 1], round(float(rng.uniform(0.005, 0.02)), 4), "deep")


def _case(widths: list[int], c: float, criterion: str) -> Case:
    return Case("–".join(map(str, widths)), {"widths": widths, "c": c}, criterion=criterion, atol=0.0)


def bound(widths, c: float) -> float:
    """Product over the matrices of c times the root of their number of entries."""
    return prod(c * sqrt(a * b) for a, b in pairwise(widths))


def _over(factor, combine=prod):
    """Something other than the right factor for each matrix."""
    return lambda widths, c: combine([factor(a, b, c) for a, b in pairwise(widths)])


WRONG = (
    ("no-root", _over(lambda a, b, c: c * a * b), _over(lambda a, b, c: c**2 * a * b)),
    ("inputs-only", _over(lambda a, b, c: c * sqrt(a)), _over(lambda a, b, c: c * sqrt(b))),
    ("inputs-only", _over(lambda a, b, c: c * a), _over(lambda a, b, c: c * b)),
    ("sum", _over(lambda a, b, c: c * sqrt(a * b), sum)),
    ("c-once", lambda w, c: c * prod(sqrt(a * b) for a, b in pairwise(w))),
    ("last-missing", lambda w, c: bound(w[:-1], c), lambda w, c: bound(w[1:], c), lambda w, c: bound(w, c) / c),
    ("one-too-many", lambda w, c: bound(w, c) * c),
    ("biases", _over(lambda a, b, c: c * sqrt(a * b + b)), _over(lambda a, b, c: c * sqrt((a + 1) * (b + 1)))),
    ("largest", _over(lambda a, b, c: c * sqrt(a * b), max), _over(lambda a, b, c: c * sqrt(a * b), min)),
    ("random", _over(lambda a, b, c: c * (sqrt(a) + sqrt(b))), _over(lambda a, b, c: c * sqrt(max(a, b)))),
    ("random", _over(lambda a, b, c: c * sqrt(min(a, b)))),
    ("added-widths", _over(lambda a, b, c: c * sqrt(a + b))),
    ("widths-once", lambda w, c: c ** (len(w) - 1) * sqrt(prod(w)), lambda w, c: c ** (len(w) - 1) * prod(w)),
    ("rounded", composed(round, bound), lambda w, c: round(bound(w, c), 2), constant(0.0)),
    ("per-layer", lambda w, c: np.array([c * sqrt(a * b) for a, b in pairwise(w)])),
)
MESSAGES = """
no-root: The root is missing: ‖W‖_F is the *root* of a sum of squares, at most c√(mn).
inputs-only: Each factor counts the inputs (or the outputs) of a matrix only. A single row has norm c√n; a matrix has
    several rows, and its norm can be c√(mn).
sum: The bounds of the layers are added. Layers come one after the other: multiply.
c-once: c occurs once. *Every* matrix is clipped, so every factor has its c: c to the power of the number of matrices.
last-missing: A layer is missing, or its c: there is one matrix more than there are hidden layers.
one-too-many: There is one factor c too many: critics have one matrix *between* two widths, so one less than widths.
biases: The biases are counted as weights. A shift changes no slope.
largest: Only the layer with the largest (or the smallest) bound counts here. In a chain all of them do.
random: This is of the size of the *typical* norm of a random matrix with entries of size c. The bound has to hold for
    all, also for the matrix of all c's.
added-widths: Under each root stands the sum of the two widths. A matrix has as many entries as their *product*.
widths-once: Each width is counted once. An inner width belongs to two matrices, and stands under two roots.
rounded: The bound is rounded, or was taken for zero. Give it as it is, however small.
per-layer: The factors come back. Return their product.
"""
PROBLEM = Problem(
    key="ps05.clip_bound",
    title="What a clip bounds",
    criteria=(
        Criterion("one", "a single matrix: c times the root of its number of entries", 0.5),
        Criterion("several", "several: the product over the matrices", 1),
        Criterion("deep", "deep and wide critics, where the bound is tiny or huge", 0.5),
    ),
    cases=cases,
    formula=bound,
    observe="wgan_course.check.observers.ps05.call",
    limit=LIMIT,
    misconceptions=explained(WRONG, MESSAGES),
)
