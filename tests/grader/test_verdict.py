"""From observations to points and messages."""

import json

import numpy as np
import pytest

from wgan_course.check import report
from wgan_course.check.exchange import Observation
from wgan_grader import registry
from wgan_grader.diagnosis import Diagnosis
from wgan_grader.problem import Case, Criterion, Misconception, Problem, close
from wgan_grader.verdict import Verdict, assess, blank

SMALL, LARGE = np.array([1.0, 2.0]), np.array([1.0, 2.0, 3.0, 5.0])


def _cases(rng):
    yield Case("large", {"x": LARGE}, criterion="value")
    yield Case("small", {"x": SMALL}, criterion="value")
    yield Case("negative", {"x": -SMALL}, criterion="sign")
    yield Case("secret", {"x": rng.normal(size=3)}, criterion="sign", hidden=True)


def _problem(**changes):
    settings = {
        "key": "ps00.total",
        "title": "Total",
        "criteria": (Criterion("value", "the total", 2), Criterion("sign", "also of negative numbers", 1)),
        "cases": _cases,
        "formula": np.sum,
        "misconceptions": (
            Misconception("mean", "Averaged.", (np.mean,)),
            Misconception("absolute", "Signs lost.", (lambda x: np.abs(x).sum(),)),
            Misconception("broken", "Never reported.", (lambda x: x[99],)),
            Misconception("told", "Told by looking.", (), lambda case, seen, expected: seen.outputs["value"] == 42),
        ),
    }
    return Problem(**(settings | changes))


def _judge(answer, problem=None, changes=(), hidden=False):
    problem = problem or _problem()
    cases = problem.make_cases(np.random.default_rng(0), hidden)
    seen = [_observe(case, answer, changes) for case in cases]
    return assess(problem, cases, seen)


def _observe(case, answer, changes):
    if isinstance(answer, Observation):
        return Observation(case.name, answer.status, answer.outputs, answer.error, changes)
    return Observation(case.name, "ok", {"value": np.asarray(answer(case.inputs["x"]))}, changes=changes)


def _ids(verdict):
    return [diagnosis.id for diagnosis in verdict.diagnoses]


def test_right_answers_earn_all():
    verdict = _judge(np.sum)
    assert (verdict.points, verdict.possible, verdict.status, verdict.example) == (3.0, 3.0, "graded", None)
    assert verdict.diagnoses == ()


def test_values_after_a_change_in_place_are_not_explained_by_another_mistake():
    assert _ids(_judge(np.mean, changes=("value:x",))) == ["mutates-input"]
    told = _problem(misconceptions=(Misconception("in-place", "Changed before it was used.", (np.mean,)),))
    assert _ids(_judge(np.mean, told, changes=("value:x",))) == ["in-place", "mutates-input"]


def test_each_criterion_is_earned_by_its_own_cases():
    verdict = _judge(lambda x: np.abs(x).sum())
    assert [row.earned for row in verdict.criteria] == [2.0, 0.0]
    assert _ids(verdict) == ["absolute"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (np.mean, "mean"),
        (lambda x: 42.0, "told"),
        (lambda x: np.sum(x) * 2, "generic:factor"),
        (lambda x: -np.sum(x), "generic:sign"),
        (lambda x: np.nan, "generic:nan"),
        (lambda x: x, "generic:shape"),
        (lambda x: np.sum(x) * (1 + 1e-4), "generic:precision"),
        (lambda x: np.sum(x) + x[0] ** 2, "generic:direction"),
        (lambda x: np.sum(x) + (2.6 if len(x) > 2 else -1.1), "generic:value"),
        (Observation("", "error", error="ValueError: no"), "generic:error"),
        (Observation("", "timeout", error="it was still running after 5.0 s"), "generic:timeout"),
        (Observation("", "refused", error="it calls the package's own sum"), "generic:refused"),
        (Observation("", "unusable", error="it returned None"), "generic:unusable"),
        (Observation("", "ok", {}), "generic:value"),
        (Observation("", "ok", {"other": np.ones(1)}), "generic:value"),
    ],
)
def test_what_is_said_of_a_wrong_answer(answer, expected):
    verdict = _judge(answer)
    assert verdict.points == 0.0
    assert expected in _ids(verdict)


