"""``points_generator(real, seed)``: the capstone's first part, a generator for 25 Gaussians.

The centres are moved by a secret draw, so that the answer cannot be known beforehand. Grading looks at the samples of
the generator that the function returns, against fresh draws from the same mixture.
"""

from collections.abc import Iterator

import numpy as np

from ...formulas import Detected, explained
from ...problem import Criterion, Problem
from . import _capstone as capstone
from ._capstone import Look, once

LATENT, TRAINING, SAMPLES = 2, 2000, 1000
STD, JITTER = 0.15, 0.08
FAR, NEAR, SHARE, MODES = 0.45, 0.36, 0.34, 20
LIMIT = 50.0


def mixture(rng: np.random.Generator) -> np.ndarray:
    """The 25 centres: a 5 by 5 grid of spacing 1, each moved a little."""
    axis = np.arange(5) - 2.0
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    return grid + rng.uniform(-JITTER, JITTER, size=grid.shape)


def sample(modes: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw points."""
    return modes[rng.integers(len(modes), size=n)] + STD * rng.normal(size=(n, 2))


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


def near(samples: np.ndarray, modes: np.ndarray) -> np.ndarray:
    """Which points lie within two standard deviations of which centre."""
    return np.linalg.norm(samples[:, None] - modes[None], axis=2) <= 2 * STD


def _in_words(found: float) -> str:
    """A distance; far away it is a lower bound."""
    return f"{found:.2f}" if found <= FAR else f"at least {found:.2f}"


def _shaped(samples: np.ndarray) -> bool:
    return samples.shape == (SAMPLES, 2)


def _copies(samples: np.ndarray, real: np.ndarray) -> float:
    """Share of samples that are training points, to five digits."""
    from scipy.spatial import KDTree

    return float(np.mean(KDTree(real).query(samples)[0] < 1e-5))


def cases(rng: np.random.Generator) -> Iterator[capstone.Threshold]:
    modes = mixture(rng)
    real, truth = sample(modes, TRAINING, rng), sample(modes, SAMPLES, rng)
    real = real.astype(np.float32)
    z = capstone.draws(rng, SAMPLES, LATENT)
    copies = lambda x: _copies(x, real) > 0.05  # noqa: E731
    seed = int(rng.integers(2**31))
    reach = lambda x: int((near(x, modes).mean(0) >= 0.01).sum())  # noqa: E731
    share = lambda x: float(near(x, modes).any(1).mean())  # noqa: E731
    far = lambda x: _in_words(distance(x, truth))  # noqa: E731
    looks = (
        Look("distance", "far", f"W₁ ≤ {FAR}", lambda x: distance(x, truth) <= FAR, far),
        Look("smaller distance", "near", f"W₁ ≤ {NEAR}", lambda x: distance(x, truth) <= NEAR, far),
        Look("modes", "modes", f"{MODES} modes with 1 %", lambda x: reach(x) >= MODES, lambda x: f"{reach(x)}"),
        Look("sharpness", "sharp", f"{SHARE:.0%} near", lambda x: share(x) >= SHARE, lambda x: f"{share(x):.1%}"),
        Look("copies", "own", "at most 5 % copies of training points"),
    )
    yield from capstone.thresholds(looks, {"real": real, "seed": seed}, z, _shaped, copies)
    yield capstone.small_steps(rng, SAMPLES, LATENT, _shaped)


def _collapsed(x: np.ndarray) -> bool:
    return 1e-6 < float(x.std(0).max()) < 0.5


def _too_round(x: np.ndarray) -> bool:
    """Points as wide as the truth, and no more of them near the centres than elsewhere."""
    rounded = np.linalg.norm(x - np.clip(np.round(x), -2, 2), axis=1) <= 2 * STD
    return 1.0 < float(x.std(0).mean()) < 2.0 and float(rounded.mean()) < 0.33


WRONG = (
    ("copies", Detected(capstone.copied)),
    ("constant", capstone.detects(lambda x: float(x.std(0).max()) <= 1e-6)),
    ("collapsed", capstone.detects(_collapsed)),
    ("one-cloud", capstone.detects(_too_round)),
    ("runs-away", capstone.detects(lambda x: float(np.median(np.abs(x))) > 3.0)),
    (
        "not-there-yet",
        Detected(lambda case, seen, expected: case.criterion != "own" and seen.outputs["samples"].ndim == 2),
    ),
    ("shape", Detected(lambda case, seen, expected: seen.outputs["samples"].shape != (len(case.inputs["z"]), 2))),
)
MESSAGES = """
copies: It returns training points, or the point jumps when z moves a little. A generator makes its own, as a continuous
    function of z. Copies earn nothing for being close.
constant: The samples do not depend on z: all are the same point.
collapsed: The samples sit on a small part of the plane: mode collapse, or a critic so weak (clipped too hard, or
    trained too little) that the generator follows one direction.
one-cloud: The samples are as wide as the data, but they form one cloud without the 25 heaps. The critic has not
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
    title="Capstone, part 1: a generator for 25 Gaussians",
    criteria=(
        Criterion("far", f"exact W₁ between 1000 generated and 1000 fresh real points at most {FAR}", 1),
        Criterion("near", f"… at most {NEAR}", 1),
        Criterion("modes", f"at least {MODES} of the 25 modes get 1 % of the points", 1),
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
