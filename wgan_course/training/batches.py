"""Endless, resumable streams of batches: from tensors in shuffled passes, or from a distribution."""

from typing import Protocol

import torch
from torch import Tensor

__all__ = ["Batches", "SampledBatches", "TensorBatches"]


class Batches(Protocol):
    """What the training loop asks of its data: a batch size, batches, and a position to come back to."""

    batch: int

    def next(self) -> tuple[Tensor, Tensor | None]:
        """Return the next batch: samples (n, ...) and labels (n,) or None."""

    def state_dict(self) -> dict:
        """Return the position in the stream."""

    def load_state_dict(self, state: dict) -> None:
        """Go to a position in the stream."""


def _check_size(batch: int) -> None:
    if not isinstance(batch, int) or batch < 1:
        raise ValueError(f"batch must be a whole number of 1 or more, got {batch!r}")


class TensorBatches:
    """Batches from tensors, in a new random order on each pass; the incomplete batch at a pass's end is left out.

    Parameters
    ----------
    samples : Tensor, shape (n, ...)
    batch : int
        At most n.
    rng : torch.Generator
        On the CPU; draws the order of each pass.
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
        self.order, self.position = torch.empty(0, dtype=torch.long), 0

    def next(self) -> tuple[Tensor, Tensor | None]:
        """Return the next batch.

        Returns
        -------
        samples : Tensor, shape (batch, ...)
        labels : Tensor, shape (batch,), or None
        """
        if self.position + self.batch > len(self.order):
            self.order, self.position = torch.randperm(len(self.samples), generator=self.rng), 0
        index = self.order[self.position : self.position + self.batch].to(self.samples.device, non_blocking=True)
        self.position += self.batch
        return self.samples[index], None if self.labels is None else self.labels[index]

    def state_dict(self) -> dict:
        """Return the position in the stream.

        Returns
        -------
        dict
        """
        return {"rng": self.rng.get_state(), "order": self.order, "position": self.position}

    def load_state_dict(self, state: dict) -> None:
        """Go to a position in the stream.

        Parameters
        ----------
        state : dict
            From `state_dict`.

        Raises
        ------
        ValueError
            If it belongs to data of another size.
        """
        if len(state["order"]) not in (0, len(self.samples)):
            raise ValueError(f"state is of {len(state['order'])} samples, these data have {len(self.samples)}")
        self.rng.set_state(state["rng"])
        self.order, self.position = state["order"], state["position"]


class SampledBatches:
    """Batches drawn afresh from a distribution.

    Parameters
    ----------
    sample : callable (n, rng) -> Tensor, shape (n, ...)
        Such as ``wgan_course.data.toy.eight_gaussians``.
    batch : int
    rng : torch.Generator

    Raises
    ------
    ValueError
        If the batch is not a positive whole number.
    """

    def __init__(self, sample, batch: int, rng: torch.Generator) -> None:
        _check_size(batch)
        self.sample, self.batch, self.rng = sample, batch, rng

    def next(self) -> tuple[Tensor, Tensor | None]:
        """Return the next batch, without labels.

        Returns
        -------
        samples : Tensor, shape (batch, ...)
        labels : None
        """
        return self.sample(self.batch, self.rng), None

    def state_dict(self) -> dict:
        """Return the position in the stream.

        Returns
        -------
        dict
        """
        return {"rng": self.rng.get_state()}

    def load_state_dict(self, state: dict) -> None:
        """Go to a position in the stream.

        Parameters
        ----------
        state : dict
            From `state_dict`.
        """
        self.rng.set_state(state["rng"])
