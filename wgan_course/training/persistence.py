"""What makes a run one that can be stopped and gone on with: its identity, its folder, its checkpoints."""

import logging
import time
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from wgan_course.constraints.base import Constraint
from wgan_course.objectives import Objective
from wgan_course.training import checkpoint, distributed
from wgan_course.training.batches import Batches
from wgan_course.training.config import TrainingConfig, described, differences
from wgan_course.training.critic import Record
from wgan_course.training.meters import Meters
from wgan_course.training.networks import Ema
from wgan_course.training.runlog import RunLog, set_aside

__all__ = ["Persistence", "TrainingDivergedError", "plain_defaults"]

OF_DEVICES = ("fused", "foreach", "capturable", "differentiable")  # what an optimiser is told about devices
_log = logging.getLogger(__name__)


class TrainingDivergedError(FloatingPointError):
    """A loss became NaN or infinite; the message names the step and the last good checkpoint."""


def plain_defaults(optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Return an optimiser's settings, without those that say how a device computes.

    Parameters
    ----------
    optimiser : Optimizer
    """
    return {name: value for name, value in optimiser.defaults.items() if name not in OF_DEVICES}


class Persistence:
    """The part of a trainer that outlives it: settings, log, checkpoints."""

    config: TrainingConfig
    constraint: Constraint
    objective: Objective
    batches: Batches
    settings: dict[str, Any]
    rngs: dict[str, torch.Generator]
    meters: Meters
    record: Record
    step: int
    rank: int
    ema: Ema | None
    critic_optimiser: torch.optim.Optimizer
    generator_optimiser: torch.optim.Optimizer
    critic_schedule: Any
    generator_schedule: Any

    def identity(self, generator: nn.Module, critic: nn.Module) -> dict[str, Any]:
        """Return everything that makes a run this one and not another, for those who resume it."""
        return {
            **self.config.identity(),
            "constraint": described(self.constraint),
            "objective": type(self.objective).__name__,
            "batch": self.batches.batch,
            "data": described(self.batches),
            "generator": described(generator),
            "critic": described(critic),
        }

    def _open(self, folder: str | Path | None) -> None:
        self.folder = None if folder is None else Path(folder)
        self.log = self.timing = None
        self._begun, self._origin = False, None
        self.record = {}
        if self.folder is not None and self.rank == 0:
            self.log, self.timing = RunLog(self.folder / "log.jsonl"), RunLog(self.folder / "timing.jsonl")
        self._clock = time.perf_counter()

    def begin(self) -> None:
        """Make room in the folder, once: what another run has left there is moved aside."""
        if not self._begun and self.folder is not None and self.rank == 0:
            set_aside(self.folder)
        self._begun = True

    # ---- divergence -----------------------------------------------------------------------------------------------

    def read_meters(self) -> Record:
        """Return the means since the last log.

        Raises
        ------
        TrainingDivergedError
            If a loss was not finite; names the step and the last good checkpoint.
        """
        means, bad = self.meters.read()
        if bad >= 0:
            shown = (f"{name} {value:.4g}" for name, value in means.items() if value is not None)
            raise self._diverged(bad, ", ".join(shown))
        return means

    def _diverged(self, step: int, what: str) -> TrainingDivergedError:
        own = self.checkpoint_path
        good = own if own and self._begun and own.is_file() else self._origin
        where = f"the last good checkpoint is {good}" if good else "no checkpoint was written before"
        return TrainingDivergedError(
            f"a loss became NaN or infinite in step {step} ({what}); {where}. "
            "Smaller learning rates or a stronger constraint usually cure it"
        )

    # ---- checkpoints ----------------------------------------------------------------------------------------------

    @property
    def checkpoint_path(self) -> Path | None:
        """Where the checkpoint goes; None without a folder."""
        return None if self.folder is None else self.folder / "checkpoint.pt"

    def save(self) -> Path:
        """Write the checkpoint, after making sure that it is a good one; of several processes, the first writes.

        Raises
        ------
        ValueError
            If the trainer has no folder.
        """
        path = self.checkpoint_path
        if path is None:
            raise ValueError("folder: this trainer has none to save to; pass folder=... when making it")
        self.begin()
        self.read_meters()
        state = self.state_dict()
        if self.log is not None:
            checkpoint.save(path, {**state, "log_bytes": self.log.sync()})
        return path

    def resume(self, path: str | Path | None = None) -> Self:
        """Go on from a checkpoint, to the bit; the log is cut back to it.

        Parameters
        ----------
        path : path, optional
            The trainer's own checkpoint when absent.

        Raises
        ------
        CheckpointError
            If there is none, or it is of another run: the message says which setting differs.
        ValueError
            If no path is given, and the trainer has no folder.
        """
        path = path if path is not None else self.checkpoint_path
        if path is None:
            raise ValueError("path: this trainer has no folder; say which checkpoint to resume from")
        state = checkpoint.load(path)
        self.load_state_dict(state)
        self._origin = Path(path)
        if self.checkpoint_path is not None and Path(path).resolve() == self.checkpoint_path.resolve():
            self._begun = True
            if self.log is not None:
                self.log.cut(state["log_bytes"])
        _log.info("resumed at step %d from %s", self.step, path)
        return self

    def _parts(self) -> dict[str, Any]:
        """Everything with a state, by name, but for optimisers and random generators."""
        names = ("generator", "critic", "batches", "meters", "critic_schedule", "generator_schedule")
        parts = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return parts if self.ema is None else {**parts, "ema": self.ema.module}

    def _optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {name: getattr(self, name) for name in ("generator_optimiser", "critic_optimiser")}

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next step depends on.

        Returns
        -------
        dict
            Networks, optimisers, moving average, position in the data, random states, unread meters, step, settings.
        """
        parts = {name: part.state_dict() for name, part in {**self._parts(), **self._optimisers()}.items()}
        own = {"step": self.step, "settings": self.settings, "record": self.record}
        return {**own, "random": self._random_state(), **parts}

    def _random_state(self) -> dict[str, torch.Tensor]:
        """States of this process, and under names of their own the penalties' states of the others."""
        everywhere = distributed.gather(self.rngs["penalty"].get_state())
        others = {f"penalty-{rank}": state for rank, state in enumerate(everywhere) if rank}
        return {**checkpoint.random_state(self.rngs), "penalty": everywhere[0], **others}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put everything back.

        Parameters
        ----------
        state : dict
            From `state_dict`.

        Raises
        ------
        CheckpointError
            If it belongs to another run: other settings, other data, other networks.
        """
        try:
            if state["settings"] != self.settings:
                told = differences(state["settings"], self.settings)
                raise checkpoint.CheckpointError(f"the checkpoint is of another run: {told}")
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
            for name, optimiser in self._optimisers().items():
                _load_optimiser(optimiser, state[name])
            self._load_random_state(state["random"], state["step"])
            self.step, self.record = state["step"], state["record"]
        except (KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, checkpoint.CheckpointError):
                raise
            raise checkpoint.CheckpointError(f"the checkpoint is of another run: {error}") from error

    def _load_random_state(self, states: dict[str, torch.Tensor], step: int) -> None:
        own = states.get(f"penalty-{self.rank}" if self.rank else "penalty")
        if own is None:  # there are more processes than before
            checkpoint.new_stream(self.rngs["penalty"], step)
            own = self.rngs["penalty"].get_state()
            _log.warning(
                "process %d is new: its penalties come from a new stream, so the run is not the same to the bit",
                self.rank,
            )
        checkpoint.set_random_state({**states, "penalty": own}, self.rngs, step)


def _load_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load an optimiser's state, and keep what it was told about this device."""
    kept = [{name: group[name] for name in (*OF_DEVICES, "lr") if name in group} for group in optimiser.param_groups]
    optimiser.load_state_dict(state)
    for group, own in zip(optimiser.param_groups, kept, strict=True):
        rate = float(group["lr"])
        group.update(own)
        group["lr"] = own["lr"].fill_(rate) if isinstance(own["lr"], torch.Tensor) else rate
        on_device = group.get("capturable") or group.get("fused")
        for parameter in group["params"]:
            count = optimiser.state[parameter].get("step") if parameter in optimiser.state else None
            if isinstance(count, torch.Tensor):
                place = parameter.device if on_device else "cpu"
                optimiser.state[parameter]["step"] = count.to(device=place, dtype=torch.float32)
