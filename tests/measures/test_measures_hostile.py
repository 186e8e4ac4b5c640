"""Measures of levels, samples and critics that are scaled, mixed, singular or out of range: each value is known."""

import logging
import math

import numpy as np
import pytest
import torch
from scipy import stats

from wgan_course import measures
from wgan_course.data import images
from wgan_course.measures import classifier, robustness


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=rng(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def pictures():
    return images.load(split="test", source="embedded").images[:120]


# --- levels ----------------------------------------------------------------------------------------------------------


def on_images(function):
    """A call of each function that looks at images, with one of its arguments replaced."""
    model = classifier.load_pretrained()
    return {
        "features": lambda x, _: classifier.features(x),
        "features by a model": lambda x, _: classifier.features(x, model),
        "report of real": lambda x, y: measures.image_report(x, y, rng()),
        "report of fake": lambda x, y: measures.image_report(y, x, rng()),
    }[function]


FUNCTIONS = ["features", "features by a model", "report of real", "report of fake"]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("change", [lambda x: (x + 1) * 127.5, lambda x: 1.01 * x, lambda x: x - 2, lambda x: 1e30 * x])
def test_levels_outside_the_range_are_refused(function, change, pictures):
    """Floats from 0 to 255 gave a Fréchet distance of 196419 without a word."""
    with pytest.raises(ValueError, match=r"levels in \[-1, 1\], got"):
        on_images(function)(change(pictures), pictures)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_levels_that_look_like_shares_are_remarked_on(function, pictures, caplog):
    with caplog.at_level(logging.WARNING):
        on_images(function)(pictures, pictures)
    assert caplog.text == ""
    with caplog.at_level(logging.WARNING):
        on_images(function)((pictures + 1) / 2, pictures)
    assert "no level below 0" in caplog.text


def test_the_limit_holds_for_all_that_costs_n_squared(pictures):
    fake = pictures.roll(3, -1)
    report = measures.image_report(pictures, fake, rng(), limit=50)
    real, made = (classifier.features(x) for x in (pictures, fake))
    assert report["kernel"] == pytest.approx(measures.kernel_distance(real[:50], made[:50]))
    assert (report["precision"], report["recall"]) == measures.precision_recall(real[:50], made[:50])
    assert report["frechet"] == pytest.approx(measures.frechet_distance(real, made))


# --- samples ---------------------------------------------------------------------------------------------------------

SQUARED = {"frechet": measures.frechet_distance}
SHARES = {"precision": lambda x, y: measures.precision_recall(x, y)[0]}


@pytest.mark.parametrize("scale", [1e-100, 1e-12, 1e12, 1e100])
def test_a_scale_scales_distances(scale):
    x, y = normal(40, 3), 1.5 * normal(30, 3, 1) + 1
    assert measures.frechet_distance(scale * x, scale * y) / scale**2 == pytest.approx(measures.frechet_distance(x, y))
    assert measures.precision_recall(scale * x, scale * y) == measures.precision_recall(x, y)
    exact = [measures.distance_to_truth(s * x, s * y, rng()).value / s for s in (1.0, scale)]
    assert exact[1] == pytest.approx(exact[0])
    assert measures.optimal_pairs(scale * x[:30], scale * y).tolist() == measures.optimal_pairs(x[:30], y).tolist()


@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_a_common_offset_changes_nothing(offset):
    x, y = normal(60, 3), 1.5 * normal(50, 3, 1)
    far = measures.frechet_distance(x + offset, y + offset)
    assert far == pytest.approx(measures.frechet_distance(x, y), rel=1e-6)


@pytest.mark.parametrize(("n", "d"), [(5, 40), (40, 40), (300, 40)])
def test_frechet_of_singular_and_equal_samples_is_exact(n, d):
    """By a root of the covariance, each direction without spread adds 1e-8: here it is 1e-13 of the trace."""
    x = normal(n, d)
    x[:, d // 2 :] = 0
    trace = float(x.var(0).sum())
    assert measures.frechet_distance(x, x) <= 1e-13 * trace
    assert measures.frechet_distance(x, x + 2) == pytest.approx(4 * d, rel=1e-12)
    assert measures.frechet_distance(x, 3 * x) == pytest.approx(
        4 * trace + 4 * float(x.mean(0).square().sum()), rel=1e-12
    )


def test_frechet_on_the_line_is_that_of_two_normals():
    x, y = normal(50, 1), 3 * normal(20, 1, 1) + 2
    gap, spread = x.mean() - y.mean(), x.std() - y.std()
    assert measures.frechet_distance(x, y) == pytest.approx(float(gap**2 + spread**2), rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int64])
def test_samples_of_other_types(dtype):
    x, y = (torch.randint(-8, 8, (40, 2), generator=rng(seed)) for seed in (0, 1))
    for measure in (measures.frechet_distance, measures.kernel_distance, measures.precision_recall):
        assert measure(x.to(dtype), y.double()) == measure(x.double(), y.double())


def test_duplicates_and_single_points():
    x = torch.zeros(6, 2)
    assert measures.precision_recall(x, x) == (1.0, 1.0)
    assert measures.frechet_distance(x, x + 1) == pytest.approx(2)
    assert measures.distance_to_truth(x[:1], x[:1] + 3, rng()).value == pytest.approx(math.sqrt(18))
    assert measures.optimal_pairs(x[:1], x[:1]).tolist() == [0]
    assert sorted(measures.optimal_pairs(x, x + 1).tolist()) == list(range(6))


@pytest.mark.parametrize("n", [2, 150, 400])
def test_optimal_pairs_on_the_line_are_those_of_the_order(n):
    x, y = normal(n, 1), normal(n, 1, 1)
    cost = (x - y[measures.optimal_pairs(x, y)]).abs().mean().item()
    assert cost == pytest.approx(stats.wasserstein_distance(x[:, 0], y[:, 0]), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: measures.kernel_distance(normal(5, 2), normal(5, 2), degree=2.5), TypeError, "degree"),
        (lambda: measures.kernel_distance(normal(5, 2), normal(5, 2), degree=0), ValueError, "degree"),
        (lambda: measures.precision_recall(normal(5, 2), normal(5, 2), k=1.5), TypeError, "k must be a whole"),
        (lambda: measures.frechet_distance(normal(5, 2).to(torch.complex128), normal(5, 2)), TypeError, "real numbers"),
        (lambda: measures.frechet_distance(normal(5, 0), normal(5, 0)), ValueError, "shape"),
        (lambda: measures.optimal_pairs([1.0], torch.ones(1)), TypeError, "list"),
        (lambda: measures.optimal_pairs(torch.ones(2, 1).long(), torch.ones(2, 1).long()), TypeError, "int64"),
        (lambda: measures.optimal_pairs(torch.ones(0, 1), torch.ones(0, 1)), ValueError, "real must be a batch"),
        (lambda: measures.optimal_pairs(torch.ones(2, 1), torch.ones(2, 1) * math.nan), ValueError, "fake must be"),
        (lambda: measures.gradient_norms(lambda x: x.sum(1), np.ones((2, 2))), TypeError, "ndarray"),
        (lambda: measures.gradient_norms(lambda x: x.sum(1), torch.ones(2, 2).long()), TypeError, "int64"),
        (lambda: measures.gradient_norms(lambda x: x.sum(1), torch.ones(0, 2)), ValueError, "x must be a batch"),
        (lambda: measures.gradient_report(len, [1.0], torch.ones(1), rng()), TypeError, "list"),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- critics ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e-30, 1e-12, 1.0, 1e12, 1e30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradient_norms_of_any_size(size, dtype):
    """In single precision the square of 1e-30 is 0, and of 1e30 infinite."""
    found = measures.gradient_norms(
        lambda x: (size * x * torch.tensor([3.0, 4.0], dtype=dtype)).sum(1), torch.ones(2, 2).to(dtype)
    )
    assert found.dtype == dtype
    torch.testing.assert_close(found / size, torch.full((2,), 5.0, dtype=dtype), rtol=1e-5, atol=0)


def test_alignment_of_small_gradients_and_short_rays():
    real, fake = 1e-12 * normal(20, 2), 1e-12 * normal(20, 2, 1)
    ray = real - fake
    report = measures.segment_gradients(lambda x: 1e-12 * (x * ray).sum(1), real, fake, torch.full((20,), 0.5))
    assert report.alignment == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, math.nan])
