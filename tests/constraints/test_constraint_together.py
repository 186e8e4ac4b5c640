"""All layers normalised at once against each by itself: values, vectors, two derivatives, and where it keeps out."""

import copy

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.nn.utils import parametrize
from torch.utils._python_dispatch import TorchDispatchMode

from wgan_course import constraints, norms
from wgan_course.constraints import penalties, spectral
from wgan_course.constraints.layers import as_matrix
from wgan_course.constraints.together import Divide, iterate


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Mixed(nn.Module):
    """Layers of every kind and of unlike shapes; one of them is not used."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(5, 8)
        self.convolution = nn.Conv2d(2, 4, 3, padding=1)
        self.back = nn.ConvTranspose2d(4, 3, 2, stride=2)
        self.linear, self.unused = nn.Linear(48, 1), nn.Linear(3, 7)

    def forward(self, labels):
        maps = self.embedding(labels).reshape(-1, 2, 2, 2)
        return self.linear(torch.tanh(self.back(torch.tanh(self.convolution(maps)))).flatten(1)).squeeze(1)


LABELS = torch.tensor([0, 3, 4, 4, 1])
X = torch.randn(16, 3, generator=seeded(1))


def moved(network, seed=2):
    """Weights from outside, so that u and v are not converged."""
    rng = seeded(seed)
    for parameter in network.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=rng))
    return network


def mixed(dtype=torch.float64):
    return moved(constraints.make("sn").prepare(Mixed()).to(dtype))


def small():
    torch.manual_seed(0)
    body = nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)
    return moved(constraints.make("sn").prepare(nn.Sequential(*body)))


def alone(network):
    """The same network without the hook: each layer normalises its own weight."""
    twin = copy.deepcopy(network)
    twin._forward_pre_hooks.clear()
    return twin


def powers(network):
    return [part for part in network.modules() if isinstance(part, spectral.PowerIteration)]


def used(network):
    return [parameter for name, parameter in network.named_parameters() if "unused" not in name]


class Counter(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += 1
        return func(*args, **(kwargs or {}))


@pytest.fixture
def calls(monkeypatch):
    """How often weights were normalised together."""
    seen, original = [], spectral._normalised
    monkeypatch.setattr(spectral, "_normalised", lambda *a: seen.append(len(a[0])) or original(*a))
    return seen


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("training", [True, False])
def test_values_vectors_and_gradients_are_those_of_each_layer_by_itself(steps, training, calls):
    network = mixed().train(training)
    for part in network.modules():
        if isinstance(part, spectral.SpectralNorm):
            part.steps = steps
    twin, got = alone(network), {}
    for each in (network, twin):
        with parametrize.cached():
            value = (each(LABELS) * each(LABELS.flip(0))).sum()
        got[each] = (value, *torch.autograd.grad(value, used(each)))
    assert calls == [5]
    for one, other in zip(got[network], got[twin], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12)
    for one, other in list(zip(powers(network), powers(twin), strict=True))[:4]:
        torch.testing.assert_close(one.u, other.u, rtol=1e-11, atol=1e-12)
        torch.testing.assert_close(one.v, other.v, rtol=1e-11, atol=1e-12)


def test_derivatives_of_first_and_second_order_against_finite_differences():
    """With u and v as they are, σ is linear in W; every step count but zero would change them."""
    weights = [
        torch.randn(s, generator=seeded(3), dtype=torch.float64, requires_grad=True) for s in ((3, 4), (2, 3, 2))
    ]
    u = [torch.randn(n, generator=seeded(4), dtype=torch.float64) for n in (3, 3)]
    v = [nn.functional.normalize(torch.randn(4, generator=seeded(5), dtype=torch.float64), dim=0) for _ in range(2)]

    def plain(*given):
        made = []
        for weight, swap, right in zip(given, (False, True), v, strict=True):
            image = (weight.transpose(0, 1) if swap else weight).flatten(1) @ right
            made.append(weight / (nn.functional.normalize(image.detach(), dim=0) * image).sum())
        return made

    def together(*given):
        swaps = (False, True)
        left, right, sigma = iterate([as_matrix(w.detach(), t) for w, t in zip(given, swaps, strict=True)], u, v, 0)
        return [Divide.apply(*each) for each in zip(given, sigma.unbind(), left, right, swaps, strict=True)]

    first, second = [], []
    for function in (plain, together):
        loss = sum(part.sin().sum() for part in function(*weights))
        gradients = torch.autograd.grad(loss, weights, create_graph=True)
        first.append(gradients)
        second.append(torch.autograd.grad(sum(g.pow(3).sum() for g in gradients), weights))
    for have in (first, second):
        for one, other in zip(*have, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-11)


def test_a_cached_step_iterates_once_whatever_its_forwards(calls):
    network = small()
    by_hand = [copy.deepcopy(power) for power in powers(network)]
    for _ in range(2):
        with parametrize.cached():
            loss = network(X).mean() - network(-X).mean()
            (loss + constraints.make("gp").penalty(network, X, -X, seeded())).backward()
        for power, layer in zip(by_hand, (network[0], network[2], network[4]), strict=True):
            power.iterate_(layer.parametrizations.weight.original, 1)
    assert calls == [3, 3]
    for power, expected in zip(powers(network), by_hand, strict=True):
        torch.testing.assert_close(power.v, expected.v, rtol=1e-5, atol=1e-6)


def test_it_takes_clearly_fewer_operations():
    network, counts = mixed(), []
    for each in (network, alone(network)):
        with Counter() as counter:
            with parametrize.cached():
                loss = each(LABELS).sum()
            loss.backward()
        counts.append(counter.count)
    plain = Mixed().double()
    with Counter() as counter:
        plain(LABELS).sum().backward()
    assert counts[0] - counter.count < 0.7 * (counts[1] - counter.count)


def test_an_unused_layer_gets_no_gradient():
    network = mixed()
    with parametrize.cached():
        network(LABELS).sum().backward()
    assert all(parameter.grad is None for parameter in network.unused.parameters())
    assert all(parameter.grad is not None for parameter in used(network))


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e20, 1e30])
def test_any_scale_of_weights(scale):
    network = small()
    twin = copy.deepcopy(network).double()
    for part, factor in ((network, scale), (twin, 1.0)):
        for layer in (part[0], part[2], part[4]):
            layer.parametrizations.weight.original.data.mul_(factor)
        with parametrize.cached():
            part(X.to(part[0].bias.dtype)).sum().backward()
    for layer, other in zip(network[::2], twin[::2], strict=True):
        got = layer.parametrizations.weight.original.grad.double() * scale
        torch.testing.assert_close(got, other.parametrizations.weight.original.grad, rtol=1e-4, atol=1e-5)


def test_zero_weights_stay_and_recover():
    network = small()
    network[2].parametrizations.weight.original.data.zero_()
    before = powers(network)[1].u.clone()
    with parametrize.cached():
        network(X).sum().backward()
        assert torch.equal(network[2].weight, torch.zeros(8, 8))
    assert torch.equal(powers(network)[1].u, before)
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())
    moved(network)
    for _ in range(30):
        with parametrize.cached():
            network(X)
    assert torch.linalg.svdvals(network.eval()[2].weight)[0].item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_weights(dtype, calls):
    network = mixed(torch.float32).to(dtype)
    twin = alone(network)
    for each in (network, twin):
        with parametrize.cached():
            each(LABELS).float().sum().backward()
    assert calls == [5]
    assert network.linear.weight.dtype == dtype
    for one, other in zip(used(network), used(twin), strict=True):
        assert one.grad.dtype == dtype
        torch.testing.assert_close(one.grad, other.grad, rtol=0.05, atol=0.02)


def test_types_that_differ_from_layer_to_layer(calls):
    network = small()
    network[2].double()
    with parametrize.cached(), pytest.raises(RuntimeError, match="dtype"):
        network(X)
    assert sorted(calls) == [1, 2]


def test_autocast_does_not_touch_the_weights_nor_their_gradients():
    network = small()
    twin, results = copy.deepcopy(network), []
    for each, enabled in ((network, False), (twin, True)):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled), parametrize.cached():
            each(X)
            weight = each[2].weight
            results.append((weight, *torch.autograd.grad(weight.sin().sum(), each[2].parametrizations.weight.original)))
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_frozen_critics_iterate_nothing_and_held_ones_neither():
    network = small()
    before = [(power.u.clone(), power.v.clone()) for power in powers(network)]
    with parametrize.cached(), spectral.held(network):
        network(X)
    network.requires_grad_(False).eval()
    with parametrize.cached():
        network(X.clone().requires_grad_()).sum().backward()
    for power, (u, v) in zip(powers(network), before, strict=True):
        assert torch.equal(power.u, u)
        assert torch.equal(power.v, v)


def test_a_copy_normalises_its_own_layers(calls):
    network = small()
    twin = copy.deepcopy(network)
    before = [power.u.clone() for power in powers(network)]
    with parametrize.cached():
        twin(X)
    assert calls == [3]
    assert all(torch.equal(power.u, u) for power, u in zip(powers(network), before, strict=True))
    by_hand = copy.deepcopy(powers(network)[1])
    by_hand.iterate_(network[2].parametrizations.weight.original, 1)
    torch.testing.assert_close(powers(twin)[1].u, by_hand.u)


def test_a_layer_that_was_used_by_itself_before_is_not_iterated_again(calls):
    network = small()
    with parametrize.cached():
        first, before = network[0].weight, powers(network)[0].u.clone()
        network(X)
        assert network[0].weight is first
    assert calls == [2]
    assert torch.equal(powers(network)[0].u, before)


def uncached(network):
    network(X)


def of_a_layer(network):
    with parametrize.cached():
        network[0](X)


def transformed(network):
    with parametrize.cached():
        torch.vmap(network)(X[:, None])


def differentiated(network):
    state = {name: p.detach() for name, p in network.named_parameters()}
    with parametrize.cached():
        torch.func.grad(lambda s: torch.func.functional_call(network, s, (X,)).sum())(state)


def forward_mode(network):
    with forward_ad.dual_level(), parametrize.cached():
        tangent = forward_ad.unpack_dual(network(forward_ad.make_dual(X, torch.ones_like(X)))).tangent
    assert tangent is not None


def compiled(network):
    torch.compile(network, backend="aot_eager")(X)


@pytest.mark.parametrize("use", [uncached, of_a_layer, transformed, differentiated, forward_mode, compiled])
def test_where_nothing_is_shared_each_layer_normalises_its_own(use, calls):
    use(small())
    assert calls == []


class Doubled(nn.Module):
    def forward(self, weight):
        return 2 * weight


def test_a_weight_that_something_else_changes_too_is_left_to_its_layer(calls):
    network = small()
    parametrize.register_parametrization(network[2], "weight", Doubled())
    twin = alone(network)
    with parametrize.cached():
        torch.testing.assert_close(network(X), twin(X))
    assert calls == [2]


def test_the_true_operator_is_left_to_its_layer(calls):
    body = nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(18, 1)
    network = constraints.make("sn_conv").prepare(nn.Sequential(*body))
    with parametrize.cached():
        network(torch.randn(2, 1, 5, 5, generator=seeded()))
    assert calls == [1]


def test_upper_bounds_and_compiled_penalties_take_a_critic_with_the_hook():
    network = small()
    assert norms.lipschitz_upper(network.eval(), (3,)) > 0
    constraint, epsilon = constraints.make("gp"), torch.rand(16, generator=seeded())
    twin = copy.deepcopy(network)
    with parametrize.cached():
        network(X)
        value = penalties.compile_penalty(constraint, network, backend="aot_eager")(X, -X, epsilon)
    torch.testing.assert_close(value, constraint.penalty(twin, X, -X, epsilon=epsilon), rtol=1e-4, atol=1e-5)
