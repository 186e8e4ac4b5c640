"""Chapter 9: what the linearisation of the Dirac-GAN says, and what the steps then do."""

import cmath
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wgan_course import constraints, dynamics

steps = st.floats(0.01, 0.5)
states = st.tuples(st.floats(-2, 2), st.floats(-2, 2)).filter(lambda s: math.hypot(*s) > 0.1)


def spectrum(method):
    return sorted(method.eigenvalues().tolist(), key=lambda z: (z.imag, z.real))


def roots(centre, square):
    """Return centre +- the root of square, ordered as `spectrum` does."""
    return sorted((centre + sign * cmath.sqrt(square) for sign in (-1, 1)), key=lambda z: (z.imag, z.real))


def close(got, expected):
    """Compare eigenvalues; at a double one they are as exact as the root of the machine's precision only."""
    return all(abs(a - b) < 1e-6 for a, b in zip(got, expected, strict=True))


@pytest.mark.parametrize("name", ["minimax", "non-saturating"])
def test_prop_dirac_jacobian(name):
    """Unregularised, the Jacobian at 0 is f'(0) times a quarter turn: eigenvalues +- i/2."""
    method = dynamics.make(name)
    turn = torch.tensor([[0.0, -0.5], [0.5, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(method.jacobian(), turn)
    assert close(spectrum(method), [-0.5j, 0.5j])


@given(steps)
def test_prop_dirac_jacobian_simultaneous_steps_leave(h):
    """Simultaneous steps of any size have both eigenvalues outside the unit circle, by exactly sqrt(1 + h^2/4)."""
    moduli = torch.linalg.eigvals(dynamics.update_matrix(dynamics.Minimax(), h)).abs()
    torch.testing.assert_close(moduli, torch.full((2,), math.sqrt(1 + h * h / 4), dtype=torch.float64))


@given(steps, st.integers(1, 7))
def test_prop_dirac_jacobian_alternating_steps_stay_on_the_circle(h, n_critic):
    """Alternating steps have determinant 1, so while the step is small both eigenvalues lie on the unit circle."""
    matrix = dynamics.update_matrix(dynamics.Minimax(), h, alternating=True, n_critic=n_critic)
    assert torch.linalg.det(matrix).item() == pytest.approx(1.0, abs=1e-12)
    torch.testing.assert_close(torch.linalg.eigvals(matrix).abs(), torch.ones(2, dtype=torch.float64))


@given(st.floats(0, 4))
def test_prop_dirac_r1(weight):
    """Eigenvalues -weight/2 +- sqrt(weight^2/4 - 1/4): left half plane as soon as the weight is positive."""
    got = spectrum(dynamics.R1(weight))
    assert close(got, roots(-weight / 2, weight**2 / 4 - 0.25))
    if weight > 1e-6:
        assert max(z.real for z in got) < 0


def test_prop_dirac_r1_critical_weight_is_the_fastest():
    """The slower eigenvalue's real part is least at weight 1, where both meet."""
    slowest = {w: max(z.real for z in spectrum(dynamics.R1(w))) for w in (0.5, 0.8, 0.95, 1.0, 1.05, 1.3, 2.0)}
    assert min(slowest, key=slowest.get) == 1.0
    assert slowest[1.0] == pytest.approx(-0.5, abs=1e-6)


@given(st.floats(0.2, 3), st.floats(0.01, 0.3), st.booleans())
def test_prop_dirac_r1_steps_converge(weight, h, alternating):
    """For steps of this size R1's discrete eigenvalues lie inside the unit circle too."""
    matrix = dynamics.update_matrix(dynamics.R1(weight), h, alternating=alternating)
    assert torch.linalg.eigvals(matrix).abs().max() < 1


@given(st.floats(0, 2))
def test_prop_dirac_noise(std):
    """Eigenvalues std^2 f'' +- sqrt(std^4 f''^2 - f'^2) with f' = 1/2, f'' = -1/4."""
    assert close(spectrum(dynamics.InstanceNoise(std)), roots(-(std**2) / 4, std**4 / 16 - 0.25))


@given(st.floats(0, 3))
def test_prop_dirac_consensus(weight):
    """Eigenvalues -weight/4 +- i/2."""
    assert close(spectrum(dynamics.Consensus(weight)), [complex(-weight / 4, -0.5), complex(-weight / 4, 0.5)])


@given(states)
def test_prop_dirac_wgan_cycles(state):
    """WGAN's flow is perpendicular to the position everywhere, at unit angular speed: a rotation for ever."""
    theta, psi = state
    across, along = (v.item() for v in dynamics.WGAN().field(theta, psi))
    assert theta * across + psi * along == pytest.approx(0.0, abs=1e-12)
    assert math.hypot(across, along) == pytest.approx(math.hypot(theta, psi))


@settings(deadline=None)
@given(states, steps)
def test_prop_dirac_wgan_cycles_simultaneous(state, h):
    """Simultaneous steps leave the circle: the radius grows by sqrt(1 + h^2) each time."""
    path = dynamics.simulate(dynamics.WGAN(), state, 12, h)
    expected = math.hypot(*state) * (1 + h * h) ** (torch.arange(13, dtype=torch.float64) / 2)
    torch.testing.assert_close(path.norm(dim=-1), expected)


@settings(deadline=None)
@given(states, steps)
def test_prop_dirac_wgan_cycles_alternating(state, h):
    """Alternating steps keep theta^2 + psi^2 + h theta psi, an ellipse: they never come closer."""
    theta, psi = dynamics.simulate(dynamics.WGAN(), state, 40, h, alternating=True).unbind(-1)
    kept = theta**2 + psi**2 + h * theta * psi
    torch.testing.assert_close(kept, kept[0].expand_as(kept))


RING = torch.linspace(0, 2 * math.pi, 17, dtype=torch.float64)[:-1]
STARTS = (1.3 * RING.cos(), 1.3 * RING.sin())


@settings(max_examples=4, deadline=None)
@given(st.floats(0.02, 0.2), st.integers(1, 5), st.floats(0.1, 1.0))
def test_prop_dirac_clip(h, n_critic, clip):
    """Clipping does not help: from any start, the generator's swings to both sides do not die out."""
    options = {"alternating": True, "n_critic": n_critic}
    theta = dynamics.simulate(dynamics.Clip(clip), STARTS, 2000, h, **options)[..., 0]
    period = int(8 / (h * clip)) + 20  # from 1.3 to -1.3 and back at the top speed h * clip, with room to turn
    late = theta[-min(period, 1000) :]
    assert (late.abs().amax(0) > 0.1 * h * clip).all()
    assert ((late.amax(0) > 0) & (late.amin(0) < 0))[: None if period <= 1000 else 0].all()


@settings(max_examples=6, deadline=None)
@given(st.floats(0.2, 2.0))
def test_prop_dirac_gp_swings_at_weight_one(target):
    """Nor does the two-sided penalty: at the end a swing of the order of the step times the target is left."""
    path = dynamics.simulate(dynamics.GP(1.0, target), STARTS, 1000, 0.1, alternating=True)
    assert (path[-200:].norm(dim=-1).amax(0) > 0.02 * target).all()


# --- the theorem and the lemma that the rest stands on ---------------------------------------------------------------


def radius(matrix):
    return torch.linalg.eigvals(matrix).abs().max().item()


@settings(max_examples=10, deadline=None)
@given(st.floats(0.4, 2.0), st.floats(0.15, 0.5), st.booleans(), st.floats(0, 6.28))
def test_thm_dirac_linearisation(weight, h, alternating, angle):
    """Inside the unit circle: a start near 0 tends to 0 at every rate above the spectral radius."""
    method = dynamics.R1(weight)
    q = (1 + radius(dynamics.update_matrix(method, h, alternating=alternating))) / 2
    start = (0.01 * math.cos(angle), 0.01 * math.sin(angle))
    distance = dynamics.simulate(method, start, 300, h, alternating=alternating).norm(dim=-1)
    bound = distance / q ** torch.arange(301, dtype=torch.float64)
    assert bound[150:].max() <= bound[:150].max()
    assert distance[-1] < 0.02 * distance[0]


@settings(max_examples=8, deadline=None)
@given(st.floats(0.0, 0.08), st.floats(0.6, 0.9), st.floats(0, 6.28))
def test_thm_dirac_linearisation_outside_the_circle(weight, h, angle):
    """Both eigenvalues outside: a start very near 0 goes away, to where the linear part no longer holds."""
    method = dynamics.R1(weight)
    assert torch.linalg.eigvals(dynamics.update_matrix(method, h)).abs().min() > 1
    start = (1e-3 * math.cos(angle), 1e-3 * math.sin(angle))
    path = dynamics.simulate(method, start, 600, h).norm(dim=-1)
    assert path[-100:].min() > 0.01


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0.01, 3))
def test_lem_dirac_steps(real, imaginary, h):
    mu = complex(real, imaginary)
    if abs(mu) < 1e-3:
        return
    limit = -2 * mu.real / abs(mu) ** 2
    if abs(h - limit) > 1e-9 * (1 + abs(limit)):
        assert (abs(1 + h * mu) < 1) == (h < limit)
    if mu.real >= 0:
        assert abs(1 + h * mu) > 1


@given(states, steps)
def test_prop_dirac_jacobian_minimax_steps_grow_exactly(state, h):
    """Far from the equilibrium too: the flow keeps the radius, a simultaneous step multiplies it as stated."""
    method = dynamics.Minimax()
    theta, psi = state
    across, along = (float(v) for v in method.field(theta, psi))
    assert theta * across + psi * along == pytest.approx(0.0, abs=1e-12)
    after = dynamics.simulate(method, state, 1, h)[1]
    slope = 1 / (1 + math.exp(theta * psi))
    assert float(after.square().sum()) == pytest.approx(math.hypot(*state) ** 2 * (1 + h**2 * slope**2))


# --- slow convergence ------------------------------------------------------------------------------------------------


def flow(method, start, time, h=0.02):
    """Follow the flow by the classical Runge-Kutta method; the states."""
    x, path = torch.tensor(start, dtype=torch.float64), []

    def field(y):
        return torch.stack(method.field(y[0], y[1]))

    for _ in range(round(time / h)):
        path.append(x)
        a = field(x)
        b = field(x + h / 2 * a)
        c = field(x + h / 2 * b)
        x = x + h / 6 * (a + 2 * b + 2 * c + field(x + h * c))
    return torch.stack([*path, x])


@given(states)
def test_prop_dirac_slow(state):
    """The derivatives of the squared radius along both flows."""
    theta, psi = state
    for method, expected in (
        (dynamics.LeastSquares(), -4 * (theta * psi) ** 2),
        (dynamics.NonSaturating(), -2 * theta * psi * math.tanh(theta * psi / 2)),
    ):
        across, along = (float(v) for v in method.field(theta, psi))
        assert 2 * (theta * across + psi * along) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("name", "constant"), [("least-squares", 2), ("non-saturating", 8)])
