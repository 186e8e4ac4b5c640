"""``residual_block(x, W, b)``: find the bug. An activation in place takes half of the skip path away."""

import numpy as np
from scipy.special import expit, ndtr

from ...formulas import divided, explained, relu, summed
from ...problem import Case, Cases, Criterion, Problem


def cases(rng: np.random.Generator) -> Cases:
    W = np.array([[1.0, 2.0], [0.0, -1.0]])
    yield Case(
        "one sample",
        {"x": np.array([[round(rng.uniform(0.5, 1.5), 3), -3.0]]), "W": W, "b": np.array([0.5, -0.25])},
        criterion="sum",
    )
    for n, d in ((3, 4), (6, 3), (4, 4), (1, 5), (1030, 3), (2, 70)):
        inputs = {"x": rng.normal(size=(n, d)), "W": rng.normal(size=(d, d)), "b": rng.normal(size=d)}
        yield Case(f"{n} samples in dimension {d}", inputs, criterion="sum", atol=1e-6)


def block(x: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """x + W relu(x) + b, row by row."""
    return x + relu(x) @ W.T + b


WRONG = (
    ("in-place", lambda x, W, b: relu(x) + relu(x) @ W.T + b),
    ("no-skip", lambda x, W, b: relu(x) @ W.T + b),
    ("relu-after", lambda x, W, b: x + relu(x @ W.T + b), lambda x, W, b: relu(x + x @ W.T + b)),
    ("relu-of-sum", lambda x, W, b: relu(x + relu(x) @ W.T + b)),
    ("no-relu", lambda x, W, b: x + x @ W.T + b),
    ("transposed", lambda x, W, b: x + relu(x) @ W + b, lambda x, W, b: relu(x) + relu(x) @ W + b),
    ("no-bias", lambda x, W, b: x + relu(x) @ W.T, lambda x, W, b: x + relu(x) @ W.T - b),
    ("halved", divided(block, 2)),
    ("other-activation", lambda x, W, b: x + np.abs(x) @ W.T + b, lambda x, W, b: x + np.minimum(x, 0) @ W.T + b),
    ("other-activation", lambda x, W, b: x + (x > 0) @ W.T + b),
    ("other-activation", *(lambda x, W, b, s=s: x + np.where(x > 0, x, s * x) @ W.T + b for s in (0.01, 0.1, 0.2))),
    ("other-activation", lambda x, W, b: x + x * ndtr(x) @ W.T + b, lambda x, W, b: x + x * expit(x) @ W.T + b),
    ("bias-inside", lambda x, W, b: x + relu(x + b) @ W.T, lambda x, W, b: x + (relu(x) + b) @ W.T),
    ("subtracted", lambda x, W, b: x - relu(x) @ W.T - b, lambda x, W, b: x - (relu(x) @ W.T + b)),
    ("reduced", summed(block), summed(block, 1)),
    ("twice", lambda x, W, b: 2 * x + relu(x) @ W.T + b),
)
MESSAGES = """
in-place: The skip path carries relu(x): every negative entry of x is lost. Add x itself, and where an activation works
    in place (relu_, inplace=True), remember that it changes x.
no-skip: The skip path is missing: this is only W relu(x) + b. Add x.
relu-after: The activation stands behind the matrix. Here it comes first: x + W relu(x) + b.
relu-of-sum: The whole sum goes through the activation. Then the skip path is no identity any more.
no-relu: The activation is missing: x + Wx + b is linear.
transposed: The matrix is transposed. Samples are rows: W acts on each row as x @ W.T.
no-bias: The bias b is missing, or taken off.
halved: The sum is divided by 2. That makes the block 1-Lipschitz for a W of norm 1, but it is another block.
other-activation: This is another activation: the absolute value, the negative part, a leaky or a smooth one. relu(x) =
    max(x, 0).
bias-inside: The bias is added before W. It comes last: x + W relu(x) + b.
subtracted: The block's own part is subtracted. The two paths are added.
reduced: One number (or one per sample) comes back. A block puts out what it takes in: shape (n, d).
twice: The input is added twice: 2x + W relu(x) + b. The skip path carries x once.
"""
PROBLEM = Problem(
    key="ps04.residual_block",
    title="Find the bug: a skip path that loses its half",
    criteria=(
        Criterion("sum", "x + W relu(x) + b, for each row of x", 1.5),
        Criterion("input", "x is afterwards what it was before", 0.5),
    ),
    cases=cases,
    formula=block,
    scales=((1e6, "x W b"), (1e6, "W"), (2.0**-40, "x W b")),
    pure="input",
    misconceptions=explained(WRONG, MESSAGES),
)
