"""The loop: its hooks, its signs, its economies, its refusals."""

import json
import math

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from tests.training.tiny import Free, Shift, labelled, networks, ring, seeded, trainer
from wgan_course import constraints, objectives
from wgan_course.models import mlp
from wgan_course.training import (
    Ema,
    SampledBatches,
    Trainer,
    TrainingConfig,
    TrainingDivergedError,
    frozen,
    train,
    wgan_schedule,
)
from wgan_course.training.runlog import read


def shifted(objective, steps, target=2.0):
    """Train a generator that only shifts; return where it was on the mean of the last third of its steps."""
    batches = SampledBatches(lambda n, rng: target + 0.1 * torch.randn(n, 1, generator=rng), 32, seeded(1))
    config = TrainingConfig(device="cpu", lr_critic=1e-2, lr_generator=2e-2, n_critic=1, betas=(0.0, 0.9))
    path = []
    train(
        Shift(),
        mlp.Critic(1, (16,), rng=seeded(2)),
        batches,
        constraints.make("r1", weight=1.0),
        steps,
        objective=objective,
        config=config,
        after=lambda t, _: path.append(t.generator.theta.detach().clone()),
    )
    return float(torch.stack(path[-(steps // 3) :]).mean())


@pytest.mark.parametrize("objective", objectives.NAMES)
def test_a_shift_in_one_dimension_reaches_its_target(objective):
    """The sign: a generator that only shifts must come to where the data are, with every objective."""
    assert shifted(objectives.make(objective), 270) == pytest.approx(2, abs=0.4)


def test_the_shift_runs_away_where_the_generators_sign_is_wrong():
    """The test above can fail."""

    class Wrong(type(objectives.make("wasserstein"))):
        def generator_loss(self, fake_scores):
            return -super().generator_loss(fake_scores)

    assert shifted(Wrong(), 90) < -0.3


def test_hooks_are_called_in_order_and_given_what_they_need():
    constraint = Free()
    t = trainer(constraint, n_critic=3)
    t.train_step()
    assert constraint.calls == ["prepare", *["penalty", "project_"] * 3]
    real, fake, rng, conditioning = constraint.seen
    assert real.shape == fake.shape == (8, 2)
    assert rng is t.rngs["penalty"]
    assert conditioning == {}
    assert not fake.requires_grad


def test_a_critic_step_leaves_the_generator_without_gradient_and_unmoved():
    t = trainer()
    before = [p.clone() for p in t.generator.parameters()]
    critic = [p.clone() for p in t.critic.parameters()]
    t.critic_step()
    assert all(p.grad is None for p in t.generator.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, t.generator.parameters(), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(critic[::2], list(t.critic.parameters())[::2], strict=True))


def test_a_generator_step_leaves_the_critic_without_new_gradient_and_unmoved():
    t = trainer()
    before = [p.clone() for p in t.critic.parameters()]
    t.generator_step()
    assert all(p.grad is None for p in t.critic.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, t.critic.parameters(), strict=True))
    assert all(p.requires_grad for p in t.critic.parameters())
    assert any(p.grad is not None and p.grad.any() for p in t.generator.parameters())


def test_the_first_steps_equal_a_loop_written_by_hand():
    """One combined backward and Adam, against a transcription without any of the economies."""
    t = trainer(constraints.make("gp"), n_critic=1, lr_critic=1e-3)
    generator, critic = networks()
    latent, penalty, data = (seeded(0).manual_seed(s) for s in (1, 2, 1))
    optimiser = torch.optim.Adam(critic.parameters(), 1e-3, (0.0, 0.9))
    for _ in range(3):
        t.critic_step()
        real, fake = ring(8, data), generator(torch.randn(8, 2, generator=latent))
        epsilon = torch.rand(8, generator=penalty)[:, None]
        mixed = (epsilon * real + (1 - epsilon) * fake).detach().requires_grad_()
        (g,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        loss = critic(fake).mean() - critic(real).mean() + 10 * (g.norm(dim=1) - 1).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for a, b in zip(t.critic.parameters(), critic.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


class Counting(nn.Module):
    """A parametrisation that counts how often it is evaluated."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def forward(self, weight):
        self.count += 1
        return weight


def test_a_parametrised_weight_is_computed_once_a_step():
    """Two or three forwards of the critic in a step, one power iteration."""

    class Counted(Free):
        def prepare(self, critic):
            parametrize.register_parametrization(critic.head, "weight", Counting())
            return critic

        def penalty(self, critic, real, fake, rng, **conditioning):
            return critic(real).mean() * 0

    t = trainer(Counted())
    counter = t.critic.head.parametrizations.weight[0]
    for step in (t.critic_step, t.generator_step):
        counter.count = 0
        step()
        assert counter.count == 1


def test_power_iteration_stands_still_in_the_generator_step():
    t = trainer(constraints.make("sn"))
    before = {k: v.clone() for k, v in t.critic.named_buffers()}
    assert before
    t.generator_step()
    assert all(torch.equal(v, before[k]) for k, v in t.critic.named_buffers())
    t.critic_step()
    assert any(not torch.equal(v, before[k]) for k, v in t.critic.named_buffers())


def test_frozen_puts_everything_back_also_after_an_error():
    net = nn.Linear(2, 2)
    net.bias.requires_grad_(False)
    seen = {}

    def fail():
        with frozen(net):
            seen.update(learns=net.weight.requires_grad, trains=net.training)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert seen == {"learns": False, "trains": False}
    assert net.weight.requires_grad
    assert not net.bias.requires_grad
    assert net.training


def test_labels_reach_generator_critic_and_penalty():
    constraint = Free()
    t = trainer(constraint, classes=3)
    t.train_step()
    assert constraint.seen[3]["labels"].shape == (8,)
    assert t.generator.embedding.weight.grad.any()
    assert t.critic.projection.weight.grad.any()
    assert t.sample(7).shape == (7, 2)


def test_conditional_training_with_a_penalty_runs():
    t = trainer(constraints.make("gp"), classes=3)
    assert math.isfinite(t.fit(3)["penalty"])


def test_labels_are_required_where_networks_are_conditional():
    t = trainer(classes=3, batches=SampledBatches(ring, 8, seeded()))
    with pytest.raises(ValueError, match="data have no labels"):
        t.critic_step()


def test_networks_must_agree_on_classes():
    generator, critic = networks(3)[0], networks(None)[1]
    with pytest.raises(ValueError, match="classes"):
        Trainer(generator, critic, labelled(), Free(), config=TrainingConfig(device="cpu"))


def test_unlabelled_networks_ignore_labels_of_the_data():
    assert math.isfinite(trainer(batches=labelled()).fit(2)["critic_loss"])


@pytest.mark.parametrize(("n_critic", "expected"), [(2, 2 * 6), (lambda step: step + 1, 21)])
def test_schedule_of_critic_steps(n_critic, expected):
    constraint = Free()
    trainer(constraint, n_critic=n_critic).fit(6)
    assert constraint.calls.count("penalty") == expected


def test_wgan_schedule():
    schedule = wgan_schedule(n_critic=5, burn_in=100, first=25, every=500)
    assert [schedule(s) for s in (0, 24, 25, 499, 500, 501, 1000)] == [100, 100, 5, 5, 100, 5, 100]


def test_two_time_scales_reach_the_optimisers():
    t = trainer(lr_critic=3e-3, lr_generator=7e-4, optimiser="rmsprop")
    assert isinstance(t.critic_optimiser, torch.optim.RMSprop)
    assert (t.critic_optimiser.param_groups[0]["lr"], t.generator_optimiser.param_groups[0]["lr"]) == (3e-3, 7e-4)


def test_moving_average_is_the_closed_form():
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    nn.init.constant_(net[0].weight, 1.0)
    average = Ema(net, 0.9)
    nn.init.constant_(net[0].weight, 2.0)
    net[1].running_mean.fill_(5.0)
    for _ in range(4):
        average.update(net)
    assert float(average.module[0].weight) == pytest.approx(2 - 0.9**4)
    assert float(average.module[1].running_mean) == 5
    assert not average.module[0].weight.requires_grad


def test_samples_come_from_the_average_and_disturb_nothing():
    t = trainer(ema=0.9)
    t.fit(4)
    states = {name: rng.get_state() for name, rng in t.rngs.items()}
    first, second = t.sample(5, seed=3), t.sample(5, seed=3)
    assert torch.equal(first, second)
    assert not torch.equal(first, t.sample(5, seed=4))
    z = torch.randn(5, 2, generator=seeded(3000))
    torch.testing.assert_close(first, t.ema.module(z))
    assert not torch.allclose(first, t.generator(z))
    assert all(torch.equal(rng.get_state(), states[name]) for name, rng in t.rngs.items())
    assert t.generator.training


def test_log_holds_the_means_of_its_interval(tmp_path):
    t = trainer(folder=tmp_path, n_critic=1, log_every=2)
    losses = []
    add = t.meters.add_critic
    t.meters.add_critic = lambda loss, *rest: (losses.append(float(loss.detach())), add(loss, *rest))
    record = t.fit(5)
    records = read(tmp_path / "log.jsonl")
    assert [r["step"] for r in records] == [2, 4, 5]
    assert records[-1] == record
    expected = [sum(losses[:2]) / 2, sum(losses[2:4]) / 2, losses[4]]
    assert [r["critic_loss"] for r in records] == pytest.approx(expected, rel=1e-5)
    assert [r["estimate"] for r in records] == pytest.approx([-x for x in expected], rel=1e-5)
    assert [json.loads(x)["steps"] for x in (tmp_path / "timing.jsonl").read_text().splitlines()] == [2, 2, 1]


def test_logging_reads_the_device_once_an_interval(monkeypatch):
    reads = []
    plain = torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda self: (reads.append(1), plain(self))[1])
    for name in ("item", "__float__", "__bool__", "__int__"):
        original = getattr(torch.Tensor, name)
        monkeypatch.setattr(torch.Tensor, name, lambda self, original=original: (reads.append(2), original(self))[1])
    trainer(log_every=4).fit(8)
    assert reads == [1, 1]


class Poisoned(Free):
    """A penalty that turns NaN at one critic step."""

    def __init__(self, at):
        super().__init__()
        self.left = at

    def penalty(self, critic, real, fake, rng, **conditioning):
        self.left -= 1
        return real.new_tensor(float("nan") if self.left == 0 else 0.0)


def test_nan_names_its_step_and_the_last_good_checkpoint(tmp_path):
    t = trainer(Poisoned(at=15), folder=tmp_path, log_every=4, checkpoint_every=5)
    with pytest.raises(TrainingDivergedError, match=r"in step 8 .*checkpoint\.pt"):
        t.fit(20)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["step"] == 5
    assert all(torch.isfinite(v).all() for v in saved["critic"].values())


def test_nan_is_never_saved(tmp_path):
    t = trainer(Poisoned(at=9), folder=tmp_path, log_every=100, checkpoint_every=5)
    with pytest.raises(TrainingDivergedError, match=r"in step 5 .*no checkpoint was written"):
        t.fit(20)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_nan_samples_that_a_penalty_refuses_are_reported_as_divergence():
    t = trainer(constraints.make("gp"))
    with torch.no_grad():
        next(t.generator.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingDivergedError, match="in step 1 "):
        t.fit(2)


def test_other_errors_pass_through():
    class Broken(Free):
        def penalty(self, *arguments, **conditioning):
            raise ValueError("something else")

    with pytest.raises(ValueError, match="something else"):
        trainer(Broken()).fit(1)


@pytest.mark.parametrize("steps", [0, -1])
def test_train_refuses_no_steps(steps):
    generator, critic = networks()
    with pytest.raises(ValueError, match="steps"):
        train(generator, critic, SampledBatches(ring, 8, seeded()), Free(), steps)


BAD = [
    ("log_every", 0), ("checkpoint_every", 0), ("lr_critic", 0.0), ("lr_generator", -1.0), ("n_critic", 0),
    ("optimiser", "sgd"), ("ema", 1.0), ("precision", "fp8"), ("seed", -1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD)
def test_config_names_what_it_refuses(name, value):
    with pytest.raises(ValueError, match=name):
        TrainingConfig(**{name: value})


def test_bfloat16_keeps_weights_in_float32_and_stays_close():
    plain, half = (trainer(precision=p, lr_critic=1e-3) for p in ("fp32", "bf16"))
    a, b = plain.fit(3), half.fit(3)
    assert all(p.dtype == torch.float32 for p in half.critic.parameters())
    assert b["estimate"] == pytest.approx(a["estimate"], abs=0.05)
    assert b["estimate"] != a["estimate"]


def test_progress_bar_shows_the_steps(capsys):
    trainer().fit(3, progress=True)
    assert "3/3" in capsys.readouterr().err


def test_no_progress_bar_no_noise(capsys):
    trainer().fit(3)
    assert capsys.readouterr() == ("", "")


def test_a_step_is_followed_by_the_callers_function():
    seen = []
    trainer().fit(3, after=lambda t, _: seen.append(t.step))
    assert seen == [1, 2, 3]
