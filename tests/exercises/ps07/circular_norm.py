"""Versions of ``circular_norm`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def blocks(kernel, n):
    return torch.fft.fft2(kernel, s=(n, n)).permute(2, 3, 0, 1)


def right(kernel, n):
    return torch.linalg.svdvals(blocks(kernel, n)).max()


def by_numpy(kernel, n):
    spectrum = np.fft.fftn(kernel.numpy(), (n, n), axes=(2, 3))
    return max(np.linalg.norm(spectrum[:, :, i, j], 2) for i in range(n) for j in range(n))


def by_gram(kernel, n):
    matrices = blocks(kernel, n)
    return torch.linalg.eigvalsh(matrices.mH @ matrices).max().sqrt()


def by_dense(kernel, n):
    units = torch.eye(kernel.shape[1] * n * n, dtype=kernel.dtype).reshape(-1, kernel.shape[1], n, n)
    result = 0
    for i in range(kernel.shape[2]):
        for j in range(kernel.shape[3]):
            result = result + torch.einsum("oi,nixy->noxy", kernel[:, :, i, j], units.roll((-i, -j), (2, 3)))
    return torch.linalg.matrix_norm(result.flatten(1), 2)


def by_padding(kernel, n):
    padded = torch.zeros(*kernel.shape[:2], n, n, dtype=kernel.dtype)
    padded[:, :, : kernel.shape[2], : kernel.shape[3]] = kernel
    return torch.linalg.matrix_norm(torch.fft.fft2(padded), 2, dim=(0, 1)).amax()


def in_place(kernel, n):
    kernel -= 0.0
    kernel.mul_(2)
    return right(kernel, n) / 2


TRIALS = Trials("ps07.circular_norm")
TRIALS.mutants("pixel-axes", last_two=lambda k, n: torch.linalg.matrix_norm(torch.fft.fft2(k, s=(n, n)), 2).max())
TRIALS.mutants("reshaped", reshaped=lambda k, n: torch.linalg.matrix_norm(k.flatten(1), 2))
TRIALS.mutants(
    "upper-bound",
    bound=lambda k, n: torch.linalg.matrix_norm(k.flatten(1), 2) * (k.shape[2] * k.shape[3]) ** 0.5,
)
TRIALS.mutants("constant-images", at_zero=lambda k, n: torch.linalg.matrix_norm(k.sum((-1, -2)), 2))
TRIALS.mutants("entrywise", entrywise=lambda k, n: torch.fft.fft2(k, s=(n, n)).abs().max())
TRIALS.mutants("frobenius", frobenius=lambda k, n: torch.linalg.matrix_norm(blocks(k, n)).max())
TRIALS.mutants(
    "kernel-grid",
    own_grid=lambda k, n: torch.linalg.matrix_norm(torch.fft.fft2(k).permute(2, 3, 0, 1), 2).max(),
)
TRIALS.mutants("channel-axes", channels=lambda k, n: torch.linalg.matrix_norm(torch.fft.fft2(k, dim=(0, 1)), 2).max())
TRIALS.mutants("real-part", real=lambda k, n: torch.linalg.svdvals(blocks(k, n).real).max())
TRIALS.mutants("squared", eigenvalue=lambda k, n: right(k, n).square())
TRIALS.mutants(
    "mean",
    mean=lambda k, n: torch.linalg.svdvals(blocks(k, n))[..., 0].mean(),
    all_at_once=lambda k, n: blocks(k, n).abs().square().sum().sqrt(),
    plain_norm=lambda k, n: k.norm(),
)
TRIALS.mutants("generic:shape", all_of_them=lambda k, n: torch.linalg.svdvals(blocks(k, n)))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(right=right, by_numpy=by_numpy, by_gram=by_gram, by_dense=by_dense, by_padding=by_padding)


def ten_steps(kernel, n):
    each = blocks(kernel, n)
    v = torch.ones(*each.shape[:2], kernel.shape[1], 1, dtype=each.dtype)
    for _ in range(10):
        v = torch.nn.functional.normalize(each.mH @ (each @ v), dim=2)
    return (each @ v).norm(dim=2).max()


TRIALS.mutants("generic:direction", ten_steps=ten_steps)
