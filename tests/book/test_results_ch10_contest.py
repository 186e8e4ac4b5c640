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


@pytest.fixture(scope="module")
def outcome():
    return results.load_script("10_images/outcome")


def test_the_stored_contest_is_whole_and_comes_from_this_script(outcome):
    kept = outcome.contest()
    assert kept["provenance"]["source"] == results.provenance(contest.__file__, "")["source"]
    assert kept["contestants"] == {name: one._asdict() for name, one in contest.CONTESTANTS.items()}
    assert tuple(kept["scale"]["rates"]) == contest.Scale().rates
    assert tuple(kept["tuning seeds"]) == contest.TUNING_SEEDS
    assert kept["lost"] == []
    for name, (number, rounds) in {"dcgan": (5, 4400), "resnet": (1, 490)}.items():
        own, runs = outcome.family(name), outcome.seeds(name)
        assert (len(runs), own["rounds"]) == (number, rounds)
        for method in contest.CONTESTANTS:
            assert all(len(run[method]["curve"]) == len(contest.MARKS) for run in runs)
            assert all(run[method]["curve"][-1]["round"] == rounds for run in runs)
            tuned = own["tuning"][method]
            assert [float(rate) for rate in tuned] == list(contest.Scale().rates)
            assert own["rates"][method] == contest.chosen_rate(tuned)
        assert own["at the end of the grid"] == contest.at_the_end(own["rates"], contest.Scale().rates)
        assert all(own["captured"].values())


def test_equal_time_is_read_between_two_marks(outcome, monkeypatch):
    """A distance that falls as a power of the rounds is a straight line in logarithms, so nothing is lost."""
    marks = np.array([100, 300, 1000])
    run = {n: {"curve": [{"round": int(m), "frechet": 900.0 / m**0.5} for m in marks]} for n in outcome.NAMES}
    speed = {name: 2.0 if name == "gp" else 1.0 for name in outcome.NAMES}
    own = {"rounds": 1000, "milliseconds": speed, "seeds": {"0": run}}
    monkeypatch.setattr(outcome, "family", lambda name: own)
    assert outcome.same_time("any") == 1.0
    np.testing.assert_allclose(outcome.at_time("any", "gp"), 900 / 500**0.5)
    np.testing.assert_allclose(outcome.at_time("any", "none"), outcome.end("any", "none"))
    np.testing.assert_allclose(outcome.at_rounds("any", "gp", 400), 45.0)
    assert not np.isfinite(outcome.at_rounds("any", "gp", 50)).any()
    assert not np.isfinite(outcome.at_time("any", "gp", 2.1)).any()


def test_what_the_chapter_says_of_the_dcgans(outcome):
    end = {name: outcome.end("dcgan", name) for name in outcome.NAMES}
    timed = {name: outcome.at_time("dcgan", name) for name in outcome.NAMES}
    assert all((end[name] < end["none"]).all() for name in ("hinge", "gp", "lp"))
    assert [name for name in outcome.NAMES if (timed[name] < timed["none"]).all()] == ["hinge"]
    assert (timed["gp"] > timed["none"]).all()
    assert (end["hinge"] < np.minimum(end["sn"], end["sn_conv"])).all()
    overlapping = [(end[name].min(), end[name].max()) for name in ("gp", "lp", "r1")]
    assert max(low for low, _ in overlapping) < min(high for _, high in overlapping)
    assert (end["lp"] < end["r1"]).all()
    assert (end["sn"] < end["sn_conv"]).any()
    assert (end["sn"] > end["sn_conv"]).any()
    assert (outcome.end("dcgan", "r1", "recall") > outcome.end("dcgan", "hinge", "recall")).all()
    assert (end["r1"] > end["hinge"]).all()
    others = np.concatenate([end[name] for name in end if name != "clip"])
    assert end["clip"].min() > 2 * others.max()
    assert 4.4 < others.min() < others.max() < 6


def test_what_the_chapter_says_of_the_tuning(outcome):
    def means(name):
        return np.array([np.mean(values) for values in outcome.family("dcgan")["tuning"][name].values()])

    ratio = means("none") / means("gp")
    assert (ratio > 1).all()
    assert (ratio[:2] > 2).all()
    assert ratio[2:].max() < 2
    gains = {name: means(name)[-2] - means(name)[-1] for name in outcome.family("dcgan")["at the end of the grid"]}
    assert set(sorted(gains, key=gains.get)[-3:]) == {"hinge", "sn", "sn_conv"}


def test_what_the_chapter_says_of_the_residual_networks(outcome):
    end = {name: float(outcome.end("resnet", name)[0]) for name in outcome.NAMES}
    assert set(sorted(end, key=end.get)[:3]) == {"gp", "lp", "r1"}
    assert set(sorted(end, key=end.get)[-3:]) == {"sn", "clip", "none"}
    marks, values = outcome.curve(outcome.seeds("resnet")[0]["none"])
    assert np.ptp(values[marks >= 98]) < 4
    rounds, seconds = outcome.family("resnet")["rounds"], outcome.seconds("resnet", "gp")
    at_equal_rounds = {name: outcome.at_rounds("dcgan", name, rounds) for name in end}
    assert all(end[name] < at_equal_rounds[name].min() for name in ("gp", "lp", "r1"))
    assert all(end[name] > at_equal_rounds[name].max() for name in ("none", "sn"))
    assert end["gp"] > outcome.at_time("dcgan", "gp", seconds).max()


def test_pictures_of_the_contest_are_one_digit_a_pixel(outcome):
    for name, method in itertools.product(outcome.TITLES, outcome.NAMES):
        stored = outcome.seeds(name)[0][method]["images"]
        assert {len(image) for image in stored} == {28 * 28}
        made = outcome.pictures(name, method)
        assert made.shape == (20, 1, 28, 28)
        np.testing.assert_allclose(np.round((made[3].ravel() + 1) * 7.5), [int(digit, 16) for digit in stored[3]])


def test_what_chapter_8_says_of_images(outcome):
    """SN against the penalty by rounds, by time, and the time of a round."""
    end, timed = ({name: pick("dcgan", name) for name in outcome.NAMES} for pick in (outcome.end, outcome.at_time))
    assert (end["sn"] > end["gp"]).all()
    assert end["gp"].min() < end["hinge"].min() < end["hinge"].max() < end["gp"].max()
    assert timed["gp"].min() < timed["sn"].min() < timed["gp"].max() < timed["sn"].max()
    residual = {name: outcome.end("resnet", name)[0] for name in ("sn", "hinge", "gp")}
    assert min(residual["sn"], residual["hinge"]) > residual["gp"]
    speed = outcome.family("dcgan")["milliseconds"]
    assert speed["sn"] / speed["gp"] == pytest.approx(0.7, abs=0.01)
