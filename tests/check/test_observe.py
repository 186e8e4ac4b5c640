"""The half that meets the student's code: what it copies, what it refuses, and what it survives."""

import functools
import importlib
import signal
import sys
import threading
import time

import numpy as np
import pytest
import torch

from wgan_course.check import limits, observe
from wgan_course.check.exchange import MAX_ELEMENTS, Request, Sample
from wgan_course.check.observe import UnusableError, call, observe_all, plain

X = np.array([1.0, -2.0, 3.0])


def _see(function, inputs=None, limit=5.0, options=None, **kwargs):
    sample = Sample("only", {"x": X} if inputs is None else inputs, options or {})
    (seen,) = observe_all(function, Request("ps01.demo", (sample,), limit=limit, **kwargs))
    return seen


class Liar(torch.Tensor):
    """A tensor that answers every question itself."""

    @property
    def shape(self):
        return torch.Size([])

    def __eq__(self, other):
        return True

    __hash__ = None

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return 1.0


class LyingArray(np.ndarray):
    """An array that claims to be equal to everything."""

    def __eq__(self, other):
        return True

    __hash__ = None


class Number(float):
    """A float of one's own."""


class Convertible:
    """Not an array, but willing."""

    def __array__(self, *args, **kwargs):
        return np.zeros(3)

    def __float__(self):
        return 0.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2, 2),
        (2.5, 2.5),
        (True, True),
        (torch.tensor(2.5), 2.5),
        (torch.tensor([1, 2]), [1, 2]),
        (torch.tensor([1.5], dtype=torch.bfloat16), [1.5]),
        (torch.tensor([1.5], dtype=torch.float16), [1.5]),
        (torch.nn.Parameter(torch.ones(2)), [1.0, 1.0]),
        (torch.ones(2, requires_grad=True) * 2, [2.0, 2.0]),
        (torch.arange(6.0).reshape(2, 3).T, [[0, 3], [1, 4], [2, 5]]),
        (np.float32(0.5), 0.5),
        (np.array([1, 2], dtype=np.uint8), [1, 2]),
        (np.bool_(True), True),
        ([1.0, 2.0], [1.0, 2.0]),
        ([[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ((torch.tensor(1.0), 2.0), [1.0, 2.0]),
        ([], []),
    ],
)
def test_plain_takes_numbers_of_every_usual_kind(value, expected):
    found = plain(value)
    assert type(found) is np.ndarray
    assert found.dtype in (np.float32, np.float64, np.int64, np.bool_)
    np.testing.assert_array_equal(found, np.array(expected))


@pytest.mark.parametrize(
    "value",
    [
        None,
        "1.0",
        {"value": 1.0},
        {1.0},
        1 + 2j,
        object(),
        torch.tensor(1j),
        np.array(["a"]),
        np.array([None]),
        torch.ones(2).to_sparse(),
        torch.ones(2, device="meta"),
        Number(1.0),
        Convertible(),
        torch.ones(3).as_subclass(Liar),
        np.ones(3).view(LyingArray),
        [[1.0], [1.0, 2.0]],
        [1.0, "a"],
        iter([1.0]),
        10**30,
    ],
    ids=lambda value: type(value).__name__,
)
def test_everything_else_is_unusable_and_says_so(value):
    seen = _see(lambda x: value)
    assert seen.status in ("unusable", "error")
    assert seen.error


def test_none_asks_for_the_return_statement():
    with pytest.raises(UnusableError, match="return statement"):
        plain(None)


@pytest.mark.parametrize(
    "make",
    [lambda: torch.zeros(MAX_ELEMENTS + 1), lambda: np.zeros(MAX_ELEMENTS + 1), lambda: torch.zeros(1).expand(10**12)],
)
def test_huge_results_are_refused_before_they_are_copied(make):
    assert "at most" in _see(lambda x: make()).error


def test_a_view_that_changes_later_was_copied():
    kept = torch.ones(3)
    copy = plain(kept)
    kept.zero_()
    np.testing.assert_array_equal(copy, np.ones(3))


def test_inputs_are_fresh_for_every_call_and_changes_are_noted():
    for _ in range(2):
        seen = _see(lambda x: x.mul_(2).sum())
        assert "value:x" in seen.changes
        assert float(seen.outputs["value"]) == 4.0
    np.testing.assert_array_equal(X, [1.0, -2.0, 3.0])


def test_resized_inputs_count_as_changed():
    assert _see(lambda x: float(x.resize_(1).sum())).changes == ("value:x",)


def test_nan_in_an_input_is_not_taken_for_a_change():
    assert _see(lambda x: 1.0, {"x": np.array([np.nan, 1.0])}).changes == ()


def test_lists_are_handed_over_as_copies_that_the_judge_does_not_share():
    widths = [3, 2, 1]
    inputs = {"widths": widths}
    assert _see(lambda widths: float(len(widths) + widths.pop() + widths.pop()), inputs).outputs["value"] == 6
    assert widths == [3, 2, 1]


def test_arguments_come_in_order_with_scalars_as_they_are():
    seen = _see(lambda a, b, c: [float(a.sum()), b, float(c)], {"zz": X, "a": 2.0, "m": np.float64(3)})
    np.testing.assert_array_equal(seen.outputs["value"], [2.0, 2.0, 3.0])


def test_numpy_framework():
    seen = _see(lambda x: float(type(x) is np.ndarray), options={"framework": "numpy"})
    assert seen.outputs["value"] == 1.0


def test_gradients_against_the_closed_form():
    seen = _see(lambda x: (x**3).sum(), options={"gradients": ["x"]})
    np.testing.assert_allclose(seen.outputs["gradient:x"], 3 * X**2)


def test_detached_results_have_no_gradient():
    for function in (lambda x: (x**2).sum().detach(), lambda x: float((x**2).sum())):
        seen = _see(function, options={"gradients": ["x"]})
        assert seen.status == "ok"
        assert "gradient:x" not in seen.outputs


def test_tuples_are_named():
    seen = _see(lambda x: (x.sum(), x * 2), options={"outputs": ["total", "twice"]})
    assert float(seen.outputs["total"]) == 2.0
    np.testing.assert_array_equal(seen.outputs["twice"], 2 * X)
    wrong = _see(lambda x: x.sum(), options={"outputs": ["total", "twice"]})
    assert wrong.status == "unusable"
    assert "total, twice" in wrong.error


def test_values_after_the_call():
    seen = _see(lambda x: x.clamp_(-1, 1), options={"after": ["x"]})
    np.testing.assert_array_equal(seen.outputs["after:x"], [1.0, -1.0, 1.0])


def test_returned_functions_are_evaluated():
    inputs = {"slope": 3.0, "points": X}
    seen = _see(lambda slope: lambda x: slope * x, inputs, options={"evaluate_at": "points"})
    np.testing.assert_array_equal(seen.outputs["value"], 3 * X)
    assert _see(lambda slope: 1.0, inputs, options={"evaluate_at": "points"}).status == "unusable"


def _critic():
    weights = {"critic.w": np.array([[1.0, 2.0], [3.0, 4.0]]), "critic.b": np.array([0.5, -0.5])}
    options = {"modules": {"critic": [["linear", "w", "b"], ["tanh"]]}, "gradients": ["critic.w"]}
    return weights | {"x": np.array([[1.0, -1.0], [0.5, 0.0]])}, options


def test_modules_take_the_place_of_their_tensors():
    inputs, options = _critic()
    seen = _see(lambda critic, x: critic(x).sum(), inputs, options=options)
    out = np.tanh(inputs["x"] @ inputs["critic.w"].T + inputs["critic.b"])
    np.testing.assert_allclose(float(seen.outputs["value"]), out.sum())
    np.testing.assert_allclose(seen.outputs["gradient:critic.w"], (1 - out**2).T @ inputs["x"])


def test_changes_of_a_modules_weights_are_seen():
    inputs, options = _critic()

    def clip(critic, x):
        with torch.no_grad():
            for weight in critic.parameters():
                weight.clamp_(-1, 1)
        return 0.0

    seen = _see(clip, inputs, options={"modules": options["modules"], "after": ["critic.w", "critic.b"]})
    np.testing.assert_array_equal(seen.outputs["after:critic.w"], np.ones((2, 2)))
    assert seen.changes == ("value:critic",)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("no"), "error"),
        (SystemExit(0), "error"),
        (KeyboardInterrupt(), "error"),
        (GeneratorExit(), "error"),
        (MemoryError(), "error"),
        (NotImplementedError(), "not-attempted"),
        (BaseException("bare"), "error"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_exceptions_of_every_kind_are_survived(error, status):
    def raises(x):
        if len(x):
            raise error

    assert _see(raises).status == status


def test_exceptions_that_cannot_be_shown():
    class RudeError(Exception):
        def __str__(self):
            raise SystemExit

    def raises(x):
        x.sum()
        raise RudeError

    assert "cannot be shown" in _see(raises).error


@pytest.fixture
def slow_module(tmp_path, monkeypatch):
    """Name of a module whose import takes a second."""
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(1.0)\nTWO = 2.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "slow_to_import"
    sys.modules.pop("slow_to_import", None)


def test_an_import_is_not_interrupted(slow_module):
    seen = _see(lambda x: importlib.import_module(slow_module).TWO, limit=0.2)
    assert (seen.status, float(seen.outputs["value"])) == ("ok", 2.0)


def test_after_an_import_the_time_begins_anew_and_ends(slow_module):
    def endless(x):
        importlib.import_module(slow_module)
        while True:
            pass

    assert _see(endless, limit=0.2).status == "timeout"


def test_an_import_without_end_is_interrupted(slow_module, monkeypatch):
    monkeypatch.setattr(limits, "IMPORTS", 0.2)
    assert _see(lambda x: importlib.import_module(slow_module).TWO, limit=0.2).status == "timeout"


def test_endless_recursion_is_survived():
    def recurse(x):
        return recurse(x) + 1

    assert "RecursionError" in _see(recurse).error


@pytest.mark.parametrize("swallow", [False, True])
def test_endless_loops_are_stopped(swallow):
    def loop(x):
        while True:
            try:
                x.sum()
            except BaseException:
                if not swallow:
                    raise

    assert _see(loop, limit=0.3).status == "timeout"


def test_a_slow_function_uses_up_its_budget_and_no_more():
    samples = tuple(Sample(str(index), {"x": X}) for index in range(40))
    found = observe_all(lambda x: time.sleep(60), Request("ps01.demo", samples, limit=0.1))
    assert [seen.status for seen in found] == ["timeout"] * 40
    assert sum("no time was left" in seen.error for seen in found) >= 30


def test_the_alarm_is_handed_back():
    before = signal.getsignal(signal.SIGALRM)
    _see(lambda x: x.sum())
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0.0


def _in_another_thread(function, limit=5.0, **kwargs):
    found = []
    work = threading.Thread(target=lambda: found.append(_see(function, limit=limit, **kwargs)))
    work.start()
    work.join(30)
    return found[0]


def test_outside_the_main_thread_a_loop_is_stopped_and_nothing_stays_shut():
    from wgan_course.divergences import kl

    before, turns = sys.stdout, []

    def loop(x):
        while True:
            turns.append(1)
            time.sleep(0.001)

    assert _in_another_thread(loop, limit=0.2, guards=("wgan_course.divergences.kl",)).status == "timeout"
    assert sys.stdout is before
    assert float(kl(torch.tensor([0.5, 0.5]), torch.tensor([0.5, 0.5]))) == 0.0
    time.sleep(0.2)
    so_far = len(turns)
    time.sleep(0.2)
    assert len(turns) == so_far, "the thread goes on"


def test_outside_the_main_thread_errors_arrive():
    assert "ValueError" in _in_another_thread(lambda x: int("no")).error


def test_outside_the_main_thread_a_result_arrives():
    assert float(_in_another_thread(lambda x: x.sum()).outputs["value"]) == 2.0


def test_prints_and_warnings_are_swallowed(capfd):
    def chatty(x):
        import warnings

        warnings.warn("careful", stacklevel=1)
        sys.stderr.write("noise")
        for _ in range(10_000):
            print("noise")
        return x.sum()

    assert _see(chatty).status == "ok"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("function", [5, "kl", [], torch.ones(1)])
def test_what_is_no_function(function):
    seen = _see(function)
    assert seen.status == "unusable"
    assert "a function was expected" in seen.error


def test_stubs_and_nothing_are_not_attempted():
    def stub(x):
        raise NotImplementedError("write me")

    assert _see(stub).status == "not-attempted"
    assert _see(None).status == "not-attempted"


def test_callables_of_other_kinds_are_fine():
    class Sum:
        def __call__(self, x):
            return x.sum()

    for function in (Sum(), Sum().__call__, torch.sum, functools.partial(torch.sum)):
        assert float(_see(function).outputs["value"]) == 2.0


def test_functions_with_other_signatures_are_told():
    assert "TypeError" in _see(lambda: 1.0).error
    assert float(_see(lambda x, scale=2.0: x.sum() * scale).outputs["value"]) == 4.0


def test_the_packages_own_function_is_refused_even_if_the_error_is_swallowed():
    from wgan_course.divergences import kl

    def cheat(x):
        try:
            return kl(x, x)
        except Exception:
            return torch.tensor(0.0)

    seen = _see(cheat, {"x": np.array([0.5, 0.5])}, guards=("wgan_course.divergences.kl",))
    assert seen.status == "refused"
    assert "the package's own kl" in seen.error


def test_default_types_set_by_the_student_do_not_change_inputs():
    torch.set_default_dtype(torch.float16)
    try:
        assert _see(lambda x: float(x.dtype is torch.float64)).outputs["value"] == 1.0
    finally:
        torch.set_default_dtype(torch.float32)


def test_call_is_the_default_observer():
    assert Request("k", ()).observer == f"{observe.__name__}.{call.__name__}"
