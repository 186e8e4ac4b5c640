"""What every norm, operator and Lipschitz bound must satisfy, on random instances: axioms, adjoints, scaling, order."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from wgan_course import norms
from wgan_course.models import layers, mlp
from wgan_course.norms import operators

SIZES = st.integers(1, 6)
SEEDS = st.integers(0, 10_000)
ORDERS = (1, 2, math.inf)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=rng(seed), dtype=torch.float64)


# -- matrices ------------------------------------------------------------------------------------------


@given(SIZES, SIZES, SEEDS, st.floats(-5, 5))
def test_norms_are_norms(m, n, seed, factor):
    A, B = normal(m, n, seed=seed), normal(m, n, seed=seed + 1)
    for norm in (norms.frobenius_norm, *(lambda W, p=p: norms.induced_norm(W, p) for p in ORDERS)):
        assert norm(A + B) <= norm(A) + norm(B) + 1e-9
        torch.testing.assert_close(norm(factor * A), abs(factor) * norm(A))
        assert norm(A) > 0
        assert norm(torch.zeros_like(A)) == 0


@given(SIZES, SIZES, SIZES, SEEDS)
def test_induced_norms_of_a_product_are_at_most_the_product(m, k, n, seed):
    A, B = normal(m, k, seed=seed), normal(k, n, seed=seed + 1)
    for p in ORDERS:
        assert norms.induced_norm(A @ B, p) <= norms.induced_norm(A, p) * norms.induced_norm(B, p) + 1e-9


@given(SIZES, SIZES, SEEDS)
def test_norms_are_ordered_and_equivalent(m, n, seed):
    A = normal(m, n, seed=seed)
    two, frobenius = norms.spectral_norm(A), norms.frobenius_norm(A)
    one, most = norms.induced_norm(A, 1), norms.induced_norm(A, math.inf)
    assert two <= frobenius + 1e-12
    assert frobenius <= math.sqrt(min(m, n)) * two + 1e-9
    assert two**2 <= one * most + 1e-9
    torch.testing.assert_close(one, norms.induced_norm(A.T, math.inf))
    torch.testing.assert_close(two, norms.spectral_norm(A.T))


@given(SIZES, SIZES, SEEDS)
def test_an_induced_norm_is_the_largest_stretch(m, n, seed):
    A, x = normal(m, n, seed=seed), normal(200, n, seed=seed + 1)
    for p in ORDERS:
        stretch = torch.linalg.vector_norm(x @ A.T, p, dim=1) / torch.linalg.vector_norm(x, p, dim=1)
        assert stretch.max() <= norms.induced_norm(A, p) + 1e-9


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_norms_keep_the_type_and_stack_over_batches(dtype):
    batch = normal(2, 3, 4, 5).to(dtype)
    for norm in (norms.spectral_norm, norms.frobenius_norm, norms.induced_norm):
        values = norm(batch)
        assert values.shape == (2, 3)
        assert values.dtype == dtype
        torch.testing.assert_close(values[1, 2], norm(batch[1, 2]))


def test_frobenius_gradient_is_the_direction():
    W = normal(3, 4).requires_grad_()
    (g,) = torch.autograd.grad(norms.frobenius_norm(W), W)
    torch.testing.assert_close(g, (W / norms.frobenius_norm(W)).detach())


# -- power iteration -----------------------------------------------------------------------------------


@given(SIZES, SIZES, SEEDS, st.integers(0, 12))
def test_power_iteration_comes_from_below_and_never_falls(m, n, seed, steps):
    W = normal(m, n, seed=seed)
    exact = float(norms.spectral_norm(W))
    estimates = [float(norms.power_iteration(W, rng=rng(seed), steps=k).sigma) for k in range(steps + 1)]
    assert estimates[-1] <= exact + 1e-9
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(estimates))


@given(SIZES, SIZES, SEEDS)
def test_vectors_are_units_and_fit_the_estimate(m, n, seed):
    W = normal(m, n, seed=seed)
    sigma, u, v = norms.power_iteration(W, rng=rng(seed), steps=3)
    assert float(u.norm()) == pytest.approx(1)
    assert float(v.norm()) == pytest.approx(1)
    torch.testing.assert_close(sigma, u @ W @ v)


def test_a_generator_of_one_seed_gives_one_answer_and_touches_no_global_state():
    W, state = normal(4, 5), torch.get_rng_state()
    first, second = (norms.power_iteration(W, rng=rng(3), steps=2) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first.v, norms.power_iteration(W, rng=rng(4), steps=2).v)


def test_a_start_in_the_kernel_stays_put_and_says_zero():
    W = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    sigma, u, v = norms.power_iteration(W, v=torch.tensor([0.0, 1.0]), steps=5)
    assert float(sigma) == 0
    assert v.tolist() == [0, 1]
    assert float(u.norm()) == 1


def test_one_by_one_needs_no_step():
    assert float(norms.power_iteration(torch.tensor([[-3.0]]), v=torch.ones(1), steps=0).sigma) == 3


def test_an_operator_of_one_matrix_is_not_a_batch_of_them():
    with pytest.raises(ValueError, match="one matrix"):
        norms.matrix_operator(normal(2, 3, 4))
    with pytest.raises(TypeError, match="list"):
        norms.power_iteration([[1.0]], v=torch.ones(1))


# -- operators -----------------------------------------------------------------------------------------


GEOMETRIES = [
    {"stride": 2, "padding": 1},
    {"dilation": 2, "padding": 2},
    {"groups": 2, "padding": 1, "padding_mode": "circular"},
    {"padding": 1, "padding_mode": "reflect"},
    {"padding": 1, "padding_mode": "replicate", "stride": 3},
    {"transposed": True, "stride": 2, "output_padding": 1},
    {"transposed": True, "groups": 2, "padding": 1},
    {"padding": "same", "dilation": 2},
]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("dims", [1, 2])
def test_adjoints_are_adjoints(geometry, dims):
    groups = geometry.get("groups", 1)
    channels = (4, 6 // groups) if geometry.get("transposed") else (6, 4 // groups)
    operator = norms.conv_operator(normal(*channels, *[3] * dims), (4, *[7] * dims), **geometry)
    x, u = normal(2, *operator.in_shape, seed=1), normal(2, *operator.out_shape, seed=2)
    inner = (operator.apply(x) * u).flatten(1).sum(1), (x * operator.adjoint(u)).flatten(1).sum(1)
    torch.testing.assert_close(*inner)
    assert operator.dense().shape == (math.prod(operator.out_shape), math.prod(operator.in_shape))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_the_certified_bound_is_never_below_the_dense_norm(geometry):
    groups = geometry.get("groups", 1)
    channels = (2, 4 // groups) if geometry.get("transposed") else (4, 2 // groups)
    for seed in range(5):
        weight = normal(*channels, 3, 3, seed=seed)
        dense = norms.conv_operator(weight, (2, 5, 5), **geometry).dense()
        exact = norms.spectral_norm(dense)
        assert norms.conv_norm(weight, (2, 5, 5), steps=30, **geometry) <= exact * (1 + 1e-9)
        assert norms.conv_norm_bound(weight, (2, 5, 5), **geometry) >= exact * (1 - 1e-9)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 7), SEEDS)
def test_the_fourier_norm_of_any_size_is_at_most_the_reshaped_bound(out, inside, k, size, seed):
    weight = normal(out, inside, k, seed=seed)
    norm = norms.conv_norm_fft(weight, size)
    bound = norms.reshaped_norm(weight) * norms.reshaped_factor((k,))
    assert norm <= bound + 1e-9
    assert norms.conv_singular_values(weight, size).shape == (size, min(out, inside))


def test_a_convolution_of_one_tap_is_its_matrix():
    weight = normal(3, 2, 1, 1)
    for norm in (norms.conv_norm_fft(weight, 5), norms.conv_norm(weight, (2, 5, 5), steps=400)):
        torch.testing.assert_close(norm, norms.spectral_norm(weight[..., 0, 0]), rtol=1e-6, atol=0)
    torch.testing.assert_close(norms.reshaped_norm(weight), norms.spectral_norm(weight[..., 0, 0]))
    assert norms.reshaped_factor((1, 1), 2, 3) == 1


def test_a_warm_start_takes_up_where_the_last_one_ended():
    weight, shape = normal(3, 2, 3, 3), (2, 6, 6)
    operator = norms.conv_operator(weight, shape, padding=1)
    first = norms.power_iteration(operator, rng=rng(), steps=5)
    both = norms.conv_norm(weight, shape, steps=7, v=first.v, padding=1)
    torch.testing.assert_close(both, norms.power_iteration(operator, rng=rng(), steps=12).sigma)


def test_operators_carry_type_and_device():
    operator = norms.conv_operator(normal(2, 2, 3).float(), (2, 5))
    assert operator.dtype == torch.float32
    assert operator.dense().dtype == torch.float32
    assert operators.LinearOperator(lambda x: x, lambda u: u, (2,), device="meta").out_shape == (2,)


# -- Lipschitz intervals -------------------------------------------------------------------------------


def network(seed=0):
    return mlp.Critic(3, (8, 8), rng=rng(seed), dtype=torch.float64)


@given(st.floats(0.1, 10), SEEDS)
def test_intervals_scale_with_the_last_layer(factor, seed):
    critic, points = network(seed), normal(8, 3, seed=seed)
    scaled = copy.deepcopy(critic)
    with torch.no_grad():
        scaled.head.weight.mul_(factor)
    low, high = norms.lipschitz_interval(critic, points, rng(1), steps=0)
    low_scaled, high_scaled = norms.lipschitz_interval(scaled, points, rng(1), steps=0)
    assert low_scaled == pytest.approx(factor * low, rel=1e-6)
    assert high_scaled == pytest.approx(factor * high, rel=1e-9)


@given(SEEDS)
def test_more_search_never_lowers_the_lower_end(seed):
    critic, points = network(seed), normal(6, 3, seed=seed)
    found = [norms.lipschitz_lower(critic, points, rng(2), steps=steps) for steps in (0, 5)]
    assert found[0] <= found[1] * (1 + 1e-9) <= norms.lipschitz_upper(critic, (3,)) * (1 + 1e-9)


def test_measuring_changes_nothing():
    critic = nn.Sequential(network(), nn.Identity()).float().train()
    before = copy.deepcopy(critic.state_dict())
    norms.lipschitz_interval(critic, normal(4, 3).float(), rng())
    assert critic.training
    assert all(p.requires_grad and p.grad is None and p.dtype == torch.float32 for p in critic.parameters())
    assert all(torch.equal(before[key], value) for key, value in critic.state_dict().items())


def test_layer_bounds_multiply_to_the_upper_end():
    critic = network()
    factors = norms.layer_bounds(critic, (3,))
    assert math.prod(bound for _, bound in factors) == pytest.approx(norms.lipschitz_upper(critic, (3,)))
    assert [name for name, _ in factors] == ["Flatten", "Linear", "LeakyReLU", "Linear", "LeakyReLU", "_Head"]


class Cube(nn.Module):
    """A module of one's own, without a rule."""

    def forward(self, x):
        return x**3


