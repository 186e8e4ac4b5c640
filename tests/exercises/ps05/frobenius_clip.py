"""Versions of ``frobenius_clip`` that students write."""

import math

import torch
from torch.nn.functional import normalize

from ..registry import Trials


def right(W, radius):
    return W * min(1.0, radius / max(float(W.norm()), 1e-300))


def by_maximum(W, radius):
    return W * radius / torch.clamp(torch.linalg.matrix_norm(W), min=radius)


def by_branch(W, radius):
    size = torch.sqrt((W**2).sum())
    if size <= radius:
        return W
    return W / size * radius


def by_trace(W, radius):
    size = math.sqrt(float(torch.trace(W @ W.T)))
    return W.clone() if size < radius else radius * W / size


def by_renorm(W, radius):
    return torch.renorm(W.reshape(1, -1), 2, 0, radius).reshape(W.shape) if W.norm() > radius * (1 + 1e-6) else W


def by_numpy(W, radius):
    import numpy as np

    W = W.numpy()
    return W * (radius / max(np.linalg.norm(W), radius))


def rows(W, radius):
    return W * (radius / W.norm(dim=1, keepdim=True).clamp_min(radius))


def in_place(W, radius):
    W *= radius / W.norm().clamp_min(radius)
    return W


def cut_off(W, radius):
    U, S, V = torch.linalg.svd(W, full_matrices=False)
    return U @ torch.diag(S.clamp(max=radius)) @ V


TRIALS = Trials("ps05.frobenius_clip")
TRIALS.mutants(
    "always",
    always=lambda W, r: W * r / W.norm(),
    guarded=lambda W, r: r * W / W.norm() if W.norm() > 0 else W,
    normalised=lambda W, r: r * normalize(W.flatten(), dim=0).reshape(W.shape),
)
TRIALS.mutants("entrywise", entrywise=lambda W, r: W.clamp(-r, r))
TRIALS.mutants("spectral", spectral=lambda W, r: W * (r / torch.linalg.matrix_norm(W, 2).clamp_min(r)))
TRIALS.mutants(
    "other-norm",
    largest=lambda W, r: W * (r / W.abs().max().clamp_min(r)),
    nuclear=lambda W, r: W * (r / torch.linalg.matrix_norm(W, "nuc").clamp_min(r)),
)
TRIALS.mutants("squared", squared=lambda W, r: W * (r / W.square().sum().clamp_min(r)))
TRIALS.mutants("rows", rows=rows)
TRIALS.mutants("radius-ignored", ignored=lambda W, r: W / W.norm().clamp_min(1.0))
TRIALS.mutants("radius-misplaced", misplaced=lambda W, r: W / W.norm() if W.norm() > r else W)
TRIALS.mutants("grown", grown=lambda W, r: W * max(1.0, r / max(float(W.norm()), 1e-30)))
TRIALS.mutants("zeroed", zeroed=lambda W, r: W * float(W.norm() <= r))
TRIALS.mutants("the-number", number=lambda W, r: W.norm(), factor=lambda W, r: r / W.norm().clamp_min(r))
TRIALS.mutants("singular-values", singular_values=cut_off)
TRIALS.mutants("shifted", shifted=lambda W, r: W * min(1.0, r / (float(W.norm()) + 1e-3)))
TRIALS.mutants(
    "left-outside",
    by_entries=lambda W, r: W * (r / W.norm()) if (W.abs() > r).any() else W,
    by_sum=lambda W, r: W * (r / W.norm()) if W.sum() > r else W,
    beyond_one=lambda W, r: W * min(1.0, r / float(W.norm())) if W.norm() > 1 else W,
)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    right=right, by_maximum=by_maximum, by_branch=by_branch, by_trace=by_trace, by_renorm=by_renorm, by_numpy=by_numpy
)


def small_is_zero(W, radius):
    return torch.zeros_like(W) if W.norm() < 1e-9 else right(W, radius)


TRIALS.mutants("generic:factor", small_is_zero=small_is_zero)
TRIALS.mutants(
    "zero-over-zero", direction_times_length=lambda W, radius: W / W.norm() * torch.clamp(W.norm(), max=radius)
)
