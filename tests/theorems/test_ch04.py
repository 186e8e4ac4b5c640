"""Chapter 4, theorem by theorem: each test tries to falsify the statement of that label."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from wgan_course import norms
from wgan_course.models import layers, mlp

seeds = st.integers(0, 2**31 - 1)
falsify = settings(max_examples=25, deadline=None)
SLACK = 1 + 1e-9


def draw(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def network(seed, act="tanh", d=3, out=None):
    net = mlp.Critic(d, (8, 8), act=act, rng=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return net.features if out else net


@falsify
@given(seeds)
def test_thm_gradient_lipschitz(seed):
    """A slope is at most the steepest gradient on the segment; a gradient is a limit of slopes."""
    f, x, y = network(seed), draw(seed, 1, 3), draw(seed + 1, 1, 3)
    segment = x + torch.linspace(0, 1, 400).double()[:, None] * (y - x)
    steepest = norms.jacobian_norms(f, segment).max()
    assert float(norms.pair_slopes(f, x, y)) <= float(steepest) * (1 + 1e-3)
    z = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(f(z).sum(), z)
    near = x + 1e-6 * gradient / gradient.norm()
    assert float(norms.pair_slopes(f, near, x)) == pytest.approx(float(gradient.norm()), rel=1e-3)


@falsify
@given(seeds, st.sampled_from(["relu", "leaky_relu", "tanh", "groupsort"]))
def test_prop_composition(seed, act):
    f = network(seed, act)
    product = math.prod(bound for _, bound in norms.layer_bounds(f, (3,)))
    x, y = draw(seed, 64, 3), draw(seed + 1, 64, 3)
    assert float(norms.pair_slopes(f, x, y).max()) <= product * SLACK
    assert norms.lipschitz_upper(f, (3,)) == pytest.approx(product)


@falsify
@given(seeds, st.integers(1, 6), st.integers(1, 6))
def test_prop_dense_layer(seed, m, n):
    W = draw(seed, m, n)
    x, y = draw(seed + 1, 32, n), draw(seed + 2, 32, n)
    slopes = norms.pair_slopes(lambda z: z @ W.T + 1, x, y)
    assert float(slopes.max()) <= float(norms.spectral_norm(W)) * SLACK
    top = torch.linalg.svd(W).Vh[:1]
    attained = norms.pair_slopes(lambda z: z @ W.T + 1, x[:1] + top, x[:1])
    assert float(attained) == pytest.approx(float(norms.spectral_norm(W)), rel=1e-9)


@falsify
@given(seeds, st.sampled_from([1, 2, math.inf]))
def test_prop_induced_norm(seed, p):
    W, V, x = draw(seed, 4, 5), draw(seed + 1, 5, 3), draw(seed + 2, 64, 5)
    norm = float(norms.induced_norm(W, p))
    ratio = (x @ W.T).norm(p=p, dim=1) / x.norm(p=p, dim=1)
    assert float(ratio.max()) <= norm * SLACK
    assert float(norms.induced_norm(W @ V, p)) <= norm * float(norms.induced_norm(V, p)) * SLACK
    assert _attained(W, p) == pytest.approx(norm, rel=1e-9)


def _attained(W, p):
    """Ratio at the vector that the proof names."""
    if p == 1:
        x = torch.eye(W.shape[1]).double()[W.abs().sum(0).argmax()]
    elif p == 2:
        x = torch.linalg.svd(W).Vh[0]
    else:
        x = W[W.abs().sum(1).argmax()].sign()
    return float((W @ x).norm(p=p) / x.norm(p=p))


@falsify
@given(seeds, st.integers(1, 6), st.integers(1, 6))
def test_prop_frobenius(seed, m, n):
    W = draw(seed, m, n)
    two, frobenius = float(norms.spectral_norm(W)), float(norms.frobenius_norm(W))
    assert two <= frobenius * SLACK
    assert frobenius <= math.sqrt(min(m, n)) * two * SLACK
    rank_one = torch.outer(W[:, 0], W[0])
    assert float(norms.frobenius_norm(rank_one)) == pytest.approx(float(norms.spectral_norm(rank_one)), rel=1e-9)


ACTIVATIONS = [
    nn.ReLU(), nn.LeakyReLU(0.2), nn.LeakyReLU(2.0), nn.Tanh(), nn.Sigmoid(), nn.Softplus(), nn.GELU(), nn.SiLU(),
    layers.GroupSort(2),
]  # fmt: skip


@falsify
@given(seeds, st.sampled_from(ACTIVATIONS), st.floats(0.01, 5))
def test_prop_activation(seed, act, distance):
    x = 2 * draw(seed, 64, 6)
    y = x + distance * draw(seed + 1, 64, 6)
    assert float(norms.pair_slopes(act, x, y).max()) <= norms.lipschitz_upper(act, (6,)) * SLACK


def test_prop_activation_groupsort_keeps_norms_and_gelu_does_not_contract():
    x = draw(0, 16, 6).requires_grad_()
    jacobians = torch.stack(
        [torch.autograd.functional.jacobian(lambda z: layers.GroupSort(2)(z[None])[0], p) for p in x]
    )
    torch.testing.assert_close(torch.linalg.svdvals(jacobians), torch.ones(16, 6).double())
    assert norms.lipschitz_upper(nn.GELU(), (1,)) > 1.128
    assert norms.lipschitz_upper(nn.SiLU(), (1,)) > 1.099


@falsify
@given(seeds)
def test_prop_residual(seed):
    torch.manual_seed(seed % 1000)
    block = layers.ResidualBlock(2, 2, dtype=torch.float64)
    bound = norms.lipschitz_upper(block, (2, 5, 5))
    assert bound == pytest.approx(1 + norms.lipschitz_upper(block.main, (2, 5, 5)))
    x, y = draw(seed, 16, 2, 5, 5), draw(seed + 1, 16, 2, 5, 5)
    assert float(norms.pair_slopes(block, x, y).max()) <= bound * SLACK


@falsify
@given(seeds, st.floats(1e-3, 10))
def test_prop_sensitivity(seed, radius):
    """No perturbation of norm r moves the output by more than K r, so a margin above 2 K r can't flip a decision."""
    f, x = network(seed, out=True), draw(seed, 32, 3)
    noise = draw(seed + 1, 32, 3)
    moved = f(x + radius * noise / noise.norm(dim=1, keepdim=True)) - f(x)
    bound = norms.lipschitz_upper(f, (3,))
    assert float(moved.norm(dim=1).max()) <= bound * radius * SLACK
    margin = f(x).topk(2, 1).values.diff(dim=1).abs()[:, 0]
    safe = margin > 2 * bound * radius
    assert bool((f(x).argmax(1) == (f(x) + moved).argmax(1))[safe].all())