def test_no_rule_means_no_bound_and_the_message_tells_how_to_give_one():
    with pytest.raises(norms.NoLipschitzBoundError, match="lipschitz_upper"):
        norms.lipschitz_upper(Cube(), (2,))
    bounded = Cube()
    bounded.lipschitz = 7
    assert norms.lipschitz_upper(nn.Sequential(bounded, nn.Identity()), (2,)) == 7


class SquaredOutput(nn.Linear):
    """It inherits from a layer with a rule, and does something else."""

    def forward(self, x):
        return super().forward(x) ** 2


class SteepCritic(mlp.Critic):
    def forward(self, x, labels=None):
        return 100 * super().forward(x, labels)


@pytest.mark.parametrize("made", [lambda: SquaredOutput(2, 2), lambda: SteepCritic(2, (4,))], ids=["layer", "critic"])
def test_a_subclass_with_a_forward_of_its_own_has_no_inherited_bound(made):
    for network in (made(), nn.Sequential(made())):
        with pytest.raises(norms.NoLipschitzBoundError, match="forward of its own"):
            norms.lipschitz_upper(network, (2,))
    told = made()
    told.lipschitz = 5.0
    assert norms.lipschitz_upper(told, (2,)) == 5


def test_a_subclass_that_only_initialises_keeps_the_rule():
    class Identity(nn.Linear):
        def __init__(self):
            super().__init__(2, 2)
            nn.init.eye_(self.weight)

    assert norms.lipschitz_upper(Identity(), (2,)) == pytest.approx(1)
    parametrised = nn.utils.parametrizations.spectral_norm(Identity(), n_power_iterations=20)
    assert norms.lipschitz_upper(parametrised, (2,)) == pytest.approx(1, abs=1e-6)


