"""The experiment behind chapter 5's parameter penalties: what charges on a WGAN critic's weights do to its reading.

Four charges: the sum of the squared weights; the sum over the layers of the excess of the Frobenius norm above a
threshold, squared; the squared product of these norms; and decay that is decoupled from the loss (AdamW). Each has a
grid of strengths. Run it in the course's folder: ``python book/05_weight_clipping/parameter_penalty.py``. It writes
``book/results/05_parameter_penalty.json`` seed by seed.
"""

import logging
from functools import partial

import torch

from tools.book import results
from wgan_course import norms
from wgan_course.constraints import Constraint, NoConstraint
from wgan_course.data import toy
from wgan_course.models.mlp import Critic
from wgan_course.training import fit_critic

SEEDS, STEPS, EVERY, BATCH, RATE = 5, 1500, 25, 128, 1e-3
THRESHOLD = 1.0


def pair(n, rng):
    """Eight Gaussians, and other points of them plus unit Gaussian noise."""
    noisy = toy.eight_gaussians(n, rng)
    return toy.eight_gaussians(n, rng), noisy + torch.randn(noisy.shape, generator=rng)


def sum_of_squares(matrices):
    """The parameter penalty: what weight decay charges."""
    return sum(W.square().sum() for W in matrices)


def product_of_squares(matrices):
    """The squared product of the Frobenius norms: it grows as fast as the squared reading."""
    return torch.stack([W.square().sum() for W in matrices]).prod()


def excess(matrices):
    """What a norm has above a threshold, squared, layer by layer."""
    return sum((W.norm() - THRESHOLD).clamp_min(0).square() for W in matrices)


class ParameterPenalty(Constraint):
    """A penalty on the critic's matrices: a constraint of one's own is one method."""

    def __init__(self, penalty, weight):
        self.of, self.weight = penalty, weight

    def penalty(self, critic, real, fake, rng):
        """The weight times what is charged."""
        return self.weight * self.of([p for p in critic.parameters() if p.ndim == 2])


def matrices_of(critic):
    """What is charged."""
    return [p for p in critic.parameters() if p.ndim == 2]


CHARGES = {"sum": sum_of_squares, "excess": excess, "product": product_of_squares}
GRID = {
    "sum": (0.01, 0.1, 0.3, 1.0),
    "excess": (0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
    "product": (0.1,),
    "decoupled": (0.1, 1.0, 3.0, 10.0, 30.0),
}


def name_of(charge, weight):
    """A run among the parts."""
    return f"{charge}, λ = {weight:g}"


PAIRS = {name_of(charge, weight): (charge, weight) for charge, weights in GRID.items() for weight in weights}


def setting(charge, weight, critic):
    """Constraint and optimiser: the charge is in the loss, or the decay in Adam's step, on the matrices alone."""
    if charge != "decoupled":
        return ParameterPenalty(CHARGES[charge], weight), torch.optim.Adam(critic.parameters(), RATE, (0.0, 0.9))
    rest = [p for p in critic.parameters() if p.ndim < 2]
    groups = [{"params": matrices_of(critic), "weight_decay": weight}, {"params": rest, "weight_decay": 0.0}]
    return NoConstraint(), torch.optim.AdamW(groups, RATE, (0.0, 0.9))


def started(rng):
    """A critic whose matrices have half of the usual size."""
    critic = Critic(2, (64, 64, 64), act="relu", rng=rng)
    with torch.no_grad():
        for W in matrices_of(critic):
            W.mul_(0.5)
    return critic


def run(charge, weight, seed, steps=STEPS):
    """E_P f - E_Q f on a fixed sample, every few steps; in the end the products of the norms."""
    rng = torch.Generator().manual_seed(seed)
    critic = started(rng)
    constraint, optimiser = setting(charge, weight, critic)
    x, y = pair(1000, rng)
    found = []

    @torch.no_grad()
    def read(step):
        if step % EVERY == 0:
            found.append(float(critic(x).mean() - critic(y).mean()))

    read(0)
    fit_critic(critic, constraint, partial(pair, BATCH), steps, optimiser, rng=rng, after=lambda run, _: read(run.step))
    sizes = [float(W.detach().norm()) for W in matrices_of(critic)]
    return {"readings": found, "frobenius": sizes, "spectral": float(norms.lipschitz_upper(critic.eval(), (2,)))}


def one_part(part, seed):
    """One charge and one strength."""
    return run(*PAIRS[part], seed)


WORDS = f"8 Gaussians; generated: real plus unit Gaussian noise; {STEPS} steps of batch {BATCH}"
EXPERIMENT = results.Experiment("05_parameter_penalty", __file__, WORDS, range(SEEDS), list(PAIRS), one_part)

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    EXPERIMENT.run()
