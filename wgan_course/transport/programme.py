"""The transport linear programme: primal, dual, and what they give."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from . import _checks

METHODS = ("emd", "highs")


@dataclass(frozen=True)
class TransportSolution:
    """Optimal plan and potentials of a finite transport programme (chapter 3).

    Parameters
    ----------
    coupling : Tensor, shape (n, m)
        Optimal plan: how much goes from each source to each target.
    value : Tensor, shape ()
        Its cost.
    phi : Tensor, shape (n,)
        Potential at the sources.
    psi : Tensor, shape (m,)
        Potential at the targets; ``phi[i] + psi[j] <= cost[i, j]``, with equality where mass moves.
    """

    coupling: Tensor
    value: Tensor
    phi: Tensor
    psi: Tensor


def cost_matrix(x: Tensor, y: Tensor, p: float = 2) -> Tensor:
    r"""Distances :math:`\|x_i-y_j\|_p` between two clouds, the cost of :math:`W_1` (chapter 2).

    Parameters
    ----------
    x : Tensor, shape (n, ...)
        Sources; all axes but the first are one vector.
    y : Tensor, shape (m, ...)
        Targets.
    p : float
        Order of the vector norm, at least 1.

    Returns
    -------
    Tensor, shape (n, m)
        Distances, exact also for nearly equal points.

    Raises
    ------
    ValueError
        If a cloud is empty or not finite, the dimensions differ, or p < 1.
    """
    if not p >= 1:
        raise ValueError(f"p must be at least 1 for a norm, got {p}")
    x, y = _checks.clouds(x, y)
    return torch.cdist(x, y, p=p, compute_mode="donot_use_mm_for_euclid_dist")


def solve(cost: Tensor, a: Tensor | None = None, b: Tensor | None = None, method: str = "emd") -> TransportSolution:
    r"""Solve the transport programme and its dual exactly.

    .. math:: \min_{\pi\in\Pi(a,b)}\sum_{ij}c_{ij}\pi_{ij}
        =\max\{\sum_i a_i\varphi_i+\sum_j b_j\psi_j:\varphi_i+\psi_j\le c_{ij}\}

    Derived in chapter 3 (`thm-strong-duality`). The potentials are tightened by one c-transform each way, so that they
    are admissible to rounding; they are shifted so that the first source has potential 0.

    Parameters
    ----------
    cost : Tensor, shape (n, m)
        Costs of moving one unit.
    a : Tensor, shape (n,), optional
        Masses of the sources, uniform by default.
    b : Tensor, shape (m,), optional
        Masses of the targets, uniform by default.
    method : {"emd", "highs"}
        Network simplex of POT, or SciPy's general linear programming.

    Returns
    -------
    TransportSolution
        In the type and on the device of `cost`; carries no gradient.

    Raises
    ------
    ValueError
        If the cost is empty or not finite, masses are negative or do not sum to one, or the method is unknown.
    RuntimeError
        If the solver does not reach an optimum.

    References
    ----------
    Peyré and Cuturi, Computational Optimal Transport, 2019, chapter 3.
    """
    cost = _checks.cost(cost)
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {method!r}")
    a = _checks.weights(a, cost.shape[0], cost, "a")
    b = _checks.weights(b, cost.shape[1], cost, "b")
    costs, masses = _numpy(cost), [_normalised(_numpy(mass)) for mass in (a, b)]
    coupling, phi = (_emd if method == "emd" else _highs)(costs, *masses)
    phi, psi = _tighten(phi, costs, masses[0])
    parts = (coupling, np.asarray((coupling * costs).sum()), phi, psi)
    return TransportSolution(*(torch.from_numpy(part).to(cost) for part in parts))


def wasserstein(x: Tensor, y: Tensor, x_weights: Tensor | None = None, y_weights: Tensor | None = None) -> Tensor:
    r"""Exact Wasserstein-1 distance of two weighted clouds in any dimension, differentiable in the points.

    The gradient holds the optimal plan fixed, which is right wherever the plan is unique (envelope theorem, chapter 2).

    Parameters
    ----------
    x : Tensor, shape (n, ...)
        First cloud; all axes but the first are one vector.
    y : Tensor, shape (m, ...)
        Second cloud.
    x_weights : Tensor, shape (n,), optional
        Probabilities of the points; uniform by default.
    y_weights : Tensor, shape (m,), optional
        Probabilities of the points; uniform by default.

    Returns
    -------
    Tensor, shape ()
        In the unit of the points.

    Raises
    ------
    ValueError
        As `cost_matrix` and `solve`.
    """
    cost = cost_matrix(x, y)
    coupling = solve(cost.detach(), x_weights, y_weights).coupling
    moved = coupling > 0
    return (cost[moved] * coupling[moved]).sum()


def duality_gap(solution: TransportSolution, a: Tensor, b: Tensor) -> Tensor:
    """Cost of the plan less the worth of the potentials; 0 at an optimum (chapter 3, `thm-strong-duality`).

    Parameters
    ----------
    solution : TransportSolution
        Plan and potentials.
    a : Tensor, shape (n,)
        Masses of the sources.
    b : Tensor, shape (m,)
        Masses of the targets.

    Returns
    -------
    Tensor, shape ()
        At least 0 up to rounding, for admissible plans and potentials.

    Raises
    ------
    ValueError
        If the masses do not fit the potentials.
    """
    if a.shape != solution.phi.shape or b.shape != solution.psi.shape:
        raise ValueError(f"masses {tuple(a.shape)}, {tuple(b.shape)} do not fit the potentials")
    return solution.value - (a * solution.phi).sum() - (b * solution.psi).sum()


def slackness(solution: TransportSolution, cost: Tensor) -> Tensor:
    r"""Complementary slackness :math:`\pi_{ij}(c_{ij}-\varphi_i-\psi_j)`, all 0 at an optimum (chapter 3).

    Parameters
    ----------
    solution : TransportSolution
        Plan and potentials.
    cost : Tensor, shape (n, m)
        Costs.

    Returns
    -------
    Tensor, shape (n, m)
        One product a route.

    Raises
    ------
    ValueError
        If the cost has another shape than the plan.
    """
    if cost.shape != solution.coupling.shape:
        raise ValueError(f"cost has shape {tuple(cost.shape)}, the plan {tuple(solution.coupling.shape)}")
    return solution.coupling * (cost - solution.phi[:, None] - solution.psi)


def _numpy(values: Tensor) -> np.ndarray:
    return np.ascontiguousarray(values.detach().cpu().double().numpy())


def _normalised(mass: np.ndarray) -> np.ndarray:
    return mass / mass.sum()


def _emd(cost: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import ot

    # center_dual=False: centred potentials are only a constant apart, but then atoms without mass are estimated.
    coupling, log = ot.emd(a, b, cost, numItermax=10_000_000, log=True, center_dual=False, check_marginals=False)
    if log["warning"] is not None:
        raise RuntimeError(f"the transport solver did not finish: {log['warning']}")
    return coupling, log["u"]


def _highs(cost: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy import optimize, sparse

    n, m = cost.shape
    rows = sparse.kron(sparse.eye_array(n), np.ones((1, m)))
    columns = sparse.kron(np.ones((1, n)), sparse.eye_array(m))
    result = optimize.linprog(
        cost.ravel(), A_eq=sparse.vstack([rows, columns]).tocsr(), b_eq=np.concatenate([a, b]), method="highs"
    )
    if not result.success:
        raise RuntimeError(f"the transport solver did not finish: {result.message}")
    return result.x.reshape(n, m), result.eqlin.marginals[:n]


def _tighten(phi: np.ndarray, cost: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make potentials admissible by a c-transform each way; sources without mass have no say in it."""
    used = a > 0
    psi = (cost[used] - phi[used, None]).min(0)
    phi = (cost - psi).min(1)
    return phi - phi[0], psi + phi[0]
