"""Small networks, data and constraints that the training tests share."""

import torch
from torch import multiprocessing, nn

from wgan_course.constraints import Constraint
from wgan_course.models import mlp
from wgan_course.objectives import make as make_objective
from wgan_course.training import SampledBatches, TensorBatches, Trainer, TrainingConfig


class Free(Constraint):
    """A constraint with hooks that do nothing but count."""

    def __init__(self):
        self.calls = []

    def prepare(self, critic):
        self.calls.append("prepare")
        return critic

    def penalty(self, critic, real, fake, rng, **conditioning):
        self.calls.append("penalty")
        self.seen = (real, fake, rng, conditioning)
        return real.new_zeros(())

    def project_(self, critic):
        self.calls.append("project_")


def ring(n, rng):
    """Points on a circle."""
    angle = 6.283185 * torch.rand(n, generator=rng)
    return torch.stack([angle.cos(), angle.sin()], 1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def networks(classes=None, seed=0):
    rng = seeded(seed)
    return mlp.Generator(2, 2, (16,), classes=classes, rng=rng), mlp.Critic(2, (16, 16), classes=classes, rng=rng)


def labelled(batch=8, n=40, seed=5):
    points = ring(n, seeded(seed))
    return TensorBatches(points, batch, seeded(seed + 1), torch.arange(n) % 3)


OWN = ("optimisers", "schedules", "latent", "rng")


def trainer(constraint=None, classes=None, folder=None, objective="wasserstein", batches=None, **config):
    own = {name: config.pop(name) for name in OWN if name in config}
    config = TrainingConfig(**{"device": "cpu", "log_every": 3, "checkpoint_every": 5, "n_critic": 2, **config})
    generator, critic = networks(classes)
    batches = batches if batches is not None else (labelled() if classes else SampledBatches(ring, 8, seeded(1)))
    constraint = constraint if constraint is not None else Free()
    own |= {"objective": make_objective(objective), "config": config, "folder": folder}
    return Trainer(generator, critic, batches, constraint, **own)


class Shift(nn.Module):
    """The generator z/10 + θ of the one-dimensional shift."""

    latent, classes = 1, None

    def __init__(self, start=0.0):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(float(start)))

    def forward(self, z):
        return 0.1 * z + self.theta


# A fork need not import PyTorch; where CUDA is, it cannot be used in one.
START = "spawn" if torch.cuda.is_available() else "fork"


def in_two_processes(work, *arguments):
    """Call ``work(rank, *arguments)`` in two processes at once."""
    multiprocessing.start_processes(work, arguments, nprocs=2, start_method=START)


def in_a_process(work, *arguments):
    """Begin ``work(*arguments)`` in a process of its own."""
    process = multiprocessing.get_context(START).Process(target=work, args=arguments)
    process.start()
    return process
