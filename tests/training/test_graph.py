"""A round as a graph, as far as a machine without CUDA can tell: a tape stands for the graph (`tape`)."""

import logging
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

from tests.training import tape
from tests.training.test_meta import models
from tests.training.test_resume import same
from tests.training.tiny import Free, ring, seeded, trainer
from wgan_course import constraints
from wgan_course.training import LoaderBatches, SampledBatches, Trainer, TrainingConfig, graph
from wgan_course.training.networks import scores_by_sample


def captured(*arguments, **options):
    t = trainer(*arguments, **options)
    t.captured = graph.CapturedRounds(t, tape.capture)
    return t


def parameters(t):
    return [*t.critic.parameters(), *t.generator.parameters()]


def close(a, b, tolerance=1e-5):
    for x, y in zip(parameters(a), parameters(b), strict=True):
        torch.testing.assert_close(x, y, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("name", constraints.NAMES)
def test_a_captured_round_does_what_an_eager_one_does(name, classes):
    """The same parameters, random states and log after 8 rounds: 3 to warm up, 5 replays."""
    eager, taped = (make(constraints.make(name), classes, ema=0.9, log_every=4) for make in (trainer, captured))
    records = [t.fit(8) for t in (eager, taped)]
    assert len(taped.captured.replays) == 1
    close(eager, taped)
    assert records[0] == pytest.approx(records[1], rel=1e-4, abs=1e-5)
    assert same(eager.state_dict()["random"], taped.state_dict()["random"])


@pytest.mark.parametrize("classes", [None, 3])
def test_a_captured_round_has_real_samples_for_a_generator_that_compares_with_them(classes):
    pair = [
        make(constraints.make("r1", fakes=True), classes, ema=0.9, objective="relativistic")
        for make in (trainer, captured)
    ]
    for t in pair:
        t.fit(8)
    ((places, _),) = pair[1].captured.replays.values()
    assert len(places) == (6 if classes else 3)  # two for the critic and one for the generator, with labels or without
    close(*pair)
    assert same(pair[0].state_dict()["random"], pair[1].state_dict()["random"])


@pytest.mark.parametrize("model", ["dcgan", "resnet"])
def test_images_are_captured_too(model):
    pair = []
    for make in (lambda t: None, lambda t: graph.CapturedRounds(t, tape.capture)):
        generator, critic, shape = models(model, None, "relu")
        for seed, network in enumerate((generator.to_empty(device="cpu"), critic.to_empty(device="cpu"))):
            for value in [*network.parameters(), *network.buffers()]:
                value.data.copy_(torch.rand(value.shape, generator=seeded(seed)) / 5)
        stream = SampledBatches(lambda n, rng: torch.rand(n, *shape, generator=rng), 4, seeded(3))  # noqa: B023
        t = Trainer(generator, critic, stream, constraints.make("gp"), config=TrainingConfig(device="cpu", n_critic=1))
        t.captured = make(t)
        t.fit(5)
        pair.append(t)
    close(*pair)


def test_a_body_that_reads_the_host_shows():
    """The tests above can fail: a number that the host counts is baked into the tape."""

    class Counting(Free):
        def penalty(self, critic, real, fake, rng, **conditioning):
            self.calls.append("penalty")
            return critic(real).mean() * len(self.calls)

    eager, taped = (make(Counting(), log_every=4) for make in (trainer, captured))
    for t in (eager, taped):
        t.fit(8)
    with pytest.raises(AssertionError):
        close(eager, taped)


def test_a_look_at_the_device_is_refused_and_training_goes_on(caplog):
    class Looking(Free):
        def penalty(self, critic, real, fake, rng, **conditioning):
            return critic(real).mean() * float(real.mean())

    taped = captured(Looking())
    with caplog.at_level(logging.WARNING):
        taped.fit(8)
    assert "cannot be captured" in caplog.text
    assert "waits for the device" in caplog.text
    assert caplog.text.count("cannot be captured") == 1
    assert taped.captured is None
    assert taped.step == 8


@pytest.mark.parametrize("name", ["gp", "sn", "spectral_regularisation"])
def test_resume_is_exact_within_replays(tmp_path, name):
    options = {"log_every": 3, "checkpoint_every": 5}
    whole = captured(constraints.make(name), folder=tmp_path / "whole", **options)
    whole.fit(12)
    captured(constraints.make(name), folder=tmp_path / "parts", **options).fit(5)
    parts = captured(constraints.make(name), folder=tmp_path / "parts", **options).resume()
    parts.fit(12)
    assert same(whole.state_dict()["random"], parts.state_dict()["random"])
    close(whole, parts, 1e-6)


def test_each_number_of_critic_steps_is_captured_by_itself():
    schedule = lambda step: 3 if step % 2 else 1
    eager, taped = (make(constraints.make("gp"), n_critic=schedule) for make in (trainer, captured))
    for t in (eager, taped):
        t.fit(12)
    assert sorted(kind[0] for kind in taped.captured.replays) == [1, 3]
    close(eager, taped)


def test_batches_of_another_size_are_not_forced_into_a_recording():
    """A loader's last batch is smaller: it gets a recording of its own, or an eager round."""
    data = list(ring(20, seeded(1)).split(8))
    eager, taped = (
        make(constraints.make("gp"), batches=LoaderBatches(data), n_critic=1) for make in (trainer, captured)
    )
    for t in (eager, taped):
        t.fit(14)
    assert len(taped.captured.replays) == 2
    close(eager, taped)


def test_divergence_inside_replays_names_its_step():
    t = captured(constraints.make("none"), lr_critic=1e-3, log_every=10)
    t.fit(5)
    with torch.no_grad():
        next(t.generator.parameters()).fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="in step 6 "):
        t.fit(10)


