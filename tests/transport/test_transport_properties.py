"""What a distance between distributions must satisfy, whichever function computes it; and its degenerate cases."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wgan_course import transport as tr

SEEDS = st.integers(0, 10_000)
COUNTS = st.integers(1, 7)
DIMENSIONS = st.integers(1, 3)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def cloud(n, d, seed=0):
    return torch.randn(n, d, generator=rng(seed), dtype=torch.float64)


def masses(n, seed=0):
    raw = torch.rand(n, generator=rng(seed), dtype=torch.float64) + 0.05
    return raw / raw.sum()


DISTANCES = {
    "exact": tr.wasserstein,
    "sliced": lambda x, y, a=None, b=None: tr.sliced_wasserstein(
        x, y, tr.random_directions(8, x.shape[1], rng()), a, b
    ),
    "sinkhorn": lambda x, y, a=None, b=None: tr.sinkhorn_divergence(x, y, 0.5, a, b, iterations=500),
}
SLACK = {"exact": 1e-9, "sliced": 1e-9, "sinkhorn": 1e-4}


@pytest.mark.parametrize("name", DISTANCES)
@given(n=COUNTS, m=COUNTS, d=DIMENSIONS, seed=SEEDS)
def test_distances_are_symmetric_non_negative_and_zero_at_equality(name, n, m, d, seed):
    x, y, distance, slack = cloud(n, d, seed), cloud(m, d, seed + 1), DISTANCES[name], SLACK[name]
    forth, back = distance(x, y), distance(y, x)
    assert forth >= -slack
    assert float(forth) == pytest.approx(float(back), abs=slack)
    assert float(distance(x, x)) == pytest.approx(0, abs=slack)
    assert forth.shape == ()


@pytest.mark.parametrize("name", ["exact", "sliced"])
@given(n=COUNTS, m=COUNTS, k=COUNTS, d=DIMENSIONS, seed=SEEDS)
def test_triangle_inequality(name, n, m, k, d, seed):
    x, y, z = cloud(n, d, seed), cloud(m, d, seed + 1), cloud(k, d, seed + 2)
    distance = DISTANCES[name]
    assert distance(x, z) <= distance(x, y) + distance(y, z) + 1e-9


@pytest.mark.parametrize("name", ["exact", "sliced"])
@given(n=COUNTS, m=COUNTS, d=DIMENSIONS, seed=SEEDS, factor=st.floats(-4, 4))
def test_shifts_and_scales(name, n, m, d, seed, factor):
    x, y, shift, distance = cloud(n, d, seed), cloud(m, d, seed + 1), cloud(1, d, seed + 2), DISTANCES[name]
    base = distance(x, y)
    torch.testing.assert_close(distance(x + shift, y + shift), base)
    torch.testing.assert_close(distance(factor * x, factor * y), abs(factor) * base, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("factor", [5e-324, 3e-322, 1e-320, 1e-310])
def test_distances_next_to_zero_are_right_to_their_last_digit(factor):
    x, y = cloud(4, 3, 3), cloud(5, 3, 4)
    expected = factor * float(tr.wasserstein(x, y))
    assert float(tr.wasserstein(factor * x, factor * y)) == pytest.approx(expected, rel=1e-9, abs=20 * 5e-324)


@given(n=COUNTS, d=DIMENSIONS, seed=SEEDS)
def test_a_shift_of_everything_costs_its_length(n, d, seed):
    x, shift = cloud(n, d, seed), cloud(1, d, seed + 1)
    torch.testing.assert_close(tr.wasserstein(x, x + shift), shift.norm())


@given(n=COUNTS, m=COUNTS, seed=SEEDS)
def test_a_rotation_changes_no_exact_distance(n, m, seed):
    x, y = cloud(n, 3, seed), cloud(m, 3, seed + 1)
    turn = torch.linalg.qr(cloud(3, 3, seed + 2))[0]
    torch.testing.assert_close(tr.wasserstein(x @ turn, y @ turn), tr.wasserstein(x, y))


@given(n=COUNTS, m=COUNTS, d=DIMENSIONS, seed=SEEDS)
def test_slices_are_at_most_the_exact_distance_and_means_apart_at_most_either(n, m, d, seed):
    x, y = cloud(n, d, seed), cloud(m, d, seed + 1)
    exact = tr.wasserstein(x, y)
    assert DISTANCES["sliced"](x, y) <= exact + 1e-9
    assert (x.mean(0) - y.mean(0)).norm() <= exact + 1e-9


@given(n=COUNTS, m=COUNTS, d=DIMENSIONS, seed=SEEDS)
def test_the_order_of_points_and_points_without_mass_do_not_matter(n, m, d, seed):
    x, y, a, b = cloud(n, d, seed), cloud(m, d, seed + 1), masses(n, seed), masses(m, seed + 1)
    base, order = tr.wasserstein(x, y, a, b), torch.randperm(n, generator=rng(seed))
    torch.testing.assert_close(tr.wasserstein(x[order], y, a[order], b), base)
    padded = tr.wasserstein(torch.cat([x, 100 * x[:1] + 9]), y, torch.cat([a, a.new_zeros(1)]), b)
    torch.testing.assert_close(padded, base)
    doubled = tr.wasserstein(torch.cat([x, x]), y, torch.cat([a, a]) / 2, b)
    torch.testing.assert_close(doubled, base)


@given(n=COUNTS, m=COUNTS, d=DIMENSIONS, seed=SEEDS)
def test_programme_answers_are_feasible_tight_and_slack(n, m, d, seed):
    a, b = masses(n, seed), masses(m, seed + 1)
    cost = tr.cost_matrix(cloud(n, d, seed), cloud(m, d, seed + 1))
    answer = tr.solve(cost, a, b)
    torch.testing.assert_close(answer.coupling.sum(1), a, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(answer.coupling.sum(0), b, rtol=1e-9, atol=1e-12)
    assert bool((answer.coupling >= 0).all())
    assert int((answer.coupling > 1e-12).sum()) <= n + m - 1
    assert float(tr.duality_gap(answer, a, b)) == pytest.approx(0, abs=1e-9)
    assert float(tr.dual_violation(answer.phi, answer.psi, cost)) <= 1e-9
    assert float(tr.slackness(answer, cost)) <= 1e-9


@given(n=COUNTS, m=COUNTS, seed=SEEDS)
def test_conjugates_repair_what_is_not_feasible(n, m, seed):
    """φ ↦ φᶜ is feasible whatever φ is, φᶜᶜ ≥ φ, and the third conjugate is the first."""
    cost, phi = tr.cost_matrix(cloud(n, 2, seed), cloud(m, 2, seed + 1)), cloud(n, 1, seed + 2)[:, 0]
    psi = tr.c_transform(phi, cost)
    assert float(tr.dual_violation(phi, psi, cost)) <= 1e-12
    twice = tr.c_transform(psi, cost.T)
    assert bool((twice >= phi - 1e-12).all())
    torch.testing.assert_close(tr.c_transform(twice, cost), psi)


@given(n=st.integers(2, 7), seed=SEEDS, factor=st.floats(0.1, 3))
def test_extensions_agree_on_the_points_and_keep_the_constant(n, seed, factor):
    points = cloud(n, 2, seed)
    values = factor * points.norm(dim=1)
    extension = tr.mcshane_extension(points, values, factor)
    torch.testing.assert_close(extension(points), values)
    z = cloud(40, 2, seed + 1)
    slopes = (extension(z[:20]) - extension(z[20:])).abs() / (z[:20] - z[20:]).norm(dim=1)
    assert float(slopes.max()) <= factor * (1 + 1e-9)


@given(n=COUNTS, m=COUNTS, seed=SEEDS, t=st.floats(0, 1))
def test_interpolation_keeps_the_mass_and_the_mean_walks_straight(n, m, seed, t):
    x, y = cloud(n, 2, seed), cloud(m, 2, seed + 1)
    coupling = tr.solve(tr.cost_matrix(x, y)).coupling
    points, weights = tr.displacement_interpolation(x, y, coupling, t)
    assert float(weights.sum()) == pytest.approx(1)
    torch.testing.assert_close(weights @ points, (1 - t) * x.mean(0) + t * y.mean(0))


@given(n=COUNTS, m=COUNTS, seed=SEEDS, regularisation=st.floats(0.2, 2))
def test_entropic_plans_have_the_margins_and_cost_more_than_the_exact_one(n, m, seed, regularisation):
    a, b = masses(n, seed), masses(m, seed + 1)
    cost = tr.cost_matrix(cloud(n, 2, seed), cloud(m, 2, seed + 1))
    answer = tr.sinkhorn(cost, a, b, regularisation)
    torch.testing.assert_close(answer.coupling.sum(0), b, rtol=0, atol=1e-6)
    torch.testing.assert_close(answer.coupling.sum(1), a, rtol=0, atol=1e-6)
    assert answer.transport_cost >= tr.solve(cost, a, b).value - 1e-5
    assert answer.value >= answer.transport_cost - 1e-6
    assert bool((answer.coupling > 0).all())


# -- degenerate sizes, types, gradients ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_point_each(dtype):
    x, y = torch.tensor([[0.0, 0.0]], dtype=dtype), torch.tensor([[3.0, 4.0]], dtype=dtype)
    for distance in (tr.wasserstein(x, y), tr.sinkhorn_divergence(x, y)):
        assert distance.dtype == dtype
        assert float(distance) == pytest.approx(5, rel=1e-6)
    assert tr.solve(tr.cost_matrix(x, y)).coupling.tolist() == [[1.0]]
    assert float(tr.wasserstein_1d(x[:, 0], y[:, 0])) == 3
    points, weights = tr.displacement_interpolation(x, y, torch.ones(1, 1, dtype=dtype), 0.5)
    assert points.tolist() == [[1.5, 2.0]]
    assert weights.tolist() == [1.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_pass_through(dtype):
    x, y = cloud(4, 2).to(dtype), cloud(5, 2, 1).to(dtype)
    cost = tr.cost_matrix(x, y)
    answer = tr.solve(cost)
    for value in (cost, *vars(answer).values(), tr.sinkhorn(cost).coupling, tr.c_transform(answer.phi, cost)):
        assert value.dtype == dtype
    lines = tr.random_directions(3, 2, rng())
    assert tr.sliced_wasserstein(x, y, lines).dtype == dtype
    assert tr.displacement_interpolation(x, y, answer.coupling, 0.3)[0].dtype == dtype


def test_gradient_descent_on_the_exact_distance_moves_a_cloud_onto_another():
    x, y = cloud(6, 2).requires_grad_(), cloud(6, 2, 1) + 3
    start = float(tr.wasserstein(x.detach(), y))
    for _ in range(200):
        (g,) = torch.autograd.grad(tr.wasserstein(x, y), x)
        with torch.no_grad():
            x -= 0.3 * g
    assert float(tr.wasserstein(x.detach(), y)) < 0.05 * start


def test_the_gradient_of_the_exact_distance_has_unit_steps():
    """Each point of n equal ones is pulled with force 1/n, straight towards its partner."""
    x, y = cloud(5, 3).requires_grad_(), cloud(5, 3, 1) + 5
    (g,) = torch.autograd.grad(tr.wasserstein(x, y), x)
    torch.testing.assert_close(g.norm(dim=1), torch.full((5,), 0.2, dtype=torch.float64))


def test_directions_of_one_seed_repeat_and_are_units():
    one, two = tr.random_directions(5, 3, rng(1)), tr.random_directions(5, 3, rng(1))
    assert torch.equal(one, two)
    torch.testing.assert_close(one.norm(dim=1), torch.ones(5).to(one))
    assert not torch.equal(one, tr.random_directions(5, 3, rng(2)))
    assert set(tr.random_directions(20, 1, rng()).flatten().tolist()) == {-1.0, 1.0}


X, Y, COST = cloud(3, 2), cloud(4, 2, 1), tr.cost_matrix(cloud(3, 2), cloud(4, 2, 1))
HALF = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64)
NAN = torch.full((3, 2), math.nan)


@pytest.mark.parametrize(
    "distance",
    [
        tr.wasserstein,
        tr.cost_matrix,
        tr.sinkhorn_divergence,
        lambda x, y: tr.sliced_wasserstein(x, y, tr.random_directions(2, 2, rng())),
        lambda x, y: tr.displacement_interpolation(x, y, torch.full((3, 4), 1 / 12), 0.5),
    ],
)
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (NAN, ValueError, "x must be finite"),
        (-NAN, ValueError, "x must be finite"),
        (torch.full((3, 2), math.inf), ValueError, "x must be finite"),
        (torch.zeros(0, 2), ValueError, "x must not be empty"),
        (torch.zeros(3), ValueError, r"shape \(n, d\)"),
        (torch.zeros(3, 5), ValueError, "same dimension"),
        (torch.zeros(3, 2, dtype=torch.long), TypeError, "floating-point"),
        ([[0.0, 0.0]], TypeError, "list"),
    ],
)
def test_points_that_are_none_are_refused_everywhere(distance, x, error, message):
    with pytest.raises(error, match=message):
        distance(x, Y)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (HALF * 2, "sum to 1"),
        (HALF - 0.1, "non-negative"),
        (HALF[:2], "one weight for each"),
        (HALF * math.nan, "finite"),
        (torch.tensor(1.0), "one weight for each"),
    ],
)
def test_weights_that_are_none_are_refused_everywhere(weights, message):
    calls = [
        lambda: tr.wasserstein(X, Y, weights),
        lambda: tr.wasserstein_1d(X[:, 0], Y[:, 0], weights),
        lambda: tr.solve(COST, weights),
        lambda: tr.sinkhorn(COST, weights),
        lambda: tr.sinkhorn_divergence(X, Y, 0.5, weights),
        lambda: tr.sliced_wasserstein(X, Y, tr.random_directions(2, 2, rng()), weights),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("method", ["emd", "highs"])
def test_a_programme_that_stops_early_is_an_error(monkeypatch, method):
    import ot
    import scipy.optimize

    class Stopped:
        success, status, message = False, 1, "iteration limit"

    monkeypatch.setattr(scipy.optimize, "linprog", lambda *a, **k: Stopped())
    monkeypatch.setattr(
        ot, "emd", lambda a, b, cost, *r, **k: (cost, {"u": a, "v": b, "cost": 0, "warning": "limit", "result_code": 3})
    )
    with pytest.raises(RuntimeError, match="before the optimum"):
        tr.solve(COST, method=method)
