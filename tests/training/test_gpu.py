"""The real thing, where there is one: a step of every model with every constraint, and what must cross devices.

The same bodies run on the CPU, so that they are known to be right before a machine with an accelerator meets them.
"""

import copy
import math

import pytest
import torch

from tests.training.test_meta import models
from wgan_course import constraints
from wgan_course.training import SampledBatches, TensorBatches, Trainer, TrainingConfig, devices

MISSING = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, MISSING])]
ON = pytest.mark.parametrize("device", DEVICES)


def networks(model, classes, act, device):
    generator, critic, shape = models(model, classes, act)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pair = [network.to_empty(device=device) for network in (generator, critic)]
        for network in pair:
            for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
                tensor.data.zero_() if name.endswith("num_batches_tracked") else tensor.data.normal_(std=0.3)
            for name, tensor in network.named_buffers():
                if name.endswith("running_var"):
                    tensor.fill_(1.0)
    return (*pair, shape)


def made(name, model, device, classes=None, **config):
    act = "groupsort" if name == "orthonormal" else "relu"
    generator, critic, shape = networks(model, classes, act, device)
    rng = torch.Generator().manual_seed(1)
    samples = torch.rand(12, *shape, generator=rng) * 2 - 1
    labels = torch.arange(12) % classes if classes else None
    config = TrainingConfig(**{"device": device, "n_critic": 2, "ema": 0.9, **config})
    return Trainer(generator, critic, TensorBatches(samples, 4, rng, labels), constraints.make(name), config=config)


@ON
@pytest.mark.parametrize("model", ["mlp", "mlp-layer-norm", "dcgan", "resnet"])
@pytest.mark.parametrize("name", constraints.NAMES)
def test_one_step_of_every_model_with_every_constraint(name, model, device):
    trainer = made(name, model, device, classes=3)
    trainer.train_step()
    tensors = [*trainer.critic.state_dict().values(), *trainer.generator.state_dict().values()]
    assert all(tensor.device.type == device and tensor.isfinite().all() for tensor in tensors)
    assert trainer.sample(3).device.type == device
    assert all(map(math.isfinite, trainer.meters.read()[0].values()))


@ON
@pytest.mark.parametrize("name", ["gp", "sn", "sn_conv", "spectral_regularisation"])
def test_a_critic_that_was_copied_to_the_device_goes_on_there(name, device):
    trainer = made(name, "dcgan", "cpu")
    trainer.train_step()
    moved = copy.deepcopy(trainer.critic).to(device)
    x = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(moved(x.to(device)).cpu(), trainer.critic(x), rtol=1e-3, atol=1e-3)
    moved(x.to(device)).sum().backward()
    trainer.constraint.project_(moved)
    assert all(tensor.device.type == device for tensor in moved.state_dict().values())


