"""The transport linear programme, its dual, and how to tell that a pair of answers is optimal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ._checks import check_cost, check_pair, check_weights
from .one_dimension import wasserstein_1d

if TYPE_CHECKING:  # torch does without NumPy until an array is asked for, and so does the import of this module
    import numpy as np

_MAX_PIVOTS = 10_000_000
_LP_TOLERANCE = 1e-10


@dataclass(frozen=True)
class TransportSolution:
    r"""An optimal coupling and optimal potentials: the answers to the primal and to the dual programme.

    Attributes
    ----------
    coupling : Tensor, shape (n, m)
        :math:`\pi\ge0` with the weights as its marginals, and at most n + m − 1 entries that are not 0.
    value : Tensor, shape ()
        :math:`\langle\pi,c\rangle`; its gradient with respect to the cost is the coupling.
    phi : Tensor, shape (n,)
        Potential on the rows.
    psi : Tensor, shape (m,)
        Potential on the columns; :math:`\varphi_i+\psi_j\le c_{ij}`.
    """

    coupling: Tensor
    value: Tensor
    phi: Tensor
    psi: Tensor


def cost_matrix(x: Tensor, y: Tensor, p: float = 2) -> Tensor:
    r"""Pairwise distances :math:`c_{ij}=\|x_i-y_j\|_p`; differentiable. Used from chapter 2 on.

    Parameters
    ----------
    x : Tensor, shape (n, d)
        Points.
    y : Tensor, shape (m, d)
        Points.
    p : float
        Order of the norm, at least 1, or ``float("inf")``.

    Returns
    -------
    Tensor, shape (n, m)
        The distances.

    Raises
    ------
    TypeError
        If the points are no floating-point tensors.
    ValueError
        If the points are empty, not finite, of wrong shape or different dimension, or p is below 1.
    """
    check_pair(x, y)
    if not p >= 1:
        raise ValueError(f"p must be at least 1, or the triangle inequality fails, got {p}")
    return torch.cdist(x, y, p=float(p), compute_mode="donot_use_mm_for_euclid_dist")


def solve(cost: Tensor, a: Tensor | None = None, b: Tensor | None = None, method: str = "emd") -> TransportSolution:
    r"""Solve the transport programme and its dual, exactly.

    .. math:: \min_{\pi\ge0,\ \pi1=a,\ \pi^\top1=b}\langle\pi,c\rangle
        =\max_{\varphi_i+\psi_j\le c_{ij}}\langle a,\varphi\rangle+\langle b,\psi\rangle

    Solved in float64 on the CPU. The potentials are conjugate (:math:`\varphi=\psi^c`, :math:`\psi=\varphi^c`), so they
    are feasible at atoms without mass as well. Derived in chapters 2 (``prop-sparse-plan``) and 3
    (``thm-strong-duality``).

    Parameters
    ----------
    cost : Tensor, shape (n, m)
        Any finite cost.
    a : Tensor, shape (n,), optional
        Weights of the rows, of sum 1; uniform by default.
    b : Tensor, shape (m,), optional
        Weights of the columns.
    method : {"emd", "highs"}
        POT's network simplex, or SciPy's HiGHS on the programme as it stands (slow: for checking).

    Returns
    -------
    TransportSolution
        Coupling, value and potentials, in the type and on the device of the cost.

    Raises
    ------
    TypeError
        If the cost is no floating-point tensor.
    ValueError
        If the cost is empty, not finite or no matrix, weights are negative or do not sum to 1, or the method is
        unknown.
    RuntimeError
        If the solver stops before the optimum.

    References
    ----------
    Bonneel et al., "Displacement interpolation using Lagrangian mass transport", 2011. Peyré and Cuturi,
    "Computational optimal transport", 2019, chapter 3.
    """
    check_cost(cost)
    if method not in _SOLVERS:
        raise ValueError(f"method must be one of {', '.join(_SOLVERS)}, got {method!r}")
    weights = [_mass(name, w, n, cost) for name, w, n in (("a", a, cost.shape[0]), ("b", b, cost.shape[1]))]
    c = cost.detach().cpu().double().numpy()
    coupling, phi = _SOLVERS[method](c, *weights)
    phi, psi = _conjugate_pair(phi, c, weights[0] > 0)
    coupling, phi, psi = (torch.from_numpy(v).to(cost) for v in (coupling, phi, psi))
    return TransportSolution(coupling, (coupling * cost).sum(), phi, psi)


def _mass(name: str, weights: Tensor | None, n: int, cost: Tensor) -> np.ndarray:
    """Check weights and return them as float64 of sum exactly one, as the solvers want it."""
    mass = check_weights(name, weights, n, cost.detach().double()).detach().cpu().numpy()
    if mass.ndim != 1:
        raise ValueError(f"{name} must be a vector, got shape {mass.shape}")
    return mass / mass.sum()


def _emd(cost: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import ot

    coupling, log = ot.emd(a, b, cost, numItermax=_MAX_PIVOTS, log=True)
    if log["warning"] is not None:
        raise RuntimeError(f"the network simplex stopped before the optimum: {log['warning']}")
    return coupling, log["u"]


def _highs(cost: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve with one equation left out, which the others imply."""
    import numpy as np
    from scipy import optimize, sparse

    n, m = cost.shape
    rows, columns = sparse.kron(sparse.eye(n), np.ones((1, m))), sparse.kron(np.ones((1, n)), sparse.eye(m))
    equations = sparse.vstack((rows, columns)).tocsr()[:-1]
    tight = dict.fromkeys(("primal_feasibility_tolerance", "dual_feasibility_tolerance"), _LP_TOLERANCE)
    right = np.concatenate((a, b))[:-1]
    answer = optimize.linprog(cost.ravel(), A_eq=equations, b_eq=right, method="highs-ds", options=tight)
    if answer.status != 0:
        raise RuntimeError(f"HiGHS stopped before the optimum: {answer.message}")
    return answer.x.reshape(n, m), answer.eqlin.marginals[:n]


