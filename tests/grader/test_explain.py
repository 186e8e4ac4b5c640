"""A named explanation is given only if no observation contradicts it, and is not a coincidence."""

import numpy as np
import pytest

from wgan_course.check.exchange import Observation
from wgan_grader.explain import explain
from wgan_grader.problem import Case, Criterion, Misconception, Problem
from wgan_grader.trials import attempt
from wgan_grader.verdict import assess

CRITERIA = (Criterion("value", "the mean", 1), Criterion("edge", "of one number as well", 1))
X = {"a": np.array([1.7, 2.9]), "b": np.array([0.3, 1.1, 5.2]), "one": np.array([2.0]), "c": np.array([-1.3, 0.4])}


def cases(rng):
    for name, x in X.items():
        yield Case(name, {"x": x}, criterion="edge" if name == "one" else "value")


def problem(*misconceptions, **changes):
    settings = {"key": "ps00.mean", "title": "Mean", "criteria": CRITERIA, "cases": cases, "formula": np.mean}
    return Problem(**settings | {"misconceptions": misconceptions} | changes)


def named(answer, *misconceptions, criterion="value", **changes):
    """Id of the misconception that explains a criterion's failures, or nothing."""
    of = problem(*misconceptions, **changes)
    trials = [attempt(of, case, observe(case, answer)) for case in of.make_cases(np.random.default_rng(0))]
    failing = [t for t in trials if t.case.criterion == criterion and not t.passed]
    assert failing
    found = explain(of, failing, trials)
    return found.id if found else None


def observe(case, answer):
    try:
        made = answer(case.inputs["x"])
    except Exception as error:
        return Observation(case.name, "error", error=f"{type(error).__name__}: {error}")
    outputs = made if isinstance(made, dict) else {"value": made}
    return Observation(case.name, "ok", {name: np.asarray(value) for name, value in outputs.items()})


def wrong(name, *formulas, detect=None):
    return Misconception(name, "Because of this.", formulas, detect)


SUM = wrong("sum", np.sum)


def test_what_agrees_with_everything_is_named():
    assert named(np.sum, SUM) == "sum"


def test_who_has_the_mistake_and_handles_where_it_is_zero_by_zero_is_told_of_the_mistake():
    def slope(x, power=1):
        return np.where(x == 2, 0.0, 1 / np.where(x == 2, 1, x - 2) ** power)

    def squared(x):
        return (x - 2) / (x - 2) ** 3

    assert named(lambda x: slope(x, 2), wrong("squared", squared), formula=slope) == "squared"
    assert named(lambda x: slope(x, 3), wrong("squared", squared), formula=slope) is None


def test_what_a_passing_case_contradicts_is_not_named():
    assert named(lambda x: x.sum() if x.size == 2 and x[0] > 0 else x.mean(), SUM) is None


def test_what_another_failing_case_of_the_criterion_contradicts_is_not_named():
    assert named(lambda x: x.sum() if x.size == 2 else 9.1, SUM) is None


def test_of_two_faults_each_is_named_for_its_own_criterion():
    one = wrong("one", lambda x: 0.0 if x.size == 1 else x.sum())
    both = one.formulas[0]
    assert named(both, SUM, one, criterion="value") == "one", "it agrees with more"
    assert named(lambda x: 0.123 if x.size == 1 else x.sum(), SUM) == "sum"


@pytest.mark.parametrize(("others", "name"), [(2, "twice"), (3, None)])
def test_what_other_failing_cases_contradict_has_to_explain_half_of_all(others, name):
    def some(rng):
        for k in range(2):
            yield Case(f"one {k}", {"x": np.array([2.3 + k])}, criterion="edge")
        for k in range(others):
            yield Case(f"two {k}", {"x": np.array([k + 0.3, 2 * k + 0.9])}, criterion="value")

    twice = wrong("twice", lambda x: 2 * x.sum())
    answer = lambda x: 2 * x.sum() if x.size == 1 else x.sum() + 7.7
    assert named(answer, twice, criterion="edge", cases=some) == name


def test_an_explanation_of_the_whole_comes_before_one_of_a_part():
    part, whole = wrong("part", np.sum), wrong("whole", lambda x: x.sum() if x.size > 1 else 0.123)
    assert named(whole.formulas[0], part, whole) == "whole"


def test_a_formula_that_is_right_where_it_fails_explains_nothing():
    assert named(lambda x: {"value": x.mean() + 1}, wrong("right", np.mean)) is None


def test_a_function_may_stop_where_the_formula_stops():
    def second(x):
        return x[1] + 0 * x[0]

    assert named(second, wrong("second", second)) == "second"
    assert named(second, wrong("second", second), criterion="edge") == "second"
    assert named(second, wrong("other", lambda x: x[1] if x.size > 1 else 5.0), criterion="edge") is None
    assert named(lambda x: second(x) if x.size > 1 else 0.7, wrong("second", second), criterion="edge") is None


def test_a_formula_that_stops_everywhere_explains_nothing():
    assert named(lambda x: x[99], wrong("broken", lambda x: x[99])) is None


def one_case(value, expected=3.0):
    """A criterion with a single case whose right answer is `expected`."""
    return {
        "cases": lambda rng: [Case("only", {"x": np.array([expected])}, criterion="value")],
        "criteria": CRITERIA[:1],
    }


def test_one_round_number_is_believed_only_without_rivals():
    zero, also = wrong("zero", lambda x: 0.0), wrong("also", lambda x: x.sum() * 0)
    assert named(lambda x: 0.0, zero, **one_case(0.0)) == "zero"
    assert named(lambda x: 0.0, zero, also, **one_case(0.0)) is None
    assert named(lambda x: 0.12345, wrong("this", lambda x: 0.12345), also, **one_case(0.0)) == "this"