@ON
@pytest.mark.parametrize("name", ["gp", "sn_conv", "sn_projected"])
def test_resume_on_the_device_equals_going_on(name, device, tmp_path):
    """A checkpoint is read to the CPU, and lands where the networks are."""
    one = made(name, "dcgan", device)
    one.folder = None
    one.train_step()
    state = {key: value for key, value in one.state_dict().items()}
    torch.save(state, tmp_path / "state.pt")
    two = made(name, "dcgan", device)
    two.load_state_dict(torch.load(tmp_path / "state.pt", map_location="cpu", weights_only=True))
    for trainer in (one, two):
        trainer.train_step()
    for a, b in zip(one.critic.parameters(), two.critic.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@ON
def test_the_penalty_on_the_device_is_that_of_the_cpu(device):
    network, real, fake = torch.nn.Linear(3, 1), torch.randn(8, 3), torch.randn(8, 3)
    epsilon = torch.rand(8)
    here = constraints.make("gp").penalty(network, real, fake, epsilon=epsilon)
    moved = (tensor.to(device) for tensor in (real, fake))
    there = constraints.make("gp").penalty(copy.deepcopy(network).to(device), *moved, epsilon=epsilon)
    assert there.device.type == device
    torch.testing.assert_close(there.cpu(), here, rtol=1e-5, atol=1e-6)


@ON
def test_generators_of_the_cpu_draw_for_networks_on_the_device(device):
    network, batch = torch.nn.Linear(3, 1).to(device), torch.randn(8, 3).to(device)
    values = [
        constraints.make(name).penalty(network, batch, batch + 1, torch.Generator().manual_seed(3))
        for name in ("gp", "dragan")
        for _ in range(2)
    ]
    assert torch.equal(values[0], values[1])
    assert torch.equal(values[2], values[3])


@ON
def test_bfloat16_keeps_weights_in_float32(device):
    trainer = made("gp", "mlp", device, precision="bf16")
    trainer.train_step()
    assert {p.dtype for p in trainer.critic.parameters()} == {torch.float32}
    assert devices.make_generator(device, 0).device.type == device


@ON
def test_points_drawn_on_the_cpu_reach_the_device(device):
    generator, critic, _ = networks("mlp", None, "relu", device)
    on_cpu = SampledBatches(lambda n, rng: torch.randn(n, 2, generator=rng), 4, torch.Generator().manual_seed(0))
    config = TrainingConfig(device=device, n_critic=1)
    trainer = Trainer(generator, critic, on_cpu, constraints.make("lp"), config=config)
    trainer.train_step()
    assert trainer.step == 1


@pytest.fixture
def same_algorithms():
    """Convolutions whose sums are taken in one order, so that two runs can be compared to the last digits."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    yield
    torch.backends.cudnn.deterministic = before


@pytest.mark.gpu
@MISSING
@pytest.mark.usefixtures("same_algorithms")
@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", constraints.NAMES)
def test_twenty_captured_rounds_are_twenty_eager_ones(name, precision, classes):
    """The same random numbers in the same order, so the same parameters; `test_graph` does it on a tape."""
    eager, captured = (
        made(name, "dcgan", "cuda", classes, graph=graph, precision=precision, log_every=20) for graph in (False, True)
    )
    assert captured.captured is not None
    records = [trainer.fit(20) for trainer in (eager, captured)]
    assert len(captured.captured.replays) == 1
    band = 1e-5 if precision == "fp32" else 1e-2
    for a, b in zip(eager.critic.parameters(), captured.critic.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=band, atol=band)
    assert records[0] == pytest.approx(records[1], rel=1e-2, abs=1e-2)
    assert torch.equal(eager.rngs["latent"].get_state(), captured.rngs["latent"].get_state())


@pytest.mark.gpu
@MISSING
@pytest.mark.parametrize("name", constraints.NAMES)
def test_the_host_never_waits_between_two_logs(name):
    trainer = made(name, "dcgan", "cuda", log_every=10)
    trainer.batches.samples = trainer.batches.samples.cuda()
    trainer.fit(10)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(8):
            trainer.train_step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


class Looking(torch.nn.Module):
    """A critic that asks the device for a number, which a recording may not."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x) * (1.0 if float(x.detach().abs().max()) >= 0 else 0.0)


@pytest.mark.gpu
@MISSING
def test_a_critic_that_looks_at_the_device_is_trained_without_a_graph(caplog):
    generator, critic, shape = networks("mlp", None, "relu", "cuda")
    samples = torch.rand(12, *shape, generator=torch.Generator().manual_seed(1))
    batches = TensorBatches(samples, 4, torch.Generator().manual_seed(1))
    config = TrainingConfig(device="cuda", n_critic=2, graph=True)
    trainer = Trainer(generator, Looking(critic), batches, constraints.make("gp"), config=config)
    with caplog.at_level("WARNING"):
        record = trainer.fit(8)
    assert trainer.captured is None
    assert "cannot be captured" in caplog.text
    assert all(math.isfinite(record[name]) for name in ("critic_loss", "estimate", "generator_loss"))


@pytest.mark.gpu
@MISSING
@pytest.mark.usefixtures("same_algorithms")
@pytest.mark.parametrize("name", ["gp", "sn"])
def test_a_resumed_run_of_captured_rounds_equals_one_that_went_on(name, tmp_path):
    whole, first = (made(name, "dcgan", "cuda", graph=True) for _ in range(2))
    for trainer in (whole, first):
        trainer.fit(6)
    torch.save(first.state_dict(), tmp_path / "state.pt")
    second = made(name, "dcgan", "cuda", graph=True)
    second.load_state_dict(torch.load(tmp_path / "state.pt", map_location="cpu", weights_only=True))
    for trainer in (whole, second):
        trainer.fit(14)
    for a, b in zip(whole.critic.parameters(), second.critic.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
