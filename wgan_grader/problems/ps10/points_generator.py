"""``points_generator(real, seed)``: the capstone's first part, a generator for a mixture of Gaussians in the plane.

Number, places and weights of the modes are drawn from the seed of the cases, so that no answer can be known beforehand.
Grading looks at the samples of the generator that the function returns, against fresh draws from the same mixture, and
at walks through its latent space, which show samples that are put together from pieces.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ...formulas import Detected, explained
from ...problem import Criterion, Problem
from . import _capstone as capstone
from ._capstone import Look, once

LATENT, TRAINING, SAMPLES = 2, 2000, 1000
STD, FEWEST, MOST, HALF, APART = 0.15, 8, 12, 2.0, 1.0  # modes: their deviation, how many, where, how far apart
FAR, NEAR, SHARE, REACHED = 0.37, 0.33, 0.36, 0.65  # right ways reach 0.12 to 0.30 and 41 %; one Gaussian 0.40 or more
WALKS, STEPS, LEAP = 16, 200, 0.1  # trained generators' largest step is 0.01 to 0.05 of a walk, that of pieces 0.2
REST = 0.03  # trained generators' steps are at most 0.006 of the distance of a walk's ends
COPIES = 0.2  # share of samples at training points: fresh draws have 0.06, a path from one to the next 0.4
LIMIT = 50.0


class Mixture(NamedTuple):
    """Centres of the modes, shape (k, 2), and their weights."""

    centres: np.ndarray
    weights: np.ndarray


def mixture(rng: np.random.Generator) -> Mixture:
    """Draw a layout: centres in a square, apart from each other, none more than twice as heavy as another."""
    count = int(rng.integers(FEWEST, MOST + 1))
    weights = rng.uniform(1, 2, size=count)
    return Mixture(_centres(rng, count), weights / weights.sum())


def _centres(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw points one after the other, each far enough from those before; where there is no room, begin again."""
    while True:
        found: list[np.ndarray] = []
        for point in rng.uniform(-HALF, HALF, size=(2000, 2)):
            if all(np.linalg.norm(point - other) >= APART for other in found):
                found.append(point)
            if len(found) == count:
                return np.array(found)


