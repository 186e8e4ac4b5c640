"""``clipped_trainer(theta, target, steps, step_size, clip)``: find the bugs. A wrong sign, and nothing is clipped."""

import numpy as np

from ...formulas import explained, part
from ...problem import Cases, Criterion, Problem, case


def cases(rng: np.random.Generator) -> Cases:
    yield case("direction", "two steps", theta=0.0, target=3.0, steps=2, step_size=0.1, clip=5.0)
    yield case("direction", "whole numbers", theta=0, target=3, steps=3, step_size=0.1, clip=5)
    yield case("direction", "from the right", theta=2.0, target=-1.0, steps=4, step_size=0.2, clip=9.0)
    for side, name in ((-1, "from the left, drawn"), (1, "from the right, drawn")):
        theta, target = side * rng.uniform(0.5, 2), -side * rng.uniform(0.5, 2)
        inputs = {"theta": float(theta), "target": float(target), "steps": 3 + side, "step_size": 0.15, "clip": 8.0}
        yield case("direction", name, **inputs)
    yield case("direction", "at its target", theta=1.5, target=1.5, steps=3, step_size=0.1, clip=2.0)
    yield case("clip", "a bound of 0", theta=-2.0, target=0.0, steps=3, step_size=0.3, clip=0.0)
    yield case("clip", "a target of 0", theta=-1.0, target=0.0, steps=25, step_size=0.3, clip=0.4)
    yield case("clip", "a large step", theta=-2.0, target=3.0, steps=6, step_size=1.5, clip=0.75)
    yield case("clip", "from the left, clipped", theta=0.0, target=3.0, steps=12, step_size=0.1, clip=0.4)
    theta, target = rng.uniform(2, 4), rng.uniform(-4, -2)
    yield case(
        "clip", "from the right, clipped", theta=float(theta), target=float(target), steps=15, step_size=0.2, clip=0.5
    )
    yield case("clip", "a longer run", theta=-0.5, target=1.0, steps=160, step_size=0.1, clip=0.2, atol=1e-5)
    yield case("clip", "a long run", theta=float(rng.uniform(-1, 0)), target=1.5, steps=60, step_size=0.2, clip=0.3)
    for steps, theta in ((0, -1.5), (1, 1.0)):
        yield case("direction", f"{steps} steps", theta=theta, target=4.0, steps=steps, step_size=0.5, clip=6.0)


def run(theta, target, steps, step_size, clip, *, sign=1, low=-1, high=1, late=False, old=False, force=None, kept=1):
    """Alternating steps in the course's convention: the critic is large on real points."""
    slope, path = 0.0, [theta]
    for _ in range(steps):
        seen, slope = slope, kept * slope
        gap = target - theta
        slope = slope + step_size * (gap if force is None else force(gap, clip))
        inside = min(max(slope, low * clip), high * clip)
        theta = theta + sign * step_size * (seen if old else slope if late else inside)
        slope = inside
        path.append(theta)
    return np.array(path)


def trained(theta, target, steps, step_size, clip) -> np.ndarray:
    """All places of the generator's point, the start first."""
    return run(theta, target, steps, step_size, clip)


def _with(**options):
    return lambda *values: run(*values, **options)


def _clip_theta(theta, target, steps, step_size, clip):
    slope, path = 0.0, [theta]
    for _ in range(steps):
        slope = slope + step_size * (target - theta)
        theta = min(max(theta + step_size * slope, -clip), clip)
        path.append(theta)
    return np.array(path)


def _generator_first(theta, target, steps, step_size, clip):
    slope, path = 0.0, [theta]
    for _ in range(steps):
        theta = theta + step_size * slope
        slope = min(max(slope + step_size * (target - theta), -clip), clip)
        path.append(theta)
    return np.array(path)


NEVER = {"low": -np.inf, "high": np.inf}

WRONG = (
    ("unchanged", _with(sign=-1, **NEVER)),
    ("still-the-sign", _with(sign=-1)),
    ("no-clip", _with(**NEVER)),
    ("clips-the-gradient", _with(force=lambda gap, clip: min(max(gap, -clip), clip), **NEVER)),
    ("clips-the-gradient", _with(force=lambda gap, clip: min(max(gap, -clip), clip), sign=-1, **NEVER)),
    ("clips-theta", _clip_theta),
    ("above-only", _with(low=-np.inf), _with(high=np.inf)),
    ("zero-to-clip", _with(low=0)),
    ("too-late", _with(late=True)),
    ("simultaneous", _with(old=True)),
    ("generator-first", _generator_first),
    ("slope-forgotten", _with(kept=0), _with(kept=0, **NEVER)),
    ("length", lambda *v: trained(*v)[1:], lambda *v: trained(*v)[:-1], part(trained, -1)),
)
MESSAGES = """
unchanged: Both bugs are still there: the generator runs away from the target, and nothing is clipped.
still-the-sign: The slope is clipped now, but one of the two players still moves the wrong way. The critic becomes large
    on real points, and the generator *climbs* it.
no-clip: The direction is right now, but under the heading that promises clipping nothing is clipped.
clips-the-gradient: The critic's *gradient* was clipped (or the step). Weight clipping bounds the slope itself.
clips-theta: The generator's point was clipped. Clip the critic's slope.
above-only: The slope is clipped on one side only. It has to stay within [-clip, clip].
zero-to-clip: The slope is clipped to [0, clip]; it must be able to change its sign.
too-late: The clipping comes after the generator's step, which saw an unclipped slope.
simultaneous: The generator sees the slope from before the critic's step. The script alternates: critic first.
generator-first: The generator moves first, with the slope from the round before. In this course the critic goes first.
slope-forgotten: The slope starts at 0 again in every round, so that it is one critic step long. The critic keeps its
    weight from one round to the next.
length: The path has steps + 1 places, the start first.
"""
PROBLEM = Problem(
    key="ps09.clipped_trainer",
    title="Find the bugs: a clipped WGAN",
    criteria=(
        Criterion("direction", "the point moves towards its target", 1),
        Criterion("clip", "the critic's slope stays within [-clip, clip]", 1),
    ),
    cases=cases,
    formula=trained,
    scales=((1e4, "theta target clip"), (1e-7, "theta target clip")),
    limit=20.0,  # the first optimiser of a process makes torch load half of itself
    misconceptions=explained(WRONG, MESSAGES),
)
