"""Versions of ``largest_step`` that students write."""

import cmath
import math

import numpy as np
import torch

from ..registry import Trials


def right(weight, alternating):
    if alternating:
        return 4 * (math.sqrt(weight**2 + 1) - weight)
    return 4 * weight if weight <= 1 else 4 * (weight - math.sqrt(weight**2 - 1))


def radius(weight, h, alternating):
    G = np.array([[1, -h / 2], [0, 1]])
    C = np.array([[1, 0], [h / 2, 1 - h * weight]])
    return abs(np.linalg.eigvals(G @ C if alternating else G + C - np.eye(2))).max()


def by_bisection(weight, alternating):
    low, high = 1e-4, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if radius(weight, middle, alternating) < 1 else (low, middle)
    return torch.tensor(low)


def by_eigenvalues(weight, alternating):
    if alternating:
        return 4 / (weight + (weight * weight + 1) ** 0.5)
    root = cmath.sqrt(weight**2 / 4 - 0.25)
    return min(-2 * mu.real / abs(mu) ** 2 for mu in (-weight / 2 + root, -weight / 2 - root))


def by_roots(weight, alternating):
    if alternating:
        return float(np.roots([1, 8 * weight, -16]).max())
    candidates = [4 * weight, *(z.real for z in np.roots([1, -8 * weight, 16]) if abs(z.imag) < 1e-9)]
    return min(candidates)


def by_scanning(weight, alternating):
    """March in steps until it fails, then with finer ones."""
    h = 0.0
    for step in (0.1, 1e-2, 1e-3, 1e-4, 1e-5):
        while radius(weight, h + step, alternating) < 1:
            h += step
    return h


def simultaneous(formula):
    return lambda w, alt: right(w, True) if alt else formula(w)


def alternate(formula):
    return lambda w, alt: formula(w) if alt else right(w, False)


def wasserstein(weight, alternating):
    if alternating:
        return math.sqrt(weight**2 + 4) - weight
    return weight if weight <= 2 else weight - math.sqrt(weight**2 - 4)


def no_guard(weight, alternating):
    if alternating:
        return 4 * (math.sqrt(weight**2 + 1) - weight)
    return 4 * (weight - math.sqrt(weight**2 - 1))


TRIALS = Trials("ps09.largest_step")
TRIALS.mutants("complex-formula-everywhere", everywhere=lambda w, alt: 4 * w, sim=simultaneous(lambda w: 4 * w))
TRIALS.mutants(
    "slow-eigenvalue", slow=simultaneous(lambda w: 4 * w if w <= 1 else 2 / (w / 2 - math.sqrt(w * w / 4 - 0.25)))
)
TRIALS.mutants("always-simultaneous", sim_only=lambda w, alt: right(w, False))
TRIALS.mutants("always-alternating", alt_only=lambda w, alt: right(w, True))
TRIALS.mutants("swapped-ways", swapped=lambda w, alt: right(w, not alt))
TRIALS.mutants("critic-alone", critic=lambda w, alt: 2 / w, critic_alt=alternate(lambda w: 2 / w))
TRIALS.mutants("wasserstein", wasserstein=wasserstein)
TRIALS.mutants("half", half=lambda w, alt: right(w, alt) / 2)
TRIALS.mutants("fast-formula-everywhere", fast=simultaneous(lambda w: 4 * (w - math.sqrt(abs(w * w - 1)))))
TRIALS.mutants("flow", flow=lambda w, alt: math.inf)
TRIALS.mutants("other-root", minus=alternate(lambda w: float(np.roots([1, 8 * w, -16]).min())))
TRIALS.mutants(
    "no-root",
    error=no_guard,
    power=lambda w, alt: right(w, True) if alt else 4 * (w - (w**2 - 1) ** 0.5),
    nan=lambda w, alt: right(w, True) if alt else 4 * (w - (torch.tensor(w) ** 2 - 1).sqrt()),
)
TRIALS.alternatives(
    right=right, by_bisection=by_bisection, by_eigenvalues=by_eigenvalues, by_roots=by_roots, by_scanning=by_scanning
)
TRIALS.mutants("generic:direction", at_least=lambda weight, alternating: max(0.2, right(weight, alternating)))
