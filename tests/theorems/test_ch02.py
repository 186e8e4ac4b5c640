"""Chapter 2, theorem by theorem: each test tries to falsify the statement of that label."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from wgan_course import divergences as dv
from wgan_course import transport as tr

seeds = st.integers(0, 2**31 - 1)
sizes = st.integers(1, 8)
falsify = settings(max_examples=30, deadline=None)
SLACK = 1e-9


def cloud(seed, n, d=2):
    g = torch.Generator().manual_seed(seed)
    weights = torch.rand(n, generator=g).double() + 0.01
    return torch.randn(n, d, generator=g).double(), weights / weights.sum()


def random_coupling(a, b, seed):
    """A coupling by filling a random order of cells as far as the marginals allow."""
    left, right, pi = a.clone(), b.clone(), torch.zeros(len(a), len(b)).double()
    for cell in torch.randperm(pi.numel(), generator=torch.Generator().manual_seed(seed)).tolist():
        i, j = divmod(cell, len(b))
        pi[i, j] = min(left[i], right[j])
        left[i] -= pi[i, j]
        right[j] -= pi[i, j]
    return pi


@falsify
@given(seeds, sizes, sizes)
def test_prop_optimal_plan_exists(seed, n, m):
    (x, a), (y, b) = cloud(seed, n), cloud(seed + 1, m)
    cost = tr.cost_matrix(x, y)
    best = tr.solve(cost, a, b)
    assert bool((best.coupling >= 0).all())
    torch.testing.assert_close(best.coupling.sum(1), a)
    torch.testing.assert_close(best.coupling.sum(0), b)
    for other in (random_coupling(a, b, seed), a[:, None] * b):
        assert best.value <= (other * cost).sum() + SLACK


@falsify
@given(seeds, sizes, sizes)
def test_prop_sparse_plan(seed, n, m):
    (x, a), (y, b) = cloud(seed, n), cloud(seed + 1, m)
    assert int((tr.solve(tr.cost_matrix(x, y), a, b).coupling > 1e-12).sum()) <= n + m - 1


@falsify
@given(seeds, sizes, sizes, sizes)
def test_lem_gluing(seed, n, m, k):
    (x, a), (y, b), (z, c) = cloud(seed, n), cloud(seed + 1, m), cloud(seed + 2, k)
    first, second = random_coupling(a, b, seed), random_coupling(b, c, seed)
    glued = first[:, :, None] * second / b[None, :, None]
    torch.testing.assert_close(glued.sum(2), first)
    torch.testing.assert_close(glued.sum(0), second)
    ends = (glued.sum(1) * tr.cost_matrix(x, z)).sum()
    assert ends <= (first * tr.cost_matrix(x, y)).sum() + (second * tr.cost_matrix(y, z)).sum() + SLACK


@falsify
@given(seeds, sizes, sizes, sizes)
def test_thm_w1_metric(seed, n, m, k):
    (x, a), (y, b), (z, c) = cloud(seed, n), cloud(seed + 1, m), cloud(seed + 2, k)
    there, back = tr.wasserstein(x, y, a, b), tr.wasserstein(y, x, b, a)
    torch.testing.assert_close(there, back)
    assert there <= tr.wasserstein(x, z, a, c) + tr.wasserstein(z, y, c, b) + SLACK
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    assert float(tr.wasserstein(x, x[order], a, a[order])) == pytest.approx(0, abs=1e-12)
    assert there > 0


@falsify
@given(seeds, sizes, sizes)
def test_thm_w1_one_dimension(seed, n, m):
    (x, a), (y, b) = cloud(seed, n, 1), cloud(seed + 1, m, 1)
    line = tr.wasserstein_1d(x[:, 0], y[:, 0], a, b)
    assert float(line) == pytest.approx(float(tr.solve(tr.cost_matrix(x, y), a, b).value), abs=1e-10)


@falsify
@given(seeds, st.floats(-3, 3))
def test_prop_parallel_lines(seed, theta):
    height = torch.rand(20, generator=torch.Generator().manual_seed(seed)).double()
    real = torch.stack((torch.zeros_like(height), height), 1)
    fake = torch.stack((torch.full_like(height, theta), height.flip(0)), 1)
    assert float(tr.wasserstein(real, fake)) == pytest.approx(abs(theta), abs=1e-12)
    apart = 0 if theta == 0 else 1
    p = torch.cat((torch.full((20,), 0.05), torch.zeros(20))).double()
    q = p.roll(20 * apart)
    assert float(dv.js(p, q)) == pytest.approx(apart * math.log(2))
    assert float(dv.tv(p, q)) == pytest.approx(apart)
    assert float(dv.kl(p, q)) == (math.inf if apart else 0)


@falsify
@given(seeds, st.floats(0, 1))
def test_thm_w1_continuous(seed, step):
    (x, a), (z, _) = cloud(seed, 6), cloud(seed + 1, 8)
    g = torch.Generator().manual_seed(seed)
    theta, direction = torch.randn(2, 2, generator=g).double(), torch.randn(2, 2, generator=g).double()
    here, there = (torch.tanh(z @ t) for t in (theta, theta + step * direction))
    change = abs(tr.wasserstein(x, here, a) - tr.wasserstein(x, there, a))
    assert change <= (here - there).norm(dim=1).mean() + SLACK


def test_thm_w1_continuous_needs_more_than_continuity_for_each_z():
    """The chapter's generator is continuous in theta for each z, but W1 to the atom at 0 jumps from 0 to 1."""

    def generator(theta, z):
        return 2 / theta * (1 - z / theta).clamp_min(0) if theta > 0 else torch.zeros_like(z)

    z = (torch.arange(20_000).double() + 0.5) / 20_000
    for theta in (0.01, 0.3, 0.9):
        assert float(tr.wasserstein_1d(torch.zeros_like(z), generator(theta, z))) == pytest.approx(1, rel=1e-4)
    thetas = torch.linspace(-0.5, 1, 1501).double()
    for place in (0.05, 0.3, 0.7):
        path = torch.stack([generator(float(t), torch.tensor(place).double()) for t in thetas])
        assert float(path.diff().abs().max()) <= 2 / place**2 * 1.01e-3  # its slope is at most 2/z² where theta > z


