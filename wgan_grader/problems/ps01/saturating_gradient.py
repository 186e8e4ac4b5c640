"""``saturating_gradient(logit)``: slope of the generator's loss log(1 − D) in the discriminator's logit."""

import numpy as np

from ...formulas import Detected, averaged, complement, composed, explained, negated, shifted, summed
from ...problem import Case, Cases, Criterion, Problem
from ._gradients import LIMITS, PASSAGES, beyond, compare, digits_lost, gradient_cases, ladder, ratio, sigmoid, tiny


def cases(rng: np.random.Generator) -> Cases:
    yield from gradient_cases(rng)
    yield Case("recognised fakes", {"logit": np.array([-60.0, -40.0])}, criterion="finite", atol=0.0)
    yield Case("recognised, random", {"logit": tiny(rng)}, criterion="finite", atol=0.0)
    yield Case("recognised beyond doubt", {"logit": beyond(-1)}, criterion="finite", atol=0.0)
    yield Case("a ladder of logits", {"logit": ladder(-1)}, criterion="finite", atol=0.0)


def gradient(t: np.ndarray) -> np.ndarray:
    """−σ(t)."""
    return -sigmoid(t)


def _through_d(t: np.ndarray) -> np.ndarray:
    d = sigmoid(t)
    return -1 / (1 - d) * d * (1 - d)


WRONG = (
    ("sign", sigmoid, lambda t: 1 / (1 + np.exp(-t)), ratio),
    ("other-loss", shifted(sigmoid, -1), lambda t: -sigmoid(-t)),
    ("with-respect-to-d", lambda t: -1 / (1 - sigmoid(t)), lambda t: -1 - np.exp(t)),
    ("sigmoid-slope", lambda t: -sigmoid(t) * sigmoid(-t), lambda t: sigmoid(t) * sigmoid(-t)),
    ("sigmoid-slope", lambda t: -sigmoid(t) * (1 - sigmoid(t)), lambda t: sigmoid(t) * (1 - sigmoid(t))),
    ("mean", lambda t: -sigmoid(t) / t.size, lambda t: -sigmoid(t) / t.shape[0]),
    ("reduced", negated(summed(sigmoid)), negated(averaged(sigmoid)), negated(summed(sigmoid, 0))),
    ("the-loss", composed(np.log, complement(sigmoid)), lambda t: -np.logaddexp(0, t)),
    ("logit-as-probability", lambda t: -1 / (1 - t), lambda t: -t),
    ("unstable", negated(ratio), lambda t: -np.exp(t) / (1 + np.exp(t)), _through_d),
    ("unstable", Detected(lambda case, seen, expected: bool(np.isnan(seen.outputs["value"]).any()))),
    ("cancellation", lambda t: 1 / (1 + np.exp(t)) - 1, shifted(complement(sigmoid), -1), lambda t: sigmoid(-t) - 1),
    ("cancellation", Detected(digits_lost)),
    ("clamped", *(lambda t, e=10.0**-k: -np.clip(sigmoid(t), e, 1 - e) for k in range(4, 17))),
    ("asymptote", *(lambda t, c=c: np.where(t < -c, -np.exp(t), -sigmoid(t)) for c in PASSAGES)),
    ("clamped", *(lambda t, c=c: -sigmoid(np.clip(t, -c, c)) for c in LIMITS)),
    ("clamped", *(lambda t, e=10.0**-k: -sigmoid(t) * sigmoid(-t) / (sigmoid(-t) + e) for k in range(4, 17))),
)
MESSAGES = """
sign: The sign is wrong: log(1 − σ(t)) *falls* as the logit rises, so its derivative is negative.
other-loss: This is the gradient of −log D, the non-saturating loss: σ(t) − 1. Here the loss is log(1 − D).
with-respect-to-d: This is the derivative in D, −1/(1 − D). In the logit it is multiplied by dD/dt = D(1 − D).
sigmoid-slope: This is (up to sign) σ(t)(1 − σ(t)), the slope of the sigmoid; the factor from the logarithm is missing.
mean: The gradient is divided by the number of entries: the loss was averaged before differentiating. Each entry has its
    own loss here.
reduced: One number comes back for all logits. Every logit has its own derivative: return the shape that came in.
the-loss: This is the loss log(1 − σ(t)) itself, not its derivative.
logit-as-probability: The logit is used as if it were the probability D. D = σ(t).
unstable: At huge logits an exponential overflows, or 1 − σ(t) rounds to 0, and the answer is NaN or wrong. The result
    simplifies before you compute it: no division is left. torch.sigmoid is stable.
cancellation: For recognised fakes the slope −e^t loses its digits. 1/(1 + e^t) − 1 is a difference of nearly equal
    numbers, and further out it is 0: write it without the difference, and without a threshold that cuts it off. That
    smallness is what the chapter is about.
asymptote: From some logit on the exponential alone stands for the slope, and beside the passage the answer has lost
    digits: σ is right at every logit.
clamped: The logit or the probability was clamped before differentiating, so the slope is wrong (or 0) at huge logits.
    Nothing has to be clamped here.
"""
PROBLEM = Problem(
    key="ps01.saturating_gradient",
    title="Gradient of the saturating loss",
    criteria=(
        Criterion("value", "the derivative of log(1 − σ(t)) in t, entry by entry", 1),
        Criterion("finite", "right at huge logits: no NaN, and tiny is not 0", 1),
    ),
    cases=cases,
    formula=gradient,
    compare=compare,
    pure="value",
    misconceptions=explained(WRONG, MESSAGES),
)
