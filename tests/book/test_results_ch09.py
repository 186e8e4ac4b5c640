"""Chapter 9's stored experiment: the start of one seed again, and what the chapter says of the rest."""

import numpy as np
import pytest

from tools.book import results

pytestmark = pytest.mark.usefixtures("one_thread")
ROUNDS = {"n=1": 60, "n=5": 20}  # the stored runs are longer; a run's beginning does not depend on its length
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
    for method in script.METHODS:
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


@pytest.mark.parametrize("setting", ROUNDS)
def test_what_the_chapter_says_leaves(stored, setting):
    for seed in stored["seeds"].values():
        assert seed[f"WGAN, none, {setting}"]["left after"] < 600
        assert seed[f"GP, weight 10, {setting}"]["left after"] < 600


def test_the_normalised_critic_takes_a_detour(stored):
    """It comes near, goes 0.27 to 1.5 away once more, and comes back."""
    for seed in stored["seeds"].values():
        path = np.array(seed["SN, n=1"]["distance"])
        first = int(np.argmax(path < 0.25))
        assert 0.25 < path[first:].max() < 1.6
        assert seed["SN, n=1"]["end"] < 0.02
