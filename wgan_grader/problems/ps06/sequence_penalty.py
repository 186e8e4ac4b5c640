"""``sequence_penalty(gradient)``: find the bug. A language model's penalty takes the norm along the wrong axis."""

from collections.abc import Iterator

import numpy as np

from ...formulas import Wrong, averaged, positive_part, scaled, shifted, squared
from ...problem import Case, Criterion, Outputs, Problem
from ._critic import PACKAGE, Array, agree, lengths
from ._whole import CHARGES, two_sided

LOOK = {"gradients": ["gradient"]}
WRONG = ("batch-norm-of-gradient", "wrong-axis", "early-mean", "squared-norm", "no-one", "fourth-power", "absolute")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    """One sentence; several; as many sentences as words; a perfect critic; then what reaches the gradient."""
    one = np.array([[[0.0, 3.0], [4.0, 0.0], [0.0, 0.0]]])
    yield Case("one sentence", {"gradient": one}, LOOK, criterion="value")
    for shape in ((2, 3, 4), (5, 2, 3), (3, 3, 2)):
        yield Case(
            f"shape {'×'.join(map(str, shape))}", {"gradient": 0.6 * rng.normal(size=shape)}, LOOK, criterion="value"
        )
    perfect = rng.normal(size=(4, 3, 2))
    perfect = perfect / lengths(perfect)[:, None, None]
    yield Case("a perfect critic", {"gradient": perfect}, LOOK, criterion="perfect", atol=1e-6)
    for shape in ((3, 2, 4), (2, 2, 2)):
        name = f"shape {'×'.join(map(str, shape))}, to the gradient"
        yield Case(name, {"gradient": rng.normal(size=shape)}, LOOK, criterion="slope")


def right(gradient: Array) -> Outputs:
    """The two-sided penalty, and its derivative."""
    size = lengths(gradient)[:, None, None]
    slope = 2 * (size - 1) / len(gradient) * gradient / np.where(size > 0, size, 1)
    return {"value": two_sided(gradient), "gradient:gradient": slope}


def _sum(g: Array) -> float:
    return ((lengths(g) - 1) ** 2).sum()


PROBLEM = Problem(
    key="ps06.sequence_penalty",
    title="Find the bug: the slope of a sentence",
    criteria=(
        Criterion("value", "the mean of (‖g‖ − 1)² over sentences, each norm over all of a sentence", 1),
        Criterion("perfect", "0 for a critic with slope 1 at every sentence", 0.5),
        Criterion("slope", "its derivative reaches the gradient", 0.5),
    ),
    cases=cases,
    formula=right,
    pure="value",
    package_functions=PACKAGE,
    compare=agree,
    misconceptions=(
        *(Wrong(name, *CHARGES[name][1]).says(CHARGES[name][0]) for name in WRONG),
        Wrong("sum", _sum).says("The charges are added up, not averaged over the sentences."),
        Wrong("one-sided", averaged(squared(positive_part(shifted(lengths, -1))))).says(
            "This is the one-sided penalty. The script has the two-sided one."
        ),
        Wrong(
            "per-word",
            lambda g: ((np.linalg.norm(g, axis=2) - 1) ** 2).sum(1).mean(),
            lambda g: ((np.linalg.norm(g, axis=2).sum(1) - 1) ** 2).mean(),
            lambda g: ((np.linalg.norm(g, axis=2).mean(1) - 1) ** 2).mean(),
        ).says(
            "A norm is taken for every word, and each is compared with 1. A sentence is one sample: its gradient is "
            "all its entries together."
        ),
        Wrong("weighted", scaled(two_sided, 10)).says("λ is in it (10 perhaps). Here the mean alone is asked for."),
        Wrong("not-reduced", squared(shifted(lengths, -1))).says(
            "One charge a sentence comes back. Return their mean."
        ),
        Wrong(
            "matrix-norm",
            lambda g: ((np.linalg.norm(g, 2, axis=(1, 2)) - 1) ** 2).mean(),
            lambda g: ((np.linalg.norm(g, "nuc", axis=(1, 2)) - 1) ** 2).mean(),
        ).says(
            "This is a *matrix* norm of each sentence's gradient (the spectral or the nuclear one). The Euclidean "
            "length of all its entries is asked for."
        ),
        Wrong(
            "detached",
            detect=lambda case, seen, wanted: (
                seen.status == "ok" and bool(case.options.get("gradients")) and "gradient:gradient" not in seen.outputs
            ),
        ).says("The number is right, but nothing leads back from it to the gradient: it could not train a critic."),
    ),
)
