"""Observers of pattern: each sentence is said where it is true of every answer, and nowhere else."""

import numpy as np
import pytest

from wgan_course.check.exchange import Observation
from wgan_grader import patterns
from wgan_grader.problem import Case
from wgan_grader.trials import Answer, Trial

A, B = np.array([0.7, -1.3, 2.9]), np.array([4.1, 0.6, -0.2, 1.7])
M = np.array([[1.0, 2.0, 4.0], [3.0, 5.0, 9.0]])
S = np.array([[1.0, 2.0], [-3.0, 5.0]])


def answers(change, rights=(A, B), **inputs):
    """Answers that are a function of the right ones."""
    return [Answer("value", np.asarray(change(right)), np.asarray(right), Case("c", inputs)) for right in rights]


def trial(inputs, passed, expected=1.0, options=None):
    case = Case(repr(inputs), inputs, options or {})
    outputs = {"value": np.asarray(expected if passed else 77.0)}
    return Trial(case, Observation(case.name, "ok", outputs), {"value": np.asarray(expected)}, passed, ("value",))


SAID = [
    (patterns.not_a_number, lambda r: r * np.nan, "The result is not a number (NaN)."),
    (patterns.not_a_number, lambda r: np.where(r < 0, np.nan, r), "There is NaN (not a number) in the result."),
    (patterns.infinite, lambda r: np.where(r < 0, np.inf, r), "It is infinite where the right answer is finite."),
    (patterns.sign, np.negative, "The sign is the wrong way round."),
    (patterns.sign, np.abs, "It is right up to the sign, which is wrong in places."),
    (patterns.permuted, lambda r: r[::-1], "The right numbers come in the reverse order."),
    (patterns.permuted, np.sort, "These are the right numbers in another order."),
    (patterns.digits, lambda r: r * (1 + 4e-5), "It is right to about 4 digits"),
    (patterns.digits, lambda r: r + 2e-4 * np.abs(r).max(), "It is right to about 3 digits"),
    (patterns.few_digits, lambda r: 1.004 * r, "It is right to about 2 digits; this case asks for more."),
    (patterns.factor, lambda r: 2 * r, "It is 2 times the right answer."),
    (patterns.factor, lambda r: 0 * r, "It is 0."),
    (patterns.factor, lambda r: -r / 4, "It is -0.25 times the right answer."),
    (patterns.proportional, lambda r: r / r.max(), "Its entries are in the right proportion"),
    (patterns.offset, lambda r: r + 0.5, "It is 0.5 too large."),
    (patterns.offset, lambda r: r - 1, "It is 1 too small."),
    (patterns.offset, lambda r: r - r.mean(), "All entries are off by the same amount, another in each case."),
    (patterns.function_of, np.square, "It is the square of the right answer."),
    (patterns.function_of, np.reciprocal, "It is the reciprocal of the right answer."),
    (patterns.function_of, lambda r: 1 - r, "It is 1 minus the right answer."),
    (
        patterns.function_of,
        lambda r: np.maximum(r, 0),
        "It is the right answer where that is positive, and 0 elsewhere.",
    ),
    (patterns.places, lambda r: r + (np.arange(r.size) == 0), "All entries are right but the first."),
    (patterns.places, lambda r: r + (np.arange(r.size) == r.size - 1), "All entries are right but the last."),
    (patterns.places, lambda r: r + (np.arange(r.size) > 0), "No entries are right but the first."),
    (patterns.places, lambda r: r + 2 * (r < 0), "All entries are right but those where the right answer is negative."),
    (patterns.direction, lambda r: r + np.arange(1, r.size + 1) ** 2, "It is too large."),
    (patterns.direction, lambda r: r - np.arange(r.size), "What is wrong is too small."),
]
AMOUNTS = [
    (lambda r: 1.25 * r, (2.0, 3.0), "It is off by 25 %."),
    (lambda r: r + 0.5, (2.0, 5.0), "It is off by 10 to 25 %."),
    (lambda r: 30 * r, (2.0, 5.0), "It is off by more than ten times the right answer."),
    (lambda r: r + 2, (np.array(3), np.array(4)), "It is off by 2."),
    (
        lambda r: r + 0.25 * (r < 0),
        (np.array([-1.0, 4.0]), np.array([5.0, 2.0, -1.0])),
        "3 of the 5 numbers are right.",
    ),
    (lambda r: r + 0.25 * (r < 0), (np.array([-1.0, 5.0]),), "1 of the 2 numbers is right. The largest error is 5 %"),
    (lambda r: r * np.nan, (2.0, 3.0), ""),
    (lambda r: r + 0.3, (0.0, 2.0), "Where 0 is right, its size is up to 0.3. Elsewhere it is off by 15 %."),
    (lambda r: r * 1.1 if r < 3 else r * np.nan, (2.0, 3.0), "1 of the 2 wrong results holds an infinity or NaN."),
    (lambda r: ~r, (np.array([True, False]),), ""),
]


