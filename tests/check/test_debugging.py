"""What a student needs to find a fault: own lines, prints, the very input, a stop button, and who is waited for."""

import os
import signal
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
import torch

from wgan_course.check import check, exchange, failing_input, limits, report
from wgan_course.check.exchange import Request, Sample
from wgan_course.check.frames import MAX_FRAMES
from wgan_course.check.limits import BUTTON, Stopwatch, run_within, time_limit
from wgan_course.check.observe import MAX_LINES, observe_all
from wgan_course.check.progress import Progress
from wgan_course.check.reference import OBSERVE_IN, or_reference
from wgan_grader import own, registry

KEYS = registry.keys()


def right(p, q):
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).nan_to_num(0.0, float("inf")).sum()


def helper(p):
    return torch.stack([p, torch.ones(len(p) + 1)])  # the fault


def see(function, **options):
    (seen,) = observe_all(function, Request("ps01.demo", (Sample("only", {"x": np.ones(2)}),), **options))
    return seen


def shown_for(key, function, capsys):
    check(key, function)
    return capsys.readouterr().out


def test_an_error_shows_the_own_lines_and_nobody_elses(capsys):
    shown = shown_for("ps01.kl", lambda p, q: helper(p), capsys)
    begun = helper.__code__.co_firstlineno
    assert f"test_debugging.py, line {begun + 1}, in helper" in shown
    assert "return torch.stack([p, torch.ones(len(p) + 1)])" in shown
    assert shown.count("stack expects each tensor to be equal size") == 1
    assert "site-packages" not in shown
    assert "observe.py" not in shown


def test_the_middle_of_a_long_way_is_left_out():
    def recurse(x):
        return recurse(x)

    trace = see(recurse).trace
    assert len(trace) == 2 * MAX_FRAMES + 1
    assert "more calls" in trace[MAX_FRAMES]


def test_a_trace_is_not_exchanged(tmp_path):
    exchange.write_observations("ps01.demo", [see(lambda x: print(x) or 1 / 0)], tmp_path)
    (read,) = exchange.read_observations(tmp_path, "ps01.demo")
    assert (read.error, read.trace, read.printed) == ("ZeroDivisionError: division by zero", (), "")


def test_prints_are_shown_and_what_is_cut_is_counted(capsys):
    def chatty(p, q):
        for number in range(500):
            print("number", number)
        return p.sum()

    shown = shown_for("ps01.kl", chatty, capsys)
    assert "number 0" in shown
    assert f"number {MAX_LINES}\n" not in shown
    assert f"… and {500 - MAX_LINES} more lines" in shown


def test_a_line_without_end_is_cut():
    assert len(see(lambda x: print("x" * 10**6) or x).printed) <= exchange.MAX_TEXT + 50


def test_prints_of_a_right_function_are_shown(capsys):
    assert "I am here" in shown_for("ps01.kl", lambda p, q: print("I am here") or right(p, q), capsys)


@pytest.mark.parametrize("key", KEYS)
def test_the_failing_input_repeats_the_call(key):
    """What the function is given is what `failing_input` returns: the same kinds, shapes and numbers."""
    given = []

    def remember(*args):
        given.append(args)
        raise ValueError

    check(key, remember)
    found = failing_input(key)
    assert found.kwargs == {}
    assert any(all(map(alike, found, args)) and len(found) == len(args) for args in given)
    assert failing_input(key)[0] is not found[0] or not isinstance(found[0], torch.Tensor)


def alike(a, b):
    if isinstance(a, torch.nn.Module):
        return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b) and a.requires_grad == b.requires_grad
    if isinstance(a, torch.Generator):
        return torch.equal(a.get_state(), b.get_state())
    return type(a) is type(b) and (callable(a) or np.array_equal(a, b))


def test_it_is_the_input_that_the_table_shows(capsys):
    check("ps01.kl", lambda p, q: (p * (p / q).log2()).sum())
    assert "p=[0.5, 0.5], q=[0.25, 0.75]" in capsys.readouterr().out
    p, q = failing_input("ps01.kl")
    assert (p.tolist(), q.tolist()) == ([0.5, 0.5], [0.25, 0.75])


def test_a_wall_of_numbers_is_cut_where_the_objects_can_be_had(capsys):
    shown = shown_for("ps06.critic_loss", lambda critic, real, *rest: critic(real).mean(), capsys)
    assert 'failing_input("ps06.critic_loss")' in shown
    assert all(len(line) <= report.MAX_LINE + 4 for line in shown.splitlines() if ": " in line and "→" not in line)


def test_without_a_failing_input_it_says_why(monkeypatch, capsys):
    from wgan_course.check import checking

    monkeypatch.setattr(checking, "_failing", {})
    for key in ("ps01.kl", ["ps01.kl"], None):
        with pytest.raises(LookupError, match="not checked"):
            failing_input(key)
    for function in (right, None):
        check("ps01.kl", function)
        with pytest.raises(LookupError, match="no failing input"):
            failing_input("ps01.kl")


