"""``sn_linear(weight, bias, u)``: a layer with spectral normalisation, as training meets it."""

import numpy as np

from ...formulas import Detected, explained
from ...problem import Case, Cases, Criterion, Problem, case
from ._linear import numeric, start, through, unit

LOOKS = {
    "forward": ("train", "without gradients"),
    "eval": ("eval", "mixed", "updated"),
    "gradient": ("gradient", "gradient in evaluation"),
    "two": ("two",),
    "saved": ("loaded", "loaded after use", "parameters"),
}
TOLD = {
    "train": "the layer is called in training mode alone",
    "without gradients": "calls under torch.no_grad() stand between",
    "eval": "the layer is called in evaluation mode alone",
    "mixed": "calls in training and in evaluation mode take turns",
    "updated": "the weight has changed since the last call",
    "gradient": "the gradient is taken in training mode",
    "gradient in evaluation": "the gradient is taken in evaluation mode",
    "two": "two calls come before one backward pass",
    "loaded": "the state of another layer was loaded",
    "loaded after use": "the state of another layer was loaded into one that had been in use",
    "parameters": "the parameters are counted",
}
CALLED = {
    **{f"y{i}": f"the output of call {i + 1}" for i in range(4)},
    "updated": "the output after the change of the weight",
    "loaded": "the first output after loading",
    "resumed": "the second output after loading",
    "parameters": "the number of parameters",
}
MODES = {"train": "ttt", "eval": "ee", "mixed": "teet", "without gradients": "ntn"}


def cases(rng: np.random.Generator) -> Cases:
    for criterion, looks in LOOKS.items():
        for look in looks:
            for rows, columns, size in ((3, 3, 2.0), (2, 4, 0.2)):
                yield _case(criterion, f"{look}, {rows}×{columns}", look, _layer(rng, rows, columns, size))
    criterion, looks = next(iter(LOOKS.items()))
    for rows, batch in ((1, 1), (3, 1), (1, 5)):
        name = f"{looks[0]}, {rows}×4, a batch of {batch}"
        yield _case(criterion, name, looks[0], _layer(rng, rows, 4, 1.0, batch=batch))
    for look in ("train", "mixed"):
        criterion = next(criterion for criterion, looks in LOOKS.items() if look in looks)
        yield _case(criterion, f"{look}, 5×2", look, _layer(rng, 5, 2, 1.0))


def _case(criterion: str, name: str, look: str, inputs: dict[str, np.ndarray]) -> Case:
    """One look at a layer; what is done to the bias does not count where the bias is not the question."""
    if criterion in ("two", "saved"):
        inputs |= {name: 0 * inputs[name] for name in ("bias", "bias2")}
    options = {"told": {"look": TOLD[look]}, "called": CALLED}
    return case(criterion, name, look=look, **inputs, options=options)


def _layer(rng: np.random.Generator, rows: int, columns: int, size: float, batch: int = 5) -> dict[str, np.ndarray]:
    named = {}
    for suffix in ("", "2"):
        named |= {
            f"weight{suffix}": size * rng.normal(size=(rows, columns)),
            f"bias{suffix}": rng.normal(size=rows),
            f"u{suffix}": start(rng, rows),
        }
    return named | {"x": rng.normal(size=(batch, columns)), "r": rng.normal(size=(batch, rows))}


