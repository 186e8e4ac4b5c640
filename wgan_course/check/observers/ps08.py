"""Observing for problem set 8: a layer that the student's function builds is run through what training does to one."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from ..observe import UnusableError, call, plain

__all__ = ["call", "layer", "parameter"]


def layer(function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Build a layer by ``function(weight, bias, u)`` and look at it in the way that ``inputs["look"]`` names.

    Raises
    ------
    UnusableError
        Where no module comes back, or one without a weight and a bias among its parameters.
    """
    tensors = {name: torch.from_numpy(np.array(value)) for name, value in inputs.items() if name != "look"}
    built = _build(function, tensors, "")
    return _LOOKS[inputs["look"]](function, built, tensors)


def parameter(
    function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Like `observe.call` for a function of a parameter, with what became of it and whether a graph came back.

    With the option ``stale`` the parameter holds a gradient, as it does after a backward pass.
    """
    known = {}

    def seen(W: torch.Tensor, *rest: Any) -> Any:
        W.grad = torch.full_like(W, 0.25) if options.get("stale") else None
        result = function(W, *rest)
        known["trainable"] = plain(bool(W.is_leaf and W.requires_grad))
        known["graph"] = plain(isinstance(result, torch.Tensor) and bool(result.requires_grad))
        return result

    return call(seen, inputs, options) | known


def _build(function: Callable[..., Any], tensors: Mapping[str, torch.Tensor], suffix: str) -> torch.nn.Module:
    make = getattr(function, "__wrapped__", function)  # the tensors become the layer's own: what it does to them is its
    module = make(*(tensors[name + suffix].clone() for name in ("weight", "bias", "u")))
    if not isinstance(module, torch.nn.Module):
        raise UnusableError(f"it must return a torch.nn.Module, it returned {type(module).__name__}")
    return module


def _outputs(module: torch.nn.Module, x: torch.Tensor, modes: str) -> dict[str, np.ndarray]:
    """Outputs of calls in training mode (t; n without gradients) and evaluation mode (e), in this order."""
    found: dict[str, Any] = {}
    for i, mode in enumerate(modes):
        with torch.set_grad_enabled(mode != "n"):
            found[f"y{i}"] = plain(module.train(mode != "e")(x))
            if mode == "n" and torch.is_grad_enabled():
                found["changes"] = ["grad-mode-elsewhere"]
    return found


def _gradients(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor], batches: int) -> dict[str, np.ndarray]:
    """Gradients of a weighted sum of the outputs, after one forward, in its input too, or after two."""
    first = tensors["x"].requires_grad_(batches == 1)
    outputs = [module(x) for x in (first, 0.5 - first)[:batches]]
    torch.stack([(tensors["r"] * y).sum() for y in outputs]).sum().backward()
    found = {"weight": _parameter(module, tensors["weight"]), "bias": _parameter(module, tensors["bias"]), "x": first}
    return {f"gradient:{name}": plain(p.grad) for name, p in found.items() if p.grad is not None}


def _parameter(module: torch.nn.Module, like: torch.Tensor) -> torch.Tensor:
    """The trained tensor of this shape: ``bias`` is told from a ``u`` by its name."""
    matching = {name: p for name, p in module.named_parameters() if p.shape == like.shape}
    if not matching:
        raise UnusableError(f"among the layer's parameters there is none of shape {tuple(like.shape)}")
    return next((p for name, p in matching.items() if "bias" in name), next(iter(matching.values())))


def _updated(function: Callable[..., Any], module: torch.nn.Module, tensors: Mapping) -> dict[str, np.ndarray]:
    """Output in evaluation mode after a call in training mode, and after another weight was written into the layer."""
    module(tensors["x"])
    with torch.no_grad():
        _parameter(module, tensors["weight"]).copy_(tensors["weight2"])
    return {"updated": plain(module.eval()(tensors["x"]))}


def _loaded(
    function: Callable[..., Any], module: torch.nn.Module, tensors: Mapping, modes: str
) -> dict[str, np.ndarray]:
    """Outputs of another layer, used before in these modes, that was given this one's state after a training step."""
    module(tensors["x"])
    other = _build(function, tensors, "2")
    for mode in modes:
        other.train(mode == "t")(tensors["x"])
    other.load_state_dict(module.state_dict())
    loaded = (other if modes else other.eval())(tensors["x"])
    return {"loaded": plain(loaded), "resumed": plain(other.train()(tensors["x"]))}


def _count(function: Callable[..., Any], module: torch.nn.Module, tensors: Mapping) -> dict[str, np.ndarray]:
    return {"parameters": plain(sum(p.numel() for p in module.parameters()))}


_LOOKS = {
    "train": lambda f, module, t: _outputs(module, t["x"], "ttt"),
    "without gradients": lambda f, module, t: _outputs(module, t["x"], "ntn"),
    "eval": lambda f, module, t: _outputs(module, t["x"], "ee"),
    "mixed": lambda f, module, t: _outputs(module, t["x"], "teet"),
    "gradient": lambda f, module, t: _gradients(module, t, 1),
    "gradient in evaluation": lambda f, module, t: _gradients(module.eval(), t, 1),
    "updated": _updated,
    "two": lambda f, module, t: _gradients(module, t, 2),
    "loaded": lambda f, module, t: _loaded(f, module, t, ""),
    "loaded after use": lambda f, module, t: _loaded(f, module, t, "te"),
    "parameters": _count,
}
