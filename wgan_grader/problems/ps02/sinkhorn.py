"""``sinkhorn(cost, a, b, epsilon, rounds)``: the coupling after so many rounds, in the log domain."""

import numpy as np

from ...formulas import Detected, explained, given
from ...problem import Case, Cases, Criterion, Problem
from ._transport import distances, weights


def cases(rng: np.random.Generator) -> Cases:
    small = {"cost": np.array([[0.0, 1.0], [2.0, 0.5]]), "a": np.array([0.3, 0.7]), "b": np.array([0.6, 0.4])}
    yield Case("two and two", small | {"epsilon": 0.5, "rounds": 200}, criterion="value")
    yield Case("three and four", _random(rng, 3, 4) | {"epsilon": 0.8, "rounds": 300}, criterion="value")
    slow = {"cost": 1 - np.eye(2), "a": np.array([0.505, 0.495]), "b": np.array([0.5, 0.5])}
    yield Case("slow", slow | {"epsilon": 0.1, "rounds": 250}, criterion="value")
    yield Case("one round", _random(rng, 4, 3) | {"epsilon": 0.4, "rounds": 1}, criterion="rounds")
    alone = {"cost": np.array([[1.0, 3.0, 0.5]]), "a": np.ones(1), "b": np.array([0.2, 0.3, 0.5])}
    yield Case("one source", alone | {"epsilon": 0.5, "rounds": 1}, criterion="rounds")
    yield Case("two rounds", _random(rng, 3, 5) | {"epsilon": 0.3, "rounds": 2}, criterion="rounds")
    yield Case("thirty and 26", _random(rng, 30, 26) | {"epsilon": 0.3, "rounds": 2}, criterion="rounds")
    yield Case("130 and 70", _random(rng, 130, 70) | {"epsilon": 0.3, "rounds": 2}, criterion="rounds", atol=1e-9)
    yield Case("three and five anew", _random(rng, 3, 5) | {"epsilon": 0.3, "rounds": 2}, criterion="rounds")
    tiny = {"cost": np.array([[1.0, 3.0], [4.0, 1.5]]), "a": np.array([0.5, 0.5]), "b": np.array([0.25, 0.75])}
    yield Case("tiny ε, two and two", tiny | {"epsilon": 1e-3, "rounds": 30}, criterion="small")
    light = {"cost": np.array([[30.0, 1.0], [1.0, 40.0]]), "a": np.array([1e-7, 1 - 1e-7])}
    light |= {"b": np.array([1 - 1e-7, 1e-7]), "epsilon": 1.0, "rounds": 1}
    yield Case("masses of 1e-7, each other's only near ones", light, criterion="rounds", rtol=3e-5, atol=1e-14)
    far = _random(rng, 4, 5)
    yield Case(
        "costs in the thousands", far | {"cost": 1e3 * far["cost"], "epsilon": 0.5, "rounds": 40}, criterion="small"
    )


def _random(rng: np.random.Generator, n: int, m: int) -> dict[str, np.ndarray]:
    cost = distances(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + 1.0)
    return {"cost": cost, "a": weights(rng, n), "b": weights(rng, m)}


def soft(cost: np.ndarray, potential: np.ndarray, log_weights: np.ndarray, eps: float) -> np.ndarray:
    """Soft c-transform of a potential on the columns, shape (n,)."""
    terms = log_weights + (potential - cost) / eps
    top = terms.max(1, keepdims=True)
    return -eps * (top[:, 0] + np.log(np.exp(terms - top).sum(1)))


def coupling(cost: np.ndarray, a: np.ndarray, b: np.ndarray, eps: float, rounds: int, start=None) -> np.ndarray:
    """Rows, then columns, `rounds` times, from ψ = 0."""
    psi = np.zeros(len(b)) if start is None else start
    phi = np.zeros(len(a))
    for _ in range(rounds):
        phi = soft(cost, psi, np.log(b), eps)
        psi = soft(cost.T, phi, np.log(a), eps)
    return a[:, None] * b * np.exp((phi[:, None] + psi - cost) / eps)


def _rows_only(cost, a, b, eps, rounds):
    phi = soft(cost, np.zeros(len(b)), np.log(b), eps)
    return a[:, None] * b * np.exp((phi[:, None] - cost) / eps)


def _rows_last(cost, a, b, eps, rounds):
    table = coupling(cost, a, b, eps, rounds)
    return table * (a / table.sum(1))[:, None]


def _uniform(cost, a, b, eps, rounds):
    return coupling(cost, np.full(len(a), 1 / len(a)), np.full(len(b), 1 / len(b)), eps, rounds)


def _without_masses(cost, a, b, eps, rounds, inside=False):
    """The masses left out of the sums, or (`inside`) there, and left out of the plan."""
    one = np.zeros(len(a)), np.zeros(len(b))
    in_sums = (np.log(a), np.log(b)) if inside else one
    phi, psi = np.zeros(len(a)), np.zeros(len(b))
    for _ in range(rounds):
        phi = soft(cost, psi, in_sums[1], eps)
        psi = soft(cost.T, phi, in_sums[0], eps)
    table = np.exp((phi[:, None] + psi - cost) / eps)
    return table if inside else a[:, None] * b * table


def _other(cost, a, b, eps, rounds, at_once=False, scale=True, sign=-1.0):
    """Both potentials from the old ones, without the factor ε in front of the logarithm, or without its minus."""
    phi, psi = np.zeros(len(a)), np.zeros(len(b))
    size = -sign / (1 if scale else eps)
    for _ in range(rounds):
        before, phi = phi, size * soft(cost, psi, np.log(b), eps)
        psi = size * soft(cost.T, before if at_once else phi, np.log(a), eps)
    return a[:, None] * b * np.exp((phi[:, None] + psi - cost) / eps)


