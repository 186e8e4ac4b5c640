"""Kinds of mistake that right answers to most cases make: each is refused wherever the exercise leaves room for it."""

import pytest
import torch

from wgan_grader import registry

from .registry import all_trials, grade

RIGHT = {trials.key: [function for _, function in trials.right] for trials in all_trials()}
LOSSES = (
    "ps02.wasserstein_1d",
    "ps06.one_sided",
    "ps06.sequence_penalty",
    "ps06.two_sided",
    "ps08.sigma_step",
    "ps08.sn_weight",
    "ps08.spectral_penalty",
)


@pytest.mark.parametrize("key", LOSSES)
def test_a_loss_that_has_gone_backward_already_is_refused(key):
    """The caller's own backward() adds to the gradients that it left."""

    def backward(*given):
        result = RIGHT[key][0](*given)
        loss = result[0] if isinstance(result, tuple) else result
        if loss.requires_grad:
            loss.sum().backward(retain_graph=True)
        return result

    assert "left-changed" in [diagnosis.id for diagnosis in grade(key, backward).diagnoses]


def _ray_slopes(f_x, f_y, x, y):
    run = torch.cdist(x, y).diagonal()
    return torch.where(run > 0, (f_x - f_y) / run, 0.0)


def _share(centres, points, k):
    radii = torch.cdist(centres, centres).sort(1).values[:, k]
    return (torch.cdist(points, centres) <= radii).any(1).double().mean()


def _mode_report(points, modes, std):
    near = torch.cdist(points, modes) <= 3 * std
    return near.any(0).sum(), near.any(1).double().mean()


@pytest.mark.parametrize(
    ("key", "by_cdist"),
    [
        ("ps02.cost_matrix", torch.cdist),
        ("ps03.ray_slopes", _ray_slopes),
        ("ps10.mode_report", _mode_report),
        ("ps10.precision_recall", lambda real, fake, k: (_share(real, fake, k), _share(fake, real, k))),
    ],
)
def test_distances_by_products_are_refused_far_from_zero(key, by_cdist):
    """Beyond 25 rows torch.cdist expands the square, unless it is told not to."""
    assert grade(key, by_cdist).points < registry.find(key).points


def _back_in_training_mode(critic, points):
    critic.eval()
    result = RIGHT["ps06.gradient_norms"][0](critic, points)
    critic.train()
    return result


def _on_a_clean_slate(key):
    def function(critic, *given):
        critic.zero_grad()
        return RIGHT[key][0](critic, *given)

    return function


def _thawed(key):
    def function(critic, *given):
        result = RIGHT[key][0](critic, *given)
        critic.requires_grad_(True)
        return result

    return function


@pytest.mark.parametrize(
    ("key", "function", "said"),
    [
        *((key, _thawed(key), "requires_grad on in critic")
          for key in ("ps05.critic_loss", "ps05.generator_loss", "ps05.gradient_by_layer", "ps06.gradient_norms",
                      "ps06.input_gradient", "ps06.gradient_penalty", "ps06.critic_loss", "ps06.r1_penalty")),
        ("ps06.gradient_norms", _back_in_training_mode, "training mode"),
        *((f"ps06.{name}", _on_a_clean_slate(f"ps06.{name}"), "left gradients in critic")
          for name in ("gradient_penalty", "critic_loss", "r1_penalty")),
    ],
)  # fmt: skip
def test_a_critic_that_was_in_use_is_left_as_it_came(key, function, said):
    """In evaluation mode, with a frozen parameter, and with gradients that the caller goes on adding to."""
    left = [diagnosis.message for diagnosis in grade(key, function).diagnoses if diagnosis.id == "left-changed"]
    assert said in left[0]


def _nobody_by_squares(p, q):
    return torch.where(p * p + q * q == 0, 0.5, p / (p + q))


def _area_without_small_steps(points, p, q):
    surplus = (p - q).cumsum(0)[:-1]
    return (torch.where(surplus.abs() < 1e-9, 0.0, surplus.abs()) * points.diff()).sum()


def _sizes_alone(x, values, slope):
    run, rise = x[:, None] - x, values.abs()[:, None] - values.abs()
    return bool((rise.abs() <= slope * run.abs()).all())


def _places_alone(x, values, slope):
    run, rise = x.abs()[:, None] - x.abs(), values[:, None] - values
    return bool((rise.abs() <= slope * run.abs()).all())


def _jacobian_in_single_precision(theta, psi, weight):
    t, p = torch.tensor(float(theta)), torch.tensor(float(psi))
    grown = torch.exp(t * p)
    s, q = 1 / (1 + grown), grown / (1 + grown) ** 2
    return [[q * p * p, q * p * t - s], [s - q * p * t, -q * t * t - weight]]


LONG = {
    "ps01.non_saturating_gradient": 1000,
    "ps01.optimal_discriminator": 1000,
    "ps01.saturating_gradient": 1000,
    "ps02.cost_matrix": 1000,
    "ps02.displacement": 1000,
    "ps04.cone_violations": 1000,
    "ps06.gradient_norms": 100,
    "ps07.circular_spectrum": 100,
    "ps08.sn_weight": 100,
}


@pytest.mark.parametrize("key", LONG)
def test_the_end_of_a_long_answer_counts(key):
    def cut(*given):
        answer = RIGHT[key][0](*given)
        kept = torch.arange(answer.numel()).reshape(answer.shape) < LONG[key]
        return torch.where(kept, answer, torch.zeros_like(answer))

    assert grade(key, cut).points < registry.find(key).points


def _one_of_each_line(x, y, lines):
    kept = [line for i, line in enumerate(lines) if not any(torch.equal(line, -other) for other in lines[:i])]
    return RIGHT["ps02.sliced"][0](x, y, torch.stack(kept))


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("ps01.optimal_discriminator", _nobody_by_squares),
        ("ps02.sliced", _one_of_each_line),
        ("ps02.transport_cost", lambda plan, cost: (plan * (plan > 1e-9) * cost).sum()),
        ("ps02.wasserstein_grid", _area_without_small_steps),
        ("ps04.cone_violations", lambda x, f, k, tip: (f - f[tip]).abs() > k * (x.abs() - x[tip].abs()).abs()),
        ("ps04.is_lipschitz", _sizes_alone),
        ("ps04.is_lipschitz", _places_alone),
        ("ps08.sn_weight", lambda W, u, v: W / (u @ W @ v + 1e-12)),
        ("ps09.jacobian", _jacobian_in_single_precision),
    ],
)
def test_what_is_small_or_of_another_sign_counts(key, wrong):
    assert grade(key, wrong).points < registry.find(key).points


def test_yes_and_no_are_told_with_the_names_of_cases():
    def last_pair(x, values, slope):
        return bool(abs(values[-1] - values[-2]) <= slope * abs(x[-1] - x[-2]))

    said = [diagnosis.message for diagnosis in grade("ps04.is_lipschitz", last_pair).diagnoses]
    assert said
    assert all("cases it fails" in message for message in said)


def test_a_pattern_that_passing_cases_show_too_is_not_blamed_on_the_inputs():
    """A hundred times 0 is 0: a case passes by its answer, and not by what else sets it apart."""
    share = RIGHT["ps10.mode_report"][0]
    said = [d.message for d in grade("ps10.mode_report", lambda *a: (share(*a)[0], 100 * share(*a)[1])).diagnoses]
    assert any("100 times" in message for message in said)
    assert not any("fails just where" in message for message in said)
