"""What is close, and what a formula is asked."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wgan_grader.problem import Case, as_outputs, close

numbers = st.lists(st.floats() | st.sampled_from([0.0, 1.0, 1.00001, 1e-7, np.inf, -np.inf, np.nan]), max_size=4)
sizes = st.sampled_from([0.0, 1e-7, 1e-5, 0.1])


@given(numbers, numbers, sizes, sizes, st.sampled_from([1.0, 10.0]), st.booleans())
def test_close_is_what_numpy_calls_close(one, other, rtol, atol, slack, equal_nan):
    size = min(len(one), len(other))
    a, b = np.array(one[:size], dtype=float), np.array(other[:size], dtype=float)
    case = Case("c", {}, rtol=rtol, atol=atol)
    with np.errstate(all="ignore"):
        expected = np.allclose(a, b, rtol=slack * rtol, atol=slack * atol, equal_nan=equal_nan)
    assert close(a, b, case, slack, equal_nan) == expected


def test_a_formula_is_asked_once_for_each_case():
    asked = []

    def formula(x):
        asked.append(x)
        return x + 1

    case = Case("c", {"x": np.ones(2)})
    assert as_outputs(formula, case)["value"].tolist() == as_outputs(formula, case)["value"].tolist() == [2, 2]
    assert as_outputs(formula, replace(case, inputs={"x": np.zeros(2)}))["value"].tolist() == [1, 1]
    assert len(asked) == 2
