"""``displacement(x, y, partner, t)``: where the points are at time t on their straight ways."""

import numpy as np

from ...formulas import explained, replacing
from ...problem import Case, Cases, Criterion, Problem


def cases(rng: np.random.Generator) -> Cases:
    swap = {"x": np.array([[0.0, 0.0], [4.0, 0.0]]), "y": np.array([[4.0, 2.0], [0.0, 6.0]])}
    yield Case("two points", swap | {"partner": np.array([1, 0]), "t": 0.25}, criterion="value")
    for n, d, t in ((3, 2, 0.3), (6, 1, 0.80317)):
        turned = np.roll(np.arange(n), 1) if n == 3 else np.roll(np.arange(n), 2)
        clouds = {"x": rng.normal(size=(n, d)), "y": rng.normal(size=(n, d)) + 1.0}
        yield Case(f"{n} points, t = {t}", clouds | {"partner": turned, "t": t}, criterion="value")
    clouds = {"x": rng.normal(size=(4, 2)), "y": rng.normal(size=(4, 2))}
    yield Case("the start", clouds | {"partner": np.array([2, 3, 1, 0]), "t": 0.0}, criterion="value")
    yield Case("the end", clouds | {"partner": np.array([2, 3, 1, 0]), "t": 1.0}, criterion="value")
    yield Case("hardly begun", clouds | {"partner": np.array([2, 3, 1, 0]), "t": 0.01}, criterion="value")
    clouds = {"x": rng.normal(size=(30, 5)), "y": rng.normal(size=(30, 5))}
    yield Case("30 points in dimension 5", clouds | {"partner": rng.permutation(30), "t": 0.35}, criterion="value")
    shared = {"x": rng.normal(size=(5, 3)), "y": rng.normal(size=(3, 3)), "partner": np.array([2, 0, 2, 1, 1])}
    yield Case("shared targets", shared | {"t": 0.4}, criterion="shared")
    spare = {"x": rng.normal(size=(2, 2)), "y": rng.normal(size=(6, 2)), "partner": np.array([4, 1])}
    yield Case("targets to spare", spare | {"t": 0.6}, criterion="shared")
    many = {"x": rng.normal(size=(4, 2)), "y": rng.normal(size=(26, 2)), "partner": np.array([25, 12, 0, 25])}
    yield Case("26 targets", many | {"t": 0.7}, criterion="shared")
    crowd = {"x": rng.normal(size=(1030, 70)), "y": rng.normal(size=(1100, 70))}
    crowd |= {"partner": rng.integers(0, 1100, 1030), "t": 0.4513}
    yield Case("1030 points, 1100 targets", crowd, criterion="shared", atol=1e-6)


def on_the_way(x: np.ndarray, y: np.ndarray, partner: np.ndarray, t: float) -> np.ndarray:
    """(1 − t) x + t y at each point's partner."""
    return (1 - t) * x + t * y[partner]


WRONG = (
    ("no-partner", lambda x, y, s, t: (1 - t) * x + t * y, lambda x, y, s, t: (1 - t) * x + t * y[: len(x)]),
    ("inverse", lambda x, y, s, t: (1 - t) * x[s] + t * y, lambda x, y, s, t: (1 - t) * x + t * y[np.argsort(s)]),
    ("inverse", lambda x, y, s, t: (1 - t) * x[s] + t * y[s]),
    ("time-reversed", lambda x, y, s, t: t * x + (1 - t) * y[s]),
    ("only-the-step", lambda x, y, s, t: t * (y[s] - x)),
    ("adds-target", lambda x, y, s, t: x + t * y[s], lambda x, y, s, t: x + t * (y[s] + x)),
    ("unweighted-target", lambda x, y, s, t: (1 - t) * x + y[s]),
    ("halfway", lambda x, y, s, t: (x + y[s]) / 2, lambda x, y, s, t: x, lambda x, y, s, t: y[s]),
    ("unit-steps", lambda x, y, s, t: x + t * (y[s] - x) / np.linalg.norm(y[s] - x, axis=1, keepdims=True)),
    ("mixture", lambda x, y, partner, t: np.concatenate([(1 - t) * x, t * y])),
    ("mixture", lambda x, y, s, t: np.concatenate([x, y]), lambda x, y, s, t: np.stack([x, y[s]])),
    ("other-speed", lambda x, y, s, t: on_the_way(x, y, s, t**2)),
    ("other-speed", lambda x, y, s, t: on_the_way(x, y, s, t * t * (3 - 2 * t))),
    ("other-speed", replacing(on_the_way, t=np.sqrt)),
    ("switch", lambda x, y, s, t: x if t < 0.5 else y[s]),
)
MESSAGES = """
no-partner: x_i walks to y_i. Its target is y at position partner[i]: y[partner].
inverse: The pairing is used the wrong way round: partner[i] says where x_i goes, not who comes to y_i. It is y that is
    indexed by partner, not x.
time-reversed: Time runs backwards: the points have to be at x at t = 0, and at their targets at t = 1. ε of the
    interpolate in other chapters runs the other way; here it is time.
only-the-step: This is the step t (y − x), without the place where it starts. Add x.
adds-target: The target itself is added, not the way to it: x + t y. Walk a share of y − x.
unweighted-target: The second term lacks its factor t: x counts with 1 − t and y[partner] with t, so that the two
    weights add up to 1.
halfway: t is not used: the points are always halfway (or at one end).
unit-steps: Each point walks the distance t, whatever the length of its way. It walks the *share* t of its way, so that
    all arrive at t = 1.
mixture: Both clouds come back, scaled or side by side. That is a blend of two clouds; displacement gives one cloud on
    its way, with as many points as x.
other-speed: The speed is not constant: t is squared or bent. W1 from the start has to grow in proportion to t.
switch: Points jump: for small t they are at x, later at the target. They are to be *in between* at time t.
"""
PROBLEM = Problem(
    key="ps02.displacement",
    title="On the way",
    criteria=(
        Criterion("value", "each point on the straight way to its partner", 1),
        Criterion("shared", "also where targets are shared, or are more than the sources", 1),
    ),
    cases=cases,
    formula=on_the_way,
    scales=((1e6, "x y"), (2.0**-40, "x y")),
    pure="value",
    single=("x partner",),
    misconceptions=explained(WRONG, MESSAGES),
)
