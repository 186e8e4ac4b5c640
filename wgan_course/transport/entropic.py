"""Entropic transport: Sinkhorn's algorithm in the log domain, and the divergence made of it."""

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from ._checks import check_cost, check_count, check_pair, check_positive, check_weights, distances, wide

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class SinkhornResult:
    r"""Answer of Sinkhorn's algorithm.

    Attributes
    ----------
    coupling : Tensor, shape (n, m)
        :math:`\pi_{ij}=a_ib_j\exp((\varphi_i+\psi_j-c_{ij})/\varepsilon)`, positive wherever the weights are.
    value : Tensor, shape ()
        :math:`\langle\pi,c\rangle+\varepsilon\operatorname{KL}(\pi\|a\otimes b)`; its gradient with respect to the cost
        is the coupling.
    transport_cost : Tensor, shape ()
        :math:`\langle\pi,c\rangle` alone; at least the exact value, up to the error of the marginal.
    phi, psi : Tensor, shapes (n,) and (m,)
        Potentials on rows and columns.
    iterations : int
        Rounds that were made.
    error : float
        Sum of the absolute errors of the row marginal.
    """

    coupling: Tensor
    value: Tensor
    transport_cost: Tensor
    phi: Tensor
    psi: Tensor
    iterations: int
    error: float


def sinkhorn(
    cost: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    regularisation: float = 0.05,
    iterations: int = 2000,
    tolerance: float = 1e-7,
) -> SinkhornResult:
    r"""Transport with an entropy term, by Sinkhorn's algorithm in the log domain and in float64.

    .. math:: \min_{\pi\in\Pi(a,b)}\langle\pi,c\rangle+\varepsilon\operatorname{KL}(\pi\|a\otimes b)

    The smaller :math:`\varepsilon` against the cost, the more rounds; a warning is logged if they do not suffice.
    Chapter 2; Cuturi, "Sinkhorn distances: lightspeed computation of optimal transport", 2013; Peyré and Cuturi, 2019,
    chapter 4.

    Parameters
    ----------
    cost : Tensor, shape (n, m)
    a, b : Tensor, shapes (n,) and (m,), optional
        Weights of sum 1; uniform by default.
    regularisation : float
        :math:`\varepsilon>0`, in the unit of the cost.
    tolerance : float
        Error of the row marginal at which to stop.
    """
    cost = check_cost(cost)
    c = wide(cost)
    a, b = (check_weights(k, w, n, c) for k, w, n in (("a", a, cost.shape[0]), ("b", b, cost.shape[1])))
    _check_options(c, regularisation, iterations, tolerance)
    phi, psi, rounds = _iterate(c.detach(), a.detach(), b.detach(), regularisation, iterations, tolerance)
    coupling = _coupling(c.detach(), a, b, phi, psi, regularisation)
    error = float((coupling.sum(1) - a).detach().abs().sum())
    _warn(error, tolerance, rounds)
    value = a @ phi + b @ psi + (coupling * (c - c.detach())).sum()
    parts = (part.to(cost.dtype) for part in (coupling, value, (coupling * c).sum(), phi, psi))
    return SinkhornResult(*parts, iterations=rounds, error=error)


def _check_options(cost: Tensor, regularisation: float, iterations: int, tolerance: float) -> None:
    check_positive("regularisation", regularisation)
    check_positive("tolerance", tolerance)
    check_count("iterations", iterations)
    least = float(cost.detach().abs().max()) * torch.finfo(cost.dtype).eps
    if regularisation < least:
        raise ValueError(f"regularisation must be at least {least:.1e} for this cost, got {regularisation}")


def _warn(error: float, tolerance: float, rounds: int) -> None:
    if not error <= tolerance:
        _LOG.warning("Sinkhorn's marginal is off by %.1e after %d rounds; raise iterations", error, rounds)


