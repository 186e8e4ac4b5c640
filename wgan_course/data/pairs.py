"""Pairs of distributions whose optimal transport is known: the truth that critics are judged against.

Every pair draws ``(real, fake)``: independent samples of P and Q. A pair that knows W1 has it in ``w1``; one that knows
an optimal coupling draws from it with ``plan``; one that knows an optimal critic, normalised as in the course
(it maximises E_P f - E_Q f over 1-Lipschitz f), has it in ``critic`` and its gradient in ``gradient``.
"""

import math

import torch

from wgan_course.data import _checks

__all__ = ["CentreSquares", "GaussianPair", "MinFunnel", "ParallelLines", "TwoClouds"]


class ParallelLines:
    """Two vertical unit segments at distance |theta|: WGAN's first example.

    P is the law of (0, Z) and Q that of (theta, Z), with Z uniform on [0, 1].

    Parameters
    ----------
    theta : float
        Where the fake segment stands.

    Attributes
    ----------
    w1 : float
        |theta|. For theta other than 0: JS = log 2, KL infinite, TV = 1.

    Raises
    ------
    TypeError, ValueError
        ``theta`` is not a finite number.

    References
    ----------
    Arjovsky, Chintala, Bottou, *Wasserstein GAN*, 2017, example 1. Derived in chapter 2.
    """

    dim = 2

    def __init__(self, theta=1.0):
        _checks.finite("theta", theta)
        self.theta = theta
        self.w1 = abs(theta)

    def plan(self, n, rng, dtype=torch.float32):
        """Draw from the optimal coupling, which moves every point sideways.

        Parameters
        ----------
        n : int
        rng : torch.Generator
        dtype : torch.dtype

        Returns
        -------
        (Tensor, Tensor), each of shape (n, 2)
            Real points and what each is coupled with.
        """
        _checks.draw(n, rng)
        height = torch.rand(n, generator=rng, dtype=dtype)
        real = torch.stack([torch.zeros_like(height), height], dim=1)
        return real, real + real.new_tensor([self.theta, 0.0])

    def sample(self, n, rng, dtype=torch.float32):
        """Draw independent points of both.

        Parameters
        ----------
        n : int
        rng : torch.Generator
        dtype : torch.dtype

        Returns
        -------
        (Tensor, Tensor), each of shape (n, 2)
            Real and fake.
        """
        return self.plan(n, rng, dtype)[0], self.plan(n, rng, dtype)[1]

    def critic(self, x):
        """Evaluate an optimal critic: f(x) = -sign(theta) x_1.

        Parameters
        ----------
        x : Tensor, shape (n, 2)

        Returns
        -------
        Tensor, shape (n,)
        """
        _checks.points("x", x, 2)
        return -math.copysign(1.0, self.theta) * x[:, 0]


class TwoClouds:
    """Two round Gaussian clouds, one the other's translate along the first axis.

    Parameters
    ----------
    separation : float
        How far the fake cloud's centre is from the real one's, which is 0.
    std : float
        Of each coordinate; 0 makes two points of them.
    dim : int

    Attributes
    ----------
    w1 : float
        |separation|: Jensen's inequality bounds it from below, moving every point alike reaches it.

    Raises
    ------
    TypeError, ValueError
        A parameter is not a finite number, ``std`` is negative or ``dim`` is under 1.
    """

    def __init__(self, separation=4.0, std=0.5, dim=2):
        _checks.finite("separation", separation)
        _checks.finite("std", std, 0.0)
        _checks.positive_int("dim", dim)
        self.separation, self.std, self.dim = separation, std, dim
        self.w1 = abs(separation)

    def plan(self, n, rng, dtype=torch.float32):
        """Draw from an optimal coupling, which moves every point alike.

        Parameters
        ----------
        n : int
        rng : torch.Generator
        dtype : torch.dtype

        Returns
        -------
        (Tensor, Tensor), each of shape (n, dim)
            Real points and what each is coupled with.
        """
        _checks.draw(n, rng)
        real = self.std * torch.randn(n, self.dim, generator=rng, dtype=dtype)
        shift = torch.zeros(self.dim, dtype=dtype)
        shift[0] = self.separation
        return real, real + shift

    def sample(self, n, rng, dtype=torch.float32):
        """Draw independent points of both clouds.

        Parameters
        ----------
        n : int
        rng : torch.Generator
        dtype : torch.dtype

        Returns
        -------
        (Tensor, Tensor), each of shape (n, dim)
            Real and fake.
        """
        return self.plan(n, rng, dtype)[0], self.plan(n, rng, dtype)[1]

    def critic(self, x):
        """Evaluate an optimal critic: f(x) = -sign(separation) x_1.

        Parameters
        ----------
        x : Tensor, shape (n, dim)

        Returns
        -------
        Tensor, shape (n,)
        """
        _checks.points("x", x, self.dim)
        return -math.copysign(1.0, self.separation) * x[:, 0]


