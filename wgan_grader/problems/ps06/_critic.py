"""What the problems of this set share: a small critic in numpy, its gradients, and the cases that it is tried on."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ...problem import Case, Cases, Misconception, Outputs, close

Array = np.ndarray
LAYERS = {"critic": [["linear", "w0", "b0"], ["tanh"], ["linear", "w1", "b1"]]}
WEIGHTS = ["critic.w0", "critic.b0", "critic.w1"]
SEEN_BY = "wgan_course.check.observers.ps06.call"
PACKAGE = tuple(
    f"wgan_course.{name}"
    for name in (
        "constraints.penalties.interpolate",
        "constraints.penalties.input_gradient",
        "constraints.penalties.sample_norms",
        "constraints.penalties.squared_norms",
        "constraints.penalties.two_sided",
        "constraints.penalties.one_sided",
        "constraints.penalties.GradientPenalty",
        "constraints.penalties.R1Penalty",
        "norms.jacobian_norms",
    )
)


def critic(rng: np.random.Generator, features: int, width: int, scale: float = 1.0) -> dict[str, Array]:
    """Weights of a critic w1 tanh(w0 x + b0) + b1."""
    return {
        "critic.w0": rng.normal(size=(width, features)),
        "critic.b0": rng.normal(size=width),
        "critic.w1": scale * rng.normal(size=(1, width)),
        "critic.b1": rng.normal(size=1),
    }


def options(flatten: bool = False, loss: bool = False) -> dict[str, Any]:
    """How a case is observed: with gradients in the weights; images come to a critic in use, partly frozen."""
    used = ["critic"] if flatten else []
    return {"modules": LAYERS, "gradients": WEIGHTS, "flatten": flatten, "loss": loss, "used": used, "frozen": used}


def agree(seen: Outputs, wanted: Outputs, case: Case) -> bool:
    """Whether the value is right; and, for the criteria that ask for it, whether its gradient is."""
    names = wanted if case.criterion in ("graph", "slope") else ("value",)
    return all(name in seen and close(seen[name], wanted[name], case) for name in names)


def batches(rng: np.random.Generator, weighted: bool = True) -> Cases:
    """Pairs of batches: a small one, as many samples as coordinates, images; then seen through to the weights.

    With deeper critics there are also many pairs, points of one coordinate and of many, and a batch of one image.
    """
    shapes = ((2, (3,)), (5, (2,)), (4, (4,)), (3, (1, 2, 3)), (3, (2, 4)))
    for criterion, scale in (("value", 1.0), ("graph", 1.5)):
        for n, shape in shapes:
            pair = _pair(rng, n, shape, criterion, scale, weighted)
            case = replace(pair, options=options(len(shape) > 1, loss=weighted))
            yield case
            if shape == (2,) and criterion == "value":
                yield far_out(case, "real", "fake")
    for n, features in ((4, 3), (26, 1), (131, 20), (5, 3)):
        inputs, layers = deep_critic(rng, features)
        case = _pair(rng, n, (features,), "value", 1.0, weighted)
        given = {name: value for name, value in case.inputs.items() if not name.startswith("critic.")}
        if n == 5:
            given["epsilon"] = np.array([1.0, 0.3, 0.0, 0.3, 0.3])
        if features == 1:  # it falls: a slope is no length
            at = mix(given["real"], given["fake"], given["epsilon"])
            inputs["critic.w2"] *= -np.sign(_deep(list(inputs.values()), at)[1].sum())
        name = f"{n} pairs, a deeper critic{', ε at its ends' if n == 5 else ''}"
        yield replace(case, name=name, inputs=inputs | given, options=layers | {"loss": weighted})
    yield replace(_pair(rng, 1, (1, 2, 3), "value", 1.0, weighted), options=options(True, loss=weighted))


def _pair(rng: Any, n: int, shape: tuple[int, ...], criterion: str, scale: float, weighted: bool) -> Case:
    inputs: dict[str, Any] = critic(rng, int(np.prod(shape)), 3 + n, scale)
    inputs |= {"real": 1 + rng.normal(size=(n, *shape)), "fake": rng.normal(size=(n, *shape)) - 1}
    inputs["epsilon"] = rng.permutation(np.linspace(0.1, 0.95, n)) + 0.02 * rng.uniform(size=n)
    if weighted:
        inputs["weight"] = round(float(rng.uniform(2.0, 9.0)), 2)
    words = "×".join(map(str, shape))
    name = f"{n} pair{'s' * (n > 1)} of shape {words}{', to the weights' if criterion == 'graph' else ''}"
    return Case(name, inputs, criterion=criterion)


def far_out(case: Case, *points: str) -> Case:
    """The case with its points twenty times as far out, before a critic that is as steep there as it was here."""
    grown = {name: 20 * case.inputs[name] for name in (*points, "critic.w1")}
    inputs = dict(case.inputs) | grown | {"critic.w0": case.inputs["critic.w0"] / 20}
    return replace(case, name=f"{case.name}, far out", inputs=inputs)


def rows(x: Array) -> Array:
    """Each sample as one row."""
    return x.reshape(len(x), -1)


def deeper(formula: Callable[..., Any], rest: int) -> Callable[..., Any]:
    """The formula also for deeper critics, whose weights it gets as a list in the place of w0; `rest` others follow."""

    def of(*a: Array) -> Any:
        return formula(*a) if len(a) == 4 + rest else formula(list(a[:-rest]), None, None, None, *a[-rest:])

    return of


def all_deeper(misconceptions: Iterable[Misconception], rest: int) -> tuple[Misconception, ...]:
    """The same for the formulas of misconceptions."""
    return tuple(replace(one, formulas=tuple(deeper(f, rest) for f in one.formulas)) for one in misconceptions)


def deep_critic(rng: np.random.Generator, features: int) -> tuple[dict[str, Array], dict[str, Any]]:
    """Weights and layers of a critic with two hidden layers, softplus and tanh; only its value is looked at."""
    inputs, layers = {}, []
    for i, (columns, rows) in enumerate(((features, 5), (5, 4), (4, 1))):
        inputs |= {f"critic.w{i}": rng.normal(size=(rows, columns)), f"critic.b{i}": rng.normal(size=rows)}
        layers += [["linear", f"w{i}", f"b{i}"], *([kind] for kind in ("softplus", "tanh")[i : i + 1])]
    return inputs, {"modules": {"critic": layers}}


def _deep(weights: list[Array], x: Array) -> tuple[Array, Array]:
    """Score and gradient of a `deep_critic`."""
    w0, b0, w1, b1, w2, b2 = weights
    z = rows(x) @ w0.T + b0
    h = np.tanh(np.logaddexp(0, z) @ w1.T + b1)
    slopes = (((1 - h**2) * w2[0]) @ w1) / (1 + np.exp(-z))
    return (h @ w2.T + b2)[:, 0], (slopes @ w0).reshape(x.shape)


def score(*a: Array) -> Array:
    """One score a sample; a = (w0, b0, w1, b1, x)."""
    w0, b0, w1, b1, x = a
    if isinstance(w0, list):
        return _deep(w0, x)[0]
    return (np.tanh(rows(x) @ w0.T + b0) @ w1.T + b1)[:, 0]


def gradient(*a: Array) -> Array:
    """∇f at each sample, in the shape of x; a = (w0, b0, w1, b1, x)."""
    w0, b0, w1, _, x = a
    if isinstance(w0, list):
        return _deep(w0, x)[1]
    return (((1 - np.tanh(rows(x) @ w0.T + b0) ** 2) * w1[0]) @ w0).reshape(x.shape)


def lengths(g: Array) -> Array:
    """Euclidean length of each sample's gradient."""
    return np.linalg.norm(rows(g), axis=1)


