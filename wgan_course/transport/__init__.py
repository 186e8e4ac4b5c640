"""Optimal transport between finite sets of points: exact, by one dimension, by entropy, by slices.

The distance is :math:`W_1` throughout, with the cost :math:`c(x,y)=\\|x-y\\|`; `solve` takes any cost matrix. Points
are tensors of shape (n, d), weights sum to one, and what comes back has the points' type and device. Chapters 2 and
3 derive all of it. SciPy and POT are imported only when a programme is solved.
"""

from .entropic import SinkhornResult, sinkhorn, sinkhorn_divergence
from .interpolation import displacement_interpolation
from .one_dimension import wasserstein_1d
from .potentials import c_transform, mcshane_extension, potential_critic
from .programme import (
    TransportSolution,
    assignment,
    cost_matrix,
    dual_violation,
    duality_gap,
    slackness,
    solve,
    wasserstein,
)
from .sliced import random_directions, sliced_wasserstein

__all__ = [
    "SinkhornResult",
    "TransportSolution",
    "assignment",
    "c_transform",
    "cost_matrix",
    "displacement_interpolation",
    "dual_violation",
    "duality_gap",
    "mcshane_extension",
    "potential_critic",
    "random_directions",
    "sinkhorn",
    "sinkhorn_divergence",
    "slackness",
    "sliced_wasserstein",
    "solve",
    "wasserstein",
    "wasserstein_1d",
]
