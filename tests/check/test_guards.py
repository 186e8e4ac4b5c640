"""While a function is observed, the package's own implementation refuses, however it is reached."""

import threading

import pytest
import torch

import wgan_course.divergences
from wgan_course.check import guards
from wgan_course.check.guards import PackageFunctionCalledError, guarded
from wgan_course.divergences import kl as alias
from wgan_grader import registry

KL = "wgan_course.divergences.kl"
P, Q = torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75])


@pytest.mark.parametrize("reach", [lambda: wgan_course.divergences.kl, lambda: alias], ids=["module", "alias"])
def test_refuses_and_is_restored(reach):
    before = float(reach()(P, Q))
    with guarded([KL]) as called, pytest.raises(PackageFunctionCalledError, match="kl refuses"):
        reach()(P, Q)
    assert called == ["kl"]
    assert float(reach()(P, Q)) == before


def test_a_swallowed_refusal_is_still_recorded():
    with guarded([KL]) as called:
        try:
            alias(P, Q)
        except Exception:
            alias.__name__  # noqa: B018
    assert called == ["kl"]


def test_restored_when_the_block_raises():
    with pytest.raises(KeyboardInterrupt), guarded([KL]):
        raise KeyboardInterrupt
    assert float(alias(P, Q)) > 0


def test_nested_guards_open_with_the_outermost():
    with guarded([KL]):
        with guarded([KL]):
            pass
        with pytest.raises(PackageFunctionCalledError):
            alias(P, Q)
    assert float(alias(P, Q)) > 0


def test_keyword_and_wrong_arguments_refuse_too():
    with guarded([KL]):
        for call in (lambda: alias(p=P, q=Q), alias, lambda: alias(P, Q, 1, x=2)):
            with pytest.raises(PackageFunctionCalledError):
                call()


def test_other_functions_of_the_package_go_on():
    with guarded([KL]):
        assert float(wgan_course.divergences.js(P, Q)) > 0


def test_a_class_refuses_in_all_its_methods():
    with guarded(["wgan_course.check.reference.Sealed"]), pytest.raises(PackageFunctionCalledError):
        guards.resolve("wgan_course.check.reference.Sealed")("ps01.kl", "")
    assert guards.resolve("wgan_course.check.reference.Sealed")("ps01.kl", "").key == "ps01.kl"


def test_threads_do_not_open_each_others_guards():
    inside, leave, seen = threading.Event(), threading.Event(), []

    def other():
        with guarded([KL]):
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    with guarded([KL]):
        pass
    try:
        alias(P, Q)
    except PackageFunctionCalledError:
        seen.append("refused")
    leave.set()
    thread.join()
    assert seen == ["refused"]
    assert float(alias(P, Q)) > 0


def test_unknown_names_are_ignored_but_do_not_resolve():
    with guarded(["wgan_course.divergences.no_such_function"]) as called:
        assert float(alias(P, Q)) > 0
    assert called == []
    with pytest.raises(ImportError, match="no_such_function"):
        guards.resolve("wgan_course.divergences.no_such_function")


@pytest.mark.parametrize("key", registry.keys())
def test_what_problems_name_is_there(key):
    problem = registry.find(key)
    for name in (*problem.package_functions, problem.observe, *([problem.stand_in] if problem.stand_in else [])):
        assert callable(guards.resolve(name)), name
