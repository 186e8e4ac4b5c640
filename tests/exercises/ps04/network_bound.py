"""Versions of ``network_bound`` that students write."""

import math

import numpy as np
import torch
from torch import nn

from ..registry import Trials


def linears(network):
    return [layer for layer in network if isinstance(layer, nn.Linear)]


def quarters(network):
    return 0.25 ** sum(isinstance(layer, nn.Sigmoid) for layer in network)


def sigma(layer):
    return torch.linalg.matrix_norm(layer.weight.detach(), 2)


def right(network):
    bound = 1.0
    for layer in network:
        if isinstance(layer, nn.Linear):
            bound *= float(sigma(layer))
        elif isinstance(layer, nn.Sigmoid):
            bound *= 0.25
    return bound


def product(norm, factor=quarters):
    return lambda network: math.prod(float(norm(layer.weight.detach())) for layer in linears(network)) * factor(network)


def by_svd(network):
    values = [torch.linalg.svdvals(layer.weight)[0] for layer in network.modules() if isinstance(layer, nn.Linear)]
    return torch.stack(values).prod() * quarters(network)


def by_eigenvalues(network):
    weights = [layer.weight.detach() for layer in linears(network)]
    return quarters(network) * math.prod(float(torch.linalg.eigvalsh(W.T @ W)[-1]) ** 0.5 for W in weights)


def by_names(network):
    weights = [p.detach().numpy() for name, p in network.named_parameters() if name.endswith("weight")]
    return np.prod([np.linalg.norm(W, 2) for W in weights]) * quarters(network)


def dictionary(network):
    slopes = {nn.ReLU: 1.0, nn.Tanh: 1.0, nn.Softplus: 1.0, nn.Sigmoid: 0.25}
    logs = [math.log(slopes[type(m)]) if type(m) in slopes else float(sigma(m).log()) for m in network]
    return math.exp(sum(logs))


def with_bias(network):
    joined = [torch.cat([layer.weight, layer.bias[:, None]], 1).detach() for layer in linears(network)]
    return math.prod(float(torch.linalg.matrix_norm(W, 2)) for W in joined) * quarters(network)


def bias_factors(network):
    norms = [
        p.detach().norm() if p.ndim == 1 else torch.linalg.matrix_norm(p.detach(), 2) for p in network.parameters()
    ]
    return float(torch.stack(norms).prod()) * quarters(network)


def collapsed(network):
    whole = torch.eye(linears(network)[0].in_features).double()
    for layer in linears(network):
        whole = layer.weight.detach() @ whole
    return torch.linalg.matrix_norm(whole, 2) * quarters(network)


def at_the_origin(network):
    origin = torch.zeros(linears(network)[0].in_features).double()
    return torch.linalg.matrix_norm(torch.autograd.functional.jacobian(network, origin), 2)


def halves(network):
    return 0.5 ** sum(isinstance(layer, nn.Sigmoid) for layer in network)


def normalises(network):
    bound = right(network)
    for layer in linears(network):
        layer.weight.data /= sigma(layer)
    return bound


TRIALS = Trials("ps04.network_bound")
TRIALS.mutants(
    "sum",
    sum=lambda net: sum(sigma(m) for m in linears(net)) * quarters(net),
    plain_sum=lambda net: sum(map(sigma, linears(net))),
)
TRIALS.mutants(
    "largest",
    largest=lambda net: max(map(sigma, linears(net))),
    last=lambda net: sigma(net[-1]),
    first=lambda net: sigma(net[0]),
)
TRIALS.mutants(
    "frobenius", frobenius=product(torch.linalg.norm), norm_method=product(torch.Tensor.norm, lambda net: 1.0)
)
TRIALS.mutants(
    "other-norm",
    rows=product(lambda W: torch.linalg.matrix_norm(W, torch.inf)),
    entries=product(lambda W: W.abs().max()),
)
TRIALS.mutants("squared", eigenvalue=product(lambda W: torch.linalg.eigvalsh(W.T @ W)[-1]))
TRIALS.mutants("smallest", last_singular=product(lambda W: torch.linalg.svdvals(W)[-1]))
TRIALS.mutants("bias", with_bias=with_bias, bias_factors=bias_factors)
TRIALS.mutants("collapsed", collapsed=collapsed)
TRIALS.mutants("a-slope", at_the_origin=at_the_origin)
TRIALS.mutants("sigmoid-one", ignores_activations=product(lambda W: torch.linalg.matrix_norm(W, 2), lambda net: 1.0))
TRIALS.mutants("sigmoid-value", halves=product(lambda W: torch.linalg.matrix_norm(W, 2), halves))
TRIALS.mutants("per-layer", factors=lambda net: [float(sigma(m)) for m in linears(net)])
TRIALS.mutants("mutates-input", normalises=normalises)
TRIALS.mutants("generic:sign", negative=lambda net: -right(net))
TRIALS.alternatives(
    right=right,
    by_svd=by_svd,
    by_eigenvalues=by_eigenvalues,
    by_names=by_names,
    dictionary=dictionary,
    ord_two=product(lambda W: torch.linalg.norm(W, ord=2)),
    single_precision=product(lambda W: torch.linalg.matrix_norm(W.float(), 2)),
)


def every_second(network):
    bound = 1.0
    for layer in network[::2]:
        bound *= float(torch.linalg.matrix_norm(layer.weight.detach(), 2))
    return bound * 0.25 ** sum(isinstance(layer, torch.nn.Sigmoid) for layer in network)


TRIALS.mutants("generic:error", every_second=every_second)


def by_few_steps(W):
    v = torch.ones(W.shape[1], dtype=W.dtype)
    for _ in range(20):
        v = torch.nn.functional.normalize(W.T @ (W @ v), dim=0)
    return (W @ v).norm()


def by_radius_of_squares(W):
    return torch.linalg.eigvals(W).abs().max() if W.shape[0] == W.shape[1] else torch.linalg.matrix_norm(W, 2)


TRIALS.mutants("generic:direction", few_steps=product(by_few_steps), radius=product(by_radius_of_squares))


def root_of_sums(W):
    return (W.abs().sum(0).max() * W.abs().sum(1).max()).sqrt()


TRIALS.mutants("other-norm", root_of_sums=product(root_of_sums))
TRIALS.mutants(
    "at-least-one",
    each=product(lambda W: torch.linalg.matrix_norm(W, 2).clamp(min=1)),
    each_with_slope_one=product(lambda W: torch.linalg.matrix_norm(W, 2).clamp(min=1), lambda net: 1.0),
)
