"""The pair of image distributions with W1 = 35: a critic of orthonormal layers and GroupSort reads it within 2 %."""

import pytest
import torch

from tests.training.tiny import seeded
from wgan_course import constraints, objectives
from wgan_course.data.pairs import CentreSquares
from wgan_course.models import mlp


@pytest.mark.slow
def test_orthonormal_group_sort_critic_reads_35_within_two_per_cent():
    pair, rng = CentreSquares(64), seeded(1)
    assert pair.w1 == 35
    constraint = constraints.make("orthonormal")
    critic = constraint.prepare(mlp.Critic(64 * 64, (16, 16), act="groupsort", rng=seeded(2)))
    optimiser = torch.optim.Adam(critic.parameters(), lr=2e-2)
    objective = objectives.make("wasserstein")
    for _ in range(150):
        real, fake = pair.sample(16, rng)
        loss = objective.critic_loss(critic(real), critic(fake)) + constraint.penalty(critic, real, fake, rng)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        constraint.project_(critic)
    real, fake = pair.sample(256, rng)
    with torch.no_grad():
        scores = critic.eval()(real).mean(), critic(fake)
    estimate = float(scores[0] - scores[1].mean())
    assert estimate == pytest.approx(35, rel=0.02)
