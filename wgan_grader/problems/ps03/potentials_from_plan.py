"""``potentials_from_plan(coupling, cost)``: the prices that explain an optimal plan; any that do are right."""

from collections.abc import Callable

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, explained, given
from ...problem import Case, Cases, Criterion, Outputs, Problem

TOLERANCE = 1e-5  # of the largest cost: what a walk in float32 keeps


def cases(rng: np.random.Generator) -> Cases:
    yield _small()
    yield _case(rng, "a tree, 4 by 3", _tree(rng, 4, 3), "connected")
    yield _case(rng, "a tree, 3 by 7", _tree(rng, 3, 7), "connected")
    yield _case(rng, "a matching, 4 by 4", rng.permutation(np.eye(4)) > 0, "groups")
    yield _case(rng, "a matching, 8 by 8", rng.permutation(np.eye(8)) > 0, "groups")
    yield _case(rng, "two groups, 5 by 6", _two_groups(rng), "groups")
    circle = np.eye(4, 5, dtype=bool) | np.eye(4, 5, k=1, dtype=bool)
    circle[3, 0] = True
    yield _chain()
    yield _staircase(24)
    yield _trickle()
    yield _case(rng, "more routes than a tree", circle, "connected")


def _small() -> Case:
    """Two mines, two shops, two routes: prices that fit each route alone are too dear across."""
    inputs = {"coupling": np.array([[0.5, 0.0], [0.0, 0.5]]), "cost": np.array([[1.0, 4.0], [0.5, 2.0]])}
    return Case("two by two", inputs, {"outputs": ["phi", "psi"]}, criterion="groups")


def _chain() -> Case:
    """A cheap price that wants three rounds to reach the last shop."""
    cost = np.array([[10.0, 1.0, 100.0], [100.0, 1.0, 0.5]])
    coupling = np.array([[0.5, 0.0, 0.0], [0.0, 0.25, 0.25]])
    return Case("a chain", {"coupling": coupling, "cost": cost}, {"outputs": ["phi", "psi"]}, criterion="connected")


def _staircase(n: int) -> Case:
    """A matching whose prices come one after the other: each wants a round of its own."""
    cost = np.full((n, n), 20.0 * n)
    cost[np.arange(n), np.arange(n)], cost[np.arange(n - 1), np.arange(1, n)] = 10.0, 1.0
    inputs = {"coupling": np.eye(n) / n, "cost": cost}
    return Case(f"a staircase of {n}", inputs, {"outputs": ["phi", "psi"]}, criterion="groups")


def _trickle() -> Case:
    """A route in use that carries little ties its prices like any other."""
    inputs = {"coupling": np.array([[0.5, 1.2e-6], [0.0, 0.5 - 1.2e-6]]), "cost": np.array([[1.0, 5.0], [10.0, 1.0]])}
    return Case("a trickle", inputs, {"outputs": ["phi", "psi"]}, criterion="connected")


def _tree(rng: np.random.Generator, n: int, m: int) -> np.ndarray:
    """A staircase from the first corner to the last: connected, without circles."""
    used, i, j = np.zeros((n, m), bool), 0, 0
    used[0, 0] = True
    while (i, j) != (n - 1, m - 1):
        down = j == m - 1 or (i < n - 1 and rng.random() < 0.5)
        i, j = (i + 1, j) if down else (i, j + 1)
        used[i, j] = True
    return used[rng.permutation(n)][:, rng.permutation(m)]


def _two_groups(rng: np.random.Generator) -> np.ndarray:
    used = np.zeros((5, 6), bool)
    used[:2, :3], used[2:, 3:] = _tree(rng, 2, 3), _tree(rng, 3, 3)
    return used[rng.permutation(5)][:, rng.permutation(6)]


