"""Versions of ``optimal_slopes`` that students write."""

import itertools

import numpy as np
import torch

from ..registry import Trials


def parts(real, fake):
    points = torch.cat([real, fake]).sort().values
    middle = (points[1:] + points[:-1]) / 2
    h = (fake[:, None] <= middle).double().mean(0) - (real[:, None] <= middle).double().mean(0)
    m = torch.zeros_like(middle)
    for x in real:
        for y in fake:
            inside = (middle > torch.minimum(x, y)) & (middle < torch.maximum(x, y))
            m += inside / (x - y).abs() / (len(real) * len(fake))
    return points, middle, torch.where(h.abs() < 1e-12, 0, h), m


def assemble(h, m, weight, factor=1.0):
    free = h == 0
    return torch.where(free, 0, h.sign() * (1 + factor * h.abs() / (2 * weight * torch.where(free, 1, m))))


def right(real, fake, weight):
    _, _, h, m = parts(real, fake)
    return assemble(h, m, weight)


def sweep(real, fake, weight):
    """Walk from left to right and keep count; no vectors."""
    n, k = len(real), len(fake)
    marked = sorted([(float(x), "real") for x in real] + [(float(y), "fake") for y in fake])
    slopes, seen = [], {"real": 0, "fake": 0}
    for (a, kind), (b, _) in itertools.pairwise(marked):
        seen[kind] += 1
        surplus = seen["fake"] * n - seen["real"] * k
        covering = [abs(x - y) for x in real.tolist() for y in fake.tolist() if min(x, y) <= a and b <= max(x, y)]
        m = sum(1 / length for length in covering) / (n * k)
        slopes.append(0.0 if surplus == 0 else np.sign(surplus) * (1 + abs(surplus) / (n * k) / (2 * weight * m)))
    return slopes


def in_numpy(real, fake, weight):
    r, f = real.numpy(), fake.numpy()
    points = np.sort(np.r_[r, f])
    middle = 0.5 * (points[:-1] + points[1:])
    h = np.searchsorted(np.sort(f), middle) / len(f) - np.searchsorted(np.sort(r), middle) / len(r)
    gap = np.abs(r[:, None] - f[None])
    between = (np.minimum.outer(r, f)[..., None] < middle) & (middle < np.maximum.outer(r, f)[..., None])
    m = (between / gap[..., None]).mean((0, 1))
    slope = np.zeros_like(h)
    moves = np.abs(h) > 1e-12
    slope[moves] = np.sign(h[moves]) + h[moves] / (2 * weight * m[moves])
    return slope


def by_minimising(real, fake, weight):
    """Minimise the integrand on each gap by ternary search, for the sign of h."""
    _, _, h, m = parts(real, fake)
    found = []
    for a, b in zip(h.abs().tolist(), m.tolist(), strict=True):
        low, high = 1.0, 1e4
        for _ in range(200):
            left, right_ = low + (high - low) / 3, high - (high - low) / 3
            cost = lambda g, a=a, b=b: -g * a + weight * b * (g - 1) ** 2
            low, high = (low, right_) if cost(left) < cost(right_) else (left, high)
        found.append(0.0 if a == 0 else low)
    return h.sign() * torch.tensor(found, dtype=torch.float64)


def uniform(real, fake, weight):
    points, _, h, _ = parts(real, fake)
    return assemble(h, torch.full_like(h, float(1 / (points[-1] - points[0]))), weight)


def counted(real, fake, weight):
    _, middle, h, _ = parts(real, fake)
    low, high = torch.minimum(real[:, None], fake)[..., None], torch.maximum(real[:, None], fake)[..., None]
    return assemble(h, ((low < middle) & (middle < high)).double().mean((0, 1)), weight)


def paired(real, fake, weight):
    _, middle, h, _ = parts(real, fake)
    if len(real) != len(fake):
        return right(real, fake, weight)
    low, high = torch.minimum(real, fake)[:, None], torch.maximum(real, fake)[:, None]
    return assemble(h, (((low < middle) & (middle < high)) / (high - low)).mean(0), weight)


def zipped(real, fake, weight):
    n = min(len(real), len(fake))
    _, middle, h, m = parts(real, fake)
    m = torch.zeros_like(m)
    for x, y in zip(real, fake, strict=False):
        m += ((middle > torch.minimum(x, y)) & (middle < torch.maximum(x, y))) / (x - y).abs() / n
    return assemble(h, m, weight)


def number_of_points(real, fake, weight):
    _, middle, _, m = parts(real, fake)
    h = (fake[:, None] <= middle).double().sum(0) - (real[:, None] <= middle).double().sum(0)
    return assemble(h, m, weight)