def test_pooling_with_a_divisor_of_its_own():
    pool = nn.AvgPool2d(2, divisor_override=1)
    x = torch.ones(1, 1, 4, 4, dtype=torch.float64)
    assert norms.lipschitz_upper(pool, (1, 4, 4)) == pytest.approx(float(pool(x).norm() / x.norm()))
    with pytest.raises(norms.NoLipschitzBoundError, match="count_include_pad"):
        norms.lipschitz_upper(nn.AvgPool2d(2, padding=1, count_include_pad=False, divisor_override=1), (1, 4, 4))
    with pytest.raises(norms.NoLipschitzBoundError, match="bicubic"):
        norms.lipschitz_upper(nn.Upsample(scale_factor=2, mode="bicubic"), (1, 4, 4))


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.LayerNorm, layers.LayerNorm])
def test_normalisations_are_refused_wherever_they_hide(kind):
    for critic in (nn.Sequential(nn.Linear(3, 4), kind(4)), nn.Sequential(nn.Sequential(nn.Linear(3, 4), kind(4)))):
        with pytest.raises(norms.NoLipschitzBoundError, match="leave it out"):
            norms.lipschitz_upper(critic, (3,))


def test_a_shape_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"in_shape: Linear can't take samples of shape \(4,\)"):
        norms.lipschitz_upper(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), (4,))
    for measure in (norms.lipschitz_upper, norms.layer_bounds):
        with pytest.raises(TypeError, match=r"torch\.nn\.Module"):
            measure(lambda x: x, (3,))


