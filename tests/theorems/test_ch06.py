"""Property tests for the statements of chapter 6, each named after its label."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from torch import nn

from wgan_course.constraints import penalties

seeds = st.integers(0, 2**31 - 1)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dual_potential(cost):
    """Optimal psi of max mean(phi) + mean(psi) with phi_i + psi_j <= c_ij, and the plan, by linear programming."""
    n, m = cost.shape
    rows = torch.zeros(n * m, n + m, dtype=torch.float64)
    pair = torch.arange(n * m)
    rows[pair, pair // m] = 1
    rows[pair, n + pair % m] = 1
    weights = [-1 / n] * n + [-1 / m] * m
    answer = linprog(weights, rows.numpy(), cost.flatten().numpy(), bounds=(None, None), method="highs")
    plan = torch.as_tensor(-answer.ineqlin.marginals).view(n, m)
    return torch.as_tensor(answer.x)[n:], plan


@given(seeds, st.integers(2, 7), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_prop_unit_gradient_coupling(seed, n, d):
    """An optimal potential, extended 1-Lipschitz, has slope one along every segment of the optimal plan."""
    x, y = normal(seed, n, d), normal(seed + 1, n, d) + 1
    psi, plan = dual_potential(torch.cdist(x, y))
    f = lambda z: (torch.cdist(z, y) - psi).amin(1)
    for i, j in (plan > 1e-6).nonzero().tolist():
        t = torch.tensor([[0.25], [0.5], [0.75]], dtype=torch.float64)
        points = t * x[i] + (1 - t) * y[j]
        slope = (f(points[2:]) - f(points[:1])) / (points[2] - points[0]).norm()
        assert slope.item() == pytest.approx(1, abs=1e-6)
        gradient = penalties.input_gradient(f, points[1:2], create_graph=False)
        direction = (x[i] - y[j]) / (x[i] - y[j]).norm()
        torch.testing.assert_close(gradient[0], direction, rtol=0, atol=1e-5)


@given(seeds, st.floats(0.1, 50), st.floats(0.05, 8))
@settings(max_examples=50, deadline=None)
def test_prop_two_sided_minimiser(seed, weight, distance):
    """For two masses at a distance and linear critics f(x) = sx, minimise -s·distance + λ(|s|-1)²: s = 1 + distance/2λ.

    The one-sided penalty has the same minimiser; where the masses coincide only the two-sided one wants slope 1.
    """
    slope = (1 + distance / (2 * weight)) * torch.ones((), dtype=torch.float64)
    tries = slope + normal(seed, 200)
    for penalty in (penalties.two_sided, penalties.one_sided):
        loss = lambda s, penalty=penalty: -s * distance + weight * penalty(s.abs())
        assert (loss(tries) >= loss(slope) - 1e-9).all()
    zero = torch.zeros((), dtype=torch.float64)
    assert penalties.one_sided(zero) == 0
    assert penalties.two_sided(zero) == 1


@given(seeds, st.integers(4, 16), st.integers(2, 5))
@settings(max_examples=25, deadline=None)
def test_prop_batch_norm_couples(seed, n, d):
    """With batch normalisation a score moves when another sample moves; without it, never."""
    first = nn.Linear(d, 4).double()
    first.weight.data = normal(seed + 1, 4, d)
    last = nn.Linear(4, 1).double()
    last.weight.data = normal(seed + 2, 1, 4)
    for middle, coupled in ((nn.BatchNorm1d(4).double(), True), (nn.LayerNorm(4).double(), False)):
        critic = nn.Sequential(first, middle, nn.Tanh(), last)
        x = normal(seed, n, d).requires_grad_(True)
        assert penalties.couples_samples(critic(x), x) == coupled
        moved = x.detach().clone()
        moved[-1] += 1
        change = (critic(moved)[0] - critic(x)[0]).abs().item()
        assert (change > 1e-9) == coupled
