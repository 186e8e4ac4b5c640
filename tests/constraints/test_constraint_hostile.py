"""Critics that someone would build to break the constraints: odd shapes, shared weights, hooks, modes, lazy layers."""

import copy
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import parametrize, prune

from wgan_course import constraints
from wgan_course.constraints import layers, penalties

NORMALISED = ("sn", "sn_conv", "sn_projected", "weight_norm", "orthonormal")
ON_WEIGHTS = (*NORMALISED, "frobenius_clip", "spectral_regularisation")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=1, dtype=torch.float32):
    return torch.randn(shape, generator=seeded(seed), dtype=dtype)


def gp(critic, *shape, name="gp", **options):
    return constraints.make(name, **options).penalty(critic, normal(*shape), normal(*shape, seed=2), seeded(3))


def steps(name, critic, x, count=3, **options):
    """A few steps of plain descent, in the order of the training loop."""
    constraint = constraints.make(name, **options)
    critic = constraint.prepare(critic)
    critic(x)
    optimizer = torch.optim.SGD(critic.parameters(), 0.1)
    for _ in range(count):
        optimizer.zero_grad()
        (critic(x).mean() + constraint.penalty(critic, x, -x, seeded())).backward()
        optimizer.step()
        constraint.project_(critic)
    return critic


# -- what a critic may return, and what it may be given ------------------------------------------------


@pytest.mark.parametrize(
    "critic",
    [
        lambda x: (2 * x).sum(1),
        lambda x: (2 * x).sum(1, keepdim=True),
        lambda x: (2 * x).sum(1)[None],
        lambda x: (2 * x).sum(1)[:, None, None],
    ],
    ids=["(n,)", "(n, 1)", "(1, n)", "(n, 1, 1)"],
)
def test_one_score_a_sample_in_whatever_shape(critic):
    expected = 10 * (2 * 3**0.5 - 1) ** 2
    assert gp(critic, 4, 3).item() == pytest.approx(expected, rel=1e-6)
    assert gp(critic, 1, 3).item() == pytest.approx(expected, rel=1e-6)


def test_a_squeezed_score_of_a_batch_of_one_is_one_score():
    assert gp(lambda x: (2 * x).sum(1).squeeze(), 1, 3).item() == pytest.approx(10 * (2 * 3**0.5 - 1) ** 2, rel=1e-6)


OUTPUTS = {"tuple": lambda x: (x.sum(1), x), "list": lambda x: [1.0], "nothing": lambda x: None}


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_outputs_that_are_no_tensor_are_refused_by_name(output):
    with pytest.raises(ValueError, match=r"one score a sample.*got a "):
        gp(output, 4, 3)