def test_points_off_the_segments_are_refused(epsilon):
    x = normal(3, 2)
    with pytest.raises(ValueError, match=r"epsilon must lie in \[0, 1\]"):
        measures.segment_gradients(lambda z: z.sum(1), x, x + 1, torch.full((3,), epsilon))


def test_samples_of_two_types_reach_the_critic_in_one():
    critic = torch.nn.Linear(2, 1)
    report = measures.gradient_report(critic, normal(6, 2).float(), normal(6, 2, 1), rng())
    assert report["optimal"]["mean"] == pytest.approx(float(critic.weight.detach().norm()), rel=1e-6)


def test_points_of_the_line_as_a_vector():
    x = torch.tensor([1.0, 2.0, 3.0])
    assert measures.gradient_norms(lambda z: z.square() / 2, x).tolist() == [1.0, 2.0, 3.0]
    assert measures.optimal_pairs(x, x.flip(0)).tolist() == [2, 1, 0]


# --- attacks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("radius", [1e-13, 1e-6, 1.0, 1e6])
@pytest.mark.parametrize("slope", [1e-14, 1e-6, 1.0])
def test_an_attack_reaches_its_radius_whatever_the_sizes(radius, slope):
    """The worst point of a ball for two linear classes is on its surface, be the gradient ever so small."""
    across = slope / radius * torch.tensor([3.0, 4.0], dtype=torch.float64)
    x, y = torch.zeros(1, 2, dtype=torch.float64), torch.tensor([0])
    moved = robustness.attack(lambda z: torch.stack([z @ across, -(z @ across)], 1), x, y, radius, steps=5)
    torch.testing.assert_close(moved / radius, torch.tensor([[-0.6, -0.8]], dtype=torch.float64))


@pytest.mark.parametrize("bad", [np.zeros((2, 3)), torch.zeros(2, 3).long(), [[0.0]]])
def test_attacks_and_margins_take_tensors_of_floats(bad):
    labels = torch.zeros(2).long()
    for call in (lambda: robustness.margins(bad, labels), lambda: robustness.attack(torch.nn.ReLU(), bad, labels, 1.0)):
        with pytest.raises(TypeError, match="a batch must be"):
            call()
    with pytest.raises(TypeError, match="labels must be"):
        robustness.margins(torch.zeros(2, 3), [0, 1])
