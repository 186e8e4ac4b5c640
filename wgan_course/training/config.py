"""The settings of a training run: one frozen object, optimisers by name, schedules of critic steps."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

import torch
from torch import nn

from wgan_course.training import devices

__all__ = ["OptimiserFactory", "TrainingConfig", "wgan_schedule"]

OptimiserFactory = Callable[[list[nn.Parameter]], torch.optim.Optimizer]
FREE = ("device", "graph", "log_every", "checkpoint_every")  # settings that a resumed run may change
PROBES = (0, 1, 2, 10, 24, 25, 100, 500, 501)  # steps by which schedules are told apart


@dataclass(frozen=True)
class TrainingConfig:
    r"""How to train.

    Attributes
    ----------
    n_critic : int or callable (step) -> int
        Critic steps before each generator step; `wgan_schedule` makes the original WGAN's burn-in.
    optimiser : {"adam", "rmsprop"}
        Any other goes to the trainer as ``optimisers``.
    lr_critic, lr_generator : float
        Learning rates; two different ones make two time scales (chapter 9).
    betas : (float, float)
        Of Adam.
    ema : float
        Decay of the generator's moving average, from 0 (off) to below 1.
    precision : {"fp32", "bf16"}
    device : str
        As for ``devices.choose``.
    seed : int
        Of the latent vectors and the constraint's draws.
    log_every, checkpoint_every : int
        In generator steps; a checkpoint is also written at the end.
    graph : bool, optional
        Whether a round is one CUDA graph; when absent, wherever device and model allow.

    Raises
    ------
    ValueError
        If a value is out of range; the message names it.

    References
    ----------
    Defaults: Gulrajani et al., "Improved training of Wasserstein GANs", 2017, algorithm 1. Derived in chapter 6.
    """

    n_critic: int | Callable[[int], int] = 5
    optimiser: str = "adam"
    lr_critic: float = 1e-4
    lr_generator: float = 1e-4
    betas: tuple[float, float] = (0.0, 0.9)
    ema: float = 0.0
    precision: str = "fp32"
    device: str | torch.device = "auto"
    seed: int = 0
    log_every: int = 50
    checkpoint_every: int = 500
    graph: bool | None = None

    def __post_init__(self) -> None:
        for name in ("log_every", "checkpoint_every"):
            require(is_whole(getattr(self, name)), name, getattr(self, name), "a whole number of 1 or more")
        for name in ("lr_critic", "lr_generator"):
            rate = getattr(self, name)
            require(_is_number(rate) and rate > 0, name, rate, "above 0")
        good = callable(self.n_critic) or is_whole(self.n_critic)
        require(good, "n_critic", self.n_critic, "1 or more, or a function of the step")
        require(self.optimiser in OPTIMISERS, "optimiser", self.optimiser, " or ".join(OPTIMISERS))
        require(_is_number(self.ema) and 0 <= self.ema < 1, "ema", self.ema, "from 0 to below 1")
        require(self.precision in devices.PRECISIONS, "precision", self.precision, " or ".join(devices.PRECISIONS))
        require(is_whole(self.seed, least=0), "seed", self.seed, "0 or more")
        good = len(self.betas) == 2 and all(_is_number(beta) and 0 <= beta < 1 for beta in self.betas)
        require(good, "betas", self.betas, "two numbers from 0 to below 1")
        require(self.graph in (True, False, None), "graph", self.graph, "true, false or None")

    def critic_steps(self, step: int) -> int:
        """Return the critic steps before the generator step number ``step`` (from 0).

        Raises
        ------
        ValueError
            If the schedule gives anything but a whole number of 0 or more.
        """
        if not callable(self.n_critic):
            return self.n_critic
        count = self.n_critic(step)
        if not is_whole(count, least=0):
            raise ValueError(f"n_critic must give a whole number of 0 or more, got {count!r} for step {step}")
        return count

    def optimiser_of(self, rate: float) -> OptimiserFactory:
        """Return the factory of the optimiser that the settings name, with this learning rate."""
        return lambda parameters: OPTIMISERS[self.optimiser](parameters, rate, self.betas)

    def identity(self) -> dict[str, Any]:
        """Return the settings that make a run what it is, in a form that a checkpoint can hold."""
        told = {name: value for name, value in asdict(self).items() if name not in FREE}
        told["n_critic"] = self._schedule() if callable(self.n_critic) else self.n_critic
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}

    def _schedule(self) -> str:
        """A schedule has no name that tells it from another: some of its values do."""
        assert callable(self.n_critic)
        values = []
        for step in PROBES:
            try:
                values.append(f"{step}: {self.n_critic(step)}")
            except Exception:  # beyond its end
                break
        return f"a schedule ({', '.join(values)})"


def is_whole(value: object, least: int = 1) -> bool:
    """Tell whether a value is a whole number, and no less than the least."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def require(good: bool, name: str, value: object, wanted: str) -> None:
    """Refuse a value.

    Raises
    ------
    ValueError
        If it is not good; the message names it and what is wanted.
    """
    if not good:
        raise ValueError(f"{name} must be {wanted}, got {value!r}")


def wgan_schedule(n_critic: int = 5, burn_in: int = 100, first: int = 25, every: int = 500) -> Callable[[int], int]:
    """Return the original WGAN's schedule: many critic steps at the start and now and then, few in between.

    Parameters
    ----------
    n_critic : int
        Critic steps before most generator steps.
    burn_in : int
        Critic steps before the first generator steps and before every ``every``-th.
    first : int
        How many of the first generator steps get ``burn_in``.
    every : int

    References
    ----------
    Arjovsky, Chintala and Bottou, "Wasserstein GAN", 2017, and its published code. Discussed in chapter 5.
    """
    return lambda step: burn_in if step < first or step % every == 0 else n_critic


def _adam(parameters: list[nn.Parameter], rate: float, betas: tuple[float, float]) -> torch.optim.Optimizer:
    fused = all(p.device.type in ("cpu", "cuda") for p in parameters)
    return torch.optim.Adam(parameters, lr=rate, betas=betas, fused=fused)


def _rmsprop(parameters: list[nn.Parameter], rate: float, _betas: tuple[float, float]) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(parameters, lr=rate)


OPTIMISERS = {"adam": _adam, "rmsprop": _rmsprop}


def described(thing: object) -> str:
    """Return what a thing calls itself, without the places in memory."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(thing))


def differences(saved: dict[str, Any], ours: dict[str, Any]) -> str:
    """Say which settings of two runs differ, with both values; of long ones, the first line that differs."""
    names = [name for name in {**saved, **ours} if saved.get(name) != ours.get(name)]
    return "; ".join(f"{name} was {_shown(saved, ours, name)}, now {_shown(ours, saved, name)}" for name in names)


def _shown(these: dict[str, Any], those: dict[str, Any], name: str) -> str:
    if name not in these:
        return "not there"
    lines, others = str(these[name]).splitlines(), set(str(those.get(name)).splitlines())
    return next((line.strip() for line in lines if line not in others), str(these[name]).strip()) if lines else "empty"


def first_or_both(given: Any) -> Iterable[Any]:
    """Return one thing for the critic and one for the generator, from one for both or a pair."""
    return given if isinstance(given, tuple | list) else (given, given)
