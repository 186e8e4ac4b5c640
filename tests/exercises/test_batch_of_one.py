"""A batch of one, or a matrix of one row, is among what a function is tried on, wherever the exercise allows it."""

import numpy as np
import pytest

from wgan_grader import registry

from .registry import all_trials, grade

NEEDS_TWO = {
    "ps01.game_value",  # with one atom a distribution has nothing to choose
    "ps01.js",
    "ps01.kl",
    "ps02.wasserstein_grid",
    "ps03.dual_value",
    "ps03.lipschitz_constant",  # pairs, or a quotient of two values
    "ps03.potentials_from_plan",
    "ps04.is_lipschitz",
    "ps04.steepest_pair",
    "ps07.steps_needed",
    "ps09.critical_weight",  # games of two players
    "ps09.eigenvalues",
    "ps09.update_matrix",
    "ps10.kernel_mmd",
    "ps10.precision_recall",
}
ENTRY_BY_ENTRY = {
    "ps01.first_step_below",
    "ps01.gradient_is_small",
    "ps01.non_saturating_gradient",
    "ps01.optimal_discriminator",
    "ps01.saturating_gradient",
    "ps04.cone_violations",
}


@pytest.mark.parametrize("key", registry.keys())
def test_one_row_is_tried(key):
    problem = registry.find(key)
    cases = [] if problem.reached else problem.make_cases(np.random.default_rng(3), hidden=True)
    rows = {len(value) for case in cases for name, value in case.inputs.items() if _is_batch(name, value)}
    exempt = key in NEEDS_TWO | ENTRY_BY_ENTRY or not rows
    assert exempt != (1 in rows)


def _is_batch(name, value):
    """Whether it is an array of several samples, and not a tensor of a network."""
    return isinstance(value, np.ndarray) and value.ndim > 0 and "." not in name


SQUEEZED = (
    "ps02.displacement",
    "ps04.residual_block",
    "ps06.input_gradient",
    "ps06.interpolates",
    "ps10.conditional_interpolates",
)


@pytest.mark.parametrize("key", SQUEEZED)
def test_an_answer_that_loses_the_axis_of_a_batch_of_one_is_refused(key):
    ((_, right), *_) = next(trials.right for trials in all_trials() if trials.key == key)
    assert grade(key, right).points == registry.find(key).points
    verdict = grade(key, lambda *given: right(*given).squeeze())
    assert verdict.points < verdict.possible
    assert "generic:shape" in [diagnosis.id for diagnosis in verdict.diagnoses]
