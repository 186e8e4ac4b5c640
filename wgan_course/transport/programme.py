"""The transport linear programme, its dual, and how to tell that a pair of answers is optimal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ._checks import check_cost, check_finite, check_pair, check_weights, distances, of_one_type
from .one_dimension import wasserstein_1d

if TYPE_CHECKING:  # torch does without NumPy until an array is asked for, and so does the import of this module
    import numpy as np

    Solver = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

_MAX_PIVOTS = 10_000_000
_LP_TOLERANCE = 1e-10
_GOOD_GAP, _LARGEST_GAP = 1e-9, 1e-6  # of the value


@dataclass(frozen=True)
class TransportSolution:
    r"""An optimal coupling and optimal potentials: the answers to the primal and to the dual programme.

    Attributes
    ----------
    coupling : Tensor, shape (n, m)
        :math:`\pi\ge0` with the weights as its marginals, and at most n + m − 1 entries that are not 0.
    value : Tensor, shape ()
        :math:`\langle\pi,c\rangle`; its gradient with respect to the cost is the coupling.
    phi, psi : Tensor, shapes (n,) and (m,)
        Potentials on rows and columns; :math:`\varphi_i+\psi_j\le c_{ij}`.
    """

    coupling: Tensor
    value: Tensor
    phi: Tensor
    psi: Tensor


def cost_matrix(x: Tensor, y: Tensor, p: float = 2) -> Tensor:
    r"""Pairwise distances :math:`c_{ij}=\|x_i-y_j\|_p`, shape (n, m); differentiable. Used from chapter 2 on.

    Parameters
    ----------
    x, y : Tensor, shapes (n, d) and (m, d)

    Raises
    ------
    ValueError
        If p is below 1.
    """
    x, y = check_pair(x, y)
    if not p >= 1:
        raise ValueError(f"p must be at least 1, or the triangle inequality fails, got {p}")
    return distances(x, y, float(p))


def solve(cost: Tensor, a: Tensor | None = None, b: Tensor | None = None, method: str = "emd") -> TransportSolution:
    r"""Solve the transport programme and its dual, exactly, in float64 on the CPU.

    .. math:: \min_{\pi\ge0,\ \pi1=a,\ \pi^\top1=b}\langle\pi,c\rangle
        =\max_{\varphi_i+\psi_j\le c_{ij}}\langle a,\varphi\rangle+\langle b,\psi\rangle

    The potentials are conjugate (:math:`\varphi=\psi^c`, :math:`\psi=\varphi^c`), so they are feasible at atoms without
    mass as well, and the gap between the two values, which is checked, bounds the error. Chapters 2
    (``prop-sparse-plan``) and 3 (``thm-strong-duality``); Bonneel et al., "Displacement interpolation using Lagrangian
    mass transport", 2011; Peyré and Cuturi, "Computational optimal transport", 2019, chapter 3.

    Parameters
    ----------
    cost : Tensor, shape (n, m)
    a, b : Tensor, shapes (n,) and (m,), optional
        Weights of sum 1; uniform by default.
    method : {"emd", "highs"}
        POT's network simplex, or SciPy's HiGHS on the programme as it stands (slow: for checking).

    Raises
    ------
    ValueError
        If the method is unknown.
    """
    cost = check_cost(cost)
    if method not in _SOLVERS:
        raise ValueError(f"method must be one of {', '.join(_SOLVERS)}, got {method!r}")
    c = cost.detach().cpu().double()
    masses = [_mass(name, w, n, c) for name, w, n in (("a", a, cost.shape[0]), ("b", b, cost.shape[1]))]
    answer = _checked(_SOLVERS[method], c.numpy(), *masses)
    coupling, phi, psi = (torch.from_numpy(part).to(cost) for part in answer)
    return TransportSolution(coupling, (coupling * cost).sum(), phi, psi)


def _mass(name: str, weights: Tensor | None, n: int, cost: Tensor) -> np.ndarray:
    mass = check_weights(name, weights, n, cost).detach().numpy()
    if mass.ndim != 1:
        raise ValueError(f"{name} must be a vector, got shape {mass.shape}")
    return mass


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
    return answer.x.clip(0).reshape(n, m), answer.eqlin.marginals[:n]


_SOLVERS = {"emd": _emd, "highs": _highs}


def _checked(solver: Solver, c: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answer whose gap is small against its value, which proves it optimal, whoever found it.

    The sums of a cost of 1e16 and others near one have no digits left for these. Where the first answer's gap shows
    that, the programme is solved again with its largest costs cut; the potentials stay feasible for the whole cost.
    """
    best = _attempt(solver, c, c, a, b)
    gap = _relative_gap(best, c, a, b)
    for ceiling in _ceilings(c, best, a, b) if gap > _GOOD_GAP else ():
        other = _attempt(solver, c.clip(max=ceiling), c, a, b)
        best, gap = min((best, gap), (other, _relative_gap(other, c, a, b)), key=lambda pair: pair[1])
        if gap <= _GOOD_GAP:
            break
    if not gap <= _LARGEST_GAP:
        raise RuntimeError(
            f"the solver stopped before the optimum: its plan and its potentials differ by {gap:.1e} of the value; "
            "do the costs span more than 16 digits?"
        )
    return best


