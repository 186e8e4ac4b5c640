"""Versions of ``c_transform`` that students write."""

import torch

from wgan_course import transport

from ..registry import Trials


def loop(phi, cost):
    best = []
    for j in range(cost.shape[1]):
        best.append(min(float(cost[i, j] - phi[i]) for i in range(cost.shape[0])))
    return torch.tensor(best, dtype=torch.float64)


def in_place(phi, cost):
    cost -= phi[:, None]
    return cost.amin(0)


def running(phi, cost):
    best = torch.full((cost.shape[1],), torch.inf, dtype=cost.dtype)
    for price, row in zip(phi, cost, strict=True):
        best = torch.minimum(best, row - price)
    return best


TRIALS = Trials("ps03.c_transform")
TRIALS.mutants("plus", plus=lambda phi, cost: (cost + phi[:, None]).min(0).values)
TRIALS.mutants(
    "maximum",
    maximum=lambda phi, cost: (cost - phi[:, None]).amax(0),
    turned_minimum=lambda phi, cost: (phi[:, None] - cost).amin(0),
)
TRIALS.mutants("negated", critic=lambda phi, cost: (phi[:, None] - cost).amax(0))
TRIALS.mutants(
    "wrong-axis",
    rows=lambda phi, cost: (cost - phi[:, None]).amin(1),
    columns=lambda phi, cost: (cost.T - phi[:, None]).amin(0),
)
TRIALS.mutants("broadcast", no_none=lambda phi, cost: (cost - phi).amin(0))
TRIALS.mutants(
    "separate",
    separate=lambda phi, cost: cost.amin(0) - phi.max(),
    nearest_mine=lambda phi, cost: cost.amin(0) - phi[cost.argmin(0)],
)
TRIALS.mutants("average", mean=lambda phi, cost: (cost - phi[:, None]).mean(0))
TRIALS.mutants("clamped", clamped=lambda phi, cost: (cost - phi[:, None]).amin(0).clamp(min=0))
TRIALS.mutants("index", argmin=lambda phi, cost: (cost - phi[:, None]).argmin(0))
TRIALS.mutants(
    "soft",
    soft=lambda phi, cost: -0.1 * torch.logsumexp((phi[:, None] - cost) / 0.1, 0),
    softer=lambda phi, cost: -torch.logsumexp(phi[:, None] - cost, 0),
)
TRIALS.mutants("single-precision", single=lambda phi, cost: (cost.float() - phi.float()[:, None]).amin(0))
TRIALS.mutants("generic:shape", one_number=lambda phi, cost: (cost - phi[:, None]).min())
TRIALS.mutants("generic:unusable", both=lambda phi, cost: (cost - phi[:, None]).min(0))
TRIALS.mutants("generic:refused", package=transport.c_transform)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    amin=lambda phi, cost: (cost - phi[:, None]).amin(0),
    values=lambda phi, cost: torch.min(cost - phi.unsqueeze(1), dim=0).values,
    loop=loop,
    running=running,
    numpy=lambda phi, cost: (cost.numpy().T - phi.numpy()).min(axis=1),
    maximum=lambda phi, cost: -(phi[:, None] - cost).amax(0),
)


def from_a_thousand(phi, cost):
    least = torch.full_like(cost[0], 1000.0)
    for price, row in zip(phi, cost, strict=True):
        least = torch.minimum(least, row - price)
    return least


def no_discounts(phi, cost):
    return (cost - phi.clamp(min=0)[:, None]).amin(0)


TRIALS.mutants("generic:direction", from_a_thousand=from_a_thousand)
TRIALS.mutants("generic:direction", no_discounts=no_discounts)
TRIALS.mutants("generic:unusable", values_and_indices=lambda phi, cost: (cost - phi[:, None]).min(0))
