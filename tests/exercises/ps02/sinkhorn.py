"""Versions of ``sinkhorn`` that students write."""

import math

import numpy as np
import scipy.special
import torch

from ..registry import Trials


def right(cost, a, b, epsilon, rounds):
    phi, psi = torch.zeros_like(a), torch.zeros_like(b)
    for _ in range(rounds):
        phi = -epsilon * torch.logsumexp(b.log() + (psi - cost) / epsilon, 1)
        psi = -epsilon * torch.logsumexp(a.log()[:, None] + (phi[:, None] - cost) / epsilon, 0)
    return a[:, None] * b * torch.exp((phi[:, None] + psi - cost) / epsilon)


def columns_first(cost, a, b, epsilon, rounds):
    return right(cost.T, b, a, epsilon, rounds).T


def kernel(cost, a, b, epsilon, rounds, guard=0.0, start=None):
    table = torch.exp(-cost / epsilon)
    v = b.clone() if start is None else start(b)
    for _ in range(rounds):
        u = a / (table @ v + guard)
        v = b / (table.T @ u + guard)
    return u[:, None] * table * v


def clamped(cost, a, b, epsilon, rounds):
    table = torch.exp(-cost / epsilon).clamp(min=1e-30)
    v = b.clone()
    for _ in range(rounds):
        u = a / (table @ v)
        v = b / (table.T @ u)
    return u[:, None] * table * v


def rows_only(cost, a, b, epsilon, rounds):
    phi = -epsilon * torch.logsumexp(b.log() - cost / epsilon, 1)
    return a[:, None] * b * torch.exp((phi[:, None] - cost) / epsilon)


def rows_last(cost, a, b, epsilon, rounds):
    plan = right(cost, a, b, epsilon, rounds)
    return plan * (a / plan.sum(1))[:, None]


def scales_the_plan(cost, a, b, epsilon, rounds):
    """Rescales the logarithm of the plan itself."""
    log_plan = a.log()[:, None] + b.log() - cost / epsilon
    for _ in range(rounds):
        log_plan = log_plan + (a.log() - log_plan.logsumexp(1))[:, None]
        log_plan = log_plan + (b.log() - log_plan.logsumexp(0))
    return log_plan.exp()


def log_kernel(cost, a, b, epsilon, rounds):
    """log u and log v, with v = b at the start."""
    log_v = b.log()
    for _ in range(rounds):
        log_u = a.log() - torch.logsumexp(log_v - cost / epsilon, 1)
        log_v = b.log() - torch.logsumexp(log_u[:, None] - cost / epsilon, 0)
    return torch.exp(log_u[:, None] + log_v - cost / epsilon)


def in_scipy(cost, a, b, epsilon, rounds):
    cost, a, b = cost.numpy(), a.numpy(), b.numpy()
    psi = np.zeros(len(b))
    for _ in range(rounds):
        phi = -epsilon * scipy.special.logsumexp((psi - cost) / epsilon, axis=1, b=b)
        psi = -epsilon * scipy.special.logsumexp((phi[:, None] - cost) / epsilon, axis=0, b=a[:, None])
    return np.outer(a, b) * np.exp((phi[:, None] + psi - cost) / epsilon)


def softmaxes(cost, a, b, epsilon, rounds):
    """A softmax of a row, times its mass, balances it."""
    log_plan = a.log()[:, None] + b.log() - cost / epsilon
    for _ in range(rounds):
        log_plan = a.log()[:, None] + torch.log_softmax(log_plan, 1)
        log_plan = b.log() + torch.log_softmax(log_plan, 0)
    return log_plan.exp()


def loops(cost, a, b, epsilon, rounds):
    """Plain Python, shifting by the largest exponent."""
    c, a, b = cost.tolist(), a.tolist(), b.tolist()
    psi = [0.0] * len(b)

    def soft(terms):
        top = max(value for value, _ in terms)
        return -epsilon * (top + math.log(sum(w * math.exp(value - top) for value, w in terms)))

    for _ in range(rounds):
        phi = [soft([((psi[j] - c[i][j]) / epsilon, b[j]) for j in range(len(b))]) for i in range(len(a))]
        psi = [soft([((phi[i] - c[i][j]) / epsilon, a[i]) for i in range(len(a))]) for j in range(len(b))]
    return [
        [a[i] * b[j] * math.exp((phi[i] + psi[j] - c[i][j]) / epsilon) for j in range(len(b))] for i in range(len(a))
    ]


