"""``first_step_below(norms, threshold)``: when a trained discriminator's gradient is gone."""

import numpy as np

from ...formulas import Detected, explained, positive_part, shifted
from ...problem import Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield case("first", "falling", norms=[1.0, 0.5, 0.2, 0.1], threshold=0.3)
    yield case("first", "at once", norms=[0.1, 0.5, 0.05, 0.01], threshold=0.3)
    yield case("first", "comes back", norms=[1.0, 0.6, 0.09, 0.7, 0.01, 0.4, 0.05], threshold=0.1)
    noisy = np.exp(-np.arange(60) / 8) * rng.uniform(0.5, 1.5, 60)
    yield case("first", "noisy", norms=noisy, threshold=0.05)
    long = np.append(rng.uniform(0.3, 1.0, 250), [0.2, 0.5, 0.1])
    yield case("first", "a long run", norms=long, threshold=0.25)
    longer = np.append(rng.uniform(0.3, 1.0, 1100), [0.2, 0.5, 0.1])
    yield case("first", "a longer run", norms=longer, threshold=0.25)
    yield case("first", "falls to 0", norms=[1.0, 0.5, 0.0, 0.05, 0.0], threshold=0.1)
    yield case("first", "below by a hair", norms=[1.0, 0.25 - 2.0**-40, 0.125], threshold=0.25)
    yield case("first", "hardly below", norms=[1.0, 0.5000005, 0.4999995, 0.25], threshold=0.5)
    yield case("strict", "touches the threshold", norms=[1.0, 0.5, 0.25, 0.125], threshold=0.25)
    yield case("strict", "starts at the threshold", norms=[0.5, 0.5, 0.375], threshold=0.5)
    touching = np.concatenate([rng.integers(32, 64, rng.integers(2, 20)), [16, 24, 16, 15, 8]]) / 64
    yield case("strict", "touches 0.1 first", norms=[1.0, 0.1, 0.05], threshold=0.1)
    yield case("strict", "touches it later", norms=touching, threshold=0.25)
    yield case("never", "the threshold 0", norms=[1.0, 0.0, 0.5], threshold=0.0)
    yield case("never", "never", norms=[1.0, 0.5, 0.75], threshold=0.25)
    yield case("never", "only touches", norms=[1.0, 0.25, 0.75, 0.25], threshold=0.25)
    late = np.append(rng.uniform(0.3, 1.0, rng.integers(5, 30)), 0.125)
    yield case("never", "only the last one", norms=late, threshold=0.25)


def first(norms: np.ndarray, threshold: float) -> int:
    """Index of the first entry below the threshold, −1 where there is none."""
    below = np.flatnonzero(norms < threshold)
    return int(below[0]) if below.size else -1


def _loose(norms: np.ndarray, threshold: float) -> int:
    below = np.flatnonzero(norms <= threshold)
    return int(below[0]) if below.size else -1


def _last(norms: np.ndarray, threshold: float) -> int:
    below = np.flatnonzero(norms < threshold)
    return int(below[-1]) if below.size else -1


def _for_good(norms: np.ndarray, threshold: float) -> int:
    above = np.flatnonzero(norms >= threshold)
    return int(above[-1]) + 1 if above.size else 0


def _value(norms: np.ndarray, threshold: float) -> float:
    step = first(norms, threshold)
    return float(norms[step]) if step >= 0 else -1.0


def _above(norms: np.ndarray, threshold: float) -> int:
    above = np.flatnonzero(norms > threshold)
    return int(above[0]) if above.size else -1


def _relative(norms: np.ndarray, threshold: float) -> int:
    return first(norms / norms[0], threshold)


def _after_the_start(norms: np.ndarray, threshold: float) -> int:
    step = first(norms[1:], threshold)
    return step + 1 if step >= 0 else -1


def _crossing(norms: np.ndarray, threshold: float) -> int:
    """First step below whose forerunner is not."""
    return _after_the_start(np.where(np.append(np.inf, norms[:-1]) >= threshold, norms, np.inf), threshold)


