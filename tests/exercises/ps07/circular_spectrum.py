"""Versions of ``circular_spectrum`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def on_circle(kernel, n):
    torus = torch.zeros(n, dtype=kernel.dtype)
    for place, value in enumerate(kernel):
        torus[place % n] += value
    return torus


def right(kernel, n):
    return torch.fft.fft(on_circle(kernel, n)).abs()


def by_sum(kernel, n):
    angles = -2j * np.pi * np.outer(np.arange(n), np.arange(len(kernel))) / n
    return np.abs(np.exp(angles) @ kernel.numpy())


def by_blocks(kernel, n):
    padded = torch.nn.functional.pad(kernel, (0, -len(kernel) % n))
    return torch.fft.fft(padded.reshape(-1, n).sum(0)).abs()


def by_cosines(kernel, n):
    angles = 2 * torch.pi * torch.arange(n).double()[:, None] * torch.arange(len(kernel)) / n
    return ((angles.cos() @ kernel) ** 2 + (angles.sin() @ kernel) ** 2).sqrt()


def by_mirror(kernel, n):
    half = torch.fft.rfft(on_circle(kernel, n)).abs()
    return torch.cat([half, half[1 : (n + 1) // 2].flip(0)])


def indexed(kernel, n):
    circle = np.zeros(n)
    circle[np.arange(len(kernel)) % n] += kernel.numpy()
    return np.abs(np.fft.fft(circle))


def once(kernel, n):
    circle = torch.zeros(n, dtype=kernel.dtype)
    circle[: len(kernel)] += kernel[:n]
    over = kernel[n : 2 * n]
    circle[: len(over)] += over
    return torch.fft.fft(circle).abs()


def in_place(kernel, n):
    kernel *= 1.5
    return right(kernel, n) / 1.5


TRIALS = Trials("ps07.circular_spectrum")
TRIALS.mutants("not-padded", own_length=lambda k, n: torch.fft.fft(k).abs())
TRIALS.mutants("squared", power=lambda k, n: right(k, n) ** 2)
TRIALS.mutants(
    "sorted",
    descending=lambda k, n: right(k, n).sort(descending=True).values,
    circulant_svd=lambda k, n: torch.linalg.svdvals(torch.stack([on_circle(k, n).roll(j) for j in range(n)])),
)
TRIALS.mutants("half", rfft=lambda k, n: torch.fft.rfft(on_circle(k, n)).abs())
TRIALS.mutants(
    "real-part",
    real=lambda k, n: torch.fft.fft(on_circle(k, n)).real,
    size_of_real=lambda k, n: torch.fft.fft(on_circle(k, n)).real.abs(),
)
TRIALS.mutants("scaled", unitary=lambda k, n: torch.fft.fft(on_circle(k, n), norm="ortho").abs())
TRIALS.mutants("centred", shifted=lambda k, n: torch.fft.fftshift(right(k, n)))
TRIALS.mutants("truncated", cut=lambda k, n: torch.fft.fft(k, n).abs())
TRIALS.mutants("only-the-norm", largest=lambda k, n: right(k, n).max())
TRIALS.mutants("generic:unusable", complex_numbers=lambda k, n: torch.fft.fft(on_circle(k, n)))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("overwritten", indexed=indexed)
TRIALS.mutants("wraps-once", once=once)
TRIALS.alternatives(
    right=right, by_sum=by_sum, by_blocks=by_blocks, by_cosines=by_cosines, by_mirror=by_mirror,
    inverse_transform=lambda k, n: (n * torch.fft.ifft(on_circle(k, n))).abs(),
)  # fmt: skip
