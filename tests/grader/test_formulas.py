"""Each way to make a wrong formula of a right one, and the table that joins it to its message."""

import inspect

import numpy as np
import pytest

from wgan_course.check.exchange import Observation
from wgan_grader import formulas as f
from wgan_grader.problem import Misconception, case

X, Y = np.array([[1.0, -4.0], [9.0, 16.0]]), np.array([2.0, 8.0])


def ratio(x, y, shift=0.0):
    return x / y + shift


def outputs(x, y):
    return {"sum": x + y, "difference": x - y}


EXPECTED = {
    "composed": (f.composed(np.cumsum, ratio), [0.5, 0.0, 4.5, 6.5]),
    "negated": (f.negated(ratio), [[-0.5, 0.5], [-4.5, -2.0]]),
    "scaled": (f.scaled(ratio, 2), [[1.0, -1.0], [9.0, 4.0]]),
    "divided": (f.divided(ratio, 2), [[0.25, -0.25], [2.25, 1.0]]),
    "shifted": (f.shifted(ratio, -1), [[-0.5, -1.5], [3.5, 1.0]]),
    "complement": (f.complement(ratio), [[0.5, 1.5], [-3.5, -1.0]]),
    "reciprocal": (f.reciprocal(ratio), [[2.0, -2.0], [1 / 4.5, 0.5]]),
    "squared": (f.squared(ratio), [[0.25, 0.25], [20.25, 4.0]]),
    "root": (f.root(f.absolute(ratio)), np.sqrt([[0.5, 0.5], [4.5, 2.0]])),
    "absolute": (f.absolute(ratio), [[0.5, 0.5], [4.5, 2.0]]),
    "positive_part": (f.positive_part(ratio), [[0.5, 0.0], [4.5, 2.0]]),
    "transposed": (f.transposed(ratio), [[0.5, 4.5], [-0.5, 2.0]]),
    "flipped": (f.flipped(ratio), [[4.5, 2.0], [0.5, -0.5]]),
    "summed": (f.summed(ratio), 6.5),
    "summed over an axis": (f.summed(ratio, 0), [5.0, 1.5]),
    "averaged": (f.averaged(ratio), 1.625),
    "averaged over an axis": (f.averaged(ratio, 1), [0.0, 3.25]),
    "largest": (f.largest(ratio), 4.5),
    "largest along an axis": (f.largest(ratio, 1), [0.5, 4.5]),
    "smallest": (f.smallest(ratio), -0.5),
    "smallest along an axis": (f.smallest(ratio, 0), [0.5, -0.5]),
    "part": (f.part(ratio, 1), [4.5, 2.0]),
    "part by name": (f.part(outputs, "difference"), X - Y),
    "constant": (f.constant(0.0), 0.0),
    "given": (f.given(ratio, shift=1.0), [[1.5, 0.5], [5.5, 3.0]]),
    "given in the place of an argument": (f.given(ratio, y=1.0), X),
    "swapped": (f.swapped(ratio, "x", "y"), Y / X),
    "replacing": (f.replacing(ratio, x=np.abs), [[0.5, 0.5], [4.5, 2.0]]),
    "one upon another": (f.negated(f.swapped(f.given(ratio, shift=1.0), "x", "y")), -(Y / X + 1)),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_formula(name):
    formula, expected = EXPECTED[name]
    np.testing.assert_array_equal(formula(X, Y), expected)


def test_every_function_is_tried():
    made = {name for name, one in vars(f).items() if inspect.isfunction(one) and one.__module__ == f.__name__}
    public = {name for name in made if not name.startswith("_")}
    assert public - {name.split()[0] for name in EXPECTED} == {"named", "only", "without", "explained", *OF_NUMBERS}


# What is a function of a number, not of a formula.
OF_NUMBERS = {
    "relu": [0.0, 0.0, 3.0, 800.0],
    "softplus": [0.0, np.log(2), np.log1p(np.exp(3)), 800.0],
}


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_function_of_a_number(name):
    np.testing.assert_allclose(getattr(f, name)(np.array([-800.0, 0.0, 3.0, 800.0])), OF_NUMBERS[name], rtol=1e-15)


def test_outputs_are_named_and_left_out():
    assert f.named(ratio, "value")(4.0, 2.0) == {"value": 2.0}
    assert f.named(lambda x, y: (x, y), "one", "other")(4.0, 2.0) == {"one": 4.0, "other": 2.0}
    assert f.only(outputs, "sum")(4.0, 2.0) == {"sum": 6.0}
    assert f.without(outputs, "sum")(4.0, 2.0) == {"difference": 2.0}
    with pytest.raises(ValueError, match="shorter"):
        f.named(lambda x, y: (x,), "one", "other")(4.0, 2.0)


def test_an_argument_that_is_given_may_be_left_out():
    assert f.given(ratio, y=4.0)(2.0) == f.given(ratio, y=4.0)(2.0, 8.0) == 0.5


def test_an_unknown_argument_is_named():
    for wrong in (lambda: f.swapped(ratio, "x", "z"), lambda: f.given(ratio, z=1), lambda: f.replacing(ratio, z=abs)):
        with pytest.raises(TypeError, match=r"takes \['x', 'y', 'shift'\], not \['z'\]"):
            wrong()


def test_rows_and_messages_are_joined_by_their_ids():
    shared = Misconception("shared", "Said elsewhere.")
    halved, doubled, lost = f.scaled(ratio, 0.5), f.scaled(ratio, 2), f.Detected(lambda case, seen, expected: True)
    found = f.explained(
        (("factor", halved), shared, ("lost", lost), ("factor", doubled)),
        "\nfactor: Too large: or\n    too small.\nlost: Nothing came.\n",
    )
    assert found == (
        Misconception("factor", "Too large: or too small.", (halved, doubled)),
        shared,
        Misconception("lost", "Nothing came.", (), lost.detect),
    )


@pytest.mark.parametrize(
    ("limits", "holds"),
    [
        ({}, True),
        ({"criterion": "value"}, True),
        ({"criterion": "slope"}, False),
        ({"status": "ok"}, True),
        ({"status": "error"}, False),
        ({"criterion": "value", "status": "error"}, False),
    ],
)
def test_a_detection_keeps_to_its_criterion_and_status(limits, holds):
    seen = Observation("one", "ok", {"value": np.array(1.0)})
    for answer in (True, False):
        detected = f.Detected(lambda case, seen, expected, answer=answer: answer, **limits)
        assert detected.detect(case("value", "one", x=[1.0]), seen, {}) == (holds and answer)


def test_detection_and_formulas_of_one_mistake_meet():
    lost = f.Detected(lambda case, seen, expected: True)
    for rows in ((("one", ratio, lost),), (("one", ratio), ("one", lost)), (("one", lost), ("one", ratio))):
        assert f.explained(rows, "one: Told.") == (Misconception("one", "Told.", (ratio,), lost.detect),)


@pytest.mark.parametrize(
    "messages", ["one: Told.\nother: Told.", "other: Told.", "one: Told.\nother: Told.\nmore: Told."]
)
def test_a_row_without_message_and_a_message_without_row_are_refused(messages):
    with pytest.raises(ValueError, match=r"\['(one|other|third|more)'"):
        f.explained((("one", ratio), ("other", ratio), ("third", ratio)), messages)
