"""The multilayer perceptrons: shapes, counts, conditions, refusals."""

import itertools

import pytest
import torch
from torch import nn

from wgan_course.models import layers, mlp


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(("d", "hidden"), [(2, (128, 128, 128)), (5, ()), (3, (7,)), (1, (4, 6))])
def test_critic_has_the_stated_number_of_parameters(d, hidden):
    widths = [d, *hidden]
    stated = sum((a + 1) * b for a, b in itertools.pairwise(widths)) + widths[-1] + 1
    assert layers.parameter_count(mlp.Critic(d, hidden)) == stated


def test_documented_counts():
    assert layers.parameter_count(mlp.Critic(2)) == 33_537
    assert layers.parameter_count(mlp.Generator(2, 2)) == 33_666
    assert "33,537" in mlp.Critic.__doc__
    assert "33,666" in mlp.Generator.__doc__


def test_critic_is_the_composition_that_it_says(rng):
    critic = mlp.Critic(2, (3, 4), act="tanh", rng=rng)
    x = torch.randn(6, 2, generator=rng)
    linear = [m for m in critic.modules() if isinstance(m, nn.Linear)]
    h = x
    for layer in linear[:-1]:
        h = torch.tanh(h @ layer.weight.T + layer.bias)
    torch.testing.assert_close(critic(x), (h @ linear[-1].weight.T + linear[-1].bias)[:, 0])


@pytest.mark.parametrize("norm", ["none", "layer"])
@pytest.mark.parametrize("act", layers.ACTIVATIONS)
def test_one_score_a_sample_and_no_sample_sees_another(norm, act, rng):
    critic = mlp.Critic(12, (8, 8), norm=norm, act=act, rng=rng)
    x = torch.randn(5, 3, 2, 2, generator=rng, requires_grad=True)
    scores = critic(x)
    assert scores.shape == (5,)
    (g,) = torch.autograd.grad(scores[0], x)
    assert g[0].any()
    assert not g[1:].any()


def test_critic_takes_a_batch_of_one():
    assert mlp.Critic(2)(torch.zeros(1, 2)).shape == (1,)


@pytest.mark.parametrize("options", [{"in_features": 0}, {"in_features": 2, "hidden": (3, -1)}, {"in_features": 2.0}])
def test_critic_refuses_sizes(options):
    with pytest.raises(ValueError, match="positive whole number"):
        mlp.Critic(**options)


def test_critic_refuses_batch_norm_and_unknown_activations():
    with pytest.raises(ValueError, match="couple the samples"):
        mlp.Critic(2, norm="batch")
    with pytest.raises(ValueError, match="activation"):
        mlp.Critic(2, act="sigmoidal")


@pytest.mark.parametrize("out", [2, (1, 4, 4), (3, 2)])
def test_generator_shapes_and_range(out, rng):
    g = mlp.Generator(3, out, (8,), rng=rng)
    samples = g(100 * torch.randn(5, 3, generator=rng))
    assert samples.shape == (5, *((out,) if isinstance(out, int) else out))
    assert (float(samples.detach().abs().max()) <= 1) == (not isinstance(out, int))


@pytest.mark.parametrize("sizes", [(0, 2), (2, 0), (2, (1, 0))])
def test_generator_refuses_sizes(sizes):
    with pytest.raises(ValueError, match="positive whole number"):
        mlp.Generator(*sizes)


def test_generator_appends_the_embedding_of_the_class(rng):
    g = mlp.Generator(3, 2, (8,), classes=4, rng=rng)
    z, labels = torch.randn(5, 3, generator=rng), torch.tensor([0, 3, 1, 1, 2])
    one_hot = nn.functional.one_hot(labels, 4).float()
    torch.testing.assert_close(g(z, labels), g.network(torch.cat([z, g.embedding(one_hot)], 1)))
    with pytest.raises(ValueError, match="needs labels"):
        g(z)
    with pytest.raises(ValueError, match="takes no labels"):
        mlp.Generator(3, 2)(z, labels)


def test_gradients_reach_the_class_embedding(rng):
    g = mlp.Generator(3, 2, (8,), classes=4, rng=rng)
    g(torch.randn(2, 3, generator=rng), torch.tensor([1, 1])).square().sum().backward()
    used = g.embedding.weight.grad.abs().sum(0)
    assert used[1] > 0
    assert not used[[0, 2, 3]].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_and_device_are_taken(dtype):
    critic = mlp.Critic(2, dtype=dtype, device="meta")
    assert all(p.is_meta and p.dtype == dtype for p in critic.parameters())
    assert critic(torch.zeros(3, 2, dtype=dtype, device="meta")).is_meta
