"""Super-resolution: shapes, counts, the start at the interpolation, and each measure against its formula."""

import math

import pytest
import torch
from torch import nn

from wgan_course.data import images
from wgan_course.models import layers, super_resolution
from wgan_course.models.super_resolution import FACTOR, Generator, consistent, enlarge, psnr, sharpness


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [4, 7])
def test_four_times_the_side(channels, side, rng):
    generator = Generator(channels, 4, 1, rng=rng)
    assert generator(torch.randn(2, channels, side, side, generator=rng)).shape == (2, channels, 4 * side, 4 * side)


def test_it_starts_as_the_interpolation(rng):
    low = torch.randn(3, 1, 7, 7, generator=rng)
    assert torch.equal(Generator(rng=rng)(low), enlarge(low))


@pytest.mark.parametrize(("width", "blocks"), [(4, 1), (16, 2), (5, 3)])
def test_documented_parameter_count(width, blocks):
    count = layers.parameter_count(Generator(1, width, blocks, device="meta"))
    assert count == (18 * blocks + 72) * width**2 + (2 * blocks + 27) * width + 1


def test_initial_weights_come_from_the_generator_alone():
    def weights(seed):
        torch.manual_seed(99 - seed)
        return [p.clone() for p in Generator(1, 4, 1, rng=torch.Generator().manual_seed(seed)).parameters()]

    assert all(torch.equal(a, b) for a, b in zip(weights(1), weights(1), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights(1), weights(2), strict=True))


def test_every_parameter_learns_after_the_first_step(rng):
    generator = Generator(1, 4, 1, rng=rng)
    low, truth = torch.randn(2, 1, 4, 4, generator=rng), torch.randn(2, 1, 16, 16, generator=rng)
    optimiser = torch.optim.SGD(generator.parameters(), lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        (generator(low) - truth).square().mean().backward()
        optimiser.step()
    assert all(p.grad is not None and p.grad.any() for p in generator.parameters())


def test_no_image_sees_another(rng):
    generator = Generator(1, 4, 1, rng=rng)
    nn.init.normal_(generator.detail[-1].weight, generator=rng)
    low = torch.randn(3, 1, 4, 4, generator=rng, requires_grad=True)
    (g,) = torch.autograd.grad(generator(low)[0].sum(), low)
    assert g[0].any()
    assert not g[1:].any()


def test_it_learns_a_rule_that_interpolation_does_not_know(rng):
    """Checkerboards of the brightness that was seen: the error falls well below the interpolation's."""
    board = torch.ones(16, 16)
    board[::2, 1::2] = board[1::2, ::2] = -1
    truth = torch.rand(64, 1, 1, 1, generator=rng) + 0.5 * board
    low = images.downsample(truth, FACTOR)
    generator = Generator(1, 8, 1, rng=rng)
    optimiser = torch.optim.Adam(generator.parameters(), lr=1e-2)
    start = float((enlarge(low) - truth).square().mean())
    for _ in range(40):
        loss = (generator(low) - truth).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.2 * start


def test_consistent_images_shrink_to_what_was_seen(rng):
    low, guess = torch.randn(2, 3, 3, 3, generator=rng), torch.randn(2, 3, 12, 12, generator=rng)
    moved = consistent(guess, low)
    torch.testing.assert_close(images.downsample(moved, FACTOR), low)
    torch.testing.assert_close(consistent(moved, low), moved)


def test_consistent_is_the_least_squares_projection(rng):
    """Oracle: the pseudo-inverse of the matrix of block means."""
    low = torch.randn(1, 1, 2, 2, generator=rng, dtype=torch.float64)
    guess = torch.randn(1, 1, 8, 8, generator=rng, dtype=torch.float64)
    units = torch.eye(64, dtype=torch.float64).reshape(64, 1, 8, 8)
    A = images.downsample(units, FACTOR).flatten(1).T
    expected = guess.flatten() + torch.linalg.pinv(A) @ (low.flatten() - A @ guess.flatten())
    torch.testing.assert_close(consistent(guess, low).flatten(), expected)


def test_psnr_of_known_errors():
    truth = torch.zeros(3, 1, 2, 2)
    fake = torch.stack([truth[0] + 2, truth[0] + 0.2, truth[0]])
    values = psnr(fake, truth)
    assert values[:2].tolist() == pytest.approx([0.0, 20.0], abs=1e-5)
    assert math.isinf(values[2])
    assert psnr(fake[:1], truth[:1], peak=20.0).item() == pytest.approx(20.0, abs=1e-5)


def test_halving_the_squared_error_is_worth_three_decibels(rng):
    truth, noise = torch.zeros(1, 1, 8, 8), torch.randn(1, 1, 8, 8, generator=rng)
    gain = psnr(noise / math.sqrt(2), truth) - psnr(noise, truth)
    assert float(gain) == pytest.approx(10 * math.log10(2), abs=1e-4)


def test_sharpness_of_known_images():
    ramp = torch.arange(4.0).repeat(4, 1)[None, None]
    assert sharpness(torch.cat([ramp, 2 * ramp, 0 * ramp + 5])).tolist() == pytest.approx([1.0, 4.0, 0.0])


def test_blur_lowers_sharpness(rng):
    x = images.load("fashion-mnist", "test", source="embedded").images[:20]
    assert bool((sharpness(enlarge(images.downsample(x, FACTOR))) < sharpness(x)).all())


def test_double_precision(rng):
    low = torch.randn(1, 1, 4, 4, generator=rng, dtype=torch.float64)
    assert Generator(1, 4, 1, rng=rng, dtype=torch.float64)(low).dtype == torch.float64


BAD = {
    "no batch": (lambda: enlarge(torch.zeros(1, 4, 4)), "low must have shape"),
    "empty batch": (lambda: enlarge(torch.zeros(0, 1, 4, 4)), "low must have shape"),
    "sides that differ": (lambda: consistent(torch.zeros(1, 1, 9, 8), torch.zeros(1, 1, 2, 2)), "4 times the side"),
    "other channels": (lambda: consistent(torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 2, 2)), "4 times the side"),
    "shapes that differ": (lambda: psnr(torch.zeros(2, 3), torch.zeros(2, 4)), "one shape"),
    "nothing to compare": (lambda: psnr(torch.zeros(0, 3), torch.zeros(0, 3)), "one shape"),
    "peak of zero": (lambda: psnr(torch.zeros(2, 3), torch.ones(2, 3), peak=0.0), "peak"),
    "flat vectors": (lambda: sharpness(torch.zeros(2, 3)), "images must have shape"),
    "no width": (lambda: Generator(1, 0), "width"),
    "no blocks": (lambda: Generator(1, 4, 0), "blocks"),
    "unknown activation": (lambda: Generator(1, 4, 1, act="swish"), "activation"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    call, said = BAD[case]
    with pytest.raises(ValueError, match=said):
        call()


def test_the_module_names_what_it_offers():
    assert all(hasattr(super_resolution, name) for name in super_resolution.__all__)
