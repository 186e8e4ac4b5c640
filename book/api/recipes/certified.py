"""A classifier whose answers provably do not change within a radius: orthonormal
layers, GroupSort, a margin."""

import torch
from torch import Tensor, nn

from wgan_course import constraints, norms
from wgan_course.data import images
from wgan_course.measures import robustness
from wgan_course.models import layers


def hinge(network: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """Ask for a margin of 2 between the right class and the next: margins are what
    a certificate is made of."""
    return nn.functional.multi_margin_loss(network(x), labels, margin=2.0)


def main(epochs: int = 20, n: int = 4000, width: int = 128) -> tuple[float, float]:
    """Return accuracy on test images, and the share that is right whatever an
    attack of length 0.3 does."""
    rng = torch.Generator().manual_seed(0)
    train, test = (
        images.load("fashion-mnist", split, source="embedded")
        for split in ("train", "test")
    )
    parts = [
        nn.Linear(784, width),
        layers.GroupSort(2),
        nn.Linear(width, width),
        layers.GroupSort(2),
    ]
    network = constraints.make("orthonormal").prepare(
        nn.Sequential(nn.Flatten(), *parts, nn.Linear(width, 10))
    )
    robustness.fit(network, train.images[:n], train.labels[:n], hinge, rng, epochs)
    bound = norms.lipschitz_upper(network, tuple(test.images.shape[1:]))
    with torch.no_grad():
        radii = robustness.certified_radii(network(test.images), test.labels, bound)
    return float((radii > 0).float().mean()), float((radii > 0.3).float().mean())