@pytest.mark.parametrize("bad", [torch.ones(3), torch.ones(1, 3), torch.full((4, 3), math.nan), torch.ones(0, 3)])
def test_searches_need_two_finite_points(bad):
    with pytest.raises(ValueError, match="two finite samples"):
        norms.lipschitz_lower(network(), bad, rng())
    with pytest.raises(ValueError, match="steps"):
        norms.lipschitz_lower(network(), normal(4, 3), rng(), steps=-1)
    with pytest.raises(TypeError, match=r"torch\.nn\.Module"):
        norms.lipschitz_lower(lambda x: x, normal(4, 3), rng())


def test_slopes_and_jacobians_of_degenerate_functions():
    x = normal(5, 3)
    assert norms.jacobian_norms(lambda z: torch.zeros(len(z)), x).tolist() == [0] * 5
    assert norms.pair_slopes(lambda z: z, x, x).tolist() == [0] * 5
    torch.testing.assert_close(norms.jacobian_norms(lambda z: 2 * z, x), torch.full((5,), 2.0, dtype=torch.float64))
    with pytest.raises(ValueError, match="same shape"):
        norms.pair_slopes(lambda z: z, x, x[:2])


def test_the_search_of_a_seed_repeats():
    critic, points = network(), normal(6, 3)
    values = [norms.lipschitz_lower(critic, points, rng(seed), steps=4) for seed in (5, 5)]
    assert values[0] == values[1]
    assert np.isfinite(values[0])
