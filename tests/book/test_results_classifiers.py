"""The study of Lipschitz classifiers in chapter 8: its rules, a short run, the sentences against the stored numbers."""

import copy
import itertools

import numpy as np
import pytest
import torch

from tools.book import results

pytestmark = pytest.mark.usefixtures("one_thread")
study = results.load_script("08_spectral_normalisation/classifiers")


@pytest.fixture(scope="module")
def stored():
    return results.read_results("08_classifiers")


@pytest.mark.parametrize("method", ["SN", "orthonormal, ReLU", "orthonormal, GroupSort"])
def test_the_bound_is_about_the_factor(method):
    """The network's own product of norms, against the factor behind its last layer, after a short training."""
    learnt, _ = study.sets(0)
    upper = float(study.norms.lipschitz_upper(study.train(method, 5.0, 1.5e-3, 0, learnt, epochs=2), (784,)))
    assert 4.999 < upper < (5.001 if method.startswith("orthonormal") else 7)


@pytest.mark.parametrize("method", ["gradient of the loss", "gradient of the margin"])
def test_charges_are_mean_squared_slopes(method):
    """Against central differences of a double-precision network in every pixel of one image."""
    net = study.network(method, 1.0, 0).double()
    (x, y), _ = study.sets(0)
    x, y = x[:1].double().requires_grad_(), y[:1]
    charge = study.charge(net, x, y, method, net(x), x)

    def target(images):
        logits, labels = net(images), y.expand(len(images))
        if method == "gradient of the margin":
            return study.robustness.margins(logits, labels)
        return study.functional.cross_entropy(logits, labels, reduction="none")

    with torch.no_grad():
        steps = 1e-5 * torch.eye(784, dtype=torch.float64)
        slope = (target(x + steps) - target(x - steps)) / 2e-5
    assert float(charge.detach()) == pytest.approx(float(slope.square().sum()), rel=1e-4)


