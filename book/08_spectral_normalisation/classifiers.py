"""What a Lipschitz classifier costs in accuracy and buys in robustness: constraints and penalties on one small network.

Run it in the course's folder: ``python book/08_spectral_normalisation/classifiers.py``. It writes
``book/results/08_classifiers.json``, seed by seed; ``benchmarks/many.py`` runs it on many processors.

Every contestant is trained with every pair of a strength and a rate: five strengths, three rates, the same number of
steps unless stopping early is the method. Of the package's 4000 training images all runs learn 3000. Seeds 100 and 101
are judged on the other 1000 and choose; seeds 0 to 4 are judged on the 1000 test images and reported. So no test image
takes part in a choice. The pair is chosen that is best for a goal at a bounded price in clean accuracy.
"""

import itertools
import logging
import operator
import statistics

import torch
from torch import nn
from torch.nn import functional

from tools.book import results
from wgan_course import constraints, norms
from wgan_course.data import images
from wgan_course.measures import robustness
from wgan_course.models.layers import GroupSort

SEEDS, CHOOSING = range(5), (100, 101)
LEARNT, WIDTH, BATCH, EPOCHS = 3000, 64, 100, 12
RADII, CLIMB = (0.125, 0.25, 0.5, 1.0), 10
RATES = (4e-4, 1.5e-3, 6e-3)
PRICE = 0.02  # of clean accuracy, that a strength may cost
GOALS = {"certificate": ("certified", 0.25), "attack": ("attacked", 0.5)}
# name: strengths from weak to strong; of the last three the factor behind the last layer, about their Lipschitz bound;
# of those stopped early, the epochs; with none there is the rate to choose, and no strength
METHODS = {
    "none": (0.0,),
    "stopped early": (8, 5, 3, 2, 1),
    "L2 in the loss": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "decay after the step": (0.1, 0.3, 1.0, 3.0, 10.0),
    "gradient of the loss": (0.03, 0.1, 0.3, 1.0, 3.0),
    "gradient of the margin": (0.003, 0.01, 0.03, 0.1, 0.3),
    "spectral penalty": (0.003, 0.01, 0.03, 0.1, 0.3),
    "SN": (20.0, 10.0, 5.0, 2.0, 1.0),
    "orthonormal, ReLU": (10.0, 5.0, 2.0, 1.0, 0.5),
    "orthonormal, GroupSort": (10.0, 5.0, 2.0, 1.0, 0.5),
}


class Scale(nn.Module):
    """Multiplication by a fixed number, which is its Lipschitz constant."""

    def __init__(self, factor):
        super().__init__()
        self.lipschitz = factor

    def forward(self, x):
        """Multiply."""
        return self.lipschitz * x


def rng(number):
    """Generator of random numbers."""
    return torch.Generator().manual_seed(number)


def sets(seed):
    """Images to learn from and images to be judged on, flat, grey levels in [0, 1], with labels."""
    x, y = robustness.flat_images(images.load("fashion-mnist", "train", source="embedded"))
    judge = robustness.flat_images(images.load("fashion-mnist", "test", source="embedded"))
    return (x[:LEARNT], y[:LEARNT]), (x[LEARNT:], y[LEARNT:]) if seed in CHOOSING else judge


def network(method, strength, seed):
    """Network 784–64–64–10 with the same start for all methods of a seed, before what the method makes of it."""
    torch.manual_seed(seed)
    active = GroupSort if method == "orthonormal, GroupSort" else nn.ReLU
    net = nn.Sequential(nn.Linear(784, WIDTH), active(), nn.Linear(WIDTH, WIDTH), active(), nn.Linear(WIDTH, 10))
    if method == "spectral penalty":
        return constraints.make("spectral_regularisation").prepare(net)
    if method == "SN":
        return constraints.make("sn").prepare(net).append(Scale(strength))
    if method.startswith("orthonormal"):
        orthonormalise_(net)
        return net.append(Scale(strength))
    return net


def matrices(net):
    """Weights of the linear layers, without their biases."""
    return [layer.weight for layer in net if isinstance(layer, nn.Linear)]


@torch.no_grad()
def orthonormalise_(net):
    """Put the nearest matrix with orthonormal rows, (W Wᵀ)^(-1/2) W, in the place of every W: all are wide here."""
    for W in matrices(net):
        squares, vectors = torch.linalg.eigh((W @ W.T).double())
        W.copy_(((vectors / squares.clamp_min(1e-12).sqrt()) @ vectors.T).float() @ W)


def charge(net, x, y, method, logits, x_grad):
    """What the method adds to the loss, without its weight."""
    if method == "L2 in the loss":
        return sum(W.square().sum() for W in matrices(net))
    if method == "spectral penalty":
        return 2 * constraints.make("spectral_regularisation", weight=1.0).penalty(net)
    if method == "gradient of the loss":
        return squared_slope(functional.cross_entropy(logits, y, reduction="sum"), x_grad)
    if method == "gradient of the margin":
        return squared_slope(robustness.margins(logits, y).sum(), x_grad)
    return 0.0


def squared_slope(total, x):
    """Mean over the batch of the squared norm of the gradient in the image."""
    (gradient,) = torch.autograd.grad(total, x, create_graph=True)
    return gradient.square().sum(1).mean()


