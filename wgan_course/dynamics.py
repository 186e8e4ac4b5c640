"""Training dynamics on the smallest GAN there is, the Dirac-GAN: one small class a method.

The real distribution is a point mass at 0, the fake one a point mass at theta, the discriminator is D(x) = psi x. With
f(t) = -log(1 + exp(-t)) the game is L(theta, psi) = f(psi theta) + f(0): psi climbs, theta descends. As in the paper,
and unlike the rest of the course, D is large on *fake* points here. All methods share the one equilibrium (0, 0).

Swap the method by swapping one word: ``make("r1", weight=1.0)``.

References
----------
Mescheder, Geiger, Nowozin, *Which Training Methods for GANs do actually Converge?*, 2018. Derived in chapter 9.
"""

import math
import numbers

import numpy as np
import torch

__all__ = [
    "GP",
    "LP",
    "NAMES",
    "R1",
    "WGAN",
    "Clip",
    "Consensus",
    "InstanceNoise",
    "LeastSquares",
    "Minimax",
    "NonSaturating",
    "Variant",
    "derivatives",
    "make",
    "simulate",
    "update_matrix",
]


def derivatives(t):
    """Differentiate f(t) = -log(1 + exp(-t)) three times.

    Parameters
    ----------
    t : Tensor, shape (...)

    Returns
    -------
    (Tensor, Tensor, Tensor), each of shape (...)
        With s = 1 / (1 + exp(t)): f' = s, f'' = -s (1 - s), f''' = s (1 - s) (1 - 2 s). At 0: 1/2, -1/4, 0.
    """
    s = torch.sigmoid(-t)
    return s, -s * (1 - s), s * (1 - s) * (1 - 2 * s)


def _number(name, value, minimum):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value) or value < minimum:
        raise ValueError(f"{name} must be finite and at least {minimum}, got {value}")
    return float(value)


def _state(theta, psi):
    theta, psi = (torch.as_tensor(value, dtype=torch.float64) for value in (theta, psi))
    if not (torch.isfinite(theta).all() and torch.isfinite(psi).all()):
        raise ValueError("theta and psi must be finite; the trajectory may have diverged: take a smaller step")
    return torch.broadcast_tensors(theta, psi)


def _matrix(a, b, c, d):
    a, b, c, d = torch.broadcast_tensors(a, b, c, d)
    return torch.stack([torch.stack([a, b], dim=-1), torch.stack([c, d], dim=-1)], dim=-2)


class Variant:
    """What all methods have: a field, its Jacobian, eigenvalues. A method defines ``_field`` and ``_jacobian``."""

    name = ""

    def _field(self, theta, psi):
        raise TypeError(f"{type(self).__name__} has no field; take one of the methods in NAMES")

    def _jacobian(self, theta, psi):
        raise TypeError(f"{type(self).__name__} has no Jacobian; take one of the methods in NAMES")

    def field(self, theta, psi):
        """Evaluate the direction in which gradient flow moves the state.

        Parameters
        ----------
        theta, psi : float or Tensor, shape (...)
            Generator's and discriminator's parameter; they are broadcast.

        Returns
        -------
        (Tensor, Tensor), each of shape (...)
            The time derivatives of theta and psi, in double precision.

        Raises
        ------
        ValueError
            NaN or infinite values.
        """
        return self._field(*_state(theta, psi))

    def jacobian(self, theta=0.0, psi=0.0):
        """Evaluate the Jacobian of the field, in closed form.

        Parameters
        ----------
        theta, psi : float or Tensor, shape (...)
            The equilibrium when absent.

        Returns
        -------
        Tensor, shape (..., 2, 2)
            Rows: derivative of theta and of psi; columns: with respect to theta and to psi.

        Raises
        ------
        ValueError
            NaN or infinite values.
        """
        theta, psi = _state(theta, psi)
        zero = torch.zeros_like(theta)
        return _matrix(*(zero + entry for entry in self._jacobian(theta, psi)))

    def eigenvalues(self, theta=0.0, psi=0.0):
        """Compute the eigenvalues of the Jacobian: real parts under 0 at the equilibrium mean local convergence.

        Parameters
        ----------
        theta, psi : float or Tensor, shape (...)

        Returns
        -------
        Tensor of complex128, shape (..., 2)
            The one with the plus sign first.

        Notes
        -----
        For the matrix with rows (a, b) and (c, d): (a + d) / 2 +- sqrt((a - d)^2 / 4 + b c). The closed form is exact
        at double eigenvalues, where a general solver is right to half the digits only.
        """
        (a, b), (c, d) = (row.unbind(-1) for row in self.jacobian(theta, psi).unbind(-2))
        root = (((a - d) / 2) ** 2 + b * c).to(torch.complex128).sqrt()
        return torch.stack([(a + d) / 2 + root, (a + d) / 2 - root], dim=-1)

    def project(self, psi):
        """Bring the discriminator back to where the method allows it, after a step; nothing by default.

        Parameters
        ----------
        psi : Tensor, shape (...)

        Returns
        -------
        Tensor, shape (...)
        """
        return psi