class Watching(TorchFunctionMode):
    """Notes who looks at a number on the device from Python."""

    def __init__(self):
        super().__init__()
        self.looks = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        if name in {"item", "tolist", "cpu", "numpy", "__bool__", "__float__", "__int__", "__index__"}:
            self.looks.append(name)
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", constraints.NAMES)
def test_nothing_waits_for_the_device_between_logs(name):
    """Outside of the replays nobody looks but the log, once."""
    t = captured(constraints.make(name), log_every=6, ema=0.9)
    t.fit(6)
    with Watching() as watching:
        t.fit(12)
    assert watching.looks == ["tolist"]


def test_on_the_cpu_graphs_are_refused_in_a_word_or_left_out_silently(caplog):
    assert trainer().captured is None
    assert not [record for record in caplog.records if "graph" in record.name]
    assert trainer(graph=True).captured is None
    assert "needs a CUDA device" in caplog.text


def test_what_keeps_rounds_from_being_captured_is_known_beforehand():
    def told(**changes):
        t = trainer()
        t.device = torch.device("cuda")
        t.rngs = {name: SimpleNamespace(device=torch.device("cuda")) for name in t.rngs}
        for name, value in changes.items():
            setattr(t, name, value(t) if callable(value) else value)
        return graph.obstacle(t)

    assert told() == ""
    shared = SampledBatches(ring, 8, seeded())
    shared.rng = SimpleNamespace(device=torch.device("cuda"))
    assert "one generator" in told(batches=shared, rngs={"latent": shared.rng})
    sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    assert "not capturable" in told(critic_optimiser=sgd, critic_schedule=object())
    assert told(critic_optimiser=sgd) == ""


def test_optimisers_are_told_to_stay_on_the_device():
    parameters = [torch.nn.Parameter(torch.zeros(2))]
    adam, sgd = torch.optim.Adam(parameters, lr=0.1), torch.optim.SGD(parameters, lr=0.1)
    adam.step()
    graph.make_capturable((adam, sgd), torch.device("cpu"), scheduled=True)
    assert adam.param_groups[0]["capturable"]
    assert isinstance(adam.param_groups[0]["lr"], torch.Tensor)
    torch.optim.lr_scheduler.ExponentialLR(adam, 0.5).step()
    assert adam.param_groups[0]["lr"] == pytest.approx(0.05)
    assert "capturable" not in sgd.param_groups[0]


def test_a_graph_meets_no_casts_that_are_older_than_it():
    """What autocast keeps is dropped where its outermost context ends, which has to be the step's own."""
    t = trainer(constraints.make("gp"), precision="bf16")
    with t.context():
        assert torch.is_autocast_cache_enabled()
    with torch.autocast("cpu", dtype=torch.bfloat16), t.context():
        assert not torch.is_autocast_cache_enabled()


@pytest.mark.parametrize("model", ["mlp", "dcgan", "resnet"])
@pytest.mark.parametrize("name", constraints.NAMES)
def test_real_and_generated_samples_go_as_one_batch_where_that_changes_nothing(name, model):
    _, critic, shape = models(model, None, "groupsort" if name == "orthonormal" else "relu")
    critic = critic.to_empty(device="cpu")
    for value in [*critic.parameters(), *critic.buffers()]:
        value.data.copy_(torch.rand(value.shape, generator=seeded(1)) - 0.4)
    critic = constraints.make(name).prepare(critic).double()
    assert scores_by_sample(critic)
    one, other = (torch.rand(3, *shape, generator=seeded(seed), dtype=torch.float64) for seed in (2, 3))
    with torch.no_grad(), parametrize.cached():
        apart = torch.cat((critic(one), critic(other)))
        torch.testing.assert_close(critic(torch.cat((one, other))), apart, rtol=1e-9, atol=1e-9)


def test_critics_that_may_mix_samples_see_each_batch_alone():
    class Own(nn.Module):
        def forward(self, x):
            return x.flatten(1).sum(1)

    assert not scores_by_sample(Own())
    assert not scores_by_sample(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
    assert not scores_by_sample(nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Linear(3, 1)))
    assert scores_by_sample(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)))