def sample(modes: Mixture, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw points."""
    chosen = rng.choice(len(modes.centres), size=n, p=modes.weights)
    return modes.centres[chosen] + STD * rng.normal(size=(n, 2))


@once
def distance(x: np.ndarray, y: np.ndarray) -> float:
    """Exact W1 of two samples of the same size: the cheapest matching.

    Far away, where the matching is slow, a lower bound is enough to refuse: W1 of the two along one axis.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    bound = float(np.abs(np.sort(x, axis=0) - np.sort(y, axis=0)).mean(0).max())
    if bound > FAR:
        return bound
    cost = cdist(x, y)
    return float(cost[linear_sum_assignment(cost)].mean())


def near(samples: np.ndarray, modes: Mixture) -> np.ndarray:
    """Which points lie within two standard deviations of which centre."""
    return np.linalg.norm(samples[:, None] - modes.centres, axis=2) <= 2 * STD


def reached(samples: np.ndarray, modes: Mixture) -> int:
    """How many modes get a third of their share of the points."""
    return int((near(samples, modes).mean(0) >= modes.weights / 3).sum())


def _in_words(found: float) -> str:
    """A distance; far away it is a lower bound."""
    return f"{found:.2f}" if found <= FAR else f"at least {found:.2f}"


def _shaped(samples: np.ndarray) -> bool:
    return samples.shape == (SAMPLES + WALKS * STEPS, 2)


def copied_share(samples: np.ndarray, real: np.ndarray) -> float:
    """Share of samples closer to a training point than a quarter of the way from that point to its nearest other one.

    Of fresh draws it is near 1 / 17: of two equal squared distances with exponential laws, one is 16 times the other.
    """
    from scipy.spatial import KDTree

    tree = KDTree(real)
    distance, nearest = tree.query(samples)
    return float(np.mean(distance < 0.25 * tree.query(real, k=2)[0][nearest, 1] + 1e-5))


def not_its_own(samples: np.ndarray, real: np.ndarray) -> bool:
    """Copies, or pieces: `samples` are draws, and walks after them."""
    return copied_share(samples[:SAMPLES], real) > COPIES or capstone.pieced(samples[SAMPLES:], STEPS, LEAP, REST)


def cases(rng: np.random.Generator) -> Iterator[capstone.Threshold]:
    modes = mixture(rng)
    real, truth = sample(modes, TRAINING, rng).astype(np.float32), sample(modes, SAMPLES, rng)
    seed, z = int(rng.integers(2**31)), capstone.draws(rng, SAMPLES, LATENT)
    small = capstone.small_steps(rng, SAMPLES, LATENT, lambda x: x.shape == (SAMPLES, 2))
    z = np.concatenate([z, capstone.walks(rng, WALKS, STEPS, LATENT)])
    some = int(np.ceil(REACHED * len(modes.centres)))
    share = lambda x: float(near(x, modes).any(1).mean())  # noqa: E731
    far = lambda x: _in_words(distance(x, truth))  # noqa: E731
    many = lambda x: f"{reached(x, modes)} of {len(modes.centres)}"  # noqa: E731
    looks = (
        Look("distance", "far", f"W₁ ≤ {FAR}", lambda x: distance(x, truth) <= FAR, far),
        Look("smaller distance", "near", f"W₁ ≤ {NEAR}", lambda x: distance(x, truth) <= NEAR, far),
        Look("modes", "modes", f"{some} modes with a third of their share", lambda x: reached(x, modes) >= some, many),
        Look("sharpness", "sharp", f"{SHARE:.0%} near", lambda x: share(x) >= SHARE, lambda x: f"{share(x):.1%}"),
        Look("copies", "own", "at most 20 % at training points, and walks without leaps"),
    )
    blurred = lambda x: 0.75 < x.std() / real.std() < 1.3 and share(x) < 0.3  # noqa: E731
    judges = capstone.Judges(_shaped, lambda x: not_its_own(x, real), blurred)
    yield from capstone.thresholds(looks, {"real": real, "seed": seed}, z, SAMPLES, judges)
    yield small


def _collapsed(x: np.ndarray) -> bool:
    return 1e-6 < float(x.std(0).max()) < 0.5


WRONG = (
    ("copies", Detected(capstone.copied)),
    ("constant", capstone.detects(lambda x: float(x.std(0).max()) <= 1e-6)),
    ("collapsed", capstone.detects(_collapsed)),
    ("one-cloud", Detected(capstone.blurred)),
    ("runs-away", capstone.detects(lambda x: float(np.median(np.abs(x))) > 3.0)),
    (
        "not-there-yet",
        Detected(lambda case, seen, expected: case.name != "small steps" and seen.outputs["samples"].ndim == 2),
    ),
    ("shape", Detected(lambda case, seen, expected: seen.outputs["samples"].shape != (len(case.inputs["z"]), 2))),
)
MESSAGES = """
copies: It returns training points, or the point jumps when z moves a little, as it does where it is put together from
    clusters. A generator makes its own, as a continuous function of z. Copies and pieces earn nothing for being close.
constant: The samples do not depend on z: all are the same point.
collapsed: The samples sit on a small part of the plane: mode collapse, or a critic so weak (clipped too hard, or
    trained too little) that the generator follows one direction.
one-cloud: The samples are as wide as the data, but they form one cloud without the heaps. The critic has not
    resolved them yet: more steps, a larger learning rate, a smaller λ, a latent space of two dimensions.
runs-away: The samples are far outside of the data. Look at the sign of the generator's loss, and at whether the critic
    is constrained.
not-there-yet: The samples are not there yet. Plot them over the data. Far from it: more steps, or a larger learning
    rate. Modes without points: a critic that sees more (a wider one, or more of its steps). Heaps too wide: average the
    weights, or let the rate fall towards the end.
shape: The generator must return one point in the plane for each row of z: shape (n, 2).
"""
PROBLEM = Problem(
    key="ps10.points_generator",
    title="Capstone, part 1: a generator for a hidden layout of modes",
    criteria=(
        Criterion("far", f"exact W₁ of 1000 generated and 1000 fresh points at most {FAR}; else nothing counts", 1),
        Criterion("near", f"… at most {NEAR}", 1),
        Criterion("modes", f"at least {REACHED:.0%} of the modes get a third of their share of the points", 1),
        Criterion("sharp", f"at least {SHARE:.0%} of the points within 2 standard deviations of a mode", 1),
        Criterion("own", "no copies of training points; small steps of z make small steps of the point", 1),
    ),
    cases=cases,
    formula=capstone.wanted,
    observe=capstone.OBSERVER,
    limit=LIMIT,
    compare=capstone.compare,
    reached=capstone.reached,
    misconceptions=explained(WRONG, MESSAGES),
)