def test_prop_dirac_slow_rate(name, constant):
    """t r(t)^2 comes to 2 and to 8, from two starts, one a column."""
    path = flow(dynamics.make(name), [(1.2, -0.3), (0.6, 2.0)], 600, 0.4)
    assert (600 * path[-1].square().sum(0)).tolist() == pytest.approx([constant] * 2, rel=0.08)
    assert (path.norm(dim=1).diff(dim=0) < 1e-9).all()


@pytest.mark.parametrize("name", ["least-squares", "non-saturating"])
@pytest.mark.parametrize("h", [0.1, 0.2])
def test_prop_dirac_slow_steps_end_on_a_ring(name, h):
    """Simultaneous steps converge for neither: from inside and from outside they come to a radius near sqrt(2 h)."""
    for scale in (0.8, 1.3):
        path = dynamics.simulate(dynamics.make(name), (scale * math.sqrt(2 * h), 0.0), int(100 / h), h)
        assert float(path[-50:].norm(dim=-1).mean()) == pytest.approx(math.sqrt(2 * h), rel=0.06)
    matrix = dynamics.update_matrix(dynamics.make(name), h)
    assert torch.linalg.eigvals(matrix).abs().min() > 1


@pytest.mark.parametrize("h", [0.3, 1.0, 5.0])
def test_prop_dirac_jacobian_steps_do_not_land(h):
    """A non-saturating step leaves one coordinate as large as it was; a step of least squares can land on 0."""
    theta, psi = (v.flatten() for v in torch.meshgrid(*2 * [torch.linspace(-4, 4, 81).double()], indexing="ij"))
    across, along = dynamics.NonSaturating().field(theta, psi)
    kept = torch.where(theta * psi >= 0, (psi + h * along).abs() - psi.abs(), (theta + h * across).abs() - theta.abs())
    assert kept.min() >= -1e-12
    product = math.sqrt(1 + 1 / h**2)
    psi = torch.tensor(math.sqrt(product / (h * (1 + product)))).double()
    across, along = dynamics.LeastSquares().field(product / psi, psi)
    assert float((product / psi + h * across).abs() + (psi + h * along).abs()) < 1e-6


