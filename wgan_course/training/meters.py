"""What a run measures of itself: sums on the device, read once an interval, so that logging never waits for it."""

import struct

import torch
from torch import Tensor

from wgan_course.training import distributed

__all__ = ["METRICS", "Meters"]

METRICS = ("critic_loss", "estimate", "penalty", "generator_loss")


class Meters:
    """Sums since the last log, and the first step whose loss was not finite.

    What is added stays on the device, the number of the step too: the same operations run whether a round is eager or
    a replayed graph. How many steps were taken is known to the host without asking.

    Parameters
    ----------
    device : torch.device
    """

    def __init__(self, device: torch.device) -> None:
        self.sums = torch.zeros(len(METRICS), device=device)
        self.first_bad = torch.full((), -1, dtype=torch.int32, device=device)
        self.step = torch.zeros((), dtype=torch.int32, device=device)
        self.counts = {"critic": 0, "generator": 0}

    def add_critic(self, loss: Tensor, estimate: Tensor, penalty: Tensor) -> None:
        """Add what a critic step gave, all of shape ()."""
        self.sums[:3] += torch.stack([value.detach().float() for value in (loss, estimate, penalty)])

    def add_generator(self, loss: Tensor) -> None:
        """Add what a generator step gave, shape (), and note the step if anything since the last is not finite."""
        self.sums[3] += loss.detach().float()
        self.step += 1
        news = ~torch.isfinite(self.sums).all() & (self.first_bad < 0)
        self.first_bad.copy_(torch.where(news, self.step, self.first_bad))

    def count(self, critic: int, generator: int) -> None:
        """Count steps that were taken."""
        self.counts["critic"] += critic
        self.counts["generator"] += generator

    def read(self) -> tuple[dict[str, float | None], int]:
        """Return means since the last reset, over all processes, and the first bad step or -1.

        The one place that waits for the device. A mean over no steps is None.
        """
        sums, bad = distributed.mean_and_largest(self.sums, self.first_bad)
        *bits, first = torch.cat([sums.view(torch.int32), bad[None]]).tolist()  # one transfer, and no float64
        values = struct.unpack(f"{len(bits)}f", struct.pack(f"{len(bits)}i", *bits))
        counts = [self.counts["critic"]] * 3 + [self.counts["generator"]]
        pairs = zip(METRICS, values, counts, strict=True)
        return {name: value / n if n else None for name, value, n in pairs}, first

    def reset(self) -> None:
        """Begin the next interval."""
        self.sums.zero_()
        self.counts = {"critic": 0, "generator": 0}

    def state_dict(self) -> dict:
        """Return sums and counts."""
        return {"sums": self.sums.clone(), "step": int(self.step), "counts": dict(self.counts)}

    def load_state_dict(self, state: dict) -> None:
        """Put sums and counts back."""
        self.sums.copy_(state["sums"])
        self.step.fill_(state["step"])
        self.first_bad.fill_(-1)
        self.counts = dict(state["counts"])