class Layer:
    """The right layer, with a place for each way to get it wrong.

    u moves where `moves` has the mode, is saved where it `keeps`, and may be a `parameter`.
    """

    def __init__(self, weight, bias, u, moves=(True,), keeps=True, parameter=False):
        self.weight, self.bias, self.u, self.moves, self.keeps = weight, bias, u, moves, keeps
        self.r = np.zeros((0, len(bias)))  # the direction of the backward
        self.count = weight.size + bias.size + parameter * u.size

    def estimate(self, train: bool) -> tuple[float, np.ndarray, np.ndarray]:
        """σ̂ with its vectors; in training u moves first."""
        v = unit(self.weight.T @ self.u)
        if train in self.moves:
            self.u = unit(self.weight @ v)
        return float(self.u @ self.weight @ v), self.u, v

    def forward(self, x: np.ndarray, train: bool) -> np.ndarray:
        """x W̄ᵀ + b."""
        return x @ self.weight.T / self.estimate(train)[0] + self.bias

    def gradient(self, G: np.ndarray, train: bool = True) -> np.ndarray:
        """Gradient of ⟨G, W̄⟩ in the weight."""
        _sigma, u, v = self.estimate(train)
        return through(G, self.weight, u, v)

    def gradient_of_bias(self, r: np.ndarray) -> np.ndarray:
        """Gradient of ⟨r, y⟩ in the bias, after that in the weight."""
        return r.sum(0)

    def gradients(self, directions: list[np.ndarray]) -> np.ndarray:
        """Sum of the gradients over forwards, all made before the backward."""
        return np.sum([self.gradient(G) for G in directions], axis=0)


class _Forgets(Layer):
    def estimate(self, train: bool) -> tuple[float, np.ndarray, np.ndarray]:
        before = self.u
        found = super().estimate(train)
        self.u = before
        return found


class _PlainEval(Layer):
    def forward(self, x: np.ndarray, train: bool) -> np.ndarray:
        return super().forward(x, train) if train else x @ self.weight.T + self.bias


class _SigmaOutside(Layer):
    def gradient(self, G: np.ndarray, train: bool = True) -> np.ndarray:
        return G / self.estimate(train)[0]


class _Through(Layer):
    def gradient(self, G: np.ndarray, train: bool = True) -> np.ndarray:
        before = self.u
        self.estimate(train)

        def loss(W: np.ndarray) -> float:
            v = unit(W.T @ before)
            return float((G * W).sum() / (np.linalg.norm(W @ v) if train else before @ W @ v))

        return numeric(loss, self.weight)


class _Data(Layer):
    """u is overwritten behind the graph's back: each backward meets the last u."""

    def gradients(self, directions: list[np.ndarray]) -> np.ndarray:
        made = [self.estimate(train=True) for _ in directions]
        last = made[-1][1]
        parts = zip(directions, made, strict=True)
        found = [G / s - (G * self.weight).sum() / s**2 * np.outer(last, v) for G, (s, _u, v) in parts]
        return np.sum(found, axis=0)


class _Overwrites(Layer):
    def forward(self, x: np.ndarray, train: bool) -> np.ndarray:
        self.weight = self.weight / self.estimate(train)[0]
        return x @ self.weight.T + self.bias

    def gradient(self, G: np.ndarray, train: bool = True) -> np.ndarray:
        self.weight = self.weight / self.estimate(train)[0]
        return G


class _OutsideInEval(Layer):
    def gradient(self, G: np.ndarray, train: bool = True) -> np.ndarray:
        return super().gradient(G) if train else G / self.estimate(train)[0]


class _OutsideInTraining(Layer):
    def gradient(self, G: np.ndarray, train: bool = True) -> np.ndarray:
        return G / self.estimate(train)[0] if train else super().gradient(G, train)


class _Ahead(Layer):
    def __init__(self, weight, bias, u, **how):
        super().__init__(weight, bias, u, **how)
        self.estimate(train=True)


class _OnlyAboveOne(Layer):
    def forward(self, x: np.ndarray, train: bool) -> np.ndarray:
        return x @ self.weight.T / max(self.estimate(train)[0], 1.0) + self.bias

    def gradient(self, G: np.ndarray, train: bool = True) -> np.ndarray:
        sigma, u, v = self.estimate(train)
        return through(G, self.weight, u, v) if sigma > 1 else G


class _NoBias(Layer):
    def forward(self, x: np.ndarray, train: bool) -> np.ndarray:
        return x @ self.weight.T / self.estimate(train)[0]