# --- critic steps and two rates --------------------------------------------------------------------------------------

TURNING = ("minimax", "non-saturating", "least-squares", "wgan")


@given(st.sampled_from(TURNING), steps, steps, st.integers(1, 6))
def test_prop_dirac_alternating(name, h_g, h_d, n_critic):
    method = dynamics.make(name)
    omega = float(method.jacobian()[1, 0])
    s = n_critic * h_g * h_d * omega**2
    simultaneous = dynamics.update_matrix(method, (h_g, h_d), n_critic=n_critic)
    moduli = torch.linalg.eigvals(simultaneous).abs()
    torch.testing.assert_close(moduli, torch.full((2,), math.sqrt(1 + s), dtype=torch.float64))
    M = dynamics.update_matrix(method, (h_g, h_d), alternating=True, n_critic=n_critic)
    expected = torch.tensor([[1 - s, -h_g * omega], [n_critic * h_d * omega, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(M, expected)
    q = torch.tensor([[n_critic * h_d, n_critic * h_g * h_d * omega / 2], [n_critic * h_g * h_d * omega / 2, h_g]])
    torch.testing.assert_close(M.T @ q.double() @ M, q.double(), atol=1e-7, rtol=1e-6)
    if s < 3.99:
        assert torch.linalg.eigvalsh(q.double()).min() > 0
        torch.testing.assert_close(torch.linalg.eigvals(M).abs(), torch.ones(2, dtype=torch.float64))


@given(st.floats(2.05, 4.0), st.integers(1, 5))
def test_prop_dirac_alternating_above_four(h, n_critic):
    """With s > 4 one eigenvalue of the WGAN's round is below -1."""
    M = dynamics.update_matrix(dynamics.WGAN(), h, alternating=True, n_critic=n_critic)
    assert torch.linalg.eigvals(M).real.min() < -1


@given(states, steps, steps, st.integers(1, 6))
@settings(deadline=None, max_examples=25)
def test_prop_dirac_alternating_keeps_the_form(state, h_g, h_d, n_critic):
    """For the WGAN it is no linearisation: the steps keep the form themselves."""
    options = {"alternating": True, "n_critic": n_critic}
    theta, psi = dynamics.simulate(dynamics.WGAN(), state, 30, (h_g, h_d), **options).unbind(-1)
    kept = n_critic * h_d * theta**2 + n_critic * h_g * h_d * theta * psi + h_g * psi**2
    torch.testing.assert_close(kept, kept[:1].expand_as(kept), atol=1e-9, rtol=1e-9)


# --- rings -----------------------------------------------------------------------------------------------------------


@settings(max_examples=5, deadline=None)
@given(st.floats(0.4, 1.5), st.floats(0.3, 2.0), st.sampled_from([1.0, 4.0]))
def test_prop_dirac_clip_ring(clip, theta, tau):
    """Small steps end on the ellipse tau theta^2 + psi^2 = c^2 from outside, and on their own from inside."""
    h = 0.01
    state = (theta, 0.0)
    r2 = tau * theta**2
    path = dynamics.simulate(dynamics.Clip(clip), state, 1600, (h, tau * h), alternating=True)
    late = tau * path[-200:, 0] ** 2 + path[-200:, 1] ** 2
    assert late.sqrt().mean().item() == pytest.approx(min(clip, math.sqrt(r2)), rel=0.03)


@given(states, st.floats(0.1, 3), st.floats(0.2, 1.5))
def test_prop_dirac_lp(state, weight, target):
    """Along the flow the radius falls as stated, and not at all inside the target."""
    theta, psi = state
    across, along = (float(v) for v in dynamics.LP(weight, target).field(theta, psi))
    expected = -2 * weight * abs(psi) * max(abs(psi) - target, 0)
    assert 2 * (theta * across + psi * along) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("tau", [1.0, 4.0])
@pytest.mark.parametrize(("start", "ends"), [((2.0, 0.3), 0.8), ((0.2, -0.1), None)])
def test_prop_dirac_lp_ring(tau, start, ends):
    path = dynamics.simulate(dynamics.LP(1.5, 0.8), start, 3000, (0.01, tau * 0.01), alternating=True)
    ring = (tau * path[:, 0] ** 2 + path[:, 1] ** 2).sqrt()
    assert ring[-300:].mean().item() == pytest.approx(ends or ring[:300].mean().item(), rel=0.03)


@given(st.floats(0.05, 0.3), st.floats(0.05, 0.3), st.integers(1, 4), st.booleans(), st.floats(0.2, 3), states)
@settings(max_examples=10, deadline=None)
def test_prop_dirac_gp(h_g, h_d, n_critic, alternating, weight, state):
    """With a target, the steps do not converge to the equilibrium."""
    options = {"alternating": alternating, "n_critic": n_critic}
    if weight * h_d > 1.5:
        return
    path = dynamics.simulate(dynamics.GP(weight, 0.7), state, 200, (h_g, h_d), **options)
    late = path[-60:].abs()
    assert late.amax(0).max() > 0.1 * h_d * weight * 0.7


def swing(weight, target):
    kappa = math.exp(-math.pi * weight / 2 / math.sqrt(1 - weight**2 / 4))
    return weight * target * (1 + kappa) / (1 - kappa)


@pytest.mark.parametrize("weight", [0.4, 1.0, 1.6])
@pytest.mark.parametrize("start", [(0.1, 0.05), (1.5, -0.6)])
def test_prop_dirac_gp_closed_orbit(weight, start):
    target = 0.5
    path = dynamics.simulate(dynamics.GP(weight, target), start, 2400, 0.015, alternating=True)
    assert path[-600:, 0].abs().max().item() == pytest.approx(swing(weight, target), rel=0.015)


def test_prop_dirac_gp_swing_limits():
    """4/pi for weights near 0, twice the target near 2, and growing between."""
    values = [swing(w, 1.0) for w in (1e-4, 0.2, 0.5, 1.0, 1.5, 1.9, 1.999)]
    assert values[0] == pytest.approx(4 / math.pi, rel=1e-3)
    assert values[-1] == pytest.approx(2, rel=1e-2)
    assert all(a < b <= 2 for a, b in itertools.pairwise(values))


@pytest.mark.parametrize("weight", [2.0, 3.0])
@pytest.mark.parametrize("start", [(1.0, 0.4), (-0.2, 0.1), (0.5, -1.0), (-4.0, 0.1)])
def test_prop_dirac_gp_rests_at_the_wrong_point(weight, start):
    path = dynamics.simulate(dynamics.GP(weight, 0.5), start, 3000, 0.02, alternating=True)
    assert path[-1, 0].abs().item() == pytest.approx(weight * 0.5, rel=1e-3)
    assert abs(path[-1, 1].item()) < 1e-3


@pytest.mark.parametrize(("weight", "stops"), [(0.9, False), (1.1, True)])
def test_prop_dirac_gp_a_faster_critic_stops_sooner(weight, stops):
    """Four times as fast: the threshold falls from 2 to 1."""
    path = dynamics.simulate(dynamics.GP(weight, 0.5), (1.0, 0.4), 3000, (0.02, 0.08), alternating=True)
    tail = path[-600:, 0]
    assert (float(tail.max() - tail.min()) < 1e-3) == stops


@given(st.floats(0.01, 4))
def test_prop_dirac_gp_centred_at_zero(weight):
    got = spectrum(dynamics.GP(weight, 0.0))
    assert close(got, roots(-weight / 2, weight**2 / 4 - 1))
    assert max(z.real for z in got) < 0


# --- in the plane ----------------------------------------------------------------------------------------------------


def plane_orbit(weight, target, theta, psi, steps=4000, h=0.015):
    """Alternating steps of the two-sided penalty with a linear critic in the plane."""
    theta, psi = (torch.tensor(v, dtype=torch.float64) for v in (theta, psi))
    path = []
    for _ in range(steps):
        psi = psi + h * (theta - weight * (1 - target / psi.norm()) * psi)
        theta = theta - h * psi
        path.append(torch.cat([theta, psi]))
    return torch.stack(path)


@given(st.floats(0.05, 6), st.floats(0.1, 2))
def test_prop_dirac_gp_plane(weight, target):
    """The linearisation on the ring, by automatic differentiation of the reduced system, against the cubic."""

    def reduced(x):
        a, b, p = x
        return torch.stack([-p + b**2 / p, -a * b / p, a - weight * (p - target)])

    rest = torch.tensor([0.0, target, target], dtype=torch.float64)
    assert reduced(rest).abs().max() < 1e-12
    mu = torch.linalg.eigvals(torch.autograd.functional.jacobian(reduced, rest))
    assert (mu**3 + weight * mu**2 + 4 * mu + 2 * weight).abs().max() < 1e-8
    assert mu.real.max() < 0


@pytest.mark.parametrize("weight", [0.7, 3.0])
def test_prop_dirac_gp_plane_comes_to_the_ring(weight):
    path = plane_orbit(weight, 0.5, [0.9, 0.2], [0.4, 0.3])[-400:]
    theta, psi = path[:, :2], path[:, 2:]
    assert theta.norm(dim=1).sub(0.5).abs().max() < 0.02
    assert psi.norm(dim=1).sub(0.5).abs().max() < 0.02
    assert (theta * psi).sum(1).abs().max() < 0.01


# --- a normalised critic ---------------------------------------------------------------------------------------------


def normalised_step(theta, psi, h, slope=torch.ones_like):
    """One alternating step of the game with a normalised linear discriminator, by automatic differentiation."""
    psi = psi.clone().requires_grad_(True)
    score = psi @ theta / psi.norm()
    psi = psi.detach() + h * torch.autograd.grad(score, psi)[0] * slope(score.detach())
    unit = psi / psi.norm()
    return theta - h * slope(unit @ theta) * unit, psi


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 5), st.integers(0, 10_000), st.floats(0.01, 0.2))
def test_prop_dirac_sn(dimension, seed, h):
    """Every step of the generator has length h; in one dimension the critic stays where it is."""
    rng = torch.Generator().manual_seed(seed)
    theta, psi = (torch.randn(dimension, generator=rng, dtype=torch.float64) for _ in range(2))
    start = psi.clone()
    first = theta.clone()
    for _ in range(60):
        new, psi = normalised_step(theta, psi, h)
        assert float((new - theta).norm()) == pytest.approx(h)
        theta = new
    if dimension == 1:
        torch.testing.assert_close(psi, start)
        assert (theta - first).abs().item() == pytest.approx(60 * h)


def test_prop_dirac_sn_minimax_speed():
    """At the target the speed is one half; elsewhere at least f' of the distance."""
    slope = lambda t: torch.sigmoid(-t)
    psi = torch.tensor([0.6, -0.3]).double()
    for theta in (torch.zeros(2).double(), torch.tensor([1.0, 2.0]).double()):
        new, _ = normalised_step(theta, psi, 1e-6, slope)
        speed = float((new - theta).norm()) / 1e-6
        assert speed >= float(slope(theta.norm())) - 1e-6
        if not theta.any():
            assert speed == pytest.approx(0.5, rel=1e-5)


def test_prop_dirac_sn_keeps_the_energy():
    """In the plane the flow keeps |psi| and E, so the distance stays away from 0; radius |psi| is a relative rest."""
    theta, psi = torch.tensor([1.0, 0.4]).double(), torch.tensor([0.2, 0.9]).double()

    def measure():
        unit = psi / psi.norm()
        b = theta[1] * unit[0] - theta[0] * unit[1]
        return psi.norm().item(), (theta.square().sum() / 2 - psi.norm() ** 2 * b.abs().log()).item()

    before = measure()
    for _ in range(2000):
        theta, psi = normalised_step(theta, psi, 1e-3)
    assert measure() == pytest.approx(before, rel=2e-3)
    theta, psi = torch.tensor([0.0, 0.7]).double(), torch.tensor([0.7, 0.0]).double()
    for _ in range(1000):
        theta, psi = normalised_step(theta, psi, 1e-3)
    assert theta.norm().item() == pytest.approx(0.7, rel=2e-3)


# --- damping ---------------------------------------------------------------------------------------------------------


@given(states, st.floats(0.05, 3))
def test_prop_dirac_r1_falls_from_everywhere(state, weight):
    theta, psi = state
    across, along = (float(v) for v in dynamics.R1(weight).field(theta, psi))
    assert theta * across + psi * along == pytest.approx(-weight * psi**2, abs=1e-12)


@pytest.mark.parametrize("start", [(3.0, 0.0), (-2.0, 2.0), (0.1, -3.0)])
def test_prop_dirac_r1_converges_from_afar(start):
    assert flow(dynamics.R1(0.8), start, 80, 0.1)[-1].norm().item() < 1e-5


@given(st.floats(0.05, 3), st.floats(0.05, 5), st.floats(0.05, 5))
def test_prop_dirac_r1_steps(weight, h_g, h_d):
    """Both conditions, against the spectral radius."""
    method, rates = dynamics.R1(weight), (h_g, h_d)
    simultaneous = radius(dynamics.update_matrix(method, rates))
    alternating = radius(dynamics.update_matrix(method, rates, alternating=True))
    if abs(simultaneous - 1) > 1e-6:
        assert (simultaneous < 1) == (h_g < 4 * weight and h_d * (8 * weight - h_g) < 16)
    if abs(alternating - 1) > 1e-6:
        assert (alternating < 1) == (h_d * (8 * weight + h_g) < 16)


@given(st.floats(0.05, 4), st.booleans())
def test_prop_dirac_r1_steps_of_equal_size(weight, alternating):
    if alternating:
        limit = 4 * (math.sqrt(weight**2 + 1) - weight)
    else:
        limit = 4 * weight if weight <= 1 else 4 * (weight - math.sqrt(weight**2 - 1))
    method = dynamics.R1(weight)
    assert radius(dynamics.update_matrix(method, 0.999 * limit, alternating=alternating)) < 1
    assert radius(dynamics.update_matrix(method, 1.001 * limit, alternating=alternating)) > 1


@given(st.floats(0.05, 2))
def test_prop_dirac_noise_is_r1(std):
    torch.testing.assert_close(dynamics.InstanceNoise(std).jacobian(), dynamics.R1(std**2 / 2).jacobian())


@given(st.floats(0, 3))
def test_prop_dirac_consensus_is_the_squared_jacobian(weight):
    J = dynamics.Minimax().jacobian()
    torch.testing.assert_close(dynamics.Consensus(weight).jacobian(), J - weight * J.T @ J)


def test_prop_dirac_gp_weight_is_twice_the_constraints():
    """The package's gradient penalty has no factor 1/2: weight 10 there is 20 here."""
    slope = torch.tensor(1.7, dtype=torch.float64, requires_grad=True)
    points = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    penalty = constraints.make("gp", weight=10.0)
    value = penalty.penalty(lambda x: slope * x[:, 0], points, points + 1, torch.Generator().manual_seed(0))
    (force,) = torch.autograd.grad(value, slope)
    bare = dynamics.GP(0.0, 1.0).field(0.4, 1.7)[1] - dynamics.GP(20.0, 1.0).field(0.4, 1.7)[1]
    assert float(force) == pytest.approx(float(bare))


# --- every field from its losses, every Jacobian from its field ------------------------------------------------------


def log_sigmoid(t):
    return -torch.log1p(torch.exp(-t))


NODES, CHANCES = (torch.from_numpy(v) for v in np.polynomial.hermite_e.hermegauss(48))
CHANCES = CHANCES / CHANCES.sum()


def noisy(theta, psi, std):
    """The game with noise on both points, by quadrature."""
    return (CHANCES * (log_sigmoid(psi * (theta + std * NODES)) + log_sigmoid(-psi * std * NODES))).sum()


def squared_speed(theta, psi):
    """Half the squared length of minimax's field, as a function that can be differentiated."""
    return (theta**2 + psi**2) * torch.sigmoid(-psi * theta) ** 2 / 2


# What psi climbs and what theta descends, as the chapter's list says.
LOSSES = {
    "minimax": ({}, lambda t, p: log_sigmoid(p * t), lambda t, p: log_sigmoid(p * t)),
    "non-saturating": ({}, lambda t, p: log_sigmoid(p * t), lambda t, p: -log_sigmoid(-p * t)),
    "least-squares": ({}, lambda t, p: -((p * t - 1) ** 2) / 2, lambda t, p: (p * t + 1) ** 2 / 2),
    "wgan": ({}, lambda t, p: p * t, lambda t, p: p * t),
    "clip": ({}, lambda t, p: p * t, lambda t, p: p * t),
    "gp": ({"weight": 0.7, "target": 0.4}, lambda t, p: p * t - 0.35 * (p.abs() - 0.4) ** 2, lambda t, p: p * t),
    "lp": (
        {"weight": 0.7, "target": 0.4},
        lambda t, p: p * t - 0.35 * (p.abs() - 0.4).clamp_min(0) ** 2,
        lambda t, p: p * t,
    ),
    "r1": ({"weight": 0.6}, lambda t, p: log_sigmoid(p * t) - 0.3 * p**2, lambda t, p: log_sigmoid(p * t)),
    "instance-noise": ({"std": 0.8}, lambda t, p: noisy(t, p, 0.8), lambda t, p: noisy(t, p, 0.8)),
    "consensus": (
        {"weight": 0.5},
        lambda t, p: log_sigmoid(p * t) - 0.5 * squared_speed(t, p),
        lambda t, p: log_sigmoid(p * t) + 0.5 * squared_speed(t, p),
    ),
}


def stated_jacobian(name, t, p):
    """The matrices of the chapter, typed again."""
    s = 1 / (1 + math.exp(p * t))
    one, two, three = s, -s * (1 - s), s * (1 - s) * (1 - 2 * s)
    minimax = [[-(p**2) * two, -one - p * t * two], [one + p * t * two, t**2 * two]]
    if name == "non-saturating":  # f'(-x) = 1 - f'(x), f''(-x) = f''(x)
        return [[p**2 * two, -(1 - one) + p * t * two], minimax[1]]
    if name == "least-squares":
        return [[-(p**2), -1 - 2 * p * t], [1 - 2 * p * t, -(t**2)]]
    if name in ("wgan", "clip", "gp", "lp"):
        return [[0, -1], [1, -0.7 if name == "gp" or (name == "lp" and abs(p) > 0.4) else 0]]
    if name == "r1":
        return [minimax[0], [minimax[1][0], minimax[1][1] - 0.6]]
    if name == "consensus":
        r2, g, g1, g2 = t**2 + p**2, one**2, 2 * one * two, 2 * (two**2 + one * three)
        cross = 1.5 * r2 * g1 + 0.5 * r2 * p * t * g2
        own = [g + 2 * p * t * g1 + 0.5 * r2 * other**2 * g2 for other in (p, t)]
        return [
            [minimax[0][0] - 0.5 * own[0], minimax[0][1] - 0.5 * cross],
            [minimax[1][0] - 0.5 * cross, minimax[1][1] - 0.5 * own[1]],
        ]
    return minimax


@settings(deadline=None)
@given(st.sampled_from(list(LOSSES)), states)
def test_prop_dirac_all_jacobians(name, state):
    """The package's field is the gradient of the stated losses; its Jacobian is the field's, and the stated one."""
    options, climbs, descends = LOSSES[name]
    method = dynamics.make(name, **options)
    theta, psi = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in state)
    if name in ("gp", "lp") and min(abs(state[1]), abs(abs(state[1]) - 0.4)) < 1e-6:
        return
    field = [float(v) for v in method.field(*state)]
    assert field[1] == pytest.approx(float(torch.autograd.grad(climbs(theta, psi), psi)[0]), abs=1e-9)
    assert field[0] == pytest.approx(-float(torch.autograd.grad(descends(theta, psi), theta)[0]), abs=1e-9)
    auto = torch.autograd.functional.jacobian(lambda t, p: torch.stack(method.field(t, p)), (theta, psi))
    torch.testing.assert_close(method.jacobian(*state), torch.stack(auto, dim=1), atol=1e-9, rtol=1e-9)
    if name != "instance-noise":
        stated = torch.tensor(stated_jacobian(name, *state), dtype=torch.float64)
        torch.testing.assert_close(method.jacobian(*state), stated, atol=1e-9, rtol=1e-9)


