"""``gradient_norms(network, points)``: the slope of a network at each sample of a batch."""

from dataclasses import replace
from functools import reduce
from itertools import pairwise

import numpy as np

from ...formulas import absolute, averaged, composed, explained, largest, squared, summed
from ...problem import Case, Cases, Criterion, Problem

HIDDEN = {1: ("tanh",), 2: ("softplus", "tanh"), 3: ("relu", "sigmoid", "tanh")}  # by the number of hidden layers


def cases(rng: np.random.Generator) -> Cases:
    for n, d, width in ((2, 2, 3), (7, 3, 4), (3, 5, 6)):
        yield _case(f"{n} points in dimension {d}", rng, n, d, width, 1.0, "per-sample")
    yield _case("forty points", rng, 40, 2, 3, 1.0, "per-sample")
    yield _case("steep", rng, 4, 2, 5, 40.0, "per-sample")
    sharp = _case("a sharp bend", rng, 6, 2, 5, 1.0, "per-sample")
    sharp.inputs["network.w0"][:] *= 2e4
    sharp.inputs["points"][:] *= 5e-5
    yield sharp
    yield replace(_case("constant", rng, 4, 3, 4, 0.0, "flat"), atol=0.0)
    yield _case("130 points in dimension 40", rng, 130, 40, 3, 1.0, "per-sample")
    used = _case("a network in use", rng, 3, 2, 4, 1.0, "per-sample")
    yield replace(used, options={**used.options, "used": ("network",)})
    for count, n in ((2, 4), (3, 5)):
        yield _case(f"{count} hidden layers", rng, n, 3, 6, 2.0, "per-sample", count)


def _case(
    name: str, rng: np.random.Generator, n: int, d: int, width: int, scale: float, criterion: str, hidden: int = 1
) -> Case:
    widths = [d, *range(width, width - hidden, -1), 1]
    arrays, layers = {}, []
    for i, (columns, rows) in enumerate(pairwise(widths)):
        size = scale if i == hidden else 1.0
        arrays |= {f"network.w{i}": size * rng.normal(size=(rows, columns)), f"network.b{i}": rng.normal(size=rows)}
        layers += [["linear", f"w{i}", f"b{i}"], *([kind] for kind in HIDDEN[hidden][i : i + 1])]
    return Case(name, arrays | {"points": rng.normal(size=(n, d))}, {"modules": {"network": layers}}, criterion)


