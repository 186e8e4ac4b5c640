"""``images_generator(real, seed)``: the capstone's second part, a generator for Fashion-MNIST.

Distances are measured in the course classifier's features against the package's test images, which no case hands over.
Copies are looked for among all images of the package, mirrored and moved by a pixel. Walks through the latent space
show a generator that is put together from pieces, such as one Gaussian for each cluster of the training images,
and small steps in all directions one that is a linear map with a fixed function after it, as sharpened components are.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from ...formulas import Detected, explained
from ...problem import Criterion, Problem
from . import _capstone as capstone
from ._capstone import Look, flat, once

LATENT, TRAINING, SAMPLES, LOOKED_AT = 16, 2000, 1000, 200
FAR, MIDDLE, NEAR, CLASSES = 36.0, 33.0, 30.0, 5  # right ways reach 11 to 27 and 7 or more; clothes on their side 38
EDGES = (0.35, 2.5)  # in units of the test images: one Gaussian has 0.12, ten have 0.3, a short training 0.6 to 1.2
CLOSE, COPIES = 0.7, 0.15
WALKS, STEPS, LEAP = 8, 40, 0.12  # a DCGAN's largest step is 0.04 to 0.07 of a walk, that of clusters 0.2 or more
WALKED = SAMPLES + WALKS * STEPS
REST = 0.3  # a DCGAN's steps are 0.03 to 0.06 of the distance of a walk's ends, those of copies 0.9
FANS, DIRECTION = 64, 0.8  # principal components, sharpened: 0.85 or more; a DCGAN: 0.5, one of 3 s up to 0.75
LIMIT = 50.0


@lru_cache(maxsize=2)
def images(split: str) -> np.ndarray:
    """The package's images of a split, shape (n, 1, 28, 28)."""
    from wgan_course.data import images as data

    return data.load("fashion-mnist", split, source="embedded").images.numpy()


@lru_cache(maxsize=1)
def known() -> tuple[np.ndarray, np.ndarray]:
    """All images of the package as rows, and each one's distance to its nearest other."""
    rows = flat(np.concatenate([images("train"), images("test")])).astype(np.float32)
    squares = _squares(rows, rows)
    np.fill_diagonal(squares, np.inf)
    return rows, np.sqrt(squares.min(1))


def _squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared distances of every pair of rows."""
    return np.maximum((x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T, 0)


@once
def copied_share(samples: np.ndarray) -> float:
    """Share of samples that lie closer to an image of the package than `CLOSE` times its nearest other image does.

    Each sample is tried as it is and moved by a pixel in the four directions, and all that mirrored.
    """
    rows, reach = known()
    some = samples[:LOOKED_AT].astype(np.float32)
    moves = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]
    found = np.zeros(len(some), dtype=bool)
    for image in (some, some[..., ::-1]):
        for move in moves:
            squares = _squares(flat(np.roll(image, move, (-2, -1))), rows)
            best = squares.argmin(1)
            found |= np.sqrt(squares[np.arange(len(some)), best]) < CLOSE * reach[best]
    return float(found.mean())


@once
def features(samples: np.ndarray) -> Any:
    """The classifier's features, as a torch tensor."""
    import torch

    from wgan_course.measures import classifier

    return classifier.features(torch.from_numpy(samples.astype(np.float32)))


@lru_cache(maxsize=1)
def _truth() -> Any:
    return features(images("test"))


@once
def frechet(samples: np.ndarray) -> float:
    """Fréchet distance to the test images."""
    from wgan_course import measures

    return measures.frechet_distance(_truth(), features(samples))


@once
def classes(samples: np.ndarray) -> int:
    """How many classes get 2 % of the samples, by the classifier."""
    from wgan_course.measures import classifier

    named = classifier.load_pretrained().head(features(samples)).argmax(1).numpy()
    return int((np.bincount(named, minlength=10) >= 0.02 * len(samples)).sum())


@once
def edges(samples: np.ndarray) -> float:
    """Mean square of the images' Laplacian, in units of that of the test images."""
    return _laplacian(samples) / _laplacian(images("test"))


def _laplacian(x: np.ndarray) -> float:
    inner = x[..., 1:-1, 1:-1]
    around = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
    return float(np.mean((around - 4 * inner) ** 2))


def _shaped(samples: np.ndarray, n: int = SAMPLES) -> bool:
    return bool(samples.shape == (n, 1, 28, 28) and np.abs(samples).max() <= 1 + 1e-5)


def _with_walks_and_fans(samples: np.ndarray) -> bool:
    return _shaped(samples, WALKED + FANS * (1 + LATENT))


def _not_its_own(samples: np.ndarray) -> bool:
    """Copies, or pieces: `samples` are draws, walks after them, and fans."""
    walked = samples[SAMPLES:WALKED]
    return copied_share(samples) > COPIES or capstone.pieced(walked, STEPS, LEAP, REST)


@once
def linear(samples: np.ndarray) -> bool:
    """Whether they come from a linear map of z, with a function of each pixel or a filter after it."""
    return capstone.one_direction(samples[WALKED:], LATENT) > DIRECTION


