"""Norms of matrices, operators and convolutions, and the Lipschitz interval of a network (chapters 4 and 7)."""

from .convolution import (
    conv_norm,
    conv_norm_bound,
    conv_norm_fft,
    conv_operator,
    conv_singular_values_fft,
    reshaped_norm,
)
from .lipschitz import LipschitzInterval, UnboundedLayerError, lipschitz_interval, lipschitz_lower, lipschitz_upper
from .matrices import frobenius_norm, induced_norm, spectral_norm
from .operators import LinearOperator, PowerResult, matrix_operator, power_iteration

__all__ = [
    "LinearOperator",
    "LipschitzInterval",
    "PowerResult",
    "UnboundedLayerError",
    "conv_norm",
    "conv_norm_bound",
    "conv_norm_fft",
    "conv_operator",
    "conv_singular_values_fft",
    "frobenius_norm",
    "induced_norm",
    "lipschitz_interval",
    "lipschitz_lower",
    "lipschitz_upper",
    "matrix_operator",
    "power_iteration",
    "reshaped_norm",
    "spectral_norm",
]
