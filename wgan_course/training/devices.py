"""Where the numbers live and how precise they are: devices, threads, autocast."""

import contextlib
import logging
import os
import platform

import torch

__all__ = ["PRECISIONS", "choose", "describe", "make_generator", "precision_context"]

PRECISIONS = ("fp32", "bf16")
_log = logging.getLogger(__name__)


def _best() -> str:
    """Name the fastest device that is at hand."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _available(device: torch.device) -> bool:
    if device.type == "cuda":
        return (device.index or 0) < torch.cuda.device_count()
    return device.type != "mps" or torch.backends.mps.is_available()


def choose(name: str | torch.device = "auto") -> torch.device:
    """Choose a device, and log which.

    Parameters
    ----------
    name : str or torch.device
        ``"auto"`` takes CUDA, then Apple's GPU, then the CPU; anything else is what PyTorch calls it (``"cuda:1"``).

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If PyTorch knows no such device or the machine has none.

    Notes
    -----
    Used from chapter 1 on.
    """
    try:
        device = torch.device(_best() if str(name) == "auto" else name)
    except RuntimeError as error:
        raise ValueError(f"device must be 'auto', 'cpu', 'cuda', 'cuda:1', ..., got {name!r}") from error
    if not _available(device):
        raise ValueError(f"device {name!r} is not at hand on this machine; use device='auto' or 'cpu'")
    _log.info("device: %s", describe(device))
    return device


def describe(device: torch.device | str) -> str:
    """Say in words what a device is.

    Parameters
    ----------
    device : torch.device or str

    Returns
    -------
    str
        Such as ``"cpu (x86_64, 2 threads)"``.

    Notes
    -----
    Used from chapter 1 on.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        return f"cpu ({platform.machine()}, {torch.get_num_threads()} of {os.cpu_count()} threads)"
    return str(device)


def make_generator(device: torch.device | str, seed: int, stream: int = 0) -> torch.Generator:
    """Make a random generator on a device; streams of one seed are independent of each other.

    Parameters
    ----------
    device : torch.device or str
        The ``meta`` device has no generators and gets one of the CPU.
    seed : int
        0 or more.
    stream : int
        From 0 to 999.

    Returns
    -------
    torch.Generator

    Raises
    ------
    ValueError
        If the seed is negative or the stream out of range.

    Notes
    -----
    Used from chapter 1 on.
    """
    if seed < 0 or not 0 <= stream < 1000:
        raise ValueError(f"seed must be 0 or more and stream in 0..999, got seed {seed}, stream {stream}")
    device = torch.device(device)
    return torch.Generator("cpu" if device.type == "meta" else device).manual_seed(1000 * seed + stream)


def precision_context(device: torch.device | str, precision: str = "fp32") -> contextlib.AbstractContextManager:
    """Return the context in which the networks run.

    Parameters
    ----------
    device : torch.device or str
    precision : {"fp32", "bf16"}
        ``bf16`` runs matrix products and convolutions in bfloat16 and keeps the weights in float32.

    Raises
    ------
    ValueError
        If the precision is unknown.

    Notes
    -----
    Used in chapter 10.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    kind = torch.device(device).type
    if precision == "fp32" or kind == "meta":
        return contextlib.nullcontext()
    # What autocast has converted is kept until its outermost context ends: a CUDA graph must not meet what is older.
    return torch.autocast(kind, dtype=torch.bfloat16, cache_enabled=not torch.is_autocast_enabled(kind))
