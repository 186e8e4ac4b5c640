"""The Dirac-GAN: fields against the games they come from, Jacobians against autograd, steps against a plain loop."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wgan_course import dynamics

OPTIONS = {
    "clip": {"clip": 0.7},
    "gp": {"weight": 1.3, "target": 0.4},
    "lp": {"weight": 1.3, "target": 0.4},
    "r1": {"weight": 0.8},
    "instance-noise": {"std": 0.6},
    "consensus": {"weight": 0.9},
}
POINTS = [(0.7, 1.3), (-1.1, 0.5), (2.0, -0.9), (-0.3, -2.2), (0.0, 0.6), (1.5, -0.2)]


def variant(name):
    return dynamics.make(name, **OPTIONS.get(name, {}))


def double(value):
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


def log_loss(t):
    """f of the paper, written with softplus instead of the sigmoid."""
    return -torch.nn.functional.softplus(-t)


def gradient(value, parameter):
    return torch.autograd.grad(value, parameter)[0].item()


def test_every_documented_method_is_there():
    expected = "minimax non-saturating wgan clip gp lp r1 least-squares instance-noise consensus"
    assert set(dynamics.NAMES) == set(expected.split())


@pytest.mark.parametrize("t", [-30.0, -2.0, 0.0, 0.3, 5.0])
def test_derivatives_of_f_against_autograd(t):
    x = double(t)
    first = torch.autograd.grad(log_loss(x), x, create_graph=True)[0]
    second = torch.autograd.grad(first, x, create_graph=True)[0]
    third = torch.autograd.grad(second, x)[0]
    got = dynamics.derivatives(x.detach())
    torch.testing.assert_close(torch.stack(got), torch.stack([first, second, third]).detach(), atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("name", dynamics.NAMES)
@pytest.mark.parametrize("point", POINTS)
def test_jacobian_against_autograd(name, point):
    method = variant(name)
    rows = torch.autograd.functional.jacobian(lambda s: torch.stack(method.field(s[0], s[1])), double(point))
    torch.testing.assert_close(method.jacobian(*point), rows, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("name", dynamics.NAMES)
def test_jacobian_against_finite_differences(name):
    method, h = variant(name), 1e-6
    for theta, psi in POINTS:
        ahead = [method.field(theta + h, psi), method.field(theta, psi + h)]
        back = [method.field(theta - h, psi), method.field(theta, psi - h)]
        columns = [(torch.stack(a) - torch.stack(b)) / (2 * h) for a, b in zip(ahead, back, strict=True)]
        torch.testing.assert_close(method.jacobian(theta, psi), torch.stack(columns, dim=1), atol=1e-8, rtol=1e-7)


@pytest.mark.parametrize("name", dynamics.NAMES)
def test_origin_is_an_equilibrium(name):
    assert [value.item() for value in variant(name).field(0.0, 0.0)] == [pytest.approx(0.0, abs=1e-15)] * 2


# --- each field is the gradient of the losses that its docstring states ---------------------------------------------


@pytest.mark.parametrize("point", POINTS)
def test_minimax_field_is_the_games_gradient(point):
    theta, psi = map(double, point)
    game = log_loss(psi * theta) + log_loss(psi * 0)
    expected = [-gradient(game, theta), gradient(log_loss(psi * theta), psi)]
    assert [v.item() for v in variant("minimax").field(*point)] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("point", POINTS)
def test_non_saturating_generator_climbs_the_other_loss(point):
    theta, psi = map(double, point)
    expected = [gradient(log_loss(-psi * theta), theta), gradient(log_loss(psi * theta), psi)]
    assert [v.item() for v in variant("non-saturating").field(*point)] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("point", POINTS)
def test_least_squares_field_is_the_losses_gradient(point):
    theta, psi = map(double, point)
    critic = ((psi * theta - 1) ** 2 + (psi * 0 + 1) ** 2) / 2
    generator = (psi * theta + 1) ** 2 / 2
    expected = [-gradient(generator, theta), -gradient(critic, psi)]
    assert [v.item() for v in variant("least-squares").field(*point)] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("point", [p for p in POINTS if p[1] != 0])
@pytest.mark.parametrize("name", ["gp", "lp", "r1"])
def test_penalties_are_gradients_of_the_losses(name, point):
    theta, psi = map(double, point)
    norm = torch.autograd.grad(psi * double(0.3), psi, create_graph=True)[0] * 0 + psi.abs()
    method = variant(name)
    if name == "r1":
        value = log_loss(psi * theta) - method.weight * norm**2 / 2
    else:
        excess = norm - method.target
        value = psi * theta - method.weight * (excess if name == "gp" else excess.clamp_min(0)) ** 2 / 2
    assert method.field(*point)[1].item() == pytest.approx(gradient(value, psi), abs=1e-12)


@pytest.mark.parametrize("point", POINTS)
def test_instance_noise_field_against_fine_integration(point):
    theta, psi = map(double, point)
    grid = torch.linspace(-10, 10, 20001, dtype=torch.float64)
    weights = torch.exp(-(grid**2) / 2)
    weights = weights / weights.sum()
    fake = (weights * log_loss(psi * (theta + 0.6 * grid))).sum()
    real = (weights * log_loss(-psi * 0.6 * grid)).sum()
    expected = [-gradient(fake + real, theta) if point[1] else 0.0, gradient(fake_real(theta, psi, grid, weights), psi)]
    assert [v.item() for v in variant("instance-noise").field(*point)] == pytest.approx(expected, abs=1e-9)


def fake_real(theta, psi, grid, weights):
    values = log_loss(psi * (theta + 0.6 * grid)) + log_loss(-psi * 0.6 * grid)
    return (weights * values).sum()


@pytest.mark.parametrize("point", POINTS)
def test_consensus_adds_the_gradient_of_half_the_squared_speed(point):
    theta, psi = map(double, point)
    speed = sum(v**2 for v in dynamics.Minimax().field(theta, psi)) / 2
    pull = torch.autograd.grad(speed, (theta, psi))
    base = dynamics.Minimax().field(*point)
    expected = [b.item() - 0.9 * p.item() for b, p in zip(base, pull, strict=True)]
    assert [v.item() for v in variant("consensus").field(*point)] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("name", "option"), [("r1", "weight"), ("instance-noise", "std"), ("consensus", "weight")])
def test_no_regularisation_is_minimax(name, option):
    method = dynamics.make(name, **{option: 0.0})
    for point in POINTS:
        got = torch.stack(method.field(*point))
        extra = torch.stack(dynamics.Minimax().field(*point))
        torch.testing.assert_close(got, extra, atol=1e-12, rtol=0)


def test_lp_inside_its_target_is_wgan_and_outside_is_gp():
    lp, gp, wgan = dynamics.LP(2.0, 1.0), dynamics.GP(2.0, 1.0), dynamics.WGAN()
    assert lp.field(0.3, 0.9) == wgan.field(0.3, 0.9)
    assert lp.field(0.3, -1.7) == gp.field(0.3, -1.7)
    assert gp.field(0.3, 0.9)[1] > wgan.field(0.3, 0.9)[1]


@pytest.mark.parametrize("name", dynamics.NAMES)
def test_eigenvalues_against_lapack(name):
    for point in POINTS:
        got, expected = (
            sorted(values.tolist(), key=lambda z: (round(z.imag, 6), z.real))
            for values in (variant(name).eigenvalues(*point), torch.linalg.eigvals(variant(name).jacobian(*point)))
        )
        assert got == pytest.approx(expected, abs=1e-7)


def test_eigenvalues_of_a_double_root_are_exact():
    assert dynamics.R1(1.0).eigenvalues().tolist() == [-0.5, -0.5]


def test_fields_and_jacobians_broadcast():
    theta, psi = torch.linspace(-1, 1, 5)[:, None], torch.linspace(-2, 2, 7)
    for name in dynamics.NAMES:
        method = variant(name)
        field = method.field(theta, psi)
        assert field[0].shape == field[1].shape == (5, 7)
        assert method.jacobian(theta, psi).shape == (5, 7, 2, 2)
        assert method.eigenvalues(theta, psi).shape == (5, 7, 2)
        assert field[1][1, 2].item() == pytest.approx(method.field(theta[1, 0], psi[2])[1].item(), abs=1e-12)


# --- steps -----------------------------------------------------------------------------------------------------------


def by_hand(step, start, steps):
    states = [start]
    for _ in range(steps):
        states.append(step(*states[-1]))
    return torch.tensor(states, dtype=torch.float64)


def test_simultaneous_steps_by_hand():
    expected = by_hand(lambda theta, psi: (theta - 0.1 * psi, psi + 0.1 * theta), (1.0, 0.5), 20)
    torch.testing.assert_close(dynamics.simulate(dynamics.WGAN(), (1.0, 0.5), 20, 0.1), expected)


def test_alternating_steps_by_hand_with_several_critic_steps_and_two_time_scales():
    def step(theta, psi):
        for _ in range(3):
            psi = max(-0.4, min(0.4, psi + 0.2 * theta))
        return theta - 0.05 * psi, psi

    got = dynamics.simulate(dynamics.Clip(0.4), (1.0, 0.5), 30, (0.05, 0.2), alternating=True, n_critic=3)
    torch.testing.assert_close(got, by_hand(step, (1.0, 0.5), 30))


def test_simultaneous_generator_sees_the_critic_before_its_steps():
    got = dynamics.simulate(dynamics.WGAN(), (1.0, 0.5), 1, 0.1, n_critic=4)[1]
    assert got.tolist() == pytest.approx([1.0 - 0.05, 0.5 + 0.4])


def test_many_starts_at_once():
    theta = torch.tensor([1.0, -0.5, 2.0])
    many = dynamics.simulate(dynamics.R1(), (theta, 0.3), 10, 0.1, alternating=True)
    assert many.shape == (11, 3, 2)
    one = dynamics.simulate(dynamics.R1(), (-0.5, 0.3), 10, 0.1, alternating=True)
    torch.testing.assert_close(many[:, 1], one)


@pytest.mark.parametrize("name", [name for name in dynamics.NAMES if name not in ("gp", "clip")])
@pytest.mark.parametrize("alternating", [False, True])
@pytest.mark.parametrize("n_critic", [1, 3])
def test_update_matrix_is_the_derivative_of_one_round(name, alternating, n_critic):
    method, h = variant(name), 1e-5
    options = {"step_size": (0.1, 0.3), "alternating": alternating, "n_critic": n_critic}
    columns = []
    for direction in ((h, 0.0), (0.0, h)):
        ahead = dynamics.simulate(method, direction, 1, **options)[1]
        back = dynamics.simulate(method, tuple(-d for d in direction), 1, **options)[1]
        columns.append((ahead - back) / (2 * h))
    torch.testing.assert_close(dynamics.update_matrix(method, **options), torch.stack(columns, 1), atol=1e-8, rtol=0)


def radius(path):
    return path[-1].norm().item()


@pytest.mark.parametrize(
    ("name", "options"), [("r1", {"weight": 1.0}), ("instance-noise", {"std": 1.0}), ("consensus", {"weight": 1.0})]
)
@pytest.mark.parametrize("alternating", [False, True])
def test_regularised_methods_converge(name, options, alternating):
    path = dynamics.simulate(dynamics.make(name, **options), (1.0, 1.0), 1000, 0.1, alternating=alternating)
    assert radius(path) < 1e-6


@pytest.mark.parametrize("name", ["minimax", "non-saturating", "wgan", "clip", "gp", "lp"])
@pytest.mark.parametrize("alternating", [False, True])
def test_the_others_do_not(name, alternating):
    path = dynamics.simulate(dynamics.make(name), (1.0, 1.0), 3000, 0.1, alternating=alternating)
    assert path[-500:].norm(dim=-1).max() > 0.05


def test_least_squares_converges_slowly():
    path = dynamics.simulate(dynamics.LeastSquares(), (1.0, 1.0), 8000, 0.02, alternating=True)
    r = path.norm(dim=-1)
    assert r[8000] < 0.2 < r[1000]
    assert r[8000] > 0.01


def test_clipping_holds_the_critic():
    path = dynamics.simulate(dynamics.Clip(0.3), (1.0, 0.0), 500, 0.1)
    assert path[:, 1].abs().max() == pytest.approx(0.3)


@given(st.floats(-3, 3), st.floats(0, 3))
def test_projection_is_the_nearest_allowed_value(psi, clip):
    got = dynamics.Clip(clip).project(torch.tensor(psi, dtype=torch.float64)).item()
    grid = torch.linspace(-clip, clip, 2001, dtype=torch.float64)
    assert abs(got) <= clip
    assert abs(got - psi) <= (grid - psi).abs().min().item() + 1e-12


# --- refusals --------------------------------------------------------------------------------------------------------


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"name must be one of minimax, .* got 'wgan-xy'"):
        dynamics.make("wgan-xy")


@pytest.mark.parametrize("name", dynamics.NAMES)
def test_spelling_of_a_name_does_not_matter(name):
    for spelling in (name.upper(), name.replace("-", "_"), name.title()):
        assert type(dynamics.make(spelling)) is type(dynamics.make(name))


@pytest.mark.parametrize("weight", [1e-6, 3.0, 1e6, 1e12])
def test_eigenvalues_far_apart_keep_their_digits(weight):
    """With w >> 1 the slow one is -1/(4w), which the sum of -w/2 and nearly w/2 loses."""
    plus, minus = dynamics.R1(weight).eigenvalues().tolist()
    assert plus * minus == pytest.approx(0.25, rel=1e-12)
    assert plus + minus == pytest.approx(-weight, rel=1e-12)
    assert max(plus.real, minus.real) < 0


def test_states_of_any_type_and_of_shapes_that_do_not_fit():
    method = dynamics.R1()
    expected = torch.stack(method.field(1.0, 2.0))
    for one in (1, torch.tensor(1), torch.tensor(1.0, dtype=torch.float16), np.float32(1), np.array(1)):
        assert torch.equal(torch.stack(method.field(one, 2.0)), expected)
    assert method.field(0.1, 2.0)[0].item() == pytest.approx(-2 / (1 + math.exp(0.2)), rel=1e-14)
    with pytest.raises(ValueError, match=r"broadcast, got \(2,\) and \(3,\)"):
        method.field(torch.zeros(2), torch.zeros(3))
    with pytest.raises(ValueError, match="a pair"):
        dynamics.simulate(method, (1.0, 2.0, 3.0), 2)


@pytest.mark.parametrize(("nodes", "error"), [(0, ValueError), (257, ValueError), (2.5, TypeError)])
def test_quadratures_that_cannot_be_made(nodes, error):
    with pytest.raises(error, match="nodes"):
        dynamics.InstanceNoise(1.0, nodes)


def test_underscores_do_for_hyphens():
    assert isinstance(dynamics.make("instance_noise"), dynamics.InstanceNoise)


def test_unknown_option():
    with pytest.raises(TypeError, match="argument"):
        dynamics.make("wgan", weight=1.0)


@pytest.mark.parametrize(("name", "option"), [(n, o) for n, opts in OPTIONS.items() for o in opts])
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_bad_options(name, option, value):
    with pytest.raises(ValueError, match=f"{option} must be non-negative and finite"):
        dynamics.make(name, **{option: value})


def test_option_that_is_no_number():
    with pytest.raises(TypeError, match="weight must be a number, got 'much'"):
        dynamics.R1("much")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_states_that_are_not_finite(bad):
    with pytest.raises(ValueError, match="theta and psi must be finite"):
        dynamics.WGAN().field(bad, 0.0)
    with pytest.raises(ValueError, match="theta and psi must be finite"):
        dynamics.WGAN().jacobian(0.0, bad)


def test_divergence_is_reported():
    with pytest.raises(ValueError, match="diverged"):
        dynamics.simulate(dynamics.WGAN(), (1.0, 1.0), 2000, 10.0)


@pytest.mark.parametrize("step_size", [0.0, -0.1, math.nan, (0.1, -0.1)])
def test_bad_step_sizes(step_size):
    with pytest.raises(ValueError, match="step_size"):
        dynamics.simulate(dynamics.WGAN(), (1.0, 1.0), 2, step_size)


def test_three_step_sizes():
    with pytest.raises(ValueError, match="a number or two"):
        dynamics.update_matrix(dynamics.WGAN(), (0.1, 0.2, 0.3))


@pytest.mark.parametrize("name", ["steps", "n_critic"])
def test_bad_counts(name):
    counts = {"steps": 2, "n_critic": 1}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        dynamics.simulate(dynamics.WGAN(), (1.0, 1.0), **{**counts, name: 0})
    with pytest.raises(TypeError, match=f"{name} must be a whole number, got 2.5"):
        dynamics.simulate(dynamics.WGAN(), (1.0, 1.0), **{**counts, name: 2.5})


def test_the_base_class_has_no_field():
    with pytest.raises(TypeError, match="take one of the methods"):
        dynamics.Variant().field(0.0, 0.0)
    with pytest.raises(TypeError, match="take one of the methods"):
        dynamics.Variant().jacobian()


# --- laws that hold for all methods ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", dynamics.NAMES)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_fields_are_odd(name, theta, psi):
    """Mirroring the generator's and the discriminator's axis changes nothing but the sign."""
    ahead, back = variant(name).field(theta, psi), variant(name).field(-theta, -psi)
    assert [v.item() for v in back] == pytest.approx([-v.item() for v in ahead], abs=1e-12)


@pytest.mark.parametrize("name", dynamics.NAMES)
@pytest.mark.parametrize("alternating", [False, True])
def test_a_path_in_two_pieces_is_the_path(name, alternating):
    options = {"step_size": 0.07, "alternating": alternating, "n_critic": 2}
    whole = dynamics.simulate(variant(name), (0.8, -0.4), 30, **options)
    first = dynamics.simulate(variant(name), (0.8, -0.4), 12, **options)
    second = dynamics.simulate(variant(name), tuple(first[-1]), 18, **options)
    torch.testing.assert_close(torch.cat([first, second[1:]]), whole)


@pytest.mark.parametrize("name", [name for name in dynamics.NAMES if name not in ("gp", "clip")])
def test_small_steps_follow_the_flow(name):
    """Halving the step halves the distance to SciPy's solution of the differential equation."""
    from scipy.integrate import solve_ivp

    method = variant(name)

    def speed(_time, state):
        return [value.item() for value in method.field(*state)]

    truth = torch.from_numpy(solve_ivp(speed, (0, 2), (0.9, 0.7), rtol=1e-9, atol=1e-11).y[:, -1])
    errors = [(dynamics.simulate(method, (0.9, 0.7), n, 2 / n)[-1] - truth).norm().item() for n in (100, 200, 400)]
    assert errors[0] < 0.1
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.25)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.25)