def gradient_penalty(*args):
    raise NotImplementedError("this exercise is still open")


def test_a_call_of_an_open_exercise_names_it(capsys):
    def critic_loss(critic, real, fake, epsilon, weight):
        return critic(fake).mean() - critic(real).mean() + gradient_penalty(critic, real, fake, epsilon, weight)

    shown = shown_for("ps06.critic_loss", critic_loss, capsys)
    assert "calls `gradient_penalty`, which is still open" in shown
    assert "not attempted" not in shown


def test_a_reference_that_there_is_not_is_named():
    sealed = or_reference("ps01.first_step_below")
    seen = see(lambda x: sealed(x, 0.5))
    assert (seen.status, seen.error) == ("waits", "ps01.first_step_below")


def test_a_function_that_is_open_in_part_waits_for_nobody():
    def half(x):
        y = x + 1
        raise NotImplementedError(y)

    assert see(half).status == "not-attempted"


# ---- time -----------------------------------------------------------------------------------------------------------


def test_waiting_for_a_processor_costs_no_time(monkeypatch):
    clock = {"wall": 0.0, "ran": 0.0, "queued": 0.0}
    monkeypatch.setattr(limits.time, "monotonic", lambda: clock["wall"])
    monkeypatch.setattr(limits.time, "thread_time", lambda: clock["ran"])
    monkeypatch.setattr(limits, "_queued", lambda: clock["queued"])
    watch = Stopwatch()
    clock.update(wall=100.0, ran=2.0, queued=95.0)
    assert watch.taken() == pytest.approx(5.0)  # two at work, three asleep
    monkeypatch.setattr(limits, "_queued", lambda: None)
    watch = Stopwatch()
    clock.update(wall=180.0, ran=4.0)
    assert watch.taken() == pytest.approx(2.0 + 78.0 / 8)


def test_a_limit_is_of_the_time_that_was_taken(monkeypatch):
    """On a machine so busy that the thread got a hundredth of it, a loop of ten limits of wall time is let go on."""
    monkeypatch.setattr(Stopwatch, "taken", lambda self: (time.monotonic() - self._begun[0]) / 100)
    with time_limit(0.05):
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            pass


def test_an_alarm_at_the_end_leaves_nothing_behind():
    """Functions that end about when their time does: whatever came first, no alarm is left."""
    before = signal.getsignal(signal.SIGALRM)
    for wait in np.linspace(0.0008, 0.0012, 200):
        try:
            with time_limit(0.001):
                end = time.perf_counter() + wait
                while time.perf_counter() < end:
                    pass
        except limits.TimeLimitError:
            pass
        assert signal.getsignal(signal.SIGALRM) is before
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


# ---- the stop button ------------------------------------------------------------------------------------------------


@pytest.fixture
def press():
    """Presses the stop button as soon as it is told that the function runs."""
    running = threading.Event()

    def wait():
        running.wait(60)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=wait)
    thread.start()
    yield running
    running.set()
    thread.join()


def catches_errors(running):
    running.set()
    while True:
        try:
            raise ValueError
        except Exception:
            pass


def catches_all(running):
    running.set()
    while True:
        try:
            raise ValueError
        except:  # noqa: E722
            pass


def sleeps(running):
    running.set()
    time.sleep(600)


@pytest.mark.parametrize("loop", [catches_errors, catches_all, sleeps])
def test_the_stop_button_ends_a_check_and_leaves_all_as_it_was(loop, press, capsys):
    from wgan_course.divergences import kl

    before, out, turns = signal.getsignal(signal.SIGINT), sys.stdout, []

    def function(p, q):
        turns.append(1)
        loop(press)

    with pytest.raises(KeyboardInterrupt):
        check("ps01.kl", function)
    assert len(turns) == 1, "no further input is tried"
    assert "ps01.kl: stopped" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0.0
    assert sys.stdout is out
    assert float(kl(torch.tensor([0.5, 0.5]), torch.tensor([0.5, 0.5]))) == 0.0, "the guards are open again"
    assert check("ps01.kl", right) == 3.0


def test_the_stop_button_ends_the_judging(press, monkeypatch, capsys):
    monkeypatch.setattr(own, "assess", lambda *args: catches_errors(press))
    with pytest.raises(KeyboardInterrupt):
        check("ps01.kl", right)
    assert "stopped" in capsys.readouterr().out


def test_an_interrupt_that_the_function_raises_itself_is_its_error(capsys):
    def rude(p, q):
        raise KeyboardInterrupt

    assert check("ps01.kl", rude) == 0.0
    assert "stops with an error: KeyboardInterrupt" in capsys.readouterr().out


def test_while_settings_are_put_back_the_button_waits():
    with BUTTON.watching():
        os.kill(os.getpid(), signal.SIGINT)
        assert BUTTON.pressed
        with pytest.raises(KeyboardInterrupt), BUTTON.open():
            pytest.fail("nothing more is begun")
    assert run_within(lambda: 3, 1.0) == 3, "what follows is not stopped"


