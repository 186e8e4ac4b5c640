"""Which settings make a run another one; what a folder holds; what may be asked of a run and what may not."""

import logging
import pickle
import random
from dataclasses import replace
from functools import partial

import pytest
import torch

from tests.training.tiny import Free, ring, seeded, trainer
from wgan_course import constraints
from wgan_course.models import mlp
from wgan_course.training import SampledBatches, TensorBatches, Trainer, TrainingConfig, checkpoint, runlog, runs
from wgan_course.training.checkpoint import CheckpointError

SGD = torch.optim.SGD

# What is changed, how the message calls it, and the two values that it names.
ANOTHER = {
    "constraint": ({"constraint": constraints.make("r1")}, "constraint", "GradientPenalty", "R1Penalty"),
    "weight": ({"constraint": constraints.make("gp", weight=5.0)}, "constraint", "10", "5.0"),
    "objective": ({"objective": "hinge"}, "objective", "Wasserstein", "Hinge"),
    "lr_critic": ({"lr_critic": 5e-4}, "lr_critic", "0.0001", "0.0005"),
    "lr_generator": ({"lr_generator": 5e-4}, "lr_generator", "0.0001", "0.0005"),
    "optimiser": ({"optimiser": "rmsprop"}, "optimiser", "adam", "rmsprop"),
    "optimisers": ({"optimisers": partial(SGD, lr=0.1)}, "optimisers", "not there", "SGD"),
    "betas": ({"betas": (0.5, 0.9)}, "betas", r"\[0.0, 0.9\]", r"\[0.5, 0.9\]"),
    "seed": ({"seed": 7}, "seed", "0", "7"),
    "n_critic": ({"n_critic": 3}, "n_critic", "2", "3"),
    "schedule": ({"n_critic": lambda step: 2}, "n_critic", "2", "a schedule"),
    "precision": ({"precision": "bf16"}, "precision", "fp32", "bf16"),
    "ema": ({"ema": 0.5}, "ema", "0.0", "0.5"),
    "batch": ({"batches": SampledBatches(ring, 4, seeded(1))}, "batch", "8", "4"),
    "data": ({"batches": TensorBatches(ring(40, seeded()), 8, seeded(1))}, "data", "ring", r"\(40, 2\)"),
}


@pytest.mark.parametrize("case", ANOTHER)
def test_a_checkpoint_of_another_run_is_refused_with_what_differs(tmp_path, case):
    changed, name, was, now = ANOTHER[case]
    begin = {"constraint": constraints.make("gp")}
    trainer(folder=tmp_path, **begin).fit(1)
    with pytest.raises(CheckpointError, match=rf"another run: .*{name} was .*{was}.*, now .*{now}"):
        trainer(folder=tmp_path, **{**begin, **changed}).resume()


@pytest.mark.parametrize("changes", [{"width": 8}, {"act": "groupsort"}])
def test_other_networks_are_named_by_the_line_that_differs(tmp_path, changes):
    def make(width=16, act="leaky_relu"):
        pair = mlp.Generator(2, 2, (16,), rng=seeded()), mlp.Critic(2, (width, 16), act=act, rng=seeded())
        config = TrainingConfig(device="cpu", n_critic=1)
        return Trainer(*pair, SampledBatches(ring, 8, seeded()), Free(), config=config, folder=tmp_path)

    make().fit(1)
    with pytest.raises(CheckpointError, match=r"critic was .*(16|Leaky).*, now .*(8|GroupSort)"):
        make(**changes).resume()


@pytest.mark.parametrize("change", ["samples", "labels", "schedule"])
def test_data_and_schedules_without_a_name_are_told_apart_by_their_values(tmp_path, change):
    def make(other=False):
        points = ring(40, seeded(5))
        batches = TensorBatches(
            points + 1 if other and change == "samples" else points,
            8,
            seeded(),
            (torch.arange(40) + (other and change == "labels")) % 3,
        )
        n_critic = (lambda step: 2) if other and change == "schedule" else (lambda step: 1)
        return trainer(classes=3, folder=tmp_path, batches=batches, n_critic=n_critic)

    make().fit(1)
    assert make().resume().step == 1
    with pytest.raises(CheckpointError, match="n_critic was a schedule" if change == "schedule" else "data was"):
        make(other=True).resume()


