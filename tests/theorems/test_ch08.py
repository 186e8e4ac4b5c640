"""Property tests for the statements of chapter 8, each named after its label."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from wgan_course import constraints

seeds = st.integers(0, 2**31 - 1)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def converged(critic):
    for layer in critic.modules():
        if isinstance(layer, nn.Linear):
            weights = layer.parametrizations.weight
            weights[0].power.iterate_(weights.original, 400)
    return critic


@given(seeds, st.lists(st.integers(1, 8), min_size=2, max_size=4))
@settings(max_examples=25, deadline=None)
def test_thm_sn_lipschitz(seed, widths):
    """Layers with W/σ(W) and 1-Lipschitz activations never stretch a distance."""
    layers = []
    for index, (columns, rows) in enumerate(pairwise(widths)):
        layer = nn.Linear(columns, rows, dtype=torch.float64)
        layer.weight.data = 3 * normal(seed + index, rows, columns)
        layers += [layer, nn.LeakyReLU(0.2)]
    critic = converged(constraints.make("sn").prepare(nn.Sequential(*layers)))
    x, y = 5 * normal(seed + 9, 40, widths[0]), normal(seed + 10, 40, widths[0])
    assert ((critic(x) - critic(y)).norm(dim=1) <= (1 + 1e-3) * (x - y).norm(dim=1)).all()


@given(seeds, st.integers(1, 7), st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_prop_sn_gradient(seed, rows, columns):
    """∂L/∂W = (∂L/∂W̄ − ⟨∂L/∂W̄, W̄⟩ u vᵀ)/σ; it is orthogonal to W, so normalisation never changes the scale of W."""
    layer, gradient = nn.Linear(columns, rows, dtype=torch.float64), normal(seed + 1, rows, columns)
    layer.weight.data = normal(seed, rows, columns)
    constraints.make("sn").prepare(layer)
    weights = layer.parametrizations.weight
    u, v, w = weights[0].power.u, weights[0].power.v, weights.original.detach()
    (layer.weight * gradient).sum().backward()
    sigma = u @ w @ v
    expected = (gradient - (gradient * w / sigma).sum() * torch.outer(u, v)) / sigma
    torch.testing.assert_close(weights.original.grad, expected, rtol=1e-9, atol=1e-9 * gradient.norm() / sigma.item())
    assert (weights.original.grad * w).sum().item() == pytest.approx(0, abs=1e-8 * (1 + gradient.norm().item()))


@given(seeds, st.integers(2, 6))
@settings(max_examples=25, deadline=None)
def test_prop_projection_differs(seed, size):
    """From the same weight of norm one, a gradient step then projection is not a gradient step in W/σ(W)."""
    start, gradient = normal(seed, size, size), normal(seed + 1, size, size)
    start = start / torch.linalg.svdvals(start)[0]
    ends = []
    for name in ("sn", "sn_projected"):
        layer = nn.Linear(size, size, dtype=torch.float64)
        layer.weight.data = start.clone()
        constraint = constraints.make(name, steps=400)
        constraint.prepare(layer)
        constraint.project_(layer)
        (layer.weight * gradient).sum().backward()
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.sub_(0.1 * parameter.grad if parameter.grad is not None else 0)
        constraint.project_(layer)
        ends.append(layer.weight.detach() / torch.linalg.svdvals(layer.weight.detach())[0])
    assert (ends[0] - ends[1]).abs().max() > 1e-6
