"""Versions of ``precision_recall`` that students write."""

from collections import namedtuple

import numpy as np
import torch

from ..registry import Trials


def radius(x, k):
    return torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").kthvalue(k + 1, dim=1).values


def far(a, b):
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def share(points, centres, r):
    return (far(points, centres) <= r).any(1).double().mean()


def right(real, fake, k):
    return share(fake, real, radius(real, k)), share(real, fake, radius(fake, k))


def with_k(shift):
    return lambda real, fake, k: (
        share(fake, real, radius(real, k + shift)),
        share(real, fake, radius(fake, k + shift)),
    )


def by_sort(real, fake, k):
    def one(points, centres):
        d = far(centres, centres).fill_diagonal_(float("inf")).sort(dim=1).values[:, k - 1]
        return (far(centres, points) <= d[:, None]).any(0).float().mean().item()

    return one(fake, real), one(real, fake)


def by_loops(real, fake, k):
    def one(points, centres):
        hits = 0
        for p in points:
            for i, c in enumerate(centres):
                others = sorted(float(((c - o) ** 2).sum()) for j, o in enumerate(centres) if j != i)
                if float(((p - c) ** 2).sum()) <= others[k - 1]:
                    hits += 1
                    break
        return hits / len(points)

    return one(fake, real), one(real, fake)


def by_numpy(real, fake, k):
    a, b = real.numpy(), fake.numpy()

    def squares(u, v):
        return ((u[:, None] - v[None]) ** 2).sum(-1)

    pair = []
    for points, centres in ((b, a), (a, b)):
        r = np.partition(squares(centres, centres), k, axis=1)[:, k]
        pair.append(np.mean(np.any(squares(points, centres) <= r, axis=1)))
    return tuple(pair)


def by_topk(real, fake, k):
    pair = []
    for points, centres in ((fake, real), (real, fake)):
        r = far(centres, centres).topk(k + 1, largest=False).values[:, -1]
        pair.append(float(((far(points, centres) - r) <= 0).sum(1).bool().sum()) / len(points))
    return pair


def nearest(real, fake, k):
    def one(points, centres):
        d, i = far(points, centres).min(1)
        return (d <= radius(centres, k)[i]).double().mean()

    return one(fake, real), one(real, fake)


def own(real, fake, k):
    return tuple((far(a, b) <= radius(a, k)[:, None]).any(1).double().mean() for a, b in ((fake, real), (real, fake)))


def pairs(real, fake, k):
    return tuple((far(a, b) <= radius(b, k)).double().mean() for a, b in ((fake, real), (real, fake)))


def one_radius(real, fake, k):
    return tuple(share(a, b, radius(b, k).mean()) for a, b in ((fake, real), (real, fake)))


def transposed(real, fake, k):
    balls = far(fake, real) <= radius(real, k)
    return balls.any(1).double().mean(), balls.any(0).double().mean()


Pair = namedtuple("Pair", "precision recall")
TRIALS = Trials("ps10.precision_recall")
TRIALS.mutants("swapped", swapped=lambda r, f, k: right(r, f, k)[::-1])
TRIALS.mutants("itself", itself=with_k(-1))
TRIALS.mutants("one-too-far", one_too_far=with_k(1))
TRIALS.mutants("nearest-ball", nearest=nearest)
TRIALS.mutants("own-balls", own=own)
TRIALS.mutants(
    "open-balls",
    strict=lambda r, f, k: (
        (far(f, r) < radius(r, k)).any(1).double().mean(),
        (far(r, f) < radius(f, k)).any(1).double().mean(),
    ),
)
TRIALS.mutants("pairs", pairs=pairs)
TRIALS.mutants("one-radius", mean=one_radius)
TRIALS.mutants("recall-by-real-balls", transposed=transposed)
TRIALS.mutants("generic:unusable", only_one=lambda r, f, k: right(r, f, k)[0])
TRIALS.alternatives(right=right, by_sort=by_sort, by_loops=by_loops, by_numpy=by_numpy, by_topk=by_topk)
TRIALS.alternatives(
    rows=lambda *a: torch.stack([torch.as_tensor(one) for one in right(*a)]), named=lambda *a: Pair(*right(*a))
)


def by_products(real, fake, k):
    real, fake = real.float(), fake.float()
    radii = [torch.cdist(x, x).kthvalue(k + 1, dim=1).values for x in (real, fake)]
    away = torch.cdist(fake, real)
    return (away <= radii[0]).any(1).double().mean(), (radii[1] >= away.T).any(1).double().mean()


TRIALS.mutants("generic:direction", by_products=by_products)


def by_all_products(real, fake, k):
    def away(a, b):
        return ((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T).clamp(min=0).sqrt()

    radii = (away(x, x).kthvalue(k + 1, 1).values for x in (real, fake))
    near = (away(real, fake) <= next(radii)[:, None], away(real, fake) <= next(radii)[None])
    return near[0].any(0).double().mean(), near[1].any(1).double().mean()


TRIALS.mutants("generic:direction", all_products=by_all_products)


def by_cdist(real, fake, k):
    def share(points, centres):
        radii = torch.cdist(centres, centres).kthvalue(k + 1, dim=1).values
        return (torch.cdist(points, centres) <= radii).any(1).double().mean()

    return share(fake, real), share(real, fake)


TRIALS.mutants("by-products", by_cdist=by_cdist)


def mean_radius(real, fake, k):
    return tuple(
        share(points, centres, far(centres, centres).sort(dim=1).values[:, 1 : k + 1].mean(1))
        for points, centres in ((fake, real), (real, fake))
    )


def balls_counted(real, fake, k):
    return tuple(
        (far(points, centres) <= radius(centres, k)).any(0).double().mean()
        for points, centres in ((fake, real), (real, fake))
    )


TRIALS.mutants("mean-radius", mean_radius=mean_radius)
TRIALS.mutants("balls-counted", balls_counted=balls_counted)
