"""Upper bounds of modules that are not what their type says: hooks, forwards of their own, and the protocols."""

import math

import pytest
import torch
from torch import nn

from wgan_course import constraints, norms
from wgan_course.models import layers, mlp


def identity(n=3):
    layer = nn.Linear(n, n, bias=False)
    nn.init.eye_(layer.weight)
    return layer


def times_ten(_module, _arguments, output):
    return 10 * output


def input_times_ten(_module, arguments):
    return (10 * arguments[0],)


def named_times_ten(_module, arguments, named):
    return (10 * arguments[0],), named


DISGUISED = {
    "forward hook": lambda layer: layer.register_forward_hook(times_ten),
    "pre-hook": lambda layer: layer.register_forward_pre_hook(input_times_ten),
    "pre-hook with names": lambda layer: layer.register_forward_pre_hook(named_times_ten, with_kwargs=True),
    "forward of the instance": lambda layer: setattr(layer, "forward", lambda x: 10 * x),
}


@pytest.mark.parametrize("disguise", DISGUISED)
@pytest.mark.parametrize("deep", [False, True])
def test_layers_whose_output_something_changes_are_refused(disguise, deep):
    layer = identity()
    network = nn.Sequential(nn.Sequential(nn.Identity(), layer)) if deep else layer
    assert norms.lipschitz_upper(network, (3,)) == pytest.approx(1)
    DISGUISED[disguise](layer)
    with pytest.raises(norms.NoLipschitzBoundError, match="hook"):
        norms.lipschitz_upper(network, (3,))
    with pytest.raises(norms.NoLipschitzBoundError, match="hook"):
        norms.lipschitz_interval(network, torch.randn(4, 3), torch.Generator().manual_seed(0))


def test_a_hook_on_a_part_of_a_residual_block_is_refused_too():
    block = layers.ResidualBlock(2, 2)
    block.main[1].register_forward_hook(times_ten)
    with pytest.raises(norms.NoLipschitzBoundError, match="hook"):
        norms.lipschitz_upper(block, (2, 4, 4))


def test_the_hook_that_only_looks_is_let_through():
    critic = constraints.make("sn_conv").prepare(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(18, 1)))
    for _ in range(100):
        critic(torch.ones(1, 1, 5, 5))
    assert norms.lipschitz_upper(critic, (1, 5, 5)) < 1.8


class Doubled(nn.Module):
    lipschitz = 2.0

    def forward(self, x):
        return 2 * x


class Steeper(Doubled):
    def forward(self, x):
        return 20 * x


class SteeperAndToldSo(Steeper):
    lipschitz = 20.0


class SteepBlock(layers.ResidualBlock):
    def forward(self, x):
        return 10 * super().forward(x)


class SteepCritic(mlp.Critic):
    def forward(self, x, labels=None):
        return 10 * super().forward(x, labels)


class SteepSort(layers.GroupSort):
    def forward(self, x):
        return 10 * super().forward(x)


def test_a_protocol_holds_for_the_forward_that_it_was_given_to():
    assert norms.lipschitz_upper(Doubled(), (3,)) == 2
    assert norms.lipschitz_upper(SteeperAndToldSo(), (3,)) == 20
    told = Steeper()
    told.lipschitz = 20.0
    assert norms.lipschitz_upper(told, (3,)) == 20


@pytest.mark.parametrize(
    ("network", "shape"),
    [(Steeper(), (3,)), (SteepBlock(2, 2), (2, 4, 4)), (SteepCritic(3, (4,)), (3,)), (SteepSort(), (4,))],
    ids=["attribute", "block", "critic", "sort"],
)
def test_a_subclass_with_another_forward_is_refused(network, shape):
    with pytest.raises(norms.NoLipschitzBoundError, match="forward of its own"):
        norms.lipschitz_upper(network, shape)


class Chain(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = identity(), Doubled()

    def lipschitz_factors(self):
        return [self.first, nn.Sequential(self.second, Doubled())]

    def forward(self, x):
        return 2 * self.second(self.first(x))


def test_factors_are_opened_into_layers():
    assert norms.layer_bounds(Chain(), (3,)) == [("Linear", 1.0), ("Doubled", 2.0), ("Doubled", 2.0)]


# -- numbers far from 1 -------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-36, 1e-30, 3e-12, 1.0, 3e10, 3e30, 1e36])
def test_power_iteration_at_any_scale_of_single_precision(scale):
    matrix = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    exact = torch.linalg.svdvals(matrix.double())[0].item()
    found = norms.power_iteration(matrix * scale, rng=torch.Generator().manual_seed(1), steps=300)
    assert found.sigma.item() == pytest.approx(exact * scale, rel=1e-4)
    assert found.u.norm().item() == pytest.approx(1, rel=1e-5)
    assert found.v.norm().item() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_norms_at_any_scale_of_single_precision(scale):
    generator = torch.Generator().manual_seed(0)
    matrix, kernel = torch.randn(6, 4, generator=generator), torch.randn(2, 3, 3, 3, generator=generator)
    for norm in (norms.frobenius_norm, norms.spectral_norm, norms.induced_norm):
        assert norm(matrix * scale).item() == pytest.approx(norm(matrix.double()).item() * scale, rel=1e-4)
    exact = norms.conv_norm(kernel.double(), (3, 5, 5)).item()
    assert norms.conv_norm(kernel * scale, (3, 5, 5)).item() == pytest.approx(exact * scale, rel=1e-3)


def test_frobenius_norm_of_zero_and_of_batches():
    assert norms.frobenius_norm(torch.zeros(2, 3)) == 0
    batch = torch.stack([torch.zeros(2, 2), torch.full((2, 2), 3e30), torch.eye(2)])
    torch.testing.assert_close(norms.frobenius_norm(batch), torch.tensor([0.0, 6e30, math.sqrt(2)]))