@settings(deadline=None)
@given(states, st.floats(0.1, 1.5))
def test_prop_dirac_all_jacobians_with_noise(state, std):
    """A, B and C by quadrature of finer mesh than the package's."""
    theta, psi = state
    points, weights = np.polynomial.hermite_e.hermegauss(90)
    weights, x = weights / weights.sum(), theta + std * points
    first, second = (lambda t: 1 / (1 + np.exp(t))), (lambda t: -1 / (2 + np.exp(t) + np.exp(-t)))
    a = weights @ second(psi * x)
    b = weights @ (first(psi * x) + psi * x * second(psi * x))
    c = weights @ (x**2 * second(psi * x)) + std**2 * (weights @ (points**2 * second(psi * std * points)))
    expected = torch.tensor([[-(psi**2) * a, -b], [b, c]], dtype=torch.float64)
    torch.testing.assert_close(dynamics.InstanceNoise(std, 60).jacobian(*state), expected, atol=2e-5, rtol=1e-5)


# --- rounds with several critic steps, damped and not ----------------------------------------------------------------

DAMPED = {
    "r1": lambda x: (dynamics.R1(x), 0.0, 0.25, x),
    "instance-noise": lambda x: (dynamics.InstanceNoise(x), 0.0, 0.25, x**2 / 2),
    "gp": lambda x: (dynamics.GP(x, 0.0), 0.0, 1.0, x),
    "consensus": lambda x: (dynamics.Consensus(x), x / 4, 0.25, x / 4),
    "minimax": lambda x: (dynamics.Minimax(), 0.0, 0.25, 0.0),
    "least-squares": lambda x: (dynamics.LeastSquares(), 0.0, 1.0, 0.0),
}


