"""Versions of ``potentials_from_plan`` that students write."""

import numpy as np
import torch
from scipy.optimize import linprog

from wgan_course import transport

from ..registry import Trials


def walks(coupling, cost, rounds=None, there=True, back=True, threshold=1e-9):
    n, m = cost.shape
    mine, shop = torch.zeros(n, dtype=cost.dtype), torch.zeros(m, dtype=cost.dtype)
    returns = torch.where(coupling > threshold, -cost, torch.inf)
    for _ in range(n + m if rounds is None else rounds):
        if there:
            shop = torch.minimum(shop, (mine[:, None] + cost).amin(0))
        if back:
            mine = torch.minimum(mine, (shop + returns).amin(1))
    return mine, shop


def right(coupling, cost):
    mine, shop = walks(coupling, cost)
    return -mine, shop


def one_round(coupling, cost):
    mine, shop = walks(coupling, cost, rounds=1)
    return -mine, shop


def edges(coupling, cost):
    """Bellman–Ford as in a textbook: a list of arrows, one vector of distances."""
    n, m = cost.shape
    arrows = [(i, n + j, float(cost[i, j])) for i in range(n) for j in range(m)]
    arrows += [(n + j, i, -float(cost[i, j])) for i in range(n) for j in range(m) if coupling[i, j] > 0]
    length = [0.0] * (n + m)
    for _ in range(n + m):
        for u, v, way in arrows:
            length[v] = min(length[v], length[u] + way)
    return [-d for d in length[:n]], length[n:]


def floyd_warshall(coupling, cost):
    n, m = cost.shape
    d = np.full((n + m, n + m), np.inf)
    d[:n, n:] = cost.numpy()
    d[n:, :n] = np.where(coupling.numpy() > 0, -cost.numpy(), np.inf).T
    np.fill_diagonal(d, 0.0)
    for k in range(n + m):
        d = np.minimum(d, d[:, k : k + 1] + d[k : k + 1])
    shortest = d.min(0)
    return -shortest[:n], shortest[n:]


def programme(coupling, cost):
    """The dual as a linear programme."""
    n, m = cost.shape
    rows = [np.concatenate([np.eye(n)[i], np.eye(m)[j]]) for i in range(n) for j in range(m)]
    masses = torch.cat([coupling.sum(1), coupling.sum(0)]).numpy()
    answer = linprog(-masses, A_ub=np.array(rows), b_ub=cost.numpy().ravel(), bounds=(-1000, 1000))
    return answer.x[:n], answer.x[n:]


def to_and_fro(coupling, cost):
    """From the shops' side: prices relaxed until the routes in use are tight."""
    psi = torch.zeros(cost.shape[1], dtype=cost.dtype)
    used = torch.where(coupling > 0, cost, -torch.inf)
    for _ in range(sum(cost.shape)):
        phi = (used - psi).amax(1)
        psi = torch.minimum(psi, (cost - phi[:, None]).amin(0))
    return phi, psi


def along_the_tree(coupling, cost):
    """Follow the routes in use from mine to shop; each group starts at 0."""
    n, m = cost.shape
    phi, psi = [None] * n, [None] * m
    for start in range(n):
        if phi[start] is None:
            phi[start] = 0.0
        for _ in range(n + m):
            for i, j in torch.nonzero(coupling).tolist():
                if phi[i] is not None and psi[j] is None:
                    psi[j] = float(cost[i, j]) - phi[i]
                elif psi[j] is not None and phi[i] is None:
                    phi[i] = float(cost[i, j]) - psi[j]
    return torch.tensor(phi), torch.tensor(psi)


def no_way_back(coupling, cost):
    return torch.zeros(len(cost), dtype=cost.dtype), cost.amin(0)


def solved(coupling, cost):
    answer = transport.solve(cost, coupling.sum(1), coupling.sum(0))
    return answer.phi, answer.psi


