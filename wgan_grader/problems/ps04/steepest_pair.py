"""``steepest_pair(x, values)``: the largest slope between two samples of a function on the line."""

import numpy as np

from ...formulas import Detected, absolute, averaged, composed, explained, largest, part, reciprocal, smallest
from ...problem import Cases, Criterion, Problem, case
from ._line import in_order, runs_and_rises, slopes


def cases(rng: np.random.Generator) -> Cases:
    yield case("largest", "three points", x=[0.0, 1.0, 3.0], values=[0.0, -2.0, 1.0])
    yield case(
        "largest",
        "a steep place far from the first point",
        x=[0.0, 1.0, 2.0, 2.5, 4.0],
        values=[0.0, 0.5, 1.0, -1.0, 0.0],
    )
    x = np.sort(rng.uniform(-3, 3, 12)) + 0.3 * np.arange(12)
    values = np.cumsum(rng.normal(size=12))
    values[7:] -= 12
    yield case("largest", "twelve points", x=x, values=values)
    yield case("unsorted", "in no order", x=[2.0, 0.0, 1.0, 5.0], values=[1.0, 0.0, -2.5, 0.5])
    yield case("largest", "steep on the last step", x=[0.0, 1.0, 2.0, 2.5], values=[0.0, 1.0, 0.5, 3.0])
    yield case("largest", "steep on the first step", x=[0.0, 0.5, 2.0, 3.0], values=[0.0, -2.0, -1.0, 0.0])
    yield case("largest", "a constant", x=[0.0, 1.0, 3.0], values=[0.5, 0.5, 0.5])
    gentle = np.append(rng.uniform(-0.2, 0.2, 29), 0.0)
    yield case("largest", "thirty gentle points", x=np.arange(30.0), values=gentle)
    late = np.append(np.arange(39) % 2, -3.0)
    yield case("largest", "40 points, steep at the end", x=np.arange(40.0), values=late)
    yield case("largest", "very near", x=[0.0, 1.0, 1.0 + 2.0**-20, 2.0], values=[0.0, 0.5, 0.75, 1.0])
    yield case("largest", "two points", x=[3.0, 1.0], values=[0.5, -4.5])
    yield case("unsorted", "from right to left", x=[4.0, 3.0, 1.0, 0.0], values=[0.0, 1.0, 5.5, 5.0])
    yield case("largest", "very, very near", x=[0.0, 2.0**-40, 1.0], values=[0.0, 1.0, 0.5])
    x, waves = np.arange(130.0), np.sin(np.arange(130.0))
    yield case("largest", "130 points, steep at the end", x=x, values=np.append(waves[:-1], 7.0))
    for name, x in (("far out", [1000.0, 3000.0, 2000.0]), ("below 0", [-3.0, -1.0, -2.0])):
        yield case(
            "unsorted", f"three {name}, in no order", x=x, values=[0.0, 6.0 * abs(x[2] - x[0]), 5.0 * abs(x[2] - x[0])]
        )
    for scale in (1e3, 1e-6):
        x, values = scale * np.array([2.0, 0.0, 1.0, 5.0]), scale * np.array([1.0, 0.0, -2.5, 0.5])
        yield case("unsorted", f"in no order, times {scale:g}", x=x, values=values, atol=0.0)
    close = 1e6 + np.array([0.58, 0.02, 0.31, 1.23])
    yield case("unsorted", "near each other, far from 0", x=close, values=[0.2, 0.9, -0.4, 0.6])
    x = rng.permutation(np.arange(9) * 0.7)
    yield case("unsorted", "nine points in no order", x=x, values=3 * np.sin(2.3 * x))


def steepest(x: np.ndarray, values: np.ndarray) -> float:
    """Largest |f(x) − f(y)| / |x − y|."""
    return np.abs(slopes(x, values)).max()


def _largest_rise_over_its_run(x: np.ndarray, values: np.ndarray) -> float:
    runs, rises = runs_and_rises(x, values)
    best = np.abs(rises).argmax()
    return abs(rises[best] / runs[best])


