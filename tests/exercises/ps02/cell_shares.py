"""Versions of ``cell_shares`` that students write."""

import itertools

import numpy as np
import torch

from ..registry import Trials


def unchanged(samples, edges):
    """As it stands in the exercise."""
    rest = samples.tolist()
    counts = torch.zeros(len(edges) - 1, dtype=samples.dtype)
    for x in rest:
        for k in range(len(counts)):
            if edges[k] <= x < edges[k + 1]:
                counts[k] += 1
                rest.remove(x)
    return counts / len(samples)


def cell_by_cell(samples, edges):
    """The loops exchanged, with the same mistake."""
    rest, counts = samples.tolist(), torch.zeros(len(edges) - 1, dtype=samples.dtype)
    for k in range(len(counts)):
        last = k == len(counts) - 1
        for x in rest:
            if edges[k] <= x < edges[k + 1] or (last and x == edges[-1]):
                counts[k] += 1
                rest.remove(x)
    return counts / len(samples)


def over_counted(samples, edges):
    shares = unchanged(samples, edges)
    return shares / shares.sum()


def right(samples, edges):
    counts = torch.zeros(len(edges) - 1, dtype=samples.dtype)
    for x in samples.tolist():
        for k in range(len(counts)):
            if edges[k] <= x < edges[k + 1] or (k == len(counts) - 1 and x == edges[-1]):
                counts[k] += 1
    return counts / len(samples)


def over_a_copy(samples, edges):
    """Walks along a copy, and may remove as it likes."""
    rest, counts = samples.tolist(), [0] * (len(edges) - 1)
    for x in list(rest):
        k = next((k for k in range(len(counts)) if edges[k] <= x < edges[k + 1]), len(counts) - 1)
        counts[k] += 1
        rest.remove(x)
    return torch.tensor(counts) / len(samples)


def pops(samples, edges):
    """A while loop that takes the samples from the end."""
    rest, counts = samples.tolist(), np.zeros(len(edges) - 1)
    while rest:
        k = np.searchsorted(edges.numpy(), rest.pop(), side="right") - 1
        counts[min(k, len(counts) - 1)] += 1
    return counts / len(samples)


def half_open(samples, edges):
    return torch.stack([((a <= samples) & (samples < b)).double().mean() for a, b in itertools.pairwise(edges)])


def closed_right(samples, edges):
    return torch.stack([((a < samples) & (samples <= b)).double().mean() for a, b in itertools.pairwise(edges)])


def both_closed(samples, edges):
    return torch.stack([((a <= samples) & (samples <= b)).double().mean() for a, b in itertools.pairwise(edges)])


def by_bucket(samples, edges):
    cells = torch.bucketize(samples, edges, right=True) - 1
    return torch.bincount(cells.clamp(max=len(edges) - 2), minlength=len(edges) - 1) / len(samples)


def in_place(samples, edges):
    samples.copy_(samples.sort().values)
    return by_bucket(samples, edges)


TRIALS = Trials("ps02.cell_shares")
TRIALS.mutants("still-loses", unchanged=unchanged, cell_by_cell=cell_by_cell)
TRIALS.mutants("hides-the-loss", over_counted=over_counted)
TRIALS.mutants(
    "counts",
    counts=lambda s, e: np.histogram(s, e)[0],
    per_cent=lambda s, e: 100 * right(s, e),
)
TRIALS.mutants(
    "density",
    density=lambda s, e: np.histogram(s, e, density=True)[0],
    divided=lambda s, e: right(s, e) / e.diff(),
)
TRIALS.mutants("even-cells", histc=lambda s, e: torch.histc(s, len(e) - 1, float(e[0]), float(e[-1])) / len(s))
TRIALS.mutants("over-cells", cells=lambda s, e: right(s, e) * len(s) / (len(e) - 1))
TRIALS.mutants("cumulated", cumulated=lambda s, e: right(s, e).cumsum(0))
TRIALS.mutants("last-edge", half_open=half_open)
TRIALS.mutants(
    "closed-right",
    closed_right=closed_right,
    bucket=lambda s, e: torch.bincount((torch.bucketize(s, e) - 1).clamp(0, len(e) - 2), minlength=len(e) - 1) / len(s),
)
TRIALS.mutants("twice", both_closed=both_closed)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:shape", sum_of_all=lambda s, e: right(s, e).sum())
TRIALS.alternatives(
    right=right,
    over_a_copy=over_a_copy,
    pops=pops,
    by_bucket=by_bucket,
    numpy=lambda s, e: np.histogram(s.numpy(), e.numpy())[0] / len(s),
    torch_histogram=lambda s, e: torch.histogram(s, e).hist / len(s),
    differences=lambda s, e: torch.stack([(s < b).double().mean() for b in e[:-1]] + [torch.tensor(1.0)]).diff(),
)


def tolerant(s, e):
    cell = torch.searchsorted(e, s + 1e-9, right=True) - 1
    return torch.bincount(cell.clamp(max=len(e) - 2), minlength=len(e) - 1) / len(s)


TRIALS.mutants("generic:places", tolerant=tolerant)
TRIALS.mutants("distinct", as_a_set=lambda s, e: torch.histogram(s.unique(), e).hist / len(s.unique()))
