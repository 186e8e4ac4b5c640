"""A round of training as one CUDA graph: the host says once what is to be done, and then only "again".

Training of small networks on a GPU waits for the host, which launches some thousand kernels a round. A graph launches
them all at once. It replays what it saw, with the same tensors in the same places: so batches are copied into fixed
places before a replay, the random generators are registered with the graph, optimisers count their steps on the device,
and nothing waits for the device between two logs.
"""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from wgan_course.training.critic import Drawn

if TYPE_CHECKING:
    from wgan_course.training.loop import Trainer

__all__ = ["CapturedRounds", "capture", "captured_rounds", "make_capturable", "obstacle"]

WARM_UP = 3
Capture = Callable[[Callable[[], None], Iterable[torch.Generator]], Callable[[], None]]
_log = logging.getLogger(__name__)


def capture(body: Callable[[], None], generators: Iterable[torch.Generator]) -> Callable[[], None]:
    """Record what a function does on the GPU, without doing it; return what does it.

    Parameters
    ----------
    body : callable ()
    generators : iterable of torch.Generator
        Those that it draws from, on the GPU: they go on from replay to replay.
    """
    recorded, generators = torch.cuda.CUDAGraph(), list(generators)
    for generator in generators:
        recorded.register_generator_state(generator)
    default = torch.cuda.default_generators[torch.cuda.current_device()]
    with _as_before({*generators, default}), torch.cuda.graph(recorded):
        body()
    return recorded.replay


@contextlib.contextmanager
def _as_before(generators: Iterable[torch.Generator]) -> Iterator[None]:
    """Where a recording fails, give its generators back what they had: they would wait for a replay for ever."""
    before = {generator: generator.get_state() for generator in generators}
    try:
        yield
    except Exception:
        for generator, state in before.items():
            fresh = torch.Generator(generator.device)
            fresh.set_state(state)
            generator.graphsafe_set_state(fresh)
        raise


class CapturedRounds:
    """Rounds of a trainer: the first few are taken as they are, then one is recorded and replayed.

    The first ones are rounds like all others. They bring into being what a recording may not: the optimisers' states,
    the libraries' workspaces, the one look of a penalty at a critic that it meets for the first time.

    Parameters
    ----------
    trainer : Trainer
    capture : callable (body, generators) -> callable ()
    """

    def __init__(self, trainer: "Trainer", capture: Capture = capture) -> None:
        self.trainer, self.capture = trainer, capture
        self.warm: dict[tuple, int] = {}
        self.replays: dict[tuple, tuple[list[Tensor], Callable[[], None]]] = {}
        self.refused = ""

    def __call__(self, critic_steps: int) -> None:
        """Take a round."""
        draws = critic_steps + (1 if self.trainer.generator_draws else 0)
        drawn = [self.trainer.draw() for _ in range(draws)]
        tensors = _flat(drawn)
        kind = (critic_steps, *((t.shape, t.dtype) for t in tensors))
        if self.refused or self.warm.get(kind, 0) < WARM_UP:
            self.warm[kind] = self.warm.get(kind, 0) + 1
            self._as_it_is(critic_steps, drawn)
        elif kind in self.replays or self._record(kind, critic_steps, drawn):
            self._replay(kind, tensors)
        else:
            self._as_it_is(critic_steps, drawn)

    def _as_it_is(self, critic_steps: int, drawn: list[Drawn]) -> None:
        with _side_stream(self.trainer.device):
            self.trainer.round(critic_steps, drawn)

    def _record(self, kind: tuple, critic_steps: int, drawn: list[Drawn]) -> bool:
        """Record a round on batches in fixed places; say so where that cannot be done, and do without from then on."""
        places = [(real.clone(), {name: value.clone() for name, value in given.items()}) for real, given in drawn]
        try:
            replay = self.capture(lambda: self.trainer.round(critic_steps, places), set(self.trainer.rngs.values()))
        except Exception as error:  # whatever the operation that cannot be captured raises
            self.refused, self.trainer.captured = _first_line(error), None
            _log.warning("graph: a round of this model cannot be captured (%s); training goes on without", self.refused)
            return False
        self.replays[kind] = (_flat(places), replay)
        return True

    def _replay(self, kind: tuple, tensors: list[Tensor]) -> None:
        places, replay = self.replays[kind]
        for place, tensor in zip(places, tensors, strict=True):
            place.copy_(tensor, non_blocking=True)
        replay()
        changed = [*self.trainer.critic.parameters(), *self.trainer.generator.parameters()]
        torch.autograd.graph.increment_version(changed)  # a replay does not tell that it has changed them


def _first_line(error: BaseException) -> str:
    """What went wrong first: the end of a capture that failed raises an error of its own."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error).partition("\n")[0]


def _flat(drawn: Sequence[Drawn]) -> list[Tensor]:
    return [tensor for real, given in drawn for tensor in (real, *given.values())]


@contextlib.contextmanager
def _side_stream(device: torch.device):
    """What is to be captured has to run beside the default stream before."""
    if device.type != "cuda":
        yield
        return
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        yield
    torch.cuda.current_stream(device).wait_stream(side)


def make_capturable(optimisers: Iterable[torch.optim.Optimizer], device: torch.device, scheduled: bool) -> None:
    """Let optimisers keep on the device what changes from step to step: the count, and a rate that has a schedule.

    Parameters
    ----------
    optimisers : iterable of Optimizer
        Changed in place, where they can be.
    device : torch.device
    scheduled : bool
    """
    for group in (group for optimiser in optimisers for group in optimiser.param_groups if "capturable" in group):
        group["capturable"] = True
        if scheduled:
            group["lr"] = torch.tensor(float(group["lr"]), device=device)


def obstacle(trainer: "Trainer") -> str:
    """Say what keeps a trainer's rounds from being captured; empty if nothing does that is known beforehand."""
    rngs = trainer.rngs.values()
    if trainer.device.type != "cuda" or any(rng.device.type != "cuda" for rng in rngs):
        return f"it needs a CUDA device and generators on it, here is {trainer.device}"
    if any(getattr(trainer.batches, "rng", None) is rng for rng in rngs):
        return "data and latent vectors are drawn by one generator, so their order would change"
    pairs = {
        trainer.critic_optimiser: trainer.critic_schedule,
        trainer.generator_optimiser: trainer.generator_schedule,
    }
    fixed = [o for o, schedule in pairs.items() if schedule and not o.defaults.get("capturable", False)]
    if any("capturable" not in group for o in fixed for group in o.param_groups):
        return "an optimiser that is not capturable has a learning-rate schedule"
    if trainer.processes > 1 and torch.distributed.get_backend() != "nccl":
        return "several processes are captured with NCCL alone"
    return ""


def captured_rounds(trainer: "Trainer") -> CapturedRounds | None:
    """Return captured rounds where they are wanted and possible; say so where they are wanted and not possible.

    Parameters
    ----------
    trainer : Trainer
    """
    wanted = trainer.config.graph
    if wanted is False:
        return None
    why_not = obstacle(trainer)
    if why_not and wanted:
        _log.warning("graph: rounds are not captured: %s", why_not)
    return None if why_not else CapturedRounds(trainer)
