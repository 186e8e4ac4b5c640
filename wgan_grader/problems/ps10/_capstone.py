"""What both parts of the capstone share: cases with a threshold, judged on the generated samples by this side alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from wgan_course.check.exchange import Observation

from ...formulas import Detected
from ...problem import Case, Outputs

Judge = Callable[[np.ndarray], bool]
Words = Callable[[np.ndarray], str]
OBSERVER = "wgan_course.check.observers.ps10.trained"
FAN = 0.1  # a step for a slope


Place = tuple[int, tuple[int, ...], tuple[int, ...], str]
_kept: dict[tuple[str, tuple[Place, ...]], tuple[object, tuple[np.ndarray, ...]]] = {}
_doubled: list[tuple[np.ndarray, np.ndarray]] = []  # samples of the last cases, and the same in double precision


def once(measure: Callable) -> Callable:
    """Compute a measure once for the same arrays, which nobody changes: several criteria ask one after the other."""

    @wraps(measure)
    def measured(*samples: np.ndarray) -> object:
        key = measure.__name__, tuple(map(_place, samples))
        if key not in _kept:
            if len(_kept) >= 40:
                _kept.clear()
            _kept[key] = measure(*samples), samples  # kept, so that no other array comes to lie there
        return _kept[key][0]

    return measured


def _place(x: np.ndarray) -> Place:
    return x.__array_interface__["data"][0], x.shape, x.strides, x.dtype.str


def double(samples: np.ndarray) -> np.ndarray:
    """Samples in double precision, made once for all cases that look at equal ones."""
    for single, doubled in _doubled:
        if single is samples or _alike(single, samples):
            return doubled
    if len(_doubled) >= 4:
        _doubled.clear()
        _kept.clear()
    _doubled.append((samples, samples.astype(np.float64)))
    return _doubled[-1][1]


def _alike(x: np.ndarray, y: np.ndarray) -> bool:
    return x.dtype == y.dtype and np.array_equal(x, y)


@dataclass(frozen=True)
class Threshold(Case):
    """A case that is passed when the samples satisfy `accepts` and are no `copies`; both stay on the grader's side.

    `blurred` are those with the data's large forms alone; `measures` says in words what the samples reached.
    """

    accepts: Judge = lambda samples: False
    copies: Judge = lambda samples: False
    blurred: Judge = lambda samples: False
    measures: Words = lambda samples: ""


class Look(NamedTuple):
    """One threshold: the criterion that it decides, the demand in words, the judge, and what was reached in words."""

    name: str
    criterion: str
    wanted: str
    judge: Judge = lambda samples: True
    measured: Words = lambda samples: ""


class Judges(NamedTuple):
    """Whether all samples of a training have their shape; are copied or pieced; have the data's large forms alone.

    Nothing counts where they are `computed`: made by a formula that no training has to find.
    """

    shaped: Judge
    copies: Judge
    blurred: Judge
    computed: Judge = lambda samples: False


def thresholds(looks: Sequence[Look], training: dict, z: np.ndarray, drawn: int, judges: Judges) -> Iterator[Threshold]:
    """The cases of one training: the first look has its data, and all look at the first `drawn` of the same samples.

    Nothing counts where the first look's demand is not met.
    """

    def enters(x: np.ndarray) -> bool:
        return judges.shaped(x) and looks[0].judge(x[:drawn]) and not judges.computed(x)

    for place, look in enumerate(looks):
        inputs = ({} if place else training) | {"z": z, "wanted": look.wanted}
        accepts = lambda x, look=look: enters(x) and look.judge(x[:drawn])  # noqa: E731
        measures = lambda x, look=look: look.measured(x[:drawn]) if judges.shaped(x) else ""  # noqa: E731
        blurred = lambda x: judges.shaped(x) and judges.blurred(x[:drawn])  # noqa: E731
        yield Threshold(
            look.name,
            inputs,
            criterion=look.criterion,
            accepts=accepts,
            copies=judges.copies,
            blurred=blurred,
            measures=measures,
        )


def small_steps(rng: np.random.Generator, samples: int, latent: int, shaped: Judge) -> Threshold:
    """The case that asks whether the generator is continuous."""
    inputs = {"z": neighbours(rng, samples // 2, latent), "wanted": "small steps of z make small steps"}
    return Threshold("small steps", inputs, criterion="own", accepts=lambda x: shaped(x) and continuous(x))


def wanted(*inputs: object) -> Mapping[str, object]:
    """What is shown as expected: the case's last input says it in words."""
    return {"wanted": np.asarray(inputs[-1])}


def compare(observed: Outputs, expected: Outputs, case: Any) -> bool:
    """Whether the samples are finite, pass the case's threshold, and are no copies: those earn nothing."""
    samples = double(observed["samples"])
    return bool(np.isfinite(samples).all()) and case.accepts(samples) and not case.copies(samples)


