"""Property tests for the statements of chapter 8, each named after its label."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from torch import nn

from wgan_course import constraints, divergences, transport

seeds = st.integers(0, 2**31 - 1)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def converged(critic):
    for layer in critic.modules():
        if isinstance(layer, nn.Linear):
            weights = layer.parametrizations.weight
            weights[0].power.iterate_(weights.original, 400)
    return critic


@given(seeds, st.lists(st.integers(1, 8), min_size=2, max_size=4))
@settings(max_examples=25, deadline=None)
def test_thm_sn_lipschitz(seed, widths):
    """Layers with W/σ(W) and 1-Lipschitz activations never stretch a distance."""
    layers = []
    for index, (columns, rows) in enumerate(pairwise(widths)):
        layer = nn.Linear(columns, rows, dtype=torch.float64)
        layer.weight.data = 3 * normal(seed + index, rows, columns)
        layers += [layer, nn.LeakyReLU(0.2)]
    critic = converged(constraints.make("sn").prepare(nn.Sequential(*layers)))
    x, y = 5 * normal(seed + 9, 40, widths[0]), normal(seed + 10, 40, widths[0])
    assert ((critic(x) - critic(y)).norm(dim=1) <= (1 + 1e-3) * (x - y).norm(dim=1)).all()


@given(seeds, st.integers(1, 7), st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_prop_sn_gradient(seed, rows, columns):
    """∂L/∂W = (∂L/∂W̄ − ⟨∂L/∂W̄, W̄⟩ u vᵀ)/σ; it is orthogonal to W, so normalisation never changes the scale of W."""
    layer, gradient = nn.Linear(columns, rows, dtype=torch.float64), normal(seed + 1, rows, columns)
    layer.weight.data = normal(seed, rows, columns)
    constraints.make("sn").prepare(layer)
    weights = layer.parametrizations.weight
    u, v, w = weights[0].power.u, weights[0].power.v, weights.original.detach()
    (layer.weight * gradient).sum().backward()
    sigma = u @ w @ v
    expected = (gradient - (gradient * w / sigma).sum() * torch.outer(u, v)) / sigma
    torch.testing.assert_close(weights.original.grad, expected, rtol=1e-9, atol=1e-9 * gradient.norm() / sigma.item())
    assert (weights.original.grad * w).sum().item() == pytest.approx(0, abs=1e-8 * (1 + gradient.norm().item()))


@given(seeds, st.integers(2, 6))
@settings(max_examples=12, deadline=None)
def test_prop_projection_differs(seed, size):
    """From the same weight of norm one, a gradient step then projection is not a gradient step in W/σ(W)."""
    start, gradient = normal(seed, size, size), normal(seed + 1, size, size)
    start = start / torch.linalg.svdvals(start)[0]
    ends = []
    for name in ("sn", "sn_projected"):
        layer = nn.Linear(size, size, dtype=torch.float64)
        layer.weight.data = start.clone()
        constraint = constraints.make(name, steps=400)
        constraint.prepare(layer)
        constraint.project_(layer)
        (layer.weight * gradient).sum().backward()
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.sub_(0.1 * parameter.grad if parameter.grad is not None else 0)
        constraint.project_(layer)
        ends.append(layer.weight.detach() / torch.linalg.svdvals(layer.weight.detach())[0])
    assert (ends[0] - ends[1]).abs().max() > 1e-6


def spectral(W):
    return torch.linalg.matrix_norm(W, 2)


def test_thm_sn_lipschitz_can_lose_any_factor():
    """Two matrices of norm one whose product has norm cos t: equality and zero included."""
    for t in torch.linspace(0, torch.pi / 2, 9, dtype=torch.float64):
        first = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
        second = torch.stack([torch.stack([t.cos(), t.sin()]), torch.zeros(2, dtype=torch.float64)])
        assert spectral(first).item() == pytest.approx(1)
        assert spectral(second).item() == pytest.approx(1)
        assert spectral(second @ first).item() == pytest.approx(t.cos().item(), abs=1e-12)


@given(seeds, st.lists(st.integers(2, 6), min_size=2, max_size=4), st.floats(0.2, 0.95))
@settings(max_examples=25, deadline=None)
def test_thm_sn_lipschitz_with_estimates(seed, widths, accuracy):
    """Dividing by estimates from below costs the product of σ over the estimates, and no more."""
    sizes = list(pairwise(widths))
    weights = [normal(seed + i, rows, columns) for i, (columns, rows) in enumerate(sizes)]
    estimates = [accuracy * spectral(W) for W in weights]
    x, y = normal(seed + 20, 50, widths[0]), normal(seed + 21, 50, widths[0])
    images = []
    for z in (x, y):
        for W, s in zip(weights, estimates, strict=True):
            z = torch.nn.functional.leaky_relu(z @ W.T / s, 0.2)
        images.append(z)
    bound = accuracy ** -len(weights)
    assert ((images[0] - images[1]).norm(dim=1) <= bound * (x - y).norm(dim=1) * (1 + 1e-12)).all()


@given(seeds, st.lists(st.integers(1, 6), min_size=2, max_size=4), st.floats(0.2, 1.0))
@settings(max_examples=25, deadline=None)
def test_thm_sn_lipschitz_is_attained(seed, widths, accuracy):
    """One layer attains σ over its estimate; so do several whose top directions meet: no smaller constant is true."""
    directions = [nn.functional.normalize(normal(seed + i, n), dim=0) for i, n in enumerate(widths)]
    composed, product = torch.eye(widths[0], dtype=torch.float64), 1.0
    for i, (entering, leaving) in enumerate(pairwise(directions)):
        W = normal(seed + 30 + i, len(leaving), len(entering))
        # keep W away from the pair of directions, then give that pair the largest singular value
        W = W - torch.outer(leaving, leaving @ W)
        W = W - torch.outer(W @ entering, entering)
        W = W + 1.5 * (spectral(W) + 1) * torch.outer(leaving, entering)
        composed, product = W @ composed / (accuracy * spectral(W)), product / accuracy
        stretch = (composed @ directions[0]).norm().item()
        assert stretch == pytest.approx(product)
        assert spectral(composed).item() <= product * (1 + 1e-9)


@given(seeds, st.lists(st.integers(1, 7), min_size=2, max_size=5), st.sampled_from([0.0, 0.2]))
@settings(max_examples=40, deadline=None)
def test_prop_sn_scale(seed, widths, slope):
    """Normalised weights and rescaled biases give the network over the product of norms."""
    sizes = list(pairwise(widths))
    weights = [2 * normal(seed + i, rows, columns) for i, (columns, rows) in enumerate(sizes)]
    biases = [normal(seed + 50 + i, rows) for i, (_, rows) in enumerate(sizes)]
    x = normal(seed + 99, 10, widths[0])
    plain, scaled, product = x, x, 1.0
    for index, (W, b) in enumerate(zip(weights, biases, strict=True)):
        if index:
            plain, scaled = (nn.functional.leaky_relu(z, slope) for z in (plain, scaled))
        product = product * spectral(W)
        plain, scaled = plain @ W.T + b, scaled @ (W / spectral(W)).T + b / product
    torch.testing.assert_close(scaled, plain / product, rtol=1e-9, atol=1e-11)


@given(seeds, st.integers(2, 6), st.integers(2, 6))
@settings(max_examples=25, deadline=None)
def test_prop_sn_gradient_by_finite_differences(seed, rows, columns):
    """The formula against central differences of the loss through the true norm; ‖W‖ never shrinks in a step."""
    W, G = normal(seed, rows, columns), normal(seed + 1, rows, columns)
    U, S, Vh = torch.linalg.svd(W)
    if S[0] - S[1] < 0.05 * S[0]:
        return
    formula = (G - (G * W).sum() / S[0] * torch.outer(U[:, 0], Vh[0])) / S[0]
    direction, h = normal(seed + 2, rows, columns), 1e-5
    ends = [(G * X).sum() / spectral(X) for X in (W + h * direction, W - h * direction)]
    slope = ((ends[0] - ends[1]) / (2 * h)).item()
    assert slope == pytest.approx((formula * direction).sum().item(), rel=1e-4, abs=1e-6)
    grown = (W - 0.3 * formula).square().sum()
    assert grown.item() == pytest.approx((W.square().sum() + 0.09 * formula.square().sum()).item(), rel=1e-9)


@given(seeds, st.integers(2, 6), st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_prop_projection_differs_by_the_stated_directions(seed, rows, columns):
    """First-order directions of both steps, their difference, and the slopes of part 2."""
    W, G = normal(seed, rows, columns), normal(seed + 1, rows, columns)
    W = W / spectral(W)
    U, S, Vh = torch.linalg.svd(W)
    if 1 - S[1] < 0.05:
        return
    top, inner, h = torch.outer(U[:, 0], Vh[0]), (G * W).sum(), 1e-6
    pushed = U[:, 0] @ G @ Vh[0]
    after = -G + pushed * W
    graph = after + inner * (top - W)
    for direction, raw in ((after, G), (graph, G - inner * top)):
        stepped = W - h * raw
        torch.testing.assert_close((stepped / spectral(stepped) - W) / h, direction, rtol=1e-3, atol=1e-3)
    assert (G * graph).sum().item() == pytest.approx(-(G - inner * top).square().sum().item(), rel=1e-9)
    assert (G * after).sum().item() == pytest.approx((inner * pushed - G.square().sum()).item(), rel=1e-9, abs=1e-9)


def test_prop_projection_differs_and_can_go_uphill():
    W, G = (torch.diag(torch.tensor(d, dtype=torch.float64)) for d in ([1.0, 0.9], [1.0, 0.5]))
    for eta in (1e-3, 1e-2, 0.1):
        stepped = W - eta * G
        assert (G * stepped / spectral(stepped)).sum() > (G * W).sum() + 0.19 * eta


@given(seeds, st.integers(2, 5), st.floats(0.05, 1.0))
@settings(max_examples=6, deadline=None)
def test_prop_projection_differs_in_its_limit(seed, size, eta):
    """Dividing converges to -G/σ(G) on a linear loss; the least value is minus the sum of singular values."""
    W, G = normal(seed, size, size), normal(seed + 1, size, size)
    G = G / spectral(G)
    for _ in range(2500):
        W = W - eta * G
        W = W / spectral(W)
    torch.testing.assert_close(W, -G, rtol=0, atol=2e-2)
    U, S, Vh = torch.linalg.svd(G)
    best = -U @ Vh
    assert (G * best).sum().item() == pytest.approx(-S.sum().item(), rel=1e-9)
    assert spectral(best).item() == pytest.approx(1)
    other = normal(seed + 2, size, size)
    assert (G * other / spectral(other)).sum() >= -S.sum() - 1e-9


def test_prop_projection_differs_and_needs_its_assumption():
    """From a positive multiple of G the division undoes every small step: it stays at the worst point."""
    G = normal(3, 4, 4)
    G = G / spectral(G)
    W = G.clone()
    for _ in range(50):
        W = W - 0.1 * G
        W = W / spectral(W)
    torch.testing.assert_close(W, G)


def least_hinge(points, p, q, K):
    """Least hinge loss over K-Lipschitz functions on the points, by linear programming."""
    n = len(points)
    distance = torch.cdist(points, points).numpy()
    rows, limits = [], []
    for i in range(n):
        for sign, offset in ((1, n), (-1, 2 * n)):  # s_i >= 1 - f_i and t_i >= 1 + f_i
            row = np.zeros(3 * n)
            row[i], row[offset + i] = -sign, -1
            rows.append(row)
            limits.append(-1.0)
        for j in range(n):
            row = np.zeros(3 * n)
            row[i] += 1
            row[j] -= 1
            rows.append(row)
            limits.append(K * distance[i, j])
    bounds = [(None, None)] * n + [(0, None)] * (2 * n)
    cost = np.concatenate([np.zeros(n), p, q])
    return optimize.linprog(cost, A_ub=np.array(rows), b_ub=limits, bounds=bounds, method="highs").fun


@given(seeds, st.integers(2, 7), st.floats(0.05, 6.0))
@settings(max_examples=10, deadline=None)
def test_prop_hinge_truncated(seed, n, K):
    """Least hinge loss = 2 - transport cost with min(K‖x - y‖, 2); the ends are W1 and total variation."""
    rng = np.random.default_rng(seed)
    points = torch.tensor(rng.normal(size=(n, 2)))
    p, q = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n))
    distance = torch.cdist(points, points)
    cost = (K * distance).clamp(max=2)
    value = transport.solve(cost, torch.tensor(p), torch.tensor(q)).value
    assert least_hinge(points, p, q, K) == pytest.approx(2 - float(value), abs=1e-7)
    apart = 2 / distance[distance > 0].min()
    total = divergences.tv(torch.tensor(p), torch.tensor(q)).item()
    assert least_hinge(points, p, q, float(apart)) == pytest.approx(2 - 2 * total, abs=1e-7)
    near = float(2 / distance.max())
    w1 = float(transport.solve(distance, torch.tensor(p), torch.tensor(q)).value)
    assert least_hinge(points, p, q, near) == pytest.approx(2 - near * w1, abs=1e-7)