@falsify
@given(seeds, st.integers(2, 8))
def test_thm_convergence_order(seed, n):
    (x, p), (_, q) = cloud(seed, n), cloud(seed + 1, n)
    kl, js, tv = dv.kl(p, q), dv.js(p, q), dv.tv(p, q)
    assert tv <= (kl / 2).sqrt() + SLACK
    assert tv**2 / 2 <= js + SLACK
    assert js <= math.log(2) * tv + SLACK
    assert tr.wasserstein(x, x, p, q) <= torch.cdist(x, x).max() * tv + SLACK


def test_thm_convergence_order_is_strict():
    """W1 goes to 0 along 1/n while JS stays at log 2."""
    distances = [float(tr.wasserstein_1d(torch.zeros(1), torch.tensor([1 / n]))) for n in (1, 10, 100)]
    assert distances == pytest.approx([1, 0.1, 0.01])
    assert float(dv.js(torch.tensor([1.0, 0]), torch.tensor([0, 1.0]))) == pytest.approx(math.log(2))


@pytest.mark.parametrize("n", [4, 16, 64, 256])
def test_prop_sample_complexity(n):
    """On the line the mean distance is at most (pi/8)/sqrt(n); in the plane no n points come closer than c/sqrt(n)."""
    g = torch.Generator().manual_seed(n)
    truth = ((torch.arange(4096) + 0.5) / 4096).double().expand(200, -1)
    mean = tr.wasserstein_1d(torch.rand(200, n, generator=g, dtype=torch.float64), truth).mean()
    assert 0.5 * math.pi / 8 / math.sqrt(n) < mean < 1.05 * math.pi / 8 / math.sqrt(n)
    side = (torch.arange(30) + 0.5) / 30
    grid = torch.cartesian_prod(side, side).double()
    plane = tr.wasserstein(torch.rand(n, 2, generator=g, dtype=torch.float64), grid)
    assert plane > 2 / 3 / math.sqrt(math.pi * n) - 0.4 / 30


@falsify
@given(seeds, sizes, sizes)
def test_prop_sparse_plan_has_no_cycles(seed, n, m):
    """A graph has no cycle exactly if it has as many edges as nodes less components."""
    (x, a), (y, b) = cloud(seed, n), cloud(seed + 1, m)
    i, j = (tr.solve(tr.cost_matrix(x, y), a, b).coupling > 1e-12).nonzero(as_tuple=True)
    graph = coo_array((np.ones(len(i)), (i.numpy(), n + j.numpy())), shape=(n + m, n + m))
    assert len(i) == n + m - connected_components(graph, directed=False)[0]


@falsify
@given(seeds)
def test_thm_w1_continuous_differentiable_almost_everywhere(seed):
    """At a random parameter the two one-sided slopes agree, and they are the gradient."""
    (x, a), (z, _) = cloud(seed, 6), cloud(seed + 1, 8)
    g = torch.Generator().manual_seed(seed + 2)
    theta, direction = torch.randn(2, 2, 2, generator=g).double()
    step = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(tr.wasserstein(x, torch.tanh(z @ (theta + step * direction)), a), step)
    values = [float(tr.wasserstein(x, torch.tanh(z @ (theta + h * direction)), a)) for h in (-1e-7, 0.0, 1e-7)]
    assert (values[2] - values[1]) / 1e-7 == pytest.approx(float(slope), abs=1e-4)
    assert (values[1] - values[0]) / 1e-7 == pytest.approx(float(slope), abs=1e-4)


