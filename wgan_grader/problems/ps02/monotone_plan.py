"""``monotone_plan(a, b)``: the plan that serves sources and targets in order."""

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, explained, transposed
from ...problem import Case, Cases, Criterion, Outputs, Problem, case
from ._transport import weights


def cases(rng: np.random.Generator) -> Cases:
    yield case("value", "two and three", a=[0.5, 0.5], b=[0.2, 0.5, 0.3])
    yield case("value", "three and two", a=[0.1, 0.6, 0.3], b=[0.45, 0.55])
    for n, m in ((4, 7), (8, 5), (30, 26), (130, 150)):
        yield case("value", f"{n} and {m}", a=weights(rng, n), b=weights(rng, m))
    yield case("value", "one and three", a=[1.0], b=[0.25, 0.375, 0.375])
    yield case("value", "two and one", a=[0.375, 0.625], b=[1.0])
    yield case("ties", "run out together", a=[0.25, 0.25, 0.5], b=[0.5, 0.125, 0.375])
    yield case("ties", "equal weights", a=[0.25] * 4, b=[0.25] * 4)
    yield case("value", "tiny masses", a=[0.004, 0.5, 0.496], b=[0.3, 0.002, 0.698])
    light = [5e-4, 4e-5, 6e-7]
    yield case("value", "lighter and lighter", a=[*light, 1 - sum(light)], b=[0.6, 3e-5, 0.4 - 3e-5])
    crumbs = {"a": [0.5 + 3e-5, 0.5 - 3e-5], "b": [0.5, 2.9e-5, 0.5 - 2.9e-5]}
    yield case("value", "crumbs are left over", **crumbs)
    yield case("ties", "some run out together", **_with_ties(rng))
    nothing = np.append(np.zeros(4), 0.5)
    yield case("ties", "many with nothing", a=np.append(nothing, [0.2, 0.3]), b=np.append([0.4, 0.6], 0 * nothing))
    yield case("ties", "a source with nothing", a=[0.5, 0.0, 0.5], b=[0.25, 0.25, 0.0, 0.5])


def _with_ties(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Masses that are exact in binary; both sides have two cuts in common."""
    cuts = rng.permutation(np.arange(1, 32))
    return {name: np.diff(np.sort([0, 32, *cuts[:2], *own])) / 32 for name, own in (("a", cuts[2:4]), ("b", cuts[4:7]))}


def _overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Overlap of two intervals, negative where they do not meet."""
    end_a, end_b = np.cumsum(a)[:, None], np.cumsum(b)[None]
    return np.minimum(end_a, end_b) - np.maximum(end_a - a[:, None], end_b - b)


def plan(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Overlap of the intervals that the cumulated weights cut out of [0, 1]."""
    return np.clip(_overlaps(a, b), 0, None)


def _fill(a: np.ndarray, b: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Fill the cells in an order, each as far as the marginals allow."""
    left, wanted, table = a.copy(), b.copy(), np.zeros((len(a), len(b)))
    for i, j in order:
        table[i, j] = min(left[i], wanted[j])
        left[i] -= table[i, j]
        wanted[j] -= table[i, j]
    return table


def _largest_first(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    back_a, back_b = np.argsort(-a), np.argsort(-b)
    table = np.zeros((len(a), len(b)))
    table[np.ix_(back_a, back_b)] = plan(a[back_a], b[back_b])
    return table


def _lost_rest(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Both move on after each trip: what is left of the larger is forgotten."""
    size = min(len(a), len(b))
    table = np.zeros((len(a), len(b)))
    table[np.arange(size), np.arange(size)] = np.minimum(a[:size], b[:size])
    return table


def _lost_rest_but_the_end(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The same; those who are left when one list ends meet the last of the other."""
    table = _lost_rest(a, b)
    table[len(b) :, -1], table[-1, len(a) :] = a[len(b) :], b[len(a) :]
    return table


def _ties_doubled(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where both run out together, the target (or, turned round, the source) keeps its room."""
    table, left, room, i, j = np.zeros((len(a), len(b))), a.copy(), b.copy(), 0, 0
    while i < len(a) and j < len(b):
        table[i, j] = min(left[i], room[j])
        if left[i] > room[j]:
            left[i], j = left[i] - room[j], j + 1
        else:
            room[j], i = room[j] - (left[i] if left[i] < room[j] else 0.0), i + 1
    return table


def _stops_early(case: Case, seen: Observation, expected: Outputs) -> bool:
    value = seen.outputs["value"]
    return value.shape == expected["value"].shape and bool((value >= 0).all()) and value.sum() < 1 - 1e-6


WRONG = (
    ("product", lambda a, b: a[:, None] * b),
    ("no-memory", lambda a, b: np.minimum(a[:, None], b)),
    ("lost-rest", _lost_rest, _lost_rest_but_the_end),
    ("backwards", lambda a, b: plan(a, b[::-1])[:, ::-1]),
    ("transposed", transposed(plan)),
    ("largest-first", _largest_first, lambda a, b: plan(np.sort(a), np.sort(b))),
    ("largest-first", lambda a, b: plan(np.sort(a)[::-1], np.sort(b)[::-1])),
    ("cumulated", lambda a, b: np.minimum(np.cumsum(a)[:, None], np.cumsum(b))),
    ("shares", lambda a, b: plan(a, b) / a[:, None], lambda a, b: plan(a, b) / b, lambda a, b: plan(a, b) > 0),
    ("negative-overlaps", _overlaps),
    ("ties-doubled", _ties_doubled),
    ("stops-early", Detected(_stops_early, status="ok")),
    ("runs-over", Detected(lambda case, seen, expected: "IndexError" in seen.error)),
)
MESSAGES = """
product: This is the product coupling a bᵀ: everybody sends to everybody. Its marginals are right, but it is not the
    plan in order.
no-memory: Each entry is min(a_i, b_j), whatever has been sent before. Subtract each trip from both sides: the rows must
    sum to a, the columns to b.
lost-rest: After each trip both the source and the target move on, and what is left of the larger one is lost. Only the
    one that has run out moves on.
backwards: The first source serves the *last* target: the order is turned round, and on the line that is the dearest
    plan.
transposed: Rows and columns are exchanged: row i is source i, so the rows must sum to a.
largest-first: The weights are sorted by size. The atoms are sorted by *place* already: serve them in the order given.
cumulated: These are minima of the cumulated weights, the joint distribution function. The plan is what each cell adds:
    take differences along rows and columns.
shares: The rows or the columns are rescaled, as shares of each source or target, or the routes in use are marked. An
    entry is a mass: the rows sum to a, and everything to 1.
negative-overlaps: Where two intervals of the cumulated weights do not meet, the length of their overlap came out
    negative. It is 0 there: cut it off.
ties-doubled: Where a source and a target run out at the same moment, one of the two goes on as if it had not: what it
    had is used twice. Take the trip off both.
stops-early: The entries add up to less than 1: some mass is lost. Either the loop ends before the last source and
    target have been served, or what is left of a mass is dropped: after each trip, where it is small, or where both run
    out together.
runs-over: It stops with an error: an index runs past the end of a, of b or of the table, perhaps where a source and a
    target run out together. Let the loop end when either list does; the table has the shape (n, m).
"""
PROBLEM = Problem(
    key="ps02.monotone_plan",
    title="The plan in order",
    criteria=(
        Criterion("value", "first come, first served: the coupling that keeps the order", 2),
        Criterion("ties", "right where a source and a target run out together, and where one has nothing", 1),
    ),
    cases=cases,
    formula=plan,
    pure="value",
    misconceptions=explained(WRONG, MESSAGES),
)
