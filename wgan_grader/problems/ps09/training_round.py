"""``training_round(…)``: one round of a clipped WGAN, simultaneous or alternating, with several critic steps."""

import numpy as np

from ...formulas import explained, flipped, given, replacing, swapped
from ...problem import Case, Cases, Criterion, Problem
from ._dirac import STEPS, pair

NAMES = {"outputs": ["theta", "psi"]}
WIDE = 100.0


def cases(rng: np.random.Generator) -> Cases:
    yield _case("one state", ([1.0], [0.5]), 0.1, 0.2, 1, WIDE, False, "simultaneous")
    yield _case("batch", rng.normal(size=(2, 4)), 0.15, 0.4, 1, WIDE, False, "simultaneous")
    yield _case("forty states", rng.normal(size=(2, 40)), 0.15, 0.4, 1, WIDE, False, "simultaneous")
    yield _case("1300 states", rng.normal(size=(2, 1300)), 1.5, 2.5, 1, WIDE, False, "simultaneous")
    yield _case("one state, alternating", ([1.0], [0.5]), 0.1, 0.2, 1, WIDE, True, "alternating")
    yield _case("batch, alternating", rng.normal(size=(2, 4)), 0.3, 0.1, 1, WIDE, True, "alternating")
    yield _case("three critic steps", rng.normal(size=(2, 4)), 0.15, 0.4, 3, WIDE, False, "critic")
    yield _case("five, alternating", rng.normal(size=(2, 4)), 0.3, 0.1, 5, WIDE, True, "critic")
    yield _case("a dozen", rng.normal(size=(2, 4)), 0.3, 0.1, 12, WIDE, False, "critic")
    theta, psi = np.array([2.0, -2.0, 1.0, 0.1]), np.array([0.4, -0.3, -0.45, 0.2])
    yield _case("150 critic steps", rng.normal(size=(2, 3)), 0.3, 0.1, 150, WIDE, True, "critic")
    yield _case("at the bound", (theta, psi), 0.1, 0.2, 2, 0.5, True, "clip")
    yield _case("far away", ([30.0, -30.0, 20.0], [0.3, -0.2, -0.5]), 0.1, 0.2, 2, 0.5, True, "clip")
    theta, psi = np.array([-1.0, 1.5, 0.5]) * rng.uniform(0.8, 1.2, size=3), np.array([2.0, -1.8, 1.6])
    yield _case("no step of the generator", rng.normal(size=(2, 3)), 0.0, 0.3, 2, 0.8, True, "clip")
    yield _case("a bound of 0", rng.normal(size=(2, 3)), 0.3, 0.1, 2, 0.0, True, "clip")
    for alternating in (True, False):
        name = f"1200 states, clipped, {'alternating' if alternating else 'simultaneous'}"
        yield _case(name, rng.normal(size=(2, 1200)), 0.15, 0.4, 3, 0.9, alternating, "clip")
    yield _case("from outside", (theta, psi), 0.2, 0.1, 2, 0.7, True, "clip")
    yield _case("from outside, simultaneous", (theta, psi), 0.2, 0.1, 2, 0.7, False, "clip")


def _case(name, state, step_g, step_d, n_critic, clip, alternating, criterion) -> Case:
    inputs = {"theta": np.array(state[0]), "psi": np.array(state[1]), "step_g": step_g, "step_d": step_d}
    inputs |= {"n_critic": n_critic, "clip": clip, "alternating": alternating}
    return Case(name, inputs, NAMES, criterion=criterion)


def _round(critic_step):
    """Steps of the critic, each by ``critic_step(psi, theta, rate, c)``, then the generator's."""

    def formula(theta, psi, step_g, step_d, n_critic, clip, alternating):
        new = psi
        for _ in range(n_critic):
            new = critic_step(new, theta, step_d, clip)
        return theta - step_g * (new if alternating else psi), new

    return formula


play = _round(lambda psi, theta, rate, c: np.clip(psi + rate * theta, -c, c))


def _clipped_at_the_end(theta, psi, step_g, step_d, n_critic, clip, alternating):
    new = np.clip(psi + n_critic * step_d * theta, -clip, clip)
    return theta - step_g * (new if alternating else psi), new


def _clipped_after_all(theta, psi, step_g, step_d, n_critic, clip, alternating):
    theta, new = play(theta, psi, step_g, step_d, n_critic, np.inf, alternating)
    return theta, np.clip(new, -clip, clip)


def _generator_first(theta, psi, step_g, *rest):
    theta = theta - step_g * psi
    return theta, play(theta, psi, step_g, *rest)[1]


