"""Versions of ``normalised_weight`` that students write."""

import numpy as np
import torch
from torch.nn.functional import normalize

from ..registry import Trials


def estimate(W, u, steps):
    for _ in range(steps):
        v = normalize(W.T @ u, dim=0)
        u = normalize(W @ v, dim=0)
    return u @ W @ v


def right(W, u, steps):
    return W / estimate(W, u, steps)


def notebook(W, u, steps):
    for _ in range(steps):
        v = normalize(W @ u, dim=0)
        u = normalize(W.T @ v, dim=0)
    return u @ W @ v


def by_length(W, u, steps):
    for _ in range(steps):
        v = u @ W
        v = v / v.norm()
        image = W @ v
        u = image / image.norm()
    return W / image.norm()


def by_numpy(W, u, steps):
    W, u = W.numpy(), u.numpy()
    for _ in range(steps):
        v = W.T @ u
        v = v / np.linalg.norm(v)
        u = W @ v
        u = u / np.linalg.norm(u)
    return W / (u @ W @ v)


def by_gram(W, u, steps):
    v = W.T @ u
    for _ in range(steps - 1):
        v = W.T @ (W @ v)
    v = v / v.norm()
    return W / (v @ W.T @ W @ v).sqrt()


def stale(W, u, steps):
    for _ in range(steps):
        before = u
        v = normalize(W.T @ u, dim=0)
        u = normalize(W @ v, dim=0)
    return W / (before @ W @ v)


def clamped(W, u, steps):
    (i, j) = W.nonzero()[0]
    return W / (W[i, j] / right(W, u, steps)[i, j]).clamp_min(1)


def outer(W, u, steps):
    for _ in range(steps):
        v = normalize(W.T @ u, dim=0)
        u = normalize(W @ v, dim=0)
    return torch.outer(u, v)


def in_place(W, u, steps):
    W /= estimate(W, u, steps)
    return W


TRIALS = Trials("ps07.normalised_weight")
TRIALS.mutants("unchanged", notebook=notebook)
TRIALS.mutants("still-swapped", divides=lambda W, u, s: W / notebook(W, u, s))
TRIALS.mutants("the-number", number=estimate)
TRIALS.mutants("multiplied", multiplied=lambda W, u, s: W * estimate(W, u, s))
TRIALS.mutants("squared", squared=lambda W, u, s: W / estimate(W, u, s).square())
TRIALS.mutants("root", root=lambda W, u, s: W / estimate(W, u, s).sqrt())
TRIALS.mutants("exact", svd=lambda W, u, s: W / torch.linalg.svdvals(W)[0])
TRIALS.mutants("frobenius", frobenius=lambda W, u, s: W / W.norm())
TRIALS.mutants("half-step", stale=stale)
TRIALS.mutants("one-more", one_more=lambda W, u, s: right(W, u, s + 1))
TRIALS.mutants("rows", rows=lambda W, u, s: normalize(W, dim=1), columns=lambda W, u, s: normalize(W, dim=0))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:sign", negative=lambda W, u, s: -right(W, u, s))
TRIALS.mutants("only-above-one", clamped=clamped)
TRIALS.mutants(
    "steps-ignored", always_one=lambda W, u, s: right(W, u, 1), at_most_ten=lambda W, u, s: right(W, u, min(s, 10))
)
TRIALS.mutants("start-ignored", ones=lambda W, u, s: right(W, torch.ones_like(u), s))
TRIALS.mutants("rank-one", outer=outer)
TRIALS.alternatives(right=right, by_length=by_length, by_numpy=by_numpy, by_gram=by_gram)
