"""The stored runs of the playground: they are what its own mathematics gives, seed by seed."""

import pytest

from benchmarks import playground_modes
from tools.book import assets, results

pytestmark = pytest.mark.skipif(assets.find_node() is None, reason="needs node")


@pytest.fixture(scope="module")
def stored():
    return results.read_results(playground_modes.NAME)


def test_every_constraint_was_run_to_the_end_with_every_seed(stored):
    assert set(stored["seeds"]) <= {str(seed) for seed in playground_modes.SEEDS}
    for runs in stored["seeds"].values():
        assert set(runs) == set(playground_modes.PARTS)
        for marks in runs.values():
            assert [mark["round"] for mark in marks] == list(playground_modes.MARKS)
            assert all(0 <= mark["covered"] <= 8 for mark in marks)


@pytest.mark.parametrize("part", playground_modes.PARTS)
def test_a_hundred_rounds_give_what_is_stored(stored, part):
    seed = min(stored["seeds"], key=int)
    again, before = playground_modes.train(part, int(seed), [100])[0], stored["seeds"][seed][part][0]
    assert again["covered"] == before["covered"]
    assert again["distance"] == pytest.approx(before["distance"], rel=1e-3)
