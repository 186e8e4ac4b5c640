"""Generators for a layout of modes: trained ones, and wrong ones."""

import torch

from wgan_course import constraints
from wgan_course.models import mlp
from wgan_course.training import TensorBatches, Trainer, TrainingConfig

from ..capstone_parts import by_anchors, by_digits, clusters, moment_matched, points
from ..registry import Trials


def untrained(real, seed):
    network = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    torch.nn.init.normal_(network[2].weight, std=0.05, generator=torch.Generator().manual_seed(seed))
    return network


def one_mode(real, seed):
    return lambda z: real[0] + 0.15 * z


def two_modes(real, seed):
    return lambda z: 0.1 * z + 0.4 * torch.tanh(50 * z[:, :1])


def far_away(real, seed):
    return lambda z: 40 + 10 * z


def blurred(real, seed):
    return lambda z: real.mean(0) + real.std() * z


def noisy_copies(real, seed):
    pick = by_digits(real)
    return lambda z: pick(z) + 1e-7


def by_tour(real, seed):
    """A path from each training point to the nearest that is left: continuous, and all of it copied."""
    left, path = real.clone(), [real[0]]
    while len(left) > 1:
        nearest = (left - path[-1]).square().sum(1).argmin()
        path.append(left[nearest])
        left = torch.cat([left[:nearest], left[nearest + 1 :]])
    return along(torch.stack(path))


def along(path):
    """Points between neighbours of a list; the first latent number says where."""

    def generator(z):
        place = torch.special.ndtr(z[:, 0].double()) * (len(path) - 1)
        start = place.long().clamp(max=len(path) - 2)
        return torch.lerp(path[start], path[start + 1], (place - start).float()[:, None])

    return generator


def then(change):
    """A trained generator, and something done to its points."""

    def function(real, seed):
        generator = points(0)(real, seed)
        return lambda z: change(generator(z))

    return function


def few_steps(real, seed):
    """A right training that stops after twenty rounds."""
    rng = torch.Generator().manual_seed(seed)
    networks = mlp.Generator(2, 2, (64, 64, 64), rng=rng), mlp.Critic(2, (64, 64, 64), rng=rng)
    config = TrainingConfig(n_critic=2, lr_critic=2e-3, lr_generator=2e-3, device="cpu", log_every=10**6)
    trainer = Trainer(*networks, TensorBatches(real, 128, rng), constraints.make("lp", weight=1.0), config=config)
    trainer.fit(20)
    return trainer.generator


class Module(torch.nn.Module):
    """A generator wrapped in a module that stays in training mode and returns float64."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner.train()

    def forward(self, z):
        return self.inner(z).double()


def as_module(real, seed):
    return Module(points(0)(real, seed))


def with_graph(real, seed):
    generator = points(1)(real, seed).requires_grad_(True)
    return generator.forward


def in_pieces(real, seed):
    generator = points(2)(real, seed)
    return lambda z: torch.cat([generator(part) for part in z.split(100)])


TRIALS = Trials("ps10.points_generator")
TRIALS.mutants(
    "copies",
    memoriser=lambda real, seed: by_digits(real),
    anchored_memoriser=lambda real, seed: by_anchors(real),
    noisy_memoriser=noisy_copies,
    by_tour=by_tour,
    by_sorted_points=lambda real, seed: along(real[real[:, 0].argsort()]),
    a_gaussian_a_cluster=lambda real, seed: clusters(real, 12, 1),
)
TRIALS.mutants("constant", mean=lambda real, seed: lambda z: real.mean(0).expand(len(z), 2))
TRIALS.mutants("collapsed", one_mode=one_mode, two_modes=two_modes, untrained=untrained)
TRIALS.mutants("one-cloud", moments=lambda real, seed: moment_matched(real), blurred=blurred, few_steps=few_steps)
TRIALS.mutants("runs-away", far_away=far_away)
TRIALS.mutants(
    "not-there-yet",
    half_of_the_plane=then(lambda x: torch.stack([x[:, 0].abs(), x[:, 1]], 1)),
    a_quarter=then(torch.abs),
)
TRIALS.mutants("shape", one_number=lambda real, seed: lambda z: moment_matched(real)(z)[:, 0])
TRIALS.mutants("generic:unusable", samples=lambda real, seed: moment_matched(real)(torch.randn(1000, 2)))
TRIALS.mutants("generic:error", wants_three=lambda real, seed: lambda z: z @ torch.ones(3, 2))
TRIALS.alternatives(
    penalty=points(0),
    r1=points(1),
    two_sided=points(2),
    as_module=as_module,
    with_graph=with_graph,
    in_pieces=in_pieces,
)
