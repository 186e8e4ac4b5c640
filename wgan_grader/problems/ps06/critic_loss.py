"""``critic_loss(critic, real, fake, epsilon, weight)``: what the critic of a WGAN-GP minimises."""

from typing import Any

import numpy as np
from scipy.special import expit

from ...formulas import Detected, explained, negated, relu, softplus
from ...problem import Case, Criterion, Outputs, Problem
from ._critic import (
    NO_GRAPH,
    PACKAGE,
    SEEN_BY,
    Array,
    agree,
    all_deeper,
    batches,
    charged,
    deeper,
    mix,
    rows,
    score,
    wrong_way,
)
from ._whole import penalty, spoilt


def _scores(*a: Array) -> tuple[Array, Array]:
    """Scores of the real and of the generated points."""
    return score(*a[:4], a[4]), score(*a[:4], a[5])


def loss(*a: Array, **spoilt: Any) -> Any:
    """E_Q f − E_P f + penalty."""
    real, fake = _scores(*a)
    return fake.mean() - real.mean() + penalty(*a, **spoilt)


def right(*a: Array) -> dict[str, Any]:
    """The loss, and its gradient in the weights."""
    charge = lambda size: a[7] * ((size - 1) ** 2).mean()  # noqa: E731
    found = charged(charge, lambda size: 2 * a[7] * (size - 1) / len(size), *a[:4], mix(*a[4:7]))
    first = _of_first_terms(*a)
    return {"value": loss(*a)} | {name: found[name] + slope for name, slope in first.items()}


def _of_first_terms(*a: Array) -> dict[str, Array]:
    """Gradient of E_Q f − E_P f in the weights."""
    fake, real = (_mean_score(*a[:4], x) for x in (a[5], a[4]))
    return {name: fake[name] - real[name] for name in fake}


def _only_first_terms(case: Case, seen: Any, expected: Outputs) -> bool:
    """Whether the value is right, and the gradient is that of the loss without its penalty."""
    if seen.status != "ok" or not np.isclose(float(seen.outputs["value"]), float(expected["value"]), rtol=1e-4):
        return False
    first = deeper(_of_first_terms, 4)(*case.inputs.values())
    return all(name in seen.outputs and np.allclose(seen.outputs[name], first[name], rtol=1e-4) for name in first)


def _one_batch_detached(case: Case, seen: Any, expected: Outputs) -> bool:
    """Whether the value is right, and the scores of one of the two batches carry no gradient."""
    if seen.status != "ok" or not np.isclose(float(seen.outputs["value"]), float(expected["value"]), rtol=1e-4):
        return False
    values = list(case.inputs.values())
    fake, real = (deeper(_mean_score, 1)(*values[:-4], values[place]) for place in (-3, -4))
    lost = ({name: -part for name, part in real.items()}, fake)
    return any(
        all(
            name in seen.outputs and np.allclose(seen.outputs[name], expected[name] - x, rtol=1e-4)
            for name, x in one.items()
        )
        for one in lost
    )


def _only_penalty(case: Case, seen: Any, expected: Outputs) -> bool:
    """Whether the value is right, and the gradient is that of the penalty alone."""
    if seen.status != "ok" or not np.isclose(float(seen.outputs["value"]), float(expected["value"]), rtol=1e-4):
        return False
    first = deeper(_of_first_terms, 4)(*case.inputs.values())
    return all(
        name in seen.outputs and np.allclose(seen.outputs[name], expected[name] - first[name], rtol=1e-4)
        for name in first
    )


def _mean_score(*a: Array) -> dict[str, Array]:
    """Gradient of the mean score in the weights."""
    w0, b0, w1, _, x = a
    if isinstance(w0, list):
        return {}
    hidden = np.tanh(rows(x) @ w0.T + b0)
    back = (1 - hidden**2) * w1[0] / len(x)
    parts = (back.T @ rows(x), back.sum(0), hidden.mean(0, keepdims=True))
    return {f"gradient:critic.{name}": part for name, part in zip(("w0", "b0", "w1"), parts, strict=True)}


def _squares(real: Array, fake: Array) -> float:
    return ((real - 1) ** 2).mean() + (fake**2).mean()


