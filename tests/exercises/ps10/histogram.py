"""Versions of ``histogram`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def count(values, bins):
    cells = [0] * bins
    for v in values:
        cells[min(int(v * bins), bins - 1)] += 1
    return torch.tensor(cells, dtype=torch.float64)


def sliced(points, bins, batch):
    pool, cells = points.tolist(), torch.zeros(bins, dtype=torch.float64)
    for start in range(0, len(pool), batch):
        cells += count(pool[start : start + batch], bins)
    return cells / len(pool)


def by_removal(points, bins, batch):
    pool, cells = points.tolist(), torch.zeros(bins, dtype=torch.float64)
    while pool:
        part, pool = pool[:batch], pool[batch:]
        cells += count(part, bins)
    return cells / len(points)


def by_split(points, bins, batch):
    cells = sum(torch.histc(part, bins, 0.0, 1.0) for part in points.split(batch))
    return cells / len(points)


def by_numpy(points, bins, batch):
    return np.histogram(points.numpy(), bins=bins, range=(0, 1))[0] / len(points)


def bug(points, bins, batch):
    pool, cells, start = points.tolist(), torch.zeros(bins, dtype=torch.float64), 0
    while start < len(pool):
        part = pool[start : start + batch]
        del pool[start : start + batch]
        cells += count(part, bins)
        start += batch
    return cells


def whole_batches(points, bins, batch):
    return count(points[: len(points) // batch * batch].tolist(), bins) / len(points)


def out_of_range(points, bins, batch):
    cells = torch.zeros(bins, dtype=torch.float64)
    for v in points.tolist():
        cells[int(v * bins)] += 1
    return cells / len(points)


def edge_lost(points, bins, batch):
    return torch.stack([((points >= i / bins) & (points < (i + 1) / bins)).double().mean() for i in range(bins)])


def bucketized(points, bins, batch):
    """torch.bucketize closes its cells on the right unless told otherwise."""
    inner = torch.arange(1, bins, dtype=points.dtype) / bins
    return torch.bincount(torch.bucketize(points, inner), minlength=bins) / len(points)


TRIALS = Trials("ps10.histogram")
TRIALS.mutants("unchanged", bug=lambda p, b, n: bug(p, b, n) / len(p))
TRIALS.mutants("rescaled", rescaled=lambda p, b, n: bug(p, b, n) / bug(p, b, n).sum())
TRIALS.mutants("last-batch-lost", drop_last=whole_batches)
TRIALS.mutants("one-batch", one=lambda p, b, n: count(p[:n].tolist(), b) / len(p))
TRIALS.mutants("edge-lost", half_open=edge_lost)
TRIALS.mutants("counts", counts=lambda p, b, n: count(p.tolist(), b))
TRIALS.mutants("density", density=lambda p, b, n: np.histogram(p.numpy(), b, (0, 1), density=True)[0])
TRIALS.mutants("divided-by-batches", by_batch=lambda p, b, n: count(p.tolist(), b) / n)
TRIALS.mutants("right-closed", bucketized=bucketized)
TRIALS.mutants("own-range", no_range=lambda p, b, n: np.histogram(p.numpy(), b)[0] / len(p))
TRIALS.mutants("short", no_minlength=lambda p, b, n: torch.bincount((p * b).long().clamp(max=b - 1)) / len(p))
TRIALS.mutants("generic:error", out_of_range=out_of_range)
TRIALS.alternatives(sliced=sliced, by_removal=by_removal, by_split=by_split, by_numpy=by_numpy)
TRIALS.mutants(
    "generic:places",
    single=lambda points, bins, batch: by_numpy(points.float(), bins, batch),
    pushed=lambda points, bins, batch: by_numpy((points + 1e-8).clamp(max=1), bins, batch),
)
TRIALS.mutants(
    "mean-of-batches",
    averaged=lambda points, bins, batch: torch.stack(
        [count(p.tolist(), bins) / len(p) for p in points.split(batch)]
    ).mean(0),
)
TRIALS.mutants(
    "rounded", nearest=lambda points, bins, batch: count(((points * bins).round() / bins).tolist(), bins) / len(points)
)
TRIALS.mutants("distinct", as_set=lambda points, bins, batch: count(set(points.tolist()), bins) / len(points))