def _attempt(
    solver: Solver, cut: np.ndarray, c: np.ndarray, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Solve in a unit near one, as solvers know absolute tolerances, and conjugate."""
    unit = abs(cut).max() or 1.0
    coupling, phi = solver(cut / unit, a, b)
    return coupling, *_conjugate_pair(unit * phi, c, a > 0)


def _conjugate_pair(phi: np.ndarray, cost: np.ndarray, charged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make potentials feasible everywhere from one on the charged rows; the dual value does not fall."""
    psi = (cost - phi[:, None])[charged].min(0)
    phi = (cost - psi).min(1)
    return phi, psi


def _relative_gap(answer: tuple, c: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Primal minus dual against the value, beyond what the rounding of the masses and of tiny products explains."""
    coupling, phi, psi = answer
    primal, size = (coupling * c).sum(), (coupling * abs(c)).sum()
    rounding = sum(c.shape) * 2e-15 * abs(c[coupling > 0]).max()
    rounding += (c.size + sum(c.shape)) * math.ulp(0.0)
    gap = max(abs(primal - a @ phi - b @ psi) - rounding, 0.0)
    return 0.0 if gap == 0 or primal <= c.min() else float(gap / size)


def _ceilings(c: np.ndarray, answer: tuple, a: np.ndarray, b: np.ndarray) -> Iterator[float]:
    """Where to cut: above all that exchanges along a cycle could save, of costs that any plan or this one pays."""
    charged = c[a > 0][:, b > 0]
    unavoidable = max(charged.min(0).max(), charged.min(1).max())
    for paid in sorted({unavoidable, c[answer[0] > 0].max()}):
        ceiling = c.min() + 2 * sum(c.shape) * (paid - c.min())
        if c.min() < ceiling < c.max():
            yield ceiling


def wasserstein(x: Tensor, y: Tensor, x_weights: Tensor | None = None, y_weights: Tensor | None = None) -> Tensor:
    r"""Exact :math:`W_1` between two weighted sets of points in any dimension; differentiable in the points.

    .. math:: W_1(P,Q)=\min_{\pi\in\Pi(P,Q)}\sum_{ij}\pi_{ij}\|x_i-y_j\|

    The gradient is that of the sum with the optimal coupling held fixed (envelope theorem). On the line by one sort,
    else by `solve`: which solver when is measured in ``benchmarks/exact_w1.py``. Defined in chapter 2.

    Parameters
    ----------
    x, y : Tensor, shapes (n, d) and (m, d)
    x_weights, y_weights : Tensor, shapes (n,) and (m,), optional
        Of sum 1; uniform by default.
    """
    x, y = check_pair(x, y)
    _check_vectors(x_weights=x_weights, y_weights=y_weights)
    if x.shape[1] == 1:
        return wasserstein_1d(x[:, 0], y[:, 0], x_weights, y_weights)
    return solve(distances(x, y), x_weights, y_weights).value


def _check_vectors(**weights: Tensor | None) -> None:
    """Refuse weights under the caller's names, before `solve` would name them otherwise."""
    for name, values in weights.items():
        if values is not None:
            check_weights(name, values, values.shape[-1] if values.ndim else 0, check_finite(name, values))


def assignment(cost: Tensor) -> Tensor:
    r"""Column of each row in an optimal pairing, shape (n,), int64.

    .. math:: \min_\sigma\sum_ic_{i\sigma(i)}

    Between n and n points of weight 1/n the optimal plans that a simplex finds are permutations (Birkhoff, chapter 2).

    Parameters
    ----------
    cost : Tensor, shape (n, n)

    Raises
    ------
    ValueError
        If the cost is not square.
    """
    if check_cost(cost).shape[0] != cost.shape[1]:
        raise ValueError(f"cost must be square, got shape {tuple(cost.shape)}")
    return solve(cost).coupling.argmax(1)


def duality_gap(solution: TransportSolution, a: Tensor | None = None, b: Tensor | None = None) -> Tensor:
    r"""Primal minus dual value, :math:`\langle\pi,c\rangle-\langle a,\varphi\rangle-\langle b,\psi\rangle`.

    At least 0 for feasible answers, 0 for optimal ones. Chapter 3, ``thm-weak-duality``, ``thm-strong-duality``.

    Parameters
    ----------
    a, b : Tensor, shapes (n,) and (m,), optional
        Weights; the coupling's marginals by default.
    """
    pi = solution.coupling
    a = pi.sum(1) if a is None else check_weights("a", a, pi.shape[0], pi)
    b = pi.sum(0) if b is None else check_weights("b", b, pi.shape[1], pi)
    return solution.value - a @ solution.phi - b @ solution.psi


def dual_violation(phi: Tensor, psi: Tensor, cost: Tensor) -> Tensor:
    r"""Largest :math:`\varphi_i+\psi_j-c_{ij}`; at most 0 where the potentials are feasible. Used in chapter 3.

    Parameters
    ----------
    phi, psi : Tensor, shapes (n,) and (m,)
    cost : Tensor, shape (n, m)

    Raises
    ------
    ValueError
        If the shapes do not match.
    """
    phi, psi, cost = of_one_type(check_finite("phi", phi), check_finite("psi", psi), check_cost(cost))
    if (*phi.shape, *psi.shape) != tuple(cost.shape) or phi.ndim != 1:
        raise ValueError(f"phi, psi, cost have shapes {tuple(phi.shape)}, {tuple(psi.shape)}, {tuple(cost.shape)}")
    return (phi[:, None] + psi - cost).max()


def slackness(solution: TransportSolution, cost: Tensor) -> Tensor:
    r"""Largest :math:`\pi_{ij}\,|c_{ij}-\varphi_i-\psi_j|`: 0 exactly where both answers are optimal.

    Mass moves only where the dual constraint is tight. Chapter 3, ``prop-complementary-slackness``.

    Parameters
    ----------
    cost : Tensor, shape (n, m)

    Raises
    ------
    ValueError
        If the cost has another shape than the coupling.
    """
    cost = check_cost(cost)
    if cost.shape != solution.coupling.shape:
        raise ValueError(f"cost must have shape {tuple(solution.coupling.shape)}, got {tuple(cost.shape)}")
    return (solution.coupling * (cost - solution.phi[:, None] - solution.psi).abs()).max()
