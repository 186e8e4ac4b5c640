"""Potentials: conjugates, and 1-Lipschitz extensions to the whole space."""

from collections.abc import Callable

import torch
from torch import Tensor

from ._checks import check_cost, check_finite, check_points, check_positive

_SLACK = 1e-5


def c_transform(phi: Tensor, cost: Tensor) -> Tensor:
    r"""Conjugate of a potential: the largest :math:`\psi` with :math:`\varphi_i+\psi_j\le c_{ij}`.

    .. math:: \varphi^c_j=\min_i\,(c_{ij}-\varphi_i)

    For the other side pass ``cost.T``. Three transforms are as good as one. Derived in chapter 3
    (``prop-c-transform``).

    Parameters
    ----------
    phi : Tensor, shape (n,)
        Potential on the rows.
    cost : Tensor, shape (n, m)
        The cost.

    Returns
    -------
    Tensor, shape (m,)
        Potential on the columns.

    Raises
    ------
    TypeError
        If an argument is no floating-point tensor.
    ValueError
        If the shapes do not match or a value is not finite.
    """
    check_cost(cost)
    check_finite("phi", phi)
    if phi.shape != cost.shape[:1]:
        raise ValueError(f"phi must have shape ({cost.shape[0]},) for this cost, got {tuple(phi.shape)}")
    return (cost - phi[:, None]).amin(0)


def mcshane_extension(points: Tensor, values: Tensor, lipschitz: float = 1.0) -> Callable[[Tensor], Tensor]:
    r"""Extend values at points to a function on the whole space with the same Lipschitz constant.

    .. math:: f(x)=\min_j\,\bigl(v_j+K\|x-y_j\|\bigr)

    It is the largest of all extensions. Derived in chapter 3 (``prop-mcshane``).

    Parameters
    ----------
    points : Tensor, shape (n, d)
        Where the values are given.
    values : Tensor, shape (n,)
        The values; they must be K-Lipschitz on the points.
    lipschitz : float
        The constant K.

    Returns
    -------
    callable
        Maps a Tensor of shape (m, d) to one of shape (m,); differentiable almost everywhere.

    Raises
    ------
    TypeError
        If an argument is no floating-point tensor.
    ValueError
        If the shapes do not match, a value is not finite, K is not positive, or two values differ by more than K times
        the distance of their points.

    References
    ----------
    McShane, "Extension of range of functions", 1934.
    """
    check_positive("lipschitz", lipschitz)
    _check_valued(points, values)
    steepest = (values[:, None] - values).abs() - lipschitz * torch.cdist(points, points)
    if bool((steepest > _SLACK * (1 + values.abs().max())).any()):
        raise ValueError(f"values are not {lipschitz:g}-Lipschitz on the points, so no extension is; raise lipschitz")
    return lambda x: _lower_cone(x, points, values, lipschitz)


def potential_critic(y: Tensor, psi: Tensor) -> Callable[[Tensor], Tensor]:
    r"""Optimal critic on the whole space from the dual potential on the points of Q.

    .. math:: f(x)=\min_j\,\bigl(\|x-y_j\|-\psi_j\bigr)

    It is 1-Lipschitz whatever :math:`\psi` is, and with an optimal one :math:`E_Pf-E_Qf=W_1(P,Q)`. Derived in chapter 3
    (``thm-kantorovich-rubinstein``).

    Parameters
    ----------
    y : Tensor, shape (m, d)
        Points of Q.
    psi : Tensor, shape (m,)
        Potential on them, as in `TransportSolution`.

    Returns
    -------
    callable
        Maps a Tensor of shape (n, d) to one of shape (n,).

    Raises
    ------
    TypeError
        If an argument is no floating-point tensor.
    ValueError
        If the shapes do not match or a value is not finite.
    """
    _check_valued(y, psi)
    return lambda x: _lower_cone(x, y, -psi, 1.0)


def _check_valued(points: Tensor, values: Tensor) -> None:
    check_points("points", points)
    check_finite("values", values)
    if values.shape != points.shape[:1]:
        raise ValueError(f"values must have shape ({points.shape[0]},), got {tuple(values.shape)}")


def _lower_cone(x: Tensor, points: Tensor, values: Tensor, lipschitz: float) -> Tensor:
    distances = torch.cdist(x, points, compute_mode="donot_use_mm_for_euclid_dist")
    return (values + lipschitz * distances).amin(-1)
