"""A round of training (5 critic steps, 1 generator step) beside a textbook's, on one thread: time, FLOPs, memory.

Run: python benchmarks/step.py [--only dcgan], then with --growth

The textbook's step is written out in full below, with PyTorch's own activations, pooling and spectral normalisation.
All contestants of a network start from the same weights and see the same batches. They take turns, a round each, and
a ratio is the median over the turns of a contestant's processor time over that of the textbook's unconstrained round.
FLOPs are those of products and convolutions, counted while a round runs. The floor of a gradient penalty is counted
in forwards of the critic: a plain critic step is 6 of them and a penalty's 10 (3 forwards, 3 input gradients, 1
tangent, 3 weight gradients).
"""

import argparse
import copy
import json
import logging
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from tools.book.results import RESULTS, provenance, write_results
from wgan_course import constraints
from wgan_course.models import dcgan, layers, mlp, resnet
from wgan_course.training import TensorBatches, Trainer, TrainingConfig

N_CRITIC, LATENT, WEIGHT, CLIP, RATE, BETAS = 5, 64, 10.0, 0.01, 1e-4, (0.0, 0.9)
BUSY = 1.5  # load above which the machine is not this process's own


@dataclass(frozen=True)
class Scale:
    """A network and a batch."""

    name: str
    family: str
    width: int
    batch: int
    depth: int = 3

    def networks(self, dtype: torch.dtype = torch.float32) -> tuple[nn.Module, nn.Module]:
        """Generator and critic, always of the same weights."""
        rngs = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
        if self.family == "mlp":
            hidden = (self.width,) * self.depth
            made = mlp.Generator(LATENT, 2, hidden, rng=rngs[0]), mlp.Critic(2, hidden, rng=rngs[1])
        else:
            module = {"dcgan": dcgan, "resnet": resnet}[self.family]
            made = (
                module.Generator(LATENT, 32, 3, self.width, rng=rngs[0]),
                module.Critic(32, 3, self.width, rng=rngs[1]),
            )
        return made[0].to(dtype), made[1].to(dtype)

    def data(self) -> Tensor:
        """Four batches of samples in [−1, 1]."""
        shape = (2,) if self.family == "mlp" else (3, 32, 32)
        return torch.rand(4 * self.batch, *shape, generator=torch.Generator().manual_seed(3)) * 2 - 1


SCALES = (
    Scale("MLP 3×512, b 256", "mlp", 512, 256),
    Scale("DCGAN 32², w 64, b 64", "dcgan", 64, 64),
    Scale("ResNet 32², w 128, b 16", "resnet", 128, 16),
)
GROWTH = (
    *(Scale(f"MLP 3×{w}, b 256", "mlp", w, 256) for w in (64, 128, 256, 1024)),
    *(Scale(f"MLP 3×512, b {b}", "mlp", 512, b) for b in (32, 1024)),
    *(Scale(f"MLP {d}×512, b 256", "mlp", 512, 256, d) for d in (6, 12)),
    *(Scale(f"DCGAN 32², w {w}, b 64", "dcgan", w, 64) for w in (16, 32)),
    *(Scale(f"DCGAN 32², w 64, b {b}", "dcgan", 64, b) for b in (16, 256)),
)


# ---- the textbook -----------------------------------------------------------------------------------------------


OWN: dict[type, Callable] = {
    layers.ReLU: lambda part: nn.ReLU(),
    layers.LeakyReLU: lambda part: nn.LeakyReLU(part.negative_slope),
    layers.AvgPool2d: lambda part: nn.AvgPool2d(part.kernel_size),
    layers.Maps: lambda part: nn.Unflatten(part.dim, part.unflattened_size),
}


def plain(module: nn.Module) -> nn.Module:
    """The same network with PyTorch's own activations and pooling, and images laid out as they come."""
    for name, part in module.named_children():
        setattr(module, name, OWN[type(part)](part) if type(part) in OWN else plain(part))
    return PlainCritic(module) if isinstance(module, layers.ProjectionCritic) else module


class PlainCritic(nn.Module):
    """Features and a linear layer, one after the other."""

    def __init__(self, critic: layers.ProjectionCritic) -> None:
        super().__init__()
        self.features, self.head = critic.features, critic.head

    def forward(self, x: Tensor) -> Tensor:
        """One score a sample."""
        return self.head(self.features(x)).squeeze(-1)


def normalised(module: nn.Module) -> nn.Module:
    """The network with PyTorch's spectral normalisation in every layer that has a matrix or a kernel."""
    for part in list(module.modules()):
        if isinstance(part, nn.Linear | nn.Conv2d):
            spectral_norm(part)
    return module


