"""Chapter 9: what the linearisation of the Dirac-GAN says, and what the steps then do."""

import cmath
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wgan_course import dynamics

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
def test_prop_instance_noise_eigenvalues(std):
    """Eigenvalues std^2 f'' +- sqrt(std^4 f''^2 - f'^2) with f' = 1/2, f'' = -1/4."""
    assert close(spectrum(dynamics.InstanceNoise(std)), roots(-(std**2) / 4, std**4 / 16 - 0.25))


@given(st.floats(0, 3))
def test_prop_consensus_eigenvalues(weight):
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


@settings(max_examples=6, deadline=None)
@given(st.floats(0.02, 0.2), st.integers(1, 5), st.floats(0.1, 1.0))
def test_prop_dirac_wgan_cycles_clipped(h, n_critic, clip):
    """Clipping does not help: from any start, the generator's swings to both sides do not die out."""
    options = {"alternating": True, "n_critic": n_critic}
    theta = dynamics.simulate(dynamics.Clip(clip), STARTS, 2000, h, **options)[..., 0]
    period = int(8 / (h * clip)) + 20  # from 1.3 to -1.3 and back at the top speed h * clip, with room to turn
    late = theta[-min(period, 1000) :]
    assert (late.abs().amax(0) > 0.1 * h * clip).all()
    assert ((late.amax(0) > 0) & (late.amin(0) < 0))[: None if period <= 1000 else 0].all()


@settings(max_examples=6, deadline=None)
@given(st.floats(0.2, 2.0))
def test_prop_dirac_wgan_cycles_penalty(target):
    """Nor does the two-sided penalty: at the end a swing of the order of the step times the target is left."""
    path = dynamics.simulate(dynamics.GP(1.0, target), STARTS, 1000, 0.1, alternating=True)
    assert (path[-200:].norm(dim=-1).amax(0) > 0.02 * target).all()
