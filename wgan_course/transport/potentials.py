"""Potentials: conjugates, and 1-Lipschitz extensions to the whole space."""

from collections.abc import Callable

import torch
from torch import Tensor

from wgan_course._checks import check_floating

from ._checks import check_cost, check_finite, check_points, check_positive, distances, of_one_type

_SLACK = 1e-9  # of values and distances, and at least as much as their type rounds


def c_transform(phi: Tensor, cost: Tensor) -> Tensor:
    r"""Conjugate of a potential, shape (m,): the largest :math:`\psi` with :math:`\varphi_i+\psi_j\le c_{ij}`.

    .. math:: \varphi^c_j=\min_i\,(c_{ij}-\varphi_i)

    For the other side pass ``cost.T``. Three transforms are as good as one. Chapter 3, ``prop-c-transform``.

    Parameters
    ----------
    phi : Tensor, shape (n,)
    cost : Tensor, shape (n, m)

    Raises
    ------
    ValueError
        If the shapes do not match.
    """
    phi, cost = of_one_type(check_finite("phi", phi), check_cost(cost))
    if phi.shape != cost.shape[:1]:
        raise ValueError(f"phi must have shape ({cost.shape[0]},) for this cost, got {tuple(phi.shape)}")
    return (cost - phi[:, None]).amin(0)


def mcshane_extension(points: Tensor, values: Tensor, lipschitz: float = 1.0) -> Callable[[Tensor], Tensor]:
    r"""Extend values at points to a function, (m, d) to (m,), on the whole space with the same Lipschitz constant.

    .. math:: f(x)=\min_j\,\bigl(v_j+K\|x-y_j\|\bigr)

    It is the largest of all extensions, differentiable almost everywhere. Chapter 3, ``prop-mcshane``; McShane,
    "Extension of range of functions", 1934.

    Parameters
    ----------
    points : Tensor, shape (n, d)
    values : Tensor, shape (n,)
        K-Lipschitz on the points.
    lipschitz : float
        The constant K.

    Raises
    ------
    ValueError
        If two values differ by more than K times the distance of their points.
    """
    check_positive("lipschitz", lipschitz)
    points, values = _check_valued(points, values)
    rounding = max(64 * torch.finfo(values.dtype).eps, _SLACK) * (values.abs().max() + lipschitz * points.abs().max())
    steepest = (values[:, None] - values).abs() - lipschitz * distances(points, points)
    if bool((steepest > rounding).any()):
        raise ValueError(f"values are not {lipschitz:g}-Lipschitz on the points, so no extension is; raise lipschitz")
    return lambda x: _lower_cone(x, points, values, lipschitz)


def potential_critic(y: Tensor, psi: Tensor) -> Callable[[Tensor], Tensor]:
    r"""Optimal critic, (n, d) to (n,), on the whole space from the dual potential on the points of Q.

    .. math:: f(x)=\min_j\,\bigl(\|x-y_j\|-\psi_j\bigr)

    It is 1-Lipschitz whatever :math:`\psi` is, and with an optimal one :math:`E_Pf-E_Qf=W_1(P,Q)`. Chapter 3,
    ``thm-kantorovich-rubinstein``.

    Parameters
    ----------
    y : Tensor, shape (m, d)
    psi : Tensor, shape (m,)
        As in `TransportSolution`.
    """
    y, psi = _check_valued(y, psi)
    return lambda x: _lower_cone(x, y, -psi, 1.0)


def _check_valued(points: Tensor, values: Tensor) -> tuple[Tensor, ...]:
    points, values = check_points("points", points), check_finite("values", values)
    if values.shape != points.shape[:1]:
        raise ValueError(f"values must have shape ({points.shape[0]},), got {tuple(values.shape)}")
    return of_one_type(points, values)


def _lower_cone(x: Tensor, points: Tensor, values: Tensor, lipschitz: float) -> Tensor:
    x, points, values = of_one_type(check_floating("x", x), points, values)
    if x.ndim < 2 or x.shape[-1] != points.shape[1]:
        raise ValueError(f"x must have shape (n, {points.shape[1]}), got {tuple(x.shape)}")
    return (values + lipschitz * distances(x, points)).amin(-1)
