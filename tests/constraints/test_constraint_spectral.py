"""Spectral normalisation against SVD, finite differences and the a convolution's dense matrix; published traps."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from wgan_course import constraints
from wgan_course.constraints import spectral


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def matrix(rows=6, columns=4, seed=0):
    return torch.randn(rows, columns, generator=seeded(seed), dtype=torch.float64)


def linear(rows=6, columns=4):
    layer = nn.Linear(columns, rows, dtype=torch.float64)
    layer.weight.data = matrix(rows, columns)
    return layer


def network(**options):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8, **options), nn.Tanh(), nn.Linear(8, 1, **options))


def sn(module, steps=1):
    return constraints.make("sn", steps=steps).prepare(module)


def state(module):
    return {key: value.clone() for key, value in module.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def train_step(critic, constraint, optimizer, x):
    optimizer.zero_grad()
    (critic(x).mean() - critic(-x).square().mean()).backward()
    optimizer.step()
    constraint.project_(critic)


def test_normalised_weight_has_norm_one_by_svd():
    layer = sn(linear(), steps=200)
    layer.parametrizations.weight[0].power.iterate_(layer.parametrizations.weight.original, 500)
    assert torch.linalg.svdvals(layer.weight)[0].item() == pytest.approx(1, abs=1e-10)


def test_gradient_is_the_closed_form():
    """∂L/∂W = (∂L/∂W̄ − ⟨∂L/∂W̄, W̄⟩ u vᵀ)/σ, with any u and v, converged or not."""
    layer, gradient = sn(linear()).eval(), matrix(seed=5)
    power = layer.parametrizations.weight[0].power
    sigma, normalised = power.u @ matrix() @ power.v, layer.weight.detach()
    (layer.weight * gradient).sum().backward()
    expected = (gradient - (gradient * normalised).sum() * torch.outer(power.u, power.v)) / sigma
    torch.testing.assert_close(layer.parametrizations.weight.original.grad, expected, rtol=1e-12, atol=1e-13)


def test_converged_gradient_equals_that_through_svd():
    layer, gradient = sn(linear()), matrix(seed=5)
    layer.parametrizations.weight[0].power.iterate_(matrix(), 500)
    weight = matrix().requires_grad_(True)
    (weight / torch.linalg.svdvals(weight)[0] * gradient).sum().backward()
    (layer.weight * gradient).sum().backward()
    torch.testing.assert_close(layer.parametrizations.weight.original.grad, weight.grad, rtol=1e-8, atol=1e-10)


def two_forward_error(layer, original, buffers):
    """Relative error of two forwards' gradient against autograd with u and v as they end, held constant."""
    x, y = matrix(5, 4, seed=1), matrix(5, 4, seed=2)
    with parametrize.cached():
        loss = layer(x).square().sum() + layer(y).pow(3).sum()
    (have,) = torch.autograd.grad(loss, original)
    u, v = buffers()

    def function(weight):
        bar = weight / (u @ weight @ v)
        return (x @ bar.T + layer.bias).square().sum() + (y @ bar.T + layer.bias).pow(3).sum()

    (want,) = torch.autograd.grad(function(original), original)
    return ((have - want).norm() / want.norm()).item()


def test_two_forwards_in_one_step_have_the_right_gradient():
    layer = sn(linear())
    weights = layer.parametrizations.weight
    with torch.no_grad():
        weights.original.mul_(1.5).add_(0.3)
    assert two_forward_error(layer, weights.original, lambda: (weights[0].power.u, weights[0].power.v)) < 1e-12


class SwappedThroughData(nn.Module):
    """The published wrapper: u and v replaced through .data in each forward, so the first forward's graph changes."""

    def __init__(self, layer):
        super().__init__()
        self.weight, self.bias = nn.Parameter(layer.weight.data.clone()), layer.bias
        self.u, self.v = nn.functional.normalize(matrix(6, 1)[:, 0], dim=0), torch.zeros(4, dtype=torch.float64)

    def forward(self, x):
        self.v.data.copy_(nn.functional.normalize(self.weight.data.T @ self.u.data, dim=0))
        self.u.data.copy_(nn.functional.normalize(self.weight.data @ self.v.data, dim=0))
        return x @ (self.weight / (self.u @ self.weight @ self.v)).T + self.bias