@pytest.mark.parametrize("n", [2, 10, 50])
def test_thm_convergence_order_has_no_other_arrows(n):
    """The chapter's table: on n cells of [0, 1] and one beyond it, shifted, shortened, and with a second atom."""
    uniform = torch.cat((torch.full((n,), 1 / n), torch.zeros(1))).double()
    shifted = uniform.roll(1)
    assert float(dv.tv(uniform, shifted)) == pytest.approx(1 / n)
    assert float(dv.kl(uniform, shifted)) == float(dv.kl(shifted, uniform)) == math.inf
    shorter = torch.cat((torch.zeros(1), torch.full((n - 1,), 1 / (n - 1)), torch.zeros(1))).double()
    assert float(dv.kl(shorter, uniform)) == pytest.approx(math.log(n / (n - 1)))
    assert float(dv.kl(uniform, shorter)) == math.inf
    atom, split = torch.tensor([1.0, 0]).double(), torch.tensor([1 - 1 / n, 1 / n]).double()
    assert float(dv.kl(atom, split)) == pytest.approx(math.log(n / (n - 1)))
    assert float(dv.kl(split, atom)) == math.inf


@pytest.mark.parametrize("n", [2, 10, 50])
def test_thm_convergence_order_needs_a_bounded_set(n):
    places, near = torch.tensor([0.0, n**2]).double(), torch.tensor([1 - 1 / n, 1 / n]).double()
    atom = torch.tensor([1.0, 0]).double()
    assert float(dv.tv(atom, near)) == pytest.approx(1 / n)
    assert float(tr.wasserstein_1d(places, places, atom, near)) == pytest.approx(n)


@falsify
@given(seeds, sizes, sizes)
def test_def_wasserstein_is_at_least_the_distance_of_the_means(seed, n, m):
    (x, a), (y, b) = cloud(seed, n), cloud(seed + 1, m)
    assert tr.wasserstein(x, y, a, b) >= (a @ x - b @ y).norm() - SLACK
    assert float(tr.wasserstein(x, x + y[0], a, a)) == pytest.approx(float(y[0].norm()))


@falsify
@given(seeds, st.integers(1, 9))
def test_prop_sparse_plan_with_equal_weights_is_a_permutation(seed, n):
    (x, _), (y, _) = cloud(seed, n), cloud(seed + 1, n)
    used = n * tr.solve(tr.cost_matrix(x, y)).coupling
    torch.testing.assert_close(used, used.round())


def test_sorting_fails_for_a_concave_cost():
    """Warehouses at 0 and 1, shops at 1 and 2, cost the root of the distance."""
    x, y = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[1.0], [2.0]]).double()
    cost = tr.cost_matrix(x, y).sqrt()
    assert float(cost.diagonal().mean()) == pytest.approx(1)
    assert float(tr.solve(cost).value) == pytest.approx(math.sqrt(2) / 2)


@falsify
@given(seeds, st.integers(2, 6), st.sampled_from([1, 2]))
def test_thm_w1_weak(seed, n, d):
    """Mass that creeps to its place converges in both senses; mass that stays away, however little, in neither."""
    x, a = cloud(seed, n, d)
    stray, _ = cloud(seed + 1, n, d)

    def test_functions(y):
        return torch.stack([y[:, 0].sin(), (3 * y).cos().prod(1), y.norm(dim=1).sqrt(), 1 / (1 + (y**2).sum(1))])

    limit = test_functions(x) @ a
    gaps, distances = [], []
    for step in (1, 10, 100, 1000):
        y = x + stray / step
        gaps.append(float((test_functions(y) @ a - limit).abs().max()))
        distances.append(float(tr.wasserstein(x, y, a, a)))
    assert distances[-1] < 1e-2 * distances[0] + SLACK
    assert gaps[-1] < 0.1
    far = torch.cat([x, x[:1] + 5])
    away = torch.cat([a * 0.99, torch.tensor([0.01]).double()])
    moved = float(tr.wasserstein(x, far, a, away))
    cone = (far - far[-1]).norm(dim=1).clamp(max=1)  # a continuous function that sees the stray mass
    seen = float((cone[:-1] * a).sum() - (cone * away).sum())
    assert moved > 0
    assert abs(seen) > 1e-4
