"""Chapter 3, theorem by theorem: each test tries to falsify the statement of that label."""

import hypothesis
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wgan_course import transport as tr
from wgan_course.data import toy

seeds = st.integers(0, 2**31 - 1)
sizes = st.integers(1, 8)
falsify = settings(max_examples=30, deadline=None)
SLACK = 1e-9


def problem(seed, n, m, d=2):
    g = torch.Generator().manual_seed(seed)
    a, b = torch.rand(n, generator=g).double() + 0.01, torch.rand(m, generator=g).double() + 0.01
    x, y = torch.randn(n, d, generator=g).double(), torch.randn(m, d, generator=g).double()
    return x, y, a / a.sum(), b / b.sum(), tr.cost_matrix(x, y), g


@falsify
@given(seeds, sizes, sizes)
def test_thm_weak_duality(seed, n, m):
    _, _, a, b, cost, g = problem(seed, n, m)
    phi = torch.randn(n, generator=g).double()
    psi = tr.c_transform(phi, cost) - torch.rand(m, generator=g)
    other = tr.sinkhorn(cost, a, b, 0.5).coupling
    for coupling in (a[:, None] * b, other):
        assert a @ phi + b @ psi <= (coupling * cost).sum() + 1e-6


@falsify
@given(seeds, sizes, sizes, st.sampled_from(["emd", "highs"]))
def test_thm_strong_duality(seed, n, m, method):
    _, _, a, b, cost, _ = problem(seed, n, m)
    answer = tr.solve(cost, a, b, method)
    assert abs(float(tr.duality_gap(answer, a, b))) < SLACK
    assert float(tr.dual_violation(answer.phi, answer.psi, cost)) < SLACK


@falsify
@given(seeds, sizes, sizes)
def test_prop_c_transform(seed, n, m):
    _, _, a, b, cost, g = problem(seed, n, m)
    phi = torch.randn(n, generator=g).double()
    psi = phi.new_tensor((cost - phi[:, None]).min(0).values.tolist()) - 0.1  # feasible, not the best
    once = tr.c_transform(phi, cost)
    twice = tr.c_transform(once, cost.T)
    assert float(tr.dual_violation(phi, once, cost)) <= SLACK
    assert bool((once >= psi).all())
    assert bool((twice >= phi - SLACK).all())
    torch.testing.assert_close(tr.c_transform(twice, cost), once)
    assert a @ phi + b @ psi <= a @ phi + b @ once <= a @ twice + b @ once + SLACK


@falsify
@given(seeds, sizes, sizes)
def test_thm_kantorovich_rubinstein(seed, n, m):
    x, y, a, b, cost, g = problem(seed, n, m)
    answer = tr.solve(cost, a, b)
    f = tr.potential_critic(y, answer.psi)
    z = torch.randn(50, 2, generator=g).double() * 3
    assert bool(((f(z)[:, None] - f(z)).abs() <= tr.cost_matrix(z, z) + SLACK).all())
    assert float(a @ f(x) - b @ f(y)) == pytest.approx(float(answer.value), abs=SLACK)
    other = tr.potential_critic(torch.randn(5, 2, generator=g).double(), torch.randn(5, generator=g).double())
    assert a @ other(x) - b @ other(y) <= answer.value + SLACK


@falsify
@given(seeds, sizes, sizes)
def test_prop_complementary_slackness(seed, n, m):
    _, _, a, b, cost, g = problem(seed, n, m)
    answer = tr.solve(cost, a, b)
    assert float(tr.slackness(answer, cost)) < SLACK
    phi = answer.phi + torch.randn(n, generator=g)  # feasible again, and no longer optimal unless slackness says so
    psi = tr.c_transform(phi, cost)
    changed = tr.TransportSolution(answer.coupling, answer.value, phi, psi)
    gap = (answer.coupling * (cost - phi[:, None] - psi)).sum()
    assert float(tr.duality_gap(changed, a, b)) == pytest.approx(float(gap), abs=SLACK)


