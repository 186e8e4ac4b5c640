"""Observing for problem set 5: losses and where their gradients go, and functions that work in place.

``call`` is `observe.call`. ``losses`` takes the options ``modules`` and ``gradients`` of `observe.call`;
a tensor that no gradient reaches counts as one with gradient 0, unless none is reached at all. ``in_place`` ignores
what is returned. It reports each of the ``after`` tensors as the caller still holds it, and as ``now:NAME`` what the
module holds by then; with ``stale`` every parameter comes with a gradient that somebody else has left there.

The first optimiser that is made imports a large part of PyTorch. On a busy machine that alone can outlast a case's time
limit, and an import that is interrupted stays broken: so it is done here, before the clock starts.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from ..observe import _arguments, _hand_over, call, gradients, plain

__all__ = ["call", "in_place", "losses"]

STALE = 0.75


def _warm_up() -> None:
    parameter = torch.nn.Parameter(torch.ones(1))
    for make in (torch.optim.SGD, torch.optim.RMSprop, torch.optim.Adam):
        optimiser = make([parameter], lr=0.1)
        optimiser.zero_grad()
        parameter.square().sum().backward()
        torch.nn.utils.clip_grad_value_([parameter], 1.0)
        optimiser.step()


_warm_up()


def losses(
    function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Call `function` for a scalar, and say which gradient each of the wanted tensors gets from it."""
    values = {name: _hand_over(name, value, options) for name, value in inputs.items()}
    result = function(*_arguments(values, options))
    return {"value": plain(result)} | _gradients(result, {name: values[name] for name in options["gradients"]})


def in_place(
    function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Call `function` for what it does to the parameters; whatever it returns is left alone."""
    values = {name: _hand_over(name, value, options) for name, value in inputs.items()}
    if options.get("stale"):
        for name in options["after"]:
            values[name].grad = torch.full_like(values[name], STALE)
    arguments = _arguments(values, options)
    modules = [argument for argument in arguments if isinstance(argument, torch.nn.Module)]
    function(*arguments)
    held = dict(zip(options["after"], _parameters(modules), strict=False))
    found = {f"after:{name}": plain(values[name]) for name in options["after"]}
    return found | {f"now:{name}": plain(tensor) for name, tensor in held.items()}


def _gradients(value: Any, wanted: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    found = gradients(value, wanted)
    if not any(name.startswith("gradient:") for name in found):
        return found
    return {f"gradient:{name}": np.zeros(tensor.shape) for name, tensor in wanted.items()} | found


def _parameters(modules: list[torch.nn.Module]) -> Iterator[torch.Tensor]:
    """Weights and biases of the linear layers, in their order."""
    for module in modules:
        for layer in module.modules():
            if isinstance(layer, torch.nn.Linear):
                yield from (layer.weight, layer.bias)
