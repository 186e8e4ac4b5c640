"""What makes a small classifier robust: one study, of which chapters 4, 6 and 8 show parts.

A network 784-128-128-10 on Fashion-MNIST, 500 or 4000 training images; six methods beside plain training, each with a
grid of six strengths. Run it in the course's folder: ``python book/08_spectral_normalisation/classifiers.py`` (half an
hour on one core). It writes ``book/results/08_classifiers.json``.

The test images are halved: on the first half each method chooses its strength, on the second it is reported.
"""

import functools
import logging
import statistics

import torch
from torch import nn
from torch.nn import functional

from tools.book import results
from wgan_course import constraints, norms
from wgan_course.constraints import penalties
from wgan_course.data import images
from wgan_course.measures import robustness

SEEDS = range(5)
EPOCHS = {4000: 15, 500: 60}
ATTACK_STEPS, RADII = 10, [0.0, 0.25, 0.5, 0.75, 1.0]
PRICE, AT = 0.015, 0.5  # what a strength may cost on clean images, and the radius at which it is judged
GRID = {
    "plain": (0.0,),
    "weight decay": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "spectral penalty": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
    "zero-centred, at the images": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    "one-sided, between images": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    "two-sided, between images": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    "spectral norms ≈ 1, times K": (1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
}


class Scale(nn.Module):
    """Multiplication by a fixed number, which is its Lipschitz constant."""

    def __init__(self, factor):
        super().__init__()
        self.lipschitz = factor

    def forward(self, x):
        """Multiply."""
        return self.lipschitz * x


@functools.cache
def load(split):
    """Flat images with grey levels in [0, 1], and labels."""
    return robustness.flat_images(images.load("fashion-mnist", split, source="embedded"))


def sets(n, seed):
    """Training images (n of the package's 4000, by the seed) and all test images."""
    x, y = load("train")
    chosen = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:n]
    return (x[chosen], y[chosen]), load("test")


def network(seed, scale=None):
    """ReLU network 784-128-128-10; with a scale, spectral norms near 1 and that factor behind."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
    return net if scale is None else constraints.make("sn").prepare(net).append(Scale(scale))


def matrices(net):
    """Weights of the linear layers."""
    return [layer.weight for layer in net if isinstance(layer, nn.Linear)]


def losses(net, x, y):
    """Cross-entropy of each image."""
    return functional.cross_entropy(net(x), y, reduction="none")


def between(net, x, y, rng, charge):
    """The critic's penalty, taken over word for word: on segments between images, for the logit of one end's label."""
    other = torch.randperm(len(x), generator=rng)
    at = penalties.interpolate(x, x[other], torch.rand(len(x), generator=rng))
    gradient = penalties.input_gradient(lambda z: net(z).gather(1, y[:, None])[:, 0], at)
    return charge(penalties.sample_norms(gradient)).mean()


def charge(net, x, y, method, rng, spectral):
    """What a method adds to the loss, without its strength."""
    if method == "weight decay":
        return sum(W.square().sum() for W in matrices(net))
    if method == "spectral penalty":
        return 2 * spectral.penalty(net)
    if method.startswith("zero-centred"):
        return penalties.squared_norms(penalties.input_gradient(lambda z: losses(net, z, y), x)).mean()
    sides = {"one-sided, between images": penalties.one_sided, "two-sided, between images": penalties.two_sided}
    return between(net, x, y, rng, sides[method]) if method in sides else 0.0


def train(net, x, y, method, strength, seed, epochs):
    """Adam on the cross-entropy and what the method adds."""
    rng, spectral = torch.Generator().manual_seed(seed), constraints.make("spectral_regularisation", weight=1.0)
    if method == "spectral penalty":
        spectral.prepare(net)

    def loss(net, x, y):
        return losses(net, x, y).mean() + strength * charge(net, x, y, method, rng, spectral)

    return robustness.fit(net, x, y, loss, rng, epochs)


@torch.no_grad()
def right(net, x, y):
    """Which answers are right."""
    return (net(x).argmax(1) == y).float()


def halves(marks):
    """Mean over the first and over the second half of the test images."""
    half = len(marks) // 2
    return [round(float(part.mean()), 4) for part in (marks[:half], marks[half:])]


def measure(net, train_set, test_set, seed):
    """Accuracies on clean and attacked images, certified shares, the Lipschitz interval, sizes of the matrices."""
    x, y = test_set
    lower, upper = norms.lipschitz_interval(net, x[:50], torch.Generator().manual_seed(seed), steps=15)
    radius = robustness.certified_radii(net(x).detach(), y, upper)
    return {
        "train": round(float(right(net, *train_set).mean()), 4),
        "attacked": [halves(right(net, robustness.attack(net, x, y, r, ATTACK_STEPS), y)) for r in RADII],
        "certified": [halves((radius > r).float()) for r in RADII],
        "lower": lower,
        "upper": upper,
        "frobenius": [float(W.detach().norm()) for W in matrices(net)],
    }


def run(n, method, strength, seed, epochs=None):
    """Train with one method, one strength and one seed, and measure."""
    train_set, test_set = sets(n, seed)
    net = network(seed, strength if method.startswith("spectral norms") else None)
    return measure(train(net, *train_set, method, strength, seed, epochs or EPOCHS[n]), train_set, test_set, seed)


def name_of(n, method, strength):
    """A run among the parts."""
    return f"{n} images, {method}, {strength:g}"


RUNS = {name_of(n, m, s): (n, m, s) for n in EPOCHS for m, strengths in GRID.items() for s in strengths}


def one_part(part, seed):
    """One size of the training set, one method, one strength."""
    return run(*RUNS[part], seed)


def on_first_half(content, n, method, strength, radius):
    """Accuracy at a radius on the first half of the test images, mean over the seeds."""
    found = [seed[name_of(n, method, strength)] for seed in content["seeds"].values()]
    return statistics.mean(part["attacked"][RADII.index(radius)][0] for part in found)


def chosen(content, n, method):
    """On the first half: the strength that is best under attack, of those that cost at most 1.5 points when clean."""
    least = on_first_half(content, n, "plain", 0.0, 0.0) - PRICE
    cheap = [s for s in GRID[method] if on_first_half(content, n, method, s, 0.0) >= least]
    return max(cheap, key=lambda strength: on_first_half(content, n, method, strength, AT), default=None)


WORDS = "the package's images of Fashion-MNIST, 4000 or 500 to train on and 1000 to test, grey levels in [0, 1]"
EXPERIMENT = results.Experiment("08_classifiers", __file__, WORDS, SEEDS, list(RUNS), one_part)

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    EXPERIMENT.run()
