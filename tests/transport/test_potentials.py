"""Conjugates and extensions against loops, the programme and brute force."""

import math

import pytest
import torch

from wgan_course import transport as tr

G = torch.Generator().manual_seed(0)
X, Y = torch.randn(7, 2, generator=G).double(), torch.randn(9, 2, generator=G).double()
COST = tr.cost_matrix(X, Y)


def test_c_transform_is_the_loop():
    phi = torch.randn(7, generator=G).double()
    loop = [min(float(COST[i, j] - phi[i]) for i in range(7)) for j in range(9)]
    torch.testing.assert_close(tr.c_transform(phi, COST), torch.tensor(loop, dtype=torch.float64))


def test_mcshane_keeps_values_and_constant():
    values = 2 * X[:, 0].sin()
    f = tr.mcshane_extension(X, values, 2.0)
    torch.testing.assert_close(f(X), values)
    z = torch.randn(300, 2, generator=G).double() * 3
    slopes = (f(z)[:, None] - f(z)).abs() / tr.cost_matrix(z, z).clamp_min(1e-9)
    assert float(slopes.max()) <= 2 + 1e-9
    assert bool((f(z) >= 2 * z[:, 0].sin() - 1e-9).all())  # the largest extension


def test_mcshane_extends_dual_potentials():
    answer = tr.solve(COST)
    f = tr.mcshane_extension(X, answer.phi)
    torch.testing.assert_close(f(X), answer.phi)


def test_potential_critic_reaches_the_distance():
    answer = tr.solve(COST)
    f = tr.potential_critic(Y, answer.psi)
    assert float(f(X).mean() - f(Y).mean()) == pytest.approx(float(answer.value), abs=1e-12)
    z = torch.randn(200, 2, generator=G).double().requires_grad_()
    (gradient,) = torch.autograd.grad(f(z).sum(), z)
    torch.testing.assert_close(gradient.norm(dim=1), torch.ones(200, dtype=torch.float64))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tr.c_transform(torch.zeros(9), COST), "phi must have shape"),
        (lambda: tr.c_transform(torch.full((7,), math.nan), COST), "finite"),
        (lambda: tr.mcshane_extension(X, 100 * X[:, 0]), "Lipschitz on the points"),
        (lambda: tr.mcshane_extension(X, X[:, 0], -1.0), "positive"),
        (lambda: tr.mcshane_extension(X, X[:3, 0]), "values must have shape"),
        (lambda: tr.potential_critic(Y, torch.zeros(2)), "values must have shape"),
    ],
)
def test_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()
