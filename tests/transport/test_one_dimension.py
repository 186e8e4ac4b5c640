"""W1 on the line against SciPy, POT, the linear programme and finite differences."""

import math

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from wgan_course import transport as tr


def weighted(seed, n, m):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), rng.normal(size=m) + 1, rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(1, 30), st.integers(1, 30))
def test_agrees_with_scipy_and_pot_to_1e_10(seed, n, m):
    x, y, a, b = weighted(seed, n, m)
    got = float(tr.wasserstein_1d(*map(torch.from_numpy, (x, y, a, b))))
    assert got == pytest.approx(wasserstein_distance(x, y, a, b), abs=1e-10)
    assert got == pytest.approx(float(ot.wasserstein_1d(x, y, a, b, p=1)), abs=1e-10)
    plain = float(tr.wasserstein_1d(torch.from_numpy(x), torch.from_numpy(y)))
    assert plain == pytest.approx(wasserstein_distance(x, y), abs=1e-10)


@pytest.mark.parametrize("m", [5, 7])
def test_gradients_by_finite_differences(m):
    x, y, a, b = map(torch.from_numpy, weighted(1, 5, m))
    x.requires_grad_()
    y.requires_grad_()
    assert torch.autograd.gradcheck(tr.wasserstein_1d, (x, y))
    assert torch.autograd.gradcheck(lambda s, t: tr.wasserstein_1d(s, t, a, b), (x, y))


def test_gradient_in_the_weights():
    x, y, a, b = map(torch.from_numpy, weighted(2, 4, 6))
    logits = a.log().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: tr.wasserstein_1d(x, y, z.softmax(0), b), logits)


def test_batches_and_both_ways_agree():
    g = torch.Generator().manual_seed(3)
    x, y = torch.randn(2, 3, 9, generator=g).double(), torch.randn(2, 3, 9, generator=g).double()
    one = torch.stack(
        [torch.stack([tr.wasserstein_1d(a, b) for a, b in zip(p, q, strict=True)]) for p, q in zip(x, y, strict=True)]
    )
    torch.testing.assert_close(tr.wasserstein_1d(x, y), one)
    uniform = torch.full((9,), 1 / 9, dtype=torch.float64)
    torch.testing.assert_close(tr.wasserstein_1d(x, y, uniform, uniform), one)


def test_zero_and_one_to_two_and_three_costs_two():
    assert float(tr.wasserstein_1d(torch.tensor([0.0, 1.0]), torch.tensor([3.0, 2.0]))) == 2


def test_float32_stays_float32():
    assert tr.wasserstein_1d(torch.zeros(3), torch.ones(2)).dtype == torch.float32


X = torch.tensor([0.0, 1.0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((torch.tensor([]), X), ValueError, "empty"),
        ((torch.tensor([math.nan]), X), ValueError, "NaN"),
        ((X, torch.tensor([math.inf])), ValueError, "finite"),
        ((torch.tensor([1, 2]), X), TypeError, "floating-point"),
        (([0.0], X), TypeError, "list"),
        ((X[None], X), ValueError, "shapes"),
        ((X, X, torch.tensor([0.5, 0.6])), ValueError, "sum to 1"),
        ((X, X, torch.tensor([-0.5, 1.5])), ValueError, "non-negative"),
        ((X, X, None, torch.tensor([1.0])), ValueError, "y_weights"),
        ((X, X, torch.tensor([math.nan, 1.0])), ValueError, "x_weights"),
    ],
)
def test_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        tr.wasserstein_1d(*arguments)
