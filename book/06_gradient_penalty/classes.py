"""What interpolation across classes does to a critic: the experiment behind chapter 6's figure on classes.

K classes lie on a ring, neighbours 4 apart, each a small Gaussian; the generated points of class k are the real ones
moved by 1 in a direction of the class's own. So W1 is 1 for every K, within each class and altogether. Run it in the
course's folder: ``python book/06_gradient_penalty/classes.py`` (about two minutes on one core). It writes
``book/results/06_classes.json``.
"""

import logging
import math
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from tools.book import results
from wgan_course import constraints
from wgan_course.constraints import penalties
from wgan_course.models import mlp
from wgan_course.training import fit_critic

CLASSES = (1, 4, 16)
SPACING, STD, SHIFT = 4.0, 0.1, 1.0
BATCH, WIDTH, STEPS, RATE, WEIGHT, POINTS = 256, 64, 800, 2e-3, 10.0, 1024
GOLDEN = math.pi * (3 - math.sqrt(5))
# name of the arm: (constraint, whether the critic sees the class, whether pairs share it)
ARMS = {
    "no classes, random pairs": ("lp", False, False),
    "conditional, random pairs": ("lp", True, False),
    "conditional, pairs of one class": ("lp", True, True),
}


def rng(number):
    """Generator of random numbers."""
    return torch.Generator().manual_seed(number)


def centres(k):
    """Centres of the classes and the unit vectors along which the generated points are off, each (k, 2)."""
    angle, turn = 2 * math.pi * torch.arange(k) / k, GOLDEN * torch.arange(k)
    radius = 0.0 if k == 1 else SPACING / (2 * math.sin(math.pi / k))
    around, off = (torch.stack([a.cos(), a.sin()], 1) for a in (angle, turn))
    return radius * around, off


def draw(k, n, source):
    """Real and generated points with one class a pair, and the classes."""
    labels = torch.randint(k, (n,), generator=source)
    middle, off = (table[labels] for table in centres(k))
    noise = STD * torch.randn(2, n, 2, generator=source)
    return middle + noise[0], middle + SHIFT * off + noise[1], labels


class ClassCritic(nn.Module):
    """A critic of points and, where it is conditional, of their classes as unit vectors."""

    def __init__(self, k, conditional, source):
        super().__init__()
        self.k = k if conditional else 0
        self.net = mlp.Critic(2 + self.k, (WIDTH, WIDTH), rng=source)

    def forward(self, x, labels):
        """Scores."""
        return self.net(torch.cat([x, functional.one_hot(labels, self.k).float()], 1) if self.k else x)


class RandomPairs(constraints.Constraint):
    """A gradient penalty between each real point and any generated one; the critic is told the real point's class."""

    def __init__(self, own):
        self.own = own

    def penalty(self, critic, real, fake, rng, **conditioning):
        """The penalty after a shuffle."""
        return self.own.penalty(critic, real, fake[torch.randperm(len(fake), generator=rng)], rng, **conditioning)


def pair(k, source):
    """Real and generated points, and what the critic is told."""
    real, fake, labels = draw(k, BATCH, source)
    return real, fake, {"labels": labels}


def train(k, name, conditional, same, seed, steps=STEPS):
    """Critic trained with one way of pairing."""
    critic = ClassCritic(k, conditional, rng(2 + 10 * seed))
    constraint = constraints.make(name, weight=WEIGHT)
    constraint = constraint if same else RandomPairs(constraint)
    optimiser = torch.optim.Adam(critic.parameters(), lr=RATE, betas=(0.5, 0.9))
    return fit_critic(critic, constraint, partial(pair, k), steps, optimiser, rng=rng(5 + 10 * seed)).critic


def measure(critic, k):
    """Estimate of W1 = 1; slope and direction of the gradient on the segments along which the mass has to move."""
    real, fake, labels = draw(k, POINTS, rng(9))
    on = penalties.interpolate(real, real + SHIFT * centres(k)[1][labels], torch.rand(POINTS, generator=rng(4)))
    function = partial(critic, labels=labels)
    gradient = penalties.input_gradient(function, on, create_graph=False)
    norms = penalties.sample_norms(gradient)
    with torch.no_grad():
        estimate = function(real).mean() - function(fake).mean()
    towards = functional.cosine_similarity(gradient, -centres(k)[1][labels]).mean()
    numbers = {"estimate": estimate, "slope": norms.mean(), "steep": norms.quantile(0.95), "cosine": towards}
    return {key: float(number) for key, number in numbers.items()}


def one_run(k, name, conditional, same, seed):
    """Train and measure."""
    return measure(train(k, name, conditional, same, seed), k)


def one_seed(seed):
    """Every arm with every number of classes."""
    return {arm: {str(k): one_run(k, *options, seed) for k in CLASSES} for arm, options in ARMS.items()}


def main():
    """Run five seeds and write the results with their provenance."""
    torch.set_num_threads(1)
    words = f"K Gaussians on a ring, each moved by {SHIFT:g}; {STEPS} critic steps of batches of {BATCH}"
    results.run_seeds("06_classes", one_seed, range(5), results.provenance(__file__, words))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
