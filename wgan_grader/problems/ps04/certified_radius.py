"""``certified_radius(logits, labels, lipschitz)``: how far each image may be moved without a change of decision."""

import numpy as np

from ...formulas import averaged, explained, smallest, summed
from ...problem import Case, Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    right = np.array([[3.0, 0.5, 1.0], [-1.0, 2.0, 1.5], [0.0, -4.0, 1.0]])
    yield _case("three right answers", right, [0, 1, 2], 2.0, "radius")
    logits = rng.normal(scale=3.0, size=(6, 5))
    yield _case("six right answers", logits, logits.argmax(1), 0.4, "radius")
    yield _case("two classes", np.array([[-3.0, -1.0], [2.5, -1.5]]), [1, 0], 5.0, "radius")
    yield _case("a wrong answer", np.array([[3.0, 0.5, 1.0], [3.0, 0.5, 1.0]]), [0, 1], 1.5, "wrong")
    mixed = rng.normal(scale=2.0, size=(7, 4))
    labels = mixed.argmax(1)
    labels[::2] = mixed.argmin(1)[::2]
    yield _case("wrong and right", mixed, labels, 3.0, "wrong")
    yield _case("far below zero", right - 1e4, [0, 1, 2], 2.0, "radius")
    yield _case("near each other, far from 0", 1e7 + right / 7, [0, 1, 2], 2.0, "radius")
    depths = np.array([[-3.0, -8.0, -7.0], [-6.0, -2.0, -2.5]])
    yield _case("below any number that stands for −∞", 1e35 * depths, [0, 1], 2.0, "radius")
    many = rng.normal(size=(3, 14))
    many[np.arange(3), [12, 0, 13]] += 6.0
    yield _case("fourteen classes", many, [12, 0, 13], 1.3, "radius")
    many = rng.normal(size=(1030, 200))
    places = rng.integers(0, 200, 1030)
    many[np.arange(1030), places] += 8.0
    yield _case("1030 images, 200 classes", many, places, 3, "radius")
    yield _case("a tie", np.array([[2.0, 2.0, -1.0], [0.0, 4.0, 1.0]]), [0, 1], 0.5, "wrong")


def _case(name: str, logits: np.ndarray, labels, lipschitz: float, criterion: str) -> Case:
    return case(criterion, name, logits=logits, labels=np.array(labels, dtype=np.int64), lipschitz=lipschitz)


