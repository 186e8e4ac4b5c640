"""Property tests for the statements of chapter 6, each named after its label."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from torch import nn

from wgan_course import transport
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


@given(seeds, st.integers(2, 6), st.integers(2, 6), st.integers(2, 4))
@settings(max_examples=20, deadline=None)
def test_prop_unit_gradient_coupling_off_the_segments(seed, n, m, d):
    """Upper and lower extension have slope one almost everywhere, and so has no critic strictly between them."""
    x, y = normal(seed, n, d), normal(seed + 1, m, d) + 1
    plan = transport.solve(transport.cost_matrix(x, y))
    upper = lambda z: (torch.cdist(z, y) - plan.psi).amin(1)
    lower = lambda z: (plan.phi - torch.cdist(z, x)).amax(1)
    z = 3 * normal(seed + 2, 60, d)
    slopes = [penalties.input_gradient(f, z, create_graph=False) for f in (upper, lower)]
    for s in (0.0, 0.3, 1.0):
        f = lambda p, s=s: s * upper(p) + (1 - s) * lower(p)
        assert (f(x).mean() - f(y).mean()).item() == pytest.approx(float(plan.value), abs=1e-8)
        norms = penalties.sample_norms(s * slopes[0] + (1 - s) * slopes[1])
        if s in (0.0, 1.0):
            torch.testing.assert_close(norms, torch.ones(60, dtype=torch.float64))
        else:
            apart = (slopes[0] - slopes[1]).norm(dim=1)
            torch.testing.assert_close(norms.square(), 1 - s * (1 - s) * apart.square(), rtol=1e-8, atol=1e-10)


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


def on_a_line(seed, n, k):
    """Points of both kinds, the gaps between neighbours, and h and m on each gap."""
    x, y = 3 * normal(seed, n), 3 * normal(seed + 1, k) + 1
    points = torch.cat([x, y]).sort().values
    middle, gaps = (points[1:] + points[:-1]) / 2, points.diff()
    h = (y[:, None] < middle).double().mean(0) - (x[:, None] < middle).double().mean(0)
    low, high = torch.minimum(x[:, None], y)[..., None], torch.maximum(x[:, None], y)[..., None]
    return x, y, points, gaps, h, (((low < middle) & (middle < high)) / (high - low)).mean((0, 1))


@given(seeds, st.integers(1, 5), st.integers(1, 5), st.floats(0.1, 20))
@settings(max_examples=40, deadline=None)
def test_prop_two_sided_minimiser_on_a_line(seed, n, k, weight):
    """The loss is a sum over places; no slopes beat the closed form; the overshoot and the bias are as stated."""
    x, y, points, gaps, h, m = on_a_line(seed, n, k)
    diameter = points[-1] - points[0]
    assert (h.abs() <= diameter * m + 1e-9).all()
    moves = h.abs() > 1e-12
    best = torch.where(moves, h.sign() * (1 + h.abs() / (2 * weight * torch.where(moves, m, 1))), 0)
    assert (best.abs() <= 1 + diameter / (2 * weight) + 1e-9).all()
    values = lambda g: torch.cat([torch.zeros(1, dtype=torch.float64), (g * gaps).cumsum(0)])
    at = lambda g, z: values(g)[torch.searchsorted(points, z)]
    difference = lambda g: at(g, x).mean() - at(g, y).mean()
    for penalty in (penalties.two_sided, penalties.one_sided):
        cost = lambda g, penalty=penalty: -difference(g) + weight * (gaps * m * penalty(g.abs())).sum()
        free = torch.where(moves, best, 1.0)
        tries = [best + scale * normal(seed + i, len(gaps)) for i, scale in enumerate((0.01, 0.1, 1, 3))]
        assert all(cost(free) <= cost(g) + 1e-9 for g in tries)
    charged = torch.where(moves, h.square() / torch.where(moves, m, 1), 0)
    bias = (gaps * charged).sum() / (2 * weight)
    w1 = transport.wasserstein_1d(x, y)
    torch.testing.assert_close(difference(best), w1 + bias, rtol=1e-8, atol=1e-9)


@given(seeds, st.integers(1, 6), st.floats(0.1, 20))
@settings(max_examples=25, deadline=None)
def test_prop_two_sided_minimiser_for_any_pairing(seed, n, weight):
    """Pairs chosen by any permutation: the penalty met along the pairs is the sum over places, and |h| ≤ D m."""
    x, y, points, gaps, h, _ = on_a_line(seed, n, n)
    y = y[torch.randperm(n, generator=torch.Generator().manual_seed(seed))]
    middle = (points[1:] + points[:-1]) / 2
    low, high = torch.minimum(x, y)[:, None], torch.maximum(x, y)[:, None]
    m = (((low < middle) & (middle < high)) / (high - low)).mean(0)
    assert (h.abs() <= (points[-1] - points[0]) * m + 1e-9).all()
    slopes = 2 * normal(seed + 9, len(gaps))
    epsilon = (torch.arange(20000, dtype=torch.float64) + 0.5) / 20000
    for penalty in (penalties.two_sided, penalties.one_sided):
        charges = penalty(slopes.abs())
        along = [penalties.interpolate(x[[i]].expand(20000), y[[i]].expand(20000), epsilon) for i in range(n)]
        met = torch.stack(
            [charges[(torch.searchsorted(points, at) - 1).clamp(0, len(gaps) - 1)].mean() for at in along]
        )
        torch.testing.assert_close(met.mean(), (gaps * m * charges).sum(), rtol=2e-3, atol=2e-3)
    moves = h.abs() > 1e-12
    best = torch.where(moves, h.sign() * (1 + h.abs() / (2 * weight * torch.where(m > 0, m, 1))), 1.0)
    cost = lambda g: (gaps * (-g * h + weight * m * penalties.two_sided(g.abs()))).sum()
    assert all(cost(best) <= cost(best + scale * normal(seed + 3, len(gaps))) + 1e-9 for scale in (0.01, 0.3, 3.0))


@given(seeds, st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_prop_two_sided_minimiser_samples_the_density_m(seed, n, k):
    """Random points between random pairs fall into each gap with probability m times its length."""
    x, y, points, gaps, _, m = on_a_line(seed, n, k)
    rng = torch.Generator().manual_seed(seed)
    pairs = torch.randint(n, (20000,), generator=rng), torch.randint(k, (20000,), generator=rng)
    epsilon = torch.rand(20000, generator=rng, dtype=torch.float64)
    drawn = penalties.interpolate(x[pairs[0]], y[pairs[1]], epsilon)
    seen = torch.histogram(drawn, points).hist / 20000
    torch.testing.assert_close(seen, m * gaps, rtol=0, atol=0.02)


@given(st.floats(0.01, 5), st.floats(0.05, 5), st.floats(0.05, 20))
@settings(max_examples=60, deadline=None)
def test_prop_two_sided_minimiser_has_a_second_well(h, m, weight):
    """Below the threshold the wrong sign is a local minimum behind a barrier; above it, and one-sided, it is none."""
    integrand = lambda g, penalty: -g * h + weight * m * penalty(g.abs())
    grid = torch.linspace(-4, 0, 4001, dtype=torch.float64)
    two, one = (integrand(grid, penalty) for penalty in (penalties.two_sided, penalties.one_sided))
    assert (one.diff() < 1e-12).all()
    share = h / (2 * weight * m)
    if share < 0.99:
        lowest = two[:-1].argmin()
        assert grid[lowest].item() == pytest.approx(share - 1, abs=2e-3)
        barrier = (two[-1] - two[lowest]).item()
        assert barrier == pytest.approx(weight * m * (1 - share) ** 2, rel=1e-2, abs=1e-4 * weight * m)
    elif share > 1.01:
        assert (two.diff() < 1e-12).all()


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


@given(seeds, st.integers(3, 10), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_prop_batch_norm_couples_by_this_much(seed, n, units):
    """The layer's Jacobian is (1/s)(delta - 1/n - b_i b_k / n), unit by unit."""
    layer = nn.BatchNorm1d(units, eps=1e-30, affine=False).double()
    a = normal(seed, n, units)
    b, s = layer(a), a.std(0, correction=0)
    jacobian = torch.autograd.functional.jacobian(layer, a)
    for unit in range(units):
        stated = (torch.eye(n).double() - 1 / n - torch.outer(b[:, unit], b[:, unit]) / n) / s[unit]
        torch.testing.assert_close(jacobian[:, unit, :, unit], stated, rtol=1e-6, atol=1e-8)


