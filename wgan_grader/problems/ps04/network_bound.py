"""``network_bound(network)``: the product of the layers' Lipschitz constants."""

from dataclasses import replace
from itertools import pairwise
from math import prod

import numpy as np

from ...formulas import explained, squared
from ...problem import Case, Cases, Criterion, Problem

ACTIVATIONS = {
    1: [],
    2: ["relu"],
    3: ["tanh", "relu"],
    4: ["sigmoid", "softplus", "sigmoid"],
    5: ["relu", "sigmoid", "tanh", "softplus"],
    6: ["", "sigmoid", "relu", "", "tanh", "sigmoid"],  # two layers in a row, and a sigmoid at the end
}


def cases(rng: np.random.Generator) -> Cases:
    yield _case("one layer", rng, (3, 2), "product")
    yield _case("ReLU", rng, (2, 4, 3), "product")
    yield _case("tanh and ReLU", rng, (4, 3, 5, 2), "product")
    yield _case("square layers", rng, (3, 3, 3), "product")
    used = _case("a network in use", rng, (2, 3, 2), "product")
    yield replace(used, options={**used.options, "used": ["network"]})
    gentle = _case("a layer that shrinks", rng, (3, 4, 2), "product")
    gentle.inputs["network.w0"][:] *= 2.0**-7  # the whole shrinks as well
    yield gentle
    yield _slowly("two directions almost equally steep")
    yield _case("one sigmoid", rng, (3, 2, 4, 2, 3, 1), "slopes")
    yield _case("layers in a row, and a sigmoid last", rng, (3, 2, 4, 3, 2, 4, 2), "slopes")
    yield _case("two sigmoids and a softplus", rng, (3, 4, 2, 3, 2), "slopes")


def _case(name: str, rng: np.random.Generator, widths: tuple[int, ...], criterion: str) -> Case:
    inputs, layers, between = {}, [], list(ACTIVATIONS[len(widths) - 1])
    for i, (m, n) in enumerate(pairwise(widths)):
        inputs |= {f"network.w{i}": rng.normal(size=(n, m)) + 0.5, f"network.b{i}": 2 + rng.normal(size=n)}
        layers += [["linear", f"w{i}", f"b{i}"]] + [[kind] for kind in between[i : i + 1] if kind]
    return Case(name, inputs, {"modules": {"network": layers}}, criterion=criterion)


def _slowly(name: str) -> Case:
    """One layer on which power iteration is slow from any start, and blind from (1, 1)."""
    turn, left = np.array([[1.0, 1.0], [-1.0, 1.0]]) / np.sqrt(2), np.array([[0.8, -0.6], [0.6, 0.8]])
    inputs = {"network.w0": left @ np.diag([3.0, 2.99]) @ turn.T, "network.b0": np.array([1.0, 2.0])}
    return Case(name, inputs, {"modules": {"network": [["linear", "w0", "b0"]]}}, criterion="product")


def _quarters(count: int) -> int:
    """Sigmoids in the network of so many linear layers."""
    return ACTIVATIONS[count].count("sigmoid")


def _with(norm, slope: float = 0.25):
    """Product of some norm of the matrices, with some slope of a sigmoid."""

    def bound(*arrays: np.ndarray) -> float:
        weights = arrays[::2]
        return prod(norm(W) for W in weights) * slope ** _quarters(len(weights))

    return bound


def _spectral(W: np.ndarray) -> float:
    return float(np.linalg.norm(W, 2))


def _root_of_sums(sizes: np.ndarray) -> float:
    """Root of the largest row sum times the largest column sum, a bound on the spectral norm."""
    return float(np.sqrt(sizes.sum(0).max() * sizes.sum(1).max()))


