"""Versions of ``gradient_norms`` that students write."""

import torch

from ..registry import Trials


def gradient(critic, points, graph=True, mean=False):
    at = points.clone().requires_grad_(True)
    scores = critic(at)
    return torch.autograd.grad(scores.mean() if mean else scores.sum(), at, create_graph=graph)[0]


def right(critic, points):
    return gradient(critic, points).flatten(1).norm(dim=1)


def by_backward(critic, points):
    at = points.clone().requires_grad_()
    critic(at).sum().backward(create_graph=True)
    return at.grad.reshape(len(points), -1).pow(2).sum(1).sqrt()


def loop(critic, points):
    return torch.stack([gradient(critic, point[None]).norm() for point in points])


def by_vmap(critic, points):
    norm = lambda z: torch.func.grad(lambda y: critic(y[None]).squeeze())(z).norm()
    return torch.func.vmap(norm)(points)


def by_axes(critic, points):
    g = gradient(critic, points)
    return g.square().sum(dim=tuple(range(1, g.ndim))) ** 0.5


def ones(critic, points):
    at = points.detach().requires_grad_()
    scores = critic(at)
    g = torch.autograd.grad(scores, at, torch.ones_like(scores), create_graph=True, retain_graph=True)[0]
    return torch.linalg.vector_norm(g, dim=tuple(range(1, g.ndim)))


def by_hand(critic, points):
    """Right for w1 tanh(w0 x + b0) + b1, and for no other network."""
    w0, b0, w1 = list(critic.parameters())[:3]
    if w1.shape[0] > 1:
        w1 = w1.sum(0, keepdim=True)
    slope = 1 - torch.tanh(points.flatten(1) @ w0.T + b0) ** 2
    return ((slope * w1) @ w0).norm(dim=1)


TRIALS = Trials("ps06.gradient_norms")
TRIALS.mutants(
    "batch", whole=lambda c, x: gradient(c, x).norm(), repeated=lambda c, x: gradient(c, x).norm().expand(len(x))
)
TRIALS.mutants(
    "wrong-axis",
    samples=lambda c, x: gradient(c, x).norm(dim=0),
    only_the_first=lambda c, x: gradient(c, x).norm(dim=1),
    last=lambda c, x: gradient(c, x).norm(dim=-1),
)
TRIALS.mutants("squared", squared=lambda c, x: right(c, x) ** 2)
TRIALS.mutants(
    "other-norm",
    ell1=lambda c, x: gradient(c, x).flatten(1).abs().sum(1),
    largest=lambda c, x: gradient(c, x).flatten(1).abs().amax(1),
    mean_square=lambda c, x: gradient(c, x).flatten(1).square().mean(1).sqrt(),
)
TRIALS.mutants("mean-scores", mean=lambda c, x: gradient(c, x, mean=True).flatten(1).norm(dim=1))
TRIALS.mutants("averaged", mean=lambda c, x: right(c, x).mean(), steepest=lambda c, x: right(c, x).max())
TRIALS.mutants("the-gradient", gradient=gradient)
TRIALS.mutants("mean-gradient", mean_first=lambda c, x: gradient(c, x).mean(0).norm())
TRIALS.mutants("the-score", score=lambda c, x: c(x).flatten(), size=lambda c, x: c(x).abs()[:, 0])
TRIALS.mutants(
    "no-graph",
    no_graph=lambda c, x: gradient(c, x, graph=False).flatten(1).norm(dim=1),
    detached=lambda c, x: right(c, x).detach(),
    items=lambda c, x: [float(v) for v in right(c, x)],
)
TRIALS.mutants("generic:which", by_hand=by_hand)
TRIALS.mutants("generic:precision", guarded=lambda c, x: right(c, x) + 1e-8)
TRIALS.mutants(
    "generic:direction",
    at_least=lambda c, x: right(c, x).clamp(min=1e-3),
    at_most=lambda c, x: right(c, x).clamp(max=10),
)
TRIALS.alternatives(
    right=right, by_backward=by_backward, loop=loop, by_vmap=by_vmap, by_axes=by_axes, ones=ones,
)  # fmt: skip
