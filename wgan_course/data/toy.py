"""Toy distributions: rings and grids of Gaussians, a Swiss roll, two moons; and pairs whose transport is known.

Two ways in: a function a distribution, ``eight_gaussians(n, rng)``, and `make`, which returns an object that samples
and, for mixtures, knows its modes, its spread and its density. The pairs live in `wgan_course.data.pairs` and are
made here by name with `make_pair`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from wgan_course._checks import key_of
from wgan_course.data import _checks
from wgan_course.data.pairs import CentreSquares, GaussianPair, MinFunnel, Pair, ParallelLines, TwoClouds

__all__ = [
    "NAMES",
    "PAIR_NAMES",
    "CentreSquares",
    "Curve",
    "GaussianPair",
    "MinFunnel",
    "Mixture",
    "ParallelLines",
    "TwoClouds",
    "eight_gaussians",
    "is_known",
    "make",
    "make_pair",
    "min_funnel_pair",
    "parallel_lines",
    "swiss_roll",
    "twenty_five_gaussians",
    "two_clouds",
    "two_moons",
]


class Mixture:
    """Equal parts of round Gaussians, one around each mode.

    Parameters
    ----------
    modes : Tensor, shape (k, d)
    std : float
        Of each coordinate around a mode; 0 makes point masses.
    name : str
    """

    def __init__(self, modes: Tensor, std: float, name: str = "mixture") -> None:
        _checks.points("modes", modes)
        _checks.finite("std", std, 0.0)
        self.modes, self.std, self.name, self.dim = modes, std, name, modes.shape[1]

    def sample(self, n: int, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw points, shape (n, d)."""
        _checks.draw(n, rng)
        which = torch.randint(len(self.modes), (n,), generator=rng)
        noise = torch.randn(n, self.dim, generator=rng, dtype=dtype)
        return self.modes.to(dtype)[which] + self.std * noise

    def log_density(self, x: Tensor) -> Tensor:
        """Evaluate the logarithm of the density at points of shape (n, d).

        Raises
        ------
        ValueError
            ``std`` is 0: there is no density.
        """
        _checks.points("x", x, self.dim)
        if self.std == 0:
            raise ValueError("std is 0: point masses have no density")
        squares = (x[:, None] - self.modes.to(x)).square().sum(2) / (2 * self.std**2)
        constant = math.log(len(self.modes)) + self.dim * math.log(self.std * math.sqrt(2 * math.pi))
        return torch.logsumexp(-squares, dim=1) - constant


