"""Twenty uses of spectral normalisation, by others' loops and tools: each layer's norm stays within a tenth of 1."""

import copy
import os

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import parameters_to_vector, parametrize, vector_to_parameters
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from wgan_course import constraints
from wgan_course.models import dcgan, layers, mlp


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


X = torch.randn(16, 2, generator=seeded(1))


def critic(name="sn"):
    return constraints.make(name).prepare(mlp.Critic(2, (32, 32), rng=seeded()))


def worst(network):
    """How far the norm of the worst layer is from 1, by SVD; looking changes nothing."""
    network = copy.deepcopy(network).eval()
    matrices = [layer.weight.detach().flatten(1) for layer in network.modules() if hasattr(layer, "parametrizations")]
    return max(abs(torch.linalg.svdvals(m.double())[0].item() - 1) for m in matrices)


def forwards(network, x=X, count=20):
    for _ in range(count):
        network(x)


def descend(network, optimiser, count=100, x=X, accumulate=1, closure=False):
    """A loop of somebody's own: it knows of no projection."""

    def loss():
        optimiser.zero_grad()
        for _ in range(accumulate):
            value = network(x).float().mean() - network(-x).float().mean()
            value.backward()
        return value

    for _ in range(count):
        optimiser.step(loss) if closure else (loss(), optimiser.step())


def optimised(make, **options):
    def use():
        network = critic()
        descend(network, make(network.parameters()), **options)
        return network

    return use


def through_data():
    network = critic()
    for i, parameter in enumerate(network.parameters()):
        parameter.data.normal_(generator=seeded(i))
    forwards(network)
    return network


def from_a_vector():
    network = critic()
    vector_to_parameters(
        torch.randn(len(parameters_to_vector(network.parameters())), generator=seeded(2)), network.parameters()
    )
    forwards(network)
    return network


def averaged():
    network = critic()
    ema = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=False)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(50):
        descend(network, optimiser, 1)
        ema.update_parameters(network)
    forwards(ema)
    return ema


def loaded():
    network, other = critic(), critic()
    descend(other, torch.optim.Adam(other.parameters(), 1e-2))
    network.load_state_dict(other.state_dict())
    return network


def functional():
    network = critic()
    state = {name: 3 * torch.randn(p.shape, generator=seeded(3)) for name, p in network.named_parameters()}
    for _ in range(20):
        torch.func.functional_call(network, state, (X,))
    network.load_state_dict(state, strict=False)
    return network


def transformed():
    """Inside torch.func nothing may be changed: the vectors stay, and forwards outside bring them up to date."""
    network = critic()
    state = {name: p.detach() for name, p in network.named_parameters()}
    torch.func.grad(lambda s: torch.func.functional_call(network, s, (X,)).mean())(state)
    forwards(network, count=1)
    return network


def copied():
    network = copy.deepcopy(critic())
    descend(network, torch.optim.Adam(network.parameters(), 1e-3, fused=True))
    return network


def compiled():
    network = critic()
    descend(torch.compile(network, backend="aot_eager"), torch.optim.Adam(network.parameters(), 1e-3), 30)
    return network


def mixed():
    network = critic()
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    with torch.autocast("cpu", torch.bfloat16):
        descend(network, optimiser, 50)
    return network


def distributed(folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=0, world_size=1)
    try:
        network = DistributedDataParallel(critic())
        descend(network, torch.optim.Adam(network.parameters(), 1e-3), 50)
        return network.module
    finally:
        dist.destroy_process_group()


