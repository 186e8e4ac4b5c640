"""Chapter 12, statement by statement: each test tries to falsify the one of that label."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wgan_course import transport
from wgan_course.constraints.orthonormal import bjorck
from wgan_course.data.pairs import MinFunnel
from wgan_course.models.layers import GroupSort

seeds = st.integers(0, 2**31 - 1)
falsify = settings(max_examples=25, deadline=None)
TINY = 1e-9


def draw(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ---- values and gradients ---------------------------------------------------------------------------------------


def smooth_critic(seed, d, lipschitz):
    """A convex combination of smooth 1-Lipschitz bumps, scaled; and its gradient."""
    centres, weights = 2 * draw(seed, 5, d), torch.softmax(draw(seed + 1, 5), 0)
    signs = draw(seed + 2, 5).sign()

    def value(x):
        return lipschitz * ((1 + (x[:, None] - centres).square().sum(-1)).sqrt() * signs * weights).sum(-1)

    def gradient(x):
        x = x.clone().requires_grad_(True)
        return torch.autograd.grad(value(x).sum(), x)[0]

    return value, gradient


@falsify
@given(seeds, st.integers(1, 5), st.floats(0.05, 1.0))
def test_prop_value_bounds_gradient(seed, d, lipschitz):
    rng = torch.Generator().manual_seed(seed)
    pair = MinFunnel.random(d, rng, push=0.7)
    x, y = pair.plan(20, rng, dtype=torch.float64)
    value, gradient = smooth_critic(seed, d, lipschitz)
    relative = float((value(x) - value(y)).mean()) / pair.w1
    times = (torch.arange(200, dtype=torch.float64) + 0.5) / 200
    u = (x - y) / (x - y).norm(dim=1, keepdim=True)
    times = times[:, None, None]
    slopes = gradient(((1 - times) * x + times * y).flatten(0, 1)).view(200, *x.shape)
    assert float((slopes * u).sum(-1).mean()) == pytest.approx(relative, abs=1e-5)
    assert float((slopes - u).square().sum(-1).mean()) <= 2 * (1 - relative) + 1e-5


def test_prop_value_bounds_gradient_is_false_of_steep_critics():
    """Breaking it: with slope 2 along the rays the right-hand side is negative."""
    rng = torch.Generator().manual_seed(0)
    pair = MinFunnel.random(3, rng)
    x, y = pair.plan(50, rng, dtype=torch.float64)
    assert 2 * (1 - float((2 * pair.critic(x) - 2 * pair.critic(y)).mean())) < 0


# ---- samples ----------------------------------------------------------------------------------------------------


def expected_distance(points, p, q, n):
    """The mean of W1 over all samples of n points of each, for weights p and q on few points, exactly."""
    total = 0.0
    atoms = range(len(points))
    for a in itertools.product(atoms, repeat=n):
        for b in itertools.product(atoms, repeat=n):
            chance = float(torch.prod(p[list(a)]) * torch.prod(q[list(b)]))
            total += chance * float(transport.wasserstein_1d(points[list(a)], points[list(b)]))
    return total


@settings(max_examples=6, deadline=None)
@given(seeds)
def test_prop_minibatch_bias(seed):
    points = draw(seed, 3)
    p, q = (torch.softmax(draw(seed + k, 3), 0) for k in (1, 2))
    means = [expected_distance(points, p, q, n) for n in (1, 2, 3)]
    truth = float(transport.wasserstein_1d(points, points, p, q))
    assert all(later <= earlier + TINY for earlier, later in itertools.pairwise(means))
    assert means[-1] >= truth - TINY


def binomial(n, p):
    return np.array([math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])


def coin_distance(n, p, theta):
    k = np.arange(n + 1)
    return binomial(n, p) @ np.abs(k[:, None] - k) @ binomial(n, theta) / n


@falsify
@given(st.integers(1, 40), st.floats(0.01, 0.49))
def test_prop_minibatch_minimum(n, p):
    thetas = np.linspace(0, 1, 201)
    values = np.array([coin_distance(n, p, theta) for theta in thetas])
    assert np.all(np.diff(values, 2) >= -1e-12), "convex"
    step = 1e-5
    slope = (coin_distance(n, p, p + step) - coin_distance(n, p, p - step)) / (2 * step)
    assert slope == pytest.approx((1 - 2 * p) * float(np.sum(binomial(n - 1, p) ** 2)), abs=1e-6)
    assert thetas[values.argmin()] <= p
    at_zero = (coin_distance(n, p, 1e-7) - coin_distance(n, p, 0)) / 1e-7
    assert at_zero == pytest.approx(2 * (1 - p) ** n - 1, abs=1e-4)


def test_prop_minibatch_minimum_drops_a_mode_of_a_tenth_up_to_batches_of_six():
    thetas = np.linspace(0, 0.2, 2001)
    best = [thetas[np.argmin([coin_distance(n, 0.1, t) for t in thetas])] for n in (6, 7, 40)]
    assert best[0] == 0
    assert 0 < best[1] < best[2] < 0.1


@pytest.mark.parametrize("p", [0.02, 0.1, 0.3])
def test_prop_minibatch_minimum_is_short_by_half_a_sample(p):
    """The chapter's comment: n (p - theta_n) comes to 1/2 - p."""
    n, low, high = 400, 0.0, p
    for _ in range(40):
        theta = (low + high) / 2
        below = np.append(0, np.cumsum(binomial(n - 1, theta)))  # chance that the other coin's count is under k
        low, high = (theta, high) if 1 - 2 * binomial(n, p) @ below < 0 else (low, theta)
    assert n * (p - low) == pytest.approx(0.5 - p, rel=0.02)


