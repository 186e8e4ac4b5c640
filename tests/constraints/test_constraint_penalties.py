"""Gradient penalties against closed forms and finite differences, and the museum of wrong ones."""

import copy
import warnings

import pytest
import torch
from torch import nn

from wgan_course import constraints
from wgan_course.constraints import penalties

GRADIENT_PENALTIES = ("gp", "lp", "r1", "dragan")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def tanh_critic(features=3, hidden=4):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(features, hidden), nn.Tanh(), nn.Linear(hidden, 1)).double()


def batch(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=seeded(seed), dtype=dtype)


def finite_difference(function, parameter, step=1e-6):
    flat, out = parameter.data.view(-1), torch.zeros(parameter.numel(), dtype=torch.float64)
    for index in range(len(flat)):
        old = flat[index].item()
        flat[index] = old + step
        above = function().item()
        flat[index] = old - step
        out[index] = (above - function().item()) / (2 * step)
        flat[index] = old
    return out.view_as(parameter)


@pytest.mark.parametrize("name", GRADIENT_PENALTIES)
def test_parameter_gradient_against_finite_differences(name):
    critic, real, fake = tanh_critic(), batch(5, 3), batch(5, 3, seed=1) * 2
    for parameter in critic.parameters():
        parameter.data *= 4
    penalty = lambda: constraints.make(name, weight=3.0).penalty(critic, real, fake, seeded(2))
    penalty().backward()
    for parameter in list(critic.parameters())[:3]:
        torch.testing.assert_close(parameter.grad, finite_difference(penalty, parameter), rtol=1e-6, atol=1e-6)
    assert critic[2].bias.grad is None or critic[2].bias.grad.abs().max() == 0


# -- closed form: f(x) = x'Ax/2 + b'x has the gradient Ax + b ---------------------------------------


class Quadratic(nn.Module):
    def __init__(self, features=3):
        super().__init__()
        self.a = nn.Parameter(batch(features, features, seed=3))
        self.b = nn.Parameter(batch(features, seed=4))

    def slope(self, x):
        return x @ (self.a + self.a.T) / 2 + self.b

    def forward(self, x):
        return ((x @ self.a) * x).sum(1) / 2 + x @ self.b


def test_r1_on_generated_samples_too_equals_the_closed_form():
    """½ γ (E_P ‖∇f‖² + E_Q ‖∇f‖²) and its gradient, with conditioning; a batch of another size is refused."""
    critic, real, fake = Quadratic(), batch(6, 3), 3 * batch(6, 3, seed=1)
    constraint = constraints.make("r1", weight=4.0, fakes=True)
    found = constraint.penalty(critic, real, fake)
    expected = 2 * sum((critic.slope(x) ** 2).sum(1).mean() for x in (real, fake))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    gradients = [torch.autograd.grad(value, critic.a)[0] for value in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)
    scaled = lambda x, scales: critic(x) * scales
    scales = torch.arange(1.0, 7.0, dtype=torch.float64)
    expected = 2 * sum(((critic.slope(x) ** 2).sum(1) * scales**2).mean() for x in (real, fake))
    torch.testing.assert_close(constraint.penalty(scaled, real, fake, scales=scales), expected, rtol=1e-12, atol=0)
    with pytest.raises(ValueError, match="same shape"):
        constraint.penalty(critic, real, fake[:4])
    with pytest.raises(TypeError, match="fake"):
        constraint.penalty(critic, real)


CLOSED = {
    "gp": lambda n: ((n - 1) ** 2).mean(),
    "lp": lambda n: (torch.clamp(n - 1, min=0) ** 2).mean(),
    "r1": lambda n: (n**2).mean() / 2,
}


@pytest.mark.parametrize("name", CLOSED)
def test_value_and_gradient_equal_the_closed_form(name):
    check_against_closed_form(
        lambda critic, real, fake, epsilon: constraints.make(name, weight=10.0).penalty(
            critic, real, fake, epsilon=epsilon
        ),
        name,
    )