def _case(rng: np.random.Generator, name: str, used: np.ndarray, criterion: str) -> Case:
    """Cost that is tight on the routes in use and larger elsewhere: so the plan is optimal, by slackness."""
    n, m = used.shape
    phi, psi = 3 * rng.normal(size=n), 3 * rng.normal(size=m)
    cost = phi[:, None] + psi + np.where(used, 0.0, rng.uniform(0.05, 1.0, (n, m)))
    cost += max(0.0, 0.5 - cost.min())
    mass = np.where(used, rng.uniform(0.2, 1.0, (n, m)), 0.0)
    inputs = {"coupling": mass / mass.sum(), "cost": cost}
    return Case(name, inputs, {"outputs": ["phi", "psi"]}, criterion=criterion)


def prices(coupling: np.ndarray, cost: np.ndarray, rounds: int | None = None) -> Outputs:
    """Bellman–Ford: shortest walks to each mine and shop, there along all routes and back along those in use."""
    mine, shop = np.zeros(cost.shape[0]), np.zeros(cost.shape[1])
    back = np.where(coupling > 0, -cost, np.inf)
    for _ in range(sum(cost.shape) if rounds is None else rounds):
        shop = np.minimum(shop, (mine[:, None] + cost).min(0))
        mine = np.minimum(mine, (shop + back).min(1))
    return {"phi": -mine, "psi": shop}


def _mine_by_mine(rounds: int):
    """The same walks, updated arrow by arrow: for each mine its way to every shop, and back at once."""

    def formula(coupling: np.ndarray, cost: np.ndarray) -> Outputs:
        mine, shop = np.zeros(cost.shape[0]), np.zeros(cost.shape[1])
        for _ in range(rounds):
            for i, j in np.ndindex(cost.shape):
                shop[j] = min(shop[j], mine[i] + cost[i, j])
                if coupling[i, j] > 0:
                    mine[i] = min(mine[i], shop[j] - cost[i, j])
        return {"phi": -mine, "psi": shop}

    return formula


def _fits(case: Case, phi: np.ndarray, psi: np.ndarray) -> bool:
    return (phi.size, psi.size) == case.inputs["cost"].shape and bool(np.isfinite(phi).all() and np.isfinite(psi).all())


def admissible(case: Case, phi: np.ndarray, psi: np.ndarray) -> bool:
    """Whether no route is too dear."""
    slack = case.inputs["cost"] - phi.reshape(-1, 1) - psi.reshape(-1)
    return bool(slack.min() >= -TOLERANCE * case.inputs["cost"].max())


def tight(case: Case, phi: np.ndarray, psi: np.ndarray) -> bool:
    """Whether the prices make up the whole cost of every route in use."""
    slack = case.inputs["cost"] - phi.reshape(-1, 1) - psi.reshape(-1)
    return bool(abs(slack[case.inputs["coupling"] > 0]).max() <= TOLERANCE * case.inputs["cost"].max())


def explains(case: Case, phi: np.ndarray, psi: np.ndarray) -> bool:
    """Whether the prices are optimal potentials for the case's plan."""
    return _fits(case, phi, psi) and admissible(case, phi, psi) and tight(case, phi, psi)


def compare(observed: Outputs, expected: Outputs, case: Case) -> bool:
    """Accept any potentials that are admissible and tight on the support: the answer is not unique."""
    named = {"phi", "psi"} <= set(observed) and all(observed[n].shape == expected[n].shape for n in ("phi", "psi"))
    return named and explains(case, observed["phi"].astype(float), observed["psi"].astype(float))


def _seen(test: Callable[[Case, np.ndarray, np.ndarray], bool]) -> Callable[[Case, Observation, Outputs], bool]:
    """Turn a test of potentials into a `detect` of an observation."""
    return lambda case, seen, expected: seen.status == "ok" and test(case, seen.outputs["phi"], seen.outputs["psi"])


def _only(good: Callable, bad: Callable) -> Callable[[Case, np.ndarray, np.ndarray], bool]:
    return lambda case, phi, psi: _fits(case, phi, psi) and good(case, phi, psi) and not bad(case, phi, psi)


