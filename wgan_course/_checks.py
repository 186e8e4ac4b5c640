"""Refusals that several rooms of the library share."""

import math
import numbers

import torch
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)


def check_positive(name: str, value: float, zero: bool = False) -> None:
    """Refuse what is no positive (or, with `zero`, non-negative) and finite number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not (math.isfinite(value) and (value > 0 or (zero and value == 0))):
        raise ValueError(f"{name} must be {'non-negative' if zero else 'positive'} and finite, got {value!r}")


def check_count(name: str, value: int) -> None:
    """Refuse what is no whole number of at least one."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}")


def check_floating(name: str, values: Tensor) -> Tensor:
    """Refuse what is no tensor of real floating-point numbers, and raise half precision to float32."""
    if not isinstance(values, Tensor) or not values.is_floating_point():
        kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
        raise TypeError(
            f"{name} must be a floating-point tensor, got {kind}; convert with torch.as_tensor and .float()"
        )
    return values.float() if values.dtype in HALF else values


def of_one_type(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Convert tensors to the least type that holds them all."""
    kind = tensors[0].dtype
    for tensor in tensors[1:]:
        kind = torch.promote_types(kind, tensor.dtype)
    return tuple(tensor.to(kind) for tensor in tensors)


def wide(values: Tensor) -> Tensor:
    """Convert to float64, but for Apple's devices, which have none."""
    return values if values.device.type == "mps" else values.double()


def key_of(name: str) -> str:
    """Spell a name as the registries do: ``R1`` and ``instance_noise`` mean ``r1`` and ``instance-noise``."""
    return str(name).lower().replace("_", "-").replace(" ", "-")
