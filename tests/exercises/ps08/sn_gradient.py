"""Versions of ``sn_gradient`` that students write."""

import torch

from ..registry import Trials


def right(G, W, u, v):
    sigma = u @ W @ v
    return (G - (G * W).sum() / sigma * torch.outer(u, v)) / sigma


def by_autograd(G, W, u, v):
    W = W.clone().requires_grad_()
    ((W / (u @ W @ v)) * G).sum().backward()
    return W.grad


def by_loops(G, W, u, v):
    m, n = W.shape
    sigma = sum(u[i] * W[i, j] * v[j] for i in range(m) for j in range(n))
    inner = sum(G[i, j] * W[i, j] for i in range(m) for j in range(n)) / sigma
    return torch.tensor(
        [[float(G[i, j] - inner * u[i] * v[j]) / float(sigma) for j in range(n)] for i in range(m)]
    ).double()


def in_two_terms(G, W, u, v):
    sigma = torch.einsum("i,ij,j", u, W, v)
    return G / sigma - torch.tensordot(G, W) * u[:, None] * v / sigma**2


def by_trace(G, W, u, v):
    W = W / (sigma := (u * (W @ v)).sum())
    return (G - torch.trace(G.T @ W) * u.reshape(-1, 1) @ v.reshape(1, -1)) / sigma


def with_factor(factor):
    def function(G, W, u, v):
        sigma = u @ W @ v
        return (G - factor(G, W, u, v, sigma)) / sigma

    return function


def svd(G, W, u, v):
    U, _s, Vh = torch.linalg.svd(W)
    return right(G, W, U[:, 0], Vh[0])


def when_square(wrong):
    return lambda G, W, u, v: wrong(G, W, u, v) if len(u) == len(v) else right(G, W, u, v)


TRIALS = Trials("ps08.sn_gradient")
TRIALS.mutants(
    "length",
    by_length=lambda G, W, u, v: (G - (G * W).sum() / (W @ v).norm() * torch.outer(u, v)) / (W @ v).norm(),
    u_again=lambda G, W, u, v: right(G, W, W @ v / (W @ v).norm(), v),
)
TRIALS.mutants("no-second-term", only_first=lambda G, W, u, v: G / (u @ W @ v))
TRIALS.mutants("raw-weight", raw=with_factor(lambda G, W, u, v, s: (G * W).sum() * torch.outer(u, v)))
TRIALS.mutants("not-divided", not_divided=lambda G, W, u, v: G - (G * W).sum() / (u @ W @ v) * torch.outer(u, v))
TRIALS.mutants("divided-twice", squared=lambda G, W, u, v: right(G, W, u, v) / (u @ W @ v))
TRIALS.mutants("transposed", vu=when_square(with_factor(lambda G, W, u, v, s: (G * W).sum() / s * torch.outer(v, u))))
TRIALS.mutants("plus", plus=with_factor(lambda G, W, u, v, s: -(G * W).sum() / s * torch.outer(u, v)))
TRIALS.mutants("sphere", sphere=with_factor(lambda G, W, u, v, s: (G * W).sum() / W.square().sum() * W))
TRIALS.mutants("of-the-vectors", pushed=with_factor(lambda G, W, u, v, s: (u @ G @ v) * torch.outer(u, v)))
TRIALS.mutants(
    "matrix-product",
    entries=with_factor(lambda G, W, u, v, s: G * W / s * torch.outer(u, v)),
    mean=with_factor(lambda G, W, u, v, s: (G * W).mean() / s * torch.outer(u, v)),
)
TRIALS.mutants("exact", svd=svd)
TRIALS.mutants("generic:sign", ascent=lambda G, W, u, v: -right(G, W, u, v))
TRIALS.alternatives(
    right=right, by_autograd=by_autograd, by_loops=by_loops, in_two_terms=in_two_terms, by_trace=by_trace
)


def stepped(W, u):
    v = torch.nn.functional.normalize(W.T @ u, dim=0)
    return torch.nn.functional.normalize(W @ v, dim=0), v


TRIALS.mutants("another-step", another_step=lambda G, W, u, v: right(G, W, *stepped(W, u)))
