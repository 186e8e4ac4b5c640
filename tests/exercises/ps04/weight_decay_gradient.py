"""Versions of ``weight_decay_gradient`` that students write."""

import torch

from ..registry import Trials


def through(penalty):
    """Gradient by autograd, as students do it who skip the paper."""

    def gradient(W, weight):
        W = W.clone().requires_grad_(True)
        return torch.autograd.grad(penalty(W, weight), W)[0]

    return gradient


def loop(W, weight):
    return [[2 * weight * entry for entry in row] for row in W.tolist()]


def in_place(W, weight):
    W *= 2 * weight
    return W


def spectral(W, weight):
    u, s, vh = torch.linalg.svd(W)
    return 2 * weight * s[0] * torch.outer(u[:, 0], vh[0])


TRIALS = Trials("ps04.weight_decay_gradient")
TRIALS.mutants("no-two", no_two=lambda W, c: c * W, half_penalty=through(lambda W, c: c / 2 * W.square().sum()))
TRIALS.mutants("not-squared", norm=through(lambda W, c: c * W.norm()), unit=lambda W, c: c * W / W.norm())
TRIALS.mutants("spectral", spectral=spectral, by_autograd=through(lambda W, c: c * torch.linalg.matrix_norm(W, 2) ** 2))
TRIALS.mutants("absolute", lasso=through(lambda W, c: c * W.abs().sum()), sign=lambda W, c: c * W.sign())
TRIALS.mutants("mean", mean=through(lambda W, c: c * W.square().mean()), rows=lambda W, c: 2 * c * W / len(W))
TRIALS.mutants(
    "the-penalty",
    penalty=lambda W, c: c * W.square().sum(),
    summed=lambda W, c: 2 * c * W.sum(),
    squares=lambda W, c: c * W**2,
)
TRIALS.mutants(
    "weight-ignored", ignored=lambda W, c: 2 * W, squared_weight=through(lambda W, c: (c * W).square().sum())
)
TRIALS.mutants("the-step", after=lambda W, c: (1 - 2 * c) * W, step=lambda W, c: -2 * c * W)
TRIALS.mutants("symmetrised", gram=lambda W, c: 2 * c * W.T @ W, thrice=lambda W, c: 2 * c * W @ W.T @ W)
TRIALS.mutants("transposed", transposed=lambda W, c: 2 * c * W.T)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("signs-lost", absolute_values=lambda W, c: 2 * c * W.abs())
TRIALS.mutants("generic:factor", quadrupled=lambda W, c: 4 * c * W)
TRIALS.alternatives(
    right=lambda W, c: 2 * c * W,
    loop=loop,
    autograd=through(lambda W, c: c * W.square().sum()),
    frobenius_squared=through(lambda W, c: c * (W**2).sum()),
    trace=through(lambda W, c: c * torch.trace(W.T @ W)),
    numpy=lambda W, c: 2 * c * W.numpy(),
    added=lambda W, c: c * (W + W),
    float32=lambda W, c: 2 * c * W.float(),
)
