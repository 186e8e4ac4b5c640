"""A conditional DCGAN under a gradient penalty on 3,786 emoji, on one GPU, by the clock.

python book/10_images/colour.py --seed 0 --seconds 150 --out runs/colour

The learning curve has the critic's estimate and the Fréchet distance in the 64 leading principal components of the
pixels, between as many generated images as there are drawn ones, with their labels. What it is between the two halves
of the drawn ones stands beside it. The averaged generator is kept in half precision.
"""

import argparse
import json
import logging
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from tools.book.results import provenance
from wgan_course import constraints
from wgan_course.data import images
from wgan_course.measures.images import frechet_distance
from wgan_course.models import dcgan
from wgan_course.training import TensorBatches, Trainer, TrainingConfig, devices, runlog
from wgan_course.training.checkpoint import atomic_write

logger = logging.getLogger(__name__)
LATENT, WIDTH, BATCH, RATE, WEIGHT, COMPONENTS = 64, 64, 64, 2e-4, 10.0, 64


def make(data, seed, device, width=WIDTH):
    """A trainer; each drawing comes as it is and mirrored."""
    rng = torch.Generator().manual_seed(seed)
    real = torch.cat((data.images, data.images.flip(3)))
    labels = torch.cat((data.labels, data.labels))
    classes = len(data.classes)
    generator = dcgan.Generator(LATENT, 32, 3, width, classes=classes, rng=rng)
    critic = dcgan.Critic(32, 3, width, classes=classes, rng=rng)
    config = TrainingConfig(
        lr_critic=RATE, lr_generator=RATE, betas=(0.0, 0.9), ema=0.999, device=device, seed=seed, log_every=200
    )
    batches = TensorBatches(real.to(config.device), BATCH, rng, labels.to(config.device))
    return Trainer(generator, critic, batches, constraints.make("gp", weight=WEIGHT), config=config)


def components(real):
    """Mean and leading principal components of flattened images."""
    mean = real.mean(0)
    return mean, torch.pca_lowrank(real - mean, COMPONENTS, center=False)[2]


@torch.no_grad()
def drawn(trainer, labels):
    """As many samples as labels, flattened, on the CPU."""
    parts = [trainer.sample(len(part), seed, part) for seed, part in enumerate(labels.split(500))]
    return torch.cat(parts).float().cpu().flatten(1)


def train(seed, seconds, device, look_every=400, width=WIDTH):
    """Train for a time; return the trainer and its curve."""
    data = images.load("emoji")
    torch.manual_seed(0)  # the random projections of the principal components
    flat = data.images.flatten(1)
    mean, basis = components(flat)
    coordinates = (flat - mean) @ basis
    order = torch.randperm(len(flat), generator=torch.Generator().manual_seed(0))
    half = len(flat) // 2
    floor = frechet_distance(coordinates[order[:half]], coordinates[order[half:]])
    trainer, curve, spent = make(data, seed, device, width), [], 0.0
    while spent < seconds:
        begun = time.perf_counter()
        record = trainer.fit(trainer.step + look_every)
        spent += time.perf_counter() - begun
        distance = frechet_distance(coordinates, (drawn(trainer, data.labels) - mean) @ basis)
        curve.append(
            {"round": trainer.step, "seconds": spent, "frechet": distance}
            | {name: record[name] for name in ("estimate", "penalty")}
        )
        logger.info("%s", json.dumps(curve[-1]))
    return trainer, {"between halves": floor, "curve": curve}


def keep(trainer, found, seed, folder, device):
    """Write weights, curve and a picture, twenty samples a class, none picked."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.half().cpu() for name, value in trainer.ema.module.state_dict().items()}
    save_file(weights, folder / f"colour_{seed}.safetensors")
    where = provenance(__file__, "3,786 emoji, each also mirrored", devices.describe(device))
    written = json.dumps({"provenance": where, "seed": seed} | found, indent=1)
    atomic_write(folder / f"colour_{seed}.json", written.encode())
    classes = trainer.generator.classes
    labels = torch.arange(classes).repeat_interleave(20)
    runlog.save_picture(folder / f"colour_{seed}.png", trainer.sample(len(labels), 0, labels).float().cpu(), columns=20)


def main(given=None):
    """Train one seed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=150.0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--look-every", type=int, default=400)
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--out", type=Path, default=Path("runs/colour"))
    options = parser.parse_args(given)
    device = devices.choose(options.device)
    trainer, found = train(options.seed, options.seconds, str(device), options.look_every, options.width)
    keep(trainer, found, options.seed, options.out, device)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("wgan_course").setLevel(logging.WARNING)
    main()
