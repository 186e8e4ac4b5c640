"""Checkpoints that a power cut cannot halve: temporary file, fsync, rename."""

import io
import logging
import os
from pathlib import Path

import torch
from torch import Tensor

from wgan_course._files import DiskFullError, atomic_write

__all__ = [
    "CheckpointError",
    "DiskFullError",
    "atomic_write",
    "load",
    "new_stream",
    "random_state",
    "save",
    "set_generator",
    "set_random_state",
]

FORMAT = 2
_log = logging.getLogger(__name__)


class CheckpointError(ValueError):
    """A checkpoint is missing, broken or of another kind; the message names the file and the cure."""


def save(path: str | os.PathLike, state: dict) -> Path:
    """Write a checkpoint atomically.

    Parameters
    ----------
    path : path
    state : dict
        Tensors, numbers, strings, and lists and dicts of them: what ``torch.load(weights_only=True)`` reads back.

    Returns
    -------
    Path

    Raises
    ------
    DiskFullError
        If there is no room; the old checkpoint stays as it was.
    """
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    return atomic_write(path, buffer.getvalue())


def load(path: str | os.PathLike) -> dict:
    """Read a checkpoint; nothing in it is executed.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict
        What was saved, tensors on the CPU.

    Raises
    ------
    CheckpointError
        If the file is missing, truncated, or not one of ours.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"no checkpoint at {path}: check the folder, or train without resume")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except Exception as error:  # PyTorch's reader raises whatever the bytes lead it to
        raise CheckpointError(f"{path} is truncated or no checkpoint ({error}); delete it and start again") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise CheckpointError(f"{path} is no checkpoint of this package, or of another version (format {FORMAT})")
    return state


def random_state(generators: dict[str, torch.Generator]) -> dict[str, Tensor]:
    """Collect the states of the given generators and of PyTorch's global ones.

    Parameters
    ----------
    generators : dict of torch.Generator

    Returns
    -------
    dict of Tensor of uint8
    """
    states = {name: generator.get_state() for name, generator in generators.items()}
    states["global"] = torch.get_rng_state()
    if torch.cuda.is_initialized():
        states |= {f"global-cuda-{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


def set_random_state(states: dict[str, Tensor], generators: dict[str, torch.Generator], step: int = 0) -> None:
    """Put the states back that `random_state` collected; where one is of another kind of device, begin a new stream.

    Parameters
    ----------
    states : dict of Tensor of uint8
    generators : dict of torch.Generator
        Set in place.
    step : int
        Where the run is: it keeps new streams from repeating an older one.

    Raises
    ------
    CheckpointError
        If a generator has no saved state.
    """
    missing = sorted(set(generators) - set(states))
    if missing:
        raise CheckpointError(f"the checkpoint has no random state for {', '.join(missing)}: it is of another run")
    for name, generator in generators.items():
        set_generator(name, generator, states[name], step)
    torch.set_rng_state(states["global"])
    cuda = [states[key] for key in states if key.startswith("global-cuda-")]
    for index, state in enumerate(cuda[: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(state, index)


def set_generator(name: str, generator: torch.Generator, state: Tensor, step: int) -> None:
    """Put one generator's state back, or begin a new stream where the state is of another kind of device.

    Parameters
    ----------
    name : str
        What it draws, for the log.
    generator : torch.Generator
    state : Tensor of uint8, shape (bytes,)
    step : int
        Goes into the seed of a new stream.
    """
    try:
        generator.set_state(state)
    except (RuntimeError, TypeError):
        new_stream(generator, step)
        _log.warning(
            "%s: the checkpoint was written on another kind of device than %s; its random numbers go on with a new "
            "stream, so the run is not the same to the bit",
            name,
            generator.device,
        )


def new_stream(generator: torch.Generator, step: int) -> None:
    """Begin a stream of random numbers that repeats none from before this step.

    Parameters
    ----------
    generator : torch.Generator
        Set in place.
    step : int
    """
    generator.manual_seed((generator.initial_seed() + 1_000_003 * (step + 1)) % 2**63)