def check_against_closed_form(penalty, name="gp"):
    critic, real, fake = Quadratic(), batch(6, 3), batch(6, 3, seed=1)
    epsilon = torch.rand(6, generator=seeded(5), dtype=torch.float64)
    points = real if name == "r1" else epsilon[:, None] * real + (1 - epsilon[:, None]) * fake
    expected = 10 * CLOSED[name](critic.slope(points).square().sum(1).sqrt())
    got = penalty(critic, real, fake, epsilon)
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)
    want = torch.autograd.grad(expected, [critic.a, critic.b])
    have = torch.autograd.grad(got, [critic.a, critic.b], allow_unused=True)
    for one, other in zip(have, want, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)


def wrong(points=None, gradient=None, reduce=None):
    """A gradient penalty of which one part is replaced."""

    def mix(r, f, e):
        return e[:, None] * r + (1 - e[:, None]) * f

    def take(critic, x):
        x = x.detach().requires_grad_(True)
        return torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]

    def penalty(critic, real, fake, epsilon):
        g = (gradient or take)(critic, (points or mix)(real, fake, epsilon))
        return (reduce or (lambda g: 10 * (g.norm(dim=1) - 1).square().mean()))(g)

    return penalty


def gradient_with(create_graph=True, scale=1.0, mean=False):
    def take(critic, x):
        x = x.detach().requires_grad_(True)
        total = critic(x).mean() if mean else critic(x).sum()
        return scale * torch.autograd.grad(total, x, create_graph=create_graph)[0]

    return take


MUSEUM = {
    "real only (ε = 1)": wrong(points=lambda r, f, e: r),
    "fake only": wrong(points=lambda r, f, e: f),
    "one ε for the batch": wrong(points=lambda r, f, e: e[0] * r + (1 - e[0]) * f),
    "ε ignored": wrong(points=lambda r, f, e: (r + f) / 2),
    "extrapolation": wrong(points=lambda r, f, e: r + e[:, None] * (r - f)),
    "r + εf": wrong(points=lambda r, f, e: r + e[:, None] * f),
    "pure noise": wrong(points=lambda r, f, e: batch(*r.shape, seed=9)),
    "no create_graph": wrong(gradient=gradient_with(create_graph=False)),
    "times ten": wrong(gradient=gradient_with(scale=10.0)),
    "mean for sum": wrong(gradient=gradient_with(mean=True)),
    "mean of norms before squaring": wrong(reduce=lambda g: 10 * (g.norm(dim=1).mean() - 1).square()),
    "squared norm": wrong(reduce=lambda g: 10 * (g.norm(dim=1).square() - 1).square().mean()),
    "fourth power": wrong(reduce=lambda g: 10 * (g.norm(dim=1) - 1).pow(4).mean()),
    "detached": wrong(reduce=lambda g: 10 * (g.detach().norm(dim=1) - 1).square().mean()),
    "one norm for the batch": wrong(reduce=lambda g: 10 * (g.norm() - 1).square()),
    "norm along the batch": wrong(reduce=lambda g: 10 * (g.norm(dim=0) - 1).square().mean()),
    "zero-centred": wrong(reduce=lambda g: 10 * g.norm(dim=1).square().mean()),
    "no weight": wrong(reduce=lambda g: (g.norm(dim=1) - 1).square().mean()),
}


@pytest.mark.parametrize("piece", MUSEUM)
def test_museum_of_wrong_penalties_is_caught(piece):
    with pytest.raises((AssertionError, RuntimeError, TypeError)):
        check_against_closed_form(MUSEUM[piece])


def test_a_negated_gradient_is_caught_by_the_gradient_itself():
    critic, x = Quadratic(), batch(4, 3)
    torch.testing.assert_close(penalties.input_gradient(critic, x), critic.slope(x))
    assert not torch.allclose(-penalties.input_gradient(critic, x), critic.slope(x))


def test_right_versions_written_differently_pass():
    check_against_closed_form(wrong())
    check_against_closed_form(wrong(points=lambda r, f, e: f + (r - f) * e[:, None]))


# -- the small functions ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 64, 257])
@pytest.mark.parametrize("shape", [(), (3,), (1, 5, 5), (2, 3, 2, 2)])
def test_perfect_linear_critic_is_charged_nothing_at_any_batch_size(size, shape):
    slope = batch(*shape, seed=7) if shape else torch.ones((), dtype=torch.float64)
    slope = slope / slope.norm()
    critic = lambda x: (x * slope).reshape(len(x), -1).sum(1)
    value = constraints.make("gp").penalty(critic, batch(size, *shape), batch(size, *shape, seed=1), seeded())
    assert value.item() == pytest.approx(0, abs=1e-24)


