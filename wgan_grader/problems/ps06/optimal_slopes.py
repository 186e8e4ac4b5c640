"""``optimal_slopes(real, fake, weight)``: what a penalised critic converges to, on a line."""

import numpy as np

from ...formulas import absolute, composed, explained, given, negated, replacing
from ...problem import Case, Cases, Criterion, Problem

Array = np.ndarray


def cases(rng: np.random.Generator) -> Cases:
    yield Case("two masses", {"real": np.array([2.0]), "fake": np.array([-1.0]), "weight": 3.0}, criterion="slopes")
    few = {"real": np.array([-1.5, 0.5, 2.0]), "fake": np.array([-0.5, 0.0, 3.0]), "weight": 0.75}
    yield Case("three a side", few, criterion="rest")
    yield Case("a cheap penalty", few | {"weight": 0.02}, criterion="slopes")
    yield Case("a very cheap penalty", few | {"weight": 5e-4}, criterion="slopes")
    for n, k in ((1, 3), (4, 1)):
        inputs = {"real": rng.normal(size=n) + 4, "fake": rng.normal(size=k) - 4, "weight": 1.7}
        yield Case(f"{n} against {k}, all to the right", inputs, criterion="slopes")
    close = {name: 1e-7 * value for name, value in few.items()}
    yield Case("three a side, a millionth apart", close, criterion="rest")
    for n, k, apart in ((4, 4, 5.0), (3, 5, -5.0), (5, 2, 1.0)):  # mass moves to the right, to the left, both ways
        inputs = {"real": 3 * rng.normal(size=n) + apart, "fake": 3 * rng.normal(size=k)}
        yield Case(f"{n} against {k}", inputs | {"weight": round(float(rng.uniform(0.4, 4)), 2)}, criterion="slopes")
    comb = {"real": 3 + np.arange(40.0), "fake": np.append(np.arange(40.0) + 3.5, 2.0), "weight": 2.0}
    yield Case("40 and 41 points, nearly in balance", comb, criterion="rest")
    tens = np.arange(6.0, 26.0)  # where h is 0, sums of ±0.1 are not
    turns = {"real": tens[tens % 6 < 3][:10], "fake": np.append(tens[tens % 6 >= 3], 26.0), "weight": 1.5}
    yield Case("ten a side, in turns of three", turns, criterion="rest")
    far = {name: 2.0**20 + 0.37 * value for name, value in few.items()} | {"weight": 1.25}
    yield Case("three a side, far from 0", far, criterion="slopes")
    x = np.sort(rng.uniform(0, 1, 4)) * 3 + np.arange(4) * 3
    yield Case("pairs apart", {"real": x[[0, 3]], "fake": x[[2, 1]], "weight": 1.3}, criterion="rest")


def parts(real: Array, fake: Array, counted: bool = False) -> tuple[Array, Array]:
    """h and m on each gap between neighbours; m may count the segments that cover it."""
    points = np.sort(np.concatenate([real, fake]))
    middle = (points[1:] + points[:-1]) / 2
    h = (fake[:, None] < middle).mean(0) - (real[:, None] < middle).mean(0)
    others = np.repeat(real, len(fake)), np.tile(fake, len(real))
    low, high = np.minimum(*others)[:, None], np.maximum(*others)[:, None]
    m = ((low < middle) & (middle < high)) / (1 if counted else high - low)
    return np.where(np.abs(h) < 1e-12, 0.0, h), m.mean(0)


def solution(h: Array, m: Array, weight: float, overshoot: float = 1.0) -> Array:
    """Sign of h times 1 + |h|/(2λm), and 0 where h is 0."""
    return np.sign(h) * (1 + overshoot * np.abs(h) / (2 * weight * np.where(h == 0, 1.0, m)))


def slopes(real: Array, fake: Array, weight: float, overshoot: float = 1.0) -> Array:
    """Slope on each gap."""
    return solution(*parts(real, fake), weight, overshoot)


def _uniform(real: Array, fake: Array, weight: float) -> Array:
    return solution(parts(real, fake)[0], 1 / np.ptp(np.concatenate([real, fake])), weight)


def _in_pairs(real: Array, fake: Array, weight: float) -> Array:
    """With the segments of ``zip(real, fake)`` only."""
    n = min(len(real), len(fake))
    points = np.sort(np.concatenate([real, fake]))
    middle, (h, _) = (points[1:] + points[:-1]) / 2, parts(real, fake)
    low, high = np.minimum(real[:n], fake[:n])[:, None], np.maximum(real[:n], fake[:n])[:, None]
    return solution(h, (((low < middle) & (middle < high)) / (high - low)).mean(0), weight)


def _paired_if_alike(real: Array, fake: Array, weight: float) -> Array:
    """In pairs where there are as many on both sides, which broadcasting does by itself."""
    return (_in_pairs if len(real) == len(fake) else slopes)(real, fake, weight)


def _with_counts(real: Array, fake: Array, weight: float, unit: float) -> Array:
    """With points counted in place of masses."""
    points, (_, m) = np.sort(np.concatenate([real, fake])), parts(real, fake)
    middle = (points[1:] + points[:-1]) / 2
    h = ((fake[:, None] < middle).sum(0) - (real[:, None] < middle).sum(0)) / unit
    return solution(h, m, weight)


