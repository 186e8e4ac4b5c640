"""Chapter 11, statement by statement: each test tries to falsify the one of that label."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from wgan_course.data import images
from wgan_course.models import super_resolution

seeds = st.integers(0, 2**31 - 1)
falsify = settings(max_examples=25, deadline=None)
TINY = 1e-9


def camera(seed, n=8, d=3, groups=3):
    """Points x with chances p, and what is seen of each: the number of its group."""
    rng = np.random.default_rng(seed)
    x, p = rng.normal(size=(n, d)), rng.dirichlet(np.ones(n))
    seen = np.concatenate([np.arange(groups), rng.integers(0, groups, n - groups)])
    return x, p, seen


def conditional_means(x, p, seen):
    return np.stack([p[seen == y] @ x[seen == y] / p[seen == y].sum() for y in seen])


@falsify
@given(seeds)
def test_prop_conditional_mean(seed):
    """For randomised restorations: a table of chances of 5 candidates, for each thing seen."""
    x, p, seen = camera(seed)
    rng = np.random.default_rng(seed + 1)
    candidates, table = rng.normal(size=(5, 3)), rng.dirichlet(np.ones(5), 3)[seen]
    m = conditional_means(x, p, seen)
    error = p @ (table * ((x[:, None] - candidates) ** 2).sum(-1)).sum(1)
    least, rest = p @ ((x - m) ** 2).sum(1), p @ (table * ((m[:, None] - candidates) ** 2).sum(-1)).sum(1)
    assert error == pytest.approx(least + rest)
    assert error >= least


@falsify
@given(seeds, st.integers(1, 5))
def test_prop_mean_is_blurred(seed, rows):
    x, p, seen = camera(seed)
    D = np.random.default_rng(seed + 1).normal(size=(rows, 3))
    m = conditional_means(x, p, seen)
    energy = [p @ ((z @ D.T) ** 2).sum(1) for z in (x, m, x - m)]
    assert energy[0] == pytest.approx(energy[1] + energy[2])


@falsify
@given(seeds)
def test_prop_perception_price(seed):
    x, p, seen = camera(seed)
    m = conditional_means(x, p, seen)
    same = seen[:, None] == seen[None]
    posterior = same * p / (same * p).sum(1, keepdims=True)
    squared = ((x[:, None] - x[None]) ** 2).sum(-1)
    least = p @ ((x - m) ** 2).sum(1)
    np.testing.assert_allclose(p @ posterior, p, atol=1e-12)
    assert p @ (posterior * squared).sum(1) == pytest.approx(2 * least)


def test_prop_perception_price_in_decibels():
    assert 10 * math.log10(2) == pytest.approx(3.01, abs=0.005)


def least_error(x, p, seen, candidates, delta):
    """T(delta) by a linear programme: chances kappa(c | y), and a coupling of P with the candidates' law."""
    n, m, groups = len(x), len(candidates), seen.max() + 1
    cost = np.zeros(groups * m + n * m)
    squared = ((x[:, None] - candidates) ** 2).sum(-1)
    weights = np.stack([p * (seen == y) for y in range(groups)])
    cost[: groups * m] = (weights @ squared).ravel()
    equal, right = [], []
    for y in range(groups):
        row = np.zeros_like(cost)
        row[y * m : (y + 1) * m] = 1
        equal.append(row)
        right.append(1.0)
    for i in range(n):
        row = np.zeros_like(cost)
        row[groups * m + i * m : groups * m + (i + 1) * m] = 1
        equal.append(row)
        right.append(p[i])
    for j in range(m):
        row = np.zeros_like(cost)
        row[groups * m + j :: m] = 1
        row[j : groups * m : m] = -weights.sum(1)
        equal.append(row)
        right.append(0.0)
    distance = np.concatenate([np.zeros(groups * m), np.sqrt(squared).ravel()])
    solved = optimize.linprog(cost, distance[None], [delta], np.array(equal), right, method="highs")
    return solved.fun if solved.success else math.inf


@settings(max_examples=8, deadline=None)
@given(seeds)
def test_prop_tradeoff_convex(seed):
    x, p, seen = camera(seed, n=6)
    means = np.unique(conditional_means(x, p, seen), axis=0)
    candidates = np.concatenate([x, means])
    deltas = np.linspace(0, 1.2, 7)
    values = np.array([least_error(x, p, seen, candidates, delta) for delta in deltas])
    least = p @ ((x - conditional_means(x, p, seen)) ** 2).sum(1)
    assert np.all(np.diff(values) <= 1e-8)
    assert np.all(np.diff(values, 2) >= -1e-7)
    assert values[0] <= 2 * least + 1e-7, "posterior sampling is one way to have distance zero"
    assert least_error(x, p, seen, candidates, 100.0) == pytest.approx(least)


def squared_plan(x, y, p, q):
    """Squared W2 between finite laws and an optimal plan, by a linear programme."""
    cost = ((x[:, None] - y[None]) ** 2).sum(-1)
    n, m = cost.shape
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    solved = optimize.linprog(
        cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([p, q]), method="highs"
    )
    return max(solved.fun, 0.0), solved.x.reshape(n, m)


