"""Chapter 5, weight clipping: each statement's executable twin."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from wgan_course import constraints, transport
from wgan_course.models import mlp

SLOW = settings(max_examples=40, deadline=None)


def clipped_critic(widths, clip, seed, act="relu"):
    """A critic with weights and biases spread beyond the bound, then clipped by the package."""
    rng = torch.Generator().manual_seed(seed)
    critic = mlp.Critic(widths[0], widths[1:], act=act, rng=rng, dtype=torch.float64)
    with torch.no_grad():
        for p in critic.parameters():
            p.copy_(3 * clip * torch.randn(p.shape, generator=rng, dtype=torch.float64))
    constraint = constraints.make("clip", clip=clip)
    constraint.project_(constraint.prepare(critic))
    return critic


def bound(widths, clip):
    """The product over layers of c times the root of (inputs times outputs)."""
    sizes = [*widths, 1]
    return math.prod(clip * math.sqrt(a * b) for a, b in itertools.pairwise(sizes))


@SLOW
@given(
    widths=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    clip=st.floats(0.01, 2.0),
    seed=st.integers(0, 10**6),
    act=st.sampled_from(["relu", "leaky_relu", "tanh"]),
)
def test_prop_clipping_bound(widths, clip, seed, act):
    """|f(x) - f(y)| ≤ Π c √(n_l n_(l+1)) ‖x - y‖ for any two points."""
    critic = clipped_critic(widths, clip, seed, act)
    assert all(float(p.detach().abs().max()) <= clip for p in critic.parameters())
    x, y = torch.randn(2, 50, widths[0], generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
    with torch.no_grad():
        difference, distance = (critic(x) - critic(y)).abs(), (x - y).norm(dim=1)
    assert bool((difference <= bound(widths, clip) * distance * (1 + 1e-9) + 1e-12).all())


@pytest.mark.parametrize("clip", [0.01, 0.3])
@pytest.mark.parametrize("widths", [[2], [3, 4], [2, 5, 7]])
def test_prop_clipping_bound_is_attained(widths, clip):
    """All weights at +c, in the positive orthant along (1, ..., 1): equality, so the constant cannot be smaller."""
    critic = mlp.Critic(widths[0], widths[1:], act="relu", dtype=torch.float64)
    with torch.no_grad():
        for p in critic.parameters():
            p.fill_(clip)
        ones = torch.ones(1, widths[0], dtype=torch.float64)
        stretch = (critic(2 * ones) - critic(ones)).abs() / ones.norm()
    assert float(stretch) == pytest.approx(bound(widths, clip), rel=1e-12)


def gradient_norms_by_layer(factor, depth, width, seed):
    """Root mean square of the gradient at each layer of a ReLU network with weights of variance (factor²) 2 / width."""
    rng = torch.Generator().manual_seed(seed)
    h = torch.randn(32, width, generator=rng, dtype=torch.float64).requires_grad_()
    seen = [h]
    for _ in range(depth):
        weight = factor * math.sqrt(2 / width) * torch.randn(width, width, generator=rng, dtype=torch.float64)
        h = torch.relu(h @ weight.T)
        seen.append(h)
    head = torch.randn(width, generator=rng, dtype=torch.float64)
    gradients = torch.autograd.grad((h @ head).sum(), seen)
    return torch.stack([g.square().mean().sqrt() for g in gradients])


@pytest.mark.parametrize("factor", [0.25, 0.5, 1.0, 2.0])
def test_prop_gradient_depth(factor):
    """The root mean square gradient changes by the same factor in each layer: exponentially with depth."""
    depth = 10
    norms = torch.stack([gradient_norms_by_layer(factor, depth, 128, s) for s in range(5)]).square().mean(0).sqrt()
    rates = norms[:-1] / norms[1:]
    torch.testing.assert_close(rates, torch.full_like(rates, factor), rtol=0.2, atol=0)
    assert float(norms[0] / norms[-1]) == pytest.approx(factor**depth, rel=0.5)


@SLOW
@given(clip=st.floats(1e-3, 1.0), width=st.integers(1, 8), depth=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_prop_gradient_depth_never_beats_its_bound(clip, width, depth, seed):
    """Under clipping the gradient of any ReLU network is at most (c·width)^depth · c·√width."""
    widths = [width] * (depth + 1)
    critic = clipped_critic(widths, clip, seed)
    x = torch.randn(20, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).requires_grad_()
    (g,) = torch.autograd.grad(critic(x).sum(), x)
    assert float(g.norm(dim=1).max()) <= (clip * width) ** depth * clip * math.sqrt(width) * (1 + 1e-9) + 1e-300


@SLOW
@given(scale=st.floats(0.05, 20.0), n=st.integers(2, 7), seed=st.integers(0, 10**6))
def test_prop_known_up_to_k(scale, n, seed):
    """The best K-Lipschitz critic reads K·W1, and its gradient for the generator is K times that of the best one."""
    rng = torch.Generator().manual_seed(seed)
    x, y = torch.randn(2, n, generator=rng, dtype=torch.float64)
    w1 = (x.sort().values - y.sort().values).abs().mean()
    points = torch.cat([x, y]).sort().values
    # the best critic on the line: slope ±K between neighbouring points, by the sign of F_Q - F_P
    gap = (y[None] <= points[:-1, None]).double().mean(1) - (x[None] <= points[:-1, None]).double().mean(1)
    values = torch.cat([torch.zeros(1, dtype=torch.float64), (scale * gap.sign() * points.diff()).cumsum(0)])
    f = lambda z: values[torch.searchsorted(points, z)]
    reading = f(x).mean() - f(y).mean()
    assert float(reading) == pytest.approx(float(scale * w1), rel=1e-9, abs=1e-12)
    slopes = values.diff().abs()
    assert bool((slopes <= scale * points.diff() * (1 + 1e-12) + 1e-15).all())


@pytest.mark.parametrize("factor", [0.1, 3.0])
def test_prop_known_up_to_k_for_homogeneous_critics(factor):
    """Scaling a clip bound by a scales a critic without biases of L layers, its reading and its gradients by a^L."""
    layers = [
        nn.Linear(2, 6, bias=False),
        nn.ReLU(),
        nn.Linear(6, 6, bias=False),
        nn.ReLU(),
        nn.Linear(6, 1, bias=False),
    ]
    critic = nn.Sequential(*layers).double()
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 30, 2, generator=rng, dtype=torch.float64)
    before = critic(x).mean() - critic(y).mean()
    with torch.no_grad():
        for p in critic.parameters():
            p.mul_(factor)
    after = critic(x).mean() - critic(y).mean()
    assert float(after.detach()) == pytest.approx(factor**3 * float(before.detach()), rel=1e-9)


def test_prop_known_up_to_k_needs_critics_without_biases():
    """With biases the scaled critic is another function: no power of the factor relates the readings."""
    critic = clipped_critic([2, 6, 6], 0.5, 0)
    x, y = torch.randn(2, 30, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        before = float(critic(x).mean() - critic(y).mean())
        for p in critic.parameters():
            p.mul_(3.0)
        after = float(critic(x).mean() - critic(y).mean())
    assert abs(after / before / 27 - 1) > 0.05


def best_affine_reading(x, y, clip):
    """The best reading of an affine critic with weights in the box: a linear function is largest in a corner."""
    corners = torch.tensor(list(itertools.product((-clip, clip), repeat=x.shape[1])), dtype=x.dtype)
    return float(((x @ corners.T).mean(0) - (y @ corners.T).mean(0)).max())


@SLOW
@given(dim=st.integers(1, 4), clip=st.floats(0.01, 3.0), seed=st.integers(0, 10**6))
def test_prop_known_up_to_k_depends_on_the_pair(dim, clip, seed):
    """For translates the affine critic reads between c and c√d times W1, and attains both: no factor fits all."""
    rng = torch.Generator().manual_seed(seed)
    y, m = (torch.randn(*shape, generator=rng, dtype=torch.float64) for shape in ((6, dim), (dim,)))
    first, diagonal = torch.eye(dim, dtype=torch.float64)[0], torch.ones(dim, dtype=torch.float64)
    ratio = lambda x: best_affine_reading(x, y, clip) / float(transport.wasserstein(x, y))
    assert clip * (1 - 1e-7) <= ratio(y + m) <= clip * math.sqrt(dim) * (1 + 1e-7)
    assert ratio(y + first) == pytest.approx(clip)
    assert ratio(y + diagonal) == pytest.approx(clip * math.sqrt(dim))


def test_prop_known_up_to_k_takes_every_smaller_value():
    """Spreading P along the shift leaves the reading and lets W1 grow: every ratio below c√d occurs."""
    rng = torch.Generator().manual_seed(0)
    y, m, ratios = torch.randn(6, 2, generator=rng, dtype=torch.float64), torch.ones(2, dtype=torch.float64), []
    for spread in (0.0, 1.0, 2.0, 5.0, 100.0):
        x = torch.cat([y + m + spread * m, y + m - spread * m])
        reading, w1 = best_affine_reading(x, y, 0.1), float(transport.wasserstein(x, y))
        assert reading == pytest.approx(0.2)
        ratios.append(reading / w1)
    assert ratios[0] == pytest.approx(0.1 * math.sqrt(2))
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[-1] < 0.01 * ratios[0] * 1.1


def test_prop_known_up_to_k_can_read_nothing():
    """Two pairs of points with one mean: W1 is 1, and every affine critic reads 0."""
    x, y = (torch.tensor(points, dtype=torch.float64) for points in ([[1.0, 0], [-1, 0]], [[2.0, 0], [-2, 0]]))
    assert float(transport.wasserstein(x, y)) == pytest.approx(1.0)
    assert best_affine_reading(x, y, 0.1) == 0.0


@SLOW
@given(dim=st.integers(1, 6), clip=st.floats(0.01, 2.0), seed=st.integers(0, 10**6))
def test_prop_clipping_corners(dim, clip, seed):
    """No weights in the box read more than c·sign(m), and that direction is off m by the stated angle."""
    rng = torch.Generator().manual_seed(seed)
    m = torch.randn(dim, generator=rng, dtype=torch.float64)
    inside = clip * (2 * torch.rand(200, dim, generator=rng, dtype=torch.float64) - 1)
    corner = clip * m.sign()
    assert float((inside @ m).max()) <= float(corner @ m) * (1 + 1e-12)
    cosine = float(corner @ m / corner.norm() / m.norm())
    assert cosine == pytest.approx(float(m.abs().sum()) / math.sqrt(dim) / float(m.norm()))
    assert cosine >= 1 / math.sqrt(dim) - 1e-12


@SLOW
@given(widths=st.lists(st.integers(1, 3), min_size=2, max_size=3), seed=st.integers(0, 10**6))
def test_prop_clipping_corners_of_linear_layers(widths, seed):
    """No weights in the box, and no corner at random, beat c^(L+1) n_1 … n_L ‖m‖₁; one corner attains it."""
    clip, rng = 0.5, torch.Generator().manual_seed(seed)
    m = torch.randn(widths[0], generator=rng, dtype=torch.float64)
    best = clip ** len(widths) * math.prod(widths[1:]) * float(m.abs().sum())
    sizes = list(itertools.pairwise([*widths, 1]))
    for trial in range(60):
        chain = m
        for n_in, n_out in sizes:
            W = 2 * torch.rand(n_out, n_in, generator=rng, dtype=torch.float64) - 1
            chain = clip * (W.sign() if trial % 2 else W) @ chain
        assert float(chain) <= best * (1 + 1e-12)
    chain = clip * m.sign().expand(widths[1], -1) @ m
    for n_in, n_out in sizes[1:]:
        chain = torch.full((n_out, n_in), clip, dtype=torch.float64) @ chain
    assert float(chain) == pytest.approx(best)


@pytest.mark.parametrize("act", ["relu", "tanh"])
def test_prop_clipping_corners_of_the_last_layer(act):
    """Trained under the clip with the other layers frozen, each last weight ends at ±c, by the sign of its unit."""
    critic = clipped_critic([2, 8], 0.5, 3, act)
    x, y = torch.randn(2, 50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    *lower, last = [module for module in critic.modules() if isinstance(module, nn.Linear)]
    features = []
    last.register_forward_hook(lambda module, inputs, output: features.append(inputs[0].detach()))
    constraint = constraints.make("clip", clip=0.5)
    nn.init.zeros_(last.weight)
    for _ in range(200):
        critic.zero_grad()
        (critic(y).mean() - critic(x).mean()).backward()
        with torch.no_grad():
            last.weight -= 10 * last.weight.grad
        constraint.project_(critic)
    assert lower
    gap = features[-1].mean(0) - features[-2].mean(0)  # the last two forwards: y, then x
    moves = gap.abs() > 1e-3
    assert int(moves.sum()) >= 4
    torch.testing.assert_close(last.weight.detach()[0, moves], 0.5 * gap[moves].sign())


def mean_square_gradients(widths, spread, activation, trials, seed, piled=False):
    """Mean over random networks of the squared length of the gradient at each layer, from the input to the last."""
    rng = torch.Generator().manual_seed(seed)
    draw = lambda *shape: spread * (2 * torch.rand(trials, *shape, generator=rng, dtype=torch.float64) - 1)
    matrix = (lambda *shape: spread * draw(*shape).sign()) if piled else draw
    h = torch.randn(widths[0], generator=rng, dtype=torch.float64).expand(trials, -1).clone().requires_grad_()
    seen = [h]
    for n_in, n_out in itertools.pairwise(widths):
        h = activation((matrix(n_out, n_in) @ h[:, :, None])[:, :, 0] + draw(n_out))
        seen.append(h)
    gradients = torch.autograd.grad((draw(widths[-1]) * h).sum(), seen)
    return torch.stack([g.square().sum(1).mean() for g in gradients])


@pytest.mark.parametrize(("activation", "half"), [(lambda z: 1.0 * z, 1.0), (torch.relu, 0.5)], ids=["linear", "relu"])
def test_prop_gradient_depth_for_unequal_widths(activation, half):
    """E‖δ_l‖² = n_l s_a² Π n_k s²/2 (without the half for linear layers), here with s² = c²/3, at every layer."""
    widths, clip = [3, 40, 25, 60], 0.3
    found = mean_square_gradients(widths, clip, activation, 3000, 0)
    variance = clip**2 / 3
    expected = [
        n * variance * math.prod(half * k * variance for k in widths[place + 1 :]) for place, n in enumerate(widths)
    ]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=0.12, atol=0)


def test_prop_gradient_depth_for_weights_on_the_bound():
    """Weights ±c with random signs have no density; the biases' density is enough, and s = c."""
    widths, clip = [3, 40, 25, 60], 0.2
    found = mean_square_gradients(widths, clip, torch.relu, 3000, 0, piled=True)
    expected = [n * clip**2 / 3 * math.prod(k * clip**2 / 2 for k in widths[i + 1 :]) for i, n in enumerate(widths)]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=0.12, atol=0)


