"""The contest of chapter 10: its order of work and its counting on the CPU, and what its stored result must hold."""

import itertools
import math

import numpy as np
import pytest
import torch

from tools.book import results

pytestmark = pytest.mark.usefixtures("one_thread")
contest = results.load_script("10_images/contest")
TINY = contest.Scale(4, 8, 8, 1, (1e-3, 3e-3), 60, 50, 1, 0.1, "embedded", 4)


@pytest.fixture(scope="module")
def card():
    return contest.Card(TINY, None, "cpu")


def finished(steps):
    """Go through a run to its end; return what it found and after how many rounds."""
    rounds = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, rounds
        rounds += 1


@pytest.fixture(scope="module")
def real():
    rng = torch.Generator().manual_seed(0)
    contest.begin_measuring(torch.rand(60, 48, generator=rng).numpy())


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("name", ["log", "r1r2"])
def test_a_run_is_measured_at_its_marks_and_keeps_pictures_of_seed_0(card, name):
    task = contest.Task((2, 0, 1, name), "run", "dcgan", name, 1e-3, 0, 4, 4)
    found, rounds = finished(contest.train(task, card))
    kept = contest.measure_run(found, TINY.limit)
    assert rounds == 4
    assert [row["round"] for row in kept["curve"]] == [1, 2, 3, 4]
    assert {"round", "frechet", "kernel", "precision", "recall"} == set(kept["curve"][0])
    assert {len(image) for image in kept["images"]} == {28 * 28}
    again, _ = finished(contest.train(task._replace(kind="tune"), card))
    assert again["marks"] == [4]
    np.testing.assert_array_equal(again["features"][0], found["features"][-1])  # the same run, measured once
    assert contest.measure_run(again, 0)["curve"][0]["frechet"] == kept["curve"][-1]["frechet"]


@pytest.mark.usefixtures("real")
def test_a_run_that_diverges_is_recorded_and_never_chosen(card):
    task = contest.Task((2, 0, 0, 0), "tune", "dcgan", "none", 1e30, 100, 4, 4)
    found, _ = finished(contest.train(task, card))
    kept = contest.measure_run(found, 0)
    assert kept["diverged"] > 0
    assert kept["curve"] == []
    assert contest.chosen_rate({"0.1": [3.0, None], "0.01": [50.0, 60.0]}) == 0.01
    assert contest.chosen_rate({"0.1": [3.0, 5.0], "0.01": [4.5, 4.0]}) == 0.1  # by the mean: 4 against 4.25
    assert contest.at_the_end({"gp": 0.1, "sn": 0.01, "r1": 0.001}, (0.1, 0.01, 0.001)) == ["gp", "r1"]


def test_the_planned_rounds_fit_into_the_time():
    milliseconds = dict.fromkeys(contest.CONTESTANTS, 3.0)
    scale = contest.Scale()
    rounds = contest.plan(milliseconds, 5.0, 200.0, 5, scale)
    trials = len(scale.rates) * len(contest.TUNING_SEEDS)
    seconds = len(milliseconds) * 3e-3 * rounds * (contest.TUNING * trials + 5) / 5.0
    assert 0.75 * contest.SAFETY * 200 < seconds <= contest.SAFETY * 200


def test_all_are_tuned_alike_and_seeds_go_round_all_contestants():
    given = contest.parse(["--smoke"])
    own = object.__new__(contest.Contest)
    own.given, own.scale, own.until, own.pending, own.running = given, TINY, math.inf, [], {}
    own.families = {"dcgan": contest.Family(dict.fromkeys(contest.CONTESTANTS, 1.0))}
    own.begin("dcgan")
    tasks = list(own.pending)
    own.pending.clear()
    trials = {(task.name, task.rate, task.seed) for task in tasks}
    assert trials == set(itertools.product(contest.CONTESTANTS, TINY.rates, contest.TUNING_SEEDS))
    assert not set(contest.SEEDS) & set(contest.TUNING_SEEDS)
    for task in tasks:
        own.tuned(task, {"curve": [{"frechet": task.rate + task.seed}]})
    runs = sorted(own.pending)
    assert {task.rate for task in runs} == {min(TINY.rates)}
    assert {task.rounds for task in runs} == {own.families["dcgan"].rounds}
    seeds = [task.seed for task in runs]
    assert seeds == sorted(seeds)
    assert all(seeds.count(seed) == len(contest.CONTESTANTS) for seed in contest.SEEDS)


def test_only_seeds_that_all_have_finished_count():
    own = contest.Family()
    own.runs = {(name, seed): {"curve": []} for name in contest.CONTESTANTS for seed in (0, 1)}
    del own.runs["gp", 1]
    content = own.content((0.1, 0.01))
    assert list(content["seeds"]) == ["0"]
    assert "gp" not in content["unfinished"]["1"]
