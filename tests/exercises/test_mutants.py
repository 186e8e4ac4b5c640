"""Every wrong version is refused with its message; every right version gets full marks."""

import pytest

from wgan_grader import registry

from .registry import COUNTS, MIN_ALTERNATIVES, MIN_MUTANTS, Count, accepted, all_trials, refused

TRIALS = all_trials()
MUTANTS = [(t, *entry) for t in TRIALS for entry in t.wrong]
ALTERNATIVES = [(t, *entry) for t in TRIALS for entry in t.right]


def _count(key):
    return COUNTS.setdefault(key, Count())


@pytest.mark.parametrize(
    ("trials", "name", "misconception", "function"), MUTANTS, ids=[f"{m[0].key}-{m[1]}" for m in MUTANTS]
)
def test_mutant_is_refused_with_its_message(trials, name, misconception, function):
    count = _count(trials.key)
    count.mutants += 1
    complaints = refused(trials, misconception, function)
    count.refused += not complaints
    assert not complaints, f"{name} must draw {misconception!r}: {complaints}"


@pytest.mark.parametrize(("trials", "name", "function"), ALTERNATIVES, ids=[f"{a[0].key}-{a[1]}" for a in ALTERNATIVES])
def test_alternative_gets_full_marks(trials, name, function):
    count = _count(trials.key)
    count.alternatives += 1
    complaints = accepted(trials, function)
    count.accepted += not complaints
    assert not complaints, f"{name} is right: {complaints}"


@pytest.mark.parametrize("key", registry.keys())
def test_every_graded_function_has_enough_of_both(key):
    (trials,) = [trials for trials in TRIALS if trials.key == key]
    assert len({name for name, _, _ in trials.wrong}) >= MIN_MUTANTS
    assert len({name for name, _ in trials.right}) >= MIN_ALTERNATIVES


@pytest.mark.parametrize("key", registry.keys())
def test_every_misconception_has_a_mutant_that_draws_it(key):
    """A message that nobody can draw is dead text, or hides behind another one."""
    drawn = {m for trials in TRIALS if trials.key == key for _, m, _ in trials.wrong}
    named = {misconception.id for misconception in registry.find(key).misconceptions}
    assert named - drawn == set()
