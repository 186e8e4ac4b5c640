"""The shared layers, against PyTorch's own and against closed forms."""

import pytest
import torch
from torch import nn

from wgan_course import constraints
from wgan_course.constraints import penalties
from wgan_course.models import dcgan, double_backward, layers, mlp, resnet


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


PAIRS = {"relu": (layers.ReLU(), nn.ReLU()), "leaky": (layers.LeakyReLU(0.2), nn.LeakyReLU(0.2))}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_activation_equals_pytorchs_to_the_bit(name, dtype, rng):
    ours, theirs = PAIRS[name]
    x = torch.cat([torch.randn(1000, generator=rng), torch.tensor([0.0, -0.0, 1e30, -1e30])]).to(dtype)
    cotangent = torch.randn(1004, generator=rng).to(dtype)
    results = []
    for f in (ours, theirs):
        point = x.clone().requires_grad_()
        y = f(point)
        results.append((y.detach(), torch.autograd.grad(y, point, cotangent)[0]))
    tolerance = 2**-6 if (name, dtype) == ("leaky", torch.bfloat16) else 0
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=0)


@pytest.mark.parametrize("name", PAIRS)
def test_activation_keeps_dtype_and_is_known_to_isinstance(name):
    ours, theirs = PAIRS[name]
    assert isinstance(ours, type(theirs))
    assert ours(torch.zeros(3, dtype=torch.float64)).dtype == torch.float64


def gradient_penalty_gradient(critic, x):
    point = x.clone().requires_grad_()
    with layers.cheap_double_backward():
        scores = critic(point)
    (g,) = torch.autograd.grad(scores.sum(), point, create_graph=True)
    penalty = (g.flatten(1).norm(dim=1) - 1).square().mean()
    return torch.autograd.grad(penalty, [p for p in critic.parameters() if p.dim() > 1])


def swapped(ours, theirs, pool):
    generator = torch.Generator().manual_seed(1)
    made = []
    for act, make_pool in ((ours, layers.AvgPool2d), (theirs, nn.AvgPool2d)):
        parts = [nn.Conv2d(1, 4, 3, padding=1), act, nn.Conv2d(4, 4, 3, padding=1), act]
        net = nn.Sequential(*parts, *([make_pool(2)] if pool else []), nn.Flatten(), nn.Linear(16 if pool else 64, 1))
        made.append(layers.initialise_(net.double(), "he", generator.manual_seed(1)))
    return made


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("pool", [False, True])
def test_penalty_gradient_equals_that_of_pytorchs_layers(name, pool, rng):
    ours, theirs = swapped(*PAIRS[name], pool)
    x = torch.randn(5, 1, 4, 4, generator=rng, dtype=torch.float64)
    for a, b in zip(gradient_penalty_gradient(ours, x), gradient_penalty_gradient(theirs, x), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("make", [layers.ReLU, layers.LeakyReLU, layers.GroupSort, lambda: layers.AvgPool2d(2)])
def test_double_backward_leads_nowhere(make):
    """Where a penalty runs its forward, the gradient of a layer sends nothing to the layer's input."""
    x = torch.randn(2, 4, 4, 4, requires_grad=True)
    with layers.cheap_double_backward():
        y = make()(x)
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert not g.requires_grad or torch.autograd.grad(g.sum(), x, allow_unused=True)[0] is None
    (theirs,) = torch.autograd.grad(nn.functional.leaky_relu(x, 0.2).sum(), x, create_graph=True)
    assert torch.autograd.grad(theirs.sum(), x, allow_unused=True)[0] is not None


@pytest.mark.parametrize("make", [layers.ReLU, layers.LeakyReLU, lambda: layers.AvgPool2d(2)])
def test_outside_a_penalty_the_layers_are_pytorchs_to_the_bit(make):
    ours = make()
    theirs = {nn.ReLU: nn.ReLU(), nn.LeakyReLU: nn.LeakyReLU(0.2), nn.AvgPool2d: nn.AvgPool2d(2)}[type(ours).__base__]
    values = [-torch.inf, torch.inf, torch.nan, -1.0, -0.0, 0.0, 1.0, 1e-45]
    x = torch.tensor(values * 8).reshape(1, 1, 8, 8)
    assert torch.equal(ours(x).view(torch.int32), theirs(x).view(torch.int32))


def test_the_cheap_form_ends_with_its_block_also_after_an_error():
    x = torch.full((1,), -torch.inf)

    def fail():
        with layers.cheap_double_backward():
            with layers.cheap_double_backward():
                pass
            assert layers.ReLU()(x).isnan()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert layers.ReLU()(x) == 0


@pytest.mark.parametrize("size", [2, 3, 4])
def test_group_sort_sorts_each_group(size, rng):
    x = torch.randn(7, 12, 5, generator=rng)
    y = layers.GroupSort(size)(x)
    expected = x.reshape(7, 12 // size, size, 5).sort(dim=2, descending=True).values.reshape(7, 12, 5)
    assert torch.equal(y, expected)


def test_group_sort_jacobian_is_a_permutation(rng):
    x = torch.randn(6, generator=rng, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda v: layers.GroupSort()(v[None])[0], x)
    assert torch.equal(jacobian @ jacobian.T, torch.eye(6, dtype=torch.float64))


def test_group_sort_represents_the_absolute_value():
    x = torch.linspace(-2, 2, 9)[:, None]
    y = layers.GroupSort()(torch.cat([x, -x], 1))
    assert torch.equal(y[:, 0], x.abs()[:, 0])


@pytest.mark.parametrize("shape", [(3, 5), (4,)])
def test_group_sort_refuses_what_it_cannot_group(shape):
    with pytest.raises(ValueError, match="groups of 2"):
        layers.GroupSort()(torch.zeros(shape))


def test_group_sort_refuses_groups_of_one():
    with pytest.raises(ValueError, match="group_size"):
        layers.GroupSort(1)
    assert "group_size=3" in repr(layers.GroupSort(3))


@pytest.mark.parametrize("k", [2, 4])
def test_avg_pool_equals_pytorchs(k, rng):
    x = torch.randn(3, 2, 8, 4, generator=rng)
    torch.testing.assert_close(layers.AvgPool2d(k)(x), nn.functional.avg_pool2d(x, k))


def test_avg_pool_has_norm_one_over_k():
    """The largest stretch is on a constant square: k² equal entries of norm k give one entry."""
    x = torch.full((1, 1, 3, 3), 1 / 3)
    assert float(layers.AvgPool2d(3)(x).norm()) == pytest.approx(1 / 3)


@pytest.mark.parametrize("shape", [(1, 1, 5, 4), (1, 4, 4)])
def test_avg_pool_refuses_squares_that_do_not_fit(shape):
    with pytest.raises(ValueError, match="2 by 2 squares"):
        layers.AvgPool2d(2)(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3, 3)])
