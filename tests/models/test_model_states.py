"""Every model: copies, saved states, seeds, modes, single samples, NaN, gradients to every parameter, constraints."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn

from wgan_course import constraints
from wgan_course.models import dcgan, layers, mlp, resnet

CRITICS = {
    "mlp": lambda **o: mlp.Critic(2, (8, 8), **o),
    "mlp with layer norm": lambda **o: mlp.Critic(2, (8, 8), norm="layer", **o),
    "dcgan": lambda **o: dcgan.Critic(28, 1, 4, **o),
    "dcgan with layer norm": lambda **o: dcgan.Critic(28, 3, 4, norm="layer", **o),
    "resnet": lambda **o: resnet.Critic(28, 1, 4, **o),
}
GENERATORS = {
    "mlp": lambda **o: mlp.Generator(3, 2, (8, 8), **o),
    "mlp of images": lambda **o: mlp.Generator(3, (1, 4, 4), (8,), **o),
    "dcgan": lambda **o: dcgan.Generator(3, 28, 1, 4, **o),
    "resnet": lambda **o: resnet.Generator(3, 28, 1, 4, **o),
}
SHAPES = {"mlp": (2,), "mlp with layer norm": (2,), "dcgan with layer norm": (3, 28, 28)}
CLASSES = pytest.mark.parametrize("classes", [None, 3])


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(name, n=4, seed=1):
    return torch.randn(n, *SHAPES.get(name, (1, 28, 28)), generator=rng(seed))


def labels(classes, n=4):
    return () if classes is None else (torch.arange(n) % classes,)


def critics_and_generators():
    yield from (("critic", name, make) for name, make in CRITICS.items())
    yield from (("generator", name, make) for name, make in GENERATORS.items())


CASES = list(critics_and_generators())
ALL = pytest.mark.parametrize(("kind", "name", "make"), CASES, ids=[f"{kind} {name}" for kind, name, _ in CASES])


def inputs(kind, name, classes, n=4, seed=1):
    x = batch(name, n, seed) if kind == "critic" else torch.randn(n, 3, generator=rng(seed))
    return (x, *labels(classes, n))


@ALL
@CLASSES
def test_copies_pickles_and_states_give_the_same_outputs(kind, name, make, classes):
    network, given = make(classes=classes, rng=rng()).eval(), inputs(kind, name, classes)
    with torch.no_grad():
        expected = network(*given)
        stored = io.BytesIO()
        torch.save(network.state_dict(), stored)
        stored.seek(0)
        fresh = make(classes=classes, rng=rng(5)).eval()
        assert not torch.equal(fresh(*given), expected)
        fresh.load_state_dict(torch.load(stored, weights_only=True))
        for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network)), fresh):
            assert torch.equal(twin(*given), expected)


@ALL
def test_a_seed_makes_the_weights_and_the_global_state_is_not_asked(kind, name, make):
    torch.manual_seed(1)
    one = make(rng=rng(3))
    torch.manual_seed(2)
    two, other = make(rng=rng(3)), make(rng=rng(4))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@ALL
@CLASSES
def test_every_parameter_learns(kind, name, make, classes):
    network = make(classes=classes, rng=rng())
    network(*inputs(kind, name, classes, n=6)).square().sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize("name", CRITICS)
@CLASSES
def test_critics_score_alike_in_training_and_evaluation_alone_and_together(name, classes):
    critic, given = CRITICS[name](classes=classes, rng=rng()), inputs("critic", name, classes, n=5)
    with torch.no_grad():
        scores = critic.train()(*given)
        assert torch.equal(critic.eval()(*given), scores)
        alone = [critic(*(part[i : i + 1] for part in given)) for i in range(5)]
        order = torch.tensor([3, 1, 4, 0, 2])
        shuffled = critic(*(part[order] for part in given))
    torch.testing.assert_close(torch.cat(alone), scores, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(shuffled, scores[order], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CRITICS)
def test_a_broken_sample_breaks_its_own_score_alone(name):
    critic, x = CRITICS[name](rng=rng()), batch(name)
    with torch.no_grad():
        clean = critic(x)
        x[2].view(-1)[0] = float("nan")
        scores = critic(x)
    assert scores.isnan().tolist() == [False, False, True, False]
    torch.testing.assert_close(scores[[0, 1, 3]], clean[[0, 1, 3]])


@pytest.mark.parametrize("name", CRITICS)
def test_critics_have_no_buffers_and_no_batch_statistics(name):
    critic = CRITICS[name]()
    assert list(critic.buffers()) == []
    assert not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in critic.modules())


@pytest.mark.parametrize("name", CRITICS)
def test_classes_change_the_score_and_their_order_does_not(name):
    critic, x = CRITICS[name](classes=3, rng=rng()), batch(name)
    with torch.no_grad():
        scores = torch.stack([critic(x, torch.full((4,), k)) for k in range(3)])
        mixed = critic(x, torch.tensor([0, 1, 2, 1]))
    assert torch.unique(scores, dim=0).shape[0] == 3
    torch.testing.assert_close(mixed, scores[torch.tensor([0, 1, 2, 1]), torch.arange(4)], rtol=1e-4, atol=1e-5)


@ALL
def test_types_and_devices_are_taken_from_the_start(kind, name, make):
    wide = make(dtype=torch.float64, rng=rng())
    assert {p.dtype for p in wide.parameters()} == {torch.float64}
    outside = make(device="meta")
    assert all(tensor.is_meta for tensor in outside.state_dict().values())
    given = inputs(kind, name, None)[0].to("meta")
    assert outside(given).is_meta


@ALL
def test_an_empty_batch_gives_an_empty_answer(kind, name, make):
    network = make(rng=rng()).eval()
    with torch.no_grad():
        assert len(network(inputs(kind, name, None)[0][:0])) == 0


@ALL
def test_labels_that_do_not_fit_are_refused(kind, name, make):
    given = inputs(kind, name, 3)
    with pytest.raises(ValueError, match=r"needs labels in 0\.\.2"):
        make(classes=3)(given[0])
    with pytest.raises(ValueError, match="takes no labels"):
        make()(*given)
    for wrong in (torch.full((4,), 3), torch.full((4,), -4)):
        with pytest.raises((IndexError, RuntimeError)):
            make(classes=3)(given[0], wrong)


@pytest.mark.parametrize("name", GENERATORS)
def test_one_latent_vector_makes_one_sample_in_evaluation(name):
    generator = GENERATORS[name](rng=rng()).eval()
    z = torch.randn(3, 3, generator=rng(2))
    with torch.no_grad():
        torch.testing.assert_close(generator(z)[1:2], generator(z[1:2]), rtol=1e-4, atol=1e-5)
    assert generator.latent == 3


@pytest.mark.parametrize("name", ["mlp", "dcgan", "resnet"])
@pytest.mark.parametrize("constraint", ["sn", "sn_conv", "weight_norm", "sn_projected"])
def test_conditional_critics_can_be_constrained_copied_and_saved(name, constraint):
    make = lambda seed: constraints.make(constraint).prepare(CRITICS[name](classes=3, rng=rng(seed)))
    critic, given = make(0), inputs("critic", name, 3)
    critic(*given).sum().backward()
    critic.eval()
    expected = critic(*given)
    assert torch.equal(copy.deepcopy(critic)(*given), expected)
    fresh = make(7).eval()
    fresh.load_state_dict(critic.state_dict())
    assert torch.equal(fresh(*given), expected)


# -- the course's layers against PyTorch's where numbers are odd ---------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_group_sort_keeps_numbers_types_and_norms(dtype):
    x = torch.randn(5, 6, 3, generator=rng()).to(dtype)
    for size in (2, 3, 6):
        y = layers.GroupSort(size)(x)
        assert y.dtype == dtype
        assert torch.equal(y.flatten(1).sort().values, x.flatten(1).sort().values)
        assert torch.equal(layers.GroupSort(size)(y), y)
        assert torch.equal(layers.GroupSort(size)(-x), -y.unflatten(1, (-1, size)).flip(2).flatten(1, 2))


def test_group_sort_of_ties_has_a_gradient_of_norm_one():
    x = torch.ones(1, 4, requires_grad=True)
    (g,) = torch.autograd.grad(layers.GroupSort()(x) @ torch.tensor([1.0, 2.0, 3.0, 4.0]), x)
    assert sorted(g[0].tolist()) == [1, 2, 3, 4]


def test_two_group_sort_points_are_never_farther_apart_than_they_were():
    x, y = torch.randn(200, 6, generator=rng()), torch.randn(200, 6, generator=rng(1))
    for size in (2, 3, 6):
        layer = layers.GroupSort(size)
        assert ((layer(x) - layer(y)).norm(dim=1) <= (x - y).norm(dim=1) + 1e-6).all()


@pytest.mark.parametrize(("act", "slope"), [("relu", 0.0), ("leaky_relu", 0.2)])
def test_activations_at_zero_take_the_left_slope(act, slope):
    x = torch.zeros(3, requires_grad=True)
    (g,) = torch.autograd.grad(layers.activation(act)(x).sum(), x)
    assert g.tolist() == pytest.approx([slope] * 3)


def test_average_pooling_of_a_constant_is_the_constant():
    x = torch.full((2, 3, 4, 8), 2.5)
    assert torch.equal(layers.AvgPool2d(4)(x), torch.full((2, 3, 1, 2), 2.5))
    with pytest.raises(ValueError, match="squares"):
        layers.AvgPool2d(3)(x)


def test_frozen_parameters_are_not_counted():
    network = mlp.Critic(2, (4,))
    assert layers.parameter_count(network) == 2 * 4 + 4 + 4 + 1
    assert layers.parameter_count(network.requires_grad_(False)) == 0
    assert layers.receptive_field([]) == 1
