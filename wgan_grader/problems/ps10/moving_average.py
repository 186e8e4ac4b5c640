"""``moving_average(weights, decay)``: the exponential moving average of a generator's weights."""

import numpy as np

from ...formulas import explained
from ...problem import Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield case("value", "three numbers", weights=[[1.0], [3.0], [7.0]], decay=0.75)
    for steps, d, decay in ((4, 3, 0.9), (7, 2, 0.6)):
        yield case("value", f"{steps} states of {d} weights", weights=rng.normal(size=(steps, d)), decay=decay)
    yield case("value", "300 states", weights=30 + rng.normal(size=(300, 2)).cumsum(0), decay=0.985)
    yield case("value", "400 states", weights=rng.normal(size=(400, 2)), decay=0.1)
    yield case("value", "a long memory", weights=[[0.0, 1.0], [500.0, -300.0], [800.0, 900.0]], decay=0.9999)
    yield case("value", "states of zeros", weights=[[1.0, 2.0], [0.0, 0.0], [3.0, 1.0], [0.0, 0.0]], decay=0.7)
    yield case("value", "five states of 131 weights", weights=rng.normal(size=(5, 131)), decay=0.2)
    yield case("value", "a state that stays", weights=[[1.0], [1.0], [3.0], [3.0], [3.0], [2.0]], decay=0.6)
    yield case("edges", "one state", weights=rng.normal(size=(1, 3)), decay=0.9)
    yield case("edges", "no memory", weights=rng.normal(size=(5, 2)), decay=0.0)
    yield case("value", "as many states as weights", weights=rng.normal(size=(3, 3)), decay=0.3)
    yield case("value", "two states", weights=[[2.0, 0.0], [-1.0, 4.0]], decay=0.8)


def average(weights: np.ndarray, decay: float) -> np.ndarray:
    """Start at the first state; then decay × average + (1 − decay) × state."""
    return _from(weights[0], weights[1:], decay)


def _from(start: np.ndarray, states: np.ndarray, decay: float) -> np.ndarray:
    value = start
    for state in states:
        value = decay * value + (1 - decay) * state
    return value


def _from_zero(weights: np.ndarray, decay: float) -> np.ndarray:
    return _from(np.zeros_like(weights[0]), weights, decay)


def _without(weights: np.ndarray, place: int) -> np.ndarray:
    """All states but one, where there are several."""
    return np.delete(weights, place, 0) if len(weights) > 1 else weights


WRONG = (
    ("swapped", lambda w, b: average(w, 1 - b)),
    ("from-zero", _from_zero),
    ("bias-corrected", lambda w, b: _from_zero(w, b) / (1 - b ** len(w))),
    ("plain-mean", lambda w, b: w.mean(0)),
    ("last-state", lambda w, b: w[-1]),
    ("backwards", lambda w, b: average(w[::-1], b)),
    ("one-step", lambda w, b: b * w[0] + (1 - b) * w[-1], lambda w, b: b * w[max(len(w) - 2, 0)] + (1 - b) * w[-1]),
    ("a-state-left-out", *(lambda w, b, k=k: average(_without(w, k), b) for k in (0, 1, -1))),
    ("not-adding-to-one", lambda w, b: sum(b ** (len(w) - 1 - t) * w[t] for t in range(len(w)))),
    ("whole-path", lambda w, b: np.stack([average(w[: t + 1], b) for t in range(len(w))])),
)
MESSAGES = """
swapped: The two weights have changed places: the *old average* keeps the share `decay`.
from-zero: It starts at 0, and the zeros are part of the average. Start at the first state.
bias-corrected: It starts at 0 and is divided by 1 − decayᵗ, as in Adam. That is another average: here the first state
    is the start.
plain-mean: This is the plain mean of all states, which never forgets the beginning.
last-state: This is the last state, without any averaging.
backwards: It runs from the last state to the first, so that the oldest weighs most.
one-step: Only one step was taken, from the first state to the last (or the last two).
a-state-left-out: One state is left out: the first, the second or the last. The average begins at the first and takes in
    every one after it.
not-adding-to-one: The shares do not add up to 1: the new state enters in full.
whole-path: All averages on the way are returned. The last one was asked for, of shape (d,).
"""
PROBLEM = Problem(
    key="ps10.moving_average",
    title="Moving average of weights",
    criteria=(
        Criterion("value", "starts at the first state, and takes 1 − decay of each later one", 1.5),
        Criterion("edges", "with one state only; with decay 0", 0.5),
    ),
    cases=cases,
    formula=average,
    scales=((1e6, "weights"), (1e-6, "weights")),
    pure="value",
    package_functions=("wgan_course.training.Ema",),
    misconceptions=explained(WRONG, MESSAGES),
)
