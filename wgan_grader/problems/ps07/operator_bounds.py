"""``operator_bounds(kernel, stride)``: what the reshaped kernel says about the convolution's norm."""

import math

import numpy as np

from ...formulas import explained, given
from ...problem import Case, Cases, Criterion, Problem
from ._linear import nearly_alike, norm, reshaped

NAMES = {"outputs": ["lower", "upper"]}


def cases(rng: np.random.Generator) -> Cases:
    yield Case("box", {"kernel": np.ones((1, 1, 3, 3)), "stride": 1}, NAMES, criterion="one")
    for shape in ((3, 2, 3, 3), (2, 4, 1, 5), (5, 3, 2, 4), (131, 2, 1, 2)):
        name = " × ".join(map(str, shape))
        yield Case(name, {"kernel": rng.normal(size=shape), "stride": 1}, NAMES, criterion="one")
    positive = {"kernel": rng.uniform(0.2, 1.0, (2, 3, 2, 2)), "stride": 1}
    yield Case("all positive", positive, NAMES, criterion="one")
    yield Case("slow to iterate", {"kernel": nearly_alike()[:, None, None], "stride": 1}, NAMES, criterion="one")
    for shape, stride in (((2, 3, 4, 4), 2), ((3, 2, 4, 2), 2), ((3, 4, 1, 1), 2), ((2, 3, 2, 3), 4)):
        inputs = {"kernel": rng.normal(size=shape), "stride": stride}
        yield Case(f"{shape[2]}×{shape[3]}, stride {stride}", inputs, NAMES, criterion="stride")
    for shape, stride in (((2, 3, 3, 3), 2), ((3, 2, 5, 2), 3), ((2, 2, 4, 5), 3), ((1, 3, 5, 7), 4)):
        inputs = {"kernel": rng.normal(size=shape), "stride": stride}
        yield Case(f"{shape[2]}×{shape[3]}, stride {stride}", inputs, NAMES, criterion="remainder")


def bounds(kernel: np.ndarray, stride: int) -> dict[str, float]:
    """Reshaped norm, and that times the root of how many windows see a pixel."""
    return _bounds(kernel, stride, _ceil)


def _bounds(kernel: np.ndarray, stride: int, windows, lower=None) -> dict[str, float]:
    lower = norm(reshaped(kernel)) if lower is None else lower
    return {"lower": lower, "upper": lower * math.sqrt(math.prod(windows(k, stride) for k in kernel.shape[2:]))}


def _ceil(k: int, s: int) -> int:
    return math.ceil(k / s)


def _reshaped_as(shape):
    return lambda k, s: _bounds(k, s, _ceil, norm(shape(k)))


def _whole_once(k: np.ndarray, s: int) -> dict[str, float]:
    lower = norm(reshaped(k))
    return {"lower": lower, "upper": lower * math.sqrt(math.ceil(k.shape[2] * k.shape[3] / s))}


WRONG = (
    ("wrong-reshape", _reshaped_as(lambda k: k.reshape(k.shape[0] * k.shape[1], -1))),
    ("wrong-reshape", _reshaped_as(lambda k: k.swapaxes(0, 1).reshape(k.shape[1], -1))),
    ("wrong-reshape", _reshaped_as(lambda k: np.moveaxis(k, 1, -1).reshape(-1, k.shape[1]))),
    ("no-root", lambda k, s: _bounds(k, s, lambda a, b: math.ceil(a / b) ** 2)),
    ("no-root", lambda k, s: _bounds(k, 1, lambda a, b: a**2)),
    ("stride-ignored", given(_bounds, stride=1, windows=_ceil)),
    ("not-rounded-up", lambda k, s: _bounds(k, s, lambda a, b: a / b), lambda k, s: _bounds(k, s, lambda a, b: a // b)),
    ("not-rounded-up", lambda k, s: _bounds(k, s, lambda a, b: max(1, a // b))),
    ("not-rounded-up", lambda k, s: _bounds(k, s, lambda a, b: round(a / b))),
    ("not-rounded-up", lambda k, s: _bounds(k, s, lambda a, b: max(1, round(a / b)))),
    ("stride-once", lambda k, s: _bounds(k, 1, lambda a, b: a / math.sqrt(s)), _whole_once),
    ("frobenius", lambda k, s: _bounds(k, s, _ceil, float(np.linalg.norm(k)))),
    ("order", lambda k, s: dict(zip(("upper", "lower"), bounds(k, s).values(), strict=True))),
    ("divided", lambda k, s: {"lower": norm(reshaped(k)) ** 2 / bounds(k, s)["upper"], "upper": norm(reshaped(k))}),
    ("one-side", lambda k, s: _bounds(k[:, :, :, :1], s, _ceil, norm(reshaped(k)))),
    ("one-side", lambda k, s: _bounds(k[:, :, :1], s, _ceil, norm(reshaped(k)))),
)
MESSAGES = """
wrong-reshape: The kernel was reshaped to another matrix. R has one row for each *output channel*, and its row is the
    whole patch, all input channels: kernel.reshape(out, −1).
no-root: The root is missing from the factor, √(k_h k_w) without strides. What it is taken of counts squares: Σ‖patch‖²
    ≤ k_h k_w ‖x‖².
stride-ignored: The stride is ignored. With stride s only every s-th window exists, so a pixel is seen by at most ⌈k/s⌉
    on an axis.
not-rounded-up: k/s is not rounded up. A pixel is seen by a whole number of windows; with k = 3 and s = 2 some pixels
    are seen by 2.
stride-once: The stride was divided out once, not on each of the two axes.
frobenius: The Frobenius norm was taken in place of the spectral norm.
order: The two bounds come back in the wrong order: lower first.
divided: The reshaped norm was taken for the upper bound and divided for the lower one. It is the *lower* bound; the
    operator can be larger, never smaller.
one-side: Only one side of the kernel went into the factor. Count the windows on both axes.
"""
PROBLEM = Problem(
    key="ps07.operator_bounds",
    title="The reshaped kernel from both sides",
    criteria=(
        Criterion("one", "‖R‖₂ and √(k_h k_w) ‖R‖₂ at stride 1, as (lower, upper)", 1),
        Criterion("stride", "a stride lowers the factor: only every s-th window exists", 0.5),
        Criterion("remainder", "also where the stride does not divide the kernel's side", 0.5),
    ),
    cases=cases,
    formula=bounds,
    scales=((1e6, "kernel"), (1e-6, "kernel")),
    pure="one",
    package_functions=("wgan_course.norms.reshaped_norm", "wgan_course.norms.reshaped_factor"),
    misconceptions=explained(WRONG, MESSAGES),
)