def optimiser_of(net, method, strength, rate):
    """Adam; with decay after the step, every matrix is multiplied by 1 − rate · strength as well."""
    decay = strength if method == "decay after the step" else 0.0
    biases = [p for p in net.parameters() if p.ndim == 1]
    rest = [p for p in net.parameters() if p.ndim > 1]
    groups = [{"params": rest, "weight_decay": decay}, {"params": biases, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate)


def train(method, strength, rate, seed, data, epochs=EPOCHS):
    """Train one network; it ends in evaluation mode."""
    (x, y), order, net = data, rng(seed), network(method, strength, seed)
    optimiser = optimiser_of(net, method, strength, rate)
    for _ in range(min(epochs, strength) if method == "stopped early" else epochs):
        for chosen in torch.randperm(len(x), generator=order).split(BATCH):
            batch = x[chosen].requires_grad_(method.startswith("gradient"))
            logits = net(batch)
            loss = functional.cross_entropy(logits, y[chosen])
            optimiser.zero_grad()
            (loss + strength * charge(net, batch, y[chosen], method, logits, batch)).backward()
            optimiser.step()
            if method.startswith("orthonormal"):
                orthonormalise_(net)
    return net.eval()


@torch.no_grad()
def right(net, x, y):
    """Share of right answers."""
    return float((net(x).argmax(1) == y).float().mean())


def judge(net, learnt, judged, seed):
    """Accuracies, clean, attacked and certified; the loss; the two ends of the Lipschitz interval."""
    x, y = judged
    upper = float(norms.lipschitz_upper(net, (784,)))
    with torch.no_grad():
        logits = net(x)
    radius = robustness.certified_radii(logits, y, upper)
    found = {
        "train": right(net, *learnt),
        "clean": right(net, x, y),
        "loss": float(functional.cross_entropy(logits, y)),
        "attacked": [right(net, robustness.attack(net, x, y, r, CLIMB), y) for r in RADII],
        "certified": [float((radius > r).float().mean()) for r in RADII],
        "upper": upper,
    }
    if seed in SEEDS:
        found["lower"] = float(norms.lipschitz_lower(net, x[:50], rng(seed), steps=10))
    return {
        key: [round(v, 4) for v in value] if isinstance(value, list) else round(value, 4)
        for key, value in found.items()
    }


def name_of(method, strength, rate):
    """A contestant with a strength and a rate."""
    return f"{method}, {strength:g}, rate {rate:g}"


SETTINGS = {
    name_of(method, strength, rate): (method, strength, rate)
    for method, strengths in METHODS.items()
    for strength in strengths
    for rate in RATES
}


def one_part(part, seed, epochs=EPOCHS):
    """Train and judge one network; ``{"left": True}`` where its weights are no longer finite."""
    learnt, judged = sets(seed)
    net = train(*SETTINGS[part], seed, learnt, epochs)
    if not all(bool(torch.isfinite(p).all()) for p in net.parameters()):
        return {"left": True}
    return judge(net, learnt, judged, seed)


def runs(content, method, strength, rate, seeds=SEEDS):
    """What a contestant's networks left, one a seed."""
    return [content["seeds"][str(seed)][name_of(method, strength, rate)] for seed in seeds]


def on_choosing(content, method, strength, rate, goal):
    """Mean of a goal over the seeds that choose; the worst, 0, where one of their networks is left."""
    found = runs(content, method, strength, rate, CHOOSING)
    return 0.0 if any("left" in run for run in found) else statistics.mean(reached(run, goal) for run in found)


def reached(run, goal):
    """A number of one network: ``"clean"``, or a share at a radius, such as ``("certified", 0.25)``."""
    return run[goal] if isinstance(goal, str) else run[goal[0]][RADII.index(goal[1])]


def settings(method):
    """All pairs of a strength and a rate."""
    return list(itertools.product(METHODS[method], RATES))


def accuracy_without(content):
    """Clean accuracy with no constraint, at its best rate, on the seeds that choose."""
    return max(on_choosing(content, "none", *pair, "clean") for pair in settings("none"))


def chosen(content, method, goal, price=PRICE):
    """Strength and rate: the best for a goal of those that cost at most `price` of the clean accuracy, if there are."""
    clean = {pair: on_choosing(content, method, *pair, "clean") for pair in settings(method)}
    allowed = [pair for pair in clean if clean[pair] >= accuracy_without(content) - price]
    if not allowed:
        return max(clean, key=lambda pair: clean[pair])
    return max(allowed, key=lambda pair: on_choosing(content, method, *pair, goal))


def frontier(content, method, goal):
    """Settings that no other one of the method beats in clean accuracy and goal, on the seeds that choose."""
    points = {p: [on_choosing(content, method, *p, measure) for measure in ("clean", goal)] for p in settings(method)}
    beaten = lambda p: any(points[q] != points[p] and min(map(operator.ge, points[q], points[p])) for q in points)  # noqa: E731
    return sorted((p for p in points if not beaten(p)), key=lambda p: points[p])


def at_the_end(method, pair):
    """Whether a chosen strength, or rate, is the first or the last of its grid."""
    return [value in (grid[0], grid[-1]) for value, grid in zip(pair, (METHODS[method], RATES), strict=True)]


EXPERIMENT = results.Experiment(
    "08_classifiers",
    __file__,
    "the package's images of Fashion-MNIST, 3000 to learn from, 1000 to choose by and 1000 to test, levels in [0, 1]",
    (*CHOOSING, *SEEDS),
    list(SETTINGS),
    one_part,
)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    EXPERIMENT.run()