class Curve:
    """Points spread along a curve in the plane, with round Gaussian noise.

    Parameters
    ----------
    curve : callable
        Takes a Tensor of shape (n,) with values in [0, 1], returns points of shape (n, 2).
    noise : float
        Standard deviation of each coordinate.
    name : str
    """

    dim = 2

    def __init__(self, curve: Callable[[Tensor], Tensor], noise: float, name: str = "curve") -> None:
        _checks.finite("noise", noise, 0.0)
        self.curve, self.noise, self.name = curve, noise, name

    def sample(self, n: int, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw points, shape (n, 2)."""
        _checks.draw(n, rng)
        place = torch.rand(n, generator=rng, dtype=dtype)
        return self.curve(place) + self.noise * torch.randn(n, 2, generator=rng, dtype=dtype)


def _ring(count: int, radius: float) -> Tensor:
    angles = 2 * math.pi * torch.arange(count, dtype=torch.float64) / count
    return radius * torch.stack([angles.cos(), angles.sin()], dim=1)


def _grid(side: int, spacing: float) -> Tensor:
    ticks = spacing * (torch.arange(side, dtype=torch.float64) - (side - 1) / 2)
    return torch.cartesian_prod(ticks, ticks)


def _roll(place: Tensor) -> Tensor:
    angle = 1.5 * math.pi * (1 + 2 * place)
    return torch.stack([angle * angle.cos(), angle * angle.sin()], dim=1) / 7.5


def _moons(place: Tensor) -> Tensor:
    angle = 2 * math.pi * place
    x = torch.where(place < 0.5, angle.cos(), 1 - (angle - math.pi).cos())
    y = torch.where(place < 0.5, angle.sin(), 0.5 - (angle - math.pi).sin())
    return torch.stack([x - 0.5, y - 0.25], dim=1)


def _eight(radius: float = 2.0, std: float = 0.05) -> Mixture:
    _checks.finite("radius", radius, 0.0)
    return Mixture(_ring(8, radius), std, "eight-gaussians")


def _twenty_five(spacing: float = 1.0, std: float = 0.05) -> Mixture:
    _checks.finite("spacing", spacing, 0.0)
    return Mixture(_grid(5, spacing), std, "twenty-five-gaussians")


def _swiss_roll(noise: float = 0.03) -> Curve:
    return Curve(_roll, noise, "swiss-roll")


def _two_moons(noise: float = 0.05) -> Curve:
    return Curve(_moons, noise, "two-moons")


_MAKERS: dict[str, Callable[..., Mixture | Curve]] = {
    "eight-gaussians": _eight,
    "twenty-five-gaussians": _twenty_five,
    "swiss-roll": _swiss_roll,
    "two-moons": _two_moons,
}
_ALIASES = {"8-gaussians": "eight-gaussians", "25-gaussians": "twenty-five-gaussians"}
_PAIR_MAKERS: dict[str, Callable[..., Any]] = {
    "parallel-lines": ParallelLines,
    "two-clouds": TwoClouds,
    "gaussians": GaussianPair,
    "centre-square": CentreSquares,
    "min-funnel": MinFunnel.random,
}
NAMES = tuple(_MAKERS)
PAIR_NAMES = tuple(_PAIR_MAKERS)


def is_known(name: str) -> bool:
    """Say whether `make` knows a name."""
    return _ALIASES.get(key_of(name), key_of(name)) in _MAKERS


def _look_up(name: str, makers: Mapping[str, Callable]) -> Callable:
    key = _ALIASES.get(key_of(name), key_of(name))
    if key not in makers:
        raise ValueError(f"name must be one of {', '.join(makers)}, got {name!r}")
    return makers[key]


def make(name: str, **options: Any) -> Mixture | Curve:
    """Make a toy distribution by name.

    Parameters
    ----------
    name : str
        One of ``NAMES``; underscores do for hyphens, ``8-gaussians`` and ``25-gaussians`` are understood.
    **options
        As for the function of that name, without ``n`` and ``rng``.
    """
    return _look_up(name, _MAKERS)(**options)


def make_pair(name: str, **options: Any) -> Pair:
    """Make a pair with known transport by name.

    Parameters
    ----------
    name : str
        One of ``PAIR_NAMES``.
    **options
        As for the class of that pair; ``min-funnel`` takes what `MinFunnel.random` takes.
    """
    return _look_up(name, _PAIR_MAKERS)(**options)


def eight_gaussians(n: int, rng: torch.Generator, radius: float = 2.0, std: float = 0.05) -> Tensor:
    """Draw from eight Gaussians on a circle, shape (n, 2)."""
    return _eight(radius, std).sample(n, rng)


def twenty_five_gaussians(n: int, rng: torch.Generator, spacing: float = 1.0, std: float = 0.05) -> Tensor:
    """Draw from 25 Gaussians on a five-by-five grid around 0, shape (n, 2)."""
    return _twenty_five(spacing, std).sample(n, rng)


def swiss_roll(n: int, rng: torch.Generator, noise: float = 0.03) -> Tensor:
    """Draw from a spiral: (t cos t, t sin t) / 7.5, t uniform on [1.5 pi, 4.5 pi], plus noise; shape (n, 2)."""
    return _swiss_roll(noise).sample(n, rng)


def two_moons(n: int, rng: torch.Generator, noise: float = 0.05) -> Tensor:
    """Draw from two interleaved half circles of radius 1, centred around 0, plus noise; shape (n, 2)."""
    return _two_moons(noise).sample(n, rng)


def parallel_lines(theta: float, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw from two vertical unit segments, the real one at 0, the fake one at theta, each of shape (n, 2)."""
    return ParallelLines(theta).sample(n, rng)


def two_clouds(
    separation: float, n: int, rng: torch.Generator, std: float = 0.5, dim: int = 2
) -> tuple[Tensor, Tensor]:
    """Draw from two Gaussian clouds, the real one around 0, the fake one ``separation`` away; shapes (n, dim)."""
    return TwoClouds(separation, std, dim).sample(n, rng)


def min_funnel_pair(
    dim: int, rng: torch.Generator, funnels: int = 4, push: float = 1.0, scale: float = 2.0
) -> MinFunnel:
    """Make a pair in any dimension with known plan, cost and critic (see `MinFunnel`)."""
    return MinFunnel.random(dim, rng, funnels, push, scale)