def test_in_the_sandbox_what_was_seen_before_the_interrupt_is_recorded(press, tmp_path, monkeypatch):
    problem = registry.find("ps01.kl")
    cases = problem.make_cases(np.random.default_rng(5))
    exchange.write_request(problem.request(cases), tmp_path)
    monkeypatch.setenv(OBSERVE_IN, str(tmp_path))
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setenv("WGAN_COURSE_OBSERVE_OUT", str(out))
    turns = []

    def second_loops(p, q):
        turns.append(1)
        return p.sum() if len(turns) == 1 else catches_errors(press)

    check("ps01.kl", second_loops)
    seen = [one.status for one in exchange.read_observations(out, "ps01.kl")]
    assert seen == ["ok"] + ["timeout"] * (len(cases) - 1)


# ---- in a notebook --------------------------------------------------------------------------------------------------


def test_points_show_nothing_more_and_are_a_number():
    points = report.Points(1.5)
    assert points + 1 == 2.5
    assert points._ipython_display_() is None


def test_progress_tells_of_a_long_check_and_of_no_short_one(monkeypatch, capsys):
    with Progress("ps01.kl"):
        pass
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("wgan_course.check.progress.FIRST", 0.0)
    with Progress("ps01.kl") as progress:
        progress.told(3, 8)
        while not progress._width:
            time.sleep(0.01)
    _, *steps, end = capsys.readouterr().out.split("\r")
    assert all("input 4 of 8" in step or "getting ready" in step for step in steps)
    assert end.startswith("ps01.kl: 8 inputs")


@pytest.fixture(scope="module")
def kernel():
    """A kernel as JupyterLab starts it, with the set-up cell run; a function that runs a cell and gives its outputs."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=120)

    def run(code, at_once=None):
        said = []

        def hear(message):
            said.append(message)
            if at_once is not None:
                at_once(message, manager)

        reply = client.execute_interactive(textwrap.dedent(code), timeout=120, output_hook=hear)
        return reply["content"], [(one["msg_type"], one["content"]) for one in said]

    content, _ = run("import torch\nfrom wgan_course.check import check, failing_input")
    assert content["status"] == "ok"
    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def results(outputs):
    return [content["data"] for kind, content in outputs if kind in ("execute_result", "display_data")]


CHECK = 'check("ps01.kl", kl)'


@pytest.mark.parametrize("code", [CHECK, f"points = {CHECK}", f"{CHECK}\nother = 1"])
def test_a_table_is_shown_once_and_no_number_under_it(kernel, code):
    _, outputs = kernel(f"def kl(p, q):\n    return p.sum()\n{code}")
    (data,) = results(outputs)
    assert "<table" in data["text/html"]
    assert float(data["text/plain"]) == 0.0, "what nbgrader reads"
    assert data[report.CHECK]["text"].startswith("ps01.kl: 0 of 3 points")
    assert [kind for kind, _ in outputs if kind == "stream"] == []


def test_after_a_semicolon_the_table_is_shown_too(kernel):
    _, outputs = kernel(f"{CHECK};")
    assert ["<table" in data["text/html"] for data in results(outputs)] == [True]


def test_lines_of_a_cell_are_told_by_its_number(kernel):
    code = 'def inner(p):\n    return p.wrong\n\ndef kl(p, q):\n    return inner(p)\n\ncheck("ps01.kl", kl)'
    content, outputs = kernel(code)
    (data,) = results(outputs)
    cell = f"Cell In[{content['execution_count']}]"
    assert f"{cell}, line 5, in kl\n        return inner(p)\n" in data[report.CHECK]["text"]
    assert f"{cell}, line 2, in inner\n        return p.wrong\n" in data[report.CHECK]["text"]
    content, _ = kernel('kl(*failing_input("ps01.kl"))')
    assert content["ename"] == "AttributeError"


def test_the_stop_button_of_a_notebook(kernel):
    def interrupt(message, manager):
        if message["msg_type"] == "stream" and "running" in message["content"]["text"]:
            manager.interrupt_kernel()

    code = """
        import sys
        def kl(p, q):
            while True:
                try:
                    sys.__stdout__.flush(), tell("running")
                    p.sum()
                except Exception:
                    pass
        told = []
        out = sys.stdout
        def tell(word):
            if not told:
                told.append(1)
                out.write(word)
                out.flush()
        check("ps01.kl", kl)
    """
    content, outputs = kernel(code, interrupt)
    assert content["status"] == "error"
    assert any("ps01.kl: stopped" in data["text/plain"] for data in results(outputs))
    errors = [content["traceback"] for kind, content in outputs if kind == "error"]
    assert errors == [["KeyboardInterrupt"]]
    content, outputs = kernel("1 + 1")
    assert [data["text/plain"] for data in results(outputs)] == ["2"]