# ---- a smaller distance and worse samples ------------------------------------------------------------------------


@falsify
@given(seeds, st.integers(2, 12), st.data())
def test_prop_average_beats_samples(seed, n, data):
    k = data.draw(st.integers(1, n))
    simplex = torch.eye(n, dtype=torch.float64)
    mean = simplex.mean(0, keepdim=True)
    to_mean = float(transport.wasserstein(simplex, mean))
    weights = torch.softmax(draw(seed, k), 0)
    to_some = float(transport.wasserstein(simplex, simplex[:k], y_weights=weights))
    uniform = float(transport.wasserstein(simplex, simplex[:k]))
    assert to_mean == pytest.approx(math.sqrt(1 - 1 / n))
    assert to_some >= math.sqrt(2) * (1 - k / n) - TINY
    assert uniform == pytest.approx(math.sqrt(2) * (1 - k / n), abs=1e-9)
    assert k / n >= 1 - 1 / math.sqrt(2) or to_mean < to_some + TINY


# ---- ReLU and norm bounds ---------------------------------------------------------------------------------------


def bounded(matrix, share=1.0):
    """The matrix, scaled to spectral norm at most one."""
    return share * matrix / torch.linalg.matrix_norm(matrix, 2)


def random_network(seed, d, depth, width, orthogonal):
    """Weights and biases of a norm-bounded network; with orthonormal layers where asked for."""
    shapes = [(width, d), *[(width, width)] * (depth - 1), (1, width)]
    weights = [bounded(draw(seed + i, *shape)) for i, shape in enumerate(shapes)]
    if orthogonal:
        weights = [torch.linalg.svd(W, full_matrices=False) for W in weights]
        weights = [U @ V for U, _, V in weights]
    return weights, [draw(seed + 50 + i, width) for i in range(depth)]


def forward(weights, biases, x, activation=torch.relu):
    for W, b in zip(weights[:-1], biases, strict=True):
        x = activation(x @ W.T + b)
    return x @ weights[-1][0]


def gradients(weights, biases, x, activation=torch.relu):
    x = x.clone().requires_grad_(True)
    return torch.autograd.grad(forward(weights, biases, x, activation).sum(), x)[0]


ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "softplus": torch.nn.functional.softplus}


@falsify
@given(seeds, st.integers(1, 4), st.integers(1, 6), st.booleans(), st.sampled_from(list(ACTIVATIONS)))
def test_thm_relu_gradient_loss(seed, d, depth, orthogonal, activation):
    weights, biases = random_network(seed, d, depth, 8, orthogonal)
    g = gradients(weights, biases, 3 * draw(seed + 99, 300, d), ACTIVATIONS[activation])
    c = torch.linalg.multi_dot(weights[::-1])[0]
    assert float(c.norm()) <= 1 + TINY
    assert bool(((g - c).square().sum(1) <= depth * (1 - g.square().sum(1)) + TINY).all())