def test_layer_norm_looks_at_one_sample(shape, rng):
    x = torch.randn(shape, generator=rng)
    y = layers.LayerNorm(6)(x)
    torch.testing.assert_close(y[:1], layers.LayerNorm(6)(x[:1]))
    flat = y.flatten(1)
    torch.testing.assert_close(flat.mean(1), torch.zeros(4), atol=1e-6, rtol=0)
    torch.testing.assert_close(flat.var(1, unbiased=False), torch.ones(4), atol=1e-3, rtol=0)


def test_activation_by_name():
    assert isinstance(layers.activation("groupsort"), layers.GroupSort)
    with pytest.raises(ValueError, match="leaky_relu"):
        layers.activation("swish")


@pytest.mark.parametrize(("resample", "side"), [("none", 8), ("down", 4), ("up", 16)])
@pytest.mark.parametrize("first", [False, True])
def test_residual_block_adds_its_two_paths(resample, side, first, rng):
    block = layers.ResidualBlock(2, 3, resample=resample, first=first)
    x = torch.randn(2, 2, 8, 8, generator=rng)
    y = block(x)
    assert y.shape == (2, 3, side, side)
    torch.testing.assert_close(y, block.main(x) + block.skip(x))


def test_residual_block_keeps_its_skip_path_whole(rng):
    """The bug of an in-place ReLU, which turns the identity of the skip path into relu(x)."""
    block = layers.ResidualBlock(2, 2)
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(3, 2, 4, 4, generator=rng)
    kept = x.clone()
    assert torch.equal(block(x), kept)
    assert torch.equal(x, kept)


def test_residual_block_takes_a_norm_and_refuses_a_wrong_resampling():
    block = layers.ResidualBlock(2, 3, norm=layers.LayerNorm)
    assert [m.num_channels for m in block.modules() if isinstance(m, layers.LayerNorm)] == [2, 3]
    with pytest.raises(ValueError, match="resample"):
        layers.ResidualBlock(2, 2, resample="sideways")


