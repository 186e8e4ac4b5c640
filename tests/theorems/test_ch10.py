"""Chapter 10, statement by statement: each test tries to falsify the one of that label."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from wgan_course import measures, transport
from wgan_course.data.pairs import _symmetric_root
from wgan_course.models.layers import receptive_field
from wgan_course.training import Ema
from wgan_course.training.flow_matching import flow, straight_path

seeds = st.integers(0, 2**31 - 1)
falsify = settings(max_examples=25, deadline=None)
SLACK = 1 + 1e-9


def draw(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sample_with(mean, covariance):
    """2d points whose sample mean and (divided by n - 1) sample covariance are exactly these."""
    values, vectors = torch.linalg.eigh(covariance)
    d = len(values)
    arms = vectors * (values.clamp_min(0) * (2 * d - 1) / 2).sqrt()
    return mean + torch.cat([arms.T, -arms.T])


def gaussian_distance(mean, covariance, other_mean, other):
    """The Fréchet distance by another route: the roots of the eigenvalues of the product of the covariances."""
    product = torch.linalg.eigvals(covariance @ other).real.clamp_min(0).sqrt().sum()
    return float((mean - other_mean).square().sum() + covariance.trace() + other.trace() - 2 * product)


def random_covariance(seed, d):
    root = draw(seed, d, d)
    return root @ root.T


@falsify
@given(seeds, st.integers(1, 4))
def test_thm_frechet_w2(seed, d):
    """Below the cost of every coupling of two samples; attained by the Gaussian coupling of the proof."""
    x, y = draw(seed, 30, d) ** 3, draw(seed + 1, 30, d) @ draw(seed + 2, d, d) + 1
    cost = torch.cdist(x, y).square()
    best = float(transport.solve(cost).value)
    # the estimator divides by n - 1, the samples' own covariance by n
    scaled = [(v - v.mean(0)) * math.sqrt(29 / 30) + v.mean(0) for v in (x, y)]
    assert measures.frechet_distance(*scaled) <= best * SLACK + 1e-9
    S, T = random_covariance(seed + 3, d), random_covariance(seed + 4, d)
    root_s, root_t = _symmetric_root(S), _symmetric_root(T)
    left, _, right = torch.linalg.svd(root_t @ root_s)
    R = left @ right
    # E|S^(1/2) U - T^(1/2) R U|^2 for U with covariance I
    attained = float((root_s - root_t @ R).square().sum())
    zero = torch.zeros(d, dtype=torch.float64)
    assert attained == pytest.approx(gaussian_distance(zero, S, zero, T), rel=1e-6, abs=1e-6)
    K = torch.linalg.qr(draw(seed + 5, d, d))[0]
    assert float((root_s - root_t @ K).square().sum()) >= attained - 1e-9


@falsify
@given(seeds, st.integers(1, 6))
def test_prop_frechet_blind(seed, d):
    """Points on 2d arms have distance 0 from a cloud with the same two moments, and stay far from it."""
    cloud = draw(seed, 60, d) @ draw(seed + 1, d, d) + draw(seed + 2, d)
    few = sample_with(cloud.mean(0), cloud.T.cov().reshape(d, d))
    assert len(few) == 2 * d
    scale = float(cloud.var(0).sum())
    assert measures.frechet_distance(cloud, few) <= 1e-6 * scale
    assert float(transport.wasserstein(cloud, few)) > 0.05 * math.sqrt(scale)
    moved = few + 0.1 * math.sqrt(scale)
    assert measures.frechet_distance(cloud, moved) > 1e-3 * scale


@pytest.mark.parametrize(("d", "n", "m"), [(1, 6, 9), (3, 12, 8), (5, 40, 20)])
def test_prop_frechet_bias(d, n, m):
    """Over many samples the mean of the estimate exceeds the truth by the traces over n and m, at least."""
    S, T = random_covariance(5, d), random_covariance(6, d)
    mean = draw(7, d)
    truth = gaussian_distance(torch.zeros(d, dtype=torch.float64), S, mean, T)
    x = draw(8, 3000, n, d) @ torch.linalg.cholesky(S).T
    y = draw(9, 3000, m, d) @ torch.linalg.cholesky(T).T + mean
    found = torch.tensor([measures.frechet_distance(a, b) for a, b in zip(x, y, strict=True)])
    error = float(found.std() / math.sqrt(len(found)))
    floor = truth + float(S.trace()) / n + float(T.trace()) / m
    assert float(found.mean()) >= floor - 3 * error
    assert float(found.mean()) - truth > 6 * error, "the bias itself must be visible, or this test says nothing"


@falsify
@given(seeds, st.integers(1, 5))
def test_prop_frechet_bias_by_concavity(seed, d):
    """The fidelity is the infimum that the proof takes, attained at its Z; hence it is concave."""
    fidelity = lambda a, b: float((a.trace() + b.trace() - gaussian_distance(0 * a[0], a, 0 * a[0], b)) / 2)
    bracket = lambda a, b, z: float((a @ z).trace() + (b @ torch.linalg.inv(z)).trace()) / 2
    A, B = (random_covariance(seed + i, d) + 0.1 * torch.eye(d).double() for i in range(2))
    root, inverse = _symmetric_root(A), torch.linalg.inv(_symmetric_root(A))
    best = inverse @ _symmetric_root(root @ B @ root) @ inverse
    torch.testing.assert_close(best @ A @ best, B, rtol=1e-6, atol=1e-6)
    assert bracket(A, B, best) == pytest.approx(fidelity(A, B), rel=1e-6)
    other = random_covariance(seed + 2, d) + 0.1 * torch.eye(d).double()
    assert bracket(A, B, other) >= fidelity(A, B) * (1 - 1e-9)
    C, E = random_covariance(seed + 3, d), random_covariance(seed + 4, d)
    assert fidelity((A + C) / 2, (B + E) / 2) >= (fidelity(A, B) + fidelity(C, E)) / 2 - 1e-6 * fidelity(A, B) - 1e-6


def biased(x, y, degree=3):
    kernels = [(a @ b.T / a.shape[1] + 1) ** degree for a, b in ((x, x), (y, y), (x, y))]
    return float(kernels[0].mean() + kernels[1].mean() - 2 * kernels[2].mean())


def exact_mean(estimate, atoms, other, n, m):
    """Mean of an estimate over all samples of size n and m from uniform distributions on these atoms."""
    pairs = itertools.product(itertools.product(atoms, repeat=n), itertools.product(other, repeat=m))
    return np.mean([estimate(torch.stack(x), torch.stack(y)) for x, y in pairs])


@pytest.mark.parametrize(("n", "m"), [(2, 3), (3, 2)])
def test_prop_kernel_unbiased(n, m):
    """Every possible sample is tried: the mean of the estimate is the truth, that of the biased one is not."""
    atoms, other = draw(1, 3, 2), draw(2, 3, 2) + 0.5
    truth = biased(atoms, other)  # each atom once: the population itself
    assert exact_mean(measures.kernel_distance, atoms, other, n, m) == pytest.approx(truth, rel=1e-9)
    gap = [float(k.diagonal().mean() - k.mean()) for k in ((a @ a.T / 2 + 1) ** 3 for a in (atoms, other))]
    excess = exact_mean(biased, atoms, other, n, m) - truth
    assert excess == pytest.approx(gap[0] / n + gap[1] / m, rel=1e-9)
    assert excess > 0
    alone = [measures.kernel_distance(torch.stack(x), torch.stack(y))
             for x, y in itertools.product(itertools.product(atoms, repeat=2), repeat=2)]  # fmt: skip
    assert min(alone) < 0 < max(alone)
    assert np.mean(alone) == pytest.approx(0, abs=1e-9)


def population(points, weights, others, other_weights, degree=3):
    """Squared maximum mean discrepancy of two finite distributions."""

    def term(a, p, b, q):
        return float(p @ ((a @ b.T / a.shape[1] + 1) ** degree) @ q)

    return (term(points, weights, points, weights) + term(others, other_weights, others, other_weights)
            - 2 * term(points, weights, others, other_weights))  # fmt: skip


@falsify
@given(seeds, st.integers(1, 3))
def test_prop_kernel_blind(seed, d):
    """Gauss–Hermite points have the Gaussian's moments up to order 5: distance 0 with three values per coordinate."""

    def rule(count):
        nodes, weights = (torch.from_numpy(v) for v in np.polynomial.hermite_e.hermegauss(count))
        grid = torch.stack(torch.meshgrid(*[nodes] * d, indexing="ij"), -1).reshape(-1, d)
        mass = torch.stack(torch.meshgrid(*[weights / weights.sum()] * d, indexing="ij"), -1).prod(-1).reshape(-1)
        return grid, mass

    A, b = draw(seed, d, d), draw(seed + 1, d)
    (three, p), (eight, q) = rule(3), rule(8)  # the eight-point rule stands for the Gaussian: moments up to order 15
    three, eight = three @ A.T + b, eight @ A.T + b
    size = population(eight, q, torch.zeros(1, d).double(), torch.ones(1).double())
    assert abs(population(three, p, eight, q)) <= 1e-9 * max(1, size)
    assume(torch.linalg.matrix_norm(A, -2) > 0.1)  # what is nearly a point has no moments that can be told apart
    two, r = rule(2)
    assert population(two @ A.T + b, r, eight, q, degree=6) > 1e-12