@settings(max_examples=15, deadline=None)
@given(seeds, st.floats(0, 1))
def test_prop_squared_frontier(seed, t):
    """The interpolation has the error of the statement and is as near as it says; no random table goes below."""
    x, p, seen = camera(seed, n=7)
    m = conditional_means(x, p, seen)
    places, index = np.unique(m, axis=0, return_inverse=True)
    index = index.ravel()
    mass = np.bincount(index, p)
    squared, plan = squared_plan(places, x, mass, p)
    least = p @ ((x - m) ** 2).sum(1)
    assert squared <= least + TINY
    points = t * places[:, None] + (1 - t) * x[None]
    chances = (plan / mass[:, None])[index]
    error = p @ (chances * ((x[:, None] - points[index]) ** 2).sum(-1)).sum(1)
    away = squared_plan(points.reshape(-1, 3), x, plan.ravel(), p)[0] ** 0.5
    assert error == pytest.approx(least + (1 - t) ** 2 * squared, abs=1e-7)
    assert away <= t * squared**0.5 + 1e-6
    rng = np.random.default_rng(seed + 1)
    candidates = np.concatenate([x, places, rng.normal(size=(3, 3))])
    table = rng.dirichlet(np.full(len(candidates), 0.2), seen.max() + 1)[seen]
    other = p @ (table * ((x[:, None] - candidates) ** 2).sum(-1)).sum(1)
    distance = squared_plan(candidates, x, p @ table, p)[0] ** 0.5
    assert other >= least + max(0.0, squared**0.5 - distance) ** 2 - 1e-7


@falsify
@given(seeds)
def test_prop_consistent_posterior(seed):
    """Among the tables that never contradict what was seen and have the right law, a random cost finds no other."""
    x, p, seen = camera(seed)
    groups = np.arange(seen.max() + 1)
    allowed = groups[:, None] == seen[None]
    chance = np.array([p[seen == y].sum() for y in groups])
    rows = np.kron(np.eye(len(groups)), np.ones(len(x)))
    law = np.concatenate([np.diag(np.full(len(x), share)) for share in chance], 0).T
    bounds = [(0.0, 1.0 if free else 0.0) for free in allowed.ravel()]
    cost = np.random.default_rng(seed + 1).normal(size=allowed.size)
    found = optimize.linprog(
        cost, None, None, np.vstack([rows, law]), np.concatenate([np.ones(len(groups)), p]), bounds
    )
    kappa = found.x.reshape(allowed.shape)
    np.testing.assert_allclose(kappa, allowed * p / (allowed * p).sum(1, keepdims=True), atol=1e-8)


@falsify
@given(seeds)
def test_prop_content_of_the_mean(seed):
    """Two independent draws of a random table, over all pairs."""
    x, p, seen = camera(seed)
    rng = np.random.default_rng(seed + 1)
    candidates, table = rng.normal(size=(5, 3)), rng.dirichlet(np.ones(5), 3)[seen]
    gaps = x[:, None] - candidates
    products = np.einsum("nid,njd->nij", gaps, gaps)
    content = p @ np.einsum("ni,nj,nij->n", table, table, products)
    mean = table @ candidates
    assert content == pytest.approx(p @ ((x - mean) ** 2).sum(1))
    spread = p @ (table * ((candidates - mean[:, None]) ** 2).sum(-1)).sum(1)
    assert p @ (table * (gaps**2).sum(-1)).sum(1) == pytest.approx(content + spread)


@falsify
@given(seeds, st.floats(0, 3), st.floats(0.001, 3))
def test_prop_weight_monotone(seed, weight, more):
    content, distance = np.random.default_rng(seed).normal(size=(2, 200))
    first, second = (np.argmin(content + w * distance) for w in (weight, weight + more))
    assert content[first] <= content[second] + TINY
    assert distance[first] >= distance[second] - TINY


def one_turn(a, b, eta, gamma, k, j, state):
    """Steps of the critic, then of the generator, as they would be programmed."""
    theta, phi = state
    for _ in range(k):
        phi = phi + eta * (b * theta - a * phi)
    for _ in range(j):
        theta = theta - gamma * b * phi
    return np.array([theta, phi])


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.1, 3), st.floats(0.1, 3), st.floats(0.01, 1), st.floats(0.01, 3), st.integers(1, 8), st.integers(1, 8)
)
def test_prop_sequential_training(a, b, share, gamma, k, j):
    eta, s, g = share / a, (1 - share) ** k, j * gamma * b**2 / a
    turn = np.stack([one_turn(a, b, eta, gamma, k, j, start) for start in np.eye(2)], 1)
    radius = np.abs(np.linalg.eigvals(turn)).max()
    assert np.linalg.det(turn) == pytest.approx(s, abs=1e-9)
    assert radius >= math.sqrt(s) - TINY
    limit = 2 * (1 + s) / (1 - s)
    if abs(g / limit - 1) > 1e-3:
        assert (radius < 1) == (g < limit)


def test_prop_sequential_training_fails_without_the_penalty():
    """Breaking it: at a = 0 turns of one step each keep the product of their eigenvalues at one."""
    turn = np.stack([one_turn(0.0, 1.0, 0.1, 0.1, 1, 1, start) for start in np.eye(2)], 1)
    assert np.linalg.det(turn) == pytest.approx(1)
    assert np.abs(np.linalg.eigvals(turn)) == pytest.approx([1, 1])


@falsify
@given(seeds)
def test_prop_consistency(seed):
    rng = torch.Generator().manual_seed(seed)
    x, guess = torch.rand(2, 3, 1, 8, 8, generator=rng, dtype=torch.float64).unbind(0)
    low = images.downsample(x, 4)
    moved = super_resolution.consistent(guess, low)
    torch.testing.assert_close(images.downsample(moved, 4), low)
    lost = (moved - guess).square().sum((1, 2, 3))
    torch.testing.assert_close(
        (moved - x).square().sum((1, 2, 3)), (guess - x).square().sum((1, 2, 3)) - lost, atol=1e-10, rtol=0
    )
    assert bool((super_resolution.psnr(moved, x) >= super_resolution.psnr(guess, x) - TINY).all())