def rounds(c, ab, d, h_g, h_d, n):
    """The numbers e, rho and kappa."""
    return 1 - h_g * c, (1 - h_d * d) ** n, h_g * h_d * ab * sum((1 - h_d * d) ** j for j in range(n))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(DAMPED)), st.floats(0.05, 3), st.floats(0.02, 6), st.floats(0.02, 6), st.integers(1, 6))
def test_prop_dirac_rounds(name, x, h_g, h_d, n):
    """Three inequalities each, and the short form, against the spectral radius."""
    method, c, ab, d = DAMPED[name](x)
    e, rho, kappa = rounds(c, ab, d, h_g, h_d, n)
    for alternating in (False, True):
        M = dynamics.update_matrix(method, (h_g, h_d), alternating=alternating, n_critic=n)
        margins = [1 - e * rho, (1 - e) * (1 - rho) + kappa, (1 + e) * (1 + rho) - kappa]
        if not alternating:
            margins = [1 - e * rho - kappa, margins[1], (1 + e) * (1 + rho) + kappa]
        if min(map(abs, margins)) < 1e-6:
            assert radius(M) > 1 - 1e-3
            continue
        assert (radius(M) < 1) == (min(margins) > 0)
        if c == 0 < d and h_d * d < 2:
            g, limit = h_g * ab / d, 2 * (1 + rho) / (1 - rho) if alternating else 1
            assert (radius(M) < 1) == (g < limit)


