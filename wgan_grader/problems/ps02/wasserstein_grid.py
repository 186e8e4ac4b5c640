"""``wasserstein_grid(points, p, q)``: the area between two distribution functions on an uneven grid."""

import numpy as np

from ...formulas import explained
from ...problem import Cases, Criterion, Problem, case
from ._transport import CENTRE, weights


def cases(rng: np.random.Generator) -> Cases:
    yield case("value", "one apart", points=np.arange(3.0), p=[0.5, 0.5, 0.0], q=[0.0, 0.25, 0.75])
    yield case("value", "both ways", points=np.arange(4.0), p=[0.0, 0.5, 0.5, 0.0], q=[0.4, 0.1, 0.1, 0.4])
    yield case("value", "nine places", **_random(rng, 9, even=True))
    yield case("uneven", "one place far away", points=[0.0, 1.0, 10.0], p=[1.0, 0.0, 0.0], q=[0.0, 0.5, 0.5])
    few = {
        "p": np.append([0.5], np.append(np.zeros(8), 0.5)),
        "q": np.append([0.5], np.append(np.zeros(7), [1e-3, 0.499])),
    }
    yield case("value", "a thousandth moves", points=np.arange(10.0), **few)
    near = CENTRE + np.array([0.0, 0.1, 0.25, 0.6])
    yield case("uneven", "near each other, far from 0", points=near, p=[0.5, 0.0, 0.5, 0.0], q=[0.0, 0.75, 0.0, 0.25])
    little = {"p": [2.0**-44, 1 - 2.0**-44, 0.0], "q": [0.0, 1.0, 0.0]}
    yield case("uneven", "very little goes very far", points=[-1e15, 0.0, 1.0], **little)
    for atoms in (4, 11, 40, 1100):
        yield case("uneven", f"{atoms} uneven places", **_random(rng, atoms))


def _random(rng: np.random.Generator, atoms: int, even: bool = False) -> dict[str, np.ndarray]:
    gaps = np.ones(atoms) if even else rng.uniform(0.2, 3.0, atoms)
    return {"points": np.cumsum(gaps) - 4.0, "p": weights(rng, atoms), "q": weights(rng, atoms)}