@falsify
@given(seeds, sizes, st.floats(0.1, 5))
def test_prop_mcshane(seed, n, constant):
    x, _, _, _, _, g = problem(seed, n, 1)
    values = constant * (x - torch.randn(2, generator=g)).norm(dim=1)
    f = tr.mcshane_extension(x, values, constant)
    z = torch.randn(40, 2, generator=g).double() * 3
    torch.testing.assert_close(f(x), values)
    assert bool(((f(z)[:, None] - f(z)).abs() <= constant * tr.cost_matrix(z, z) + SLACK).all())


@falsify
@given(seeds, sizes, sizes, st.floats(0.1, 10))
def test_prop_k_lipschitz(seed, n, m, constant):
    x, y, a, b, cost, _ = problem(seed, n, m)
    answer = tr.solve(constant * cost, a, b)
    assert float(answer.value) == pytest.approx(constant * float(tr.wasserstein(x, y, a, b)), rel=1e-9)
    f = tr.potential_critic(y, answer.psi / constant)
    assert float(constant * (a @ f(x) - b @ f(y))) == pytest.approx(float(answer.value), rel=1e-9)


@falsify
@given(seeds, sizes, sizes, st.floats(0.05, 0.95))
def test_thm_unit_gradient_rays(seed, n, m, t):
    x, y, a, b, cost, _ = problem(seed, n, m)
    answer = tr.solve(cost, a, b)
    f = tr.potential_critic(y, answer.psi)
    i, j = (answer.coupling > 1e-9).nonzero(as_tuple=True)
    between = ((1 - t) * x[i] + t * y[j]).requires_grad_()
    torch.testing.assert_close(f(between), f(x[i]) - t * cost[i, j], atol=1e-9, rtol=0)
    (gradient,) = torch.autograd.grad(f(between).sum(), between)
    along = (x[i] - y[j]) / cost[i, j, None]
    unique = _second_smallest_gap(between.detach(), y, answer.psi) > 1e-6
    torch.testing.assert_close(gradient[unique], along[unique], atol=1e-6, rtol=0)


def _second_smallest_gap(z, y, psi):
    """How far the best cone is below the next one: 0 where the critic has a kink."""
    cones = (tr.cost_matrix(z, y) - psi).sort(1).values
    return cones[:, 1] - cones[:, 0] if cones.shape[1] > 1 else torch.ones(len(z))


