"""Versions of ``induced_norm`` that students write."""

import math

import numpy as np
import torch

from ..registry import Trials


def right(W, p):
    return W.abs().sum(dim=0 if p == 1 else 1).max()


def loop(W, p):
    lines = W.T if p == 1 else W
    return max(sum(abs(entry) for entry in line) for line in lines.tolist())


def by_inputs(W, p):
    """Try the inputs that the proof names."""
    if p == 1:
        return max(float((W @ e).abs().sum()) for e in torch.eye(W.shape[1], dtype=W.dtype))
    return max(float((W @ row.sign()).abs().max()) for row in W)


def branches(W, p):
    if p == math.inf:
        return W.abs().sum(1).max()
    return W.abs().sum(0).max()


def in_place(W, p):
    return W.abs_().sum(dim=0 if p == 1 else 1).max()


TRIALS = Trials("ps04.induced_norm")
TRIALS.mutants("swapped", swapped=lambda W, p: W.abs().sum(1 if p == 1 else 0).max())
TRIALS.mutants("one-axis", columns=lambda W, p: W.abs().sum(0).max(), rows=lambda W, p: W.abs().sum(1).max())
TRIALS.mutants(
    "signed",
    signed=lambda W, p: W.sum(0 if p == 1 else 1).max(),
    late=lambda W, p: W.sum(0 if p == 1 else 1).abs().max(),
)
TRIALS.mutants("entrywise", vector=torch.linalg.vector_norm, flat=lambda W, p: W.flatten().norm(p))
TRIALS.mutants("smallest", smallest=lambda W, p: torch.linalg.matrix_norm(W, -p))
TRIALS.mutants(
    "mean",
    mean=lambda W, p: W.abs().sum(0 if p == 1 else 1).mean(),
    means=lambda W, p: W.abs().mean(0 if p == 1 else 1).max(),
)
TRIALS.mutants("spectral", spectral=lambda W, p: torch.linalg.matrix_norm(W, 2))
TRIALS.mutants("frobenius", frobenius=lambda W, p: W.norm())
TRIALS.mutants("euclidean-sums", lengths=lambda W, p: W.norm(dim=0 if p == 1 else 1).max())
TRIALS.mutants("all-sums", sums=lambda W, p: W.abs().sum(0 if p == 1 else 1))
TRIALS.mutants("largest-entry", largest=lambda W, p: W.abs().max())
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:factor", doubled=lambda W, p: 2 * right(W, p))
TRIALS.alternatives(
    right=right,
    loop=loop,
    branches=branches,
    by_inputs=by_inputs,
    torch_matrix_norm=torch.linalg.matrix_norm,
    numpy=lambda W, p: np.linalg.norm(W.numpy(), p),
    row_norms=lambda W, p: (W if p != 1 else W.T).norm(1, dim=1).max(),
    float32=lambda W, p: right(W.float(), p),
)


def by_drawn_signs(W, p):
    if p == 1:
        return W.abs().sum(0).max()
    signs = torch.randint(0, 2, (200, W.shape[1]), generator=torch.Generator().manual_seed(0)) * 2.0 - 1
    return (signs.to(W.dtype) @ W.T).abs().max()


TRIALS.mutants("generic:direction", by_drawn_signs=by_drawn_signs)
TRIALS.mutants("one-axis", that_infinity=lambda W, p: W.abs().sum(1 if p is math.inf else 0).max())
