"""Chapter 4's stored experiment: one seed of it runs again, and the figures that the text quotes are in the file."""

import numpy as np
import pytest
import torch

from tools.book import results

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def stored():
    """What the chapter draws."""
    return results.read_results("04_robustness")


@pytest.fixture(scope="module")
def experiment(one_thread):
    """The script, as a module."""
    return results.load_script("04_lipschitz/robustness")


@pytest.fixture(scope="module")
def again(experiment):
    """The plain network with seed 0, trained and measured anew."""
    return experiment.run_method({}, (experiment.load("train"), experiment.load("test")), 0)


def mean(runs, key, position=None):
    return np.mean([run[key] if position is None else run[key][position] for run in runs])


def test_the_first_seed_runs_again(stored, again):
    before = stored["robustness"]["plain"][0]
    assert again["train"] == pytest.approx(before["train"], abs=0.015)
    assert again["attacked"] == pytest.approx(before["attacked"], abs=0.03)
    assert again["certified"] == pytest.approx(before["certified"], abs=0.03)
    assert [again["lower"], again["upper"]] == pytest.approx([before["lower"], before["upper"]], rel=0.1)


def test_an_attack_never_beats_a_certificate(stored):
    for runs in stored["robustness"].values():
        for run in runs:
            assert np.all(np.array(run["attacked"]) >= np.array(run["certified"])), "a proof was broken"
            assert run["lower"] <= run["upper"]


def test_the_quoted_gaps_and_slopes(stored):
    table, half = stored["robustness"], stored["radii"].index(0.5)
    plain, weak, strong, spectral = table.values()
    gaps = [100 * (mean(runs, "train") - mean(runs, "attacked", 0)) for runs in (plain, weak, strong, spectral)]
    assert gaps == pytest.approx([10.5, 8, 6, 9], abs=0.5)
    assert [mean(runs, "attacked", half) for runs in (plain, spectral)] == pytest.approx([0.40, 0.60], abs=0.01)
    assert [mean(spectral, "lower"), mean(spectral, "upper")] == pytest.approx([4.3, 6.0], abs=0.06)
    assert mean(plain, "lower") == pytest.approx(27, abs=0.5)
    assert mean(plain, "attacked", 0) - mean(strong, "attacked", 0) == pytest.approx(0.02, abs=0.005)


def test_the_quoted_looseness_by_depth(stored):
    loose = {depth: mean(runs, "upper") / mean(runs, "lower") for depth, runs in stored["depths"].items()}
    assert [loose["1"], loose["2"], loose["6"]] == pytest.approx([1.5, 2.4, 20], rel=0.05)
    six = stored["depths"]["6"]
    assert 900 < mean(six, "frobenius") / mean(six, "upper") < 1300


def test_images_of_other_classes_are_as_far_as_the_text_says(experiment):
    (x, labels), (y, answers) = experiment.load("train"), experiment.load("test")
    distance = torch.cdist(y, x).masked_fill(answers[:, None] == labels[None], torch.inf)
    assert float(distance.min(1).values.median()) == pytest.approx(5, abs=0.4)
