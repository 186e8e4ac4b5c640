"""``one_sided(norms)``: the mean of max(0, ‖∇f‖ − 1)²."""

from typing import Any

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected, explained
from ...problem import Case, Criterion, Outputs, Problem
from ._critic import PACKAGE, agree
from ._penalties import Array, cases, common


def one_sided(norms: Array) -> float:
    """Mean squared excess over 1."""
    return (np.maximum(norms - 1, 0) ** 2).mean()


def right(norms: Array) -> dict[str, Any]:
    """The penalty and its derivative in the norms."""
    return {"value": one_sided(norms), "gradient:norms": 2 * np.maximum(norms - 1, 0) / len(norms)}


def _constant(case: Case, seen: Observation, expected: Outputs) -> bool:
    """Whether the value is 0, as it should be, and nothing leads back from it."""
    return "gradient:norms" not in seen.outputs and float(seen.outputs["value"]) == expected["value"] == 0


WRONG = (
    ("constant", Detected(_constant, "slope", "ok")),
    ("wrong-side", lambda s: (np.maximum(1 - s, 0) ** 2).mean()),
)
OTHER = "This is the two-sided penalty: norms below 1 are charged too. A slope below 1 breaks no constraint."
MESSAGES = """
constant: Where no norm is above 1, the answer is a constant 0 without a graph, and backward() stops with an error. The
    derivative is 0 there, but it has to exist: relu(norms − 1), without a case of its own, gives it.
wrong-side: Norms below 1 are charged, and those above are not: the wrong side is cut off. max(0, norm − 1).
"""
PROBLEM = Problem(
    key="ps06.one_sided",
    title="The one-sided penalty",
    criteria=(
        Criterion("value", "the mean of max(0, norm − 1)², one number", 1.5),
        Criterion("slope", "its derivative reaches the norms above 1, and is 0 below", 0.5),
    ),
    cases=cases,
    formula=right,
    scales=((1e6, "norms"), (1e-6, "norms")),
    compare=agree,
    pure="value",
    package_functions=PACKAGE,
    single=("norms",),
    misconceptions=(*explained(WRONG, MESSAGES), *common(one_sided, lambda s: ((s - 1) ** 2).mean(), OTHER)),
)