def _over(combine):
    """Something other than the product of the spectral norms, sigmoids counted and not."""
    return tuple(
        lambda *a, s=s: combine([_spectral(W) for W in a[::2]]) * s ** _quarters(len(a) // 2) for s in (1, 0.25)
    )


def _activated(kind: str, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Value and slope of an activation."""
    s = 1 / (1 + np.exp(-z))
    if kind == "relu":
        return np.maximum(z, 0), (z > 0).astype(float)
    if kind == "tanh":
        return np.tanh(z), 1 - np.tanh(z) ** 2
    return (s, s * (1 - s)) if kind == "sigmoid" else (np.logaddexp(0, z), s)


def _slope_at_zero(*arrays: np.ndarray) -> float:
    """Spectral norm of the Jacobian at the origin: a slope, not a bound."""
    count = len(arrays) // 2
    x, jacobian = np.zeros(arrays[0].shape[1]), np.eye(arrays[0].shape[1])
    for i, kind in enumerate([*ACTIVATIONS[count], ""][:count]):
        x, jacobian = arrays[2 * i] @ x + arrays[2 * i + 1], arrays[2 * i] @ jacobian
        if kind:
            x, slopes = _activated(kind, x)
            jacobian = slopes[:, None] * jacobian
    return float(np.linalg.norm(jacobian, 2))


def _collapsed(*arrays: np.ndarray) -> float:
    product = np.eye(arrays[0].shape[1])
    for W in arrays[::2]:
        product = W @ product
    return float(np.linalg.norm(product, 2))


def _with_bias(*arrays: np.ndarray) -> float:
    pairs = zip(arrays[::2], arrays[1::2], strict=True)
    return prod(_spectral(np.column_stack([W, b])) for W, b in pairs) * 0.25 ** _quarters(len(arrays) // 2)


def _with_bias_norms(*arrays: np.ndarray) -> float:
    pairs = zip(arrays[::2], arrays[1::2], strict=True)
    return prod(_spectral(W) + float(np.linalg.norm(b)) for W, b in pairs) * 0.25 ** _quarters(len(arrays) // 2)


WRONG = (
    ("sum", *_over(sum)),
    ("largest", *_over(max), *_over(min), *_over(lambda n: n[0]), *_over(lambda n: n[-1])),
    ("frobenius", _with(np.linalg.norm), _with(np.linalg.norm, 1.0)),
    ("other-norm", *(_with(lambda W: np.abs(W).sum(1).max(), slope) for slope in (0.25, 1.0))),
    ("other-norm", *(_with(lambda W: np.abs(W).sum(0).max(), slope) for slope in (0.25, 1.0))),
    ("other-norm", *(_with(lambda W: np.abs(W).max(), slope) for slope in (0.25, 1.0))),
    ("other-norm", *(_with(lambda W: _root_of_sums(np.abs(W)), slope) for slope in (0.25, 1.0))),
    ("at-least-one", *(_with(lambda W: max(1.0, _spectral(W)), slope) for slope in (0.25, 1.0))),
    ("at-least-one", *(lambda *a, s=s: max(1.0, _with(_spectral, s)(*a)) for s in (0.25, 1.0))),
    ("squared", _with(squared(_spectral)), _with(squared(_spectral), 1.0)),
    ("smallest", _with(lambda W: np.linalg.svd(W, compute_uv=False)[-1])),
    ("smallest", _with(lambda W: np.linalg.svd(W, compute_uv=False)[-1], 1.0)),
    ("bias", _with_bias, _with_bias_norms),
    ("bias", lambda *arrays: prod(np.linalg.norm(a, 2) for a in arrays) * 0.25 ** _quarters(len(arrays) // 2)),
    ("collapsed", _collapsed, lambda *a: _collapsed(*a) * 0.25 ** _quarters(len(a) // 2)),
    ("a-slope", _slope_at_zero),
    ("sigmoid-one", _with(_spectral, 1.0)),
    ("sigmoid-value", _with(_spectral, 0.5)),
    ("sigmoid-value", lambda *a: _with(_spectral, 1.0)(*a) * 0.25 ** min(1, _quarters(len(a) // 2))),
    ("sigmoid-value", lambda *a: _with(_spectral, 1.0)(*a) * 0.25 ** (3 if len(a) == 8 else 0)),
    ("per-layer", lambda *a: np.array([_spectral(W) for W in a[::2]])),
)
MESSAGES = """
sum: The norms are added. Layers come one *after* the other: what the first has stretched, the second stretches again.
    Multiply.
largest: Only one layer counts here: the steepest, the first or the last. A chain of layers multiplies.
frobenius: These are Frobenius norms (torch.linalg.norm and .norm() give them for a matrix unless told otherwise). It is
    a bound too, up to √rank larger in each layer. The *spectral* norm was asked for.
other-norm: This is another size of the matrices: a row sum, a column sum (or the root of their product), or the largest
    entry. Distances are Euclidean here: the spectral norm is the largest singular value.
at-least-one: What shrinks distances counts as 1. A layer whose norm is below 1 makes the bound smaller: multiply by it
    as it is.
squared: The eigenvalue of WᵀW is the *square* of the spectral norm: the root is missing.
smallest: This takes the smallest singular value of each layer, the least that it stretches. The most is the largest.
bias: Biases take part in this product. A shift changes no slope: leave them out.
collapsed: The matrices are multiplied first and the norm is taken once. That is the constant of the network *without*
    activations; with a ReLU between, the network can be steeper than that.
a-slope: This is the slope at one point (the gradient at the origin, say): a bound from *below*. Somewhere else the
    network may be steeper.
sigmoid-one: A sigmoid is taken for 1-Lipschitz. That is true, and four times too large: its largest slope is σ(0)(1 −
    σ(0)) = ¼.
sigmoid-value: A sigmoid counts with ½, its *value* at 0, or with a wrong power of ¼. Each one counts with its largest
    slope, ¼.
per-layer: The factors come back, not their product.
"""
PROBLEM = Problem(
    key="ps04.network_bound",
    title="A network's Lipschitz bound",
    criteria=(
        Criterion("product", "the product of the spectral norms, with ReLU and tanh between", 2),
        Criterion("slopes", "each sigmoid counts with its largest slope, a quarter; softplus with 1", 1),
    ),
    cases=cases,
    formula=_with(_spectral),
    pure="product",
    package_functions=("wgan_course.norms.lipschitz_upper", "wgan_course.norms.layer_bounds"),
    misconceptions=explained(WRONG, MESSAGES),
)
