"""``interpolates(real, fake, epsilon)``: one point on the segment of each pair."""

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, explained, swapped
from ...problem import Case, Cases, Criterion, Outputs, Problem
from ._critic import PACKAGE, Array, mix, sizes_met


def cases(rng: np.random.Generator) -> Cases:
    first = {
        "real": np.array([[2.0, 0.0], [4.0, 1.0]]),
        "fake": np.array([[0.0, 2.0], [0.0, -1.0]]),
        "epsilon": np.array([0.25, 0.75]),
    }
    yield Case("two pairs in the plane", first, criterion="points")
    for n, shape, criterion in (
        (5, (3,), "points"),
        (4, (4,), "points"),
        (40, (2,), "points"),
        (131, (1,), "points"),
        (3, (70,), "points"),
        (1, (1, 2, 3), "any"),
        (2, (2, 1, 3, 2), "any"),
        (3, (2, 2, 3), "any"),
        (3, (3, 3), "any"),
    ):
        name = f"{n} pair{'s' * (n > 1)} of shape {'×'.join(map(str, shape))}"
        yield Case(name, _inputs(rng, n, shape), criterion=criterion, atol=1e-6)  # float32 near a coordinate 0
    alike = _inputs(rng, 4, (2,)) | {"epsilon": np.full(4, 0.3)}
    alike["fake"][1] = alike["real"][1]
    yield Case("one ε for all, one pair alike", alike, criterion="points", atol=1e-6)
    far = {"real": np.array([[1e6, -1e6], [2.0, 1.0]]), "fake": np.array([[1.0, 2.0], [1e6, 3.0]])}
    yield Case("the far ends", far | {"epsilon": np.array([0.0, 1.0])}, criterion="points")
    least = {"real": np.array([[1000.0, -400.0]]), "fake": np.array([[0.001, 0.002]]), "epsilon": np.array([1e-4])}
    yield Case("near an end", least, criterion="points")
    for name, share in (("all real", 1.0), ("all generated", 0.0), ("halfway", 0.5)):
        yield Case(name, _inputs(rng, 2, (3,)) | {"epsilon": np.full(2, share)}, criterion="points", atol=1e-6)
    yield Case("the ends", _inputs(rng, 2, (3,)) | {"epsilon": np.array([0.0, 1.0])}, criterion="points")


def _inputs(rng: np.random.Generator, n: int, shape: tuple[int, ...]) -> dict[str, Array]:
    epsilon = rng.permutation(np.linspace(0.1, 0.95, n)) + 0.02 * rng.uniform(size=n)
    return {"real": 2 + rng.normal(size=(n, *shape)), "fake": rng.normal(size=(n, *shape)) - 1, "epsilon": epsilon}