@falsify
@given(seeds, st.integers(1, 5), st.integers(1, 5))
def test_prop_features_contract(seed, d, k):
    """Features shrink distances to Lip(φ) times; what φ does not tell apart has feature distance 0."""
    x, y, W = draw(seed, 12, d), draw(seed + 1, 15, d) + 1, draw(seed + 2, k, d)
    lipschitz = float(torch.linalg.matrix_norm(W, 2))
    inside = float(transport.wasserstein(torch.relu(x @ W.T), torch.relu(y @ W.T)))
    assert inside <= lipschitz * float(transport.wasserstein(x, y)) * SLACK
    hidden = torch.linalg.svd(torch.cat([W, torch.zeros(1, d).double()])).Vh[-1]
    if d > k:
        moved = x + 5 * hidden
        assert float(transport.wasserstein(x, moved)) == pytest.approx(5, rel=1e-6)
        assert float(transport.wasserstein(x @ W.T, moved @ W.T)) < 1e-6


@falsify
@given(seeds, st.integers(1, 3), st.floats(10, 1000))
def test_prop_copies_win(seed, k, far):
    """Copies have the best value of every measure; an outlier lends plausibility to everything near it."""
    real = draw(seed, 30, 3)
    assert measures.precision_recall(real, real.clone(), k) == (1.0, 1.0)
    assert measures.frechet_distance(real, real.clone()) == pytest.approx(0, abs=1e-8)
    assert float(transport.wasserstein(real, real.clone())) == pytest.approx(0, abs=1e-8)
    outlier = torch.full((1, 3), 2 * far, dtype=torch.float64)
    reach = float(torch.cdist(outlier, real).min())
    nonsense = outlier + 0.9 * reach * nn.functional.normalize(draw(seed + 1, 20, 3), dim=1)
    assert measures.precision_recall(torch.cat([real, outlier]), nonsense, k)[0] == 1.0


