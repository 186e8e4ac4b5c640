"""Versions of ``gradient_by_layer`` that students write."""

import torch
from torch import nn

from ..registry import Trials


def layer_outputs(critic, x):
    """The input, what each ReLU puts out, and the critic's values."""
    h = x.clone().requires_grad_(True)
    seen = [h]
    for layer in critic:
        h = layer(h)
        if isinstance(layer, nn.ReLU):
            seen.append(h)
    return seen, h


def gradients(critic, x, reduce=torch.sum):
    seen, values = layer_outputs(critic, x)
    return torch.autograd.grad(reduce(values), seen)


def of(size, reduce=torch.sum):
    return lambda critic, x: torch.stack([size(g) for g in gradients(critic, x, reduce)])


def rms(g):
    return g.square().sum(1).mean().sqrt()


right = of(rms)


def by_hooks(critic, x):
    seen = []
    hooks = [m.register_forward_hook(lambda _m, _i, out: seen.append(out)) for m in critic if isinstance(m, nn.ReLU)]
    x = x.detach().clone().requires_grad_()
    total = critic(x).sum()
    for hook in hooks:
        hook.remove()
    return [g.norm().item() / len(x) ** 0.5 for g in torch.autograd.grad(total, [x, *seen])]


def by_retained(critic, x):
    seen, values = layer_outputs(critic, x)
    for h in seen[1:]:
        h.retain_grad()
    values.backward(torch.ones_like(values))
    return torch.stack([(h.grad**2).sum(-1).mean() ** 0.5 for h in seen])


def by_samples(critic, x):
    squares = torch.stack([of(lambda g: g.square().sum())(critic, row[None]) for row in x])
    return squares.mean(0).sqrt()


def by_chain(critic, x):
    """The chain rule by hand."""
    linear = [layer for layer in critic if isinstance(layer, nn.Linear)]
    seen, _ = layer_outputs(critic, x)
    carried = linear[-1].weight.expand(len(x), -1)
    found = [carried]
    for layer, h in zip(reversed(linear[:-1]), reversed(seen[1:]), strict=True):
        carried = (carried * (h > 0)) @ layer.weight
        found.insert(0, carried)
    return torch.stack([rms(g) for g in found]).detach()


def before(critic, x):
    h = x.clone().requires_grad_(True)
    seen = [h]
    for layer in critic:
        h = layer(h)
        if isinstance(layer, nn.Linear):
            seen.append(h)
    return torch.stack([rms(g) for g in torch.autograd.grad(h.sum(), seen[:-1])])


def weights(critic, x):
    critic(x).sum().backward()
    return torch.stack([layer.weight.grad.norm() for layer in critic if isinstance(layer, nn.Linear)])


def output_too(critic, x):
    return torch.cat([right(critic, x), torch.ones(1, dtype=torch.float64)])


def mean_gradient(g):
    return g.mean(0).norm()


TRIALS = Trials("ps05.gradient_by_layer")
TRIALS.mutants("before-activation", before=before)
TRIALS.mutants("reversed", reversed=lambda critic, x: right(critic, x).flip(0))
TRIALS.mutants("mean-norm", mean_norm=of(lambda g: g.norm(dim=1).mean()))
TRIALS.mutants("whole-batch", whole_batch=of(torch.norm))
TRIALS.mutants("mean-loss", mean_loss=of(rms, torch.mean), mean_whole=of(torch.norm, torch.mean))
TRIALS.mutants("mean-gradient", mean_gradient=of(mean_gradient), sum_gradient=of(lambda g: g.sum(0).norm()))
TRIALS.mutants("per-coordinate", per_coordinate=of(lambda g: g.square().mean().sqrt()))
TRIALS.mutants("squared", squared=of(lambda g: g.square().sum(1).mean()))
TRIALS.mutants("weights", weights=weights)
TRIALS.mutants("input-missing", input_missing=lambda critic, x: right(critic, x)[1:])
TRIALS.mutants("output-too", output_too=output_too)
TRIALS.mutants("largest", largest=of(lambda g: g.norm(dim=1).max()))
TRIALS.mutants("activations", activations=lambda critic, x: torch.stack([rms(h) for h in layer_outputs(critic, x)[0]]))
TRIALS.alternatives(right=right, by_hooks=by_hooks, by_retained=by_retained, by_samples=by_samples, by_chain=by_chain)