def _activated(kind: str, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Value and slope."""
    s = 1 / (1 + np.exp(-z))
    if kind == "relu":
        return np.maximum(z, 0), (z > 0).astype(float)
    if kind == "tanh":
        return np.tanh(z), 1 - np.tanh(z) ** 2
    return (s, s * (1 - s)) if kind == "sigmoid" else (np.logaddexp(0, z), s)


def _output(*a: np.ndarray) -> np.ndarray:
    return _both_ways(*a)[0]


def _both_ways(*a: np.ndarray) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Output, each layer's gradient and input, the last layer first, and ∇f at each row of the points."""
    *weights, x = a
    inputs, slopes = [x], []
    for w, b, kind in zip(weights[:-2:2], weights[1:-2:2], HIDDEN[len(weights) // 2 - 1], strict=True):
        h, slope = _activated(kind, inputs[-1] @ w.T + b)
        inputs, slopes = [*inputs, h], [*slopes, slope]
    back, layers = np.ones((len(x), 1)), []
    for w, h, slope in zip(weights[-2::-2], inputs[::-1], [*slopes[::-1], np.ones(1)], strict=True):
        layers.append((back, h))
        back = (back @ w) * slope
    return (inputs[-1] @ weights[-2].T + weights[-1])[:, 0], layers, back


def gradient(*a: np.ndarray) -> np.ndarray:
    """∇f at each row of the points; a = (w0, b0, w1, b1, …, points)."""
    return _both_ways(*a)[2]


def norms(*a: np.ndarray) -> np.ndarray:
    """Length of each gradient."""
    return np.linalg.norm(gradient(*a), axis=1)


def _weights(*a: np.ndarray) -> np.ndarray:
    """Norm of the gradient in the weights (all parameters together), sample by sample."""
    return np.sqrt(sum((back**2).sum(1) * ((h**2).sum(1) + 1) for back, h in _both_ways(*a)[1]))


def _batch_weights(*a: np.ndarray) -> float:
    return np.sqrt(sum(((back.T @ h) ** 2).sum() + (back.sum(0) ** 2).sum() for back, h in _both_ways(*a)[1]))


def _bound(*a: np.ndarray) -> float:
    return float(np.prod([np.linalg.norm(w, 2) for w in a[:-1:2]]))


def _all_on(*a: np.ndarray) -> float:
    """Norm of the product of the weights: the slope, if every activation had slope 1."""
    return float(np.linalg.norm(reduce(lambda product, w: w @ product, a[:-1:2])))


def _quotients(h: float, back: float):
    """Lengths of difference quotients with a step h, from as far back in each coordinate as `back` says."""

    def lengths(*a: np.ndarray) -> np.ndarray:
        ways = h * np.eye(a[-1].shape[1])
        rises = [_output(*a[:-1], a[-1] + way) - _output(*a[:-1], a[-1] - back * way) for way in ways]
        return np.linalg.norm(rises, axis=0) / (h * (1 + back))

    return lengths


WRONG = (
    ("batch", composed(np.linalg.norm, gradient), lambda *a: np.full(len(a[-1]), np.linalg.norm(gradient(*a)))),
    ("wrong-axis", lambda *a: np.linalg.norm(gradient(*a), axis=0)),
    ("squared", squared(norms)),
    ("other-norm", summed(absolute(gradient), 1), largest(absolute(gradient), 1)),
    ("mean-loss", lambda *a: norms(*a) / len(a[-1])),
    ("parameters", _weights, _batch_weights),
    ("averaged", averaged(norms), largest(norms), summed(norms)),
    ("the-gradient", gradient),
    ("mean-gradient", composed(np.linalg.norm, averaged(gradient, 0)), composed(np.linalg.norm, summed(gradient, 0))),
    ("the-output", _output, absolute(_output), composed(np.linalg.norm, _output)),
    ("all-on", _all_on, lambda *a: np.full(len(a[-1]), _all_on(*a))),
    ("the-bound", _bound, lambda *a: np.full(len(a[-1]), _bound(*a))),
    ("stabilised", *(lambda *a, e=10.0**-k: np.sqrt(norms(*a) ** 2 + e) for k in range(4, 14))),
    ("stabilised", *(lambda *a, e=10.0**-k: norms(*a) + e for k in range(3, 7))),
    ("differences", *(_quotients(s * 10.0**-k, back) for k in range(1, 6) for s in (1, 5) for back in (1, 0))),
)
MESSAGES = """
batch: One norm is taken over the whole batch. It grows with √n, however flat the function: take the norm of each row by
    itself (dim=1).
wrong-axis: The norm runs over the samples (dim=0): one number for each *coordinate* comes out. It has to run over the
    coordinates of one sample.
squared: These are squared norms: the square root is missing.
other-norm: This is another norm of the gradient (the sum, or the largest, of the absolute values). The Lipschitz
    condition here is Euclidean.
mean-loss: The outputs were averaged before differentiating, so every gradient is divided by n. Sum them: sample i has
    no part in the output of sample j.
parameters: This is the gradient in the *weights*. The Lipschitz constant is about the input: differentiate in the
    points.
averaged: The norms are averaged, added up, or their maximum is taken. One number for each sample was asked for.
the-gradient: The gradients themselves come back, shape (n, d). Return their lengths, shape (n,).
mean-gradient: The gradients of the samples are averaged (or summed) before the norm is taken. They cancel each other:
    take the norm first.
the-output: This is (the size of) the network's output, not its slope.
all-on: The weights are multiplied and the activations left out, as if all had slope 1. Differentiate the network at
    each point.
the-bound: This is the product of the layers' norms: a bound for *all* points, the same for every sample. Here the slope
    at each sample was asked for.
differences: This is a difference quotient with a step, not a derivative: where the network bends within the step it
    is wrong. Let autograd differentiate.
stabilised: A small constant under the root (or in the norm) keeps the norm away from 0. It is exact without it: no
    gradient of the norm is taken here.
"""
PROBLEM = Problem(
    key="ps04.gradient_norms",
    title="Gradient norms, one a sample",
    criteria=(
        Criterion("per-sample", "‖∇f(x)‖ at each sample by itself, shape (n,)", 2),
        Criterion("flat", "0, not NaN, where the network is flat", 1),
    ),
    cases=cases,
    formula=norms,
    scales=((1e2, "points"),),
    pure="per-sample",
    observe="wgan_course.check.observers.ps04.call",
    limit=20.0,  # loading torch.func counts in the budget of the whole check
    package_functions=(
        "wgan_course.norms.jacobian_norms",
        "wgan_course.constraints.penalties.sample_norms",
        "wgan_course.constraints.penalties.input_gradient",
    ),
    stand_in="wgan_course.norms.jacobian_norms",
    single=("points",),
    misconceptions=explained(WRONG, MESSAGES),
)