def _with_density(density):
    """With another m, made of which segments cover a gap, how long they are, and which of them run to the right."""

    def formula(real: Array, fake: Array, weight: float) -> Array:
        points = np.sort(np.concatenate([real, fake]))
        begin, end = np.repeat(real, len(fake))[:, None], np.tile(fake, len(real))[:, None]
        middle = (points[1:] + points[:-1]) / 2
        covers = (np.minimum(begin, end) < middle) & (middle < np.maximum(begin, end))
        return solution(parts(real, fake)[0], density(covers, np.abs(end - begin), begin < end), weight)

    return formula


WRONG = (
    ("no-overshoot", composed(np.sign, slopes)),
    ("sign", negated(slopes)),
    ("no-sign", absolute(slopes)),
    ("half", given(slopes, overshoot=2.0)),
    ("other-factor", given(slopes, overshoot=0.5), given(slopes, overshoot=4.0)),
    ("only-the-overshoot", lambda r, f, w: slopes(r, f, w) - np.sign(slopes(r, f, w))),
    ("one-way", _with_density(lambda c, long, right: ((c & right) / long).mean(0))),
    ("one-way", _with_density(lambda c, long, right: ((c & ~right) / long).mean(0))),
    ("every-segment", _with_density(lambda c, long, right: (np.ones_like(c) / long).mean(0))),
    ("covering-only", _with_density(lambda c, long, right: (c / long).sum(0) / np.maximum(c.sum(0), 1))),
    ("sum", _with_density(lambda c, long, right: (c / long).sum(0))),
    ("sum", lambda r, f, w: _with_density(lambda c, long, right: (c / long).sum(0) / len(r))(r, f, w)),
    ("sum", lambda r, f, w: _with_density(lambda c, long, right: (c / long).sum(0) / len(f))(r, f, w)),
    ("shrunk", given(slopes, overshoot=-1.0)),
    ("uniform", _uniform),
    ("counted", lambda r, f, w: solution(*parts(r, f, counted=True), w)),
    ("mean-length", _with_density(lambda c, long, right: c.mean(0) / long.mean())),
    ("mean-length", _with_density(lambda c, long, right: c.mean(0) / ((c * long).sum(0) / np.maximum(c.sum(0), 1)))),
    ("paired", _paired_if_alike, _in_pairs),
    ("weight", given(slopes, weight=1.0), given(slopes, weight=10.0), replacing(slopes, weight=np.reciprocal)),
    ("unit-where-free", lambda *a: np.where(slopes(*a) == 0, 1.0, slopes(*a))),
    ("unit-where-free", lambda *a: np.where(slopes(*a) == 0, np.nan, slopes(*a))),
    ("unit-where-free", lambda *a: np.where(slopes(*a) == 0, -1.0, slopes(*a))),
    ("unweighted-h", given(_with_counts, unit=1.0), lambda r, f, w: _with_counts(r, f, w, len(r) + len(f))),
)
MESSAGES = """
no-overshoot: These are the slopes of an unpenalised optimal critic, ±1. The penalty is a price that is worth paying: 1
    + |h|/(2λm).
sign: The critic climbs towards the generated points. It has to be higher where the real mass goes: the sign of h = F_Q
    − F_P.
no-sign: All slopes are positive: h has a sign.
half: The 2 in 2λm is missing: the derivative of (g − 1)² is 2 (g − 1).
other-factor: The 1 is there, and the overshoot has another factor: it is |h|/(2λm).
only-the-overshoot: The 1 is missing: this is the overshoot sign(h) |h|/(2λm) alone.
one-way: m counts only the segments that run from the real to the generated point in one direction. A segment covers a
    gap whichever of its ends is the real one.
every-segment: Each gap counts all segments, also those that do not cover it.
covering-only: m is a mean over the segments that cover the gap. It is a mean over *all* n·k of them, in which the
    others count 0.
sum: m is a sum, or is divided by n or by k alone. It is a mean over all n·k pairs.
shrunk: The slope is taken *below* 1: a constraint that is loosened lets the critic be steeper, not gentler.
uniform: m is taken as uniform over the whole range. It is the density of random points on random segments: higher where
    many short segments lie.
counted: m counts the segments that cover a gap, and forgets to divide each by its length: a point on a long segment is
    rarely just here.
mean-length: The share of segments over a gap is divided by a mean length. m is the mean of 1/length: divide segment by
    segment, then average.
paired: m is made of the pairs (real[i], fake[i]) only. Pairs are random: all n·k of them count.
weight: λ is not where it belongs: the larger the weight, the smaller the overshoot.
unit-where-free: Where h = 0 no mass has to move, and 0 is asked for there. (Only the two-sided penalty would prefer 1.)
unweighted-h: h counts points in place of masses: each real point weighs 1/n and each generated one 1/k.
"""
PROBLEM = Problem(
    key="ps06.optimal_slopes",
    title="What a penalised critic becomes",
    criteria=(
        Criterion("slopes", "the slope sign(h) (1 + |h|/(2λm)) on each gap, shape (n + k − 1,)", 2),
        Criterion("rest", "and 0 where no mass has to move", 1),
    ),
    cases=cases,
    formula=slopes,
    scales=((1e6, "real fake weight"), (1e-6, "real fake weight")),
    pure="slopes",
    misconceptions=explained(WRONG, MESSAGES),
)
