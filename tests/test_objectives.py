"""Objectives against their formulas in probabilities, their optimal values, and the direction they push."""

import math

import pytest
import torch

from wgan_course import objectives

REAL = torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64)
FAKE = torch.tensor([-0.7, 0.4], dtype=torch.float64)
ALONE = tuple(name for name in objectives.NAMES if not objectives.make(name).relative)


def test_the_relativistic_loss_equals_the_formula_and_needs_pairs():
    """Every difference and its loss written out; of a shift of all scores it sees nothing."""
    objective, fake = objectives.make("relativistic"), torch.tensor([-0.7, 0.4, 5.0], dtype=torch.float64)
    beats = [1 / (1 + math.exp(f - r)) for r, f in zip(REAL.tolist(), fake.tolist(), strict=True)]
    critic, generator = -sum(math.log(p) for p in beats) / 3, -sum(math.log(1 - p) for p in beats) / 3
    assert objective.critic_loss(REAL, fake).item() == pytest.approx(critic, rel=1e-12)
    assert objective.generator_loss(fake, REAL).item() == pytest.approx(generator, rel=1e-12)
    assert objective.generator_loss(fake[:, None] + 7, REAL + 7).item() == pytest.approx(generator, rel=1e-12)
    for wrong in (lambda: objective.critic_loss(REAL, FAKE), lambda: objective.generator_loss(FAKE, REAL)):
        with pytest.raises(ValueError, match="pairs"):
            wrong()
    with pytest.raises(ValueError, match="real_scores"):
        objective.generator_loss(FAKE)


def test_a_loss_that_is_not_relative_ignores_real_scores():
    for name in ALONE:
        objective = objectives.make(name)
        assert torch.equal(objective.generator_loss(FAKE, REAL), objective.generator_loss(FAKE))


def written_out(name, r, f):
    """Critic's and generator's loss straight from the papers, with probabilities."""
    d_real, d_fake = 1 / (1 + (-r).exp()), 1 / (1 + (-f).exp())
    log_game = -d_real.log().mean() - (1 - d_fake).log().mean()
    hinge = torch.clamp(1 - r, min=0).mean() + torch.clamp(1 + f, min=0).mean()
    squares = 0.5 * ((r - 1) ** 2).mean() + 0.5 * (f**2).mean()
    return {
        "minimax": (log_game, (1 - d_fake).log().mean()),
        "non-saturating": (log_game, -d_fake.log().mean()),
        "least-squares": (squares, 0.5 * ((f - 1) ** 2).mean()),
        "hinge": (hinge, -f.mean()),
        "wasserstein": (f.mean() - r.mean(), -f.mean()),
    }[name]


@pytest.mark.parametrize("name", ALONE)
def test_losses_equal_the_formulas(name):
    objective = objectives.make(name)
    critic, generator = written_out(name, REAL, FAKE)
    torch.testing.assert_close(objective.critic_loss(REAL, FAKE), critic, rtol=1e-12, atol=0)
    torch.testing.assert_close(objective.generator_loss(FAKE), generator, rtol=1e-12, atol=0)


def test_names_are_those_of_the_course():
    assert objectives.NAMES == ("minimax", "non-saturating", "least-squares", "hinge", "wasserstein", "relativistic")


@pytest.mark.parametrize("name", objectives.NAMES)
def test_critic_raises_real_scores_and_generator_raises_fake_ones(name):
    objective = objectives.make(name)
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    objective.critic_loss(real, fake).backward()
    assert (real.grad <= 0).all()
    assert (fake.grad >= 0).all()
    assert (real.grad - fake.grad).abs().sum() > 0
    fake = torch.zeros(4, requires_grad=True)
    objective.generator_loss(fake, torch.zeros(4)).backward()
    assert (fake.grad < 0).all()


def test_minimax_at_equal_distributions_is_log_four():
    assert objectives.make("minimax").critic_loss(torch.zeros(5), torch.zeros(5)).item() == pytest.approx(math.log(4))


def test_wasserstein_is_not_the_hinge():
    far = torch.full((3,), 9.0), torch.full((3,), -9.0)
    assert objectives.make("wasserstein").critic_loss(*far).item() == -18
    assert objectives.make("hinge").critic_loss(*far).item() == 0


@pytest.mark.parametrize("name", ["minimax", "non-saturating", "relativistic"])
def test_extreme_logits_stay_finite(name):
    objective = objectives.make(name)
    scores = torch.tensor([-1e4, 1e4], requires_grad=True)
    (objective.critic_loss(scores, scores.flip(0)) + objective.generator_loss(scores, scores.flip(0))).backward()
    assert scores.grad.isfinite().all()


def test_minimax_generator_saturates_where_the_other_does_not():
    for name, size in (("minimax", 0.0), ("non-saturating", 1.0)):
        score = torch.tensor([-40.0], requires_grad=True)
        objectives.make(name).generator_loss(score).backward()
        assert score.grad.abs().item() == pytest.approx(size, abs=1e-6)


def test_sign_by_a_shift_in_one_dimension():
    """Data at 3, generator a shift from 0, critic a slope in [-1, 1]: the shift must arrive at 3, not run away."""
    objective = objectives.make("wasserstein")
    shift = torch.zeros(1, requires_grad=True)
    slope = torch.zeros(1, requires_grad=True)
    for _ in range(400):
        (gradient,) = torch.autograd.grad(objective.critic_loss(slope * 3.0, slope * shift.detach()), slope)
        slope = (slope - 0.5 * gradient).clamp(-1, 1).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(objective.generator_loss(slope.detach() * shift), shift)
        shift = (shift - 0.05 * gradient).detach().requires_grad_(True)
    assert shift.item() == pytest.approx(3.0, abs=0.5)


@pytest.mark.parametrize("name", ALONE)
def test_batches_of_different_size_and_column_shape(name):
    objective = objectives.make(name)
    flat = objective.critic_loss(REAL, FAKE)
    assert torch.equal(objective.critic_loss(REAL[:, None], FAKE[:, None]), flat)


def test_half_precision_is_averaged_in_float32():
    scores = torch.full((4096,), 1.0 / 3, dtype=torch.bfloat16)
    loss = objectives.make("wasserstein").generator_loss(scores)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(-scores[0].item(), rel=1e-6)


@pytest.mark.parametrize(
    ("scores", "error", "message"),
    [
        ([1.0], TypeError, "list"),
        (torch.tensor([1]), TypeError, "int64"),
        (torch.zeros(0), ValueError, "empty"),
    ],
)
def test_bad_scores_are_refused(scores, error, message):
    objective = objectives.make("hinge")
    with pytest.raises(error, match=message):
        objective.generator_loss(scores)
    with pytest.raises(error, match="real_scores"):
        objective.critic_loss(scores, FAKE)


@pytest.mark.parametrize("name", objectives.NAMES)
def test_spelling_of_a_name_does_not_matter(name):
    for spelling in (name.upper(), name.replace("-", "_"), name.title()):
        assert type(objectives.make(spelling)) is type(objectives.make(name))


def test_unknown_name_and_bare_interface_are_refused():
    with pytest.raises(ValueError, match="wasserstein"):
        objectives.make("wgan")
    with pytest.raises(TypeError, match="make"):
        objectives.Objective().generator_loss(FAKE)
    with pytest.raises(TypeError, match="make"):
        objectives.Objective().critic_loss(REAL, FAKE)