def potentials(at_once=False, scaled=True, sign=-1):
    def wrong(cost, a, b, epsilon, rounds):
        phi, psi = torch.zeros_like(a), torch.zeros_like(b)
        size = sign * epsilon if scaled else sign
        for _ in range(rounds):
            before = phi
            phi = size * torch.logsumexp((psi - cost) / epsilon + b.log(), 1)
            used = before if at_once else phi
            psi = size * torch.logsumexp((used[:, None] - cost) / epsilon + a.log()[:, None], 0)
        return a[:, None] * b * ((phi[:, None] + psi - cost) / epsilon).exp()

    return wrong


def in_place(cost, a, b, epsilon, rounds):
    cost /= epsilon
    return right(cost, a, b, 1.0, rounds)


TRIALS = Trials("ps02.sinkhorn")
TRIALS.mutants(
    "unstable",
    kernel=kernel,
    numpy_kernel=lambda c, a, b, e, r: kernel(c, a, b, e, r).numpy(),
    log_of_sum=lambda c, a, b, e, r: torch.exp(torch.log(kernel(c, a, b, e, r))),
)
TRIALS.mutants(
    "guarded",
    small_constant=lambda c, a, b, e, r: kernel(c, a, b, e, r, guard=1e-16),
    tutorial=lambda c, a, b, e, r: kernel(c, a, b, e, r, guard=1e-8),
)
TRIALS.mutants("columns-first", columns=columns_first)
TRIALS.mutants("rows-last", rows=rows_last)
TRIALS.mutants("start-at-ones", ones=lambda c, a, b, e, r: kernel(c, a, b, e, r, start=torch.ones_like))
TRIALS.mutants(
    "one-round-off",
    one_more=lambda c, a, b, e, r: right(c, a, b, e, r + 1),
    one_less=lambda c, a, b, e, r: right(c, a, b, e, r - 1),
)
TRIALS.mutants(
    "rows-only", softmax=lambda c, a, b, e, r: a[:, None] * torch.softmax(b.log() - c / e, 1), rows=rows_only
)
TRIALS.mutants(
    "uniform-weights",
    uniform=lambda c, a, b, e, r: right(c, torch.full_like(a, 1 / len(a)), torch.full_like(b, 1 / len(b)), e, r),
)
TRIALS.mutants(
    "no-epsilon",
    one=lambda c, a, b, e, r: right(c, a, b, 1.0, r),
    times=lambda c, a, b, e, r: right(c, a, b, 1 / e, r),
)
TRIALS.mutants("sign", plus=lambda c, a, b, e, r: right(-c, a, b, e, r))
TRIALS.mutants(
    "rescaled-cost",
    by_maximum=lambda c, a, b, e, r: right(c / c.max(), a, b, e, r),
    squared=lambda c, a, b, e, r: right(c**2, a, b, e, r),
)
TRIALS.mutants("the-cost", bill=lambda c, a, b, e, r: (right(c, a, b, e, r) * c).sum())
TRIALS.mutants("at-once", at_once=potentials(at_once=True))
TRIALS.mutants("unscaled", unscaled=potentials(scaled=False))
TRIALS.mutants("plus", plus=potentials(sign=1))
TRIALS.mutants("not-balanced", product=lambda c, a, b, e, r: a[:, None] * b)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:value", clamped=clamped)
TRIALS.mutants("generic:shape", transposed=lambda c, a, b, e, r: right(c, a, b, e, r).T)
TRIALS.alternatives(
    right=right,
    scales_the_plan=scales_the_plan,
    log_kernel=log_kernel,
    scipy=in_scipy,
    softmaxes=softmaxes,
    loops=loops,
    half_way=lambda c, a, b, e, r: right(c / e, a, b, 1.0, r),
)


def hundred_rounds(cost, a, b, epsilon, rounds):
    table = a.log()[:, None] + b.log() - cost / epsilon
    for _ in range(min(rounds, 100)):
        table = table + (a.log() - table.logsumexp(1))[:, None]
        table = table + b.log() - table.logsumexp(0)
    return table.exp()


TRIALS.mutants("rounds-ignored", hundred_rounds=hundred_rounds)


def without_masses(in_sums, in_plan):
    def sinkhorn(cost, a, b, epsilon, rounds):
        log_a, log_b = (a.log(), b.log()) if in_sums else (0 * a, 0 * b)
        psi = torch.zeros_like(b)
        for _ in range(rounds):
            phi = -epsilon * torch.logsumexp(log_b + (psi - cost) / epsilon, 1)
            psi = -epsilon * torch.logsumexp(log_a[:, None] + (phi[:, None] - cost) / epsilon, 0)
        return torch.exp((phi[:, None] + psi - cost) / epsilon) * (a[:, None] * b if in_plan else 1.0)

    return sinkhorn


TRIALS.mutants(
    "sums-without-masses", plain_sums=without_masses(False, True), plain_exponential=without_masses(True, False)
)