@pytest.mark.parametrize(("change", "rights", "sentence"), AMOUNTS)
def test_how_much_is_wrong_is_counted(change, rights, sentence):
    said = patterns.amount(answers(change, rights))
    assert said.startswith(sentence) if sentence else said == ""


def test_digits_of_much_smaller_numbers_are_not_claimed():
    right = np.array([1.0, 3e-20])
    lost = patterns.digits(answers(lambda r: np.where(r < 1e-15, 1e-16, r), (right,)))
    assert "of the largest number, and much smaller numbers are not right" in lost


def test_digits_are_claimed_of_each_number_or_of_the_largest():
    right = np.array([2.0, 0.01])
    assert "about 3 digits; this case" in patterns.digits(answers(lambda r: r * 1.0005, (right,)))
    one = patterns.digits(answers(lambda r: r + np.array([0.0, 0.001]), (right,)))
    assert "about 3 digits of the largest number, and some smaller numbers are less exact" in one


def test_each_of_two_outputs_has_a_factor_of_its_own():
    """One of them may be wrong in one case alone: nothing is said of an output that is right."""
    two = [Answer(n, k * A, A, Case("c", {})) for n, k in (("v", 0.9), ("u", 0.7))]
    assert patterns.proportional(two).startswith("An output that is wrong has its entries in the right proportion")
    two = [Answer(n, k + A, A, Case("c", {})) for n, k in (("v", 0.9), ("u", 0.7))]
    assert patterns.offset(two).startswith("All entries of an output that is wrong are off by the same amount")


def test_numbers_are_counted_of_named_outputs():
    said = patterns.amount(answers(lambda r: r + 0.25 * (r < 0), (np.array([-1.0, 5.0]),)), " in what is wrong")
    assert said.startswith("1 of the 2 numbers in what is wrong is right.")


@pytest.mark.parametrize(("observer", "change", "sentence"), SAID)
def test_it_is_said_where_it_is_true(observer, change, sentence):
    assert observer(answers(change)).startswith(sentence)


@pytest.mark.parametrize(("observer", "change", "sentence"), SAID)
def test_it_is_not_said_where_one_answer_differs(observer, change, sentence):
    """The same change, and a third answer of another kind."""
    other = Answer("value", np.array([3.3, -0.1, 0.25, 8.0, 2.0]), np.array([2.0, 5.0, 0.1, 7.0, -3.0]), Case("d", {}))
    assert not observer([*answers(change), other]).startswith(sentence)


def test_a_factor_is_said_of_two_numbers_at_least_and_of_finite_ones():
    assert patterns.factor(answers(lambda r: 2 * r, rights=(3.0,))) == ""
    assert patterns.factor(answers(lambda r: 2 * r, rights=(3.0, np.inf))) == ""
    assert patterns.factor(answers(lambda r: 2 * r, rights=(3.0, 5.0))) != ""
    assert patterns.factor(answers(lambda r: 2 * r + (r == 0), rights=(3.0, 5.0, 0.0))) == ""


def test_a_tiny_number_where_zero_is_right_is_no_wrong_sign():
    assert patterns.sign(answers(lambda r: r + 1e-6, rights=(0.0, np.zeros(3)))) == ""
    assert patterns.sign(answers(np.negative, rights=(3.0, np.array([0.0, 2.0])))) == "The sign is the wrong way round."


def test_finite_where_infinite_is_right():
    assert patterns.infinite(answers(lambda r: 1e9, rights=(np.inf, np.inf))) == (
        "It is finite where the right answer is infinite."
    )
    assert "the wrong sign" in patterns.infinite(answers(np.negative, rights=(np.inf,)))


