"""Versions of ``mode_report`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def far(points, modes):
    return torch.cdist(points, modes, compute_mode="donot_use_mm_for_euclid_dist")


def right(points, modes, std, radius=3.0):
    near = far(points, modes) <= radius * std
    return near.any(0).sum(), near.any(1).double().mean()


def by_nearest(points, modes, std):
    d, i = far(points, modes).min(1)
    good = d <= 3 * std
    return len(torch.unique(i[good])), good.float().mean().item()


def by_loops(points, modes, std):
    reached, good = set(), 0
    for p in points.tolist():
        hits = {
            j
            for j, m in enumerate(modes.tolist())
            if sum((a - b) ** 2 for a, b in zip(p, m, strict=True)) <= 9 * std**2
        }
        reached |= hits
        good += bool(hits)
    return len(reached), good / len(points)


def by_numpy(points, modes, std):
    d = np.linalg.norm(points.numpy()[:, None] - modes.numpy(), axis=2) / std
    return int((d.min(0) <= 3).sum()), float(np.mean(d.min(1) <= 3))


def by_counts(points, modes, std):
    d, i = far(points, modes).min(dim=1)
    counts = torch.bincount(i[d <= 3 * std], minlength=len(modes))
    return int((counts > 0).sum()), float(counts.sum()) / len(points)


def of(points, modes, near):
    return near.any(0).sum(), near.any(1).double().mean()


def by_squares(p, m, s):
    near = (p[:, None] - m).square().sum(-1) <= (3 * s) ** 2
    return int(near.any(0).sum()), float(near.any(1).float().mean())


TRIALS = Trials("ps10.mode_report")
TRIALS.mutants(
    "one-mode-a-point",
    by_nearest=by_nearest,
    by_counts=by_counts,
    counted_twice=lambda p, m, s: (right(p, m, s)[0], (far(p, m) <= 3 * s).sum() / len(p)),
)
TRIALS.mutants(
    "open-disc", strict=lambda p, m, s: ((far(p, m) < 3 * s).any(0).sum(), (far(p, m) < 3 * s).any(1).double().mean())
)
TRIALS.mutants("one-std", one=lambda p, m, s: right(p, m, s, 1.0))
TRIALS.mutants("radius-without-std", three=lambda p, m, s: right(p, m, 1.0))
TRIALS.mutants(
    "variance",
    squared=lambda p, m, s: of(p, m, far(p, m) ** 2 <= 3 * s),
    both=lambda p, m, s: of(p, m, far(p, m) ** 2 <= 3 * s * s),
)
TRIALS.mutants("nearest-counts", nearest=lambda p, m, s: (len(far(p, m).argmin(1).unique()), right(p, m, s)[1]))
TRIALS.mutants("share-of-modes", share=lambda p, m, s: (right(p, m, s)[0] / len(m), right(p, m, s)[1]))
TRIALS.mutants("box", box=lambda p, m, s: of(p, m, ((p[:, None] - m).abs() <= 3 * s).all(-1)))
TRIALS.mutants("count-of-points", count=lambda p, m, s: (right(p, m, s)[0], right(p, m, s)[1] * len(p)))
TRIALS.mutants("mean-over-pairs", pairs=lambda p, m, s: (right(p, m, s)[0], (far(p, m) <= 3 * s).double().mean()))
TRIALS.mutants("swapped", swapped=lambda p, m, s: right(p, m, s)[::-1])
TRIALS.mutants("one-std", two=lambda p, m, s: right(p, m, 2 * s / 3))
TRIALS.alternatives(right=right, by_loops=by_loops, by_numpy=by_numpy, by_squares=by_squares)
TRIALS.mutants(
    "generic:direction",
    single=lambda p, m, s: right(p.float(), m.float(), s),
    tolerant=lambda p, m, s: right(p, m, s + 1e-8),
)
TRIALS.mutants("generic:direction", without_repeats=lambda points, modes, std: right(points.unique(dim=0), modes, std))


def by_products(points, modes, std):
    squares = (points**2).sum(1)[:, None] + (modes**2).sum(1) - 2 * points @ modes.T
    near = squares.clamp(min=0).sqrt() <= 3 * std
    return near.any(0).sum(), near.any(1).double().mean()


def by_cdist(points, modes, std):
    near = torch.cdist(points, modes) <= 3 * std
    return near.any(0).sum(), near.any(1).double().mean()


TRIALS.mutants("generic:factor", products=by_products)
TRIALS.mutants("by-products", by_cdist=by_cdist)
