"""``cone_violations(x, values, slope, tip)``: which samples lie inside the double cone with a given tip."""

import numpy as np

from ...formulas import composed, explained, given, summed
from ...problem import Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield case("inside", "pierced above", x=[-1.0, 0.0, 1.0, 2.0], values=[0.25, 0.5, 2.0, 2.0], slope=1.2, tip=1)
    yield case(
        "inside", "below, on both sides", x=[-2.0, -1.0, 0.0, 1.0], values=[-3.0, 0.5, 1.0, -1.5], slope=1.5, tip=2
    )
    x = rng.permutation(np.arange(15) * 0.4)
    values = rng.normal(scale=2.0, size=15)
    for tip, slope in ((4, 0.7), (11, 2.5)):
        yield case("inside", f"fifteen points, tip at {tip}", x=x, values=values, slope=slope, tip=tip)
    yield case(
        "strict", "touches the sides", x=[0.0, 1.0, 2.0, 3.0, 4.0], values=[0.0, 2.0, -4.0, 7.0, 1.0], slope=2.0, tip=0
    )
    many = {"x": rng.permutation(np.arange(40.0)), "values": rng.normal(scale=9.0, size=40)}
    yield case("inside", "forty points", **many, slope=1.5, tip=31)
    many = {"x": rng.permutation(np.arange(1100.0)), "values": rng.normal(scale=300.0, size=1100)}
    yield case("inside", "1100 points", **many, slope=1, tip=1041)
    x, tip = rng.permutation(np.arange(12.0)), int(rng.integers(12))
    values = 3.0 * rng.choice([-1, 1], 12) * np.abs(x - x[tip]) + np.where(rng.random(12) < 0.4, rng.normal(size=12), 0)
    values[tip] = 0.0
    yield case("strict", "touches in places", x=x, values=values, slope=3.0, tip=tip)
    yield case(
        "inside",
        "hardly inside",
        x=[0.0, 1.0, 2.0, -1.0],
        values=[0.0, 2.0000005, 3.9999995, -2.0000005],
        slope=2.0,
        tip=0,
    )
    sides = {"x": [-3.0, -1.0, 2.0, 1.0], "values": [3.0, 3.0, -0.5, -3.5]}
    yield case("inside", "places on both sides of 0", **sides, slope=1.0, tip=1)
    sides = {"x": [-3.0, -1.0, 2.0, 1.0], "values": [0.0, 3.0, 0.5, -3.5]}
    yield case("inside", "the tip left of 0", **sides, slope=1.0, tip=1)
    hair = {"x": [0.0, 1.0, 2.0, -1.0], "values": [0.0, 2.0 + 2.0**-38, 4.0 - 2.0**-38, -2.0 - 2.0**-38]}
    yield case("inside", "inside by a hair", **hair, slope=2.0, tip=0)
    far = {"x": [300.0, 100.0, 420.0, 310.0], "values": [0.0, 390.0, 260.0, 15.0]}
    yield case("inside", "far out", **far, slope=2.0, tip=0)
    yield case("strict", "touches a side of slope 0.7", x=[0.0, 1.0, 3.0], values=[0.0, 0.7, 0.5], slope=0.7, tip=0)
    yield case("strict", "a level cone", x=[0.0, 1.0, 2.0, 3.0], values=[1.0, 1.0, 1.0002, 1.0], slope=0.0, tip=3)


def inside(x: np.ndarray, values: np.ndarray, slope: float, tip: int) -> np.ndarray:
    """|f(x) − f(tip)| > slope · |x − tip|."""
    return np.abs(values - values[tip]) > slope * np.abs(x - x[tip])


def _one_half(x: np.ndarray, values: np.ndarray, slope: float, tip: int, sign: float) -> np.ndarray:
    return sign * (values - values[tip]) > slope * np.abs(x - x[tip])


def _all_pairs(x: np.ndarray, values: np.ndarray, slope: float, tip: int) -> np.ndarray:
    return np.abs(values[:, None] - values) > slope * np.abs(x[:, None] - x)


