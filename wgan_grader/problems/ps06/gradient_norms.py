"""``gradient_norms(critic, points)``: one norm a sample, with the graph."""

from typing import Any

import numpy as np

from ...formulas import Detected, absolute, averaged, composed, explained, largest, part, squared, summed
from ...problem import Case, Cases, Criterion, Outputs, Problem
from ._critic import LAYERS, NO_GRAPH, PACKAGE, SEEN_BY, Array, agree, charged, critic, far_out, lengths, options, rows


def cases(rng: np.random.Generator) -> Cases:
    for criterion in ("value", "graph"):
        for n, shape in ((2, (3,)), (6, (3,)), (4, (2, 2, 3)), (3, (3,))):
            yield _case(rng, n, shape, criterion)
    for n, width in ((3, 5), (5, 2)):
        yield _deep(rng, n, width)
    yield _case(rng, 3, (2, 4), "value")
    yield far_out(_case(rng, 5, (3,), "value"), "points")
    for slope in (4e-4, 1e4):
        yield _plain(slope)
    for n, shape in ((26, (1,)), (131, (1,)), (5, (20,)), (1, (2, 2, 3))):
        yield _case(rng, n, shape, "value")


def _plain(slope: float) -> Case:
    """Fixed gradients of about this length: what is added for safety, or cut off, shows."""
    first = {"critic.w0": np.array([[0.5, -0.3, 0.2], [0.1, 0.4, -0.6]]), "critic.b0": np.array([0.1, -0.2])}
    second = {"critic.w1": slope * np.array([[2.0, -1.5]]), "critic.b1": np.zeros(1)}
    points = np.array([[0.3, -0.2, 0.1], [-0.4, 0.5, 0.2]])
    inputs = first | second | {"points": points}
    return Case(f"slopes near {slope:g}", inputs, options(), criterion="value", atol=1e-7 * min(slope, 1.0))


def _deep(rng: np.random.Generator, n: int, width: int) -> Case:
    """Three linear layers, of which the second leads to some units."""
    inputs = critic(rng, 3, 4) | {"critic.w1": rng.normal(size=(width, 4)), "critic.b1": rng.normal(size=width)}
    inputs |= {"critic.w2": 1.5 * rng.normal(size=(1, width)), "critic.b2": rng.normal(size=1)}
    layers = {"modules": {"critic": [*LAYERS["critic"], ["tanh"], ["linear", "w2", "b2"]]}}
    return Case(f"{n} points, a deeper critic", inputs | {"points": rng.normal(size=(n, 3))}, layers, criterion="value")


def _case(rng: np.random.Generator, n: int, shape: tuple[int, ...], criterion: str) -> Case:
    inputs: dict[str, Any] = critic(rng, int(np.prod(shape)), 4, 1.5) | {"points": rng.normal(size=(n, *shape))}
    tail = ", to the weights" if criterion == "graph" else ""
    name = f"{n} point{'s' * (n > 1)} of shape {'×'.join(map(str, shape))}{tail}"
    return Case(name, inputs, options(len(shape) > 1), criterion=criterion)


def score(*a: Array) -> Array:
    """One score a point; a = (w0, b0, w1, b1, …, points)."""
    *weights, x = a
    x = rows(x)
    for w, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = np.tanh(x @ w.T + b)
    return (x @ weights[-2].T + weights[-1])[:, 0]


def gradient(*a: Array) -> Array:
    """∇f at each point, in the shape of the points."""
    *weights, x = a
    at, slopes = rows(x), []
    for w, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        at = np.tanh(at @ w.T + b)
        slopes.append(1 - at**2)
    back = np.tile(weights[-2], (len(x), 1))
    for w, slope in zip(weights[-4::-2], slopes[::-1], strict=True):
        back = (back * slope) @ w
    return back.reshape(x.shape)


def right(*a: Array) -> Outputs:
    """Lengths of the gradients, and the gradient of their sum in the weights."""
    return charged(lambda size: size, np.ones_like, *a) if len(a) == 5 else {"value": _norms(*a)}


def _norms(*a: Array) -> Array:
    return lengths(gradient(*a))


def _partly(*a: Array) -> list[Array]:
    """Norms over some of the axes only."""
    g = gradient(*a)
    return [np.sqrt((g**2).sum(axis)) for axis in (0, 1, -1)]


WRONG = (
    ("batch", composed(np.linalg.norm, gradient), lambda *a: np.full(len(a[-1]), np.linalg.norm(gradient(*a)))),
    ("wrong-axis", part(_partly, 0), part(_partly, 1), part(_partly, 2)),
    ("wrong-axis", Detected(lambda case, seen, _: "dimension out of range" in seen.error.lower(), status="error")),
    ("squared", squared(_norms)),
    ("other-norm", lambda *a: np.abs(gradient(*a)).reshape(len(a[-1]), -1).sum(1)),
    ("other-norm", lambda *a: np.abs(gradient(*a)).reshape(len(a[-1]), -1).max(1)),
    ("other-norm", lambda *a: _norms(*a) / np.sqrt(gradient(*a)[0].size)),
    ("mean-scores", lambda *a: _norms(*a) / len(a[-1])),
    ("averaged", averaged(_norms), summed(_norms), largest(_norms)),
    ("the-gradient", gradient),
    ("mean-gradient", composed(np.linalg.norm, averaged(gradient, 0)), composed(np.linalg.norm, summed(gradient, 0))),
    ("the-score", score, absolute(score), lambda *a: score(*a)[:, None]),
    NO_GRAPH,
)
MESSAGES = """
batch: One norm is taken over the whole batch. A perfect critic, with slope 1 at every sample, gets √n: at batch 64 the
    penalty charges it 49. Take the norm of each sample by itself.
wrong-axis: The norm runs over the wrong axes: over the samples, or over one of a sample's axes only. One number for
    each sample: flatten all axes but the first, then take the norm.
squared: These are squared norms: the square root is missing.
other-norm: This is another norm (the sum, the largest, or the root mean square of the entries). Euclidean length is
    asked for.
mean-scores: The scores were averaged before differentiating, so each norm is divided by n. Sum them.
averaged: The norms have been averaged or added up, or the largest taken. One for each sample is asked for: the penalty
    squares *before* it averages.
the-gradient: The gradients themselves come back. Return their lengths.
mean-gradient: The gradients are averaged (or summed) before the norm is taken: they cancel each other.
the-score: This is (the size of) the critic's score, not its slope.
"""
PROBLEM = Problem(
    key="ps06.gradient_norms",
    title="Gradient norms that can be trained",
    criteria=(
        Criterion("value", "‖∇f‖ at each sample, over all axes but the first, shape (n,)", 1),
        Criterion("graph", "it can be differentiated again, down to the critic's weights", 1),
    ),
    cases=cases,
    formula=right,
    compare=agree,
    pure="value",
    observe=SEEN_BY,
    limit=20.0,
    package_functions=PACKAGE,
    single=("points",),
    misconceptions=explained(WRONG, MESSAGES),
)
