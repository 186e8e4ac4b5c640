"""``histogram(points, bins, batch)``: find the bug. A list is cut into batches with splice where slice was meant."""

import numpy as np

from ...formulas import explained
from ...problem import Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield case("all", "six points", points=[0.1, 0.2, 0.3, 0.6, 0.7, 0.9], bins=2, batch=2)
    for n, bins, batch in ((20, 4, 5), (45, 5, 6), (30, 3, 1)):
        yield case("all", f"{n} points by {batch}", points=rng.beta(1.2, 3, size=n), bins=bins, batch=batch)
    yield case("edges", "one large batch", points=rng.uniform(size=7), bins=3, batch=50)
    low = rng.uniform(0, 0.39, size=9)
    yield case("edges", "the last cells empty", points=low, bins=5, batch=4)
    inner = rng.permutation(np.concatenate([rng.integers(0, 9, size=7) / 8, rng.uniform(size=4)]))
    yield case("edges", "points on the edges of cells", points=inner, bins=8, batch=4)
    beside = np.array([0.2499, 0.2501, 0.4999, 0.5001, 0.7499, 0.7501, 0.9999])
    yield case("edges", "points beside the edges", points=beside, bins=4, batch=3)
    hair = np.array([0.25, 0.5, 0.5, 0.75, 0.1]) + 2e-12 * np.array([-1, -1, 1, -1, 0])
    yield case("edges", "points a hair beside the edges", points=hair, bins=4, batch=3)
    yield case("all", "1500 points", points=rng.permutation(np.linspace(0, 0.999, 1500) ** 2), bins=6, batch=64)
    yield case("edges", "points at 1", points=[1.0, 0.0, 0.5, 1.0, 0.4, 0.3, 1.0], bins=4, batch=3)
    yield case("all", "one cell", points=[0.0, 0.4, 1.0], bins=1, batch=2)
    yield case("all", "2000 cells", points=np.append(rng.uniform(size=60), 0.9997), bins=2000, batch=7)
    yield case("all", "twenty cells", points=rng.uniform(size=60), bins=20, batch=7)


def cells(points: np.ndarray, bins: int) -> np.ndarray:
    """How many points each cell has; 1 belongs to the last one."""
    return np.bincount(np.minimum((points * bins).astype(int), bins - 1), minlength=bins)


def shares(points: np.ndarray, bins: int, batch: int) -> np.ndarray:
    """Share of the points in each cell of [0, 1]."""
    return cells(points, bins) / len(points)


def spliced(points: np.ndarray, batch: int) -> np.ndarray:
    """Return the points that the buggy loop counts."""
    pool, kept, start = list(points), [], 0
    while start < len(pool):
        kept += pool[start : start + batch]
        del pool[start : start + batch]
        start += batch
    return np.array(kept)


def _cells_of(places: np.ndarray, bins: int) -> np.ndarray:
    return np.bincount(np.clip(places, 0, bins - 1), minlength=bins)


def _scaled(points: np.ndarray, bins: int, batch: int) -> np.ndarray:
    kept = spliced(points, batch)
    return cells(kept, bins) / len(kept)


def _by_batches(points: np.ndarray, bins: int, batch: int) -> np.ndarray:
    """Mean of the batches' own shares, whatever their sizes."""
    parts = [points[first : first + batch] for first in range(0, len(points), batch)]
    return np.mean([cells(part, bins) / len(part) for part in parts], axis=0)


WRONG = (
    ("unchanged", lambda points, bins, batch: cells(spliced(points, batch), bins) / len(points)),
    ("rescaled", _scaled),
    ("last-batch-lost", lambda points, bins, batch: cells(points[: len(points) // batch * batch], bins) / len(points)),
    ("last-batch-lost", lambda p, b, n: cells(p[: len(p) // n * n], b) / max(len(p) // n * n, 1)),
    ("mean-of-batches", _by_batches),
    ("rounded", lambda p, b, n: _cells_of(np.round(p * b).astype(int), b) / len(p)),
    ("distinct", lambda p, b, n: cells(np.unique(p), b) / len(p), lambda p, b, n: shares(np.unique(p), b, n)),
    ("one-batch", lambda points, bins, batch: cells(points[:batch], bins) / len(points)),
    ("one-batch", lambda p, b, n: cells(p[:n], b) / len(p[:n])),
    ("edge-lost", lambda points, bins, batch: cells(points[points < 1], bins) / len(points)),
    ("right-closed", lambda p, b, n: _cells_of(np.ceil(p * b).astype(int) - 1, b) / len(p)),
    ("own-range", lambda p, b, n: np.histogram(p, b)[0] / len(p)),
    ("short", lambda p, b, n: np.bincount(np.minimum((p * b).astype(int), b - 1)) / len(p)),
    ("counts", lambda p, b, n: cells(p, b)),
    ("density", lambda p, b, n: cells(p, b) / len(p) * b),
    ("divided-by-batches", lambda p, b, n: cells(p, b) / n, lambda p, b, n: cells(p, b) / int(np.ceil(len(p) / n))),
    ("divided-by-batches", lambda p, b, n: cells(p, b) / (n * np.ceil(len(p) / n))),
)
MESSAGES = """
unchanged: The bug is still there: each batch is *removed* from the list while the index moves on, so that about half of
    the points are never looked at. The shares do not add up to 1.
rescaled: The shares add up to 1 now, but they still come from the same points: half of the sample is ignored. Dividing
    by another number hides the symptom.
last-batch-lost: The last, incomplete batch is left out.
mean-of-batches: The shares of the batches are averaged, and the last batch may be smaller than the others: its points
    weigh more.
rounded: The place is rounded to the nearest edge. A cell is what lies between two edges: round down.
distinct: Points that occur several times are counted once.
one-batch: Only the first batch is counted.
edge-lost: Points at exactly 1 are lost. The last cell is closed: 1 belongs to it.
right-closed: A point on the edge between two cells is counted in the left one. Cells are closed on the left, [a, b);
    only the last one holds its right end too.
own-range: The cells divide the range from the smallest to the largest point (np.histogram does, unless range=(0, 1)
    says otherwise). They divide [0, 1].
short: Cells at the end that hold no point are missing (bincount without minlength). An empty cell has the share 0.
counts: Counts are returned, not shares.
density: This is a density: shares divided by the width of a cell. The shares themselves were asked for.
divided-by-batches: The counts are divided by the number of batches, by the batch size, or by both together. Divide by
    the number of points.
"""
PROBLEM = Problem(
    key="ps10.histogram",
    title="Find the bug: a density that does not add up to one",
    criteria=(
        Criterion("all", "every point is counted, once; the shares add up to 1", 1.5),
        Criterion("edges", "a batch larger than the sample; points at 1 are in the last cell", 0.5),
    ),
    cases=cases,
    formula=shares,
    pure="all",
    single=("points",),
    misconceptions=explained(WRONG, MESSAGES),
)
