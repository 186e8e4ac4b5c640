"""Two processes on half a batch each do what one does with the whole: every constraint, resume, the command line."""

import json
import os
import subprocess
import sys
from functools import partial

import pytest
import torch
from torch import distributed

from tests.training.test_resume import same
from tests.training.tiny import in_two_processes, labelled, trainer
from wgan_course import constraints
from wgan_course.training import checkpoint, devices
from wgan_course.training import distributed as ours

ROUNDS = 20
RANDOM = ("gp", "lp", "dragan")  # penalties that draw, each process from a stream of its own
# Plain steps: Adam makes a full step of a gradient that is nothing but rounding, as that of the critic's last bias is.
SGD = partial(torch.optim.SGD, lr=0.005)
CASES = [*((name, None) for name in constraints.NAMES), ("gp", 3), ("r1 and r2", None), ("r1 and r2", 3)]
SETTINGS = {"ema": 0.9, "optimisers": SGD, "log_every": 5, "checkpoint_every": 4}


class Halves(constraints.Constraint):
    """What two processes charge together, in one: the mean of the penalties of both halves, from both streams."""

    def __init__(self, own):
        self.own = own
        self.rngs = [devices.make_generator("cpu", 0, 2 + 10 * rank) for rank in range(2)]

    def penalty(self, critic, real, fake, rng, labels=None):
        parts = zip(
            real.chunk(2), fake.chunk(2), [None, None] if labels is None else labels.chunk(2), self.rngs, strict=True
        )
        charges = [
            self.own.penalty(critic, x, y, rng, **({} if told is None else {"labels": told}))
            for x, y, told, rng in parts
        ]
        return torch.stack(charges).mean()


def weights(t):
    return [p.detach().clone() for p in [*t.critic.parameters(), *t.generator.parameters(), *t.ema.module.parameters()]]


def settings(name):
    """Of a constraint, or of what it is called with an objective of its own."""
    if name != "r1 and r2":
        return constraints.make(name), SETTINGS
    return constraints.make("r1", fakes=True), {"objective": "relativistic", **SETTINGS}


def joined(name, classes=None):
    own, told = settings(name)
    t = trainer(Halves(own) if name in RANDOM else own, classes, **told)
    record = t.fit(ROUNDS)
    return weights(t), record


def of_two(folder):
    """What the two processes do."""
    found = {}
    for name, classes in CASES:
        own, told = settings(name)
        t = trainer(own, classes, **told)
        if distributed.get_rank() == 1 and name == "none":  # another start, which must not matter
            t.rngs["penalty"].manual_seed(5)
        record = t.fit(ROUNDS)
        found[f"{name} {classes}"] = (weights(t), record)
    torch.save(found, folder / f"{distributed.get_rank()}.pt")
    for name, steps in (("gp whole", 8), ("gp", 4), ("gp", 8), ("sn", 4)):
        goes_on(folder / name, name.split()[0], steps)
    torch.save(weights(goes_on(folder / "one", "sn", 8)), folder / f"one-{distributed.get_rank()}.pt")


def goes_on(folder, name, steps):
    t = trainer(constraints.make(name), folder=folder, **SETTINGS)
    t = t.resume() if t.checkpoint_path.is_file() else t
    t.fit(steps)
    return t


def process(rank, folder):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    of_two(folder)
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    goes_on(folder / "one", "sn", 4)  # one process begins, two go on
    in_two_processes(process, folder)
    return folder


