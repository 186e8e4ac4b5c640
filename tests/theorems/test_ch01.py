"""Chapter 1's statements, attacked by random examples; a test is named after the label that it tries to falsify."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wgan_course import divergences

LOG_2 = math.log(2)
TIGHT = 1e-9

falsify = settings(deadline=None, max_examples=60)

masses = st.lists(st.integers(0, 20), min_size=2, max_size=8).filter(any)
weights = st.floats(0.02, 1.0)


def normalise(counts):
    counts = torch.as_tensor(counts, dtype=torch.float64)
    return counts / counts.sum()


@st.composite
def pairs(draw, positive=False):
    """Two distributions on the same atoms; some masses are zero unless `positive`."""
    size = draw(st.integers(2, 8))
    mass = st.floats(0.02, 1.0) if positive else st.integers(0, 20)
    lists = st.lists(mass, min_size=size, max_size=size).filter(any)
    return normalise(draw(lists)), normalise(draw(lists))


@st.composite
def disjoint_pairs(draw):
    p, q = normalise(draw(masses)), normalise(draw(masses))
    return torch.cat([p, torch.zeros_like(q)]), torch.cat([torch.zeros_like(p), q])


def binary_entropy(t):
    t = torch.as_tensor(t, dtype=torch.float64)
    return -(torch.xlogy(t, t) + torch.xlogy(1 - t, 1 - t))


def ideal(p, q):
    """The formula of the chapter, with one half where nothing lives."""
    return torch.where(p + q > 0, p / (p + q).clamp_min(1e-300), 0.5)


# --- prop-optimal-discriminator ---------------------------------------------------------------------------------


@falsify
@given(pairs(), st.integers(0, 2**31))
def test_prop_optimal_discriminator(pair, seed):
    p, q = pair
    best = divergences.optimal_discriminator(p, q)
    alive = p + q > 0
    torch.testing.assert_close(best[alive], (p / (p + q))[alive])
    top = divergences.game_value(ideal(p, q), p, q)
    rng = np.random.default_rng(seed)
    rivals = torch.as_tensor(rng.uniform(size=(20, len(p))))
    nearby = (ideal(p, q) + torch.as_tensor(rng.normal(scale=1e-3, size=(20, len(p))))).clamp(0, 1)
    assert (divergences.game_value(torch.cat([rivals, nearby]), p, q) <= top + TIGHT).all()
    assert top >= -2 * LOG_2 - TIGHT


@falsify
@given(pairs(positive=True), st.floats(1e-3, 0.2), st.integers(0, 7))
def test_prop_optimal_discriminator_is_unique_where_something_lives(pair, change, atom):
    p, q = pair
    best = ideal(p, q)
    other = best.clone()
    other[atom % len(p)] = (other[atom % len(p)] + change) % 1.0
    assert divergences.game_value(other, p, q) < divergences.game_value(best, p, q)


# --- prop-game-value --------------------------------------------------------------------------------------------


@falsify
@given(pairs())
def test_prop_game_value(pair):
    p, q = pair
    value = divergences.game_value(ideal(p, q), p, q)
    m = (p + q) / 2
    by_hand = (rel_entr(p, m).sum() + rel_entr(q, m).sum()) / 2
    assert float(value) == pytest.approx(2 * float(by_hand) - math.log(4), abs=TIGHT)
    assert float(divergences.js(p, q)) == pytest.approx(float(by_hand), abs=TIGHT)
    assert value >= -math.log(4) - TIGHT


def rel_entr(p, q):
    from scipy.special import rel_entr as oracle

    return torch.as_tensor(oracle(p.numpy(), q.numpy()))


@falsify
@given(masses)
def test_prop_game_value_is_least_at_equality(counts):
    p = normalise(counts)
    assert float(divergences.game_value(ideal(p, p), p, p)) == pytest.approx(-math.log(4), abs=TIGHT)


@falsify
@given(pairs())
def test_prop_game_value_is_greater_elsewhere(pair):
    p, q = pair
    gap = float(divergences.game_value(ideal(p, q), p, q)) + math.log(4)
    distance = float((p - q).abs().sum()) / 2
    assert gap >= distance**2 - TIGHT  # Pinsker: 2 JS is at least TV squared


# --- prop-js-disjoint -------------------------------------------------------------------------------------------


@falsify
@given(disjoint_pairs())
def test_prop_js_disjoint(pair):
    assert float(divergences.js(*pair)) == pytest.approx(LOG_2, abs=TIGHT)
    assert float(divergences.tv(*pair)) == pytest.approx(1, abs=TIGHT)


@falsify
@given(pairs())
def test_prop_js_disjoint_converse_and_bounds(pair):
    p, q = pair
    gap = LOG_2 - float(divergences.js(p, q))
    overlap = float(torch.minimum(p, q).sum())
    assert overlap * LOG_2 - TIGHT <= gap <= float(binary_entropy(overlap / 2)) + TIGHT
    assert (overlap > 0) == (gap > TIGHT)
    assert gap == pytest.approx(float(((p + q) / 2 * binary_entropy(ideal(p, q))).sum()), abs=TIGHT)


@falsify
@given(pairs(), st.permutations(range(8)))
def test_prop_js_disjoint_no_notion_of_distance(pair, order):
    """Moving the atoms about changes nothing: JS has no idea where they are."""
    p, q = pair
    order = [i for i in order if i < len(p)]
    assert float(divergences.js(p[order], q[order])) == pytest.approx(float(divergences.js(p, q)), abs=TIGHT)


# --- prop-perfect-discriminator ---------------------------------------------------------------------------------


def smooth_step(points, real, gap):
    """The proof's construction on the line: a neighbourhood's indicator, averaged over a bump."""
    nodes, node_weights = np.polynomial.legendre.leggauss(64)
    bump = node_weights * np.exp(-1 / (1 - nodes**2))
    bump = torch.as_tensor(bump / bump.sum())
    places = points[:, None] - gap / 4 * torch.as_tensor(nodes)
    near = (places[:, :, None] - real).abs().min(-1).values <= gap / 2
    return near.to(torch.float64) @ bump


@falsify
@given(st.lists(st.floats(0, 5), min_size=1, max_size=5), st.lists(st.floats(0, 5), min_size=1, max_size=5), weights)
def test_prop_perfect_discriminator(right, left, gap):
    real = torch.tensor(right, dtype=torch.float64) + gap
    fake = -torch.tensor(left, dtype=torch.float64)
    distance = float((real[:, None] - fake).abs().min())
    around = torch.linspace(-0.2, 0.2, 9, dtype=torch.float64) * distance
    at_real = smooth_step((real[:, None] + around).reshape(-1), real, distance)
    at_fake = smooth_step((fake[:, None] + around).reshape(-1), real, distance)
    torch.testing.assert_close(at_real, torch.ones_like(at_real))  # constant around each point: no slope
    torch.testing.assert_close(at_fake, torch.zeros_like(at_fake))


@falsify
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.3, 3))
def test_prop_perfect_discriminator_every_smooth_one_is_flat(real, fake, sharpness):
    """Any differentiable function with range [0, 1] that is 1 at one point and 0 at another is flat at both."""
    shift = sharpness * (real - fake)
    if abs(math.sin(shift / 2)) < 1e-3:
        return

    def discriminator(x):  # in [0, 1] by construction, 0 at the fake point, 1 at the real one
        raw = torch.sin(sharpness * (x - fake) / 2) ** 2
        return 1 - (1 - raw / math.sin(shift / 2) ** 2) ** 2 / (1 + (1 - raw / math.sin(shift / 2) ** 2) ** 2) * 2

    x = torch.tensor([real, fake], dtype=torch.float64, requires_grad=True)
    values = discriminator(x)
    (slopes,) = torch.autograd.grad(values.sum(), x)
    torch.testing.assert_close(values.detach(), torch.tensor([1.0, 0.0], dtype=torch.float64), atol=1e-9, rtol=0)
    torch.testing.assert_close(slopes, torch.zeros(2, dtype=torch.float64), atol=1e-6, rtol=0)


# --- thm-vanishing-generator-gradient ---------------------------------------------------------------------------


def game(seed, scale, shift):
    """A random smooth discriminator on the plane and a random affine generator with its samples."""
    rng = torch.Generator().manual_seed(seed)
    first, second = (torch.randn(*shape, generator=rng, dtype=torch.float64) for shape in ((6, 2), (1, 6)))
    latent = torch.randn(32, 3, generator=rng, dtype=torch.float64)
    matrix = torch.randn(2, 3, generator=rng, dtype=torch.float64, requires_grad=True)

    def logit(x):
        return scale * (torch.tanh(x @ first.T) @ second.T).squeeze(-1) - shift

    return logit, matrix, latent


@falsify
@given(st.integers(0, 10_000), st.floats(0.1, 5), st.floats(0, 12))
def test_thm_vanishing_generator_gradient(seed, scale, shift):
    logit, matrix, latent = game(seed, scale, shift)
    points = latent @ matrix.T
    (gradient,) = torch.autograd.grad(torch.log1p(-torch.sigmoid(logit(points))).mean(), matrix)
    fixed = points.detach().requires_grad_()
    answers = torch.sigmoid(logit(fixed))
    (slopes,) = torch.autograd.grad(answers.sum(), fixed)
    bound_on_jacobian = latent.norm(dim=1).mean()  # d(Az)/dA has operator norm |z|
    epsilon_0, epsilon_1 = answers.detach().max(), slopes.norm(dim=1).max()
    assert gradient.norm() <= bound_on_jacobian * epsilon_1 / (1 - epsilon_0) * (1 + 1e-9)
    logit_slopes = (slopes / (answers * (1 - answers)).detach()[:, None]).norm(dim=1)
    assert gradient.norm() <= bound_on_jacobian * logit_slopes.max() * epsilon_0 * (1 + 1e-9)


@falsify
@given(st.floats(-6, 6), st.floats(0.1, 4), st.floats(-3, 3))
def test_thm_vanishing_generator_gradient_from_the_value_alone(x, steepness, offset):
    """A non-negative function with H-Lipschitz gradient has a slope of at most sqrt(2 H value)."""
    value = 1 / (1 + math.exp(-(steepness * x + offset)))
    slope = steepness * value * (1 - value)
    smoothness = steepness**2 / (6 * math.sqrt(3))  # the greatest |second derivative| of the sigmoid
    assert slope <= math.sqrt(2 * smoothness * value) + 1e-12


@falsify
@given(st.floats(-19, 19))
def test_thm_vanishing_generator_gradient_logit_form(a):
    """The two losses differ, point by point, by the factor e^a."""
    logit = torch.tensor(a, dtype=torch.float64, requires_grad=True)
    (saturating,) = torch.autograd.grad(-torch.nn.functional.softplus(logit), logit)
    (swapped,) = torch.autograd.grad(torch.nn.functional.softplus(-logit), logit)
    assert float(saturating) == pytest.approx(float(swapped) * math.exp(a), rel=1e-9)
    assert saturating < 0
    assert swapped < 0


# --- prop-minus-log-d -------------------------------------------------------------------------------------------


def gradients(p, theta, losses):
    """Gradient of each loss of q = softmax(theta), by autograd."""
    q = torch.softmax(theta, 0)
    return [torch.autograd.grad(loss(p, q), theta, retain_graph=True)[0] for loss in losses]


@falsify
@given(pairs(positive=True))
def test_prop_minus_log_d(pair):
    p, q = pair
    theta = q.log().requires_grad_()
    frozen = ideal(p, q)
    swapped, saturating, reverse, twice_js, softened = gradients(
        p,
        theta,
        [
            lambda p, q: -(q * frozen.log()).sum(),
            lambda p, q: (q * torch.log1p(-frozen)).sum(),
            lambda p, q: divergences.kl(q, p),
            lambda p, q: 2 * divergences.js(p, q),
            lambda p, q: 2 * divergences.kl((p + q) / 2, p),
        ],
    )
    torch.testing.assert_close(swapped, reverse - twice_js, atol=TIGHT, rtol=0)
    torch.testing.assert_close(swapped, softened, atol=TIGHT, rtol=0)
    torch.testing.assert_close(saturating, twice_js, atol=TIGHT, rtol=0)


@falsify
@given(pairs(positive=True))
def test_prop_minus_log_d_identity(pair):
    p, q = pair
    difference = float(divergences.kl(q, p) - 2 * divergences.js(p, q))
    assert difference == pytest.approx(2 * float(divergences.kl((p + q) / 2, p)), abs=TIGHT)
    assert difference >= -TIGHT


# --- prop-instance-noise ----------------------------------------------------------------------------------------

GRID = torch.linspace(-25, 25, 2501, dtype=torch.float64)


def log_noisy(points, point_weights, sigma, at=GRID):
    """Log-density of a weighted point cloud on the line after Gaussian noise."""
    exponent = -((at[:, None] - points) ** 2) / (2 * sigma**2)
    return torch.logsumexp(exponent + point_weights.log(), 1) - math.log(sigma * math.sqrt(2 * math.pi))


def noisy(points, point_weights, sigma):
    density = log_noisy(points, point_weights, sigma).exp().clamp_min(1e-290)
    return density / density.sum()


@st.composite
def clouds(draw, low=-5.0, high=5.0):
    points = draw(st.lists(st.floats(low, high), min_size=1, max_size=5))
    mass = draw(st.lists(weights, min_size=len(points), max_size=len(points)))
    return torch.tensor(points, dtype=torch.float64), normalise(mass)


@falsify
@given(clouds(), clouds(), st.floats(0.3, 3))
def test_prop_instance_noise(first, second, sigma):
    from scipy.stats import wasserstein_distance

    p, q = noisy(*first, sigma), noisy(*second, sigma)
    js, tv = float(divergences.js(p, q)), float(divergences.tv(p, q))
    w1 = wasserstein_distance(first[0], second[0], first[1], second[1])
    assert js <= LOG_2 * tv + 1e-7
    assert tv <= w1 / (sigma * math.sqrt(2 * math.pi)) + 1e-4
    assert js <= LOG_2 + TIGHT


@falsify
@given(clouds(1.0, 5.0), clouds(-5.0, -1.0), st.floats(0.3, 3), st.floats(-8, 8))
def test_prop_instance_noise_slope(real, fake, sigma, y):
    at = torch.tensor([y], dtype=torch.float64, requires_grad=True)
    logit = log_noisy(*real, sigma, at) - log_noisy(*fake, sigma, at)
    (slope,) = torch.autograd.grad(logit.sum(), at)
    means = [conditional_mean(points, mass, sigma, y) for points, mass in (real, fake)]
    assert float(slope) == pytest.approx((means[0] - means[1]) / sigma**2, rel=1e-8)
    gap = float(real[0].min() - fake[0].max())
    diameter = float(real[0].max() - fake[0].min())
    assert gap / sigma**2 * (1 - 1e-9) <= float(slope) <= diameter / sigma**2 * (1 + 1e-9)


def conditional_mean(points, mass, sigma, y):
    """E[x | x + noise = y] by Bayes' rule."""
    posterior = torch.softmax(mass.log() - (y - points) ** 2 / (2 * sigma**2), 0)
    return float(posterior @ points)


@falsify
@given(st.floats(0.3, 2), st.floats(0.2, 4), st.floats(0.2, 3))
def test_prop_instance_noise_sees_distance(sigma, distance, further):
    """Without noise JS is log 2 at both distances; with it, the nearer pair is nearer."""

    def divergence(s):
        centre, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
        return float(divergences.js(noisy(centre - s / 2, one, sigma), noisy(centre + s / 2, one, sigma)))

    near, far = divergence(distance * sigma), divergence((distance + further) * sigma)
    assert near < far <= LOG_2 + TIGHT