@given(st.floats(0.1, 6), st.booleans())
def test_prop_dirac_rounds_of_consensus(weight, alternating):
    """The two limits in the chapter's table."""
    limit = 8 / (weight + 2) if alternating else 8 * weight / (weight**2 + 4)
    method = dynamics.Consensus(weight)
    assert radius(dynamics.update_matrix(method, 0.999 * limit, alternating=alternating)) < 1
    assert radius(dynamics.update_matrix(method, 1.001 * limit, alternating=alternating)) > 1


# --- alternating steps whose linear part turns -----------------------------------------------------------------------

CUBIC = {"minimax": (0.5, -0.25, 0.25), "non-saturating": (0.5, 0.25, 0.25), "least-squares": (1.0, 1.0, 1.0)}


def kept_form(omega, h_g, h_d, n):
    """The form that the linear round keeps, as a matrix."""
    mixed = n * h_g * h_d * omega / 2
    return torch.tensor([[n * h_d, mixed], [mixed, h_g]], dtype=torch.float64)


def mean_drift(name, h_g, h_d, n, size=0.02):
    """The mean of q(F(x)) - q(x), over size^4, along the ellipse on which q is size^2, in the map's own angle."""
    omega = CUBIC[name][0]
    Q = kept_form(omega, h_g, h_d, n)
    root = torch.linalg.cholesky(torch.linalg.inv(Q))  # x = root u, |u| = 1, has q(x) = 1
    angle = 2 * math.pi * torch.arange(24, dtype=torch.float64) / 24
    x = size * torch.stack([angle.cos(), angle.sin()], 1) @ root.T
    options = {"alternating": True, "n_critic": n}
    after = dynamics.simulate(dynamics.make(name), x.unbind(1), 1, (h_g, h_d), **options)[1]
    change = torch.einsum("ki,ij,kj->k", after, Q, after) - size**2
    return float(change.mean()) / size**4


