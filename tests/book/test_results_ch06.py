"""Chapter 6's experiments: one seed of each again, and the sentences of the chapter against the stored numbers."""

import numpy as np
import pytest

from tools.book.results import load_script, over_seeds, provenance, read_results

pytestmark = pytest.mark.usefixtures("one_thread")


def experiment(name):
    return load_script(f"06_gradient_penalty/{name}")


@pytest.fixture(scope="module")
def wells():
    return read_results("06_wells")


@pytest.mark.parametrize(("start", "name", "weight"), [("random", "gp", 10.0), ("upside down", "lp", 100.0)])
def test_wells_begin_as_stored(wells, start, name, weight):
    """Seed 0, its first 50 steps: estimates within 0.1 (the whole run has 1000)."""
    script = experiment("wells")
    stored = wells["seeds"]["0"][script.name_of(start, name, weight, 2e-3)]
    again = script.one_run(start, name, weight, 2e-3, 0, look_at=(10, 50))
    kept = {look["step"]: look for look in stored}
    for now in again:
        for key in ("estimate", "cosine", "norm"):
            assert now[key] == pytest.approx(kept[now["step"]][key], abs=0.1)


def test_wells_are_whole_and_come_from_this_script(wells):
    script = experiment("wells")
    assert wells["provenance"]["source"] == provenance(script.__file__, "")["source"]
    assert set(wells["seeds"]) == set("01234")
    assert all(set(seed) == set(script.GRID) for seed in wells["seeds"].values())


@pytest.mark.parametrize(("arm", "weight", "band"), [("two-sided", 1.0, 0.15), ("one-sided", 10.0, 0.15)])
def test_sweep_begins_as_stored(monkeypatch, arm, weight, band):
    """Seed 0, 100 of 250 steps of two arms: W1 within 0.15."""
    sweep = experiment("sweep")
    monkeypatch.setattr(sweep, "STEPS", 100)
    constraint, _, *rest = sweep.ARMS[arm]
    stored = read_results("06_sweep")["seeds"]["0"][arm][str(weight)]
    assert sweep.one_run(constraint, weight, *rest, 0)["path"] == pytest.approx(stored["path"][:2], abs=band)


def test_classes_as_stored():
    """Seed 0, four classes, pairs of one class: all numbers within 0.05."""
    classes = experiment("classes")
    arm = "conditional, pairs of one class"
    stored = read_results("06_classes")["seeds"]["0"][arm]["4"]
    assert classes.one_run(4, *classes.ARMS[arm], 0) == pytest.approx(stored, abs=0.05)


def looks(start, name, weight, rate, step, key="estimate"):
    """One number a seed."""
    part = experiment("wells").name_of(start, name, weight, rate)
    pick = lambda seed: next(look[key] for look in seed[part] if look["step"] == step)
    return over_seeds(read_results("06_wells"), pick)


RATES, WEIGHTS, STARTS = (5e-4, 2e-3, 8e-3), (1.0, 10.0, 100.0), ("random", "upside down")


def test_what_the_chapter_says_of_the_start_upside_down():
    assert all((looks("upside down", "lp", weight, rate, 50) > 0).all() for weight in WEIGHTS for rate in RATES)
    assert all((looks("upside down", "lp", weight, 2e-3, 20) > 0).all() for weight in WEIGHTS)
    for weight, step in ((10.0, 450), (100.0, 1000)):
        assert (looks("upside down", "gp", weight, 2e-3, step) < 0).all()
    assert (looks("upside down", "gp", 10.0, 2e-3, 1000) > 0).all()
    length = looks("upside down", "gp", 100.0, 2e-3, 1000, "norm")
    assert 0.975 < length.min() < length.max() < 1.015
    assert looks("upside down", "gp", 100.0, 2e-3, 1000, "cosine").max() < 0.005


def test_what_the_chapter_says_of_the_rate():
    assert (looks("upside down", "gp", 100.0, 8e-3, 200) < 0).all()
    assert (looks("upside down", "gp", 100.0, 8e-3, 700) > 0).all()
    assert (looks("upside down", "gp", 100.0, 5e-4, 1000) < 0).all()


def test_what_the_chapter_says_of_the_random_start():
    assert (looks("random", "gp", 10.0, 2e-3, 100) < 0).sum() == 2
    assert (
        (looks("random", "gp", 100.0, 2e-3, 100) < 0).sum() == (looks("random", "gp", 100.0, 2e-3, 1000) < 0).sum() == 3
    )
    one_sided = [(looks("random", "lp", weight, rate, 100) < 0).sum() for weight in WEIGHTS for rate in RATES]
    assert one_sided == [0, 0, 0, 0, 0, 0, 1, 0, 0]


def test_what_the_chapter_says_of_the_small_weight():
    for start in STARTS:
        for rate in RATES:
            assert (looks(start, "gp", 1.0, rate, 150) > 0).all()
            ends = np.stack([looks(start, name, 1.0, rate, 1000) for name in ("gp", "lp")])
            assert 1.05 < ends.min() < ends.max() < 1.45


def ends(arm, weight):
    return over_seeds(read_results("06_sweep"), lambda seed: seed[arm][weight]["path"][-1])


def test_what_the_chapter_says_of_the_sweep():
    one_sided = np.stack([ends("one-sided", w) for w in ("0.1", "0.3", "1.0", "3.0", "10.0", "30.0", "100.0")])
    assert 0.575 < one_sided.min() <= one_sided.max() < 0.865
    assert 1.25 < ends("two-sided", "10.0").min() <= ends("two-sided", "10.0").max() < 2.45
    assert (ends("two-sided, 10 critic steps", "10.0") < 0.9).sum() == 4
    assert ends("DRAGAN", "1.0").max() < 0.8
    assert (ends("DRAGAN", "10.0") > 1).sum() == 3
    assert min(ends("two-sided, batch norm", w).min() for w in ("0.1", "1.0", "10.0", "100.0")) > 10


def test_what_the_chapter_says_of_classes():
    pick = lambda arm, k, key: over_seeds(read_results("06_classes"), lambda seed: seed[arm][k][key])
    assert pick("conditional, random pairs", "16", "slope").mean() > 1.2
    assert pick("conditional, pairs of one class", "16", "slope").mean() < 1.1
    assert abs(pick("no classes, random pairs", "16", "slope").mean() - 1) < 0.1
    told_none, *told = (pick(arm, "16", "cosine") for arm in read_results("06_classes")["seeds"]["0"])
    assert told_none.max() < 0.8
    assert min(cosines.min() for cosines in told) > 0.9


def test_what_the_chapter_says_of_the_slopes_found():
    """Means over seeds: the steepest of all is under R1."""
    found = read_results("06_sweep")
    low = lambda arm, weight: over_seeds(found, lambda seed: seed[arm][weight]["low"]).mean()
    slopes = {
        (arm, w): low(arm, w) for arm, runs in found["seeds"]["0"].items() for w, run in runs.items() if "low" in run
    }
    assert max(slopes, key=slopes.get) == ("R1", "0.1")
