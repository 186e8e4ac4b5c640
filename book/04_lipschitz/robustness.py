"""The experiment behind chapter 4's figures on robustness and on the looseness of products.

Run it in the course's folder: ``python book/04_lipschitz/robustness.py`` (about three minutes on one core). It writes
``book/results/04_robustness.json``. The lab repeats it with one seed.
"""

import itertools
import logging
import math

import torch
from torch import nn
from torch.nn import functional

from tools.book import results
from wgan_course import constraints, norms
from wgan_course.data import images
from wgan_course.measures import robustness

SEEDS, SEEDS_OF_DEPTHS = 5, 3
RADII = [0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0]
METHODS = {
    "plain": {},
    "weight decay, λ = 0.001": {"decay": 1e-3},
    "weight decay, λ = 0.003": {"decay": 3e-3},
    "spectral norms ≈ 1, times 5": {"scale": 5.0},
}
DEPTHS = [1, 2, 3, 4, 6]


class Scale(nn.Module):
    """Multiplication by a fixed number, which is its Lipschitz constant."""

    def __init__(self, factor):
        super().__init__()
        self.lipschitz = factor

    def forward(self, x):
        """Multiply."""
        return self.lipschitz * x


def load(split):
    """Flat images with grey levels in [0, 1], and labels."""
    return robustness.flat_images(images.load("fashion-mnist", split, source="embedded"))


def network(seed, depth=2, scale=None):
    """ReLU network with `depth` hidden layers of 128; with a scale, spectral norms near 1 and that factor behind."""
    torch.manual_seed(seed)
    widths = [784, *[128] * depth]
    hidden = [layer for a, b in itertools.pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    net = nn.Sequential(*hidden, nn.Linear(widths[-1], 10))
    return net if scale is None else constraints.make("sn").prepare(net).append(Scale(scale))


def train(net, x, y, seed, decay=0.0, epochs=25):
    """Adam on the cross-entropy, plus `decay` times the squared Frobenius norms."""
    matrices = [p for p in net.parameters() if p.ndim == 2]

    def loss(net, x, y):
        charge = decay * sum(W.square().sum() for W in matrices) if decay else 0
        return functional.cross_entropy(net(x), y) + charge

    return robustness.fit(net, x, y, loss, torch.Generator().manual_seed(seed), epochs)


@torch.no_grad()
def accuracy(net, x, y):
    """Share of right answers."""
    return float((net(x).argmax(1) == y).float().mean())


def measure(net, train_set, test_set, seed):
    """Accuracies, attacked and certified, and the Lipschitz interval."""
    x, y = test_set
    lower, upper = norms.lipschitz_interval(net, x[:100], torch.Generator().manual_seed(seed), steps=20)
    certified = robustness.certified_radii(net(x), y, upper)
    return {
        "train": accuracy(net, *train_set),
        "attacked": [accuracy(net, robustness.attack(net, x, y, r), y) for r in RADII],
        "certified": [float((certified > r).float().mean()) for r in RADII],
        "lower": lower,
        "upper": upper,
    }


def frobenius_product(net):
    """The product of Frobenius norms, which weight decay sees."""
    matrices = [layer.weight.detach() for layer in net if isinstance(layer, nn.Linear)]
    return math.prod(float(norms.frobenius_norm(W)) for W in matrices)


def looseness(train_set, test_set, depth, seed):
    """Interval and Frobenius product of a plain network after training."""
    net = train(network(seed, depth), *train_set, seed)
    lower, upper = norms.lipschitz_interval(net, test_set[0][:100], torch.Generator().manual_seed(seed), steps=20)
    return {"lower": lower, "upper": upper, "frobenius": frobenius_product(net), "test": accuracy(net, *test_set)}


def run_method(options, sets, seed):
    """Train with one method and one seed, and measure."""
    net = network(seed, scale=options.get("scale"))
    return measure(train(net, *sets[0], seed, decay=options.get("decay", 0.0)), *sets, seed)


def main():
    """Run everything, and write the results with their provenance."""
    torch.set_num_threads(1)
    sets = load("train"), load("test")
    table = {}
    for name, options in METHODS.items():
        table[name] = [run_method(options, sets, seed) for seed in range(SEEDS)]
        logging.info("%s done", name)
    depths = {depth: [looseness(*sets, depth, seed) for seed in range(SEEDS_OF_DEPTHS)] for depth in DEPTHS}
    data = "the package's 4000 training and 1000 test images of Fashion-MNIST, grey levels in [0, 1]"
    origin = results.provenance(__file__, data) | {"seeds": SEEDS, "seeds_of_depths": SEEDS_OF_DEPTHS}
    content = {"provenance": origin, "radii": RADII, "robustness": table, "depths": depths}
    results.write_results(results.RESULTS / "04_robustness.json", content)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
