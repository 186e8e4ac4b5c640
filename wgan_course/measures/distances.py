"""How far a sample is from the truth on toy data, and how it spreads over the modes of a mixture."""

import math
from dataclasses import dataclass

import torch

from wgan_course.measures._checks import _two_batches

__all__ = ["DistanceReport", "ModeReport", "distance_to_truth", "mode_coverage"]


@dataclass(frozen=True)
class DistanceReport:
    """A distance and how it was computed.

    Attributes
    ----------
    value : float
    method : str
        ``"exact"`` or ``"sliced"``. The two are different distances: sliced never exceeds exact.
    """

    value: float
    method: str


def distance_to_truth(real, fake, rng, limit=2000, directions=200):
    """Measure W1 between samples: exactly when they are small enough, else sliced.

    Parameters
    ----------
    real : Tensor, shape (n, d)
    fake : Tensor, shape (m, d)
    rng : torch.Generator
        For the directions of the sliced distance.
    limit : int
        The largest n and m for which the exact distance is computed; it costs about n^3.
    directions : int
        How many projections the sliced distance averages.

    Returns
    -------
    DistanceReport

    Raises
    ------
    TypeError, ValueError
        Not two batches of finite vectors of the same length.

    Notes
    -----
    Both are distances between the *samples*. Two samples of one and the same distribution have a positive distance,
    which falls with n like n^(-1/d) in d > 2 dimensions: compare with the distance of two real samples. Derived in
    chapter 2.
    """
    from wgan_course import transport

    real, fake = _two_batches(real, fake)
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
        Modes with at least ``minimum`` good points.
    total : int
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
    counts: tuple


def _kl_from_uniform(counts):
    shares = counts / counts.sum()
    return (torch.special.xlogy(shares, shares).sum() + math.log(len(counts))).item()


def mode_coverage(samples, modes, std, radius=3.0, minimum=1):
    """Count the modes of a mixture that a sample reaches, and the points that lie near one.

    Parameters
    ----------
    samples : Tensor, shape (n, d)
    modes : Tensor, shape (k, d)
    std : float
        The mixture's standard deviation around a mode, positive.
    radius : float
        What counts as near, in standard deviations, positive.
    minimum : int
        Good points that a mode needs to count as covered.

    Returns
    -------
    ModeReport

    Raises
    ------
    TypeError, ValueError
        Not two batches of finite vectors of the same length; ``std`` or ``radius`` not positive; ``minimum`` under 1.

    Notes
    -----
    Not even a perfect sample has quality 1: in the plane a share exp(-radius^2 / 2) lies outside, 1.1 % for 3.
    """
    samples, modes = _two_batches(samples, modes, names=("samples", "modes"))
    if not (std > 0 and radius > 0 and minimum >= 1):
        raise ValueError(f"std, radius must be positive, minimum 1 or more, got {std}, {radius}, {minimum}")
    distance, nearest = torch.cdist(samples, modes, compute_mode="donot_use_mm_for_euclid_dist").min(1)
    counts = torch.bincount(nearest[distance <= radius * std], minlength=len(modes))
    good = int(counts.sum())
    kl = _kl_from_uniform(counts.double()) if good else float("inf")
    return ModeReport(int((counts >= minimum).sum()), len(modes), good / len(samples), kl, tuple(counts.tolist()))