@settings(deadline=None)
@given(st.sampled_from(list(CUBIC)), st.floats(0.1, 1.5), st.floats(0.1, 1.5), st.integers(1, 6))
def test_prop_dirac_drift(name, h_g, h_d, n):
    """The mean of the quartic part is -(kappa_G + kappa_D) / (4 - s)."""
    omega, ahead, back = CUBIC[name]
    s = n * h_g * h_d * omega**2
    if s < 3.5:
        assert mean_drift(name, h_g, h_d, n) == pytest.approx(-(ahead + back) / (4 - s), abs=0.02)


@pytest.mark.parametrize("name", ["non-saturating", "least-squares"])
@pytest.mark.parametrize(("h_g", "h_d", "n"), [(0.8, 0.3, 3), (1.2, 1.1, 1)])
def test_prop_dirac_drift_is_the_rate(name, h_g, h_d, n):
    """Alternating steps do come to the equilibrium, and k q tends to the inverse of the drift."""
    omega, ahead, back = CUBIC[name]
    limit = (4 - n * h_g * h_d * omega**2) / (ahead + back)
    options = {"alternating": True, "n_critic": n}
    path = dynamics.simulate(dynamics.make(name), (0.7, -0.4), 1200, (h_g, h_d), **options)[-200:]
    q = torch.einsum("ki,ij,kj->k", path, kept_form(omega, h_g, h_d, n), path)
    k = torch.arange(1001, 1201, dtype=torch.float64)
    assert float((k * q).mean()) == pytest.approx(limit, rel=0.06)


