"""The penalty in DistributedDataParallel: two processes have the gradient of one; a static graph is refused."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from wgan_course import constraints, objectives


def critic():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()


def data():
    rng = torch.Generator().manual_seed(1)
    return [torch.randn(8, 3, generator=rng, dtype=torch.float64) for _ in range(2)] + [
        torch.rand(8, generator=rng, dtype=torch.float64)
    ]


def loss(network, real, fake, epsilon):
    objective = objectives.make("wasserstein").critic_loss(network(real), network(fake))
    return objective + constraints.make("gp").penalty(network, real, fake, epsilon=epsilon)


def worker(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    network = DistributedDataParallel(critic())
    loss(network, *(tensor[4 * rank : 4 * rank + 4] for tensor in data())).backward()
    torch.save([p.grad for p in network.module.parameters()], f"{folder}/gradient{rank}")
    try:
        loss(DistributedDataParallel(critic(), static_graph=True), *data())
        reason = "not refused"
    except RuntimeError as error:
        reason = str(error)
    torch.save(reason, f"{folder}/reason{rank}")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_have_the_gradient_of_one_and_refuse_a_static_graph(tmp_path):
    mp.spawn(worker, args=(str(tmp_path),), nprocs=2)
    alone = critic()
    loss(alone, *data()).backward()
    for rank in range(2):
        gradients = torch.load(tmp_path / f"gradient{rank}")
        for one, parameter in zip(gradients, alone.parameters(), strict=True):
            torch.testing.assert_close(one, parameter.grad, rtol=1e-10, atol=1e-12)
        assert "static_graph" in torch.load(tmp_path / f"reason{rank}")