def _other_axis(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether ε met an axis that is not the samples': an error about sizes, or ε along the last axis."""
    real, fake, epsilon = case.inputs.values()
    if seen.status == "error":
        return sizes_met(seen.error, real)
    if seen.status != "ok":
        return False
    guesses = [epsilon * real + (1 - epsilon) * fake] if real.shape[-1] == len(epsilon) else []
    if real.ndim > 2 and real.shape[-2] == len(epsilon):
        guesses.append(epsilon[:, None] * real + (1 - epsilon[:, None]) * fake)
    return any(g.shape == seen.outputs["value"].shape and np.allclose(seen.outputs["value"], g) for g in guesses)


def _own_epsilon(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether every point lies on its own segment, and some are not where ε says."""
    real, fake, _ = (x.reshape(len(x), -1) for x in case.inputs.values())
    points, right = seen.outputs["value"].reshape(real.shape), expected["value"].reshape(real.shape)
    along, size = real - fake, np.abs(real - fake).max(1, initial=1e-300)
    share = ((points - fake) * along).sum(1) / np.maximum((along**2).sum(1), 1e-300)
    off = np.abs(points - fake - share[:, None] * along).max(1)
    inside = (share > -1e-5) & (share < 1 + 1e-5) & (off <= 1e-5 * size)
    return bool(inside.all() and (np.abs(points - right).max(1) > 1e-4 * size).any())


def _column(e: Array, x: Array) -> Array:
    return e.reshape(-1, *[1] * (x.ndim - 1))


WRONG = (
    ("one-epsilon", lambda r, f, e: mix(r, f, np.full(len(r), e[0]))),
    ("one-epsilon", lambda r, f, e: mix(r, f, np.full(len(r), e.mean()))),
    ("swapped", swapped(mix, "real", "fake")),
    ("extrapolation", lambda r, f, e: r + _column(e, r) * (r - f), lambda r, f, e: f + _column(e, r) * (f - r)),
    ("extrapolation", lambda r, f, e: (1 + _column(e, r)) * r - f),
    ("not-convex", lambda r, f, e: r + _column(e, r) * f, lambda r, f, e: _column(e, r) * r + f),
    ("not-convex", lambda r, f, e: _column(e, r) * (r + f), lambda r, f, e: (r + f) * 1.0),
    ("one-end", lambda r, f, e: r, lambda r, f, e: f, lambda r, f, e: (r + f) / 2),
    ("wrong-axis", Detected(_other_axis)),
    ("all-pairs", lambda r, f, e: _column(e, r)[:, None] * r[:, None] + (1 - _column(e, r)[:, None]) * f[None]),
    ("other-shares", lambda r, f, e: mix(r, f, e**2), lambda r, f, e: mix(r, f, np.sqrt(e))),
    ("other-shares", lambda r, f, e: np.sqrt(_column(e, r)) * r + np.sqrt(1 - _column(e, r)) * f),
    ("other-pairs", lambda r, f, e: mix(r, f[::-1], e), lambda r, f, e: mix(r, f, e[::-1])),
    ("other-pairs", lambda r, f, e: mix(r, f, np.sort(e)), lambda r, f, e: mix(np.sort(r, 0), np.sort(f, 0), e)),
    ("rounded", lambda r, f, e: mix(r, f, np.round(e)), lambda r, f, e: mix(r, f, (e > 0.5).astype(float))),
    ("clamped", lambda r, f, e: np.clip(mix(r, f, e), -1, 1), lambda r, f, e: np.clip(mix(r, f, e), 0, 1)),
    ("own-epsilon", Detected(_own_epsilon, status="ok")),
)
MESSAGES = """
one-epsilon: One ε serves the whole batch (its first entry, or the mean). Every pair is then cut at the same fraction.
    Each sample has an ε of its own.
swapped: Real and generated points have changed places: ε belongs to the real point, 1 − ε to the generated one.
extrapolation: These points lie on the line through the pair but beyond its ends: the difference points the wrong way,
    or starts at the wrong point. On the segment: x̃ + ε (x − x̃).
not-convex: The two weights do not add up to 1, so the point is not between the two: ε and 1 − ε.
one-end: ε plays no part: these are the real points, the generated ones, or the middles. The penalty would look at one
    place of each segment only.
wrong-axis: ε meets the wrong axis: it multiplies columns (coordinates), or its shape does not fit. It has one entry a
    *sample*: reshape it to (n, 1), and for images to (n, 1, 1, 1), before multiplying.
all-pairs: This mixes every real with every generated point, n·n of them. The batches are paired: sample i with sample
    i.
other-shares: The shares are not ε and 1 − ε themselves, but their squares or roots.
other-pairs: Points and ε do not belong together: one of the three was reversed or sorted. Sample i, its partner and its
    ε all stand at place i.
rounded: ε was rounded, so that each point is one of the two ends.
clamped: The points are cut to a range of pixels, [−1, 1] or [0, 1]. Samples may have any size: ε x + (1 − ε) x̃ as it
    is.
own-epsilon: The points lie on their segments, but not where ε says: other numbers stand in its place, drawn anew
    perhaps. Use the ε that is given.
"""
PROBLEM = Problem(
    key="ps06.interpolates",
    title="Interpolates",
    criteria=(
        Criterion("points", "ε x + (1 − ε) x̃ with one ε for each sample, for batches of shape (n, d)", 1),
        Criterion("any", "the same for batches of any shape (images, sequences)", 1),
    ),
    cases=cases,
    formula=mix,
    scales=((1e6, "real fake"), (1e-6, "real fake")),
    pure="points",
    package_functions=PACKAGE,
    stand_in="wgan_course.constraints.penalties.interpolate",
    single=("real fake epsilon",),
    misconceptions=explained(WRONG, MESSAGES),
)