def reached(case: Any, observed: Outputs) -> str:
    """What is shown beside the threshold."""
    return case.measures(double(observed["samples"]))


def detects(test: Judge, *criteria: str) -> Detected:
    """A misconception that shows in the samples, of every case or of those of some criteria."""

    def detect(case: Case, seen: Observation, expected: Outputs) -> bool:
        return (not criteria or case.criterion in criteria) and test(double(seen.outputs["samples"]))

    return Detected(detect)


def copied(case: Any, seen: Observation, expected: Outputs) -> bool:
    """The misconception that both parts share: copies, or samples that jump when z moves a little."""
    samples = double(seen.outputs["samples"])
    return not continuous(samples) if case.name == "small steps" else case.copies(samples)


def blurred(case: Any, seen: Observation, expected: Outputs) -> bool:
    """The misconception that the large forms are all that there is to learn."""
    return case.blurred(double(seen.outputs["samples"]))


def flat(samples: np.ndarray) -> np.ndarray:
    """One row a sample."""
    return samples.reshape(len(samples), -1)


def neighbours(rng: np.random.Generator, pairs: int, latent: int, step: float = 0.01) -> np.ndarray:
    """Latent vectors and, in the second half, the same a small step away."""
    z, direction = rng.normal(size=(2, pairs, latent))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return np.concatenate([z, z + step * direction]).astype(np.float32)


def walks(rng: np.random.Generator, count: int, steps: int, latent: int) -> np.ndarray:
    """Latent vectors along quarters of great circles, one walk after another; each by itself is a normal draw."""
    start, end = rng.normal(size=(2, count, 1, latent))
    angle = np.linspace(0, np.pi / 2, steps)[:, None]
    return (np.cos(angle) * start + np.sin(angle) * end).reshape(-1, latent).astype(np.float32)


def leap(samples: np.ndarray, steps: int) -> float:
    """The share of a walk's way that its largest step makes, median over the walks; of a walk that stands still, 0."""
    x = samples.reshape(-1, steps, samples[0].size)
    made = np.linalg.norm(np.diff(x, axis=1), axis=2)
    return float(np.median(made.max(1) / np.maximum(made.sum(1), 1e-12)))


def restless(samples: np.ndarray, steps: int) -> float:
    """A walk's median step, in units of the distance of its ends: near 1 where neighbours have nothing in common."""
    x = samples.reshape(-1, steps, samples[0].size)
    made, apart = np.linalg.norm(np.diff(x, axis=1), axis=2), np.linalg.norm(x[:, -1] - x[:, 0], axis=1)
    return float(np.median(made) / max(np.median(apart), 1e-12))


def pieced(walked: np.ndarray, steps: int, limit: float, rest: float) -> bool:
    """Whether walks leap, as from one cluster to the next, or jump at every step, as along a tour of the sample."""
    return leap(walked, steps) > limit or restless(walked, steps) > rest


def fans(rng: np.random.Generator, count: int, latent: int, step: float = FAN) -> np.ndarray:
    """Normal draws, each followed by itself with a step along each latent number."""
    z = rng.normal(size=(count, 1, latent))
    return np.concatenate([z, z + step * np.eye(latent)], axis=1).reshape(-1, latent).astype(np.float32)


def one_direction(fanned: np.ndarray, latent: int, floor: float = 0.3) -> float:
    """How far pixels follow one fixed combination of the latent numbers each, whatever z is: 1 where they do.

    A pixel's gradients by z, from `fans`, are made unit vectors, but those that are smaller than `floor` of the root
    mean square. Of their squares, its leading direction has a share; this is the share that nine pixels in ten exceed.
    A linear map has 1. A function of each pixel after it changes lengths alone; a filter mixes what is nearly alike.
    """
    x = fanned.reshape(-1, 1 + latent, fanned[0].size)
    slopes = x[:, 1:] - x[:, :1]
    size = np.linalg.norm(slopes, axis=1, keepdims=True)
    units = slopes / np.maximum(size, max(floor * float(np.sqrt(np.mean(size**2))), 1e-12))
    squares = np.linalg.eigvalsh(np.einsum("bkp,blp->pkl", units, units))
    moving = squares[squares.sum(1) > 0.1 * len(x)]
    return float(np.quantile(moving[:, -1] / moving.sum(1), 0.1)) if len(moving) else 0.0


def continuous(samples: np.ndarray, share: float = 0.95, fraction: float = 0.25) -> bool:
    """Whether small steps of the latent vector make small steps of the sample, and large steps large ones."""
    first, second = np.split(flat(samples), 2)
    steps = np.linalg.norm(first - second, axis=1)
    apart = np.median(np.linalg.norm(np.diff(first, axis=0), axis=1))
    return bool(apart > 0 and np.mean(steps <= fraction * apart) >= share)


def draws(rng: np.random.Generator, n: int, latent: int) -> np.ndarray:
    """Standard normal latent vectors."""
    return rng.normal(size=(n, latent)).astype(np.float32)