def textbook_penalty(critic: nn.Module, real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """The gradient penalty as it is written everywhere."""
    epsilon = epsilon.view(-1, *[1] * (real.dim() - 1))
    points = (epsilon * real + (1 - epsilon) * fake).requires_grad_(True)
    scores = critic(points)
    (gradient,) = torch.autograd.grad(scores, points, torch.ones_like(scores), create_graph=True)
    return WEIGHT * ((gradient.flatten(1).norm(2, dim=1) - 1) ** 2).mean()


class Textbook:
    """The loop of a textbook: detached fakes, one backward, Adam; `kind` is none, clip, gp or sn."""

    def __init__(self, scale: Scale, kind: str, dtype: torch.dtype = torch.float32, device: str = "cpu") -> None:
        generator, critic = scale.networks(dtype)
        self.kind, self.batch, self.data = kind, scale.batch, scale.data().to(device, dtype)
        self.generator, self.critic = plain(generator).to(device), plain(critic).to(device)
        if kind == "sn":
            normalised(self.critic)
        self.device, self.rng = device, torch.Generator(device).manual_seed(4)
        self.critic_optimiser = torch.optim.Adam(self.critic.parameters(), lr=RATE, betas=BETAS)
        self.generator_optimiser = torch.optim.Adam(self.generator.parameters(), lr=RATE, betas=BETAS)

    def fakes(self) -> Tensor:
        """A batch of generated samples."""
        z = torch.randn(self.batch, LATENT, generator=self.rng, dtype=self.data.dtype, device=self.device)
        return self.generator(z)

    def critic_step(self, real: Tensor) -> None:
        """One step of the critic."""
        with torch.no_grad():
            fake = self.fakes()
        loss = self.critic(fake).mean() - self.critic(real).mean()
        if self.kind == "gp":
            epsilon = torch.rand(len(real), generator=self.rng, dtype=real.dtype, device=self.device)
            loss = loss + textbook_penalty(self.critic, real, fake, epsilon)
        self.critic_optimiser.zero_grad()
        loss.backward()
        self.critic_optimiser.step()
        if self.kind == "clip":
            with torch.no_grad():
                for parameter in self.critic.parameters():
                    parameter.clamp_(-CLIP, CLIP)

    def generator_step(self) -> None:
        """One step of the generator."""
        loss = -self.critic(self.fakes()).mean()
        self.generator_optimiser.zero_grad()
        loss.backward()
        self.generator_optimiser.step()

    def round(self) -> None:
        """Five critic steps and one of the generator."""
        for _ in range(N_CRITIC):
            order = torch.randint(len(self.data), (self.batch,), generator=self.rng, device=self.device)
            self.critic_step(self.data[order])
        self.generator_step()


# ---- ours -------------------------------------------------------------------------------------------------------


class Ours:
    """The package's trainer; on a GPU its rounds are captured unless `graph` is False."""

    def __init__(
        self, scale: Scale, name: str, precision: str = "fp32", device: str = "cpu", graph: bool = False
    ) -> None:
        options = {"clip": {"clip": CLIP}, "gp": {"weight": WEIGHT}, "lp": {"weight": WEIGHT}}.get(name, {})
        data = scale.data().to(device)
        batches = TensorBatches(data, scale.batch, rng=torch.Generator().manual_seed(5))
        config = TrainingConfig(
            n_critic=N_CRITIC,
            lr_critic=RATE,
            lr_generator=RATE,
            betas=BETAS,
            device=device,
            precision=precision,
            graph=graph,
            log_every=10**6,
            checkpoint_every=10**6,
        )
        self.trainer = Trainer(*scale.networks(), batches, constraints.make(name, **options), config=config)

    def round(self) -> None:
        """Five critic steps and one of the generator."""
        self.trainer.train_step()


CONTESTANTS: dict[str, Callable[[Scale], Textbook | Ours]] = {
    "textbook, none": lambda scale: Textbook(scale, "none"),
    "textbook, clip": lambda scale: Textbook(scale, "clip"),
    "textbook, gp": lambda scale: Textbook(scale, "gp"),
    "textbook, sn": lambda scale: Textbook(scale, "sn"),
    "none": lambda scale: Ours(scale, "none"),
    "clip": lambda scale: Ours(scale, "clip"),
    "gp": lambda scale: Ours(scale, "gp"),
    "lp": lambda scale: Ours(scale, "lp"),
    "sn": lambda scale: Ours(scale, "sn"),
    "none, bf16": lambda scale: Ours(scale, "none", "bf16"),
    "gp, bf16": lambda scale: Ours(scale, "gp", "bf16"),
    "sn, bf16": lambda scale: Ours(scale, "sn", "bf16"),
}
BASE = "textbook, none"


# ---- measuring --------------------------------------------------------------------------------------------------


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def interleaved(contestants: dict[str, Textbook | Ours], turns: int) -> dict[str, list[float]]:
    """Seconds of each contestant's rounds, one a turn, after two rounds to warm up; the order turns round too."""
    for contestant in contestants.values():
        contestant.round()
        contestant.round()
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(turns):
        names = list(contestants) if turn % 2 == 0 else list(reversed(contestants))
        for name in names:
            times[name].append(seconds(contestants[name].round))
    return times


class FlopCounter(TorchDispatchMode):
    """Counts the FLOPs of products and convolutions by PyTorch's own formulas.

    PyTorch's counter of that kind hooks into modules, which a gradient inside of a forward does not survive.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Run an operation and add what it costs."""
        result = func(*args, **(kwargs or {}))
        if func._overloadpacket in flop_registry:
            self.total += flop_registry[func._overloadpacket](*args, **(kwargs or {}), out_val=result)
        return result


def flops(work: Callable[[], object]) -> int:
    """FLOPs of products and convolutions in one call."""
    with FlopCounter() as counter:
        work()
    return counter.total


def floor(scale: Scale) -> float:
    """Ratio of a penalty's round to an unconstrained one, counted in forwards at the least that is possible."""
    generator, critic = scale.networks()
    with torch.no_grad():
        z = torch.randn(scale.batch, LATENT)
        g, f = flops(lambda: generator(z)), flops(lambda: critic(scale.data()[: scale.batch]))
    generator_step = 3 * g + 2 * f  # forward and backward of the generator; the critic's weights need no gradient
    return (N_CRITIC * (g + 10 * f) + generator_step) / (N_CRITIC * (g + 6 * f) + generator_step)


def allocated(work: Callable[[], None]) -> float:
    """Most MB of tensors alive at once during one call, beyond those alive before it."""
    with torch.profiler.profile(profile_memory=True, activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        work()
    changes = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    alive = peak = 0
    for event in sorted(changes, key=lambda event: event.start_ns()):
        alive += event.nbytes()
        peak = max(peak, alive)
    return peak / 1e6


def profiled(work: Callable[[], None], most: int = 12) -> list[dict[str, float | str]]:
    """Where the time of a round goes: the operations that take most of the processor themselves."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        work()
    averages = profile.key_averages()
    total = sum(entry.self_cpu_time_total for entry in averages)
    costly = sorted(averages, key=lambda entry: -entry.self_cpu_time_total)[:most]
    return [
        {"operation": entry.key, "share": entry.self_cpu_time_total / total, "calls": entry.count} for entry in costly
    ]


def measured(scale: Scale, turns: int, names: tuple[str, ...] = tuple(CONTESTANTS)) -> dict:
    """Every contestant at one scale."""
    contestants = {name: CONTESTANTS[name](scale) for name in names}
    times = interleaved(contestants, turns)
    base_flops = flops(contestants[BASE].round)
    rows = {}
    for name, contestant in contestants.items():
        ratios = [mine / theirs for mine, theirs in zip(times[name], times[BASE], strict=True)]
        rows[name] = {
            "seconds": statistics.median(times[name]),
            "ratio": statistics.median(ratios),
            "lowest": min(ratios),
            "highest": max(ratios),
            "flops": flops(contestant.round) / base_flops,
            "MB": allocated(contestant.round),
        }
    return {"rows": rows, "floor of gp": floor(scale), "turns": turns}


def shown(scale: Scale, table: dict) -> str:
    """One scale's table as text."""
    head = f"{scale.name:<26}{'ms':>9}{'ratio':>8}{'lowest':>8}{'highest':>8}{'FLOPs':>8}{'MB':>8}"
    lines = [
        f"  {name:<24}{1e3 * row['seconds']:>9.1f}"
        + "".join(f"{row[key]:>8.2f}" for key in ("ratio", "lowest", "highest", "flops"))
        + f"{row['MB']:>8.0f}"
        for name, row in table["rows"].items()
    ]
    return "\n".join([head, *lines, f"  floor of a penalty's round: {table['floor of gp']:.2f}"])


def main() -> None:
    """Measure, print the tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--growth", action="store_true", help="other widths, batches and depths, into the same file")
    parser.add_argument("--only", choices=("mlp", "dcgan", "resnet"))
    parser.add_argument("--out", type=Path, default=RESULTS / "step.json")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    torch.set_num_threads(1)
    if options.growth:
        grow(options.out, options.turns)
        return
    content: dict = {"provenance": provenance(__file__, "random samples; processor time"), "load": os.getloadavg()[0]}
    content |= {"scales": {}, "profiles": {}, "growth": {}}
    for scale in (scale for scale in SCALES if options.only in (None, scale.family)):
        content["scales"][scale.name] = measured(scale, options.turns)
        content["profiles"][scale.name] = {
            name: profiled(CONTESTANTS[name](scale).round) for name in ("none", "gp", "sn", "gp, bf16")
        }
        print(shown(scale, content["scales"][scale.name]), flush=True)
    if content["load"] > BUSY:
        print(f"the load was {content['load']:.1f} when this began: the ratios hold, the milliseconds may not")
    if options.only is None:
        write_results(options.out, content)


def grow(path: Path, turns: int) -> None:
    """Add the other widths, batches and depths to a file, one after the other."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for scale in GROWTH:
        content["growth"][scale.name] = measured(scale, turns, (BASE, "textbook, gp", "none", "gp", "sn"))
        print(shown(scale, content["growth"][scale.name]), flush=True)
        write_results(path, content)


def same_weights(scale: Scale, kind: str) -> tuple[Textbook, nn.Module]:
    """For the tests: a textbook in double precision, and our critic with the same weights."""
    textbook = Textbook(scale, kind, torch.float64)
    critic = copy.deepcopy(scale.networks(torch.float64)[1])
    return textbook, critic


if __name__ == "__main__":
    main()
