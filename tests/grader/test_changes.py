"""Which changes that a function leaves cost points, and what is said of them."""

import numpy as np
import pytest
import torch

from wgan_course.check import world
from wgan_course.check.exchange import Observation
from wgan_course.check.observe import observe_all
from wgan_grader import changes
from wgan_grader.problem import Case, Criterion, Problem
from wgan_grader.verdict import assess

CRITERIA = (Criterion("value", "the score", 2), Criterion("more", "of more", 1))
WEIGHTS = {"critic.w": np.array([[1.0, 2.0]]), "critic.b": np.array([0.5])}
LAYERS = {"modules": {"critic": [["linear", "w", "b"]]}}


def problem(**options):
    def cases(rng):
        for name, criterion in (("one", "value"), ("two", "more")):
            yield Case(name, WEIGHTS | {"x": rng.normal(size=(3, 2))}, LAYERS | options, criterion=criterion)

    def formula(w, b, x):
        return {"value": (x @ w.T + b).sum()}

    return Problem("ps00.score", "Score", CRITERIA, cases, formula)


def judged(function, **options):
    of = problem(**options)
    made = of.make_cases(np.random.default_rng(0))
    return assess(of, made, observe_all(function, of.request(made)))


def freeze(critic, x):
    critic.requires_grad_(False)


def left_off(critic, x):
    torch.set_grad_enabled(False)


def hooked(critic, x):
    critic[0].register_forward_hook(lambda *_: None)


TOLD = [
    (freeze, "it switched requires_grad off in critic"),
    (left_off, "it left gradients switched off for everybody"),
    (hooked, "it left hooks on critic"),
    (lambda critic, x: critic.eval(), "it left critic in evaluation mode"),
    (lambda critic, x: x.requires_grad_(), "it left requires_grad switched on in x"),
    (lambda critic, x: x.copy_(x.clone().flip(0)), "it changed x in place"),
    (lambda critic, x: torch.set_default_dtype(torch.float64), "it changed torch's default dtype"),
    (lambda critic, x: torch.manual_seed(1), "it set the seed"),
    (lambda critic, x: torch.set_grad_enabled(True), "called with gradients switched off, it left them switched on"),
    (lambda critic, x: torch.set_default_dtype(torch.float32), "called where float64 is torch's default dtype"),
]


@pytest.mark.parametrize(("change", "words"), TOLD)
def test_a_change_costs_the_first_criterion_and_is_named(change, words):
    def function(critic, x):
        score = critic(x).sum()
        change(critic, x)
        return score

    verdict = judged(function)
    assert verdict.points == 1.0
    (diagnosis,) = verdict.diagnoses
    assert words in diagnosis.message


@pytest.mark.parametrize(
    "change",
    [
        lambda critic, x: torch.rand(3),
        lambda critic, x: np.seterr(all="ignore"),
        lambda critic, x: torch.set_num_threads(torch.get_num_threads() + 1),
        lambda critic, x: critic(x).sum().backward(),
    ],
)
def test_what_changes_no_later_result_costs_nothing(change):
    def function(critic, x):
        change(critic, x)
        return critic(x).sum()

    assert judged(function).points == 3.0


def test_gradients_left_by_a_loss_cost_its_first_criterion():
    def function(critic, x):
        loss = critic(x).sum()
        loss.backward(retain_graph=True)
        return loss

    assert judged(function).points == 3.0
    assert judged(function, loss=True).points == 1.0


def test_a_change_is_named_beside_another_fault():
    def function(critic, x):
        critic.eval()
        return 2 * critic(x).sum()

    verdict = judged(function)
    assert verdict.points == 0.0
    assert [diagnosis.id for diagnosis in verdict.diagnoses][-1] == "left-changed"
    assert "evaluation mode" in verdict.diagnoses[-1].message


def test_a_slip_costs_nothing_elsewhere():
    judged(lambda critic, x: (critic(x).sum(), left_off(critic, x))[0])
    assert judged(lambda critic, x: critic(x).sum()).points == 3.0


def test_what_the_exercise_asks_for_is_allowed():
    def clip(critic, x):
        with torch.no_grad():
            critic[0].weight.clamp_(-1, 1)
        return 0.0

    case = Case("c", WEIGHTS, LAYERS | {"after": ["critic.w", "critic.b"]})
    assert changes.left(case, Observation("c", "ok", {}, "", ("value:critic",))) == []
    assert changes.left(case, Observation("c", "ok", {}, "", ("frozen:critic", "value:x"))) == [
        "frozen:critic",
        "value:x",
    ]
    lenient = Case("c", WEIGHTS, {"may_change": ["hooks", "eval-mode:critic"]})
    seen = Observation("c", "ok", {}, "", ("hooks:critic", "eval-mode:critic", "eval-mode:other"))
    assert changes.left(lenient, seen) == ["eval-mode:other"]


def test_graphs_count_where_constants_are_asked_for():
    seen = Observation("c", "ok", {}, "", ("graph:sigma", "graph:u"))
    assert changes.left(Case("c", {}), seen) == []
    assert changes.left(Case("c", {}, {"constants": ["u", "v"]}), seen) == ["graph:u"]


def test_a_function_that_gets_a_seed_may_set_it():
    seen = Observation("c", "ok", {}, "", ("seed",))
    assert changes.left(Case("c", {"seed": 3}), seen) == []
    assert changes.left(Case("c", {"x": 3}), seen) == ["seed"]


@pytest.mark.parametrize("code", ["", ":", "value", "nonsense", "nonsense:x", "grad-mode:x", "seed:", "x" * 100])
def test_forged_codes_do_no_harm(code):
    seen = Observation("c", "ok", {}, "", (code,))
    assert changes.message([code]) if changes.left(Case("c", {}), seen) else True


def test_every_code_that_costs_can_be_observed():
    parts = world._state(torch.nn.Linear(1, 1)).keys() | world._state(torch.ones(1)).keys()
    directions = {"mode": {"eval-mode", "train-mode"}, "trainable": {"frozen", "thawed"}}
    seen = set().union(*(directions.get(part, {part}) for part in parts)) | {"graph"}
    assert changes.ARGUMENTS.keys() == seen
    elsewhere = {f"{name}-elsewhere" for name in world.ELSEWHERE}
    assert changes.SHARED.keys() <= world.SETTINGS.keys() | elsewhere


def test_many_changes_are_summed_up():
    codes = ["value:x", "value:y", "hooks:critic", "seed", "grad-mode"]
    assert changes.message(codes).endswith("; and 2 more.")
    assert len(changes.message(codes)) < 400


def test_the_rule_fits_into_a_notebook():
    assert len(changes.RULE) < 400
