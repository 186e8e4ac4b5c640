"""Toy distributions: rings and grids of Gaussians, a Swiss roll, two moons; and pairs whose transport is known.

Two ways in: a function a distribution, ``eight_gaussians(n, rng)``, and `make`, which returns an object that samples
and, for mixtures, knows its modes, its spread and its density. The pairs live in `wgan_course.data.pairs` and are
made here by name with `make_pair`.
"""

import math

import torch

from wgan_course.data import _checks
from wgan_course.data.pairs import CentreSquares, GaussianPair, MinFunnel, ParallelLines, TwoClouds

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
    "centre_square_pair",
    "eight_gaussians",
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
        Their centres.
    std : float
        Standard deviation of each coordinate around a mode; 0 makes point masses.
    name : str

    Raises
    ------
    TypeError, ValueError
        ``modes`` is not a batch of finite points, or ``std`` is negative.
    """

    def __init__(self, modes, std, name="mixture"):
        _checks.points("modes", modes, modes.shape[-1] if isinstance(modes, torch.Tensor) else 0)
        _checks.finite("std", std, 0.0)
        self.modes, self.std, self.name, self.dim = modes, std, name, modes.shape[1]

    def sample(self, n, rng, dtype=torch.float32):
        """Draw points.

        Parameters
        ----------
        n : int
        rng : torch.Generator
        dtype : torch.dtype

        Returns
        -------
        Tensor, shape (n, d)
        """
        _checks.draw(n, rng)
        which = torch.randint(len(self.modes), (n,), generator=rng)
        noise = torch.randn(n, self.dim, generator=rng, dtype=dtype)
        return self.modes.to(dtype)[which] + self.std * noise

    def log_density(self, x):
        """Evaluate the logarithm of the density.

        Parameters
        ----------
        x : Tensor, shape (n, d)

        Returns
        -------
        Tensor, shape (n,)

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

    Raises
    ------
    TypeError, ValueError
        ``noise`` is not a finite number of 0 or more.
    """

    dim = 2

    def __init__(self, curve, noise, name="curve"):
        _checks.finite("noise", noise, 0.0)
        self.curve, self.noise, self.name = curve, noise, name

    def sample(self, n, rng, dtype=torch.float32):
        """Draw points.

        Parameters
        ----------
        n : int
        rng : torch.Generator
        dtype : torch.dtype

        Returns
        -------
        Tensor, shape (n, 2)
        """
        _checks.draw(n, rng)
        place = torch.rand(n, generator=rng, dtype=dtype)
        return self.curve(place) + self.noise * torch.randn(n, 2, generator=rng, dtype=dtype)


def _ring(count, radius):
    angles = 2 * math.pi * torch.arange(count, dtype=torch.float64) / count
    return radius * torch.stack([angles.cos(), angles.sin()], dim=1)


def _grid(side, spacing):
    ticks = spacing * (torch.arange(side, dtype=torch.float64) - (side - 1) / 2)
    return torch.cartesian_prod(ticks, ticks)


def _roll(place):
    angle = 1.5 * math.pi * (1 + 2 * place)
    return torch.stack([angle * angle.cos(), angle * angle.sin()], dim=1) / 7.5


def _moons(place):
    angle = 2 * math.pi * place
    x = torch.where(place < 0.5, angle.cos(), 1 - (angle - math.pi).cos())
    y = torch.where(place < 0.5, angle.sin(), 0.5 - (angle - math.pi).sin())
    return torch.stack([x - 0.5, y - 0.25], dim=1)


def _eight(radius=2.0, std=0.05):
    _checks.finite("radius", radius, 0.0)
    return Mixture(_ring(8, radius), std, "eight-gaussians")


def _twenty_five(spacing=1.0, std=0.05):
    _checks.finite("spacing", spacing, 0.0)
    return Mixture(_grid(5, spacing), std, "twenty-five-gaussians")


def _swiss_roll(noise=0.03):
    return Curve(_roll, noise, "swiss-roll")


def _two_moons(noise=0.05):
    return Curve(_moons, noise, "two-moons")


_MAKERS = {
    "eight-gaussians": _eight,
    "twenty-five-gaussians": _twenty_five,
    "swiss-roll": _swiss_roll,
    "two-moons": _two_moons,
}
_ALIASES = {"8-gaussians": "eight-gaussians", "25-gaussians": "twenty-five-gaussians"}
_PAIR_MAKERS = {
    "parallel-lines": ParallelLines,
    "two-clouds": TwoClouds,
    "gaussians": GaussianPair,
    "centre-square": CentreSquares,
    "min-funnel": MinFunnel.random,
}
NAMES = tuple(_MAKERS)
PAIR_NAMES = tuple(_PAIR_MAKERS)


def _look_up(name, makers):
    key = str(name).lower().replace("_", "-")
    key = _ALIASES.get(key, key)
    if key not in makers:
        raise ValueError(f"name must be one of {', '.join(makers)}, got {name!r}")
    return makers[key]


def make(name, **options):
    """Make a toy distribution by name.

    Parameters
    ----------
    name : str
        One of ``NAMES``; underscores do for hyphens, ``8-gaussians`` and ``25-gaussians`` are understood.
    **options
        As for the function of that name, without ``n`` and ``rng``.

    Returns
    -------
    Mixture or Curve
        With ``name``, ``dim`` and ``sample(n, rng)``; a mixture also with ``modes``, ``std`` and ``log_density``.

    Raises
    ------
    ValueError
        Unknown name.
    TypeError
        An option that the distribution does not have.
    """
    return _look_up(name, _MAKERS)(**options)


def make_pair(name, **options):
    """Make a pair with known transport by name.

    Parameters
    ----------
    name : str
        One of ``PAIR_NAMES``.
    **options
        As for the class of that pair; ``min-funnel`` takes what `MinFunnel.random` takes.

    Returns
    -------
    ParallelLines, TwoClouds, GaussianPair, CentreSquares or MinFunnel

    Raises
    ------
    ValueError
        Unknown name.
    """
    return _look_up(name, _PAIR_MAKERS)(**options)


def eight_gaussians(n, rng, radius=2.0, std=0.05):
    """Draw from eight Gaussians on a circle.

    Parameters
    ----------
    n : int
    rng : torch.Generator
    radius : float
    std : float

    Returns
    -------
    Tensor, shape (n, 2)
    """
    return _eight(radius, std).sample(n, rng)


def twenty_five_gaussians(n, rng, spacing=1.0, std=0.05):
    """Draw from 25 Gaussians on a five-by-five grid around 0.

    Parameters
    ----------
    n : int
    rng : torch.Generator
    spacing : float
        Between neighbours.
    std : float

    Returns
    -------
    Tensor, shape (n, 2)
    """
    return _twenty_five(spacing, std).sample(n, rng)


def swiss_roll(n, rng, noise=0.03):
    """Draw from a spiral: (t cos t, t sin t) / 7.5, t uniform on [1.5 pi, 4.5 pi], plus noise.

    Parameters
    ----------
    n : int
    rng : torch.Generator
    noise : float

    Returns
    -------
    Tensor, shape (n, 2)
    """
    return _swiss_roll(noise).sample(n, rng)


def two_moons(n, rng, noise=0.05):
    """Draw from two interleaved half circles of radius 1, centred around 0, plus noise.

    Parameters
    ----------
    n : int
    rng : torch.Generator
    noise : float

    Returns
    -------
    Tensor, shape (n, 2)
    """
    return _two_moons(noise).sample(n, rng)


def parallel_lines(theta, n, rng):
    """Draw from two vertical unit segments, at 0 and at theta; W1 is |theta|.

    Parameters
    ----------
    theta : float
    n : int
    rng : torch.Generator

    Returns
    -------
    (Tensor, Tensor), each of shape (n, 2)
        Real (at 0) and fake (at theta).
    """
    return ParallelLines(theta).sample(n, rng)


def two_clouds(separation, n, rng, std=0.5, dim=2):
    """Draw from two Gaussian clouds whose centres are ``separation`` apart; W1 is |separation|.

    Parameters
    ----------
    separation : float
    n : int
    rng : torch.Generator
    std : float
    dim : int

    Returns
    -------
    (Tensor, Tensor), each of shape (n, dim)
        Real (around 0) and fake.
    """
    return TwoClouds(separation, std, dim).sample(n, rng)


def centre_square_pair(n, rng, size=64, side=None):
    """Draw black images, and images with a centre square of either sign; W1 is 35 at 64 pixels.

    Parameters
    ----------
    n : int
    rng : torch.Generator
    size, side : int
        See `CentreSquares`.

    Returns
    -------
    (Tensor, Tensor), each of shape (n, 1, size, size)
        Black images and squares.
    """
    return CentreSquares(size, side).sample(n, rng)


def min_funnel_pair(dim, rng, funnels=4, push=1.0, scale=2.0):
    """Make a pair in any dimension with known plan, cost and critic (see `MinFunnel`).

    Parameters
    ----------
    dim : int
    rng : torch.Generator
    funnels : int
    push : float
        W1 of the pair.
    scale : float

    Returns
    -------
    MinFunnel
    """
    return MinFunnel.random(dim, rng, funnels, push, scale)
