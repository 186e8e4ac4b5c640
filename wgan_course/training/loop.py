"""One training loop for every constraint, every objective and every model.

A constraint acts through three hooks, and the loop calls all three: ``prepare`` before training (architecture),
``penalty`` in the critic's loss, ``project_`` after the critic's optimiser step (weights). Nothing else in the loop
knows which constraint it is.
"""

import contextlib
import copy
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from wgan_course.training import Batches, checkpoint, devices
from wgan_course.training.runlog import RunLog

__all__ = [
    "Constraint",
    "Ema",
    "Trainer",
    "TrainingConfig",
    "TrainingDivergedError",
    "frozen",
    "train",
    "wgan_schedule",
]

STREAMS = {"latent": 1, "penalty": 2}
METRICS = ("critic_loss", "estimate", "penalty", "generator_loss")
_log = logging.getLogger(__name__)


class TrainingDivergedError(FloatingPointError):
    """A loss became NaN or infinite; the message names the step and the last good checkpoint."""


class Constraint(Protocol):
    """The three places where a constraint may act (``wgan_course.constraints``)."""

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Change the architecture, before training."""

    def penalty(self, critic: nn.Module, real: Tensor, fake: Tensor, rng: torch.Generator, **conditioning) -> Tensor:
        """Return what is added to the critic's loss."""

    def project_(self, critic: nn.Module) -> None:
        """Change the weights in place, after the critic's step."""


@dataclass(frozen=True)
class TrainingConfig:
    r"""How to train.

    Attributes
    ----------
    n_critic : int or callable (step) -> int
        Critic steps before each generator step; `wgan_schedule` makes the original WGAN's burn-in.
    optimiser : {"adam", "rmsprop"}
    lr_critic, lr_generator : float
        Learning rates; two different ones make two time scales (chapter 9).
    betas : (float, float)
        Of Adam.
    ema : float
        Decay of the generator's moving average, from 0 (off) to below 1.
    precision : {"fp32", "bf16"}
    device : str
        As for ``devices.choose``.
    seed : int
        Of the latent vectors and the constraint's draws.
    log_every, checkpoint_every : int
        In generator steps; a checkpoint is also written at the end.

    Raises
    ------
    ValueError
        If a value is out of range; the message names it.

    References
    ----------
    Defaults: Gulrajani et al., "Improved training of Wasserstein GANs", 2017, algorithm 1. Derived in chapter 6.
    """

    n_critic: int | Callable[[int], int] = 5
    optimiser: str = "adam"
    lr_critic: float = 1e-4
    lr_generator: float = 1e-4
    betas: tuple[float, float] = (0.0, 0.9)
    ema: float = 0.0
    precision: str = "fp32"
    device: str = "auto"
    seed: int = 0
    log_every: int = 50
    checkpoint_every: int = 500

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        for name in ("log_every", "checkpoint_every"):
            _require(
                isinstance(getattr(self, name), int) and getattr(self, name) > 0, name, getattr(self, name), "1 or more"
            )
        for name in ("lr_critic", "lr_generator"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "above 0")
        whole = isinstance(self.n_critic, int) and self.n_critic >= 1
        _require(callable(self.n_critic) or whole, "n_critic", self.n_critic, "1 or more, or a function of the step")
        _require(self.optimiser in _OPTIMISERS, "optimiser", self.optimiser, " or ".join(_OPTIMISERS))
        _require(0 <= self.ema < 1, "ema", self.ema, "from 0 to below 1")
        _require(self.precision in devices.PRECISIONS, "precision", self.precision, " or ".join(devices.PRECISIONS))
        _require(isinstance(self.seed, int) and self.seed >= 0, "seed", self.seed, "0 or more")
        good = len(self.betas) == 2 and all(0 <= beta < 1 for beta in self.betas)
        _require(good, "betas", self.betas, "two numbers from 0 to below 1")

    def critic_steps(self, step: int) -> int:
        """Critic steps before the generator step number ``step`` (from 0).

        Parameters
        ----------
        step : int

        Returns
        -------
        int
        """
        return self.n_critic(step) if callable(self.n_critic) else self.n_critic


