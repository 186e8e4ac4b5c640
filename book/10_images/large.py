"""Training on several devices: one process each, gradients averaged before every optimiser step.

``torchrun --nproc-per-node 4 book/10_images/large.py --data cifar10 --steps 50000`` on one machine with four GPUs;
``python book/10_images/large.py --data fashion-mnist --steps 100`` for a single process on whatever there is.

The averages are taken in a hook before the optimiser's step, when every backward is done. So any loss is right, one
with a gradient penalty included. Without GPUs the processes talk through gloo.
"""

import argparse
import logging
import os
from pathlib import Path

import torch
from torch import distributed

from wgan_course import constraints
from wgan_course.data import images
from wgan_course.models import resnet
from wgan_course.training import TensorBatches, Trainer, TrainingConfig, runlog


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


def average_gradients(optimiser, *_):
    """Replace each gradient by its mean over the processes."""
    gradients = [p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    distributed.all_reduce(flat)
    parts = (flat / distributed.get_world_size()).split([g.numel() for g in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def synchronise(trainer):
    """Same weights and buffers everywhere, and averaged gradients from now on."""
    for module in (trainer.generator, trainer.critic):
        for tensor in (*module.parameters(), *module.buffers()):
            distributed.broadcast(tensor.data, 0)
    for optimiser in (trainer.generator_optimiser, trainer.critic_optimiser):
        optimiser.register_step_pre_hook(average_gradients)


def build(options, rank, device):
    """A trainer with its own share of the randomness; the networks are the same in all processes."""
    real = load(options.data, options.folder)
    networks = torch.Generator().manual_seed(options.seed)
    generator = resnet.Generator(128, 32, real.shape[1], options.width, rng=networks)
    critic = resnet.Critic(32, real.shape[1], options.width, rng=networks)
    config = TrainingConfig(
        n_critic=options.n_critic,
        lr_critic=2e-4,
        lr_generator=2e-4,
        ema=0.999,
        precision=options.precision,
        device=device,
        seed=options.seed + 1000 * rank,
    )
    batches = TensorBatches(real, options.batch, torch.Generator().manual_seed(options.seed + 1000 * rank))
    folder = options.out if rank == 0 else None
    return Trainer(generator, critic, batches, constraints.make(options.constraint), config=config, folder=folder)


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
    options, rank = arguments(given), int(os.environ.get("RANK", "0"))
    many = int(os.environ.get("WORLD_SIZE", "1")) > 1
    gpu = torch.cuda.is_available()
    device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if gpu else "cpu"
    if many:
        distributed.init_process_group("nccl" if gpu else "gloo")
    trainer = build(options, rank, device)
    if many:
        synchronise(trainer)
    trainer.fit(options.steps, progress=rank == 0)
    if rank == 0:
        runlog.save_picture(options.out / "samples.png", trainer.sample(64).float().cpu())
    if many:
        distributed.destroy_process_group()
    return trainer


if __name__ == "__main__":
    main()
