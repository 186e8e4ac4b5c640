"""Training dynamics on the smallest GAN there is, the Dirac-GAN: one small class a method.

The real distribution is a point mass at 0, the fake one a point mass at theta, the discriminator is D(x) = psi x. With
f(t) = -log(1 + exp(-t)) the game is L(theta, psi) = f(psi theta) + f(0): psi climbs, theta descends. As in the paper,
and unlike the rest of the course, D is large on *fake* points here. All methods share the one equilibrium (0, 0).

Swap the method by swapping one word: ``make("r1", weight=1.0)``.

References
----------
Mescheder, Geiger, Nowozin, *Which Training Methods for GANs do actually Converge?*, 2018. Derived in chapter 9.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._checks import check_count, check_positive, key_of

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


Pair = tuple[Tensor, Tensor]
MOST_NODES = 256

Entries = tuple[Tensor, Tensor, Tensor, Tensor]
Value = float | Tensor


def derivatives(t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Differentiate f(t) = -log(1 + exp(-t)) three times.

    With s = 1 / (1 + exp(t)): f' = s, f'' = -s (1 - s), f''' = s (1 - s) (1 - 2 s). At 0: 1/2, -1/4, 0.

    Parameters
    ----------
    t : Tensor, shape (...)
    """
    s = _first(torch.as_tensor(t))
    return s, -s * (1 - s), s * (1 - s) * (1 - 2 * s)


def _first(t: Tensor) -> Tensor:
    return torch.sigmoid(-t)


def _state(theta: Value, psi: Value) -> Pair:
    one, other = _double(theta), _double(psi)
    if not (torch.isfinite(one).all() and torch.isfinite(other).all()):
        raise ValueError("theta and psi must be finite; the trajectory may have diverged: take a smaller step")
    try:
        shape = torch.broadcast_shapes(one.shape, other.shape)
    except RuntimeError as error:
        shapes = f"{tuple(one.shape)} and {tuple(other.shape)}"
        raise ValueError(f"theta and psi must have shapes that broadcast, got {shapes}") from error
    return one.expand(shape), other.expand(shape)


def _double(value: Value) -> Tensor:
    """Convert to float64, on the host where the device (Apple's) has none."""
    if not isinstance(value, Tensor):
        return torch.as_tensor(value, dtype=torch.float64)
    return (value.cpu() if value.device.type == "mps" else value).double()


def _weight(name: str, value: float) -> float:
    check_positive(name, value, zero=True)
    return float(value)