@given(seeds, st.integers(3, 12), st.integers(1, 4), st.floats(0.1, 10))
@settings(max_examples=25, deadline=None)
def test_prop_batch_norm_couples_blind_and_deaf(seed, n, d, scale):
    """A linear layer behind it: no gradient at all. Linear layers before it: moved or scaled batches score the same."""
    first, last = nn.Linear(d, 5).double(), nn.Linear(5, 1).double()
    first.weight.data, last.weight.data = normal(seed, 5, d), normal(seed + 1, 1, 5)
    norm = nn.BatchNorm1d(5, eps=1e-30).double()
    norm.weight.data, norm.bias.data = normal(seed + 2, 5), normal(seed + 3, 5)
    x = normal(seed + 4, n, d)
    blind = penalties.input_gradient(nn.Sequential(first, norm, last), x, create_graph=False)
    assert blind.abs().max() < 1e-8 * max(1.0, float(1 / first(x).detach().std(0, correction=0).min()))
    norms = penalties.sample_norms(blind)
    assert float(penalties.two_sided(norms).mean()) == pytest.approx(1, abs=1e-6), "the penalty is its weight"
    assert float(penalties.one_sided(norms).mean()) == 0
    deaf = nn.Sequential(first, norm, nn.Tanh(), last)
    torch.testing.assert_close(deaf(scale * x + normal(seed + 5, d)), deaf(x), rtol=1e-5, atol=1e-6)
