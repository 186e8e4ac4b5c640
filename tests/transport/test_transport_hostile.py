"""What distances must give on inputs that are scaled, mixed, weightless or ill-conditioned: each value is known."""

import logging
import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance

from wgan_course import transport as tr


def cloud(n, d=2, seed=0, dtype=torch.float64):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


X, Y = cloud(12), cloud(9, seed=1) + 1
LINES = tr.random_directions(5, 2, torch.Generator().manual_seed(0))
DISTANCES = {
    "exact": tr.wasserstein,
    "line": lambda x, y, a=None, b=None: tr.wasserstein_1d(x[:, 0], y[:, 0], a, b),
    "sliced": lambda x, y, a=None, b=None: tr.sliced_wasserstein(x, y, LINES, a, b),
    "sinkhorn": lambda x, y, a=None, b=None: tr.sinkhorn_divergence(x, y, 0.5 * float(x.abs().max()), a, b),
}


# --- scale -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e-12, 1e12, 1e30, 1e200])
def test_a_scale_scales_the_distance(name, scale):
    unit = float(DISTANCES[name](X, Y))
    assert float(DISTANCES[name](scale * X, scale * Y)) / scale == pytest.approx(unit, rel=1e-9)


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("scale", [1e-37, 1e-25, 1e-12, 1e12, 1e25, 1e37])
def test_a_scale_scales_the_distance_in_single_precision(name, scale):
    unit = float(DISTANCES[name](X, Y))
    x, y = (points.float() * scale for points in (X, Y))
    assert float(DISTANCES[name](x, y)) / scale == pytest.approx(unit, rel=1e-4)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_gradients_do_not_hang_on_the_scale(scale):
    x = (X * scale).float().requires_grad_()
    (found,) = torch.autograd.grad(tr.wasserstein(x, (Y * scale).float()), x)
    y = X.clone().requires_grad_()
    (expected,) = torch.autograd.grad(tr.wasserstein(y, Y), y)
    torch.testing.assert_close(found, expected.float(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("offset", [1e3, 1e8, 1e12])
def test_far_from_the_origin_distances_keep_their_digits(offset):
    """Points on a lattice of quarters, which float64 holds there exactly."""
    x = (X * 4).round() / 4
    y = (Y * 4).round() / 4
    torch.testing.assert_close(tr.cost_matrix(x + offset, y + offset), tr.cost_matrix(x, y), rtol=1e-14, atol=0)
    assert float(tr.wasserstein(x + offset, y + offset)) == pytest.approx(float(tr.wasserstein(x, y)), rel=1e-12)


def test_values_far_from_the_origin_are_extended():
    """By inner products, distances near (1000, 1000) in single precision are wrong in the second digit."""
    points = cloud(100, seed=2, dtype=torch.float32) + 1000
    extension = tr.mcshane_extension(points, points[:, 0])
    torch.testing.assert_close(extension(points), points[:, 0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_values_that_are_too_steep_are_refused_at_every_scale(dtype, scale):
    points = (cloud(20) * scale).to(dtype)
    assert callable(tr.mcshane_extension(points, 2 * points[:, 0], 2.0))
    with pytest.raises(ValueError, match="Lipschitz on the points"):
        tr.mcshane_extension(points, 2.01 * points[:, 0], 2.0)


# --- types -----------------------------------------------------------------------------------------------------------

TYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("one", TYPES)
@pytest.mark.parametrize("other", TYPES)
def test_types_are_brought_together(name, one, other):
    """The result is that of the rounded points, in the wider type, and in float32 at least."""
    x, y = X.to(one), Y.to(other)
    found = DISTANCES[name](x, y)
    assert found.dtype == torch.promote_types(torch.promote_types(one, other), torch.float32)
    assert float(found) == pytest.approx(float(DISTANCES[name](x.double(), y.double())), rel=1e-5)


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("dtype", TYPES)
def test_weights_of_any_type_are_rounded_to_sum_one(name, dtype):
    weights = (torch.arange(12, dtype=torch.float64) + 1) / 78
    found = float(DISTANCES[name](X, Y, weights.to(dtype)))
    assert found == pytest.approx(float(DISTANCES[name](X, Y, weights)), rel=2e-2)


def test_whatever_takes_a_cost_takes_it_in_any_type():
    cost, phi = tr.cost_matrix(X, Y), X[:, 0]
    for dtype in TYPES:
        answer = tr.solve(cost.to(dtype))
        assert float(answer.value) == pytest.approx(float(tr.solve(cost).value), rel=2e-2)
        assert float(tr.dual_violation(answer.phi, answer.psi, cost.to(dtype))) < 1e-5
        assert tr.c_transform(phi, cost.to(dtype)).dtype == torch.float64
        assert float(tr.sinkhorn(cost.to(dtype)).value) == pytest.approx(float(tr.sinkhorn(cost).value), rel=2e-2)
        points, _ = tr.displacement_interpolation(X, Y.to(dtype), answer.coupling, 0.5)
        assert points.dtype == torch.float64
        assert tr.potential_critic(Y.to(dtype), answer.psi)(X).dtype == torch.float64


def test_single_precision_converges_as_double_does(caplog):
    cost = tr.cost_matrix(X, Y)
    with caplog.at_level(logging.WARNING):
        found = tr.sinkhorn(cost.float())
    assert caplog.text == ""
    assert float(found.value) == pytest.approx(float(tr.sinkhorn(cost).value), rel=1e-6)


def test_arrays_that_do_not_lie_in_one_piece():
    x, cost = X.T.contiguous().T, tr.cost_matrix(Y, X).T
    assert not x.is_contiguous()
    assert not cost.is_contiguous()
    assert torch.equal(tr.wasserstein(x, Y), tr.wasserstein(X, Y))
    torch.testing.assert_close(tr.solve(cost).value, tr.wasserstein(X, Y))
    torch.testing.assert_close(tr.solve(cost[::2]).value, tr.solve(cost[::2].clone()).value)


@pytest.mark.parametrize(
    "bad", [np.zeros((3, 2)), torch.zeros(3, 2, dtype=torch.int32), torch.zeros(3, 2).bool(), None]
)
def test_no_function_takes_what_is_no_tensor_of_floats(bad):
    critic = tr.potential_critic(X, X[:, 0])
    calls = [
        lambda: tr.wasserstein(bad, X),
        lambda: tr.wasserstein(X, bad),
        lambda: tr.wasserstein_1d(bad, X.T),
        lambda: tr.solve(bad),
        lambda: tr.sinkhorn(bad),
        lambda: tr.sliced_wasserstein(X, X, bad),
        lambda: tr.c_transform(X[:, 0], bad),
        lambda: tr.dual_violation(X[:, 0], X[:, 0], bad),
        lambda: tr.slackness(tr.solve(X), bad),
        lambda: tr.mcshane_extension(bad, X[:, 0]),
        lambda: tr.displacement_interpolation(X, X, bad, 0.5),
        lambda: tr.assignment(bad),
        lambda: critic(bad),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="floating-point tensor"):
            call()


# --- weights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("mass", [0.99992, 1.0, 1.00008])
@pytest.mark.parametrize("side", ["both", "x", "y"])
def test_masses_that_are_rounded_make_no_distance(name, mass, side):
    """Two points a million apart, on both sides: a mass that is lacking would have to come from afar."""
    x = torch.tensor([[0.0, 0.0], [1e6, 0.0]], dtype=torch.float64)
    weights = torch.full((2,), mass / 2, dtype=torch.float64)
    a, b = (weights if side in ("both", at) else None for at in ("x", "y"))
    assert float(DISTANCES[name](x, x.clone(), a, b)) == pytest.approx(0, abs=1e-6)


def test_weights_in_single_precision_make_no_distance():
    """Six points doubled, against the six: cumulated in single precision the masses differ by 1e-7 of a million."""
    x = torch.linspace(0, 1e6, 6)
    assert float(tr.wasserstein_1d(x.repeat_interleave(2), x)) == pytest.approx(0, abs=1e-6)
    a, x64 = torch.tensor([0.1, 0.2, 0.3, 0.15, 0.05, 0.2]), x.double().numpy()
    expected = wasserstein_distance(x64, x64[:3], a.double().numpy())
    assert float(tr.wasserstein_1d(x, x[:3], a)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("where", [5.0, 50.0, 1e6])
def test_points_without_mass_change_nothing(name, where):
    """0 · exp(∞) is NaN: the potential of a far point without mass may be anything."""
    x, y = torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    far = torch.full((1, 2), where)
    half = torch.tensor([0.5, 0.5, 0.0])
    scale = {"sinkhorn": lambda p, q, a=None, b=None: tr.sinkhorn_divergence(p, q, 0.05, a, b)}
    distance = {**DISTANCES, **scale}[name]
    expected = float(distance(x, y))
    for a, b in ((half, None), (None, half), (half, half)):
        p, q = (torch.cat([points, far]) if w is not None else points for points, w in ((x, a), (y, b)))
        assert float(distance(p, q, a, b)) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_gradients_in_weights_are_finite_where_there_is_no_mass():
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [50.0, 0.0]], dtype=torch.float64)
    weights = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(tr.sinkhorn_divergence(x, x[:2] + 1, 0.05, weights), weights)
    assert bool(torch.isfinite(found).all())


def test_a_point_without_mass_does_not_keep_the_iteration_going():
    x = torch.tensor([[0.0], [1.0], [1e4]], dtype=torch.float64)
    found = tr.sinkhorn(tr.cost_matrix(x, x[:2]), torch.tensor([0.5, 0.5, 0.0]), regularisation=0.5)
    assert found.iterations < 200
    assert bool(torch.isfinite(found.coupling).all())


def test_a_grain_of_mass_far_away():
    """1e-12 of the mass, 1e12 away: it costs as much as all the rest one away."""
    x = torch.tensor([[0.0, 0.0], [1e12, 0.0]], dtype=torch.float64)
    a = torch.tensor([1 - 1e-12, 1e-12], dtype=torch.float64)
    assert float(tr.wasserstein(x, x[:1], a)) == pytest.approx(1, rel=1e-3)
    assert float(tr.wasserstein_1d(x[:, 0], x[:1, 0], a)) == pytest.approx(1, rel=1e-3)


def test_interpolation_loses_no_grain():
    coupling = torch.full((1, 2), 1e-13, dtype=torch.float64)
    points, weights = tr.displacement_interpolation(X[:1], Y[:2], coupling, 0.5)
    assert weights.tolist() == [1e-13, 1e-13]
    torch.testing.assert_close(points, (X[:1] + Y[:2]) / 2)


# --- what a solver says, checked -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["emd", "highs"])
@pytest.mark.parametrize("wall", [1e8, 1e12, 1e16, 1e30, 1e200])
@pytest.mark.parametrize("seed", range(4))
def test_a_wall_of_large_costs_does_not_blur_the_small_ones(method, wall, seed):
    """Two blocks that no mass should leave: 16 digits hold the wall and what is near one no longer together."""
    cost = torch.rand(8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    cost[:4, 4:] = cost[4:, :4] = wall
    rows, columns = linear_sum_assignment(cost.numpy())
    answer = tr.solve(cost, method=method)
    assert float(answer.value) == pytest.approx(float(cost[rows, columns].mean()), rel=1e-9)
    assert abs(float(tr.duality_gap(answer))) < 1e-7


@pytest.mark.parametrize("noise", [1e-3, 1e-8, 1e-14])
@pytest.mark.parametrize("copies", [1, 2])
def test_clouds_that_nearly_agree(noise, copies):
    """Each point's partner is its own copy, moved by less than any other point is away."""
    x = cloud(60, seed=3)
    y = x + noise * cloud(60, seed=4)
    found = tr.wasserstein(x.repeat(copies, 1), y.repeat(copies, 1))
    assert float(found) == pytest.approx(float((x - y).norm(dim=1).mean()), rel=1e-6)


@pytest.mark.parametrize("method", ["emd", "highs"])
@pytest.mark.parametrize("shift", [-1e6, -3.0, 0.0, 5.0])
def test_a_constant_cost_and_a_shifted_one(method, shift):
    assert float(tr.solve(torch.full((3, 4), shift), method=method).value) == pytest.approx(shift)
    cost = tr.cost_matrix(X, Y)
    shifted = tr.solve(cost + shift, method=method).value
    assert float(shifted) == pytest.approx(float(tr.solve(cost).value) + shift, rel=1e-9)


def test_an_answer_whose_own_gap_is_large_is_an_error(monkeypatch):
    from wgan_course.transport import programme

    def careless(cost, a, b):
        return a[:, None] * b, np.zeros(len(a))

    monkeypatch.setitem(programme._SOLVERS, "emd", careless)
    with pytest.raises(RuntimeError, match="before the optimum"):
        tr.wasserstein(X, Y)


def test_assignment_against_scipy():
    for n, seed in ((1, 0), (2, 1), (7, 2), (40, 3), (300, 4)):
        cost = tr.cost_matrix(cloud(n, 3, seed), cloud(n, 3, seed + 9))
        order = tr.assignment(cost)
        assert sorted(order.tolist()) == list(range(n))
        best = cost[linear_sum_assignment(cost.numpy())].mean()
        assert float(cost[torch.arange(n), order].mean()) == pytest.approx(float(best), rel=1e-12)
    assert sorted(tr.assignment(torch.zeros(6, 6)).tolist()) == list(range(6))
    with pytest.raises(ValueError, match="square"):
        tr.assignment(cost[:3])


# --- entropy ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["across", "own"])
def test_a_potential_that_stops_early_says_so(part, caplog):
    """Against one point, the plan is found in one round, and only the own potential of the cloud is not."""
    with caplog.at_level(logging.WARNING):
        if part == "own":
            tr.sinkhorn_divergence(X, X[:1], 1.0, iterations=2)
        else:
            tr.sinkhorn(tr.cost_matrix(X, Y), regularisation=1.0, iterations=2)
    assert "raise iterations" in caplog.text


@pytest.mark.parametrize("regularisation", [1e-18, 1e-300])
def test_a_regularisation_below_the_rounding_of_the_cost_is_refused(regularisation):
    with pytest.raises(ValueError, match="regularisation must be at least"):
        tr.sinkhorn(tr.cost_matrix(X, Y), regularisation=regularisation)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"iterations": 2.5}, TypeError),
        ({"iterations": 0}, ValueError),
        ({"tolerance": math.nan}, ValueError),
        ({"tolerance": "small"}, TypeError),
        ({"regularisation": math.inf}, ValueError),
    ],
)
def test_options_of_sinkhorn(options, error):
    for call in (lambda: tr.sinkhorn(tr.cost_matrix(X, Y), **options), lambda: tr.sinkhorn_divergence(X, Y, **options)):
        with pytest.raises(error, match=next(iter(options))):
            call()


# --- critics ---------------------------------------------------------------------------------------------------------


def test_a_critic_takes_points_of_its_space_only():
    critic = tr.potential_critic(Y, Y[:, 0])
    assert critic(X[:0]).shape == (0,)
    for bad in (X[:, :1], X[0], cloud(3, 5)):
        with pytest.raises(ValueError, match=r"x must have shape \(n, 2\)"):
            critic(bad)


def test_a_critic_goes_through_the_transforms_of_torch():
    critic = tr.potential_critic(Y, Y[:, 0])
    slopes = torch.func.vmap(torch.func.grad(lambda point: critic(point[None])[0]))(X)
    torch.testing.assert_close(slopes.norm(dim=1), torch.ones(12, dtype=torch.float64))