_SOLVERS = {"emd": _emd, "highs": _highs}


def _conjugate_pair(phi: np.ndarray, cost: np.ndarray, charged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make potentials feasible everywhere from one on the charged rows; the dual value does not fall."""
    psi = (cost - phi[:, None])[charged].min(0)
    phi = (cost - psi).min(1)
    return phi, psi


def wasserstein(x: Tensor, y: Tensor, x_weights: Tensor | None = None, y_weights: Tensor | None = None) -> Tensor:
    r"""Exact :math:`W_1` between two weighted sets of points in any dimension; differentiable in the points.

    .. math:: W_1(P,Q)=\min_{\pi\in\Pi(P,Q)}\sum_{ij}\pi_{ij}\|x_i-y_j\|

    The gradient is that of the sum with the optimal coupling held fixed (envelope theorem). Defined in chapter 2.

    Parameters
    ----------
    x : Tensor, shape (n, d)
        Points of P.
    y : Tensor, shape (m, d)
        Points of Q.
    x_weights : Tensor, shape (n,), optional
        Of sum 1; uniform by default.
    y_weights : Tensor, shape (m,), optional
        Likewise.

    Returns
    -------
    Tensor, shape ()
        The distance.

    Raises
    ------
    TypeError
        If the points are no floating-point tensors.
    ValueError
        As `cost_matrix` and `solve`.
    RuntimeError
        As `solve`.
    """
    check_pair(x, y)
    if x.shape[1] == 1:
        return wasserstein_1d(x[:, 0], y[:, 0], x_weights, y_weights)
    _check_vectors(x_weights=x_weights, y_weights=y_weights)
    return solve(cost_matrix(x, y), x_weights, y_weights).value


def _check_vectors(**weights: Tensor | None) -> None:
    """Refuse weights under the caller's names, before `solve` would name them otherwise."""
    for name, values in weights.items():
        if values is not None:
            check_weights(name, values, values.shape[-1] if values.ndim else 0, values)


def duality_gap(solution: TransportSolution, a: Tensor | None = None, b: Tensor | None = None) -> Tensor:
    r"""Primal minus dual value, :math:`\langle\pi,c\rangle-\langle a,\varphi\rangle-\langle b,\psi\rangle`.

    At least 0 for feasible answers, 0 for optimal ones. Derived in chapter 3 (``thm-weak-duality``,
    ``thm-strong-duality``).

    Parameters
    ----------
    solution : TransportSolution
        Coupling and potentials.
    a : Tensor, shape (n,), optional
        Weights of the rows; the coupling's marginal by default.
    b : Tensor, shape (m,), optional
        Weights of the columns.

    Returns
    -------
    Tensor, shape ()
        The gap.

    Raises
    ------
    ValueError
        If weights have the wrong length, are negative or do not sum to 1.
    """
    pi = solution.coupling
    a = pi.sum(1) if a is None else check_weights("a", a, pi.shape[0], pi)
    b = pi.sum(0) if b is None else check_weights("b", b, pi.shape[1], pi)
    return solution.value - a @ solution.phi - b @ solution.psi


def dual_violation(phi: Tensor, psi: Tensor, cost: Tensor) -> Tensor:
    r"""Largest :math:`\varphi_i+\psi_j-c_{ij}`; at most 0 where the potentials are feasible. Used in chapter 3.

    Parameters
    ----------
    phi : Tensor, shape (n,)
        Potential on the rows.
    psi : Tensor, shape (m,)
        Potential on the columns.
    cost : Tensor, shape (n, m)
        The cost.

    Returns
    -------
    Tensor, shape ()
        The violation.

    Raises
    ------
    ValueError
        If the shapes do not match.
    """
    if cost.ndim != 2 or (phi.numel(), psi.numel()) != tuple(cost.shape) or phi.ndim != 1 or psi.ndim != 1:
        raise ValueError(f"phi, psi, cost have shapes {tuple(phi.shape)}, {tuple(psi.shape)}, {tuple(cost.shape)}")
    return (phi[:, None] + psi - cost).max()


def slackness(solution: TransportSolution, cost: Tensor) -> Tensor:
    r"""Largest :math:`\pi_{ij}\,|c_{ij}-\varphi_i-\psi_j|`: 0 exactly where both answers are optimal.

    Mass moves only where the dual constraint is tight. Derived in chapter 3 (``prop-complementary-slackness``).

    Parameters
    ----------
    solution : TransportSolution
        Coupling and potentials.
    cost : Tensor, shape (n, m)
        The cost that they belong to.

    Returns
    -------
    Tensor, shape ()
        Non-negative.

    Raises
    ------
    ValueError
        If the cost has another shape than the coupling.
    """
    if cost.shape != solution.coupling.shape:
        raise ValueError(f"cost must have shape {tuple(solution.coupling.shape)}, got {tuple(cost.shape)}")
    return (solution.coupling * (cost - solution.phi[:, None] - solution.psi).abs()).max()
