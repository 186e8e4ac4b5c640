"""Constraints under torch.compile and autocast: what agrees with eager full precision, and what is refused."""

import copy
import shutil

import pytest
import torch
from torch import nn

from wgan_course import constraints
from wgan_course.constraints import penalties, spectral

POINTS = tuple(torch.randn(6, 3, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
EPSILON = torch.rand(6, generator=torch.Generator().manual_seed(3))


def critic(name="none"):
    torch.manual_seed(0)
    made = constraints.make(name).prepare(nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)))
    for part in made.modules():
        if isinstance(part, nn.utils.parametrize.ParametrizationList) and hasattr(part[0], "power"):
            part[0].power.iterate_(part.original, 300)
    return made


def weights(network):
    return [parameter for parameter in network.parameters() if parameter.ndim > 1]


def same_gradient(one, other, networks, **tolerance):
    torch.testing.assert_close(one, other, **tolerance)
    got, wanted = (torch.autograd.grad(v, weights(n)) for v, n in zip((one, other), networks, strict=True))
    for first, second in zip(got, wanted, strict=True):
        torch.testing.assert_close(first, second, **tolerance)


@pytest.mark.parametrize("name", ["clip", "sn", "weight_norm"])
def test_a_compiled_critic_has_the_eager_values_and_weight_gradients(name):
    network = critic(name)
    twin = copy.deepcopy(network)
    compiled = torch.compile(network, backend="aot_eager")
    pairs = [torch.cat([f(POINTS[0]), f(POINTS[1])]).square().sum() for f in (compiled, twin)]
    same_gradient(*pairs, (network, twin), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["sn", "weight_norm"])
def test_a_compiled_penalty_over_a_normalised_critic_is_the_eager_one(name):
    network, constraint = critic(name), constraints.make("gp")
    twin = copy.deepcopy(network)
    function = penalties.compile_penalty(constraint, network, backend="aot_eager")
    got, wanted = function(*POINTS, EPSILON), constraint.penalty(twin, *POINTS, epsilon=EPSILON)
    same_gradient(got, wanted, (network, twin), rtol=1e-4, atol=1e-5)
    assert all(part.training for part in network.modules())


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="inductor needs a C++ compiler")
def test_inductor_gives_the_eager_penalty():
    network, constraint = critic("sn"), constraints.make("gp")
    twin = copy.deepcopy(network)
    got = penalties.compile_penalty(constraint, network)(*POINTS, EPSILON)
    same_gradient(got, constraint.penalty(twin, *POINTS, epsilon=EPSILON), (network, twin), rtol=1e-4, atol=1e-5)


def test_only_penalties_on_given_points_are_compiled():
    for name in ("dragan", "clip", "sn", "none", "spectral_regularisation"):
        with pytest.raises(TypeError, match="one of gp, lp and r1"):
            penalties.compile_penalty(constraints.make(name), critic())


def test_a_compiled_part_of_a_critic_is_found():
    network = nn.Sequential(
        nn.Linear(3, 4), torch.compile(nn.Sequential(nn.Tanh(), nn.Linear(4, 1)), backend="aot_eager")
    )
    with pytest.raises(RuntimeError, match="compile_penalty"):
        constraints.make("gp").penalty(network, *POINTS, epsilon=EPSILON)
    with torch.no_grad():
        assert constraints.make("gp").penalty(network, *POINTS, epsilon=EPSILON).isfinite()


def test_the_graph_s_nodes_are_listed_once():
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    nodes = penalties.graph_nodes((y + y).sum())
    assert len(nodes) == len(set(nodes)) == 4
    penalties.refuse_single_use((y + y).sum(), y)


def test_held_stops_the_iteration_and_lets_it_go_on():
    network = critic("sn")
    power, original = network[0].parametrizations.weight[0].power, network[0].parametrizations.weight.original
    network(POINTS[0])
    with torch.no_grad():
        original.copy_(original.flip(0))
    before = power.u.clone()
    with spectral.held(network):
        network(POINTS[0])
        assert torch.equal(power.u, before)
    network(POINTS[0])
    assert not torch.equal(power.u, before)
    network.eval()
    with spectral.held(network):
        pass
    assert not any(part.training for part in network.modules())


def test_held_lets_go_after_an_error():
    network = critic("sn")
    with pytest.raises(ZeroDivisionError), spectral.held(network):
        raise ZeroDivisionError
    assert all(part.training for part in network.modules())


# -- bfloat16 on the CPU against float32 ---------------------------------------------------------------


def wide(name):
    torch.manual_seed(0)
    body = nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)
    return constraints.make(name).prepare(nn.Sequential(*body))


def mixed_and_full(name, value):
    """The value and its weight gradients, in float32 and under autocast, from equal networks."""
    made = wide(name)
    results = []
    for network, enabled in ((made, False), (copy.deepcopy(made), True)):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            result = value(network)
        results.append((result, torch.autograd.grad(result, weights(network))))
    return results


LARGE = tuple(torch.randn(64, 8, generator=torch.Generator().manual_seed(seed)) for seed in (4, 5))


@pytest.mark.parametrize("penalty", ["gp", "lp", "r1", "dragan", "spectral_regularisation"])
@pytest.mark.parametrize("name", ["none", "sn", "weight_norm"])
def test_penalties_under_autocast_are_those_of_full_precision(name, penalty):
    if penalty == "spectral_regularisation" and name != "none":
        return
    constraint = constraints.make(penalty)
    prepared = name if name != "none" else penalty
    rng = lambda: torch.Generator().manual_seed(6)
    (full, want), (mixed, have) = mixed_and_full(prepared, lambda n: constraint.penalty(n, *LARGE, rng()))
    assert mixed.dtype == torch.float32
    assert mixed.item() == pytest.approx(full.item(), rel=0.03, abs=1e-3)
    for one, other in zip(want, have, strict=True):
        if one.norm() > 1e-6:
            assert nn.functional.cosine_similarity(one.flatten(), other.flatten(), dim=0) > 0.998


@pytest.mark.parametrize("name", ["sn", "sn_projected", "weight_norm", "orthonormal"])
def test_normalised_critics_under_autocast_keep_weights_and_vectors_in_full_precision(name):
    network = wide(name)
    for part in network.modules():
        if isinstance(part, spectral.SpectralNorm):
            part.steps = 100
    network(LARGE[0])
    full = [layer.weight.clone() for layer in network if isinstance(layer, nn.Linear)]
    with torch.autocast("cpu", dtype=torch.bfloat16), spectral.held(network):
        scores = network(LARGE[0])
        mixed = [layer.weight for layer in network if isinstance(layer, nn.Linear)]
        scores.float().mean().backward()
    assert scores.dtype == torch.bfloat16
    for one, other in zip(full, mixed, strict=True):
        assert other.dtype == torch.float32
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert all(tensor.dtype == torch.float32 for tensor in network.state_dict().values())
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())