def test_prop_dirac_drift_minimax_circles():
    """After 1200 alternating steps minimax is where it was: between 0.97 and 1.03 of its first ellipse."""
    path = dynamics.simulate(dynamics.Minimax(), (0.8, 0.4), 1200, 0.5, alternating=True)
    q = torch.einsum("ki,ij,kj->k", path, kept_form(0.5, 0.5, 0.5, 1), path)
    assert float(q[-100:].mean() / q[:100].mean()) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(("n", "low", "high"), [(1, 1.6, 2.1), (2, 0.5, 0.9)])
def test_minimax_drifts_in_long_alternating_runs(n, low, high):
    """With rates of 1 from (0.6, 0.3): q nearly doubles in 16 000 rounds with one critic step, and falls with two."""
    theta, psi, kept = 0.6, 0.3, []
    for _ in range(18_000):
        for _ in range(n):
            psi += theta / (1 + math.exp(psi * theta))
        theta -= psi / (1 + math.exp(psi * theta))
        kept.append(n * theta**2 + n * theta * psi / 2 + psi**2)
    assert low < sum(kept[-3000:]) / sum(kept[:3000]) < high


# --- where the two-sided penalty's statement ends --------------------------------------------------------------------


def test_prop_dirac_gp_a_critic_step_too_long_can_come_back():
    """With n = 3 and h_D lambda = (3 + sqrt 5) / 2 a round takes psi from 0 to 0 again: why n > 1 asks for < 2."""
    h = (3 + math.sqrt(5)) / 2
    psi = torch.tensor(1e-9, dtype=torch.float64)
    for _ in range(3):
        psi = psi + h * dynamics.GP(1.0, 0.5).field(0.0, psi)[1]
    assert abs(float(psi)) < 1e-7
    psi = torch.tensor(1e-9, dtype=torch.float64)
    for _ in range(3):
        psi = psi + 1.9 * dynamics.GP(1.0, 0.5).field(0.0, psi)[1]
    assert abs(float(psi)) > 0.05


# --- the chapter's table ---------------------------------------------------------------------------------------------


def verdicts(course_root):
    """Rows of the table of verdicts: method, and what stands under flow, simultaneous, alternating."""
    text = (course_root / "book" / "09_training_dynamics" / "chapter.md").read_text(encoding="utf-8")
    lines = text.split("## All of them in one table")[1].split("\n\n")[2].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:4] for row in rows}


SETTINGS = {
    "minimax": dynamics.Minimax(),
    "non-saturating": dynamics.NonSaturating(),
    "least squares": dynamics.LeastSquares(),
    "wgan": dynamics.WGAN(),
    "clip": dynamics.Clip(0.5),
    "lp, $g_0 > 0$": dynamics.LP(1.0, 0.5),
    "gp, $g_0 > 0$": dynamics.GP(1.0, 0.5),
    "gp, $g_0 = 0$": dynamics.GP(1.0, 0.0),
    "r1": dynamics.R1(1.0),
    "instance noise": dynamics.InstanceNoise(1.0, 16),
    "consensus, $n = 1$": dynamics.Consensus(1.0),
}


@pytest.mark.parametrize("row", list(SETTINGS))
def test_the_table_of_verdicts_is_what_steps_do(course_root, row):
    """From near 0, at rates of 0.2: who comes nearer, who does not, in simultaneous and in alternating rounds."""
    found = verdicts(course_root)
    assert set(found) == set(SETTINGS)
    for column, alternating in ((1, False), (2, True)):
        cell = found[row][column]
        settles = cell.startswith(("settles", "$h"))
        for n in (1, 3):
            options = {"alternating": alternating, "n_critic": n}
            size = 0.4 if "slowly" in cell or "circles" in cell else 0.05
            path = dynamics.simulate(SETTINGS[row], (size, size / 2), 250, 0.2, **options).norm(dim=1)
            share = float(path[-40:].max() / path[:40].max())
            assert (share < 0.97) == settles, (row, alternating, n, share)
