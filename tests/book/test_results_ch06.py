"""Chapter 6's experiments: one seed of each again, and the sentences of the chapter against the stored numbers."""

import numpy as np
import pytest

from tools.book.results import load_script, over_seeds, read_results

pytestmark = pytest.mark.usefixtures("one_thread")


def experiment(name):
    return load_script(f"06_gradient_penalty/{name}")


@pytest.mark.parametrize(("name", "weight"), [("gp", 10.0), ("lp", 10.0)])
def test_wells_begin_as_stored(name, weight):
    """Seed 0, its first 100 steps: estimates within 0.1 (the whole run has 1200)."""
    stored = read_results("06_wells")["seeds"]["0"][name][str(weight)]
    again = experiment("wells").one_run(name, weight, 0, look_at=(30, 100))
    for now, then in zip(again, stored, strict=False):
        assert now["step"] == then["step"]
        assert now["estimate"] == pytest.approx(then["estimate"], abs=0.1)
        assert now["norm"] == pytest.approx(then["norm"], abs=0.1)


@pytest.mark.parametrize(("arm", "weight", "band"), [("two-sided", 1.0, 0.15), ("one-sided", 10.0, 0.15)])
def test_sweep_ends_as_stored(arm, weight, band):
    """Seed 0, all 250 steps of two arms: W1 within 0.15."""
    sweep = experiment("sweep")
    constraint, _, *rest = sweep.ARMS[arm]
    stored = read_results("06_sweep")["seeds"]["0"][arm][str(weight)]
    assert sweep.one_run(constraint, weight, *rest, 0)["path"] == pytest.approx(stored["path"], abs=band)


def test_classes_as_stored():
    """Seed 0, four classes, pairs of one class: all numbers within 0.05."""
    classes = experiment("classes")
    arm = "conditional, pairs of one class"
    stored = read_results("06_classes")["seeds"]["0"][arm]["4"]
    assert classes.one_run(4, *classes.ARMS[arm], 0) == pytest.approx(stored, abs=0.05)


@pytest.mark.parametrize("method", ["plain", "one-sided, between images, λ = 1"])
def test_supervised_as_stored(method):
    """Seed 0, 500 images: accuracies within 0.03, the slope found within a tenth."""
    supervised = experiment("supervised")
    stored = read_results("06_supervised")["seeds"]["0"]["500"][method]
    again = supervised.one_run(500, *supervised.METHODS[method], 0)
    assert again["attacked"] == pytest.approx(stored["attacked"], abs=0.03)
    assert again["low"] == pytest.approx(stored["low"], rel=0.1)


def looks(name, weight, step):
    found = over_seeds(
        read_results("06_wells"),
        lambda seed: [look["estimate"] for look in seed[name][weight] if look["step"] == step],
    )
    return found[:, 0]


def test_what_the_chapter_says_of_the_second_well():
    assert (looks("gp", "10.0", 100) < 0).sum() == 2
    assert (looks("gp", "100.0", 100) < 0).sum() == (looks("gp", "100.0", 1200) < 0).sum() == 3
    assert all((looks("lp", weight, 100) > 0).all() for weight in ("0.1", "1.0", "10.0", "100.0"))
    assert looks("gp", "1.0", 1200).mean() == pytest.approx(1.3, abs=0.05)


def ends(arm, weight):
    return over_seeds(read_results("06_sweep"), lambda seed: seed[arm][weight]["path"][-1])


def test_what_the_chapter_says_of_the_sweep():
    one_sided = np.stack([ends("one-sided", w) for w in ("0.1", "0.3", "1.0", "3.0", "10.0", "30.0", "100.0")])
    assert 0.575 < one_sided.min() <= one_sided.max() < 0.865
    assert 1.25 < ends("two-sided", "10.0").min() <= ends("two-sided", "10.0").max() < 2.45
    assert (ends("two-sided, 10 critic steps", "10.0") < 0.9).sum() == 4
    assert min(ends("two-sided, batch norm", w).min() for w in ("0.1", "1.0", "10.0", "100.0")) > 10


def test_what_the_chapter_says_of_classes():
    pick = lambda arm, k, key: over_seeds(read_results("06_classes"), lambda seed: seed[arm][k][key])
    assert pick("conditional, random pairs", "16", "slope").mean() > 1.2
    assert pick("conditional, pairs of one class", "16", "slope").mean() < 1.1
    assert pick("no classes, random pairs", "16", "cosine").mean() < 0.8


def test_what_the_chapter_says_of_classifiers():
    pick = lambda n, method, at: over_seeds(read_results("06_supervised"), lambda seed: seed[n][method]["attacked"][at])
    for n in ("500", "4000"):
        gain = [pick(n, "one-sided, between images, λ = 0.1", at) - pick(n, "plain", at) for at in (0, 1, 2)]
        assert abs(gain[0].mean()) < 0.01
        assert (gain[1] > 0.1).all()
        assert (gain[2] > 0.15).all()
