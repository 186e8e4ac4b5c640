"""Versions of ``repaired`` that students write."""

import torch
from torch.nn.functional import linear, normalize

from ..registry import Trials


def right(W, u, x, training):
    with torch.no_grad():
        v = normalize(W.T @ u, dim=0)
        if training:
            u = normalize(W @ v, dim=0)
    return x @ (W / (u @ W @ v)).T, u


def wrapper(W, u, x, training):
    v = normalize(W @ u, dim=0)
    u = normalize(W.T @ v, dim=0)
    sigma = (u @ W @ v).item()
    return x @ (W / sigma).T, u.detach()


def outside(W, u, x, training):
    v = normalize(W.detach().T @ u, dim=0)
    return x @ (W / (u @ W @ v).item()).T, u


def by_detach(W, u, x, training):
    M = W.detach()
    v = u @ M
    v = v / v.norm()
    if training:
        u = M @ v
        u = u / u.norm()
    return linear(x, W) / (W * torch.outer(u, v)).sum(), u


def by_length(W, u, x, training):
    v = (W.T @ u).detach()
    v = v / v.norm()
    image = W @ v
    if not training:
        return x @ W.T / (u @ image), u
    return x @ W.T / image.norm(), (image / image.norm()).detach()


def by_branches(W, u, x, training):
    if training:
        with torch.no_grad():
            v = normalize(W.T @ u, dim=0)
            u = normalize(W @ v, dim=0)
        sigma = torch.einsum("i,ij,j->", u, W, v)
    else:
        sigma = (W.T @ u).norm()
    return torch.stack([(W / sigma) @ row for row in x]), u


def by_samples(W, u, x, training):
    with torch.no_grad():
        v = W.T @ u / (W.T @ u).norm()
        u = W @ v / (W @ v).norm() if training else u.clone()
    bar = W / (u[:, None] * W * v[None, :]).sum()
    return (bar @ x.T).T, u


def with_vectors(vectors, sigma=lambda W, u, v: u @ W @ v, back=lambda old, new, v: new):
    def function(W, u, x, training):
        with torch.no_grad():
            new, v = vectors(W, u, training)
        return x @ (W / sigma(W, new, v)).T, back(u, new, v)

    return function


def vectors(W, u, training):
    v = normalize(W.T @ u, dim=0)
    return (normalize(W @ v, dim=0) if training else u), v


def swapped(W, u, training):
    v = normalize(W @ u, dim=0)
    return (normalize(W.T @ v, dim=0) if training else u), v


def through(W, u, x, training):
    v = normalize(W.T @ u, dim=0)
    if training:
        u = normalize(W @ v, dim=0)
    return x @ (W / (u @ W @ v)).T, u.detach()


def length(W, u, x, training):
    with torch.no_grad():
        v = normalize(W.T @ u, dim=0)
        if training:
            u = normalize(W @ v, dim=0)
    return x @ W.T / (W @ v).norm(), u


outside_graph = with_vectors(vectors, sigma=lambda W, u, v: (u @ W @ v).item())


def square_only(function):
    return lambda W, u, x, t: function(W, u, x, t) if len(W) == W.shape[1] else right(W, u, x, t)


TRIALS = Trials("ps08.repaired")
TRIALS.mutants(
    "still-swapped",
    untouched=square_only(wrapper),
    roles=square_only(with_vectors(swapped)),
    untouched_everywhere=wrapper,
)
TRIALS.mutants("moves-in-eval", always=with_vectors(lambda W, u, t: vectors(W, u, True)))
TRIALS.mutants(
    "sigma-outside",
    item=with_vectors(vectors, sigma=lambda W, u, v: (u @ W @ v).item()),
    detached=with_vectors(vectors, sigma=lambda W, u, v: (u @ W @ v).detach()),
)
TRIALS.mutants(
    "sigma-outside-in-one-mode",
    item_in_training=lambda W, u, x, t: outside_graph(W, u, x, t) if t else right(W, u, x, t),
    item_in_evaluation=lambda W, u, x, t: right(W, u, x, t) if t else outside(W, u, x, t),
)
TRIALS.mutants("only-above-one", clamped=with_vectors(vectors, sigma=lambda W, u, v: (u @ W @ v).clamp_min(1)))
TRIALS.mutants("through-the-vectors", through=through)
TRIALS.mutants("plain-in-eval", plain=lambda W, u, x, t: right(W, u, x, t) if t else (x @ W.T, u))
TRIALS.mutants("length-in-eval", length=length)
TRIALS.mutants("never-moves", never=with_vectors(lambda W, u, t: vectors(W, u, False)))
TRIALS.mutants("never-moves", forgets=with_vectors(vectors, back=lambda old, new, v: old))
TRIALS.mutants("exact", svd=with_vectors(vectors, sigma=lambda W, u, v: torch.linalg.matrix_norm(W, 2)))
TRIALS.mutants(
    "transposed-weight",
    transposed=square_only(
        lambda W, u, x, t: (x @ (W / (vectors(W, u, t)[0] @ W @ vectors(W, u, t)[1])), vectors(W, u, t)[0].detach())
    ),
)
TRIALS.mutants("multiplied", multiplied=with_vectors(vectors, sigma=lambda W, u, v: 1 / (u @ W @ v)))
TRIALS.mutants("returns-v", returns_v=with_vectors(vectors, back=lambda old, new, v: v))
TRIALS.mutants("mutates-input", in_place=lambda W, u, x, t: (right(W, u, x, t)[0], u.copy_(right(W, u, x, t)[1])))
TRIALS.alternatives(
    right=right, by_detach=by_detach, by_length=by_length, by_branches=by_branches, by_samples=by_samples
)


def with_its_graph(W, u, x, training):
    v = normalize(W.detach().T @ u, dim=0)
    new = normalize(W @ v, dim=0) if training else u
    return x @ (W / (new.detach() @ W @ v)).T, new


TRIALS.mutants("left-changed", with_its_graph=with_its_graph)