WRONG = (
    ("ascent", lambda *a: 2 * penalty(*a) - loss(*a)),
    ("penalty-subtracted", lambda *a: loss(*a) - 2 * penalty(*a), negated(loss)),
    ("no-penalty", lambda *a: loss(*a) - penalty(*a)),
    ("penalty-only", penalty),
    ("no-weight", lambda *a: loss(*a) - penalty(*a) + penalty(*a) / a[7]),
    ("no-weight", lambda *a: loss(*a) - penalty(*a) + 10 * penalty(*a) / a[7]),
    ("one-batch", lambda *a: _scores(*a)[1].mean() + penalty(*a), lambda *a: -_scores(*a)[0].mean() + penalty(*a)),
    ("one-batch", lambda *a: -_scores(*a)[1].mean() + penalty(*a)),
    ("interpolates-scored", lambda *a: score(*a[:4], mix(*a[4:7])).mean() - _scores(*a)[0].mean() + penalty(*a)),
    ("interpolates-scored", lambda *a: _scores(*a)[1].mean() - score(*a[:4], mix(*a[4:7])).mean() + penalty(*a)),
    ("hinge", lambda *a: relu(1 - _scores(*a)[0]).mean() + relu(1 + _scores(*a)[1]).mean() + penalty(*a)),
    ("all-weighted", lambda *a: a[7] * (loss(*a) - penalty(*a)) + penalty(*a)),
    ("all-weighted", lambda *a: a[7] * (loss(*a) - penalty(*a)) + penalty(*a) / a[7]),
    ("all-weighted", lambda *a: (1 - a[7]) * (loss(*a) - penalty(*a)) + penalty(*a)),
    ("absolute", lambda *a: abs(loss(*a) - penalty(*a)) + penalty(*a)),
    ("absolute", lambda *a: penalty(*a) - abs(loss(*a) - penalty(*a))),
    ("absolute", lambda *a: (loss(*a) - penalty(*a)) ** 2 + penalty(*a)),
    ("added", lambda *a: _scores(*a)[0].mean() + _scores(*a)[1].mean() + penalty(*a)),
    ("added", lambda *a: penalty(*a) - _scores(*a)[0].mean() - _scores(*a)[1].mean()),
    ("log-loss", lambda *a: softplus(-_scores(*a)[0]).mean() + softplus(_scores(*a)[1]).mean() + penalty(*a)),
    ("log-loss", lambda *a: expit(_scores(*a)[1]).mean() - expit(_scores(*a)[0]).mean() + penalty(*a)),
    ("least-squares", lambda *a: _squares(*_scores(*a)) + penalty(*a)),
    ("least-squares", lambda *a: _squares(*_scores(*a)) / 2 + penalty(*a)),
    ("first-terms-halved", lambda *a: loss(*a) / 2 + penalty(*a) / 2, lambda *a: 2 * loss(*a) - penalty(*a)),
    ("sums", lambda *a: _scores(*a)[1].sum() - _scores(*a)[0].sum() + penalty(*a)),
    *spoilt(loss),
    ("wrong-shape-of-epsilon", Detected(wrong_way, status="error")),
    ("penalty-detached", Detected(_only_first_terms)),
    ("one-batch-detached", Detected(_one_batch_detached)),
    ("only-the-penalty-trains", Detected(_only_penalty)),
    NO_GRAPH,
)
MESSAGES = """
ascent: The first two terms have the wrong sign: E_P f − E_Q f is the estimate of the distance, to be made *large*. A
    loss is minimised: E_Q f − E_P f.
penalty-subtracted: The penalty is subtracted: the critic would be rewarded for slopes far from 1.
no-penalty: The penalty is missing: λ times it is added to E_Q f − E_P f.
penalty-only: Only the penalty comes back: E_Q f − E_P f is missing.
no-weight: The weight λ is missing, or is 10 whatever the argument says.
one-batch: One of the two batches is missing from the first terms.
interpolates-scored: The scores of the interpolates have taken the place of one of the batches. They serve the penalty
    only.
hinge: This is a hinge loss with a penalty. The Wasserstein loss has no margins.
all-weighted: λ multiplies the scores, alone or with the penalty. It belongs to the penalty alone.
absolute: The first two terms stand in an absolute value or a square: their sign is what the critic is told.
added: The two mean scores are added: real ones are to be scored *high* and generated ones low, so their signs differ.
log-loss: A sigmoid or a logarithm acts on the scores, as in the loss of a discriminator. A critic's scores are used as
    they are.
least-squares: The scores are pulled to 1 and 0 by squares: this is a least-squares GAN with a penalty.
first-terms-halved: The difference of the mean scores is half, or twice, as large as it should be.
sums: The scores are added up, not averaged, the penalty is averaged: the balance depends on the batch size.
wrong-shape-of-epsilon: ε does not fit: it has one entry a sample. Reshape it to (n, 1), and for images to (n, 1, 1, 1).
penalty-detached: The value is right, but the penalty's part of the gradient is missing: it was detached, or the
    gradient was taken without create_graph=True. The critic trains as if there were no penalty.
one-batch-detached: The value is right, but the scores of one of the two batches carry no gradient: the critic learns
    from the other batch and the penalty alone.
only-the-penalty-trains: The value is right, but only the penalty carries a gradient: the scores of the two batches were
    detached, or computed under torch.no_grad(). The critic learns to have slope 1, and nothing of the data.
"""
PROBLEM = Problem(
    key="ps06.critic_loss",
    title="The whole loss",
    criteria=(
        Criterion("value", "E_Q f − E_P f + λ · mean (‖∇f(x̂)‖ − 1)², one number", 1),
        Criterion("graph", "its gradient in the critic's weights", 1),
    ),
    cases=batches,
    scales=((1e3, "weight"), (1e-3, "weight"), (1e3, "critic.w1"), (1e-4, "critic.w1")),
    formula=deeper(right, 4),
    compare=agree,
    pure="value",
    observe=SEEN_BY,
    limit=20.0,
    package_functions=(*PACKAGE, "wgan_course.objectives.Wasserstein"),
    single=("real fake epsilon",),
    misconceptions=all_deeper(explained(WRONG, MESSAGES), 4),
)
