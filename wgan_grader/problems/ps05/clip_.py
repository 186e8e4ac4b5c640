"""``clip_(critic, c)``: every parameter into [-c, c], in place."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, constant, explained
from ...problem import Case, Cases, Criterion, Outputs, Problem
from ._networks import HARD_CODED, LIMIT, after, in_place, left_behind, tensors, unchanged

WIDTHS = (3, 4, 1)


def cases(rng: np.random.Generator) -> Cases:
    small = [[[0.5, -0.2], [0.0, -3.0]], [0.1, -0.1], [[0.3, -0.25]], [0.05]]
    yield _case("2–2–1", [np.array(a) for a in small], 0.25, "weights")
    yield _case("weights beyond", _drawn(rng, 1.0, 0.02), 0.1, "weights")
    yield _case("a wide box", _drawn(rng, 2.0, 0.1), 1.5, "weights")
    yield _case("one layer", _drawn(rng, 1.0, 0.02, (3, 1)), 0.1, "weights")
    yield _case("a narrow box", _drawn(rng, 0.01, 0.01), 1e-3, "weights")
    yield _case("biases beyond", _drawn(rng, 0.02, 1.0), 0.1, "biases")
    yield _case("both beyond", _drawn(rng, 1.0, 1.0), 0.01, "biases")
    yield _case("three layers", _drawn(rng, 1.0, 1.0, (3, 4, 2, 1)), 0.2, "biases")
    yield _case("five layers", _drawn(rng, 1.0, 1.0, (2, 4, 3, 5, 2, 1)), 0.2, "biases")
    yield _case("a very narrow box", _drawn(rng, 0.01, 0.01), 2e-5, "biases")
    yield _case("a very wide box", _drawn(rng, 20.0, 20.0), 12.0, "biases")
    used = _case("a critic in use", _drawn(rng, 1.0, 1.0), 0.4, "weights")
    yield replace(used, options={**used.options, "used": ["critic"]})
    frozen = _case("a frozen parameter", _drawn(rng, 1.0, 1.0), 0.3, "biases")
    yield replace(frozen, options={**frozen.options, "frozen": ["critic"]})
    yield _case("a wide layer", _drawn(rng, 1.0, 1.0, (70, 130, 1)), 0.3, "weights")
    inside = [np.clip(a, -0.19, 0.19) for a in _drawn(rng, 0.1, 0.1)]
    inside[0][0, 0] = 0.5  # one beyond, so that doing nothing is no answer
    yield _case("all but one inside", inside, 0.2, "inside")


def _drawn(rng: np.random.Generator, weights: float, biases: float, widths=WIDTHS) -> list[np.ndarray]:
    shapes = [shape for a, b in pairwise(widths) for shape in ((b, a), (b,))]
    sizes = [weights if len(shape) == 2 else biases for shape in shapes]
    drawn = [size * rng.normal(size=shape) for size, shape in zip(sizes, shapes, strict=True)]
    return [np.where(np.abs(a) < 0.3 * size, np.copysign(size, a), a) for size, a in zip(sizes, drawn, strict=True)]


def _case(name: str, arrays: list[np.ndarray], c: float, criterion: str) -> Case:
    count = len(arrays) // 2
    inputs = dict(zip(tensors("critic", count), arrays, strict=True)) | {"c": c}
    return Case(name, inputs, in_place("critic", count), criterion=criterion)


def _after(change):
    """Outputs of something done to each of the arrays, given its place among them."""

    def formula(*inputs):
        *arrays, c = inputs
        return after("critic", [change(a, c, place) for place, a in enumerate(arrays)])

    return formula


def _clip(a: np.ndarray, c: float, place: int = 0) -> np.ndarray:
    return np.clip(a, -c, c)


def _only(places):
    return _after(lambda a, c, place: _clip(a, c) if place in places else a)


def _last(arrays_of_it: int):
    """The last layer, or its weight, whatever the depth."""

    def formula(*inputs):
        *arrays, c = inputs
        first = len(arrays) - 2
        chosen = range(first, first + arrays_of_it)
        return after("critic", [_clip(a, c) if place in chosen else a for place, a in enumerate(arrays)])

    return formula


def _all_scaled(*inputs):
    *arrays, c = inputs
    share = min(1.0, c / np.sqrt(sum((a**2).sum() for a in arrays)))
    return after("critic", [share * a for a in arrays])


def _frozen_left(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether all is right but a frozen parameter, which is as it was."""
    if not case.options.get("frozen") or seen.status != "ok":
        return False
    *clipped, last = case.options["after"]
    outputs = seen.outputs
    right = all(np.allclose(outputs[f"after:{name}"], expected[f"after:{name}"], atol=1e-9) for name in clipped)
    return right and np.array_equal(outputs[f"after:{last}"], case.inputs[last])