def frozen_in_between():
    network = critic()
    descend(network, torch.optim.Adam(network.parameters(), 1e-3), 50)
    network.requires_grad_(False).eval()
    before = copy.deepcopy(network.state_dict())
    forwards(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    return network


def cached():
    network = critic()
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(50):
        with parametrize.cached():
            loss = network(X).mean() - network(-X).mean()
            loss = loss + constraints.make("gp").penalty(network, X, -X, seeded())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network


def scaled(factor):
    def use():
        network = critic()
        for parameter in network.parameters():
            parameter.data.mul_(factor)
        forwards(network)
        return network

    return use


def after_zero():
    network = critic()
    for parameter in network.parameters():
        parameter.data.zero_()
    forwards(network, count=2)
    network(X).sum().backward()
    assert all(p.grad.isfinite().all() for p in network.parameters())
    for i, parameter in enumerate(network.parameters()):
        parameter.data.normal_(generator=seeded(i))
    forwards(network)
    return network


def in_half(dtype):
    def use():
        network = critic().to(dtype)
        descend(network, torch.optim.SGD(network.parameters(), 1e-2), 30, X.to(dtype))
        return network

    return use


def channels_last():
    network = constraints.make("sn").prepare(dcgan.Critic(28, 1, 4, rng=seeded())).to(memory_format=torch.channels_last)
    x = torch.randn(2, 1, 28, 28, generator=seeded(4)).to(memory_format=torch.channels_last)
    descend(network, torch.optim.Adam(network.parameters(), 1e-3), 20, x)
    return network


def initialised():
    return layers.initialise_(critic(), "dcgan", seeded(5))


def assigned():
    network = critic()
    with torch.no_grad():
        network.features[1].weight = torch.randn(32, 2, generator=seeded(6))
    return network


USES = {
    "Adam": optimised(lambda p: torch.optim.Adam(p, 1e-3, foreach=False)),
    "Adam fused": optimised(lambda p: torch.optim.Adam(p, 1e-3, fused=True)),
    "Adam foreach": optimised(lambda p: torch.optim.Adam(p, 1e-3, foreach=True)),
    "SGD": optimised(lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
    "RMSprop": optimised(lambda p: torch.optim.RMSprop(p, 1e-3)),
    "LBFGS": optimised(lambda p: torch.optim.LBFGS(p, 1e-2), count=10, closure=True),
    "gradient accumulation": optimised(lambda p: torch.optim.Adam(p, 1e-3), accumulate=3),
    "p.data": through_data,
    "vector_to_parameters": from_a_vector,
    "moving average": averaged,
    "load_state_dict": loaded,
    "functional_call": functional,
    "torch.func.grad": transformed,
    "deepcopy": copied,
    "compile": compiled,
    "autocast": mixed,
    "frozen, evaluation": frozen_in_between,
    "cached, with a penalty": cached,
    "tiny": scaled(1e-30),
    "huge": scaled(1e30),
    "after zero": after_zero,
    "bfloat16": in_half(torch.bfloat16),
    "float16": in_half(torch.float16),
    "channels last": channels_last,
    "initialise_": initialised,
    "layer.weight =": assigned,
}


@pytest.mark.parametrize("use", USES)
def test_norms_stay_within_a_tenth_of_one(use):
    assert worst(USES[use]()) < 0.1


@pytest.mark.skipif(not dist.is_available() or os.name == "nt", reason="needs gloo")
def test_norms_stay_within_a_tenth_of_one_in_a_process_group(tmp_path):
    assert worst(distributed(tmp_path)) < 0.1


def test_the_oracle_sees_a_stale_norm():
    network = critic().eval()
    weights = network.features[1].parametrizations.weight
    x, y = weights[0].power.v.tolist()
    weights.original.data = torch.zeros(32, 2)
    weights.original.data[:2] = torch.tensor([[x, y], [-3 * y, 3 * x]])  # of norm 3, and of norm 1 at v
    assert worst(network) > 0.1


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1.0, 1e20, 1e30])
def test_gradient_is_exact_at_any_scale(scale):
    layer = constraints.make("sn").prepare(nn.Linear(4, 6)).eval()
    reference = copy.deepcopy(layer).double()
    for part, factor in ((layer, scale), (reference, 1.0)):
        part.parametrizations.weight.original.data.mul_(factor)
        (part.weight * part.weight.detach().flip(0)).sum().backward()
    got = layer.parametrizations.weight.original.grad.double() * scale
    torch.testing.assert_close(got, reference.parametrizations.weight.original.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["weight_norm", "orthonormal"])
@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_other_normalised_layers_keep_their_norm_at_any_scale(name, scale):
    network = nn.Sequential(nn.Linear(4, 6, bias=False))
    prepared = constraints.make(name).prepare(network)
    before = prepared[0].weight.detach().clone()
    prepared[0].parametrizations.weight.original.data.mul_(scale)
    torch.testing.assert_close(prepared[0].weight.detach(), before, rtol=1e-3, atol=1e-4)
