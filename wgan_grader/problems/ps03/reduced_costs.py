"""``reduced_costs(phi, psi, cost)``: the slack of every route."""

import numpy as np

from ...formulas import absolute, explained, negated, positive_part, smallest, summed, transposed
from ...problem import Case, Cases, Criterion, Problem, case
from ._geometry import random_cost


def cases(rng: np.random.Generator) -> Cases:
    yield case("value", "two by three", phi=[1.0, 0.0], psi=[0.5, -1.0, 2.0], cost=[[2.0, 1.0, 4.0], [1.5, 3.0, 2.5]])
    yield _admissible(rng, 4, 3, "value")
    yield _admissible(rng, 30, 26, "value")
    yield _admissible(rng, 3, 3, "square")
    yield _admissible(rng, 5, 5, "square")
    hardly = [[0.5 + 1e-4, 1.0 - 3e-4], [1.5 + 4e-7, 2.0 - 5e-7]]
    yield case("value", "hardly any slack", phi=[0.0, 1.0], psi=[0.5, 1.0], cost=hardly, atol=1e-9)
    yield _admissible(rng, 1030, 70, "value")
    yield case("sign", "far too dear", phi=[40.0, 1.0], psi=[3.0, 70.0], cost=[[5.0, 2.0], [0.0, 9.0]])
    yield _dear(rng, 3, 4)
    yield _dear(rng, 4, 2)


def _admissible(rng: np.random.Generator, n: int, m: int, criterion: str) -> Case:
    cost, phi = random_cost(rng, n, m) + 1, rng.normal(size=n)
    psi = (cost - phi[:, None]).min(0) - rng.uniform(0.1, 0.5, m)
    return case(criterion, f"{n} by {m}", phi=phi, psi=psi, cost=cost)


def _dear(rng: np.random.Generator, n: int, m: int) -> Case:
    """Prices that are too high on some routes and not on others."""
    phi, psi = rng.normal(size=n), rng.normal(size=m)
    slack = rng.uniform(0.2, 1.0, (n, m)) * np.where((np.arange(n)[:, None] + np.arange(m)) % 2, 1, -1)
    return case("sign", f"too dear, {n} by {m}", phi=phi, psi=psi, cost=phi[:, None] + psi + slack)


def slack(phi: np.ndarray, psi: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Cost minus both prices, route by route."""
    return cost - phi[:, None] - psi


WRONG = (
    ("violation", negated(slack)),
    ("critic-sign", lambda phi, psi, cost: cost - phi[:, None] + psi, lambda phi, psi, cost: cost + phi[:, None] - psi),
    ("axes", lambda phi, psi, cost: cost - phi - psi[:, None]),
    ("both-along-columns", lambda phi, psi, cost: cost - phi - psi),
    ("both-from-rows", lambda phi, psi, cost: cost - (phi + psi)[:, None]),
    ("one-side", lambda phi, psi, cost: cost - phi[:, None], lambda phi, psi, cost: cost - psi),
    ("added", lambda phi, psi, cost: cost + phi[:, None] + psi),
    ("clamped", positive_part(slack), absolute(slack)),
    ("reduced", smallest(slack), summed(slack)),
    ("transposed", transposed(slack)),
)
MESSAGES = """
violation: This is φ + ψ − c, by how much the prices are too *high*. Slack is what is left: c − φ − ψ.
critic-sign: φ or ψ has the wrong sign: both are subtracted. (c − φ + ψ is right for one critic, where ψ stands for −f;
    here both are paid.)
axes: φ and ψ lie along the wrong axes: φ belongs to the rows. In a square table no error tells you. Write phi[:, None]
    and psi[None, :].
both-along-columns: Both potentials are subtracted along the columns: phi without [:, None] broadcasts over the rows.
both-from-rows: Both prices are subtracted from the rows: shop i's price goes with mine i. ψ belongs to the columns: one
    price for all entries of a column, psi[None, :].
one-side: Only one of the prices is subtracted.
added: The prices are added to the cost. They are subtracted: the slack says how much dearer your own trip is.
clamped: Negative slack is cut off at 0 or loses its sign. A negative entry says that the potentials are *not*
    admissible, and that has to be seen.
reduced: One number comes back. Return the whole table; the smallest entry is only the verdict on it.
transposed: The table is transposed: mines are rows, shops are columns, as in the cost.
"""
PROBLEM = Problem(
    key="ps03.reduced_costs",
    title="The slack of every route",
    criteria=(
        Criterion("value", "cᵢⱼ − φᵢ − ψⱼ, one number for each route", 1),
        Criterion("square", "φ along the rows and ψ along the columns, in a square table too", 1),
        Criterion("sign", "negative where the prices are too high", 1),
    ),
    cases=cases,
    formula=slack,
    scales=((1e6, "phi psi cost"), (2.0**-40, "phi psi cost")),
    pure="value",
    package_functions=("wgan_course.transport.dual_violation",),
    single=("phi cost",),
    misconceptions=explained(WRONG, MESSAGES),
)