def test_decay_after_the_step_leaves_the_biases():
    """With a loss of zero gradient Adam stands still, and matrices shrink by 1 − rate · strength."""
    net = study.network("decay after the step", 2.0, 0)
    before = copy.deepcopy(net)
    for p in net.parameters():
        p.grad = torch.zeros_like(p)
    study.optimiser_of(net, "decay after the step", 2.0, 0.01).step()
    for now, then in zip(net.parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(now, then * (0.98 if then.ndim == 2 else 1.0))


def test_no_test_image_takes_part_in_a_choice():
    (learnt, _), (by, _) = study.sets(100)
    _, (test, _) = study.sets(0)
    assert len(learnt) == 3000
    assert float(torch.cdist(by[:200], test).min()) > 0
    assert float(torch.cdist(by[:200], learnt).min()) > 0


def blind(content):
    """The choosing seeds alone."""
    return {"seeds": {str(seed): content["seeds"][str(seed)] for seed in study.CHOOSING}}


def test_reported_seeds_take_no_part_in_a_choice(stored):
    for goal in study.GOALS.values():
        for method in study.METHODS:
            assert study.chosen(blind(stored), method, goal) == study.chosen(stored, method, goal)


def test_settings_that_choose_are_all_there_and_those_that_report_have_five_seeds(stored):
    assert stored["provenance"]["source"] == results.provenance(study.__file__, "")["source"]
    assert set(stored["seeds"]) == {"100", "101", *"01234"}
    assert all(set(stored["seeds"][str(seed)]) == set(study.SETTINGS) for seed in study.CHOOSING)
    assert {len(strengths) for method, strengths in study.METHODS.items() if method != "none"} == {5}
    for method, goal in itertools.product(study.METHODS, study.GOALS.values()):
        assert len(study.runs(stored, method, *study.chosen(stored, method, goal))) == 5


def test_an_attack_never_beats_a_certificate(stored):
    whole = [run for seed in stored["seeds"].values() for run in seed.values() if "left" not in run]
    for run in whole:
        assert np.all(np.array(run["attacked"]) >= np.array(run["certified"]) - 1e-9), "a proof was broken"
        assert run.get("lower", 0.0) <= run["upper"]


def test_one_network_again(stored):
    """Seed 0 at the chosen setting: accuracies within three points, the bound within a tenth."""
    part = study.name_of("SN", *study.chosen(stored, "SN", study.GOALS["certificate"]))
    then, now = stored["seeds"]["0"][part], study.one_part(part, 0)
    assert now["clean"] == pytest.approx(then["clean"], abs=0.03)
    assert now["attacked"] == pytest.approx(then["attacked"], abs=0.04)
    assert now["certified"] == pytest.approx(then["certified"], abs=0.04)
    assert now["upper"] == pytest.approx(then["upper"], rel=0.1)


def test_images_of_other_classes_are_as_far_as_the_text_says():
    (x, labels), (y, answers) = study.sets(0)
    distance = torch.cdist(y, x).masked_fill(answers[:, None] == labels[None], torch.inf)
    assert float(distance.min(1).values.median()) == pytest.approx(5, abs=0.4)


def of(stored, goal, measure):
    """Contestant: what the five networks chosen for a goal reach."""
    take = lambda method: study.runs(stored, method, *study.chosen(stored, method, study.GOALS[goal]))
    return {method: np.array([study.reached(run, measure) for run in take(method)]) for method in study.METHODS}


def test_the_early_stop_alone_is_over_the_price(stored):
    least = study.accuracy_without(stored) - study.PRICE
    for method, goal in itertools.product(study.METHODS, study.GOALS.values()):
        clean = study.on_choosing(stored, method, *study.chosen(stored, method, goal), "clean")
        assert (clean < least) == (method == "stopped early"), method


def test_what_the_chapter_says_of_certificates(stored):
    certified = of(stored, "certificate", ("certified", 0.25))
    norms = {"spectral penalty", "SN", "orthonormal, ReLU", "orthonormal, GroupSort"}
    others = [certified[method] for method in certified.keys() - norms]
    assert min(certified[method].min() for method in norms) > np.max(others)
    median = {method: np.median(values) for method, values in certified.items()}
    assert max(median, key=lambda method: median[method]) == "orthonormal, GroupSort"
    assert median["stopped early"] < median["L2 in the loss"] < min(median[method] for method in norms)
    few = ("gradient of the loss", "gradient of the margin", "decay after the step")
    assert max(median[method] for method in few) <= median["stopped early"]
    clean = of(stored, "certificate", "clean")
    assert all(abs(np.median(clean[method]) - np.median(clean["none"])) < np.ptp(clean[method]) for method in norms)


def test_what_the_chapter_says_of_attacks(stored):
    attacked = of(stored, "attack", ("attacked", 0.5))
    median = {method: np.median(values) for method, values in attacked.items()}
    assert set(sorted(median, key=lambda method: median[method])[-2:]) == {
        "gradient of the loss",
        "gradient of the margin",
    }
    stopping = median["stopped early"] - median["none"]
    for method in ("gradient of the loss", "gradient of the margin"):
        assert 0.4 < stopping / (median[method] - median["none"]) < 0.6
    ahead = {method: (values > attacked["stopped early"]).sum() for method, values in attacked.items()}
    assert ahead["spectral penalty"] == ahead["L2 in the loss"] < ahead["SN"] < ahead["gradient of the margin"] == 5
    assert attacked["orthonormal, GroupSort"].max() < attacked["none"].min()
    slope, bound = (of(stored, "attack", end)["orthonormal, GroupSort"] for end in ("lower", "upper"))
    assert (slope > 0.98 * bound).all()


def test_what_the_chapter_says_of_the_price(stored):
    """Cost on the images that choose, against no constraint at its best rate."""
    dearer = [("orthonormal, GroupSort", 2.0), ("SN", 2.0), ("gradient of the margin", 0.1)]
    best = study.accuracy_without(stored)
    cost = [best - study.on_choosing(stored, method, strength, 1.5e-3, "clean") for method, strength in dearer]
    assert 0.03 < cost[0] < cost[1] < 0.04
    assert cost[2] == pytest.approx(0.05, abs=0.005)
    for goal, (method, strength) in itertools.product(study.GOALS.values(), dearer[:2]):
        assert (strength, 1.5e-3) in study.frontier(stored, method, goal)
    assert (0.1, 1.5e-3) in study.frontier(stored, "gradient of the margin", study.GOALS["attack"])
