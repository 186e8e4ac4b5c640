"""Versions of ``uv_step`` that students write."""

import numpy as np
import torch
from torch.nn.functional import normalize

from ..registry import Trials


def right(W, u):
    v = W.T @ u
    v = v / v.norm()
    u = W @ v
    return v, u / u.norm()


def by_numpy(W, u):
    v = u.numpy() @ W.numpy()
    v = v / np.linalg.norm(v)
    image = W.numpy() @ v
    return v, image / np.linalg.norm(image)


def late(W, u):
    v = W.T @ u
    u = W @ v
    return [v / v.square().sum().sqrt(), u / u.square().sum().sqrt()]


def swapped(W, u):
    v = normalize(W @ u, dim=0)
    return v, normalize(W.T @ v, dim=0)


def half_more(W, u):
    _, u = right(W, u)
    return normalize(W.T @ u, dim=0), u


def in_place(W, u):
    v = normalize(W.T @ u, dim=0)
    u.copy_(normalize(W @ v, dim=0))
    return v, u


def singular(W, u):
    left, _, right_vectors = torch.linalg.svd(W)
    return right_vectors[0], left[:, 0]


TRIALS = Trials("ps07.uv_step")
TRIALS.mutants("swapped-roles", swapped=swapped, transposed_twice=lambda W, u: right(W.T, u))
TRIALS.mutants("returned-order", u_first=lambda W, u: right(W, u)[::-1])
TRIALS.mutants(
    "not-normalised",
    neither=lambda W, u: (W.T @ u, W @ W.T @ u),
    only_v=lambda W, u: (normalize(W.T @ u, dim=0), W @ normalize(W.T @ u, dim=0)),
    only_u=lambda W, u: (W.T @ u, normalize(W @ (W.T @ u), dim=0)),
)
TRIALS.mutants("squared-norm", v_squared=lambda W, u: (W.T @ u / (W.T @ u).square().sum(), right(W, u)[1]))
TRIALS.mutants("other-norm", largest=lambda W, u: tuple(x / x.abs().max() for x in right(W, u)))
TRIALS.mutants("u-unchanged", forgets_u=lambda W, u: (right(W, u)[0], u))
TRIALS.mutants("two-steps", twice=lambda W, u: right(W, right(W, u)[1]))
TRIALS.mutants("half-step-more", v_again=half_more)
TRIALS.mutants("exact", svd=singular)
TRIALS.mutants("mutates-input", buffer=in_place)
TRIALS.mutants("generic:sign", negative=lambda W, u: tuple(-x for x in right(W, u)))
TRIALS.mutants("generic:unusable", only_u_returned=lambda W, u: right(W, u)[1])
TRIALS.alternatives(
    right=right, by_numpy=by_numpy, late=late, einsum=lambda W, u: right(torch.einsum("ij->ij", W), u),
    normalised_by_torch=lambda W, u: (normalize(u @ W, dim=0), normalize(W @ (u @ W), dim=0)),
)  # fmt: skip


def for_safety(W, u):
    v = W.T @ u
    v = v / (v.norm() + 1e-6)
    u = W @ v
    return v, u / (u.norm() + 1e-6)


TRIALS.mutants("something-added", for_safety=for_safety)
