"""``mode_report(points, modes, std)``: how many modes are reached, and the share of good points."""

from collections.abc import Callable

import numpy as np

from ...formulas import Detected, explained, given
from ...problem import Case, Cases, Criterion, Problem

Report = dict[str, float]
CALLED = {"covered": "the number of modes", "quality": "the share of points"}


def cases(rng: np.random.Generator) -> Cases:
    hand = np.array([[0.0, 0.1], [0.2, 0.2], [1.0, 1.0], [4.0, 0.1], [0.25, 0.25]])
    modes = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    yield _case("five points", hand, modes, 0.1, "quality")
    for n, k, criterion in ((30, 4, "quality"), (25, 6, "covered")):
        centres = 3 * rng.normal(size=(k, 2))
        points = centres[rng.integers(k - 1, size=n)] + rng.uniform(0.3, 2.2, size=(n, 1)) * rng.normal(size=(n, 2))
        yield _case(f"{n} points, {k} modes", points, centres, 0.4, criterion)
    close, edge = np.array([[0.1, 0.0], [4.0, 0.0], [0.0, 3.0]]), np.array([[1.5, 0.0], [9.0, 9.0], [4.0, 5.5]])
    for criterion in ("quality", "covered"):
        modes = np.array([[0.0, 0.0], [0.4, 0.0], [5.0, 5.0]])
        yield _case(f"{criterion}: a point near two modes", close, modes, 0.2, criterion)
        modes = np.array([[0.0, 0.0], [4.0, 4.0], [-8.0, 0.0]])
        yield _case(f"{criterion}: on the boundary", edge, modes, 0.5, criterion)
    hair = np.array([[1.5 + 4e-11, 0.0], [4.0, 5.5 + 4e-11], [1.0, 1.0]])
    yield _case("a hair beyond the boundary", hair, np.array([[0.0, 0.0], [4.0, 4.0]]), 0.5, "covered")
    lone = np.concatenate([np.zeros((149, 2)), [[6.0, 6.1]]])
    yield _case("one point of 150", lone, np.array([[0.0, 0.0], [6.0, 6.0], [9.0, -9.0]]), 0.5, "covered")
    centres = 1.3 * np.stack(np.divmod(np.arange(90.0), 9.0), 1)
    places = centres[rng.integers(80, size=600)] + rng.normal(size=(600, 2)) * rng.uniform(0.05, 0.2, size=(600, 1))
    places[-1] = centres[85] + 0.1
    yield _case("600 points, 90 modes", places, centres, 0.08, "covered")
    yield _case("a large std", np.array([[5.9, 0.0], [0.0, -6.1]]), np.array([[0.0, 0.0], [0.0, 20.0]]), 2.0, "quality")
    yield _case("one stray point", np.array([[5.0, 5.0]]), np.array([[0.0, 0.0], [4.0, 4.0]]), 0.2, "quality")
    modes = np.array([[0.0, 0.0], [4.0, 4.0], [0.0, 0.0]])
    yield _case("two modes alike", np.array([[0.3, 0.1], [9.0, 0.0]]), modes, 0.2, "covered")
    twice = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.25, 0.0], [9.0, 9.0]])
    yield _case("points that come three times", twice, np.array([[0.0, 0.0], [4.0, 4.0]]), 0.125, "quality")
    away = 2.0**26 + np.array([[0.0, 0.0], [8.0, 0.0]])
    spread = away[[0, 0, 1, 1]] + np.array([[0.25, 0.25], [0.5, 0.0], [0.0, -0.375], [0.5, 0.5]])
    for copies in (1, 8):
        yield _case(f"{4 * copies} points far from 0", np.tile(spread, (copies, 1)), away, 0.125, "quality")
    stray = np.array([[5.0, 5.0], [-5.0, 5.0], [0.05, 0.0], [5.0, -5.0]])
    far = np.array([[0.0, 0.0], [6.0, 6.0], [-6.0, 6.0], [6.0, -6.0]])
    yield _case("points near no mode", stray, far, 0.2, "covered")
    yield _case("no good point", stray[[0, 1]], far, 0.2, "covered")


def _case(name: str, points: np.ndarray, modes: np.ndarray, std: float, criterion: str) -> Case:
    inputs = {"points": points, "modes": modes, "std": std}
    return Case(name, inputs, {"outputs": list(CALLED), "called": CALLED}, criterion=criterion)


def _distances(points: np.ndarray, modes: np.ndarray) -> np.ndarray:
    return np.sqrt(((points[:, None] - modes[None]) ** 2).sum(-1))


