"""Versions of ``operator_bounds`` that students write."""

import math

import numpy as np
import torch

from ..registry import Trials


def norm(matrix):
    return torch.linalg.matrix_norm(matrix, 2)


def right(kernel, stride):
    lower = norm(kernel.flatten(1))
    windows = math.ceil(kernel.shape[2] / stride) * math.ceil(kernel.shape[3] / stride)
    return lower, lower * windows**0.5


def by_numpy(kernel, stride):
    lower = np.linalg.svd(kernel.numpy().reshape(kernel.shape[0], -1), compute_uv=False)[0]
    height, width = (-(-k // stride) for k in kernel.shape[2:])
    return [lower, lower * np.sqrt(height) * np.sqrt(width)]


def by_counting(kernel, stride):
    lower = torch.linalg.eigvalsh(kernel.flatten(1) @ kernel.flatten(1).T)[-1].sqrt()
    counts = [max(len(range(r, k, stride)) for r in range(stride)) for k in kernel.shape[2:]]
    return lower, lower * math.sqrt(math.prod(counts))


def by_transpose(kernel, stride):
    lower = norm(kernel.flatten(1).T)
    return float(lower), float(lower) * math.prod(math.sqrt((k + stride - 1) // stride) for k in kernel.shape[2:])


def with_factor(factor):
    return lambda k, s: (norm(k.flatten(1)), norm(k.flatten(1)) * factor(k.shape[2], k.shape[3], s))


def with_matrix(reshape):
    def bounds(kernel, stride):
        lower = norm(reshape(kernel))
        return lower, lower * math.sqrt(math.prod(math.ceil(k / stride) for k in kernel.shape[2:]))

    return bounds


def divided(kernel, stride):
    lower, upper = right(kernel, stride)
    return lower * lower / upper, lower


def frobenius(kernel, stride):
    lower, upper = right(kernel, stride)
    return kernel.norm(), kernel.norm() * upper / lower


def in_place(kernel, stride):
    lower, upper = right(kernel, stride)
    kernel /= lower
    return lower, upper


TRIALS = Trials("ps07.operator_bounds")
TRIALS.mutants(
    "wrong-reshape",
    filters=with_matrix(lambda k: k.flatten(0, 1).flatten(1)),
    inputs=with_matrix(lambda k: k.transpose(0, 1).flatten(1)),
)
TRIALS.mutants("no-root", product=with_factor(lambda h, w, s: math.ceil(h / s) * math.ceil(w / s)))
TRIALS.mutants("stride-ignored", any_stride=with_factor(lambda h, w, s: math.sqrt(h * w)))
TRIALS.mutants(
    "not-rounded-up",
    real=with_factor(lambda h, w, s: math.sqrt(h * w) / s),
    nearest=with_factor(lambda h, w, s: math.sqrt(round(h / s) * round(w / s))),
    down=with_factor(lambda h, w, s: math.sqrt((h // s) * (w // s))),
)
TRIALS.mutants("stride-once", once=with_factor(lambda h, w, s: math.sqrt(h * w / s)))
TRIALS.mutants("frobenius", frobenius=frobenius)
TRIALS.mutants("order", upper_first=lambda k, s: right(k, s)[::-1])
TRIALS.mutants("divided", divided=divided)
TRIALS.mutants("one-side", height=with_factor(lambda h, w, s: math.sqrt(math.ceil(h / s))))
TRIALS.mutants("generic:unusable", only_lower=lambda k, s: right(k, s)[0])
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    right=right, by_numpy=by_numpy, by_counting=by_counting, by_transpose=by_transpose,
    columns_permuted=with_matrix(lambda k: k.flip(2, 3).permute(0, 2, 3, 1).flatten(1)),
)  # fmt: skip
