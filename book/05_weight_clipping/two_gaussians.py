"""The experiment behind chapter 5's comparison on two Gaussians: a GAN's discriminator against a clipped critic.

Run it in the course's folder: ``python book/05_weight_clipping/two_gaussians.py``. It writes
``book/results/05_two_gaussians.json`` seed by seed. Figure 2 of the WGAN paper, with the gradients measured.
"""

import logging
from functools import partial

import torch

from tools.book.results import provenance, run_seeds
from wgan_course import constraints, objectives
from wgan_course.models.mlp import Critic
from wgan_course.training import fit_critic

SEEDS, BATCH = 5, 128
CENTRE, SPREAD = 2.0, 0.5
STOPS = [0, 10, 30, 100, 300, 1000]
LINE = torch.linspace(-4, 4, 81)


def pair(n, rng):
    """Real samples around -2 and generated ones around 2."""
    return tuple(shift + SPREAD * torch.randn(n, 1, generator=rng) for shift in (-CENTRE, CENTRE))


def gradient_size(critic, loss, points):
    """Mean size of the gradient that each generated point receives from the generator's loss."""
    points = points.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(len(points) * loss(critic(points)), points)
    return float(gradient.abs().mean())


def critic_and_rate(kind, rng):
    """Two hidden layers of 64, with the constraint and the objective of the kind."""
    critic = Critic(1, (64, 64), act="relu", rng=rng)
    if kind == "gan":
        return critic, constraints.make("none"), objectives.make("minimax")
    constraint = constraints.make("clip", clip=0.1)
    return constraint.prepare(critic), constraint, objectives.make("wasserstein")


def path(kind, seed, stops):
    """Values on the line at the end, and the generator's gradients at each stop."""
    rng = torch.Generator().manual_seed(seed)
    critic, constraint, objective = critic_and_rate(kind, rng)
    optimiser = torch.optim.RMSprop(critic.parameters(), lr=1e-3)
    points = pair(500, torch.Generator().manual_seed(10_000 + seed))[1]
    losses = {"wgan": {"wasserstein": objectives.make("wasserstein").generator_loss}}.get(
        kind, {name: objectives.make(name).generator_loss for name in ("minimax", "non-saturating")}
    )
    found = {name: [] for name in losses}
    done = 0
    for stop in stops:
        if stop > done:
            steps, done = stop - done, stop
            fit_critic(critic, constraint, partial(pair, BATCH), steps, optimiser, rng=rng, objective=objective)
        for name, loss in losses.items():
            found[name].append(gradient_size(critic, loss, points))
    with torch.no_grad():
        return found | {"values": [float(f"{v:.5g}") for v in critic(LINE[:, None])]}


def one_seed(seed, stops=STOPS):
    """Both kinds; ``values`` are logits for the GAN and scores for the critic."""
    torch.set_num_threads(1)
    return {kind: path(kind, seed, stops) for kind in ("gan", "wgan")}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    data = f"N(-{CENTRE}, {SPREAD}²) real, N({CENTRE}, {SPREAD}²) generated, fixed; {STOPS[-1]} steps of batch {BATCH}"
    run_seeds("05_two_gaussians", one_seed, range(SEEDS), provenance(__file__, data))
