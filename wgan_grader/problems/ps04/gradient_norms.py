"""``gradient_norms(network, points)``: the slope of a network at each sample of a batch."""

import numpy as np

from ...formulas import absolute, averaged, composed, explained, largest, squared, summed
from ...problem import Case, Cases, Criterion, Problem

LAYERS = {"modules": {"network": [["linear", "w0", "b0"], ["tanh"], ["linear", "w1", "b1"]]}}


def cases(rng: np.random.Generator) -> Cases:
    for n, d, width in ((2, 2, 3), (7, 3, 4), (3, 5, 6)):
        yield _case(f"{n} points in dimension {d}", rng, n, d, width, 1.0, "per-sample")
    yield _case("steep", rng, 4, 2, 5, 40.0, "per-sample")
    yield _case("constant", rng, 4, 3, 4, 0.0, "flat")


def _case(name: str, rng: np.random.Generator, n: int, d: int, width: int, scale: float, criterion: str) -> Case:
    weights = {
        "network.w0": rng.normal(size=(width, d)),
        "network.b0": rng.normal(size=width),
        "network.w1": scale * rng.normal(size=(1, width)),
        "network.b1": rng.normal(size=1),
    }
    return Case(name, weights | {"points": rng.normal(size=(n, d))}, LAYERS, criterion=criterion)


def gradient(w0: np.ndarray, b0: np.ndarray, w1: np.ndarray, b1: np.ndarray, x: np.ndarray) -> np.ndarray:
    """∇f at each row of x, for f = w1 tanh(w0 x + b0) + b1."""
    hidden = np.tanh(x @ w0.T + b0)
    return ((1 - hidden**2) * w1[0]) @ w0


def norms(*a: np.ndarray) -> np.ndarray:
    """Length of each gradient."""
    return np.linalg.norm(gradient(*a), axis=1)


def _output(w0: np.ndarray, b0: np.ndarray, w1: np.ndarray, b1: np.ndarray, x: np.ndarray) -> np.ndarray:
    return (np.tanh(x @ w0.T + b0) @ w1.T + b1)[:, 0]


def _weights(w0: np.ndarray, b0: np.ndarray, w1: np.ndarray, b1: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Norm of the gradient in the weights (all parameters together), sample by sample."""
    hidden = np.tanh(x @ w0.T + b0)
    back = (1 - hidden**2) * w1[0]
    squares = (back**2).sum(1) * ((x**2).sum(1) + 1) + (hidden**2).sum(1) + 1
    return np.sqrt(squares)


def _batch_weights(w0: np.ndarray, b0: np.ndarray, w1: np.ndarray, b1: np.ndarray, x: np.ndarray) -> float:
    hidden = np.tanh(x @ w0.T + b0)
    back = (1 - hidden**2) * w1[0]
    parts = (back.T @ x, back.sum(0), hidden.sum(0), np.array(len(x)))
    return np.sqrt(sum((part**2).sum() for part in parts))


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
    ("the-bound", lambda w0, b0, w1, b1, x: np.linalg.norm(w0, 2) * np.linalg.norm(w1, 2)),
    ("the-bound", lambda w0, b0, w1, b1, x: np.full(len(x), np.linalg.norm(w0, 2) * np.linalg.norm(w1, 2))),
    ("stabilised", *(lambda *a, e=10.0**-k: np.sqrt(norms(*a) ** 2 + e) for k in range(4, 14))),
    ("stabilised", *(lambda *a, e=10.0**-k: norms(*a) + e for k in range(3, 7))),
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
averaged: The norms are averaged (or their maximum taken). One number for each sample was asked for.
the-gradient: The gradients themselves come back, shape (n, d). Return their lengths, shape (n,).
mean-gradient: The gradients of the samples are averaged (or summed) before the norm is taken. They cancel each other:
    take the norm first.
the-output: This is (the size of) the network's output, not its slope.
the-bound: This is the product of the layers' norms: a bound for *all* points, the same for every sample. Here the slope
    at each sample was asked for.
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
    misconceptions=explained(WRONG, MESSAGES),
)