def test_thm_relu_gradient_loss_is_false_of_the_absolute_value_as_activation():
    """Breaking it: an activation that falls turns a gradient of norm one round."""
    one = torch.ones(1, 1, dtype=torch.float64)
    x = torch.tensor([[-0.5], [0.5]], dtype=torch.float64)
    g = gradients([one, one], [torch.zeros(1, dtype=torch.float64)], x, torch.abs)
    assert g[:, 0].tolist() == [-1, 1]


def unit(angle):
    return torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)


def built(depth):
    """The proof's network of width 2: weights, biases, last bias."""
    eta = math.pi / depth
    frames = [torch.stack([unit(math.pi / 2 - (k + 1) * eta), unit(math.pi - (k + 1) * eta)]) for k in range(depth)]
    raised = torch.tensor([0.0, 2.0], dtype=torch.float64)
    b = unit(0.0)
    weights, biases = [(frames[0] @ b)[:, None]], [raised]
    for before, after in itertools.pairwise(frames):
        W = after @ before.T
        weights.append(W)
        biases.append(raised - W @ raised)
    last = frames[-1] @ b
    return [*weights, last[None]], biases, -float(last @ raised) + (1 - math.cos(eta) ** depth) / 2


def curvature_of(values, zero):
    """m: half of f(1) + f(-1) - 2 f(0)."""
    return float(values[-1] + values[0] - 2 * values[zero]) / 2


@pytest.mark.parametrize("depth", [3, 4, 5, 8, 16, 40])
def test_prop_relu_absolute_from_above(depth):
    weights, biases, shift = built(depth)
    assert all(float(torch.linalg.matrix_norm(W, 2)) <= 1 + TINY for W in weights)
    x = torch.linspace(-1, 1, 2001, dtype=torch.float64)
    error = float((forward(weights, biases, x[:, None]) + shift - x.abs()).abs().max())
    assert error == pytest.approx((1 - math.cos(math.pi / depth) ** depth) / 2, abs=1e-9)
    assert (1 - math.sqrt(depth / (depth + 1))) / 2 <= error <= math.pi**2 / (4 * depth)
    assert 1 / (4 * (depth + 1)) <= (1 - math.sqrt(depth / (depth + 1))) / 2


@falsify
@given(seeds, st.integers(1, 6), st.booleans())
def test_prop_relu_absolute_from_below(seed, depth, orthogonal):
    weights, biases = random_network(seed, 1, depth, 8, orthogonal)
    x = torch.linspace(-1, 1, 201, dtype=torch.float64)
    values = forward(weights, biases, x[:, None])
    assert curvature_of(values, 100) <= math.sqrt(depth / (depth + 1)) + TINY
    offset = float((values - x.abs()).max() + (values - x.abs()).min()) / 2
    assert float((values - offset - x.abs()).abs().max()) >= (1 - math.sqrt(depth / (depth + 1))) / 2 - TINY


