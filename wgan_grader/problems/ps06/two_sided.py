"""``two_sided(norms)``: the mean of (‖∇f‖ − 1)²."""

from typing import Any

import numpy as np

from ...formulas import explained
from ...problem import Criterion, Problem
from ._critic import PACKAGE, agree
from ._penalties import Array, cases, common


def two_sided(norms: Array) -> float:
    """Mean squared difference from 1."""
    return ((norms - 1) ** 2).mean()


def right(norms: Array) -> dict[str, Any]:
    """The penalty and its derivative in the norms."""
    return {"value": two_sided(norms), "gradient:norms": 2 * (norms - 1) / len(norms)}


def _one_sided(norms: Array) -> float:
    return (np.maximum(norms - 1, 0) ** 2).mean()


OTHER = "This is the one-sided penalty: norms below 1 go free. The two-sided one charges them too."
WRONG = (("wrong-side", lambda s: (np.maximum(1 - s, 0) ** 2).mean()),)
MESSAGES = """
wrong-side: Only norms below 1 are charged, and those above go free. Both sides are: (norm − 1)².
"""
PROBLEM = Problem(
    key="ps06.two_sided",
    title="The two-sided penalty",
    criteria=(
        Criterion("value", "the mean of (norm − 1)², one number", 1.5),
        Criterion("slope", "its derivative reaches every norm", 0.5),
    ),
    cases=cases,
    formula=right,
    scales=((1e6, "norms"), (1e-6, "norms")),
    compare=agree,
    pure="value",
    package_functions=PACKAGE,
    single=("norms",),
    misconceptions=(*common(two_sided, _one_sided, OTHER), *explained(WRONG, MESSAGES)),
)
