"""Versions of ``jacobian`` that students write."""

import math

import numpy as np
import torch

from ..registry import Trials


def field(state, weight, penalty=lambda p, w: -w * p):
    t, p = state
    s = torch.sigmoid(-p * t)
    return torch.stack([-p * s, t * s + penalty(p, weight)])


def by_autograd(theta, psi, weight):
    state = torch.tensor([theta, psi], dtype=torch.float64)
    return torch.autograd.functional.jacobian(lambda x: field(x, weight), state)


def entries(theta, psi, weight):
    s = 1 / (1 + math.exp(psi * theta))
    second = -s * (1 - s)
    cross = s + psi * theta * second
    return s, second, cross, [[-(psi**2) * second, -cross], [cross, theta**2 * second - weight]]


def nested(theta, psi, weight):
    return entries(theta, psi, weight)[3]


def by_differences(theta, psi, weight):
    h, state = 1e-5, torch.tensor([theta, psi], dtype=torch.float64)
    columns = [(field(state + h * e, weight) - field(state - h * e, weight)) / (2 * h) for e in torch.eye(2).double()]
    return torch.stack(columns, dim=1)


def by_numpy(theta, psi, weight):
    p = psi * theta
    first, second = 1 / (1 + np.exp(p)), -1 / (2 + 2 * np.cosh(p))
    J = np.zeros((2, 2))
    J[0] = [-(psi**2) * second, -(first + p * second)]
    J[1] = [first + p * second, theta**2 * second - weight]
    return J


def by_rows(theta, psi, weight):
    state = torch.tensor([theta, psi], dtype=torch.float64, requires_grad=True)
    rows = [torch.autograd.grad(v, state, retain_graph=True)[0] for v in field(state, weight)]
    return torch.stack(rows).float()


def changed(change):
    return lambda t, p, w: change(torch.tensor(nested(t, p, w)), t, p, w)


def transposed_columns(theta, psi, weight):
    return by_differences(theta, psi, weight).T


def hessian(theta, psi, weight):
    state = torch.tensor([theta, psi], dtype=torch.float64)
    return torch.autograd.functional.hessian(
        lambda x: -torch.nn.functional.softplus(-x[0] * x[1]) - weight / 2 * x[1] ** 2, state
    )


def with_second(rule, product=1.0, first=None):
    def J(theta, psi, weight):
        s = 1 / (1 + math.exp(psi * theta)) if first is None else first(psi * theta)
        second = rule(s)
        cross = s + product * psi * theta * second
        return torch.tensor([[-(psi**2) * second, -cross], [cross, theta**2 * second - weight]])

    return J


def curvature(s):
    return -s * (1 - s)


def with_penalty(i, j, factor=-1.0):
    def J(theta, psi, weight):
        found = torch.tensor(nested(theta, psi, 0.0))
        found[i, j] += factor * weight
        return found

    return J


def mixed_diagonal(theta, psi, weight):
    _, second, cross, _ = entries(theta, psi, weight)
    return torch.tensor([[-(theta**2) * second, -cross], [cross, psi**2 * second - weight]])


def sigmoid_rule(theta, psi, weight):
    state = torch.tensor([theta, psi], dtype=torch.float64)

    def wrong(x):
        s = torch.sigmoid(x[0] * x[1])
        return torch.stack([-x[1] * s, x[0] * s - weight * x[1]])

    return torch.autograd.functional.jacobian(wrong, state)


TRIALS = Trials("ps09.jacobian")
TRIALS.mutants("transposed", transposed=transposed_columns)
TRIALS.mutants("hessian", hessian=hessian)
TRIALS.mutants("rows-swapped", rows=changed(lambda J, t, p, w: J.flip(0)))
TRIALS.mutants("at-the-origin", origin=lambda t, p, w: torch.tensor([[0.0, -0.5], [0.5, -w]]))
TRIALS.mutants("no-second-derivative", constant=with_second(lambda s: 0.0))
TRIALS.mutants("no-product-rule", product=with_second(curvature, product=0.0))
TRIALS.mutants("second-sign", plus=with_second(lambda s: s * (1 - s)))
TRIALS.mutants(
    "second-derivative",
    quarter=with_second(lambda s: -0.25),
    square=with_second(lambda s: -s * s),
    third=with_second(lambda s: s * (1 - s) * (1 - 2 * s)),
)
TRIALS.mutants("derivative", sigmoid=sigmoid_rule)
TRIALS.mutants("wasserstein", linear=lambda t, p, w: torch.tensor([[0.0, -1.0], [1.0, -w]]))
TRIALS.mutants("penalty-sign", plus_weight=with_penalty(1, 1, 1.0))
TRIALS.mutants("penalty-place", first=with_penalty(0, 0), corner=with_penalty(1, 0))
TRIALS.mutants("penalty-missing", none=lambda t, p, w: nested(t, p, 0.0), force=lambda t, p, w: nested(t, p, w * p))
TRIALS.mutants("penalty-factor", twice=with_penalty(1, 1, -2.0), half=with_penalty(1, 1, -0.5))
TRIALS.mutants("diagonal", mixed=mixed_diagonal)
TRIALS.mutants("generic:shape", flat=lambda t, p, w: torch.tensor(nested(t, p, w)).flatten())
TRIALS.mutants("generic:value", near_states=lambda t, p, w: nested(max(-5, min(5, t)), max(-5, min(5, p)), w))
TRIALS.alternatives(
    by_autograd=by_autograd, nested=nested, by_differences=by_differences, by_numpy=by_numpy, by_rows=by_rows
)


def origin_on_the_axes(theta, psi, weight):
    if theta * psi == 0:
        return [[0.0, -0.5], [0.5, -weight]]
    first = 1 / (1 + math.exp(theta * psi))
    second = -first * (1 - first)
    cross = first + theta * psi * second
    return [[-psi * psi * second, -cross], [cross, theta * theta * second - weight]]


TRIALS.mutants("generic:value", origin_on_the_axes=origin_on_the_axes)


def forward_quotient(theta, psi, weight, h=1e-3):
    state = torch.tensor([theta, psi], dtype=torch.float64)
    steps = h * torch.eye(2, dtype=torch.float64)
    return torch.stack([(field(state + step, weight) - field(state, weight)) / h for step in steps], 1)


def saturated(theta, psi, weight):
    t = psi * theta
    s = 0.0 if t > 12 else 1.0 if t < -12 else 1 / (1 + math.exp(t))
    c = s * (1 - s)
    return [[c * psi**2, -s + c * t], [s - c * t, -c * theta**2 - weight]]


TRIALS.mutants("quotient", forward_quotient=forward_quotient)
TRIALS.mutants("generic:value", saturated=saturated)
