"""Versions of ``reduced_costs`` that students write."""

import numpy as np
import torch

from ..registry import Trials


def loop(phi, psi, cost):
    table = torch.empty_like(cost)
    for i in range(cost.shape[0]):
        for j in range(cost.shape[1]):
            table[i, j] = cost[i, j] - phi[i] - psi[j]
    return table


def in_place(phi, psi, cost):
    cost -= phi[:, None]
    cost -= psi
    return cost


TRIALS = Trials("ps03.reduced_costs")
TRIALS.mutants("violation", violation=lambda phi, psi, cost: phi[:, None] + psi[None] - cost)
TRIALS.mutants(
    "critic-sign",
    minus_psi=lambda phi, psi, cost: cost - (phi[:, None] - psi[None, :]),
    minus_phi=lambda phi, psi, cost: cost + phi[:, None] - psi[None, :],
)
TRIALS.mutants("axes", axes=lambda phi, psi, cost: cost - phi[None, :] - psi[:, None])
TRIALS.mutants(
    "both-along-columns",
    no_none=lambda phi, psi, cost: cost - phi - psi,
)
TRIALS.mutants(
    "one-side",
    mines=lambda phi, psi, cost: cost - phi.unsqueeze(1),
    shops=lambda phi, psi, cost: cost - psi.unsqueeze(0),
)
TRIALS.mutants(
    "both-from-rows",
    summed_first=lambda phi, psi, cost: cost - (phi + psi)[:, None],
    views=lambda phi, psi, cost: cost - phi.view(-1, 1) - psi.view(-1, 1),
)
TRIALS.mutants("added", added=lambda phi, psi, cost: cost + phi[:, None] + psi)
TRIALS.mutants(
    "clamped",
    clamped=lambda phi, psi, cost: torch.relu(cost - phi[:, None] - psi),
    absolute=lambda phi, psi, cost: (cost - phi[:, None] - psi).abs(),
)
TRIALS.mutants("reduced", smallest=lambda phi, psi, cost: (cost - phi[:, None] - psi).amin())
TRIALS.mutants("transposed", transposed=lambda phi, psi, cost: (cost - phi[:, None] - psi).T)
TRIALS.mutants("generic:shape", minimum_by_shop=lambda phi, psi, cost: (cost - phi[:, None] - psi).amin(0))
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    broadcast=lambda phi, psi, cost: cost - phi[:, None] - psi[None, :],
    loop=loop,
    numpy=lambda phi, psi, cost: cost.numpy() - np.add.outer(phi.numpy(), psi.numpy()),
    view=lambda phi, psi, cost: cost - (phi.view(-1, 1) + psi.view(1, -1)),
    matrix_product=lambda phi, psi, cost: cost - torch.outer(phi, torch.ones_like(psi)) - psi.expand_as(cost),
    transposed_twice=lambda phi, psi, cost: (cost.T - phi).T - psi,
)


def tidied(phi, psi, cost):
    slack = cost - phi[:, None] - psi
    return torch.where(slack.abs() < 1e-3, 0.0, slack)


TRIALS.mutants("generic:factor", tidied=tidied)
