"""Processor seconds of a convolution's norm, by each way, against the number of channels.

Run: python benchmarks/conv_norms.py

A 3 by 3 kernel with as many channels in as out, on images of 16 by 16. The ways take turns; a table has medians.
"""

import argparse
import functools
import os
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.step import seconds
from tools.book.results import RESULTS, provenance, write_results
from wgan_course import norms
from wgan_course.constraints.spectral import OperatorPowerIteration

CHANNELS = (8, 16, 32, 64, 128, 256)
SIZE = 16


def stepped(weight: Tensor) -> Callable[[], Tensor]:
    """One warm-started step of power iteration on the operator, as `sn_conv` takes in each forward."""
    layer = torch.nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[-1], padding=1, bias=False)
    power = OperatorPowerIteration(layer)
    power.see(weight, torch.Size((weight.shape[1], SIZE, SIZE)))
    return lambda: power.sigma(weight, 1)


def ways(weight: Tensor) -> dict[str, Callable[[], Tensor | float]]:
    """Each way to the norm of a kernel."""
    return {
        "reshaped, by its singular values": functools.partial(norms.reshaped_norm, weight),
        "periodic, by the Fourier transform": functools.partial(norms.conv_norm_fft, weight, SIZE),
        "zero padding, 200 steps of power iteration": functools.partial(
            norms.conv_norm, weight, (weight.shape[1], SIZE, SIZE), padding=1
        ),
        "zero padding, one warm step": stepped(weight),
    }


def measured(channels: int, turns: int) -> dict[str, dict[str, float]]:
    """Median seconds and the value of each way."""
    rng = torch.Generator().manual_seed(channels)
    weight = torch.randn(channels, channels, 3, 3, generator=rng) / (9 * channels) ** 0.5
    made = ways(weight)
    values = {name: float(way()) for name, way in made.items()}
    times: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(turns):
        for name, way in made.items():
            times[name].append(seconds(way))
    return {name: {"seconds": statistics.median(times[name]), "value": values[name]} for name in made}


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--largest", type=int, default=CHANNELS[-1])
    parser.add_argument("--out", type=Path, default=RESULTS / "conv_norms.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    content: dict = {"provenance": provenance(__file__, "normal kernels"), "load": os.getloadavg()[0], "channels": {}}
    for channels in (c for c in CHANNELS if c <= options.largest):
        content["channels"][str(channels)] = rows = measured(channels, options.turns)
        told = "  ".join(f"{1e3 * row['seconds']:.2f} ms ({row['value']:.3f})" for row in rows.values())
        print(f"{channels:4} channels  {told}", flush=True)
    write_results(options.out, content)


if __name__ == "__main__":
    main()
