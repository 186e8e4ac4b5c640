"""The stored table of what the defaults reach belongs to the defaults that there are, and is judged as it says."""

import pytest

from benchmarks import defaults
from tools.book.results import read_results
from wgan_course import constraints
from wgan_course.data import toy


def test_stored_distances_were_reached_with_the_present_defaults():
    found = read_results("defaults")
    assert found["recipes"] == {
        data: {name: defaults.recipe(data, name) for name in constraints.NAMES} for data in toy.NAMES
    }
    assert (found["reach"], found["wanted"]) == (defaults.REACH, defaults.SEEDS)
    assert found["spread"] == pytest.approx({data: defaults.spread(data) for data in toy.NAMES})


def content(*distances):
    runs = {str(seed): {"w1": w1} for seed, w1 in enumerate(distances)}
    return {"truth": {"a": 0.5}, "spread": {"a": 2.0}, "rows": {"a": {"gp": runs}}}


@pytest.mark.parametrize(
    ("distances", "worked"),
    [([0.5] * 5, True), ([0.5, 0.5, 0.5, 0.5, 0.9], False), ([0.5] * 4, False), ([], False)],
)
def test_a_pair_works_when_all_seeds_come_near(distances, worked):
    excess = defaults.excesses(content(*distances), "a", "gp")
    assert defaults.has_worked(excess) is worked
    assert excess == pytest.approx([(w1 - 0.5) / 2 for w1 in distances])


def test_a_run_of_the_benchmark_chooses_nothing():
    short = defaults.options_of("two-moons", "gp")
    assert (short.steps, short.batch, short.ema, short.lr_critic) == (500, None, None, None)