def _require(good: bool, name: str, value: Any, wanted: str) -> None:
    if not good:
        raise ValueError(f"{name} must be {wanted}, got {value!r}")


def wgan_schedule(n_critic: int = 5, burn_in: int = 100, first: int = 25, every: int = 500) -> Callable[[int], int]:
    """The original WGAN's schedule: many critic steps at the start and now and then, few in between.

    Parameters
    ----------
    n_critic : int
        Critic steps before most generator steps.
    burn_in : int
        Critic steps before the first generator steps and before every ``every``-th.
    first : int
        How many of the first generator steps get ``burn_in``.
    every : int

    Returns
    -------
    callable (step) -> int

    References
    ----------
    Arjovsky, Chintala and Bottou, "Wasserstein GAN", 2017, and its published code. Discussed in chapter 5.
    """
    return lambda step: burn_in if step < first or step % every == 0 else n_critic


def _adam(parameters: list[nn.Parameter], rate: float, betas: tuple[float, float]) -> torch.optim.Optimizer:
    fused = all(p.device.type in ("cpu", "cuda") for p in parameters)
    return torch.optim.Adam(parameters, lr=rate, betas=betas, fused=fused)


def _rmsprop(parameters: list[nn.Parameter], rate: float, _betas: tuple[float, float]) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(parameters, lr=rate)


_OPTIMISERS = {"adam": _adam, "rmsprop": _rmsprop}


@contextlib.contextmanager
def frozen(module: nn.Module) -> Iterator[nn.Module]:
    """Hold a network still: no gradients for its parameters, no power iteration, evaluation mode.

    Parameters
    ----------
    module : Module

    Yields
    ------
    Module
        The same one; everything is put back afterwards, the mode of each part too.
    """
    learning = [p for p in module.parameters() if p.requires_grad]
    modes = [(part, part.training) for part in module.modules()]
    module.requires_grad_(False).eval()
    try:
        yield module
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
        for part, mode in modes:
            part.training = mode


class Ema:
    r"""Exponential moving average of a network, :math:`\bar\theta \leftarrow \beta\bar\theta + (1 - \beta)\theta`.

    Parameters
    ----------
    module : Module
    decay : float
        :math:`\beta`, from 0 to below 1; 0 follows the network.

    References
    ----------
    Yazıcı et al., "The unusual effectiveness of averaging in GAN training", 2019. Used in chapter 10.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(module).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move towards a network; its buffers are copied.

        Parameters
        ----------
        module : Module
        """
        torch._foreach_lerp_(list(self.module.parameters()), list(module.parameters()), 1 - self.decay)
        for mine, its in zip(self.module.buffers(), module.buffers(), strict=True):
            mine.copy_(its)


class _Meters:
    """Sums kept on the device, read once an interval, so that logging never waits for the device."""

    def __init__(self, device: torch.device) -> None:
        self.sums = torch.zeros(len(METRICS), device=device)
        self.first_bad = torch.full((), -1, dtype=torch.long, device=device)
        self.counts = {"critic": 0, "generator": 0}

    def add_critic(self, loss: Tensor, estimate: Tensor, penalty: Tensor) -> None:
        self.sums[:3] += torch.stack([value.detach().float() for value in (loss, estimate, penalty)])
        self.counts["critic"] += 1

    def add_generator(self, loss: Tensor, step: int) -> None:
        self.sums[3] += loss.detach().float()
        self.counts["generator"] += 1
        news = ~torch.isfinite(self.sums).all() & (self.first_bad < 0)
        self.first_bad.masked_fill_(news, step)

    def read(self) -> tuple[dict[str, float], int]:
        """Means since the last reset, and the first bad step or -1: the one place that waits for the device."""
        *sums, bad = torch.cat([self.sums.double(), self.first_bad.double()[None]]).tolist()
        counts = [self.counts["critic"]] * 3 + [self.counts["generator"]]
        return {name: s / max(n, 1) for name, s, n in zip(METRICS, sums, counts, strict=True)}, int(bad)

    def reset(self) -> None:
        self.sums.zero_()
        self.counts = {"critic": 0, "generator": 0}

    def state_dict(self) -> dict:
        return {"sums": self.sums.clone(), "counts": dict(self.counts)}

    def load_state_dict(self, state: dict) -> None:
        self.sums.copy_(state["sums"])
        self.counts = dict(state["counts"])


