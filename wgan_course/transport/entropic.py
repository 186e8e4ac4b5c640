"""Entropic transport: Sinkhorn's iteration in the logarithmic domain, and the divergence made of it."""

import torch
from torch import Tensor

from . import _checks
from .programme import TransportSolution, cost_matrix


def sinkhorn(
    cost: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    regularisation: float = 0.1,
    steps: int = 1000,
    tolerance: float = 1e-9,
) -> TransportSolution:
    r"""Transport with an entropy, by rescaling rows and columns in turn.

    .. math:: \min_{\pi\in\Pi(a,b)}\langle c,\pi\rangle+\epsilon\operatorname{KL}(\pi\|a\otimes b)

    Works with logarithms, so a small :math:`\epsilon` does not underflow. Discussed in chapter 2.

    Parameters
    ----------
    cost : Tensor, shape (n, m)
        Costs of moving one unit.
    a : Tensor, shape (n,), optional
        Masses of the sources, uniform by default.
    b : Tensor, shape (m,), optional
        Masses of the targets, uniform by default.
    regularisation : float
        The weight ε of the entropy, in the unit of the cost.
    steps : int
        At most so many rounds of a row and a column rescaling.
    tolerance : float
        Stop when the row sums are as near as this to `a`, in total variation.

    Returns
    -------
    TransportSolution
        Blurred plan, the regularised value and the potentials; differentiable in the cost.

    Raises
    ------
    ValueError
        If the cost or masses are unfit, ε is not positive, or there are no steps.

    References
    ----------
    Cuturi, Sinkhorn distances, 2013.
    """
    cost = _checks.cost(cost)
    if not regularisation > 0 or steps < 1:
        raise ValueError(f"regularisation and steps must be positive, got {regularisation} and {steps}")
    a = _checks.weights(a, cost.shape[0], cost, "a")
    b = _checks.weights(b, cost.shape[1], cost, "b")
    phi, psi = _iterate(cost, a, b, regularisation, steps, tolerance)
    coupling = a[:, None] * b * ((phi[:, None] + psi - cost) / regularisation).exp()
    value = _inner(a, phi) + _inner(b, psi) + regularisation * (1 - coupling.sum())
    return TransportSolution(coupling, value, phi, psi)


def sinkhorn_divergence(
    x: Tensor,
    y: Tensor,
    regularisation: float = 0.1,
    x_weights: Tensor | None = None,
    y_weights: Tensor | None = None,
    steps: int = 1000,
) -> Tensor:
    r"""Entropic transport cost without its bias towards itself.

    .. math:: S_\epsilon(P,Q)=\mathrm{OT}_\epsilon(P,Q)
        -\tfrac12\mathrm{OT}_\epsilon(P,P)-\tfrac12\mathrm{OT}_\epsilon(Q,Q)

    Zero for equal clouds, and near :math:`W_1` for small ε; discussed in chapter 2.

    Parameters
    ----------
    x : Tensor, shape (n, ...)
        First cloud.
    y : Tensor, shape (m, ...)
        Second cloud.
    regularisation : float
        The weight ε, in the unit of the points.
    x_weights : Tensor, shape (n,), optional
        Probabilities of the points; uniform by default.
    y_weights : Tensor, shape (m,), optional
        Probabilities of the points; uniform by default.
    steps : int
        At most so many rounds of rescaling.

    Returns
    -------
    Tensor, shape ()
        Differentiable in the points.

    Raises
    ------
    ValueError
        As `cost_matrix` and `sinkhorn`.

    References
    ----------
    Peyré and Cuturi, Computational Optimal Transport, 2019, section 4.4.
    """
    pairs = (
        (x, y, x_weights, y_weights, 1.0),
        (x, x, x_weights, x_weights, -0.5),
        (y, y, y_weights, y_weights, -0.5),
    )
    terms = [sign * sinkhorn(cost_matrix(u, v), a, b, regularisation, steps).value for u, v, a, b, sign in pairs]
    return torch.stack(terms).sum()


def _iterate(cost: Tensor, a: Tensor, b: Tensor, epsilon: float, steps: int, tolerance: float) -> tuple[Tensor, Tensor]:
    log_a, log_b = a.log(), b.log()
    phi, psi = torch.zeros_like(a), torch.zeros_like(b)
    for _ in range(steps):
        phi = -epsilon * ((psi - cost) / epsilon + log_b).logsumexp(1)
        psi = -epsilon * ((phi[:, None] - cost) / epsilon + log_a[:, None]).logsumexp(0)
        rows = (((phi[:, None] + psi - cost) / epsilon + log_b).logsumexp(1).exp() - 1).abs()
        if float(_inner(a, rows)) < tolerance:
            break
    return phi, psi


def _inner(mass: Tensor, values: Tensor) -> Tensor:
    return torch.where(mass > 0, mass * values, 0.0).sum()
