"""Versions of ``hinge_value`` that students write."""

import math

import numpy as np
import torch

from ..registry import Trials


def right(x, y, K):
    return 2 - torch.clamp(K * (x - y).norm(), max=2)


def by_relu(x, y, K):
    return torch.relu(2 - K * torch.dist(x, y))


def by_critic(x, y, K):
    top = min(K * float((x - y).norm()) / 2, 1.0)
    return max(0.0, 1 - top) + max(0.0, 1 + -top)


def by_numpy(x, y, K):
    return 2 - min(K * np.linalg.norm(x.numpy() - y.numpy()), 2)


def by_loop(x, y, K):
    square = sum((float(a) - float(b)) ** 2 for a, b in zip(x, y, strict=True))
    return max(0.0, 2 - K * math.sqrt(square))


def cut(distance):
    return lambda x, y, K: 2 - min(float(distance(x, y, K)), 2)


TRIALS = Trials("ps08.hinge_value")
TRIALS.mutants("not-truncated", endless=lambda x, y, K: 2 - K * (x - y).norm())
TRIALS.mutants(
    "the-gain", gain=lambda x, y, K: (K * (x - y).norm()).clamp(max=2), w1=lambda x, y, K: K * (x - y).norm()
)
TRIALS.mutants("cut-at-one", at_one=lambda x, y, K: 2 - (K * (x - y).norm()).clamp(max=1))
TRIALS.mutants("half-way", one_term=lambda x, y, K: torch.relu(1 - K * (x - y).norm() / 2))
TRIALS.mutants("half-way", whole_slope_twice=lambda x, y, K: 2 * torch.relu(1 - K * (x - y).norm()))
TRIALS.mutants(
    "k-ignored", ignored=cut(lambda x, y, K: (x - y).norm()), divided=cut(lambda x, y, K: (x - y).norm() / K)
)
TRIALS.mutants("cut-at-k", at_range=lambda x, y, K: 2 - (x - y).norm().clamp(max=2 / K))
TRIALS.mutants("squared", squared=cut(lambda x, y, K: K * (x - y).square().sum()))
TRIALS.mutants(
    "other-norm", taxi=cut(lambda x, y, K: K * (x - y).abs().sum()), most=cut(lambda x, y, K: K * (x - y).abs().max())
)
TRIALS.mutants("largest", largest=lambda x, y, K: 2 - (K * (x - y).norm()).clamp(min=2))
TRIALS.mutants("two-everywhere", constant=lambda x, y, K: 2.0, nothing=lambda x, y, K: 0.0)

TRIALS.alternatives(right=right, by_relu=by_relu, by_critic=by_critic, by_numpy=by_numpy, by_loop=by_loop)
TRIALS.alternatives(
    pairwise=lambda x, y, K: torch.relu(2 - K * torch.nn.functional.pairwise_distance(x[None], y[None]))[0]
)


def one_at_one_place(x, y, K):
    return 1.0 if torch.equal(x, y) else torch.relu(2 - K * torch.dist(x, y))


TRIALS.mutants("generic:direction", one_at_one_place=one_at_one_place)
TRIALS.mutants(
    "generic:direction", products=lambda x, y, K: (2 - K * (x @ x + y @ y - 2 * x @ y).clamp(min=0).sqrt()).clamp(min=0)
)
TRIALS.mutants("k-ignored", at_most_one=lambda x, y, K: max(0.0, 2 - min(K, 1) * float((x - y).norm())))
