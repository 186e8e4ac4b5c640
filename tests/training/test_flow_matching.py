"""Flow matching against displacement interpolation, closed forms of Gaussians, and exact solutions of linear fields."""

import pytest
import torch
from torch import nn

from wgan_course import transport
from wgan_course.models.velocity import VelocityField
from wgan_course.training import Ema, TensorBatches
from wgan_course.training.flow_matching import flow, flow_loss, straight_path, train_flow

MEAN = torch.tensor([1.0, -0.5])
ROOT = torch.tensor([[1.2, 0.0], [0.6, 0.4]])


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian_field(x, t):
    """E[X - Z | X_t = x] for X of law N(m, S)."""
    cov, eye, time = (ROOT @ ROOT.T).to(x), torch.eye(2).to(x), t[:, None, None]
    away = (x - t[:, None] * MEAN.to(x))[:, :, None]
    inner = torch.linalg.solve(time**2 * cov + (1 - time) ** 2 * eye, away)
    return MEAN.to(x) + ((time * cov - (1 - time) * eye) @ inner)[:, :, 0]


def normal(n, seed):
    return MEAN + torch.randn(n, 2, generator=rng(seed)) @ ROOT.T


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_the_path_is_the_displacement_interpolation_of_the_two_batches(t):
    noise, data = torch.randn(6, 3, generator=rng(1)), torch.randn(6, 3, generator=rng(2))
    points, mass = transport.displacement_interpolation(noise, data, torch.eye(6) / 6, t)
    x, velocity = straight_path(noise, data, torch.full((6,), t))
    torch.testing.assert_close(x, points)
    torch.testing.assert_close(mass, torch.full((6,), 1 / 6))
    ahead, _ = straight_path(noise, data, torch.full((6,), t + 0.5))
    torch.testing.assert_close((ahead - x) / 0.5, velocity)


def test_each_image_has_its_own_time():
    noise, data = torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2)
    t = torch.tensor([0.0, 0.25, 1.0])
    assert torch.equal(straight_path(noise, data, t)[0][:, 0, 1, 1], t)


def test_the_loss_is_least_for_the_closed_form_and_there_the_conditional_variance():
    """The mean over t of tr Cov(X - Z | X_t) / d, by a fine grid of times."""
    cov, eye = ROOT @ ROOT.T, torch.eye(2)
    left = []
    for t in torch.linspace(0, 1, 501).tolist():
        cross = t * cov - (1 - t) * eye
        left.append(torch.trace(cov + eye - cross @ torch.linalg.solve(t**2 * cov + (1 - t) ** 2 * eye, cross)) / 2)
    expected = torch.stack(left).mean().item()
    data = normal(8000, 3)
    best = flow_loss(gaussian_field, data, rng(4)).item()
    assert best == pytest.approx(expected, rel=0.04)
    others = (
        lambda x, t: gaussian_field(x, t) + 0.2,
        lambda x, t: -gaussian_field(x, t),
        lambda x, t: gaussian_field(x, 1 - t),
    )
    assert all(flow_loss(other, data, rng(4)).item() > best + 0.03 for other in others)


def test_a_learned_field_comes_near_the_closed_form_and_carries_noise_to_the_data():
    class Field(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))

        def forward(self, x, t):
            return self.network(torch.cat((x, t[:, None]), 1))

    torch.manual_seed(0)
    field, data = Field(), normal(4000, 5)
    average = Ema(field, 0.98)
    optimiser = torch.optim.Adam(field.parameters(), 3e-3)
    last = train_flow(field, TensorBatches(data, 128, rng(6)), 500, optimiser, rng(7), average)
    t = torch.rand(2000, generator=rng(8))
    x, _ = straight_path(torch.randn(2000, 2, generator=rng(9)), normal(2000, 10), t)
    with torch.no_grad():
        error = (average.module(x, t) - gaussian_field(x, t)).square().mean()
        size = gaussian_field(x, t).square().mean()
    assert error < 0.06 * size
    assert last == pytest.approx(flow_loss(gaussian_field, data, rng(11)).item(), rel=0.1)
    made = flow(average.module, torch.randn(4000, 2, generator=rng(12)), 20)
    torch.testing.assert_close(made.mean(0), MEAN, atol=0.12, rtol=0)
    torch.testing.assert_close(made.T.cov(), ROOT @ ROOT.T, atol=0.2, rtol=0)


