"""Versions of ``transport_cost`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def loop(coupling, cost):
    total = 0.0
    for i in range(len(coupling)):
        for j in range(coupling.shape[1]):
            total += float(coupling[i, j] * cost[i, j])
    return total


def diagonal(coupling, cost):
    return sum(coupling[i, i] * cost[i, i] for i in range(min(coupling.shape)))


def in_place(coupling, cost):
    return coupling.mul_(cost).sum()


TRIALS = Trials("ps02.transport_cost")
TRIALS.mutants("mean", mean=lambda p, c: (p * c).mean(), numpy_mean=lambda p, c: np.mean(p.numpy() * c.numpy()))
TRIALS.mutants(
    "matrix-product",
    product=lambda p, c: (p @ c.T).sum(),
    other_product=lambda p, c: (p.T @ c).sum(),
)
TRIALS.mutants("unweighted", used=lambda p, c: c[p > 0].sum(), used_mean=lambda p, c: c[p > 0].mean())
TRIALS.mutants("longest-trip", longest=lambda p, c: (p * c).max(), dearest_road=lambda p, c: c[p > 0].max())
TRIALS.mutants(
    "largest-share",
    argmax=lambda p, c: (p.sum(1) * c.gather(1, p.argmax(1, keepdim=True))[:, 0]).sum(),
    argmax_mean=lambda p, c: c[torch.arange(len(p)), p.argmax(1)].mean(),
)
TRIALS.mutants("diagonal", diagonal=diagonal)
TRIALS.mutants(
    "by-row",
    rows=lambda p, c: (p * c).sum(1),
    columns=lambda p, c: (p * c).sum(0),
    table=lambda p, c: p * c,
)
TRIALS.mutants(
    "squared",
    squared_cost=lambda p, c: (p * c**2).sum(),
    root=lambda p, c: (p * c**2).sum().sqrt(),
    frobenius=lambda p, c: (p * c).norm(),
)
TRIALS.mutants("rescaled", by_sources=lambda p, c: (p * c).sum() / len(p), row_means=lambda p, c: (p * c).sum(1).mean())
TRIALS.mutants(
    "transposed",
    reshaped=lambda p, c: (p.T.reshape(p.shape) * c).sum(),
    where_it_fits=lambda p, c: ((p.T if p.shape[0] == p.shape[1] else p) * c).sum(),
)
TRIALS.mutants("marginals-only", marginals=lambda p, c: p.sum(1) @ c @ p.sum(0))
TRIALS.mutants("shares-of-a-source", shares=lambda p, c: (p / p.sum(1, keepdim=True) * c).sum())
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:sign", negated=lambda p, c: -(p * c).sum())
TRIALS.mutants("generic:unusable", forgot_return=lambda p, c: None)
TRIALS.alternatives(
    loop=loop,
    product=lambda p, c: (p * c).sum(),
    trace=lambda p, c: torch.trace(p.T @ c),
    einsum=lambda p, c: torch.einsum("ij,ij->", p, c),
    numpy=lambda p, c: np.vdot(p.numpy(), c.numpy()),
    rows_first=lambda p, c: (p * c).sum(1).sum(),
    flat=lambda p, c: p.flatten() @ c.flatten(),
    float32=lambda p, c: (p.float() * c.float()).sum(),
)


def without_a_trickle(coupling, cost):
    used = coupling > 1e-6
    return (coupling[used] * cost[used]).sum()


def squeezed_row(coupling, cost):
    return (coupling * cost).sum(0).max() if len(coupling) == 1 else (coupling * cost).sum()


TRIALS.mutants("generic:direction", without_a_trickle=without_a_trickle)
TRIALS.mutants("generic:direction", squeezed_row=squeezed_row)
