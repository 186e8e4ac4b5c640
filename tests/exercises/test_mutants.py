"""Every wrong version is refused with its message; every right version gets full marks."""

import numpy as np
import pytest

from wgan_grader import registry
from wgan_grader.own import public_seed

from .registry import COUNTS, MIN_ALTERNATIVES, MIN_MUTANTS, Count, accepted, all_trials, refused

TRIALS = all_trials()
each = pytest.mark.parametrize("trials", TRIALS, ids=[trials.key for trials in TRIALS])


def _count(key):
    return COUNTS.setdefault(key, Count())


@each
def test_mutants_are_refused_with_their_messages(trials):
    found = {(name, misconception): refused(trials, misconception, f) for name, misconception, f in trials.wrong}
    count = _count(trials.key)
    count.mutants, count.refused = len(found), sum(not complaints for complaints in found.values())
    assert {wanted: complaints for wanted, complaints in found.items() if complaints} == {}


@each
def test_alternatives_get_full_marks(trials):
    found = {name: accepted(trials, function) for name, function in trials.right}
    count = _count(trials.key)
    count.alternatives, count.accepted = len(found), sum(not complaints for complaints in found.values())
    assert {name: complaints for name, complaints in found.items() if complaints} == {}


@pytest.mark.parametrize("key", registry.keys())
def test_what_a_student_is_tried_on_a_grader_tries_too(key):
    """So one observation serves for both."""
    problem, seed = registry.find(key), public_seed(key)
    own, whole = (problem.make_cases(np.random.default_rng(seed), hidden) for hidden in (False, True))
    shared = [case for case in whole if not case.hidden]
    assert [case.name for case in own] == [case.name for case in shared]
    for one, other in zip(own, shared, strict=True):
        np.testing.assert_equal(one.inputs, other.inputs)


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
