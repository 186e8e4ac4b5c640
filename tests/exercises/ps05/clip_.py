"""Versions of ``clip_`` that students write."""

import torch
from torch import nn

from ..registry import Trials


def each(change, which=lambda name: True):
    """Replace the content of each parameter by something made of it."""

    def clip_(critic, c):
        with torch.no_grad():
            for name, p in critic.named_parameters():
                if which(name):
                    p.copy_(change(p, c))

    return clip_


def right(critic, c):
    with torch.no_grad():
        for p in critic.parameters():
            p.clamp_(-c, c)


def by_data(critic, c):
    for p in critic.parameters():
        p.data.clamp_(-c, c)
    return critic


def by_layers(critic, c):
    with torch.no_grad():
        for layer in critic:
            if isinstance(layer, nn.Linear):
                layer.weight[layer.weight > c] = c
                layer.weight[layer.weight < -c] = -c
                layer.bias.copy_(layer.bias.clip(min=-c, max=c))


def number_by_number(critic, c):
    for p in critic.parameters():
        flat = p.detach().view(-1)
        for i in range(len(flat)):
            flat[i] = min(max(float(flat[i]), -c), c)


def by_state(critic, c):
    critic.load_state_dict({name: value.clamp(-c, c) for name, value in critic.state_dict().items()})


def foreach(critic, c):
    with torch.no_grad():
        parameters = list(critic.parameters())
        torch._foreach_clamp_min_(parameters, -c)
        torch._foreach_clamp_max_(parameters, c)


def new_data(critic, c):
    for p in critic.parameters():
        p.data = p.data.clamp(-c, c)


def new_parameters(critic, c):
    for layer in critic:
        if isinstance(layer, nn.Linear):
            layer.weight = nn.Parameter(layer.weight.detach().clamp(-c, c))
            layer.bias = nn.Parameter(layer.bias.detach().clamp(-c, c))


def renamed(critic, c):
    for p in critic.parameters():
        p = p.clamp(-c, c)


def result_ignored(critic, c):
    for p in critic.parameters():
        torch.clamp(p, -c, c)


def without_no_grad(critic, c):
    for p in critic.parameters():
        p.clamp_(-c, c)


def two_layers(critic, c):
    with torch.no_grad():
        for layer in (critic[0], critic[2]):
            layer.weight.clamp_(-c, c)
            layer.bias.clamp_(-c, c)


def ends(critic, c):
    with torch.no_grad():
        for layer in (critic[0], critic[-1]):
            layer.weight.clamp_(-c, c)
            layer.bias.clamp_(-c, c)


def by_vector(critic, c):
    flat = nn.utils.parameters_to_vector(critic.parameters()).detach()
    nn.utils.vector_to_parameters(flat.clamp(-c, c), critic.parameters())


def gradients(critic, c):
    torch.nn.utils.clip_grad_value_(critic.parameters(), c)


def returned(critic, c):
    return [p.detach().clamp(-c, c) for p in critic.parameters()]


TRIALS = Trials("ps05.clip_")
TRIALS.mutants("new-parameters", new_parameters=new_parameters)
TRIALS.mutants("no-effect", renamed=renamed, result_ignored=result_ignored, returned=returned)
TRIALS.mutants("generic:error", without_no_grad=without_no_grad, gradients=gradients)
TRIALS.mutants("biases-left", biases_left=each(lambda p, c: p.clamp(-c, c), lambda name: "weight" in name))
TRIALS.mutants("weights-left", weights_left=each(lambda p, c: p.clamp(-c, c), lambda name: "bias" in name))
TRIALS.mutants("hard-coded", two_layers=two_layers, ends=ends)
TRIALS.mutants("one-layer", last=each(lambda p, c: p.clamp(-c, c), lambda name: name.startswith("2")))
TRIALS.mutants("one-end", above=each(lambda p, c: p.clamp(max=c)), below=each(lambda p, c: p.clamp(min=-c)))
TRIALS.mutants(
    "positive", positive=each(lambda p, c: p.clamp(0, c)), no_minus=each(lambda p, c: torch.where(p.abs() > c, c, p))
)
TRIALS.mutants(
    "scaled",
    by_largest=each(lambda p, c: p * min(1.0, c / float(p.abs().max()))),
    by_norm=each(lambda p, c: p * min(1.0, c / float(p.norm()))),
)
TRIALS.mutants("squashed", squashed=each(lambda p, c: c * torch.tanh(p / c)))
TRIALS.mutants("zeroed", zeroed=each(lambda p, c: p * (p.abs() <= c)))
TRIALS.mutants("corner", corner=each(lambda p, c: c * p.sign()))
TRIALS.mutants(
    "other-box", half=each(lambda p, c: p.clamp(-c / 2, c / 2)), fixed=each(lambda p, c: p.clamp(-0.01, 0.01))
)
TRIALS.alternatives(
    right=right,
    by_data=by_data,
    by_layers=by_layers,
    number_by_number=number_by_number,
    by_state=by_state,
    foreach=foreach,
    new_data=new_data,
    by_vector=by_vector,
    min_max=each(lambda p, c: torch.maximum(torch.minimum(p, torch.tensor(c)), torch.tensor(-c))),
)


def at_least_a_hundredth(critic, c):
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.clamp_(-max(c, 0.01), max(c, 0.01))


TRIALS.mutants("generic:which", at_least_a_hundredth=at_least_a_hundredth)


def all_scaled(critic, c):
    with torch.no_grad():
        length = torch.cat([p.flatten() for p in critic.parameters()]).norm()
        for p in critic.parameters():
            p.mul_(min(1.0, float(c / length)))


TRIALS.mutants("scaled", all_scaled=all_scaled)


def trained_alone(critic, c):
    for p in critic.parameters():
        if p.requires_grad:
            p.data.clamp_(-c, c)


def what_is_optimised(critic, c):
    with torch.no_grad():
        torch._foreach_clamp_min_(trained := [p for p in critic.parameters() if p.requires_grad], -c)
        torch._foreach_clamp_max_(trained, c)


TRIALS.mutants("frozen-left", trained_alone=trained_alone, what_is_optimised=what_is_optimised)


def last_layer(critic, c):
    for p in critic[-1].parameters():
        p.data.clamp_(-c, c)


TRIALS.mutants("one-layer", last_layer=last_layer)