@torch.no_grad()
def _iterate(cost: Tensor, a: Tensor, b: Tensor, eps: float, most: int, tolerance: float) -> tuple[Tensor, Tensor, int]:
    """Alternate the two soft c-transforms; the columns' marginal is exact after each round."""
    log_a, log_b = a.log(), b.log()
    psi = _soft_transform(cost.T, torch.zeros_like(a), log_a, eps)
    phi = torch.zeros_like(a)
    for step in range(1, most + 1):
        update = _soft_transform(cost, psi, log_b, eps)
        psi = _soft_transform(cost.T, update, log_a, eps)
        error = _marginal_error(a, (phi - update) / eps)
        phi = update
        if step > 1 and error < tolerance / 2:
            return phi, psi, step
    return phi, psi, most


def _soft_transform(cost: Tensor, psi: Tensor, log_b: Tensor, eps: float) -> Tensor:
    return -eps * torch.logsumexp(log_b + (psi - cost) / eps, 1)


def _marginal_error(a: Tensor, fall: Tensor) -> float:
    """Error of a row marginal a exp(fall); an atom without mass has none, however far its potential moves."""
    return float((a * torch.where(a > 0, fall, 0.0).expm1().abs()).sum())


def _coupling(cost: Tensor, a: Tensor, b: Tensor, phi: Tensor, psi: Tensor, eps: float) -> Tensor:
    """Plan of two potentials; where there is no mass the exponential may be infinite, and the plan is zero."""
    mass = a[:, None] * b
    return mass * torch.where(mass > 0, (phi[:, None] + psi - cost) / eps, 0.0).exp()


def sinkhorn_divergence(
    x: Tensor,
    y: Tensor,
    regularisation: float = 0.05,
    x_weights: Tensor | None = None,
    y_weights: Tensor | None = None,
    iterations: int = 2000,
    tolerance: float = 1e-6,
) -> Tensor:
    r"""Entropic transport without its bias: zero exactly where the distributions agree; differentiable in the points.

    .. math:: S_\varepsilon(P,Q)=W_\varepsilon(P,Q)-\tfrac12W_\varepsilon(P,P)-\tfrac12W_\varepsilon(Q,Q)

    It tends to :math:`W_1` as :math:`\varepsilon\to0`. Non-negative, up to the tolerance. Compared with the exact
    distance in chapter 2; Feydy et al., "Interpolating between optimal transport and MMD using Sinkhorn divergences",
    2019.

    Parameters
    ----------
    x, y : Tensor, shapes (n, d) and (m, d)
    x_weights, y_weights : Tensor, shapes (n,) and (m,), optional
        Of sum 1; uniform by default.
    regularisation, iterations, tolerance
        As for `sinkhorn`, in the unit of the distance.
    """
    x, y = check_pair(x, y)
    options = (regularisation, iterations, tolerance)
    across = sinkhorn(wide(distances(x, y)), x_weights, y_weights, *options).value
    own = _own_value(x, "x_weights", x_weights, *options) + _own_value(y, "y_weights", y_weights, *options)
    return (across - own / 2).to(x.dtype)


def _own_value(x: Tensor, name: str, weights: Tensor | None, eps: float, most: int, tolerance: float) -> Tensor:
    """Entropic transport of a distribution to itself: one potential serves both sides, and averaging is fast."""
    cost = wide(distances(x, x))
    a = check_weights(name, weights, len(x), cost)
    phi = _own_potential(cost.detach(), a.detach(), eps, most, tolerance)
    coupling = _coupling(cost.detach(), a, a, phi, phi, eps)
    return 2 * a @ phi + (coupling * (cost - cost.detach())).sum()


@torch.no_grad()
def _own_potential(cost: Tensor, a: Tensor, eps: float, most: int, tolerance: float) -> Tensor:
    phi, error = torch.zeros_like(a), float("inf")
    for _ in range(most):
        update = _soft_transform(cost, phi, a.log(), eps)
        error = _marginal_error(a, (phi - update) / eps)
        phi = (phi + update) / 2
        if error < tolerance:
            break
    _warn(error, tolerance, most)
    return phi
