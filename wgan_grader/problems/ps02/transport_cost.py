"""``transport_cost(coupling, cost)``: the bill of a plan."""

import numpy as np

from ...formulas import explained
from ...problem import Cases, Criterion, Problem, case
from ._transport import weights


def cases(rng: np.random.Generator) -> Cases:
    yield case("value", "warehouses and shops", coupling=[[0.5, 0.0], [0.0, 0.5]], cost=[[2.0, 3.0], [1.0, 2.0]])
    yield case("value", "uneven", coupling=[[0.1, 0.5], [0.3, 0.1]], cost=[[1.0, 4.0], [2.0, 5.0]])
    for n, m in ((3, 5), (6, 2), (30, 26)):
        table = weights(rng, n * m).reshape(n, m) * (rng.uniform(size=(n, m)) < 0.7)
        yield case("value", f"{n} sources, {m} targets", coupling=table / table.sum(), cost=rng.uniform(0.5, 3, (n, m)))
    yield case("value", "one source", coupling=[[0.2, 0.3, 0.5]], cost=[[4.0, 1.0, 2.0]])
    yield case("value", "nearly all on one route", coupling=[[0.9, 0.0], [0.04, 0.06]], cost=[[4.0, 1.0], [2.0, 3.0]])
    table = weights(rng, 1030 * 70).reshape(1030, 70)
    yield case("value", "1030 sources, 70 targets", coupling=table, cost=rng.uniform(0.5, 3, (1030, 70)))
    little = 1e-14
    yield case(
        "value", "little on a dear route", coupling=[[little, 0.5], [0.5 - little, 0.0]], cost=[[1e14, 1.0], [2.0, 3.0]]
    )
    dear = [[1.0, 1e6, 1e6], [1e6, 2.0, 3.0]]
    yield case("value", "dear routes that nobody takes", coupling=[[0.5, 0.0, 0.0], [0.0, 0.25, 0.25]], cost=dear)


def bill(coupling: np.ndarray, cost: np.ndarray) -> float:
    """Mass times distance, added up."""
    return float((coupling * cost).sum())


WRONG = (
    ("mean", lambda p, c: (p * c).mean()),
    ("matrix-product", lambda p, c: (p @ c.T).sum(), lambda p, c: (p.T @ c).sum(), lambda p, c: (p @ c).sum()),
    ("matrix-product", lambda p, c: np.trace(p @ c)),
    ("unweighted", lambda p, c: c[p > 0].sum(), lambda p, c: c[p > 0].mean(), lambda p, c: c.sum()),
    ("unweighted", lambda p, c: c.mean()),
    ("longest-trip", lambda p, c: (p * c).max(), lambda p, c: c[p > 0].max()),
    ("largest-share", lambda p, c: sum(p[i].sum() * c[i, p[i].argmax()] for i in range(len(p)))),
    ("largest-share", lambda p, c: c[np.arange(len(p)), p.argmax(1)].mean()),
    ("largest-share", lambda p, c: sum(p[i].max() * c[i, p[i].argmax()] for i in range(len(p)))),
    ("diagonal", lambda p, c: np.trace(p * c), lambda p, c: sum(p[i, i] * c[i, i] for i in range(min(p.shape)))),
    ("transposed", lambda p, c: (p.T.reshape(p.shape) * c).sum(), lambda p, c: (p * c.T.reshape(c.shape)).sum()),
    ("transposed", lambda p, c: (p.T * c).sum(), lambda p, c: ((p.T if len(p) == p.shape[1] else p) * c).sum()),
    ("marginals-only", lambda p, c: p.sum(1) @ c @ p.sum(0)),
    ("shares-of-a-source", lambda p, c: (p / p.sum(1, keepdims=True) * c).sum()),
    ("by-row", lambda p, c: (p * c).sum(1), lambda p, c: (p * c).sum(0), lambda p, c: p * c),
    ("squared", lambda p, c: (p * c**2).sum(), lambda p, c: np.sqrt((p * c**2).sum()), lambda p, c: (p**2 * c).sum()),
    ("squared", lambda p, c: np.linalg.norm(p * c)),
    ("rescaled", lambda p, c: bill(p, c) / len(p), lambda p, c: bill(p, c) / p.shape[1]),
)
MESSAGES = """
mean: This is the mean over the table's entries. The masses are the weights already: add up mass × cost.
matrix-product: This uses the matrix product. Each mass multiplies the cost of *its own* route: entry by entry, *, not
    @.
unweighted: The costs themselves are added or averaged, whatever the mass that travels on the routes. Multiply by the
    mass.
longest-trip: This is the cost of one route, the dearest. The bill adds up all of them.
largest-share: Each source is taken to go to one target, its largest share. Plans may divide: count every entry.
diagonal: Only the routes from i to i are counted. The mass off the diagonal has to be paid for as well.
transposed: The plan, or the cost, is transposed: each mass meets the cost of another route.
marginals-only: The plan is forgotten but for its row and column sums, as if every source sent the same mixture.
shares-of-a-source: Each row is divided by its sum first, so that all sources weigh alike. The entries are the masses.
by-row: A cost for each source, target or route comes back. Add them up: the bill is one number.
squared: Costs (or masses) are squared on the way. The bill is linear in both.
rescaled: The bill is divided by the number of sources or targets. The masses add up to 1 already.
"""
PROBLEM = Problem(
    key="ps02.transport_cost",
    title="What a plan costs",
    criteria=(Criterion("value", "mass times distance, added up over all routes", 1),),
    cases=cases,
    formula=bill,
    scales=((1e6, "cost"), (2.0**-40, "cost")),
    pure="value",
    misconceptions=explained(WRONG, MESSAGES),
)
