"""``sequence_penalty(gradient)``: find the bug. A language model's penalty takes the norm along the wrong axis."""

from typing import Any

import numpy as np

from ...formulas import Detected, averaged, explained, positive_part, scaled, shifted, squared, summed
from ...problem import Case, Cases, Criterion, Outputs, Problem, case
from ._critic import PACKAGE, Array, agree, lengths
from ._whole import WRONG_CHARGES, two_sided

LOOK = {"gradients": ["gradient"], "loss": True}
SHARED = ("batch-norm-of-gradient", "wrong-axis", "early-mean", "squared-norm", "no-one", "fourth-power", "absolute")


def cases(rng: np.random.Generator) -> Cases:
    one = np.array([[[0.0, 3.0], [4.0, 0.0], [0.0, 0.0]]])
    yield case("value", "one sentence", gradient=one, options=LOOK)
    for shape in (
        (2, 3, 4),
        (5, 2, 3),
        (3, 3, 2),
        (4, 1, 3),
        (3, 4, 1),
        (1, 4, 1),
        (131, 2, 2),
        (2, 40, 3),
        (3, 2, 50),
    ):
        yield case("value", f"shape {'×'.join(map(str, shape))}", gradient=0.6 * rng.normal(size=shape), options=LOOK)
    perfect = rng.normal(size=(4, 3, 2))
    perfect = perfect / lengths(perfect)[:, None, None]
    yield case("perfect", "a perfect critic", gradient=perfect, options=LOOK, atol=1e-6)
    nearly = np.array([1.005, 0.996, 1.002, 1.0])[:, None, None] * perfect
    yield case("perfect", "nearly perfect critics", gradient=nearly, options=LOOK, atol=5e-9)
    for name, size in (("one steep sentence", rng.uniform(1.5, 3)), ("one flat sentence", rng.uniform(0.1, 0.6))):
        but_one = np.where(np.arange(4)[:, None, None] == 1, size, 1) * perfect
        yield case("perfect", f"perfect but for {name}", gradient=but_one, options=LOOK)
    for shape in ((3, 2, 4), (2, 2, 2)):
        name = f"shape {'×'.join(map(str, shape))}, to the gradient"
        yield case("slope", name, gradient=rng.normal(size=shape), options=LOOK)
    yield case("slope", "flat sentences, to the gradient", gradient=1e-3 * np.stack([one[0], 1 - one[0]]), options=LOOK)


def right(gradient: Array) -> dict[str, Any]:
    """The two-sided penalty, and its derivative."""
    size = lengths(gradient)[:, None, None]
    slope = 2 * (size - 1) / len(gradient) * gradient / np.where(size > 0, size, 1)
    return {"value": two_sided(gradient), "gradient:gradient": slope}


def _detached(case: Case, seen: Any, wanted: Outputs) -> bool:
    reached = not case.options.get("gradients") or "gradient:gradient" in seen.outputs
    return seen.status == "ok" and not reached


def _squeezed(g: Array) -> float:
    """Without its axis of length 1 a batch of one is taken for a batch of its words."""
    g = np.squeeze(g)
    return ((np.linalg.norm(g.reshape(len(g), -1) if g.ndim > 1 else g, axis=1) - 1) ** 2).mean()


WRONG = (
    ("squeezed", _squeezed, lambda g: two_sided(np.squeeze(g))),
    *(one for one in WRONG_CHARGES if one.id in SHARED),
    ("sum", summed(squared(shifted(lengths, -1)))),
    ("one-sided", averaged(squared(positive_part(shifted(lengths, -1))))),
    ("per-word", lambda g: ((np.linalg.norm(g, axis=2) - 1) ** 2).sum(1).mean()),
    ("per-word", lambda g: ((np.linalg.norm(g, axis=2).sum(1) - 1) ** 2).mean()),
    ("per-word", lambda g: ((np.linalg.norm(g, axis=2).mean(1) - 1) ** 2).mean()),
    ("weighted", scaled(two_sided, 10)),
    ("not-reduced", squared(shifted(lengths, -1))),
    ("matrix-norm", lambda g: ((np.linalg.norm(g, 2, axis=(1, 2)) - 1) ** 2).mean()),
    ("matrix-norm", lambda g: ((np.linalg.norm(g, "nuc", axis=(1, 2)) - 1) ** 2).mean()),
    ("root-mean-square", lambda g: ((np.sqrt((g**2).mean((1, 2))) - 1) ** 2).mean()),
    ("root-mean-square", lambda g: ((np.sqrt((g**2).sum(2).mean(1)) - 1) ** 2).mean()),
    (
        "other-norm",
        lambda g: ((np.abs(g).sum((1, 2)) - 1) ** 2).mean(),
        lambda g: ((np.abs(g).max((1, 2)) - 1) ** 2).mean(),
    ),
    ("words-averaged", lambda g: ((np.linalg.norm(g.mean(1), axis=1) - 1) ** 2).mean()),
    ("words-averaged", lambda g: ((np.linalg.norm(g.sum(1), axis=1) - 1) ** 2).mean()),
    ("detached", Detected(_detached)),
)
MESSAGES = """
squeezed: A batch of one sentence loses its first axis (squeeze()), and its words count as sentences. Flatten behind the
    first axis, whatever its length.
sum: The charges are added up, not averaged over the sentences.
one-sided: This is the one-sided penalty. The script has the two-sided one.
per-word: A norm is taken for every word, and each (or their sum, or mean) is compared with 1. A sentence is one sample:
    its gradient is all its entries together.
weighted: λ is in it (10 perhaps). Here the mean alone is asked for.
not-reduced: One charge a sentence comes back. Return their mean.
matrix-norm: This is a *matrix* norm of each sentence's gradient (the spectral or the nuclear one). The Euclidean length
    of all its entries is asked for.
root-mean-square: The squares are averaged over a sentence's entries or words, not added: its slope would depend on how
    long it is.
other-norm: The length is not the Euclidean one: it sums absolute values, or takes the largest.
words-averaged: The words' gradients are averaged or added before the length is taken, and may cancel.
detached: The number is right, but nothing leads back from it to the gradient: it could not train a critic.
"""
PROBLEM = Problem(
    key="ps06.sequence_penalty",
    title="Find the bug: the slope of a sentence",
    criteria=(
        Criterion("value", "the mean of (‖g‖ − 1)² over sentences, each norm over all of a sentence", 1),
        Criterion("perfect", "sentences with slope 1 cost nothing, the others what they should", 0.5),
        Criterion("slope", "its derivative reaches the gradient", 0.5),
    ),
    cases=cases,
    formula=right,
    scales=((1e6, "gradient"), (1e-3, "gradient")),
    pure="value",
    package_functions=PACKAGE,
    compare=agree,
    misconceptions=explained(WRONG, MESSAGES),
)