WRONG = (
    ("order", largest(absolute(in_order))),
    ("single-precision", lambda x, values: steepest(x.astype(np.float32), values.astype(np.float32))),
    ("left-behind", *(lambda x, f, s=s: np.abs(s(np.sort(x), f)).max() for s in (in_order, slopes))),
    ("left-behind", *(lambda x, f, s=s: np.abs(s(np.sort(x), np.sort(f))).max() for s in (in_order, slopes))),
    ("signed", largest(slopes), largest(in_order)),
    ("ends", lambda x, f: abs((f[-1] - f[0]) / (x[-1] - x[0])), lambda x, values: np.ptp(values) / np.ptp(x)),
    ("ends", lambda x, f: abs((f.max() - f.min()) / (x[f.argmax()] - x[f.argmin()]))),
    ("apart", lambda x, f: np.abs(runs_and_rises(x, f)[1]).max() / np.abs(runs_and_rises(x, f)[0]).min()),
    ("apart", lambda x, f: np.abs(np.diff(f)).max() / np.abs(np.diff(x)).min()),
    ("apart", lambda x, f: np.abs(np.diff(f)).max() / np.abs(np.diff(x)).max(), _largest_rise_over_its_run),
    ("rise", largest(absolute(part(runs_and_rises, 1))), lambda x, f: np.abs(np.diff(f)).max()),
    ("inverse", largest(absolute(reciprocal(slopes))), largest(absolute(reciprocal(in_order)))),
    ("mean", averaged(absolute(slopes)), averaged(absolute(in_order)), composed(np.median, absolute(slopes))),
    ("one-point", lambda x, f: np.abs((f[1:] - f[0]) / (x[1:] - x[0])).max()),
    ("centred", lambda x, values: np.abs(np.gradient(values, x)).max()),
    ("smallest", smallest(absolute(slopes)), smallest(absolute(in_order))),
    ("diagonal", Detected(lambda case, seen, expected: bool(np.isnan(seen.outputs["value"]).all()))),
    ("all-slopes", absolute(in_order), absolute(slopes)),
)
MESSAGES = """
order: Only points that follow each other *in the arrays* are compared. They need not be neighbours on the line: sort by
    x first (and take the values along), or compare all pairs.
single-precision: The points were rounded to float32, which keeps about one decimal of numbers near 10⁶: where points
    lie far from 0 and near each other, their distances are lost. Leave them in float64, as they came.
left-behind: x is sorted and the values are not taken along (or are sorted by themselves), so they belong to other
    points than before. Sort both by x: order = x.argsort(), then x[order] and values[order].
signed: The slope is taken with its sign, so a function that falls steeply counts as flat. The condition is about the
    *size*: take the absolute value before the maximum.
ends: Only the ends of the range (or the largest and the smallest value) are compared. What is steep lies between: all
    pairs count.
apart: Rise and run come from different pairs (the largest rise over the smallest or another run). Divide pair by pair,
    then take the maximum.
rise: This is the largest difference of values. It has to be divided by the distance of the two points.
inverse: Upside down: run over rise. A slope is the difference of the values over the distance of the points.
mean: Slopes are averaged (or their median is taken). The Lipschitz constant is a maximum: one steep pair is enough.
one-point: Only pairs with the first point are compared: the cone was put on the graph once and never moved.
centred: Centred differences (np.gradient, torch.gradient) average the slopes on both sides, so they miss the steepest.
    Use the quotients themselves.
smallest: This is the flattest pair: minimum in place of maximum.
diagonal: NaN: a point was compared with itself, 0/0. Leave those pairs out (i < j, or a mask).
all-slopes: All slopes come back. Return one number, the largest.
"""
PROBLEM = Problem(
    key="ps04.steepest_pair",
    title="The steepest pair",
    criteria=(
        Criterion("largest", "the largest |f(x) − f(y)| / |x − y| over all pairs of different points", 2),
        Criterion("unsorted", "for points in any order", 1),
    ),
    cases=cases,
    formula=steepest,
    scales=((1e6, "x values"), (2.0**-40, "x values")),
    pure="largest",
    misconceptions=explained(WRONG, MESSAGES),
)
