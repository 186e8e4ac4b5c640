"""Entropic transport: Sinkhorn's algorithm in the log domain, and the divergence made of it."""

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from ._checks import check_cost, check_positive, check_weights
from .programme import cost_matrix

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class SinkhornResult:
    r"""Answer of Sinkhorn's algorithm.

    Attributes
    ----------
    coupling : Tensor, shape (n, m)
        :math:`\pi_{ij}=a_ib_j\exp((\varphi_i+\psi_j-c_{ij})/\varepsilon)`, positive everywhere.
    value : Tensor, shape ()
        :math:`\langle\pi,c\rangle+\varepsilon\operatorname{KL}(\pi\|a\otimes b)`; its gradient with respect to the cost
        is the coupling.
    transport_cost : Tensor, shape ()
        :math:`\langle\pi,c\rangle` alone; at least the exact value, up to the error of the marginal.
    phi : Tensor, shape (n,)
        Potential on the rows.
    psi : Tensor, shape (m,)
        Potential on the columns.
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
    r"""Transport with an entropy term, by Sinkhorn's algorithm in the log domain.

    .. math:: \min_{\pi\in\Pi(a,b)}\langle\pi,c\rangle+\varepsilon\operatorname{KL}(\pi\|a\otimes b)

    Compared with the exact programme in chapter 2. The smaller :math:`\varepsilon` against the cost, the more rounds.

    Parameters
    ----------
    cost : Tensor, shape (n, m)
        The cost.
    a : Tensor, shape (n,), optional
        Weights of the rows, of sum 1; uniform by default.
    b : Tensor, shape (m,), optional
        Weights of the columns.
    regularisation : float
        :math:`\varepsilon>0`, in the unit of the cost.
    iterations : int
        Most rounds; a warning is logged if they do not suffice.
    tolerance : float
        Error of the row marginal at which to stop.

    Returns
    -------
    SinkhornResult
        Coupling, values and potentials.

    Raises
    ------
    TypeError
        If the cost is no floating-point tensor.
    ValueError
        If the cost is empty, not finite or no matrix, weights are negative or do not sum to 1, or a number is not
        positive.

    References
    ----------
    Cuturi, "Sinkhorn distances: lightspeed computation of optimal transport", 2013. Peyré and Cuturi, 2019, chapter 4.
    """
    check_cost(cost)
    for name, number in (("regularisation", regularisation), ("iterations", iterations), ("tolerance", tolerance)):
        check_positive(name, number)
    a, b = (check_weights(k, w, n, cost) for k, w, n in (("a", a, cost.shape[0]), ("b", b, cost.shape[1])))
    phi, psi, rounds = _iterate(cost.detach(), a, b, regularisation, iterations, tolerance)
    coupling = _coupling(cost.detach(), a, b, phi, psi, regularisation)
    error = float((coupling.sum(1) - a).abs().sum())
    if error > tolerance:
        _LOG.warning("Sinkhorn's marginal is off by %.1e after %d rounds; raise iterations", error, rounds)
    dual = a @ phi + b @ psi
    value = dual + (coupling * (cost - cost.detach())).sum()
    return SinkhornResult(coupling, value, (coupling * cost).sum(), phi, psi, rounds, error)


@torch.no_grad()
def _iterate(cost: Tensor, a: Tensor, b: Tensor, eps: float, most: int, tolerance: float) -> tuple[Tensor, Tensor, int]:
    """Alternate the two soft c-transforms; the columns' marginal is exact after each round."""
    log_a, log_b = a.log(), b.log()
    psi = _soft_transform(cost.T, torch.zeros_like(a), log_a, eps)
    phi = torch.zeros_like(a)
    for step in range(1, most + 1):
        update = _soft_transform(cost, psi, log_b, eps)
        psi = _soft_transform(cost.T, update, log_a, eps)
        # the row marginal of the next coupling is a times exp((phi - next phi) / eps)
        error = (a * torch.expm1((phi - update) / eps).abs()).sum()
        phi = update
        if step > 1 and bool(error < tolerance / 2):
            return phi, psi, step
    return phi, psi, most


def _soft_transform(cost: Tensor, psi: Tensor, log_b: Tensor, eps: float) -> Tensor:
    return -eps * torch.logsumexp(log_b + (psi - cost) / eps, 1)


def _coupling(cost: Tensor, a: Tensor, b: Tensor, phi: Tensor, psi: Tensor, eps: float) -> Tensor:
    return a[:, None] * b * torch.exp((phi[:, None] + psi - cost) / eps)


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

    It tends to :math:`W_1` as :math:`\varepsilon\to0`. Compared with the exact distance in chapter 2.

    Parameters
    ----------
    x : Tensor, shape (n, d)
        Points of P.
    y : Tensor, shape (m, d)
        Points of Q.
    regularisation : float
        :math:`\varepsilon`, in the unit of the distance.
    x_weights : Tensor, shape (n,), optional
        Of sum 1; uniform by default.
    y_weights : Tensor, shape (m,), optional
        Likewise.
    iterations : int
        As for `sinkhorn`.
    tolerance : float
        As for `sinkhorn`.

    Returns
    -------
    Tensor, shape ()
        Non-negative, up to the tolerance.

    Raises
    ------
    TypeError
        If the points are no floating-point tensors.
    ValueError
        As `cost_matrix` and `sinkhorn`.

    References
    ----------
    Feydy et al., "Interpolating between optimal transport and MMD using Sinkhorn divergences", 2019.
    """

    options = (regularisation, iterations, tolerance)
    across = sinkhorn(cost_matrix(x, y), x_weights, y_weights, *options).value
    return across - (_own_value(x, x_weights, *options) + _own_value(y, y_weights, *options)) / 2


def _own_value(x: Tensor, weights: Tensor | None, eps: float, most: int, tolerance: float) -> Tensor:
    """Entropic transport of a distribution to itself: one potential serves both sides, and averaging is fast."""
    cost = cost_matrix(x, x)
    a = check_weights("weights", weights, len(x), cost)
    phi = _own_potential(cost.detach(), a, eps, most, tolerance)
    coupling = _coupling(cost.detach(), a, a, phi, phi, eps)
    return 2 * a @ phi + (coupling * (cost - cost.detach())).sum()


@torch.no_grad()
def _own_potential(cost: Tensor, a: Tensor, eps: float, most: int, tolerance: float) -> Tensor:
    phi = torch.zeros_like(a)
    for _ in range(most):
        update = _soft_transform(cost, phi, a.log(), eps)
        error = (a * torch.expm1((phi - update) / eps).abs()).sum()
        phi = (phi + update) / 2
        if bool(error < tolerance):
            break
    return phi