class Trainer:
    """Trains a generator against a constrained critic; holds everything that a checkpoint must hold.

    Parameters
    ----------
    generator : Module
        With attribute ``latent``, the length of z; conditional ones have ``classes``.
    critic : Module
        Scores of shape (n,). It is passed to ``constraint.prepare``; use ``trainer.critic`` afterwards.
    batches : Batches
        The stream of real samples.
    constraint : Constraint
    objective : Objective, optional
        What both minimise; Wasserstein when absent.
    config : TrainingConfig, optional
    folder : path, optional
        Where log and checkpoint go; nothing is written when absent.

    Raises
    ------
    ValueError
        If generator and critic disagree about classes.

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
        batches: Batches,
        constraint: Constraint,
        *,
        objective: Any = None,
        config: TrainingConfig | None = None,
        folder: str | Path | None = None,
    ) -> None:
        self.config = config or TrainingConfig()
        self.conditional = _agree_on_classes(generator, critic)
        self.device = devices.choose(self.config.device)
        self.batches, self.constraint = batches, constraint
        self.objective = objective if objective is not None else _wasserstein()
        self.generator = generator.to(self.device).train()
        self.critic = constraint.prepare(critic.to(self.device)).to(self.device).train()
        self.rngs = {name: devices.make_generator(self.device, self.config.seed, s) for name, s in STREAMS.items()}
        self._make_optimisers()
        self.ema = Ema(self.generator, self.config.ema) if self.config.ema else None
        self.meters, self.step = _Meters(self.device), 0
        self._open(folder)

    def _make_optimisers(self) -> None:
        make, config = _OPTIMISERS[self.config.optimiser], self.config
        self._critic_parameters = [p for p in self.critic.parameters() if p.requires_grad]
        self.critic_optimiser = make(self._critic_parameters, config.lr_critic, config.betas)
        self.generator_optimiser = make(list(self.generator.parameters()), config.lr_generator, config.betas)

    def _open(self, folder: str | Path | None) -> None:
        self.folder = None if folder is None else Path(folder)
        self.log = self.timing = None
        if self.folder is not None:
            self.log, self.timing = RunLog(self.folder / "log.jsonl"), RunLog(self.folder / "timing.jsonl")
        self._clock = time.perf_counter()

    # ---- one step -------------------------------------------------------------------------------------------------

    def draw(self) -> tuple[Tensor, dict[str, Tensor]]:
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
        if self.conditional and labels is None:
            raise ValueError("batches: the networks are conditional, but the data have no labels")
        given = {"labels": labels.to(self.device, non_blocking=True)} if self.conditional else {}
        return real.to(self.device, non_blocking=True), given

    def fakes(self, n: int, **conditioning: Tensor) -> Tensor:
        """Generate samples; wrap in ``torch.no_grad()`` where the generator is not to learn from them.

        Parameters
        ----------
        n : int
        **conditioning
            ``labels``, Tensor of int64, shape (n,), for a conditional generator.

        Returns
        -------
        Tensor, shape (n, ...)
        """
        z = torch.randn(n, self.generator.latent, generator=self.rngs["latent"], device=self.device)
        return self.generator(z, **conditioning)

    def critic_step(self) -> None:
        """Take one step of the critic: loss plus penalty, one backward, then the projection."""
        real, given = self.draw()
        with self._precision(), parametrize.cached():
            with torch.no_grad():
                fake = self.fakes(len(real), **given).to(real.dtype)
            real_scores, fake_scores = self.critic(real, **given), self.critic(fake, **given)
            loss = self.objective.critic_loss(real_scores, fake_scores)
            penalty = self.constraint.penalty(self.critic, real, fake, self.rngs["penalty"], **given)
        self.critic_optimiser.zero_grad(set_to_none=True)
        (loss + penalty).backward()
        self.critic_optimiser.step()
        self.constraint.project_(self.critic)
        self.meters.add_critic(loss, real_scores.detach().mean() - fake_scores.detach().mean(), penalty)

    def generator_step(self) -> None:
        """Take one step of the generator against the frozen critic."""
        given = self.draw()[1] if self.conditional else {}
        with frozen(self.critic) as critic, self._precision(), parametrize.cached():
            scores = critic(self.fakes(self.batches.batch, **given), **given)
            loss = self.objective.generator_loss(scores)
            self.generator_optimiser.zero_grad(set_to_none=True)
            loss.backward()
        self.generator_optimiser.step()
        if self.ema is not None:
            self.ema.update(self.generator)
        self.meters.add_generator(loss, self.step + 1)

    def _precision(self) -> contextlib.AbstractContextManager:
        return devices.precision_context(self.device, self.config.precision)

    def train_step(self) -> None:
        """Take the critic's steps and one generator step.

        Raises
        ------
        TrainingDivergedError
            If a constraint refuses the batch because the generator's weights are no longer finite.
        """
        try:
            for _ in range(self.config.critic_steps(self.step)):
                self.critic_step()
        except ValueError as error:
            if not all(torch.isfinite(p).all() for p in self.generator.parameters()):
                raise self._diverged(self.step + 1, "the generator's weights are not finite") from error
            raise
        self.generator_step()
        self.step += 1

    # ---- the loop -------------------------------------------------------------------------------------------------

    def fit(self, steps: int, *, progress: bool = False, after: Callable[["Trainer"], None] | None = None) -> dict:
        """Train until the generator has taken ``steps`` steps in all.

        Parameters
        ----------
        steps : int
            Counted from the very start, also after a resume.
        progress : bool
            Show a progress bar.
        after : callable (trainer), optional
            Called after each step.

        Returns
        -------
        dict of float
            The last record of the log.

        Raises
        ------
        TrainingDivergedError
            When a loss is NaN or infinite; names the step and the last good checkpoint.
        DiskFullError
            When log or checkpoint cannot be written.
        """
        from tqdm.auto import tqdm

        record: dict = {}
        with tqdm(total=steps, initial=self.step, disable=not progress, unit="step", dynamic_ncols=True) as bar:
            while self.step < steps:
                self.train_step()
                bar.update()
                record = self._housekeeping(steps, bar) or record
                if after is not None:
                    after(self)
        return record

    def _housekeeping(self, steps: int, bar: Any) -> dict | None:
        """Log and save where it is time to; return the record that was logged."""
        record = None
        last = self.step == steps
        if last or self.step % self.config.log_every == 0:
            record = self._write_log()
            bar.set_postfix({name: f"{record[name]:.4g}" for name in ("estimate", "generator_loss")})
        if self.folder is not None and (last or self.step % self.config.checkpoint_every == 0):
            self.save()
        return record

    def _write_log(self) -> dict:
        means = self._read_meters()
        record = {"step": self.step, **means, "critic_steps": self.meters.counts["critic"]}
        interval = self.meters.counts["generator"]
        self.meters.reset()
        if self.log is not None:
            self.log.write(record)
            now = time.perf_counter()
            self.timing.write({"step": self.step, "seconds": now - self._clock, "steps": interval})
            self._clock = now
        return record

    def _read_meters(self) -> dict[str, float]:
        means, bad = self.meters.read()
        if bad >= 0:
            raise self._diverged(bad, ", ".join(f"{name} {value:.4g}" for name, value in means.items()))
        return means

    def _diverged(self, step: int, what: str) -> TrainingDivergedError:
        good = self.checkpoint_path
        where = f"the last good checkpoint is {good}" if good and good.is_file() else "no checkpoint was written before"
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
        """Write the checkpoint, after making sure that it is a good one.

        Returns
        -------
        Path

        Raises
        ------
        ValueError
            If the trainer has no folder.
        TrainingDivergedError
            If a loss is not finite: the last good checkpoint then stays.
        DiskFullError
            If there is no room.
        """
        if self.folder is None:
            raise ValueError("folder: this trainer has none to save to; pass folder=... when making it")
        self._read_meters()
        return checkpoint.save(self.checkpoint_path, {**self.state_dict(), "log_bytes": self.log.sync()})

    def resume(self, path: str | Path | None = None) -> "Trainer":
        """Go on from a checkpoint, to the bit; the log is cut back to it.

        Parameters
        ----------
        path : path, optional
            The trainer's own checkpoint when absent.

        Returns
        -------
        Trainer
            This one.

        Raises
        ------
        CheckpointError
            If there is none, or it is of another run.
        ValueError
            If no path is given, and the trainer has no folder.
        """
        path = path if path is not None else self.checkpoint_path
        if path is None:
            raise ValueError("path: this trainer has no folder; say which checkpoint to resume from")
        state = checkpoint.load(path)
        self.load_state_dict(state)
        if self.log is not None and Path(path) == self.checkpoint_path:
            self.log.cut(state["log_bytes"])
        _log.info("resumed at step %d from %s", self.step, path)
        return self

    def _parts(self) -> dict[str, Any]:
        """Everything with a state, by name."""
        parts = {name: getattr(self, name) for name in ("generator", "critic", "batches", "meters")}
        parts |= {name: getattr(self, name) for name in ("generator_optimiser", "critic_optimiser")}
        return parts if self.ema is None else {**parts, "ema": self.ema.module}

    def state_dict(self) -> dict:
        """Return everything that the next step depends on.

        Returns
        -------
        dict
            Networks, optimisers, moving average, position in the data, random states, unread meters, step, settings.
        """
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        return {"step": self.step, "settings": self._settings(), "random": checkpoint.random_state(self.rngs), **parts}

    def _settings(self) -> dict:
        """The settings, for the record, in a form that a checkpoint can hold."""
        return {k: v if isinstance(v, int | float | str) else repr(v) for k, v in asdict(self.config).items()}

    def load_state_dict(self, state: dict) -> None:
        """Put everything back.

        Parameters
        ----------
        state : dict
            From `state_dict`.

        Raises
        ------
        CheckpointError
            If it belongs to other networks or another optimiser.
        """
        try:
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise checkpoint.CheckpointError(f"the checkpoint is of another run, or other networks: {error}") from error
        checkpoint.set_random_state(state["random"], self.rngs)
        self.step = state["step"]

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
        z = torch.randn(n, network.latent, generator=devices.make_generator("cpu", seed)).to(self.device)
        if self.conditional and labels is None:
            labels = torch.arange(n) % network.classes
        given = {} if labels is None else {"labels": labels.to(self.device)}
        with frozen(network):
            return network(z, **given)


def _agree_on_classes(generator: nn.Module, critic: nn.Module) -> bool:
    """Whether the networks are conditional; refuse a pair of which only one is."""
    ours, theirs = getattr(generator, "classes", None), getattr(critic, "classes", None)
    if ours != theirs:
        raise ValueError(f"classes: the generator has {ours}, the critic {theirs}; give both the same number")
    return ours is not None


def _wasserstein() -> Any:
    from wgan_course import objectives

    return objectives.make("wasserstein")


def train(
    generator: nn.Module, critic: nn.Module, batches: Batches, constraint: Constraint, steps: int, **options: Any
) -> Trainer:
    """Train and return the trainer: `Trainer` and `Trainer.fit` in one call.

    Parameters
    ----------
    generator, critic : Module
    batches : Batches
    constraint : Constraint
    steps : int
        Generator steps.
    **options
        ``objective``, ``config`` and ``folder`` of `Trainer`; ``progress`` and ``after`` of `Trainer.fit`.

    Returns
    -------
    Trainer

    Raises
    ------
    ValueError
        If ``steps`` is below 1.
    TrainingDivergedError, DiskFullError
        As for `Trainer.fit`.

    Notes
    -----
    The loop is explained in chapters 5 to 9.
    """
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, got {steps}")
    during = {name: options.pop(name) for name in ("progress", "after") if name in options}
    trainer = Trainer(generator, critic, batches, constraint, **options)
    trainer.fit(steps, **during)
    return trainer
