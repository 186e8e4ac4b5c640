"""``receptive_field(stages)``: the side of the square of inputs that one output sees."""

import numpy as np

from ...formulas import explained, shifted
from ...problem import Case, Cases, Criterion, Problem


def cases(rng: np.random.Generator) -> Cases:
    yield _case("one layer", [(3, 1, 1)], "strides")
    yield _case("DCGAN", [(4, 2, 1), (4, 2, 1), (4, 2, 1)], "strides")
    yield _case("very large first", [(25, 12, 1), (3, 1, 1)], "strides")
    yield _case("large first", [(7, 3, 1), (2, 1, 1), (5, 2, 1)], "strides")
    yield _case("one pixel", [(1, 1, 1)], "strides")
    yield _case("very deep", [(4, 2, 1)] * 16, "strides")
    drawn = np.stack([rng.integers(2, 7, size=4), rng.permutation([1, 2, 3, 2]), np.ones(4, dtype=int)], axis=1)
    yield _case("four layers", drawn, "strides")
    yield _case("seventy layers", [(3, 1, 1)] * 70, "strides")
    yield _case("one dilated layer", [(3, 1, 2)], "dilation")
    yield _case("one tap has no dilation", [(3, 1, 1), (1, 2, 3), (3, 1, 2)], "dilation")
    yield _case("dilated", [(4, 2, 1), (3, 1, 2), (5, 3, 3), (2, 1, 40)], "dilation")
    for layers in (3, 5):
        kernel, stride, dilation = rng.integers(2, 6, layers), rng.integers(1, 4, layers), rng.integers(1, 4, layers)
        dilation[rng.integers(layers)] += 1
        yield _case(f"{layers} layers, drawn", np.stack([kernel, stride, dilation], axis=1), "dilation")


def _case(name: str, stages: list | np.ndarray, criterion: str) -> Case:
    return Case(name, {"stages": np.array(stages, dtype=np.int64)}, criterion=criterion)


def side(stages: np.ndarray) -> int:
    """1 + Σ dᵢ (kᵢ − 1) Π_{j<i} sⱼ."""
    kernel, stride, dilation = stages.T
    jump = np.concatenate([[1], np.cumprod(stride)[:-1]])
    return int(1 + np.sum(dilation * (kernel - 1) * jump))


def _own_stride(stages: np.ndarray) -> int:
    kernel, stride, dilation = stages.T
    return int(1 + np.sum(dilation * (kernel - 1) * np.cumprod(stride)))


def _last_stride(stages: np.ndarray) -> int:
    kernel, stride, dilation = stages.T
    return int(1 + np.sum(dilation * (kernel - 1) * np.concatenate([[1], stride[:-1]])))


def _dilated_steps(stages: np.ndarray) -> int:
    kernel, stride, dilation = stages.T
    jump = np.concatenate([[1], np.cumprod(stride * dilation)[:-1]])
    return int(1 + np.sum(dilation * (kernel - 1) * jump))


def _set(stages: np.ndarray, column: int) -> np.ndarray:
    changed = stages.copy()
    changed[:, column] = 1
    return changed


WRONG = (
    ("no-strides", lambda s: side(_set(s, 1))),
    ("own-stride", _own_stride),
    ("last-stride-only", _last_stride),
    ("no-dilation", lambda s: side(_set(s, 2))),
    ("dilated-kernel", lambda s: side(np.stack([s[:, 0] * s[:, 2], s[:, 1], np.ones(len(s), dtype=int)], axis=1))),
    ("dilation-as-stride", _dilated_steps),
    ("kernels-not-minus-one", lambda s: side(np.stack([s[:, 0] + 1, s[:, 1], s[:, 2]], axis=1))),
    ("kernels-not-minus-one", lambda s: side(np.stack([s[:, 0] + 1, s[:, 1], s[:, 2]], axis=1)) - 1),
    ("no-one", shifted(side, -1)),
    ("backwards", lambda s: side(s[::-1])),
    ("product-of-kernels", lambda s: int(np.prod(s[:, 0]))),
)
MESSAGES = """
no-strides: Strides are left out. After a stride of 2, a step of one place is a step of two pixels.
own-stride: A layer's own stride is counted in its own step. Only the strides *before* it spread its kernel.
last-stride-only: Only the stride of the layer just before counts. The strides multiply up.
no-dilation: Dilation is left out: the taps of a dilated kernel are d pixels apart.
dilated-kernel: A dilated kernel spans d(k−1) + 1 places, not dk.
dilation-as-stride: The dilation multiplies the steps of the layers behind as well, like a stride. It widens its own
    kernel only: the outputs of a dilated layer lie as close together as without.
kernels-not-minus-one: k is used where k − 1 belongs: a kernel of side k adds k − 1 places.
no-one: The output's own place, the + 1, is missing.
backwards: The layers are taken in the opposite order. The first in the list is the one that sees the image.
product-of-kernels: Kernel sizes are multiplied. They add up (times the strides before them).
"""
PROBLEM = Problem(
    key="ps10.receptive_field",
    title="Receptive field",
    criteria=(Criterion("strides", "for kernels and strides", 1.5), Criterion("dilation", "with dilation", 0.5)),
    cases=cases,
    formula=side,
    pure="strides",
    package_functions=("wgan_course.models.layers.receptive_field",),
    misconceptions=explained(WRONG, MESSAGES),
)