def test_interpolate_keeps_each_pair_on_its_segment():
    real, fake, epsilon = batch(4, 2, 3), batch(4, 2, 3, seed=1), torch.tensor([0.0, 1.0, 0.25, 0.5]).double()
    points = penalties.interpolate(real, fake, epsilon)
    assert torch.equal(points[0], fake[0])
    assert torch.equal(points[1], real[1])
    torch.testing.assert_close(points[2], 0.25 * real[2] + 0.75 * fake[2])
    assert torch.equal(points, penalties.interpolate(real, fake, epsilon.view(4, 1, 1)))


@pytest.mark.parametrize(
    "epsilon", [torch.tensor(0.5), torch.rand(1), torch.rand(3), torch.rand(1, 4), torch.rand(4, 2)]
)
def test_interpolate_refuses_anything_but_one_epsilon_a_sample(epsilon):
    with pytest.raises(ValueError, match="one entry a sample"):
        penalties.interpolate(torch.rand(4, 2), torch.rand(4, 2), epsilon)


def test_each_sample_gets_its_own_epsilon_from_the_generator_given():
    seen = []
    real, fake = torch.ones(64, 2), torch.zeros(64, 2)
    critic = lambda x: (seen.append(x.detach()), x.sum(1))[1]
    state = torch.get_rng_state()
    for seed in (0, 0, 1):
        constraints.make("gp").penalty(critic, real, fake, seeded(seed))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])
    assert len(seen[0][:, 0].unique()) == 64
    assert torch.equal(seen[0][:, 0], seen[0][:, 1])


def test_norms_are_safe_at_a_zero_gradient():
    flat = nn.Linear(3, 1).double()
    nn.init.zeros_(flat.weight)
    value = constraints.make("gp", weight=1.0).penalty(flat, batch(4, 3), batch(4, 3, seed=1), seeded())
    value.backward()
    assert value.item() == 1
    assert flat.weight.grad.isfinite().all()
    zero = torch.zeros(2, 3, requires_grad=True, dtype=torch.float64)
    norms = penalties.sample_norms(zero)
    assert torch.equal(norms, torch.zeros(2).double())
    (first,) = torch.autograd.grad(norms.sum(), zero, create_graph=True)
    assert torch.equal(first, torch.zeros_like(zero))


def test_norms_run_over_all_axes_but_the_first():
    gradient = batch(3, 2, 4, 5)
    expected = torch.stack([g.flatten().norm() for g in gradient])
    torch.testing.assert_close(penalties.sample_norms(gradient), expected)
    torch.testing.assert_close(penalties.squared_norms(gradient), expected**2)
    norms = torch.tensor([0.0, 0.5, 1.0, 3.0])
    assert penalties.two_sided(norms).tolist() == [1, 0.25, 0, 4]
    assert penalties.one_sided(norms).tolist() == [0, 0, 0, 4]


def test_dragan_looks_around_real_samples_at_the_stated_distance():
    seen = []
    critic = lambda x: (seen.append(x.detach()), x.sum(1))[1]
    real = 4 * batch(4000, 2)
    constraints.make("dragan", radius=0.25).penalty(critic, real, None, seeded())
    assert (seen[0] - real).std().item() == pytest.approx(0.25 * real.std().item(), rel=0.05)
    assert (seen[0] - real).mean().item() == pytest.approx(0, abs=0.05)


# -- graphs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GRADIENT_PENALTIES)
def test_no_gradient_reaches_generator_or_data(name):
    generator, critic = nn.Linear(2, 3, bias=False).double(), tanh_critic()
    generator.weight.data.copy_(batch(3, 2))
    critic[-1].weight.data *= 100  # steeper than 1 everywhere, for the one-sided penalty
    real = batch(4, 3).requires_grad_(True)
    constraints.make(name).penalty(critic, real, generator(batch(4, 2)), seeded()).backward()
    assert generator.weight.grad is None
    assert real.grad is None
    assert critic[0].weight.grad.abs().sum() > 0


def test_under_no_grad_the_value_is_the_same_and_has_no_graph():
    critic, real, fake = tanh_critic(), batch(4, 3), batch(4, 3, seed=1)
    with_graph = constraints.make("gp").penalty(critic, real, fake, seeded())
    with torch.no_grad():
        without = constraints.make("gp").penalty(critic, real, fake, seeded())
    assert not without.requires_grad
    assert torch.equal(with_graph.detach(), without)