class _BiasToo(Layer):
    def forward(self, x: np.ndarray, train: bool) -> np.ndarray:
        return (x @ self.weight.T + self.bias) / self.estimate(train)[0]

    def gradient(self, G: np.ndarray, train: bool = True) -> np.ndarray:
        self.sigma, u, v = self.estimate(train)
        return through(G, self.weight, u, v) - self.r.sum(0) @ self.bias / self.sigma**2 * np.outer(u, v)

    def gradient_of_bias(self, r: np.ndarray) -> np.ndarray:
        return r.sum(0) / self.sigma


class _LengthInEval(Layer):
    def estimate(self, train: bool) -> tuple[float, np.ndarray, np.ndarray]:
        sigma, u, v = super().estimate(train)
        image = self.weight @ v
        return (sigma, u, v) if train else (float(np.linalg.norm(image)), unit(image), v)


class _OldSigma(Layer):
    def estimate(self, train: bool) -> tuple[float, np.ndarray, np.ndarray]:
        u, v = self.u, unit(self.weight.T @ self.u)
        if train:
            self.u = unit(self.weight @ v)
        return float(u @ self.weight @ v), u, v


def _seen(kind, **how):
    """What each look sees of a kind of layer."""

    def formula(look, weight, bias, u, weight2, bias2, u2, x, r) -> dict[str, np.ndarray]:
        layer = kind(weight, bias, u, **how)
        layer.r = r
        if look in MODES:
            return {f"y{i}": layer.forward(x, mode != "e") for i, mode in enumerate(MODES[look])}
        if look in ("gradient", "two"):
            batches = [x, 0.5 - x][: 1 + (look == "two")]
            named = {"gradient:weight": layer.gradients([r.T @ batch for batch in batches])}
            return named if look == "two" else named | {"gradient:bias": layer.gradient_of_bias(r)}
        if look == "gradient in evaluation":
            named = {"gradient:weight": layer.gradient(r.T @ x, train=False)}
            return named | {"gradient:bias": layer.gradient_of_bias(r)}
        if look == "updated":
            layer.forward(x, train=True)
            layer.weight = weight2
            return {"updated": layer.forward(x, train=False)}
        if look == "parameters":
            return {"parameters": np.array(layer.count)}
        layer.forward(x, train=True)
        other = kind(weight2, bias2, u2, **how)
        for train in (True, False) if look == "loaded after use" else ():
            other.forward(x, train)
        other.weight, other.bias, other.u = layer.weight, layer.bias, layer.u if layer.keeps else other.u
        return {"loaded": other.forward(x, train=False), "resumed": other.forward(x, train=True)}

    return formula


def right(*given) -> dict[str, np.ndarray]:
    """What each look sees of the right layer; the layers below it get their gradient too."""
    look, weight, bias, u, *_, r = given
    found = _seen(Layer)(*given)
    if look in ("gradient", "gradient in evaluation"):
        found["gradient:x"] = r @ weight / Layer(weight, bias, u).estimate(look == "gradient")[0]
    return found


def _is_stale(case: Case, seen, expected) -> bool:
    return case.inputs["look"] in ("updated", "loaded after use") and seen.status == "ok"


def _in_place(case: Case, seen, expected) -> bool:
    return case.criterion == "two" and seen.status == "error" and "inplace" in seen.error


