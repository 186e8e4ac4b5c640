"""Versions of ``input_gradient`` that students write."""

import torch

from ..registry import Trials


def column(epsilon, x):
    return epsilon.reshape([-1] + [1] * (x.ndim - 1))


def mix(real, fake, epsilon):
    e = column(epsilon, real)
    return e * real + (1 - e) * fake


def gradient(critic, points, graph=True):
    at = points.detach().clone().requires_grad_(True)
    scores = critic(at)
    return torch.autograd.grad(scores, at, torch.ones_like(scores), create_graph=graph)[0]


def placed(points):
    """The gradient at other points, as a graded function."""
    return lambda critic, real, fake, epsilon: gradient(critic, points(real, fake, epsilon))


def right(critic, real, fake, epsilon):
    return gradient(critic, mix(real, fake, epsilon))


def summed(critic, real, fake, epsilon):
    at = mix(real, fake, epsilon).requires_grad_()
    return torch.autograd.grad(critic(at).sum(), at, create_graph=True)[0]


def by_backward(critic, real, fake, epsilon):
    at = mix(real, fake, epsilon).requires_grad_()
    critic(at).sum().backward(create_graph=True)
    return at.grad


def loop(critic, real, fake, epsilon):
    rows = []
    for x, y, e in zip(real, fake, epsilon, strict=True):
        at = (e * x + (1 - e) * y)[None].requires_grad_()
        rows.append(torch.autograd.grad(critic(at).squeeze(), at, create_graph=True)[0])
    return torch.cat(rows)


def by_jacobian(critic, real, fake, epsilon):
    jacobian = torch.autograd.functional.jacobian(critic, mix(real, fake, epsilon), create_graph=True)
    return torch.stack([jacobian[i, 0, i] for i in range(len(real))])


def by_vmap(critic, real, fake, epsilon):
    return torch.func.vmap(torch.func.grad(lambda z: critic(z[None]).squeeze()))(mix(real, fake, epsilon))


def through_epsilon(critic, real, fake, epsilon):
    """With real and fake requiring gradients too: nothing wrong with that."""
    r, f = real.clone().requires_grad_(), fake.clone().requires_grad_()
    at = mix(r, f, epsilon)
    return torch.autograd.grad(critic(at).sum(), at, create_graph=True)[0]


def mean_scores(critic, real, fake, epsilon):
    at = mix(real, fake, epsilon).requires_grad_()
    return torch.autograd.grad(critic(at).mean(), at, create_graph=True)[0]


def no_graph(critic, real, fake, epsilon):
    return gradient(critic, mix(real, fake, epsilon), graph=False)


def retained(critic, real, fake, epsilon):
    at = mix(real, fake, epsilon).requires_grad_()
    return torch.autograd.grad(critic(at).sum(), at, retain_graph=True)[0]


def backward_without_graph(critic, real, fake, epsilon):
    at = mix(real, fake, epsilon).requires_grad_()
    critic(at).sum().backward()
    return at.grad


def noise(critic, real, fake, epsilon):
    return gradient(critic, torch.randn(real.shape, generator=torch.Generator().manual_seed(1), dtype=real.dtype))


def along_epsilon(critic, real, fake, epsilon):
    e = epsilon.clone().requires_grad_()
    return torch.autograd.grad(critic(mix(real, fake, e)).sum(), e, create_graph=True)[0]


def no_requires_grad(critic, real, fake, epsilon):
    at = mix(real, fake, epsilon)
    return torch.autograd.grad(critic(at).sum(), at, create_graph=True)[0]


def in_real(critic, real, fake, epsilon):
    real = real.clone().requires_grad_()
    return torch.autograd.grad(critic(mix(real, fake, epsilon)).sum(), real, create_graph=True)[0]


TRIALS = Trials("ps06.input_gradient")
TRIALS.mutants("real-only", real_only=placed(lambda r, f, e: r))
TRIALS.mutants("fake-only", fake_only=placed(lambda r, f, e: f))
TRIALS.mutants(
    "one-epsilon",
    first=placed(lambda r, f, e: e[0] * r + (1 - e[0]) * f),
    mean=placed(lambda r, f, e: e.mean() * (r - f) + f),
)
TRIALS.mutants("epsilon-ignored", middles=placed(lambda r, f, e: 0.5 * r + 0.5 * f))
TRIALS.mutants("swapped", swapped=placed(lambda r, f, e: mix(f, r, e)))
TRIALS.mutants(
    "extrapolation",
    beyond_real=placed(lambda r, f, e: r + column(e, r) * (r - f)),
    beyond_fake=placed(lambda r, f, e: f + column(e, r) * (f - r)),
)
TRIALS.mutants("not-convex", r_plus_e_f=placed(lambda r, f, e: r + column(e, r) * f))
TRIALS.mutants("mean-scores", mean_scores=mean_scores)
TRIALS.mutants("scaled", ten=lambda *a: 10 * right(*a), by_n=lambda *a: right(*a) * len(a[1]))
TRIALS.mutants("of-an-end", in_real=in_real)
TRIALS.mutants("negated", negated=lambda *a: -right(*a))
TRIALS.mutants(
    "normalised",
    unit=lambda *a: right(*a) / column(right(*a).flatten(1).norm(dim=1), a[1]),
)
TRIALS.mutants("along-epsilon", along_epsilon=along_epsilon)
TRIALS.mutants(
    "the-score", score=lambda c, r, f, e: c(mix(r, f, e)), score_sum=lambda c, r, f, e: c(mix(r, f, e)).sum()
)
TRIALS.mutants("averaged", mean=lambda *a: right(*a).mean(0), total=lambda *a: right(*a).sum(0))
TRIALS.mutants(
    "wrong-axis",
    no_reshape=placed(lambda r, f, e: e * r + (1 - e) * f),
    two_axes=placed(lambda r, f, e: e[:, None] * r + (1 - e[:, None]) * f),
)
TRIALS.mutants(
    "no-graph",
    no_graph=no_graph,
    retained=retained,
    backward_without_graph=backward_without_graph,
    detached=lambda *a: right(*a).detach(),
    in_numpy=lambda *a: right(*a).detach().numpy(),
)
TRIALS.mutants("generic:value", noise=noise)
TRIALS.mutants("generic:error", no_requires_grad=no_requires_grad)
TRIALS.alternatives(
    right=right,
    summed=summed,
    by_backward=by_backward,
    loop=loop,
    by_jacobian=by_jacobian,
    by_vmap=by_vmap,
    through_epsilon=through_epsilon,
)


def quotient(h, centred=False):
    def input_gradient(critic, real, fake, epsilon):
        x = mix(real, fake, epsilon)
        steps = h * torch.eye(x[0].numel(), dtype=x.dtype).reshape(-1, *x.shape[1:])
        below = [critic(x - step if centred else x) for step in steps]
        slopes = [critic(x + step) - low for step, low in zip(steps, below, strict=True)]
        return torch.cat(slopes, 1).reshape(x.shape) / (2 * h if centred else h)

    return input_gradient


TRIALS.mutants("quotient", forward=quotient(1e-3), coarse=quotient(0.01, centred=True))
