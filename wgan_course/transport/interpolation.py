"""Displacement interpolation: the mass on its way."""

from torch import Tensor

from ._checks import check_finite, check_pair

_NO_MASS = 1e-12


def displacement_interpolation(x: Tensor, y: Tensor, coupling: Tensor, t: float) -> tuple[Tensor, Tensor]:
    r"""Distribution at time t when each grain of mass walks straight from its source to its target.

    .. math:: P_t=\sum_{ij}\pi_{ij}\,\delta_{(1-t)x_i+ty_j}

    With an optimal coupling :math:`W_1(P_0,P_t)=t\,W_1(P_0,P_1)`. Shown in chapter 2.

    Parameters
    ----------
    x : Tensor, shape (n, d)
        Sources.
    y : Tensor, shape (m, d)
        Targets.
    coupling : Tensor, shape (n, m)
        Mass that goes from each source to each target.
    t : float
        Time in [0, 1].

    Returns
    -------
    points : Tensor, shape (k, d)
        One point for each pair with mass.
    weights : Tensor, shape (k,)
        The masses.

    Raises
    ------
    TypeError
        If an argument is no floating-point tensor.
    ValueError
        If the shapes do not match, the coupling is negative, or t lies outside [0, 1].
    """
    check_pair(x, y)
    check_finite("coupling", coupling)
    if coupling.shape != (len(x), len(y)) or bool((coupling < 0).any()):
        raise ValueError(f"coupling must be non-negative of shape {(len(x), len(y))}, got {tuple(coupling.shape)}")
    if not 0 <= t <= 1:
        raise ValueError(f"t must lie in [0, 1], got {t}")
    i, j = (coupling > _NO_MASS).nonzero(as_tuple=True)
    return (1 - t) * x[i] + t * y[j], coupling[i, j]