A = torch.tensor([[-0.5, 1.0], [-1.0, 0.2]], dtype=torch.float64)
B = torch.tensor([0.3, -0.7], dtype=torch.float64)


def affine(x, t):
    return x @ A.T + B


def exact(x):
    """exp(A) x + A^-1 (exp(A) - I) b."""
    grown = torch.linalg.matrix_exp(A)
    return x @ grown.T + torch.linalg.solve(A, (grown - torch.eye(2, dtype=A.dtype)) @ B)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("heun", 2)])
def test_an_affine_field_by_powers_of_the_step_and_by_order(method, order):
    x, n = torch.randn(5, 2, generator=rng(13), dtype=torch.float64), 8
    step = A / n if order == 1 else A / n + A @ A / (2 * n * n)
    shift = B / n if order == 1 else B / n + A @ B / (2 * n * n)
    by_hand = x
    for _ in range(n):
        by_hand = by_hand + by_hand @ step.T + shift
    torch.testing.assert_close(flow(affine, x, n, method), by_hand)
    errors = [(flow(affine, x, n, method) - exact(x)).norm() for n in (32, 64)]
    assert errors[0] / errors[1] == pytest.approx(2.0**order, rel=0.05)


def test_times_are_those_of_the_steps():
    """v = 2t: Heun is exact, Euler sees the left ends, n steps of 1 / n: 1 - 1 / n."""
    x = torch.zeros(1, 1, dtype=torch.float64)

    def field(x, t):
        return 2 * t[:, None]

    assert flow(field, x, 4, "heun").item() == pytest.approx(1.0)
    assert flow(field, x, 4, "euler").item() == pytest.approx(0.75)


def test_the_closed_form_carries_the_normal_law_to_the_gaussian():
    start = torch.randn(500, 2, generator=rng(14), dtype=torch.float64)
    start = start - start.mean(0)
    start = torch.linalg.solve_triangular(torch.linalg.cholesky(start.T.cov()), start.T, upper=False).T
    made = flow(gaussian_field, start, 60)
    torch.testing.assert_close(made.mean(0), MEAN.double(), atol=2e-3, rtol=0)
    torch.testing.assert_close(made.T.cov(), (ROOT @ ROOT.T).double(), atol=5e-3, rtol=0)


class TestNetwork:
    def test_it_starts_as_zero_and_then_depends_on_image_and_time(self):
        field = VelocityField(3, 4, rng=rng(15))
        x = torch.randn(2, 3, 12, 12, generator=rng(16))
        assert torch.equal(field(x, torch.tensor([0.1, 0.9])), torch.zeros_like(x))
        nn.init.normal_(field.last.weight, generator=rng(17))
        same = torch.cat((x[:1], x[:1]))
        of_times = field(same, torch.tensor([0.1, 0.9]))
        assert not torch.allclose(of_times[0], of_times[1])
        torch.testing.assert_close(field(x, torch.tensor([0.1, 0.9]))[:1], of_times[:1])

    def test_equal_seeds_make_equal_networks(self):
        one, two = (VelocityField(1, 4, rng=rng(18)) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))

    def test_a_width_of_zero_is_refused(self):
        with pytest.raises(ValueError, match="width"):
            VelocityField(1, 0)


@pytest.mark.parametrize(("steps", "method", "said"), [(0, "heun", "steps"), (3, "midpoint", "method")])
def test_a_wrong_integration_is_refused(steps, method, said):
    with pytest.raises(ValueError, match=said):
        flow(affine, torch.zeros(1, 2, dtype=torch.float64), steps, method)
