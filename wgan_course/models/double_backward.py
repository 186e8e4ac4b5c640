"""Forwards whose second derivative is cheap, for gradient penalties, which differentiate a gradient.

Within `cheap_double_backward`, where penalties run their forward, the layers of `layers` take a form with the same
values and gradients that PyTorch differentiates twice at less cost; elsewhere they are PyTorch's own.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch._C._functorch import peek_interpreter_stack
from torch.autograd import forward_ad

__all__ = ["Conv2d", "cheap", "cheap_double_backward", "input_gradient_alone"]

PAYS_ON = {"cuda"}  # on a CPU no difference was seen
_cheap = False
_input_alone = False
_aten: Any = torch.ops.aten
Geometry = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]


@contextlib.contextmanager
def cheap_double_backward() -> Iterator[None]:
    """Let the layers here take the form whose double backward costs little, at the price of a slower forward.

    `constraints.penalties` does so around the forward whose gradient it differentiates. Measured in chapter 6 and, for
    convolutions, in the appendix on performance.
    """
    global _cheap
    before, _cheap = _cheap, True
    try:
        yield
    finally:
        _cheap = before


def cheap() -> bool:
    """Tell whether a forward runs within `cheap_double_backward`."""
    return _cheap


@contextlib.contextmanager
def input_gradient_alone() -> Iterator[None]:
    """Let the layers here leave out the gradients of weights, where the caller asks for that of an input alone.

    A Function of PyTorch's is not told which of its gradients somebody wants.
    """
    global _input_alone
    before, _input_alone = _input_alone, True
    try:
        yield
    finally:
        _input_alone = before


class Conv2d(nn.Conv2d):
    """PyTorch's convolution of images; within `cheap_double_backward`, one whose double backward is a weight gradient.

    By itself PyTorch differentiates the input gradient with respect to the kernel as a convolution with kernels as
    large as the image. The appendix on performance has the times of both on a GPU.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        plain = self.padding_mode != "zeros" or isinstance(self.padding, str) or input.ndim != 4
        if plain or not _cheap or input.device.type not in PAYS_ON or _watched():
            return super()._conv_forward(input, weight, bias)
        kind = input.device.type
        if kind != "meta" and torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
            input, weight = input.to(dtype), weight.to(dtype)
            bias = bias if bias is None else bias.to(dtype)
        geometry = (self.stride, self.padding, self.dilation, self.groups)
        return cast(Any, _Convolution.apply)(input, weight, bias, geometry)


def _watched() -> bool:
    """Whether a compiler, a functional transform or forward-mode differentiation looks on."""
    forward_mode = cast(Any, forward_ad)._current_level >= 0
    return torch.compiler.is_compiling() or peek_interpreter_stack() is not None or forward_mode


def _backward(gradient: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, wanted: tuple[bool, bool, bool]) -> Any:
    """Gradients by input, kernel and bias, those that are wanted."""
    stride, padding, dilation, groups = geometry
    bias = [weight.shape[0]] if wanted[2] else None
    return _aten.convolution_backward(
        gradient, x, weight, bias, stride, padding, dilation, False, [0, 0], groups, list(wanted)
    )


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
        stride, padding, dilation, groups = geometry
        ctx.save_for_backward(x, weight)
        ctx.geometry, ctx.biased = geometry, bias is not None
        with torch.autocast(x.device.type if not x.is_meta else "cpu", enabled=False):
            return _aten.convolution(x, weight, bias, stride, padding, dilation, False, [0, 0], groups)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight = ctx.saved_tensors
        by_x, by_weight, by_bias, _ = ctx.needs_input_grad
        with torch.autocast(x.device.type if not x.is_meta else "cpu", enabled=False):
            first = cast(Any, _InputGradient.apply)(gradient, x.detach(), weight, ctx.geometry) if by_x else None
            second = third = None
            if (by_weight or by_bias) and not _input_alone:
                wanted = (False, by_weight, ctx.biased and by_bias)
                _, second, third = _backward(gradient, x, weight, ctx.geometry, wanted)
        return first, second, third, None


class _InputGradient(torch.autograd.Function):
    """The gradient of a convolution by its input, which is linear in the gradient that comes and in the kernel."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(gradient, weight)
        ctx.geometry = geometry
        return _backward(gradient, x, weight, geometry, (True, False, False))[0]

    @staticmethod
    def backward(ctx: Any, tangent: Tensor) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        gradient, weight = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.geometry
        first = second = None
        if ctx.needs_input_grad[0]:
            first = _aten.convolution(tangent, weight, None, stride, padding, dilation, False, [0, 0], groups)
        if ctx.needs_input_grad[2]:
            _, second, _ = _backward(gradient, tangent, weight, ctx.geometry, (False, True, False))
        return first, None, second, None