def test_a_factor_that_is_a_size_is_named():
    cases = [Case("a", {"x": np.ones((n, 2)), "c": 0.1 * n}) for n in (3, 5, 8)]
    rights = (1.5, 2.5, 0.3)
    made = [
        [
            Answer("value", np.array(r * f(len(c.inputs["x"]))), np.array(r), c)
            for r, c in zip(rights, cases, strict=True)
        ]
        for f in (lambda n: n, lambda n: 1 / n, lambda n: n - 1, lambda n: n**0.5, lambda n: n**1.7)
    ]
    assert [patterns.factor_of_size(given) for given in made] == [
        "It is the right answer times the number of rows of x.",
        "It is the right answer divided by the number of rows of x.",
        "It is the right answer times the number of rows of x less one.",
        "It is the right answer times the square root of the number of rows of x.",
        "",
    ]


def test_a_factor_that_is_an_argument_is_named():
    given = [Answer("value", np.array(3.0 * w), np.array(3.0), Case("a", {"weight": w})) for w in (2.0, 7.0)]
    assert patterns.factor_of_size(given) == "It is the right answer times weight."


def test_transposed_matrices():
    assert patterns.transposed(answers(np.transpose, rights=(M, S))) == "It is the transpose of the right answer."
    assert patterns.transposed(answers(np.transpose, rights=(A,))) == ""


def test_places_in_matrices():
    def spoil(index):
        def change(right):
            made = right.copy()
            made[index] += 1
            return made

        return change

    last = answers(spoil((slice(None), -1)), rights=(M, S))
    assert patterns.places(last) == "All entries are right but the last column."
    assert patterns.places(answers(spoil(0), rights=(M, S))) == "All entries are right but the first row."
    diagonal = answers(lambda r: r * np.where(np.eye(2), 2, 1), rights=(S, S + 1))
    assert patterns.places(diagonal) == "All entries are right but those on the diagonal."


def test_an_argument_that_is_handed_back():
    same = [Answer("value", x, 2 * x, Case("a", {"y": x + 1, "x": x})) for x in (A, B)]
    assert patterns.handed_back(same) == "What comes back is x, as it went in."
    assert patterns.handed_back([*same, Answer("value", A + 1, A, Case("a", {"x": A}))]) == ""


@pytest.mark.parametrize(
    ("seen", "right", "sentence"),
    [
        ([True, True], [False, True], "It says True where False is right."),
        ([False, False], [False, True], "It says False where True is right."),
        ([True, False], [False, True], "It says True in some places for False, and False in some for True."),
        ([0.5, 0.5], [False, True], ""),
    ],
)
def test_yes_and_no(seen, right, sentence):
    given = [Answer("value", np.array(seen), np.array(right), Case("c", {}))]
    assert patterns.yes_or_no(given) == sentence


def test_the_same_answer_to_every_input():
    cases = [trial({"x": i}, False, expected=float(i)) for i in range(3)]
    assert patterns.constant(cases) == "It is 77 whatever the input."
    assert patterns.constant([*cases, trial({"x": 9}, True, expected=9.0)]) == ""
    assert patterns.constant([trial({"x": i}, False, expected=2.0) for i in range(3)]) == ""


def matrices(*shapes):
    return [{"W": np.arange(1.0, 1 + np.prod(shape)).reshape(shape)} for shape in shapes]


WHICH = [
    (matrices((2, 3), (5, 2)), matrices((2, 2), (3, 3)), "W is not square"),
    (matrices((2, 2), (3, 3)), matrices((2, 3), (5, 2)), "W is square"),
    (matrices((5, 2), (3, 2)), matrices((2, 2), (3, 3), (2, 4), (3, 9)), "W has more rows than columns"),
    (matrices((1, 3), (1, 1)), matrices((2, 3), (4, 4)), "W has one row"),
    (matrices((2, 3, 4), (2, 2, 2)), matrices((2, 6), (8, 2), (3, 3)), "W has more than two axes"),
    ([{"q": 0.0}], [{"q": 1.0}, {"q": 2.0}, {"q": 0.5}], "q is 0"),
    ([{"q": np.inf}], [{"q": 1.0}, {"q": 2.0}, {"q": 0.5}], "q is infinite"),
    ([{"p": np.array([0.0, 1.0])}], [{"p": np.array([a, 1 - a])} for a in (0.3, 0.1, 0.8)], "there is a 0 in p"),
    ([{"x": A.astype(np.float32)}], [{"x": v} for v in (A, A + 1, A + 2)], "x is float32"),
    ([{"kind": "b", "x": A}], [{"kind": "a", "x": v} for v in (A, A + 1, A + 2)], "kind is 'b'"),
]