def test_projection_critic_adds_the_inner_product_with_the_class(rng):
    critic = layers.ProjectionCritic(nn.Flatten(), 4, classes=3)
    x, labels = torch.randn(5, 4, generator=rng), torch.tensor([0, 1, 2, 1, 0])
    expected = x @ critic.head.weight[0] + critic.head.bias + (x * critic.projection.weight[labels]).sum(1)
    torch.testing.assert_close(critic(x, labels), expected)


def test_labels_are_wanted_or_not():
    with pytest.raises(ValueError, match=r"needs labels in 0\.\.2"):
        layers.ProjectionCritic(nn.Flatten(), 4, classes=3)(torch.zeros(1, 4))
    with pytest.raises(ValueError, match="takes no labels"):
        layers.ProjectionCritic(nn.Flatten(), 4)(torch.zeros(1, 4), torch.zeros(1, dtype=torch.long))


@pytest.mark.parametrize(("scheme", "std"), [("he", (2 / 400) ** 0.5), ("dcgan", 0.02)])
def test_initialisation_has_the_stated_spread(scheme, std, rng):
    layer = layers.initialise_(nn.Linear(400, 300), scheme, rng)
    assert float(layer.weight.detach().std()) == pytest.approx(std, rel=0.02)
    assert float(layer.weight.detach().mean()) == pytest.approx(0, abs=4 * std / (400 * 300) ** 0.5)
    assert not layer.bias.any()


def test_orthogonal_initialisation_is_orthogonal(rng):
    weight = layers.initialise_(nn.Linear(5, 5), "orthogonal", rng).weight
    torch.testing.assert_close(weight @ weight.T, torch.eye(5))


def test_initialisation_follows_its_generator_alone():
    first = mlp.Critic(3, rng=torch.Generator().manual_seed(7))
    torch.manual_seed(99)
    second = mlp.Critic(3, rng=torch.Generator().manual_seed(7))
    third = mlp.Critic(3, rng=torch.Generator().manual_seed(8))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(next(first.parameters()), next(third.parameters()))


def test_initialisation_refuses_unknown_schemes_and_leaves_meta_alone():
    with pytest.raises(ValueError, match="orthogonal"):
        layers.initialise_(nn.Linear(1, 1), "zeros")
    assert layers.initialise_(nn.Linear(2, 2, device="meta"), "he").weight.is_meta


def test_parameter_count_counts_what_is_trained():
    net = nn.Linear(3, 2)
    net.bias.requires_grad_(False)
    assert layers.parameter_count(net) == 6