def cases(rng: np.random.Generator) -> Iterator[capstone.Threshold]:
    real = images("train")[rng.permutation(len(images("train")))[:TRAINING]]
    seed, z = int(rng.integers(2**31)), capstone.draws(rng, SAMPLES, LATENT)
    small = capstone.small_steps(rng, SAMPLES, LATENT, _shaped)
    z = np.concatenate([z, capstone.walks(rng, WALKS, STEPS, LATENT), capstone.fans(rng, FANS, LATENT)])
    reach, kinds = frechet, classes
    far, many = lambda x: f"{reach(x):.1f}", lambda x: f"{kinds(x)}"
    both = lambda x: f"{reach(x):.1f} and {edges(x):.2f}"  # noqa: E731
    fair = lambda x: reach(x) <= FAR and EDGES[0] <= edges(x) <= EDGES[1]  # noqa: E731
    looks = (
        Look("distance", "far", f"Fréchet distance ≤ {FAR:g}, edges of {EDGES[0]} to {EDGES[1]}", fair, both),
        Look("smaller distance", "middle", f"Fréchet distance ≤ {MIDDLE:g}", lambda x: reach(x) <= MIDDLE, far),
        Look("smallest distance", "near", f"Fréchet distance ≤ {NEAR:g}", lambda x: reach(x) <= NEAR, far),
        Look("variety", "variety", f"{CLASSES} classes with 2 % of the images", lambda x: kinds(x) >= CLASSES, many),
        Look("copies", "own", f"at most {COPIES:.0%} copies of known images, and walks without leaps"),
    )
    blurred = lambda x: edges(x) < EDGES[0] and reach(x) <= FAR  # noqa: E731
    judges = capstone.Judges(_with_walks_and_fans, _not_its_own, blurred, linear)
    yield from capstone.thresholds(looks, {"real": real, "seed": seed}, z, SAMPLES, judges)
    yield small


@once
def _apart(x: np.ndarray) -> float:
    """Median distance of neighbouring samples."""
    return float(np.median(np.linalg.norm(np.diff(flat(x), axis=0), axis=1)))


@once
def _noise(x: np.ndarray) -> bool:
    """Neighbouring pixels have little to do with each other."""
    left, right = x[..., :-1].ravel(), x[..., 1:].ravel()
    return left.std() > 0.05 and float(np.corrcoef(left, right)[0, 1]) < 0.5


def _picture(x: np.ndarray) -> bool:
    return _shaped(x) and not _noise(x)


def _out_of_range(x: np.ndarray) -> bool:
    return float(np.quantile(x, 0.05)) > -0.3 or float(np.abs(x).max()) > 1 + 1e-5


def _few_classes(x: np.ndarray) -> bool:
    return _picture(x) and _apart(x) >= 3.0 and classes(x) < CLASSES


def _drawn(test: capstone.Judge, *criteria: str) -> Detected:
    """A misconception that shows in the draws; the walks after them are left out."""
    return capstone.detects(lambda x: test(x[:SAMPLES]), *criteria)


WRONG = (
    ("range", _drawn(_out_of_range)),
    ("constant", _drawn(lambda x: _apart(x) < 3.0)),
    ("noise", _drawn(_noise)),
    ("copies", Detected(capstone.copied)),
    ("blurred", Detected(capstone.blurred)),
    ("linear", capstone.detects(lambda x: _with_walks_and_fans(x) and linear(x))),
    ("few-classes", _drawn(_few_classes)),
    ("not-there-yet", _drawn(lambda x: _picture(x) and classes(x) >= CLASSES)),
    ("shape", Detected(lambda case, seen, _: seen.outputs["samples"].shape != (len(case.inputs["z"]), 1, 28, 28))),
)
MESSAGES = """
range: The images do not use the range from −1 (black) to 1 (white): they stay above about −0.3, or leave it.
constant: The images do not depend on z, or hardly: mode collapse, or one image for all.
noise: Neighbouring pixels have nothing to do with each other: this is noise. See whether it learns at all.
copies: Many of the images are images of the package, or nearly: copied, mirrored, moved or with a little noise; or the
    image jumps when z moves a little, as it does where it is put together from clusters. A generator makes its own, as
    a continuous function of z. Copies and pieces earn nothing for being close.
blurred: These images have the large forms of clothes and hardly an edge: fog. One Gaussian on principal components
    looks so, and so does a critic that has not learned to look at edges yet. Plot some beside real ones; more steps.
linear: Each pixel follows nearly the same combination of the latent numbers wherever z is: a linear map of z, such as
    principal components, with a fixed function after it (contrast, sharpening). That earns nothing: train a network.
few-classes: Few kinds of clothes: the others are missing. Mode collapse, or training on a part of the classes.
not-there-yet: These look like clothes on their way, and not close enough yet. Use the budget: more steps, a learning
    rate for short runs (larger than those of papers), fewer critic steps; average the weights.
shape: The generator must return one grey image for each row of z: shape (n, 1, 28, 28).
"""
PROBLEM = Problem(
    key="ps10.images_generator",
    title="Capstone, part 2: a generator for clothes",
    criteria=(
        Criterion(
            "far",
            f"Fréchet distance at most {FAR:g}, edges of {EDGES[0]} to {EDGES[1]}, not linear; else nothing counts",
            1,
        ),
        Criterion("middle", f"… at most {MIDDLE:g}", 1),
        Criterion("near", f"… at most {NEAR:g}", 2),
        Criterion("variety", f"at least {CLASSES} of ten classes get 2 % of the images", 1),
        Criterion("own", "no copies of known images; small steps of z make small steps of the image", 2),
    ),
    cases=cases,
    formula=capstone.wanted,
    observe=capstone.OBSERVER,
    package_functions=("wgan_course.models.pretrained.load",),
    limit=LIMIT,
    compare=capstone.compare,
    reached=capstone.reached,
    misconceptions=explained(WRONG, MESSAGES),
)