def test_what_may_change_may_change(tmp_path):
    trainer(constraints.make("gp"), folder=tmp_path / "a").fit(2)
    free = {"log_every": 1, "checkpoint_every": 1, "graph": False, "device": torch.device("cpu")}
    again = trainer(constraints.make("gp"), folder=tmp_path / "b", **free).resume(tmp_path / "a" / "checkpoint.pt")
    assert again.fit(4)["step"] == 4


def test_settings_are_those_of_the_beginning_even_if_a_constraint_counts(tmp_path):
    t = trainer(Free(), folder=tmp_path)
    t.fit(3)
    assert trainer(Free(), folder=tmp_path).resume().step == 3


# -- how far a run goes --------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [2.5, 0, -1, "3", None, True, float("nan"), 2.0])
def test_steps_that_are_no_number_of_steps_are_refused_before_anything_is_written(tmp_path, steps):
    t = trainer(folder=tmp_path)
    with pytest.raises(ValueError, match="steps must be a whole number"):
        t.fit(steps)
    assert t.step == 0
    assert runlog.read(tmp_path / "log.jsonl") == []


def test_a_run_that_is_there_already_tells_its_last_record_and_does_not_go_back(tmp_path):
    t = trainer(folder=tmp_path)
    record = t.fit(4)
    assert t.fit(4) == record == trainer(folder=tmp_path).resume().fit(4)
    with pytest.raises(ValueError, match="steps must be 4 or more, which the run has taken already, got 3"):
        t.fit(3)


@pytest.mark.parametrize("count", [-1, 1.0, 2.5, None, "2", True])
def test_a_schedule_that_gives_no_number_of_critic_steps_is_refused(count):
    with pytest.raises(ValueError, match=r"n_critic must give a whole number .* for step 0"):
        trainer(n_critic=lambda step: count).fit(1)


def test_a_mean_over_no_critic_steps_is_none_not_zero(tmp_path):
    record = trainer(n_critic=lambda step: 0, folder=tmp_path).fit(3)
    assert (record["critic_loss"], record["estimate"], record["penalty"]) == (None, None, None)
    assert record["critic_steps"] == 0
    assert isinstance(record["generator_loss"], float)
    assert runlog.read(tmp_path / "log.jsonl") == [record]
    assert trainer(n_critic=lambda step: step % 2, log_every=2).fit(2)["critic_loss"] is not None


# -- two runs in one folder ----------------------------------------------------------------------------


def test_a_second_run_does_not_mix_with_the_first(tmp_path, caplog):
    trainer(folder=tmp_path, log_every=2).fit(4)
    second = trainer(folder=tmp_path, log_every=2, lr_critic=1e-3)
    assert (tmp_path / "checkpoint.pt").is_file()  # so far it could still be resumed
    second.fit(2)
    assert [record["step"] for record in runlog.read(tmp_path / "log.jsonl")] == [2]
    assert checkpoint.load(tmp_path / "checkpoint.pt")["step"] == 2
    assert [record["step"] for record in runlog.read(tmp_path / "previous" / "log.jsonl")] == [2, 4]
    assert checkpoint.load(tmp_path / "previous" / "checkpoint.pt")["step"] == 4
    assert "held an older run" in caplog.text
    second.fit(4)
    assert [record["step"] for record in runlog.read(tmp_path / "log.jsonl")] == [2, 4]


def test_divergence_never_names_the_checkpoint_of_another_run(tmp_path):
    trainer(folder=tmp_path).fit(4)
    with pytest.raises(FloatingPointError, match="no checkpoint was written before"):
        trainer(folder=tmp_path, lr_critic=1e30, lr_generator=1e30, log_every=1).fit(20)