def _kernel(cost, a, b, eps, rounds, guard=0.0):
    k, v = np.exp(-cost / eps), b
    for _ in range(rounds):
        u = a / (k @ v + guard)
        v = b / (k.T @ u + guard)
    return u[:, None] * k * v


WRONG = (
    ("unstable", _kernel, Detected(lambda case, seen, _: not np.isfinite(seen.outputs["value"]).all(), "small", "ok")),
    ("guarded", *(lambda *a, e=10.0**-k: _kernel(*a, guard=e) for k in (5, 6, 8, 9, 10, 12, 15, 16, 20, 30, 100, 300))),
    ("guarded", Detected(lambda case, seen, _: 1e-4 < abs(seen.outputs["value"].sum() - 1) < np.inf, "small", "ok")),
    ("columns-first", lambda cost, a, b, eps, rounds: coupling(cost.T, b, a, eps, rounds).T),
    ("rows-last", _rows_last),
    ("start-at-ones", lambda cost, a, b, eps, rounds: coupling(cost, a, b, eps, rounds, start=-eps * np.log(b))),
    ("one-round-off", lambda c, a, b, e, r: coupling(c, a, b, e, r + 1)),
    ("one-round-off", lambda c, a, b, e, r: coupling(c, a, b, e, r - 1)),
    ("rounds-ignored", *(lambda c, a, b, e, r, k=k: coupling(c, a, b, e, min(r, k)) for k in (1, 5, 10, 20, 50, 100))),
    ("rounds-ignored", *(lambda c, a, b, e, r, k=k: coupling(c, a, b, e, k) for k in (10, 20, 50, 100, 200))),
    ("at-once", given(_other, at_once=True)),
    ("unscaled", given(_other, scale=False)),
    ("plus", given(_other, sign=1.0)),
    ("not-balanced", lambda c, a, b, e, r: a[:, None] * b),
    ("rows-only", _rows_only),
    ("uniform-weights", _uniform),
    ("sums-without-masses", _without_masses, given(_without_masses, inside=True)),
    ("no-epsilon", given(coupling, eps=1.0), lambda c, a, b, e, r: coupling(c, a, b, 1 / e, r)),
    ("sign", lambda c, a, b, e, r: coupling(-c, a, b, e, r)),
    ("rescaled-cost", lambda c, a, b, e, r: coupling(c / c.max(), a, b, e, r)),
    ("rescaled-cost", lambda c, a, b, e, r: coupling(c / c.mean(), a, b, e, r)),
    ("rescaled-cost", lambda c, a, b, e, r: coupling(c**2, a, b, e, r)),
    ("the-cost", lambda c, a, b, e, r: (coupling(c, a, b, e, r) * c).sum()),
    ("the-cost", Detected(lambda case, seen, expected: seen.status == "ok" and seen.outputs["value"].size == 1)),
)
MESSAGES = """
unstable: NaN or infinite for small ε: exp(−c/ε) underflows to 0 and something is divided by it. Keep φ and ψ, and sum
    with torch.logsumexp.
guarded: For small ε the entries do not sum to 1: a small constant in a denominator (or a clamp) hides a division by 0,
    or rows and columns were not balanced in turn, each with the other's new potential. Use torch.logsumexp, and add
    nothing.
columns-first: The columns are balanced before the rows. A round is: φ from ψ (rows), then ψ from φ (columns).
rows-last: The rows are balanced once more at the end. After a round the *columns* are exact, the rows not quite.
start-at-ones: It starts from v = 1, as tutorials with the matrix exp(−c/ε) do. In the course's form, π = a exp((φ + ψ −
    c)/ε) b, the start is ψ = 0, which means v = b.
one-round-off: One round too many, or one too few.
rounds-ignored: The number of rounds is fixed, or capped at some number.
at-once: Both potentials are made of the old ones. A round takes them in turn: φ from ψ, then ψ from the *new* φ.
unscaled: The factor ε in front of the logarithm is missing: φ = −ε log(…).
plus: The minus in front of the logarithm is missing: φ = −ε log(…).
not-balanced: This is the table of a_i b_j, the plan that sends everything everywhere. The cost plays no part in it.
rows-only: Only the rows are balanced. One half of a round makes the rows sum to a, the other half the columns to b.
uniform-weights: The weights a and b are not used: all points have the same mass here.
sums-without-masses: The masses a and b stand in the sums and in the plan, π = a exp((φ + ψ − c)/ε) b; in one of the two
    they are missing.
no-epsilon: ε does not act: the exponent is −c (or −c·ε) in place of −c/ε.
sign: The exponent is +c/ε, so mass prefers the *dearest* routes. It is −c/ε.
rescaled-cost: The cost is divided by its largest entry (or its mean), which changes ε. Take the cost as it is.
the-cost: A single number comes back. The coupling was asked for: the table π.
"""
PROBLEM = Problem(
    key="ps02.sinkhorn",
    title="Sinkhorn that survives",
    criteria=(
        Criterion("value", "the entropic coupling, after many rounds", 1),
        Criterion("rounds", "after one or two rounds: rows first, then columns, from ψ = 0", 1),
        Criterion("small", "stays right where exp(−c/ε) is 0 on the computer", 2),
    ),
    cases=cases,
    formula=coupling,
    scales=((2.0**-40, "cost epsilon"),),
    pure="value",
    package_functions=("wgan_course.transport.sinkhorn",),
    misconceptions=explained(WRONG, MESSAGES),
)
