"""Small ReLU networks in numpy, with their gradients by hand; and cases made of them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from wgan_course.check.exchange import Observation

from ...problem import Case, Misconception, Outputs

Arrays = Sequence[np.ndarray]
LIMIT = 20.0  # what an optimiser imports counts in the budget of the whole check


def split(arrays: Arrays) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights and biases from w0, b0, w1, b1, …"""
    return list(arrays[::2]), list(arrays[1::2])


def hidden(arrays: Arrays, x: np.ndarray) -> list[np.ndarray]:
    """The input and what each layer but the last puts out, each of shape (n, width)."""
    weights, biases = split(arrays)
    found = [x]
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        found.append(np.maximum(found[-1] @ W.T + b, 0))
    return found


def output(arrays: Arrays, x: np.ndarray) -> np.ndarray:
    """Values at each row of x, shape (n, outputs)."""
    weights, biases = split(arrays)
    return hidden(arrays, x)[-1] @ weights[-1].T + biases[-1]


def back(arrays: Arrays, x: np.ndarray, top: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Gradients of sum(top * output) for w0, b0, w1, …, and in what each layer gets as input (the data first)."""
    weights, _ = split(arrays)
    inputs, carried = hidden(arrays, x), top
    parameters, signals = [], []
    for place in reversed(range(len(weights))):
        parameters = [carried.T @ inputs[place], carried.sum(0), *parameters]
        signals = [carried @ weights[place], *signals]
        carried = signals[0] * (inputs[place] > 0)
    return parameters, signals


def network(name: str, rng: np.random.Generator, widths: Sequence[int], shift: float = 0.3) -> dict[str, np.ndarray]:
    """Named arrays of a network with these widths."""
    arrays = {}
    for place, (a, b) in enumerate(pairwise(widths)):
        arrays[f"{name}.w{place}"] = rng.normal(size=(b, a))
        arrays[f"{name}.b{place}"] = shift * rng.normal(size=b)
    return arrays


def awake(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same with small weights and biases of 1 and more: a signal could end at units that are all off."""
    return {name: np.abs(array) + 1.0 if ".b" in name else array / 4 for name, array in arrays.items()}


def layers(count: int) -> list[list[str]]:
    """The observer's description of a network with so many linear layers and ReLUs between."""
    found: list[list[str]] = []
    for place in range(count):
        found += [["linear", f"w{place}", f"b{place}"], ["relu"]]
    return found[:-1]


def in_two(arrays: Arrays) -> tuple[Arrays, Arrays]:
    """Arrays of a critic, which ends where a layer has one output, and those that follow it."""
    end = 2 + 2 * next(place for place, W in enumerate(arrays[::2]) if len(W) == 1)
    return arrays[:end], arrays[end:]


def tensors(owner: str, count: int) -> list[str]:
    """Names of the arrays of a network with so many linear layers."""
    return [f"{owner}.{kind}{place}" for place in range(count) for kind in "wb"]


def in_place(owner: str, count: int) -> dict:
    """Options of a case that looks at what a function did to the network's parameters."""
    return {"modules": {owner: layers(count)}, "after": tensors(owner, count)}


def after(owner: str, arrays: Arrays) -> dict[str, np.ndarray]:
    """Outputs of a function that left a network with these arrays."""
    return named("after", tensors(owner, len(arrays) // 2), arrays)


def unusual_depth(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether the case's critic has more than two layers, or has one and the function looks for a second."""
    layers = len(case.options["after"]) // 2
    return layers > 2 or (layers == 1 and any(word in seen.error for word in ("IndexError", "AttributeError")))


HARD_CODED = Misconception(
    "hard-coded",
    "It works for critics of two layers only. Go through critic.parameters(), however many there are.",
    detect=unusual_depth,
)


def named(prefix: str, names: Sequence[str], arrays: Arrays) -> dict[str, np.ndarray]:
    """Outputs such as ``after:critic.w0``."""
    return {f"{prefix}:{name}": array for name, array in zip(names, arrays, strict=True)}


def left_behind(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether the module holds the right values, but in parameters other than the caller's, which are as they were."""
    now = {name.replace("now:", "after:"): array for name, array in seen.outputs.items() if name.startswith("now:")}
    return _as_given(case, seen, "after") and all(
        np.allclose(now[name], array, atol=1e-9) for name, array in expected.items()
    )


def unchanged(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether the parameters are what they were, also those that the module holds."""
    return _as_given(case, seen, "after") and _as_given(case, seen, "now")


def _as_given(case: Case, seen: Observation, when: str) -> bool:
    return all(np.array_equal(seen.outputs[f"{when}:{name}"], case.inputs[name]) for name in case.options["after"])
