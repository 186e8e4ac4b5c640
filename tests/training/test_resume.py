"""Resume to the bit, also after SIGKILL; atomic files; a full disk."""

import errno
import os
import signal
import time

import pytest
import torch

from tests.training.tiny import Free, in_a_process, labelled, ring, seeded, trainer
from wgan_course import constraints
from wgan_course.training import SampledBatches, TensorBatches, checkpoint
from wgan_course.training.checkpoint import CheckpointError, DiskFullError
from wgan_course.training.runlog import RunLog, read
from wgan_course.training.runs import RunOptions, train_from_options

SETTINGS = {"ema": 0.9, "log_every": 3, "checkpoint_every": 5}


def train_on_8_gaussians(out, resume, steps):
    options = RunOptions(
        data="eight-gaussians", constraint="gp", steps=steps, batch=16, n_critic=2, width=8, latent=2, ema=0.9,
        log_every=3, checkpoint_every=10, sample_every=1000, threads=1, device="cpu", out=out, resume=resume,
    )  # fmt: skip
    train_from_options(options, progress=False)


def same(a, b):
    """Compare nested states to the bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


@pytest.mark.parametrize(
    "name", ["clip", "gp", "sn", "dragan", "spectral_regularisation", "orthonormal", "weight_norm"]
)
@pytest.mark.parametrize("classes", [None, 3])
def test_resume_equals_going_on(tmp_path, name, classes):
    def make(folder):
        return trainer(constraints.make(name), classes, tmp_path / folder, **SETTINGS)

    whole, first = make("whole"), make("parts")
    whole.fit(12)
    first.fit(5)
    second = make("parts").resume()
    assert second.step == 5
    second.fit(12)
    assert same(whole.state_dict(), second.state_dict())
    whole_log, parts_log = (read(tmp_path / f / "log.jsonl") for f in ("whole", "parts"))
    assert [r for r in parts_log if r["step"] != 5][-2:] == whole_log[-2:]


def test_state_differs_where_something_differs(tmp_path):
    """The comparison above can fail."""
    a, b = trainer(**SETTINGS), trainer(**SETTINGS)
    assert same(a.state_dict(), b.state_dict())
    b.rngs["latent"].manual_seed(5)
    assert not same(a.state_dict(), b.state_dict())


def kill_after_checkpoint(process, folder, log_lines):
    """Wait until a checkpoint and some log lines after it exist, then SIGKILL."""
    until = time.monotonic() + 120
    while time.monotonic() < until and process.is_alive():
        log = folder / "log.jsonl"
        if (folder / "checkpoint.pt").is_file() and log.is_file() and log.read_bytes().count(b"\n") >= log_lines:
            break
        time.sleep(0.002)
    process.kill()
    process.join()


@pytest.mark.slow
def test_resume_after_sigkill_is_exact_to_the_bit(tmp_path):
    steps = 120
    whole = in_a_process(train_on_8_gaussians, tmp_path / "whole", None, steps)
    whole.join()
    process = in_a_process(train_on_8_gaussians, tmp_path / "killed", None, steps)
    kill_after_checkpoint(process, tmp_path / "killed", 8)
    assert (whole.exitcode, process.exitcode) == (0, -signal.SIGKILL)
    stopped = checkpoint.load(tmp_path / "killed" / "checkpoint.pt")["step"]
    assert 0 < stopped < steps
    again = in_a_process(train_on_8_gaussians, tmp_path / "killed", tmp_path / "killed", steps)
    again.join()
    assert again.exitcode == 0
    logs = [(tmp_path / f / "log.jsonl").read_bytes() for f in ("whole", "killed")]
    assert logs[0] == logs[1]
    states = [checkpoint.load(tmp_path / f / "checkpoint.pt") for f in ("whole", "killed")]
    assert states[0]["step"] == steps
    for state in states:
        state["random"].pop(
            "global"
        )  # each process starts PyTorch's own generator elsewhere; the loop never draws from it
    assert same(*states)
    assert (tmp_path / "whole/samples.png").read_bytes() == (tmp_path / "killed/samples.png").read_bytes()


def test_log_is_cut_back_to_the_checkpoint(tmp_path):
    t = trainer(folder=tmp_path, log_every=1, checkpoint_every=4)
    t.fit(4)
    for _ in range(2):
        t.train_step()
        t.write_log()
    assert len(read(tmp_path / "log.jsonl")) == 6
    trainer(folder=tmp_path, log_every=1, checkpoint_every=4).resume()
    assert [r["step"] for r in read(tmp_path / "log.jsonl")] == [1, 2, 3, 4]


def test_a_crash_while_writing_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = checkpoint.save(tmp_path / "c.pt", {"step": 1})
    monkeypatch.setattr(checkpoint.os, "fsync", lambda handle: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(path, {"step": 2})
    monkeypatch.undo()
    assert checkpoint.load(path)["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt"]


def test_full_disk_is_said_and_the_old_checkpoint_stays(tmp_path, monkeypatch):
    path = checkpoint.save(tmp_path / "c.pt", {"step": 1})

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(DiskFullError, match=r"disk is full .*c\.pt.*Make room"):
        checkpoint.save(path, {"step": 2})
    monkeypatch.undo()
    assert checkpoint.load(path)["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_of_a_log(tmp_path):
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(DiskFullError, match=r"log\.jsonl"):
        RunLog(tmp_path / "log.jsonl").write({"step": 1})


def test_other_errors_of_the_system_pass_through(tmp_path, monkeypatch):
    def refused(handle):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(checkpoint.os, "fsync", refused)
    with pytest.raises(PermissionError):
        checkpoint.save(tmp_path / "c.pt", {"step": 1})


def test_missing_and_broken_checkpoints_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        checkpoint.load(tmp_path / "none.pt")
    path = checkpoint.save(tmp_path / "c.pt", {"step": 1, "x": torch.zeros(1000)})
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(CheckpointError, match=r"c\.pt is truncated"):
        checkpoint.load(path)
    torch.save({"weights": 1}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="no checkpoint of this package"):
        checkpoint.load(tmp_path / "other.pt")


def test_nothing_in_a_checkpoint_is_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    torch.save({"format": checkpoint.FORMAT, "evil": Evil()}, tmp_path / "c.pt")
    with pytest.raises(CheckpointError):
        checkpoint.load(tmp_path / "c.pt")
    assert not (tmp_path / "owned").exists()


def test_checkpoints_of_other_networks_are_refused(tmp_path):
    trainer(folder=tmp_path).fit(2)
    with pytest.raises(CheckpointError, match="another run"):
        trainer(classes=3).resume(tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="another run"):
        trainer(ema=0.9).resume(tmp_path / "checkpoint.pt")


def test_random_state_needs_every_generator():
    states = checkpoint.random_state({"a": seeded()})
    with pytest.raises(CheckpointError, match="no random state for b"):
        checkpoint.set_random_state(states, {"a": seeded(), "b": seeded()})


def test_random_state_covers_the_global_one():
    states = checkpoint.random_state({})
    first = torch.rand(3)
    checkpoint.set_random_state(states, {})
    assert torch.equal(first, torch.rand(3))


def test_saving_without_a_folder_is_refused():
    with pytest.raises(ValueError, match="folder"):
        trainer(Free()).save()
    with pytest.raises(ValueError, match="which checkpoint"):
        trainer(Free()).resume()


@pytest.mark.parametrize("make", [labelled, lambda: SampledBatches(ring, 8, seeded(1))])
@pytest.mark.parametrize("before", [0, 3, 5, 11])
def test_batches_go_on_where_they_were(make, before):
    first, second = make(), make()
    for _ in range(before):
        first.next()
    second.load_state_dict(first.state_dict())
    for _ in range(7):
        a, b = first.next(), second.next()
        assert torch.equal(a[0], b[0])
        assert a[1] is None or torch.equal(a[1], b[1])


def test_a_pass_shows_each_sample_once_with_its_label():
    batches = TensorBatches(torch.arange(12.0)[:, None], 4, seeded(), torch.arange(12))
    for _ in range(2):
        seen = [batches.next() for _ in range(3)]
        assert all(torch.equal(x[:, 0].long(), y) for x, y in seen)
        assert sorted(torch.cat([y for _, y in seen]).tolist()) == list(range(12))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(3, 1), 4, seeded()), "do not fill a batch"),
        ((torch.zeros(3, 1), 0, seeded()), "batch must be"),
        ((torch.tensor([[float("nan")]]), 1, seeded()), "NaN"),
        ((torch.zeros(3, 1), 1, seeded(), torch.zeros(2)), "labels must have shape"),
    ],
)
def test_batches_refuse(arguments, message):
    with pytest.raises(ValueError, match=message):
        TensorBatches(*arguments)


def test_batches_refuse_a_position_in_other_data():
    other = labelled()
    other.next()
    with pytest.raises(ValueError, match="40 samples"):
        TensorBatches(torch.zeros(9, 2), 3, seeded()).load_state_dict(other.state_dict())