@falsify
@given(seeds, st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_prop_relu_critic_gap(seed, depth, d, orthogonal):
    """Also after gradient ascent on the value, with the norms brought back after each step."""
    u = draw(seed + 7, d)
    weights, biases = random_network(seed, d, depth, 6, orthogonal)
    points = torch.stack([0 * u, u, -u])
    limit = math.sqrt(depth / (depth + 1)) if depth > 1 else 0.5
    for _ in range(15):
        free = [W.clone().requires_grad_(True) for W in (*weights, *biases)]
        f = forward(free[: depth + 1], free[depth + 1 :], points)
        value = f[0] - (f[1] + f[2]) / 2
        assert float(value.detach()) <= limit * float(u.norm()) + TINY
        moved = [W.detach() + 0.3 * g for W, g in zip(free, torch.autograd.grad(value, free), strict=True)]
        weights = [W / max(1.0, float(torch.linalg.matrix_norm(W, 2))) for W in moved[: depth + 1]]
        biases = moved[depth + 1 :]


# ---- sorting ----------------------------------------------------------------------------------------------------


@falsify
@given(seeds)
def test_prop_groupsort_absolute(seed):
    x = draw(seed, 50, 1)
    W = torch.tensor([[1.0], [-1.0]], dtype=torch.float64) / math.sqrt(2)
    assert float(torch.linalg.matrix_norm(W, 2)) == pytest.approx(1)
    sorted_pair = GroupSort()(x @ W.T)
    torch.testing.assert_close(
        sorted_pair @ torch.tensor([1.0, -1.0], dtype=torch.float64) / math.sqrt(2), x.abs()[:, 0]
    )


@falsify
@given(seeds, st.integers(1, 4))
def test_prop_groupsort_absolute_keeps_the_norm(seed, depth):
    square = [torch.linalg.qr(draw(seed + i, 8, 8))[0] for i in range(depth)]
    last = draw(seed + 40, 1, 8)
    weights = [*square, last / last.norm()]
    g = gradients(weights, [draw(seed + 60 + i, 8) for i in range(depth)], draw(seed + 80, 40, 8), GroupSort())
    torch.testing.assert_close(g.norm(dim=1), torch.ones(40, dtype=torch.float64))


def tournament(values, smallest):
    """Reduce the columns to one by sorts of pairs and picks; every matrix has rows of absolute sum one."""
    while values.shape[1] > 1:
        if values.shape[1] % 2:
            values = torch.cat([values, values[:, -1:]], 1)
        values = GroupSort()(values)[:, (1 if smallest else 0) :: 2]
    return values


def interpolating(points, values):
    """The proof's network, as a function."""
    n = len(points)
    difference = points[None] - points[:, None]
    squared = difference.square().sum(-1) + torch.eye(n, dtype=points.dtype)
    slopes = (values[None] - values[:, None]) / squared
    slopes[range(n), range(n)] = 0
    rows = slopes[:, :, None] * difference
    rows[range(n), range(n)] = rows[range(n), [1, *range(n - 1)]]
    offsets = values[:, None] - (rows * points[:, None]).sum(-1)

    def network(x):
        planes = torch.einsum("ijd,md->mij", rows, x) + offsets
        smallest = torch.cat([tournament(planes[:, i], True) for i in range(n)], 1)
        return tournament(smallest, False)[:, 0]

    return network, rows.flatten(0, 1)


@falsify
@given(seeds, st.integers(3, 6), st.integers(1, 4))
def test_prop_groupsort_interpolates(seed, n, d):
    x, y = draw(seed, n, d), draw(seed + 1, n, d) + 0.5
    solved = transport.solve(transport.cost_matrix(x, y))
    potential = transport.potential_critic(y, solved.psi)
    points = torch.cat([x, y])
    network, rows = interpolating(points, potential(points))
    assert float(rows.norm(dim=1).max()) <= 1 + TINY
    torch.testing.assert_close(network(points), potential(points), atol=1e-9, rtol=0)
    assert float(network(x).mean() - network(y).mean()) == pytest.approx(float(transport.wasserstein(x, y)), abs=1e-9)
    a, b = 3 * draw(seed + 2, 200, d), 3 * draw(seed + 3, 200, d)
    assert bool(((network(a) - network(b)).abs() <= (a - b).norm(dim=1) + TINY).all())


# ---- optimisers -------------------------------------------------------------------------------------------------


@falsify
@given(seeds, st.integers(2, 6), st.integers(2, 6))
def test_prop_spectral_steepest(seed, m, n):
    G = draw(seed, m, n)
    U, sigma, V = torch.linalg.svd(G, full_matrices=False)
    best = U @ V
    assert float((G * best).sum()) == pytest.approx(float(sigma.sum()))
    rivals = draw(seed + 1, 100, m, n)
    rivals = rivals / torch.linalg.matrix_norm(rivals, 2)[:, None, None]
    assert float((rivals * G).sum((1, 2)).max()) <= float(sigma.sum()) + TINY
    torch.testing.assert_close(bjorck(G / sigma[0], 80), best, atol=1e-6, rtol=0)
    X = G / (1.5 * sigma[0])
    for _ in range(80):
        X = 1.5 * X - 0.5 * X @ X.T @ X
    torch.testing.assert_close(X, best, atol=1e-6, rtol=0)