def test_what_has_no_name_is_told_by_its_cases_and_its_error():
    """One of the criterion's two cases fails, by 2 where 11 is right; the only one of the other criterion fails too."""
    first, second = _judge(lambda x: np.sum(x) + 2 * (len(x) > 2 or x[0] < 0), _problem(misconceptions=())).criteria
    for sentence in ("It is off by 18 %.", "Of 2 cases it fails 1: “large”."):
        assert sentence in first.diagnosis.message
    assert "cases" not in second.diagnosis.message


def test_a_number_in_a_case_s_name_stays_untold():
    def cases(rng):
        yield Case("weight 0.7312", {"x": LARGE}, criterion="value")
        yield Case("small", {"x": SMALL}, criterion="value")
        yield Case("negative", {"x": -SMALL}, criterion="sign")

    verdict = _judge(lambda x: np.sum(x) + len(x) % 4, _problem(cases=cases, misconceptions=()))
    assert not any("0.7312" in diagnosis.message for diagnosis in verdict.diagnoses)


def test_a_missing_gradient_is_called_detached():
    problem = _problem(formula=lambda x: {"value": x.sum(), "gradient:x": np.ones(x.shape)}, misconceptions=())
    assert _ids(_judge(np.sum, problem)) == ["generic:detached"]


def test_a_wrong_value_is_not_called_detached():
    """Where the value is wrong, whether a gradient reaches the inputs was perhaps not even asked."""
    problem = _problem(formula=lambda x: {"value": x.sum(), "gradient:x": np.ones(x.shape)}, misconceptions=())
    assert "generic:detached" not in _ids(_judge(lambda x: x.sum() + x.size, problem))


def test_a_wrong_formula_that_is_right_here_explains_no_failure():
    """A value that is right, and something else that is not: what gives the same value did not cause it."""
    problem = _problem(
        formula=lambda x: {"value": x.sum(), "gradient:x": np.ones(x.shape)},
        misconceptions=(Misconception("same-here", "Not what was done.", (lambda x: {"value": x.sum()},)),),
    )
    assert "same-here" not in _ids(_judge(np.sum, problem))


def test_the_misconception_that_explains_most_wins():
    both = (
        Misconception("partly", "Explains the failing cases only.", (lambda x: x.sum() if x[0] > 0 else -x.sum(),)),
        Misconception("fully", "Explains all.", (lambda x: np.abs(x).sum(),)),
    )
    problem = _problem(misconceptions=both)
    assert _ids(_judge(lambda x: np.abs(x).sum(), problem)) == ["generic:sign"], "no case tells the two apart"
    worse = (Misconception("partly", "", (lambda x: np.abs(x).sum() if x[0] < 0 else 0.0,)), both[1])
    assert _ids(_judge(lambda x: np.abs(x).sum(), _problem(misconceptions=worse))) == ["fully"]


def test_different_failures_of_one_criterion_are_told_by_the_worst():
    def sometimes(x):
        if len(x) > 2:
            return np.zeros((2, 2))
        return np.nan

    verdict = _judge(sometimes)
    assert verdict.points == 0.0
    assert _ids(verdict)[0] == "generic:shape"
    assert "In 1 of the 2 cases that fail: the result" in verdict.diagnoses[0].message.replace("The", "the")


def test_cases_that_were_not_observed_fail():
    problem = _problem()
    cases = problem.make_cases(np.random.default_rng(0))
    seen = [Observation("large", "ok", {"value": LARGE.sum()}), Observation("invented", "ok", {"value": np.ones(1)})]
    verdict = assess(problem, cases, seen)
    assert verdict.points == 0.0
    assert "nothing was recorded" in verdict.diagnoses[0].message
    assert assess(problem, cases, []).points == 0.0


def test_changed_inputs_cost_the_criterion_that_the_problem_names():
    verdict = _judge(np.sum, _problem(pure="sign"), changes=("value:x",))
    assert verdict.points == 2.0
    assert _ids(verdict) == ["mutates-input"]
    assert _judge(np.sum, changes=("value:x",)).points == 1.0, "the first, where the problem names none"