@pytest.mark.parametrize(("bad", "good", "words"), WHICH)
def test_which_inputs_fail(bad, good, words):
    failing, passing = [trial(i, False) for i in bad], [trial(i, True) for i in good]
    assert patterns.which_inputs(failing + passing) == f"In the cases tried, it fails just where {words}."


@pytest.mark.parametrize(("bad", "good", "words"), WHICH)
def test_which_inputs_is_silent_where_one_such_case_passes(bad, good, words):
    failing, passing = [trial(i, False) for i in bad], [trial(i, True) for i in [*good, bad[0]]]
    assert words not in patterns.which_inputs(failing + passing)


def test_sizes_above_which_it_fails():
    failing, passing = ([trial({"x": np.arange(1.0, n + 1)[::-1] % 7 + 1}, ok) for n in sizes] for ok, sizes in (
        (False, (26, 30, 40)), (True, (5, 9, 25))))  # fmt: skip
    said = patterns.which_inputs(failing + passing)
    assert said in ("", "In the cases tried, it is right up to a number of entries in x of 25, and fails from 26 on.")
    few = [failing[0], passing[0], passing[1]]
    assert patterns.which_inputs(few) == ""


def test_large_numbers_at_which_it_fails():
    failing = [trial({"logit": s}, False) for s in (90.0, 200.0, 800.0)]
    passing = [trial({"logit": s}, True) for s in (1.0, 20.0, 79.0)]
    said = patterns.which_inputs(failing + passing)
    assert said == "In the cases tried, it is right up to logit = 79, and fails from 90 on."


def test_one_number_that_passes_is_no_border():
    failing = [trial({"K": K}, False) for K in (0.25, 0.9, 1.0, 2.5)]
    passing = [trial({"K": 3.0}, True), trial({"K": 3.0}, True)]
    assert patterns.which_inputs(failing + passing) == ""


def test_two_possible_reasons_are_no_reason():
    failing = [trial({"p": np.array([0.0, 1.0]), "c": 0.0}, False)]
    passing = [trial({"p": np.array([0.3, 0.7]), "c": c}, True) for c in (1.0, 2.0, 3.0)]
    assert patterns.which_inputs(failing + passing) == ""


def test_where_all_cases_fail_no_input_is_blamed():
    failing = [trial({"q": 0.0}, False), trial({"q": 0.0, "r": 1.0}, False)]
    assert patterns.which_inputs(failing) == ""


def test_outputs_in_words():
    assert patterns.names_in_words(["gradient:W"]) == "the gradient in W"
    assert patterns.names_in_words(["quality"], {"quality": "the share of good points"}) == "the share of good points"
    assert patterns.names_in_words(["value", "after:critic.w0", "u"]) == "the value, critic.w0 afterwards and u"


@pytest.mark.parametrize(
    ("bad", "good"), [((2.95, 1.2), (3.0, 4.0)), ((0.09, 0.08), (0.11, 0.3)), ((1.4, 1.6), (1.3,))]
)
def test_what_lies_near_together_divides_cases_by_chance(bad, good):
    trials = [trial({"x": np.array([s, -s])}, ok) for ok, sizes in ((False, bad), (True, good)) for s in sizes * 3]
    assert patterns.which_inputs(trials) == ""


def test_a_constant_is_no_rounded_answer():
    given = [Answer("value", np.array(3.0), np.array(right), Case("a", {})) for right in (3.2, 3.4, 3.9)]
    assert patterns.function_of(given) == ""
    given[0] = Answer("value", np.array(2.0), np.array(2.3), Case("a", {}))
    assert patterns.function_of(given) == "It is the right answer rounded down."
