"""``repaired(W, u, x, training)``: find the bugs of a published wrapper."""

import numpy as np

from ...formulas import constant, explained, given, only, part
from ...problem import Case, Cases, Criterion, Problem, close
from ._linear import numeric, start, through, unit, when_square

NAMES = {"outputs": ["y", "u"], "constants": ["u"]}
GRADIENT = NAMES | {"gradients": ["W"], "loss": True}


def cases(rng: np.random.Generator) -> Cases:
    small = {"W": np.array([[1.0, 2.0], [0.0, 1.0]]), "u": np.array([0.6, 0.8]), "x": np.array([[1.0, 1.0]])}
    yield Case("2×2, training", small | {"training": True}, NAMES, criterion="training")
    for shape in ((4, 4), (5, 3), (1, 4)):
        yield Case(f"{shape[0]}×{shape[1]}, training", _random(rng, shape, True), NAMES, criterion="training")
    yield Case("2×2, evaluation", small | {"training": False}, NAMES, criterion="evaluation")
    for shape in ((3, 3), (2, 5)):
        yield Case(f"{shape[0]}×{shape[1]}, evaluation", _random(rng, shape, False), NAMES, criterion="evaluation")
    for shape in ((2, 2), (4, 4), (3, 5)):
        yield Case(f"gradient, {shape[0]}×{shape[1]}", _random(rng, shape, True), GRADIENT, criterion="gradient")
    for shape in ((3, 3), (4, 2)):
        name = f"gradient, {shape[0]}×{shape[1]}, evaluation"
        yield Case(name, _random(rng, shape, False), GRADIENT, criterion="gradient")
    many = _random(rng, (4, 3), True, 131)
    yield Case("4×3, training, a large batch", many, NAMES, criterion="training")
    yield Case("3×1, training", _random(rng, (3, 1), True), NAMES, criterion="training")


def _random(rng: np.random.Generator, shape: tuple[int, int], training: bool, batch: int = 3) -> dict[str, object]:
    W = (1.0 if shape[0] == shape[1] else 0.15) * rng.normal(size=shape)
    return {"W": W, "u": start(rng, len(W)), "x": rng.normal(size=(batch, shape[1])) + 0.4, "training": training}


def _vectors(W: np.ndarray, u: np.ndarray, training: bool) -> tuple[np.ndarray, np.ndarray]:
    v = unit(W.T @ u)
    return (unit(W @ v) if training else u), v


def _with(vectors, moved=lambda W, u, new: new, sigma=None, gradient=through):
    """Outputs from a rule for the vectors, for what comes back as u, for σ and for the gradient."""

    def formula(W, u, x, training):
        new, v = vectors(W, u, training)
        s = sigma(W, u, new, v) if sigma else float(new @ W @ v)
        G = np.broadcast_to(x.sum(0), W.shape)
        return {"y": x @ W.T / s, "u": moved(W, u, new), "gradient:W": gradient(G, W, new, v)}

    return formula


def _swapped(W: np.ndarray, u: np.ndarray, training: bool) -> tuple[np.ndarray, np.ndarray]:
    v = unit(W @ u)
    return unit(W.T @ v), v


def _swapped_only_training(W: np.ndarray, u: np.ndarray, training: bool) -> tuple[np.ndarray, np.ndarray]:
    new, v = _swapped(W, u, training)
    return (new if training else u), v


