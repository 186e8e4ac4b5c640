"""Chapter 4's stored experiment: one part of it runs again, and what the text and the captions say is in the file."""

import numpy as np
import pytest

from tools.book import results

pytestmark = pytest.mark.usefixtures("one_thread")
looseness = results.load_script("04_lipschitz/looseness")
KEYS = ("lower", "upper", "frobenius")


@pytest.fixture(scope="module")
def stored():
    """What the chapter draws."""
    return results.read_results("04_looseness")


def test_one_part_again(stored):
    """Seed 0, one hidden layer: both ends and the Frobenius product within a tenth."""
    then, now = stored["seeds"]["0"]["1"], looseness.one_part("1", 0)
    assert [now[key] for key in KEYS] == pytest.approx([then[key] for key in KEYS], rel=0.1)


def test_five_seeds_from_this_script(stored):
    assert stored["provenance"]["source"] == results.provenance(looseness.__file__, "")["source"]
    assert set(stored["seeds"]) == set("01234")
    assert all(tuple(seed) == looseness.DEPTHS for seed in stored["seeds"].values())


def test_the_three_numbers_of_every_network_are_in_order(stored):
    for seed in stored["seeds"].values():
        assert all(run["lower"] <= run["upper"] <= run["frobenius"] for run in seed.values())


def test_what_the_chapter_says_of_looseness(stored):
    ratio = lambda depth, over, under: np.median(
        results.over_seeds(stored, lambda seed: seed[depth][over] / seed[depth][under])
    )
    assert [ratio(depth, "upper", "lower") for depth in ("1", "6")] == pytest.approx([1.5, 20], rel=0.1)
    assert 700 < ratio("6", "frobenius", "upper") < 1400
