"""From potentials at the atoms to Lipschitz functions on the whole space."""

from collections.abc import Callable

import torch
from torch import Tensor

from . import _checks
from .programme import cost_matrix


def c_transform(phi: Tensor, cost: Tensor) -> Tensor:
    r"""Best potential at the targets for a given one at the sources.

    .. math:: \varphi^c(y_j)=\min_i\,[c(x_i,y_j)-\varphi_i]

    1-Lipschitz where the cost is a metric; derived in chapter 3 (`prop-c-transform`).

    Parameters
    ----------
    phi : Tensor, shape (n,)
        Potential at the sources.
    cost : Tensor, shape (n, m)
        Costs from sources to targets.

    Returns
    -------
    Tensor, shape (m,)
        Potential at the targets; differentiable.

    Raises
    ------
    ValueError
        If the shapes do not fit, or the cost is not finite.
    """
    cost = _checks.cost(cost)
    if phi.shape != cost.shape[:1]:
        raise ValueError(f"phi must have one value a row of cost, got {tuple(phi.shape)} for {tuple(cost.shape)}")
    return (cost - phi[:, None]).amin(0)


def mcshane_extension(
    points: Tensor, values: Tensor, lipschitz: float = 1.0, upper: bool = False
) -> Callable[[Tensor], Tensor]:
    r"""Extend a Lipschitz function from finitely many points to the whole space.

    .. math:: \underline g(x)=\max_i\,[g_i-K\|x-a_i\|],\qquad \overline g(x)=\min_i\,[g_i+K\|x-a_i\|]

    Every K-Lipschitz extension lies between the two; derived in chapter 3 (`prop-mcshane`).

    Parameters
    ----------
    points : Tensor, shape (n, ...)
        Where the function is known.
    values : Tensor, shape (n,)
        Its values there.
    lipschitz : float
        The constant K, positive.
    upper : bool
        Whether to take the upper envelope instead of the lower one.

    Returns
    -------
    callable
        Maps a Tensor of shape (m, ...) to a Tensor of shape (m,); K-Lipschitz.

    Raises
    ------
    ValueError
        If the shapes do not fit, K is not positive, or the values are steeper than K, so that no extension exists.

    References
    ----------
    McShane, Extension of range of functions, 1934.
    """
    atoms = _checks.points(points, "points")
    if values.shape != atoms.shape[:1]:
        raise ValueError(f"values must have one number a point, got {tuple(values.shape)} for {atoms.shape[0]} points")
    if not lipschitz > 0:
        raise ValueError(f"lipschitz must be positive, got {lipschitz}")
    _refuse_steep(atoms, values, lipschitz)

    def lower_envelope(x: Tensor) -> Tensor:
        return (values - lipschitz * cost_matrix(x, atoms)).amax(1)

    def upper_envelope(x: Tensor) -> Tensor:
        return (values + lipschitz * cost_matrix(x, atoms)).amin(1)

    return upper_envelope if upper else lower_envelope


def critic_from_potentials(phi: Tensor, sources: Tensor) -> Callable[[Tensor], Tensor]:
    r"""Optimal critic :math:`f=-\varphi^c`, 1-Lipschitz on the whole space (chapter 3, `thm-kantorovich-rubinstein`).

    Parameters
    ----------
    phi : Tensor, shape (n,)
        Potential at the sources.
    sources : Tensor, shape (n, ...)
        The sources.

    Returns
    -------
    callable
        Maps a Tensor of shape (m, ...) to a Tensor of shape (m,).

    Raises
    ------
    ValueError
        If there is not one value a source.
    """
    atoms = _checks.points(sources, "sources")
    if phi.shape != atoms.shape[:1]:
        raise ValueError(f"phi must have one value a source, got {tuple(phi.shape)} for {atoms.shape[0]}")

    def critic(x: Tensor) -> Tensor:
        return -c_transform(phi, cost_matrix(atoms, x))

    return critic


def _refuse_steep(atoms: Tensor, values: Tensor, lipschitz: float) -> None:
    excess = (values[:, None] - values).abs() - lipschitz * cost_matrix(atoms, atoms)
    allowed = 1e-5 * max(1.0, float(values.abs().max())) if values.dtype == torch.float32 else 1e-9
    if float(excess.max()) > allowed:
        raise ValueError(f"the values are steeper than {lipschitz:g} between two points: no extension exists")
