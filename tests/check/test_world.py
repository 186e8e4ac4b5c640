"""What a function left changed is seen, said by name, and put back."""

import random
import warnings

import numpy as np
import pytest
import torch

from wgan_course.check import world
from wgan_course.check.exchange import Request, Sample
from wgan_course.check.observe import observe_all

X = np.array([[1.0, -2.0], [3.0, 4.0], [0.5, 0.0]])
CRITIC = {"critic.w": np.array([[1.0, 2.0]]), "critic.b": np.array([0.5]), "x": X}
LAYERS = {"modules": {"critic": [["linear", "w", "b"], ["tanh"]]}}


def see(function, inputs=None, options=None, limit=5.0):
    sample = Sample("only", {"x": X} if inputs is None else inputs, options or {})
    (seen,) = observe_all(function, Request("ps01.demo", (sample,), limit=limit))
    return seen


def told(function, **kwargs):
    seen = see(function, **kwargs)
    assert seen.status == "ok", seen.error
    return set(seen.changes)


def with_critic(change):
    """Codes of a function of a critic and a batch that does something to them."""

    def function(critic, x):
        change(critic, x)
        return 0.0

    return told(function, inputs=CRITIC, options=LAYERS)


def test_a_function_that_only_reads_changes_nothing():
    assert told(lambda x: (x * 2).sum()) == set()
    assert with_critic(lambda critic, x: torch.autograd.grad(critic(x).sum(), critic[0].weight)) == set()
    assert with_critic(lambda critic, x: critic.eval() and critic.train()) == set()


ARGUMENTS = {
    "value": lambda x: x.mul_(2),
    "requires-grad": lambda x: x.requires_grad_(),
    "grad": lambda x: setattr(x, "grad", torch.ones_like(x)),
    "hooks": lambda x: x.requires_grad_().register_hook(lambda g: g),
}


@pytest.mark.parametrize("aspect", ARGUMENTS)
def test_a_changed_tensor(aspect):
    def function(x):
        ARGUMENTS[aspect](x)
        return 0.0

    assert f"{aspect}:x" in told(function)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.resize_(1),
        lambda x: setattr(x, "data", x.data.float()),
        lambda x: x.copy_(x.flip(0).clone()),
        lambda x: x[0, 0].fill_(float("nan")),
        lambda x: x.t_(),
    ],
)
def test_shape_type_and_order_belong_to_the_value(change):
    def function(x):
        change(x)
        return 0.0

    assert told(function) == {"value:x"}


def test_lists_and_numpy_arrays_are_arguments_too():
    assert told(lambda widths: float(widths.pop()), inputs={"widths": [3, 2]}) == {"value:widths"}

    def fill(x):
        x[0] = 0.0
        return 0.0

    assert told(fill, options={"framework": "numpy"}) == {"value:x"}


def frozen(critic, x):
    for parameter in critic.parameters():
        parameter.requires_grad_(False)


def replaced(critic, x):
    critic[0].weight = torch.nn.Parameter(critic[0].weight.detach().clamp(-1, 1))


def clipped(critic, x):
    with torch.no_grad():
        critic[0].weight.clamp_(-1, 1)


MODULES = {
    "eval-mode:critic": lambda critic, x: critic.eval(),
    "frozen:critic": frozen,
    "replaced:critic": replaced,
    "value:critic": clipped,
    "grad:critic": lambda critic, x: critic(x).sum().backward(),
    "hooks:critic": lambda critic, x: critic[1].register_forward_hook(lambda *_: None),
    "layers:critic": lambda critic, x: critic.append(torch.nn.ReLU()),
    "buffers:critic": lambda critic, x: critic.register_buffer("mean", x.mean(0)),
}


@pytest.mark.parametrize("code", MODULES)
def test_a_changed_module(code):
    assert with_critic(MODULES[code]) == {code}


def test_a_frozen_parameter_that_comes_back_trainable():
    def function(critic, x):
        critic.requires_grad_(True)
        return 0.0

    assert told(function, inputs=CRITIC, options=LAYERS | {"frozen": ["critic"]}) == {"thawed:critic"}
    assert told(function, inputs=CRITIC, options=LAYERS) == set()


def test_backward_hooks_and_hooks_of_parameters_are_seen():
    kinds = ("register_forward_pre_hook", "register_full_backward_hook", "register_state_dict_pre_hook")
    for kind in kinds:
        assert with_critic(lambda critic, x, kind=kind: getattr(critic[0], kind)(lambda *_: None)) == {"hooks:critic"}
    assert with_critic(lambda critic, x: critic[0].weight.register_hook(lambda g: g)) == {"hooks:critic"}


def test_hooks_that_are_removed_leave_nothing():
    assert with_critic(lambda critic, x: critic[0].register_forward_hook(lambda *_: None).remove()) == set()
    assert with_critic(lambda critic, x: critic[0].weight.register_hook(lambda g: g).remove()) == set()


