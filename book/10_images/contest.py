"""Ten critics on two architectures, tuned alike, on one GPU: what each reaches by rounds and by time.

Run in the course's folder: ``python book/10_images/contest.py --seconds 440``. It wants the 60,000 training images of
Fashion-MNIST; ``--data FOLDER`` says where the idx files lie. Where time ends before the work does, what is not
finished is left out, and the file has only seeds that every contestant has finished.

1. Each contestant's round is timed alone on the card.
2. Several processes train at once. How many, and how many trainers in each, is tried for a few seconds; so is what that
   gains, from which the rounds follow that the time allows: the same for all contestants on an architecture.
3. Each contestant is trained at each rate of one grid with two seeds that are used for nothing else, for `TUNING` of
   the rounds, and takes the rate of the smallest mean Fréchet distance. A run that diverges counts as infinite.
4. Five seeds at that rate, measured at eight marks. Seeds go one after another through all contestants.

Time on the card is rounds times the milliseconds of the first step.
"""

import argparse
import contextlib
import copy
import gc
import heapq
import logging
import math
import multiprocessing
import os
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from tools.book.results import RESULTS, provenance, write_results
from wgan_course import constraints, measures, objectives
from wgan_course.data import images
from wgan_course.measures import classifier
from wgan_course.models import dcgan, resnet
from wgan_course.training import TensorBatches, Trainer, TrainingConfig, TrainingDivergedError, devices

logger = logging.getLogger("contest")
clock = time.monotonic
FAMILIES = {"dcgan": dcgan, "resnet": resnet}
SEEDS, TUNING_SEEDS = (0, 1, 2, 3, 4), (100, 101)
SURE = {"dcgan": 5, "resnet": 3}  # for so many seeds the rounds are planned; the others use the time that is left
SHARE = {"dcgan": 0.5, "resnet": 1.0}  # of the time that is left when an architecture is planned
TUNING = 0.4  # of the rounds
SAFETY = 0.85  # of the time that is planned with
MARKS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)  # of the rounds
MEMORY = 50  # the generator's average has a memory of this fraction of the run
WARM = 6  # rounds that are taken before a graph is replayed, and a little more


class Contestant(NamedTuple):
    """Objective and constraint; strengths are those of the papers that introduced them."""

    objective: str
    constraint: str
    options: dict


CONTESTANTS = {
    "none": Contestant("wasserstein", "none", {}),
    "log": Contestant("non-saturating", "none", {}),
    "hinge": Contestant("hinge", "sn", {}),
    "clip": Contestant("wasserstein", "clip", {"clip": 0.01}),
    "gp": Contestant("wasserstein", "gp", {"weight": 10.0}),
    "lp": Contestant("wasserstein", "lp", {"weight": 10.0}),
    "sn": Contestant("wasserstein", "sn", {}),
    "sn_conv": Contestant("wasserstein", "sn_conv", {}),
    "r1": Contestant("non-saturating", "r1", {"weight": 10.0}),
    "r1r2": Contestant("relativistic", "r1", {"weight": 1.0, "fakes": True}),
}


@dataclass(frozen=True)
class Scale:
    """Everything that all contestants share."""

    width: int = 32
    latent: int = 64
    batch: int = 64
    n_critic: int = 2
    rates: tuple[float, ...] = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
    samples: int = 10_000  # generated for each measurement, against all test images
    limit: int = 2000  # the first of each, for kernel distance, precision and recall
    timed: int = 25  # rounds of each of three stretches of the clock
    tried: float = 2.5  # seconds of a trial of processes and trainers
    source: str | None = None  # of the images
    rounds: int | None = None  # given, not planned


SMOKE = Scale(4, 8, 8, 2, (1e-3, 3e-3), 60, 50, 2, 0.5, "embedded", 20)


class Task(NamedTuple):
    """A run: its place in the order of work, and all that it depends on."""

    order: tuple
    kind: str  # "time", "try", "tune", "run"
    family: str
    name: str
    rate: float = 3e-4
    seed: int = 0
    rounds: int = 1
    final: int = 1000  # rounds of the runs that count, by which the average's memory is set
    window: tuple[float, float] = (0.0, 0.0)  # of a trial


