"""Versions of ``moving_average`` that students write."""

import torch

from ..registry import Trials


def right(weights, decay):
    average = weights[0]
    for state in weights[1:]:
        average = decay * average + (1 - decay) * state
    return average


def lerp(weights, decay):
    average = weights[0].clone()
    for state in weights[1:]:
        average.lerp_(state, 1 - decay)
    return average


def by_powers(weights, decay):
    n = len(weights)
    shares = [decay ** (n - 1)] + [(1 - decay) * decay ** (n - 1 - t) for t in range(1, n)]
    return torch.tensor(shares, dtype=weights.dtype) @ weights


def by_numpy(weights, decay):
    average = weights.numpy()[0].copy()
    for state in weights.numpy()[1:]:
        average += (1 - decay) * (state - average)
    return average


def recursive(weights, decay):
    if len(weights) == 1:
        return weights[0]
    return decay * recursive(weights[:-1], decay) + (1 - decay) * weights[-1]


def from_start_twice(weights, decay):
    average = weights[0]
    for state in weights:
        average = decay * average + (1 - decay) * state
    return average


def from_zero(weights, decay):
    average = torch.zeros_like(weights[0])
    for state in weights:
        average = decay * average + (1 - decay) * state
    return average


def in_place(weights, decay):
    average = weights[0]
    for state in weights[1:]:
        average.mul_(decay).add_(state, alpha=1 - decay)
    return average


def unweighted(weights, decay):
    total = torch.zeros_like(weights[0])
    for state in weights:
        total = decay * total + state
    return total


def path(weights, decay):
    out = [weights[0]]
    for state in weights[1:]:
        out.append(decay * out[-1] + (1 - decay) * state)
    return torch.stack(out)


TRIALS = Trials("ps10.moving_average")
TRIALS.mutants("swapped", swapped=lambda w, b: right(w, 1 - b))
TRIALS.mutants("from-zero", zero=from_zero)
TRIALS.mutants("bias-corrected", adam=lambda w, b: from_zero(w, b) / (1 - b ** len(w)))
TRIALS.mutants("plain-mean", mean=lambda w, b: w.mean(0))
TRIALS.mutants("last-state", last=lambda w, b: w[-1])
TRIALS.mutants("backwards", flipped=lambda w, b: right(w.flip(0), b))
TRIALS.mutants(
    "one-step",
    ends=lambda w, b: b * w[0] + (1 - b) * w[-1],
    stale=lambda w, b: b * w[max(len(w) - 2, 0)] + (1 - b) * w[-1],
)
TRIALS.mutants("not-adding-to-one", unweighted=unweighted)
TRIALS.mutants("whole-path", path=path)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.mutants("generic:value", last_20=lambda w, b: right(w[-20:], b))
TRIALS.mutants("generic:which", rounded=lambda w, b: right(w, round(b, 2)))
TRIALS.alternatives(
    right=right,
    lerp=lerp,
    by_powers=by_powers,
    by_numpy=by_numpy,
    recursive=recursive,
    first_counts_twice=from_start_twice,
)
TRIALS.mutants(
    "a-state-left-out",
    last=lambda w, b: right(w[:-1] if len(w) > 1 else w, b),
    second=lambda w, b: right(torch.cat([w[:1], w[2:]]), b),
    first=lambda w, b: right(w[1:] if len(w) > 1 else w, b),
)
TRIALS.mutants("generic:direction", each_once=lambda weights, decay: right(weights.unique_consecutive(dim=0), decay))


def powers_divided_out(weights, decay):
    if decay == 0:
        return weights[-1].clone()
    shares = (1 - decay) * decay ** -torch.arange(len(weights), dtype=weights.dtype)
    shares[0] = 1.0
    return shares @ weights * decay ** (len(weights) - 1)


TRIALS.mutants("generic:nan", powers_divided_out=powers_divided_out)