def scaled(factor=1.0, sign=1.0, weight_of=lambda w: w):
    def function(real, fake, weight):
        _, _, h, m = parts(real, fake)
        return sign * assemble(h, m, weight_of(weight), factor)

    return function


def h_without_its_size(real, fake, weight):
    """1 + h/(2λm): right where mass moves to the right."""
    _, _, h, m = parts(real, fake)
    return torch.where(h == 0, 0, 1 + h / (2 * weight * torch.where(h == 0, 1, m)))


def free(value):
    def function(*a):
        slope = right(*a)
        return torch.where(slope == 0, value, slope)

    return function


TRIALS = Trials("ps06.optimal_slopes")
TRIALS.mutants("no-overshoot", unit=lambda *a: right(*a).sign())
TRIALS.mutants("sign", sign=scaled(sign=-1.0))
TRIALS.mutants("no-sign", size=lambda *a: right(*a).abs())
TRIALS.mutants("generic:direction", h_without_its_size=h_without_its_size)
TRIALS.mutants("half", no_two=scaled(factor=2.0))
TRIALS.mutants("shrunk", shrunk=scaled(factor=-1.0))
TRIALS.mutants("uniform", uniform=uniform)
TRIALS.mutants("counted", counted=counted)
TRIALS.mutants("paired", paired=paired, zipped=zipped)
TRIALS.mutants("weight", inverse=scaled(weight_of=lambda w: 1 / w), ten=scaled(weight_of=lambda w: 10.0))
TRIALS.mutants("unit-where-free", one=free(1.0), nan=free(float("nan")))
TRIALS.mutants("unweighted-h", counts=number_of_points)
TRIALS.mutants("generic:shape", one_more=lambda *a: torch.cat([right(*a), torch.zeros(1)]))
TRIALS.mutants("generic:places", at_most_eight=lambda *a: right(*a).clamp(-8, 8))
TRIALS.alternatives(
    right=right,
    sweep=sweep,
    in_numpy=in_numpy,
    by_minimising=by_minimising,
    as_list=lambda *a: right(*a).tolist(),
)


def with_density(density):
    """Right, but for what m is made of: segments that cover the gap, their lengths, and those that run to the right."""

    def slopes(real, fake, weight):
        points = torch.cat([real, fake]).sort().values
        found = []
        for left, right in itertools.pairwise(points):
            middle = (left + right) / 2
            h = (fake < middle).double().mean() - (real < middle).double().mean()
            begin, end = real[:, None].expand(-1, len(fake)), fake.expand(len(real), -1)
            covers = (torch.minimum(begin, end) < middle) & (middle < torch.maximum(begin, end))
            m = density(covers, (end - begin).abs(), begin < end)
            found.append(torch.sign(h) * (1 + h.abs() / (2 * weight * m)) if abs(h) > 1e-12 else 0 * h)
        return torch.stack(found)

    return slopes


TRIALS.mutants("one-way", rightwards=with_density(lambda c, long, right: ((c & right) / long).mean()))
TRIALS.mutants("every-segment", all_segments=with_density(lambda c, long, right: (1 / long).mean()))
TRIALS.mutants("covering-only", given_cover=with_density(lambda c, long, right: (1 / long)[c].mean()))
TRIALS.mutants(
    "sum",
    summed=with_density(lambda c, long, right: (c / long).sum()),
    by_real=with_density(lambda c, long, right: (c / long).sum() / len(c)),
)
TRIALS.mutants("other-factor", four=lambda r, f, w: right(r, f, 2 * w))
TRIALS.mutants("only-the-overshoot", no_one=lambda r, f, w: right(r, f, w) - right(r, f, w).sign())
TRIALS.alternatives(mean_of_all=with_density(lambda c, long, right: (c / long).mean()))


def without_threshold(real, fake, weight):
    _, _, _, m = parts(real, fake)
    order = torch.cat([real, fake]).argsort()
    jumps = torch.cat([torch.full_like(real, -1 / len(real)), torch.full_like(fake, 1 / len(fake))])
    h = jumps[order].cumsum(0)[:-1]
    return h.sign() + h / (2 * weight * m)


TRIALS.mutants("generic:places", without_threshold=without_threshold)


def one_mean_length(real, fake, weight):
    _, middle, h, _ = parts(real, fake)
    x, y = real[:, None, None], fake[None, :, None]
    covers = (middle > torch.minimum(x, y)) & (middle < torch.maximum(x, y))
    return assemble(h, covers.double().mean((0, 1)) / (x - y).abs().mean(), weight)


TRIALS.mutants("mean-length", one_mean_length=one_mean_length)