@pytest.mark.parametrize(("answer", "told"), [(np.sum, True), (lambda x: 7.5 * x.size, False)])
def test_a_graph_behind_an_output_is_told_where_the_output_is_right(answer, told):
    """Where two results come back in the wrong order, the graph belongs to the other one."""

    def cases(rng):
        yield from (Case(case.name, case.inputs, {"constants": ["value"]}, case.criterion) for case in _cases(rng))

    verdict = _judge(answer, _problem(cases=cases, misconceptions=()), changes=("graph:value",))
    assert ("left-changed" in _ids(verdict)) is told


def test_a_graph_is_not_told_where_the_judge_looks_at_another_output():
    def cases(rng):
        yield Case("small", {"x": SMALL}, {"constants": ["value"]}, "value")

    problem = _problem(cases=cases, misconceptions=(), compare=lambda observed, expected, case: True)
    assert "left-changed" in _ids(_judge(np.sum, problem, changes=("graph:value",)))
    assert "left-changed" not in _ids(_judge(lambda x: 7.5 * x.size, problem, changes=("graph:value",)))


@pytest.mark.parametrize(("swap", "told"), [(True, "generic:exchanged"), (False, "generic:sign")])
def test_results_in_another_order_are_told(swap, told):
    def formula(x):
        return {"first": x.sum(), "second": x.prod() + 50}

    problem = _problem(formula=formula, misconceptions=())
    cases = problem.make_cases(np.random.default_rng(0))
    right = [list(formula(case.inputs["x"]).values()) for case in cases]
    given = [pair[::-1] if swap else [-pair[0], pair[1]] for pair in right]
    outputs = [{"first": np.asarray(a), "second": np.asarray(b)} for a, b in given]
    seen = [Observation(case.name, "ok", output) for case, output in zip(cases, outputs, strict=True)]
    assert told in _ids(assess(problem, cases, seen))


def test_leaving_the_inputs_alone_is_worth_nothing_by_itself():
    criteria = (Criterion("value", "the total", 2), Criterion("untouched", "x is afterwards what it was", 1))
    cases = [Case("small", {"x": SMALL}, criterion="value"), Case("large", {"x": LARGE}, criterion="value")]
    problem = _problem(pure="untouched", criteria=criteria, cases=lambda rng: cases)
    assert _judge(np.sum, problem).points == 3.0
    assert _judge(np.sum, problem, changes=("value:x",)).points == 2.0
    assert _judge(lambda x: np.nan, problem).points == 0.0
    assert _judge(Observation("", "error", {}, "ZeroDivisionError"), problem).points == 0.0


def test_the_smallest_failing_case_is_the_example():
    verdict = _judge(np.mean)
    assert verdict.example.name == "small"
    assert verdict.example.inputs == "x=[1., 2.]"
    assert verdict.example.expected == "3."
    assert verdict.example.got == "1.5"


def test_hidden_cases_are_tried_when_grading_only():
    problem = _problem()
    names = [[case.name for case in problem.make_cases(np.random.default_rng(0), hidden)] for hidden in (False, True)]
    assert "secret" not in names[0]
    assert "secret" in names[1]


def test_not_attempted_and_unreadable_are_blank():
    verdict = _judge(Observation("", "not-attempted"))
    assert (verdict.status, verdict.points, verdict.possible) == ("not-attempted", 0.0, 3.0)
    damaged = blank(_problem(), "unreadable", "the file is damaged")
    assert damaged.diagnoses[0].message == "the file is damaged"
    assert "could not be read" in report.text(damaged)


def test_a_long_error_is_cut():
    verdict = _judge(Observation("", "error", error="ValueError: " + "x" * 2000))
    assert len(verdict.diagnoses[0].message) < 500
    assert len(verdict.example.got) <= 400


def test_braces_in_an_error_do_no_harm():
    assert "{x}" in _judge(Observation("", "error", error="KeyError: {x}")).diagnoses[0].message