def test_prop_gradient_depth_tail():
    """Markov: at most one in t² of the gradients is t times longer than the root of the mean square."""
    rng = torch.Generator().manual_seed(1)
    a = torch.ones(500, 1, 16, dtype=torch.float64)
    for _ in range(8):
        a = a @ (0.25 * torch.randn(500, 16, 16, generator=rng, dtype=torch.float64))
    sizes, expected = a[:, 0].norm(dim=1), math.sqrt(16.0)  # n s² = 1: the mean square stays what it was
    for t in (2.0, 3.0, 5.0):
        assert float((sizes >= t * expected).double().mean()) <= 1 / t**2 + 0.02


@SLOW
@given(m=st.integers(1, 6), n=st.integers(1, 6), clip=st.floats(0.01, 2.0), seed=st.integers(0, 10**6))
def test_prop_box_in_ball(m, n, clip, seed):
    """The box lies in the Frobenius ball and that in the spectral ball; the projection is the nearest point."""
    rng = torch.Generator().manual_seed(seed)
    radius = clip * math.sqrt(m * n)
    W = 3 * clip * torch.randn(m, n, generator=rng, dtype=torch.float64)
    boxed = W.clamp(-clip, clip)
    assert float(boxed.norm()) <= radius * (1 + 1e-12)
    assert float(torch.linalg.matrix_norm(boxed, 2)) <= float(boxed.norm()) * (1 + 1e-12)
    layer = nn.Linear(n, m, bias=False, dtype=torch.float64)
    layer.weight.data = W.clone()
    constraints.make("frobenius_clip", radius=radius).project_(layer)
    projected = layer.weight.detach()
    torch.testing.assert_close(projected, W * min(1.0, radius / float(W.norm())))
    for _ in range(20):
        other = torch.randn(m, n, generator=rng, dtype=torch.float64)
        other = other * min(1.0, radius / float(other.norm()))
        assert float((W - other).norm()) >= float((W - projected).norm()) - 1e-12


