"""Clipping, Frobenius balls, unit rows and orthonormal layers by definition; the registry and hooks."""

import numpy as np
import pytest
import torch
from torch import nn

from wgan_course import constraints, objectives
from wgan_course.constraints import orthonormal

EXPECTED = (
    "none clip frobenius_clip gp lp r1 dragan spectral_regularisation sn sn_projected sn_conv weight_norm orthonormal"
)


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))


def cnn():
    torch.manual_seed(0)
    body = nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 8, 4, 2, 1), nn.LeakyReLU(0.2)
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(32, 1))


def train(name, make, shape, steps=4, device="cpu"):
    constraint, objective = constraints.make(name), objectives.make("wasserstein")
    critic = constraint.prepare(make().to(device))
    rng, optimizer = torch.Generator().manual_seed(0), torch.optim.SGD(critic.parameters(), 0.05)
    for _ in range(steps):
        real, fake = (torch.randn(8, *shape, generator=rng).to(device) for _ in range(2))
        optimizer.zero_grad()
        loss = objective.critic_loss(critic(real), critic(fake + 1)) + constraint.penalty(critic, real, fake + 1, rng)
        loss.backward()
        optimizer.step()
        constraint.project_(critic)
    return critic


@pytest.mark.parametrize(("make", "shape"), [(mlp, (2,)), (cnn, (1, 8, 8))], ids=["mlp", "cnn"])
@pytest.mark.parametrize("name", constraints.NAMES)
def test_one_loop_trains_every_constraint_here_and_on_meta(name, make, shape):
    critic = train(name, make, shape)
    assert all(parameter.isfinite().all() for parameter in critic.parameters())
    assert all(tensor.is_meta for tensor in train(name, make, shape, steps=2, device="meta").state_dict().values())


def slopes(critic, shape):
    rng = torch.Generator().manual_seed(3)
    x, y = (3 * torch.randn(256, *shape, generator=rng) for _ in range(2))
    return ((critic(x) - critic(y))[:, 0].abs() / (x - y).flatten(1).norm(dim=1)).max().item()


@pytest.mark.parametrize(
    ("name", "bound"),
    [("frobenius_clip", 1), ("sn", 1.05), ("sn_conv", 1.05), ("sn_projected", 1.05), ("orthonormal", 1)],
)
def test_slopes_stay_below_the_bound_after_training(name, bound):
    assert slopes(train(name, mlp, (2,)), (2,)) <= bound
    if name in ("sn_conv", "orthonormal"):
        assert slopes(train(name, cnn, (1, 8, 8)), (1, 8, 8)) <= bound


@pytest.mark.parametrize(("make", "shape"), [(mlp, (2,)), (cnn, (1, 8, 8))], ids=["mlp", "cnn"])
@pytest.mark.parametrize("name", constraints.NAMES)
def test_lipschitz_interval_is_ordered_after_training(name, make, shape):
    from wgan_course import norms

    rng = torch.Generator().manual_seed(0)
    lower, upper = norms.lipschitz_interval(train(name, make, shape), torch.randn(16, *shape, generator=rng), rng, 10)
    assert 0 < lower <= upper


def test_clip_bounds_every_parameter_from_the_start():
    constraint, critic = constraints.make("clip", clip=0.03), mlp()
    before = [parameter.detach().clone() for parameter in critic.parameters()]
    constraint.prepare(critic)
    for parameter, old in zip(critic.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.detach().numpy(), np.clip(old.numpy(), -0.03, 0.03).astype(np.float32))


def test_frobenius_clip_is_the_nearest_point_of_the_ball():
    layer = nn.Linear(3, 2, dtype=torch.float64)
    constraint, inside = constraints.make("frobenius_clip", radius=2.0), layer.weight.detach() / layer.weight.norm()
    layer.weight.data = 5 * inside
    bias = layer.bias.detach().clone()
    constraint.project_(layer)
    torch.testing.assert_close(layer.weight.detach(), 2 * inside)
    assert torch.equal(layer.bias, bias)
    layer.weight.data = inside.clone()
    constraint.project_(layer)
    assert torch.equal(layer.weight, inside)


def test_weight_norm_rows_and_frobenius_norm():
    critic = constraints.make("weight_norm", gain=0.5).prepare(cnn())
    for layer in (critic[0], critic[2], critic[5]):
        rows = layer.weight.flatten(1).norm(dim=1)
        torch.testing.assert_close(rows, torch.full_like(rows, 0.5))
    transposed = constraints.make("weight_norm").prepare(nn.ConvTranspose2d(3, 2, 4))
    assert transposed.weight.norm().item() == pytest.approx(2**0.5, rel=1e-5)


