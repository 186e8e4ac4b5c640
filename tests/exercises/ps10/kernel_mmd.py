"""Versions of ``kernel_mmd`` that students write."""

import torch

from ..registry import Trials


def k(a, b, degree=3, offset=1.0):
    return (a @ b.T / a.shape[1] + offset) ** degree


def off(m):
    return (m.sum() - m.diagonal().sum()) / (len(m) * (len(m) - 1))


def right(x, y, **o):
    return off(k(x, x, **o)) + off(k(y, y, **o)) - 2 * k(x, y, **o).mean()


def loops(x, y):
    def mean(a, b, same):
        terms = [
            (float(a[i] @ b[j]) / a.shape[1] + 1) ** 3
            for i in range(len(a)) for j in range(len(b)) if not (same and i == j)
        ]  # fmt: skip
        return sum(terms) / len(terms)

    return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)


def masked(x, y):
    def mean(m):
        return m[~torch.eye(len(m), dtype=torch.bool)].mean()

    return (mean(k(x, x)) + mean(k(y, y)) - 2 * k(x, y).mean()).item()


def triangles(x, y):
    def mean(m):
        return 2 * torch.triu(m, 1).sum() / (len(m) * (len(m) - 1))

    return mean(k(x, x)) + mean(k(y, y)) - 2 * k(x, y).mean()


def joint(x, y):
    both = torch.cat([x, y])
    n, m = len(x), len(y)
    w = torch.cat([torch.full((n,), 1.0 / n), torch.full((m,), -1.0 / m)]).double()
    gram = k(both, both)
    corrections = sum((off(part) - part.mean()) for part in (gram[:n, :n], gram[n:, n:]))
    return w @ gram @ w + corrections


def in_place(x, y):
    x /= x.shape[1] ** 0.5
    y /= y.shape[1] ** 0.5
    a, b, c = ((u @ v.T + 1) ** 3 for u, v in ((x, x), (y, y), (x, y)))
    return off(a) + off(b) - 2 * c.mean()


TRIALS = Trials("ps10.kernel_mmd")
TRIALS.mutants("biased", with_diagonal=lambda x, y: k(x, x).mean() + k(y, y).mean() - 2 * k(x, y).mean())
TRIALS.mutants(
    "divides-by-square",
    by_square=lambda x, y: sum((m - m.diag().diag()).mean() for m in (k(x, x), k(y, y))) - 2 * k(x, y).mean(),
)
TRIALS.mutants(
    "half-the-pairs",
    upper=lambda x, y: (
        sum(torch.triu(m, 1).sum() / len(m) / (len(m) - 1) for m in (k(x, x), k(y, y))) - 2 * k(x, y).mean()
    ),
)
TRIALS.mutants(
    "cross-diagonal",
    numbers=lambda x, y: (
        off(k(x, x)) + off(k(y, y)) - 2 * k(x, y)[torch.arange(len(x))[:, None] != torch.arange(len(y))].mean()
    ),
)
TRIALS.mutants("one-cross-term", one=lambda x, y: right(x, y) + k(x, y).mean())
TRIALS.mutants("clamped", relu=lambda x, y: right(x, y).clamp_min(0), absolute=lambda x, y: right(x, y).abs())
TRIALS.mutants("wrong-degree", square=lambda x, y: right(x, y, degree=2), linear=lambda x, y: right(x, y, degree=1))
TRIALS.mutants("no-division-by-d", plain=lambda x, y: right(x * x.shape[1] ** 0.5, y * y.shape[1] ** 0.5))
TRIALS.mutants("no-one", homogeneous=lambda x, y: right(x, y, offset=0.0))
TRIALS.mutants("root", root=lambda x, y: right(x, y).clamp_min(0).sqrt())
TRIALS.mutants("sums", sums=lambda x, y: k(x, x).sum() + k(y, y).sum() - 2 * k(x, y).sum())
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    right=right,
    loops=loops,
    masked=masked,
    triangles=triangles,
    joint=joint,
    single=lambda x, y: right(x, y).float().double(),
)
TRIALS.mutants(
    "cross-diagonal",
    if_alike=lambda x, y: off(k(x, x)) + off(k(y, y)) - 2 * (off if len(x) == len(y) else torch.mean)(k(x, y)),
)
