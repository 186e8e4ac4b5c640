"""Pairs of distributions whose optimal transport is known: the truth that critics are judged against.

A pair that knows W1 has it in ``w1``; one that knows an optimal critic, normalised as in the course (it maximises
E_P f - E_Q f over 1-Lipschitz f), has it in ``critic`` and its gradient in ``gradient``.
"""

import math
from typing import Self

import torch
from torch import Tensor

from wgan_course._checks import check_count
from wgan_course.data import _checks

__all__ = ["CentreSquares", "GaussianPair", "MinFunnel", "Pair", "ParallelLines", "TwoClouds"]


class Pair:
    """Two distributions P, the real one, and Q, the fake one.

    ``dim`` is that of a point.
    """

    dim: int

    def plan(self, n: int, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        """Draw n real points and what each is coupled with by an optimal plan; both of shape (n, d).

        Raises
        ------
        NotImplementedError
            It is not known.
        """
        raise NotImplementedError(f"{type(self).__name__} knows no optimal coupling")

    def sample(self, n: int, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        """Draw n real points and, independently of them, n fake ones; both of shape (n, d)."""
        return self.plan(n, rng, dtype)[0], self.plan(n, rng, dtype)[1]


class ParallelLines(Pair):
    """Two vertical unit segments at distance |theta|: the laws of (0, Z) and (theta, Z), Z uniform on [0, 1].

    W1 = |theta|. For theta other than 0: JS = log 2, KL infinite, TV = 1.

    References
    ----------
    Arjovsky, Chintala, Bottou, *Wasserstein GAN*, 2017, example 1. Derived in chapter 2.
    """

    dim = 2

    def __init__(self, theta: float = 1.0) -> None:
        _checks.finite("theta", theta)
        self.theta = theta
        self.w1 = abs(theta)

    def plan(self, n: int, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        """Move every point sideways."""
        _checks.draw(n, rng)
        height = torch.rand(n, generator=rng, dtype=dtype)
        real = torch.stack([torch.zeros_like(height), height], dim=1)
        return real, real + real.new_tensor([self.theta, 0.0])

    def critic(self, x: Tensor) -> Tensor:
        """Evaluate an optimal critic at points of shape (n, 2): f(x) = -sign(theta) x_1."""
        _checks.points("x", x, 2)
        return -math.copysign(1.0, self.theta) * x[:, 0]


class TwoClouds(Pair):
    """Two round Gaussian clouds, one the other's translate along the first axis.

    W1 = |separation|: Jensen's inequality bounds it from below, moving every point alike reaches it.

    Parameters
    ----------
    separation : float
        How far the fake cloud's centre is from the real one's, which is 0.
    std : float
        Of each coordinate; 0 makes two points of them.
    dim : int
    """

    def __init__(self, separation: float = 4.0, std: float = 0.5, dim: int = 2) -> None:
        _checks.finite("separation", separation)
        _checks.finite("std", std, 0.0)
        check_count("dim", dim)
        self.separation, self.std, self.dim = separation, std, dim
        self.w1 = abs(separation)

    def plan(self, n: int, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        """Move every point alike."""
        _checks.draw(n, rng)
        real = self.std * torch.randn(n, self.dim, generator=rng, dtype=dtype)
        shift = torch.zeros(self.dim, dtype=dtype)
        shift[0] = self.separation
        return real, real + shift

    def critic(self, x: Tensor) -> Tensor:
        """Evaluate an optimal critic at points of shape (n, dim): f(x) = -sign(separation) x_1."""
        _checks.points("x", x, self.dim)
        return -math.copysign(1.0, self.separation) * x[:, 0]


def _symmetric_root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0.0).sqrt()) @ vectors.T


def _as_covariance(name: str, value, dim: int) -> Tensor:
    value = torch.as_tensor(value, dtype=torch.float64)
    if value.shape != (dim, dim) or not torch.allclose(value, value.T, atol=1e-10):
        raise ValueError(f"{name} must be a symmetric matrix of shape ({dim}, {dim}), got shape {tuple(value.shape)}")
    if not torch.isfinite(value).all() or torch.linalg.eigvalsh(value).min() <= 0:
        raise ValueError(f"{name} must be positive definite; add a small multiple of the identity")
    return value


def _as_mean(name: str, value) -> Tensor:
    value = torch.as_tensor(value, dtype=torch.float64)
    if value.ndim != 1 or len(value) == 0 or not torch.isfinite(value).all():
        raise ValueError(f"{name} must be a finite vector of shape (d,), got shape {tuple(value.shape)}")
    return value


def folded_normal_mean(mean: Tensor, std: Tensor) -> Tensor:
    """Return E|X| for X normal.

    E|X| = std sqrt(2/pi) exp(-mean^2 / (2 std^2)) + mean erf(mean / (std sqrt 2)); |mean| where std is 0.

    Parameters
    ----------
    mean, std : Tensor, shape (...)

    Returns
    -------
    Tensor, shape (...)
    """
    safe = std.clamp_min(torch.finfo(std.dtype).tiny)
    ratio = mean / safe
    value = safe * math.sqrt(2 / math.pi) * torch.exp(-(ratio**2) / 2) + mean * torch.erf(ratio / math.sqrt(2))
    return torch.where(std > 0, value, mean.abs())


class GaussianPair(Pair):
    """Two Gaussians in any dimension: W2 is known exactly, W1 between two bounds.

    Parameters
    ----------
    real_mean, fake_mean : array_like, shape (d,)
    real_covariance, fake_covariance : array_like, shape (d, d)
        Symmetric, positive definite.

    Raises
    ------
    ValueError
        The means have different lengths.

    References
    ----------
    Dowson, Landau, *The Frechet distance between multivariate normal distributions*, 1982.
    """

    def __init__(self, real_mean, real_covariance, fake_mean, fake_covariance) -> None:
        self.real_mean, self.fake_mean = _as_mean("real_mean", real_mean), _as_mean("fake_mean", fake_mean)
        if len(self.real_mean) != len(self.fake_mean):
            raise ValueError(f"fake_mean must have shape ({len(self.real_mean)},), got ({len(self.fake_mean)},)")
        self.dim = len(self.real_mean)
        self.real_covariance = _as_covariance("real_covariance", real_covariance, self.dim)
        self.fake_covariance = _as_covariance("fake_covariance", fake_covariance, self.dim)
        self._root = _symmetric_root(self.real_covariance)
        self._cross = _symmetric_root(self._root @ self.fake_covariance @ self._root)

    @property
    def w2(self) -> float:
        """W2, by W2^2 = ||m_P - m_Q||^2 + tr(S_P + S_Q - 2 (S_P^(1/2) S_Q S_P^(1/2))^(1/2))."""
        spread = (self.real_covariance + self.fake_covariance - 2 * self._cross).trace()
        return (self.real_mean - self.fake_mean).square().sum().add(spread).clamp_min(0.0).sqrt().item()

    @property
    def w1_bounds(self) -> tuple[float, float]:
        """Two numbers between which W1 lies.

        The upper is W2 (Jensen). The lower is the largest W1 of the projections on the principal axes of S_P, S_Q and
        their difference and on m_P - m_Q: a projection is 1-Lipschitz, and in one dimension
        W1 = E|m_P - m_Q + (s_P - s_Q) Z|.
        """
        return self._projected(self._axes()).max().item(), self.w2

    def _axes(self) -> Tensor:
        matrices = (self.real_covariance, self.fake_covariance, self.real_covariance - self.fake_covariance)
        axes = torch.cat([torch.linalg.eigh(matrix).eigenvectors.T for matrix in matrices])
        shift = self.real_mean - self.fake_mean
        return torch.cat([axes, shift[None] / shift.norm()]) if shift.norm() > 0 else axes

    def _projected(self, axes: Tensor) -> Tensor:
        stds = [torch.einsum("ki,ij,kj->k", axes, c, axes).sqrt() for c in (self.real_covariance, self.fake_covariance)]
        return folded_normal_mean(axes @ (self.real_mean - self.fake_mean), (stds[0] - stds[1]).abs())

    def transport_map(self, x: Tensor) -> Tensor:
        """Move real points of shape (n, d) to fake ones along the plan that is optimal for W2.

        T(x) = m_Q + A (x - m_P), A = S_P^(-1/2) (S_P^(1/2) S_Q S_P^(1/2))^(1/2) S_P^(-1/2).
        """
        _checks.points("x", x, self.dim)
        inverse = torch.linalg.inv(self._root)
        matrix = inverse @ self._cross @ inverse
        return ((x.double() - self.real_mean) @ matrix + self.fake_mean).to(x.dtype)

    def _draw(self, n: int, rng: torch.Generator, dtype: torch.dtype) -> Tensor:
        noise = torch.randn(n, self.dim, generator=rng, dtype=torch.float64)
        return (noise @ self._root + self.real_mean).to(dtype)

    def sample(self, n: int, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        """Draw real points, and the image of others under the transport map."""
        _checks.draw(n, rng)
        return self._draw(n, rng, dtype), self.transport_map(self._draw(n, rng, dtype))


class CentreSquares(Pair):
    """Black images against images with a square in the centre, white or negative, each with probability 1/2.

    W1 = ``side``: P is a point mass at 0, so there is one coupling only, and its cost is E||y||, the root of side^2
    pixels of value 1 or -1. An optimal critic is -|<u, x>| with u the square divided by its norm. Its kink lies right
    on P, where linear layers of norm 1 with ReLU lose: they can't represent |x|, with GroupSort they can (chapter 12).

    Parameters
    ----------
    size : int
        Side of the images.
    side : int, optional
        Side of the square; the integer part of size times the root of 0.3 when absent: 35 of 64 pixels.

    Raises
    ------
    ValueError
        The square does not fit.

    References
    ----------
    The case is the toy example of the torchlip and deel-lip libraries; 35 is derived above.
    """

    def __init__(self, size: int = 64, side: int | None = None) -> None:
        check_count("size", size)
        side = int(size * math.sqrt(0.3)) if side is None else side
        check_count("side", side)
        if side > size:
            raise ValueError(f"side must be at most size, {size}, got {side}")
        self.size, self.side, self.dim, self.w1 = size, side, size * size, float(side)

    def square(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the image with the positive square, of shape (1, size, size)."""
        start = (self.size - self.side) // 2
        image = torch.zeros(1, self.size, self.size, dtype=dtype)
        image[:, start : start + self.side, start : start + self.side] = 1.0
        return image

    def sample(self, n: int, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        """Draw black images, and squares of either sign, each of shape (n, 1, size, size)."""
        _checks.draw(n, rng)
        signs = 2.0 * torch.randint(0, 2, (n, 1, 1, 1), generator=rng).to(dtype) - 1.0
        fake = signs * self.square(dtype)
        return torch.zeros_like(fake), fake

    def plan(self, n: int, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        """Draw from the only coupling that there is."""
        return self.sample(n, rng, dtype)

    def critic(self, x: Tensor) -> Tensor:
        """Evaluate an optimal critic at images of shape (n, 1, size, size): f(x) = -|<u, x>|.

        Raises
        ------
        ValueError
            Another shape.
        """
        if x.ndim != 4 or x.shape[1:] != (1, self.size, self.size):
            raise ValueError(f"x must have shape (n, 1, {self.size}, {self.size}), got {tuple(x.shape)}")
        return -(x * self.square(x.dtype) / self.side).flatten(1).sum(1).abs()


class MinFunnel(Pair):
    """A pair in any dimension that is made from its own optimal critic, a minimum of funnels.

    f(x) = min_n (||x - a_n|| + b_n) is 1-Lipschitz. Moving x straight towards the centre of its own funnel lowers f by
    exactly the distance moved, since no other funnel can fall faster. So when Q is P pushed that way,
    E_P f - E_Q f equals the cost of the push: weak duality says that no coupling costs less and that no critic does
    better. Both f and the push are optimal, and W1 = ``push`` exactly.

    Parameters
    ----------
    centres : Tensor, shape (k, d)
        The a_n.
    offsets : Tensor, shape (k,)
        The b_n.
    push : float
        How far every point moves; positive.
    scale : float
        P is N(0, scale^2 I), kept to the points further than ``push`` from their funnel's centre.

    References
    ----------
    Korotin, Kolesov, Burnaev, *Kantorovich Strikes Back! Wasserstein GANs are not Optimal Transport?*, 2022, builds its
    benchmark from such functions. Derived in chapter 3.
    """

    def __init__(self, centres: Tensor, offsets: Tensor, push: float = 1.0, scale: float = 2.0) -> None:
        _checks.points("centres", centres)
        _checks.vector("offsets", offsets, len(centres))
        for name, value in (("push", push), ("scale", scale)):
            _checks.finite(name, value, 1e-12)
        self.centres, self.offsets = centres.double(), offsets.double()
        self.dim, self.push, self.scale, self.w1 = centres.shape[1], push, scale, float(push)

    @classmethod
    def random(cls, dim: int, rng: torch.Generator, funnels: int = 4, push: float = 1.0, scale: float = 2.0) -> Self:
        """Make a pair with random funnels.

        Centres are drawn from P's Gaussian, offsets uniformly from [0, scale / 10], so that every funnel counts.
        """
        check_count("dim", dim)
        _checks.finite("scale", scale, 1e-12)
        check_count("funnels", funnels)
        _checks.generator(rng)
        centres = scale * torch.randn(funnels, dim, generator=rng, dtype=torch.float64)
        offsets = 0.1 * scale * torch.rand(funnels, generator=rng, dtype=torch.float64)
        return cls(centres, offsets, push, scale)

    def _distances(self, x: Tensor) -> tuple[Tensor, Tensor]:
        _checks.points("x", x, self.dim)
        difference = x[:, None] - self.centres.to(x)
        return difference, difference.norm(dim=2)

    def _nearest(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the way from each point's own funnel centre to the point, and its length."""
        difference, distance = self._distances(x)
        own = (distance + self.offsets.to(x)).argmin(1)
        rows = torch.arange(len(x))
        return difference[rows, own], distance[rows, own]

    def critic(self, x: Tensor) -> Tensor:
        """Evaluate the optimal critic f at points of shape (n, d)."""
        return (self._distances(x)[1] + self.offsets.to(x)).amin(1)

    def gradient(self, x: Tensor) -> Tensor:
        """Evaluate f's gradient at points of shape (n, d): the unit vector from the funnel's centre (0 there)."""
        way, distance = self._nearest(x)
        return way / distance.clamp_min(torch.finfo(x.dtype).tiny)[:, None]

    def transport_map(self, x: Tensor) -> Tensor:
        """Push real points of shape (n, d) to fake ones: T(x) = x - push grad f(x).

        Raises
        ------
        ValueError
            A point lies so near its centre that the push would carry it past.
        """
        way, distance = self._nearest(x)
        if (distance < self.push).any():
            raise ValueError(
                f"x has points nearer than push = {self.push} to their funnel's centre, which P never draws"
            )
        return x - (self.push / distance)[:, None] * way

    def real(self, n: int, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw n points of P, redrawing what lies too near a centre.

        Raises
        ------
        ValueError
            Hardly any point is far enough from the centres: ``push`` is too large for ``scale``.
        """
        _checks.draw(n, rng)
        kept = torch.empty(0, self.dim, dtype=dtype)
        for _ in range(200):
            x = (self.scale * torch.randn(n, self.dim, generator=rng, dtype=torch.float64)).to(dtype)
            kept = torch.cat([kept, x[self._nearest(x)[1] > 1.0001 * self.push]])
            if len(kept) >= n:
                return kept[:n]
        raise ValueError(f"push = {self.push} is too large for scale = {self.scale}: fewer than 1 point in 200 is kept")

    def plan(self, n: int, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        """Push every point towards its centre."""
        real = self.real(n, rng, dtype)
        return real, self.transport_map(real)