def test_inference_mode_is_refused():
    with torch.inference_mode(), pytest.raises(RuntimeError, match="no_grad"):
        penalties.input_gradient(tanh_critic(), batch(4, 3))


def test_frozen_critic_still_has_an_input_gradient():
    critic = tanh_critic().requires_grad_(False)
    assert penalties.input_gradient(critic, batch(4, 3), create_graph=False).abs().sum() > 0


class Conditional(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.table = nn.Linear(3, 4), nn.Embedding(5, 4)

    def forward(self, x, labels):
        return (self.body(x) * self.table(labels)).sum(1)


def test_conditioning_reaches_the_critic():
    critic, labels = Conditional().double(), torch.tensor([0, 3, 3, 1])
    real, fake = batch(4, 3), batch(4, 3, seed=1)
    value = constraints.make("gp", weight=1.0).penalty(critic, real, fake, seeded(), labels=labels)
    slopes = critic.table(labels) @ critic.body.weight
    torch.testing.assert_close(value, (slopes.norm(dim=1) - 1).square().mean())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_dtype_and_columns_of_scores(dtype):
    slope = torch.tensor([0.6, 0.8], dtype=dtype)
    critic = lambda x: (x * 2 * slope).sum(1, keepdim=True)
    real, fake = torch.zeros(4, 2, dtype=dtype), torch.ones(4, 2, dtype=dtype)
    value = constraints.make("gp", weight=1.0).penalty(critic, real, fake, seeded())
    assert value.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert value.item() == pytest.approx(1.0, rel=2e-2)


def test_autocast_gives_the_penalty_of_full_precision():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
    real, fake = batch(64, 8).float(), batch(64, 8, seed=1).float()
    full = constraints.make("gp").penalty(critic, real, fake, seeded())
    want = torch.autograd.grad(full, critic[0].weight)[0]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = constraints.make("gp").penalty(critic, real, fake, seeded())
        have = torch.autograd.grad(mixed, critic[0].weight)[0]
    assert mixed.dtype == torch.float32
    assert mixed.item() == pytest.approx(full.item(), rel=0.02)
    assert nn.functional.cosine_similarity(want.flatten(), have.flatten(), dim=0) > 0.999


# -- coupled samples --------------------------------------------------------------------------------


class SecretlyCoupled(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def forward(self, x):
        return self.linear(x - x.mean(0)) ** 2


@pytest.mark.parametrize("coupled", [nn.BatchNorm1d(3), SecretlyCoupled()], ids=["batch norm", "own class"])
def test_coupled_samples_are_told_once_a_critic(coupled):
    layers = (
        [coupled] if isinstance(coupled, SecretlyCoupled) else [coupled, nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)]
    )
    critic = nn.Sequential(*layers)
    arguments = critic, torch.randn(8, 3), torch.randn(8, 3), seeded()
    with pytest.warns(constraints.CoupledSamplesWarning, match="couples samples"):
        constraints.make("gp").penalty(*arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        constraints.make("gp").penalty(*arguments)


@pytest.mark.parametrize("norm", [nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.Identity(), nn.BatchNorm1d(4).eval()])
def test_uncoupled_critics_draw_no_warning(norm):
    critic = nn.Sequential(nn.Linear(3, 4), norm, nn.LeakyReLU(), nn.Linear(4, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        constraints.make("gp").penalty(critic, torch.randn(8, 3), torch.randn(8, 3), seeded())


def test_looking_for_coupling_changes_nothing():
    critic = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1))
    twin = copy.deepcopy(critic)
    x = torch.randn(8, 3)
    with pytest.warns(constraints.CoupledSamplesWarning):
        constraints.make("r1").penalty(critic, x, None)
    twin(x)
    for one, other in zip(critic.buffers(), twin.buffers(), strict=True):
        assert torch.equal(one, other)


# -- torch.compile and DDP --------------------------------------------------------------------------


def test_compiled_critic_is_refused_with_the_cure():
    critic = tanh_critic()
    compiled = torch.compile(critic, backend="aot_eager")
    with pytest.raises(RuntimeError, match="compile_penalty"):
        constraints.make("gp").penalty(compiled, batch(4, 3), batch(4, 3, seed=1), seeded())
    penalties.input_gradient(compiled, batch(4, 3), create_graph=False)


@pytest.mark.parametrize("name", ["gp", "lp"])
def test_compiled_penalty_has_the_eager_gradient(name):
    critic, constraint = tanh_critic(), constraints.make(name)
    real, fake, epsilon = 2 * batch(4, 3), batch(4, 3, seed=1), torch.rand(4, dtype=torch.float64)
    parameters = list(critic.parameters())[:3]
    eager = constraint.penalty(critic, real, fake, epsilon=epsilon)
    compiled = penalties.compile_penalty(constraint, critic, backend="aot_eager")(real, fake, epsilon)
    torch.testing.assert_close(compiled, eager)
    want, have = (torch.autograd.grad(value, parameters) for value in (eager, compiled))
    for one, other in zip(have, want, strict=True):
        torch.testing.assert_close(one, other)


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return Twice.apply(gradient)


class Doubled(nn.Module):
    def forward(self, x):
        return Twice.apply(x).sum(1)


def test_custom_functions_are_not_compiled():
    function = penalties.compile_penalty(constraints.make("gp"), Doubled(), backend="aot_eager")
    with pytest.raises(RuntimeError, match="Twice"):
        function(torch.rand(2, 3), torch.rand(2, 3), torch.rand(2))


# -- bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("real", "fake", "error", "message"),
    [
        (torch.rand(4, 2), torch.rand(3, 2), ValueError, "same shape"),
        (torch.rand(4, 2), torch.rand(4, 3), ValueError, "same shape"),
        (torch.rand(0, 2), torch.rand(0, 2), ValueError, "at least one"),
        (torch.full((4, 2), float("nan")), torch.rand(4, 2), ValueError, "real holds NaN"),
        (torch.rand(4, 2), torch.full((4, 2), float("inf")), ValueError, "fake holds NaN or infinity"),
        (torch.ones(4, 2, dtype=torch.int64), torch.rand(4, 2), TypeError, "int64"),
        (None, torch.rand(4, 2), TypeError, "NoneType"),
    ],
)
def test_bad_batches_are_refused(real, fake, error, message):
    with pytest.raises(error, match=message):
        constraints.make("gp").penalty(nn.Linear(2, 1), real, fake, seeded())


def test_missing_randomness_is_refused():
    with pytest.raises(TypeError, match="rng must be"):
        constraints.make("gp").penalty(nn.Linear(2, 1), torch.rand(4, 2), torch.rand(4, 2))
    with pytest.raises(TypeError, match="rng must be"):
        constraints.make("dragan").penalty(nn.Linear(2, 1), torch.rand(4, 2), None, 0)


def test_bad_critics_are_refused():
    x = torch.rand(4, 2)
    for critic in (lambda x: x, lambda x: x.sum(), lambda x: x.sum(1)[:3]):
        with pytest.raises(ValueError, match="one score a sample"):
            penalties.input_gradient(critic, x)
    with pytest.raises(ValueError, match="detached"):
        penalties.input_gradient(lambda x: x.detach().sum(1), x)


@pytest.mark.parametrize("name", GRADIENT_PENALTIES)
def test_bad_weights_are_refused(name):
    for weight in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="weight"):
            constraints.make(name, weight=weight)
    with pytest.raises(TypeError, match="weight"):
        constraints.make(name, weight="10")
    with pytest.raises(ValueError, match="radius"):
        constraints.make("dragan", radius=0.0)


# -- spectral regularisation ------------------------------------------------------------------------


def test_spectral_regularisation_against_svd():
    constraint, network = constraints.make("spectral_regularisation", weight=0.3, steps=200), tanh_critic(5, 4)
    network = constraint.prepare(network)
    value = constraint.penalty(network)
    weights = [network[0].weight, network[2].weight]
    exact = 0.15 * sum(torch.linalg.svdvals(w)[0] ** 2 for w in weights)
    torch.testing.assert_close(value, exact, rtol=1e-9, atol=0)
    have, want = (torch.autograd.grad(v, weights) for v in (value, exact))
    for one, other in zip(have, want, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)
    with pytest.raises(ValueError, match="prepare"):
        constraint.penalty(tanh_critic())
