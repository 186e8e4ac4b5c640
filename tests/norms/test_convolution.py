"""Convolution norms against the dense matrix of the operator, for every geometry at small size."""

import itertools
import math

import pytest
import torch
from torch import nn

from wgan_course import norms

MODES = ("zeros", "circular", "reflect", "replicate")
GEOMETRIES = [
    {"padding_mode": mode, "stride": s, "padding": p, "dilation": d, "groups": g, "transposed": t}
    for mode, s, p, d, g, t in itertools.product(MODES, (1, 2, 3), (0, 1, 2), (1, 2), (1, 2), (False, True))
    if not (t and mode != "zeros")
]


def kernel(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: "-".join(map(str, g.values())))
def test_every_geometry_against_the_dense_matrix(geometry):
    weight, shape = kernel(4, 4 // geometry["groups"], 3, 3), (4, 6, 5)
    operator = norms.conv_operator(weight, shape, **geometry)
    dense = operator.dense()
    units = torch.eye(len(dense)).double().reshape(-1, *operator.out_shape)
    torch.testing.assert_close(operator.adjoint(units).flatten(1), dense)
    exact = float(norms.spectral_norm(dense))
    from_below = float(norms.conv_norm(weight, shape, steps=100, **geometry))
    assert exact * (1 - 2e-2) <= from_below <= exact * (1 + 1e-12)
    assert exact <= float(norms.conv_norm_bound(weight, shape, **geometry)) * (1 + 1e-12)
    top = torch.linalg.svd(dense).Vh[0].reshape(shape)
    warm = norms.conv_norm(weight, shape, steps=1, v=top, **geometry)
    assert float(warm) == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("transposed", [False, True])
def test_operator_is_the_layer(transposed):
    cls = nn.ConvTranspose2d if transposed else nn.Conv2d
    layer = cls(4, 6, 3, stride=2, padding=1, dilation=2, groups=2, bias=False).double()
    extra = {"output_padding": layer.output_padding} if transposed else {}
    operator = norms.conv_operator(
        layer.weight, (4, 7, 7), stride=2, padding=1, dilation=2, groups=2, transposed=transposed, **extra
    )
    x = kernel(3, 4, 7, 7, seed=1)
    torch.testing.assert_close(operator.apply(x), layer(x).detach())


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("mode", MODES)
def test_named_padding_is_pytorchs(padding, mode):
    layer = nn.Conv2d(2, 3, (4, 3), padding=padding, padding_mode=mode, bias=False).double()
    operator = norms.conv_operator(layer.weight, (2, 6, 6), padding=padding, padding_mode=mode)
    x = kernel(2, 2, 6, 6, seed=2)
    torch.testing.assert_close(operator.apply(x), layer(x).detach())


@pytest.mark.parametrize(
    ("dims", "k", "size", "dilation"), [(1, 3, 7, 1), (2, 3, 6, 1), (2, 3, 5, 2), (2, 5, 4, 1), (3, 2, 3, 1)]
)
def test_fft_gives_all_singular_values_of_the_circular_operator(dims, k, size, dilation):
    weight = kernel(3, 2, *[k] * dims)
    x = torch.eye(2 * size**dims).double().reshape(-1, 2, *[size] * dims)
    taps = itertools.product(range(k), repeat=dims)
    shifted = (
        torch.einsum(
            "oi,ni...->no...", weight[(..., *tap)], x.roll([-dilation * t for t in tap], tuple(range(2, 2 + dims)))
        )
        for tap in taps
    )
    dense = sum(shifted).flatten(1).T
    got = norms.conv_singular_values(weight, size, dilation).flatten().sort(descending=True).values
    torch.testing.assert_close(got, torch.linalg.svdvals(dense), atol=1e-9, rtol=0)
    assert float(norms.conv_norm_fft(weight, size, dilation)) == pytest.approx(float(got[0]))


def test_fft_norm_is_differentiable():
    assert torch.autograd.gradcheck(lambda w: norms.conv_norm_fft(w, 5), kernel(2, 3, 3, 3).requires_grad_())


@pytest.mark.parametrize(("shape", "ratio"), [((64, 64, 3, 3), 1.56), ((128, 64, 4, 4), 1.83)])
def test_published_ratios_of_true_to_reshaped(shape, ratio):
    weight = kernel(*shape).float()
    assert float(norms.conv_norm_fft(weight, 32) / norms.reshaped_norm(weight)) == pytest.approx(ratio, rel=0.03)


def test_box_kernel_attains_the_bound():
    box = torch.ones(1, 1, 3, 3)
    assert float(norms.reshaped_norm(box)) == pytest.approx(3)
    assert float(norms.conv_norm_fft(box, 32)) == pytest.approx(9)
    assert norms.reshaped_factor((3, 3)) == pytest.approx(3)


@pytest.mark.parametrize(
    ("kernel_size", "stride", "dilation", "expected"),
    [(3, 1, 1, 3), (4, 2, 1, 2), (3, 3, 1, 1), (3, 2, 2, 3), (3, 2, 1, 2)],
)
def test_reshaped_factor(kernel_size, stride, dilation, expected):
    assert norms.reshaped_factor((kernel_size, kernel_size), stride, dilation) == pytest.approx(expected)


def test_reshaped_norm_of_a_transposed_kernel_swaps_channels():
    weight = kernel(3, 5, 2, 2)
    torch.testing.assert_close(
        norms.reshaped_norm(weight, True), norms.spectral_norm(weight.transpose(0, 1).reshape(5, -1))
    )


W = torch.ones(2, 2, 3, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: norms.conv_operator(W, (2, 8)), ValueError, "in_shape"),
        (lambda: norms.conv_operator(W, (3, 8, 8)), ValueError, "does not fit"),
        (lambda: norms.conv_operator(W, (2, 2, 2)), ValueError, "does not fit"),
        (lambda: norms.conv_operator(W, (2, 8, 8), padding="full"), ValueError, "same"),
        (lambda: norms.conv_operator(W, (2, 8, 8), padding_mode="wrap"), ValueError, "padding_mode"),
        (lambda: norms.conv_operator(W, (2, 8, 8), padding_mode="circular", transposed=True), ValueError, "transposed"),
        (lambda: norms.conv_norm_fft(W[0, 0], 8), ValueError, "weight must have shape"),
        (lambda: norms.conv_norm_fft(W * math.nan, 8), ValueError, "finite"),
        (lambda: norms.conv_norm_fft(W, 0), ValueError, "size"),
        (lambda: norms.conv_norm_fft(W, (8,)), ValueError, "size"),
        (lambda: norms.reshaped_norm(W.long()), TypeError, "floating"),
        (lambda: norms.reshaped_factor((3, 0)), ValueError, "at least 1"),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()