def make_trainer(task, scale, samples, device):
    """A trainer for a task."""
    one, module = CONTESTANTS[task.name], FAMILIES[task.family]
    rng = torch.Generator().manual_seed(task.seed)
    generator = module.Generator(scale.latent, 28, 1, scale.width, rng=rng)
    critic = module.Critic(28, 1, scale.width, rng=rng)
    config = TrainingConfig(
        n_critic=scale.n_critic, lr_critic=task.rate, lr_generator=task.rate, betas=(0.0, 0.9), seed=task.seed,
        ema=min(0.999, 1 - min(1.0, MEMORY / task.final)), device=device, log_every=10**9,
    )  # fmt: skip
    constraint = constraints.make(one.constraint, **one.options)
    batches = TensorBatches(samples, scale.batch, rng)
    return Trainer(generator, critic, batches, constraint, objective=objectives.make(one.objective), config=config)


# ---- on the card -----------------------------------------------------------------------------------------------------


class Card:
    """What a process keeps there: training images and the classifier."""

    def __init__(self, scale, folder, device):
        self.scale, self.device = scale, device
        self.samples = load(scale, "train", folder).images.to(device)
        self.classifier = copy.deepcopy(classifier.load_pretrained()).to(device)
        self.wait()

    def wait(self):
        """Let the card finish."""
        if self.device.startswith("cuda"):
            torch.cuda.synchronize()

    def stream(self, wanted):
        """A stream for one of several trainers."""
        if not (wanted and self.device.startswith("cuda")):
            return contextlib.nullcontext()
        return torch.cuda.stream(torch.cuda.Stream())

    def features(self, trainer):
        """The classifier's features of generated images; raise where the run has diverged."""
        trainer.read_meters()
        trainer.meters.reset()
        parts = []
        for first in range(0, self.scale.samples, 1000):
            made = trainer.sample(min(1000, self.scale.samples - first), seed=1000 + first).float()
            if not torch.isfinite(made).all():
                raise TrainingDivergedError("the images are not finite")
            parts.append(classifier.features(made, self.classifier))
        return torch.cat(parts).cpu().numpy()


def train(task, card):
    """Run a task round by round: a generator that yields after each, and returns what it found."""
    trainer = make_trainer(task, card.scale, card.samples, card.device)
    marks = [task.rounds] if task.kind == "tune" else sorted({max(1, round(m * task.rounds)) for m in MARKS})
    found = {"marks": [], "features": []}
    try:
        for mark in marks:
            while trainer.step < mark:
                trainer.train_step()
                yield
            found["features"].append(card.features(trainer))
            found["marks"].append(mark)
    except TrainingDivergedError:
        found["diverged"] = trainer.step
    if task.kind == "run" and task.seed == 0 and "diverged" not in found:
        found["images"] = thumbnails(trainer)
    return found


def measure_time(task, card):
    """Milliseconds of a round, the median of three stretches, with nothing else on the card."""
    trainer = make_trainer(task, card.scale, card.samples, card.device)
    for _ in range(WARM):
        trainer.train_step()
    found = []
    for _ in range(3):
        card.wait()
        begun = time.perf_counter()
        for _ in range(card.scale.timed):
            trainer.train_step()
        card.wait()
        found.append(1e3 * (time.perf_counter() - begun) / card.scale.timed)
        yield
    return {
        "milliseconds": round(statistics.median(found), 3),
        "captured": bool(getattr(trainer.captured, "replays", None)),
    }


def attempt(task, card):
    """Count the rounds that are done within a window of the clock, while others do the same."""
    trainer = make_trainer(task, card.scale, card.samples, card.device)
    begin, end = task.window
    done, own = 0, torch.cuda.Event() if card.device.startswith("cuda") else None
    while clock() < end:
        trainer.train_step()
        done += begin <= clock() < end
        if own is not None and trainer.step % 8 == 0:
            own.synchronize()
            own.record()
        yield
    return {"done": done}


WORK = {"time": measure_time, "try": attempt, "tune": train, "run": train}


def thumbnails(trainer, count=20):
    """Generated images as text: one hexadecimal digit a pixel, 0 for black and f for white."""
    digits = ((trainer.sample(count, seed=0).float().clamp(-1, 1) + 1) * 7.5).round().to(torch.int64).flatten(1).cpu()
    return ["".join(f"{level:x}" for level in image) for image in digits.tolist()]


def load(scale, split, folder):
    """Images of a split."""
    return images.load("fashion-mnist", split, path=folder, source=None if folder else scale.source, download=False)


