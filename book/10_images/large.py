"""Training on several devices: one process each, the batch shared, gradients averaged before every optimiser step.

``torchrun --nproc-per-node 4 book/10_images/large.py --data cifar10 --steps 50000`` on one machine with four GPUs;
``python book/10_images/large.py --data fashion-mnist --steps 100`` for a single process on whatever there is. Both do
what the trainer does wherever torchrun has started it; `wgan_course.training.distributed` says how.
"""

import argparse
import logging
from pathlib import Path

import torch

from wgan_course import constraints
from wgan_course.data import images
from wgan_course.models import resnet
from wgan_course.training import TensorBatches, Trainer, TrainingConfig, devices, distributed, runlog


def cifar10(folder):
    """CIFAR-10 as a tensor in [-1, 1], shape (50000, 3, 32, 32); torchvision fetches it where there is a network."""
    from torchvision.datasets import CIFAR10

    try:
        found = CIFAR10(folder, train=True, download=True)
    except Exception as error:
        raise SystemExit(
            f"CIFAR-10 is not in {folder} and could not be fetched ({error}). Cure: run this once where there is a "
            "network and copy the folder, or take --data fashion-mnist."
        ) from error
    return torch.from_numpy(found.data).permute(0, 3, 1, 2).float() / 127.5 - 1


def load(name, folder):
    """Training images of 32 pixels."""
    return cifar10(folder) if name == "cifar10" else images.load("fashion-mnist", size=32, download=False).images


def build(options, device):
    """A trainer of this process; the batch is shared by all of them."""
    real = load(options.data, options.folder).to(device)
    rng = torch.Generator().manual_seed(options.seed)
    generator = resnet.Generator(128, 32, real.shape[1], options.width, rng=rng)
    critic = resnet.Critic(32, real.shape[1], options.width, rng=rng)
    config = TrainingConfig(
        n_critic=options.n_critic,
        lr_critic=2e-4,
        lr_generator=2e-4,
        ema=0.999,
        precision=options.precision,
        device=device,
        seed=options.seed,
    )
    batches = TensorBatches(real, options.batch * distributed.place()[1], rng)
    return Trainer(generator, critic, batches, constraints.make(options.constraint), config=config, folder=options.out)


def arguments(given=None):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", choices=("cifar10", "fashion-mnist"), default="cifar10")
    parser.add_argument("--folder", default="data", help="where CIFAR-10 lies or is put")
    parser.add_argument("--out", type=Path, default=Path("runs/large"))
    parser.add_argument("--constraint", default="gp", choices=constraints.NAMES)
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    for name, value in {"steps": 50_000, "batch": 64, "width": 128, "n-critic": 5, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser.parse_args(given)


def main(given=None):
    """Train, alone or as one of several processes that torchrun has started."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = arguments(given)
    with distributed.group() as device:
        trainer = build(options, devices.choose(device))
        trainer.fit(options.steps, progress=True)
        if trainer.rank == 0:
            runlog.save_picture(options.out / "samples.png", trainer.sample(64).float().cpu())
    return trainer


if __name__ == "__main__":
    main()
