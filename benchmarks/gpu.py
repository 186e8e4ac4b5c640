"""Milliseconds of a round of training on a GPU: a textbook, this package step by step, and the same as one CUDA graph.

Run on a machine with a CUDA device: python benchmarks/gpu.py

The contestants are those of ``benchmarks/step.py``, and they take turns. Before anything is measured, rounds that are
captured are held against the same rounds taken one by one, and a stretch of captured rounds is run with PyTorch's
detector of host synchronisation set to raise.
"""

import argparse
import logging
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.step import Ours, Scale, Textbook
from tools.book.results import RESULTS, provenance, write_results
from wgan_course import constraints
from wgan_course.training import devices

SCALES = (
    Scale("DCGAN 32²×3, w 64, b 64", "dcgan", 64, 64),
    Scale("ResNet 32²×3, w 128, b 64", "resnet", 128, 64),
    Scale("MLP 3×512, b 256", "mlp", 512, 256),
)
CONTESTANTS: dict[str, Callable[[Scale, str], Textbook | Ours]] = {
    "textbook, none": lambda scale, device: Textbook(scale, "none", device=device),
    "textbook, gp": lambda scale, device: Textbook(scale, "gp", device=device),
    "textbook, sn": lambda scale, device: Textbook(scale, "sn", device=device),
    "none, step by step": lambda scale, device: Ours(scale, "none", device=device),
    "gp, step by step": lambda scale, device: Ours(scale, "gp", device=device),
    "sn, step by step": lambda scale, device: Ours(scale, "sn", device=device),
    "none": lambda scale, device: Ours(scale, "none", device=device, graph=True),
    "clip": lambda scale, device: Ours(scale, "clip", device=device, graph=True),
    "gp": lambda scale, device: Ours(scale, "gp", device=device, graph=True),
    "sn": lambda scale, device: Ours(scale, "sn", device=device, graph=True),
    "none, bf16": lambda scale, device: Ours(scale, "none", "bf16", device=device, graph=True),
    "gp, bf16": lambda scale, device: Ours(scale, "gp", "bf16", device=device, graph=True),
    "sn, bf16": lambda scale, device: Ours(scale, "sn", "bf16", device=device, graph=True),
}
BASE = "textbook, gp"
WARM, ROUNDS = 6, 3


def milliseconds(work: Callable[[], None], rounds: int, device: str) -> float:
    """Wall time of a round, from one synchronisation to the next."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    wait()
    begun = time.perf_counter()
    for _ in range(rounds):
        work()
    wait()
    return 1e3 * (time.perf_counter() - begun) / rounds


def measured(scale: Scale, turns: int, device: str, names: tuple[str, ...] = tuple(CONTESTANTS)) -> dict:
    """Every contestant at one scale, in turns."""
    made = {name: CONTESTANTS[name](scale, device) for name in names}
    for contestant in made.values():
        milliseconds(contestant.round, WARM, device)
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(turns):
        for name, contestant in made.items():
            times[name].append(milliseconds(contestant.round, ROUNDS, device))
    base = times.get(BASE, times[names[0]])
    return {
        name: {
            "milliseconds": statistics.median(found),
            "ratio": statistics.median(mine / theirs for mine, theirs in zip(found, base, strict=True)),
            "captured": isinstance(made[name], Ours) and bool(getattr(made[name].trainer.captured, "replays", None)),
        }
        for name, found in times.items()
    }


def difference(scale: Scale, name: str, precision: str, device: str, rounds: int = 20) -> float:
    """Largest difference of a parameter between captured rounds and the same ones taken step by step."""
    torch.backends.cudnn.deterministic = True
    pair = [Ours(scale, name, precision, device=device, graph=graph) for graph in (True, False)]
    for contestant in pair:
        for _ in range(rounds):
            contestant.round()
    torch.backends.cudnn.deterministic = False
    ends = [[*c.trainer.critic.parameters(), *c.trainer.generator.parameters()] for c in pair]
    return max(float((one - other).detach().abs().max()) for one, other in zip(*ends, strict=True))


def waits_for_nothing(scale: Scale, name: str, device: str) -> bool:
    """Whether captured rounds run without the host waiting for the device."""
    contestant = Ours(scale, name, device=device, graph=True)
    for _ in range(WARM):
        contestant.round()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(5):
            contestant.round()
    except RuntimeError:
        return False
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return True


def shown(scale: Scale, rows: dict) -> str:
    """One scale's table as text."""
    lines = [
        f"  {name:<24}{row['milliseconds']:>9.2f}{row['ratio']:>8.2f}{'  one graph' if row['captured'] else ''}"
        for name, row in rows.items()
    ]
    return "\n".join([f"{scale.name:<26}{'ms':>9}{'ratio':>8}", *lines])


def main() -> None:
    """Check, measure, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--only", choices=("dcgan", "resnet", "mlp"))
    parser.add_argument("--part", choices=("all", "checks", "times"), default="all")
    parser.add_argument("--out", type=Path, default=RESULTS / "gpu.json")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("there is no CUDA device here; benchmarks/step.py measures a CPU")
    chosen = [scale for scale in SCALES if options.only in (None, scale.family)]
    described = devices.describe(options.device)
    content: dict = {"provenance": provenance(__file__, "random images", described), "checks": {}, "scales": {}}
    if options.device.startswith("cuda") and options.part != "times":
        small = Scale("small", "dcgan", 16, 16)
        for name in constraints.NAMES:
            ends = {precision: difference(small, name, precision, options.device) for precision in ("fp32", "bf16")}
            content["checks"][name] = {**ends, "no waiting": waits_for_nothing(small, name, options.device)}
            print(
                f"{name:<26}" + "".join(f"{key} {value}  " for key, value in content["checks"][name].items()),
                flush=True,
            )
    for scale in chosen if options.part != "checks" else ():
        content["scales"][scale.name] = measured(scale, options.turns, options.device)
        print(shown(scale, content["scales"][scale.name]), flush=True)
    write_results(options.out, content)


if __name__ == "__main__":
    main()
