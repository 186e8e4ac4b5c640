"""DCGAN and residual networks: shapes, documented counts and fields, classes, no batch statistics in a critic."""

import re

import pytest
import torch
from torch import nn

from wgan_course.models import dcgan, layers, resnet

FAMILIES = {"dcgan": dcgan, "resnet": resnet}
SIZES = (28, 32, 64)


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def documented(module, size):
    """The row of the module's table: field, critic's and generator's parameters."""
    row = re.search(rf"^{size} +\d+ +\d+ +(\d+) pixels +([\d,]+) +([\d,]+)", module.__doc__, re.M)
    return [int(cell.replace(",", "")) for cell in row.groups()]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_shapes_range_and_one_score_a_sample(family, channels, size, rng):
    module = FAMILIES[family]
    g, f = module.Generator(8, size, channels, 4, rng=rng), module.Critic(size, channels, 4, rng=rng)
    images = g(torch.randn(3, 8, generator=rng))
    assert images.shape == (3, channels, size, size)
    assert float(images.detach().abs().max()) <= 1
    assert f(images).shape == (3,)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("family", FAMILIES)
def test_documented_parameter_counts(family, size):
    module = FAMILIES[family]
    _, critic, generator = documented(module, size)
    assert layers.parameter_count(module.Critic(size, 1, 64, device="meta")) == critic
    assert layers.parameter_count(module.Generator(64, size, 1, 64, device="meta")) == generator


@pytest.mark.parametrize("size", SIZES)
def test_documented_receptive_fields_follow_from_the_layers(size):
    stages = dcgan.SHAPES[size][1]
    block = [(3, 1), (3, 1)]
    assert documented(dcgan, size)[0] == layers.receptive_field([(4, 2)] * stages)
    assert documented(resnet, size)[0] == layers.receptive_field([*block, (2, 2)] * stages + block)


def test_receptive_field_of_the_dcgan_critic_by_gradient(rng):
    features = dcgan.Critic(64, width=2, rng=rng, dtype=torch.float64).features[:-1]
    x = torch.randn(1, 1, 128, 128, generator=rng, dtype=torch.float64, requires_grad=True)
    y = features(x)
    (g,) = torch.autograd.grad(y[0, :, 4, 4].sum(), x)
    columns = g[0, 0].abs().sum(0).nonzero()
    assert int(columns.max() - columns.min()) + 1 == documented(dcgan, 64)[0]


@pytest.mark.parametrize("norm", ["none", "layer"])
@pytest.mark.parametrize("family", FAMILIES)
def test_no_sample_sees_another_in_a_critic(family, norm, rng):
    f = FAMILIES[family].Critic(28, 1, 4, norm=norm, rng=rng)
    x = torch.randn(4, 1, 28, 28, generator=rng, requires_grad=True)
    (g,) = torch.autograd.grad(f(x)[0], x)
    assert g[0].any()
    assert not g[1:].any()
    assert not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in f.modules())
    assert any(isinstance(m, layers.LayerNorm) for m in f.modules()) == (norm == "layer")


@pytest.mark.parametrize("family", FAMILIES)
def test_batch_norm_of_the_generator_does_couple(family, rng):
    """The test above can fail: the same look at a generator finds the coupling."""
    g = FAMILIES[family].Generator(4, 28, 1, 4, rng=rng)
    z = torch.randn(4, 4, generator=rng, requires_grad=True)
    (gradient,) = torch.autograd.grad(g(z)[0].square().sum(), z)
    assert gradient[1:].abs().max() > 1e-7


@pytest.mark.parametrize("family", FAMILIES)
def test_classes_change_scores_and_images(family, rng):
    module = FAMILIES[family]
    g, f = module.Generator(4, 28, 1, 4, classes=3, rng=rng), module.Critic(28, 1, 4, classes=3, rng=rng)
    z = torch.randn(1, 4, generator=rng).repeat(3, 1)
    labels = torch.arange(3)
    images = g.eval()(z, labels)
    assert not torch.allclose(images[0], images[1])
    same = images[:1].repeat(3, 1, 1, 1)
    scores = f(same, labels)
    assert scores.unique().numel() == 3
    for network, x in ((f, images), (g, z)):
        with pytest.raises(ValueError, match="needs labels"):
            network(x)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("name", "options"), [("size", {"size": 30}), ("channels", {"channels": 2}), ("width", {"width": 0})]
)
def test_refusals(family, name, options):
    for network in (FAMILIES[family].Critic, FAMILIES[family].Generator):
        with pytest.raises(ValueError, match=name):
            network(**options)


@pytest.mark.parametrize("family", FAMILIES)
def test_critic_refuses_batch_norm(family):
    with pytest.raises(ValueError, match="couple the samples"):
        FAMILIES[family].Critic(28, norm="batch")


@pytest.mark.parametrize("family", FAMILIES)
def test_initial_scores_are_moderate(family, rng):
    """Weights that start too large or too small show here: scores neither explode nor vanish."""
    f = FAMILIES[family].Critic(28, 1, 16, rng=rng)
    spread = float(f(torch.randn(64, 1, 28, 28, generator=rng)).detach().std())
    assert 1e-2 < spread < 1e2


@pytest.mark.parametrize(("init", "std"), [("dcgan", 0.02), ("he", (2 / (16 * 16)) ** 0.5)])
def test_dcgan_initialisation(init, std, rng):
    f = dcgan.Critic(28, 1, 16, init=init, rng=rng)
    second = [m for m in f.modules() if isinstance(m, nn.Conv2d)][1]
    assert float(second.weight.detach().std()) == pytest.approx(std, rel=0.05)


@pytest.mark.parametrize("family", FAMILIES)
def test_dtype_is_taken(family):
    f = FAMILIES[family].Critic(28, 1, 4, dtype=torch.float64)
    assert f(torch.zeros(2, 1, 28, 28, dtype=torch.float64)).dtype == torch.float64