class Minimax(Variant):
    """The original game: (-psi f'(psi theta), theta f'(psi theta)). Eigenvalues at 0: i/2 and -i/2; it cycles."""

    name = "minimax"

    def _field(self, theta, psi):
        first, _, _ = derivatives(psi * theta)
        return -psi * first, theta * first

    def _jacobian(self, theta, psi):
        first, second, _ = derivatives(psi * theta)
        cross = first + psi * theta * second
        return -(psi**2) * second, -cross, cross, theta**2 * second


class NonSaturating(Variant):
    """The generator climbs f(-psi theta): (-psi f'(-psi theta), theta f'(psi theta)). Same Jacobian at 0 as minimax."""

    name = "non-saturating"

    def _field(self, theta, psi):
        return -psi * derivatives(-psi * theta)[0], theta * derivatives(psi * theta)[0]

    def _jacobian(self, theta, psi):
        ahead, ahead_second, _ = derivatives(psi * theta)
        back, back_second, _ = derivatives(-psi * theta)
        product = psi * theta
        own = (psi**2 * back_second, -back + product * back_second)
        return *own, ahead + product * ahead_second, theta**2 * ahead_second


class WGAN(Variant):
    """No constraint: (-psi, theta), a rotation. Eigenvalues i and -i everywhere."""

    name = "wgan"

    def _field(self, theta, psi):
        return -psi, theta.clone()

    def _jacobian(self, theta, psi):
        one = torch.ones_like(theta)
        return 0 * one, -one, one, 0 * one


class Clip(WGAN):
    """WGAN with psi clipped to [-clip, clip] after each step.

    Parameters
    ----------
    clip : float
        0 or more.

    Raises
    ------
    TypeError, ValueError
        ``clip`` is not a finite number of 0 or more.
    """

    name = "clip"

    def __init__(self, clip=1.0):
        self.clip = _number("clip", clip, 0.0)

    def project(self, psi):
        """Clip.

        Parameters
        ----------
        psi : Tensor, shape (...)

        Returns
        -------
        Tensor, shape (...)
        """
        return psi.clamp(-self.clip, self.clip)


class GP(Variant):
    """Two-sided penalty: (-psi, theta - weight (|psi| - target) sign psi).

    Parameters
    ----------
    weight : float
        lambda, 0 or more.
    target : float
        g0, the gradient norm that costs nothing.

    Raises
    ------
    TypeError, ValueError
        A parameter is not a finite number of 0 or more.

    Notes
    -----
    The field jumps at psi = 0, so no linearisation decides about the equilibrium; `jacobian` gives the value that holds
    on both sides of the jump. It does not converge for target > 0: next to the equilibrium the penalty pushes psi away.
    """

    name = "gp"

    def __init__(self, weight=1.0, target=1.0):
        self.weight, self.target = _number("weight", weight, 0.0), _number("target", target, 0.0)

    def _excess(self, psi):
        return psi.abs() - self.target

    def _slope(self, psi):
        return torch.ones_like(psi)

    def _field(self, theta, psi):
        return -psi, theta - self.weight * self._excess(psi) * psi.sign()

    def _jacobian(self, theta, psi):
        one = torch.ones_like(theta)
        return 0 * one, -one, one, -self.weight * self._slope(psi)


class LP(GP):
    """One-sided penalty: (-psi, theta - weight max(|psi| - target, 0) sign psi). Inside the target it is WGAN's cycle.

    Parameters
    ----------
    weight : float
        lambda, 0 or more.
    target : float
        g0, the largest gradient norm that costs nothing.

    Raises
    ------
    TypeError, ValueError
        A parameter is not a finite number of 0 or more.

    References
    ----------
    Petzka, Fischer, Lukovnicov, *On the regularization of Wasserstein GANs*, 2018.
    """

    name = "lp"

    def _excess(self, psi):
        return (psi.abs() - self.target).clamp_min(0.0)

    def _slope(self, psi):
        return (psi.abs() > self.target).to(psi.dtype)


