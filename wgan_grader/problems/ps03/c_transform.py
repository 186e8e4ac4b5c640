"""``c_transform(phi, cost)``: the best partner of a potential."""

import numpy as np

from ...formulas import explained, negated, positive_part
from ...problem import Case, Cases, Criterion, Problem
from ._geometry import random_cost


def cases(rng: np.random.Generator) -> Cases:
    small = np.array([[1.0, 4.0, 2.0], [3.0, 1.5, 2.5]])
    yield Case("two by three", {"phi": np.array([0.5, 1.0]), "cost": small}, criterion="value")
    for n, m in ((5, 3), (4, 9), (30, 26)):
        yield Case(f"{n} by {m}", {"phi": rng.normal(size=n), "cost": random_cost(rng, n, m)}, criterion="value")
    discounts = {"phi": np.array([-1.0, -2.0]), "cost": np.array([[0.5, 3.0, 0.0], [1.0, 0.25, 4.0]])}
    yield Case("discounts only", discounts, criterion="value")
    inputs = {"phi": np.array([0.0, 12.0]), "cost": np.array([[1.0, 0.5, 16.0], [15.0, 2.0, 30.0]])}
    yield Case("a free mine, and a dear one", inputs, criterion="value")
    far = {"phi": 1e6 + np.array([0.58, 0.02]), "cost": 1e6 + np.array([[0.31, 1.23, 0.77], [0.94, 0.15, 1.4]])}
    yield Case("costs and prices far from 0", far, criterion="value")
    inputs = {"phi": rng.normal(size=1030), "cost": random_cost(rng, 1030, 70)}
    yield Case("1030 by 70", inputs, criterion="value")
    for n in (3, 6):
        yield Case(f"{n} by {n}", {"phi": 2 * rng.normal(size=n), "cost": random_cost(rng, n, n)}, criterion="square")


def transform(phi: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Smallest cost minus price, for each column."""
    return (cost - phi[:, None]).min(0)


def _soft(eps: float):
    return lambda phi, cost: -eps * np.logaddexp.reduce(-(cost - phi[:, None]) / eps, axis=0)


WRONG = (
    ("plus", lambda phi, cost: (cost + phi[:, None]).min(0)),
    ("maximum", lambda phi, cost: (cost - phi[:, None]).max(0), lambda phi, cost: (phi[:, None] - cost).min(0)),
    ("negated", negated(transform)),
    ("wrong-axis", lambda phi, cost: (cost - phi[:, None]).min(1), lambda phi, cost: (cost.T - phi[:, None]).min(0)),
    ("broadcast", lambda phi, cost: (cost - phi).min(0), lambda phi, cost: (cost - phi).min(1)),
    ("separate", lambda phi, cost: cost.min(0) - phi.max(), lambda phi, cost: cost.min(0) - phi[cost.argmin(0)]),
    ("average", lambda phi, cost: (cost - phi[:, None]).mean(0)),
    ("average", lambda phi, cost: np.median(cost - phi[:, None], axis=0)),
    ("clamped", positive_part(transform)),
    ("index", lambda phi, cost: (cost - phi[:, None]).argmin(0)),
    ("single-precision", lambda phi, cost: transform(phi.astype(np.float32), cost.astype(np.float32))),
    ("soft", *(_soft(eps) for eps in (1.0, 0.5, 0.1, 0.05, 0.01))),
)
MESSAGES = """
plus: φ is added. What she can still charge at the shop is the cost *minus* what she charged at the mine.
maximum: A maximum was taken: at that price some route is too dear. All inequalities must hold, so the smallest decides.
negated: This is −φᶜ = max(φ − c), the critic f. It is the right function; the potential is its negative.
wrong-axis: The minimum runs over the shops: one number for each *mine* comes out. φᶜ lives on the shops.
broadcast: cost − phi subtracts φ along the columns: without [:, None] the price of mine j goes to shop j. In a square
    table no error tells you.
separate: The cheapest cost is looked for by itself, and a price (of that mine, or the highest) is taken off afterwards.
    Another mine may be the one that decides: minimise the difference.
average: A mean, or a median, over the mines was taken. Such a price is too dear for some mine, so the pair is not
    admissible.
clamped: Negative values are cut off at 0. A potential may be negative: a discount.
index: This is the number of the mine that decides, not the value there: min, not argmin.
single-precision: Costs and prices were rounded to float32, which keeps about one decimal of numbers near 10⁶: where
    both are large, their difference is lost. Leave them in float64, as they came.
soft: A soft minimum (log-sum-exp) comes near and is always a little smaller. That belongs to Sinkhorn; here take the
    minimum itself.
"""
PROBLEM = Problem(
    key="ps03.c_transform",
    title="The c-transform",
    criteria=(
        Criterion("value", "for each shop, the least of cᵢⱼ − φᵢ over the mines", 1),
        Criterion("square", "the minimum runs over the mines, in a square table too", 1),
    ),
    cases=cases,
    formula=transform,
    scales=((2e1, "phi cost"), (1e6, "phi cost"), (2.0**-40, "phi cost")),
    pure="value",
    package_functions=("wgan_course.transport.c_transform",),
    stand_in="wgan_course.transport.c_transform",
    single=("phi cost",),
    misconceptions=explained(WRONG, MESSAGES),
)
