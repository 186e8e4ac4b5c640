"""Norms of matrices and of linear operators, and the Lipschitz interval of a network.

A convolution has two candidates for its norm: that of the reshaped kernel, which is cheap and which most code uses, and
that of the operator, which is the truth. Chapters 4 and 7 derive all of it.
"""

from .convolution import (
    conv_norm,
    conv_norm_bound,
    conv_norm_fft,
    conv_operator,
    conv_singular_values,
    reshaped_factor,
    reshaped_norm,
)
from .lipschitz import NoLipschitzBoundError, layer_bounds, lipschitz_interval, lipschitz_upper
from .matrices import frobenius_norm, induced_norm, spectral_norm
from .operators import LinearOperator, SingularTriplet, matrix_operator, power_iteration
from .search import jacobian_norms, lipschitz_lower, pair_slopes

__all__ = [
    "LinearOperator",
    "NoLipschitzBoundError",
    "SingularTriplet",
    "conv_norm",
    "conv_norm_bound",
    "conv_norm_fft",
    "conv_operator",
    "conv_singular_values",
    "frobenius_norm",
    "induced_norm",
    "jacobian_norms",
    "layer_bounds",
    "lipschitz_interval",
    "lipschitz_lower",
    "lipschitz_upper",
    "matrix_operator",
    "pair_slopes",
    "power_iteration",
    "reshaped_factor",
    "reshaped_norm",
    "spectral_norm",
]