def test_feedback_shows_an_example_of_public_cases_only():
    problem = _problem()
    secret = problem.make_cases(np.random.default_rng(0), hidden=True)
    public = [Case("public: small", {"x": SMALL}, criterion="value")]
    seen = [_observe(case, np.mean, ()) for case in (*secret, *public)]
    verdict = assess(problem, secret, seen, public)
    assert verdict.example.name == "public: small"
    for shown in (report.text(verdict), report.html(verdict)):
        assert "expected: 3." in shown
        assert "Averaged." in shown
    assert json.loads(json.dumps(verdict.as_dict()))["points"] == 0.0
    assert assess(problem, secret, seen[: len(secret)], public).example is None
    assert assess(problem, secret, seen, []).example is None


def test_public_cases_decide_no_points():
    problem = _problem()
    secret = problem.make_cases(np.random.default_rng(0), hidden=True)
    public = [Case("public: small", {"x": SMALL}, criterion="value")]
    seen = [*(_observe(case, np.sum, ()) for case in secret), Observation("public: small", "error", error="once")]
    assert assess(problem, secret, seen, public).points == 3.0


def test_html_escapes_what_the_student_wrote():
    verdict = _judge(Observation("", "error", error="<script>alert(1)</script>"))
    assert "<script>" not in report.html(verdict)
    assert "&lt;script&gt;" in report.html(verdict)


def test_marks_are_more_than_colours():
    assert "✗" in report.html(_judge(np.mean))
    assert "✓" in report.html(_judge(np.sum))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"criteria": ()}, "distinct ids"),
        ({"criteria": (Criterion("a", "", 1), Criterion("a", "", 1))}, "distinct ids"),
        ({"pure": "nothing"}, "none of its criteria"),
    ],
)
def test_problems_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        _problem(**changes)


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        (lambda rng: [Case("a", {}, criterion="value"), Case("a", {}, criterion="value")], "one name"),
        (lambda rng: [Case("a", {}, criterion="other")], "unknown criteria"),
    ],
)
def test_cases_that_do_not_fit_are_refused(cases, message):
    with pytest.raises(ValueError, match=message):
        _problem(cases=cases).make_cases(np.random.default_rng(0))


def test_the_request_tells_nothing_of_the_judgement():
    """Neither criteria, nor formulas, nor tolerances go into the sandbox."""
    problem = registry.find("ps01.kl")
    request = problem.request(problem.make_cases(np.random.default_rng(0), hidden=True))
    assert {type(sample).__name__ for sample in request.samples} == {"Sample"}
    assert not {"criterion", "hidden", "rtol", "expected"} & set(vars(request.samples[0]))


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (np.array(1.0), np.array([[1.0]]), True),
        (np.array([1.0, 2.0]), np.array([[1.0, 2.0]]), False),
        (np.array([1.0, 2.0]), np.array([[1.0], [2.0]]), False),
        (np.array([]), np.array([]), True),
        (np.array(1.0 + 5e-6), np.array(1.0), True),
        (np.array(1.0 + 5e-5), np.array(1.0), False),
        (np.array(np.inf), np.array(np.inf), True),
        (np.array(-np.inf), np.array(np.inf), False),
        (np.array(1e308), np.array(np.inf), False),
        (np.array(np.nan), np.array(np.nan), False),
        (np.array(True), np.array(1), True),
        (np.array(np.float32(0.1)), np.array(0.1), True),
    ],
)
def test_closeness(a, b, same):
    assert close(a, b, Case("c", {})) is same


FORGED = (np.zeros((0,)), np.zeros((2, 0, 3)), np.array(True), np.full(7, 2**62), np.full(3, np.inf))


@pytest.mark.parametrize("key", registry.keys(""))
def test_no_forged_array_stops_the_judge(key):
    problem = registry.find(key)
    cases = problem.make_cases(np.random.default_rng(3), hidden=True)
    given = [made for value in FORGED for made in ({"value": value}, {"value": value, "gradient:x": value})]
    for outputs in (*given, {"other": FORGED[0]}, {}):
        verdict = assess(problem, cases, [Observation(case.name, "ok", outputs) for case in cases])
        assert 0 <= verdict.points < verdict.possible, outputs
        assert report.html(verdict)