def test_prop_box_in_ball_is_strict():
    """A ball matrix outside the box, and a matrix of the spectral ball outside the Frobenius ball."""
    radius = 0.1 * math.sqrt(12)
    single = torch.zeros(3, 4).index_put((torch.tensor(0), torch.tensor(0)), torch.tensor(radius))
    assert float(single.norm()) == pytest.approx(radius)
    assert float(single.max()) > 0.1
    diagonal = radius * torch.eye(3, 4)
    assert float(torch.linalg.matrix_norm(diagonal, 2)) == pytest.approx(radius)
    assert float(diagonal.norm()) > radius * 1.1
    rank_one = torch.tensor([[2.0, 0.5], [0.5, 0.125]])
    assert int(torch.linalg.matrix_rank(rank_one)) == 1
    assert int(torch.linalg.matrix_rank(rank_one.clamp(-1, 1))) == 2


def weights_without_bias(widths, seed):
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(b, a, generator=rng, dtype=torch.float64) for a, b in itertools.pairwise([*widths, 1])]


def reading(weights, x, y):
    """E_P f - E_Q f of the ReLU network without biases."""
    for W in weights[:-1]:
        x, y = torch.relu(x @ W.T), torch.relu(y @ W.T)
    return float((x @ weights[-1].T).mean() - (y @ weights[-1].T).mean())


