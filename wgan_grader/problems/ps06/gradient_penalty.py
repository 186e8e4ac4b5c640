"""``gradient_penalty(critic, real, fake, epsilon, weight)``: the whole two-sided penalty."""

import numpy as np

from ...formulas import Detected, explained, negated
from ...problem import Criterion, Outputs, Problem
from ._critic import NO_GRAPH, PACKAGE, SEEN_BY, Array, agree, all_deeper, batches, charged, deeper, mix, wrong_way
from ._whole import penalty, spoilt


def right(*a: Array) -> Outputs:
    """λ times the mean of (‖∇f‖ − 1)², and its gradient in the weights."""
    charge = lambda size: a[7] * ((size - 1) ** 2).mean()  # noqa: E731
    return charged(charge, lambda size: 2 * a[7] * (size - 1) / len(size), *a[:4], mix(*a[4:7]))


WRONG = (
    *spoilt(penalty),
    ("no-weight", lambda *a: penalty(*a) / a[7], lambda *a: 10 * penalty(*a) / a[7]),
    ("negated", negated(penalty)),
    (
        "not-reduced",
        lambda *a: np.array([penalty(*a[:4], *(v[i : i + 1] for v in a[4:7]), a[7]) for i in range(len(a[4]))]),
    ),
    ("wrong-shape-of-epsilon", Detected(wrong_way, status="error")),
    NO_GRAPH,
)
MESSAGES = """
no-weight: The weight λ is missing, or is 10 whatever the argument says.
negated: The sign is wrong: a penalty is never negative.
not-reduced: One charge a sample comes back. Their mean is asked for.
wrong-shape-of-epsilon: ε does not fit: it has one entry a sample. Reshape it to (n, 1), and for images to (n, 1, 1, 1).
"""
PROBLEM = Problem(
    key="ps06.gradient_penalty",
    title="The whole penalty",
    criteria=(
        Criterion("value", "λ · mean (‖∇f(x̂)‖ − 1)², one number", 1.5),
        Criterion("graph", "its gradient in the critic's weights", 1.5),
    ),
    cases=batches,
    scales=((1e3, "weight"), (1e-3, "weight"), (1e3, "critic.w1"), (1e-4, "critic.w1")),
    formula=deeper(right, 4),
    compare=agree,
    pure="value",
    observe=SEEN_BY,
    limit=20.0,
    package_functions=PACKAGE,
    single=("real fake epsilon",),
    misconceptions=all_deeper(explained(WRONG, MESSAGES), 4),
)
