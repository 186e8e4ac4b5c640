"""Matrix norms against NumPy and against sampling; power iteration against the SVD."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wgan_course import norms

seeds = st.integers(0, 2**31 - 1)


def matrix(seed, m=5, n=7):
    return torch.randn(m, n, generator=torch.Generator().manual_seed(seed)).double()


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_norms_agree_with_numpy(seed):
    W = matrix(seed)
    assert float(norms.spectral_norm(W)) == pytest.approx(np.linalg.svd(W.numpy())[1][0])
    assert float(norms.frobenius_norm(W)) == pytest.approx(np.linalg.norm(W.numpy()))
    assert float(norms.induced_norm(W, 1)) == pytest.approx(np.abs(W.numpy()).sum(0).max())
    assert float(norms.induced_norm(W, math.inf)) == pytest.approx(np.abs(W.numpy()).sum(1).max())
    assert float(norms.induced_norm(W, 2)) == pytest.approx(float(norms.spectral_norm(W)))


def test_norms_take_batches():
    W = torch.stack((matrix(0), matrix(1)))
    for f in (norms.spectral_norm, norms.frobenius_norm, norms.induced_norm):
        torch.testing.assert_close(f(W), torch.stack((f(W[0]), f(W[1]))))


def test_gradient_of_the_spectral_norm_is_u_v():
    W = matrix(2).requires_grad_()
    norms.spectral_norm(W).backward()
    result = norms.power_iteration(W.detach(), rng=torch.Generator().manual_seed(0), steps=2000)
    torch.testing.assert_close(W.grad, torch.outer(result.u, result.v), atol=1e-8, rtol=0)


def test_power_iteration_finds_the_singular_triple():
    W = matrix(3, 20, 12)
    sigma, u, v = norms.power_iteration(W, rng=torch.Generator().manual_seed(1), steps=1000)
    assert float(sigma) == pytest.approx(float(norms.spectral_norm(W)), rel=1e-10)
    torch.testing.assert_close(W @ v, sigma * u, atol=1e-6, rtol=0)
    torch.testing.assert_close(W.T @ u, sigma * v, atol=1e-6, rtol=0)


def test_error_on_a_wide_gaussian_matrix_falls_with_the_steps():
    """Mean over matrices of 128 by 64: about 0.2 after one step and below 1 % after twenty."""
    errors = []
    for seed in range(20):
        W, g = matrix(seed, 128, 64), torch.Generator().manual_seed(seed)
        exact = norms.spectral_norm(W)
        errors.append([float(1 - norms.power_iteration(W, rng=g, steps=k).sigma / exact) for k in (1, 5, 20)])
    mean = np.mean(errors, 0)
    assert 0.1 < mean[0] < 0.4
    assert mean[0] > 3 * mean[1] > 9 * mean[2]
    assert mean[2] < 0.01


def test_one_step_from_u_is_the_step_of_spectral_normalisation():
    W, u = matrix(4), torch.randn(5, generator=torch.Generator().manual_seed(2)).double()
    v = W.T @ u / (W.T @ u).norm()
    expected_u = W @ v / (W @ v).norm()
    sigma, got_u, got_v = norms.power_iteration(W, u=u, steps=1)
    torch.testing.assert_close(got_v, v)
    torch.testing.assert_close(got_u, expected_u)
    torch.testing.assert_close(sigma, expected_u @ W @ v)


def test_warm_start_continues_exactly():
    W, v = matrix(5), torch.ones(7).double()
    five = norms.power_iteration(W, v=v, steps=5)
    torch.testing.assert_close(
        norms.power_iteration(W, v=five.v, steps=3).sigma, norms.power_iteration(W, v=v, steps=8).sigma
    )


def test_zero_matrix_has_norm_zero_and_unit_vectors():
    sigma, u, v = norms.power_iteration(torch.zeros(3, 4), v=torch.ones(4), steps=3)
    assert float(sigma) == 0
    assert float(u.norm()) == float(v.norm()) == 1


def test_operator_of_a_matrix_and_of_a_shift():
    W = matrix(6)
    operator = norms.matrix_operator(W)
    torch.testing.assert_close(operator.dense(), W)
    assert operator.out_shape == (5,)
    shift = norms.LinearOperator(lambda x: x.roll(1, -1), lambda u: u.roll(-1, -1), (2, 3))
    assert float(norms.power_iteration(shift, rng=torch.Generator().manual_seed(0), steps=1).sigma) == pytest.approx(1)
    torch.testing.assert_close(shift.dense() @ shift.dense().T, torch.eye(6))


W34 = torch.ones(3, 4)


@pytest.mark.parametrize("f", [norms.spectral_norm, norms.frobenius_norm, norms.induced_norm, norms.matrix_operator])
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (W34[0], ValueError, "matrix"),
        (W34[:0], ValueError, "non-empty"),
        (W34 * math.nan, ValueError, "finite"),
        (W34.long(), TypeError, "floating"),
        ([[1.0]], TypeError, "list"),
    ],
)
def test_matrix_norms_refuse(f, bad, error, message):
    with pytest.raises(error, match=message):
        f(bad)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "exactly one"),
        ({"u": torch.ones(3), "v": torch.ones(4)}, ValueError, "exactly one"),
        ({"u": torch.ones(4)}, ValueError, "u must have shape"),
        ({"v": torch.zeros(4)}, ValueError, "not zero"),
        ({"v": torch.full((4,), math.nan)}, ValueError, "finite"),
        ({"v": torch.ones(4), "steps": -1}, ValueError, "at least 0"),
        ({"u": torch.ones(3), "steps": 0}, ValueError, "at least 1"),
    ],
)
def test_power_iteration_refuses(options, error, message):
    with pytest.raises(error, match=message):
        norms.power_iteration(W34, **options)
    with pytest.raises(TypeError, match="LinearOperator"):
        norms.power_iteration("W", v=torch.ones(4))
    with pytest.raises(ValueError, match="p must be"):
        norms.induced_norm(W34, 3)
