"""Chapter 9's stored experiment: the start of one seed again, and what the chapter says of the rest."""

import numpy as np
import pytest

from tools.book import results

pytestmark = pytest.mark.usefixtures("one_thread")
ROUNDS = {"n=1": 30, "n=5": 11}  # the stored runs are longer; a run's beginning does not depend on its length
SETTLES = ["non-saturating", "clip 0.2", "GP, weight 1", "LP, weight 1", "SN", "R1, log loss", "R1, Wasserstein"]


@pytest.fixture(scope="module")
def stored():
    return results.read_results("09_shift")


@pytest.fixture(scope="module")
def script():
    return results.load_script("09_training_dynamics/shift")


def test_the_stored_results_come_from_this_script(stored, script):
    assert stored["provenance"]["source"] == results.provenance(script.__file__, "")["source"]
    assert sorted(stored["seeds"]) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("setting", ROUNDS)
def test_one_seed_again(stored, script, setting):
    """Within 2 % and 0.02: plain steps in single precision, which other processors may round differently."""
    options = script.SETTINGS[setting] | {"rounds": ROUNDS[setting]}
    for method in [*script.OWN, "LSGAN"] if setting == "n=1" else script.OWN:
        path = script.run(method, 0, **options)
        kept = np.array(stored["seeds"]["0"][f"{method}, {setting}"]["distance"])
        again = path.norm(dim=1).numpy()[:: script.EVERY]
        length = min(len(kept), len(again))
        assert length >= 1
        np.testing.assert_allclose(again[:length], kept[:length], rtol=0.02, atol=0.02, err_msg=method)


@pytest.mark.parametrize("method", SETTLES)
def test_what_the_chapter_says_settles(stored, method):
    ends = results.over_seeds(stored, lambda seed: seed[f"{method}, n=1"]["end"])
    assert ends.max() < 0.02


def test_a_zero_centred_penalty_rests_within_what_the_chapter_says(stored):
    for setting in ("n=1", "n=5"):
        assert ends(stored, f"R1, Wasserstein, {setting}").max() < 0.004


@pytest.mark.parametrize("setting", ROUNDS)
def test_what_the_chapter_says_leaves(stored, setting):
    for seed in stored["seeds"].values():
        assert seed[f"WGAN, none, {setting}"]["left after"] < 600
        assert seed[f"GP, weight 10, {setting}"]["left after"] < 600
    lasted = sorted(seed["GP, weight 10, n=1"]["left after"] for seed in stored["seeds"].values())
    assert lasted[3] < 10
    assert lasted[4] > 500  # the late one


def test_the_normalised_critic_takes_a_detour(stored):
    """It comes near, goes 0.27 to 1.5 away once more, and comes back."""
    for seed in stored["seeds"].values():
        path = np.array(seed["SN, n=1"]["distance"])
        first = int(np.argmax(path < 0.25))
        assert 0.25 < path[first:].max() < 1.6
        assert seed["SN, n=1"]["end"] < 0.02
        assert 0.2 < seed["SN, n=5"]["end"] < 0.55


@pytest.mark.parametrize("part", ["non-saturating, width 0", "target 0, weight 10, rate / 10, n=1"])
def test_a_control_again(stored, script, part):
    method, setting, width = script.GRID[part]
    path = script.run(method, 0, **script.SETTINGS[setting] | {"rounds": 40}, width=width)
    kept = stored["seeds"]["0"][part]["distance"][:5]
    np.testing.assert_allclose(path.norm(dim=1).numpy()[:: script.EVERY], kept, rtol=0.02, atol=0.02)


def ends(stored, part):
    return results.over_seeds(stored, lambda seed: seed[part]["end"])


def test_bending_alone_does_not_bring_the_log_loss_to_rest(stored):
    assert ends(stored, "non-saturating, width 0").min() > 0.25
    late = results.over_seeds(stored, lambda seed: seed["non-saturating, width 0"]["distance"])[:, 5:]
    assert late.min(1).max() < 0.03
    assert late.max(1).min() > 0.5
    assert ends(stored, "non-saturating, n=1").max() < 0.02
    assert ends(stored, "LSGAN, width 0").min() > 5 * ends(stored, "LSGAN, n=1").max()
    assert max(ends(stored, f"R1, {loss}, width 0").max() for loss in ("log loss", "Wasserstein")) < 0.001
    assert 0.02 < ends(stored, "GP, weight 1, width 0").min() < ends(stored, "GP, weight 1, width 0").max() < 0.04


def test_the_step_and_not_the_target_makes_a_strong_penalty_leave(stored):
    for seed in stored["seeds"].values():
        assert seed["target 0, weight 10, n=1"]["left after"] <= 3
    assert ends(stored, "GP, weight 10, rate / 10, n=1").max() < 0.02
    slow = ends(stored, "target 0, weight 10, rate / 10, n=1")
    assert 0.375 < slow.min() < slow.max() < 0.655
    assert ends(stored, "target 0, weight 1, n=1").max() < 0.012


def test_annealed_noise_changes_nothing_that_the_width_does_not_do(stored):
    assert ends(stored, "non-saturating, annealed noise, n=1").max() < 0.02


def test_noise_is_annealed_to_the_width(script):
    cloud = script.Cloud(0.05, "annealed", 100)
    widths = []
    for cloud.round in (0, 25, 50, 99):
        widths.append(cloud.std())
    assert widths == pytest.approx([(1 + 0.05**2) ** 0.5, (0.25 + 0.05**2) ** 0.5, 0.05, 0.05])
