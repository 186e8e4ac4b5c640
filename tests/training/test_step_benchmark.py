"""The benchmark of a step: the textbook's mathematics and ours are the same, and what it counts is right."""

import pytest
import torch

from benchmarks import gpu, step
from wgan_course import constraints

SMALL = (
    step.Scale("mlp", "mlp", 16, 8),
    step.Scale("dcgan", "dcgan", 4, 4),
    step.Scale("resnet", "resnet", 4, 3),
)
BY_NAME = pytest.mark.parametrize("scale", SMALL, ids=lambda scale: scale.name)


def gradients(loss, module):
    return torch.autograd.grad(loss, [p for p in module.parameters() if p.requires_grad], allow_unused=True)


def batches(scale):
    rng = torch.Generator().manual_seed(7)
    real = scale.data().double()[: scale.batch]
    return (
        real,
        torch.randn(real.shape, generator=rng, dtype=torch.float64),
        torch.rand(scale.batch, generator=rng, dtype=torch.float64),
    )


@BY_NAME
def test_the_penalty_and_the_loss_have_the_textbooks_gradients(scale):
    textbook, critic = step.same_weights(scale, "gp")
    real, fake, epsilon = batches(scale)
    theirs = step.textbook_penalty(textbook.critic, real, fake, epsilon)
    theirs = theirs + textbook.critic(fake).mean() - textbook.critic(real).mean()
    ours = constraints.make("gp", weight=step.WEIGHT).penalty(critic, real, fake, epsilon=epsilon)
    ours = ours + critic(fake).mean() - critic(real).mean()
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    expected = gradients(theirs, textbook.critic)
    largest = max(g.abs().max() for g in expected if g is not None)
    for mine, right in zip(gradients(ours, critic), expected, strict=True):
        if right is None:
            right = torch.zeros_like(mine)
        mine = torch.zeros_like(right) if mine is None else mine
        assert float((mine - right).abs().max()) <= 1e-6 * float(largest)


@BY_NAME
def test_in_bfloat16_the_penaltys_gradient_points_the_same_way(scale):
    critic = scale.networks()[1]
    real, fake, epsilon = (batch.float() for batch in batches(scale))
    penalty = constraints.make("gp", weight=step.WEIGHT).penalty

    def direction():
        made = gradients(penalty(critic, real, fake, epsilon=epsilon), critic)
        return torch.cat([g.flatten().float() for g in made if g is not None])

    right = direction()
    with torch.autocast("cpu", torch.bfloat16):
        rough = direction()
    assert float(torch.nn.functional.cosine_similarity(right, rough, dim=0)) >= 0.999


@BY_NAME
def test_networks_of_the_textbook_and_of_the_package_agree(scale):
    textbook, critic = step.same_weights(scale, "none")
    real, _, _ = batches(scale)
    torch.testing.assert_close(textbook.critic(real), critic(real), rtol=1e-12, atol=1e-12)


def test_flops_by_hand():
    x, weight = torch.randn(5, 7), torch.randn(7, 3, requires_grad=True)
    assert step.flops(lambda: x @ weight) == 2 * 5 * 7 * 3
    assert step.flops(lambda: (x @ weight).sum().backward()) == 2 * (2 * 5 * 7 * 3)


def test_a_penalty_costs_the_floor_in_flops():
    """Masked activations send no zeros through the graph, so that counting finds what the floor says."""
    scale = step.Scale("mlp", "mlp", 64, 32)
    ours, plain = step.Ours(scale, "gp"), step.Ours(scale, "none")
    ours.round()  # a penalty looks once at a critic that it meets for the first time
    assert step.flops(ours.round) / step.flops(plain.round) == pytest.approx(step.floor(scale), rel=0.03)
    textbook = step.Textbook(scale, "gp"), step.Textbook(scale, "none")
    assert step.flops(textbook[0].round) / step.flops(textbook[1].round) > step.floor(scale) * 1.1


def test_turns_are_interleaved_and_the_base_has_ratio_one():
    scale = step.Scale("mlp", "mlp", 8, 4)
    table = step.measured(scale, 2, (step.BASE, "gp"))
    assert table["rows"][step.BASE]["ratio"] == 1
    assert set(table["rows"]) == {step.BASE, "gp"}
    assert "floor" in step.shown(scale, table)


def test_one_round_takes_five_critic_steps():
    scale = step.Scale("mlp", "mlp", 8, 4)
    contestant = step.Ours(scale, "none")
    seen = []
    contestant.trainer.critic.register_forward_hook(lambda *_: seen.append(1))
    contestant.round()
    assert len(seen) == 2 * step.N_CRITIC + 1


def test_the_benchmark_for_a_gpu_runs_its_contestants():
    """On the CPU nothing is captured, and the same bodies run."""
    scale = step.Scale("mlp", "mlp", 8, 4)
    rows = gpu.measured(scale, 1, "cpu", ("textbook, gp", "textbook, sn", "gp, step by step"))
    assert rows[gpu.BASE]["ratio"] == 1
    assert not any(row["captured"] for row in rows.values())
    assert "textbook, sn" in gpu.shown(scale, rows)
    assert gpu.difference(scale, "sn", "fp32", "cpu", rounds=2) == 0
