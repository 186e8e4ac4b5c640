"""The open doors of training: optimisers, schedules, latent vectors, loaders, callables, critics alone."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tests.training.test_resume import same
from tests.training.tiny import Free, networks, ring, seeded, trainer
from wgan_course import constraints, objectives
from wgan_course.models import mlp
from wgan_course.training import LoaderBatches, SampledBatches, Trainer, TrainingConfig, fit_critic, train
from wgan_course.training.batches import as_batches

SGD, Adam = torch.optim.SGD, torch.optim.Adam
Falling = partial(torch.optim.lr_scheduler.StepLR, step_size=2, gamma=0.5)

# -- optimisers and schedules --------------------------------------------------------------------------


def test_one_factory_serves_both_and_a_pair_serves_each():
    both = trainer(optimisers=partial(SGD, lr=0.1))
    assert [type(o) for o in (both.critic_optimiser, both.generator_optimiser)] == [SGD, SGD]
    each = trainer(optimisers=(partial(SGD, lr=0.1), partial(torch.optim.AdamW, lr=0.2)))
    assert isinstance(each.critic_optimiser, SGD)
    assert isinstance(each.generator_optimiser, torch.optim.AdamW)
    assert each.generator_optimiser.param_groups[0]["params"] == list(each.generator.parameters())


def test_plain_gradient_descent_is_what_it_says():
    t = trainer(optimisers=partial(SGD, lr=0.1), n_critic=1)
    before = [p.detach().clone() for p in t.critic.parameters()]
    t.critic_step()
    for old, new in zip(before, t.critic.parameters(), strict=True):
        torch.testing.assert_close(new, old - 0.1 * new.grad)


def test_schedules_move_with_the_steps_of_their_own_player():
    t = trainer(optimisers=partial(SGD, lr=2.0**-10), schedules=Falling, n_critic=3)
    t.fit(3)
    assert t.critic_optimiser.param_groups[0]["lr"] == 0.5 ** (10 + 9 // 2)
    assert t.generator_optimiser.param_groups[0]["lr"] == 0.5**11
    only = trainer(schedules=(None, Falling))
    only.fit(2)
    assert only.critic_schedule is None
    assert only.generator_optimiser.param_groups[0]["lr"] == pytest.approx(0.5e-4)


@pytest.mark.parametrize("optimiser", [partial(SGD, lr=0.01, momentum=0.9), partial(torch.optim.Adagrad, lr=0.01)])
def test_resume_with_any_optimiser_and_schedule_is_exact(tmp_path, optimiser):
    def make(folder):
        return trainer(constraints.make("gp"), folder=tmp_path / folder, optimisers=optimiser, schedules=Falling)

    whole = make("whole")
    whole.fit(8)
    make("parts").fit(5)
    parts = make("parts").resume()
    parts.fit(8)
    states = [t.state_dict() for t in (whole, parts)]
    for state in states:
        state.pop("record"), state.pop("meters")
    assert same(*states)


# -- latent vectors ------------------------------------------------------------------------------------


def test_any_latent_reaches_the_generator_in_training_and_in_samples():
    uniform = lambda n, rng: torch.rand(n, 2, generator=rng) + 5
    t = trainer(latent=uniform)
    seen = []
    t.generator.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    t.train_step()
    t.sample(3)
    assert len(seen) == 4
    assert all(z.min() >= 5 for z in seen)
    assert torch.equal(seen[0], uniform(8, seeded(1)))  # the stream of the latent vectors


def test_a_generator_that_does_not_say_its_latent_needs_one():
    pair = nn.Linear(3, 2), networks()[1]
    batches, config = SampledBatches(ring, 8, seeded()), TrainingConfig(device="cpu")
    with pytest.raises(ValueError, match="latent: the generator has no attribute"):
        Trainer(*pair, batches, Free(), config=config)
    t = Trainer(*pair, batches, Free(), config=config, latent=lambda n, rng: torch.randn(n, 3, generator=rng))
    t.fit(1)
    assert t.sample(4).shape == (4, 2)


def test_one_generator_of_random_numbers_may_serve_all():
    rng = seeded(3)
    t = trainer(rng=rng, batches=SampledBatches(ring, 8, rng), n_critic=2)
    assert t.rngs == {"latent": rng, "penalty": rng}
    t.train_step()
    again = seeded(3)
    for _ in range(2):
        ring(8, again), torch.randn(8, 2, generator=again)
    torch.randn(8, 2, generator=again)
    assert torch.equal(rng.get_state(), again.get_state())


# -- loaders -------------------------------------------------------------------------------------------


def loader(labels=False, **options):
    points = ring(20, seeded(5))
    data = TensorDataset(points, torch.arange(20) % 3) if labels else TensorDataset(points)
    return DataLoader(data, batch_size=8, generator=seeded(1), **options)


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("options", [{}, {"shuffle": True}, {"drop_last": True}])
def test_data_loaders_train(labels, options):
    t = trainer(constraints.make("gp"), 3 if labels else None, batches=loader(labels, **options))
    assert t.batches.batch == 8
    assert t.fit(4)["step"] == 4


def test_a_loader_is_gone_through_again_and_again():
    stream = as_batches(loader())
    sizes = [len(stream.next()[0]) for _ in range(7)]
    assert sizes == [8, 8, 4, 8, 8, 4, 8]
    both = as_batches(loader(labels=True))
    assert both.next()[1].tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


@pytest.mark.parametrize("data", [[torch.ones(4, 2)] * 3, [(torch.ones(4, 2), torch.zeros(4))], [[torch.ones(4, 2)]]])
def test_lists_of_batches_train(data):
    t = trainer(batches=data)
    assert t.batches.batch == 4
    t.fit(2)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "empty"),
        (loader(drop_last=True).__class__(TensorDataset(torch.ones(3, 2)), batch_size=8, drop_last=True), "empty"),
        (iter([torch.ones(4, 2)]), "ends after one pass"),
        ([{"image": torch.ones(4, 2)}], "must hold tensors"),
        ([(torch.ones(4, 2),) * 3], "got 3 parts"),
        (["abc"], "must hold tensors"),
    ],
)
def test_what_is_no_stream_is_refused(data, words):
    with pytest.raises(ValueError, match=words):
        trainer(batches=data).fit(1)


@pytest.mark.parametrize("data", [torch.ones(8, 2), 3, None, lambda: 1])
def test_what_holds_no_batches_is_no_data(data):
    with pytest.raises(TypeError, match="batches must be a stream"):
        as_batches(data)


def test_streams_of_the_package_stay_what_they_are():
    own = SampledBatches(ring, 8, seeded())
    assert as_batches(own) is own


def test_a_loader_says_that_it_cannot_go_back(tmp_path, caplog):
    trainer(batches=loader(), folder=tmp_path).fit(2)
    t = trainer(batches=loader(), folder=tmp_path).resume()
    assert "cannot go back to where it was" in caplog.text
    assert t.fit(4)["step"] == 4


def test_a_loader_that_knows_where_it_is_goes_on_there(caplog):
    class Stateful(list):
        batch_size, place = 4, 0

        def __iter__(self):
            while self.place < len(self):
                self.place += 1
                yield self[self.place - 1]
            self.place = 0

        def state_dict(self):
            return {"place": self.place}

        def load_state_dict(self, state):
            self.place = state["place"]

    data = [torch.full((4, 2), float(i)) for i in range(5)]
    one = LoaderBatches(Stateful(data))
    assert [float(one.next()[0][0, 0]) for _ in range(3)] == [0, 1, 2]
    two = LoaderBatches(Stateful(data))
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    assert [float(two.next()[0][0, 0]) for _ in range(3)] == [3, 4, 0]
    assert caplog.text == ""


# -- callables -----------------------------------------------------------------------------------------


def test_several_callables_get_the_trainer_and_what_was_logged():
    seen, again = [], []
    t = trainer(log_every=2)
    t.fit(3, after=[lambda t, record: seen.append((t.step, record)), lambda t, record: again.append(record)])
    assert [step for step, _ in seen] == [1, 2, 3]
    assert seen[0][1] is None
    assert [record["step"] for _, record in seen[1:]] == [2, 3]
    assert [record for _, record in seen] == again
    trainer().fit(1, after=())


# -- critics alone -------------------------------------------------------------------------------------


def pair(rng):
    """Points of a line, and the same ones two further on: W1 is 2."""
    x = torch.randn(64, 1, generator=rng)
    return x, x - 2


@pytest.mark.parametrize("name", ["gp", "lp", "sn", "orthonormal"])
def test_a_critic_alone_finds_the_distance(name):
    critic = mlp.Critic(1, (16, 16), act="groupsort", rng=seeded())
    run = fit_critic(critic, constraints.make(name), pair, 400, partial(Adam, lr=1e-2, betas=(0.0, 0.9)), rng=seeded(1))
    with torch.no_grad():
        real, fake = pair(seeded(9))
        assert float(run.critic(real).mean() - run.critic(fake).mean()) == pytest.approx(2, abs=0.5)


def test_a_critic_alone_takes_the_steps_of_a_loop_written_by_hand():
    critic, twin = (mlp.Critic(1, (8,), rng=seeded()) for _ in range(2))
    rule, rng = constraints.make("gp"), seeded(1)
    optimiser = Adam(twin.parameters(), 1e-2)
    losses = []
    for _ in range(5):
        real, fake = pair(rng)
        loss = twin(fake).mean() - twin(real).mean()
        total = loss + rule.penalty(twin, real, fake, rng)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    run = fit_critic(critic, constraints.make("gp"), pair, 5, partial(Adam, lr=1e-2), rng=seeded(1))
    assert same(critic.state_dict(), twin.state_dict())
    assert run.record["critic_loss"] == pytest.approx(sum(losses) / 5)
    assert run.record["estimate"] == pytest.approx(-sum(losses) / 5)


def test_a_critic_goes_on_with_the_optimiser_that_is_ready():
    class Counted(Free):
        """Counts its preparations."""

    rule, critic = Counted(), mlp.Critic(1, (8,), rng=seeded())
    first = fit_critic(critic, rule, pair, 2, partial(SGD, lr=0.1), rng=seeded(1))
    fit_critic(first.critic, rule, pair, 3, first.critic_optimiser, rng=first.rngs["penalty"])
    assert rule.calls.count("prepare") == 1
    assert rule.calls.count("project_") == 5
    whole = mlp.Critic(1, (8,), rng=seeded())
    fit_critic(whole, Free(), pair, 5, partial(SGD, lr=0.1), rng=seeded(1))
    assert same(whole.state_dict(), critic.state_dict())


@pytest.mark.parametrize("kind", ["tensors", "rows", "samplers", "mixed"])
def test_pairs_of_tensors_and_samplers(kind):
    x, shift = torch.randn(200, 1, generator=seeded()), lambda n, rng: torch.randn(n, 1, generator=rng) - 2
    given, batch = {
        "tensors": ((x, x - 2), None),
        "rows": ((x, x - 2), 50),
        "samplers": ((lambda n, rng: torch.randn(n, 1, generator=rng), shift), 50),
        "mixed": ((x, shift), 50),
    }[kind]
    rule = Free()
    run = fit_critic(mlp.Critic(1, (8,)), rule, given, 3, partial(SGD, lr=0.01), batch=batch, log_every=1)
    assert rule.seen[0].shape == rule.seen[1].shape == (batch or 200, 1)
    assert run.step == 3


def test_a_pair_may_tell_the_critic_more():
    critic = mlp.Critic(1, (8,), classes=3, rng=seeded())
    rule = Free()
    told = lambda rng: (*pair(rng), {"labels": torch.arange(64) % 3})
    fit_critic(critic, rule, told, 2, partial(SGD, lr=0.1))
    assert torch.equal(rule.seen[3]["labels"], torch.arange(64) % 3)
    assert critic.projection.weight.grad.any()


def test_schedule_objective_and_callables_of_a_critic_alone():
    seen = []
    run = fit_critic(
        mlp.Critic(1, (8,), rng=seeded()),
        Free(),
        pair,
        4,
        partial(SGD, lr=1.0),
        objective=objectives.make("hinge"),
        schedule=Falling,
        after=[lambda run, record: seen.append((run.step, record))],
        log_every=3,
    )
    assert run.critic_optimiser.param_groups[0]["lr"] == 0.25
    assert [(step, record and record["step"]) for step, record in seen] == [(1, None), (2, None), (3, 3), (4, 4)]
    assert seen[-1][1] == run.record
    assert run.record["critic_loss"] != -run.record["estimate"]


@pytest.mark.parametrize(("name", "value"), [("steps", 0), ("steps", 2.5), ("batch", None), ("batch", 0)])
def test_a_critic_alone_refuses(name, value):
    given = {"steps": 1, "batch": 4, name: value}
    sampler = lambda n, rng: torch.randn(n, 1, generator=rng)
    with pytest.raises(ValueError, match=f"{name} must be a whole number"):
        fit_critic(
            mlp.Critic(1, (8,)), Free(), (sampler, sampler), given["steps"], partial(SGD, lr=1), batch=given["batch"]
        )


def test_train_hands_all_of_it_over():
    generator, critic = networks()
    seen = []
    done = train(
        generator, critic, loader(), Free(), 2, config=TrainingConfig(device="cpu"), optimisers=partial(SGD, lr=0.001),
        schedules=Falling, latent=lambda n, rng: torch.rand(n, 2, generator=rng), after=[lambda t, _: seen.append(t)],
    )  # fmt: skip
    assert seen == [done, done]