def flushed(errors):
    np.seterr(all=errors)


SHARED = {
    "grad-mode": lambda: torch.set_grad_enabled(False),
    "default-dtype": lambda: torch.set_default_dtype(torch.float64),
    "default-device": lambda: torch.set_default_device("meta"),
    "deterministic": lambda: torch.set_deterministic_debug_mode("warn"),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "global-hooks": lambda: torch.nn.modules.module.register_module_forward_hook(lambda *_: None),
    "seed": lambda: torch.manual_seed(123_456),
    "random-torch": lambda: torch.rand(1),
    "random-numpy": np.random.rand,
    "random-python": random.random,
    "numpy-errors": lambda: flushed("ignore"),
    "warnings": lambda: warnings.simplefilter("error"),
    "print-options": lambda: np.set_printoptions(precision=3),
}


def settings():
    """What every setting is, in a form that can be compared."""
    return {name: repr(get()) for name, (get, _) in world.SETTINGS.items()}


def test_every_setting_is_tried():
    assert SHARED.keys() == world.SETTINGS.keys()


@pytest.mark.parametrize("name", SHARED)
def test_a_changed_setting_is_told_and_put_back(name):
    def function(x):
        SHARED[name]()
        return 0.0

    before = settings()
    assert name in told(function)
    assert settings() == before


@pytest.mark.parametrize("name", SHARED)
def test_a_setting_is_put_back_after_an_error(name):
    def function(x):
        SHARED[name]()
        raise ValueError("after the change")

    before = settings()
    assert see(function).status == "error"
    assert settings() == before


def test_a_setting_is_put_back_after_an_endless_loop():
    def function(x):
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        while True:
            pass

    before = settings()
    assert see(function, limit=0.2).status == "timeout"
    assert settings() == before


def test_a_slip_in_one_case_does_not_reach_the_next():
    samples = tuple(Sample(str(i), {"x": X}, {"gradients": ["x"]}) for i in range(3))

    def function(x):
        result = (x**2).sum()
        torch.set_grad_enabled(False)
        return result

    found = observe_all(function, Request("ps01.demo", samples))
    assert all("gradient:x" in seen.outputs and seen.changes == ("graph:value", "grad-mode") for seen in found)


def test_gradients_that_an_earlier_cell_switched_off_are_on_while_a_function_is_observed():
    torch.set_grad_enabled(False)
    try:
        seen = see(lambda x: (x**2).sum(), options={"gradients": ["x"]})
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)
    np.testing.assert_allclose(seen.outputs["gradient:x"], 2 * X)
    assert "grad-mode" not in seen.changes


def test_random_numbers_come_out_the_same_in_every_case():
    samples = tuple(Sample(str(i), {"x": X}) for i in range(2))
    first, second = observe_all(lambda x: torch.rand(3), Request("ps01.demo", samples))
    np.testing.assert_array_equal(first.outputs["value"], second.outputs["value"])


def test_what_comes_back_may_carry_a_graph_or_be_an_argument():
    options = {"gradients": ["x"], "outputs": ["a", "b"]}
    assert told(lambda x: (x.sum(), x.detach().sum()), options=options) == {"graph:a"}
    assert told(lambda x: (x, x * 2)[0]) == {"alias:x"}
    assert told(lambda x: x[1:]) == {"alias:x"}


def test_what_a_returned_function_changes_is_seen():
    inputs = {"points": X, "at": X}
    options = {"evaluate_at": "at"}
    assert told(lambda points: lambda at: points.mul_(2).sum(), inputs=inputs, options=options) == {"value:points"}


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda critic, x: critic(x).sum(), ""),
        (lambda critic, x: backwards(critic(x).sum()), "gone back through it already"),
        (lambda critic, x: spoilt(critic(x).exp()), "changed in place after it was used"),
    ],
)
def test_why_no_gradient_can_be_had(function, reason):
    options = LAYERS | {"gradients": ["critic.w"]}
    seen = see(function, inputs=CRITIC, options=options)
    assert seen.status == "ok"
    assert ("gradient:critic.w" in seen.outputs) == (not reason)
    assert reason in seen.error


def backwards(loss):
    loss.backward()
    return loss


def spoilt(y):
    total = y.sum()
    y.data.mul_(1)
    y.mul_(2)
    return total


def test_a_frozen_critic_is_no_error_of_the_check():
    def function(critic, x):
        frozen(critic, x)
        return critic(x).sum()

    seen = see(function, inputs=CRITIC, options=LAYERS | {"gradients": ["critic.w"]})
    assert (seen.status, seen.error) == ("ok", "")
    assert "frozen:critic" in seen.changes


def test_in_another_thread_settings_are_put_back_too():
    import threading

    before, found = settings(), []

    def function(x):
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        return 0.0

    work = threading.Thread(target=lambda: found.append(see(function)))
    work.start()
    work.join(30)
    assert {"default-dtype", "grad-mode"} <= set(found[0].changes)
    assert settings() == before
