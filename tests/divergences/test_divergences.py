"""Divergences against SciPy, closed forms and finite differences."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from wgan_course import divergences as dv

seeds = st.integers(0, 2**31 - 1)


def pair(seed, n=6, zeros=False):
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.ones(n), 2)
    if zeros:
        p[0] = 0
        p /= p.sum()
    return torch.from_numpy(p), torch.from_numpy(q)


@settings(max_examples=40, deadline=None)
@given(seeds, st.booleans())
def test_agrees_with_scipy(seed, zeros):
    p, q = pair(seed, zeros=zeros)
    assert float(dv.kl(p, q)) == pytest.approx(entropy(p.numpy(), q.numpy()), abs=1e-12)
    assert float(dv.js(p, q)) == pytest.approx(jensenshannon(p.numpy(), q.numpy()) ** 2, abs=1e-12)
    assert float(dv.tv(p, q)) == pytest.approx(np.abs(p.numpy() - q.numpy()).sum() / 2, abs=1e-14)


def test_disjoint_supports():
    p, q = torch.tensor([0.5, 0.5, 0.0, 0.0]), torch.tensor([0.0, 0.0, 0.25, 0.75])
    assert float(dv.js(p, q)) == pytest.approx(math.log(2))
    assert float(dv.tv(p, q)) == 1
    assert float(dv.kl(p, q)) == math.inf


def test_equal_distributions_are_at_distance_zero():
    p, _ = pair(0, zeros=True)
    assert [float(f(p, p)) for f in (dv.kl, dv.js, dv.tv)] == [0, 0, 0]


def test_batches_are_taken_one_by_one():
    p, q = (torch.stack(v) for v in zip(pair(1), pair(2), strict=True))
    for f in (dv.kl, dv.js, dv.tv):
        torch.testing.assert_close(f(p, q), torch.stack([f(a, b) for a, b in zip(p, q, strict=True)]))


def test_gradient_of_js_by_finite_differences():
    logits = torch.randn(2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(3), requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: dv.js(*z.softmax(1)), logits)
    assert torch.autograd.gradcheck(lambda z: dv.kl(*z.softmax(1)), logits)


def test_gradient_is_finite_where_an_atom_has_no_mass():
    p = torch.tensor([0.0, 0.4, 0.6], requires_grad=True)
    q = torch.tensor([0.2, 0.8, 0.0], requires_grad=True)
    dv.js(p, q).backward()
    assert torch.isfinite(p.grad).all()
    assert torch.isfinite(q.grad).all()


def test_optimal_discriminator_beats_others_and_gives_js():
    p, q = pair(4)
    best = dv.optimal_discriminator(p, q)
    value = dv.game_value(best, p, q)
    assert float(value) == pytest.approx(2 * float(dv.js(p, q)) - math.log(4), abs=1e-12)
    for shift in (-0.05, 0.05):
        assert dv.game_value((best + shift).clamp(0.01, 0.99), p, q) < value


def test_optimal_discriminator_is_one_half_outside_both_supports():
    assert dv.optimal_discriminator(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 0.0])).tolist() == [0.5, 1.0]


def test_game_value_of_a_certain_and_wrong_discriminator():
    assert (
        float(dv.game_value(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))) == -math.inf
    )


def test_histogram_agrees_with_numpy_and_counts_both_ends():
    samples = torch.cat((torch.rand(500, generator=torch.Generator().manual_seed(5)), torch.tensor([0.0, 1.0])))
    edges = torch.linspace(0, 1, 8)
    expected = np.histogram(samples.numpy(), edges.numpy())[0] / 502
    np.testing.assert_allclose(dv.histogram(samples, edges), expected, rtol=1e-6)


def test_sample_divergences_of_the_histograms():
    x, y, edges = torch.tensor([0.1, 0.6]), torch.tensor([0.2, 0.3]), torch.tensor([0.0, 0.5, 1.0])
    got = dv.sample_divergences(x, y, edges)
    assert float(got["tv"]) == 0.5
    assert float(got["kl"]) == math.inf
    assert float(got["js"]) == pytest.approx(float(dv.js(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))))


GOOD = torch.tensor([0.5, 0.5])


@pytest.mark.parametrize("f", [dv.kl, dv.js, dv.tv])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([0.5, 0.6], "sum to 1"),
        ([-0.5, 1.5], "non-negative"),
        ([math.nan, 1.0], "finite"),
        ([], "at least one atom"),
        ([1.0], "one shape"),
    ],
)
def test_refuses_what_is_no_distribution(f, bad, message):
    with pytest.raises(ValueError, match=message):
        f(torch.tensor(bad), GOOD)


def test_game_refuses_bad_discriminators():
    with pytest.raises(ValueError, match="sigmoid"):
        dv.game_value(torch.tensor([0.5, 2.0]), GOOD, GOOD)
    with pytest.raises(ValueError, match="sigmoid"):
        dv.game_value(torch.tensor([0.5, math.nan]), GOOD, GOOD)
    with pytest.raises(ValueError, match="one value an atom"):
        dv.game_value(torch.tensor([0.5]), GOOD, GOOD)
    with pytest.raises(ValueError, match="non-negative"):
        dv.optimal_discriminator(torch.tensor([-1.0, 1.0]), GOOD)


@pytest.mark.parametrize(
    ("samples", "edges", "message"),
    [
        ([], [0, 1.0], "non-empty"),
        ([0.5], [1.0, 0], "increasing"),
        ([0.5], [1.0], "at least two"),
        ([2.0], [0, 1.0], "widen"),
        ([math.nan], [0, 1.0], "within"),
    ],
)
def test_histogram_refuses(samples, edges, message):
    with pytest.raises(ValueError, match=message):
        dv.histogram(torch.tensor(samples), torch.tensor(edges))


def test_js_stays_finite_where_the_mixture_underflows():
    p, q = torch.tensor([1.0, 5e-324], dtype=torch.float64), torch.tensor([1.0, 0.0], dtype=torch.float64)
    assert float(dv.js(p, q)) == pytest.approx(0, abs=1e-300)


# --- types, masses, scales -------------------------------------------------------------------------------------------

TYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("one", TYPES)
@pytest.mark.parametrize("other", TYPES)
@pytest.mark.parametrize("f", [dv.kl, dv.js, dv.tv, dv.optimal_discriminator, lambda p, q: dv.game_value(p / 2, p, q)])
def test_types_are_brought_together(f, one, other):
    p, q = pair(6)
    found = f(p.to(one), q.to(other))
    assert found.dtype == torch.promote_types(torch.promote_types(one, other), torch.float32)
    torch.testing.assert_close(found.double(), f(p, q), rtol=3e-2, atol=2e-3)


@pytest.mark.parametrize("f", [dv.kl, dv.js, dv.tv])
@pytest.mark.parametrize("mass", [0.99992, 1.00008])
def test_masses_that_are_rounded_are_no_divergence(f, mass):
    """Without the division by the mass KL would be -8e-5."""
    p, _ = pair(7)
    for a, b in ((p, mass * p), (mass * p, p)):
        assert 0 <= float(f(a, b)) <= 1e-15


@pytest.mark.parametrize("f", [dv.kl, dv.js])
def test_no_divergence_is_negative(f):
    g = torch.Generator().manual_seed(0)
    for seed in range(200):
        p, _ = pair(seed, n=9)
        assert float(f(p, p * (1 + 1e-15 * torch.rand(9, dtype=torch.float64, generator=g)))) >= 0


@pytest.mark.parametrize("scale", [1e-44, 1e-38, 1.0, 3e38])
def test_optimal_discriminator_of_densities_of_any_size(scale):
    p, q = torch.tensor([1.0, 1.0, 0.0]) * scale, torch.tensor([1.0, 0.0, 1.0]) * scale
    assert dv.optimal_discriminator(p, q).tolist() == [0.5, 1.0, 0.0]


def test_optimal_discriminator_against_its_formula_and_finite_differences():
    g = torch.Generator().manual_seed(8)
    p, q = (torch.rand(5, dtype=torch.float64, generator=g).requires_grad_() for _ in range(2))
    torch.testing.assert_close(dv.optimal_discriminator(p, q), p / (p + q))
    assert torch.autograd.gradcheck(dv.optimal_discriminator, (p, q))


def test_histogram_of_mixed_types_and_of_many_samples_in_half_precision():
    samples = torch.full((70_000,), 0.25, dtype=torch.float16)  # more than the largest number of this type
    found = dv.histogram(samples, torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64))
    assert found.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("bad", [np.array([0.5, 0.5]), [0.5, 0.5], torch.tensor([0, 1]), torch.tensor([False, True])])
def test_no_function_takes_what_is_no_tensor_of_floats(bad):
    calls = [lambda f=f: f(bad, GOOD) for f in (dv.kl, dv.js, dv.tv, dv.optimal_discriminator)]
    calls += [lambda f=f: f(GOOD, bad) for f in (dv.kl, dv.js, dv.tv, dv.optimal_discriminator)]
    calls += [lambda: dv.game_value(bad, GOOD, GOOD), lambda: dv.histogram(bad, GOOD), lambda: dv.histogram(GOOD, bad)]
    for call in calls:
        with pytest.raises(TypeError, match="floating-point tensor"):
            call()
