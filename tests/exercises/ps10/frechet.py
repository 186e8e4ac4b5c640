"""Versions of ``frechet`` that students write."""

import numpy as np
import torch
from scipy import linalg

from ..registry import Trials


def root(matrix):
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T


def rest(m, S, n, T):
    return ((m - n) ** 2).sum() + torch.trace(S) + torch.trace(T)


def right(m, S, n, T):
    cross = torch.linalg.eigvalsh(root(S) @ T @ root(S)).clamp_min(0).sqrt().sum()
    return rest(m, S, n, T) - 2 * cross


def by_singular_values(m, S, n, T):
    return rest(m, S, n, T) - 2 * torch.linalg.svdvals(root(T) @ root(S)).sum()


def by_product(m, S, n, T):
    values = torch.linalg.eigvals(S @ T).real.clamp_min(0)
    return rest(m, S, n, T) - 2 * values.sqrt().sum()


def other_way_round(m, S, n, T):
    middle = root(root(T) @ S @ root(T))
    return float(np.sum((m - n).numpy() ** 2)) + torch.trace(S + T - 2 * middle).item()


def by_procrustes(m, S, n, T):
    """The cheapest rotation between the two roots."""
    a, b = root(S), root(T)
    u, _, v = torch.linalg.svd(b @ a)
    return ((m - n) ** 2).sum() + ((a - (u @ v).T @ b) ** 2).sum()


def scipy_root(m, S, n, T):
    return rest(m, S, n, T) - 2 * float(np.trace(linalg.sqrtm(S.numpy())) * 0 + np.trace((S @ T).numpy()))


def mutated(m, S, n, T):
    m -= n
    return right(m, S, torch.zeros_like(n), T)


TRIALS = Trials("ps10.frechet")
TRIALS.mutants("no-root", trace_of_product=scipy_root, einsum=lambda m, S, n, T: rest(m, S, n, T) - 2 * (S * T.T).sum())
TRIALS.mutants(
    "elementwise-root",
    of_product=lambda m, S, n, T: rest(m, S, n, T) - 2 * torch.trace((S @ T).abs().sqrt()),
    of_each=lambda m, S, n, T: rest(m, S, n, T) - 2 * torch.trace(S.abs().sqrt() @ T.abs().sqrt()),
)
TRIALS.mutants(
    "diagonals", deviations=lambda m, S, n, T: ((m - n) ** 2 + (S.diag().sqrt() - T.diag().sqrt()) ** 2).sum()
)
TRIALS.mutants("roots-first", roots=lambda m, S, n, T: rest(m, S, n, T) - 2 * torch.trace(root(S) @ root(T)))
TRIALS.mutants(
    "symmetric-solver",
    eigvalsh=lambda m, S, n, T: rest(m, S, n, T) - 2 * torch.linalg.eigvalsh(S @ T).clamp_min(0).sqrt().sum(),
)
TRIALS.mutants("one-cross-term", half=lambda m, S, n, T: (right(m, S, n, T) + rest(m, S, n, T)) / 2)
TRIALS.mutants("plus-cross", plus=lambda m, S, n, T: 2 * rest(m, S, n, T) - right(m, S, n, T))
TRIALS.mutants("mean-not-squared", norm=lambda m, S, n, T: right(m, S, m, T) + (m - n).norm())
TRIALS.mutants("mean-for-sum", mse=lambda m, S, n, T: right(m, S, m, T) + torch.nn.functional.mse_loss(m, n))
TRIALS.mutants("root-of-all", root=lambda m, S, n, T: right(m, S, n, T).clamp_min(0).sqrt())
TRIALS.mutants("means-only", means=lambda m, S, n, T: (m - n).square().sum())
TRIALS.mutants("frobenius", entries=lambda m, S, n, T: (m - n).square().sum() + (S - T).square().sum())
TRIALS.mutants("mutates-input", in_place=mutated)
TRIALS.alternatives(
    right=right, by_singular_values=by_singular_values, by_product=by_product, other_way_round=other_way_round,
    by_procrustes=by_procrustes, symmetric=lambda m, S, n, T: right(n, T, m, S),
)  # fmt: skip


def never_a_point(mean_p, cov_p, mean_q, cov_q):
    overlap = torch.linalg.eigvals(cov_p @ cov_q).real.clamp(min=0).sqrt().sum()
    return (mean_p - mean_q).square().sum() + cov_p.clamp(min=1e-6).trace() + cov_q.trace() - 2 * overlap


TRIALS.mutants("generic:direction", never_a_point=never_a_point)


def roots_of_entries(m, S, n, T):
    half = S.clamp(min=0).sqrt()
    return rest(m, S, n, T) - 2 * (half @ T @ half).clamp(min=0).sqrt().trace()


def regularised(m, S, n, T):
    more = 1e-3 * torch.eye(len(S), dtype=S.dtype)
    return right(m, S + more, n, T + more)


TRIALS.mutants("elementwise-root", roots_of_entries=roots_of_entries)
TRIALS.mutants("root-of-trace", root_of_trace=lambda m, S, n, T: rest(m, S, n, T) - 2 * (S @ T).trace().sqrt())
TRIALS.mutants("regularised", regularised=regularised)
