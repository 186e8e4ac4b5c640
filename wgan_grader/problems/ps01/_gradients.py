"""What the two problems on the generator's gradient share."""

import numpy as np
from scipy.special import expit

from wgan_course.check.exchange import Observation

from ...problem import Case, Cases, Outputs, close


def gradient_cases(rng: np.random.Generator) -> Cases:
    """Small logits for the value, an array for the shape, huge logits for stability."""
    yield Case("logit 0 and 2", {"logit": np.array([0.0, 2.0])}, criterion="value")
    yield Case("random logits", {"logit": rng.normal(0, 2, 9)}, criterion="value")
    yield Case("forty logits", {"logit": rng.normal(0, 2, 40)}, criterion="value")
    yield Case("a column", {"logit": rng.normal(0, 2, (5, 1))}, criterion="value")
    yield Case("a table", {"logit": rng.normal(0, 2, (3, 4))}, criterion="value")
    both = np.concatenate([ladder(-1), ladder(1)])
    yield Case("logits up and down a ladder", {"logit": both}, criterion="finite", rtol=5e-7, atol=5e-7)
    yield Case("1100 logits", {"logit": rng.normal(0, 2, 1100)}, criterion="value")
    yield Case("a wide table", {"logit": rng.normal(0, 2, (3, 70))}, criterion="value")
    yield Case("huge logits", {"logit": np.array([-800.0, -90.0, 90.0, 800.0])}, criterion="finite")
    signs = np.where(np.arange(6) % 2, 1.0, -1.0)
    yield Case("random huge logits", {"logit": signs * rng.uniform(100, 690, 6)}, criterion="finite")


def tiny(rng: np.random.Generator) -> np.ndarray:
    """Logits of answers that are tiny, though not yet denormal in float32, and that float32 holds exactly."""
    return -rng.integers([328, 480, 656], [480, 656, 689]) / 8.0


def beyond(sign: int) -> np.ndarray:
    """Logits whose slope is e^−150 and less: no limit at 100 gives that."""
    return sign * np.array([150.0, 250.0, 400.0, 600.0])


def ladder(sign: int) -> np.ndarray:
    """Logits between those near 0 and the huge ones, without a gap: who passes to e^(−|t|) is seen, at any of them."""
    return sign * np.arange(2.0, 40.5, 0.5)


PASSAGES = (2, 3, 4, 5, 6, 7, 8, 10)  # at which people pass to the exponential alone
LIMITS = (10, 15, 20, 30, 36, 40, 50, 60, 80, 88, 100, 200, 300, 500)  # at which people clamp a logit
BEYOND = 1e-45  # what is smaller, float32 has as 0
ROUNDINGS = (2.0**-54, 2.0**-25)  # of numbers below 1, at most


def compare(observed: Outputs, expected: Outputs, case: Case) -> bool:
    """As everywhere, but 0 too is right for what float32 cannot hold."""
    seen, right = observed["value"], expected["value"]
    if seen.shape == right.shape:
        seen = np.where((seen == 0) & (abs(right) < BEYOND), right, seen)
    return close(seen, right, case)


def digits_lost(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether what is wrong is so by a rounding of 1 in float64 or float32, and 0 where that hides all of it."""
    value, right = seen.outputs["value"].astype(float), expected["value"]
    wrong = (abs(value - right) > case.atol + case.rtol * abs(right)) & (abs(right) > BEYOND)
    return bool(wrong.any()) and any(
        bool(np.all((abs(value - right) <= 4 * e) & ((value == 0) | (abs(right) > e / 8)) | ~wrong)) for e in ROUNDINGS
    )


def sigmoid(t: np.ndarray) -> np.ndarray:
    """Sigmoid that is right at every logit."""
    return expit(t)


def ratio(t: np.ndarray) -> np.ndarray:
    """Sigmoid as e^t / (1 + e^t), which is NaN at large logits."""
    return np.exp(t) / (1 + np.exp(t))
