"""One seed of each experiment of chapter 8 is run again, in part, and compared with what the chapter shows."""

import numpy as np
import pytest
import torch

from tools.book import results

pytestmark = pytest.mark.usefixtures("one_thread")
race = results.load_script("08_spectral_normalisation/race")


@pytest.mark.parametrize("name", ["08_race_toy", "08_race_images"])
def test_five_seeds_with_provenance(name):
    content = results.read_results(name)
    assert set(content["seeds"]) >= set("01234")
    assert content["provenance"]["command"].startswith("python book/08_spectral_normalisation/")


@pytest.fixture(scope="module")
def toy():
    """The whole grid on 8 Gaussians."""
    return results.read_results("08_race_toy")


def test_every_contestant_has_every_rate_and_seed(toy):
    assert toy["provenance"]["source"] == results.provenance(race.__file__, "")["source"]
    assert set(toy["seeds"]) == {"100", "101", *"01234"}
    assert all(list(seed) == race.PARTS for seed in toy["seeds"].values())


def test_race_on_8_gaussians_repeats_its_first_25_steps(toy):
    for method in ("clip, c = 0.03", "one-sided, λ = 10", "SN"):
        part = race.name_of(method, race.chosen(toy, method))
        now, then = race.one_part(part, 0, steps=25), toy["seeds"]["0"][part]
        np.testing.assert_allclose(now["distance"], then["distance"][:2], rtol=0.15, err_msg=method)
        assert now["floor"] == pytest.approx(then["floor"], rel=1e-3)


def test_rates_are_chosen_by_seeds_that_do_not_report(toy):
    before = {method: race.chosen(toy, method) for method in race.TOY}
    blind = {"seeds": {str(seed): toy["seeds"][str(seed)] for seed in race.CHOOSING}}
    assert {method: race.chosen(blind, method) for method in race.TOY} == before
    at_the_end = {method for method, rate in before.items() if rate in (race.RATES[0], race.RATES[-1])}
    assert at_the_end == {"none", "two-sided, λ = 1", "one-sided, λ = 1"}


def toy_ends(toy, method, rate=None):
    return np.array(race.ends(toy, method, race.SEEDS, rate or race.chosen(toy, method)))


def test_what_the_chapter_says_of_the_race(toy):
    sn, lp, gp = (toy_ends(toy, method) for method in ("SN", "one-sided, λ = 10", "two-sided, λ = 1"))
    assert 0.035 < (lp - sn).min() < (lp - sn).max() < 0.115
    assert (gp > sn).sum() == 4
    assert 0.8 < toy_ends(toy, "two-sided, λ = 10").min() < toy_ends(toy, "two-sided, λ = 10").max() < 1.805
    assert [(toy_ends(toy, f"clip, c = {c}") < sn).sum() for c in (0.03, 0.1)] == [3, 2]
    best = [np.median(toy_ends(toy, m)) for m in ("SN", "one-sided, λ = 10", "two-sided, λ = 1", "clip, c = 0.03")]
    assert max(best) - min(best) < 0.105
    at_25 = lambda method, seed: toy["seeds"][seed][race.name_of(method, race.chosen(toy, method))]["distance"][1]
    assert all(at_25("one-sided, λ = 10", seed) < at_25("SN", seed) for seed in "01234")


def test_what_the_chapter_says_of_the_division_after_the_step(toy):
    lag = toy_ends(toy, "SN after the step") - toy_ends(toy, "SN")
    assert 0.01 < lag.min() < lag.max() < 0.095
    assert race.chosen(toy, "SN after the step") < race.chosen(toy, "SN")
    for rate in (1e-3, 3e-3, 1e-2):
        assert (toy_ends(toy, "SN after the step", rate) > toy_ends(toy, "SN", rate)).all()


def test_what_the_chapter_says_of_the_critics(toy):
    def of(method, pick):
        part = race.name_of(method, race.chosen(toy, method))
        return np.array([pick(toy["seeds"][seed][part]) for seed in "01234"])

    assert 1.045 < of("SN", lambda run: run["upper"]).min() < of("SN", lambda run: run["upper"]).max() < 1.235
    broad = lambda run: sum(s > run["spectra"][-1][0] / 2 for s in run["spectra"][-1])
    assert set(of("SN", broad)) <= {30, 31, 32}
    assert set(of("one-sided, λ = 10", broad)) <= {24, 25, 26, 27}
    assert set(of("clip, c = 0.03", broad)) == {2, 3}
    start = [race.ToyTrack.networks(None, torch.Generator().manual_seed(seed))[1] for seed in race.SEEDS]
    assert {broad({"spectra": race.spectra(critic)}) for critic in start} == {25, 26, 27}
    images = results.read_results("08_race_images")["seeds"].values()
    ends = {name: sorted(broad(seed["methods"][name]) for seed in images) for name in ("sn", "gp")}
    assert [(found[0], found[-1]) for found in ends.values()] == [(12, 16), (12, 15)]


def test_race_on_images_repeats_its_first_20_steps():
    stored = results.read_results("08_race_images")["seeds"]["0"]["methods"]
    track, names = race.ImageTrack(0), ("gp", "sn")
    _, log = race.race(track, 0, steps=20, names=names)
    for name in names:
        np.testing.assert_allclose(log[name]["distance"], stored[name]["distance"][:2], rtol=0.15, err_msg=name)


def test_what_the_chapter_says_of_the_contest_of_chapter_10():
    """SN against the penalty on the DCGAN: after all rounds, and at equal seconds."""
    outcome = results.load_script("10_images/outcome")
    time = outcome.family("dcgan")["milliseconds"]
    assert 0.65 < time["sn"] / time["gp"] < 0.75
    end = {name: outcome.end("dcgan", name) for name in ("gp", "sn", "hinge")}
    assert (end["sn"] > end["gp"]).all()
    assert (end["hinge"] < end["gp"]).sum() == 4
    for seconds in (outcome.seconds("dcgan", "sn"), min(outcome.seconds("dcgan", name) for name in time)):
        ahead = outcome.at_time("dcgan", "gp", seconds) < outcome.at_time("dcgan", "sn", seconds)
        assert ahead.sum() == 4
