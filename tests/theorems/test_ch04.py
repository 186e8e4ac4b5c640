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


def test_prop_residual_bound_is_attained():
    block = nn.Linear(3, 3).double()
    block.weight.data, block.bias.data = torch.eye(3).double(), torch.zeros(3).double()
    x = draw(0, 8, 3).abs() + 1
    slopes = norms.pair_slopes(lambda z: z + torch.relu(block(z)), x, x + 0.5)
    torch.testing.assert_close(slopes, torch.full((8,), 2.0).double())


@falsify
@given(seeds, st.floats(1e-3, 10))
def test_prop_sensitivity(seed, share):
    """Moves of any length below margin / (sqrt 2 K), in the direction of the strongest rival too, keep the decision."""
    f, x = network(seed, out=True), draw(seed, 32, 3)
    best = f(x).topk(2, 1)
    radius = (best.values[:, 0] - best.values[:, 1]) / (math.sqrt(2) * norms.lipschitz_upper(f, (3,)))
    point = x.clone().requires_grad_()
    pairs = f(point).gather(1, best.indices)
    (towards,) = torch.autograd.grad((pairs[:, 1] - pairs[:, 0]).sum(), point)
    step = towards + share * draw(seed + 1, 32, 3)
    moved = x + 0.999 * radius[:, None] * step / step.norm(dim=1, keepdim=True).clamp_min(1e-12)
    assert bool((f(moved).argmax(1) == best.indices[:, 0]).all())


@pytest.mark.parametrize("K", [0.5, 3.0])
def test_prop_sensitivity_the_factor_is_sharp(K):
    x, margin = torch.tensor([1.2, 0.0], dtype=torch.float64), 1.2 * K
    toward = torch.tensor([-1.0, 1.0], dtype=torch.float64) / math.sqrt(2)
    radius = margin / (math.sqrt(2) * K)
    assert int((K * (x + 0.999 * radius * toward)).argmax()) == 0
    assert int((K * (x + 1.001 * radius * toward)).argmax()) == 1


@falsify
@given(seeds, st.sampled_from(["relu", "leaky_relu", "groupsort"]))
def test_thm_gradient_almost_everywhere(seed, act):
    """Kinks do not matter: slopes of pairs stay below the largest gradient beside the segment, which has no kink."""
    f, x, y = network(seed, act), draw(seed, 1, 3), draw(seed + 1, 1, 3)
    shift = 1e-9 * draw(seed + 2, 1, 3)
    segment = x + shift + torch.linspace(0, 1, 2000).double()[:, None] * (y - x)
    along = (torch.func.vmap(torch.func.grad(lambda z: f(z[None])[0]))(segment) @ (y - x)[0]).mean()
    rise = float((f(y) - f(x)).detach())
    steepest = float(norms.jacobian_norms(f, segment).max())
    assert float(along.detach()) == pytest.approx(rise, abs=2e-2 * (1 + abs(rise)))
    assert abs(rise) <= steepest * float((y - x).norm()) * (1 + 5e-3)


def test_thm_gradient_almost_everywhere_needs_locally_lipschitz():
    """On level n of Cantor's staircase nearly all points are flat, and the rise is 1 all the same."""
    places = heights = torch.tensor([0.0, 1.0], dtype=torch.float64)
    for level in range(1, 11):
        places = torch.cat([places / 3, 2 / 3 + places / 3])
        heights = torch.cat([heights / 2, 0.5 + heights / 2])
        runs, rises = places.diff(), heights.diff()
        steep = rises > 1e-12
        assert float(runs[steep].sum()) == pytest.approx((2 / 3) ** level)
        assert float((rises[steep] / runs[steep]).max()) == pytest.approx(1.5**level)
    assert float(heights[-1] - heights[0]) == 1.0


def test_thm_gradient_lipschitz_needs_a_convex_domain():
    rng = torch.Generator().manual_seed(0)
    share = torch.rand(2, 200, dtype=torch.float64, generator=rng)
    radii, angles = 1 + share[0], 3.1 * (2 * share[1] - 1)
    points = torch.stack([radii * angles.cos(), radii * angles.sin()], 1)
    angle = lambda z: torch.atan2(z[:, 1], z[:, 0])
    assert float(norms.jacobian_norms(angle, points).max()) < 1 + 1e-12
    above, below = torch.tensor([[-1.5, 0.01]]).double(), torch.tensor([[-1.5, -0.01]]).double()
    assert float(norms.pair_slopes(angle, above, below)) == pytest.approx(313.5, abs=0.1)


@falsify
@given(seeds, st.integers(1, 5))
def test_prop_weight_decay(seed, depth):
    matrices = [draw(seed + i, 5, 5) * 10 ** float(draw(seed + 9 + i, 1)) for i in range(depth)]
    spectral = math.prod(float(norms.spectral_norm(W)) for W in matrices)
    frobenius = math.prod(float(norms.frobenius_norm(W)) for W in matrices)
    mean = sum(float(norms.frobenius_norm(W)) ** 2 for W in matrices) / depth

    def f(z):
        for W in matrices[:-1]:
            z = torch.relu(z @ W.T)
        return z @ matrices[-1].T

    x, y = draw(seed + 50, 64, 5), draw(seed + 51, 64, 5)
    assert float(norms.pair_slopes(f, x, y).max()) <= spectral * SLACK
    assert spectral <= frobenius * SLACK
    assert frobenius <= mean ** (depth / 2) * SLACK


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(2, 12))
def test_prop_generalisation(seed, n):
    """Population of 40 atoms, sample of n of them, loss of a network at a fixed label."""
    from wgan_course import transport

    population, f = draw(seed, 40, 3), network(seed, out=True)
    sample = population[torch.randperm(40, generator=torch.Generator().manual_seed(seed))[:n]]
    with torch.no_grad():
        loss = lambda z: nn.functional.cross_entropy(f(z), torch.zeros(len(z), dtype=torch.long))
        gap = abs(float(loss(population) - loss(sample)))
    bound = math.sqrt(2) * norms.lipschitz_upper(f, (3,))
    assert gap <= bound * float(transport.wasserstein(population, sample)) * SLACK


@falsify
@given(seeds)
def test_prop_induced_norm_bounds_the_spectral_norm(seed):
    W = draw(seed, 4, 6)
    one, infinity = float(norms.induced_norm(W, 1)), float(norms.induced_norm(W, math.inf))
    assert float(norms.spectral_norm(W)) <= math.sqrt(one * infinity) * SLACK
    assert float(norms.spectral_norm(W.T)) == pytest.approx(float(norms.spectral_norm(W)))


def test_prop_activation_maxima_are_where_the_proof_says():
    x = torch.tensor([math.sqrt(2), 2.3993572805], dtype=torch.float64, requires_grad=True)
    (gelu,) = torch.autograd.grad(nn.functional.gelu(x).sum(), x)
    (silu,) = torch.autograd.grad(nn.functional.silu(x).sum(), x)
    assert float(x[1] * torch.tanh(x[1] / 2)) == pytest.approx(2, abs=1e-8)
    assert float(gelu[0]) == pytest.approx(1.12890, abs=1e-5)
    assert float(silu[1]) == pytest.approx(1.09984, abs=1e-5)
