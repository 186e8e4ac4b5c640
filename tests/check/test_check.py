"""`check` itself: what it shows, what it returns, that it never raises, and what it does in a sandbox."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from wgan_course.check import check, exchange, observe, or_reference, report
from wgan_course.check.checking import OBSERVE_OUT
from wgan_course.check.reference import OBSERVE_IN, Sealed, is_stub
from wgan_grader import registry
from wgan_grader.own import public_seed
from wgan_grader.verdict import assess

KEYS = registry.keys()


def right(p, q):
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).nan_to_num(0.0, float("inf")).sum()


def stub(p, q):
    raise NotImplementedError("this exercise is still open")


def hostile(*args):
    os.environ["NOWHERE"]


class Rude:
    """Something that does not want to be called, shown, or compared."""

    def __call__(self, *args):
        raise SystemExit(3)

    def __repr__(self):
        raise RuntimeError

    def __eq__(self, other):
        raise RuntimeError

    __hash__ = None

    def __bool__(self):
        raise RuntimeError

    def __getattribute__(self, name):
        raise KeyboardInterrupt


def test_right_function_gets_full_marks_and_a_table(capsys):
    assert check("ps01.kl", right) == 3.0
    shown = capsys.readouterr().out
    assert "3 of 3 points" in shown
    assert shown.count("✓") == 3


def test_wrong_function_shows_misconception_and_smallest_failing_input(capsys):
    assert check("ps01.kl", lambda p, q: (p * (p / q).log2()).sum()) == 0.0
    shown = capsys.readouterr().out
    assert "in bits" in shown
    assert "smallest failing input: p=[0.5, 0.5], q=[0.25, 0.75]" in shown
    assert "expected: 0.143841" in shown


@pytest.mark.parametrize("function", [stub, None, Sealed("ps01.kl", "")], ids=["stub", "none", "sealed"])
def test_open_exercises_are_not_attempted(function, capsys):
    for key in KEYS:
        assert check(key, function) == 0.0, key
        assert "not attempted" in capsys.readouterr().out, key


WRONG = {
    "raises": hostile,
    "rude": Rude(),
    "rude class": Rude,
    "number": 5,
    "text": lambda *a: "full marks",
    "print": print,
    "exit": sys.exit,
    "type": type,
}


EVERYWHERE = ("raises", "rude", "text")
WHOLE = set({registry.find(key).observe: key for key in KEYS}.values())  # one of each observer, which is what calls


@pytest.mark.parametrize("key", KEYS)
def test_never_raises_and_gives_nothing(key, capsys):
    for name in WRONG if key in WHOLE else EVERYWHERE:
        function = WRONG[name]
        assert check(key, function) == 0.0, name
        assert capsys.readouterr().out.lstrip("\r").startswith(key), name  # a slow machine shows its progress first


@pytest.mark.parametrize("key", ["ps01.k", "ps99.kl", "", "kl", None, 5, "../../etc", "ps01.", "rude"])
def test_unknown_keys_are_told(key, capsys):
    assert check(Rude() if key == "rude" else key, right) == 0.0
    assert "could not run" in capsys.readouterr().out


def test_unknown_key_names_the_nearest(capsys):
    check("ps01.optimal_discriminater", right)
    assert "Did you mean ps01.optimal_discriminator" in capsys.readouterr().out


@pytest.mark.parametrize("key", [key for key in KEYS if registry.find(key).package_functions])
def test_the_packages_own_function_earns_nothing_and_the_check_says_why(key, capsys):
    (function, *_) = observe.guards._functions(registry.find(key).package_functions[0])
    assert check(key, function) == 0.0
    assert "the package's own" in capsys.readouterr().out


@pytest.mark.parametrize("key", [key for key in KEYS if registry.find(key).stand_in])
def test_the_stand_in_is_right_on_every_input(key):
    """The package and the problem's own numpy formula are written apart, and agree."""
    problem = registry.find(key)
    function = observe.guards.resolve(problem.stand_in)
    cases = problem.make_cases(np.random.default_rng(5), hidden=True)
    request = problem.request(cases)
    open_request = exchange.Request(request.key, request.samples, observer=request.observer)
    verdict = assess(problem, cases, observe.observe_all(function, open_request))
    assert verdict.points == verdict.possible, verdict.example


def test_the_public_inputs_are_the_same_on_every_machine():
    assert public_seed("ps01.kl") == 3_856_311_181
    problem = registry.find("ps01.kl")
    first, second = (problem.make_cases(np.random.default_rng(public_seed("ps01.kl"))) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.inputs["p"], b.inputs["p"])


