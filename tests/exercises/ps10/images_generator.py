"""Generators for clothes: trained ones, and wrong ones."""

import torch

from wgan_course.models import pretrained

from ..capstone_parts import by_anchors, by_digits, clusters, contrasted, images, principal, sharpened
from ..registry import HIDDEN, Trials


def shifted_copies(real, seed):
    pick = by_digits(real)
    return lambda z: pick(z).roll(1, -1).flip(-1)


def noisy_copies(real, seed):
    pick = by_digits(real)
    return lambda z: (pick(z) + 0.1 * torch.randn(len(z), 1, 28, 28)).clamp(-1, 1)


def jumping(real, seed):
    generator = images(0)(real, seed)
    return lambda z: generator((z * 1e4) % 2 - 1 + z.sign())


def noise(real, seed):
    return lambda z: torch.tanh(z @ torch.randn(16, 784, generator=torch.Generator().manual_seed(0))).view(
        -1, 1, 28, 28
    )


def mean_image(real, seed):
    return lambda z: real.mean(0, keepdim=True).expand(len(z), 1, 28, 28)


def from_zero_to_one(real, seed):
    generator = images(0)(real, seed)
    return lambda z: (generator(z) + 1) / 2


def grey_levels(real, seed):
    generator = images(0)(real, seed)
    return lambda z: (generator(z) + 1) * 127.5


def one_latent(real, seed):
    generator = images(0)(real, seed)
    return lambda z: generator(torch.cat([z[:, :1], torch.zeros(len(z), 15)], 1) * 0.05)


def trousers(real, seed):
    generator = images(0)(real, seed)
    anchor = torch.randn(1, 16, generator=torch.Generator().manual_seed(2))
    return lambda z: generator(anchor + 0.3 * z)


def blurred(real, seed):
    generator = images(0)(real, seed)
    return lambda z: torch.nn.functional.avg_pool2d(generator(z), 9, 1, 4, count_include_pad=False)


def shipped(real, seed):
    generator = pretrained.load("fashion-mnist")
    return lambda z: generator(torch.cat([z, torch.zeros(len(z), 48)], 1))


def of_turned_latents(real, seed):
    turn, _ = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(3)))
    inner = sharpened(principal(real), 1.5)
    return lambda z: torch.tanh(2.5 * inner(z @ turn))


def of_bent_latents(real, seed):
    inner = contrasted(sharpened(principal(real), 1.0), 2.5)
    return lambda z: inner(z.sign() * z.abs() ** 1.5)


class Module(torch.nn.Module):
    """A generator inside a module, in training mode: batch norm uses the batch."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner.train()

    def forward(self, z):
        return self.inner(z)


def in_pieces(real, seed):
    generator = images(2)(real, seed)
    return lambda z: torch.cat([generator(part) for part in z.split(64)]).double()


TRIALS = Trials("ps10.images_generator", seeds=(HIDDEN,))  # the public cases differ in z alone
TRIALS.mutants(
    "copies",
    memoriser=lambda real, seed: by_digits(real),
    anchored_memoriser=lambda real, seed: by_anchors(real),
    shifted_and_mirrored=shifted_copies,
    with_noise=noisy_copies,
    jumping=jumping,
    a_gaussian_a_cluster=lambda real, seed: clusters(real),
)
TRIALS.mutants("constant", mean_image=mean_image, nearly_constant=one_latent)
TRIALS.mutants("noise", noise=noise)
TRIALS.mutants("range", zero_to_one=from_zero_to_one, grey_levels=grey_levels)
TRIALS.mutants("few-classes", one_kind=trousers)
TRIALS.mutants("blurred", one_gaussian=lambda real, seed: principal(real))
TRIALS.mutants(
    "linear",
    sharpened=lambda real, seed: sharpened(principal(real)),
    contrasted=lambda real, seed: contrasted(principal(real), 3.5),
    contrasted_and_sharpened=lambda real, seed: sharpened(contrasted(principal(real), 5.0), 1.5),
    of_turned_latents=of_turned_latents,
    of_bent_latents=of_bent_latents,
)
TRIALS.mutants("not-there-yet", blurred=blurred, on_their_side=lambda real, seed: lambda z: images(0)(real, seed)(z).mT)
TRIALS.mutants("generic:refused", shipped=shipped)
TRIALS.mutants("shape", flat=lambda real, seed: lambda z: images(0)(real, seed)(z).flatten(1))
TRIALS.mutants("generic:unusable", samples=lambda real, seed: principal(real)(torch.randn(1000, 16)))
TRIALS.alternatives(
    penalty=images(0),
    r1=images(1),
    spectral=images(2),
    training_mode=lambda real, seed: Module(images(1)(real, seed)),
    in_pieces=in_pieces,
)
