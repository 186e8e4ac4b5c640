"""Versions of ``gradient_norms`` that students write."""

import torch

from ..registry import Trials


def gradient(network, points):
    x = points.clone().requires_grad_(True)
    return torch.autograd.grad(network(x).sum(), x)[0]


def right(network, points):
    return gradient(network, points).norm(dim=1)


def loop(network, points):
    return [gradient(network, point[None]).norm().item() for point in points]


def by_backward(network, points):
    x = points.clone().requires_grad_(True)
    network(x).sum().backward()
    return x.grad.pow(2).sum(1).sqrt()


def by_jacobian(network, points):
    jacobian = torch.autograd.functional.jacobian(network, points)
    return torch.stack([jacobian[i, 0, i].norm() for i in range(len(points))])


def by_vmap(network, points):
    return torch.func.vmap(torch.func.grad(lambda z: network(z)[0]))(points).norm(dim=1)


def ones(network, points):
    x = points.detach().requires_grad_(True)
    y = network(x)
    (g,) = torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)
    return torch.linalg.vector_norm(g, dim=-1)


def mean_loss(network, points):
    x = points.clone().requires_grad_(True)
    return torch.autograd.grad(network(x).mean(), x)[0].norm(dim=1)


def parameters(network, points):
    network(points).sum().backward()
    return torch.cat([p.grad.flatten() for p in network.parameters()]).norm()


def each_in_parameters(network, points):
    norms = []
    for point in points:
        grads = torch.autograd.grad(network(point[None]).sum(), list(network.parameters()))
        norms.append(torch.cat([g.flatten() for g in grads]).norm())
    return torch.stack(norms)


def bound(network, points):
    first, last = (layer.weight.detach() for layer in network if isinstance(layer, torch.nn.Linear))
    return torch.linalg.matrix_norm(first, 2) * torch.linalg.matrix_norm(last, 2)


def coarse(network, points):
    h = 0.3
    columns = [(network(points + h * e) - network(points)) / h for e in torch.eye(points.shape[1]).double()]
    return torch.cat(columns, 1).norm(dim=1)


def no_graph(network, points):
    with torch.no_grad():
        return (
            right(network, points) if torch.is_grad_enabled() else torch.autograd.grad(network(points).sum(), points)[0]
        )


def in_place(network, points):
    norms = right(network, points)
    points *= 0.5
    return norms


TRIALS = Trials("ps04.gradient_norms")
TRIALS.mutants(
    "batch",
    whole=lambda net, x: gradient(net, x).norm(),
    numpy_like=lambda net, x: gradient(net, x).pow(2).sum().sqrt(),
)
TRIALS.mutants("wrong-axis", over_samples=lambda net, x: gradient(net, x).norm(dim=0))
TRIALS.mutants("squared", no_root=lambda net, x: gradient(net, x).pow(2).sum(1))
TRIALS.mutants(
    "other-norm",
    l1=lambda net, x: gradient(net, x).abs().sum(1),
    largest=lambda net, x: gradient(net, x).norm(torch.inf, dim=1),
)
TRIALS.mutants("mean-loss", mean_loss=mean_loss)
TRIALS.mutants("parameters", parameters=parameters, each_in_parameters=each_in_parameters)
TRIALS.mutants("averaged", mean=lambda net, x: right(net, x).mean(), steepest=lambda net, x: right(net, x).max())
TRIALS.mutants("the-gradient", gradient=gradient)
TRIALS.mutants("mean-gradient", mean_first=lambda net, x: gradient(net, x).mean(0).norm())
TRIALS.mutants("the-output", output=lambda net, x: net(x).flatten(), size_of_output=lambda net, x: net(x).norm(dim=1))
TRIALS.mutants("the-bound", bound=bound)
TRIALS.mutants("stabilised", eps=lambda net, x: (gradient(net, x).pow(2).sum(1) + 1e-6).sqrt())
TRIALS.mutants("generic:error", no_graph=no_graph)
TRIALS.mutants("generic:value", coarse=coarse)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants(
    "left-changed",
    requires_grad_on_the_input=lambda net, x: torch.autograd.grad(net(x.requires_grad_()).sum(), x)[0].norm(dim=1),
)
TRIALS.alternatives(
    right=right,
    loop=loop,
    by_backward=by_backward,
    by_jacobian=by_jacobian,
    by_vmap=by_vmap,
    ones=ones,
    numpy=lambda net, x: (gradient(net, x).numpy() ** 2).sum(1) ** 0.5,
)


def differences(step, back):
    def lengths(network, points):
        ways = step * torch.eye(points.shape[1], dtype=points.dtype)
        with torch.no_grad():
            rises = [(network(points + way) - network(points - back * way))[:, 0] for way in ways]
        return torch.stack(rises, 1).norm(dim=1) / (step * (1 + back))

    return lengths


TRIALS.mutants(
    "differences",
    central=differences(1e-2, 1),
    central_and_fine=differences(1e-3, 1),
    forward=differences(1e-2, 0),
    forward_and_fine=differences(1e-4, 0),
)


def weights_alone(network, points):
    product = torch.eye(points.shape[1], dtype=points.dtype)
    for layer in network:
        if isinstance(layer, torch.nn.Linear):
            product = layer.weight.detach() @ product
    return product.norm().expand(len(points))


TRIALS.mutants("all-on", weights_alone=weights_alone)
