"""A critic's step, and a critic trained alone against a fixed pair of distributions."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from wgan_course import objectives
from wgan_course.constraints.base import Constraint
from wgan_course.training.config import OptimiserFactory, is_whole, require
from wgan_course.training.meters import Meters
from wgan_course.training.networks import scores_by_sample

__all__ = ["CriticTrainer", "fit_critic"]

Drawn = tuple[Tensor, dict[str, Tensor]]
Sampler = Callable[[int, torch.Generator], Tensor]
Record = dict[str, float | None]
Listeners = Callable[..., object] | Iterable[Callable[..., object]]
Pair = Callable[[torch.Generator], Sequence[Any]] | tuple[Sampler, Sampler] | tuple[Tensor, Tensor]


class CriticTrainer:
    """What training a critic needs, with or without a generator that learns; `fit_critic` makes one.

    Parameters
    ----------
    critic : Module
        Prepared by the constraint.
    constraint : Constraint
    objective : Objective
    optimiser : Optimizer
        Of the critic.
    rng : torch.Generator
        Draws the pairs and what the penalty needs.
    pair : callable (rng) -> (real, fake), each Tensor, shape (n, ...)
        Third, if there is more, what the critic is told besides, by name, such as ``{"labels": ...}``.
    """

    def __init__(
        self,
        critic: nn.Module,
        constraint: Constraint,
        objective: objectives.Objective,
        optimiser: torch.optim.Optimizer,
        rng: torch.Generator,
        pair: Callable[[torch.Generator], Sequence[Any]],
    ) -> None:
        self.critic, self.constraint, self.objective = critic, constraint, objective
        self.critic_optimiser, self.rngs, self._pair = optimiser, {"penalty": rng}, pair
        self.record: Record = {}
        self.meters, self.step = Meters(next(critic.parameters()).device), 0

    def pair(self, drawn: Drawn | None = None) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Return real and generated samples, (n, ...) each, and what both networks are told besides."""
        real, fake, *given = self._pair(self.rngs["penalty"])
        return real, fake, given[0] if given else {}

    def critic_step(self, drawn: Drawn | None = None) -> None:
        """Take one step of the critic: loss plus penalty, one backward, then the projection."""
        with self.context(), parametrize.cached():
            with self.constraint.beside(self.critic):
                real, fake, given = self.pair(drawn)
            real_scores, fake_scores = self.scores(real, fake, given)
            loss = self.objective.critic_loss(real_scores, fake_scores)
            penalty = self.constraint.penalty(self.critic, real, fake, self.rngs["penalty"], **given)
        self.critic_optimiser.zero_grad(set_to_none=True)
        (loss + penalty).backward()
        self.critic_optimiser.step()
        self.constraint.project_(self.critic)
        self.meters.add_critic(loss, real_scores.detach().mean() - fake_scores.detach().mean(), penalty)

    def scores(self, real: Tensor, fake: Tensor, given: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the critic's scores of both batches, (n,) each.

        On a GPU both go through in one batch, where no layer of the critic mixes samples: half the kernels to
        launch. On a CPU that gained nothing.
        """
        if not (real.is_cuda and real.shape == fake.shape and scores_by_sample(self.critic)):
            return self.critic(real, **given), self.critic(fake, **given)
        twice = {name: torch.cat((value, value)) for name, value in given.items()}
        real_scores, fake_scores = self.critic(torch.cat((real, fake)), **twice).chunk(2)
        return real_scores, fake_scores

    def context(self) -> contextlib.AbstractContextManager:
        """Return the precision in which the networks run."""
        return contextlib.nullcontext()

    def read(self) -> Record:
        """Return loss, estimate of the distance and penalty, means since the last call; this waits for the device."""
        means, _ = self.meters.read()
        self.meters.reset()
        return {"step": self.step, **{name: means[name] for name in ("critic_loss", "estimate", "penalty")}}

    def fit(self, steps: int, after: Listeners = (), schedule: Any = None, log_every: int | None = None) -> Self:
        """Take critic steps; the arguments are those of `fit_critic`."""
        listeners = callables(after)
        for step in range(1, steps + 1):
            self.critic_step()
            self.step += 1
            self.meters.count(1, 0)
            if schedule is not None:
                schedule.step()
            last = step == steps
            record = self.read() if last or (log_every and self.step % log_every == 0) else None
            self.record = record or self.record
            for listener in listeners:
                listener(self, record)
        return self


def callables(given: Listeners | None) -> tuple[Callable[..., object], ...]:
    """Return a tuple of callables from none, one or several."""
    if given is None:
        return ()
    return (given,) if callable(given) else tuple(given)


def fit_critic(
    critic: nn.Module,
    constraint: Constraint,
    pair: Pair,
    steps: int,
    optimiser: OptimiserFactory | torch.optim.Optimizer,
    *,
    rng: torch.Generator | None = None,
    batch: int | None = None,
    objective: objectives.Objective | None = None,
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None,
    after: Listeners = (),
    log_every: int | None = None,
) -> CriticTrainer:
    """Train a critic alone, against a generator that stands still.

    Parameters
    ----------
    critic : Module
        Changed in place.
    constraint : Constraint
    pair : callable (rng) -> (real, fake[, conditioning]), two samplers (n, rng) -> Tensor, or two tensors, (n, ...)
    steps : int
    optimiser : callable (parameters) -> Optimizer, or Optimizer
        A callable makes the optimiser of a critic that is prepared here; with an optimiser that is ready, training goes
        on with a critic that is.
    rng : torch.Generator, optional
        Draws pairs and penalties; seeded with 0 when absent.
    batch : int, optional
        For samplers, and for tensors of which each step draws some rows; all rows when absent.
    objective : Objective, optional
        Wasserstein when absent.
    schedule : callable (optimiser) -> learning-rate scheduler, optional
        Takes a step after each step.
    after : callable (trainer, record), or several, optional
        Called after each step; the record is None but where one was made.
    log_every : int, optional
        How often a record is made, besides the last step: means of loss, estimate and penalty.

    Returns
    -------
    CriticTrainer
        With the trained ``critic`` and the last ``record``.

    Raises
    ------
    ValueError
        If ``steps`` or ``batch`` is no whole number of 1 or more.

    Notes
    -----
    The same critic step as the trainer's, derived in chapters 5 to 8.
    """
    require(is_whole(steps), "steps", steps, "a whole number of 1 or more")
    if not isinstance(optimiser, torch.optim.Optimizer):
        critic = constraint.prepare(critic.train())
        optimiser = optimiser([p for p in critic.parameters() if p.requires_grad])
    rng = rng if rng is not None else torch.Generator(next(critic.parameters()).device).manual_seed(0)
    draw = pair if callable(pair) else _drawer(pair, batch)
    run = CriticTrainer(critic, constraint, objective or objectives.make("wasserstein"), optimiser, rng, draw)
    return run.fit(steps, after, schedule(optimiser) if schedule else None, log_every)


def _drawer(pair: Any, batch: int | None) -> Callable[[torch.Generator], Sequence[Tensor]]:
    """Make one callable of two samplers or two tensors."""
    real, fake = pair
    if isinstance(real, Tensor) and batch is None:
        return lambda _rng: (real, fake)
    require(is_whole(batch), "batch", batch, "a whole number of 1 or more")
    n: Any = batch
    samplers = [_rows_of(side) if isinstance(side, Tensor) else side for side in (real, fake)]
    return lambda rng: (samplers[0](n, rng), samplers[1](n, rng))


def _rows_of(samples: Tensor) -> Sampler:
    """Draw rows with replacement."""

    def sample(n: int, rng: torch.Generator) -> Tensor:
        index = torch.randint(len(samples), (n,), generator=rng, device=rng.device)
        return samples[index.to(samples.device)]

    return sample
