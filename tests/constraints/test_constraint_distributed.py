"""Constraints in DistributedDataParallel: two processes train as one does; a static graph is refused."""

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from tests.training.tiny import in_two_processes
from wgan_course import constraints, objectives

pytestmark = pytest.mark.xdist_group("two-processes")
NAMES = ("gp", "sn", "sn_projected", "clip", "spectral_regularisation")


def critic():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()


def data(step=0):
    rng = torch.Generator().manual_seed(1 + step)
    return [torch.randn(8, 3, generator=rng, dtype=torch.float64) for _ in range(2)] + [
        torch.rand(8, generator=rng, dtype=torch.float64)
    ]


def loss(constraint, network, real, fake, epsilon):
    objective = objectives.make("wasserstein").critic_loss(network(real), network(fake))
    given = {"epsilon": epsilon} if constraint.name == "gp" else {}
    return objective + constraint.penalty(network, real, fake, **given)


def train(name, rows=slice(None), wrap=lambda network: network):
    """Three steps; the weights and buffers that come out, and the first step's gradient."""
    constraint = constraints.make(name)
    network = wrap(constraint.prepare(critic()))
    optimizer, first = torch.optim.SGD(network.parameters(), 0.2), None
    for step in range(3):
        optimizer.zero_grad()
        loss(constraint, network, *(tensor[rows] for tensor in data(step))).backward()
        first = first or [p.grad.clone() for p in network.parameters()]
        optimizer.step()
        constraint.project_(network)
    plain = network.module if isinstance(network, DistributedDataParallel) else network
    return {"state": plain.state_dict(), "gradient": first}


def worker(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    half = slice(4 * rank, 4 * rank + 4)
    done = {name: train(name, half, DistributedDataParallel) for name in NAMES}
    torch.save(done, f"{folder}/done{rank}")
    try:
        static = DistributedDataParallel(critic(), static_graph=True)
        loss(constraints.make("gp"), static, *data())
        reason = "not refused"
    except RuntimeError as error:
        reason = str(error)
    torch.save(reason, f"{folder}/reason{rank}")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("two")
    in_two_processes(worker, made)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_two_processes_train_as_one_does(folder, name, rank):
    """Halves of a batch, gradients averaged: the same gradient, weights, u and v as the whole batch gives."""
    done, alone = torch.load(folder / f"done{rank}")[name], train(name)
    for one, other in zip(done["gradient"], alone["gradient"], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)
    assert done["state"].keys() == alone["state"].keys()
    for key, value in alone["state"].items():
        torch.testing.assert_close(done["state"][key], value, rtol=1e-8, atol=1e-10)


@pytest.mark.slow
def test_the_whole_batch_is_not_its_halves(folder):
    """The comparison can fail: without averaging, half a batch has another gradient."""
    alone = train("gp", slice(0, 4))
    done = torch.load(folder / "done0")["gp"]
    assert not torch.allclose(alone["gradient"][0], done["gradient"][0], rtol=1e-3)


@pytest.mark.slow
def test_a_static_graph_is_refused_with_the_cure(folder):
    for rank in range(2):
        assert "static_graph=False" in torch.load(folder / f"reason{rank}")