@falsify
@given(seeds, st.integers(2, 4))
def test_prop_conditional_critic(seed, classes):
    """The sum over labels is W1 under a cost that forbids changing the label, and at least the marginal one."""
    x, y = draw(seed, 4 * classes, 2), draw(seed + 1, 4 * classes, 2)
    labels = torch.arange(4 * classes) % classes
    per_label = sum(float(transport.wasserstein(x[labels == c], y[labels == c])) for c in range(classes)) / classes
    cost = torch.cdist(x, y) + 1e3 * (labels[:, None] != labels).double()
    assert float(transport.solve(cost).value) == pytest.approx(per_label, rel=1e-7)
    assert per_label >= float(transport.wasserstein(x, y)) / SLACK
    # potentials of each label's problem make one critic: 1-Lipschitz in x for each label, and it attains the sum
    gains = []
    for c in range(classes):
        solved = transport.solve(torch.cdist(x[labels == c], y[labels == c]))
        f = transport.mcshane_extension(y[labels == c], -solved.psi)
        gains.append(float(f(x[labels == c]).mean() - f(y[labels == c]).mean()))
    assert sum(gains) / classes == pytest.approx(per_label, rel=1e-6)


@falsify
@given(st.floats(0.0, 0.98), st.floats(0.05, math.pi))
def test_prop_ema_average(decay, angle):
    """The average of a circling iterate circles about the same centre, closer by (1 - β) / |1 - β e^{-iω}|."""
    module = nn.Linear(2, 1, bias=False, dtype=torch.float64)
    centre = torch.tensor([[3.0, -1.0]], dtype=torch.float64)
    average, steps = None, 700
    for t in range(steps):
        turn = torch.tensor([[math.cos(angle * t), math.sin(angle * t)]], dtype=torch.float64)
        module.weight.data = centre + 2 * turn
        average = Ema(module, decay) if average is None else average
        average.update(module)
    radius = float((average.module.weight - centre).norm())
    expected = 2 * (1 - decay) / math.sqrt(1 - 2 * decay * math.cos(angle) + decay**2)
    assert radius == pytest.approx(expected, rel=1e-3, abs=1e-9)