def test_one_wrong_entry_among_right_ones_is_one_number():
    def spoilt(x):
        return np.append(np.linspace(0.123, 0.987, 5), 0.0)

    right = {"formula": lambda x: np.append(np.linspace(0.123, 0.987, 5), 7.0), **one_case(0.0)}
    assert named(spoilt, wrong("a", spoilt), wrong("b", spoilt), **right) is None


def test_equal_nan_is_no_evidence_where_others_say_nan_too():
    nan = [wrong(name, lambda x: np.full(3, np.nan)) for name in "ab"]
    assert named(lambda x: np.full(3, np.nan), *nan, formula=lambda x: np.ones(3), **one_case(0.0)) is None


DETECTORS = {
    "criterion": lambda case, seen, expected: case.criterion == "value",
    "status": lambda case, seen, expected: seen.status == "error",
    "inexact": lambda case, seen, expected: abs(seen.outputs["value"] - expected["value"]) > 0,
}


@pytest.mark.parametrize("name", ["criterion", "inexact"])
def test_a_detector_that_would_accuse_any_answer_is_not_believed(name):
    assert named(lambda x: 7.3, wrong(name, detect=DETECTORS[name])) is None
    assert named(lambda x: x.mean() if x.size == 3 else 7.3, wrong("inexact", detect=DETECTORS["inexact"])) is None


def test_a_detector_of_one_output_of_two_is_believed():
    def both(x):
        return {"value": x.mean(), "left": x}

    touched = wrong(
        "touched", detect=lambda case, seen, right: not np.array_equal(seen.outputs["left"], case.inputs["x"])
    )
    assert named(lambda x: {"value": x.mean(), "left": x + 1.1}, touched, formula=both) == "touched"


def test_a_detector_of_any_error_is_not_believed():
    def stops(x):
        raise ValueError("shape")

    assert named(stops, wrong("status", detect=DETECTORS["status"])) is None
    told = wrong("told", detect=lambda case, seen, expected: seen.status == "error" and "shape" in seen.error)
    assert named(stops, told) == "told"


def test_a_detector_of_inputs_must_divide_what_fails_from_what_passes():
    small = wrong("pairs", detect=lambda case, seen, expected: case.inputs["x"].size == 2)
    assert named(lambda x: 7.3 if x.size == 2 else x.mean(), small) == "pairs"
    assert named(lambda x: 7.3 if x.size > 1 else x.mean(), small) is None
    assert named(lambda x: 7.3 if x.size == 2 and x[0] > 0 else x.mean(), small) is None


def test_a_detector_that_looks_at_the_answer_is_believed():
    zero = wrong("zero", detect=lambda case, seen, expected: float(seen.outputs["value"]) == 0.0)
    assert named(lambda x: 0.0, zero) == "zero"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: {"value": x.mean()}, "no gradient reaches x"),
        (lambda x: {"value": x.mean(), "gradient:x": 3 + x}, "the gradient in x is wrong, the value is right"),
        (lambda x: {"value": 9.0, "gradient:x": 1 / x.size + 0 * x}, "The value is wrong, the gradient in x is right"),
        (lambda x: np.stack([x, x]), "has the shape (2, 1) for x of shape (1,); () is right."),
    ],
)  # fmt: skip
def test_what_is_right_is_told_from_what_is_wrong(answer, words):
    of = problem(formula=lambda x: {"value": x.mean(), "gradient:x": np.full(x.shape, 1 / x.size)})
    made = of.make_cases(np.random.default_rng(0))
    verdict = assess(of, made, [observe(case, answer) for case in made])
    assert words.lower() in " ".join(diagnosis.message for diagnosis in verdict.diagnoses).lower()


def test_why_there_is_no_gradient_is_told():
    of = problem(formula=lambda x: {"value": x.mean(), "gradient:x": np.full(x.shape, 1 / x.size)})
    made = of.make_cases(np.random.default_rng(0))
    seen = [Observation(c.name, "ok", {"value": np.mean(c.inputs["x"])}, "its graph is gone") for c in made]
    assert (
        assess(of, made, seen).diagnoses[0].message == "The value is right, but it has no gradient: its graph is gone."
    )


def test_outputs_that_the_judge_does_not_look_at_are_not_blamed():
    of = problem(
        formula=lambda x: {"value": x.mean(), "extra": x.sum()},
        compare=lambda seen, right, case: bool(np.isclose(seen["value"], right["value"])),
    )
    made = of.make_cases(np.random.default_rng(0))
    trials = [attempt(of, c, observe(c, lambda x: {"value": 2 * x.mean() + 1, "extra": 0.0})) for c in made]
    assert {trial.judged for trial in trials} == {("value",)}


def test_where_many_answers_are_right_none_is_compared():
    of = problem(
        formula=lambda x: {"phi": x, "psi": -3 * x},
        compare=lambda seen, right, case: np.allclose(seen["phi"] + seen["psi"], right["phi"] + right["psi"]),
    )
    made = of.make_cases(np.random.default_rng(0))
    trials = [attempt(of, c, observe(c, lambda x: {"phi": 2 * x, "psi": x})) for c in made]
    assert {trial.judged for trial in trials} == {()}


def test_a_pattern_that_a_right_answer_contradicts_is_not_told():
    of = problem(formula=lambda x: x - 1.5)
    made = of.make_cases(np.random.default_rng(0))

    def told(answer):
        verdict = assess(of, made, [observe(case, answer) for case in made])
        return " ".join(diagnosis.message for diagnosis in verdict.diagnoses)

    assert "where that is positive" in told(lambda x: np.maximum(x - 1.5, 0))
    assert "where that is positive" not in told(lambda x: np.maximum(x - 1.5, 0) if x.size == 3 else x - 1.5)
