"""What the loop asks of networks and does to them besides training: what they take, holding them still, averages."""

import copy
from collections.abc import Callable
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Ema", "agree_on_classes", "frozen", "normal_latent", "scores_by_sample"]


class frozen:  # noqa: N801 - a context manager, used like a function
    """Hold a network still: no gradients for its parameters, no power iteration, evaluation mode.

    Everything is put back afterwards, the mode of each part too. The object may be used again and again; it looks for
    the network's parts only once, when it is made.

    Parameters
    ----------
    module : Module
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._parts, self._parameters = list(module.modules()), list(module.parameters())
        self._before: list[tuple[list[bool], list[bool]]] = []

    def __enter__(self) -> nn.Module:
        self._before.append(([p.training for p in self._parts], [p.requires_grad for p in self._parameters]))
        for part in self._parts:
            part.training = False
        for parameter in self._parameters:
            parameter.requires_grad_(False)
        return self.module

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        modes, learning = self._before.pop()
        for part, mode in zip(self._parts, modes, strict=True):
            part.training = mode
        for parameter, learns in zip(self._parameters, learning, strict=True):
            parameter.requires_grad_(learns)


class Ema:
    r"""Exponential moving average of a network, :math:`\bar\theta \leftarrow \beta\bar\theta + (1 - \beta)\theta`.

    Parameters
    ----------
    module : Module
    decay : float
        :math:`\beta`, from 0 to below 1; 0 follows the network.

    References
    ----------
    Yazıcı et al., "The unusual effectiveness of averaging in GAN training", 2019. Used in chapter 10.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(module).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move towards a network; its buffers are copied."""
        average: list[Tensor] = list(self.module.parameters())
        current: list[Tensor] = list(module.parameters())
        torch._foreach_lerp_(average, current, 1 - self.decay)  # pyright: ignore[reportPrivateImportUsage]
        for mine, its in zip(self.module.buffers(), module.buffers(), strict=True):
            mine.copy_(its)


def agree_on_classes(generator: nn.Module, critic: nn.Module) -> bool:
    """Tell whether the networks are conditional.

    Parameters
    ----------
    generator, critic : Module

    Raises
    ------
    ValueError
        If they differ in the number of classes.
    """
    ours, theirs = getattr(generator, "classes", None), getattr(critic, "classes", None)
    if ours != theirs:
        raise ValueError(f"classes: the generator has {ours}, the critic {theirs}; give both the same number")
    return ours is not None


def normal_latent(generator: nn.Module) -> Callable[[int, torch.Generator], Tensor]:
    """Return a sampler of standard normal latent vectors, of the length and the type that a generator takes.

    Parameters
    ----------
    generator : Module

    Raises
    ------
    ValueError
        If it does not say its length.
    """
    length = getattr(generator, "latent", None)
    if length is None:
        raise ValueError("latent: the generator has no attribute of this name; give latent=callable(n, rng)")
    dtype = next((p.dtype for p in generator.parameters()), torch.float32)
    return lambda n, rng: torch.randn(n, length, generator=rng, device=rng.device, dtype=dtype)


# What treats each sample by itself, by the forward, which layers with a parametrised weight inherit.
_BY_SAMPLE = {
    kind.forward
    for kind in (nn.Linear, nn.Conv2d, nn.Flatten, nn.Unflatten, nn.Sequential, nn.Identity, nn.GroupNorm, nn.Tanh)
}
_OF_WEIGHTS = {"parametrizations", "power_iteration"}


def scores_by_sample(critic: nn.Module) -> bool:
    """Tell whether every part of a critic is known to treat each sample by itself, so that two batches may go as one.

    Parameters
    ----------
    critic : Module
        A module of the reader's own is not known.
    """
    forward: Any = type(critic).forward
    known = forward in _BY_SAMPLE or forward.__module__.startswith("wgan_course.models.")
    return known and all(scores_by_sample(p) for name, p in critic.named_children() if name not in _OF_WEIGHTS)
