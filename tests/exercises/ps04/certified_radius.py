"""Versions of ``certified_radius`` that students write."""

import math

import numpy as np
import torch

from ..registry import Trials


def margin(z, y):
    label = z.gather(1, y[:, None])[:, 0]
    others = z.scatter(1, y[:, None], -math.inf).max(1).values
    return label - others


def right(z, y, K):
    return margin(z, y).clamp_min(0) / (math.sqrt(2) * K)


def loop(z, y, K):
    radii = []
    for row, k in zip(z.tolist(), y.tolist(), strict=True):
        rival = max(value for j, value in enumerate(row) if j != k)
        radii.append(max(row[k] - rival, 0) / (2**0.5 * K))
    return radii


def top_two(z, y, K):
    best = z.topk(2, 1)
    gap = best.values[:, 0] - best.values[:, 1]
    return torch.where(best.indices[:, 0] == y, gap, torch.zeros_like(gap)) / (math.sqrt(2) * K)


def every_rival(z, y, K):
    gaps = z[torch.arange(len(z)), y][:, None] - z
    hot = torch.nn.functional.one_hot(y, z.shape[1]).bool()
    return gaps.masked_fill(hot, math.inf).min(1).values.relu() / (math.sqrt(2) * K)


def label(z, y):
    return z[torch.arange(len(z)), y]


def rivals(z, y):
    return torch.stack([torch.cat([row[:k], row[k + 1 :]]) for row, k in zip(z, y.tolist(), strict=True)])


def in_place(z, y, K):
    own = label(z, y).clone()
    z[torch.arange(len(z)), y] = -math.inf
    return (own - z.max(1).values).clamp_min(0) / (math.sqrt(2) * K)


def gap(z):
    best = z.topk(2, 1).values
    return best[:, 0] - best[:, 1]


ROOT = math.sqrt(2)
TRIALS = Trials("ps04.certified_radius")
TRIALS.mutants("no-root", no_root=lambda z, y, K: margin(z, y).relu() / K, unclamped=lambda z, y, K: margin(z, y) / K)
TRIALS.mutants("two", two=lambda z, y, K: margin(z, y).relu() / (2 * K))
TRIALS.mutants(
    "times",
    times=lambda z, y, K: margin(z, y).relu() * ROOT * K,
    precedence=lambda z, y, K: margin(z, y).relu() / ROOT * K,
    root_above=lambda z, y, K: ROOT * margin(z, y).relu() / K,
)
TRIALS.mutants("root-of-all", root_of_all=lambda z, y, K: margin(z, y).relu() / math.sqrt(2 * K))
TRIALS.mutants(
    "wrong-rival",
    smallest=lambda z, y, K: (label(z, y) - rivals(z, y).min(1).values).relu() / (ROOT * K),
    mean=lambda z, y, K: (label(z, y) - rivals(z, y).mean(1)).relu() / (ROOT * K),
)
TRIALS.mutants("label-in-the-maximum", own=lambda z, y, K: (label(z, y) - z.max(1).values).relu() / (ROOT * K))
TRIALS.mutants(
    "no-margin", logit=lambda z, y, K: label(z, y) / (ROOT * K), best=lambda z, y, K: z.max(1).values / (ROOT * K)
)
TRIALS.mutants("probabilities", softmax=lambda z, y, K: right(z.softmax(1), y, K))
TRIALS.mutants("reduced", mean=lambda z, y, K: right(z, y, K).mean(), worst=lambda z, y, K: right(z, y, K).min())
TRIALS.mutants("ignores-label", gap=lambda z, y, K: gap(z) / (ROOT * K))
TRIALS.mutants(
    "negative",
    negative=lambda z, y, K: margin(z, y) / (ROOT * K),
    absolute=lambda z, y, K: margin(z, y).abs() / (ROOT * K),
)
TRIALS.mutants("not-a-number", nan=lambda z, y, K: torch.where(margin(z, y) > 0, right(z, y, K), math.nan))
TRIALS.mutants("mutates-input", in_place=in_place)


def filled(value):
    def radii(z, y, K):
        others = z.clone()
        others[torch.arange(len(z)), y] = value
        return (label(z, y) - others.amax(1)).relu() / (ROOT * K)

    return radii


TRIALS.mutants("a-number-for-infinity", zero=filled(0.0), hundred=filled(-100.0), billion=filled(-1e9))
TRIALS.alternatives(
    right=right,
    loop=loop,
    top_two=top_two,
    every_rival=every_rival,
    numpy=lambda z, y, K: np.maximum(margin(z, y).numpy(), 0) / (np.sqrt(2) * K),
    joined=lambda z, y, K: (label(z, y) - rivals(z, y).max(1).values).clamp(min=0) / (ROOT * K),
    rearranged=lambda z, y, K: margin(z, y).relu() * ROOT / (2 * K),
)
TRIALS.mutants("single-precision", single=lambda z, y, K: right(z.float(), y, K))