class R1(Minimax):
    """Zero-centred penalty on the real point: (-psi f'(psi theta), theta f'(psi theta) - weight psi).

    Eigenvalues at 0: -weight/2 +- sqrt(weight^2/4 - 1/4); it converges, fastest at weight = 1.

    Parameters
    ----------
    weight : float
        gamma, 0 or more.

    Raises
    ------
    TypeError, ValueError
        ``weight`` is not a finite number of 0 or more.
    """

    name = "r1"

    def __init__(self, weight=1.0):
        self.weight = _number("weight", weight, 0.0)

    def _field(self, theta, psi):
        own, other = super()._field(theta, psi)
        return own, other - self.weight * psi

    def _jacobian(self, theta, psi):
        a, b, c, d = super()._jacobian(theta, psi)
        return a, b, c, d - self.weight


class LeastSquares(Variant):
    """Least squares with labels 1 (fake) and -1 (real): (-psi (psi theta + 1), theta (1 - psi theta)).

    The discriminator descends ((psi theta - 1)^2 + 1) / 2, the generator (psi theta + 1)^2 / 2. Eigenvalues at 0: i and
    -i, so the linear part only turns; but theta^2 + psi^2 falls at the rate 4 theta^2 psi^2, so the flow does
    converge, slower and slower.
    """

    name = "least-squares"

    def _field(self, theta, psi):
        return -psi * (psi * theta + 1), theta * (1 - psi * theta)

    def _jacobian(self, theta, psi):
        product = psi * theta
        return -(psi**2), -1 - 2 * product, 1 - 2 * product, -(theta**2)


class InstanceNoise(Variant):
    """Minimax with Gaussian noise on real and fake points alike.

    L = E f(psi (theta + std e)) + E f(-psi std e), e standard normal. Eigenvalues at 0:
    -std^2/4 +- sqrt(std^4/16 - 1/4); it converges.

    Parameters
    ----------
    std : float
        Standard deviation of the noise, 0 or more.
    nodes : int
        Of the Gauss-Hermite quadrature that takes the expectations.

    Raises
    ------
    TypeError, ValueError
        ``std`` is not a finite number of 0 or more.
    """

    name = "instance-noise"

    def __init__(self, std=1.0, nodes=48):
        self.std = _number("std", std, 0.0)
        points, weights = np.polynomial.hermite_e.hermegauss(nodes)
        self._noise = self.std * torch.from_numpy(points)
        self._weights = torch.from_numpy(weights / weights.sum())

    def _mean(self, values):
        return (values * self._weights).sum(-1)

    def _field(self, theta, psi):
        fake, real = theta[..., None] + self._noise, -self._noise
        first_fake, first_real = (derivatives(psi[..., None] * point)[0] for point in (fake, real))
        return -psi * self._mean(first_fake), self._mean(fake * first_fake + real * first_real)

    def _jacobian(self, theta, psi):
        fake, real, slope = theta[..., None] + self._noise, -self._noise, psi[..., None]
        first, second, _ = derivatives(slope * fake)
        second_real = derivatives(slope * real)[1]
        cross = self._mean(first + slope * fake * second)
        own = self._mean(fake**2 * second + real**2 * second_real)
        return -(psi**2) * self._mean(second), -cross, cross, own


class Consensus(Minimax):
    """Minimax that also descends its own speed: v - weight grad (|v|^2 / 2).

    Eigenvalues at 0: -weight/4 +- i/2; it converges.

    Parameters
    ----------
    weight : float
        0 or more.

    Raises
    ------
    TypeError, ValueError
        ``weight`` is not a finite number of 0 or more.

    References
    ----------
    Mescheder, Nowozin, Geiger, *The Numerics of GANs*, 2017.
    """

    name = "consensus"

    def __init__(self, weight=1.0):
        self.weight = _number("weight", weight, 0.0)

    def _energy(self, theta, psi):
        """Return r = theta^2 + psi^2 and f'^2 with two derivatives: the energy |v|^2 / 2 is r f'(psi theta)^2 / 2."""
        first, second, third = derivatives(psi * theta)
        return theta**2 + psi**2, first**2, 2 * first * second, 2 * (second**2 + first * third)

    def _field(self, theta, psi):
        own, other = super()._field(theta, psi)
        r, g, slope, _ = self._energy(theta, psi)
        own = own - self.weight * (theta * g + r * psi * slope / 2)
        return own, other - self.weight * (psi * g + r * theta * slope / 2)

    def _jacobian(self, theta, psi):
        a, b, c, d = super()._jacobian(theta, psi)
        r, g, slope, bend = self._energy(theta, psi)
        diagonal = g + 2 * theta * psi * slope
        cross = self.weight * (3 * r * slope + r * theta * psi * bend) / 2
        a = a - self.weight * (diagonal + r * psi**2 * bend / 2)
        return a, b - cross, c - cross, d - self.weight * (diagonal + r * theta**2 * bend / 2)


