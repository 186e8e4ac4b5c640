"""``is_lipschitz(x, values, slope)``: find the bug. A check of all pairs that can't fail."""

import numpy as np

from ...formulas import Detected, constant, explained, given
from ...problem import Cases, Criterion, Problem, case
from ._line import in_order, runs_and_rises, slopes


def cases(rng: np.random.Generator) -> Cases:
    yield case("refutes", "steep on the way down", x=[0.0, 1.0, 2.0, 3.0], values=[3.0, 3.5, 0.5, 1.0], slope=2.0)
    yield case("refutes", "one steep step", x=[0.0, 1.0, 2.0, 4.0], values=[0.0, 0.5, 3.0, 3.5], slope=1.0)
    yield case(
        "refutes",
        "steep between points far apart in the list",
        x=[0.0, 4.0, 0.5, 8.0],
        values=[0.0, 3.0, 1.5, 5.0],
        slope=2.0,
    )
    yield case("refutes", "up and down again", x=[0.0, 1.0, 3.0, 4.0, 8.0], values=[0.0, 0.2, 0.0, 0.9, 0.1], slope=0.5)
    yield case("refutes", "steep at the beginning", x=[0.0, 1.0, 2.0, 6.0], values=[0.0, 3.0, 1.5, 1.0], slope=2.0)
    yield case("refutes", "steep everywhere", x=[0.0, 1.0, 2.0], values=[0.0, 3.0, 5.0], slope=2.0)
    yield case("refutes", "a zigzag", x=[0.0, 1.0, 2.0, 3.0], values=[0.0, 3.0, 0.0, 3.0], slope=1.1)
    x = np.arange(10) * 0.5
    values = np.cumsum(rng.uniform(-0.3, 0.3, 10))
    values[6:] -= 2.0
    yield case("refutes", "ten points", x=x, values=values, slope=1.5)
    steepest = np.abs(slopes(x, values)).max()
    yield case("refutes", "ten points, a generous slope", x=x, values=values, slope=1.01 * steepest)
    yield case("refutes", "steep at the last but one", x=[0.0, 1.0, 2.0, 3.0], values=[0.0, 0.0, 3.0, 0.5], slope=2.0)
    yield case("refutes", "a little too steep", x=[1.0, 0.0, 2.0], values=[2.0, 0.0, 3.0], slope=1.9996)
    yield case("refutes", "steep far out", x=[20.0, 30.0, 40.0], values=[20.0, 25.0, 60.0], slope=1.0)
    yield case("accepts", "gentle far out", x=[20.0, 30.0, 90.0], values=[-20.0, -25.0, 160.0], slope=4.0)
    yield case("refutes", "hardly too steep", x=[1.0, 0.0, 2.0], values=[2.0, 0.0, 3.0], slope=1.9999995)
    yield case("refutes", "too steep by a hair", x=[1.0, 0.0, 2.0], values=[2.0, 0.0, 3.0], slope=2 - 4e-9)
    yield case("refutes", "hardly level", x=[0.0, 1.0, 2.0], values=[1.0, 1.0, 1.0002], slope=0.0)
    yield case("accepts", "level", x=[2.0, 1.0, 0.0], values=[1.5, 1.5, 1.5], slope=0.0)
    order = np.arange(130) * 47 % 130  # neighbours on the line are far apart in the list
    values = np.where(order == 129, 3.0, np.sin(order))
    yield case("refutes", "130 points, one pair steep", x=order.astype(float), values=values, slope=1.5)
    yield case("accepts", "gentle", x=[0.0, 1.0, 2.0, 4.0], values=[0.0, 0.5, -0.25, 1.0], slope=1.0)
    yield case("refutes", "through 0 in one step", x=[0.0, 1.0, 3.0], values=[-2.0, 2.0, 2.5], slope=2.0)
    yield case("accepts", "places on both sides of 0", x=[-1.0, 1.0, 2.5], values=[0.0, 1.5, 1.0], slope=1.0)
    yield case("accepts", "touches", x=[0.0, 1.0, 3.0], values=[0.0, 2.0, -2.0], slope=2.0)
    yield case("accepts", "touches slope 0.7", x=[1.0, 0.0, 3.0], values=[0.7, 0.0, 0.5], slope=0.7)
    yield case("accepts", "steep but allowed", x=[2.0, 0.0, 1.0], values=[5.0, 0.5, 3.5], slope=3.5)
    x, values = np.arange(40.0), np.append(np.arange(39) % 2, 2.0)
    yield case("refutes", "40 points, steep at the end", x=x, values=values, slope=1.0)
    yield case("accepts", "40 points", x=x, values=values, slope=2.0)
    x = rng.permutation(np.arange(8) * 1.0)
    yield case("accepts", "a wave in no order", x=x, values=np.sin(x), slope=1.0)
    yield case("accepts", "a wave, too narrow a bound", x=x, values=np.sin(x), slope=0.8)