@pytest.mark.parametrize("name", ["r1", "instance-noise", "consensus"])
@pytest.mark.parametrize("alternating", [False, True])
@pytest.mark.parametrize("n_critic", [1, 4])
def test_decay_near_the_equilibrium_is_the_spectral_radius(name, alternating, n_critic):
    options = {"step_size": 0.1, "alternating": alternating, "n_critic": n_critic}
    modulus = torch.linalg.eigvals(dynamics.update_matrix(variant(name), **options)).abs().max().item()
    path = dynamics.simulate(variant(name), (1e-4, 1e-4), 300, **options).norm(dim=-1)
    assert modulus < 1
    assert math.log((path[300] / path[100]).item()) / 200 == pytest.approx(math.log(modulus), abs=0.02)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("minimax", [[0.0, -0.5], [0.5, 0.0]]),
        ("non-saturating", [[0.0, -0.5], [0.5, 0.0]]),
        ("wgan", [[0.0, -1.0], [1.0, 0.0]]),
        ("clip", [[0.0, -1.0], [1.0, 0.0]]),
        ("gp", [[0.0, -1.0], [1.0, -1.3]]),
        ("lp", [[0.0, -1.0], [1.0, 0.0]]),
        ("r1", [[0.0, -0.5], [0.5, -0.8]]),
        ("least-squares", [[0.0, -1.0], [1.0, 0.0]]),
        ("instance-noise", [[0.0, -0.5], [0.5, -0.18]]),
        ("consensus", [[-0.225, -0.5], [0.5, -0.225]]),
    ],
)
def test_jacobians_at_the_equilibrium_by_hand(name, expected):
    torch.testing.assert_close(variant(name).jacobian(), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("nodes", [24, 48, 96])
def test_instance_noise_does_not_hang_on_the_quadrature(nodes):
    got = torch.stack(dynamics.InstanceNoise(0.8, nodes).field(1.2, 1.5))
    torch.testing.assert_close(got, torch.stack(dynamics.InstanceNoise(0.8, 128).field(1.2, 1.5)), atol=1e-6, rtol=0)
