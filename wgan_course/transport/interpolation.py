"""Displacement interpolation: the mass on its way."""

from torch import Tensor

from ._checks import check_finite, check_pair


def displacement_interpolation(x: Tensor, y: Tensor, coupling: Tensor, t: float) -> tuple[Tensor, Tensor]:
    r"""Points (k, d) and weights (k,) at time t when each grain of mass walks straight from its source to its target.

    .. math:: P_t=\sum_{ij}\pi_{ij}\,\delta_{(1-t)x_i+ty_j}

    With an optimal coupling :math:`W_1(P_0,P_t)=t\,W_1(P_0,P_1)`. Chapter 2.

    Parameters
    ----------
    x, y : Tensor, shapes (n, d) and (m, d)
    coupling : Tensor, shape (n, m)

    Raises
    ------
    ValueError
        If the coupling is negative or of another shape, or t lies outside [0, 1].
    """
    x, y = check_pair(x, y)
    coupling = check_finite("coupling", coupling)
    if coupling.shape != (len(x), len(y)) or bool((coupling < 0).any()):
        raise ValueError(f"coupling must be non-negative of shape {(len(x), len(y))}, got {tuple(coupling.shape)}")
    if not 0 <= t <= 1:
        raise ValueError(f"t must lie in [0, 1], got {t}")
    i, j = (coupling > 0).nonzero(as_tuple=True)
    return (1 - t) * x[i] + t * y[j], coupling[i, j]
