"""Several processes, one device each: who am I, which rows of a batch are mine, and means over all of us.

Every process draws the same batch and the same latent vectors, and takes its rows; gradients are averaged before each
optimiser step. So the processes together do what one would do with the whole batch, and their number may change when a
run is resumed.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, distributed, nn

__all__ = ["average_gradients", "gather", "group", "mean_and_largest", "place", "same_everywhere", "share"]


def place() -> tuple[int, int]:
    """Return the number of this process, from 0, and how many there are."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


@contextlib.contextmanager
def group(device: str = "auto") -> Iterator[str]:
    """Join the processes that ``torchrun`` has started, if it has; yield the device of this one.

    Parameters
    ----------
    device : str
        As for ``devices.choose``; ``"auto"`` and ``"cuda"`` take the GPU with the number of the process.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or distributed.is_initialized():
        yield device
        return
    on_gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    if on_gpu:
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield device if on_gpu or device != "auto" else "cpu"
    finally:
        distributed.destroy_process_group()


def share(batch: int) -> slice:
    """Return the rows of a batch that are this process's.

    Raises
    ------
    ValueError
        If the batch cannot be shared evenly.
    """
    rank, size = place()
    if batch % size:
        raise ValueError(f"batch: {batch} samples cannot be shared by {size} processes; take a multiple of {size}")
    return slice(rank * batch // size, (rank + 1) * batch // size) if size > 1 else slice(None)


def same_everywhere(*modules: nn.Module) -> None:
    """Give every process the weights and buffers of the first."""
    for tensor in (t for module in modules for t in (*module.parameters(), *module.buffers())):
        distributed.broadcast(tensor.data, 0)


def average_gradients(optimiser: torch.optim.Optimizer, *_: Any) -> None:
    """Replace each gradient by its mean over the processes: a hook before the optimiser's step.

    All of a step's backward passes are done by then, so that any loss is right, one with a gradient penalty included;
    ``DistributedDataParallel`` averages during the pass, sees no second one, and cannot be captured as it stands.
    """
    gradients = [p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    parts = (flat / distributed.get_world_size()).split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def mean_and_largest(sums: Tensor, number: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean of the first and the largest of the second over all processes.

    Parameters
    ----------
    sums : Tensor, shape (k,)
    number : Tensor, shape ()
    """
    size = place()[1]
    if size == 1:
        return sums, number
    sums, number = sums.clone(), number.clone()
    distributed.all_reduce(sums)
    distributed.all_reduce(number, distributed.ReduceOp.MAX)
    return sums / size, number


def gather(thing: Any) -> list[Any]:
    """Return what each process holds, in their order, on all of them."""
    size = place()[1]
    found: list[Any] = [thing] * size
    if size > 1:
        distributed.all_gather_object(found, thing)
    return found