def worker(number, scale, folder, device, shared, tasks, answers):
    """Train what comes, so many trainers at a time as `shared` says, one round each in turn."""
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    card = Card(scale, folder, device)
    answers.put(("ready", number, None, None))
    slots = {}
    while True:
        trainers = shared["trainers"].value if number < shared["processes"].value else 0
        while len(slots) < trainers:
            try:
                task = tasks.get(timeout=0.02) if not slots else tasks.get_nowait()
            except queue.Empty:
                break
            answers.put(("took", number, task, None))
            slots[task] = (WORK[task.kind](task, card), card.stream(trainers > 1))
        if not trainers and not slots:
            time.sleep(0.05)
        for task in list(slots):
            step(task, slots, number, answers)


def step(task, slots, number, answers):
    """One round of one trainer."""
    running, stream = slots[task]
    try:
        with stream:
            next(running)
        return
    except StopIteration as end:
        answers.put(("done", number, task, end.value))
    except Exception as error:
        answers.put(("failed", number, task, f"{type(error).__name__}: {error}"[:300]))
        if "CUDA" in str(error):
            time.sleep(0.5)  # until the message is away; the context is lost, and this process with it
            os._exit(1)
    del slots[task], running
    gc.collect()


# ---- on the processors -----------------------------------------------------------------------------------------------

REAL = []


def begin_measuring(real):
    """What each measuring process does first."""
    torch.set_num_threads(1)
    REAL.append(torch.from_numpy(real))


def measure(features, limit):
    """The four measures of generated images; the Fréchet distance alone where the limit is 0."""
    (real,), fake = REAL, torch.from_numpy(np.asarray(features))
    found = {"frechet": measures.frechet_distance(real, fake)}
    if limit:
        found["kernel"] = measures.kernel_distance(real[:limit], fake[:limit])
        found["precision"], found["recall"] = measures.precision_recall(real[:limit], fake[:limit])
    return {name: float(f"{value:.5g}") for name, value in found.items()}


def measure_run(found, limit):
    """What a run leaves in the file: its curve, where it diverged, its images."""
    curve = [
        {"round": mark, **measure(features, limit)}
        for mark, features in zip(found["marks"], found["features"], strict=True)
    ]
    kept = {key: found[key] for key in ("diverged", "images") if key in found}
    return {"curve": curve, **kept}


# ---- the order of work -----------------------------------------------------------------------------------------------


def chosen_rate(tuning):
    """The rate with the smallest mean over its seeds; a run that diverged counts as infinite."""
    means = {rate: statistics.fmean(math.inf if v is None else v for v in values) for rate, values in tuning.items()}
    return float(min(means, key=lambda rate: means[rate]))


def at_the_end(rates, grid):
    """Contestants whose rate is the first or the last of the grid."""
    return [name for name, rate in rates.items() if rate in (min(grid), max(grid))]