_VARIANTS = {
    variant.name: variant
    for variant in (Minimax, NonSaturating, WGAN, Clip, GP, LP, R1, LeastSquares, InstanceNoise, Consensus)
}
NAMES = tuple(_VARIANTS)


def make(name, **options):
    """Make a method by name.

    Parameters
    ----------
    name : str
        One of ``NAMES``.
    **options
        Of the method's class: ``clip``, ``weight``, ``target``, ``std``.

    Returns
    -------
    Variant

    Raises
    ------
    ValueError
        Unknown name.
    TypeError
        An option that the method does not have.
    """
    key = str(name).lower().replace("_", "-")
    if key not in _VARIANTS:
        raise ValueError(f"name must be one of {', '.join(NAMES)}, got {name!r}")
    return _VARIANTS[key](**options)


def _rates(step_size):
    """Return the generator's and the discriminator's step size."""
    pair = step_size if isinstance(step_size, (tuple, list)) else (step_size, step_size)
    if len(pair) != 2:
        raise ValueError(f"step_size must be a number or two (generator, discriminator), got {step_size!r}")
    return tuple(_number("step_size", value, 1e-300) for value in pair)


def _count(name, value):
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be 1 or more, got {value}")


def _step(variant, state, rates, n_critic, alternating):
    theta, psi = state
    before = psi
    for _ in range(n_critic):
        psi = variant.project(psi + rates[1] * variant.field(theta, psi)[1])
    seen = psi if alternating else before
    return theta + rates[0] * variant.field(theta, seen)[0], psi


def simulate(variant, start, steps, step_size=0.1, *, alternating=False, n_critic=1):
    """Follow the training of a Dirac-GAN by gradient steps.

    Parameters
    ----------
    variant : Variant
    start : (float or Tensor, float or Tensor), each of shape (...)
        theta and psi.
    steps : int
        How many steps of the generator.
    step_size : float or (float, float)
        One for both, or the generator's and the discriminator's (two time scales).
    alternating : bool
        Whether the generator sees the discriminator's new value; in simultaneous steps it sees the old one.
    n_critic : int
        Steps of the discriminator for each of the generator.

    Returns
    -------
    Tensor of float64, shape (steps + 1, ..., 2)
        The states, the start first.

    Raises
    ------
    TypeError, ValueError
        ``steps`` or ``n_critic`` is not an integer of 1 or more; a step size is not positive; the start is not
        finite, or the trajectory leaves the finite numbers.
    """
    _count("steps", steps)
    _count("n_critic", n_critic)
    rates = _rates(step_size)
    states = [_state(*start)]
    for _ in range(steps):
        states.append(_step(variant, states[-1], rates, n_critic, alternating))
    _state(*states[-1])
    return torch.stack([torch.stack(state, dim=-1) for state in states])


def update_matrix(variant, step_size=0.1, *, alternating=False, n_critic=1):
    """Linearise one round of training at the equilibrium: eigenvalues inside the unit circle mean convergence.

    Parameters
    ----------
    variant : Variant
    step_size : float or (float, float)
    alternating : bool
    n_critic : int
        As in `simulate`.

    Returns
    -------
    Tensor of float64, shape (2, 2)

    Raises
    ------
    TypeError, ValueError
        As for `simulate`.

    Notes
    -----
    With J the Jacobian, C the identity plus h_D times J's second row, and G the identity plus h_G times J's first row,
    alternating steps make G C^n; simultaneous ones C^n + G - I. A projection (clipping) is not felt at the equilibrium.
    """
    _count("n_critic", n_critic)
    rates = _rates(step_size)
    jacobian, identity = variant.jacobian(), torch.eye(2, dtype=torch.float64)
    rows = torch.diag_embed(torch.tensor([[rates[0], 0.0], [0.0, rates[1]]], dtype=torch.float64))
    generator, critic = identity + rows[0] @ jacobian, identity + rows[1] @ jacobian
    critic = torch.linalg.matrix_power(critic, n_critic)
    return generator @ critic if alternating else critic + generator - identity
