"""Optimal transport: exact, entropic and sliced, with potentials and what they extend to (chapters 2 and 3)."""

from .entropic import sinkhorn, sinkhorn_divergence
from .one_dimension import quantiles, wasserstein_1d
from .potentials import c_transform, critic_from_potentials, mcshane_extension
from .programme import TransportSolution, cost_matrix, duality_gap, slackness, solve, wasserstein
from .sliced import displacement_interpolation, random_directions, sliced_wasserstein

__all__ = [
    "TransportSolution",
    "c_transform",
    "cost_matrix",
    "critic_from_potentials",
    "displacement_interpolation",
    "duality_gap",
    "mcshane_extension",
    "quantiles",
    "random_directions",
    "sinkhorn",
    "sinkhorn_divergence",
    "slackness",
    "sliced_wasserstein",
    "solve",
    "wasserstein",
    "wasserstein_1d",
]