def measured_field(network, side):
    """How wide the square of pixels is that moves the centre of the output."""
    x = torch.randn(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    y = network.double()(x)
    (g,) = torch.autograd.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
    columns = g[0, 0].abs().sum(0).nonzero()
    return int(columns.max() - columns.min()) + 1


@pytest.mark.parametrize("stages", [[(3, 1)], [(3, 1), (3, 1)], [(4, 2), (4, 2)], [(5, 3), (3, 1), (2, 2)]])
def test_receptive_field_against_a_gradient(stages):
    network = nn.Sequential(*[nn.Conv2d(1, 1, k, s) for k, s in stages])
    assert layers.receptive_field(stages) == measured_field(network, 64)


def test_receptive_field_refuses_what_is_no_stage():
    with pytest.raises(ValueError, match="kernel and stride"):
        layers.receptive_field([(3, 0)])


# -- labels and weights that would be taken for something else -----------------------------------------


@pytest.mark.parametrize("labels", [[-1, 0], [0, 3], [-3, -3]])
def test_labels_out_of_range_are_refused_by_critic_and_generator(labels):
    labels = torch.tensor(labels)
    for network in (mlp.Critic(4, (8,), classes=3), mlp.Generator(4, 2, (8,), classes=3)):
        with pytest.raises(IndexError, match=r"labels must lie in 0\.\.2"):
            network(torch.zeros(2, 4), labels)


@pytest.mark.parametrize(
    "labels", [torch.zeros(2), torch.zeros(2, 1, dtype=torch.long), torch.ones(2, dtype=torch.bool)]
)
def test_labels_that_are_no_vector_of_whole_numbers_are_refused(labels):
    for network in (mlp.Critic(4, (8,), classes=3), mlp.Generator(4, 2, (8,), classes=3)):
        with pytest.raises(ValueError, match="whole numbers"):
            network(torch.zeros(2, 4), labels)


@pytest.mark.parametrize("name", ["sn", "sn_conv", "weight_norm"])
def test_initialisation_reaches_weights_that_are_computed(name, rng):
    critic = constraints.make(name).prepare(nn.Sequential(nn.Linear(20, 30)))
    critic[0].bias.data.fill_(1)
    layers.initialise_(critic, "dcgan", rng)
    original = critic[0].parametrizations.weight.original.detach()
    assert float(original.std()) == pytest.approx(0.02, rel=0.1)
    assert not critic[0].bias.any()
    if name != "weight_norm":
        exact = original / torch.linalg.svdvals(original)[0]
        weight = critic.eval()[0].weight.detach()
        torch.testing.assert_close(weight, exact, rtol=0.1, atol=1e-3)  # what the power iteration promises


def test_initialisation_of_an_orthonormal_layer_keeps_it_orthonormal(rng):
    critic = constraints.make("orthonormal").prepare(nn.Sequential(nn.Linear(5, 5)))
    before = critic[0].weight.detach().clone()
    weight = layers.initialise_(critic, "he", rng)[0].weight.detach()
    torch.testing.assert_close(weight @ weight.T, torch.eye(5), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(weight, before, atol=0.1)


def test_initialisation_of_a_weight_that_a_hook_computes_is_refused(rng):
    critic = nn.Sequential(nn.Linear(2, 2), nn.utils.spectral_norm(nn.Linear(2, 2)))
    before = critic[0].weight.detach().clone()
    with pytest.raises(ValueError, match="hook"):
        layers.initialise_(critic, "he", rng)
    assert torch.equal(critic[0].weight, before)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_lie_channels_last_on_a_cpu_and_nothing_else_changes(channels):
    x = torch.randn(2, channels, 4, 4)
    laid = layers.channels_last_on_cpu(x)
    assert torch.equal(laid, x)
    assert laid.stride() == (16 * channels, 1, 4 * channels, channels)
    assert layers.channels_last_on_cpu(torch.zeros(2, 3)).stride() == (3, 1)
    assert layers.channels_last_on_cpu(torch.zeros(2, 3, 4, 4, device="meta")).stride() == (48, 16, 4, 1)


def test_a_convolution_twice_differentiated_is_pytorchs(rng, monkeypatch):
    """Values, first derivatives and those of a penalty, by everything, at strides, paddings, dilations and groups."""
    for options in ({}, {"stride": 2, "padding": 1}, {"dilation": 2}, {"groups": 2, "bias": False}):
        theirs = nn.Conv2d(4, 6, 3, **options).double()
        ours = layers.Conv2d(4, 6, 3, **options).double()
        ours.load_state_dict(theirs.state_dict())
        x = torch.randn(2, 4, 8, 7, generator=rng, dtype=torch.float64)
        found = []
        monkeypatch.setattr(double_backward, "PAYS_ON", {"cpu"})
        for layer in (ours, theirs):
            point = x.clone().requires_grad_()
            with double_backward.cheap_double_backward():
                y = layer(point).tanh().square().sum()
            (slope,) = torch.autograd.grad(y, point, create_graph=True)
            first = torch.autograd.grad(y, list(layer.parameters()), retain_graph=True)
            second = torch.autograd.grad(slope.pow(3).sum(), [point, *layer.parameters()])
            found.append((y, slope, *first, *second))
        assert any("_Convolution" in name for name in graph_names(found[0][0]))
        assert not any("_Convolution" in name for name in graph_names(found[1][0]))
        for one, other in zip(*found, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-11)


def graph_names(y):
    return [type(node).__name__ for node in penalties.graph_nodes(y)]


@pytest.mark.parametrize("module", [dcgan, resnet])
def test_a_penalty_by_cheap_convolutions_is_pytorchs(module, rng, monkeypatch):
    critic = module.Critic(32, 3, 4, norm="layer", rng=rng).double()
    x = torch.randn(3, 3, 32, 32, generator=rng, dtype=torch.float64)
    found = []
    for devices in ({"cpu"}, set()):
        monkeypatch.setattr(double_backward, "PAYS_ON", devices)
        penalty = constraints.make("gp").penalty(critic, x, x.flip(0), epsilon=torch.rand(3).double().fill_(0.3))
        found.append((penalty, *torch.autograd.grad(penalty, list(critic.parameters()), materialize_grads=True)))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)