def report(points: np.ndarray, modes: np.ndarray, std: float, radius: float = 3.0) -> Report:
    """Modes with a point within three standard deviations, and the share of points within that of a mode."""
    return _from_near(_distances(points, modes) <= radius * std)


def _from_near(near: np.ndarray) -> Report:
    return {"covered": int(near.any(0).sum()), "quality": float(near.any(1).mean())}


def _nearest_only(points: np.ndarray, modes: np.ndarray, std: float) -> Report:
    d = _distances(points, modes)
    return _from_near((d <= 3 * std) & (d.argmin(1)[:, None] == np.arange(len(modes))))


def _counted_anew(points: np.ndarray, modes: np.ndarray, std: float) -> Report:
    near = _distances(points, modes) <= 3 * std
    return _from_near(near) | {"quality": float(near.sum() / len(near))}


def _changed(change: Callable[..., Report]) -> Callable[..., Report]:
    return lambda p, m, s: report(p, m, s) | change(p, m, s)


WRONG = (
    ("one-std", given(report, radius=1.0), given(report, radius=2.0)),
    ("radius-without-std", given(report, std=1.0)),
    ("variance", lambda p, m, s: _from_near(_distances(p, m) ** 2 <= 3 * s)),
    ("variance", lambda p, m, s: _from_near(_distances(p, m) <= 3 * s**2)),
    ("variance", lambda p, m, s: _from_near(_distances(p, m) ** 2 <= 3 * s**2)),
    ("nearest-counts", _changed(lambda p, m, s: {"covered": len(set(_distances(p, m).argmin(1).tolist()))})),
    ("one-mode-a-point", _nearest_only, _counted_anew),
    ("open-disc", lambda p, m, s: _from_near(_distances(p, m) < 3 * s)),
    ("share-of-modes", _changed(lambda p, m, s: {"covered": report(p, m, s)["covered"] / len(m)})),
    ("share-of-modes", _changed(lambda p, m, s: {"quality": report(p, m, s)["covered"] / len(m)})),
    ("box", lambda p, m, s: _from_near((np.abs(p[:, None] - m[None]) <= 3 * s).all(-1))),
    ("count-of-points", _changed(lambda p, m, s: {"quality": report(p, m, s)["quality"] * len(p)})),
    ("mean-over-pairs", _changed(lambda p, m, s: {"quality": float((_distances(p, m) <= 3 * s).mean())})),
    ("by-products", Detected(lambda case, *_: len(case.inputs["points"]) > 25 and case.inputs["points"].min() > 1e6)),
    ("swapped", lambda p, m, s: {"covered": report(p, m, s)["quality"], "quality": report(p, m, s)["covered"]}),
)
MESSAGES = """
one-std: The radius is one standard deviation, or two; three were asked for.
radius-without-std: The radius is 3, not 3 standard deviations.
variance: The squared distance is compared with 3 std, or the distance with 3 std². Compare like with like.
nearest-counts: A mode counts as covered when it is some point's nearest, however far away. It needs a point within the
    radius.
one-mode-a-point: Each point counts for its nearest mode alone, or for each of several modes anew. A mode is reached by
    any point within the radius, also by one that is nearer to another; a good point counts once.
open-disc: Points exactly three standard deviations away are left out. The boundary is included: ≤, not <.
share-of-modes: This is the share of the modes, where their number or the share of the points was asked for.
box: Each coordinate is compared by itself: that is a square, not a disc.
count-of-points: The number of good points is returned, not their share.
mean-over-pairs: The mean runs over pairs of point and mode. A point counts once.
swapped: The two have changed places: first the number of modes, then the share of points.
by-products: The distances come from products, ‖x‖² − 2⟨x, y⟩ + ‖y‖², as torch.cdist takes them from 26 points on. Far
    from the origin these are differences of huge numbers. Subtract first, or let cdist do so:
    compute_mode="donot_use_mm_for_euclid_dist".
"""
PROBLEM = Problem(
    key="ps10.mode_report",
    title="Modes covered, and good points",
    criteria=(
        Criterion("quality", "the share of points within 3 standard deviations of a mode", 1),
        Criterion("covered", "the number of modes with at least one such point", 1),
    ),
    cases=cases,
    formula=report,
    scales=((1e6, "points modes std"), (1e-6, "points modes std")),
    pure="quality",
    package_functions=("wgan_course.measures.mode_coverage",),
    single=("points", "modes"),
    misconceptions=explained(WRONG, MESSAGES),
)
