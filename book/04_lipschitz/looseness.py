"""How loose the product of norms is, by depth: the experiment behind chapter 4's figure of the Lipschitz interval.

Run it in the course's folder: ``python book/04_lipschitz/looseness.py`` (about two minutes on one core). It writes
``book/results/04_looseness.json``.
"""

import itertools
import logging
import math

import torch
from torch import nn
from torch.nn import functional

from tools.book import results
from wgan_course import norms
from wgan_course.data import images
from wgan_course.measures import robustness

SEEDS = range(5)
DEPTHS, WIDTH, EPOCHS = ("1", "2", "3", "4", "6"), 128, 25


def load(split):
    """Flat images with grey levels in [0, 1], and labels."""
    return robustness.flat_images(images.load("fashion-mnist", split, source="embedded"))


def network(depth, seed):
    """ReLU network with `depth` hidden layers."""
    torch.manual_seed(seed)
    widths = [784, *[WIDTH] * depth]
    hidden = [layer for a, b in itertools.pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(WIDTH, 10))


def train(net, x, y, seed, epochs=EPOCHS):
    """Adam on the cross-entropy."""
    loss = lambda net, x, y: functional.cross_entropy(net(x), y)  # noqa: E731
    return robustness.fit(net, x, y, loss, torch.Generator().manual_seed(seed), epochs)


def frobenius_product(net):
    """The product of Frobenius norms, which weight decay sees."""
    matrices = [layer.weight.detach() for layer in net if isinstance(layer, nn.Linear)]
    return math.prod(float(norms.frobenius_norm(W)) for W in matrices)


def one_part(depth, seed, epochs=EPOCHS):
    """Interval and Frobenius product of a network after training."""
    net = train(network(int(depth), seed), *load("train"), seed, epochs)
    points, source = load("test")[0][:100], torch.Generator().manual_seed(seed)
    lower, upper = norms.lipschitz_interval(net, points, source, steps=20)
    return {"lower": lower, "upper": upper, "frobenius": frobenius_product(net)}


EXPERIMENT = results.Experiment(
    "04_looseness",
    __file__,
    "the package's 4000 training and 1000 test images of Fashion-MNIST, grey levels in [0, 1]",
    SEEDS,
    DEPTHS,
    one_part,
)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    EXPERIMENT.run()
