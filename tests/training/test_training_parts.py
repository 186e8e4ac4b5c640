"""The parts of a training run one by one: freezing, averages, settings, streams, logs, checkpoints, odd networks."""

import copy
import errno
import os

import pytest
import torch
from torch import nn

from tests.training.tiny import Free, labelled, networks, ring, seeded, trainer
from wgan_course import _files, constraints
from wgan_course.models import mlp
from wgan_course.training import (
    Ema,
    SampledBatches,
    TensorBatches,
    Trainer,
    TrainingConfig,
    TrainingDivergedError,
    checkpoint,
    devices,
    frozen,
    runlog,
    runs,
    train,
    wgan_schedule,
)

# -- freezing ------------------------------------------------------------------------------------------


def test_frozen_gives_each_part_its_own_mode_back():
    """A batch norm that someone holds in evaluation mode must not wake up because the critic was frozen for a step."""
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Sequential(nn.Dropout()))
    network[1].eval()
    network[2][0].eval()
    before = [part.training for part in network.modules()]
    with frozen(network) as held:
        assert held is network
        assert not any(part.training for part in network.modules())
        assert not any(p.requires_grad for p in network.parameters())
    assert [part.training for part in network.modules()] == before
    assert before == [True, True, False, True, False]


def test_frozen_lets_gradients_through_to_the_input_and_none_into_the_weights():
    network, x = nn.Linear(2, 1), torch.ones(3, 2, requires_grad=True)
    with frozen(network):
        network(x).sum().backward()
    assert network.weight.grad is None
    torch.testing.assert_close(x.grad, network.weight.expand(3, 2))


def test_frozen_within_frozen():
    network = nn.Linear(2, 1)
    with frozen(network):
        with frozen(network):
            pass
        assert not network.weight.requires_grad
        assert not network.training
    assert network.weight.requires_grad
    assert network.training


# -- the moving average --------------------------------------------------------------------------------


def test_the_average_copies_buffers_and_never_learns():
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = Ema(network, 0.5)
    network(torch.randn(8, 2, generator=seeded()))
    average.update(network)
    assert torch.equal(average.module[1].running_mean, network[1].running_mean)
    assert torch.equal(average.module[1].num_batches_tracked, network[1].num_batches_tracked)
    assert not average.module.training
    assert not any(p.requires_grad for p in average.module.parameters())


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_the_average_after_k_equal_updates(decay):
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = Ema(network, decay)
    nn.init.ones_(network.weight)
    for k in range(1, 5):
        average.update(network)
        assert average.module.weight.item() == pytest.approx(1 - decay**k)


def test_the_average_keeps_tied_weights_tied():
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network[1].weight = network[0].weight
    average = Ema(network, 0.5)
    average.update(network)
    assert average.module[0].weight is average.module[1].weight


# -- settings ------------------------------------------------------------------------------------------

REFUSED = [
    *(("log_every", v) for v in (0, -1, 1.5, "5", None)),
    *(("checkpoint_every", v) for v in (0, 2.0)),
    *(("lr_critic", v) for v in (0, -1e-4, float("nan"))),
    *(("lr_generator", v) for v in (0, float("nan"))),
    *(("n_critic", v) for v in (0, -1, 2.5, 1.0)),
    *(("seed", v) for v in (-1, 0.5)),
    *(("ema", v) for v in (1, 1.5, -0.1, float("nan"))),
    *(("betas", v) for v in ((0.5, 1.0), (-0.1, 0.9), (0.5,), (0.1, 0.2, 0.3), (0.5, float("nan")))),
    *(("precision", v) for v in ("fp16", "", None)),
    *(("optimiser", v) for v in ("adamw", None)),
]