def _matrix(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    a, b, c, d = torch.broadcast_tensors(a, b, c, d)
    return torch.stack([torch.stack([a, b], dim=-1), torch.stack([c, d], dim=-1)], dim=-2)


class Variant:
    """What all methods have: a field, its Jacobian, eigenvalues. A method defines ``_field`` and ``_jacobian``."""

    name = ""

    def _field(self, theta: Tensor, psi: Tensor) -> Pair:
        raise TypeError(f"{type(self).__name__} has no field; take one of the methods in NAMES")

    def _jacobian(self, theta: Tensor, psi: Tensor) -> Entries:
        raise TypeError(f"{type(self).__name__} has no Jacobian; take one of the methods in NAMES")

    def field(self, theta: Value, psi: Value) -> Pair:
        """Evaluate the direction in which gradient flow moves the state, in double precision.

        Both are of shape (...): the time derivatives of theta, the generator, and of psi, the discriminator.
        """
        return self._field(*_state(theta, psi))

    def jacobian(self, theta: Value = 0.0, psi: Value = 0.0) -> Tensor:
        """Evaluate the Jacobian of the field, shape (..., 2, 2), in closed form; at the equilibrium by default."""
        theta, psi = _state(theta, psi)
        zero = torch.zeros_like(theta)
        a, b, c, d = self._jacobian(theta, psi)
        return _matrix(zero + a, zero + b, zero + c, zero + d)

    def eigenvalues(self, theta: Value = 0.0, psi: Value = 0.0) -> Tensor:
        """Compute the eigenvalues of the Jacobian: real parts under 0 at the equilibrium mean local convergence.

        Shape (..., 2), complex128, the one with the plus sign first. For the matrix with rows (a, b) and (c, d):
        (a + d) / 2 +- sqrt((a - d)^2 / 4 + b c), exact at double eigenvalues, where a general solver is right to half
        the digits only. Of two real ones the smaller is the determinant over the larger, as their sum may cancel.
        """
        (a, b), (c, d) = (row.unbind(-1) for row in self.jacobian(theta, psi).unbind(-2))
        middle, square = (a + d) / 2, ((a - d) / 2) ** 2 + b * c
        root = square.to(torch.complex128).sqrt()
        larger = torch.where(middle < 0, middle - root, middle + root)
        stable = (square > 0) & (larger != 0)
        smaller = (a * d - b * c) / torch.where(stable, larger, 1.0)
        plus = torch.where(stable & (middle < 0), smaller, middle + root)
        minus = torch.where(stable & (middle >= 0), smaller, middle - root)
        return torch.stack([plus, minus], dim=-1)

    def project(self, psi: Tensor) -> Tensor:
        """Bring the discriminator back to where the method allows it, after a step; nothing by default."""
        return psi


class Minimax(Variant):
    """The original game: (-psi f'(psi theta), theta f'(psi theta)). Eigenvalues at 0: i/2 and -i/2; it cycles."""

    name = "minimax"

    def _field(self, theta: Tensor, psi: Tensor) -> Pair:
        first = _first(psi * theta)
        return -psi * first, theta * first

    def _jacobian(self, theta: Tensor, psi: Tensor) -> Entries:
        first, second, _ = derivatives(psi * theta)
        cross = first + psi * theta * second
        return -(psi**2) * second, -cross, cross, theta**2 * second


class NonSaturating(Variant):
    """The generator climbs f(-psi theta): (-psi f'(-psi theta), theta f'(psi theta)). Same Jacobian at 0 as minimax."""

    name = "non-saturating"

    def _field(self, theta: Tensor, psi: Tensor) -> Pair:
        return -psi * _first(-psi * theta), theta * _first(psi * theta)

    def _jacobian(self, theta: Tensor, psi: Tensor) -> Entries:
        ahead, ahead_second, _ = derivatives(psi * theta)
        back, back_second, _ = derivatives(-psi * theta)
        product = psi * theta
        own = (psi**2 * back_second, -back + product * back_second)
        return *own, ahead + product * ahead_second, theta**2 * ahead_second


class WGAN(Variant):
    """No constraint: (-psi, theta), a rotation. Eigenvalues i and -i everywhere."""

    name = "wgan"

    def _field(self, theta: Tensor, psi: Tensor) -> Pair:
        return -psi, theta.clone()

    def _jacobian(self, theta: Tensor, psi: Tensor) -> Entries:
        one = torch.ones_like(theta)
        return 0 * one, -one, one, 0 * one


class Clip(WGAN):
    """WGAN with psi clipped to [-clip, clip] after each step; ``clip`` is 0 or more."""

    name = "clip"

    def __init__(self, clip: float = 1.0) -> None:
        self.clip = _weight("clip", clip)

    def project(self, psi: Tensor) -> Tensor:
        return psi.clamp(-self.clip, self.clip)


class GP(Variant):
    """Two-sided penalty: (-psi, theta - weight (|psi| - target) sign psi), with lambda = weight and g0 = target.

    The field jumps at psi = 0, so no linearisation decides about the equilibrium; `jacobian` gives the value that holds
    on both sides of the jump. It does not converge for target > 0: next to the equilibrium the penalty pushes psi away.
    """

    name = "gp"

    def __init__(self, weight: float = 1.0, target: float = 1.0) -> None:
        self.weight, self.target = _weight("weight", weight), _weight("target", target)

    def _excess(self, psi: Tensor) -> Tensor:
        return psi.abs() - self.target

    def _slope(self, psi: Tensor) -> Tensor:
        return torch.ones_like(psi)

    def _field(self, theta: Tensor, psi: Tensor) -> Pair:
        return -psi, theta - self.weight * self._excess(psi) * psi.sign()

    def _jacobian(self, theta: Tensor, psi: Tensor) -> Entries:
        one = torch.ones_like(theta)
        return 0 * one, -one, one, -self.weight * self._slope(psi)


class LP(GP):
    """One-sided penalty: (-psi, theta - weight max(|psi| - target, 0) sign psi). Inside the target it is WGAN's cycle.

    Petzka, Fischer, Lukovnicov, *On the regularization of Wasserstein GANs*, 2018.
    """

    name = "lp"

    def _excess(self, psi: Tensor) -> Tensor:
        return (psi.abs() - self.target).clamp_min(0.0)

    def _slope(self, psi: Tensor) -> Tensor:
        return (psi.abs() > self.target).to(psi.dtype)


class R1(Minimax):
    """Zero-centred penalty on the real point: (-psi f'(psi theta), theta f'(psi theta) - weight psi).

    Eigenvalues at 0: -weight/2 +- sqrt(weight^2/4 - 1/4), with gamma = weight; it converges, fastest at weight = 1.
    """

    name = "r1"

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = _weight("weight", weight)

    def _field(self, theta: Tensor, psi: Tensor) -> Pair:
        own, other = super()._field(theta, psi)
        return own, other - self.weight * psi

    def _jacobian(self, theta: Tensor, psi: Tensor) -> Entries:
        a, b, c, d = super()._jacobian(theta, psi)
        return a, b, c, d - self.weight


class LeastSquares(Variant):
    """Least squares with labels 1 (fake) and -1 (real): (-psi (psi theta + 1), theta (1 - psi theta)).

    The discriminator descends ((psi theta - 1)^2 + 1) / 2, the generator (psi theta + 1)^2 / 2. Eigenvalues at 0: i and
    -i, so the linear part only turns; but theta^2 + psi^2 falls at the rate 4 theta^2 psi^2, so the flow does
    converge, slower and slower.
    """

    name = "least-squares"

    def _field(self, theta: Tensor, psi: Tensor) -> Pair:
        return -psi * (psi * theta + 1), theta * (1 - psi * theta)

    def _jacobian(self, theta: Tensor, psi: Tensor) -> Entries:
        product = psi * theta
        return -(psi**2), -1 - 2 * product, 1 - 2 * product, -(theta**2)


class InstanceNoise(Variant):
    """Minimax with Gaussian noise on real and fake points alike.

    L = E f(psi (theta + std e)) + E f(-psi std e), e standard normal, by a Gauss-Hermite quadrature. Eigenvalues at 0:
    -std^2/4 +- sqrt(std^4/16 - 1/4); it converges.

    Raises
    ------
    ValueError
        If there are more nodes than the quadrature can weigh.
    """

    name = "instance-noise"

    def __init__(self, std: float = 1.0, nodes: int = 48) -> None:
        check_count("nodes", nodes)
        if nodes > MOST_NODES:
            raise ValueError(f"nodes must be at most {MOST_NODES}, beyond which weights overflow, got {nodes}")
        self.std = _weight("std", std)
        points, weights = np.polynomial.hermite_e.hermegauss(nodes)
        self._noise = self.std * torch.from_numpy(points)
        self._weights = torch.from_numpy(weights / weights.sum())

    def _mean(self, values: Tensor) -> Tensor:
        return (values * self._weights).sum(-1)

    def _field(self, theta: Tensor, psi: Tensor) -> Pair:
        fake, real = theta[..., None] + self._noise, -self._noise
        first_fake, first_real = (_first(psi[..., None] * point) for point in (fake, real))
        return -psi * self._mean(first_fake), self._mean(fake * first_fake + real * first_real)

    def _jacobian(self, theta: Tensor, psi: Tensor) -> Entries:
        fake, real, slope = theta[..., None] + self._noise, -self._noise, psi[..., None]
        first, second, _ = derivatives(slope * fake)
        second_real = derivatives(slope * real)[1]
        cross = self._mean(first + slope * fake * second)
        own = self._mean(fake**2 * second + real**2 * second_real)
        return -(psi**2) * self._mean(second), -cross, cross, own


class Consensus(Minimax):
    """Minimax that also descends its own speed: v - weight grad (|v|^2 / 2).

    Eigenvalues at 0: -weight/4 +- i/2; it converges. Mescheder, Nowozin, Geiger, *The Numerics of GANs*, 2017.
    """

    name = "consensus"

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = _weight("weight", weight)

    def _energy(self, theta: Tensor, psi: Tensor) -> Entries:
        """Return r = theta^2 + psi^2 and f'^2 with two derivatives: the energy |v|^2 / 2 is r f'(psi theta)^2 / 2."""
        first, second, third = derivatives(psi * theta)
        return theta**2 + psi**2, first**2, 2 * first * second, 2 * (second**2 + first * third)

    def _field(self, theta: Tensor, psi: Tensor) -> Pair:
        own, other = super()._field(theta, psi)
        r, g, slope, _ = self._energy(theta, psi)
        own = own - self.weight * (theta * g + r * psi * slope / 2)
        return own, other - self.weight * (psi * g + r * theta * slope / 2)

    def _jacobian(self, theta: Tensor, psi: Tensor) -> Entries:
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


def make(name: str, **options: Any) -> Variant:
    """Make a method by its name, one of ``NAMES``, with the options of its class: clip, weight, target, std.

    Raises
    ------
    ValueError
        Unknown name.
    """
    if key_of(name) not in _VARIANTS:
        raise ValueError(f"name must be one of {', '.join(NAMES)}, got {name!r}")
    return _VARIANTS[key_of(name)](**options)


def _rates(step_size: float | tuple[float, float]) -> tuple[float, float]:
    """Return the generator's and the discriminator's step size."""
    pair = tuple(step_size) if isinstance(step_size, tuple | list) else (step_size, step_size)
    if len(pair) != 2:
        raise ValueError(f"step_size must be a number or two (generator, discriminator), got {step_size!r}")
    for value in pair:
        check_positive("step_size", value)
    return pair


def _step(variant: Variant, state: Pair, rates: tuple[float, float], n_critic: int, alternating: bool) -> Pair:
    """One step. States are looked at where they come in and in the end: a theta that is not finite stays so."""
    theta, psi = state
    before = psi
    for _ in range(n_critic):
        psi = variant.project(psi + rates[1] * variant._field(theta, psi)[1])
    seen = psi if alternating else before
    return theta + rates[0] * variant._field(theta, seen)[0], psi


def simulate(
    variant: Variant,
    start: tuple[Value, Value],
    steps: int,
    step_size: float | tuple[float, float] = 0.1,
    *,
    alternating: bool = False,
    n_critic: int = 1,
) -> Tensor:
    """Follow the training of a Dirac-GAN by gradient steps: all states, the start first, shape (steps + 1, ..., 2).

    Parameters
    ----------
    start : (float or Tensor, float or Tensor), shape (...)
        theta and psi.
    steps : int
        Of the generator; ``n_critic`` of the discriminator for each.
    step_size : float or (float, float)
        One for both, or the generator's and the discriminator's (two time scales).
    alternating : bool
        Whether the generator sees the discriminator's new value; in simultaneous steps it sees the old one.

    Raises
    ------
    ValueError
        The start is no pair.
    """
    check_count("steps", steps)
    check_count("n_critic", n_critic)
    rates = _rates(step_size)
    if len(start) != 2:
        raise ValueError(f"start must be a pair, theta and psi, got {len(start)} values")
    states = [_state(*start)]
    for _ in range(steps):
        states.append(_step(variant, states[-1], rates, n_critic, alternating))
    _state(*states[-1])
    return torch.stack([torch.stack(state, dim=-1) for state in states])


def update_matrix(
    variant: Variant,
    step_size: float | tuple[float, float] = 0.1,
    *,
    alternating: bool = False,
    n_critic: int = 1,
) -> Tensor:
    """Linearise one round of `simulate` at the equilibrium: eigenvalues inside the unit circle mean convergence.

    Shape (2, 2). With J the Jacobian, C the identity plus h_D times J's second row, and G the identity plus h_G times
    J's first row, alternating steps make G C^n; simultaneous ones C^n + G - I. A projection (clipping) is not felt at
    the equilibrium.
    """
    check_count("n_critic", n_critic)
    rates = _rates(step_size)
    jacobian, identity = variant.jacobian(), torch.eye(2, dtype=torch.float64)
    rows = torch.diag_embed(torch.tensor([[rates[0], 0.0], [0.0, rates[1]]], dtype=torch.float64))
    generator, critic = identity + rows[0] @ jacobian, identity + rows[1] @ jacobian
    critic = torch.linalg.matrix_power(critic, n_critic)
    return generator @ critic if alternating else critic + generator - identity