def _symmetric_root(matrix):
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0.0).sqrt()) @ vectors.T


def _as_covariance(name, value, dim):
    value = torch.as_tensor(value, dtype=torch.float64)
    if value.shape != (dim, dim) or not torch.allclose(value, value.T, atol=1e-10):
        raise ValueError(f"{name} must be a symmetric matrix of shape ({dim}, {dim}), got shape {tuple(value.shape)}")
    if not torch.isfinite(value).all() or torch.linalg.eigvalsh(value).min() <= 0:
        raise ValueError(f"{name} must be positive definite; add a small multiple of the identity")
    return value


def _as_mean(name, value):
    value = torch.as_tensor(value, dtype=torch.float64)
    if value.ndim != 1 or len(value) == 0 or not torch.isfinite(value).all():
        raise ValueError(f"{name} must be a finite vector of shape (d,), got shape {tuple(value.shape)}")
    return value


def folded_normal_mean(mean, std):
    """Return E|X| for X normal.

    Parameters
    ----------
    mean : Tensor, shape (...)
    std : Tensor, shape (...)
        0 or more.

    Returns
    -------
    Tensor, shape (...)

    Notes
    -----
    E|X| = std sqrt(2/pi) exp(-mean^2 / (2 std^2)) + mean erf(mean / (std sqrt 2)); |mean| where std is 0.
    """
    safe = std.clamp_min(1e-300)
    ratio = mean / safe
    value = safe * math.sqrt(2 / math.pi) * torch.exp(-(ratio**2) / 2) + mean * torch.erf(ratio / math.sqrt(2))
    return torch.where(std > 0, value, mean.abs())


class GaussianPair:
    """Two Gaussians in any dimension: W2 is known exactly, W1 between two bounds.

    Parameters
    ----------
    real_mean, fake_mean : array_like, shape (d,)
    real_covariance, fake_covariance : array_like, shape (d, d)
        Symmetric, positive definite.

    Attributes
    ----------
    w2 : float
        W2^2 = ||m_P - m_Q||^2 + tr(S_P + S_Q - 2 (S_P^(1/2) S_Q S_P^(1/2))^(1/2)), the Bures distance.
    w1_bounds : (float, float)
        Lower: the largest W1 of the projections on the principal axes of S_P, S_Q and their difference and on
        m_P - m_Q (a projection is 1-Lipschitz; in one dimension W1 = E|m_P - m_Q + (s_P - s_Q) Z|). Upper: W2 (Jensen).

    Raises
    ------
    ValueError
        Shapes that do not go together, a covariance that is not symmetric and positive definite, NaN.

    References
    ----------
    Dowson, Landau, *The Frechet distance between multivariate normal distributions*, 1982.
    """

    def __init__(self, real_mean, real_covariance, fake_mean, fake_covariance):
        self.real_mean, self.fake_mean = _as_mean("real_mean", real_mean), _as_mean("fake_mean", fake_mean)
        if len(self.real_mean) != len(self.fake_mean):
            raise ValueError(f"fake_mean must have shape ({len(self.real_mean)},), got ({len(self.fake_mean)},)")
        self.dim = len(self.real_mean)
        self.real_covariance = _as_covariance("real_covariance", real_covariance, self.dim)
        self.fake_covariance = _as_covariance("fake_covariance", fake_covariance, self.dim)
        self._root = _symmetric_root(self.real_covariance)
        self._cross = _symmetric_root(self._root @ self.fake_covariance @ self._root)

    @property
    def w2(self):
        """The 2-Wasserstein distance."""
        spread = (self.real_covariance + self.fake_covariance - 2 * self._cross).trace()
        return (self.real_mean - self.fake_mean).square().sum().add(spread).clamp_min(0.0).sqrt().item()

    @property
    def w1_bounds(self):
        """Two numbers between which W1 lies."""
        return self._projected(self._axes()).max().item(), self.w2

    def _axes(self):
        matrices = (self.real_covariance, self.fake_covariance, self.real_covariance - self.fake_covariance)
        axes = torch.cat([torch.linalg.eigh(matrix).eigenvectors.T for matrix in matrices])
        shift = self.real_mean - self.fake_mean
        return torch.cat([axes, shift[None] / shift.norm()]) if shift.norm() > 0 else axes

    def _projected(self, axes):
        stds = [torch.einsum("ki,ij,kj->k", axes, c, axes).sqrt() for c in (self.real_covariance, self.fake_covariance)]
        return folded_normal_mean(axes @ (self.real_mean - self.fake_mean), (stds[0] - stds[1]).abs())

    def transport_map(self, x):
        """Move real points to fake ones along the plan that is optimal for W2.

        Parameters
        ----------
        x : Tensor, shape (n, d)

        Returns
        -------
        Tensor, shape (n, d)
            T(x) = m_Q + A (x - m_P), A = S_P^(-1/2) (S_P^(1/2) S_Q S_P^(1/2))^(1/2) S_P^(-1/2).
        """
        _checks.points("x", x, self.dim)
        inverse = torch.linalg.inv(self._root)
        matrix = inverse @ self._cross @ inverse
        return ((x.double() - self.real_mean) @ matrix + self.fake_mean).to(x.dtype)

    def _draw(self, n, rng, dtype):
        noise = torch.randn(n, self.dim, generator=rng, dtype=torch.float64)
        return (noise @ self._root + self.real_mean).to(dtype)

    def sample(self, n, rng, dtype=torch.float32):
        """Draw independent points of both.

        Parameters
        ----------
        n : int
        rng : torch.Generator
        dtype : torch.dtype

        Returns
        -------
        (Tensor, Tensor), each of shape (n, d)
            Real and fake.
        """
        _checks.draw(n, rng)
        return self._draw(n, rng, dtype), self.transport_map(self._draw(n, rng, dtype))