def test_or_reference_keeps_what_was_written_and_seals_the_rest():
    assert or_reference("ps01.kl", right) is right
    sealed = or_reference("ps01.kl", stub)
    p, q = torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75])
    assert float(sealed(p, q)) == pytest.approx(0.143841, abs=1e-6)
    assert "still open" in repr(sealed)
    assert or_reference("ps01.kl", sealed)(p, q) == sealed(p, q)
    assert type(or_reference("ps01.kl")) is Sealed


def test_a_sealed_reference_without_a_stand_in_says_so():
    with pytest.raises(NotImplementedError, match="still open"):
        or_reference("ps01.first_step_below", stub)([1.0], 0.5)
    with pytest.raises(NotImplementedError, match="still open"):
        or_reference("no.such_key", None)()


def test_a_sealed_reference_cannot_be_wrapped(capsys):
    sealed = or_reference("ps01.kl", None)
    assert check("ps01.kl", lambda p, q: 1.0 * sealed(p, q)) == 0.0
    assert "the package's own kl" in capsys.readouterr().out


def _documented(p):
    """Docstring."""
    raise NotImplementedError


def _written_above(p):
    if p is None:
        raise NotImplementedError
    return 1.0


def _left_below(p):
    return p
    raise NotImplementedError


def _other_error(p):
    raise ValueError("NotImplementedError")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (stub, True),
        (_documented, True),
        (_written_above, False),
        (_left_below, False),
        (_other_error, False),
        (lambda p: p, False),
        (len, False),
        (None, False),
    ],
)
def test_stubs_are_told_by_reading(function, expected):
    assert is_stub(function) is expected


def test_a_part_that_is_still_open_is_said(capsys):
    def half(p, q):
        if (q == 0).any():
            raise NotImplementedError
        return right(p, q)

    assert check("ps01.kl", half) == 1.0
    assert "still open" in capsys.readouterr().out


@pytest.fixture
def sandboxed(tmp_path, monkeypatch):
    """Folders as a grader's sandbox has them, with the request for one key in them."""
    folders = tmp_path / "in", tmp_path / "out"
    for folder in folders:
        folder.mkdir()
    problem = registry.find("ps01.kl")
    cases = problem.make_cases(np.random.default_rng(77), hidden=True)
    exchange.write_request(problem.request(cases), folders[0])
    monkeypatch.setenv(OBSERVE_IN, str(folders[0]))
    monkeypatch.setenv(OBSERVE_OUT, str(folders[1]))

    def judge():
        return assess(problem, cases, exchange.read_observations(folders[1], "ps01.kl"))

    return judge


def test_in_the_sandbox_check_only_records(sandboxed, capsys):
    assert check("ps01.kl", right) == 0.0
    assert capsys.readouterr().out == "ps01.kl: recorded\n"
    assert sandboxed().points == 3.0


def test_the_last_attempt_counts_and_an_open_one_does_not_undo_it(sandboxed):
    check("ps01.kl", lambda p, q: -1.0)
    check("ps01.kl", right)
    check("ps01.kl", stub)
    assert sandboxed().points == 3.0
    check("ps01.kl", lambda p, q: -1.0)
    assert sandboxed().points == 0.0


def test_an_open_exercise_is_recorded_as_such(sandboxed):
    check("ps01.kl", stub)
    assert sandboxed().status == "not-attempted"


def test_in_the_sandbox_an_unknown_key_records_nothing(sandboxed, capsys):
    assert check("ps01.js", right) == 0.0
    assert "could not run" in capsys.readouterr().out
    with pytest.raises(exchange.ExchangeError):
        sandboxed()


def test_in_the_sandbox_the_sealed_reference_comes_from_the_request(sandboxed):
    assert float(or_reference("ps01.kl", stub)(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.5]))) > 0


def test_the_sandbox_never_imports_the_judging_side(sandboxed):
    """The modules that the sandbox hides are not asked for: with them gone, recording works."""
    code = (
        "import sys\n"
        "sys.modules['wgan_grader'] = None\n"
        "from wgan_course.check import check, or_reference\n"
        "kl = or_reference('ps01.kl', lambda p, q: p.sum())\n"
        "check('ps01.kl', kl)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == "ps01.kl: recorded\n", done.stderr
    assert sandboxed().status == "graded"


class _Hook:
    def __init__(self, quiet):
        self.quiet, self.given = (lambda: quiet), []

    def __call__(self, result):
        self.given.append(result._repr_mimebundle_())


@pytest.mark.parametrize("quiet", [False, True])
def test_in_a_notebook_the_table_is_html(monkeypatch, quiet):
    IPython = pytest.importorskip("IPython")
    shown, hook = [], _Hook(quiet)
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=object(), displayhook=hook))
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    assert report.in_notebook()
    check("ps01.kl", lambda p, q: p)
    (data,) = hook.given + shown
    assert "<table" in data["text/html"]
    assert data["text/plain"].startswith("ps01.kl: 0 of 3 points" if quiet else "0.0")