def _both_n_times(theta, psi, step_g, step_d, n_critic, clip, alternating):
    for _ in range(n_critic):
        theta, psi = play(theta, psi, step_g, step_d, 1, clip, alternating)
    return theta, psi


WRONG = (
    ("always-simultaneous", pair(given(play, alternating=False))),
    ("always-alternating", pair(given(play, alternating=True))),
    ("swapped-ways", pair(replacing(play, alternating=lambda alternating: not alternating))),
    ("generator-first", pair(_generator_first)),
    ("rates-swapped", pair(swapped(play, "step_g", "step_d"))),
    ("one-rate", pair(lambda theta, psi, g, d, *rest: play(theta, psi, g, g, *rest))),
    ("one-rate", pair(lambda theta, psi, g, d, *rest: play(theta, psi, d, d, *rest))),
    ("generator-sign", pair(replacing(play, step_g=np.negative))),
    ("critic-sign", pair(replacing(play, step_d=np.negative))),
    ("one-critic-step", pair(given(play, n_critic=1))),
    ("generator-too-often", pair(_both_n_times)),
    ("generator-too-often", pair(lambda theta, psi, g, d, n, *rest: play(theta, psi, n * g, d, n, *rest))),
    ("one-step-less", pair(replacing(play, n_critic=lambda n: n - 1)), pair(replacing(play, n_critic=lambda n: n + 1))),
    ("no-clip", pair(given(play, clip=np.inf))),
    ("clip-once", pair(_clipped_at_the_end)),
    ("clip-too-late", pair(_clipped_after_all)),
    ("clip-before", pair(_round(lambda psi, theta, rate, c: np.clip(psi, -c, c) + rate * theta))),
    ("clips-the-step", pair(_round(lambda psi, theta, rate, c: psi + rate * np.clip(theta, -c, c)))),
    ("clip-above-only", pair(_round(lambda psi, theta, rate, c: np.minimum(psi + rate * theta, c)))),
    ("clips-the-start", pair(lambda theta, psi, g, d, n, c, *way: play(theta, np.clip(psi, -c, c), g, d, n, c, *way))),
    ("order", pair(flipped(play))),
)
MESSAGES = """
always-simultaneous: The generator sees the old slope although alternating=True: it must see the one from after the
    critic's steps.
always-alternating: The generator sees the new slope although alternating=False. Keep the old one for it.
swapped-ways: The two ways are swapped: alternating steps let the generator see the *new* slope.
generator-first: The generator moves first here, and the critic sees its new point. In this course the critic goes
    first.
rates-swapped: The two rates are swapped: step_g moves θ and step_d moves ψ.
one-rate: Both players move with one rate. Two were given.
generator-sign: The generator moves the wrong way: θ descends ψθ, so it takes -ψ.
critic-sign: The critic moves the wrong way: ψ climbs ψθ, so it takes +θ.
one-critic-step: The critic moves by one step only: n_critic is not used, or the rate is divided by it.
generator-too-often: The generator moves n_critic times as well. In a round it moves once, after the critic's steps.
one-step-less: The number of critic steps is off by one.
no-clip: Nothing is clipped: after each critic step ψ goes back into [−c, c].
clip-once: The slope is clipped once, after all critic steps. It is clipped after *each*: that differs where the slope
    comes from outside.
clip-too-late: The clipping comes after the generator's step, which saw an unclipped slope.
clip-before: The slope is clipped *before* the critic's step, so that it can end outside. Clip after it.
clips-the-step: The critic's *gradient* was clipped in place of its slope.
clip-above-only: The slope is clipped above only. It has to stay within [-clip, clip].
clips-the-start: The start is clipped before anything happens. In a simultaneous round the generator sees ψ as it came.
order: Both are right, but they come back as (ψ, θ). Return θ first.
"""
PROBLEM = Problem(
    key="ps09.training_round",
    title="One round of a clipped WGAN",
    criteria=(
        Criterion("simultaneous", "simultaneous: both from the same state, each with its own rate", 1),
        Criterion("alternating", "alternating: the generator sees the new slope", 1),
        Criterion("critic", "n_critic steps of the critic, one of the generator", 0.5),
        Criterion("clip", "the slope is clipped after each critic step", 0.5),
    ),
    cases=cases,
    formula=pair(play),
    scales=((1e6, "theta psi clip"), (1e-6, "theta psi clip")),
    pure="simultaneous",
    package_functions=STEPS,
    misconceptions=explained(WRONG, MESSAGES),
)
