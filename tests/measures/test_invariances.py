"""What must not change the metrics, and what must change them in a known way."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wgan_course import measures
from wgan_course.data import toy

seeds = st.integers(0, 10**6)
quick = settings(max_examples=15, deadline=None)


def normal(n, d, seed):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rotation(d, seed):
    return torch.linalg.qr(normal(d, d, seed)).Q


def shuffled(x, seed):
    return x[torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))]


def samples(seed, d=4):
    return normal(40, d, seed), 1.4 * normal(30, d, seed + 1) + 0.4


TWO_SAMPLE = {
    "frechet": measures.frechet_distance,
    "kernel": measures.kernel_distance,
    "precision": lambda x, y: measures.precision_recall(x, y)[0],
    "recall": lambda x, y: measures.precision_recall(x, y)[1],
    "exact": lambda x, y: measures.distance_to_truth(x, y, torch.Generator().manual_seed(0)).value,
}


@pytest.mark.parametrize("name", TWO_SAMPLE)
@quick
@given(seeds)
def test_order_of_the_points_does_not_matter(name, seed):
    x, y = samples(seed)
    expected = TWO_SAMPLE[name](x, y)
    assert TWO_SAMPLE[name](shuffled(x, seed), shuffled(y, seed)) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("name", TWO_SAMPLE)
@quick
@given(seeds)
def test_rotations_do_not_matter(name, seed):
    x, y = samples(seed)
    turn = rotation(4, seed)
    assert TWO_SAMPLE[name](x @ turn, y @ turn) == pytest.approx(TWO_SAMPLE[name](x, y), abs=1e-7)


@pytest.mark.parametrize("name", [name for name in TWO_SAMPLE if name != "kernel"])
@quick
@given(seeds, st.floats(-3, 3))
def test_a_common_shift_does_not_matter(name, seed, shift):
    x, y = samples(seed)
    assert TWO_SAMPLE[name](x + shift, y + shift) == pytest.approx(TWO_SAMPLE[name](x, y), abs=1e-7)


@pytest.mark.parametrize("name", ["frechet", "kernel", "exact"])
@quick
@given(seeds)
def test_distances_are_symmetric(name, seed):
    x, y = samples(seed)
    assert TWO_SAMPLE[name](x, y) == pytest.approx(TWO_SAMPLE[name](y, x), abs=1e-7)


@quick
@given(seeds, st.integers(1, 5))
def test_swapping_the_samples_swaps_precision_and_recall(seed, k):
    x, y = samples(seed)
    precision, recall = measures.precision_recall(x, y, k)
    assert measures.precision_recall(y, x, k) == (recall, precision)


@quick
@given(seeds, st.floats(0.1, 5))
def test_scaling_scales_distances(seed, factor):
    x, y = samples(seed)
    assert measures.frechet_distance(factor * x, factor * y) == pytest.approx(
        factor**2 * measures.frechet_distance(x, y), abs=1e-7
    )
    assert TWO_SAMPLE["exact"](factor * x, factor * y) == pytest.approx(factor * TWO_SAMPLE["exact"](x, y), rel=1e-7)


@quick
@given(seeds, st.floats(0, 4))
def test_a_shift_of_a_sample_costs_what_it_measures(seed, length):
    x = normal(30, 3, seed)
    shift = length * rotation(3, seed)[0]
    assert measures.frechet_distance(x, x + shift) == pytest.approx(length**2, abs=1e-6)
    assert TWO_SAMPLE["exact"](x, x + shift) == pytest.approx(length, abs=1e-7)


@quick
@given(seeds)
def test_linear_kernel_distance_of_large_samples_is_the_squared_shift(seed):
    """With degree 1 the kernel sees means only: MMD^2 = ||m_P - m_Q||^2 / d."""
    x, y = normal(600, 4, seed), normal(600, 4, seed + 1) + 1.0
    assert measures.kernel_distance(x, y, degree=1) == pytest.approx(1.0, abs=0.3)


@quick
@given(seeds, st.integers(1, 4))
def test_recall_and_precision_grow_with_k(seed, k):
    x, y = samples(seed)
    smaller, larger = (measures.precision_recall(x, y, value) for value in (k, k + 1))
    assert smaller[0] <= larger[0]
    assert smaller[1] <= larger[1]


@quick
@given(seeds, st.floats(0.5, 4), st.floats(0.01, 0.3))
def test_mode_reports_add_up(seed, radius, std):
    mixture = toy.make("eight-gaussians", std=std)
    x = mixture.sample(200, torch.Generator().manual_seed(seed)).double()
    report = measures.mode_coverage(x, mixture.modes, std, radius)
    near = (x[:, None] - mixture.modes).norm(dim=2).amin(1) <= radius * std
    assert report.quality == pytest.approx(near.double().mean().item())
    assert sum(report.counts) == int(near.sum())
    assert report.covered == sum(count > 0 for count in report.counts)
    assert 0 <= report.kl <= math.log(8) or report.quality == 0


@quick
@given(seeds)
def test_mode_reports_follow_the_order_of_the_modes(seed):
    mixture = toy.make("twenty-five-gaussians")
    x = mixture.sample(100, torch.Generator().manual_seed(seed))
    plain = measures.mode_coverage(x, mixture.modes, mixture.std)
    flipped = measures.mode_coverage(x, mixture.modes.flip(0), mixture.std)
    assert flipped.counts == plain.counts[::-1]
    assert (flipped.covered, flipped.quality) == (plain.covered, plain.quality)


@quick
@given(seeds, st.floats(0.1, 4))
def test_gradient_report_of_a_linear_critic(seed, scale):
    """A critic <w, x> has the gradient w everywhere, whatever the pairs."""
    weight = scale * rotation(3, seed)[0]
    report = measures.gradient_report(lambda x: x @ weight, *samples(seed, 3)[:1] * 2, torch.Generator())
    for part in report.values():
        assert (part["mean"], part["minimum"], part["maximum"]) == pytest.approx((scale,) * 3)
        assert part["std"] == pytest.approx(0.0, abs=1e-9)
        assert part["near_one"] == float(abs(scale - 1) <= 0.1 + 1e-12) or abs(abs(scale - 1) - 0.1) < 1e-9


@quick
@given(seeds, st.integers(2, 12))
def test_optimal_pairs_beat_random_ones(seed, n):
    x, y = normal(n, 3, seed), normal(n, 3, seed + 1)
    order = measures.optimal_pairs(x, y)
    assert sorted(order.tolist()) == list(range(n))
    assert (x - y[order]).norm(dim=1).sum() <= (x - shuffled(y, seed)).norm(dim=1).sum() + 1e-9


@quick
@given(seeds, st.integers(1, 60))
def test_features_do_not_hang_on_the_batch_size(seed, batch_size):
    from wgan_course.measures import classifier

    x = torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    torch.testing.assert_close(classifier.features(x, batch_size=batch_size), classifier.features(x))


@quick
@given(seeds)
def test_segments_end_at_the_pairs(seed):
    """With epsilon 1 the gradients are taken at the real points, with 0 at the fake ones."""
    x, y = normal(20, 3, seed), normal(20, 3, seed + 1)

    def critic(z):
        return (z**3).sum(1)

    for epsilon, end in ((1.0, x), (0.0, y)):
        report = measures.segment_gradients(critic, x, y, torch.full((20,), epsilon))
        norms = (3 * end**2).norm(dim=1)
        assert report.mean == pytest.approx(norms.mean().item())
        assert report.std == pytest.approx(norms.std(correction=0).item())
        assert (report.minimum, report.maximum) == pytest.approx((norms.min().item(), norms.max().item()))


@quick
@given(seeds, st.floats(0.2, 3))
def test_alignment_turns_with_the_critics_sign(seed, scale):
    x, y = normal(20, 3, seed), normal(20, 3, seed + 1)
    epsilon = torch.rand(20, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    plain = measures.segment_gradients(lambda z: scale * z.sin().sum(1), x, y, epsilon)
    negated = measures.segment_gradients(lambda z: -scale * z.sin().sum(1), x, y, epsilon)
    assert negated.alignment == pytest.approx(-plain.alignment)
    assert negated.mean == pytest.approx(plain.mean)
    assert -1 <= plain.alignment <= 1
