"""Versions of ``spectral_radius`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def right(M):
    return torch.linalg.eigvals(M).abs().max()


def by_numpy(M):
    return max(abs(z) for z in np.linalg.eigvals(M.numpy()))


def by_polynomial(M):
    return float(np.abs(np.roots(np.poly(M.numpy()))).max())


def by_eig(M):
    values, _ = torch.linalg.eig(M)
    return (values.real**2 + values.imag**2).sqrt().amax().float()


def by_powers(M):
    """Gelfand: the norm of a high power, rooted; squared again and again, and scaled so that nothing overflows."""
    P, log = M.clone(), 0.0
    for _ in range(40):
        size = torch.linalg.matrix_norm(P)
        if size == 0:  # nilpotent
            return size
        P, log = P / size, log + torch.log(size)
        P, log = P @ P, 2 * log
    return torch.exp((log + torch.log(torch.linalg.matrix_norm(P))) / 2**40)


def of(pick):
    return lambda M: pick(torch.linalg.eigvals(M))


def in_place(M):
    value = right(M)
    M /= value
    return value


def power_iteration(M):
    x = torch.ones(len(M), dtype=M.dtype)
    for _ in range(500):
        x = M @ x
        x = x / x.norm()
    return (x @ (M @ x)).abs()


TRIALS = Trials("ps09.spectral_radius")
TRIALS.mutants("no-largest", power_iteration=power_iteration)
TRIALS.mutants("spectral-norm", norm=lambda M: torch.linalg.matrix_norm(M, 2), svd=lambda M: torch.linalg.svdvals(M)[0])
TRIALS.mutants("other-norm", frobenius=lambda M: M.norm())
TRIALS.mutants("real-part", real=of(lambda mu: mu.real.max()))
TRIALS.mutants("size-of-real-part", size=of(lambda mu: mu.real.abs().max()))
TRIALS.mutants("signed", signed=of(lambda mu: mu[mu.real.argmax()].abs()))
TRIALS.mutants("imaginary-part", imaginary=of(lambda mu: mu.imag.abs().max()))
TRIALS.mutants("determinant", root=lambda M: torch.linalg.det(M).abs().sqrt())
TRIALS.mutants("smallest", smallest=of(lambda mu: mu.abs().min()))
TRIALS.mutants("summed", summed=of(lambda mu: mu.abs().sum()), mean=of(lambda mu: mu.abs().mean()))
TRIALS.mutants("symmetric-solver", eigvalsh=lambda M: torch.linalg.eigvalsh(M).abs().max())
TRIALS.mutants("squared", squared=of(lambda mu: (mu * mu.conj()).real.max()))
TRIALS.mutants("trace", trace=lambda M: M.trace())
TRIALS.mutants("two-by-two-only", corner=lambda M: right(M[:2, :2]))
TRIALS.mutants("generic:unusable", complex_number=of(lambda mu: mu[mu.abs().argmax()]))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:direction", at_least=lambda M: max(float(right(M)), 1e-3))
TRIALS.alternatives(right=right, by_numpy=by_numpy, by_polynomial=by_polynomial, by_eig=by_eig, by_powers=by_powers)


def by_squaring(M):
    logarithm, power = 0.0, M.clone()
    for doubled in range(40):
        size = torch.linalg.matrix_norm(power)
        power = power / size @ (power / size)
        logarithm = logarithm + size.log() / 2**doubled
    return logarithm.exp()


TRIALS.mutants("generic:nan", by_squaring=by_squaring)
