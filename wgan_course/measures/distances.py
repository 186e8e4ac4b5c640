"""How far a sample is from the truth on toy data, and how it spreads over the modes of a mixture."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from wgan_course import transport
from wgan_course._checks import check_count, check_positive
from wgan_course.measures._checks import two_batches

__all__ = ["DistanceReport", "ModeReport", "distance_to_truth", "mode_coverage"]


@dataclass(frozen=True)
class DistanceReport:
    """A distance and how it was computed, ``"exact"`` or ``"sliced"``: the latter never exceeds the former."""

    value: float
    method: str


def distance_to_truth(
    real: Tensor, fake: Tensor, rng: torch.Generator, limit: int = 2000, directions: int = 200
) -> DistanceReport:
    """Measure W1 between samples: exactly when they are small enough, else sliced.

    Both are distances between the *samples*. Two samples of one and the same distribution have a positive distance,
    which falls with n like n^(-1/d) in d > 2 dimensions: compare with the distance of two real samples. Derived in
    chapter 2.

    Parameters
    ----------
    real, fake : Tensor, shapes (n, d) and (m, d)
    rng : torch.Generator
        For the directions of the sliced distance.
    limit : int
        The largest n and m for which the exact distance is computed; it costs about n^2.5.
    """
    real, fake = two_batches(real, fake)
    if max(len(real), len(fake)) <= limit:
        return DistanceReport(float(transport.wasserstein(real, fake)), "exact")
    lines = transport.random_directions(directions, real.shape[1], rng).to(real)
    return DistanceReport(float(transport.sliced_wasserstein(real, fake, lines)), "sliced")


@dataclass(frozen=True)
class ModeReport:
    """How a sample spreads over the modes of a mixture.

    Attributes
    ----------
    covered : int
        Modes with at least ``minimum`` good points, of ``total``.
    quality : float
        Share of the points that are good: within ``radius`` standard deviations of a mode.
    kl : float
        KL divergence, in nats, from the uniform distribution of the good points' distribution over the modes: 0 when
        even, log(total) when all sit on one mode, infinite when there is no good point.
    counts : tuple of int
        Good points at each mode.
    """

    covered: int
    total: int
    quality: float
    kl: float
    counts: tuple[int, ...]


def _kl_from_uniform(counts: Tensor) -> float:
    shares = counts / counts.sum()
    return (torch.special.xlogy(shares, shares).sum() + math.log(len(counts))).item()


def mode_coverage(samples: Tensor, modes: Tensor, std: float, radius: float = 3.0, minimum: int = 1) -> ModeReport:
    """Count the modes of a mixture that a sample reaches, and the points that lie near one.

    Not even a perfect sample has quality 1: in the plane a share exp(-radius^2 / 2) lies outside, 1.1 % for 3.

    Parameters
    ----------
    samples, modes : Tensor, shapes (n, d) and (k, d)
    std, radius : float
        The mixture's standard deviation around a mode, and what counts as near, in such deviations.
    minimum : int
        Good points that a mode needs to count as covered.
    """
    samples, modes = two_batches(samples, modes, names=("samples", "modes"))
    check_positive("std", std)
    check_positive("radius", radius)
    check_count("minimum", minimum)
    distance, nearest = transport.cost_matrix(samples, modes).min(1)
    counts = torch.bincount(nearest[distance <= radius * std], minlength=len(modes))
    good = int(counts.sum())
    kl = _kl_from_uniform(counts.double()) if good else float("inf")
    return ModeReport(int((counts >= minimum).sum()), len(modes), good / len(samples), kl, tuple(counts.tolist()))
