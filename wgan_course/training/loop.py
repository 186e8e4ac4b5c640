"""One training loop for every constraint, every objective and every model.

A constraint acts through three hooks, and the loop calls all three: ``prepare`` before training (architecture),
``penalty`` in the critic's loss, ``project_`` after the critic's optimiser step (weights). Nothing else in the loop
knows which constraint it is.
"""

import contextlib
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from wgan_course import objectives
from wgan_course.constraints.base import Constraint
from wgan_course.training import devices, distributed, graph
from wgan_course.training.batches import Batches, as_batches
from wgan_course.training.config import OptimiserFactory, TrainingConfig, first_or_both, is_whole, require
from wgan_course.training.critic import CriticTrainer, Drawn, Listeners, Record, Sampler, callables
from wgan_course.training.meters import Meters
from wgan_course.training.networks import Ema, agree_on_classes, frozen, normal_latent
from wgan_course.training.persistence import Persistence, TrainingDivergedError, plain_defaults

__all__ = ["Trainer", "TrainingDivergedError", "train"]

STREAMS = {"latent": 1, "penalty": 2}


class Trainer(Persistence, CriticTrainer):
    """Trains a generator against a constrained critic; holds everything that a checkpoint must hold.

    Parameters
    ----------
    generator : Module
        With attribute ``latent``, the length of z, unless that is given; conditional ones have ``classes``.
    critic : Module
        Scores of shape (n,). It is passed to ``constraint.prepare``; use ``trainer.critic`` afterwards.
    batches : Batches or iterable
        The stream of real samples: of this package, a ``DataLoader``, or a list of batches.
    constraint : Constraint
    objective : Objective, optional
        What both minimise; Wasserstein when absent.
    config : TrainingConfig, optional
    folder : path, optional
        Where log and checkpoint go; nothing is written when absent. What an older run has left there is moved to
        ``previous`` when this one begins, unless it is resumed.
    optimisers : callable (parameters) -> Optimizer, or one for the critic and one for the generator, optional
        In place of those that the settings name.
    schedules : callable (optimiser) -> learning-rate scheduler, or one for each, optional
        The critic's takes a step after each critic step, the generator's after each generator step.
    latent : callable (n, rng) -> Tensor, shape (n, ...), optional
        What the generator gets; standard normal, shape (n, generator.latent), when absent.
    rng : torch.Generator, optional
        Draws latent vectors and penalties alike; two streams of the settings' seed when absent.

    Raises
    ------
    ValueError
        If generator and critic disagree about classes, or nothing says what the generator gets.

    Notes
    -----
    A step is ``n_critic`` critic steps and one generator step. The fakes of the critic's step carry no generator
    graph; the critic's step has one combined backward; spectral normalisation takes one power iteration a step; the
    generator's step sees a frozen critic. Derived in chapters 5 to 9.
    """

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        batches: Batches | Iterable[Any],
        constraint: Constraint,
        *,
        objective: objectives.Objective | None = None,
        config: TrainingConfig | None = None,
        folder: str | Path | None = None,
        optimisers: OptimiserFactory | tuple[OptimiserFactory, OptimiserFactory] | None = None,
        schedules: Any = None,
        latent: Sampler | None = None,
        rng: torch.Generator | None = None,
    ) -> None:
        self.config = config or TrainingConfig()
        self.conditional = agree_on_classes(generator, critic)
        self.device = devices.choose(self.config.device)
        self.batches, self.constraint = as_batches(batches), constraint
        self.objective = objective if objective is not None else objectives.make("wasserstein")
        self.latent = latent or normal_latent(generator)
        self.settings = self.identity(generator, critic)
        self.generator = generator.to(self.device).train()
        self.critic = constraint.prepare(critic.to(self.device)).to(self.device).train()
        self.rngs = self._make_streams(rng)
        self._make_optimisers(optimisers, schedules)
        self.ema = Ema(self.generator, self.config.ema) if self.config.ema else None
        self.meters, self.step = Meters(self.device), 0
        self._share()
        self._held = frozen(self.critic)
        self.captured = graph.captured_rounds(self)
        self._open(folder)

    def _make_streams(self, rng: torch.Generator | None) -> dict[str, torch.Generator]:
        if rng is not None:
            return dict.fromkeys(STREAMS, rng)
        own = {"latent": 0, "penalty": 10 * distributed.place()[0]}  # latents are drawn alike in every process
        seed = self.config.seed
        return {name: devices.make_generator(self.device, seed, s + own[name]) for name, s in STREAMS.items()}

    def _make_optimisers(self, optimisers: Any, schedules: Any) -> None:
        config = self.config
        of_critic, of_generator = first_or_both(optimisers)
        learning = [p for p in self.critic.parameters() if p.requires_grad]
        self.critic_optimiser = (of_critic or config.optimiser_of(config.lr_critic))(learning)
        self.generator_optimiser = (of_generator or config.optimiser_of(config.lr_generator))(
            list(self.generator.parameters())
        )
        made = (self.critic_optimiser, self.generator_optimiser)
        if optimisers is not None:
            self.settings |= {"optimisers": [f"{type(o).__name__} {plain_defaults(o)}" for o in made]}
        if self.device.type == "cuda" and config.graph is not False:
            graph.make_capturable(made, self.device, scheduled=schedules is not None)
        pairs = zip(first_or_both(schedules), made, strict=True)
        self.critic_schedule, self.generator_schedule = (make(o) if make else None for make, o in pairs)

    def _share(self) -> None:
        """Be one of several processes, where there are several."""
        self.rank, self.processes = distributed.place()
        if self.processes == 1:
            return
        distributed.same_everywhere(self.generator, self.critic)
        if self.device.type == "cuda":
            self.generator = nn.SyncBatchNorm.convert_sync_batchnorm(self.generator)
        for optimiser in (self.critic_optimiser, self.generator_optimiser):
            optimiser.register_step_pre_hook(distributed.average_gradients)
        if hasattr(self.batches, "rows"):
            self.batches.rows = distributed.share(self.batches.batch)  # pyright: ignore[reportAttributeAccessIssue]

    # ---- one step -------------------------------------------------------------------------------------------------

    def draw(self) -> Drawn:
        """Take the next real batch to the device.

        Returns
        -------
        real : Tensor, shape (n, ...)
        conditioning : dict
            ``{"labels": Tensor of int64, shape (n,)}`` for conditional networks, else empty.

        Raises
        ------
        ValueError
            If the networks are conditional and the data have no labels.
        """
        real, labels = self.batches.next()
        if not self.conditional:
            return real.to(self.device, non_blocking=True), {}
        if labels is None:
            raise ValueError("batches: the networks are conditional, but the data have no labels")
        return real.to(self.device, non_blocking=True), {"labels": labels.to(self.device, non_blocking=True)}

    def fakes(self, n: int, **conditioning: Tensor) -> Tensor:
        """Generate samples, shape (n, ...); wrap in ``torch.no_grad()`` where the generator is not to learn from them.

        Parameters
        ----------
        n : int
        **conditioning
            ``labels``, Tensor of int64, shape (n,), for a conditional generator.
        """
        z = self.latent(n * self.processes, self.rngs["latent"])[self.rank * n : (self.rank + 1) * n]
        return self.generator(z.to(self.device, non_blocking=True), **conditioning)

    def pair(self, drawn: Drawn | None = None) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Return real samples, as many generated ones without a graph, each (n, ...), and the conditioning."""
        real, given = drawn or self.draw()
        with torch.no_grad():
            return real, self.fakes(len(real), **given).to(real.dtype), given

    def generator_step(self, drawn: Drawn | None = None) -> None:
        """Take one step of the generator against the frozen critic."""
        real, given = (drawn or self.draw()) if self.generator_draws else (None, {})
        n = self.batches.batch // self._sharers if real is None else len(real)
        with self._held as critic, self.context(), parametrize.cached():
            with self.constraint.beside(critic):
                fake = self.fakes(n, **given)
            loss = self._generator_loss(critic, fake, real, given)
            self.generator_optimiser.zero_grad(set_to_none=True)
            loss.backward()
        self.generator_optimiser.step()
        if self.ema is not None:
            self.ema.update(self.generator)
        self.meters.add_generator(loss)

    def _generator_loss(self, critic: nn.Module, fake: Tensor, real: Tensor | None, given: dict[str, Tensor]) -> Tensor:
        if real is None or not self._relative:
            return self.objective.generator_loss(critic(fake, **given))
        real_scores, fake_scores = self.scores(real, fake.to(real.dtype), given)
        return self.objective.generator_loss(fake_scores, real_scores)

    @property
    def _relative(self) -> bool:
        return getattr(self.objective, "relative", False)

    @property
    def generator_draws(self) -> bool:
        """Whether a generator's step draws a batch too, for its labels or to compare with."""
        return self.conditional or self._relative

    @property
    def _sharers(self) -> int:
        return self.processes if hasattr(self.batches, "rows") else 1

    def context(self) -> contextlib.AbstractContextManager:
        """Return the precision in which the networks run."""
        return devices.precision_context(self.device, self.config.precision)

    def round(self, critic_steps: int, drawn: Sequence[Drawn] = ()) -> None:
        """Take critic steps and a generator step, on batches that were drawn before, if any were.

        Nothing in it changes on the host: what it does to tensors and to random generators is all that it does, so that
        a CUDA graph may replay it.
        """
        for number in range(critic_steps):
            self.critic_step(drawn[number] if drawn else None)
        self.generator_step(drawn[-1] if drawn else None)

    def train_step(self) -> None:
        """Take the critic's steps and one generator step.

        Raises
        ------
        TrainingDivergedError
            If a constraint refuses the batch because the generator's weights are no longer finite.
        """
        critic_steps = self.config.critic_steps(self.step)
        try:
            (self.captured or self.round)(critic_steps)
        except ValueError as error:
            if not all(torch.isfinite(p).all() for p in self.generator.parameters()):
                raise self._diverged(self.step + 1, "the generator's weights are not finite") from error
            raise
        self.meters.count(critic_steps, 1)
        self._move_rates(critic_steps)
        self.step += 1

    def _move_rates(self, critic_steps: int) -> None:
        for schedule, steps in ((self.critic_schedule, critic_steps), (self.generator_schedule, 1)):
            for _ in range(steps if schedule else 0):
                schedule.step()  # pyright: ignore[reportOptionalMemberAccess]

    # ---- the loop -------------------------------------------------------------------------------------------------

    def fit(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, steps: int, *, progress: bool = False, after: Listeners | None = None
    ) -> Record:
        """Train until the generator has taken ``steps`` steps in all.

        Parameters
        ----------
        steps : int
            Counted from the very start, also after a resume.
        progress : bool
            Show a progress bar.
        after : callable (trainer, record), or several, optional
            Called after each step; the record is None but where one was logged.

        Returns
        -------
        dict of float
            The last record of the log; None for a mean over no steps.

        Raises
        ------
        ValueError
            If ``steps`` is no whole number, below 1, or below what has been taken already.
        """
        require(is_whole(steps), "steps", steps, "a whole number of 1 or more")
        require(steps >= self.step, "steps", steps, f"{self.step} or more, which the run has taken already")
        from tqdm.auto import tqdm

        self.begin()
        quiet = not progress or self.rank > 0
        with tqdm(total=steps, initial=self.step, disable=quiet, unit="step", dynamic_ncols=True) as bar:
            while self.step < steps:
                self.train_step()
                bar.update()
                record = self._housekeeping(steps, bar)
                for listener in callables(after):
                    listener(self, record)
        return self.record

    def _housekeeping(self, steps: int, bar: Any) -> Record | None:
        """Log and save where it is time to; return the record that was logged."""
        last, record = self.step == steps, None
        if last or self.step % self.config.log_every == 0:
            record = self.record = self.write_log()
            shown = ((name, record[name]) for name in ("estimate", "generator_loss"))
            bar.set_postfix({name: f"{value:.4g}" for name, value in shown if value is not None})
        if self.folder is not None and (last or self.step % self.config.checkpoint_every == 0):
            self.save()
        return record

    def write_log(self) -> Record:
        """Read the meters, and add a record to the log and one to ``timing.jsonl``."""
        means = self.read_meters()
        record = {"step": self.step, **means, "critic_steps": self.meters.counts["critic"]}
        interval = self.meters.counts["generator"]
        self.meters.reset()
        if self.log is not None and self.timing is not None:
            self.log.write(record)
            now = time.perf_counter()
            self.timing.write({"step": self.step, "seconds": now - self._clock, "steps": interval})
            self._clock = now
        return record

    # ---- samples --------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0, labels: Tensor | None = None) -> Tensor:
        """Generate with the averaged generator (the plain one without averaging); disturbs no random state.

        Parameters
        ----------
        n : int
        seed : int
            The same seed gives the same latent vectors.
        labels : Tensor of int64, shape (n,), optional
            For a conditional generator; 0, 1, 2, ... in turn when absent.

        Returns
        -------
        Tensor, shape (n, ...)
        """
        network = self.ema.module if self.ema is not None else self.generator
        z = self.latent(n, devices.make_generator("cpu", seed)).to(self.device)
        if self.conditional and labels is None:
            labels = torch.arange(n) % int(network.classes)  # pyright: ignore[reportArgumentType]
        given = {} if labels is None else {"labels": labels.to(self.device)}
        with frozen(network):
            return network(z, **given)


def train(
    generator: nn.Module,
    critic: nn.Module,
    batches: Batches | Iterable[Any],
    constraint: Constraint,
    steps: int,
    **options: Any,
) -> Trainer:
    """Train and return the trainer: `Trainer` and `Trainer.fit` in one call.

    Parameters
    ----------
    generator, critic : Module
    batches : Batches or iterable
    constraint : Constraint
    steps : int
        Generator steps.
    **options
        Those of `Trainer`, and ``progress`` and ``after`` of `Trainer.fit`.
    """
    require(is_whole(steps), "steps", steps, "a whole number of 1 or more")
    during = {name: options.pop(name) for name in ("progress", "after") if name in options}
    trainer = Trainer(generator, critic, batches, constraint, **options)
    trainer.fit(steps, **during)
    return trainer