def test_museum_u_and_v_swapped_through_data_are_caught():
    layer = SwappedThroughData(linear())
    assert two_forward_error(layer, layer.weight, lambda: (layer.u, layer.v)) > 1e-2


def test_museum_swapped_roles_are_caught():
    """A well-known notebook calls ũᵀWṽ the normalised weight, with u and v in each other's place."""
    layer = linear(5, 5)
    u, _, vh = torch.linalg.svd(layer.weight.detach())
    power = spectral.PowerIteration(layer.weight)
    power.iterate_(layer.weight, 500)
    assert abs(power.u @ u[:, 0]).item() == pytest.approx(1, abs=1e-9)
    assert abs(power.v @ vh[0]).item() == pytest.approx(1, abs=1e-9)
    assert abs((power.v @ layer.weight @ power.u).item()) < 0.99 * power.sigma(layer.weight).item()


def test_one_iteration_in_each_training_forward_and_one_a_step_where_weights_are_cached():
    layer = sn(linear())
    power, original = layer.parametrizations.weight[0].power, layer.parametrizations.weight.original
    x, by_hand = matrix(5, 4, seed=1), copy.deepcopy(power)
    original.data.copy_(matrix(seed=7))  # which leaves the weight's version as it was
    for _ in range(3):
        layer(x)
        by_hand.iterate_(original, 1)
        assert torch.equal(power.v, by_hand.v)
    with parametrize.cached():
        for _ in range(3):
            layer(x)
    by_hand.iterate_(original, 1)
    assert torch.equal(power.u, by_hand.u)


def test_a_frozen_critic_in_evaluation_iterates_nothing():
    layer = sn(linear()).requires_grad_(False).eval()
    layer.parametrizations.weight.original.data.copy_(matrix(seed=7))
    before = state(layer)
    layer(matrix(5, 4, seed=1).requires_grad_()).sum().backward()
    assert same(before, state(layer))


@pytest.mark.parametrize("name", ["sn", "sn_conv", "sn_projected", "weight_norm", "orthonormal"])
def test_evaluation_changes_nothing_and_repeats(name):
    critic = constraints.make(name).prepare(network())
    x = torch.randn(8, 3, generator=seeded())
    critic(x)
    critic.eval()
    before, first = state(critic), critic(x)
    assert torch.equal(critic(x), first)
    assert same(before, state(critic))


@pytest.mark.parametrize("name", constraints.NAMES)
def test_copy_pickle_and_state_dict_go_on_as_the_original(name):
    constraint = constraints.make(name)
    critic = constraint.prepare(network())
    x = torch.randn(8, 3, generator=seeded())
    train_step(critic, constraint, torch.optim.SGD(critic.parameters(), 0.1), x)
    fresh = constraint.prepare(network())
    fresh.load_state_dict(critic.state_dict())
    twins = [copy.deepcopy(critic), fresh]
    if name not in ("sn", "sn_conv", "weight_norm", "orthonormal"):
        twins.append(pickle.loads(pickle.dumps(critic)))
    for each in (critic, *twins):
        train_step(each, constraint, torch.optim.SGD(each.parameters(), 0.1), x)
    assert all(same(state(critic), state(twin)) for twin in twins)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_change_of_dtype(dtype):
    critic = sn(network()).to(dtype)
    x = torch.randn(4, 3, generator=seeded()).to(dtype)
    critic(x).float().sum().backward()
    assert critic[0].weight.dtype == dtype
    rounding = {torch.float64: 1e-3, torch.bfloat16: 2e-2}[dtype]
    assert torch.linalg.svdvals(critic[0].weight.double())[0].item() == pytest.approx(1, abs=rounding)


