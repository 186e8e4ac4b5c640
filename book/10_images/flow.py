"""Three generators without a critic, for chapter 10, with a quarter of a minute of one processor each.

Run it in the course's folder: ``python book/10_images/flow.py`` (three minutes on one core). It writes
``book/results/10_flow.json``, seed by seed, and goes on where a killed run stopped. Data, budget and measures are those
of `minute`: steps are `SECONDS` divided by the measured cost of a step (`COST`), in the unit in which that script's
round of GP costs 26.5 ms. "Sliced" and "Sinkhorn" train the DCGAN generator of `experiments` on a distance between the
pixels of two batches; "flow" trains a small U-Net by regression. Each rate is the best of `RATES` by the Fréchet
distance after `TRIAL` seconds with seed 100, which no run here uses; ``--tune flow`` tries them.
"""

import argparse
import logging
import time
from types import SimpleNamespace

import experiments
import torch

from tools.book import results
from wgan_course import transport
from wgan_course.models import dcgan
from wgan_course.models.velocity import VelocityField
from wgan_course.training import Ema, TensorBatches
from wgan_course.training.flow_matching import flow, train_flow

SEEDS, SECONDS, STOPS, TRIAL = range(3), 15, (15,), 6
WIDTH, DIRECTIONS, BLUR, DECAY = 24, 64, 1.0, 0.99
BATCH = {"flow": 32, "sliced": 64, "Sinkhorn": 64}
COST = {"flow": 25.0, "sliced": 9.7, "Sinkhorn": 20.0}  # milliseconds of one thread for a step
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
RATE = {"flow": 1e-2, "sliced": 1e-2, "Sinkhorn": 3e-3}
EULER, HEUN = 10, 10
logger = logging.getLogger(__name__)


def sliced(real, made, rng):
    """Sliced W1 of two batches' pixels, along directions drawn anew."""
    lines = transport.random_directions(DIRECTIONS, real[0].numel(), rng).float()
    return transport.sliced_wasserstein(real.flatten(1), made.flatten(1), lines)


def entropic(real, made, rng):
    """Sinkhorn divergence of two batches' pixels, in the unit of their distances."""
    return transport.sinkhorn_divergence(real.flatten(1), made.flatten(1), BLUR, iterations=100, tolerance=1e-2)


LOSSES = {"sliced": sliced, "Sinkhorn": entropic}


class Run:
    """A network, its average, and a step that lowers a loss."""

    def __init__(self, method, seed, rate=None):
        self.method, self.rng = method, torch.Generator().manual_seed(seed)
        self.network = (
            VelocityField(1, WIDTH, rng=self.rng)
            if method == "flow"
            else dcgan.Generator(experiments.LATENT, experiments.SIZE, 1, experiments.WIDTH, rng=self.rng)
        )
        self.average = Ema(self.network, DECAY)
        betas = (0.9, 0.999) if method == "flow" else (0.0, 0.9)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=rate or RATE[method], betas=betas)
        self.batches = TensorBatches(
            experiments.load("train").images, BATCH[method], torch.Generator().manual_seed(seed)
        )
        self.taken = 0

    def to(self, steps):
        """Train until so many steps are taken, and return the last loss."""
        more, self.taken = steps - self.taken, steps
        if self.method == "flow":
            return train_flow(self.network, self.batches, more, self.optimiser, self.rng, self.average)
        for _ in range(more):
            real = self.batches.next()[0]
            z = torch.randn(len(real), experiments.LATENT, generator=self.rng)
            loss = LOSSES[self.method](real, self.network(z), self.rng)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            self.average.update(self.network)
        return loss.item()

    @torch.no_grad()
    def sample(self, n, seed=0, method="heun", steps=HEUN):
        """Images of the averaged network; for the flow by so many steps of Heun's method or Euler's."""
        rng = torch.Generator().manual_seed(seed)
        if self.method != "flow":
            return self.average.module(torch.randn(n, experiments.LATENT, generator=rng))
        start = torch.randn(n, 1, experiments.SIZE, experiments.SIZE, generator=rng)
        return torch.cat([flow(self.average.module, part, steps, method) for part in start.split(250)]).clamp(-1, 1)


def steps_within(method, seconds):
    """Steps that so many seconds of one thread allow."""
    return int(1000 * seconds / COST[method])


def coarse(run, seed):
    """The flow again, with samples by `EULER` evaluations."""
    return experiments.measure(SimpleNamespace(sample=lambda n, seed: run.sample(n, seed, "euler", EULER)), seed)


def one_part(method, seed):
    """Train within the budget and measure at each stop; seed 0 keeps some images."""
    run, curve = Run(method, seed), []
    for seconds in STOPS:
        last = run.to(steps_within(method, seconds))
        curve.append({"seconds": seconds, "step": run.taken, **experiments.measure(run, seed)})
        logger.info("%s %d %s", method, seed, curve[-1])
    found = {"curve": curve, "loss": round(last, 5)}
    found |= {"euler": coarse(run, seed)} if method == "flow" else {}
    return found | ({"images": experiments.thumbnails(run)} if seed == SEEDS[0] else {})


EXPERIMENT = results.Experiment("10_flow", __file__, experiments.DATA, SEEDS, list(COST), one_part)


def tune(method):
    """Log cost of a step, and the Fréchet distance after `TRIAL` seconds for each rate."""
    for rate in RATES:
        run, begun = Run(method, 100, rate), time.process_time()
        run.to(steps_within(method, TRIAL))
        cost = 1000 * (time.process_time() - begun) / run.taken
        found = experiments.measure(run, 100)
        logger.info("%s, rate %g: %.1f ms a step, Fréchet %.1f", method, rate, cost, found["frechet"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tune", choices=COST, help="try the rates of a method instead")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    method = parser.parse_args().tune
    tune(method) if method else EXPERIMENT.run()
