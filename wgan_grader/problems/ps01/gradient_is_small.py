"""``gradient_is_small(d, threshold)``: find the bug. A textbook's sentence about saturation, as code, is backwards."""

import numpy as np

from ...formulas import explained
from ...problem import Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield case("where", "three fakes", d=[0.01, 0.5, 0.99], threshold=0.1)
    yield case("where", "random fakes", d=rng.uniform(0, 1, 11), threshold=0.3)
    yield case("where", "forty fakes", d=rng.uniform(0, 1, 40), threshold=0.4)
    yield case("where", "1100 fakes", d=rng.uniform(0, 1, 1100), threshold=0.6)
    yield case("where", "a generous threshold", d=[0.2, 0.7, 0.95], threshold=0.9)
    yield case("where", "above every gradient", d=np.append(rng.uniform(0.0, 0.3, 3), [0.5, 1.0]), threshold=1.5)
    yield case("where", "certain answers", d=[0.0, 1e-9, 1 - 1e-9, 1.0], threshold=1e-3)
    yield case("where", "tiny answers", d=[0.0, 5e-7, 0.9999995e-6, 1.0000005e-6, 2e-6], threshold=1e-6)
    yield case("where", "tinier answers", d=[0.0, 1e-20, 5e-19, 2e-18, 3e-17, 0.5], threshold=1e-18)
    beside = 0.3 * (1 + np.array([-1e-9, 1e-9, -1e-10]))
    yield case("where", "beside the threshold", d=beside, threshold=0.3)
    yield case("strict", "at the threshold", d=[0.25, 0.125, 0.5, 0.75], threshold=0.25)
    yield case("strict", "at the threshold, random", d=np.append(4, rng.integers(0, 17, 12)) / 16, threshold=0.25)
    yield case("strict", "at the threshold 0.1", d=[0.1, 0.05, 0.5], threshold=0.1)
    yield case("strict", "the threshold 0", d=[0.0, 0.25, 0.75], threshold=0.0)


def small(d: np.ndarray, threshold: float) -> np.ndarray:
    """|d/dt log(1 − σ(t))| = D, so it is small where D is."""
    return d < threshold


WRONG = (
    ("textbook", lambda d, t: 1 - d < t, lambda d, t: d > 1 - t, lambda d, t: 1 - d <= t, lambda d, t: d >= 1 - t),
    ("comparison", lambda d, t: d > t, lambda d, t: d >= t),
    ("sigmoid-slope", lambda d, t: d * (1 - d) < t, lambda d, t: np.minimum(d, 1 - d) < t),
    (
        "with-respect-to-d",
        lambda d, t: 1 / (1 - d) < t,
    ),
    ("signed", lambda d, t: -d < t, lambda d, t: np.log(1 - d) < t),
    ("the-loss", lambda d, t: np.abs(np.log(1 - d)) < t, lambda d, t: -np.log(d) < t),
    ("reduced", lambda d, t: (d < t).any(), lambda d, t: (d < t).all(), lambda d, t: (d < t).sum()),
    ("not-a-mask", lambda d, t: d[d < t], lambda d, t: -d, lambda d, t: np.flatnonzero(d < t)),
    ("not-a-mask", lambda d, t: d * (d < t)),
    ("logit", lambda d, t: 1 / (1 + np.exp(-d)) < t, lambda d, t: 1 / (1 + np.exp(d)) < t),
    ("beside-one", lambda d, t: 1 - d > 1 - t),
    ("single-precision", lambda d, t: d < float(np.float32(t))),
    ("not-strict", lambda d, t: d <= t),
)
MESSAGES = """
textbook: This is still the textbook's sentence: it finds the fakes with D ≈ 1. Those fool the discriminator, and there
    |d log(1 − D)/dt| = D is near its largest value. The gradient dies where D ≈ 0: at recognised fakes.
comparison: The comparison is the wrong way round: it marks the gradients that are *large*.
sigmoid-slope: Both ends are marked, as for D(1 − D), the slope of the sigmoid. The logarithm brings a factor 1/(1 − D)
    that cancels one of them: what is left is D.
with-respect-to-d: This compares 1/(1 − D), the derivative in D, which is never below 1. The gradient that reaches the
    generator passes through the logit: multiply by D(1 − D).
signed: The gradient −D (or the loss) is compared with its sign: it is always below a positive threshold. Compare its
    size.
the-loss: This asks where the *loss* log(1 − D) is small. A loss may be small and still have a slope: compare the slope.
reduced: One answer comes back for all fakes (any, all, or a count). Each entry has its own: return the shape of d.
not-a-mask: The gradients or the chosen entries come back, not True and False. Return the mask.
logit: d is used as if it were the logit. It holds probabilities: D itself, with no sigmoid to take.
beside-one: 1 − D is compared with 1 − threshold. Beside the 1 a tiny D is rounded away, and the threshold with it:
    compare D itself.
single-precision: The threshold was rounded to float32, which torch.tensor(threshold) does: a gradient that equals the
    number that was given lies on the wrong side of it. Compare with the number itself.
not-strict: A gradient that equals the threshold is taken as below it: ≤ instead of <.
"""
PROBLEM = Problem(
    key="ps01.gradient_is_small",
    title="Find the bug: where the gradient is small",
    criteria=(
        Criterion("where", "True where the gradient of log(1 − D) in the logit is below the threshold", 1.5),
        Criterion("strict", "below means strictly below", 0.5),
    ),
    cases=cases,
    formula=small,
    pure="where",
    misconceptions=explained(WRONG, MESSAGES),
)