@falsify
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=3))
def test_prop_receptive_field(stages):
    """The inputs that one output really depends on, by the gradient, fill a square of that side."""
    side = receptive_field(stages)
    layers = [nn.Conv2d(1, 1, k, s, bias=False) for k, s in stages]
    for layer in layers:
        nn.init.ones_(layer.weight)
    x = torch.ones(1, 1, side + 3, side + 3, requires_grad=True)
    nn.Sequential(*layers)(x)[0, 0, 0, 0].backward()
    seen = torch.nonzero(x.grad[0, 0])
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [side, side]


ATOMS = torch.tensor([-2.0, 0.5, 1.5], dtype=torch.float64)
TIME = 0.9  # up to here the field of atoms is smooth


def field_of_atoms(x, t):
    """E[X - Z | X_t = x] for X uniform on `ATOMS`, Z normal and independent: Z = (x - t a) / (1 - t) given X = a."""
    away = (x - t[:, None] * ATOMS) / (1 - t[:, None])
    return ((-(away**2) / 2).softmax(1) * (ATOMS - away)).sum(1, keepdim=True)


def segments(seed, n):
    return draw(seed, n, 1), ATOMS[torch.arange(n) % 3, None]


@pytest.mark.parametrize("seed", range(30, 50))
def test_prop_flow_matching(seed):
    """The mean square of any field is the closed form's plus its distance to that, as far as the sample tells."""
    z, x = segments(seed, 20_000)
    t = torch.rand(len(z), generator=torch.Generator().manual_seed(seed + 100), dtype=torch.float64)
    at, velocity = straight_path(z, x, t)
    best = field_of_atoms(at, t)
    for other in (torch.zeros_like(best), best + at.sin(), t[:, None] * at):
        both = (other - best).square() + (best - velocity).square() - (other - velocity).square()
        assert abs(float(both.mean())) < 4 * float(both.std()) / math.sqrt(len(both))


def test_prop_flow_matching_carries_the_law_of_the_segments():
    """By quantiles: the flow is monotone on the line, so it takes those of Z to those of X_t, whose CDF is known."""
    levels = torch.linspace(0.02, 0.98, 49, dtype=torch.float64)
    z = torch.special.ndtri(levels)[:, None]
    end = flow(lambda x, t: TIME * field_of_atoms(x, TIME * t), z, 400)
    reached = torch.special.ndtr((end - TIME * ATOMS) / (1 - TIME)).mean(1)
    torch.testing.assert_close(reached, levels, atol=2e-3, rtol=0)


def test_prop_flow_matching_is_no_dearer_than_the_segments():
    z, x = segments(32, 3000)
    end = flow(lambda x, t: TIME * field_of_atoms(x, TIME * t), z, 100)
    assert float((end - z).abs().mean()) < 0.7 * TIME * float((x - z).abs().mean())