WRONG = (
    ("frozen-left", Detected(_frozen_left)),
    ("new-parameters", Detected(left_behind)),
    ("no-effect", Detected(unchanged)),
    ("biases-left", _only(range(0, 100, 2))),
    ("weights-left", _only(range(1, 100, 2))),
    HARD_CODED,
    ("one-layer", _last(2), _last(1)),
    ("one-layer", _only((0, 1)), _only((2, 3)), _only((0,)), _only((2,))),
    ("one-end", _after(lambda a, c, _: np.minimum(a, c)), _after(lambda a, c, _: np.maximum(a, -c))),
    ("positive", _after(lambda a, c, _: np.clip(a, 0, c)), _after(lambda a, c, _: np.clip(np.abs(a), 0, c))),
    ("positive", _after(lambda a, c, _: np.where(np.abs(a) > c, c, a))),
    ("scaled", _after(lambda a, c, _: a * min(1.0, c / np.abs(a).max()))),
    ("scaled", _after(lambda a, c, _: a * c / np.abs(a).max())),
    ("scaled", _after(lambda a, c, _: a * min(1.0, c / np.linalg.norm(a)))),
    ("scaled", _after(lambda a, c, _: a * c / np.linalg.norm(a)), _after(lambda a, c, _: a * c)),
    ("scaled", _all_scaled),
    ("squashed", _after(lambda a, c, _: c * np.tanh(a / c)), _after(lambda a, c, _: c * np.tanh(a))),
    ("zeroed", _after(lambda a, c, _: np.where(np.abs(a) > c, 0.0, a))),
    ("corner", _after(lambda a, c, _: c * np.sign(a))),
    (
        "other-box",
        *(
            _after(lambda a, c, _, size=size: np.clip(a, -size(c), size(c)))
            for size in (lambda c: c**2, lambda c: c / 2, lambda c: 2 * c, constant(0.01), constant(1.0))
        ),
    ),
)
MESSAGES = """
frozen-left: A frozen parameter (requires_grad is False) is passed over. *Every* parameter is clipped: it takes part in
    the critic's slope, whether it is trained or not.
new-parameters: The critic now holds clipped parameters, but they are *new* ones: an optimiser that was made before
    still holds the old ones. Change each parameter in place, p.clamp_(…), under torch.no_grad().
no-effect: The parameters are what they were before. p.clamp(…) returns a new tensor and leaves p alone; p.clamp_(…)
    changes it, and the underscore says so. (p = p.clamp(…) only gives the result a name.)
biases-left: The weights are clipped and the biases are not. By the convention of this exercise, which is that of the
    paper, *every* parameter is clipped.
weights-left: The biases are clipped and the weights are not. *Every* parameter is clipped.
one-layer: Only one of the layers is clipped.
one-end: The parameters are cut off at one end only. The box has two: −c and c.
positive: Negative parameters have been lost, or have changed their sign. The box is [−c, c], not [0, c].
scaled: The parameters are scaled together. Clipping changes only what is outside, and each number by itself.
squashed: The parameters are squashed smoothly (c·tanh(w/c), say). That changes those inside as well.
zeroed: Parameters outside the box become 0. They are to go to the nearer end of it.
corner: Every parameter is sent to an end of the box, also those that were inside.
other-box: The box has the wrong size: c was squared, halved, or replaced by a fixed number.
"""
PROBLEM = Problem(
    key="ps05.clip_",
    title="Clip, in place",
    criteria=(
        Criterion("weights", "all weights end in [−c, c], those beyond it at its nearer end", 1),
        Criterion("biases", "and so do all biases", 1),
        Criterion("inside", "what is inside stays as it is", 1),
    ),
    cases=cases,
    formula=_after(_clip),
    observe="wgan_course.check.observers.ps05.in_place",
    limit=LIMIT,
    package_functions=("wgan_course.constraints.Clip.project_",),
    misconceptions=explained(WRONG, MESSAGES),
)
