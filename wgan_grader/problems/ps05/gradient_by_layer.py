"""``gradient_by_layer(critic, x)``: how long the gradient is at each layer."""

from dataclasses import replace

import numpy as np

from ...formulas import explained, flipped, squared
from ...problem import Case, Cases, Criterion, Problem
from ._networks import LIMIT, back, hidden, layers, network


def cases(rng: np.random.Generator) -> Cases:
    small = [[[1.0, 0.0], [2.0, 1.0]], [0.0, -1.0], [[3.0, -4.0]], [0.5]]
    names = [f"critic.{kind}{place}" for place in (0, 1) for kind in "wb"]
    arrays = dict(zip(names, map(np.array, small), strict=True))
    yield _case("one sample", arrays | {"x": np.array([[1.0, 2.0]])}, 2, "one")
    yield _drawn("another", rng, (3, 4, 1), 1, "one")
    yield _drawn("a batch", rng, (2, 5, 1), 6, "batch")
    yield _drawn("a larger batch", rng, (4, 6, 1), 9, "batch")
    yield _drawn("deeper", rng, (2, 7, 4, 5, 1), 8, "deep")
    yield _drawn("deeper, one sample", rng, (3, 6, 5, 1), 1, "deep")
    yield _drawn("six layers", rng, (2, 5, 4, 6, 5, 4, 1), 5, "deep")
    yield _drawn("one layer", rng, (3, 1), 4, "batch")
    yield _drawn("130 samples", rng, (3, 4, 1), 130, "batch")
    used = _drawn("a critic in use", rng, (3, 4, 1), 2, "batch")
    yield replace(used, options={**used.options, "used": ["critic"], "frozen": ["critic"]})
    dark = _drawn("off at every other sample", rng, (2, 5, 1), 6, "batch")
    dark.inputs["x"][::2], dark.inputs["critic.w0"][:] = -50.0, abs(dark.inputs["critic.w0"]) + 0.1
    yield dark


def _case(name: str, inputs: dict, count: int, criterion: str) -> Case:
    return Case(name, inputs, {"modules": {"critic": layers(count)}}, criterion=criterion)


def _drawn(name: str, rng: np.random.Generator, widths: tuple[int, ...], n: int, criterion: str) -> Case:
    arrays = network("critic", rng, widths)
    arrays = {
        key: np.abs(a) + 0.2 if ".b" in key and not key.endswith(str(len(widths) - 2)) else a
        for key, a in arrays.items()
    }
    return _case(name, arrays | {"x": rng.normal(size=(n, widths[0]))}, len(widths) - 1, criterion)


def _signals(inputs: tuple) -> list[np.ndarray]:
    """∂f/∂h_l at each sample, for the input and each hidden layer behind its activation."""
    *arrays, x = inputs
    return back(tuple(arrays), x, np.ones((len(x), 1)))[1]


def _behind(inputs: tuple) -> list[np.ndarray]:
    """Like `_signals`, but before the activations."""
    *arrays, x = inputs
    found = _signals(inputs)
    return [found[0], *(g * (h > 0) for g, h in zip(found[1:], hidden(tuple(arrays), x)[1:], strict=True))]


def _of(size, signals=_signals):
    """One number a layer."""
    return lambda *inputs: np.array([size(g) for g in signals(inputs)])


def rms(g: np.ndarray) -> float:
    """Root of the mean over the batch of the squared length."""
    return np.sqrt((g**2).sum(1).mean())


def _weights(*inputs: np.ndarray) -> np.ndarray:
    *arrays, x = inputs
    for_sum = back(tuple(arrays), x, np.ones((len(x), 1)))[0]
    return np.array([np.linalg.norm(g) for g in for_sum[::2]])


WRONG = (
    ("before-activation", _of(rms, _behind), lambda *a: _of(rms, _behind)(*a)[1:]),
    ("reversed", flipped(_of(rms))),
    ("mean-norm", _of(lambda g: np.linalg.norm(g, axis=1).mean())),
    ("whole-batch", _of(np.linalg.norm)),
    ("mean-loss", _of(lambda g: rms(g) / len(g)), _of(lambda g: np.linalg.norm(g) / len(g))),
    ("mean-gradient", _of(lambda g: np.linalg.norm(g.mean(0))), _of(lambda g: np.linalg.norm(g.sum(0)))),
    ("per-coordinate", _of(lambda g: np.sqrt((g**2).mean())), _of(lambda g: np.abs(g).mean())),
    ("squared", _of(squared(rms)), _of(lambda g: (g**2).sum())),
    ("weights", _weights, lambda *inputs: _weights(*inputs) / len(inputs[-1])),
    ("input-missing", lambda *a: _of(rms)(*a)[1:]),
    ("output-too", lambda *a: np.append(_of(rms)(*a), 1.0), lambda *a: np.append(_of(rms)(*a), np.sqrt(len(a[-1])))),
    ("largest", _of(lambda g: np.linalg.norm(g, axis=1).max())),
    ("activations", lambda *a: np.array([rms(h) for h in hidden(tuple(a[:-1]), a[-1])])),
)
MESSAGES = """
before-activation: These are gradients with respect to what goes *into* the activations. h_l is what comes out of them.
reversed: The order is reversed: begin with the input.
mean-norm: The lengths are averaged. Square them first, average, then take the root.
whole-batch: One norm is taken over the whole batch: it grows with √n. Divide by the root of the number of samples.
mean-loss: The outputs are averaged before differentiating, so each sample's gradient is divided by n. Sum them.
mean-gradient: The gradients of the samples are averaged (or summed) before their length is taken. They cancel.
per-coordinate: The mean runs over the coordinates as well. A length *sums* over them: only the samples are averaged.
squared: These are squares: the root is missing.
weights: These are gradients in the *weights* of each layer. The signal that the backward pass carries is the gradient
    in the layers' outputs.
input-missing: The gradient at the input, h_0 = x, is missing.
output-too: The output is counted as a layer: a last entry ∂f/∂f = 1 too many.
largest: The largest gradient of the batch was taken at each layer. The root mean square was asked for.
activations: These are the sizes of the layers' outputs, not of the gradients.
"""
PROBLEM = Problem(
    key="ps05.gradient_by_layer",
    title="Gradients by layer",
    criteria=(
        Criterion("one", "for one sample: ‖∂f/∂h_l‖, from the input to the last hidden layer", 1),
        Criterion("batch", "for a batch: the root of the mean square over the samples", 1),
        Criterion("deep", "for several hidden layers of different widths", 1),
    ),
    cases=cases,
    formula=_of(rms),
    scales=((3e1, "x critic.b0"), (2.0**-12, "critic.w0 critic.w1"), (2.0**12, "critic.w0 critic.w1")),
    observe="wgan_course.check.observers.ps05.call",
    limit=LIMIT,
    misconceptions=explained(WRONG, MESSAGES),
)