def test_autocast_does_not_touch_sigma():
    layer = sn(nn.Linear(64, 64)).eval()
    full = layer.weight
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(layer.weight, full)


def test_zero_weight_gives_zero_and_recovers():
    layer = linear()
    layer.weight.data.zero_()
    sn(layer)
    assert torch.equal(layer.weight, torch.zeros(6, 4).double())
    with torch.no_grad():
        layer.parametrizations.weight.original.copy_(matrix())
    layer(matrix(2, 4))
    assert layer.weight.isfinite().all()
    assert layer.weight.norm() > 0


def test_start_vectors_leave_the_global_state_alone():
    layer, before = linear(), torch.get_rng_state()
    sn(layer)
    assert torch.equal(before, torch.get_rng_state())


def test_compiled_training_forward_agrees_with_eager():
    critic = sn(network())
    twin, x = copy.deepcopy(critic), torch.randn(4, 3, generator=seeded())
    for each in (critic, twin):
        for layer in (each[0], each[2]):
            layer.parametrizations.weight[0].power.iterate_(layer.parametrizations.weight.original, 500)
    torch.testing.assert_close(torch.compile(twin, backend="aot_eager")(x), critic(x), rtol=1e-5, atol=1e-6)


# -- the true operator --------------------------------------------------------------------------------


torch.manual_seed(60)  # made at import; with these weights no second singular value is near the first: few steps do
CONVOLUTIONS = [
    (nn.Conv2d(2, 3, 3, padding=1), (2, 5, 5)),
    (nn.Conv2d(2, 4, 4, stride=2, padding=1), (2, 6, 6)),
    (nn.Conv2d(2, 4, 3, dilation=2, padding=2, groups=2), (2, 6, 5)),
    (nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), (2, 5, 5)),
    (nn.Conv2d(2, 3, 3, padding="same"), (2, 5, 5)),
    (nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1), (3, 3, 3)),
    (nn.Conv1d(2, 3, 3), (2, 8)),
    (nn.Conv3d(1, 2, 2), (1, 3, 3, 3)),
]


def dense(layer, shape):
    basis = torch.eye(torch.Size(shape).numel(), dtype=torch.float64).reshape(-1, *shape)
    return (layer(basis) - layer(torch.zeros_like(basis[:1]))).flatten(1).T


@pytest.mark.parametrize(("layer", "shape"), CONVOLUTIONS, ids=[str(i) for i in range(len(CONVOLUTIONS))])
def test_operator_norm_is_one_by_the_dense_matrix(layer, shape):
    layer = copy.deepcopy(layer).double()
    exact = torch.linalg.svdvals(dense(layer, shape).detach())[0]
    critic = constraints.make("sn_conv").prepare(nn.Sequential(layer))
    critic(torch.randn(2, *shape, generator=seeded(), dtype=torch.float64))
    weights = layer.parametrizations.weight
    weights[0].power.iterate_(weights.original, 300)
    torch.testing.assert_close(weights[0].power.sigma(weights.original).detach(), exact, rtol=1e-6, atol=0)
    assert torch.linalg.svdvals(dense(layer, shape).detach())[0].item() == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize(("layer", "shape"), CONVOLUTIONS[:6], ids=[str(i) for i in range(6)])
def test_operator_norm_agrees_with_the_package_s_other_implementation(layer, shape):
    from wgan_course import norms

    layer = copy.deepcopy(layer).double()
    power = spectral.OperatorPowerIteration(layer)
    power.see(layer.weight, torch.Size(shape))
    power.iterate_(layer.weight, 200)
    names = ("stride", "padding", "dilation", "groups", "padding_mode")
    geometry = {name: getattr(layer, name) for name in names}
    transposed = isinstance(layer, nn.ConvTranspose2d)
    norm = norms.conv_norm(layer.weight, shape, steps=200, transposed=transposed, **geometry)
    torch.testing.assert_close(power.sigma(layer.weight).detach(), norm, rtol=1e-4, atol=0)


