"""``non_saturating_gradient(logit)``: slope of the generator's loss −log D in the discriminator's logit."""

import numpy as np

from ...formulas import Detected, complement, composed, explained, given, negated, shifted
from ...problem import Case, Cases, Criterion, Problem
from ._gradients import LIMITS, PASSAGES, beyond, compare, digits_lost, gradient_cases, ladder, ratio, sigmoid, tiny


def cases(rng: np.random.Generator) -> Cases:
    yield from gradient_cases(rng)
    yield Case("convincing fakes", {"logit": np.array([40.0, 60.0])}, criterion="precise", atol=0.0)
    yield Case("convincing, random", {"logit": -tiny(rng)}, criterion="precise", atol=0.0)
    yield Case("convincing beyond doubt", {"logit": beyond(1)}, criterion="precise", atol=0.0)
    yield Case("a ladder of logits", {"logit": ladder(1)}, criterion="precise", atol=0.0)


def gradient(t: np.ndarray) -> np.ndarray:
    """σ(t) − 1 = −σ(−t)."""
    return -sigmoid(-t)


def _through_d(t: np.ndarray, e: float = 0.0) -> np.ndarray:
    d = sigmoid(t)
    return -1 / (d + e) * d * (1 - d)


WRONG = (
    ("sign", lambda t: sigmoid(-t), complement(sigmoid), lambda t: 1 / (1 + np.exp(t))),
    ("other-loss", negated(sigmoid), sigmoid),
    ("with-respect-to-d", lambda t: -1 / sigmoid(t), lambda t: -1 - np.exp(-t)),
    ("sigmoid-slope", lambda t: -sigmoid(t) * sigmoid(-t), lambda t: sigmoid(t) * sigmoid(-t)),
    ("sigmoid-slope", lambda t: -sigmoid(t) * (1 - sigmoid(t)), lambda t: sigmoid(t) * (1 - sigmoid(t))),
    ("mean", lambda t: -sigmoid(-t) / t.size, lambda t: -sigmoid(-t) / t.shape[0]),
    ("reduced", lambda t: -sigmoid(-t).sum(), lambda t: -sigmoid(-t).mean(), lambda t: -sigmoid(-t).sum(0)),
    ("the-loss", negated(composed(np.log, sigmoid)), lambda t: np.logaddexp(0, -t)),
    ("logit-as-probability", lambda t: -1 / t, lambda t: t - 1),
    ("unstable", lambda t: -np.exp(-t) / (1 + np.exp(-t)), shifted(ratio, -1), _through_d),
    ("unstable", Detected(lambda case, seen, expected: bool(np.isnan(seen.outputs["value"]).any()))),
    ("cancellation", shifted(sigmoid, -1), lambda t: 1 / (1 + np.exp(-t)) - 1, negated(complement(sigmoid))),
    ("cancellation", Detected(digits_lost)),
    ("clamped", *(lambda t, e=10.0**-k: np.clip(sigmoid(t), e, 1 - e) - 1 for k in range(4, 17))),
    ("asymptote", *(lambda t, c=c: np.where(t > c, -np.exp(-t), -sigmoid(-t)) for c in PASSAGES)),
    ("clamped", *(lambda t, c=c: -sigmoid(-np.clip(t, -c, c)) for c in LIMITS)),
    ("clamped", *(given(_through_d, e=10.0**-k) for k in range(4, 17))),
    ("clamped", *(lambda t, e=10.0**-k: -sigmoid(t) * sigmoid(-t) / (sigmoid(t) + e) for k in range(4, 17))),
)
MESSAGES = """
sign: The sign is wrong: −log σ(t) *falls* as the logit rises, so its derivative is negative.
other-loss: This is the gradient of log(1 − D), the saturating loss: −σ(t). Here the loss is −log D.
with-respect-to-d: This is the derivative in D, −1/D. In the logit it is multiplied by dD/dt = D(1 − D).
sigmoid-slope: This is (up to sign) σ(t)(1 − σ(t)), the slope of the sigmoid; the factor from the logarithm is missing.
mean: The gradient is divided by the number of entries: the loss was averaged before differentiating. Each entry has its
    own loss here.
reduced: One number comes back for all logits. Every logit has its own derivative: return the shape that came in.
the-loss: This is the loss −log σ(t) itself, not its derivative.
logit-as-probability: The logit is used as if it were the probability D. D = σ(t).
unstable: At huge logits an exponential overflows, or a probability rounds to 0 or 1, so the answer is NaN or 0. The
    result simplifies before you compute it: no division is left. torch.sigmoid is stable.
cancellation: Where D is nearly 1 the slope −e^(−t) loses its digits. σ(t) − 1 (or 1 − D on the way to it, as autograd
    forms it) is a difference of nearly equal numbers, and further out it is 0. −σ(−t) is the same function without it.
asymptote: From some logit on the exponential alone stands for the slope, and beside the passage the answer has lost
    digits: σ is right at every logit.
clamped: The logit or the probability was clamped (or a small constant added) before differentiating, so the slope is
    wrong at huge logits. Nothing has to be clamped here.
"""
PROBLEM = Problem(
    key="ps01.non_saturating_gradient",
    title="Gradient of the non-saturating loss",
    criteria=(
        Criterion("value", "the derivative of −log σ(t) in t, entry by entry", 1),
        Criterion("finite", "right at huge logits: no NaN, no infinity", 1),
        Criterion("precise", "keeps its digits where D is nearly 1", 1),
    ),
    cases=cases,
    formula=gradient,
    compare=compare,
    pure="value",
    misconceptions=explained(WRONG, MESSAGES),
)