def plan(milliseconds, gain, seconds, sure, scale):
    """Rounds of a run, so that tuning and the seeds that are sure fit."""
    if scale.rounds:
        return scale.rounds
    runs = TUNING * len(scale.rates) * len(TUNING_SEEDS) + sure
    rounds = SAFETY * seconds * gain / (runs * sum(milliseconds.values()) / 1e3)
    digits = max(0, int(math.log10(max(rounds, 10))) - 1)
    return max(100, int(rounds // 10**digits * 10**digits))


@dataclass
class Family:
    """What is known of an architecture."""

    milliseconds: dict = field(default_factory=dict)
    captured: dict = field(default_factory=dict)
    gain: float = 1.0
    begun: float = 0.0
    spent: float = 0.0  # seconds that the finished runs would have taken alone
    rounds: int = 0
    tuning: dict = field(default_factory=dict)
    rates: dict = field(default_factory=dict)
    runs: dict = field(default_factory=dict)

    def content(self, grid):
        """Its part of the file."""
        seeds = {str(seed): {n: self.runs[n, seed] for n in CONTESTANTS if (n, seed) in self.runs} for seed in SEEDS}
        return {
            "rounds": self.rounds,
            "tuning rounds": round(TUNING * self.rounds),
            "memory of the average": round(1 / max(1e-3, MEMORY / max(1, self.rounds))),
            "milliseconds": self.milliseconds,
            "captured": self.captured,
            "tuning": self.tuning,
            "rates": self.rates,
            "at the end of the grid": at_the_end(self.rates, grid),
            "seeds": {seed: runs for seed, runs in seeds.items() if len(runs) == len(CONTESTANTS)},
            "unfinished": {seed: sorted(runs) for seed, runs in seeds.items() if 0 < len(runs) < len(CONTESTANTS)},
        }


class Contest:
    """The main process: hands out tasks, has answers measured, writes the file."""

    def __init__(self, given, scale, device):
        self.given, self.scale, self.device = given, scale, device
        self.until = clock() + given.seconds
        self.families = {family: Family() for family in given.families}
        self.pending, self.running, self.measuring = [], {}, {}
        self.ready, self.again, self.lost, self.how, self.written = set(), set(), [], {"trials": []}, clock()
        self.context = multiprocessing.get_context("spawn")
        self.shared = {"processes": self.context.Value("i", 1), "trainers": self.context.Value("i", 1)}
        self.tasks, self.answers = self.context.Queue(), self.context.Queue()
        self.workers = {number: self.start(number) for number in range(given.processes)}
        real = classifier.features(load(scale, "test", given.data).images).numpy()
        self.pool = ProcessPoolExecutor(
            given.measurers, mp_context=self.context, initializer=begin_measuring, initargs=(real,)
        )

    def start(self, number):
        """Start a worker."""
        arguments = (number, self.scale, self.given.data, self.device, self.shared, self.tasks, self.answers)
        process = self.context.Process(target=worker, args=arguments, daemon=True)
        process.start()
        return process

    # -- tasks --

    def give(self, tasks):
        """Put tasks into the order of work."""
        for task in tasks:
            heapq.heappush(self.pending, task)

    def hand_out(self):
        """Keep the workers supplied, and no more, so that the order is kept."""
        room = self.shared["processes"].value * self.shared["trainers"].value + 1
        while self.pending and len(self.running) < room:
            task = heapq.heappop(self.pending)
            self.running[task] = None
            self.tasks.put(task)

    def look(self, pause=0.05):
        """Take one answer, if there is one, and return it when a task is done."""
        self.hand_out()
        self.revive()
        try:
            what, number, task, found = self.answers.get(timeout=pause)
        except queue.Empty:
            return None
        if what == "took":
            self.running[task] = number
        elif what == "failed":
            self.fail(task, found)
        elif what == "done":
            self.running.pop(task, None)
            return task, found
        else:
            self.ready.add(number)
            logger.info("process %s is ready, %.0f s left", number, self.until - clock())
        return None

    def fail(self, task, why):
        """Try a task once again."""
        self.running.pop(task, None)
        logger.info("failed: %s %s %s seed %d: %s", task.kind, task.family, task.name, task.seed, why)
        if task in self.again or task.kind == "try":
            self.lost.append(f"{task.kind} {task.family} {task.name} {task.rate} {task.seed}: {why}")
            if task.kind in ("tune", "run"):
                self.note(task, {"curve": [], "diverged": 0, "failed": why})
            return
        self.again.add(task)
        heapq.heappush(self.pending, task)

    def revive(self):
        """Replace processes that have died, and give their tasks to others."""
        for number, process in self.workers.items():
            if not process.is_alive() and clock() < self.until:
                for task in [task for task, where in self.running.items() if where == number]:
                    self.fail(task, "its process died")
                self.workers[number] = self.start(number)

    def all_of(self, tasks, until):
        """Do some tasks, and nothing else; return what was found before the time is over."""
        found, wanted = {}, set(tasks)
        self.give(tasks)
        while len(found) < len(wanted) and clock() < until and (self.running or self.pending):
            answer = self.look()
            if answer and answer[0] in wanted:
                found[answer[0]] = answer[1]
        return found

    # -- phases --

    def timing(self):
        """Each contestant alone on the card."""
        while len(self.ready) < len(self.workers) and clock() < self.until - self.given.seconds + 60:
            self.look()
        tasks = [Task((0, i), "time", f, n) for f in self.families for i, n in enumerate(CONTESTANTS)]
        for task, found in self.all_of(tasks, self.until).items():
            own = self.families[task.family]
            own.milliseconds[task.name], own.captured[task.name] = found["milliseconds"], found["captured"]
        for family, own in self.families.items():
            longest = max(own.milliseconds.values())  # for one whose rounds cannot be timed
            own.milliseconds = {name: own.milliseconds.get(name, longest) for name in CONTESTANTS}
            logger.info("%s, ms a round: %s", family, own.milliseconds)

    def trial(self, family, processes, trainers):
        """How many seconds of rounds alone are done in a second, with so many at once."""
        self.shared["processes"].value, self.shared["trainers"].value = processes, trainers
        begin = clock() + self.given.settle
        window = (begin, begin + self.scale.tried)
        names = list(CONTESTANTS)
        tasks = [
            Task((1, i), "try", family, names[i % len(names)], seed=i, window=window)
            for i in range(processes * trainers)
        ]
        found = self.all_of(tasks, window[1] + 4)
        alone = self.families[family].milliseconds
        gain = sum(done["done"] * alone[task.name] for task, done in found.items()) / 1e3 / self.scale.tried
        self.drop()
        told = {"family": family, "processes": processes, "trainers": trainers, "gain": round(gain, 3)}
        self.how["trials"].append(told)
        logger.info("%s, %.0f s left", told, self.until - clock())
        return gain

    def drop(self):
        """Forget what is left of a phase."""
        self.pending.clear()
        self.running.clear()

    def choose(self):
        """So many processes and trainers as gain most on the first architecture."""
        first = next(iter(self.families))
        gains = {ways: self.trial(first, *ways) for ways in self.given.ways}
        best = max(gains, key=lambda ways: gains[ways])
        self.families[first].gain = gains[best]
        for family in list(self.families)[1:]:
            self.families[family].gain = self.trial(family, *best)
        self.shared["processes"].value, self.shared["trainers"].value = best
        self.how |= {"processes": best[0], "trainers in each": best[1]}

    def begin(self, family):
        """Plan an architecture and begin its tuning."""
        own, scale = self.families[family], self.scale
        for last in (last for last in self.families.values() if last.spent):  # what a trial promised, and what came
            own.gain *= min(1.0, last.spent / (clock() - last.begun) / last.gain)
        own.begun = clock()
        rest = sum(self.cost(task) for task in [*self.running, *self.pending])
        seconds = SHARE[family] * (self.until - clock() - self.given.reserve - rest)
        own.rounds = plan(own.milliseconds, max(own.gain, 0.1), max(seconds, 1.0), SURE[family], scale)
        logger.info("%s: %d rounds, planned for %.0f s", family, own.rounds, seconds)
        own.tuning = {name: {f"{rate:g}": [None] * len(TUNING_SEEDS) for rate in scale.rates} for name in CONTESTANTS}
        place = list(self.families).index(family)
        self.expected = {name: len(scale.rates) * len(TUNING_SEEDS) for name in CONTESTANTS}
        slowest = sorted(CONTESTANTS, key=lambda name: -own.milliseconds[name])
        self.give(
            Task((2, place, 0, i), "tune", family, name, rate, seed, max(1, round(TUNING * own.rounds)), own.rounds)
            for i, name in enumerate(slowest)
            for rate in scale.rates
            for seed in TUNING_SEEDS
        )

    def cost(self, task):
        """Seconds that a task takes of the whole card's."""
        own = self.families[task.family]
        return task.rounds * own.milliseconds[task.name] / 1e3 / max(own.gain, 0.1)

    def tuned(self, task, found):
        """Note a run of the tuning; when a contestant's are all in, begin its seeds."""
        own = self.families[task.family]
        values = own.tuning[task.name][f"{task.rate:g}"]
        values[TUNING_SEEDS.index(task.seed)] = None if "diverged" in found else found["curve"][-1]["frechet"]
        self.expected[task.name] -= 1
        if self.expected[task.name]:
            return
        own.rates[task.name] = rate = chosen_rate(own.tuning[task.name])
        place = list(self.families).index(task.family)
        self.give(
            Task((2, place, 1 + seed, task.name), "run", task.family, task.name, rate, seed, own.rounds, own.rounds)
            for seed in SEEDS
        )

    def measured(self):
        """Take what has been measured."""
        for future in [future for future in self.measuring if future.done()]:
            task = self.measuring.pop(future)
            if future.exception() is not None:
                self.lost.append(f"measuring {task}: {future.exception()}")
            else:
                self.note(task, future.result())

    def note(self, task, found):
        """Keep what a run has left."""
        if task.kind == "tune":
            self.tuned(task, found)
        else:
            self.families[task.family].runs[task.name, task.seed] = found

    def race(self):
        """Tune and run everything; architectures one after another, the next one when nothing waits of the last."""
        waiting = list(self.families)
        while clock() < self.until:
            busy = self.pending or self.running or self.measuring
            if waiting and not self.pending and not self.in_tuning():
                self.begin(waiting.pop(0))
            elif not busy:
                break
            answer = self.look()
            if answer and answer[0].kind in ("tune", "run"):
                task, found = answer
                own = self.families[task.family]
                own.spent += task.rounds * own.milliseconds[task.name] / 1e3
                limit = self.scale.limit if task.kind == "run" else 0
                self.measuring[self.pool.submit(measure_run, found, limit)] = task
            self.measured()
            if clock() - self.written > self.given.every:
                self.write()

    def in_tuning(self):
        """Whether some contestant's rate is still open."""
        return any(own.rounds and len(own.rates) < len(CONTESTANTS) for own in self.families.values())

    def write(self):
        """Write the file."""
        data = "the 60,000 training images of Fashion-MNIST, measured against its 10,000 test images"
        described = devices.describe(self.device)
        content = {
            "provenance": provenance(__file__, data if not self.given.smoke else "a smoke test", described),
            "scale": asdict(self.scale),
            "contestants": {name: one._asdict() for name, one in CONTESTANTS.items()},
            "tuning seeds": TUNING_SEEDS,
            "how": self.how,
            "families": {name: own.content(self.scale.rates) for name, own in self.families.items()},
            "lost": self.lost,
        }
        write_results(self.given.out, content)
        self.written = clock()
        done = {name: (len(own.rates), len(own.runs)) for name, own in self.families.items()}
        logger.info("%.0f s left; rates and runs: %s; %d running", self.until - clock(), done, len(self.running))

    def run(self):
        """All of it."""
        try:
            self.timing()
            self.choose()
            self.race()
        finally:
            self.measured()
            self.write()
            self.tasks.cancel_join_thread()
            for process in self.workers.values():
                process.kill()
            self.pool.shutdown(wait=False, cancel_futures=True)
            for process in getattr(self.pool, "_processes", None) or {}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, 9)


# ---- several processes on one card -----------------------------------------------------------------------------------

ASK = (
    "import ctypes; cuda = ctypes.CDLL('libcuda.so.1'); place = ctypes.c_void_p(); "
    "raise SystemExit(cuda.cuInit(0) or cuda.cuDevicePrimaryCtxRetain(ctypes.byref(place), 0))"
)


@contextlib.contextmanager
def shared_card(wanted):
    """Let several processes compute at the same time, by NVIDIA's MPS, where it can be had; yield whether it can."""
    control = shutil.which("nvidia-cuda-mps-control") if wanted else None
    if control is None:
        yield False
        return
    folder = tempfile.mkdtemp(prefix="mps")
    places = {"CUDA_MPS_PIPE_DIRECTORY": f"{folder}/pipe", "CUDA_MPS_LOG_DIRECTORY": f"{folder}/log"}
    for place in places.values():
        Path(place).mkdir()
    with_mps = {**os.environ, **places}
    good = False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run([control, "-d"], env=with_mps, timeout=15, check=False)
        good = subprocess.run([sys.executable, "-c", ASK], env=with_mps, timeout=20, check=False).returncode == 0
    os.environ.update(places if good else {})
    try:
        yield good
    finally:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run([control], input=b"quit\n", env=with_mps, timeout=5, check=False)


def parse(given=None):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=440.0, help="of the whole script")
    parser.add_argument("--data", help="folder of the idx files of Fashion-MNIST")
    parser.add_argument("--out", type=Path, default=RESULTS / "10_contest.json")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--processes", type=int, default=12)
    parser.add_argument("--measurers", type=int, default=4)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two writings of the file")
    parser.add_argument("--reserve", type=float, default=8.0, help="seconds at the end for the last measurements")
    parser.add_argument("--settle", type=float, default=4.0, help="seconds before a trial is counted")
    parser.add_argument("--ways", help="processes x trainers that are tried, such as 12x1,12x2")
    parser.add_argument("--no-mps", action="store_true")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes on the CPU")
    return parser.parse_args(given)


def main(given=None):
    """Run the contest."""
    options = parse(given)
    scale, device = (SMOKE, "cpu") if options.smoke else (Scale(), options.device)
    with shared_card(device.startswith("cuda") and not options.no_mps) as several:
        logger.info("several processes at the same time: %s", several)
        ways = options.ways or ("12x1,12x2" if several else "1x10,4x3")
        options.ways = [tuple(int(n) for n in way.split("x")) for way in ways.split(",")]
        options.processes = max(processes for processes, _ in options.ways)
        contest = Contest(options, scale, device)
        contest.how["MPS"] = several
        contest.run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)8d %(message)s")
    logging.getLogger("wgan_course").setLevel(logging.WARNING)
    main()