def test_divergence_names_the_checkpoint_that_a_run_came_from(tmp_path):
    trainer(folder=tmp_path / "a").fit(4)
    t = trainer().resume(tmp_path / "a" / "checkpoint.pt")
    with torch.no_grad():
        next(t.generator.parameters()).fill_(float("nan"))
    with pytest.raises(FloatingPointError, match=r"last good checkpoint is .*a/checkpoint\.pt"):
        t.fit(6)


def test_a_folder_without_a_run_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    trainer(folder=tmp_path).fit(1)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "previous").exists()


SMALL = {"data": "two-moons", "batch": 4, "n_critic": 1, "width": 4, "latent": 2, "device": "cpu", "log_every": 1}


def test_samples_of_an_older_run_do_not_stay(tmp_path):
    options = runs.RunOptions(**SMALL, constraint="gp", steps=3, sample_every=1, out=tmp_path)
    runs.train_from_options(options, progress=False)
    runs.train_from_options(replace(options, constraint="clip", steps=1), progress=False)
    assert [file.name for file in (tmp_path / "samples").iterdir()] == ["step-000001.png"]
    assert len(list((tmp_path / "previous" / "samples").iterdir())) == 3
    assert '"clip"' in (tmp_path / "options.json").read_text()
    assert '"gp"' in (tmp_path / "previous" / "options.json").read_text()


def test_a_run_that_fails_to_begin_leaves_the_older_one(tmp_path):
    options = runs.RunOptions(**SMALL, steps=1, out=tmp_path)
    runs.train_from_options(options, progress=False)
    with pytest.raises(ValueError, match="lr_critic"):
        runs.train_from_options(replace(options, lr_critic=0.0), progress=False)
    assert (tmp_path / "checkpoint.pt").is_file()
    assert not (tmp_path / "previous").exists()


# -- zeros that are not "nothing said" -----------------------------------------------------------------

ZEROS = ["lr_critic", "lr_generator", "width", "threads", "latent", "size", "n_critic", "log_every", "checkpoint_every"]


