"""The experiment behind chapter 5's critics that follow: what they read, beside the distance and the JS estimate.

Run it in the course's folder: ``python book/05_weight_clipping/tracking.py``. It writes
``book/results/05_tracking.json`` seed by seed. Two parts. In the first the generator is led: it makes real samples plus
less and less noise, and critics and a discriminator follow. In the second a WGAN trains.
"""

import logging
import math

import torch

from tools.book.results import provenance, run_seeds
from wgan_course import constraints, objectives, training, transport
from wgan_course.data import toy
from wgan_course.models.mlp import Critic, Generator
from wgan_course.training import SampledBatches, fit_critic

SEEDS, STEPS, EVERY, BATCH, BURN_IN, N_CRITIC = 5, 200, 20, 128, 200, 5
NOISE = [2.0, 1.5, 1.0, 0.8, 0.6, 0.4, 0.2, 0.1]
FIRST, FOLLOWING = 400, 80
HIDDEN = (64, 64, 64)
GAME = objectives.make("minimax")
REAL = toy.make("eight_gaussians")
METHODS = {
    "clip": lambda: (constraints.make("clip", clip=0.1), "rmsprop", 5e-4, 2e-4),
    "gp": lambda: (constraints.make("gp", weight=1.0), "adam", 1e-3, 1e-3),
}


def source(seed, stream):
    """An independent stream of random numbers."""
    return torch.Generator().manual_seed(100 * seed + stream)


def noisy(n, noise, rng):
    """Real points plus noise: a generator that is bad by a known amount."""
    return REAL.sample(n, rng) + noise * torch.randn(n, 2, generator=rng)


def js_estimate(net, real, fake):
    """Half of log 4 minus the log loss: a lower bound of JS, up to the sample's error."""
    with torch.no_grad():
        return float((math.log(4) - GAME.critic_loss(net(real), net(fake))) / 2)


def reading(net, real, fake):
    """What a critic estimates, E_P f - E_Q f."""
    with torch.no_grad():
        return float(net(real).mean() - net(fake).mean())


# ---- the generator is led ----------------------------------------------------------------------------------------


def descend(net, optimiser, game, constraint, noise, steps, rng):
    """Steps of a critic or a discriminator against the generator with this much noise."""
    pair = REAL.sample, lambda n, rng: noisy(n, noise, rng)
    fit_critic(net, constraint, pair, steps, optimiser, rng=rng, batch=BATCH, objective=game)


def followers(seed):
    """Clipped critic, penalised critic and discriminator, each with its optimiser, game, constraint and estimate."""
    wasserstein, adam = objectives.make("wasserstein"), {"lr": 1e-3, "betas": (0.5, 0.9)}
    found = {}
    for stream, name in enumerate(("clip", "gp", "js"), start=10):
        constraint = METHODS[name]()[0] if name in METHODS else constraints.make("none")
        net = constraint.prepare(Critic(2, HIDDEN, act="relu", rng=source(seed, stream)))
        projected = name == "clip"
        optimiser = (
            torch.optim.RMSprop(net.parameters(), 5e-4) if projected else torch.optim.Adam(net.parameters(), **adam)
        )
        game, estimate = (GAME, js_estimate) if name == "js" else (wasserstein, reading)
        found[name] = (net, optimiser, game, constraint, estimate)
    return found


def led(seed, noises):
    """The distance and the three estimates for each noise, each follower going on from where it was."""
    rngs = {name: source(seed, stream) for stream, name in enumerate(("clip", "gp", "js"), start=20)}
    nets, found = followers(seed), {"distance": [], "clip": [], "gp": [], "js": []}
    for number, noise in enumerate(noises):
        real, fake = REAL.sample(2000, source(seed, 30)), noisy(2000, noise, source(seed, 31))
        found["distance"].append(float(transport.wasserstein(real[:500], fake[:500])))
        for name, (*what, constraint, estimate) in nets.items():
            descend(*what, constraint, noise, FOLLOWING if number else FIRST, rngs[name])
            found[name].append(estimate(what[0], real, fake))
    return found


# ---- the generator learns ----------------------------------------------------------------------------------------


def schedule(step):
    """Critic steps before a generator step: a burn-in before the first."""
    return BURN_IN if step == 0 else N_CRITIC


class Recorder:
    """After every few steps: the exact distance, and what the critic reads."""

    def __init__(self, seed):
        self.records = []
        self.points = REAL.sample(2000, source(seed, 6))
        self.latent = torch.randn(2000, 2, generator=source(seed, 7))

    def __call__(self, trainer, _record):
        """Measure after the first step, and after every few."""
        if trainer.step == 1 or trainer.step % EVERY == 0:
            self.records.append(self._measure(trainer))

    @torch.no_grad()
    def _measure(self, trainer):
        fake = trainer.generator(self.latent)
        return {
            "step": trainer.step,
            "distance": float(transport.wasserstein(self.points[:500], fake[:500])),
            "reading": reading(trainer.critic, self.points, fake),
        }


def trained(method, seed, steps):
    """One WGAN, measured along its way; lists over the records."""
    generator = Generator(2, 2, (64, 64), rng=source(seed, 1))
    critic = Critic(2, HIDDEN, act="relu", rng=source(seed, 2))
    constraint, optimiser, lr_critic, lr_generator = METHODS[method]()
    config = training.TrainingConfig(
        n_critic=schedule, optimiser=optimiser, lr_critic=lr_critic, lr_generator=lr_generator, device="cpu", seed=seed
    )
    batches = SampledBatches(REAL.sample, BATCH, source(seed, 4))
    recorder = Recorder(seed)
    training.Trainer(generator, critic, batches, constraint, config=config).fit(steps, after=recorder)
    return {key: [record[key] for record in recorder.records] for key in recorder.records[0]}


def one_seed(seed, steps=STEPS, noises=NOISE):
    """Both parts."""
    torch.set_num_threads(1)
    return {"led": led(seed, noises), "trained": {method: trained(method, seed, steps) for method in METHODS}}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    data = f"8 Gaussians; led: real plus noise from {NOISE[0]} to {NOISE[-1]}; trained: {STEPS} generator steps"
    run_seeds("05_tracking", one_seed, range(SEEDS), provenance(__file__, data))