def keeps(x: np.ndarray, values: np.ndarray, slope: float) -> bool:
    """Whether |f(x) − f(y)| ≤ K |x − y| for all pairs."""
    runs, rises = runs_and_rises(x, values)
    return bool(np.all(np.abs(rises) <= slope * np.abs(runs)))


def _rises_only(x: np.ndarray, values: np.ndarray, slope: float) -> bool:
    runs, rises = runs_and_rises(x, values)
    return bool(np.all(rises <= slope * np.abs(runs)))


def _on_average(x: np.ndarray, values: np.ndarray, slope: float) -> bool:
    runs, rises = runs_and_rises(x, values)
    return bool(np.abs(rises).sum() <= slope * np.abs(runs).sum())


def _strict(x: np.ndarray, values: np.ndarray, slope: float) -> bool:
    runs, rises = runs_and_rises(x, values)
    return bool(np.all(np.abs(rises) < slope * np.abs(runs)))


WRONG = (
    ("always-true", constant(True)),
    ("always-true", Detected(lambda case, seen, expected: seen.status == "unusable" and "dict" in seen.error)),
    ("always-false", constant(False)),
    ("inverted", lambda x, f, k: not keeps(x, f, k)),
    ("signed", _rises_only, lambda x, f, k: bool((slopes(x, f) <= k).all())),
    ("signed", lambda x, f, k: bool((in_order(x, f) <= k).all())),
    ("order", lambda x, f, k: bool((np.abs(in_order(x, f)) <= k).all())),
    ("ends", lambda x, values, slope: bool(abs(values[-1] - values[0]) <= slope * abs(x[-1] - x[0]))),
    ("ends", lambda x, values, slope: bool(np.ptp(values) <= slope * np.ptp(x))),
    ("one-point", lambda x, values, slope: bool(np.all(np.abs(values - values[0]) <= slope * np.abs(x - x[0])))),
    ("one-point", lambda x, f, k: bool(np.abs(f[1] - f[0]) <= k * np.abs(x[1] - x[0]))),
    ("one-point", lambda x, f, k: bool(np.all(np.abs(f - f[-1]) <= k * np.abs(x - x[-1])))),
    ("mean", lambda x, f, k: bool(np.abs(slopes(x, f)).mean() <= k)),
    ("mean", lambda x, f, k: bool(np.abs(in_order(x, f)).mean() <= k)),
    ("mean", _on_average),
    ("slope-ignored", given(keeps, slope=1.0)),
    ("not-one-answer", lambda x, f, k: np.abs(slopes(x, f)).max()),
    ("not-one-answer", lambda x, f, k: np.abs(f[:, None] - f) <= k * np.abs(x[:, None] - x)),
    ("not-one-answer", lambda x, f, k: np.abs(slopes(x, f)) <= k),
    ("strict", _strict),
    ("single-precision", lambda x, f, k: keeps(x, f, float(np.float32(k)))),
    ("slack", *(lambda x, f, k, e=e: keeps(x, f, k * (1 + e)) for e in (1e-3, 0.01, 0.02, 0.05, 0.1, 0.2))),
    ("slack", *(lambda x, f, k, e=e: keeps(x, f, k + e) for e in (1e-3, 0.01, 0.02, 0.05, 0.1))),
)
MESSAGES = """
always-true: It still says True whatever the function is. np.all of a dictionary's .values() looks at *one* object, and
    all(…) of a dictionary at its keys: neither sees the answers. Ask all(….values()). (any(…) is no help: one good pair
    would do.)
always-false: It says False whatever the function is. Is a point compared with itself, strictly (0 < 0)? A pair is two
    different points.
inverted: The answers are exchanged: it says True where the condition is broken.
signed: Only rises are looked at. A function that falls steeply breaks the condition too: absolute value.
order: Only points that follow each other in the list are compared, and the list is in no order. All pairs were asked
    for.
ends: Only the ends, or the largest and smallest values, are compared. What is steep lies between.
one-point: Only pairs with one fixed point are compared (a return inside the loop?). The cone has to slide along.
mean: The *mean* slope, or the mean difference, is compared with the bound. One steep pair is enough to break the
    condition.
slope-ignored: The bound has no effect: the condition is checked for slope 1.
not-one-answer: The answers of all pairs (or the steepest slope) come back. Return one True or False.
strict: A pair of exactly the allowed slope is refused: < in place of ≤.
single-precision: The slope was rounded to float32, which torch.tensor(slope) does: a pair of exactly that slope is
    refused. Use the number itself.
slack: Pairs that are a little too steep are let through: a tolerance is no more than what rounding asks for.
"""
PROBLEM = Problem(
    key="ps04.is_lipschitz",
    title="Find the bug: a check that cannot fail",
    criteria=(
        Criterion("refutes", "False where some pair is steeper than the slope, and only there", 1),
        Criterion("accepts", "True where none is, a pair of exactly that slope included, and only there", 1),
    ),
    cases=cases,
    formula=keeps,
    scales=((1e6, "x values"), (1e-6, "x values")),
    pure="accepts",
    misconceptions=explained(WRONG, MESSAGES),
)
