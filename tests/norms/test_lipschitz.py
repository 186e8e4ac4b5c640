"""The Lipschitz interval on networks whose constant is known, and each rule against the layer's own slopes."""

import copy
import math

import pytest
import torch
from torch import nn

from wgan_course import norms
from wgan_course.models import dcgan, layers, mlp, resnet

LINE = torch.linspace(-12, 12, 200_001, dtype=torch.float64)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def points(*shape):
    return torch.randn(*shape, generator=rng(9))


@pytest.mark.parametrize(
    "layer",
    [
        nn.ReLU(), nn.LeakyReLU(0.2), nn.LeakyReLU(3.0), nn.Tanh(), nn.Sigmoid(), nn.Softplus(), nn.Softplus(5.0),
        nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.ELU(), nn.ELU(2.0), nn.SELU(), nn.Softsign(), nn.Hardtanh(),
        nn.LogSigmoid(), nn.ReLU6(), nn.PReLU(init=1.5), nn.Identity(), layers.ReLU(), layers.LeakyReLU(0.2),
    ],
    ids=repr,
)  # fmt: skip
def test_activation_slopes_are_the_steepest_on_a_grid(layer):
    layer = copy.deepcopy(layer).double()
    values = layer(LINE[None])[0].detach()
    steepest = float((values.diff() / LINE.diff()).abs().max())
    bound = norms.lipschitz_upper(layer, (1,))
    assert steepest <= bound + 1e-9
    assert bound == pytest.approx(steepest, rel=2e-4)


def known_networks():
    W = torch.randn(3, 5, generator=rng(1))
    linear = nn.Linear(5, 3)
    linear.weight.data.copy_(W)
    q = torch.linalg.qr(torch.randn(6, 6, generator=rng(2)))[0]
    orthonormal = [nn.Linear(6, 6), nn.Linear(6, 6)]
    for layer in orthonormal:
        layer.weight.data.copy_(q)
    scaled = nn.Linear(4, 4)
    scaled.weight.data.copy_(torch.diag(torch.tensor([2.0, 1, 1, 1])))
    return [
        ("linear", linear, (5,), float(norms.spectral_norm(W))),
        ("groupsort", nn.Sequential(orthonormal[0], layers.GroupSort(2), orthonormal[1]), (6,), 1.0),
        ("leaky", nn.Sequential(scaled, nn.LeakyReLU(0.2)), (4,), 2.0),
        ("box", nn.Sequential(box(), nn.Flatten()), (1, 6, 6), dense_box_norm()),
        ("circular", circular(), (1, 6, 6), 9.0),
    ]  # fmt: skip


def dense_box_norm():
    return float(norms.spectral_norm(norms.conv_operator(torch.ones(1, 1, 3, 3), (1, 6, 6), padding=1).dense()))


def box():
    layer = nn.Conv2d(1, 1, 3, padding=1)
    layer.weight.data.fill_(1)
    return layer


def circular():
    layer = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")
    layer.weight.data.fill_(1)
    return layer


@pytest.mark.parametrize(
    ("name", "network", "shape", "truth"), known_networks(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_interval_contains_the_known_constant(name, network, shape, truth):
    lower, upper = norms.lipschitz_interval(network, points(16, *shape), rng())
    assert lower <= truth * (1 + 1e-6)
    assert truth <= upper * (1 + 1e-6)
    assert lower == pytest.approx(truth, rel=1e-5)


CRITICS = [
    (mlp.Critic(2, (16, 16)), (2,), None),
    (mlp.Critic(3, (16, 16), act="groupsort"), (3,), None),
    (mlp.Critic(3, (16,), act="tanh", classes=4), (3,), 4),
    (dcgan.Critic(28, width=4), (1, 28, 28), None),
    (resnet.Critic(28, width=4), (1, 28, 28), None),
]


@pytest.mark.parametrize(("critic", "shape", "classes"), CRITICS)
def test_lower_end_never_passes_upper_end_on_the_courses_critics(critic, shape, classes):
    labels = torch.arange(8) % classes if classes else None
    before = copy.deepcopy(critic.state_dict())
    lower, upper = norms.lipschitz_interval(critic, points(8, *shape), rng(), steps=5, labels=labels)
    assert 0 < lower <= upper < math.inf
    assert all(torch.equal(v, before[k]) for k, v in critic.state_dict().items())
    assert critic.training


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.AvgPool2d(2), (1, 6, 6)), (nn.AvgPool2d(3, 2, 1), (1, 6, 6)), 
        (nn.AvgPool2d(3, 2, 1, ceil_mode=True), (1, 6, 5)),
        (nn.AvgPool2d(3, 1, 1, count_include_pad=False), (1, 5, 5)), (nn.AvgPool2d(2, divisor_override=3), (1, 4, 4)),
        (nn.AvgPool1d(3, 2), (1, 9)), (nn.AdaptiveAvgPool2d(1), (1, 4, 5)), (nn.AdaptiveAvgPool2d((3, 2)), (1, 5, 5)),
        (nn.Upsample(scale_factor=2), (1, 3, 4)), (nn.Upsample(scale_factor=2, mode="bilinear"), (1, 3, 4)),
        (layers.AvgPool2d(2), (1, 6, 6)), (nn.ZeroPad2d(1), (1, 3, 3)), (nn.Flatten(), (1, 3, 3)),
    ],
    ids=repr,
)  # fmt: skip
def test_linear_layers_without_weights_against_their_matrix(layer, shape):
    units = torch.eye(math.prod(shape), dtype=torch.float64).reshape(-1, *shape)
    assert norms.lipschitz_upper(layer, shape) == pytest.approx(
        float(norms.spectral_norm(layer(units).flatten(1))), rel=1e-9
    )