class Detaching(nn.Module):
    """It has a graph, through its weights, but not one that reaches the input."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def forward(self, x):
        return self.linear(x.detach())


def test_a_critic_that_detaches_its_input_is_refused_though_it_has_a_graph():
    for name in ("gp", "lp", "r1", "dragan"):
        with pytest.raises(ValueError, match="detached"):
            gp(Detaching(), 4, 3, name=name)
    with pytest.raises(ValueError, match="detached"):
        penalties.input_gradient(lambda x: torch.ones(len(x), requires_grad=True), normal(4, 3))


def test_a_dead_critic_is_not_taken_for_a_detached_one():
    critic = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    nn.init.constant_(critic[0].weight, 0)
    nn.init.constant_(critic[0].bias, -1)
    assert gp(critic, 4, 3, weight=1.0).item() == 1


@pytest.mark.parametrize("shape", [(5,), (5, 1), (1, 1), (2, 1, 1, 1), (3, 2, 2, 2, 2)], ids=str)
@pytest.mark.parametrize("name", ["gp", "lp", "r1", "dragan"])
def test_points_of_any_shape_also_numbers_on_the_line(name, shape):
    slope = nn.Parameter(torch.tensor(2.0))
    value = gp(lambda x: (slope * x).reshape(len(x), -1).sum(1), *shape, name=name, weight=1.0)
    norm = 2 * float(np.prod(shape[1:])) ** 0.5
    assert value.item() == pytest.approx(norm**2 / 2 if name == "r1" else (norm - 1) ** 2, rel=1e-5)
    value.backward()
    assert slope.grad.item() > 0


def test_interpolate_does_not_broadcast():
    for other in (normal(4, 1), normal(1, 2), normal(4, 2, 1)):
        with pytest.raises(ValueError, match="same shape"):
            penalties.interpolate(normal(4, 2), other, torch.rand(4))


def test_fakes_of_another_precision_are_brought_to_the_real_ones():
    critic = nn.Linear(3, 1).double()
    real, fake = normal(4, 3, dtype=torch.float64), normal(4, 3, seed=2)
    for first, second, made in ((real, fake, critic), (fake, real, critic.float)):
        network = made if isinstance(made, nn.Module) else made()
        value = constraints.make("gp").penalty(network, first, second, seeded())
        assert value.dtype == first.dtype


@pytest.mark.parametrize("bad", [torch.ones(4, 3, dtype=torch.complex64), [[1.0]], np.ones((4, 3)), None], ids=type)
def test_batches_that_are_no_real_tensors_are_refused(bad):
    for name in ("gp", "r1", "dragan"):
        with pytest.raises(TypeError, match="real must be a floating-point tensor"):
            constraints.make(name).penalty(nn.Linear(3, 1), bad, normal(4, 3), seeded())


@pytest.mark.parametrize("bad", [torch.tensor(1.0), torch.ones(0, 3), torch.ones(3, 0)], ids=["no axis", "n=0", "d=0"])
def test_batches_without_a_sample_are_refused(bad):
    for name in ("gp", "r1", "dragan"):
        with pytest.raises(ValueError, match="at least one sample"):
            constraints.make(name).penalty(nn.Linear(3, 1), bad, bad, seeded())


@pytest.mark.parametrize("name", ["gp", "lp", "r1", "dragan"])
def test_samples_that_were_made_in_inference_mode_are_as_good_as_others(name):
    critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    real, fake = normal(4, 3), normal(4, 3, seed=2)
    with torch.inference_mode():
        other_real, other_fake = real.clone(), fake.clone()
    constraint = constraints.make(name)
    value = constraint.penalty(critic, other_real, other_fake, seeded())
    torch.testing.assert_close(value, constraint.penalty(critic, real, fake, seeded()))
    value.backward()
    assert critic[0].weight.grad.isfinite().all()


@pytest.mark.parametrize("name", ["gp", "r1", "dragan"])
@pytest.mark.parametrize(
    "view",
    [lambda x: x.mT.contiguous().mT, lambda x: x[:1].expand(4, 3, 3), lambda x: x.flip(0)[::1], lambda x: x[..., :1]],
    ids=["transposed", "expanded", "flipped", "sliced"],
)
def test_memory_layout_does_not_matter(name, view):
    critic = lambda x: x.square().flatten(1).sum(1)
    real, fake = view(normal(4, 3, 3)), view(normal(4, 3, 3, seed=2))
    constraint = constraints.make(name)
    one = constraint.penalty(critic, real, fake, seeded())
    other = constraint.penalty(critic, real.clone(memory_format=torch.contiguous_format), fake.contiguous(), seeded())
    torch.testing.assert_close(one, other)


def test_a_frozen_critic_gives_a_penalty_without_a_graph_to_its_weights():
    critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).requires_grad_(False)
    value = gp(critic, 4, 3)
    critic.requires_grad_(True)
    torch.testing.assert_close(value, gp(critic, 4, 3))
    assert all(parameter.grad is None for parameter in critic.parameters())


def test_noise_around_a_single_or_constant_sample_is_no_noise():
    critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    x = torch.full((5, 3), 2.0)
    seen = penalties.sample_norms(penalties.input_gradient(critic, x))
    value = constraints.make("dragan", weight=1.0).penalty(critic, x, None, seeded())
    torch.testing.assert_close(value, penalties.two_sided(seen).mean())


@pytest.mark.parametrize("number", [np.float32(3), np.float64(3), np.int64(3), 3])
def test_numbers_of_numpy_are_numbers(number):
    assert constraints.make("gp", weight=number).weight == 3
    assert constraints.make("clip", clip=number).clip == 3


def test_whole_numbers_of_numpy_are_whole_and_tensors_are_not():
    assert constraints.make("sn", steps=np.int64(2)).steps == 2
    for bad in (np.float64(2), torch.tensor(2), "2", None, True):
        with pytest.raises(TypeError, match="whole number"):
            constraints.make("sn", steps=bad)
    for bad in (torch.tensor(2.0), "2", None, True, 1j):
        with pytest.raises(TypeError, match="must be a number"):
            constraints.make("gp", weight=bad)


# -- coupling ------------------------------------------------------------------------------------------


class Centred(nn.Module):
    """Samples are coupled within groups of neighbours, or of every k-th one; or only one way."""

    def __init__(self, groups):
        super().__init__()
        self.groups, self.linear = groups, nn.Linear(3, 1)

    def forward(self, x):
        centred = torch.empty_like(x)
        for group in self.groups(len(x)):
            centred[group] = x[group] - x[group].mean(0)
        return self.linear(centred) ** 2


class OneWay(nn.Module):
    def __init__(self, reader, source):
        super().__init__()
        self.reader, self.source, self.linear = reader, source, nn.Linear(3, 1)

    def forward(self, x):
        shift = torch.zeros(len(x), 1).index_fill(0, torch.tensor(self.reader), 1.0)
        return self.linear(x + shift * x[self.source])[:, 0]


def neighbours(k):
    return lambda n: torch.arange(n).split(k)


def every(k):
    return lambda n: [torch.arange(first, n, k) for first in range(k)]


@pytest.mark.parametrize("groups", [neighbours(2), neighbours(4), neighbours(8), every(2), every(4)])
@pytest.mark.parametrize("n", [8, 16])
def test_groups_of_any_size_are_found_to_couple(groups, n):
    critic, x = Centred(groups), normal(n, 3).requires_grad_()
    assert penalties.couples_samples(critic(x), x)
    with pytest.warns(constraints.CoupledSamplesWarning):
        gp(critic, n, 3)


@pytest.mark.parametrize(("reader", "source"), [(0, 1), (1, 0), (0, 7), (7, 0), (2, 6), (5, 4)])
def test_a_single_sample_that_looks_at_one_other_is_found(reader, source):
    x = normal(8, 3).requires_grad_()
    assert penalties.couples_samples(OneWay(reader, source)(x), x)
    assert not penalties.couples_samples(OneWay(source, source)(x), x)


def test_batch_norm_first_seen_in_evaluation_is_told_in_training():
    critic = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gp(critic, 8, 3)
    with pytest.warns(constraints.CoupledSamplesWarning):
        gp(critic.train(), 8, 3)


def test_the_first_look_may_happen_under_no_grad():
    critic = Centred(neighbours(2))
    with torch.no_grad(), pytest.warns(constraints.CoupledSamplesWarning):
        value = gp(critic, 8, 3)
    assert not value.requires_grad
    assert gp(critic, 8, 3).requires_grad


def test_a_batch_of_one_does_not_use_up_the_look():
    critic = Centred(neighbours(2))
    gp(critic, 1, 3)
    with pytest.warns(constraints.CoupledSamplesWarning):
        gp(critic, 8, 3)


def test_a_critic_that_is_only_a_function_is_looked_at_once_a_constraint():
    constraint = constraints.make("r1")
    function = lambda x: (x - x.mean(0)).square().sum(1)
    with pytest.warns(constraints.CoupledSamplesWarning):
        constraint.penalty(function, normal(4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        constraint.penalty(function, normal(4, 3))


def test_the_compiled_penalty_is_looked_at_too():
    critic = Centred(lambda n: [torch.arange(n)])
    function = penalties.compile_penalty(constraints.make("gp"), critic, backend="eager")
    with pytest.warns(constraints.CoupledSamplesWarning):
        function(normal(4, 3), normal(4, 3, seed=2), torch.rand(4))


def test_a_static_graph_is_found_inside_other_modules():
    class Static(DistributedDataParallel):
        def __init__(self):
            nn.Module.__init__(self)
            self.static_graph = True

    for critic in (Static(), nn.Sequential(nn.Sequential(Static()))):
        with pytest.raises(RuntimeError, match="static_graph=False"):
            penalties.refuse_static_graph(critic)
    penalties.refuse_static_graph(nn.Sequential(nn.Linear(2, 1)))
    penalties.refuse_static_graph(lambda x: x)


# -- layers that are shared, frozen, lazy, hooked ------------------------------------------------------


def tied():
    torch.manual_seed(0)
    one, two = nn.Linear(3, 3), nn.Linear(3, 3)
    two.weight = one.weight
    return nn.Sequential(one, nn.Tanh(), two, nn.Tanh(), nn.Linear(3, 1))


@pytest.mark.parametrize("name", constraints.NAMES)
def test_tied_weights_stay_tied_and_bounded(name):
    critic = steps(name, tied(), normal(4, 3))
    assert len(list(critic.parameters())) == 5
    assert torch.equal(critic[0].weight, critic[2].weight)
    if name in ("sn", "sn_conv", "sn_projected", "orthonormal"):
        assert torch.linalg.svdvals(critic[0].weight.detach())[0].item() == pytest.approx(1, abs=2e-2)


@pytest.mark.parametrize("name", ON_WEIGHTS)
def test_one_layer_in_two_places_is_constrained_once(name):
    torch.manual_seed(0)
    layer = nn.Linear(3, 3)
    critic = steps(name, nn.Sequential(layer, nn.Tanh(), layer, nn.Linear(3, 1)), normal(4, 3))
    assert critic[0] is critic[2]
    assert len(list(critic.parameters())) == 4
    assert critic(normal(4, 3)).isfinite().all()


def test_one_activation_object_in_two_places_is_replaced_in_both():
    relu = nn.ReLU()
    critic = nn.Sequential(nn.Linear(2, 4), relu, nn.Linear(4, 4), relu, nn.Sequential(nn.Linear(4, 4), relu))
    constraints.make("orthonormal").prepare(critic)
    assert not any(isinstance(module, nn.ReLU) for module in critic.modules())
    assert [type(critic[i]).__name__ for i in (1, 3)] == ["GroupSort", "GroupSort"]


@pytest.mark.parametrize("kind", [nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.ReLU6, nn.PReLU, nn.Softplus, nn.Mish])
def test_activations_steeper_than_one_do_not_survive_group_sort(kind):
    critic = constraints.make("orthonormal").prepare(nn.Sequential(nn.Linear(2, 4), kind(), nn.Linear(4, 1)))
    assert type(critic[1]).__name__ == "GroupSort"


@pytest.mark.parametrize("name", ON_WEIGHTS)
def test_frozen_weights_are_constrained_and_stay_frozen(name):
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 3).requires_grad_(False), nn.Linear(3, 1))
    critic = steps(name, critic, normal(4, 3))
    assert sum(parameter.requires_grad for parameter in critic.parameters()) == 2


@pytest.mark.parametrize("name", ON_WEIGHTS)
def test_lazy_layers_are_refused_until_they_have_weights(name):
    critic = nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 1))
    with pytest.raises(ValueError, match="lazy"):
        constraints.make(name).prepare(critic)
    critic(normal(2, 5))
    steps(name, critic, normal(4, 5))


HOOKS = {
    "old spectral norm": nn.utils.spectral_norm,
    "pruning": lambda layer: prune.l1_unstructured(layer, "weight", amount=1),
}


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("name", ON_WEIGHTS)
def test_weights_that_a_hook_computes_are_refused(name, hook):
    critic = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    HOOKS[hook](critic[0])
    with pytest.raises(ValueError, match="hook"):
        constraints.make(name).prepare(critic)


@pytest.mark.parametrize("first", ["sn", "weight_norm", "orthonormal"])
@pytest.mark.parametrize("second", ["clip", "frobenius_clip", "sn_projected", "spectral_regularisation"])
def test_constraints_on_stored_weights_refuse_what_computes_with_others(first, second):
    critic = constraints.make(first).prepare(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1)))
    with pytest.raises(ValueError, match=r"parametrised|constrained already"):
        constraints.make(second).prepare(critic)


@pytest.mark.parametrize(
    "extra",
    [
        nn.ParameterList([nn.Parameter(torch.ones(2, 2))]),
        nn.ParameterDict({"a": nn.Parameter(torch.ones(2, 2))}),
        nn.Bilinear(2, 2, 1),
        nn.GRU(2, 2),
        nn.MultiheadAttention(2, 1),
    ],
    ids=lambda extra: type(extra).__name__,
)
@pytest.mark.parametrize("name", ON_WEIGHTS)
def test_matrices_outside_of_layers_are_refused_by_name(name, extra):
    critic = nn.Sequential(nn.Linear(3, 1))
    critic.extra = extra
    with pytest.raises(ValueError, match="parameter 'extra"):
        constraints.make(name).prepare(critic)
    assert not parametrize.is_parametrized(critic[0])


def test_a_refusal_leaves_the_critic_as_it_was():
    critic = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3, padding=1, padding_mode="replicate"))
    before = copy.deepcopy(critic.state_dict())
    with pytest.raises(ValueError, match="repeats pixels"):
        constraints.make("orthonormal").prepare(critic)
    assert list(before) == list(critic.state_dict())
    assert not any(map(parametrize.is_parametrized, critic))
    constraints.make("sn").prepare(critic)


def test_spectral_regularisation_of_a_function_is_refused():
    with pytest.raises(TypeError, match="Module"):
        constraints.make("spectral_regularisation").penalty(lambda x: x)
    with pytest.raises(ValueError, match="prepare"):
        constraints.make("spectral_regularisation").penalty(nn.Sequential(nn.Linear(3, 1)))


def test_kinds_of_layers():
    convolution, transposed = nn.Conv1d(2, 3, 2), nn.ConvTranspose1d(2, 3, 2)
    assert [layers.is_convolution(layer) for layer in (convolution, transposed, nn.Linear(2, 3))] == [True, True, False]
    assert [layers.transposed_layer(layer) for layer in (convolution, transposed)] == [False, True]
    assert layers.as_matrix(convolution.weight).shape == (3, 4)
    assert layers.as_matrix(transposed.weight, transposed=True).shape == (3, 4)
    assert torch.equal(layers.as_matrix(transposed.weight, transposed=True)[2, 2:], transposed.weight[1, 2])


# -- geometries: copy, save, load, change of type ------------------------------------------------------


GEOMETRIES = {
    "transposed": (lambda: nn.ConvTranspose2d(2, 3, 4, 2, 1), (2, 2, 5, 5)),
    "no batch axis": (lambda: nn.Conv1d(2, 3, 3), (2, 7)),
    "groups": (lambda: nn.Conv2d(4, 4, 3, groups=2, padding=1), (2, 4, 5, 5)),
    "transposed groups": (lambda: nn.ConvTranspose2d(4, 4, 3, groups=2), (2, 4, 5, 5)),
    "one number": (lambda: nn.Conv2d(1, 1, 1), (1, 1, 1, 1)),
    "one to one": (lambda: nn.Linear(1, 1), (1, 1)),
    "three axes": (lambda: nn.Conv3d(1, 2, 2), (1, 1, 3, 3, 3)),
}


def made(name, geometry, zero=False):
    torch.manual_seed(0)
    layer = GEOMETRIES[geometry][0]()
    if zero:
        nn.init.zeros_(layer.weight)
    return constraints.make(name).prepare(nn.Sequential(layer))


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("name", ON_WEIGHTS)
def test_copies_states_and_types_of_every_geometry(name, geometry):
    critic, x = made(name, geometry), normal(*GEOMETRIES[geometry][1])
    critic(x).sum().backward()
    expected = critic.eval()(x)
    assert expected.isfinite().all()
    assert torch.equal(copy.deepcopy(critic)(x), expected)
    fresh = made(name, geometry).eval()
    fresh.load_state_dict(critic.state_dict())
    assert torch.equal(fresh(x), expected)
    wide = made(name, geometry).double()
    wide.load_state_dict(critic.state_dict())
    torch.testing.assert_close(wide.eval()(x.double()).float(), expected, rtol=1e-3, atol=1e-4)
    wide.train()(x.double()).sum().backward()


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("name", NORMALISED)
def test_zero_weights_give_zero_and_no_nan(name, geometry):
    critic, x = made(name, geometry, zero=True), normal(*GEOMETRIES[geometry][1])
    critic(x).square().sum().backward()
    assert all(parameter.isfinite().all() for parameter in critic.parameters())
    if name != "orthonormal":
        assert critic[0].weight.abs().max() == 0
    assert (critic(x) - (critic[0].bias.view(-1, *[1] * (x.ndim - 2)) if x.ndim > 2 else 0)).isfinite().all()


def operator_critic():
    torch.manual_seed(0)
    return constraints.make("sn_conv").prepare(nn.Sequential(nn.Conv2d(1, 2, 3)))


def test_a_zero_convolution_recovers_under_operator_normalisation():
    critic, x = made("sn_conv", "groups", zero=True), normal(2, 4, 5, 5)
    critic(x)
    original = critic[0].parametrizations.weight.original
    with torch.no_grad():
        original.copy_(normal(*original.shape))
    for _ in range(200):
        critic(x)
    basis = torch.eye(100).reshape(100, 4, 5, 5)
    dense = (critic.eval()(basis) - critic(torch.zeros(1, 4, 5, 5))).flatten(1)
    assert torch.linalg.svdvals(dense.detach())[0].item() == pytest.approx(1, abs=1e-2)


def test_operator_normalisation_first_seen_in_inference_mode_trains_afterwards():
    critic, x = operator_critic(), normal(2, 1, 5, 5)
    with torch.inference_mode():
        critic(x)
    before = critic[0].parametrizations.weight[0].power.v.clone()
    steps_taken = torch.optim.SGD(critic.parameters(), 0.5)
    critic(x).square().sum().backward()
    steps_taken.step()
    constraints.make("sn_conv").project_(critic)
    assert not torch.equal(before, critic[0].parametrizations.weight[0].power.v)


def test_operator_normalisation_sees_an_input_given_by_name():
    class ByName(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Conv2d(1, 2, 3)

        def forward(self, x):
            return self.body(input=x).mean((1, 2, 3))

    critic = constraints.make("sn_conv").prepare(ByName())
    critic(normal(2, 1, 5, 5))
    assert critic.body.parametrizations.weight[0].power.v.shape == (1, 1, 5, 5)


def test_the_state_of_a_critic_that_saw_nothing_loads_into_one_that_did():
    seen, unseen = operator_critic(), operator_critic()
    seen(normal(1, 1, 5, 5))
    seen.load_state_dict(unseen.state_dict())
    assert seen[0].parametrizations.weight[0].power.v is None
    x = normal(1, 1, 5, 5)
    torch.testing.assert_close(seen(x), unseen(x), rtol=2e-2, atol=1e-2)  # another start vector


def test_a_state_from_elsewhere_follows_the_weight():
    """A checkpoint is read to the CPU; the vectors must end where the weight is, in its type."""
    saved = operator_critic()
    saved(normal(1, 1, 5, 5))
    critic = operator_critic().to("meta")
    critic.load_state_dict(saved.state_dict())
    power = critic[0].parametrizations.weight[0].power
    assert power.v.device.type == "cpu"
    assert critic(torch.empty(1, 1, 5, 5, device="meta")).is_meta
    assert power.u.is_meta
    assert power.v.is_meta


@pytest.mark.parametrize("name", NORMALISED)
def test_types_may_change_back_and_forth(name):
    critic, x = made(name, "groups"), normal(2, 4, 5, 5)
    constraint = constraints.make(name)
    critic(x)
    for dtype in (torch.bfloat16, torch.float64, torch.float32):
        critic = critic.to(dtype)
        critic(x.to(dtype)).float().sum().backward()
        constraint.project_(critic)
        assert critic[0].weight.dtype == dtype
        assert all(buffer.dtype == dtype for buffer in critic.buffers())
        critic.zero_grad(set_to_none=True)


@pytest.mark.parametrize("name", ON_WEIGHTS)
def test_no_grad_around_a_training_forward_leaves_a_graph_to_the_next(name):
    critic, x = made(name, "groups"), normal(2, 4, 5, 5)
    with torch.no_grad():
        assert not critic(x).requires_grad
    critic(x).square().sum().backward()
    assert all(parameter.grad is not None for parameter in critic.parameters())


@pytest.mark.parametrize("name", ON_WEIGHTS)
def test_constraints_reach_layers_at_any_depth(name):
    torch.manual_seed(0)
    inner = nn.ModuleDict({"a": nn.ModuleList([nn.Linear(3, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 3))])})

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.last = inner, nn.Linear(3, 1)

        def forward(self, x):
            for layer in self.inner["a"]:
                x = layer(x)
            return self.last(x)

    critic = Deep()
    for _, layer in layers.weight_layers(critic):
        layer.weight.data.mul_(30)
    critic = steps(name, critic, normal(4, 3), count=1)
    for _, layer in layers.weight_layers(critic):
        norm = torch.linalg.svdvals(layer.weight.detach())[0].item()
        assert norm <= 3**0.5 + 1e-5 if name != "spectral_regularisation" else norm < 60