def squares(weights):
    return sum(float(W.square().sum()) for W in weights)


def with_positive_reading(widths, x, y, seed):
    weights = weights_without_bias(widths, seed)
    if reading(weights, x, y) < 0:
        weights[-1] = -weights[-1]
    return weights


@SLOW
@given(
    hidden=st.lists(st.integers(2, 6), min_size=2, max_size=3), penalty=st.floats(0.01, 10), seed=st.integers(0, 10**6)
)
def test_prop_parameter_penalty(hidden, penalty, seed):
    """Three matrices or more: the objective goes to -∞ along a ray, for every weight, and is positive near 0."""
    x, y = torch.randn(2, 20, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    weights = with_positive_reading([2, *hidden], x, y, seed)
    if reading(weights, x, y) < 1e-3:
        return
    objective = lambda t: -reading([t * W for W in weights], x, y) + penalty * squares([t * W for W in weights])
    assert objective(1e5) < -1e3
    assert objective(1e7) < objective(1e6) < objective(1e5)
    assert objective(1e-4) > 0


def test_prop_parameter_penalty_of_two_matrices_has_a_threshold():
    """With two matrices weights below a threshold are beaten on a ray; from W1/2 on nothing falls below 0."""
    x, y = torch.randn(2, 20, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    distance = float(transport.wasserstein(x, y))
    for seed in range(200):
        weights = with_positive_reading([2, 5], x, y, seed)
        threshold = reading(weights, x, y) / squares(weights)
        assert threshold <= distance / 2
        for t in (1e-3, 1.0, 1e3):
            scaled = [t * W for W in weights]
            assert -reading(scaled, x, y) + 0.9 * threshold * squares(scaled) < 0
            assert -reading(scaled, x, y) + 1.1 * threshold * squares(scaled) > 0


def product(weights):
    return math.prod(float(W.norm()) for W in weights)


@SLOW
@given(hidden=st.lists(st.integers(1, 5), max_size=3), penalty=st.floats(0.01, 10), seed=st.integers(0, 10**6))
def test_prop_parameter_penalty_as_a_product(hidden, penalty, seed):
    """Charged for the product, at any depth: the least value is -ρ²/4λ, at p = ρ/2λ. Here ρ = W1 is known.

    Positive points on a line, shifted by 0.7: a chain of positive rank-one matrices reads p·0.7, and none reads more.
    """
    rng = torch.Generator().manual_seed(seed)
    y = torch.rand(10, 1, generator=rng, dtype=torch.float64)
    x, rho = y + 0.7, 0.7
    objective = lambda weights: -reading(weights, x, y) + penalty * product(weights) ** 2
    sizes = list(itertools.pairwise([1, *hidden, 1]))
    aligned = [torch.ones(b, a, dtype=torch.float64) / math.sqrt(a * b) for a, b in sizes]
    best = [W * (rho / (2 * penalty)) ** (1 / len(aligned)) for W in aligned]
    lowest = -(rho**2) / (4 * penalty)
    assert objective(best) == pytest.approx(lowest)
    assert reading(best, x, y) / product(best) == pytest.approx(rho)
    assert product(best) == pytest.approx(rho / (2 * penalty))
    for scale in (0.01, 0.3, 3.0):
        near = [W + scale * torch.randn(W.shape, generator=rng, dtype=torch.float64) for W in best]
        assert objective(near) >= lowest - 1e-12