def _twice(norms: np.ndarray, threshold: float) -> int:
    return first(np.maximum(norms, np.append(norms[1:], np.inf)), threshold)


NOTHING_FOUND = ("None", "IndexError", "StopIteration", "ValueError")
WRONG = (
    ("counts-from-one", shifted(first, 1)),
    ("step-before", shifted(first, -1)),
    ("minimum", lambda norms, threshold: int(np.argmin(norms))),
    ("minimum", lambda n, t: int(np.argmin(n)) if (n < t).any() else -1),
    ("last", _last),
    ("for-good", _for_good),
    ("counting", lambda n, t: int((n >= t).sum()), lambda n, t: int((n < t).sum()), lambda n, t: int((n > t).sum())),
    ("above", _above, lambda n, t: int(np.argmax(n > t)), lambda n, t: int(np.argmax(n >= t))),
    ("relative", _relative),
    ("start-left-out", _after_the_start, lambda n, t: first(n[1:], t), _crossing),
    ("two-in-a-row", _twice),
    ("the-value", _value, lambda n, t: n[first(n, t)], lambda n, t: n[n < t][0]),
    ("a-mask", lambda n, t: n < t, lambda n, t: np.flatnonzero(n < t), lambda n, t: np.argwhere(n < t)),
    ("not-strict", _loose, lambda n, t: int(np.argmax(n <= t))),
    ("single-precision", lambda n, t: first(n, float(np.float32(t)))),
    ("never-zero", lambda n, t: int(np.argmax(n < t)), positive_part(first)),
    ("never-length", lambda n, t: first(n, t) if (n < t).any() else len(n)),
    ("never-length", lambda n, t: first(n, t) if (n < t).any() else len(n) - 1),
    ("never-none", Detected(lambda case, seen, _: any(word in seen.error for word in NOTHING_FOUND), "never")),
)
MESSAGES = """
counts-from-one: The steps are counted from 1. Step 0 is the untrained discriminator: count from 0.
step-before: This is the last step before the norm falls below; the one after it was asked for.
minimum: This is the step of the smallest norm. The *first* one below the threshold was asked for, and it comes earlier.
last: This is the last step below the threshold: a loop goes on after it has found the first, or reads from the end.
for-good: This is where the norm falls below the threshold for good. The first time counts, even if it comes back.
counting: This counts steps that are not below (or assumes a curve that only falls). Norms of stochastic training go up
    and down; look for the first.
above: The comparison is the wrong way round: this is the first step *above* the threshold.
relative: The norms are divided by the first one. The threshold is one for the norms themselves.
start-left-out: Step 0, before training, is left out: its norm may be below the threshold already.
two-in-a-row: This waits for two steps in a row below the threshold. The first one counts, even if the norm comes back.
the-value: This is the norm itself. The number of the step was asked for, not its value.
a-mask: The answer is an array: a mask or all the steps below. One step was asked for, the first.
not-strict: A norm that equals the threshold is taken as below it: ≤ instead of <.
single-precision: The threshold was rounded to float32, which torch.tensor(threshold) does, and is no longer quite the
    number that was given: a norm that equals it lies on the wrong side. Compare with the number itself.
never-zero: Where no step is below it answers 0, as if the first were: argmax of a mask without any True is 0. Test
    whether there is one, and return −1 where there is none.
never-length: Where no step is below it answers with the number of steps, or the last one. That reads as a step; −1
    cannot be mistaken for one.
never-none: Where no step is below it returns None or stops with an error. Return −1.
"""
PROBLEM = Problem(
    key="ps01.first_step_below",
    title="The step at which the gradient is gone",
    criteria=(
        Criterion("first", "the first step below the threshold, counted from 0", 1),
        Criterion("strict", "below means strictly below", 1),
        Criterion("never", "−1 where no step is below, and only there", 1),
    ),
    cases=cases,
    formula=first,
    scales=((1e6, "norms threshold"), (1e-6, "norms threshold")),
    pure="first",
    misconceptions=explained(WRONG, MESSAGES),
)
