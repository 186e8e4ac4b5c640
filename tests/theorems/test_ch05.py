"""Chapter 5, weight clipping: each statement's executable twin."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from wgan_course import constraints
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