def margins(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Logit of the label minus the largest of the others."""
    rows = np.arange(len(z))
    others = z.copy()
    others[rows, y] = -np.inf
    return z[rows, y] - others.max(1)


def radius(z: np.ndarray, y: np.ndarray, K: float) -> np.ndarray:
    """Margin over √2 K, and 0 where the answer is wrong."""
    return np.maximum(margins(z, y), 0) / (np.sqrt(2) * K)


def _others(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    keep = np.arange(z.shape[1]) != y[:, None]
    return z[keep].reshape(len(z), -1)


def _label(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    return z[np.arange(len(z)), y]


def _positive(m: np.ndarray) -> np.ndarray:
    return np.maximum(m, 0)


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _top_two(z: np.ndarray) -> np.ndarray:
    ordered = np.sort(z, 1)
    return ordered[:, -1] - ordered[:, -2]


def _against(z: np.ndarray, y: np.ndarray, sentinel: float) -> np.ndarray:
    """Margin against the others and one number that stands in the label's place."""
    return _positive(_label(z, y) - np.maximum(_others(z, y).max(1), sentinel))


ROOT = np.sqrt(2)
SENTINELS = (0.0, *(-(10.0**k) for k in range(1, 13)))
WRONG = (
    ("no-root", lambda z, y, K: _positive(margins(z, y)) / K, lambda z, y, K: margins(z, y) / K),
    ("two", lambda z, y, K: _positive(margins(z, y)) / (2 * K), lambda z, y, K: margins(z, y) / (2 * K)),
    ("times", lambda z, y, K: _positive(margins(z, y)) * ROOT * K, lambda z, y, K: _positive(margins(z, y)) * K / ROOT),
    ("times", lambda z, y, K: _positive(margins(z, y)) * K, lambda z, y, K: _positive(margins(z, y)) * ROOT / K),
    ("times", lambda z, y, K: _positive(margins(z, y)) / ROOT * K),
    ("root-of-all", lambda z, y, K: _positive(margins(z, y)) / np.sqrt(2 * K)),
    ("root-of-all", lambda z, y, K: margins(z, y) / np.sqrt(2 * K)),
    ("wrong-rival", lambda z, y, K: _positive(_label(z, y) - _others(z, y).min(1)) / (ROOT * K)),
    ("wrong-rival", lambda z, y, K: _positive(_label(z, y) - _others(z, y).mean(1)) / (ROOT * K)),
    ("wrong-rival", lambda z, y, K: _positive(_label(z, y) - z.mean(1)) / (ROOT * K)),
    ("wrong-rival", lambda z, y, K: _positive(_label(z, y) - z.min(1)) / (ROOT * K)),
    ("label-in-the-maximum", lambda z, y, K: (_label(z, y) - z.max(1)) / (ROOT * K), lambda z, y, K: np.zeros(len(z))),
    ("a-number-for-infinity", *(lambda z, y, K, s=s: _against(z, y, s) / (ROOT * K) for s in SENTINELS)),
    ("single-precision", lambda z, y, K: radius(z.astype(np.float32), y, K)),
    ("no-margin", lambda z, y, K: _label(z, y) / (ROOT * K), lambda z, y, K: _positive(_label(z, y)) / (ROOT * K)),
    ("no-margin", lambda z, y, K: z.max(1) / (ROOT * K)),
    ("probabilities", lambda z, y, K: _positive(margins(_softmax(z), y)) / (ROOT * K)),
    ("probabilities", lambda z, y, K: margins(_softmax(z), y) / (ROOT * K)),
    ("reduced", averaged(radius), smallest(radius), summed(radius)),
    ("ignores-label", lambda z, y, K: _top_two(z) / (ROOT * K)),
    ("negative", lambda z, y, K: margins(z, y) / (ROOT * K), lambda z, y, K: np.abs(margins(z, y)) / (ROOT * K)),
    ("not-a-number", lambda z, y, K: np.where(margins(z, y) >= 0, radius(z, y, K), np.nan)),
    ("not-a-number", lambda z, y, K: np.where(margins(z, y) > 0, radius(z, y, K), np.nan)),
)
MESSAGES = """
no-root: The factor √2 is missing: margin/K promises too much. The *difference* of two logits is √2 K-Lipschitz, since
    both may move.
two: 2K in place of √2 K. It is a valid radius and a smaller one: each logit alone may move by K‖δ‖, but the vector of
    logits cannot move both by that much.
times: K (or the root) stands on the wrong side: a steeper network has *smaller* radii. Divide by √2 K.
root-of-all: K stands under the root: √(2K). The root belongs to the 2 alone.
wrong-rival: The label's logit is compared with the *smallest* or the *mean* of the others (or with that of one fixed
    class). The nearest rival decides: the largest of the others.
label-in-the-maximum: The label itself takes part in the maximum over the others, so a right answer has margin 0. Mask
    it (set it to −∞ in a copy).
a-number-for-infinity: The label's place is filled with a number (0, −100, −1e9, …), and logits may lie below it. Fill
    it with −∞: float("-inf").
single-precision: The logits were rounded to float32, which has no decimals left near 10⁷: all logits of an image may
    lie far from 0, and their differences count. Leave them in float64, as they came.
no-margin: This divides the logit itself by √2 K. A decision is about the *difference* to the next best logit.
probabilities: The margin is taken between probabilities. K bounds the *logits*: leave the softmax out.
reduced: One number comes back for the batch. Each image has its own radius.
ignores-label: The labels are not used: this is the distance between the two largest logits. Where the network is wrong
    it is *certainly* wrong nearby; that is no robustness, and counts 0.
negative: A wrong answer gets a negative (or an absolute) radius. There is no ball on which it is right: 0.
not-a-number: Wrong answers come back as NaN or infinity. Return 0 there.
"""
PROBLEM = Problem(
    key="ps04.certified_radius",
    title="A margin is a radius",
    criteria=(
        Criterion("radius", "margin over √2 K where the answer is right", 2),
        Criterion("wrong", "0 where the answer is wrong or tied", 1),
    ),
    cases=cases,
    formula=radius,
    scales=((1e6, "logits"), (2.0**-40, "logits"), (2.0**-40, "logits lipschitz"), (1e3, "lipschitz")),
    pure="radius",
    package_functions=("wgan_course.measures.robustness.certified_radii", "wgan_course.measures.robustness.margins"),
    stand_in="wgan_course.measures.robustness.certified_radii",
    single=("logits labels",),
    misconceptions=explained(WRONG, MESSAGES),
)