class CentreSquares:
    """Black images against images with a square in the centre, white or negative, each with probability 1/2.

    Parameters
    ----------
    size : int
        Side of the images.
    side : int, optional
        Side of the square; the integer part of size times the root of 0.3 when absent: 35 of 64 pixels.

    Attributes
    ----------
    w1 : float
        ``side``. P is a point mass at 0, so there is one coupling only, and its cost is E||y||: the square has side^2
        pixels of value 1 or -1, and the root of side^2 is side. For 64 pixels: 35.

    Raises
    ------
    TypeError, ValueError
        ``size`` or ``side`` is not an integer of 1 or more, or the square does not fit.

    Notes
    -----
    An optimal critic is -|<u, x>| with u the square divided by its norm. Its kink lies right on P, where linear layers
    of norm 1 with ReLU lose: they can't represent |x|, layers with GroupSort can (chapter 12).

    References
    ----------
    The case is the toy example of the torchlip and deel-lip libraries; 35 is derived above.
    """

    def __init__(self, size=64, side=None):
        _checks.positive_int("size", size)
        side = int(size * math.sqrt(0.3)) if side is None else side
        _checks.positive_int("side", side)
        if side > size:
            raise ValueError(f"side must be at most size, {size}, got {side}")
        self.size, self.side, self.dim, self.w1 = size, side, size * size, float(side)

    def square(self, dtype=torch.float32):
        """Return the image with the positive square.

        Parameters
        ----------
        dtype : torch.dtype

        Returns
        -------
        Tensor, shape (1, size, size)
        """
        start = (self.size - self.side) // 2
        image = torch.zeros(1, self.size, self.size, dtype=dtype)
        image[:, start : start + self.side, start : start + self.side] = 1.0
        return image

    def sample(self, n, rng, dtype=torch.float32):
        """Draw images of both.

        Parameters
        ----------
        n : int
        rng : torch.Generator
        dtype : torch.dtype

        Returns
        -------
        (Tensor, Tensor), each of shape (n, 1, size, size)
            Black images, and squares of either sign.
        """
        _checks.draw(n, rng)
        signs = 2.0 * torch.randint(0, 2, (n, 1, 1, 1), generator=rng).to(dtype) - 1.0
        fake = signs * self.square(dtype)
        return torch.zeros_like(fake), fake

    def critic(self, x):
        """Evaluate an optimal critic: f(x) = -|<u, x>|.

        Parameters
        ----------
        x : Tensor, shape (n, 1, size, size)

        Returns
        -------
        Tensor, shape (n,)

        Raises
        ------
        ValueError
            Another shape.
        """
        if x.ndim != 4 or x.shape[1:] != (1, self.size, self.size):
            raise ValueError(f"x must have shape (n, 1, {self.size}, {self.size}), got {tuple(x.shape)}")
        return -(x * self.square(x.dtype) / self.side).flatten(1).sum(1).abs()