def compare(a, b, tolerance=1e-5):
    for x, y in zip(a, b, strict=True):
        torch.testing.assert_close(x, y, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", CASES)
def test_two_processes_are_one_with_the_joined_batch(pair, case):
    (expected, record), key = joined(*case), f"{case[0]} {case[1]}"
    for rank in range(2):
        found, told = torch.load(pair / f"{rank}.pt", weights_only=True)[key]
        compare(found, expected)
        assert told == pytest.approx(record, rel=1e-3, abs=1e-5)


def test_a_joined_batch_with_other_random_numbers_is_another(pair):
    """The test above can fail."""
    t = trainer(constraints.make("gp"), **SETTINGS)
    t.fit(ROUNDS)
    found, _ = torch.load(pair / "0.pt", weights_only=True)["gp None"]
    with pytest.raises(AssertionError):
        compare(found, weights(t))


def test_the_first_process_writes_and_resume_is_exact_at_the_same_number(pair):
    states = [checkpoint.load(pair / name / "checkpoint.pt") for name in ("gp whole", "gp")]
    assert "penalty-1" in states[0]["random"]
    assert not torch.equal(states[0]["random"]["penalty-1"], states[0]["random"]["penalty"])
    for state in states:
        state["random"].pop("global")
        state.pop("log_bytes"), state.pop("record"), state.pop("meters")  # 4 steps were logged apart
    assert same(*states)
    steps = [json.loads(line)["step"] for line in (pair / "gp" / "log.jsonl").read_text().splitlines()]
    assert steps == [4, 5, 8]


def test_resume_at_another_number_of_processes(pair):
    one = goes_on(pair / "sn", "sn", 8)
    whole = trainer(constraints.make("sn"), **SETTINGS)
    whole.fit(8)
    compare(weights(one), weights(whole))
    for rank in range(2):
        compare(torch.load(pair / f"one-{rank}.pt", weights_only=True), weights(whole))


def test_a_new_process_draws_its_penalties_from_a_stream_of_its_own(caplog):
    t = trainer()
    state = t.state_dict()
    t.rank = 1
    t.rngs["penalty"] = devices.make_generator("cpu", 0, 12)
    before = t.rngs["penalty"].get_state()
    t.load_state_dict(state)
    assert "not the same to the bit" in caplog.text
    assert not torch.equal(t.rngs["penalty"].get_state(), before)
    assert not torch.equal(t.rngs["penalty"].get_state(), state["random"]["penalty"])


def test_alone_there_is_nothing_to_share(monkeypatch):
    assert ours.place() == (0, 1)
    assert ours.share(7) == slice(None)
    assert ours.gather("x") == ["x"]
    with ours.group("auto") as device:
        assert device == "auto"
    monkeypatch.setattr(ours, "place", lambda: (1, 2))
    assert ours.share(8) == slice(4, 8)
    with pytest.raises(ValueError, match="cannot be shared by 2 processes"):
        ours.share(7)


def test_streams_shared_by_processes_give_the_rows_of_the_whole_batch():
    for make in (labelled, lambda: labelled(batch=4)):
        whole, parts = make().next(), [make(), make()]
        for part, rows in zip(
            parts, (slice(0, whole[0].shape[0] // 2), slice(whole[0].shape[0] // 2, None)), strict=True
        ):
            part.rows = rows
        both = [part.next() for part in parts]
        assert torch.equal(torch.cat([x for x, _ in both]), whole[0])
        assert torch.equal(torch.cat([y for _, y in both]), whole[1])


@pytest.mark.slow
def test_the_command_under_torchrun(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    begin = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "wgan_cli"]
    options = ["--data", "two-moons", "--constraint", "gp", "--batch", "8", "--n-critic", "1", "--device", "cpu"]
    run = [*begin, "train", *options, "--steps", "3", "--out", str(tmp_path / "run")]
    said = subprocess.run(run, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("✓") == 1
    assert [json.loads(line)["step"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()] == [3]
    assert not (tmp_path / "run" / "previous").exists()


def test_averaging_gradients_is_the_gradient_of_the_mean(monkeypatch):
    """With a stand-in for the other process: (g + 3 g) / 2 = 2 g, for each parameter that has a gradient."""
    layer = torch.nn.Linear(3, 2)
    layer.bias.requires_grad_(False)
    layer(torch.ones(1, 3)).sum().backward()
    own = layer.weight.grad.clone()
    monkeypatch.setattr(ours.distributed, "all_reduce", lambda tensor: tensor.mul_(4))
    monkeypatch.setattr(ours.distributed, "get_world_size", lambda: 2)
    ours.average_gradients(torch.optim.SGD(layer.parameters(), lr=0.1))
    assert torch.equal(layer.weight.grad, 2 * own)
