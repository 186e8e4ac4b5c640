"""Versions of ``sn_weight`` that students write."""

import torch
from torch.nn.functional import normalize

from ..registry import Trials


def right(W, u, v):
    return W / torch.dot(u, W @ v)


class Division(torch.autograd.Function):
    """The quotient with the gradient written by hand."""

    @staticmethod
    def forward(ctx, W, u, v):
        sigma = u @ W @ v
        ctx.save_for_backward(W / sigma, u, v, sigma)
        return W / sigma

    @staticmethod
    def backward(ctx, G):
        weight, u, v, sigma = ctx.saved_tensors
        return (G - (G * weight).sum() * torch.outer(u, v)) / sigma, None, None


def by_rows(W, u, v):
    sigma = sum(u[i] * sum(W[i, j] * v[j] for j in range(len(v))) for i in range(len(u)))
    return torch.stack([row / sigma for row in W])


def by_outer(W, u, v):
    return W * (W * torch.outer(u, v)).sum().reciprocal()


def by_length(W, u, v):
    return W / (W @ v).norm()


def one_more(W, u, v):
    with torch.no_grad():
        v = normalize(W.T @ u, dim=0)
        u = normalize(W @ v, dim=0)
    return W / (u @ W @ v)


TRIALS = Trials("ps08.sn_weight")
TRIALS.mutants(
    "sigma-outside",
    detached=lambda W, u, v: W / (u @ W @ v).detach(),
    item=lambda W, u, v: W / (u @ W @ v).item(),
)
TRIALS.mutants("length", by_length=by_length, recomputed=lambda W, u, v: W / (normalize(W @ v, dim=0).detach() @ W @ v))
TRIALS.mutants("only-above-one", clamped=lambda W, u, v: W / (u @ W @ v).clamp_min(1))
TRIALS.mutants("w-outside", w_outside=lambda W, u, v: W.detach() / (u @ W @ v))
TRIALS.mutants("generic:detached", all_detached=lambda W, u, v: (W / (u @ W @ v)).detach())
TRIALS.mutants("exact", svd=lambda W, u, v: W / torch.linalg.matrix_norm(W, 2))
TRIALS.mutants("frobenius", frobenius=lambda W, u, v: W / W.norm())
TRIALS.mutants("multiplied", multiplied=lambda W, u, v: W * (u @ W @ v))
TRIALS.mutants("squared", squared=lambda W, u, v: W / (u @ W @ v) ** 2, root=lambda W, u, v: W / (u @ W @ v).sqrt())
TRIALS.mutants("the-number", number=lambda W, u, v: u @ W @ v)
TRIALS.mutants("rows", rows=lambda W, u, v: normalize(W, dim=1), columns=lambda W, u, v: normalize(W, dim=0))
TRIALS.mutants("rank-one", outer=lambda W, u, v: torch.outer(u, v))
TRIALS.mutants("one-more", one_more=one_more)
TRIALS.mutants("mutates-input", in_place=lambda W, u, v: W.data.div_(u @ W @ v) + 0 * W)
TRIALS.alternatives(
    right=right,
    by_rows=by_rows,
    by_outer=by_outer,
    by_einsum=lambda W, u, v: W / torch.einsum("i,ij,j->", u, W, v),
    by_hand=Division.apply,
)