WRONG = (
    ("outside", lambda *a: ~inside(*a), lambda x, f, k, i: np.abs(f - f[i]) < k * np.abs(x - x[i])),
    ("signed-run", lambda x, values, slope, tip: np.abs(values - values[tip]) > slope * (x - x[tip])),
    ("one-half", given(_one_half, sign=1.0), given(_one_half, sign=-1.0)),
    ("both-signed", lambda x, f, k, i: f - f[i] > k * (x - x[i]), lambda x, f, k, i: (f - f[i]) / (x - x[i]) > k),
    ("other-axis", lambda x, values, slope, tip: np.abs(x - x[tip]) > slope * np.abs(values - values[tip])),
    ("other-axis", lambda x, f, k, i: k * np.abs(f - f[i]) > np.abs(x - x[i])),
    ("slope-ignored", given(inside, slope=1.0)),
    ("at-the-origin", lambda x, f, k, i: np.abs(f) > k * np.abs(x), given(inside, tip=0)),
    ("at-the-origin", lambda x, f, k, i: np.abs(f - f[i]) > k * np.abs(x)),
    ("tip-as-place", lambda x, f, k, i: np.abs(f - f[i]) > k * np.abs(x - i)),
    ("tip-as-place", lambda x, f, k, i: inside(x, f, k, np.abs(x - i).argmin())),
    ("reduced", summed(inside), lambda *a: inside(*a).any()),
    ("not-a-mask", composed(np.flatnonzero, inside), lambda *a: a[0][inside(*a)]),
    ("not-a-mask", lambda x, f, k, i: np.abs(f - f[i]) - k * np.abs(x - x[i])),
    ("all-pairs", _all_pairs, lambda *a: _all_pairs(*a).any(0)),
    ("not-squared", lambda x, f, k, i: (f - f[i]) ** 2 > k * (x - x[i]) ** 2),
    ("single-precision", lambda x, f, k, i: inside(x, f, float(np.float32(k)), i)),
    ("not-strict", lambda x, f, k, i: np.abs(f - f[i]) >= k * np.abs(x - x[i])),
)
MESSAGES = """
outside: The mask is the wrong way round: it marks the points that *keep* the condition.
signed-run: x − x[tip] is negative to the left of the tip, so everything there counts as a violation. A distance is an
    absolute value.
one-half: Only one half of the double cone is looked at: a function may break the rule by rising *or* by falling. Take
    the absolute value of the difference.
both-signed: Neither difference has its absolute value: a slope that falls is always below a positive bound.
other-axis: This cone lies on its side: run and rise are exchanged. Inside the *upright* cone the difference of the
    values exceeds slope times the distance.
slope-ignored: The slope has no effect: this is the cone of slope 1.
at-the-origin: The cone stands at the origin (or at the first point), not at the tip that was given.
tip-as-place: `tip` is an *index*: the cone stands at (x[tip], values[tip]). Here it was used as a place on the axis,
    as it is or as the sample nearest to it.
reduced: One answer comes back: a count, or whether there is any. Return one True or False for each point.
not-a-mask: Indices or values of the points come back. Return a mask of True and False, as long as x.
all-pairs: The cone was put on every point, and all pairs come back. One tip was asked for.
not-squared: Both differences are squared and the slope is not: K has to be squared with them, or nothing at all.
single-precision: The slope was rounded to float32, which torch.tensor(slope) does: a point on the side of the cone
    comes to lie inside. Use the number itself.
not-strict: A point on the side of the cone counts as inside (≥ in place of >), and with it the tip itself. A function
    with slope exactly K *is* K-Lipschitz.
"""
PROBLEM = Problem(
    key="ps04.cone_violations",
    title="Inside the double cone",
    criteria=(
        Criterion("inside", "True where |f(x) − f(tip)| > slope · |x − tip|, above and below, left and right", 2),
        Criterion("strict", "a point on the side of the cone is not inside, nor is the tip", 1),
    ),
    cases=cases,
    formula=inside,
    scales=((1e6, "x values"), (1e-6, "x values")),
    pure="inside",
    misconceptions=explained(WRONG, MESSAGES),
)