WRONG = (
    ("never-moves", _seen(Layer, moves=())),
    ("forgets", _seen(_Forgets)),
    ("moves-in-eval", _seen(Layer, moves=(True, False))),
    ("plain-in-eval", _seen(_PlainEval)),
    ("sigma-outside", _seen(_SigmaOutside)),
    ("sigma-outside-in-one-mode", _seen(_OutsideInEval), _seen(_OutsideInTraining)),
    ("through-the-vectors", _seen(_Through)),
    ("changed-in-place", _seen(_Data), Detected(_in_place)),
    ("overwrites", _seen(_Overwrites)),
    ("stale-weight", Detected(_is_stale)),
    ("a-step-ahead", _seen(_Ahead)),
    ("only-above-one", _seen(_OnlyAboveOne)),
    ("no-bias", _seen(_NoBias)),
    ("bias-too", _seen(_BiasToo)),
    ("old-sigma", _seen(_OldSigma)),
    ("length-in-eval", _seen(_LengthInEval)),
    ("not-saved", _seen(Layer, keeps=False)),
    ("u-is-a-parameter", _seen(Layer, parameter=True)),
)
MESSAGES = """
never-moves: u never changes in training: the layer divides by the same stale estimate for ever. Store the new u after
    each step (self.u = …, without a graph).
forgets: In training the new u enters σ̂ and is not kept: every call begins at the same u. Store it (self.u = …, without
    a graph).
moves-in-eval: u also moves in evaluation mode: the same input gives another output at the next call. Iterate only where
    self.training is true.
plain-in-eval: In evaluation mode the weight is not divided: that is another function than the one that was trained.
    Only the *step* is left out.
sigma-outside: The gradient is G/σ: σ̂ is outside the graph. Compute u and v under no_grad, and uᵀWv with the graph on.
sigma-outside-in-one-mode: In one mode, training or evaluation, the gradient is G/σ: σ̂ is outside the graph there. It
    goes through σ̂ in both modes.
through-the-vectors: The gradient runs through u or v as well. Compute both under torch.no_grad().
changed-in-place: Between the two calls u was changed in place, and the graph of the first call still needed it: PyTorch
    stops, or, where .data hides the change, the gradient is silently wrong. Put a *new* tensor into self.u, or let a
    copy of it enter the graph.
overwrites: The stored weight itself is divided at every call. The optimiser's weight must stay; only the weight that
    the layer computes with is divided.
stale-weight: In evaluation mode it computes with a weight that was normalised earlier, and not with the one that the
    layer holds now. Divide at each call.
a-step-ahead: u has moved before the first call: the layer ran once while it was made. (register_parametrization does
    that to check the shapes, unless it is told unsafe=True.)
only-above-one: It divides only where σ̂ is above 1. Spectral normalisation always divides: it makes small weights
    larger.
no-bias: The bias is missing: the layer is x W̄ᵀ + b, as nn.Linear has it.
bias-too: The bias is divided by σ̂ as well. It does not matter for the Lipschitz constant and stays as it is.
old-sigma: σ̂ is computed with the u from before the step. In training: v from the old u, the new u from v, then σ̂ =
    uᵀWv with the new one.
length-in-eval: In evaluation mode σ̂ is ‖Wv‖, the estimate after another half step. There u stays, and σ̂ = uᵀWv is taken
    with it.
not-saved: u is not saved with the layer: after load_state_dict another u is in use. Use register_buffer, as it is:
    persistent=False leaves it out of the state.
u-is-a-parameter: u is among the parameters, where an optimiser, weight decay or clipping would get at it. Use
    register_buffer.
"""
PROBLEM = Problem(
    key="ps08.sn_linear",
    title="A layer with spectral normalisation",
    criteria=(
        Criterion("forward", "in training each call makes one step, then x W̄ᵀ + b", 1),
        Criterion("eval", "in evaluation mode u stays, and the weight is still divided", 1),
        Criterion("gradient", "the gradient in the weight goes through σ̂, not through u and v", 1),
        Criterion("two", "two calls before one backward, as for real and generated samples", 1),
        Criterion("saved", "u is a buffer: saved with the layer, and no parameter", 1),
    ),
    cases=cases,
    formula=right,
    scales=((1e6, "weight bias weight2 bias2"), (1e-10, "weight weight2")),
    observe="wgan_course.check.observers.ps08.layer",
    limit=20.0,
    package_functions=("wgan_course.norms.power_iteration", "wgan_course.norms.spectral_norm"),
    misconceptions=explained(WRONG, MESSAGES),
)