def mix(real: Array, fake: Array, epsilon: Array) -> Array:
    """Points on the segments, one ε a sample."""
    e = epsilon.reshape(-1, *[1] * (real.ndim - 1))
    return e * real + (1 - e) * fake


def to_weights(*a: Array) -> dict[str, Array]:
    """Gradient in the weights of Σ⟨u, ∇f(x)⟩ for fixed u: the second backward pass, by hand."""
    w0, b0, w1, _, x, u = a
    if isinstance(w0, list):
        return {}
    hidden, u = np.tanh(rows(x) @ w0.T + b0), rows(u)
    slope = 1 - hidden**2
    back = (u @ w0.T) * w1[0] * (-2 * hidden * slope)
    parts = ((slope * w1[0]).T @ u + back.T @ rows(x), back.sum(0), ((u @ w0.T) * slope).sum(0, keepdims=True))
    return {f"gradient:{name}": part for name, part in zip(WEIGHTS, parts, strict=True)}


def charged(charge: Callable[[Array], Any], derivative: Callable[[Array], Array], *a: Array) -> dict[str, Any]:
    """A penalty that depends on the lengths of gradients at points a[4], and its gradient in the weights."""
    g = gradient(*a)
    size = lengths(g)
    u = (derivative(size) / size).reshape(-1, *[1] * (g.ndim - 1)) * g
    return {"value": charge(size), **to_weights(*a, u)}


def lost_graph(case: Any, seen: Any, expected: Outputs) -> bool:
    """Whether the value is right but nothing leads back to the weights."""
    if seen.status != "ok" or not close(seen.outputs["value"], expected["value"], case):
        return False
    missing = [name for name in expected if name.startswith("gradient:") and name not in seen.outputs]
    return len(missing) == len(WEIGHTS)


def wrong_way(case: Any, seen: Any, expected: Outputs) -> bool:
    """Whether ε met the wrong axis: an error about sizes, or ε along the columns."""
    real, fake, epsilon = (case.inputs[name] for name in ("real", "fake", "epsilon"))
    if seen.status == "error":
        return sizes_met(seen.error, real) or f"({len(real)}x{len(real)} and " in seen.error
    if real.shape[-1] != len(epsilon) or seen.status != "ok":
        return False
    at = epsilon * real + (1 - epsilon) * fake
    guess = gradient(*[case.inputs[f"critic.{name}"] for name in ("w0", "b0", "w1", "b1")], at)
    return any(_agree(seen.outputs["value"], value) for value in (guess, at))


def sizes_met(error: str, real: Array) -> bool:
    """Whether the error says that the number of samples met one of a sample's axes."""
    sizes = {int(size) for size in re.findall(r"\((\d+)\)", error)}
    return "broadcast" in error or ("size of tensor" in error and len(real) in sizes <= {*real.shape})


def _agree(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-4))


NO_GRAPH = Misconception(
    "no-graph",
    "The number is right, but nothing leads from it to the critic's weights: training would go on as if there were no "
    "penalty. The gradient has to be taken with create_graph=True, and not be detached, copied to numpy or made with "
    ".item() afterwards.",
    detect=lost_graph,
)