def test_one_step_lags_behind_fast_weights_and_catches_up():
    layer = linear(32, 32)
    constraint = constraints.make("sn")
    constraint.prepare(layer)
    original = layer.parametrizations.weight.original
    with torch.no_grad():
        original.copy_(matrix(32, 32, seed=11))
    norms = [torch.linalg.svdvals(layer.weight.detach())[0].item() for _ in range(60)]
    assert norms[0] > 1.05
    assert norms[-1] == pytest.approx(1, abs=1e-2)


def test_reshaped_norm_is_off_by_the_root_of_the_kernel_and_the_operator_is_not():
    box = lambda: nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    norms = {}
    for name in ("sn", "sn_conv"):
        layer = box()
        nn.init.ones_(layer.weight)
        layer = layer.double()
        critic = constraints.make(name).prepare(nn.Sequential(layer))
        critic(torch.ones(1, 1, 8, 8, dtype=torch.float64))
        norms[name] = torch.linalg.svdvals(dense(layer, (1, 8, 8)).detach())[0].item()
    assert norms["sn"] == pytest.approx(3, rel=1e-9)
    assert norms["sn_conv"] == pytest.approx(1, rel=1e-4)


def operator_critic():
    return constraints.make("sn_conv").prepare(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(18, 1)))


def test_state_of_an_operator_loads_into_a_critic_that_saw_nothing():
    critic, x = operator_critic(), torch.randn(2, 1, 5, 5)
    critic(x)
    fresh = operator_critic()
    fresh.load_state_dict(critic.state_dict())
    assert torch.equal(fresh.eval()(x), critic.eval()(x))


def test_another_image_size_starts_anew():
    layer = nn.Conv2d(1, 2, 3)
    critic = constraints.make("sn_conv").prepare(nn.Sequential(layer))
    for size in (5, 8):
        critic(torch.randn(2, 1, size, size))
        assert layer.parametrizations.weight[0].power.v.shape == (1, 1, size, size)


# -- projection, as in Keras --------------------------------------------------------------------------


def test_projection_divides_the_stored_weight():
    constraint = constraints.make("sn_projected", steps=500)
    layer = constraint.prepare(linear())
    assert torch.linalg.svdvals(layer.weight)[0].item() == pytest.approx(1, rel=1e-9)
    layer.weight.data.mul_(0.1)
    constraint.project_(layer)
    assert torch.linalg.svdvals(layer.weight)[0].item() == pytest.approx(1, rel=1e-9)
    gradient = matrix(seed=5)
    (layer.weight * gradient).sum().backward()
    assert torch.equal(layer.weight.grad, gradient)


# -- bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sn", "sn_conv", "sn_projected", "weight_norm", "orthonormal"])
def test_preparing_twice_and_layers_that_escape_are_refused(name):
    with pytest.raises(ValueError, match="already"):
        constraints.make(name).prepare(constraints.make(name).prepare(network()))
    with pytest.raises(ValueError, match="no linear or convolution"):
        constraints.make(name).prepare(nn.Sequential(nn.ReLU()))
    with pytest.raises(ValueError, match="leave it free"):
        constraints.make(name).prepare(nn.Sequential(nn.Linear(4, 4), nn.LSTM(4, 4)))
    with pytest.raises(TypeError, match="Module"):
        constraints.make(name).prepare(lambda x: x)


@pytest.mark.parametrize("name", ["sn", "sn_conv", "sn_projected", "spectral_regularisation"])
def test_bad_step_counts_are_refused(name):
    with pytest.raises(ValueError, match="steps"):
        constraints.make(name, steps=0)
    with pytest.raises(TypeError, match="steps"):
        constraints.make(name, steps=1.5)


def test_projecting_an_unprepared_critic_is_refused():
    with pytest.raises(ValueError, match="prepare"):
        constraints.make("sn_projected").project_(network())
