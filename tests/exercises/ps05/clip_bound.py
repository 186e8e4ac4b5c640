"""Versions of ``clip_bound`` that students write."""

import math
from itertools import pairwise

import numpy as np
import torch

from ..registry import Trials


def right(widths, c):
    return math.prod(c * math.sqrt(a * b) for a, b in pairwise(widths))


def product(factor):
    return lambda widths, c: math.prod(factor(a, b, c) for a, b in pairwise(widths))


def by_formula(widths, c):
    return c ** (len(widths) - 1) * math.sqrt(widths[0] * widths[-1]) * math.prod(widths[1:-1])


def loop(widths, c):
    bound = torch.tensor(1.0, dtype=torch.float64)
    for i in range(1, len(widths)):
        bound = bound * torch.linalg.matrix_norm(torch.full((widths[i], widths[i - 1]), c, dtype=torch.float64))
    return bound


def by_logarithms(widths, c):
    n = np.array(widths, dtype=float)
    return float(np.exp(np.sum(np.log(c) + 0.5 * np.log(n[:-1] * n[1:]))))


def by_chain(widths, c):
    """The slope of the critic of all c's along the diagonal."""
    x = torch.ones(widths[0], dtype=torch.float64)
    for n in widths[1:]:
        x = c * x.sum() * torch.ones(n, dtype=torch.float64)
    return x.norm() / math.sqrt(widths[0])


def by_popping(widths, c):
    bound = 1.0
    while len(widths) > 1:
        n = widths.pop(0)
        bound *= c * (n * widths[0]) ** 0.5
    return bound


TRIALS = Trials("ps05.clip_bound")
TRIALS.mutants("no-root", no_root=product(lambda a, b, c: c * a * b))
TRIALS.mutants("inputs-only", inputs=product(lambda a, b, c: c * math.sqrt(a)), entries=product(lambda a, b, c: c * a))
TRIALS.mutants("sum", sum=lambda w, c: sum(c * math.sqrt(a * b) for a, b in pairwise(w)))
TRIALS.mutants("c-once", c_once=lambda w, c: right(w, 1.0) * c)
TRIALS.mutants("last-missing", last_missing=lambda w, c: right(w[:-1], c), power=lambda w, c: right(w, c) / c)
TRIALS.mutants("one-too-many", one_too_many=lambda w, c: c ** len(w) * right(w, 1.0))
TRIALS.mutants("biases", biases=product(lambda a, b, c: c * math.sqrt((a + 1) * b)))
TRIALS.mutants("largest", largest=lambda w, c: max(c * math.sqrt(a * b) for a, b in pairwise(w)))
TRIALS.mutants("random", random=product(lambda a, b, c: c * (math.sqrt(a) + math.sqrt(b))))
TRIALS.mutants("added-widths", added=product(lambda a, b, c: c * math.sqrt(a + b)))
TRIALS.mutants("widths-once", widths_once=lambda w, c: c ** (len(w) - 1) * math.sqrt(math.prod(w)))
TRIALS.mutants("rounded", rounded=lambda w, c: round(right(w, c), 2), whole=lambda w, c: round(right(w, c)))
TRIALS.mutants("per-layer", per_layer=lambda w, c: [c * math.sqrt(a * b) for a, b in pairwise(w)])
TRIALS.mutants("mutates-input", by_popping=by_popping)
TRIALS.alternatives(right=right, by_formula=by_formula, loop=loop, by_logarithms=by_logarithms, by_chain=by_chain)


def ten_places(widths, c):
    return round(math.prod(c * math.sqrt(a * b) for a, b in pairwise(widths)), 10)


TRIALS.mutants("generic:direction", ten_places=ten_places)
TRIALS.mutants(
    "generic:infinite",
    single_precision=lambda w, c: (c * (torch.tensor(w[:-1]).float() * torch.tensor(w[1:]).float()).sqrt()).prod(),
)