def surplus(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """F − G at each place."""
    return np.cumsum(p - q)


def area(points: np.ndarray, p: np.ndarray, q: np.ndarray) -> float:
    """|F − G| times the width of the gap to the next place."""
    return float((np.abs(surplus(p, q))[:-1] * np.diff(points)).sum())


WRONG = (
    ("no-width", lambda t, p, q: np.abs(surplus(p, q)).sum(), lambda t, p, q: np.abs(surplus(p, q)[:-1]).sum()),
    ("even-width", lambda points, p, q: float(np.abs(surplus(p, q)).sum() * (points[1] - points[0]))),
    ("even-width", lambda t, p, q: np.abs(surplus(p, q)).sum() * np.diff(t).mean()),
    ("even-width", lambda t, p, q: np.abs(surplus(p, q)).mean() * (t[-1] - t[0])),
    ("gap-before", lambda t, p, q: (np.abs(surplus(p, q))[1:] * np.diff(t)).sum()),
    ("gap-before", lambda t, p, q: (np.abs(surplus(p, q)) * np.diff(t, prepend=t[0])).sum()),
    ("trapezium", lambda t, p, q: np.trapezoid(np.abs(surplus(p, q)), t)),
    ("trapezium", lambda t, p, q: np.trapezoid(np.abs(p - q), t)),
    ("not-cumulated", lambda t, p, q: np.abs(p - q).sum(), lambda t, p, q: np.abs(p - q).sum() / 2),
    ("not-cumulated", lambda t, p, q: (np.abs(p - q)[:-1] * np.diff(t)).sum()),
    ("signed", lambda t, p, q: abs((surplus(p, q)[:-1] * np.diff(t)).sum())),
    ("signed", lambda t, p, q: (surplus(p, q)[:-1] * np.diff(t)).sum(), lambda t, p, q: abs((t * (p - q)).sum())),
    ("largest-gap", lambda t, p, q: np.abs(surplus(p, q)).max()),
    ("squared", lambda t, p, q: (surplus(p, q)[:-1] ** 2 * np.diff(t)).sum()),
    ("squared", lambda t, p, q: np.sqrt((surplus(p, q)[:-1] ** 2 * np.diff(t)).sum())),
    ("averaged", lambda t, p, q: (np.abs(surplus(p, q))[:-1] * np.diff(t)).mean()),
    ("averaged", lambda t, p, q: area(t, p, q) / len(t), lambda t, p, q: area(t, p, q) / (t[-1] - t[0])),
    ("places-not-gaps", lambda t, p, q: (np.abs(surplus(p, q)) * t).sum(), lambda t, p, q: (np.abs(p - q) * t).sum()),
    ("places-not-gaps", lambda t, p, q: (np.abs(surplus(p, q)) * np.diff(t, prepend=0.0)).sum()),
    ("cumulated-twice", lambda t, p, q: area(t, np.cumsum(p), np.cumsum(q))),
    ("absolute-first", lambda t, p, q: (np.cumsum(np.abs(p - q))[:-1] * np.diff(t)).sum()),
    ("from-the-right", lambda t, p, q: (np.abs(surplus(p[::-1], q[::-1]))[:-1] * np.diff(t)).sum()),
    ("single-precision", lambda *given: area(*(one.astype(np.float32) for one in given))),
    ("sorted-weights", lambda t, p, q: area(t, np.sort(p), np.sort(q))),
    ("sorted-weights", lambda t, p, q: np.abs(np.sort(p) - np.sort(q)).mean()),
    ("not-cumulated", lambda t, p, q: np.abs(p - q).mean()),
)
MESSAGES = """
no-width: |F − G| is added up without the widths of the gaps, as if all places were 1 apart. Between two places the
    surplus has to be carried the whole gap: multiply by points[k+1] − points[k].
even-width: One width is used for all gaps (the first, or the mean). On an uneven grid each has its own.
gap-before: The surplus at a place is multiplied by the gap *before* it. F(t) − G(t) holds from the place to the *next*
    one.
trapezium: A trapezium rule was used, as if F and G ran straight from place to place. They are steps: the area is made
    of rectangles.
not-cumulated: The probabilities themselves are compared, not the distribution functions. |p − q| does not know how far
    the mass has to go; cumulate first.
signed: The signed area was taken, in which carrying to the left cancels carrying to the right: that is the difference
    of the means. The absolute value belongs inside the sum.
largest-gap: This is the largest difference of F and G (Kolmogorov and Smirnov's), which knows no distance either.
squared: The difference of F and G is squared. W1 takes its absolute value.
averaged: The area is divided by the number of places or by the length of the grid. It is an integral, not a mean.
places-not-gaps: F − G is multiplied by the places themselves (the first gap begins at 0). Multiply by the gaps between
    them.
cumulated-twice: The differences are cumulated twice: F and G are sums of p and q, no more.
absolute-first: The absolute value is taken before the sum, so that nothing cancels any more. Sum p − q first.
from-the-right: The sums begin at the last place, and meet the gaps in the order of the first: from the right the gaps
    come in the reverse order too.
single-precision: The points were rounded to float32, which keeps about one decimal of numbers near 10⁶: where places
    lie far from 0 and near each other, their distances are lost. Leave them in float64, as they came.
sorted-weights: The probabilities are treated as sample points (sorted and compared). They are masses; the places are in
    `points`.
"""
PROBLEM = Problem(
    key="ps02.wasserstein_grid",
    title="W1 of two histograms",
    criteria=(
        Criterion("value", "the area between F and G where the places are 1 apart", 1),
        Criterion("uneven", "and where they are not: each gap counts with its width", 2),
    ),
    cases=cases,
    formula=area,
    scales=((1e6, "points"), (2.0**-40, "points")),
    pure="value",
    misconceptions=explained(WRONG, MESSAGES),
)
