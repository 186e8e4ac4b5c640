"""Versions of ``sigma_step`` that students write."""

import torch
from torch.nn.functional import normalize

from ..registry import Trials


def right(W, u):
    with torch.no_grad():
        v = normalize(W.T @ u, dim=0)
        u = normalize(W @ v, dim=0)
    return u @ W @ v, u, v


def by_detach(W, u):
    M = W.detach()
    v = u @ M / (u @ M).norm()
    u = M @ v / (M @ v).norm()
    return (W * torch.outer(u, v)).sum(), u, v


def by_length(W, u):
    with torch.no_grad():
        v = W.T @ u
        v = v / torch.linalg.vector_norm(v)
    image = W @ v
    return image.norm(), (image / image.norm()).detach(), v


def by_einsum(W, u):
    v = torch.einsum("ij,i->j", W, u).detach()
    v = v / v.square().sum().sqrt()
    u = torch.einsum("ij,j->i", W, v).detach()
    u = u / u.square().sum().sqrt()
    return torch.einsum("i,ij,j->", u, W, v), u, v


def columns(W, u):
    with torch.no_grad():
        v = W.T @ u[:, None]
        v = v / v.norm()
        u = W @ v
        u = u / u.norm()
    return (u.T @ W @ v).squeeze(), u[:, 0], v[:, 0]


def graph_through(W, u):
    v = normalize(W.T @ u, dim=0)
    u = normalize(W @ v, dim=0)
    return u @ W @ v, u, v


def graph_on_the_vectors(W, u):
    sigma, _u, _v = right(W, u)
    v = normalize(W.T @ u, dim=0)
    return sigma, normalize(W @ v, dim=0), v


def with_item(W, u):
    sigma, u, v = right(W, u)
    return sigma.item(), u, v


def no_grad(W, u):
    with torch.no_grad():
        return right(W, u)


def swapped(W, u):
    with torch.no_grad():
        v = normalize(W @ u, dim=0)
        u = normalize(W.T @ v, dim=0)
    return u @ W @ v, u, v


def old_u(W, u):
    v = normalize(W.T @ u, dim=0).detach()
    return u @ W @ v, u, v


def returns_old_u(W, u):
    sigma, _u, v = right(W, u)
    return sigma, u, v


def unnormalised(W, u):
    with torch.no_grad():
        v = W.T @ u
        u = W @ v
    return u @ W @ v, u, v


def no_norm_of_u(W, u):
    with torch.no_grad():
        v = normalize(W.T @ u, dim=0)
        u = W @ v
    return u @ W @ v, u, v


def by_svd(W, u):
    U, s, Vh = torch.linalg.svd(W)
    return s[0], U[:, 0].detach(), Vh[0].detach()


def twice(W, u):
    return right(W, right(W, u)[1])


def vu(W, u):
    _sigma, u, v = right(W, u)
    return (
        (W * torch.outer(u, v)).sum()
        - (W - W.detach()).flatten() @ torch.outer(u, v).flatten()
        + ((W - W.detach()).flatten() @ torch.outer(v, u).flatten()),
        u,
        v,
    )


TRIALS = Trials("ps08.sigma_step")
TRIALS.mutants("through-the-vectors", graph_through=graph_through)
TRIALS.mutants("sigma-outside", with_item=with_item, no_grad=no_grad)
TRIALS.mutants(
    "swapped-roles",
    swapped=lambda W, u: swapped(W, u) if len(W) == W.shape[1] else right(W, u),
    swapped_everywhere=swapped,
)
TRIALS.mutants("swapped-v", order=lambda W, u: (right(W, u)[0], right(W, u)[2], right(W, u)[1]))
TRIALS.mutants("old-u", old_u=old_u, returns_old_u=returns_old_u)
TRIALS.mutants("squared", squared=lambda W, u: (right(W, u)[0] ** 2, *right(W, u)[1:]))
TRIALS.mutants("not-normalised", unnormalised=unnormalised, no_norm_of_u=no_norm_of_u)
TRIALS.mutants("exact", by_svd=by_svd)
TRIALS.mutants("two-steps", twice=twice)
TRIALS.mutants("transposed-gradient", vu=lambda W, u: vu(W, u) if len(W) == W.shape[1] else right(W, u))
TRIALS.mutants("left-changed", graph_on_the_vectors=graph_on_the_vectors)
TRIALS.alternatives(right=right, by_detach=by_detach, by_length=by_length, by_einsum=by_einsum, columns=columns)


def v_in_the_graph(W, u):
    v = normalize(W.T @ u, dim=0)
    u = normalize(W @ v, dim=0).detach()
    return u @ W @ v, u, v.detach()


TRIALS.mutants("through-the-vectors", v_in_the_graph=v_in_the_graph)
