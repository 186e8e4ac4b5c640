"""Endless streams of batches: from tensors in shuffled passes, from a distribution, or from any loader."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from wgan_course.training import checkpoint

__all__ = ["Batches", "LoaderBatches", "SampledBatches", "TensorBatches", "as_batches"]

WHOLE = slice(None)
_log = logging.getLogger(__name__)


@runtime_checkable
class Batches(Protocol):
    """What the training loop asks of its data: a batch size, batches, and a position to come back to."""

    batch: int

    def next(self) -> tuple[Tensor, Tensor | None]:
        """Return the next batch: samples (n, ...) and labels (n,) or None."""
        ...

    def state_dict(self) -> dict:
        """Return the position in the stream."""
        ...

    def load_state_dict(self, state: dict) -> None:
        """Go to a position in the stream."""
        ...


def _check_size(batch: object) -> None:
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise ValueError(f"batch must be a whole number of 1 or more, got {batch!r}")


class TensorBatches:
    """Batches from tensors, in a new random order on each pass; the incomplete batch at a pass's end is left out.

    Parameters
    ----------
    samples : Tensor, shape (n, ...)
        On any device; the batches, and the order of each pass, are there too.
    batch : int
        At most n.
    rng : torch.Generator
        On the CPU; draws the order of each pass, the same one on every device.
    labels : Tensor of int64, shape (n,), optional

    Raises
    ------
    ValueError
        If there are fewer samples than a batch needs, NaN among them, or labels that do not match.
    """

    def __init__(self, samples: Tensor, batch: int, rng: torch.Generator, labels: Tensor | None = None) -> None:
        _check_size(batch)
        if len(samples) < batch:
            raise ValueError(f"samples: {len(samples)} of them do not fill a batch of {batch}; make batch smaller")
        if not torch.isfinite(samples).all():
            raise ValueError("samples contain NaN or infinite values: clean the data before training")
        if labels is not None and labels.shape != samples.shape[:1]:
            raise ValueError(f"labels must have shape ({len(samples)},), got {tuple(labels.shape)}")
        self.samples, self.labels, self.batch, self.rng = samples, labels, batch, rng
        self.order, self.position, self.rows = torch.empty(0, dtype=torch.long), 0, WHOLE

    def next(self) -> tuple[Tensor, Tensor | None]:
        """Return the next samples and labels; ``rows`` of them where several processes share a batch."""
        if self.position + self.batch > len(self.order):
            order = torch.randperm(len(self.samples), generator=self.rng)
            self.order, self.position = order.to(self.samples.device, non_blocking=True), 0
        index = self.order[self.position : self.position + self.batch][self.rows]
        self.position += self.batch
        return self.samples[index], None if self.labels is None else self.labels[index]

    def state_dict(self) -> dict:
        """Return the position in the stream."""
        return {"rng": self.rng.get_state(), "order": self.order.cpu(), "position": self.position}

    def load_state_dict(self, state: dict) -> None:
        """Go to a position in the stream.

        Raises
        ------
        ValueError
            If it belongs to data of another size.
        """
        if len(state["order"]) not in (0, len(self.samples)):
            raise ValueError(f"state is of {len(state['order'])} samples, these data have {len(self.samples)}")
        checkpoint.set_generator("batches", self.rng, state["rng"], state["position"])
        self.order, self.position = state["order"].to(self.samples.device), state["position"]

    def __repr__(self) -> str:
        """Tell data apart: a sum over some of the numbers stands for them all."""
        some = self.samples.flatten()[:: max(1, self.samples.numel() // 100_000)]
        labels = "" if self.labels is None else f", labels of sum {int(self.labels.sum())}"
        total = float(some.cpu().double().sum())
        return f"{tuple(self.samples.shape)} {self.samples.dtype} of sum {total:.6g}{labels}"


class SampledBatches:
    """Batches drawn afresh from a distribution.

    Parameters
    ----------
    sample : callable (n, rng) -> Tensor, shape (n, ...)
        Such as ``wgan_course.data.toy.eight_gaussians``.
    batch : int
    rng : torch.Generator
    """

    def __init__(self, sample: Callable[[int, torch.Generator], Tensor], batch: int, rng: torch.Generator) -> None:
        _check_size(batch)
        self.sample, self.batch, self.rng, self.rows = sample, batch, rng, WHOLE

    def next(self) -> tuple[Tensor, None]:
        """Return the next samples, without labels; ``rows`` of them where several processes share a batch."""
        return self.sample(self.batch, self.rng)[self.rows], None

    def state_dict(self) -> dict:
        """Return the position in the stream."""
        return {"rng": self.rng.get_state()}

    def load_state_dict(self, state: dict) -> None:
        """Go to a position in the stream."""
        checkpoint.set_generator("batches", self.rng, state["rng"], 0)

    def __repr__(self) -> str:
        name = getattr(self.sample, "__qualname__", type(self.sample).__name__)
        owner = getattr(self.sample, "__self__", None)
        return name if owner is None else f"{name} of {owner!r}"


class LoaderBatches:
    """Batches from a ``torch.utils.data.DataLoader``, or from whatever can be gone through again and again.

    Parameters
    ----------
    loader : iterable
        Of samples (n, ...), or of pairs of samples and labels. Several processes need a loader each, with a
        ``DistributedSampler``.

    Raises
    ------
    ValueError
        If it is empty, can be gone through only once, or holds something else.

    Notes
    -----
    A loader does not tell where it is. So a run that is resumed begins a new pass, and says so; only a loader with
    ``state_dict``, such as torchdata's ``StatefulDataLoader``, goes on where it was.
    """

    def __init__(self, loader: Iterable[Any]) -> None:
        if iter(loader) is loader:
            raise ValueError("batches: an iterator ends after one pass; give the list or the DataLoader that it is of")
        self.loader, self._pass = loader, iter(())
        self.batch = getattr(loader, "batch_size", None) or len(self._first())

    def _first(self) -> Tensor:
        return _samples_and_labels(next(self._again()))[0]

    def _again(self) -> Iterator[Any]:
        """Begin a pass, and make sure that there is something in it."""
        items = iter(self.loader)
        try:
            first = next(items)
        except StopIteration:
            raise ValueError("batches: the loader is empty; with drop_last, the batch may be too large") from None
        yield first
        yield from items

    def next(self) -> tuple[Tensor, Tensor | None]:
        """Return the next samples and labels; the last batch of a pass may be smaller."""
        item = next(self._pass, None)
        if item is None:
            self._pass = self._again()
            item = next(self._pass)
        return _samples_and_labels(item)

    def state_dict(self) -> dict:
        """Return the loader's own state, if it has one."""
        own = getattr(self.loader, "state_dict", None)
        return {"loader": own()} if own else {}

    def load_state_dict(self, state: dict) -> None:
        """Go to the loader's own position, or begin a new pass."""
        if "loader" in state and hasattr(self.loader, "load_state_dict"):
            self.loader.load_state_dict(state["loader"])  # pyright: ignore[reportAttributeAccessIssue]
        else:
            _log.warning("batches: a DataLoader cannot go back to where it was; the run goes on with a new pass")
        self._pass = iter(())

    def __repr__(self) -> str:
        dataset = getattr(self.loader, "dataset", self.loader)
        size = f" of {len(dataset)}" if hasattr(dataset, "__len__") else ""  # pyright: ignore[reportArgumentType]
        return f"{type(dataset).__name__}{size}"


def _samples_and_labels(item: Any) -> tuple[Tensor, Tensor | None]:
    """A batch of a loader: samples alone, or with labels."""
    parts = tuple(item) if isinstance(item, list | tuple) else (item,)
    if len(parts) not in (1, 2) or not all(isinstance(part, Tensor) for part in parts):
        kind = type(item).__name__ if len(parts) == 1 else f"{len(parts)} parts"
        raise ValueError(f"batches must hold tensors, or pairs of samples and labels, got {kind}")
    return parts[0], parts[1] if len(parts) == 2 else None


def as_batches(data: Batches | Iterable[Any]) -> Batches:
    """Return a stream for whatever holds real samples.

    Parameters
    ----------
    data : Batches or iterable
        A stream is returned as it is; a ``DataLoader`` or a list of batches becomes `LoaderBatches`.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if hasattr(data, "next") and hasattr(data, "batch"):
        return data  # pyright: ignore[reportReturnType]
    if isinstance(data, Tensor) or not isinstance(data, Iterable):
        raise TypeError(f"batches must be a stream, a DataLoader or a list of batches, got {type(data).__name__}")
    return LoaderBatches(data)
