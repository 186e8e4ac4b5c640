"""Versions of ``eigenvalues`` that students write."""

import cmath
import math

import numpy as np
import torch

from ..registry import Trials


def right(J):
    mu = torch.linalg.eigvals(J)
    rows = torch.view_as_real(mu)
    return rows[sorted(range(2), key=lambda i: (-round(float(rows[i, 0]), 9), -float(rows[i, 1])))]


def quadratic(J):
    half, det = float(J.trace()) / 2, float(J[0, 0] * J[1, 1] - J[0, 1] * J[1, 0])
    root = cmath.sqrt(half**2 - det)
    return [[(half + root).real, (half + root).imag], [(half - root).real, (half - root).imag]]


def by_branches(J):
    T, D = J.trace(), torch.linalg.det(J)
    disc = T**2 - 4 * D
    size = disc.abs().sqrt() / 2
    zero = torch.zeros_like(T)
    if disc >= 0:
        return torch.stack([torch.stack([T / 2 + size, zero]), torch.stack([T / 2 - size, zero])])
    return torch.stack([torch.stack([T / 2, size]), torch.stack([T / 2, -size])])


def by_numpy(J):
    mu = np.roots(np.poly(J.numpy()))
    mu = sorted(mu, key=lambda z: (-round(z.real, 9), -z.imag))
    return np.array([[z.real, z.imag] for z in mu])


def by_float32(J):
    return torch.tensor(quadratic(J), dtype=torch.float32)


def roots(centre, square):
    def wrong(J):
        T, D = float(J.trace()), float(torch.linalg.det(J))
        root = cmath.sqrt(square(T, D))
        return [[(centre(T) + root).real, (centre(T) + root).imag], [(centre(T) - root).real, (centre(T) - root).imag]]

    return wrong


def ascending(J):
    return torch.tensor(quadratic(J)).flip(0)


def columns(J):
    return torch.tensor(quadratic(J)).T


def real_only(J):
    found = torch.tensor(quadratic(J))
    found[:, 1] = 0
    return found


def symmetric(J):
    mu = torch.linalg.eigvalsh(J).flip(0)
    return torch.stack([mu, torch.zeros(2)], dim=1)


def symmetric_part(J):
    return symmetric((J + J.T) / 2)


def polar(J):
    values = [complex(*row) for row in quadratic(J)]
    return [[abs(z), cmath.phase(z)] for z in values]


def real_roots(J):
    T, D = J.trace(), torch.linalg.det(J)
    root = (T**2 / 4 - D).sqrt()
    zero = torch.zeros(())
    return torch.stack([torch.stack([T / 2 + root, zero]), torch.stack([T / 2 - root, zero])])


def wrong_det(J):
    T, D = float(J.trace()), float(J[0, 0] * J[1, 1] + J[0, 1] * J[1, 0])
    root = cmath.sqrt(T * T / 4 - D)
    return [[(T / 2 + root).real, (T / 2 + root).imag], [(T / 2 - root).real, (T / 2 - root).imag]]


TRIALS = Trials("ps09.eigenvalues")
TRIALS.mutants("order", ascending=ascending, as_they_come=lambda J: torch.view_as_real(torch.linalg.eigvals(J)))
TRIALS.mutants("layout", columns=columns)
TRIALS.mutants("imaginary-dropped", real=real_only)
TRIALS.mutants("symmetric-solver", eigvalsh=symmetric)
TRIALS.mutants("symmetric-part", part=symmetric_part)
TRIALS.mutants(
    "trace-not-halved",
    whole=roots(lambda T: T, lambda T, D: T * T / 4 - D),
    unhalved=roots(lambda T: T, lambda T, D: T * T - 4 * D),
)
TRIALS.mutants("trace-sign", minus=roots(lambda T: -T / 2, lambda T, D: T * T / 4 - D))
TRIALS.mutants("discriminant-sign", plus=roots(lambda T: T / 2, lambda T, D: T * T / 4 + D))
TRIALS.mutants("determinant", det=wrong_det)
TRIALS.mutants("modulus-of-discriminant", modulus=roots(lambda T: T / 2, lambda T, D: abs(T * T / 4 - D)))
TRIALS.mutants("no-complex", real_roots=real_roots)
TRIALS.mutants("modulus-and-phase", polar=polar)
TRIALS.mutants("singular-values", svd=lambda J: torch.stack([torch.linalg.svdvals(J), torch.zeros(2)], dim=1))
TRIALS.mutants(
    "generic:error", by_math=lambda J: [[math.sqrt(float(J.trace() ** 2 / 4 - torch.linalg.det(J))), 0.0]] * 2
)
TRIALS.mutants("generic:unusable", complex_numbers=torch.linalg.eigvals)
TRIALS.mutants("absolute", sizes=lambda J: right(J).abs())
TRIALS.mutants("generic:factor", small_are_zero=lambda J: right(J) * (right(J).abs() > 1e-3))
TRIALS.alternatives(
    right=right,
    quadratic=quadratic,
    by_branches=by_branches,
    by_numpy=by_numpy,
    by_float32=by_float32,
    in_float32=lambda J: right(J.float()),
)


def zero_corner(J):
    J = J.clone()
    J[0, 0] = 0
    return quadratic(J)


TRIALS.mutants("zero-corner", zero_corner=zero_corner)