@pytest.mark.parametrize("name", ZEROS)
@pytest.mark.parametrize("value", [0, False, -1])
def test_zero_is_refused_and_never_taken_for_the_default(tmp_path, name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        runs.train_from_options(runs.RunOptions(**{**SMALL, "steps": 1, "out": tmp_path, name: value}), progress=False)


def test_an_empty_activation_is_refused(tmp_path):
    with pytest.raises(ValueError, match="activation"):
        runs.build(runs.RunOptions(**SMALL, activation="", out=tmp_path))


@pytest.mark.parametrize("text", ["[]", "{", '{"unknown": 1}', "3"])
def test_options_that_cannot_be_read_are_no_run(tmp_path, text):
    (tmp_path / "options.json").write_text(text)
    with pytest.raises(CheckpointError, match="no run to resume"):
        runs.train_from_options(runs.RunOptions(resume=tmp_path))


# -- files that are no checkpoints ---------------------------------------------------------------------

WRONG = {
    "text": b"hello\n",
    "one letter": b"a",
    "empty": b"",
    "json": b'{"step": 1}',
    "pickle of a list": pickle.dumps([1, 2]),
    "pickle of text": pickle.dumps("x", 0),
    "cut pickle": pickle.dumps(list(range(1000)))[:50],
    "zip": b"PK\x03\x04" + bytes(100),
    "zeros": bytes(1000),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    **{f"noise {seed}": random.Random(seed).randbytes(200) for seed in range(20)},
    **{f"letter {byte}": bytes([byte]) * 3 for byte in range(0, 256, 5)},
}


@pytest.mark.parametrize("case", WRONG)
def test_any_other_file_is_no_checkpoint(tmp_path, case):
    (tmp_path / "c.pt").write_bytes(WRONG[case])
    with pytest.raises(CheckpointError, match=r"c\.pt is"):
        checkpoint.load(tmp_path / "c.pt")


@pytest.mark.parametrize("missing", ["step", "settings", "random", "critic", "critic_optimiser", "meters", "batches"])
def test_a_checkpoint_that_lacks_a_part_is_refused(tmp_path, missing):
    t = trainer(folder=tmp_path)
    t.fit(1)
    state = checkpoint.load(tmp_path / "checkpoint.pt")
    state.pop(missing)
    checkpoint.save(tmp_path / "checkpoint.pt", state)
    with pytest.raises(CheckpointError, match="another run"):
        trainer(folder=tmp_path).resume()


# -- states of another device --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [16, 44, 5000, 0])
@pytest.mark.parametrize("name", ["latent", "penalty", "batches"])
def test_random_states_of_another_device_begin_a_new_stream_and_say_so(tmp_path, caplog, size, name):
    t = trainer(constraints.make("gp"), folder=tmp_path)
    t.fit(3)
    state = checkpoint.load(tmp_path / "checkpoint.pt")
    foreign = torch.zeros(size, dtype=torch.uint8)
    if name == "batches":
        state["batches"]["rng"] = foreign
    else:
        state["random"][name] = foreign
    checkpoint.save(tmp_path / "checkpoint.pt", state)
    with caplog.at_level(logging.WARNING):
        again = trainer(constraints.make("gp"), folder=tmp_path).resume()
    assert f"{name}: the checkpoint was written on another kind of device" in caplog.text
    assert "not the same to the bit" in caplog.text
    stream = again.batches.rng if name == "batches" else again.rngs[name]
    fresh = trainer(constraints.make("gp"))
    start = fresh.batches.rng if name == "batches" else fresh.rngs[name]
    assert not torch.equal(stream.get_state(), start.get_state())  # it does not begin at the beginning again
    assert again.fit(5)["step"] == 5


def test_optimisers_keep_what_they_were_told_about_this_device(tmp_path):
    """A state from a GPU has its counts on the device and its flags set; on the CPU Adam refuses those."""
    t = trainer(constraints.make("gp"), optimiser="rmsprop", folder=tmp_path)
    t.fit(2)
    state = t.state_dict()
    for name in ("critic_optimiser", "generator_optimiser"):
        for group in state[name]["param_groups"]:
            group |= {"capturable": True, "foreach": True, "lr": torch.tensor(group["lr"])}
    again = trainer(constraints.make("gp"), optimiser="rmsprop")
    again.load_state_dict(state)
    group = again.critic_optimiser.param_groups[0]
    assert (group["capturable"], group["foreach"], type(group["lr"])) == (False, None, float)
    assert again.fit(3)["step"] == 3


class NoDoubles(torch.overrides.TorchFunctionMode):
    """A device without float64, as Apple's GPU is: whatever makes or asks for one fails."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float64:
                raise TypeError(f"{function} makes a float64 tensor, which this device does not know")
        return result


@pytest.mark.parametrize("name", constraints.NAMES)
def test_steps_logs_and_checkpoints_need_no_float64(tmp_path, name):
    t = trainer(constraints.make(name), classes=3, folder=tmp_path, ema=0.9, log_every=1, checkpoint_every=1)
    with NoDoubles():
        t.fit(2)
        t.sample(4)


def test_a_double_is_noticed():
    with pytest.raises(TypeError, match="float64"), NoDoubles():
        torch.ones(2).double()


def test_networks_in_double_precision_get_latent_vectors_in_it():
    generator, critic = (mlp.Generator(2, 2, (4,), dtype=torch.float64), mlp.Critic(2, (4,), dtype=torch.float64))
    wide = SampledBatches(lambda n, rng: ring(n, rng).double(), 4, seeded())
    t = Trainer(generator, critic, wide, constraints.make("gp"), config=TrainingConfig(device="cpu", n_critic=1))
    t.fit(2)
    assert t.sample(3).dtype == torch.float64