def test_a_comparison_that_stumbles_refuses():
    problem = _problem(compare=lambda observed, expected, case: observed["missing"] is None)
    assert _judge(np.sum, problem).points == 0.0


def test_formulas_cannot_change_the_cases():
    def spoil(x):
        total = x.sum()
        x *= 0
        return total

    problem = _problem(formula=spoil)
    (case, *_) = problem.make_cases(np.random.default_rng(0))
    assert float(problem.reference(case)["value"]) == float(problem.reference(case)["value"]) == LARGE.sum()


def test_a_comparison_of_its_own():
    problem = _problem(compare=lambda observed, expected, case: bool(observed["value"] > expected["value"]))
    assert _judge(lambda x: x.sum() + 1, problem).points == 3.0


@pytest.mark.parametrize("key", registry.keys())
@pytest.mark.parametrize("seed", range(4))
def test_no_misconception_is_right(key, seed):
    """A wrong formula that no case tells from the right one would never be met."""
    problem = registry.find(key)
    cases = problem.make_cases(np.random.default_rng(seed), hidden=True)
    from wgan_grader.problem import as_outputs

    for misconception in problem.misconceptions:
        for formula in misconception.formulas:
            assert not all(_agrees(as_outputs, formula, problem, case) for case in cases), misconception.id


def _agrees(as_outputs, formula, problem, case):
    try:
        return problem.judge(as_outputs(formula, case), problem.reference(case), case)
    except Exception:
        return False


@pytest.mark.parametrize("key", registry.keys())
def test_messages_teach(key):
    problem = registry.find(key)
    ids = [misconception.id for misconception in problem.misconceptions]
    assert len(set(ids)) == len(ids) >= 6
    for misconception in problem.misconceptions:
        assert 30 <= len(misconception.message) <= 400
        assert misconception.message.rstrip().endswith((".", ")"))


def test_keys_and_unknown_keys():
    assert registry.keys("ps01") == sorted(set(registry.keys("")) & set(registry.keys("ps01")))
    assert registry.keys("ps98") == []
    assert len(registry.keys("ps01")) == 8
    with pytest.raises(registry.UnknownProblemError, match=r"Did you mean ps01\.kl"):
        registry.find("ps01.KL")


def _noted(message):
    return report.html(Verdict("x.y", "", "graded", (), left=Diagnosis("note", message)))


def test_words_between_asterisks_are_stressed():
    assert "by rising <em>or</em> by falling" in _noted("by rising *or* by falling")
    assert "<em>all</em> of it, <em>each time</em>." in _noted("*all* of it, *each time*.")


@pytest.mark.parametrize("message", ["x * y * z", "2**k and 3**k", "a*b*c", "one * alone", "f(*args, **kwargs)"])
def test_other_asterisks_stay(message):
    assert "<em>" not in _noted(message)
    assert message in _noted(message)


def test_stress_does_not_let_markup_through():
    assert "<b>" not in _noted("*<b>bold</b>*")
    assert "<script>" not in _noted("*<script>*alert(1)*</script>*")


def _luminance(colour):
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


@pytest.mark.parametrize("ground", ["#ffffff", "#f5f5f5", "#111111", "#212121"])
@pytest.mark.parametrize("mark", ["✓", "✗"])
def test_marks_are_seen_on_light_and_dark_notebooks(mark, ground):
    low, high = sorted([_luminance(report.COLOURS[mark]), _luminance(ground)])
    assert (high + 0.05) / (low + 0.05) >= 3


def test_long_messages_and_long_words_stay_inside_the_table():
    """A name of a hundred letters breaks; points stay on one line."""
    page = report.html(_judge(Observation("", "error", error="ValueError: " + "x" * 300)))
    cells = [piece.split(">")[0] for piece in page.split("<td")[1:]]
    notes = [piece.split(">")[0] for piece in page.split("<p")[1:]]
    assert cells
    assert len(notes) == 2
    assert all("overflow-wrap:anywhere" in style for style in cells + notes)
    assert all("white-space:nowrap" in style for style in cells[2::3])
