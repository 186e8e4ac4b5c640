"""Versions of ``residual_block`` that students write."""

import numpy as np
import torch
from torch.nn import functional

from ..registry import Trials


def relu(x):
    return x.clamp_min(0)


def right(x, W, b):
    return x + functional.relu(x) @ W.T + b


def published(x, W, b):
    h = functional.relu(x, inplace=True)
    return x + h @ W.T + b


def method_in_place(x, W, b):
    return x.relu_() @ W.T + b + x


def on_a_copy(x, W, b):
    h = functional.relu(x.clone(), inplace=True)
    return x + h @ W.T + b


def copy_of_both(x, W, b):
    x = x.clone()
    h = x.relu_()
    return x + h @ W.T + b


def loop(x, W, b):
    rows = []
    for row in x:
        rows.append([float(row[i] + W[i] @ row.clamp(min=0) + b[i]) for i in range(len(row))])
    return rows


def adds_in_place(x, W, b):
    h = functional.relu(x) @ W.T + b
    x += h
    return x


TRIALS = Trials("ps04.residual_block")
TRIALS.mutants("in-place", published=published, method=method_in_place, copy_of_both=copy_of_both)
TRIALS.mutants("no-skip", no_skip=lambda x, W, b: functional.linear(relu(x), W, b))
TRIALS.mutants(
    "relu-after",
    after=lambda x, W, b: x + relu(functional.linear(x, W, b)),
    after_the_sum=lambda x, W, b: relu(x + x @ W.T + b),
)
TRIALS.mutants("relu-of-sum", of_sum=lambda x, W, b: relu(right(x, W, b)))
TRIALS.mutants("no-relu", linear=lambda x, W, b: x + functional.linear(x, W, b))
TRIALS.mutants("transposed", transposed=lambda x, W, b: x + relu(x) @ W + b)
TRIALS.mutants("no-bias", no_bias=lambda x, W, b: x + relu(x) @ W.T)
TRIALS.mutants("halved", halved=lambda x, W, b: right(x, W, b) / 2)
TRIALS.mutants("other-activation", absolute=lambda x, W, b: x + x.abs() @ W.T + b)
TRIALS.mutants("reduced", summed=lambda x, W, b: right(x, W, b).sum())
TRIALS.mutants("twice", twice=lambda x, W, b: x + right(x, W, b))
TRIALS.mutants("mutates-input", adds_in_place=adds_in_place)
TRIALS.alternatives(
    right=right,
    linear=lambda x, W, b: x + functional.linear(relu(x), W, b),
    on_a_copy=on_a_copy,
    loop=loop,
    numpy=lambda x, W, b: x.numpy() + np.maximum(x.numpy(), 0) @ W.numpy().T + b.numpy(),
    masked=lambda x, W, b: torch.addmm(b, x * (x > 0), W.T) + x,
    module=lambda x, W, b: x.add((W @ torch.nn.ReLU()(x).T).T).add(b),
    float32=lambda x, W, b: right(x.float(), W.float(), b.float()),
)


def bias_by_rows(x, W, b):
    return x + relu(x) @ W.T + (b[:, None] if len(x) == len(b) else b)


TRIALS.mutants("generic:places", bias_by_rows=bias_by_rows)
TRIALS.mutants(
    "other-activation",
    leaky=lambda x, W, b: x + functional.leaky_relu(x) @ W.T + b,
    gelu=lambda x, W, b: x + functional.gelu(x) @ W.T + b,
)
TRIALS.mutants("bias-inside", bias_inside=lambda x, W, b: x + relu(x + b) @ W.T)
TRIALS.mutants("subtracted", subtracted=lambda x, W, b: x - functional.linear(relu(x), W, b))
