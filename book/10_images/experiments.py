"""The experiments behind chapter 10: WGANs on Fashion-MNIST with a few seconds of one processor each.

Run them in the course's folder, each by its name: ``python book/10_images/experiments.py dcgan`` (or
``recipe``). Each writes ``book/results/10_NAME.json``, seed by seed, and goes on where a killed run stopped.

Every run has the same budget of processor time, counted beforehand: the steps that a method may take are `BUDGET`
divided by the measured cost of its round (`COST`). So the number of steps is the same on every machine, and so is the
result, but for rounding.
"""

import argparse
import logging
import time
from functools import cache

import torch

from tools.book.results import provenance, run_seeds
from wgan_course import constraints, measures, transport
from wgan_course.data import images
from wgan_course.measures import classifier
from wgan_course.models import dcgan
from wgan_course.training import TensorBatches, Trainer, TrainingConfig

SEEDS = 5
BUDGET = 4.0  # seconds of one thread for the training of one run
STOPS = 4  # how often a run is measured
SIZE, LATENT, WIDTH = 28, 32, 8
BATCH = {"dcgan": 32}
SHOWN = 20
FAMILIES = {"dcgan": dcgan}
# Milliseconds of one thread for a critic's step without penalty, for one with a penalty, and for a generator's step.
COST = {"dcgan": (6.5, 10.0, 6.5)}
RATE = 3e-3
PENALTIES = ("gp", "lp", "r1")
METHODS = {
    "clip": {"options": {"clip": 0.05}, "optimiser": "rmsprop", "rate": 1e-3},
    "gp": {},
    "lp": {},
    "sn": {},
    "r1": {},
}
RECIPE = {
    "rate ÷ 4": {"rate": 7.5e-4},
    "rate × 4": {"rate": 1.2e-2},
    "β₁ = 0.5": {"betas": (0.5, 0.9)},
    "n_critic = 1": {"n_critic": 1},
    "n_critic = 5": {"n_critic": 5},
    "λ = 1": {"options": {"weight": 1.0}},
    "λ = 100": {"options": {"weight": 100.0}},
}
DATA = "the package's 4000 training images of Fashion-MNIST, measured against its 1000 test images"


@cache
def load(split):
    """Images and labels of a split."""
    return images.load("fashion-mnist", split, size=SIZE, source="embedded")


def rounds(family, constraint, n_critic, budget=BUDGET):
    """Generator steps that the budget allows, rounded down to a multiple of `STOPS`."""
    plain, penalised, generator = COST[family]
    cost = n_critic * (penalised if constraint in PENALTIES else plain) + generator
    return int(1000 * budget / cost) // STOPS * STOPS


def networks(family, seed):
    """Generator and critic with seeded weights."""
    rng = torch.Generator().manual_seed(seed)
    module = FAMILIES[family]
    generator = module.Generator(LATENT, SIZE, 1, WIDTH, rng=rng)
    return generator, module.Critic(SIZE, 1, WIDTH, norm="none", rng=rng)


def trainer(family, constraint, seed, *, options=None, **settings):
    """Everything for one run; `settings` are those of the recipe that it changes."""
    data = load("train")
    rate = settings.pop("rate", RATE)
    common = {"n_critic": 2, "betas": (0.0, 0.9), "ema": 0.9, "device": "cpu", "log_every": 10**6}
    config = TrainingConfig(**{**common, "lr_critic": rate, "lr_generator": rate, "seed": seed, **settings})
    batches = TensorBatches(data.images, BATCH[family], torch.Generator().manual_seed(seed))
    return Trainer(*networks(family, seed), batches, constraints.make(constraint, **(options or {})), config=config)


@cache
def truth():
    """The test images' features, and their pixels along 100 directions."""
    real = load("test").images
    lines = transport.random_directions(100, SIZE**2, torch.Generator().manual_seed(0)).float()
    return classifier.features(real), real.flatten(1), lines


def measure(current, seed):
    """The measures of `measures.image_report`, on 1000 generated and 1000 real images."""
    made = current.sample(1000, seed=1000 + seed)
    (real, pixels, lines), features = truth(), classifier.features(made)
    precision, recall = measures.precision_recall(real, features)
    found = {"frechet": measures.frechet_distance(real, features), "kernel": measures.kernel_distance(real, features)}
    found |= {"precision": precision, "recall": recall}
    found["sliced"] = float(transport.sliced_wasserstein(pixels, made.flatten(1), lines))
    return {name: round(value, 5) for name, value in found.items()}


def without_average(current, seed):
    """The measures of the generator itself, not of its moving average."""
    average, current.ema = current.ema, None
    found = measure(current, seed)
    current.ema = average
    return found


def thumbnails(current, count=SHOWN):
    """Generated images as text: one hexadecimal digit a pixel, 0 for black and f for white."""
    made = current.sample(count, seed=0).clamp(-1, 1)
    digits = ((made + 1) * 7.5).round().to(torch.int64).flatten(1)
    return ["".join(f"{level:x}" for level in image) for image in digits.tolist()]


def run(family, constraint, seed, stops=(1, 2, 4), show=False, plain=False, **settings):
    """Train within the budget, and measure after these quarters of it."""
    current = trainer(family, constraint, seed, **dict(settings))
    steps = rounds(family, constraint, current.config.n_critic)
    curve, seconds = [], 0.0
    for stop in stops:
        start = time.process_time()
        record = current.fit(stop * steps // STOPS)
        seconds += time.process_time() - start
        curve.append({"step": current.step, "seconds": round(seconds, 2), **measure(current, seed)})
    found = {"curve": curve, "estimate": round(record["estimate"], 4)}
    found |= {"plain": without_average(current, seed)} if plain else {}
    return found | ({"images": thumbnails(current)} if show else {})


def dcgan_methods(seed, stops=(1, 2, 4)):
    """Each constraint, with convolutions as in DCGAN."""
    return {n: run("dcgan", n, seed, stops, show=seed == 0, plain=True, **METHODS[n]) for n in METHODS}


def recipe(seed, stops=(4,)):
    """The recipe with one line changed; `dcgan` has the recipe itself, "gp"."""
    return {name: run("dcgan", "gp", seed, stops, **changes) for name, changes in RECIPE.items()}


EXPERIMENTS = {
    "dcgan": dcgan_methods,
    "recipe": recipe,
}


def main():
    """Run the experiments that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="+", choices=EXPERIMENTS)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, from 0")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    given = parser.parse_args()
    for name in given.names:
        origin = provenance(__file__, DATA)
        origin["command"] += f" {name}"
        run_seeds(f"10_{name}", EXPERIMENTS[name], range(given.seeds), origin)


if __name__ == "__main__":
    main()
