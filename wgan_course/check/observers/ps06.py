"""Observing for problem set 6: critics that take images, and what a second derivative may need, loaded beforehand.

The option ``flatten`` puts a Flatten layer before the critic, so that batches of any shape can be scored. The first use
of ``torch.func.vmap`` imports a large part of PyTorch, which on a busy machine can outlast a case's time limit.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from .. import observe

__all__ = ["call"]

torch.func.vmap(torch.func.grad(torch.sin))(torch.ones(1))


def call(function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Call `function` as `observe.call` does, its first argument behind a Flatten layer where the case asks for it."""
    if not options.get("flatten"):
        return observe.call(function, inputs, options)

    def flattened(critic: torch.nn.Module, *rest: Any) -> Any:
        whole = torch.nn.Sequential(torch.nn.Flatten(), *critic.children())
        return function(whole.train(critic.training), *rest)

    return observe.call(flattened, inputs, options)