@pytest.mark.parametrize(
    ("layer", "expected"), [(nn.MaxPool2d(2), 1), (nn.MaxPool2d(3, 2), 2), (nn.MaxPool2d(3, 1), 3)]
)
def test_max_pool_bound_is_attained_by_one_bright_pixel(layer, expected):
    assert norms.lipschitz_upper(layer, (1, 9, 9)) == pytest.approx(expected)
    x = torch.zeros(1, 1, 9, 9).double()
    x[0, 0, 4, 4] = 1
    assert float(layer(x).norm()) == pytest.approx(expected)


def test_residual_block_adds_its_paths():
    block = layers.ResidualBlock(2, 2)
    main = norms.lipschitz_upper(block.main, (2, 6, 6))
    assert norms.lipschitz_upper(block, (2, 6, 6)) == pytest.approx(1 + main)


def test_parametrised_weights_count_as_they_act():
    layer = nn.utils.parametrizations.orthogonal(nn.Linear(4, 4))
    assert norms.lipschitz_upper(layer, (4,)) == pytest.approx(1, abs=1e-5)


def test_protocols():
    class Number(nn.Tanh):
        lipschitz = 0.5

    class Method(nn.Module):
        def lipschitz_upper(self, in_shape):
            return 3.0 * in_shape[0]

        def forward(self, x):
            return 3 * x

    assert norms.lipschitz_upper(nn.Sequential(Number(), Method()), (2,)) == pytest.approx(3)
    assert norms.layer_bounds(nn.Sequential(Number(), Method()), (2,)) == [("Number", 0.5), ("Method", 6.0)]


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nn.LayerNorm(4), "spread"), (nn.GroupNorm(1, 4), "spread"), (layers.LayerNorm(4), "spread"),
        (nn.BatchNorm1d(4), "couples the samples"), (nn.InstanceNorm1d(4), "spread"), (nn.Bilinear(4, 4, 1), "no rule"),
        (nn.Upsample(scale_factor=2, mode="bicubic"), "bicubic"),
    ],
)  # fmt: skip
def test_layers_without_a_bound_are_refused_with_a_reason(layer, reason):
    with pytest.raises(norms.NoLipschitzBoundError, match=reason):
        norms.lipschitz_upper(
            nn.Sequential(nn.Identity(), layer), (4, 4, 4) if isinstance(layer, nn.Upsample) else (4,)
        )


def test_jacobian_norms_and_pairs_by_hand():
    network = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)).double()
    x = points(5, 4).double()
    expected = [norms.spectral_norm(torch.autograd.functional.jacobian(lambda z: network(z[None])[0], p)) for p in x]
    torch.testing.assert_close(norms.jacobian_norms(network, x), torch.stack(expected))
    slopes = norms.pair_slopes(lambda z: 3 * z[:, 0], x, x.flip(0))
    torch.testing.assert_close(slopes[0], 3 * (x[0, 0] - x[4, 0]).abs() / (x[0] - x[4]).norm())
    assert float(slopes[2]) == 0


def test_ascent_finds_a_steep_place_far_from_the_points():
    class Bump(nn.Module):
        def forward(self, x):
            return torch.tanh(x[:, 0] - 2)

    start = torch.rand(8, 2, generator=rng())
    without, with_ascent = (norms.lipschitz_lower(Bump(), start, rng(), steps=s) for s in (0, 60))
    assert without < 0.8
    assert 0.99 < with_ascent <= 1


def test_kinks_do_not_fool_the_search():
    class Zero(nn.Module):
        def forward(self, x):  # zero everywhere, though automatic differentiation says 1 at the origin
            return x[:, 0] - x[:, 0].relu() + (-x[:, 0]).relu()

    assert norms.lipschitz_lower(Zero(), torch.zeros(4, 1), rng(), steps=0) == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: norms.lipschitz_upper("net", (2,)), TypeError, "Module"),
        (
            lambda: norms.lipschitz_upper(nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 3)), (2,)),
            ValueError,
            "can't take",
        ),
        (lambda: norms.lipschitz_lower(nn.Linear(2, 1), torch.zeros(1, 2), rng()), ValueError, "two finite"),
        (lambda: norms.lipschitz_lower(nn.Linear(2, 1), torch.full((3, 2), math.nan), rng()), ValueError, "finite"),
        (lambda: norms.lipschitz_lower(nn.Linear(2, 1), torch.zeros(3, 2), rng(), steps=-1), ValueError, "steps"),
        (lambda: norms.pair_slopes(nn.Linear(2, 1), torch.zeros(3, 2), torch.zeros(2, 2)), ValueError, "same shape"),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()