@pytest.mark.parametrize(("name", "value"), REFUSED, ids=str)
def test_settings_out_of_range_are_named_with_what_was_got(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be .*got"):
        TrainingConfig(**{name: value})


def test_settings_cannot_be_changed_afterwards():
    config = TrainingConfig()
    with pytest.raises(AttributeError):
        config.seed = 3
    assert config.critic_steps(0) == config.critic_steps(10**6) == 5
    assert TrainingConfig(n_critic=lambda step: step + 1).critic_steps(2) == 3


@pytest.mark.parametrize(("step", "expected"), [(0, 100), (24, 100), (25, 5), (499, 5), (500, 100), (501, 5)])
def test_the_schedule_of_the_first_wgan(step, expected):
    assert wgan_schedule()(step) == expected


def test_no_critic_steps_are_allowed_by_a_schedule():
    t = trainer(n_critic=lambda step: 0)
    before = copy.deepcopy(t.critic.state_dict())
    t.train_step()
    assert all(torch.equal(before[key], value) for key, value in t.critic.state_dict().items())
    assert t.step == 1


# -- odd networks and data -----------------------------------------------------------------------------


def test_a_critic_with_a_frozen_layer_trains_the_others():
    generator, critic = networks()
    first = critic.features[1]
    first.requires_grad_(False)
    before = first.weight.clone()
    done = train(
        generator,
        critic,
        SampledBatches(ring, 8, seeded()),
        constraints.make("gp"),
        2,
        config=TrainingConfig(device="cpu"),
    )
    assert torch.equal(done.critic.features[1].weight, before)
    assert not done.critic.features[1].weight.requires_grad
    assert done.critic.head.weight.grad is not None


@pytest.mark.parametrize("name", ["gp", "sn", "clip", "orthonormal"])
def test_batches_of_one_train(name):
    generator, critic = mlp.Generator(2, 2, (4,), rng=seeded()), mlp.Critic(2, (4, 4), rng=seeded(1))
    done = train(
        generator,
        critic,
        SampledBatches(ring, 1, seeded()),
        constraints.make(name),
        3,
        config=TrainingConfig(device="cpu", n_critic=2),
    )
    assert all(p.isfinite().all() for p in [*done.critic.parameters(), *done.generator.parameters()])


@pytest.mark.parametrize("name", ["none", "gp", "r1", "sn", "clip"])
def test_one_dimension_trains(name):
    line = lambda n, rng: torch.randn(n, 1, generator=rng) + 3
    generator, critic = mlp.Generator(1, 1, (4,), rng=seeded()), mlp.Critic(1, (4, 4), rng=seeded(1))
    config = TrainingConfig(device="cpu", n_critic=1)
    done = train(generator, critic, SampledBatches(line, 16, seeded()), constraints.make(name), 3, config=config)
    assert done.sample(5).shape == (5, 1)


def test_double_precision_trains_from_end_to_end():
    generator, critic = mlp.Generator(2, 2, (4,), dtype=torch.float64), mlp.Critic(2, (4,), dtype=torch.float64)
    wide = lambda n, rng: ring(n, rng).double()
    t = Trainer(generator, critic, SampledBatches(wide, 4, seeded()), Free(), config=TrainingConfig(device="cpu"))
    t.fakes = lambda n, **given: t.generator(torch.randn(n, 2, dtype=torch.float64))
    t.train_step()
    assert all(p.dtype == torch.float64 and p.isfinite().all() for p in t.critic.parameters())


@pytest.mark.parametrize("seeds", [(0, 0), (0, 1)])
def test_runs_of_one_seed_are_equal_and_of_two_are_not(seeds):
    runs_of = []
    for seed in seeds:
        t = trainer(constraints.make("gp"), seed=seed)
        t.fit(3)
        runs_of.append(torch.cat([p.detach().flatten() for p in t.critic.parameters()]))
    assert torch.equal(*runs_of) == (seeds[0] == seeds[1])


def test_samples_of_a_seed_repeat_for_any_count_of_labels():
    t = trainer(classes=3, batches=labelled())
    assert torch.equal(t.sample(7, seed=4), t.sample(7, seed=4))
    assert not torch.equal(t.sample(7, seed=4), t.sample(7, seed=5))
    same = t.sample(6, seed=4, labels=torch.tensor([0, 1, 2, 0, 1, 2]))
    assert torch.equal(same, t.sample(6, seed=4))


def test_divergence_before_any_checkpoint_says_so(tmp_path):
    t = trainer(folder=tmp_path, lr_critic=1e30, lr_generator=1e30, log_every=1)
    with pytest.raises(TrainingDivergedError, match="no checkpoint was written before"):
        t.fit(20)
    assert isinstance(TrainingDivergedError("x"), FloatingPointError)


# -- streams -------------------------------------------------------------------------------------------


def test_a_pass_leaves_the_incomplete_batch_out_and_begins_anew():
    batches = TensorBatches(torch.arange(7.0)[:, None], 3, seeded())
    first = torch.cat([batches.next()[0] for _ in range(2)]).flatten()
    assert len(first.unique()) == 6
    batches.next()
    assert batches.position == 3
    assert sorted(batches.order.tolist()) == list(range(7))


def test_streams_of_one_seed_are_equal_and_independent_of_the_global_state():
    data = torch.randn(20, 2, generator=seeded(9))
    torch.manual_seed(0)
    one = [TensorBatches(data, 4, seeded(1)).next()[0]]
    torch.manual_seed(5)
    two = [TensorBatches(data, 4, seeded(1)).next()[0]]
    assert torch.equal(one[0], two[0])
    assert not torch.equal(one[0], TensorBatches(data, 4, seeded(2)).next()[0])


@pytest.mark.parametrize("size", [0, -1, 1.0, "8", None])
def test_batch_sizes_that_are_none_are_refused(size):
    for make in (lambda: SampledBatches(ring, size, seeded()), lambda: TensorBatches(torch.ones(9, 2), size, seeded())):
        with pytest.raises(ValueError, match="batch must be a whole number"):
            make()


# -- checkpoints and logs ------------------------------------------------------------------------------


def test_a_checkpoint_of_another_format_is_refused(tmp_path):
    for content in ({"format": checkpoint.FORMAT + 1, "step": 3}, {"step": 3}, [1, 2]):
        torch.save(content, tmp_path / "c.pt")
        with pytest.raises(checkpoint.CheckpointError, match="format"):
            checkpoint.load(tmp_path / "c.pt")


def test_what_is_saved_is_read_back(tmp_path):
    state = {"a": torch.arange(3), "b": {"c": [1, 2.5, "x"]}, "flag": True}
    path = checkpoint.save(tmp_path / "deep" / "er" / "c.pt", state)
    found = checkpoint.load(path)
    assert torch.equal(found.pop("a"), state.pop("a"))
    assert found == {"format": checkpoint.FORMAT, **state}
    assert [file.name for file in path.parent.iterdir()] == ["c.pt"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_and_a_spent_quota_are_told_alike(tmp_path, monkeypatch, number):
    checkpoint.atomic_write(tmp_path / "f", b"old")

    def full(_handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(checkpoint.DiskFullError, match="Make room") as caught:
        checkpoint.atomic_write(tmp_path / "f", b"new")
    assert caught.value.errno == number
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["f"]


def test_folders_are_not_synced_where_that_is_not_possible(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(_files.os, "name", "nt")
    monkeypatch.setattr(_files.os, "open", lambda *a: opened.append(a))
    _files._sync_folder(tmp_path)
    assert opened == []


def test_resume_without_a_folder_asks_for_a_path(tmp_path):
    t = trainer()
    assert t.checkpoint_path is None
    with pytest.raises(ValueError, match="say which checkpoint"):
        t.resume()
    with pytest.raises(checkpoint.CheckpointError, match="no checkpoint at"):
        t.resume(tmp_path / "nothing.pt")


def test_a_checkpoint_may_be_read_by_a_trainer_in_another_folder(tmp_path):
    one = trainer(folder=tmp_path / "one")
    one.fit(4)
    two = trainer(folder=tmp_path / "two").resume(tmp_path / "one" / "checkpoint.pt")
    assert two.step == 4
    assert runlog.read(two.log.path) == []
    one.fit(6)
    two.fit(6)
    assert all(torch.equal(a, b) for a, b in zip(one.generator.parameters(), two.generator.parameters(), strict=True))


def test_logs_are_cut_at_most_at_their_end(tmp_path):
    log = runlog.RunLog(tmp_path / "new" / "log.jsonl")
    assert log.sync() == 0
    log.write({"a": 1})
    log.cut(10**6)
    assert runlog.read(log.path) == [{"a": 1}]
    log.cut(0)
    assert runlog.read(log.path) == []


def test_points_outside_the_picture_are_left_out():
    real, fake = torch.zeros(1, 2), torch.full((3, 2), 1e9)
    picture = runlog.point_picture(real, fake, 32, reach=1.0)
    assert picture.shape == (1, 1, 32, 32)
    assert int((picture == -1).sum()) == 0
    assert runlog.point_picture(torch.ones(2, 2), fake[:0], 16).min() == 0.5


# -- devices and options -------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu"), "meta"])
def test_devices_by_name_or_object(device):
    assert devices.choose(device) == torch.device(device)
    assert str(torch.device(device)).split(":")[0] in devices.describe(device)
    with devices.precision_context(device, "fp32"):
        assert not torch.is_autocast_enabled("cpu")


def test_a_run_with_threads_of_its_own(tmp_path):
    threads = torch.get_num_threads()
    try:
        options = runs.RunOptions(data="two-moons", steps=1, batch=4, width=4, latent=2, threads=1, out=tmp_path)
        result = runs.train_from_options(options, progress=False)
    finally:
        torch.set_num_threads(threads)
    assert result.record["step"] == 1
    assert result.samples.is_file()
    assert "two-moons" in result.data