def _moved(case: Case, phi: np.ndarray, psi: np.ndarray) -> bool:
    """Whether one number that is given to φ alone makes the prices right."""
    if not _fits(case, phi, psi) or explains(case, phi, psi):
        return False
    slack = case.inputs["cost"] - phi.reshape(-1, 1) - psi.reshape(-1)
    return explains(case, phi + slack[case.inputs["coupling"] > 0].mean(), psi)


def _short(case: Case, phi: np.ndarray, psi: np.ndarray) -> bool:
    """Whether the prices are admissible, and on some routes in use too low by different numbers."""
    return _only(admissible, tight)(case, phi, psi) and not _moved(case, phi, psi)


def _halves(coupling: np.ndarray, cost: np.ndarray) -> Outputs:
    used = np.where(coupling > 0, cost, np.nan)
    return {"phi": np.nanmean(used, 1) / 2, "psi": np.nanmean(used, 0) / 2}


def _by_route(choose: Callable) -> Callable:
    return lambda coupling, cost: {"phi": choose(cost, axis=1), "psi": choose(cost, axis=0)}


WRONG = (
    ("swapped", Detected(_seen(lambda case, phi, psi: not explains(case, phi, psi) and explains(case, psi, phi)))),
    ("critic-sign", Detected(_seen(lambda case, phi, psi: explains(case, phi, -psi) or explains(case, -phi, psi)))),
    ("negated", Detected(_seen(lambda case, phi, psi: explains(case, -phi, -psi)))),
    ("one-moved", Detected(_seen(_moved))),
    (
        "not-tight",
        Detected(_seen(lambda c, phi, psi: _only(admissible, tight)(c, phi, psi) and not _moved(c, phi, psi))),
    ),
    ("not-admissible", Detected(_seen(_only(tight, admissible)))),
    ("too-few-rounds", *(given(prices, rounds=k) for k in (1, 2, 3)), *map(_mine_by_mine, (1, 2, 3))),
    ("halves", _halves),
    ("one-route", _by_route(np.max), _by_route(np.min), _by_route(np.mean)),
)
MESSAGES = """
swapped: The two come back in the wrong order: return φ (the mines, rows) first, then ψ (the shops).
critic-sign: One of the two has the wrong sign: the walks' lengths are d, and the prices are φ = −d at the mines, ψ = +d
    at the shops.
negated: Both signs are wrong: this is (−φ, −ψ).
one-moved: All prices of one side are off by one number. A constant may be moved from φ to ψ or back, but what one gets
    the other gives.
not-tight: The prices are admissible, and too low: on some route in use they do not make up the whole cost. Arrows back
    (of length −c, one for every route in use) are missing, all or some of them, or the rounds were too few.
not-admissible: The prices are tight on the routes in use, but some other route is too dear. Routes in use alone leave
    the level of each group open; the arrows there, along *all* routes, decide it.
too-few-rounds: The rounds end too early. A walk may use every mine and every shop: n + m rounds.
halves: Each mine and shop takes half the (mean) cost of its routes in use. The two shares of a route are seldom equal:
    they follow from the shortest walks, there along all routes, back along those in use.
one-route: Each price is the largest, smallest or mean cost of a row or column. It has to fit all the routes at once:
    take the lengths of *shortest walks*, there along all routes, back along those in use, n + m rounds.
"""
PROBLEM = Problem(
    key="ps03.potentials_from_plan",
    title="Prices from a plan",
    criteria=(
        Criterion("connected", "admissible and tight where the routes hang together", 1.5),
        Criterion("groups", "also where they fall into groups that share no mine and no shop", 1.5),
    ),
    cases=cases,
    formula=prices,
    compare=compare,
    pure="connected",
    package_functions=("wgan_course.transport.solve",),
    misconceptions=explained(WRONG, MESSAGES),
)
