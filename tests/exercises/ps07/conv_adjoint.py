"""Versions of ``conv_adjoint`` that students write."""

import numpy as np
import torch
from torch.nn import functional

from ..registry import Trials


def right(y, kernel):
    return functional.conv_transpose1d(y[None], kernel, padding=kernel.shape[2] // 2)[0]


def flipped(y, kernel):
    return functional.conv1d(y[None], kernel.transpose(0, 1).flip(2), padding=kernel.shape[2] // 2)[0]


def forward(x, kernel):
    return functional.conv1d(x[None], kernel, padding=kernel.shape[2] // 2)[0]


def by_autograd(y, kernel):
    x = torch.zeros(kernel.shape[1], y.shape[1], dtype=y.dtype, requires_grad=True)
    (gradient,) = torch.autograd.grad((forward(x, kernel) * y).sum(), x)
    return gradient


def by_loops(y, kernel):
    (outs, ins, k), n = kernel.shape, y.shape[1]
    x = np.zeros((ins, n))
    for a in range(outs):
        for b in range(ins):
            for p in range(n):
                for q in range(k):
                    place = p + q - k // 2
                    if 0 <= place < n:
                        x[b, place] += float(kernel[a, b, q] * y[a, p])
    return x


def by_matrix(y, kernel):
    units = torch.eye(kernel.shape[1] * y.shape[1], dtype=y.dtype).reshape(-1, kernel.shape[1], y.shape[1])
    rows = torch.stack([forward(x, kernel).flatten() for x in units])
    return (rows @ y.flatten()).reshape(kernel.shape[1], -1)


def circular(y, kernel):
    half = kernel.shape[2] // 2
    padded = functional.pad(y[None], (half, half), mode="circular")
    return functional.conv1d(padded, kernel.transpose(0, 1).flip(2))[0]


def inverse(y, kernel):
    units = torch.eye(kernel.shape[1] * y.shape[1], dtype=y.dtype).reshape(-1, kernel.shape[1], y.shape[1])
    matrix = torch.stack([forward(x, kernel).flatten() for x in units], 1)
    return (torch.linalg.pinv(matrix) @ y.flatten()).reshape(kernel.shape[1], -1)


def summed(y, kernel):
    return flipped(y, kernel.sum(1, keepdim=True)).expand(kernel.shape[1], -1)


def in_place(y, kernel):
    kernel.copy_(kernel.flip(2))
    return functional.conv1d(y[None], kernel.transpose(0, 1), padding=kernel.shape[2] // 2)[0]


TRIALS = Trials("ps07.conv_adjoint")
TRIALS.mutants(
    "not-reversed",
    forward=forward,
    only_channels=lambda y, k: forward(y, k.transpose(0, 1)),
)
TRIALS.mutants("channels-not-swapped", only_taps=lambda y, k: forward(y, k.flip(2)))
TRIALS.mutants("circular", circular=circular)
TRIALS.mutants("inverse", pinv=inverse)
TRIALS.mutants("result-reversed", reversed_result=lambda y, k: right(y, k).flip(1))
TRIALS.mutants("off-by-one", rolled=lambda y, k: functional.pad(right(y, k), (1, 0))[:, :-1])
TRIALS.mutants("averaged", mean_of_taps=lambda y, k: right(y, k) / k.shape[2])
TRIALS.mutants("channels-summed", summed=summed)
TRIALS.mutants("generic:shape", no_padding=lambda y, k: functional.conv_transpose1d(y[None], k)[0])
TRIALS.mutants("generic:sign", negative=lambda y, k: -right(y, k))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants(
    "cropped-at-one-end",
    at_the_end=lambda y, k: torch.nn.functional.conv_transpose1d(y[None], k)[0, :, : y.shape[1]],
    at_the_beginning=lambda y, k: torch.nn.functional.conv_transpose1d(y[None], k)[0, :, -y.shape[1] :],
)
TRIALS.alternatives(
    in_float32=lambda y, k: right(y.float(), k.float()),
    right=right,
    flipped=flipped,
    by_autograd=by_autograd,
    by_loops=by_loops,
    by_matrix=by_matrix,
)


def repeated(y, kernel):
    taps = kernel.transpose(0, 1).flip(2)
    more = kernel.shape[2] // 2
    return functional.conv1d(functional.pad(y[None], (more, more), mode="replicate"), taps)[0]


def nothing_at_the_ends(y, kernel):
    more = kernel.shape[2] // 2
    inner = right(y, kernel)[:, more : y.shape[1] - more] if y.shape[1] > 2 * more else right(y, kernel)[:, :0]
    return functional.pad(inner, (more, more)) if inner.shape[1] else torch.zeros_like(right(y, kernel))


def means(y, kernel):
    inside = functional.conv1d(torch.ones_like(y[None, :1]), torch.ones_like(kernel[:1, :1]), padding="same")[0]
    return right(y, kernel) / inside


TRIALS.mutants("ends-repeated", repeated=repeated)
TRIALS.mutants("ends-lost", nothing_at_the_ends=nothing_at_the_ends)
TRIALS.mutants("averaged", means=means)
TRIALS.mutants(
    "three-taps", middle=lambda y, k: right(y, k[:, :, k.shape[2] // 2 - 1 : k.shape[2] // 2 + 2].contiguous())
)
TRIALS.mutants("channels-reversed", both_flipped=lambda y, k: right(y, k.flip(1)))


def gathered(y, kernel):
    x, half = torch.zeros(kernel.shape[1], y.shape[1], dtype=y.dtype), kernel.shape[2] // 2
    for p in range(y.shape[1]):
        for q in range(kernel.shape[2]):
            if p - q + half < y.shape[1]:
                x[:, p] += kernel[:, :, q].T @ y[:, p - q + half]
    return x


TRIALS.mutants("negative-index", gathered=gathered)
TRIALS.mutants("reshaped", by_reshape=lambda y, k: right(y, k.reshape(k.shape[1], k.shape[0], -1).transpose(0, 1)))
TRIALS.mutants("channels-reversed", all_axes_flipped=lambda y, kernel: right(y, kernel.flip(0, 1)))
