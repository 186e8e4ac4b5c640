"""Three penalties for a classifier: all singular values, the largest ones, or the slope at the data.

Run it in the course's folder: ``python book/08_spectral_normalisation/regularisation.py``. It writes
``book/results/08_regularisation.json``, seed by seed.

The test images are halved: on the first half a strength is chosen for each penalty, on the second it is reported.
"""

import logging

import torch
from torch import nn
from torch.nn import functional

from tools.book import results
from wgan_course import constraints, norms
from wgan_course.data import images
from wgan_course.measures import robustness

SEEDS = range(5)
EPOCHS, STEPS = 8, 10
RADII = [0.0, 0.25, 0.5, 0.75, 1.0]
GRID = {"plain": [0.0], "L2": [1e-3, 3e-3], "spectral": [0.01, 0.03], "gradient": [0.1, 0.5]}


def load(split):
    """Flat images with grey levels in [0, 1], and labels."""
    return robustness.flat_images(images.load("fashion-mnist", split, source="embedded"))


def network(seed):
    """ReLU network 784-128-128-10."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))


def matrices(net):
    """Weights of the linear layers."""
    return [layer.weight for layer in net if isinstance(layer, nn.Linear)]


def squared_slope(loss, x):
    """Mean over the batch of the squared norm of the loss's gradient in the image."""
    (gradient,) = torch.autograd.grad(loss.sum(), x, create_graph=True)
    return gradient.square().sum(1).mean()


def objective(net, x, y, kind, strength, spectral):
    """Cross-entropy and one penalty: λ Σ‖W‖_F², λ Σσ(W)², or λ E‖∇ₓ loss‖²."""
    x = x.clone().requires_grad_(kind == "gradient")
    losses = functional.cross_entropy(net(x), y, reduction="none")
    penalties = {
        "plain": lambda: 0.0,
        "L2": lambda: sum(W.square().sum() for W in matrices(net)),
        "spectral": lambda: 2 * spectral.penalty(net),
        "gradient": lambda: squared_slope(losses, x),
    }
    return losses.mean() + strength * penalties[kind]()


def train(net, x, y, seed, kind="plain", strength=0.0, epochs=EPOCHS):
    """Adam, with one of the penalties."""
    spectral = constraints.make("spectral_regularisation", weight=1.0)
    spectral.prepare(net)

    def loss(net, x, y):
        return objective(net, x, y, kind, strength, spectral)

    return robustness.fit(net, x, y, loss, torch.Generator().manual_seed(seed), epochs)


@torch.no_grad()
def right(net, x, y):
    """Which answers are right."""
    return (net(x).argmax(1) == y).float()


def halves(marks):
    """Mean over the first and over the second half of the test images."""
    half = len(marks) // 2
    return [float(marks[:half].mean()), float(marks[half:].mean())]


def measure(net, train_set, test_set, seed):
    """Accuracies on clean and attacked images, certified shares, the Lipschitz interval, the second spectrum."""
    x, y = test_set
    lower, upper = norms.lipschitz_interval(net, x[:50], torch.Generator().manual_seed(seed), steps=15)
    radius = robustness.certified_radii(net(x), y, upper)
    return {
        "train": float(right(net, *train_set).mean()),
        "attacked": [halves(right(net, robustness.attack(net, x, y, r, STEPS), y)) for r in RADII],
        "certified": [halves((radius > r).float()) for r in RADII],
        "lower": lower,
        "upper": upper,
        "frobenius": [float(W.detach().norm()) for W in matrices(net)],
        "spectrum": [round(s, 4) for s in torch.linalg.svdvals(matrices(net)[1].detach()).tolist()],
    }


def run(kind, strength, seed, epochs=EPOCHS):
    """Train with one penalty and one seed, and measure."""
    sets = load("train"), load("test")
    net = train(network(seed), *sets[0], seed, kind, strength, epochs)
    return measure(net, *sets, seed)


def one_seed(seed):
    """All penalties and strengths; and a short run that a test repeats."""
    pairs = [(kind, strength) for kind, strengths in GRID.items() for strength in strengths]
    full = [{"kind": kind, "strength": s, **run(kind, s, seed)} for kind, s in pairs]
    short = {kind: run(kind, GRID[kind][-1], seed, epochs=1) for kind in GRID}
    return {"runs": full, "short": {kind: {k: r[k] for k in ("train", "attacked")} for kind, r in short.items()}}


def on_first_half(content, kind, strength, radius):
    """Accuracy at a radius on the first half of the test images, mean over the seeds."""
    found = [r for s in content["seeds"].values() for r in s["runs"] if (r["kind"], r["strength"]) == (kind, strength)]
    return sum(r["attacked"][RADII.index(radius)][0] for r in found) / len(found)


def chosen(content, kind, price=0.015):
    """On the first half: the strength that is best at radius 0.75, of those that cost at most 1.5 points when clean."""
    least = on_first_half(content, "plain", 0.0, 0.0) - price
    allowed = [s for s in GRID[kind] if on_first_half(content, kind, s, 0.0) >= least] or GRID[kind][:1]
    return max(allowed, key=lambda strength: on_first_half(content, kind, strength, 0.75))


def main():
    """Run everything, and write the results with their provenance."""
    torch.set_num_threads(1)
    data = "the package's 4000 training and 1000 test images of Fashion-MNIST, grey levels in [0, 1]"
    results.run_seeds("08_regularisation", one_seed, SEEDS, results.provenance(__file__, data))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