class MinFunnel:
    """A pair in any dimension that is made from its own optimal critic, a minimum of funnels.

    f(x) = min_n (||x - a_n|| + b_n) is 1-Lipschitz. Moving x straight towards the centre of its own funnel lowers f by
    exactly the distance moved, since no other funnel can fall faster. So when Q is P pushed that way,
    E_P f - E_Q f equals the cost of the push: weak duality says that no coupling costs less and that no critic does
    better. Both f and the push are optimal.

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

    Attributes
    ----------
    w1 : float
        ``push``, exactly.

    Raises
    ------
    TypeError, ValueError
        Shapes that do not go together; NaN; ``push`` or ``scale`` not positive.

    References
    ----------
    Korotin, Kolesov, Burnaev, *Kantorovich Strikes Back! Wasserstein GANs are not Optimal Transport?*, 2022, builds its
    benchmark from such functions. Derived in chapter 3.
    """

    def __init__(self, centres, offsets, push=1.0, scale=2.0):
        self.dim = centres.shape[-1]
        _checks.points("centres", centres, self.dim)
        _checks.points("offsets", offsets.reshape(1, -1), len(centres))
        for name, value in (("push", push), ("scale", scale)):
            _checks.finite(name, value, 1e-12)
        self.centres, self.offsets = centres.double(), offsets.double()
        self.push, self.scale, self.w1 = push, scale, float(push)

    @classmethod
    def random(cls, dim, rng, funnels=4, push=1.0, scale=2.0):
        """Make a pair with random funnels.

        Parameters
        ----------
        dim : int
        rng : torch.Generator
        funnels : int
        push : float
        scale : float

        Returns
        -------
        MinFunnel
            Centres drawn from P's Gaussian, offsets uniform on [0, scale / 10], so that every funnel counts.

        Raises
        ------
        TypeError, ValueError
            As for the class; ``dim`` or ``funnels`` is not an integer of 1 or more.
        """
        _checks.positive_int("dim", dim)
        _checks.finite("scale", scale, 1e-12)
        _checks.positive_int("funnels", funnels)
        _checks.generator(rng)
        centres = scale * torch.randn(funnels, dim, generator=rng, dtype=torch.float64)
        offsets = 0.1 * scale * torch.rand(funnels, generator=rng, dtype=torch.float64)
        return cls(centres, offsets, push, scale)

    def _distances(self, x):
        _checks.points("x", x, self.dim)
        difference = x[:, None] - self.centres.to(x)
        return difference, difference.norm(dim=2)

    def _nearest(self, x):
        """Return the way from each point's own funnel centre to the point, and its length."""
        difference, distance = self._distances(x)
        own = (distance + self.offsets.to(x)).argmin(1)
        rows = torch.arange(len(x))
        return difference[rows, own], distance[rows, own]

    def critic(self, x):
        """Evaluate the optimal critic f.

        Parameters
        ----------
        x : Tensor, shape (n, d)

        Returns
        -------
        Tensor, shape (n,)
        """
        return (self._distances(x)[1] + self.offsets.to(x)).amin(1)

    def gradient(self, x):
        """Evaluate f's gradient: the unit vector from the funnel's centre to x (0 at the centre itself).

        Parameters
        ----------
        x : Tensor, shape (n, d)

        Returns
        -------
        Tensor, shape (n, d)
        """
        way, distance = self._nearest(x)
        return way / distance.clamp_min(torch.finfo(x.dtype).tiny)[:, None]

    def transport_map(self, x):
        """Push real points to fake ones: T(x) = x - push grad f(x).

        Parameters
        ----------
        x : Tensor, shape (n, d)
            Points further than ``push`` from their funnel's centre.

        Returns
        -------
        Tensor, shape (n, d)

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

    def real(self, n, rng, dtype=torch.float32):
        """Draw from P, redrawing what lies too near a centre.

        Parameters
        ----------
        n : int
        rng : torch.Generator
        dtype : torch.dtype

        Returns
        -------
        Tensor, shape (n, d)

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

    def plan(self, n, rng, dtype=torch.float32):
        """Draw from an optimal coupling.

        Parameters
        ----------
        n : int
        rng : torch.Generator
        dtype : torch.dtype

        Returns
        -------
        (Tensor, Tensor), each of shape (n, d)
            Real points and what each is coupled with.
        """
        real = self.real(n, rng, dtype)
        return real, self.transport_map(real)

    def sample(self, n, rng, dtype=torch.float32):
        """Draw independent points of both.

        Parameters
        ----------
        n : int
        rng : torch.Generator
        dtype : torch.dtype

        Returns
        -------
        (Tensor, Tensor), each of shape (n, d)
            Real and fake.
        """
        return self.real(n, rng, dtype), self.plan(n, rng, dtype)[1]
