"""Chapter 9's experiment on modes: the start of one seed again, and what the chapter says of the rest."""

import numpy as np
import pytest

from tools.book import results

pytestmark = pytest.mark.usefixtures("one_thread")
RATES, LOSSES = ("0.0005", "0.002", "0.008"), ("non-saturating", "wasserstein")


@pytest.fixture(scope="module")
def stored():
    return results.read_results("09_modes")


@pytest.fixture(scope="module")
def script():
    return results.load_script("09_training_dynamics/modes")


def test_the_stored_results_are_whole_and_come_from_this_script(stored, script):
    assert stored["provenance"]["source"] == results.provenance(script.__file__, "")["source"]
    assert sorted(stored["seeds"]) == ["0", "1", "2", "3", "4"]
    assert all(list(seed) == list(script.GRID) for seed in stored["seeds"].values())


@pytest.mark.parametrize("part", ["LP, wasserstein, rate 0.008", "SN, non-saturating, rate 0.002"])
def test_a_run_begins_as_stored(stored, script, part):
    """The first fifty steps of seed 0: within one mode, since a mode is reached at a share that rounding may pass."""
    constraint, loss, rate = script.GRID[part]
    now = script.one_run(constraint, loss, rate, 0, steps=50)
    np.testing.assert_allclose(now, stored["seeds"]["0"][part][: len(now)], atol=1)


def ends(stored, constraint, loss, rate):
    return results.over_seeds(stored, lambda seed: seed[f"{constraint}, {loss}, rate {rate}"][-1])


def test_without_a_constraint_the_wasserstein_loss_keeps_few_modes(stored):
    for rate in RATES:
        assert ends(stored, "none", "wasserstein", rate).max() <= 4
        assert np.median(ends(stored, "none", "non-saturating", rate)) >= 6


def test_under_one_constraint_the_losses_compare_as_said(stored):
    better = {
        (constraint, rate)
        for constraint in ("none", "LP", "SN")
        for rate in RATES
        if np.median(ends(stored, constraint, "wasserstein", rate))
        > np.median(ends(stored, constraint, "non-saturating", rate))
    }
    assert better == {("LP", "0.002")}
    assert [np.median(ends(stored, "LP", loss, "0.002")) for loss in LOSSES] == [7, 8]
    for rate in RATES[1:]:
        assert ends(stored, "LP", "wasserstein", rate).min() >= 7
        assert ends(stored, "LP", "non-saturating", rate).min() >= 6
        assert ends(stored, "SN", "non-saturating", rate).min() >= 6
        assert ends(stored, "SN", "wasserstein", rate).min() >= 3
