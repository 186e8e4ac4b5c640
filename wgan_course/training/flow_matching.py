"""Flow matching: a velocity field learnt by regression, which carries noise along straight lines to the data.

No critic and no game. `train_flow` is the regression, `flow` the integration of what was learnt. Chapter 10.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from wgan_course.training.batches import Batches
from wgan_course.training.config import is_whole, require
from wgan_course.training.networks import Ema

__all__ = ["flow", "flow_loss", "straight_path", "train_flow"]

Field = Callable[[Tensor, Tensor], Tensor]
METHODS = ("euler", "heun")


def straight_path(noise: Tensor, data: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    r"""Points on the segments from noise to data, and the velocity along them, each of shape (n, ...).

    .. math:: x_t=(1-t)\,z+t\,x,\qquad \dot x_t=x-z

    Displacement interpolation (chapter 2) of the coupling that the two batches are. Source: Lipman et al., "Flow
    matching for generative modeling", 2023, with no noise left at the end; Liu, Gong and Liu, 2023.

    Parameters
    ----------
    noise, data : Tensor, shape (n, ...)
    t : Tensor, shape (n,)
        Times in [0, 1].
    """
    share = t.reshape(-1, *[1] * (data.dim() - 1))
    return (1 - share) * noise + share * data, data - noise


def flow_loss(field: Field, data: Tensor, rng: torch.Generator) -> Tensor:
    r"""Mean square :math:`E\|v(x_t,t)-(x-z)\|^2/d` over times drawn uniformly and normal z (``prop-flow-matching``).

    Parameters
    ----------
    field : callable (x, t) -> Tensor, shape (n, ...)
    data : Tensor, shape (n, ...)
    """
    noise = torch.randn(data.shape, generator=rng, device=data.device, dtype=data.dtype)
    t = torch.rand(len(data), generator=rng, device=data.device, dtype=data.dtype)
    x, velocity = straight_path(noise, data, t)
    return (field(x, t) - velocity).square().mean()


def train_flow(
    field: nn.Module,
    batches: Batches,
    steps: int,
    optimiser: torch.optim.Optimizer,
    rng: torch.Generator,
    average: Ema | None = None,
) -> float:
    """Take regression steps on `flow_loss`; return the mean loss of the last tenth of them.

    Parameters
    ----------
    field : Module
        Called with points (n, ...) and times (n,); changed in place.
    average : Ema, optional
        Follows the field.
    """
    require(is_whole(steps), "steps", steps, "a whole number of 1 or more")
    field.train()
    late: list[Tensor] = []
    for step in range(steps):
        loss = flow_loss(field, batches.next()[0], rng)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if average is not None:
            average.update(field)
        if step >= 0.9 * (steps - 1):
            late.append(loss.detach())
    return float(torch.stack(late).mean())


@torch.no_grad()
def flow(field: Field, start: Tensor, steps: int, method: str = "heun") -> Tensor:
    r"""Follow :math:`\dot x=v(x,t)` from time 0 to 1 in equal steps; shape (n, ...).

    Parameters
    ----------
    field : callable (x, t) -> Tensor, shape (n, ...)
    start : Tensor, shape (n, ...)
    method : {"euler", "heun"}
        Heun's calls the field twice a step; its error falls as the square of the step's length, Euler's in proportion.

    Raises
    ------
    ValueError
        If the method is another, or ``steps`` no whole number of 1 or more.
    """
    require(is_whole(steps), "steps", steps, "a whole number of 1 or more")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    x, length = start, 1 / steps
    for step in range(steps):
        now, then = (x.new_full((len(x),), (step + ahead) * length) for ahead in (0, 1))
        slope = field(x, now)
        if method == "heun":
            slope = (slope + field(x + length * slope, then)) / 2
        x = x + length * slope
    return x