def _sigma_constant(G: np.ndarray, W: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return G / (u @ W @ v)


def _through_vectors(W, u, x, training):
    G = np.broadcast_to(x.sum(0), W.shape)

    def loss(M: np.ndarray) -> float:
        v = unit(M.T @ u)
        return float((G * M).sum() / (np.linalg.norm(M @ v) if training else u @ M @ v))

    return _with(_vectors)(W, u, x, training) | {"gradient:W": numeric(loss, W)}


def _length(W: np.ndarray, u: np.ndarray, new: np.ndarray, v: np.ndarray) -> float:
    return float(np.linalg.norm(W @ v))


def _through_length(G: np.ndarray, W: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return through(G, W, unit(W @ v), v)


def _in_evaluation(wrong):
    """Wrong in evaluation, right in training."""
    return lambda W, u, x, training: (_with(_vectors) if training else wrong)(W, u, x, training)


def _in_training(wrong):
    """Wrong in training, right in evaluation."""
    return lambda W, u, x, training: (wrong if training else _with(_vectors))(W, u, x, training)


def _transposed(W: np.ndarray, u: np.ndarray, x: np.ndarray, training: bool) -> dict[str, np.ndarray]:
    new, v = _vectors(W, u, training)
    G = np.broadcast_to(x.sum(0)[:, None], W.shape)
    return {"y": x @ W / float(new @ W @ v), "u": new, "gradient:W": through(G, W, new, v)}


def _only_above_one(W: np.ndarray, u: np.ndarray, x: np.ndarray, training: bool) -> dict[str, np.ndarray]:
    new, v = _vectors(W, u, training)
    if new @ W @ v > 1:
        return _with(_vectors)(W, u, x, training)
    return {"y": x @ W.T, "u": new, "gradient:W": np.broadcast_to(x.sum(0), W.shape)}


def _compare(observed, expected, case: Case) -> bool:
    names = ("gradient:W",) if case.criterion == "gradient" else ("y", "u")
    return all(name in observed and close(observed[name], expected[name], case) for name in names)


SWAPPED = (
    _with(_swapped),
    _with(_swapped_only_training),
    _with(_swapped, gradient=_sigma_constant),
    _with(_swapped_only_training, gradient=_sigma_constant),
)
WRONG = (
    ("still-swapped", only(_with(_swapped), "y", "u"), only(_with(_swapped_only_training), "y", "u")),
    ("still-swapped", only(_with(_swapped), "gradient:W")),
    ("still-swapped", only(_with(_swapped, gradient=_sigma_constant), "gradient:W")),
    ("still-swapped", *(when_square(wrong, _with(_vectors)) for wrong in SWAPPED)),
    (
        "moves-in-eval",
        only(_with(given(_vectors, training=True)), "y", "u"),
        only(_with(given(_vectors, training=True), moved=lambda W, u, new: u), "y", "u"),
    ),
    ("moves-in-eval", only(_with(_vectors, moved=part(given(_vectors, training=True), 0)), "y", "u")),
    ("only-above-one", only(_only_above_one, "y", "u"), only(_only_above_one, "gradient:W")),
    ("sigma-outside", _with(_vectors, gradient=_sigma_constant)),
    (
        "sigma-outside-in-one-mode",
        _in_evaluation(_with(_vectors, gradient=_sigma_constant)),
        _in_training(_with(_vectors, gradient=_sigma_constant)),
    ),
    ("through-the-vectors", _through_vectors),
    ("plain-in-eval", _in_evaluation(_with(_vectors, sigma=constant(1.0), gradient=lambda G, W, u, v: G))),
    ("length-in-eval", _in_evaluation(_with(_vectors, sigma=_length, gradient=_through_length))),
    ("never-moves", only(_with(given(_vectors, training=False)), "y", "u")),
    ("never-moves", only(_with(_vectors, moved=lambda W, u, new: u), "y", "u")),
    ("never-moves", only(_with(given(_vectors, training=False)), "gradient:W")),
    ("exact", only(_with(_vectors, sigma=lambda W, u, new, v: np.linalg.norm(W, 2)), "y")),
    ("exact", only(_with(_vectors, sigma=lambda W, u, new, v: np.linalg.norm(W, 2)), "y", "u")),
    ("transposed-weight", _transposed, when_square(_transposed, _with(_vectors))),
    ("multiplied", only(_with(_vectors, sigma=lambda W, u, new, v: 1 / float(new @ W @ v)), "y")),
    ("multiplied", only(_with(_vectors, sigma=constant(1.0)), "y")),
    (
        "returns-v",
        lambda W, u, x, training: {"y": _with(_vectors)(W, u, x, training)["y"], "u": _vectors(W, u, training)[1]},
    ),
)
MESSAGES = """
still-swapped: u and v still have swapped roles. u has an entry for each output, so Wᵀ is applied to it. With square
    matrices nothing complains.
moves-in-eval: It still makes a step in evaluation mode: the same input would give another output at the next call.
only-above-one: It divides only where σ̂ is above 1. Spectral normalisation always divides: it makes small weights
    larger.
sigma-outside: σ̂ is still outside the graph (.item(), detach, no_grad): the gradient is G/σ̂, without the term that
    keeps it orthogonal to W.
sigma-outside-in-one-mode: In one mode, training or evaluation, σ̂ is outside the graph (.item(), detach, no_grad), and
    the gradient is G/σ̂. In the other it is right: do the same in both.
through-the-vectors: The gradient runs through u or v as well. Compute both under torch.no_grad().
plain-in-eval: In evaluation mode the weight is not divided. That is another function than the one that was trained.
length-in-eval: In evaluation σ̂ is ‖Wv‖, the estimate after another half step. There u stays, and σ̂ = uᵀWv is taken
    with it.
never-moves: In training the old u comes back, or is used: make the step, and take the new u for σ̂ and for the next
    call.
exact: This divides by the exact norm. One warm step is what the wrapper is about.
transposed-weight: The layer computes x W̄. Samples are rows: the output is x W̄ᵀ.
multiplied: The weight is multiplied by σ̂ (or not divided at all).
returns-v: v comes back in the place of u.
"""
PROBLEM = Problem(
    key="ps08.repaired",
    title="Find the bugs: a published wrapper",
    criteria=(
        Criterion("training", "in training: one step with the roles right, then x W̄ᵀ; the new u", 1),
        Criterion("evaluation", "in evaluation: no step, u as it came; the weight is divided", 1),
        Criterion("gradient", "the gradient goes through σ̂", 1),
    ),
    cases=cases,
    formula=_with(_vectors),
    scales=((1e6, "W x"), (1e-10, "W")),
    pure="training",
    compare=_compare,
    package_functions=("wgan_course.norms.power_iteration", "wgan_course.norms.spectral_norm"),
    misconceptions=explained(WRONG, MESSAGES),
)
