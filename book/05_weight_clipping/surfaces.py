"""The experiment behind chapter 5's value surfaces: critics on fixed pairs, under three constraints.

Run it in the course's folder: ``python book/05_weight_clipping/surfaces.py``. It writes
``book/results/05_surfaces.json`` seed by seed. The generator is fixed at real samples plus unit Gaussian noise, as in
figure 1 of the WGAN-GP paper.
"""

import logging
from functools import partial

import torch

from tools.book.results import provenance, run_seeds
from wgan_course import constraints, norms, transport
from wgan_course.data import toy
from wgan_course.models.mlp import Critic
from wgan_course.training import fit_critic

SEEDS, STEPS, BATCH, POINTS = 5, 1200, 128, 500
DATA = {"8 Gaussians": "eight_gaussians", "25 Gaussians": "twenty_five_gaussians", "Swiss roll": "swiss_roll"}
REACH, SIDE = 3.5, 41


METHODS = {
    "clip, c = 0.1": lambda: (constraints.make("clip", clip=0.1), 1e-3),
    "Frobenius ball": lambda: (constraints.make("frobenius_clip", radius=1.0), 5e-4),
    "GP, λ = 1": lambda: (constraints.make("gp", weight=1.0), 1e-3),
}


def pair(name, n, rng):
    """Real samples, and other real samples plus unit Gaussian noise."""
    draw = getattr(toy, DATA[name])
    noisy = draw(n, rng)
    return draw(n, rng), noisy + torch.randn(noisy.shape, generator=rng)


def optimiser_for(constraint, rate, parameters):
    """RMSProp where weights are projected, as in the WGAN paper; Adam where a penalty is paid, as in WGAN-GP."""
    if isinstance(constraint, (constraints.Clip, constraints.FrobeniusClip)):
        return torch.optim.RMSprop(parameters, lr=rate)
    return torch.optim.Adam(parameters, lr=rate, betas=(0.0, 0.9))


def train(name, method, seed, steps=STEPS):
    """Train a critic of three hidden layers of 64 on a fixed pair."""
    rng = torch.Generator().manual_seed(seed)
    constraint, rate = METHODS[method]()
    critic = Critic(2, (64, 64, 64), act="relu", rng=rng)
    optimiser = partial(optimiser_for, constraint, rate)
    return fit_critic(critic, constraint, partial(pair, name, BATCH), steps, optimiser, rng=rng).critic


def grid():
    """Points of a square around the data, row by row."""
    line = torch.linspace(-REACH, REACH, SIDE)
    return torch.cartesian_prod(line, line).flip(1)


def truth(name, seed):
    """Samples, their exact distance, and an optimal potential at each of them."""
    real, fake = pair(name, POINTS, torch.Generator().manual_seed(10_000 + seed))
    solved = transport.solve(transport.cost_matrix(real, fake))
    return real, fake, float(solved.value), torch.cat([solved.phi, -solved.psi])


def measure(critic, real, fake, distance, potential):
    """What the critic reads, how steep it is, and how like the potential it is."""
    points = torch.cat([real, fake])
    slopes = norms.jacobian_norms(critic, points).detach()
    steepest = float(torch.cat([slopes, norms.jacobian_norms(critic, grid()).detach()]).max())
    with torch.no_grad():
        scores = critic(points).double()
    reading = float(scores[:POINTS].mean() - scores[POINTS:].mean())
    return {
        "reading": reading,
        "slope": steepest,
        "share": reading / (steepest * distance),
        "likeness": float(torch.corrcoef(torch.stack([scores, potential.double()]))[0, 1]),
        "typical": float(slopes.median()) / steepest,
    }


def surface(critic):
    """Values on the grid, to four digits."""
    with torch.no_grad():
        return [float(f"{value:.4g}") for value in critic(grid())]


def one(name, method, seed):
    """Train and measure one critic; the first seed keeps its surface."""
    critic = train(name, method, seed)
    found = measure(critic, *truth(name, seed))
    return found | ({"surface": surface(critic)} if seed == 0 else {})


def one_seed(seed):
    """All constraints on all three distributions."""
    torch.set_num_threads(1)
    return {name: {"distance": truth(name, seed)[2]} | {m: one(name, m, seed) for m in METHODS} for name in DATA}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    data = f"{', '.join(DATA)}; generated: real plus unit Gaussian noise; {STEPS} steps of batch {BATCH}"
    run_seeds("05_surfaces", one_seed, range(SEEDS), provenance(__file__, data))
