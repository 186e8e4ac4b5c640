"""Versions of ``spectral_penalty`` that students write."""

import torch
from torch.nn.functional import normalize

from ..registry import Trials


def estimate(W, u):
    with torch.no_grad():
        v = normalize(W.T @ u, dim=0)
        u = normalize(W @ v, dim=0)
    return u @ W @ v


def right(W1, W2, u1, u2, strength):
    return strength * (estimate(W1, u1) ** 2 + estimate(W2, u2) ** 2)


def by_length(W1, W2, u1, u2, strength):
    total = 0
    for W, u in ((W1, u1), (W2, u2)):
        v = (W.T @ u).detach()
        total = total + (W @ (v / v.norm())).square().sum()
    return strength * total


def by_outer(W1, W2, u1, u2, strength):
    squares = []
    for W, u in ((W1, u1), (W2, u2)):
        v = u @ W.detach()
        v = v / v.norm()
        u = W.detach() @ v
        u = u / u.norm()
        squares.append((W * torch.outer(u, v)).sum().pow(2))
    return strength * torch.stack(squares).sum()


def by_loop(W1, W2, u1, u2, strength):
    value = torch.zeros((), dtype=W1.dtype)
    for W, u in zip((W1, W2), (u1, u2), strict=True):
        value += strength * estimate(W, u).square()
    return value


def backwards(W1, W2, u1, u2, strength):
    return sum(strength * estimate(W, u) * estimate(W, u) for W, u in ((W2, u2), (W1, u1)))


def through(W, u):
    v = normalize(W.T @ u, dim=0)
    return normalize(W @ v, dim=0) @ W @ v


def old(W, u):
    return u @ W @ normalize(W.T @ u, dim=0).detach()


def summed(size):
    return lambda W1, W2, u1, u2, strength: strength * (size(W1, u1) + size(W2, u2))


TRIALS = Trials("ps08.spectral_penalty")
TRIALS.mutants("not-squared", norms=summed(estimate))
TRIALS.mutants("half", half=lambda *a: right(*a) / 2)
TRIALS.mutants("frobenius", decay=summed(lambda W, u: W.square().sum()))
TRIALS.mutants("exact", svd=summed(lambda W, u: torch.linalg.matrix_norm(W, 2) ** 2))
TRIALS.mutants("product", product=lambda W1, W2, u1, u2, s: s * estimate(W1, u1) ** 2 * estimate(W2, u2) ** 2)
TRIALS.mutants("square-of-sum", together=lambda W1, W2, u1, u2, s: s * (estimate(W1, u1) + estimate(W2, u2)) ** 2)
TRIALS.mutants("strength", ignored=lambda W1, W2, u1, u2, s: right(W1, W2, u1, u2, 1.0))
TRIALS.mutants("strength", squared_strength=lambda W1, W2, u1, u2, s: right(W1, W2, u1, u2, s**2))
TRIALS.mutants("one-layer", first=lambda W1, W2, u1, u2, s: s * estimate(W1, u1) ** 2)
TRIALS.mutants("old-u", old=summed(lambda W, u: old(W, u) ** 2))
TRIALS.mutants("through-the-vectors", through=summed(lambda W, u: through(W, u) ** 2))
TRIALS.mutants(
    "detached",
    detached=lambda *a: right(*a).detach(),
    item=summed(lambda W, u: estimate(W, u).item() ** 2),
)
TRIALS.mutants("generic:detached", one_detached=lambda W1, W2, u1, u2, s: right(W1, W2.detach(), u1, u2, s))
TRIALS.mutants("excess", excess=summed(lambda W, u: (estimate(W, u) - 1) ** 2))
TRIALS.alternatives(right=right, by_length=by_length, by_outer=by_outer, by_loop=by_loop, backwards=backwards)


def shared_start(W1, W2, u1, u2, strength):
    total = 0.0
    for W, u in ((W1, u1), (W2, u1 if len(u1) == len(u2) else u2)):
        v = torch.nn.functional.normalize(W.detach().T @ u, dim=0)
        total = total + (W @ v).square().sum()
    return strength * total


TRIALS.mutants("generic:direction", shared_start=shared_start)
