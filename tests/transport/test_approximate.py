"""Sinkhorn, slices and interpolation against POT, closed forms, quadrature and the exact distance."""

import logging
import math

import numpy as np
import ot
import pytest
import torch

from wgan_course import transport as tr

G = torch.Generator().manual_seed(1)
X, Y = torch.randn(12, 2, generator=G).double(), torch.randn(15, 2, generator=G).double() + 1
A, B = (torch.rand(n, generator=G).double() for n in (12, 15))
A, B = A / A.sum(), B / B.sum()
COST = tr.cost_matrix(X, Y)


@pytest.mark.parametrize("regularisation", [0.1, 0.5])
def test_sinkhorn_agrees_with_pot(regularisation):
    expected = ot.sinkhorn(
        A.numpy(), B.numpy(), COST.numpy(), regularisation, method="sinkhorn_log", stopThr=1e-12, numItermax=20000
    )
    got = tr.sinkhorn(COST, A, B, regularisation, iterations=20000, tolerance=1e-11)
    np.testing.assert_allclose(got.coupling, expected, atol=1e-9)
    entropy = (got.coupling * (got.coupling / (A[:, None] * B)).log()).sum()
    assert float(got.value) == pytest.approx(float(got.transport_cost + regularisation * entropy), abs=1e-9)
    assert got.error < 1e-11


def test_sinkhorn_tends_to_the_exact_value_from_above():
    exact = float(tr.solve(COST, A, B).value)
    costs = [float(tr.sinkhorn(COST, A, B, e, 20000).transport_cost) for e in (1.0, 0.3, 0.05)]
    assert costs[0] > costs[1] > costs[2] > exact - 1e-6
    assert costs[2] == pytest.approx(exact, rel=0.02)


def test_sinkhorn_survives_zero_weights_and_tiny_regularisation():
    a = A.clone()
    a[0] = 0
    got = tr.sinkhorn(COST, a / a.sum(), B, 0.002, iterations=200)
    assert torch.isfinite(got.coupling).all()
    assert float(got.coupling[0].sum()) == 0


def test_sinkhorn_says_when_it_has_not_converged(caplog):
    with caplog.at_level(logging.WARNING):
        got = tr.sinkhorn(COST, regularisation=0.01, iterations=2)
    assert got.iterations == 2
    assert "raise iterations" in caplog.text


def test_divergence_is_zero_at_equality_and_tends_to_w1():
    assert float(tr.sinkhorn_divergence(X, X, 0.1)) == pytest.approx(0, abs=1e-5)
    exact = float(tr.wasserstein(X, Y))
    assert float(tr.sinkhorn_divergence(X, Y, 0.02, iterations=20000)) == pytest.approx(exact, rel=0.02)


def test_divergence_agrees_with_its_definition():
    def value(p, q, a, b):
        return tr.sinkhorn(tr.cost_matrix(p, q), a, b, 0.3, 20000, 1e-10).value

    expected = value(X, Y, A, B) - value(X, X, A, A) / 2 - value(Y, Y, B, B) / 2
    torch.testing.assert_close(tr.sinkhorn_divergence(X, Y, 0.3, A, B, tolerance=1e-10), expected, atol=1e-8, rtol=0)


def test_divergence_gradient_by_finite_differences():
    x = X[:4].clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda z: tr.sinkhorn_divergence(z, Y[:3], 0.5, iterations=20000, tolerance=1e-13), x, eps=1e-5, atol=1e-5
    )


def test_directions_are_unit_repeatable_and_of_either_generator():
    one, two = (tr.random_directions(5, 3, torch.Generator().manual_seed(2)) for _ in range(2))
    assert torch.equal(one, two)
    torch.testing.assert_close(one.norm(dim=1), torch.ones(5, dtype=torch.float64))
    assert tr.random_directions(4, 2, np.random.default_rng(0)).shape == (4, 2)


def test_sliced_is_the_mean_of_scipy_distances():
    from scipy.stats import wasserstein_distance

    lines = tr.random_directions(20, 2, G)
    expected = np.mean([wasserstein_distance(X @ t, Y @ t) for t in lines])
    assert float(tr.sliced_wasserstein(X, Y, lines)) == pytest.approx(expected, abs=1e-12)
    assert float(tr.sliced_wasserstein(X, Y, lines)) <= float(tr.wasserstein(X, Y))


def test_sliced_distance_of_a_shift_in_the_plane():
    angles = torch.arange(360) * math.tau / 360
    lines = torch.stack((angles.cos(), angles.sin()), 1).double()
    got = tr.sliced_wasserstein(X, X + torch.tensor([3.0, 0.0]), lines)
    assert float(got) == pytest.approx(3 * 2 / math.pi, rel=1e-4)  # mean of |cos|


@pytest.mark.parametrize("t", [0.0, 0.25, 0.5, 1.0])
def test_interpolation_walks_at_constant_speed(t):
    coupling = tr.solve(COST, A, B).coupling
    points, weights = tr.displacement_interpolation(X, Y, coupling, t)
    total = tr.wasserstein(X, Y, A, B)
    torch.testing.assert_close(tr.wasserstein(X, points, A, weights), t * total, atol=1e-9, rtol=0)
    torch.testing.assert_close(tr.wasserstein(points, Y, weights, B), (1 - t) * total, atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tr.sinkhorn(COST, regularisation=0), ValueError, "regularisation"),
        (lambda: tr.sinkhorn(COST, A * 2), ValueError, "sum to 1"),
        (lambda: tr.sinkhorn(COST * math.nan), ValueError, "NaN"),
        (lambda: tr.sinkhorn_divergence(X, Y[:, :1]), ValueError, "same dimension"),
        (lambda: tr.sliced_wasserstein(X, Y, torch.ones(3, 2)), ValueError, "unit"),
        (lambda: tr.sliced_wasserstein(X, Y, torch.ones(3, 5)), ValueError, r"\(k, 2\)"),
        (lambda: tr.random_directions(0, 2, G), ValueError, "at least 1"),
        (lambda: tr.random_directions(1, 2, 7), TypeError, "Generator"),
        (lambda: tr.displacement_interpolation(X, Y, COST[:3], 0.5), ValueError, "coupling"),
        (lambda: tr.displacement_interpolation(X, Y, -COST, 0.5), ValueError, "non-negative"),
        (lambda: tr.displacement_interpolation(X, Y, COST, 1.5), ValueError, r"\[0, 1\]"),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()