def half_each(coupling, cost):
    used = torch.where(coupling > 0, cost, torch.nan)
    return used.nanmean(1) / 2, used.nanmean(0) / 2


def dearest(coupling, cost):
    return cost.amax(1), cost.amax(0)


def in_place(coupling, cost):
    phi, psi = right(coupling, cost)
    cost[coupling == 0] = torch.inf
    return phi, psi


TRIALS = Trials("ps03.potentials_from_plan")
TRIALS.mutants("swapped", swapped=lambda coupling, cost: right(coupling, cost)[::-1])
TRIALS.mutants(
    "critic-sign",
    both_distances=walks,
    critic=lambda coupling, cost: (right(coupling, cost)[0], -right(coupling, cost)[1]),
)
TRIALS.mutants("negated", negated=lambda coupling, cost: tuple(-v for v in right(coupling, cost)))
TRIALS.mutants(
    "not-tight",
    no_way_back=no_way_back,
    zero=lambda coupling, cost: (torch.zeros(cost.shape[0]), torch.zeros(cost.shape[1])),
)
TRIALS.mutants(
    "one-moved",
    too_low=lambda coupling, cost: (right(coupling, cost)[0] - 0.1, right(coupling, cost)[1]),
    centred=lambda coupling, cost: (
        right(coupling, cost)[0] - right(coupling, cost)[0].mean(),
        right(coupling, cost)[1],
    ),
)
TRIALS.mutants("not-tight", large_routes=lambda coupling, cost: right(coupling * (coupling > 1e-3), cost))
TRIALS.mutants("not-admissible", along_the_tree=along_the_tree)
TRIALS.mutants("halves", half_each=half_each)
TRIALS.mutants("one-route", dearest=dearest)
TRIALS.mutants("generic:unusable", only_phi=lambda coupling, cost: right(coupling, cost)[0])
TRIALS.mutants("generic:refused", solver=solved)
TRIALS.mutants("mutates-input", in_place=in_place)
TRIALS.alternatives(
    right=right,
    edges=edges,
    floyd_warshall=floyd_warshall,
    float32=lambda coupling, cost: right(coupling.float(), cost.float()),
    programme=programme,
    shifted=lambda coupling, cost: (right(coupling, cost)[0] + 7.0, right(coupling, cost)[1] - 7.0),
    to_and_fro=to_and_fro,
    more_rounds=lambda coupling, cost: tuple(
        s * v for s, v in zip((-1, 1), walks(coupling, cost, rounds=200), strict=True)
    ),
)


def seven_rounds(coupling, cost):
    mine, shop = torch.zeros_like(cost[:, 0]), torch.zeros_like(cost[0])
    for _ in range(7):
        shop = torch.minimum(shop, (mine[:, None] + cost).amin(0))
        mine = torch.minimum(mine, torch.where(coupling > 0, shop - cost, torch.inf).amin(1))
    return -mine, shop


TRIALS.mutants("not-admissible", seven_rounds=seven_rounds)
TRIALS.mutants("too-few-rounds", one_round=one_round)


def once_through(coupling, cost):
    """One pass over all arrows, each with what those before it have found."""
    mine, shop = [0.0] * len(cost), [0.0] * cost.shape[1]
    for i in range(len(cost)):
        for j in range(cost.shape[1]):
            shop[j] = min(shop[j], mine[i] + float(cost[i, j]))
            if coupling[i, j] > 0:
                mine[i] = min(mine[i], shop[j] - float(cost[i, j]))
    return -torch.tensor(mine), torch.tensor(shop)


def largest_routes(coupling, cost):
    """Arrows back along the largest route of each mine only."""
    used = torch.nn.functional.one_hot(coupling.argmax(1), cost.shape[1])
    return right(used, cost)


TRIALS.mutants("too-few-rounds", once_through=once_through)
TRIALS.mutants("not-tight", largest_routes=largest_routes)