@falsify
@given(seeds, sizes)
def test_prop_no_limit_infinite(seed, n):
    """Measures that differ at one common atom only a little: bounded continuous critics have no limit."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n + 1, 2, generator=g).double()
    a = torch.rand(n + 1, generator=g).double() + 0.01
    a, b = a / a.sum(), a.clone() / a.sum()
    b[0], b[1] = b[0] + 1e-3 * b[1], b[1] - 1e-3 * b[1]
    reach = torch.cdist(x, x)[0, 1:].min() / 2

    def bump(size):
        return lambda y: size * (1 - (y - x[0]).norm(dim=1) / reach).clamp(min=0)

    wanted = 1e6
    f = bump(-wanted / (1e-3 * a[1]))
    assert float(a @ f(x) - b @ f(x)) == pytest.approx(wanted, rel=1e-6)
    assert float(a @ f(x) - a @ f(x)) == 0


def piecewise_linear(knots, slopes, x):
    """The function with these slopes between the knots, 0 at the first one."""
    heights = torch.cat([torch.zeros(1).double(), (slopes * knots.diff()).cumsum(0)])
    where = (torch.searchsorted(knots, x, right=True) - 1).clamp(0, len(slopes) - 1)
    return heights[where] + slopes[where] * (x - knots[where])


@falsify
@given(seeds, st.integers(2, 6))
def test_prop_optimal_critic(seed, n):
    """Of two piecewise uniform laws on the line one critic reaches W1, and none of many 1-Lipschitz ones is above."""
    g = torch.Generator().manual_seed(seed)
    knots = (torch.rand(n + 1, generator=g).double() + 0.1).cumsum(0)
    a, b = torch.rand(2, n, generator=g).double() + 0.01
    a, b = a / a.sum(), b / b.sum()
    fine = torch.linspace(float(knots[0]), float(knots[-1]), 20001).double()
    F, G = (piecewise_linear(knots, weights / knots.diff(), fine) for weights in (a, b))
    distance = torch.trapezoid((F - G).abs(), fine)

    def value(slopes):  # E_P f - E_Q f = ∫ f' (G - F), f Lipschitz
        return torch.trapezoid(slopes * (G - F), fine)

    assert float(value((G - F).sign())) == pytest.approx(float(distance), abs=1e-6)
    others = torch.rand(20, len(fine), generator=g).double() * 2 - 1
    assert max(float(value(slopes)) for slopes in others) <= float(distance) + SLACK


def shortest_path_prices(coupling, cost):
    """Step 3 of the proof: Bellman–Ford, there along all routes and back along those in use."""
    mine, shop = torch.zeros_like(cost[:, 0]), torch.zeros_like(cost[0])
    back = torch.where(coupling > 1e-12, -cost, torch.inf)
    for _ in range(sum(cost.shape)):
        shop = torch.minimum(shop, (mine[:, None] + cost).amin(0))
        mine = torch.minimum(mine, (shop + back).amin(1))
    return -mine, shop


@falsify
@given(seeds, sizes, sizes)
def test_the_prices_of_the_proof_of_strong_duality(seed, n, m):
    """Admissible, tight on the plan, and worth the plan's cost; for a cost that is no metric as well."""
    _, _, a, b, cost, g = problem(seed, n, m)
    for c in (cost, torch.randn(n, m, generator=g).double()):
        plan = tr.solve(c, a, b)
        phi, psi = shortest_path_prices(plan.coupling, c)
        slack = c - phi[:, None] - psi
        assert float(slack.min()) >= -SLACK
        assert float(slack[plan.coupling > 1e-12].abs().max()) <= SLACK
        assert float(a @ phi + b @ psi) == pytest.approx(float(plan.value), abs=SLACK)


@falsify
@given(seeds, sizes, st.floats(0.1, 5))
def test_the_lower_extension_is_the_lowest(seed, n, constant):
    """McShane from below: another extension of the same values lies between the two envelopes."""
    x, _, _, _, _, g = problem(seed, n, 1)
    centre = torch.randn(2, generator=g)
    values = constant * (x - centre).norm(dim=1)
    upper = tr.mcshane_extension(x, values, constant)
    turned = tr.mcshane_extension(x, -values, constant)
    z = torch.randn(40, 2, generator=g).double() * 3
    made_by = constant * (z - centre).norm(dim=1)  # the extension that the values come from
    assert bool((-turned(z) <= made_by + SLACK).all() and (made_by <= upper(z) + SLACK).all())
    torch.testing.assert_close(-turned(x), values)
    torch.testing.assert_close(-turned(z), (values - constant * tr.cost_matrix(z, x)).amax(1))


@falsify
@given(seeds, st.integers(1, 5), st.floats(0.1, 2))
def test_prop_critic_certificate(seed, dim, push):
    """A minimum of funnels and the push down its own funnel: no plan is cheaper, by linear programme."""
    pair = toy.min_funnel_pair(dim, torch.Generator().manual_seed(seed), push=push)
    x = pair.centres.new_tensor(torch.randn(7, dim, generator=torch.Generator().manual_seed(seed + 1)).tolist()) * 3
    x = x[(x[:, None] - pair.centres).norm(dim=2).amin(1) > push + 0.3 * pair.scale]
    hypothesis.assume(len(x) > 0)
    y = x - push * pair.gradient(x)
    cost = (x - y).norm(dim=1).mean()
    torch.testing.assert_close(pair.critic(x) - pair.critic(y), (x - y).norm(dim=1))
    assert float(tr.wasserstein(x, y)) == pytest.approx(float(cost), abs=SLACK)
