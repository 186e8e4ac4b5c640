"""The table of defaults belongs to today's defaults, and what the page calls working works."""

import json

import pytest

from benchmarks import defaults
from tools.book.results import read_results


@pytest.fixture(scope="module")
def found():
    return read_results("defaults")


def test_every_number_was_measured_with_the_present_defaults(found):
    measured = [(data, name) for data, rows in found["rows"].items() for name, runs in rows.items() if runs]
    assert len(measured) > 40
    for data, name in measured:
        today = json.loads(json.dumps(defaults.recipe(data, name)))
        assert found["recipes"][data][name] == today, (data, name)


def test_every_pair_has_all_seeds_and_is_within_reach(found):
    pairs = [(data, name) for data in found["rows"] for name in defaults.PROMISING]
    excess = {pair: defaults.excesses(found, *pair) for pair in pairs}
    assert {len(one) for one in excess.values()} == {found["wanted"]}
    assert {pair for pair in pairs if not defaults.has_worked(excess[pair])} == set()
