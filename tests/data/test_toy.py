"""Toy distributions against their moments, and pairs against the linear programme."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.linalg import sqrtm
from scipy.optimize import linear_sum_assignment
from sklearn.datasets import make_moons

from wgan_course.data import pairs, toy


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def empirical_w1(x, y):
    """Solve the assignment between two samples of equal size."""
    cost = torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist").numpy()
    return cost[linear_sum_assignment(cost)].mean()


# --- distributions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", toy.NAMES)
def test_samples_are_reproducible_and_leave_the_global_state_alone(name):
    before = torch.random.get_rng_state()
    first, again, other = (toy.make(name).sample(50, rng(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.shape == (50, 2)
    assert first.dtype == torch.float32
    assert toy.make(name).sample(5, rng(), torch.float64).dtype == torch.float64


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("8-gaussians", toy.eight_gaussians),
        ("25_gaussians", toy.twenty_five_gaussians),
        ("swiss-roll", toy.swiss_roll),
        ("Two-Moons", toy.two_moons),
    ],
)
def test_functions_and_names_agree(name, function):
    assert torch.equal(toy.make(name).sample(20, rng()), function(20, rng()))


def test_eight_modes_on_a_circle():
    modes = toy.make("eight-gaussians", radius=3.0).modes
    assert modes.shape == (8, 2)
    torch.testing.assert_close(modes.norm(dim=1), torch.full((8,), 3.0, dtype=torch.float64))
    gaps = (modes - modes.roll(1, 0)).norm(dim=1)
    torch.testing.assert_close(gaps, torch.full((8,), 6 * math.sin(math.pi / 8), dtype=torch.float64))


def test_twenty_five_modes_on_a_grid():
    modes = toy.make("twenty-five-gaussians", spacing=0.5).modes
    assert {tuple(mode) for mode in modes.tolist()} == {(0.5 * i, 0.5 * j) for i in range(-2, 3) for j in range(-2, 3)}


@pytest.mark.parametrize("name", ["eight-gaussians", "twenty-five-gaussians"])
def test_mixture_modes_are_equally_likely_and_have_the_right_spread(name):
    mixture = toy.make(name)
    x = mixture.sample(20000, rng(), torch.float64)
    distance, nearest = torch.cdist(x, mixture.modes).min(1)
    counts = torch.bincount(nearest, minlength=len(mixture.modes))
    assert stats.chisquare(counts.numpy()).pvalue > 1e-4
    assert stats.kstest(distance.numpy() / mixture.std, stats.rayleigh.cdf).pvalue > 1e-4


def test_log_density_against_scipy():
    mixture = toy.make("eight-gaussians", std=0.7)
    x = torch.randn(40, 2, generator=rng(), dtype=torch.float64)
    parts = [stats.multivariate_normal(mode.numpy(), 0.49 * np.eye(2)).pdf(x.numpy()) for mode in mixture.modes]
    np.testing.assert_allclose(mixture.log_density(x).numpy(), np.log(np.mean(parts, axis=0)), rtol=1e-10)


def test_log_density_far_away_does_not_underflow():
    value = toy.make("eight-gaussians").log_density(torch.tensor([[1e4, 0.0]]))
    assert torch.isfinite(value).all()


def test_point_masses():
    x = toy.eight_gaussians(30, rng(), std=0.0)
    assert torch.cdist(x.double(), toy.make("eight-gaussians").modes).min(1).values.max() < 1e-6
    with pytest.raises(ValueError, match="point masses have no density"):
        toy.make("eight-gaussians", std=0.0).log_density(x)


def test_swiss_roll_lies_on_its_spiral():
    x = toy.swiss_roll(500, rng(), noise=0.0).double() * 7.5
    angle = x.norm(dim=1)
    torch.testing.assert_close(x, torch.stack([angle * angle.cos(), angle * angle.sin()], 1), atol=1e-4, rtol=0)
    assert stats.kstest(angle.numpy(), stats.uniform(1.5 * math.pi, 3 * math.pi).cdf).pvalue > 1e-4


def test_two_moons_against_scikit_learn():
    curve, _ = make_moons(4000, shuffle=False)
    x = toy.two_moons(500, rng(), noise=0.0).double()
    nearest = torch.cdist(x, torch.from_numpy(curve - [0.5, 0.25])).min(1).values
    assert nearest.max() < 2e-3
    # a third of the points has sin(angle) over 1/2 on the upper moon, a third on the lower: binomial, 4 deviations
    for count in ((x[:, 1] > 0.25).sum(), (x[:, 1] < -0.25).sum()):
        assert abs(count - 500 / 3) < 4 * math.sqrt(500 * 2 / 9)


@pytest.mark.parametrize("name", ["swiss-roll", "two-moons"])
def test_noise_has_the_stated_spread(name):
    clean, noisy = (toy.make(name, noise=noise).sample(5000, rng(), torch.float64) for noise in (0.0, 0.3))
    assert stats.kstest(((noisy - clean) / 0.3).flatten().numpy(), "norm").pvalue > 1e-4


# --- pairs -----------------------------------------------------------------------------------------------------------

PAIRS = {
    "parallel-lines": toy.ParallelLines(-1.7),
    "two-clouds": toy.TwoClouds(2.5, 0.5, 3),
    "min-funnel": toy.MinFunnel.random(2, rng(5)),
    "min-funnel-64": toy.MinFunnel.random(64, rng(6), funnels=8, push=2.0),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_plan_is_optimal_on_its_sample(name):
    """No other matching of the coupled sample is cheaper, and its cost is W1."""
    real, fake = PAIRS[name].plan(150, rng(), torch.float64)
    cost = (real - fake).norm(dim=1).mean().item()
    assert cost == pytest.approx(PAIRS[name].w1, abs=1e-9)
    assert empirical_w1(real, fake) == pytest.approx(cost, abs=1e-9)


@pytest.mark.parametrize("name", PAIRS)
def test_the_critic_certifies_the_plan(name):
    """f drops along each coupled pair by the whole distance, and is 1-Lipschitz: weak duality closes the gap."""
    pair = PAIRS[name]
    real, fake = pair.plan(200, rng(), torch.float64)
    torch.testing.assert_close(pair.critic(real) - pair.critic(fake), (real - fake).norm(dim=1))
    points = torch.cat([real, fake, 3 * torch.randn(100, pair.dim, generator=rng(), dtype=torch.float64)])
    values = pair.critic(points)
    assert ((values[:, None] - values).abs() <= torch.cdist(points, points) + 1e-6).all()


@pytest.mark.parametrize("name", PAIRS)
def test_independent_samples_have_the_plans_marginals(name):
    pair = PAIRS[name]
    real, fake = pair.sample(4000, rng(), torch.float64)
    assert (pair.critic(real).mean() - pair.critic(fake).mean()).item() == pytest.approx(pair.w1, abs=0.2)
    coupled = pair.plan(4000, rng(9), torch.float64)
    for ours, theirs in zip((real, fake), coupled, strict=True):
        assert stats.ks_2samp(ours[:, -1].numpy(), theirs[:, -1].numpy()).pvalue > 1e-4
    assert (real - fake).norm(dim=1).mean() > pair.w1


@pytest.mark.parametrize("theta", [-2.0, 0.0, 0.5])
def test_parallel_lines_by_hand(theta):
    real, fake = toy.parallel_lines(theta, 300, rng())
    assert (real[:, 0] == 0).all()
    assert (fake[:, 0] == theta).all()
    assert stats.kstest(fake[:, 1].numpy(), "uniform").pvalue > 1e-4
    assert toy.ParallelLines(theta).w1 == abs(theta)


def test_two_clouds_by_hand():
    real, fake = toy.two_clouds(3.0, 5000, rng(), std=0.5, dim=4)
    torch.testing.assert_close(fake.mean(0) - real.mean(0), torch.tensor([3.0, 0, 0, 0]), atol=0.06, rtol=0)
    assert real.std().item() == pytest.approx(0.5, abs=0.02)


# --- Gaussians -------------------------------------------------------------------------------------------------------


def random_pair(seed, dim):
    generator = np.random.default_rng(seed)
    means = generator.normal(size=(2, dim))
    covariances = [a @ a.T + 0.1 * np.eye(dim) for a in generator.normal(size=(2, dim, dim))]
    return means[0], covariances[0], means[1], covariances[1]


@given(st.integers(0, 10**6), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_w2_against_the_matrix_square_root_of_scipy(seed, dim):
    m, s, other_m, other_s = random_pair(seed, dim)
    root = sqrtm(s)
    squared = ((m - other_m) ** 2).sum() + np.trace(s + other_s - 2 * np.real(sqrtm(root @ other_s @ root)))
    assert toy.GaussianPair(m, s, other_m, other_s).w2 == pytest.approx(math.sqrt(squared), rel=1e-6)


@given(st.integers(0, 10**6), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_transport_map_carries_the_moments_over_at_the_cost_w2(seed, dim):
    pair = toy.GaussianPair(*random_pair(seed, dim))
    shift = pair.transport_map(torch.zeros(1, dim, dtype=torch.float64))
    matrix = pair.transport_map(torch.eye(dim, dtype=torch.float64)) - shift
    torch.testing.assert_close(matrix.T @ pair.real_covariance @ matrix, pair.fake_covariance)
    torch.testing.assert_close(pair.transport_map(pair.real_mean[None])[0], pair.fake_mean)
    residual = torch.eye(dim, dtype=torch.float64) - matrix
    cost = (residual.T @ pair.real_covariance @ residual).trace() + (pair.real_mean - pair.fake_mean).square().sum()
    assert pair.w2 == pytest.approx(cost.sqrt().item(), rel=1e-7)


def test_w1_bounds_hold_the_sampled_distance():
    pair = toy.GaussianPair(*random_pair(4, 2))
    lower, upper = pair.w1_bounds
    real, fake = pair.sample(600, rng(), torch.float64)
    assert lower <= upper
    assert lower - 0.25 < empirical_w1(real, fake) < upper + 0.25


def test_w1_bounds_meet_for_a_translation():
    pair = toy.GaussianPair([0.0, 0.0], np.eye(2), [3.0, 4.0], np.eye(2))
    assert pair.w1_bounds == pytest.approx((5.0, 5.0))


def test_w1_lower_bound_is_exact_in_one_dimension():
    pair = toy.GaussianPair([0.3], [[4.0]], [-0.2], [[0.25]])
    grid = (np.arange(200000) + 0.5) / 200000
    quantiles = stats.norm(0.3, 2.0).ppf(grid) - stats.norm(-0.2, 0.5).ppf(grid)
    assert pair.w1_bounds[0] == pytest.approx(np.abs(quantiles).mean(), rel=1e-4)


def test_gaussian_samples_have_their_moments():
    pair = toy.GaussianPair(*random_pair(2, 3))
    for x, covariance in zip(pair.sample(40000, rng()), (pair.real_covariance, pair.fake_covariance), strict=True):
        torch.testing.assert_close(torch.cov(x.T.double()), covariance, atol=0.25, rtol=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: [1.0]}, r"fake_mean must have shape \(1,\)"),
        ({0: [math.nan, 0.0]}, "real_mean must be a finite vector"),
        ({0: [[0.0, 0.0]]}, "real_mean must be a finite vector"),
        ({1: np.eye(3)}, r"real_covariance must be a symmetric matrix of shape \(2, 2\)"),
        ({3: [[1.0, 2.0], [0.0, 1.0]]}, "fake_covariance must be a symmetric"),
        ({3: [[1.0, 2.0], [2.0, 1.0]]}, "fake_covariance must be positive definite"),
    ],
)
def test_bad_gaussians(change, message):
    arguments = [[0.0, 0.0], np.eye(2), [1.0, 1.0], np.eye(2)]
    for position, value in change.items():
        arguments[position] = value
    with pytest.raises(ValueError, match=message):
        toy.GaussianPair(*arguments)


@given(st.floats(-5, 5), st.floats(0, 3))
def test_folded_normal_mean_against_scipy(mean, std):
    got = pairs.folded_normal_mean(torch.tensor(mean, dtype=torch.float64), torch.tensor(std, dtype=torch.float64))
    expected = stats.foldnorm.mean(abs(mean) / std, scale=std) if std > 1e-3 else abs(mean)
    assert got.item() == pytest.approx(expected, abs=1e-3 if std <= 1e-3 else 1e-9)


# --- centre squares --------------------------------------------------------------------------------------------------


def test_the_35_of_the_centre_squares():
    pair = toy.CentreSquares()
    assert (pair.size, pair.side, pair.w1) == (64, 35, 35.0)
    real, fake = pair.sample(60, rng())
    assert real.abs().max() == 0
    torch.testing.assert_close(fake.flatten(1).norm(dim=1), torch.full((60,), 35.0))
    assert empirical_w1(real.flatten(1), fake.flatten(1)) == pytest.approx(35.0)
    assert set(fake.mean((1, 2, 3)).sign().tolist()) == {-1.0, 1.0}


def test_the_square_is_centred():
    square = toy.CentreSquares(9, 3).square()[0]
    assert square.nonzero().tolist() == [[i, j] for i in (3, 4, 5) for j in (3, 4, 5)]
    assert torch.equal(square, square.flip(0))


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_the_centre_square_critic_reaches_w1_and_is_lipschitz(seed):
    pair = toy.CentreSquares(12, 5)
    real, fake = pair.sample(8, rng(seed), torch.float64)
    assert (pair.critic(real).mean() - pair.critic(fake).mean()).item() == pytest.approx(5.0)
    x, y = torch.randn(2, 30, 1, 12, 12, generator=rng(seed), dtype=torch.float64)
    assert ((pair.critic(x) - pair.critic(y)).abs() <= (x - y).flatten(1).norm(dim=1)).all()


@pytest.mark.parametrize(("size", "side"), [(0, None), (8, 0), (8, 9), (1, None)])
def test_squares_that_do_not_fit(size, side):
    with pytest.raises(ValueError, match=r"(size|side) must be"):
        toy.CentreSquares(size, side)


def test_centre_square_critic_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"x must have shape \(n, 1, 64, 64\)"):
        toy.CentreSquares().critic(torch.zeros(2, 64, 64))


# --- funnels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [1, 2, 16])
def test_funnel_gradient_against_autograd(dim):
    pair = toy.min_funnel_pair(dim, rng(1))
    x = pair.real(50, rng(), torch.float64).requires_grad_(True)
    expected = torch.autograd.grad(pair.critic(x).sum(), x)[0]
    torch.testing.assert_close(pair.gradient(x.detach()), expected)
    torch.testing.assert_close(expected.norm(dim=1), torch.ones(50, dtype=torch.float64))


def test_funnel_value_against_a_loop():
    pair = toy.MinFunnel(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([1.0, 0.5]))
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0], [0.0, 1.0]])
    assert pair.critic(x).tolist() == pytest.approx([1.0, 0.5, 5.5, 2.0])
    assert pair.gradient(x)[0].tolist() == [0.0, 0.0]


def test_every_funnel_is_used():
    pair = toy.MinFunnel.random(2, rng(0))
    x = pair.real(4000, rng())
    own = (torch.cdist(x.double(), pair.centres) + pair.offsets).argmin(1)
    assert len(own.unique()) == len(pair.centres)


def test_points_too_near_a_centre_are_neither_drawn_nor_pushed():
    pair = toy.MinFunnel(torch.zeros(1, 2), torch.zeros(1), push=1.0)
    assert pair.real(500, rng()).norm(dim=1).min() > 1.0
    with pytest.raises(ValueError, match=r"nearer than push = 1\.0"):
        pair.transport_map(torch.tensor([[0.5, 0.0]]))


def test_push_too_large():
    with pytest.raises(ValueError, match=r"push = 100\.0 is too large for scale = 1\.0"):
        toy.MinFunnel(torch.zeros(1, 2), torch.zeros(1), 100.0, 1.0).real(10, rng())


@pytest.mark.parametrize("option", ["push", "scale"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_bad_funnel_options(option, value):
    with pytest.raises(ValueError, match=f"{option} must be a finite number"):
        toy.MinFunnel.random(2, rng(), **{option: value})


def test_funnel_shapes():
    with pytest.raises(ValueError, match=r"offsets must have shape \(3,\)"):
        toy.MinFunnel(torch.zeros(3, 2), torch.zeros(2))
    with pytest.raises(ValueError, match="centres holds NaN"):
        toy.MinFunnel(torch.full((3, 2), math.nan), torch.zeros(3))


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("maker", [toy.make, toy.make_pair])
def test_unknown_names_list_the_known(maker):
    with pytest.raises(ValueError, match=r"name must be one of .*, got 'nine-gaussians'"):
        maker("nine-gaussians")


def test_pairs_by_name():
    assert toy.make_pair("parallel_lines", theta=2.0).w1 == 2.0
    assert toy.make_pair("min-funnel", dim=7, rng=rng(), push=0.5).w1 == 0.5
    assert {"gaussians", "two-clouds", "centre-square"} <= set(toy.PAIR_NAMES)


@pytest.mark.parametrize("name", toy.NAMES)
@pytest.mark.parametrize(
    ("n", "generator", "error", "message"),
    [
        (0, rng(), ValueError, "n must be at least 1, got 0"),
        (2.5, rng(), TypeError, "n must be a whole number"),
        (True, rng(), TypeError, "n must be a whole number"),
        (5, None, TypeError, r"rng must be a torch\.Generator, got NoneType"),
        (5, np.random.default_rng(0), TypeError, r"rng must be a torch\.Generator"),
    ],
)
def test_bad_requests(name, n, generator, error, message):
    with pytest.raises(error, match=message):
        toy.make(name).sample(n, generator)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_bad_spreads(value):
    for name, option in (("eight-gaussians", "std"), ("swiss-roll", "noise"), ("two-moons", "noise")):
        with pytest.raises(ValueError, match=f"{option} must be a finite number of at least 0.0"):
            toy.make(name, **{option: value})
    with pytest.raises(ValueError, match="std must be"):
        toy.TwoClouds(1.0, value)


def test_spread_that_is_no_number():
    with pytest.raises(TypeError, match="std must be a number, got 'wide'"):
        toy.make("eight-gaussians", std="wide")
    with pytest.raises(TypeError, match="theta must be a number"):
        toy.ParallelLines(None)


@pytest.mark.parametrize("x", [torch.zeros(3), torch.zeros(3, 5), torch.zeros(0, 2)])
def test_points_of_other_shapes(x):
    for function in (toy.make("8-gaussians").log_density, toy.ParallelLines().critic, toy.TwoClouds().critic):
        with pytest.raises(ValueError, match=r"x must have shape \(n, 2\)"):
            function(x)


def test_points_that_are_no_tensor():
    with pytest.raises(TypeError, match=r"x must be a torch\.Tensor, got list"):
        toy.ParallelLines().critic([[0.0, 0.0]])


# --- laws ------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(1, 4), st.floats(0.2, 4))
@settings(max_examples=20, deadline=None)
def test_gaussian_pairs_are_symmetric_and_scale(seed, dim, factor):
    m, s, other_m, other_s = random_pair(seed, dim)
    pair, swapped = toy.GaussianPair(m, s, other_m, other_s), toy.GaussianPair(other_m, other_s, m, s)
    scaled = toy.GaussianPair(factor * m, factor**2 * s, factor * other_m, factor**2 * other_s)
    assert swapped.w2 == pytest.approx(pair.w2, abs=1e-6)
    assert swapped.w1_bounds == pytest.approx(pair.w1_bounds, abs=1e-6)
    assert scaled.w2 == pytest.approx(factor * pair.w2, abs=1e-6)
    assert pair.w1_bounds[0] >= np.linalg.norm(m - other_m) - 1e-9


@given(st.integers(0, 10**6), st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_a_gaussian_is_at_distance_0_from_itself(seed, dim):
    m, s, _, _ = random_pair(seed, dim)
    pair = toy.GaussianPair(m, s, m, s)
    assert pair.w1_bounds == pytest.approx((0.0, 0.0), abs=1e-6)
    x = torch.randn(5, dim, generator=rng(seed), dtype=torch.float64)
    torch.testing.assert_close(pair.transport_map(x), x)


@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(1, 6), st.floats(0.1, 1.0))
@settings(max_examples=20, deadline=None)
def test_funnel_push_is_exact_in_any_dimension(seed, dim, funnels, push):
    pair = toy.MinFunnel.random(dim, rng(seed), funnels, push)
    real, fake = pair.plan(30, rng(seed + 1), torch.float64)
    torch.testing.assert_close((real - fake).norm(dim=1), torch.full((30,), push, dtype=torch.float64))
    torch.testing.assert_close(pair.critic(real) - pair.critic(fake), torch.full((30,), push, dtype=torch.float64))
    torch.testing.assert_close(fake, real - push * pair.gradient(real))


@pytest.mark.parametrize("size", [8, 28, 32, 64])
def test_default_square_covers_about_three_tenths(size):
    pair = toy.CentreSquares(size)
    assert pair.square().sum().item() == pair.side**2
    assert (pair.side / size) ** 2 <= 0.3 < ((pair.side + 1) / size) ** 2


@given(st.floats(-5, 5), st.floats(0, 2), st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_two_clouds_in_any_dimension(separation, std, dim):
    pair = toy.TwoClouds(separation, std, dim)
    real, fake = pair.plan(20, rng(), torch.float64)
    assert pair.w1 == abs(separation)
    torch.testing.assert_close((fake - real).norm(dim=1), torch.full((20,), pair.w1, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", PAIRS)
def test_pairs_keep_the_type_asked_for(name, dtype):
    for x in (*PAIRS[name].sample(3, rng(), dtype), *PAIRS[name].plan(3, rng(), dtype)):
        assert x.dtype == dtype
        assert PAIRS[name].critic(x).dtype == dtype


@pytest.mark.parametrize("name", ["parallel-lines", "two-clouds", "min-funnel"])
def test_integer_points_are_refused_by_name(name):
    made = {"min-funnel": lambda: toy.make_pair(name, dim=2, rng=rng())}.get(name, lambda: toy.make_pair(name))()
    with pytest.raises(TypeError, match=r"x must be a floating-point tensor, got torch\.int64"):
        made.critic(torch.ones(3, 2, dtype=torch.int64))


def test_arrays_in_place_of_tensors_are_refused_by_name():
    with pytest.raises(TypeError, match=r"centres must be a torch\.Tensor, got list"):
        toy.MinFunnel([[0.0, 1.0]], torch.zeros(1))
    with pytest.raises(TypeError, match=r"offsets must be a torch\.Tensor, got list"):
        toy.MinFunnel(torch.zeros(1, 2), [0.0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_folded_normal_of_no_width_in_every_precision(dtype):
    mean = torch.tensor([0.0, -2.0, 3.0], dtype=dtype)
    assert pairs.folded_normal_mean(mean, torch.zeros(3, dtype=dtype)).tolist() == [0.0, 2.0, 3.0]


@pytest.mark.parametrize("pair", [toy.ParallelLines(), toy.TwoClouds(), toy.CentreSquares(8, 3)])
def test_a_plan_couples_at_the_price_of_w1(pair):
    real, fake = pair.plan(64, rng(), torch.float64)
    assert (real - fake).flatten(1).norm(dim=1).mean().item() == pytest.approx(pair.w1)


def test_a_pair_without_a_known_plan_says_so():
    pair = toy.make_pair(
        "gaussians", real_mean=[0.0], real_covariance=[[1.0]], fake_mean=[1.0], fake_covariance=[[2.0]]
    )
    with pytest.raises(NotImplementedError, match="GaussianPair knows no optimal coupling"):
        pair.plan(3, rng())


@pytest.mark.parametrize("name", ["Eight-Gaussians", "8_gaussians", "eight gaussians"])
def test_names_may_be_written_in_several_ways(name):
    assert toy.is_known(name)
    assert toy.make(name).name == "eight-gaussians"


def test_unknown_names():
    assert not toy.is_known("nine-gaussians")
