"""Versions of ``critical_weight`` that students write."""

import math

import numpy as np
import torch

from ..registry import Trials


def right(J):
    return 2 * (-J[0, 1] * J[1, 0]).sqrt() + J[1, 1]


def by_math(J):
    a, b, d = -float(J[0, 1]), float(J[1, 0]), -float(J[1, 1])
    return 2 * math.sqrt(a * b) - d


def by_bisection(J):
    low, high = 0.0, 100.0
    for _ in range(100):
        middle = (low + high) / 2
        damped = J - torch.tensor([[0.0, 0.0], [0.0, middle]])
        turning = damped.trace() ** 2 < 4 * torch.linalg.det(damped)
        low, high = (middle, high) if turning else (low, middle)
    return low


def by_numpy(J):
    J = J.numpy()
    return np.array([2 * np.sqrt(np.linalg.det(J)) + np.trace(J)])


def by_roots(J):
    # (T - g)^2 = 4 (det - g J00) with J00 = 0
    T, D = float(J.trace()), float(torch.linalg.det(J))
    return float(max(np.roots([1.0, -2 * T, T * T - 4 * D]).real))


def of(formula):
    return lambda J: formula(-float(J[0, 1]), float(J[1, 0]), -float(J[1, 1]))


def in_place(J):
    J[0, 1] *= -1
    return 2 * (J[0, 1] * J[1, 0]).sqrt() + J[1, 1]


TRIALS = Trials("ps09.critical_weight")
TRIALS.mutants("half", omega=of(lambda a, b, d: math.sqrt(a * b)), less=of(lambda a, b, d: math.sqrt(a * b) - d))
TRIALS.mutants("not-rooted", square=of(lambda a, b, d: 4 * a * b))
TRIALS.mutants("arithmetic-mean", mean=of(lambda a, b, d: a + b - d))
TRIALS.mutants("one-entry", first=of(lambda a, b, d: 2 * a - d), second=of(lambda a, b, d: 2 * b - d))
TRIALS.mutants("own-damping-ignored", ignored=of(lambda a, b, d: 2 * math.sqrt(a * b)))
TRIALS.mutants("own-damping-added", added=lambda J: 2 * (-J[0, 1] * J[1, 0]).sqrt() - J[1, 1])
TRIALS.mutants(
    "own-damping-factor",
    twice=of(lambda a, b, d: 2 * math.sqrt(a * b) - 2 * d),
    discriminant=of(lambda a, b, d: math.sqrt(4 * a * b - d * d)),
)
TRIALS.mutants("always-one", one=lambda J: 1.0)
TRIALS.mutants("rate-not-weight", rate=of(lambda a, b, d: -math.sqrt(a * b)))
TRIALS.mutants("negative", negative=of(lambda a, b, d: -2 * math.sqrt(a * b) - d))
TRIALS.mutants("no-real-root", nan=lambda J: 2 * (J[0, 1] * J[1, 0]).sqrt() + J[1, 1])
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(right=right, by_math=by_math, by_bisection=by_bisection, by_numpy=by_numpy, by_roots=by_roots)


def at_least_a_millionth(J):
    return 2 * torch.sqrt(-J[0, 1] * J[1, 0].clamp(min=1e-6)) + J[1, 1]


TRIALS.mutants("generic:direction", at_least_a_millionth=at_least_a_millionth)
