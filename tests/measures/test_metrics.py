"""Metrics against loops, closed forms and SciPy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.linalg import sqrtm
from scipy.optimize import linear_sum_assignment

from wgan_course import measures
from wgan_course.data import images, toy
from wgan_course.measures import classifier


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=rng(seed), dtype=torch.float64)


# --- distance --------------------------------------------------------------------------------------------------------


def test_exact_distance_against_the_assignment():
    x, y = normal(60, 3), normal(60, 3, 1) + 0.5
    cost = torch.cdist(x, y).numpy()
    report = measures.distance_to_truth(x, y, rng())
    assert report.method == "exact"
    assert report.value == pytest.approx(cost[linear_sum_assignment(cost)].mean(), rel=1e-8)


def test_sliced_distance_beyond_the_limit():
    x, y = normal(300, 1), normal(300, 1, 1) + 0.5
    report = measures.distance_to_truth(x, y, rng(), limit=299)
    assert report.method == "sliced"
    assert report.value == pytest.approx(stats.wasserstein_distance(x[:, 0], y[:, 0]), rel=1e-8)


def test_sliced_never_exceeds_exact():
    x, y = normal(80, 4), 2 * normal(80, 4, 1)
    sliced = measures.distance_to_truth(x, y, rng(), limit=10).value
    assert 0 < sliced <= measures.distance_to_truth(x, y, rng()).value


def test_sliced_distance_repeats_with_the_generator():
    x, y = normal(40, 3), normal(40, 3, 1)
    values = [measures.distance_to_truth(x, y, rng(seed), limit=1, directions=5).value for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


# --- modes -----------------------------------------------------------------------------------------------------------

MODES = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])


def test_modes_by_hand():
    samples = torch.tensor([[0.1, 0.0], [0.0, 0.29], [10.0, 0.31], [10.2, 0.0], [5.0, 5.0], [0.0, -0.1]])
    report = measures.mode_coverage(samples, MODES, std=0.1)
    assert (report.covered, report.total, report.counts) == (2, 3, (3, 1, 0))
    assert report.quality == pytest.approx(4 / 6)
    expected = 0.75 * math.log(0.75 * 3) + 0.25 * math.log(0.25 * 3)
    assert report.kl == pytest.approx(expected)
    assert measures.mode_coverage(samples, MODES, 0.1, minimum=2).covered == 1


def test_even_and_collapsed_and_lost_samples():
    assert measures.mode_coverage(MODES.repeat(5, 1), MODES, 0.1).kl == pytest.approx(0.0, abs=1e-12)
    assert measures.mode_coverage(MODES[:1].repeat(5, 1), MODES, 0.1).kl == pytest.approx(math.log(3))
    lost = measures.mode_coverage(MODES + 100, MODES, 0.1)
    assert (lost.covered, lost.quality, lost.kl) == (0, 0.0, math.inf)


@pytest.mark.parametrize("radius", [1.0, 2.0, 3.0])
def test_quality_of_the_true_mixture_is_rayleighs(radius):
    mixture = toy.make("eight-gaussians")
    report = measures.mode_coverage(mixture.sample(20000, rng()), mixture.modes, mixture.std, radius)
    assert report.covered == 8
    assert report.quality == pytest.approx(stats.rayleigh.cdf(radius), abs=0.012)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"std": 0.0}, "std must be positive"),
        ({"std": math.nan}, "std must be positive"),
        ({"std": 1.0, "radius": -1.0}, "radius must be positive"),
        ({"std": 1.0, "minimum": 0}, "minimum must be at least 1"),
    ],
)
def test_bad_mode_options(option, message):
    with pytest.raises(ValueError, match=message):
        measures.mode_coverage(MODES, MODES, **option)


# --- features --------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_frechet_against_scipy(seed, d):
    x, y = normal(40, d, seed), 1.5 * normal(30, d, seed + 1) + 0.3
    s, other = (np.atleast_2d(np.cov(z.numpy().T)) for z in (x, y))
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum().item() + np.trace(s + other - 2 * np.real(sqrtm(s @ other)))
    assert measures.frechet_distance(x, y) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_frechet_of_rank_deficient_features():
    x = torch.cat([normal(50, 2), torch.zeros(50, 3, dtype=torch.float64)], 1)
    assert measures.frechet_distance(x, x) == pytest.approx(0.0, abs=1e-6)
    assert measures.frechet_distance(x, x + 1) == pytest.approx(5.0, abs=1e-6)


def test_frechet_is_the_squared_w2_of_gaussians():
    pair = toy.GaussianPair([0.0, 1.0], [[2.0, 0.5], [0.5, 1.0]], [1.0, -1.0], [[0.5, 0.0], [0.0, 3.0]])
    assert measures.frechet_distance(*pair.sample(40000, rng())) == pytest.approx(pair.w2**2, rel=0.03)


def test_kernel_distance_against_a_loop():
    x, y = normal(7, 3), normal(5, 3, 1) + 1

    def k(a, b):
        return (float(a @ b) / 3 + 1) ** 3

    def within(z):
        n = len(z)
        return sum(k(z[i], z[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))

    across = sum(k(a, b) for a in x for b in y) / 35
    assert measures.kernel_distance(x, y) == pytest.approx(within(x) + within(y) - 2 * across)


def test_kernel_distance_has_no_bias():
    values = [measures.kernel_distance(normal(20, 4, seed), normal(20, 4, seed + 5000)) for seed in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(400)
    assert min(values) < 0 < max(values)


@given(st.integers(0, 10**6), st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_precision_and_recall_against_a_loop(seed, k):
    x, y = normal(15, 2, seed), normal(12, 2, seed + 1) + 0.5

    def share(points, centres):
        hits = 0
        for point in points:
            hits += any(
                (point - c).norm() <= sorted((c - other).norm().item() for other in centres)[k] + 1e-12 for c in centres
            )
        return hits / len(points)

    assert measures.precision_recall(x, y, k) == pytest.approx((share(y, x), share(x, y)))


def test_precision_and_recall_tell_collapse_from_noise():
    real = normal(300, 2)
    collapsed = measures.precision_recall(real, 0.05 * normal(300, 2, 1))
    spread = measures.precision_recall(real, 6 * normal(300, 2, 1))
    assert collapsed[0] > 0.95
    assert collapsed[1] < 0.2
    assert spread[1] > 0.8
    assert spread[0] < 0.4
    assert measures.precision_recall(real, real) == (1.0, 1.0)


def test_precision_needs_neighbours():
    with pytest.raises(ValueError, match="k must be at least 1"):
        measures.precision_recall(MODES, MODES, 0)
    with pytest.raises(ValueError, match="n of at least 4"):
        measures.precision_recall(MODES, MODES)


def test_frechet_on_images_grows_with_noise():
    train, test = (images.load(split=split, source="embedded").images for split in ("train", "test"))
    truth = classifier.features(train)
    values = [
        measures.frechet_distance(
            truth, classifier.features((test + std * torch.randn(test.shape, generator=rng())).clamp(-1, 1))
        )
        for std in (0.0, 0.1, 0.3, 1.0)
    ]
    assert values == sorted(values)
    assert values[0] < 0.1 * values[1]


def test_image_report():
    train, test = (images.load(split=split, source="embedded").images[:400] for split in ("train", "test"))
    good = measures.image_report(train, test, rng())
    bad = measures.image_report(train, torch.rand(400, 1, 28, 28, generator=rng()) * 2 - 1, rng())
    assert set(good) == {"frechet", "kernel", "precision", "recall", "sliced"}
    assert all(good[name] < bad[name] for name in ("frechet", "kernel", "sliced"))
    assert all(good[name] > bad[name] for name in ("precision", "recall"))
    features = [classifier.features(x) for x in (train, test)]
    assert good["frechet"] == pytest.approx(measures.frechet_distance(*features))


# --- gradients -------------------------------------------------------------------------------------------------------


def test_gradient_norms_by_hand():
    x = torch.tensor([[3.0, 4.0], [0.0, 2.0], [1.0, 0.0]])
    got = measures.gradient_norms(lambda z: z.square().sum(1, keepdim=True) / 2, x)
    torch.testing.assert_close(got, torch.tensor([5.0, 2.0, 1.0]))
    assert not got.requires_grad


def test_gradient_norms_work_without_grad_and_leave_the_critic_alone():
    critic = torch.nn.Linear(4, 1)
    with torch.no_grad():
        norms = measures.gradient_norms(critic, torch.zeros(3, 4))
    torch.testing.assert_close(norms, critic.weight.detach().norm().expand(3))
    assert critic.weight.grad is None


def test_a_critic_with_several_scores():
    with pytest.raises(ValueError, match=r"one score a sample, shape \(3,\).* got \(3, 2\)"):
        measures.gradient_norms(torch.nn.Linear(4, 2), torch.zeros(3, 4))


def test_optimal_pairs_against_all_permutations():
    from itertools import permutations

    x, y = normal(6, 2), normal(6, 2, 1)
    best = min(permutations(range(6)), key=lambda order: (x - y[list(order)]).norm(dim=1).sum().item())
    assert measures.optimal_pairs(x, y).tolist() == list(best)


def test_segment_report_by_hand():
    real, fake = torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.zeros(2, 2)
    report = measures.segment_gradients(lambda z: z.square().sum(1) / 2, real, fake, torch.tensor([0.5, 0.5]))
    assert (report.mean, report.std, report.minimum, report.maximum) == pytest.approx((1.5, 0.5, 1.0, 2.0))
    assert report.near_one == 0.5
    assert report.alignment == pytest.approx(1.0)


@pytest.mark.parametrize("dim", [2, 16])
def test_the_optimal_critic_is_unit_on_its_own_rays(dim):
    pair = toy.MinFunnel.random(dim, rng(3))
    real, fake = pair.plan(200, rng(), torch.float64)
    report = measures.segment_gradients(pair.critic, real, fake, torch.rand(200, generator=rng()))
    assert (report.minimum, report.maximum, report.alignment) == pytest.approx((1.0, 1.0, 1.0))


def test_optimal_and_random_pairs_differ():
    """A critic that is flat off its rays: 1 on optimal pairs, less between random ones."""
    offsets = torch.tensor([[0.0, 0.0], [50.0, 0.0]], dtype=torch.float64)
    real = offsets.repeat_interleave(40, 0) + 0.1 * normal(80, 2)
    fake = real + torch.tensor([0.0, -1.0])

    def critic(x):
        inside = (x[:, :1] - offsets[:, 0]).abs().amin(1) < 5
        return torch.where(inside, x[:, 1], 0 * x[:, 1])

    report = measures.gradient_report(critic, real, fake, rng())
    assert set(report) == {"optimal", "random"}
    assert report["optimal"]["mean"] == pytest.approx(1.0)
    assert report["random"]["mean"] < 0.9
    assert report["random"]["alignment"] < report["optimal"]["alignment"]


def test_gradient_report_on_images():
    pair = toy.CentreSquares(12, 5)
    report = measures.gradient_report(pair.critic, *pair.sample(10, rng()), rng())
    assert report["optimal"]["near_one"] == 1.0


def test_segments_of_other_shapes():
    with pytest.raises(ValueError, match=r"one entry a sample, shape \(3,\), got \(2,\)"):
        measures.segment_gradients(torch.nn.Linear(2, 1), MODES, MODES, torch.zeros(2))
    with pytest.raises(ValueError, match=r"fake must have the shape of real, \(3, 2\), got \(2, 2\)"):
        measures.optimal_pairs(MODES, MODES[:2])


# --- refusals --------------------------------------------------------------------------------------------------------

TWO_SAMPLES = [
    measures.frechet_distance,
    measures.kernel_distance,
    lambda x, y: measures.precision_recall(x, y, 1),
    lambda x, y: measures.distance_to_truth(x, y, rng()),
]


@pytest.mark.parametrize("metric", TWO_SAMPLES)
@pytest.mark.parametrize(
    ("real", "fake", "error", "message"),
    [
        (torch.zeros(0, 2), MODES, ValueError, "real must have shape"),
        (MODES, torch.zeros(4), ValueError, "fake must have shape"),
        (MODES, torch.full((4, 2), math.nan), ValueError, "fake holds NaN or infinite values"),
        (torch.full((4, 2), math.inf), MODES, ValueError, "real holds NaN or infinite values"),
        (MODES, torch.zeros(4, 3), ValueError, "fake must have 2 columns like real, got 3"),
        ([[0.0, 1.0]], MODES, TypeError, r"real must be a torch\.Tensor of real numbers, got list"),
    ],
)
def test_refused_samples(metric, real, fake, error, message):
    with pytest.raises(error, match=message):
        metric(real, fake)


@pytest.mark.parametrize("metric", TWO_SAMPLES[:2])
def test_one_point_has_no_spread(metric):
    with pytest.raises(ValueError, match="n of at least 2"):
        metric(MODES[:1], MODES)
