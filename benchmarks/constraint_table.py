"""Every constraint on 8 Gaussians, same seed and budget, one table: what it reaches, seconds, and peak memory.

Run: python benchmarks/constraint_table.py

Each row runs in a process of its own, forked after the imports, so that its peak memory is its own. "After imports" is
the peak of such a process that does nothing: the parent's own would count what importing needed for a moment, and pages
of the libraries that no row touches. Seconds are those of the processor, on one thread, so that a busy machine does not
change them much. The two penalties on interpolates run with weight 1 as well as with their default of 10: at 10 the
two-sided one goes round and round within this budget (its generator ends farther away than it began), at 1 it does not.
"""

import argparse
import logging
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import ot
import torch

from tools.book.results import RESULTS, provenance, write_results
from wgan_course import constraints, norms
from wgan_course.data import toy
from wgan_course.models import mlp
from wgan_course.training import SampledBatches, TrainingConfig, train

STEPS, WIDTH, POINTS = 250, 48, 400
OPTIONS = {"clip": {"clip": 0.05}, "gp, weight 1": {"weight": 1.0}, "lp, weight 1": {"weight": 1.0}}
ROWS = (*constraints.NAMES, "gp, weight 1", "lp, weight 1")
DATA = f"8 Gaussians, {STEPS} generator steps of 3 critic steps, batch 128, MLPs 2×{WIDTH}, Adam, seeds 1, 2, 3"
COLUMNS = {
    "w1": "exact W1",
    "estimate": "estimate",
    "low": "Lip lower",
    "high": "Lip upper",
    "modes": "modes",
    "seconds": "seconds",
}


def seeded(seed: int) -> torch.Generator:
    """A generator of one seed."""
    return torch.Generator().manual_seed(seed)


def exact_w1(x: torch.Tensor, y: torch.Tensor) -> float:
    """W1 between two samples of one size, by POT."""
    weights = np.full(len(x), 1 / len(x))
    return ot.emd2(weights, weights, ot.dist(x.double().numpy(), y.double().numpy(), metric="euclidean"))


def modes_reached(samples: torch.Tensor, modes: torch.Tensor) -> int:
    """Modes with more than a fiftieth of the samples within half a unit."""
    near = torch.cdist(samples, modes.float()) < 0.5
    return int((near.float().mean(0) > 0.02).sum())


def largest_gradient(critic: torch.nn.Module, points: torch.Tensor) -> float:
    """The largest gradient norm at some points: no Lipschitz constant is below it."""
    x = points.clone().requires_grad_()
    (g,) = torch.autograd.grad(critic(x).sum(), x)
    return float(g.norm(dim=1).max())


def untrained_w1() -> float:
    """W1 of the data to the generator before training."""
    with torch.no_grad():
        fake = mlp.Generator(2, 2, (WIDTH, WIDTH), rng=seeded(1))(torch.randn(POINTS, 2, generator=seeded(9)))
    return exact_w1(toy.make("eight-gaussians").sample(POINTS, seeded(8)), fake)


def trained(name: str):
    """Train one row; return the trainer and the processor's seconds."""
    act = "groupsort" if name == "orthonormal" else "leaky_relu"
    generator = mlp.Generator(2, 2, (WIDTH, WIDTH), rng=seeded(1))
    critic = mlp.Critic(2, (WIDTH, WIDTH), act=act, rng=seeded(2))
    batches = SampledBatches(toy.make("eight-gaussians").sample, 128, seeded(3))
    config = TrainingConfig(device="cpu", lr_critic=2e-3, lr_generator=1e-3, betas=(0.5, 0.9), n_critic=3, log_every=50)
    constraint = constraints.make(name.split(",", maxsplit=1)[0], **OPTIONS.get(name, {}))
    start = time.process_time()
    done = train(generator, critic, batches, constraint, STEPS, config=config)
    return done, time.process_time() - start


def one_row(name: str) -> dict[str, float]:
    """Train with one constraint and measure."""
    mixture = toy.make("eight-gaussians")
    done, seconds = trained(name)
    real, fake = mixture.sample(POINTS, seeded(8)), done.sample(POINTS, seed=9)
    final = done.critic.eval()
    with torch.no_grad():
        estimate = float(final(real).mean() - final(fake).mean())
    low, high = norms.lipschitz_interval(final, torch.cat([real[:40], fake[:40]]), rng=seeded(3))
    return {
        "w1": exact_w1(real, fake),
        "estimate": estimate,
        "low": float(low),
        "high": float(high),
        "sampled": largest_gradient(final, torch.cat([real, fake])),
        "modes": modes_reached(fake, mixture.modes),
        "seconds": seconds,
    }


def peak_megabytes() -> float:
    """Largest resident memory of this process so far (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_child(work: Callable, *arguments):
    """What `work` returns in a new process, forked from this one."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(work, arguments)


def _row_and_peak(name: str) -> dict[str, float]:
    return {**one_row(name), "peak MB": peak_megabytes()}


def measured(names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Each row from a process of its own, one after the other."""
    return {name: in_child(_row_and_peak, name) for name in names}


def shown(rows: dict[str, dict[str, float]]) -> str:
    """The table as text."""
    columns = {**COLUMNS, "peak MB": "peak MB"} if "peak MB" in next(iter(rows.values())) else COLUMNS
    head = "".join(f"{title:>12}" for title in columns.values())
    lines = [f"{name:<24}" + "".join(f"{row[key]:>12.4g}" for key in columns) for name, row in rows.items()]
    return "\n".join([f"{'constraint':<24}{head}", *lines])


def main() -> None:
    """Measure every row, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS / "constraint_table.json")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    torch.set_num_threads(1)
    imported = in_child(peak_megabytes)
    rows = measured(ROWS)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = used.ru_utime + used.ru_stime
    peak = max(row["peak MB"] for row in rows.values())
    print(shown(rows))
    print(
        f"untrained W1 {untrained_w1():.4g}; {total:.1f} s in all; peak {peak:.0f} MB, {imported:.0f} MB after imports"
    )
    content = {
        "provenance": provenance(__file__, DATA),
        "untrained W1": untrained_w1(),
        "seconds": total,
        "peak MB": peak,
        "after imports MB": imported,
        "rows": rows,
    }
    write_results(options.out, content)


if __name__ == "__main__":
    main()
