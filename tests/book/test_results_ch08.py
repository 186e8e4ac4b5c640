"""One seed of each experiment of chapter 8 is run again, in part, and compared with what the chapter shows."""

import numpy as np
import pytest
import torch

from tools.book import results

pytestmark = pytest.mark.usefixtures("one_thread")
NAMES = ("race", "regularisation", "step_cost")
race, regularisation, step_cost = (results.load_script(f"08_spectral_normalisation/{name}") for name in NAMES)


@pytest.mark.parametrize("name", ["08_race_toy", "08_race_images", "08_regularisation", "08_step_cost"])
def test_five_seeds_with_provenance(name):
    content = results.read_results(name)
    assert sorted(content["seeds"], key=int) == list("01234")
    assert content["provenance"]["command"].startswith("python book/08_spectral_normalisation/")


def again(track, kind, steps, names):
    """Distances of seed 0 up to a step, now and as stored."""
    stored = results.read_results(kind)["seeds"]["0"]["methods"]
    _, log = race.race(track(0), 0, steps=steps, names=names)
    count = steps // track.every + 1
    return {name: (log[name]["distance"], stored[name]["distance"][:count]) for name in names}


def test_race_on_8_gaussians_repeats_its_first_50_steps():
    """Seconds are not compared: they belong to the machine."""
    for name, (now, then) in again(race.ToyTrack, "08_race_toy", 50, ("clip", "gp", "sn", "sn_projected")).items():
        np.testing.assert_allclose(now, then, rtol=0.15, err_msg=name)


def test_race_on_images_repeats_its_first_40_steps():
    for name, (now, then) in again(race.ImageTrack, "08_race_images", 40, ("gp", "sn")).items():
        np.testing.assert_allclose(now, then, rtol=0.15, err_msg=name)


def test_hinge_is_the_wasserstein_loss_on_8_gaussians():
    """While the critic's scores stay within (-1, 1) the two losses differ by a constant, so the runs are the same."""
    track = race.ToyTrack(0)
    track.methods = {"sn": race.TOY["sn"], "sn_hinge": race.TOY["sn"]}
    runs, log = race.race(track, 0, steps=50)
    np.testing.assert_allclose(log["sn"]["distance"], log["sn_hinge"]["distance"], rtol=1e-4)
    with torch.no_grad():
        assert runs["sn_hinge"].critic(track.truth).abs().max() < 1


@pytest.mark.parametrize("kind", list(regularisation.GRID))
def test_short_run_of_the_classifier_repeats(kind):
    """One epoch with the strongest penalty, seed 0: accuracies within three points."""
    stored = results.read_results("08_regularisation")["seeds"]["0"]["short"][kind]
    now = regularisation.run(kind, regularisation.GRID[kind][-1], 0, epochs=1)
    assert now["train"] == pytest.approx(stored["train"], abs=0.03)
    np.testing.assert_allclose(np.mean(now["attacked"], axis=1), np.mean(stored["attacked"], axis=1), atol=0.03)


def test_strengths_are_chosen_on_the_first_half_alone():
    content = results.read_results("08_regularisation")
    before = {kind: regularisation.chosen(content, kind) for kind in regularisation.GRID}
    for seed in content["seeds"].values():
        for run in seed["runs"]:
            run["attacked"] = [[first, 0.0] for first, _ in run["attacked"]]
    assert {kind: regularisation.chosen(content, kind) for kind in regularisation.GRID} == before


def test_cost_of_a_step_has_every_width_and_method():
    """What a run records, without comparing seconds."""
    run = step_cost.trainer("sn", 32, 0)
    assert step_cost.milliseconds(run, 1) > 0
    for seed in results.read_results("08_step_cost")["seeds"].values():
        assert list(map(int, seed)) == list(step_cost.WIDTHS)
        assert all(set(row) == set(step_cost.METHODS) for row in seed.values())
        assert all(value > 0 for row in seed.values() for value in row.values())
