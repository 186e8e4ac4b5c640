"""``cell_shares(samples, edges)``: find the bug. A histogram that takes samples out of the list it walks along."""

import itertools

import numpy as np

from ...formulas import composed, explained, given, scaled
from ...problem import Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    edges = np.array([0.0, 1.0, 2.0, 3.0])
    few = np.array([0.5, 1.5, 1.25, 2.5, 0.25])
    yield case("all", "five samples", samples=few, edges=edges)
    yield case("all", "all in one cell", samples=[1.1, 1.2, 1.3, 1.4], edges=edges, atol=0.0)
    yield case("all", "negative numbers", samples=[-2.5, 0.5, -0.25, -1.5, -0.5], edges=[-3.0, -2.0, -1.0, 1.0])
    for n, cells in ((31, 6), (450, 9), (1100, 40)):
        edges = np.concatenate([[0.0], np.sort(rng.uniform(0.1, 0.9, cells - 1)), [1.0]])
        yield case("all", f"{n} samples", samples=rng.uniform(0.01, 0.99, n), edges=edges)
    yield case("edges", "on inner edges", samples=[1.0, 0.5, 2.0, 0.0, 1.0, 2.5], edges=[0.0, 1.0, 2.0, 3.0])
    yield case("edges", "on the last edge", samples=[4.0, 0.5, 4.0, 1.0, 3.0], edges=[0.0, 1.0, 2.0, 4.0])
    yield case("edges", "one cell", samples=[1.0, 0.5, 0.0], edges=[0.0, 1.0])
    below = [1 - 2.0**-50, 0.25, 0.5, 3 - 2.0**-50, 1.0]
    yield case("edges", "just below edges", samples=below, edges=[0.0, 1.0, 2.0, 3.0])
    samples = np.concatenate([[5.0, 1.0], rng.integers(0, 11, 12) / 2])
    yield case("edges", "on edges, random", samples=rng.permutation(samples), edges=[0.0, 1.0, 2.0, 4.0, 5.0])


def shares(samples: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Cells are closed on the left; the last one on both sides."""
    return np.histogram(samples, edges)[0] / len(samples)


def walked(samples: np.ndarray, edges: np.ndarray, closed: bool = True) -> np.ndarray:
    """Counts of the version with the bug: each removal makes the walk skip a sample."""
    rest, counts = samples.tolist(), np.zeros(len(edges) - 1)
    for x in rest:
        k = np.searchsorted(edges, x, side="right") - 1
        k = min(k, len(counts) - 1) if closed else k
        if 0 <= k < len(counts):
            counts[k] += 1
            rest.remove(x)
    return counts


def _by_cell(samples: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Count cell by cell, with the samples of each cell removed while it is walked."""
    rest, counts = samples.tolist(), np.zeros(len(edges) - 1)
    for k in range(len(counts)):
        for x in rest:
            if edges[k] <= x < edges[k + 1] or (k == len(counts) - 1 and x == edges[-1]):
                counts[k] += 1
                rest.remove(x)
    return counts


def _closed_right(samples: np.ndarray, edges: np.ndarray) -> np.ndarray:
    cells = np.clip(np.searchsorted(edges, samples, side="left") - 1, 0, len(edges) - 2)
    return np.bincount(cells, minlength=len(edges) - 1) / len(samples)


def _right_dropped(samples: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.array([((a < samples) & (samples <= b)).mean() for a, b in itertools.pairwise(edges)])


def _both_closed(samples: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.array([((a <= samples) & (samples <= b)).mean() for a, b in itertools.pairwise(edges)])


def _normalised(counts: np.ndarray) -> np.ndarray:
    return counts / counts.sum()


WRONG = (
    ("still-loses", lambda s, e: walked(s, e) / len(s), lambda s, e: walked(s, e, closed=False) / len(s)),
    ("still-loses", lambda s, e: _by_cell(s, e) / len(s)),
    ("hides-the-loss", composed(_normalised, walked), composed(_normalised, given(walked, closed=False))),
    ("hides-the-loss", composed(_normalised, _by_cell)),
    ("counts", lambda s, e: np.histogram(s, e)[0], scaled(shares, 100)),
    ("density", lambda s, e: np.histogram(s, e, density=True)[0]),
    ("even-cells", lambda s, e: np.histogram(s, len(e) - 1, (e[0], e[-1]))[0] / len(s)),
    ("over-cells", lambda s, e: np.histogram(s, e)[0] / (len(e) - 1), lambda s, e: np.histogram(s, e)[0] / len(e)),
    ("cumulated", composed(np.cumsum, shares), lambda s, e: np.array([(s < edge).mean() for edge in e[1:]])),
    ("last-edge", lambda samples, edges: shares(samples[samples < edges[-1]], edges) * (samples < edges[-1]).mean()),
    ("closed-right", _closed_right, _right_dropped),
    ("twice", _both_closed),
    ("distinct", lambda s, e: shares(np.unique(s), e)),
)
MESSAGES = """
still-loses: Samples are still lost: the loop walks along a list from which it removes, so after each removal the next
    sample moves into the place just left and is skipped. Do not change what you walk along.
hides-the-loss: The shares sum to 1 because they are divided by the number of samples *counted*, but samples are still
    skipped. This hides the mistake; the shares are wrong all the same.
counts: These are counts. Divide by the number of samples.
density: The shares are divided by the widths of the cells: a density. KL and JS of a histogram want the shares, which
    sum to 1.
even-cells: The cells are taken as equally wide. Use the edges as they are.
over-cells: The counts are divided by the number of cells (or edges), not of samples.
cumulated: These are cumulated shares, a distribution function. Take the share of each cell by itself.
last-edge: A sample on the last edge is lost. The last cell is closed on both sides.
closed-right: A sample on an inner edge goes to the cell on its left. Cells are closed on the left: edges[k] ≤ x.
distinct: Equal samples are counted once (a set, or unique). Each sample counts.
twice: A sample on an inner edge is counted in both cells: one of the two comparisons has to be strict.
"""
PROBLEM = Problem(
    key="ps02.cell_shares",
    title="Find the bug: the histogram that loses samples",
    criteria=(
        Criterion("all", "every sample counts once: the shares sum to 1 and are right", 1.5),
        Criterion(
            "edges", "a sample on an edge belongs to the cell on its right; the last cell has both its edges", 0.5
        ),
    ),
    cases=cases,
    formula=shares,
    scales=((1e6, "samples edges"), (2.0**-40, "samples edges")),
    pure="all",
    package_functions=("wgan_course.divergences.histogram",),
    single=("samples",),
    misconceptions=explained(WRONG, MESSAGES),
)