@pytest.mark.parametrize("shape", [(6, 6), (4, 7), (7, 4), (3, 5, 2), (1, 9)])
def test_bjorck_finds_the_polar_factor(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    torch.testing.assert_close(orthonormal.bjorck(matrix, 60), u @ vh, rtol=0, atol=1e-9)
    for iterations in (1, 3, 10):
        assert torch.linalg.svdvals(orthonormal.bjorck(matrix, iterations)).max() <= 1 + 1e-12


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"dilation": 2, "stride": 2}, {"stride": 3}, {"groups": 2}])
def test_orthonormal_convolution_is_one_lipschitz_by_its_dense_matrix(options):
    layer = nn.Conv2d(2, 4, 3, padding=1, bias=False, dtype=torch.float64, **options)
    constraints.make("orthonormal").prepare(nn.Sequential(layer))
    basis = torch.eye(72, dtype=torch.float64).reshape(72, 2, 6, 6)
    assert torch.linalg.svdvals(layer(basis).flatten(1).detach())[0].item() <= 1 + 1e-9


def test_overlap_counts_patches():
    layer = lambda k, s, d: nn.Conv1d(1, 1, k, stride=s, dilation=d)
    for k, s, d in [(3, 1, 1), (4, 2, 1), (3, 2, 1), (3, 2, 2), (5, 3, 2), (4, 6, 4), (1, 2, 1)]:
        patches = [[s * place + d * tap for tap in range(k)] for place in range(60)]
        most = max(sum(pixel in patch for patch in patches) for pixel in range(40, 80))
        scale = orthonormal.Orthonormal(layer(k, s, d)).scale
        assert scale == pytest.approx(most**-0.5)
    with pytest.raises(ValueError, match="repeats pixels"):
        orthonormal.Orthonormal(nn.Conv1d(1, 1, 3, padding=1, padding_mode="replicate"))


def test_group_sort_replaces_relu_and_keeps_gradient_norms():
    critic = constraints.make("orthonormal").prepare(mlp())
    assert not any(isinstance(module, nn.ReLU) for module in critic.modules())
    assert isinstance(constraints.make("orthonormal", group_sort=False).prepare(mlp())[1], nn.ReLU)
    x = torch.randn(64, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(critic[:4](x)[:, 0].sum(), x)
    assert (gradient.norm(dim=1) <= 1 + 1e-5).all()


# -- registry and hooks -------------------------------------------------------------------------------


def test_names_and_classes_agree():
    assert tuple(EXPECTED.split()) == constraints.NAMES
    assert all(constraints.make(name).name == name for name in constraints.NAMES)


def test_each_constraint_overrides_only_the_hooks_of_its_place():
    x = torch.randn(4, 2)
    for name in ("none", "clip", "frobenius_clip", "sn", "sn_projected", "sn_conv", "weight_norm", "orthonormal"):
        constraint = constraints.make(name)
        assert constraint.penalty(constraint.prepare(mlp()), x, x, torch.Generator()).item() == 0
    for name in ("none", "gp", "lp", "r1", "dragan", "spectral_regularisation", "weight_norm", "orthonormal"):
        constraint = constraints.make(name)
        critic = constraint.prepare(mlp())
        before = [parameter.clone() for parameter in critic.parameters()]
        constraint.project_(critic)
        assert all(torch.equal(a, b) for a, b in zip(before, critic.parameters(), strict=True))


def test_zero_penalty_has_the_device_and_dtype_of_the_batch_or_the_critic():
    constraint = constraints.make("none")
    assert constraint.penalty(None, torch.ones(2, device="meta", dtype=torch.float64)).is_meta
    assert constraint.penalty(mlp().double()).dtype == torch.float64
    assert constraint.penalty(len).item() == 0


def test_unknown_names_and_options_are_refused():
    with pytest.raises(ValueError, match="spectral_regularisation"):
        constraints.make("wgan-gp")
    with pytest.raises(TypeError, match="it takes clip"):
        constraints.make("clip", weight=1.0)
    with pytest.raises(TypeError, match="takes none"):
        constraints.make("none", weight=1.0)


@pytest.mark.parametrize(
    ("name", "option"), [("clip", "clip"), ("frobenius_clip", "radius"), ("weight_norm", "gain"), ("dragan", "radius")]
)
def test_bad_numbers_are_refused(name, option):
    for value in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match=option):
            constraints.make(name, **{option: value})
    with pytest.raises(TypeError, match=option):
        constraints.make(name, **{option: True})


def test_bad_orthonormal_options_are_refused():
    with pytest.raises(ValueError, match="iterations"):
        constraints.make("orthonormal", iterations=0)
    with pytest.raises(ValueError, match="group_size"):
        constraints.make("orthonormal", group_size=1)
    with pytest.raises(ValueError, match="two axes"):
        orthonormal.bjorck(torch.ones(3))


def test_repr_shows_the_options():
    assert repr(constraints.make("gp", weight=3.0)) == "GradientPenalty(weight=3.0)"
