"""Whether a gradient penalty helps a classifier: the experiment behind the last table of chapter 6.

A small network on Fashion-MNIST, 500 or 4000 training images, with penalties of three kinds beside weight decay. Run it
in the course's folder: ``python book/06_gradient_penalty/supervised.py`` (about ten minutes on one core). It writes
``book/results/06_supervised.json``.
"""

import logging

import torch
from torch import nn
from torch.nn import functional

from tools.book import results
from wgan_course import norms
from wgan_course.constraints import penalties
from wgan_course.data import images
from wgan_course.measures import robustness

EPOCHS = {500: 60, 4000: 15}
BATCH, WIDTH, RATE = 64, 128, 1e-3
RADII = (0.0, 0.5, 1.0)
# name: (kind, weight)
METHODS = {
    "plain": ("none", 0.0),
    "weight decay": ("decay", 1e-3),
    "two-sided, between images": ("two", 0.1),
    "one-sided, between images, λ = 0.1": ("one", 0.1),
    "one-sided, between images, λ = 1": ("one", 1.0),
    "zero-centred, at the images, λ = 0.1": ("zero", 0.1),
    "zero-centred, at the images, λ = 1": ("zero", 1.0),
}


def rng(number):
    """Generator of random numbers."""
    return torch.Generator().manual_seed(number)


def load(split):
    """Flat images with grey levels in [0, 1], and labels."""
    data = images.load("fashion-mnist", split, source="embedded")
    return (data.images.flatten(1) + 1) / 2, data.labels


def sets(n, seed):
    """Training images (n of the package's 4000, by the seed) and all test images."""
    x, y = load("train")
    chosen = torch.randperm(len(x), generator=rng(seed))[:n]
    return (x[chosen], y[chosen]), load("test")


def network(seed):
    """ReLU network with two hidden layers."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(784, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))


def charge(net, x, y, kind, source):
    """The penalty, without its weight: weights squared, or something of a gradient with respect to the input."""
    if kind == "none":
        return torch.zeros(())
    if kind == "decay":
        return sum(p.square().sum() for p in net.parameters() if p.ndim == 2)
    if kind == "zero":
        return penalties.squared_norms(penalties.input_gradient(lambda z: _losses(net, z, y), x)).mean()
    return _between(net, x, y, kind, source)


def _losses(net, x, y):
    return functional.cross_entropy(net(x), y, reduction="none")


def _between(net, x, y, kind, source):
    """The critic's penalty, taken over word for word: on segments between images, for the logit of one end's label."""
    other = torch.randperm(len(x), generator=source)
    at = penalties.interpolate(x, x[other], torch.rand(len(x), generator=source))
    logit = lambda z: net(z).gather(1, y[:, None])[:, 0]  # noqa: E731
    sizes = penalties.sample_norms(penalties.input_gradient(logit, at))
    return (penalties.two_sided if kind == "two" else penalties.one_sided)(sizes).mean()


def train(net, x, y, kind, weight, seed, epochs):
    """Adam on the cross-entropy and the penalty."""
    source = rng(seed)

    def loss(net, x, y):
        return functional.cross_entropy(net(x), y) + weight * charge(net, x, y, kind, source)

    return robustness.fit(net, x, y, loss, source, epochs, BATCH, RATE)


def attacked(net, x, y, radius, steps=10):
    """Climb the loss inside the ball of this radius around each image."""
    delta = torch.zeros_like(x)
    for _ in range(steps if radius else 0):
        slope = penalties.input_gradient(lambda z: _losses(net, z, y), x + delta, create_graph=False)
        delta = delta + 2.5 * radius / steps * functional.normalize(slope, dim=1)
        delta = delta * (radius / delta.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp(max=1)
    return x + delta


@torch.no_grad()
def accuracy(net, x, y):
    """Share of right answers."""
    return float((net(x).argmax(1) == y).float().mean())


def one_run(n, kind, weight, seed):
    """Train one network and measure it."""
    (x, y), (x_test, y_test) = sets(n, seed)
    net = train(network(seed), x, y, kind, weight, seed, EPOCHS[n])
    return {
        "train": accuracy(net, x, y),
        "attacked": [accuracy(net, attacked(net, x_test, y_test, r), y_test) for r in RADII],
        "low": float(norms.lipschitz_lower(net, x_test[:60], rng(seed), steps=10)),
        "high": float(norms.lipschitz_upper(net, (784,))),
    }


def one_seed(seed):
    """Every method with both sizes of the training set."""
    return {str(n): {name: one_run(n, *options, seed) for name, options in METHODS.items()} for n in EPOCHS}


def main():
    """Run five seeds and write the results with their provenance."""
    torch.set_num_threads(1)
    words = "the package's images of Fashion-MNIST, 500 or 4000 to train on and 1000 to test, grey levels in [0, 1]"
    results.run_seeds("06_supervised", one_seed, range(5), results.provenance(__file__, words))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
